# the server resets after its 220 to the application's STARTTLS
#: policy: application_tls = allow; require_tls = true; message_override = tighten
#: client: --tls
#: status: fail
#: log: event=application-tls .*tls=no
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve
connection
send 220 hostile again
keywords STARTTLS|PIPELINING
serve STARTTLS
send 220 go
rst
