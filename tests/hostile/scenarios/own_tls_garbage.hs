# the server answers the application's ClientHello with something else
#: policy: application_tls = allow; require_tls = true; message_override = tighten
#: client: --tls
#: status: fail
#: log: event=application-tls .*tls=no .*note="protocol error: no TLS of the server
#: never-says: evil
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve
connection
send 220 hostile again
keywords STARTTLS|PIPELINING
serve STARTTLS
send 220 go
readsome 100
send 250 evil
readall
