# a second 220 in the segment of the first
#: status: fail
#: connections: 1
#: log: attack
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
sendraw 220 go\r\n220 go\r\n
starttls
serve
