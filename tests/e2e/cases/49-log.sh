# The log: what is written where, how often, and by whom it can be read.
# shellcheck shell=bash

# stop_agents: they are told to end, and have ended.
stop_agents() {
	local pids
	pids=$(agents)
	# shellcheck disable=SC2086
	[ -z "$pids" ] || kill $pids
	until_true 5 no_agents || fail "an agent stays"
}
no_agents() { [ -z "$(agents)" ]; }

# told FILE PATTERN: how many events the lines stand for
told() { grep -E -- "$2" "$1" | awk '{ n++; if (match($0, / suppressed=[0-9]+/)) n += substr($0, RSTART + 12, RLENGTH - 12) } END { print n + 0 }'; }

# connects HOST COUNT: they fail
connects() {
	sealed python3 -c '
import socket, sys
for i in range(int(sys.argv[2])):
    try:
        socket.create_connection((sys.argv[1], 25)).close()
    except OSError:
        pass' "$@"
	equal "$status" 0
}

t_server_that_is_down_does_not_fill_the_log() {
	product
	policy
	connects mx.b.example 40
	logged 'event=connect-refused .*host="mx\.b\.example" addr=127\.0\.0\.10:25 reason="Connection refused"$'
	equal "$(grep -c event= "$log")" 5 "lines before the end"
	stop_agents
	equal "$(grep -c event= "$log")" 6 "lines"
	holds "$log" 'event=connect-refused .*reason="Connection refused" suppressed=34$'
	equal "$(told "$log" event=connect-refused)" 40 "events"
}

# While the agent has other things to do, what was counted is told on time.
t_what_was_suppressed_is_told_on_time() {
	fast_product
	policy
	hostile good_server.hs
	sealed python3 -c '
import socket, time
stays = socket.create_connection(("mx.b.example", 25))
for i in range(20):
    try:
        socket.create_connection(("127.0.0.99", 25)).close()
    except OSError:
        pass
time.sleep(1)'
	equal "$(told "$log" 'addr=127\.0\.0\.99:25')" 20 "events"
	equal "$(grep -c 'suppressed=14$' "$log")" 1 "summaries"
}

# A server that accepts and says nothing of use is down, too; what was judged is always told.
t_broken_connections_are_counted_and_transactions_never() {
	product
	policy 'require_tls = true'
	hostile <<-'END'
		close
	END
	sealed python3 -c '
import smtplib
for i in range(30):
    try:
        smtplib.SMTP("mx.b.example", 25)
    except (OSError, smtplib.SMTPException):
        pass'
	stop_agents
	equal "$(told "$log" event=connection)" 30 "connections"
	equal "$(grep -c event=connection "$log")" 6 "lines of them"
}

t_every_blocked_transaction_is_told() {
	product
	policy 'require_tls = true' 'message_override = "tighten"'
	hostile <<-'END'
		send 220 mx ESMTP
		keywords PIPELINING
		serve
	END
	sealed python3 -c '
import smtplib
for i in range(30):
    with smtplib.SMTP("mx.b.example", 25) as s:
        s.ehlo()
        s.docmd("MAIL FROM:<s@a.example>")'
	stop_agents
	equal "$(grep -c 'event=transaction .*verdict=blocked' "$log")" 30 "lines"
	lacks "$log" suppressed
}
