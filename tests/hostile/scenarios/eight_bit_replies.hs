# 8-bit text in replies is no reason to lose mail
#: status: 0
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
send 220 h\xe9llo \xff
keywords STARTTLS
serve STARTTLS
send 220 los gehts \xe4
starttls
reply MAIL 250 2.0.0 \xc3\xa4
serve
