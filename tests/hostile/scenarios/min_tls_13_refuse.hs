# less than min_tls and on_bad_certificate = refuse
#: policy: min_tls = "1.3"; on_bad_certificate = "refuse"
#: status: fail
#: says: <\*\* 4[0-9][0-9] 4\.7\.5 mailseal: mx\.b\.example speaks only TLSv1\.2; 
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
protocols 1.2 1.2
serve
