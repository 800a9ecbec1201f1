# 250 to DATA after the application has its 354: a protocol error closes both sides
#: policy: early_replies = true
#: status: fail
#: never-says: 250 2\.0\.0 (kept|what)
#: log: protocol error
#: never-hears: # data
#: never-hears: SECRET
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve STARTTLS
send 220 go
starttls
keywords PIPELINING
reply DATA 250 2.0.0 what
serve
