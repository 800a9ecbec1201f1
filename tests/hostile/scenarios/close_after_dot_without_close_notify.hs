# closed after the final dot, TLS cut off
#: status: fail
#: never-says: 250 2\.0\.0 kept
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
starttls
serve DATA
send 354 go
readdata
cut
