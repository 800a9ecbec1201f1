# closed inside the greeting's line
#: status: fail
#: never-says: 250 2\.0\.0 kept
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
sendraw 220 hosti
close
