# a client that knows only HELO gets TLS too
#: client: --protocol SMTP
#: status: 0
#: hears: tls C: "(HELO|EHLO) client\.a\.example
#: says: <-  250
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve
