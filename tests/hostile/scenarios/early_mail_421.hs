# 421 to a MAIL that the application has its 250 for
#: policy: early_replies = true
#: status: fail
#: says: 421 4\.3\.2 closing
#: never-hears: C: "DATA
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve STARTTLS
send 220 go
starttls
keywords PIPELINING
serve MAIL
expect RCPT*
send 421 4.3.2 closing
close
