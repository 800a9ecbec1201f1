# several steps, and a challenge of 11,000 octets
#: client: --auth LOGIN --auth-user user --auth-password SECRETPASS
#: status: 0
#: hears: tls C: "AUTH LOGIN
#: hears: tls C: "dXNlcg==
#: hears: tls C: "U0VDUkVUUEFTUw==
#: never-hears: plain C: "(AUTH|dXNlcg|U0VDUkVU)
send 220 hostile ESMTP
keywords STARTTLS|AUTH LOGIN PLAIN
serve STARTTLS
send 220 go
starttls
keywords AUTH LOGIN PLAIN
serve AUTH
sendraw 334 
fill 2750 QUJD
sendraw \r\n
expect dXNlcg==
send 334 UGFzc3dvcmQ6
expect U0VDUkVUUEFTUw==
send 235 2.7.0 in
serve
