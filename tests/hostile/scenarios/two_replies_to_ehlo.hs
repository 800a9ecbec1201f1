# two replies to EHLO in the clear: a protocol error closes both sides
#: status: fail
#: never-says: 250 2\.0\.0 kept
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
#: log: protocol error
#: never-hears:  C: "MAIL
send 220 hostile ESMTP
keywords STARTTLS
reply EHLO 250-hostile\r\n250 STARTTLS\r\n250 again
serve
