#: policy: require_tls = true; verify_certificate = true
#: status: 0
#: hears: tls C: "MAIL
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
#: log: certificate-verified="?(yes|true)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
cert wildcard
serve
