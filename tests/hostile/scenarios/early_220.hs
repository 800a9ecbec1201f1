# the reply to STARTTLS comes with the reply to EHLO
#: status: fail
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
expect EHLO *
sendraw 250-hostile\r\n250 STARTTLS\r\n220 go\r\n
starttls
serve
