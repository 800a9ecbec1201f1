# silence instead of a greeting; the agent's patience is a hundredth
#: fast:
#: timeout: 100
#: client: --timeout 80
#: status: fail
#: hears: # client left
#: never-says: 250 2\.0\.0 kept
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
stall
