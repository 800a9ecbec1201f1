# less than min_tls where TLS is not required: like a bad certificate, still better than cleartext
#: policy: min_tls = "1.3"
#: status: 0
#: never-hears: plain C: "(MAIL|RCPT|DATA|AUTH)
#: log: verdict=tls-unverified
send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
protocols 1.2 1.2
serve
