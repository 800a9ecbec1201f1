#: policy: require_tls = true; violation = "reject"
#: status: fail
#: refused-at: .
#: says: <\*\* 5[0-9][0-9] 5\.7\.
#: only: EHLO QUIT
send 220 hostile ESMTP
serve
