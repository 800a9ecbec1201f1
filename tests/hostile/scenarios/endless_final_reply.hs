# a final reply without an end
#: status: fail
#: never-says: 250 2\.0\.0 kept
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
starttls
serve DATA
send 354 go
readdata
fill 300000 250-2.0.0 keptkept\r\n
close
