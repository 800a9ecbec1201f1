# reset in the middle of the handshake; a fresh connection in the clear is allowed
#: status: 0
#: connections: 2
#: never-hears: ^1 .* C: "(MAIL|RCPT|DATA)
#: full:
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
readsome 5
rst
connection
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve
