# certificate self-signed
#: policy: require_tls = true; verify_certificate = true
#: status: fail
#: refused-at: .
#: says: <\*\* 4[0-9][0-9] 4\.7\.5 
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
#: log: certificate-verified="?(no|false)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
cert selfsigned
serve
