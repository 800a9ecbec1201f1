# the server closes instead of answering the application's STARTTLS
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
serve STARTTLS
close
