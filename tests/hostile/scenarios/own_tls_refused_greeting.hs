# the fresh connection is not served
#: policy: application_tls = allow; require_tls = true; message_override = tighten
#: client: --tls
#: status: fail
#: says: 554 go away
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve
connection
send 554 go away
readall
