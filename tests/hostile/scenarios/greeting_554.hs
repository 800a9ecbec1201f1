#: status: fail
#: says: 554
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
send 554 5.3.2 not today
serve
