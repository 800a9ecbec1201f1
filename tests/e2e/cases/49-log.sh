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

# Each user of the system agent is counted by himself, and nothing is lost of it when the agent ends.
t_users_do_not_hide_each_other() {
	local uid agent
	product
	policy
	chmod 755 "$W"
	"$MAILSEAL_AGENT" --listen "$W/agent.sock" --config "$conf" --log "$log" 2>"$W/agent.err" &
	agent=$!
	until_true 5 listens_at "$W/agent.sock"
	export MAILSEAL_SOCKET=$W/agent.sock MAILSEAL_AGENT=$W/none
	for uid in 5611 5612; do
		sealed setpriv --reuid $uid --regid $uid --clear-groups python3 -c '
import socket
for i in range(30):
    try:
        socket.create_connection(("127.0.0.99", 25)).close()
    except OSError as e:
        assert e.errno == 111, e'
		equal "$status" 0 "$(tail -n 1 "$W/client.out")"
		equal "$(grep -c "event=connect-refused .*uid=$uid" "$log")" 5 "lines of $uid"
	done
	kill -TERM $agent
	wait $agent
	for uid in 5611 5612; do
		equal "$(told "$log" "event=connect-refused .*uid=$uid .*Connection refused")" 30 "events of $uid"
		equal "$(grep -c "event=connect-refused .*uid=$uid" "$log")" 6 "lines of $uid"
	done
}

# mail_unit NAME [DIRECTIVE ...]: a service that sends one message, with what its log shall be like
mail_unit() {
	local name=$1
	shift
	unit "$name" <<-END
		[Service]
		Type=oneshot
		Environment=LD_PRELOAD=$BUILD/libmailseal.so MAILSEAL_CONFIG=$conf MAILSEAL_AGENT=$BUILD/mailseal-agent
		$(printf '%s\n' "$@")
		ExecStart=/usr/bin/swaks --to a@b.example --from s@a.example --server mx.b.example --body x
	END
}

# The log as an administrator finds it: nothing said of a target.
t_journal_has_a_field_for_each_key() {
	product
	policy 'require_tls = true'
	systemd_start
	hostile good_server.hs
	mail_unit 'billing@a\x2db.service'
	booted systemctl start 'billing@a\x2db.service' || fail "$(booted journalctl -n 20 --no-pager)"
	journal_holds 'verdict=tls-verified' -t mailseal MAILSEAL_VERDICT=tls-verified MAILSEAL_HOST=mx.b.example \
		'MAILSEAL_UNIT=billing@a\x2db.service' MAILSEAL_CERTIFICATE_VERIFIED=yes MAILSEAL_SENDER=s@a.example \
		SYSLOG_FACILITY=2 PRIORITY=6 -o cat
	booted journalctl -t mailseal MAILSEAL_EVENT=transaction -o json >"$W/entry.json"
	plain python3 -c '
import json, sys
e = json.load(open(sys.argv[1]))
print(e["_TRANSPORT"], e["MESSAGE"], e["MAILSEAL_POLICY"], e["SYSLOG_PID"] == e["_PID"], sep="\n")' "$W/entry.json"
	holds "$W/client.out" '^journal$'
	holds "$W/client.out" '^event=transaction .* unit="billing@a\\\\x2db\.service" host="mx\.b\.example" .* bytes=[0-9]+$'
	holds "$W/client.out" "^require_tls by default, $conf:1\$|^require_tls by default, mailseal.conf"
	holds "$W/client.out" '^True$'
	# So does what the library says by itself.
	mail_unit lonely.service
	sed -i 's|MAILSEAL_AGENT=[^ ]*|MAILSEAL_AGENT=/nowhere MAILSEAL_SOCKET=none|' /usr/lib/systemd/system/lonely.service
	booted systemctl daemon-reload
	refute booted systemctl start lonely.service
	journal_holds '^event=connect-refused .*file="/nowhere"$' -t mailseal MAILSEAL_EVENT=connect-refused MAILSEAL_UNIT=lonely.service \
		MAILSEAL_HOST=mx.b.example MAILSEAL_ADDR=127.0.0.10:25 MAILSEAL_FILE=/nowhere MAILSEAL_ERRNO=ENOENT PRIORITY=3 _TRANSPORT=journal -o cat
}

# The agent's own unit is not to keep it from the journal.
t_journal_of_the_system_agent() {
	product
	policy
	systemd_start
	hostile good_server.hs
	grep -vE '^(ExecStart|User|DynamicUser)=' "$ROOT/tools/systemd/mailseal-agent.service" | unit mailseal-agent.service
	mkdir -p /etc/systemd/system/mailseal-agent.service.d /etc/mailseal-test
	cp "$conf" /etc/mailseal.conf
	cp "$pki/ca.pem" /etc/mailseal-test/ca.pem
	sed -i "s|$pki/ca.pem|/etc/mailseal-test/ca.pem|" /etc/mailseal.conf
	chmod -R a+rX /etc/mailseal.conf /etc/mailseal-test
	cp "$BUILD/mailseal-agent" /usr/lib/systemd/system/mailseal-agent
	printf '[Service]\nDynamicUser=yes\nExecStart=/usr/lib/systemd/system/mailseal-agent\n' >/etc/systemd/system/mailseal-agent.service.d/here.conf
	unit mailseal-agent.socket <"$ROOT/tools/systemd/mailseal-agent.socket"
	booted systemctl start mailseal-agent.socket || fail "no socket"
	mail_unit caller.service
	sed -i "s|^Environment=.*|& MAILSEAL_SOCKET=/run/mailseal/agent.sock|" /usr/lib/systemd/system/caller.service
	sed -i 's|MAILSEAL_CONFIG=[^ ]*||; s|MAILSEAL_AGENT=[^ ]*|MAILSEAL_AGENT=/nowhere|' /usr/lib/systemd/system/caller.service
	booted systemctl daemon-reload
	booted systemctl start caller.service || fail "$(booted journalctl -n 20 --no-pager)"
	journal_holds 'verdict=tls-verified' -t mailseal MAILSEAL_UNIT=caller.service _SYSTEMD_UNIT=mailseal-agent.service -o cat
}

# A journal that is stopped, full or gone holds nothing up.
t_journal_that_stands_still() {
	local sent
	product
	policy
	echo 8 >/proc/sys/net/unix/max_dgram_qlen || skip "the queue of datagrams cannot be set"
	systemd_start
	hostile good_server.hs
	journald=$(booted systemctl show -p MainPID --value systemd-journald.service)
	booted kill -STOP "$journald"
	MAILSEAL_LOG=syslog sealed python3 -c '
import smtplib
for i in range(40):
    with smtplib.SMTP("mx.b.example", 25) as s:
        s.sendmail("s@a.example", "a@b.example", "x")'
	equal "$status" 0
	sent=$(grep -c 'tls # data' "$W/transcript")
	equal "$sent" 40 "messages"
	booted kill -CONT "$journald"
	journal_holds 'event=transaction' -t mailseal -o cat
	MAILSEAL_LOG=syslog use_swaks
	journal_holds 'event=log reason="[0-9]+ lines were lost"' -t mailseal MAILSEAL_EVENT=log -o cat
	until_true 5 sums_up 41 || fail "$(booted journalctl -t mailseal -o cat | cut -c 1-100)"
	# another one
	booted systemctl restart systemd-journald.service
	MAILSEAL_LOG=journal use_swaks
	until_true 5 sums_up 42 || fail "after the restart: $(booted journalctl -t mailseal -o cat | cut -c 1-100)"
}

# sums_up COUNT: transactions in the journal, and lines lost
sums_up() {
	[ "$(booted journalctl -q -t mailseal -o cat | sed -n 's/.*reason="\([0-9]*\) lines were lost".*/\1/p; s/^event=transaction.*/1/p' | awk '{ n += $1 } END { print n }')" = "$1" ]
}

# Where another daemon reads /dev/log, it gets the lines, journal or not; and where there is no journal.
t_syslog_daemon() {
	local target
	product
	policy
	hostile good_server.hs
	bed_devices
	python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
while True:
    print(s.recv(65536).decode(), flush=True)' >"$W/syslog.log" &
	until_true 5 test -S /dev/log
	for target in syslog journal; do
		MAILSEAL_LOG=$target use_swaks
		equal "$status" 0
		until_true 5 test -s "$W/syslog.log"
		holds "$W/syslog.log" '^<22>[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} mailseal\[[0-9]+\]: event=transaction .*verdict=tls-verified .*bytes=[0-9]+$'
		: >"$W/syslog.log"
	done
	# A file on a full disk: its lines go there.
	ln -s /dev/full "$W/full"
	MAILSEAL_LOG=$W/full use_swaks
	equal "$status" 0
	until_true 5 grep -q 'event=transaction' "$W/syslog.log"
	holds "$W/syslog.log" '^<20>.*event=log reason=".*/full: No space left on device; logging to syslog meanwhile"$'
}

t_logrotate() {
	local i
	need logrotate
	product
	policy
	hostile good_server.hs
	mkdir -m 755 "$W/rotated"
	export MAILSEAL_LOG=$W/rotated/mail.log
	sed -e "s|/var/log/mailseal.log|$MAILSEAL_LOG|; s|delaycompress|nocompress|" "$ROOT/tools/logrotate/mailseal" >"$W/rotate.conf"
	sealed python3 -c '
import os, smtplib, subprocess, sys
for i in range(30):
    with smtplib.SMTP("mx.b.example", 25) as s:
        s.sendmail("s@a.example", "a@b.example", "x")
    if i % 5 == 4:
        subprocess.run(["logrotate", "-f", "-s", sys.argv[1] + "/state", sys.argv[1] + "/rotate.conf"],
            env={"PATH": os.environ["PATH"]}, check=True)' "$W"
	equal "$status" 0 "$(tail -n 3 "$W/client.out")"
	stop_agents
	equal "$(cat "$W/rotated"/* | grep -c 'event=transaction')" 30 "lines"
	check test "$(ls "$W/rotated" | wc -l)" -ge 4
}

# --- trace --------------------------------------------------------------------------------------

traced() { sed -n 's/.* event=trace .* dir=\([^ ]*\) line="\(.*\)"$/\1 \2/p' "${1:-$log}"; }

t_dialogue_is_told() {
	product
	policy 'trace = ".b.example"'
	hostile good_server.hs
	message "$W/message"
	use_swaks --data "@$W/message.swaks"
	equal "$status" 0
	logged 'line="\[end'
	traced | sed -E 's/\[[0-9]+ octets/[N octets/' >"$W/traced"
	diff -u - "$W/traced" <<-'END' || fail "another dialogue"
		- [connected]
		<server 220 good ESMTP
		<app 220 good ESMTP
		app> EHLO client.a.example
		>server EHLO client.a.example
		<server 250-hostile.example / 250-STARTTLS / 250 PIPELINING
		>server STARTTLS
		<server 220 go
		- [TLSv1.3, certificate verified]
		>server EHLO client.a.example
		<server 250-hostile.example / 250-STARTTLS / 250 PIPELINING
		<app 250-hostile.example / 250 PIPELINING
		app> MAIL FROM:<sender@a.example>
		<app 250 2.1.0 mailseal: sender noted
		app> RCPT TO:<a@b.example>
		>server MAIL FROM:<sender@a.example>
		>server RCPT TO:<a@b.example>
		<server 250 2.0.0 ok
		<server 250 2.0.0 ok
		<app 250 2.0.0 ok
		app> DATA
		<app 354 mailseal: end data with <CR><LF>.<CR><LF>
		>server DATA
		<server 354 go ahead
		>server [N octets of content, and its end]
		<server 250 2.0.0 [text hidden]
		<app 250 2.0.0 [text hidden]
		app> QUIT
		<app 221 2.0.0 mx.b.example
		- [end]
	END
	holds "$log" 'event=trace session=[0-9a-f]+\.1 pid=[0-9]+ uid=0 exe="/usr/bin/perl" unit="" host="mx\.b\.example" addr=127\.0\.0\.10:25 dir=- line="\[connected\]"$'
	holds "$log" 'event=trace session=[0-9a-f]+\.1 ms=[0-9]+ dir=app> line="EHLO client'
	lacks "$log" 'SECRET|From the beginning'
	plain "$BUILD/mailseal" check "$conf"
	equal "$status" 0
	holds "$W/client.out" 'warning: trace: the dialogue with these servers goes to the log'
}

# What holds of a password: none of its forms stands in anything that was written, whatever became of the login.
t_passwords_are_not_told() {
	local how
	product
	policy 'trace = "127.0.0.0/8"' 'protect_credentials = false'
	hostile <<-'END'
		send 220 mx ESMTP
		keywords STARTTLS|AUTH PLAIN LOGIN CRAM-MD5|PIPELINING
		serve
	END
	for how in PLAIN LOGIN CRAM-MD5; do
		sealed swaks --to a@b.example --from s@a.example --server mx.b.example --body SECRETBODY \
			--auth "$how" --auth-user theuser --auth-password p4ssw0rdCANARY
	done
	sealed python3 -c '
import base64, socket
secret = "p4ssw0rdCANARY"
coded = base64.b64encode(secret.encode()).decode()
with socket.create_connection(("mx.b.example", 25)) as s:
    f = s.makefile("rw", newline="\r\n")
    f.readline()
    for line in ["EHLO x", "AUTH " + coded, coded, "PASS " + secret, "NOOP " + secret,
            "MAIL FROM:<s@a.example> AUTH=" + secret, "VRFY " + secret, "XCLIENT LOGIN=" + secret]:
        f.write(line + "\r\n")
        f.flush()
        while f.readline()[3:4] == "-":
            pass'
	equal "$status" 0
	stop_agents
	check test "$(traced | wc -l)" -ge 60
	holds "$log" 'dir=app> line="AUTH PLAIN \[credentials hidden\]"'
	lacks "$log" "p4ssw0rd|$(printf p4ssw0rdCANARY | base64)|$(printf '\0theuser\0p4ssw0rdCANARY' | base64)|$(printf p4ssw0rdCANARY | od -An -tx1 | tr -d ' ')|SECRETBODY"
	lacks "$log" "$(printf theuser | base64)"
}

# The agent that runs is not to be started anew for it.
t_trace_is_switched_on_and_off_while_the_agent_runs() {
	product
	policy
	hostile good_server.hs
	"$MAILSEAL_AGENT" --listen "$W/agent.sock" --config "$conf" --log "$log" 2>"$W/agent.err" &
	until_true 5 listens_at "$W/agent.sock"
	export MAILSEAL_SOCKET=$W/agent.sock MAILSEAL_AGENT=$W/none
	use_swaks
	logged 'event=transaction'
	lacks "$log" event=trace
	sed -i 's/^default {/default { trace = "127.0.0.10"/' "$conf"
	use_swaks
	logged 'event=trace .*line="EHLO'
	sed -i 's/ trace = "127.0.0.10"//' "$conf"
	: >"$log"
	use_swaks
	logged 'event=transaction'
	lacks "$log" event=trace
}
listens_at() { ss -Hlx src "$1" | grep -q .; }

# A server that never ends talking does not fill the log.
t_trace_is_bounded() {
	product
	policy 'trace = "mx.b.example"'
	hostile good_server.hs
	sealed python3 -c '
import smtplib
with smtplib.SMTP("mx.b.example", 25) as s:
    s.ehlo()
    for i in range(500):
        s.noop()'
	equal "$status" 0
	logged 'line="\[too much: the trace ends here\]"$'
	stop_agents
	check test "$(traced | wc -l)" -le 402
	equal "$(traced | tail -n 1)" '- [too much: the trace ends here]'
}
