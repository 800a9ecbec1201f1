#: status: fail
#: says: 550 5\.1\.1 nobody
#: never-hears: # data
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
starttls
reply RCPT 550 5.1.1 nobody
serve
