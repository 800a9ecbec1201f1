# a server that ends its lines with LF alone
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
sendraw 220 hostile\n
expect EHLO *
sendraw 250-hostile\n250 STARTTLS\n
expect STARTTLS
sendraw 220 go\n
starttls
serve
