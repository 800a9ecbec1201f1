#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
send 220 hos\0tile
keywords STARTTLS
serve
