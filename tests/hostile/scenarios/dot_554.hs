#: status: fail
#: says: 554 5\.6\.0 spam
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
starttls
reply . 554 5.6.0 spam
serve
