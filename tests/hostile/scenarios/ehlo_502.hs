# 502 to EHLO means: no ESMTP
#: status: 0
#: hears: plain C: "HELO
send 220 old
reply EHLO 502 5.5.1 what
serve
