# the server closes in place of the replies to MAIL and RCPT
#: policy: early_replies = true
#: status: fail
#: never-says: 250 2\.1\.5
#: log: connection lost
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve STARTTLS
send 220 go
starttls
keywords PIPELINING
serve MAIL
expect RCPT*
close
