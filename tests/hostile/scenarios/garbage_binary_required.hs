# binary garbage instead of ServerHello
#: policy: require_tls = true; message_override = "tighten"
#: status: fail
#: refused-at: MAIL
#: says: <\*\* 4[0-9][0-9] 4\.7\.5 
#: connections: 1
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
#: full:
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
readsome 5
sendraw \xfe\xff\x80\x81\x82\x83\x84\x85\x86\x87
garbage 2000
close
