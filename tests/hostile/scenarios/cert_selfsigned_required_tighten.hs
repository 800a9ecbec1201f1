# refused at MAIL, for no message can change it: inside TLS the server hears no more
#: policy: require_tls = true; verify_certificate = true; message_override = "tighten"
#: status: fail
#: refused-at: MAIL
#: says: <\*\* 4[0-9][0-9] 4\.7\.5 
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
#: log: certificate-verified="?(no|false)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
cert selfsigned
serve
