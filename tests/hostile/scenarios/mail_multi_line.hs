#: status: 0
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
starttls
reply MAIL 250-2.0.0 one\r\n250 2.0.0 two
serve
