# refused at MAIL: no message can change it
#: policy: require_tls = true; message_override = "tighten"
#: status: fail
#: refused-at: MAIL
#: says: <\*\* 4[0-9][0-9] 4\.[37]\.
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
reply STARTTLS 454 4.7.0 TLS not available
serve
