# a NUL in the reply to MAIL: no crash, nothing in the clear
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
starttls
reply MAIL 250 2.0.0 o\0k
serve
