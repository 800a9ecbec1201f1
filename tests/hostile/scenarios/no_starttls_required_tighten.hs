# refused at MAIL: no message can change it
#: policy: require_tls = true; message_override = "tighten"
#: status: fail
#: refused-at: MAIL
#: says: <\*\* 4[0-9][0-9] 4\.7\.4 
#: only: EHLO QUIT
#: connections: 1
send 220 hostile ESMTP
keywords SIZE 1000|PIPELINING
serve
