# a NUL must not hide STARTTLS
#: policy: require_tls = true
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile
keywords STARTTLS
reply EHLO 250-host\0ile\r\n250 STARTTLS
serve
