# mailseal's handshake fails, the application's does not
#: policy: application_tls = allow; require_tls = true; message_override = tighten
#: client: --tls
#: status: 0
#: connections: 2
#: log: event=application-tls .*tls=yes
#: hears: 2 .* tls C: "MAIL
#: full:
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve STARTTLS
send 220 go
readsome 100
sendraw \x15\x03\x03\x00\x02\x02\x28
rst
connection
send 220 hostile again
keywords STARTTLS|PIPELINING
serve
