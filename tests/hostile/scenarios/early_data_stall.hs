# silence in place of the 354, while the content is being held; the agent's patience is a hundredth
#: policy: early_replies = true
#: fast:
#: timeout: 100
#: client: --timeout 80
#: status: fail
#: says: 421 4\.4\.2
#: hears: # client left
#: never-hears: SECRET
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve STARTTLS
send 220 go
starttls
keywords PIPELINING
serve DATA
stall
