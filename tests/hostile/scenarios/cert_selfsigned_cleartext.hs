# on_bad_certificate = cleartext leaves for a fresh connection
#: policy: on_bad_certificate = "cleartext"
#: status: 0
#: connections: 2
#: hears: ^2 .* plain C: "MAIL
#: never-hears: ^1 .* C: "MAIL
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
cert selfsigned
serve
