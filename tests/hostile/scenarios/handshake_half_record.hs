# closed inside the first record
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
sendraw \x16\x03\x03\x00\x7a\x02\x00
close
connection
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve
