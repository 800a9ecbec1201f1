# a reply to MAIL without an end
#: status: fail
#: never-says: 250 2\.0\.0 kept
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
starttls
serve MAIL
fill 300000 250-x\r\n
close
