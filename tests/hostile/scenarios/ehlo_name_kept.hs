#: status: 0
#: hears: plain C: "EHLO client\.a\.example
#: hears: tls C: "EHLO client\.a\.example
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve
