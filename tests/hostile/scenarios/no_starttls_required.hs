# Under require_tls such a server hears EHLO and QUIT and nothing else.
#: policy: require_tls = true
#: status: fail
#: refused-at: .
#: says: <\*\* 4[0-9][0-9] 4\.7\.4 
#: only: EHLO QUIT
#: connections: 1
send 220 hostile ESMTP
keywords SIZE 1000|PIPELINING
serve
