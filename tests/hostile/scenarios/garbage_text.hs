# text that is no SMTP instead of ServerHello
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
sendraw HTTP/1.1 400 Bad Request\n\n
close
connection
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve
