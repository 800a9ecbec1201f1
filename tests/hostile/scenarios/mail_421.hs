#: status: fail
#: says: 421
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
starttls
reply MAIL 421 4.3.2 closing
serve MAIL
send 421 4.3.2 closing
close
