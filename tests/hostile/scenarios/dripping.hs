# replies come byte by byte
#: status: 0
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
sendraw 2
sleep 5
sendraw 2
sleep 5
sendraw 0
sleep 5
sendraw -a\r\n
sendraw 2
sleep 20
sendraw 20 b\r
sleep 20
sendraw \n
keywords STARTTLS
serve MAIL
sendraw 2
sleep 20
sendraw 5
sleep 20
sendraw 0 ok\r
sleep 20
sendraw \n
serve
