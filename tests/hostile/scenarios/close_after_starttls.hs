# closed without a reply to STARTTLS: as a failed handshake
#: status: 0
#: connections: 2
#: hears: ^2 .* plain C: "MAIL
#: never-hears: ^1 .* C: "(MAIL|RCPT|DATA)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
close
connection
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve
