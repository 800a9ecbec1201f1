# a message might ask for less, so a fresh connection is made, which hears EHLO and QUIT alone
#: policy: require_tls = true
#: status: fail
#: refused-at: .
#: says: <\*\* 4[0-9][0-9] 4\.7\.5 
#: connections: 2
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
#: full:
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
readsome 5
sendraw HTTP/1.1 400 Bad Request\n\n
close
