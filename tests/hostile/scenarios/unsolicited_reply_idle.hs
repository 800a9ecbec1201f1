# a reply that nobody asked for, a little late: it may answer RCPT, but never the content
#: status: fail
#: never-says: 250 2\.0\.0 kept
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
starttls
serve RCPT
send 250 2.0.0 ok\r\n354 go\r\n250 2.0.0 kept
serve
