#: status: 0
#: hears: sni=mx\.b\.example
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve
