# refused inside TLS only: relayed, never answered by falling back
#: status: fail
#: says: 550
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
starttls
reply EHLO 550 5.7.1 no
reply HELO 550 5.7.1 no
serve
