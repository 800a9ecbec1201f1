# binary garbage instead of ServerHello
#: status: 0
#: connections: 2
#: hears: ^2 .* plain C: "MAIL
#: never-hears: ^1 .* C: "(MAIL|RCPT|DATA)
#: full:
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
readsome 5
sendraw \xfe\xff\x80\x81\x82\x83\x84\x85\x86\x87
garbage 2000
close
connection
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve
