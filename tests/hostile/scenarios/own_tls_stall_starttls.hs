# the server says nothing to the application's STARTTLS
#: fast:
#: policy: application_tls = allow; require_tls = true; message_override = tighten
#: client: --tls
#: status: fail
#: says: 421 4\.4\.2 mailseal
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve
connection
send 220 hostile again
keywords STARTTLS|PIPELINING
silent STARTTLS
serve
