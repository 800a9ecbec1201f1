# a greeting of lines without end
#: status: fail
#: never-says: 250 2\.0\.0 kept
fill 300000 220-x\r\n
close
