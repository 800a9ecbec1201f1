# the server closes in place of the 354
#: policy: early_replies = true
#: status: fail
#: never-says: 250 2\.0\.0 (kept|what)
#: never-hears: SECRET
#: log: connection lost
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve STARTTLS
send 220 go
starttls
keywords PIPELINING
serve DATA
close
