# verify_certificate holds by default, so a self-signed server gets no credentials
#: client: --auth PLAIN --auth-user user --auth-password SECRETPASS
#: status: fail
#: says: 454 4\.7\.0
#: never-hears: C: "(AUTH|AHVzZXIA)
send 220 hostile ESMTP
keywords STARTTLS|AUTH PLAIN
cert selfsigned
serve
