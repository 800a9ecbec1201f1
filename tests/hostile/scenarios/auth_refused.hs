#: client: --auth PLAIN --auth-user user --auth-password SECRETPASS
#: status: fail
#: says: 535
#: hears: tls C: "AUTH PLAIN
#: never-hears: plain C: "AUTH
send 220 hostile ESMTP
keywords STARTTLS|AUTH PLAIN
serve STARTTLS
send 220 go
starttls
reply AUTH 535 5.7.8 wrong
serve
