# a server of another kind
#: status: fail
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
send SSH-2.0-OpenSSH_9.2
readall
