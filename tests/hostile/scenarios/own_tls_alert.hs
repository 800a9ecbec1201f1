# the server answers the application's ClientHello with an alert
#: policy: application_tls = allow; require_tls = true; message_override = tighten
#: client: --tls
#: status: fail
#: log: event=application-tls .*tls=no protocol=- 
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve
connection
send 220 hostile again
keywords STARTTLS|PIPELINING
serve STARTTLS
send 220 go
readsome 100
sendraw \x15\x03\x03\x00\x02\x02\x28
readall
