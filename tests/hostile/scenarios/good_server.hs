# An ordinary server with STARTTLS, for the deliveries before and after a scenario.
#: skip:
send 220 good ESMTP
keywords STARTTLS|PIPELINING
serve
