# DATA is refused after the application has its 354: the refusal is the final reply, the content goes nowhere
#: policy: early_replies = true
#: status: fail
#: says: 354 mailseal
#: says: 451 4\.3\.0 later
#: never-hears: # data
#: never-hears: SECRET
#: hears: tls C: "RSET
#: log: reply="451 4\.3\.0 later"
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve STARTTLS
send 220 go
starttls
keywords PIPELINING
reply DATA 451 4.3.0 later
serve
