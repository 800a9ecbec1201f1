# the default: stays encrypted, and the log says that it is not verified
#: status: 0
#: hears: tls C: "MAIL
#: connections: 1
#: log: certificate-verified="?(no|false)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
cert selfsigned
serve
