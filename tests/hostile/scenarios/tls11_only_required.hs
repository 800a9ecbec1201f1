# TLS 1.1 at most, below the default minimum
#: policy: require_tls = true; message_override = "tighten"
#: status: fail
#: refused-at: MAIL
#: says: <\*\* 4[0-9][0-9] 4\.7\.5 
#: connections: 1
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
#: full:
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
protocols 1.0 1.1
starttls
serve
