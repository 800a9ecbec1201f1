# the server offers STARTTLS once, and not again
#: policy: application_tls = allow; require_tls = true; message_override = tighten
#: client: --tls
#: status: fail
#: says: 454 4\.7\.0 mailseal: mx\.b\.example does not offer STARTTLS now
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve
connection
send 220 hostile again
keywords PIPELINING
serve
