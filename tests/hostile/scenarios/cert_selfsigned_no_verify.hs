#: policy: require_tls = true; verify_certificate = false
#: status: 0
#: hears: tls C: "MAIL
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
cert selfsigned
serve
