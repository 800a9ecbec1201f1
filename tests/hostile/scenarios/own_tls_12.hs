# the application's own TLS is older than mailseal's
#: policy: application_tls = allow; require_tls = true; message_override = tighten
#: client: --tls
#: status: 0
#: log: event=application-tls .*tls=yes protocol=TLSv1\.2
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve
connection
send 220 hostile again
keywords STARTTLS|PIPELINING
protocols 1.2 1.2
serve
