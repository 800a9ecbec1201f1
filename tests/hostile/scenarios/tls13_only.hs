#: status: 0
#: hears: tls # tls TLSv1.3 
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
protocols 1.3 1.3
serve
