# mailseal must refuse the certificate, which the application need not
#: policy: application_tls = allow; require_tls = true; message_override = tighten
#: client: --tls
#: status: 0
#: connections: 2
#: log: event=application-tls .*tls=yes
#: hears: 2 .* tls C: "MAIL
send 220 hostile ESMTP
cert selfsigned
keywords STARTTLS|PIPELINING
serve
connection
send 220 hostile again
keywords STARTTLS|PIPELINING
cert selfsigned
serve
