# a greeting without an end
#: status: fail
#: never-says: 250 2\.0\.0 kept
sendraw 220 
fill 3000000 x
close
