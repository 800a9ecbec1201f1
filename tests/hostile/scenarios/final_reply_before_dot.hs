# the final 250 comes with the 354: a protocol error closes both sides
#: status: fail
#: never-says: 250 2\.0\.0 kept
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
#: log: protocol error
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
starttls
reply DATA 354 go\r\n250 2.0.0 kept
serve
