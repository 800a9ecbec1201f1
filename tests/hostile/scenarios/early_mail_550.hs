# MAIL is refused after the application has its 250: the refusal answers RCPT
#: policy: early_replies = true
#: status: fail
#: says: 550 5\.7\.1 not you \(in reply to MAIL\)
#: never-says: 503
#: never-hears: C: "DATA
#: hears: tls C: "RCPT
#: log: reply="550 5\.7\.1 not you \(in reply to MAIL\)"
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve STARTTLS
send 220 go
starttls
keywords PIPELINING
reply MAIL 550 5.7.1 not you
serve
