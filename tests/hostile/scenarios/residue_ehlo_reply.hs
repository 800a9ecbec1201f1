# the reply to an EHLO that was never sent
#: status: fail
#: connections: 1
#: log: attack
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
sendraw 220 go\r\n250-hostile\r\n250 AUTH PLAIN\r\n
starttls
serve
