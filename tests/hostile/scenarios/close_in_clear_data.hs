# the same in the clear
#: status: fail
#: never-says: 250 2\.0\.0 kept
send 220 hostile ESMTP
serve DATA
send 354 go
readsome 20
close
