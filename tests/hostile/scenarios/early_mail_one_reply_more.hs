# a reply more than there were commands: a protocol error closes both sides
#: policy: early_replies = true
#: status: fail
#: log: protocol error
#: never-hears: # data
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve STARTTLS
send 220 go
starttls
keywords PIPELINING
serve MAIL
expect RCPT*
sendraw 250 2.1.0 sender\r\n250 2.1.5 recipient\r\n250 2.1.5 another\r\n
serve
