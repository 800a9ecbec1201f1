# the reply to MAIL comes with the one to EHLO inside TLS
#: status: fail
#: log: protocol error
#: never-hears: # data
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
starttls
reply EHLO 250 hostile\r\n250 2.0.0 ok
serve
