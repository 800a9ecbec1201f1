# credentials are never sent in the clear, not even on the fresh connection
#: client: --auth LOGIN --auth-user user --auth-password SECRETPASS
#: status: fail
#: never-hears: plain C: "(AUTH|dXNlcg|U0VDUkVU)
send 220 hostile ESMTP
keywords STARTTLS|AUTH LOGIN PLAIN
serve STARTTLS
send 220 go
readsome 5
close
connection
send 220 hostile ESMTP
keywords AUTH LOGIN PLAIN
serve
