# an empty line in the segment of the 220
#: status: fail
#: connections: 1
#: log: attack
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
sendraw 220 go\r\n\r\n
starttls
serve
