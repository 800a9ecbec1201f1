# the server refuses the application's STARTTLS, and the application goes on
#: policy: application_tls = allow
#: client: --tls-optional
#: status: 0
#: says: 454 not now
#: hears: 2 .* plain C: "MAIL
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve
connection
send 220 hostile again
keywords STARTTLS|PIPELINING
reply STARTTLS 454 not now
serve
