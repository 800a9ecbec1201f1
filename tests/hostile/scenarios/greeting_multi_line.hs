#: status: 0
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
sendraw 220-hostile\r\n220-two\r\n220 three\r\n
keywords STARTTLS
serve
