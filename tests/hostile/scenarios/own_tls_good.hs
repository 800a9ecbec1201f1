# the application's own TLS, on a connection of its own
#: policy: application_tls = allow; require_tls = true; message_override = tighten
#: client: --tls
#: status: 0
#: connections: 2
#: log: event=application-tls .*tls=yes protocol=TLSv1\.3
#: hears: 2 .* tls C: "MAIL
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve
connection
send 220 hostile again
keywords STARTTLS|PIPELINING
serve
