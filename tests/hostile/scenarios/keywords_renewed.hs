# nothing learnt before TLS is kept
#: status: 0
#: says: SIZE 2222
#: never-says: 1111|XBEFORE|AUTH|CHUNKING|STARTTLS|XCLIENT|PRDR|BINARYMIME|PLUS
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1111|AUTH PLAIN|XBEFORE
serve STARTTLS
send 220 go
starttls
keywords SIZE 2222|STARTTLS|CHUNKING|BINARYMIME|XCLIENT NAME|PRDR|DSN
serve
