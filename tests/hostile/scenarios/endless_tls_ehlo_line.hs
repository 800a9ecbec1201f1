# a line without an end in the reply to EHLO inside TLS
#: status: fail
#: never-says: 250 2\.0\.0 kept
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
starttls
expect EHLO *
sendraw 250-
fill 3000000 x
close
