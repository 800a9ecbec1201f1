# silence instead of a reply to MAIL; the agent's patience is a hundredth
#: fast:
#: timeout: 100
#: client: --timeout 80
#: status: fail
#: hears: # client left
#: never-says: 250 2\.0\.0 kept
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
starttls
serve MAIL
stall
