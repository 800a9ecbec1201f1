# 421 may come at any time and is passed on
#: status: fail
#: says: 421 4\.3\.2 shutting
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
starttls
serve MAIL
sendraw 250 2.0.0 ok\r\n421 4.3.2 shutting down\r\n
close
