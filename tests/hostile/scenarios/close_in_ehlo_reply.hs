# closed between the lines of the reply to EHLO
#: status: fail
#: never-says: 250 2\.0\.0 kept
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
expect EHLO *
send 250-hostile
sendraw 250-STARTT
close
