# 250 is no 220: the handshake must not begin.
#: never-hears: client hello
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
reply STARTTLS 250 2.0.0 fine
serve
