# 501 to EHLO is the server's word, not absence of STARTTLS
#: never-hears:  C: "HELO
#: status: fail
#: says: 501 
#: never-hears:  C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile
reply EHLO 501 5.5.4 name not liked
serve
