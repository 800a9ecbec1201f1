# refused at MAIL: no message can change it
#: policy: require_tls = true; message_override = "tighten"
#: status: fail
#: refused-at: MAIL
#: says: <\*\* 4[0-9][0-9] 4\.7\.4 
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
send 220 old
reply EHLO 502 5.5.1 what
serve
