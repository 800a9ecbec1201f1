#: policy: require_tls = true; min_tls = "1.3"
#: status: fail
#: refused-at: .
#: says: <\*\* 4[0-9][0-9] 4\.7\.5 
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
protocols 1.2 1.2
serve
