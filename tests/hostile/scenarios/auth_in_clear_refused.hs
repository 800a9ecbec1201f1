# credentials never cross in the clear by default
#: client: --auth LOGIN --auth-user user --auth-password SECRETPASS
#: status: fail
#: says: 454 4\.7\.0
#: never-hears: C: "(AUTH|dXNlcg|U0VDUkVU)
send 220 hostile ESMTP
keywords AUTH LOGIN PLAIN
serve
