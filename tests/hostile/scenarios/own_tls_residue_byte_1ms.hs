# an octet that might begin a record 1 ms after the 220 to the application's STARTTLS
#: policy: application_tls = allow; require_tls = true; message_override = tighten
#: client: --tls
#: status: fail
#: connections: 2
#: log: event=attack
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve
connection
send 220 hostile again
keywords STARTTLS|PIPELINING
serve STARTTLS
send 220 go
sleep 1
sendraw \x16
readall
