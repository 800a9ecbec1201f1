# a reply to EHLO without an end
#: status: fail
#: never-says: 250 2\.0\.0 kept
send 220 hostile ESMTP
expect EHLO *
fill 300000 250-SIZE\r\n
close
