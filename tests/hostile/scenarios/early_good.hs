# MAIL and the first RCPT come together, before MAIL is answered; no content comes before the 354
#: policy: early_replies = true
#: status: 0
#: says: 250 2\.1\.0 mailseal: sender noted
#: says: 354 mailseal
#: says: 250 2\.0\.0 kept
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
send 220 hostile ESMTP
keywords STARTTLS|PIPELINING
serve STARTTLS
send 220 go
starttls
keywords PIPELINING
serve MAIL
expect RCPT TO:<a@b.example>
send 250 2.1.0 sender
send 250 2.1.5 recipient
serve DATA
sleep 200
send 354 go
readdata
send 250 2.0.0 kept
serve
