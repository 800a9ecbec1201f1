#: status: 0
#: hears: plain C: "MAIL
send 220 hostile ESMTP
keywords SIZE 1000|PIPELINING
serve
