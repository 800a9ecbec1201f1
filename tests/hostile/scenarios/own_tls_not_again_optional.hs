# the server offers STARTTLS once, and not again: the application that goes on is held against policy
#: policy: application_tls = allow; require_tls = true; message_override = tighten
#: client: --tls-optional
#: status: fail
#: says: 454 4\.7\.4 mailseal: mx\.b\.example does not offer STARTTLS; require_tls by host
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve
connection
send 220 hostile again
keywords PIPELINING
serve
