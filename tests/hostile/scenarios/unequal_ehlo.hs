# unequal codes in the reply to EHLO inside TLS: a protocol error closes both sides
#: status: fail
#: never-says: 250 2\.0\.0 kept
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
#: log: protocol error
#: never-hears:  C: "MAIL
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
starttls
reply EHLO 220-hostile\r\n250 SIZE
serve
