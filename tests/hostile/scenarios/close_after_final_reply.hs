# closed after the final reply: the 250 counts, the loss is QUIT's alone
#: says: 250 2\.0\.0 kept
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
starttls
serve DATA
send 354 go
readdata
send 250 2.0.0 kept
close
