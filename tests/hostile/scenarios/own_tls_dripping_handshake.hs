# the server answers the application's ClientHello octet by octet, for ever
#: fast:
#: policy: application_tls = allow; require_tls = true; message_override = tighten
#: client: --tls
#: status: fail
#: log: event=application-tls .*tls=no .*note="timeout"
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve
connection
send 220 hostile again
keywords STARTTLS|PIPELINING
serve STARTTLS
send 220 go
readsome 100
sendraw \x16\x03\x03\x3f\xff\x02\x00\x3f\xf0
repeat 200
sleep 20
sendraw x
end
readall
