# one byte 50 ms after the 220
#: status: fail
#: connections: 1
#: log: attack
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
sleep 50
sendraw 2
starttls
serve
