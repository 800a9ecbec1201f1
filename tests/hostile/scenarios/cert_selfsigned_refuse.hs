#: policy: on_bad_certificate = "refuse"
#: status: fail
#: says: <\*\* 4[0-9][0-9] 4\.7\.5 
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
cert selfsigned
serve
