# 500 to EHLO means: no ESMTP
#: status: 0
#: hears: plain C: "HELO
send 220 old
reply EHLO 500 5.5.1 what
serve
