# the reply to EHLO comes with the greeting: a protocol error closes both sides
#: status: fail
#: never-says: 250 2\.0\.0 kept
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
#: log: protocol error
#: never-hears:  C: "MAIL
sendraw 220 hostile\r\n250 hostile\r\n
readall
