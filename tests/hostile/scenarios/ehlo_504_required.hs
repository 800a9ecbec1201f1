#: policy: require_tls = true
#: status: fail
#: refused-at: .
#: says: <\*\* 4[0-9][0-9] 4\.7\.4 
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
send 220 old
reply EHLO 504 5.5.1 what
serve
