# TLS records behind one stray byte
#: status: fail
#: connections: 1
#: log: attack
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
sleep 100
sendraw \n
starttls
serve
