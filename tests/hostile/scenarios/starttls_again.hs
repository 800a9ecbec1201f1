# STARTTLS offered inside TLS is neither shown nor used
#: status: 0
#: never-says: STARTTLS
#: never-hears: tls C: "STARTTLS
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve
