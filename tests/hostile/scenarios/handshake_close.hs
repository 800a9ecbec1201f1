# closed in the middle of the handshake
#: status: 0
#: connections: 2
#: hears: ^2 .* plain C: "MAIL
#: never-hears: ^1 .* C: "(MAIL|RCPT|DATA)
#: full:
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
readsome 5
close
connection
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve
