#: status: fail
#: says: 421
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
send 421 4.3.2 not now
close
