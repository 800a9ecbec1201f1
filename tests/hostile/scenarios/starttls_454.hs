# STARTTLS offered, but refused: cleartext where policy is opportunistic.
#: status: 0
#: hears: plain C: "MAIL
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
reply STARTTLS 454 4.7.0 TLS not available
serve
