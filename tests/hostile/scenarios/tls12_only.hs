#: status: 0
#: hears: tls # tls TLSv1.2 
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
protocols 1.2 1.2
serve
