# `mailseal report`, on lines that real sessions left, held against what the servers recorded.
# shellcheck shell=bash

# report [OPTION ...]: in report.txt, and the same as JSON in report.json
report() {
	plain "$BUILD/mailseal" report "$@"
	cp "$W/client.out" "$W/report.txt"
	"$BUILD/mailseal" report --json "$@" >"$W/report.json" 2>/dev/null
	return 0
}

# is EXPRESSION VALUE: of the JSON `r`, in Python
is() {
	local got
	got=$(/usr/bin/python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
t = r["total"]["events"]
def row(**k): return next(x for x in r["rows"] if all(x[n] == v for n, v in k.items()))
print(eval(sys.argv[2]))' "$W/report.json" "$1" 2>&1)
	equal "$got" "$2" "$1"
}

# to HOST [OPTION ...]: one message
to() {
	sealed swaks --to a@b.example --from sender@a.example --helo client.a.example --server "$1" --body x "${@:2}"
}

servers() {
	product
	postfix_start
	sed -i '/b\.example/d' /etc/hosts
	printf '%s\n' '127.0.0.10 mx.b.example' '127.0.0.11 self.b.example' '127.0.0.14 clear.b.example' \
		'127.0.0.16 old.b.example' '127.0.0.77 down.b.example' >>/etc/hosts
	policy 'application_tls = "allow"' 'message_override = "tighten"' -- \
		'sender "strict.example" { require_tls = true }' \
		'recipient "bank.example" { require_tls = true verify_certificate = true }' \
		'recipient "soft.example" { require_tls = true mode = "observe" }' \
		'host "127.0.0.15" { intercept = false }'
}

sessions() {
	to mx.b.example; to mx.b.example --to a@bank.example
	to self.b.example; to self.b.example --to a@bank.example
	to clear.b.example; to old.b.example
	to clear.b.example --to a@b.example,b@b.example,c@bank.example,unknown@b.example
	to clear.b.example --to unknown@b.example
	to clear.b.example --from s@strict.example; to clear.b.example --from s@strict.example
	to clear.b.example --to a@soft.example
	to clear.b.example --from '<>'
	to mx.b.example --tls
	to 127.0.0.15 --tls; to 127.0.0.15
	to down.b.example
	to mx.b.example --quit-after EHLO
}

# Messages that Postfix stored, by what its own header says of their coming.
clear_files() { grep -LE 'using TLSv1' -r "$W/mail/new" | wc -l; }

t_counts_are_what_the_servers_recorded() {
	servers
	sessions
	logged 'event=connection '
	# 9 messages with 11 recipients, by mailseal; one by the program's own TLS; two past it
	until_true 20 has_stored 12 || fail "$(stored_count) stored"
	report "$log"
	equal "$status" 0
	is 't["tls-verified"], t["tls-unverified"], t["cleartext"], t["blocked"], t["would-block"]' '(2, 1, 4, 3, 1)'
	is 't["application-tls"], t["relayed"], t["failed"], t["no-mail"], t["undecided"], t["attack"]' '(1, 2, 1, 1, 1, 0)'
	is 'r["total"]["recipients"]["blocked"]' 4
	# what went in the clear, of what Postfix stored in the clear: two recipients of one, and one that was relayed
	equal "$(($(clear_files) - 2))" 5 "messages in the clear, as Postfix tells"
	is 'r["in_the_clear"]["messages"], r["total"]["taken"]' '(5, 8)'
	is '[(h["host"], h["messages"]) for h in r["in_the_clear"]["hosts"]]' "[('clear.b.example', 4), ('old.b.example', 1)]"
	is 'r["total"]["envelopes_in_the_clear"], r["log"]["damaged"], r["in_the_clear"]["in_doubt"]' '(1, 0, True)'
	is 'row(host="clear.b.example", recipient="bank.example")["events"]["blocked"]' 1
	is 'row(host="clear.b.example", sender="strict.example")["events"]["blocked"]' 2
	is 'row(host="clear.b.example", sender="<>")["events"]["cleartext"]' 1
	is '[x["reason"] for x in r["reasons"] if x["outcome"] == "failed"]' "['Connection refused']"
	is 'sorted({x["policy"].split(" by ")[1].split(",")[0] for x in r["reasons"] if x["outcome"] == "blocked"})' \
		"['recipient \"bank.example\"', 'sender \"strict.example\"']"
	holds "$W/report.txt" '^In the clear: 5 messages \(1 of them only because of observe mode\), [0-9]+ bytes, to clear\.b\.example$'
	holds "$W/report.txt" '2 connections passed untouched \(intercept = false\)'
	check test "$(awk '{ print length }' "$W/report.txt" | sort -n | tail -n 1)" -le 100
}

# Its header comes behind the envelope, which the server has heard by then.
t_message_that_forbids_itself_leaves_doubt() {
	product
	policy
	hostile <<<$'send 220 hostile ESMTP\nserve'
	to mx.b.example --add-header 'Mailseal-Require-TLS: yes'
	logged 'event=transaction .*verdict=blocked'
	check grep -q 'plain C: "RCPT' "$W/transcript"
	report --fail-on doubt "$log"
	equal "$status" 1
	holds "$W/report.txt" '^- Of 1 message no content went out, but the sender or recipients may have'
}

# Each octet of these is four in the log.
t_long_addresses_keep_nothing_out_of_the_log() {
	local long=длинное-имя-которое-не-кончается
	product
	policy 'message_override = "ignore"'
	hostile <<-'END'
		send 220 hostile ESMTP
		keywords SMTPUTF8|8BITMIME
		serve
	END
	sealed /usr/bin/python3 - "$long" <<-'END'
		import socket, sys
		s = socket.create_connection(("127.0.0.10", 25)); f = s.makefile("rb")
		def say(*lines):
		    for line in lines:
		        s.sendall(line.encode() + b"\r\n")
		        while f.readline()[3:4] == b"-": pass
		f.readline()
		say("EHLO client.a.example", f"MAIL FROM:<{sys.argv[1]}@a.example> SMTPUTF8")
		say(*[f"RCPT TO:<{sys.argv[1]}@{i}.{sys.argv[1]}.example>" for i in range(10)])
		say("DATA", "Subject: x\r\n\r\nx\r\n.", "QUIT")
	END
	logged 'event=transaction '
	report "$log"
	holds "$W/report.txt" '^In the clear: 1 message, '
	is 'r["log"]["damaged"], t["cleartext"], r["total"]["recipients"]["cleartext"]' '(0, 1, 10)'
}

# Under a strict policy the last line can be sworn to.
t_nothing_in_the_clear() {
	servers
	policy 'require_tls = true' 'application_tls = "refuse"'
	to mx.b.example; to self.b.example; to clear.b.example; to old.b.example; to mx.b.example --tls; to down.b.example
	logged 'event=connect-refused'
	report --fail-on cleartext,doubt "$log"
	equal "$status" 0 "$(cat "$W/report.txt")"
	holds "$W/report.txt" '^In the clear: 0 messages\.$'
	holds "$W/report.txt" '^Nothing in the log speaks against that\.$'
	equal "$(clear_files)" 0 "messages in the clear, as Postfix tells"
	head -c -30 "$log" >"$W/torn"
	plain "$BUILD/mailseal" report --fail-on doubt "$W/torn"
	equal "$status" 1 "with a torn line"
}

# As the log daemon of a machine without a journal leaves it, rotated and packed.
t_files_of_syslog_are_found() {
	local i
	product
	policy
	hostile good_server.hs
	for i in 1 2 3; do use_swaks; done
	until_true 5 test "$(grep -c event=transaction "$log")" = 3
	mount -t tmpfs tmpfs /var/log || skip "no tmpfs over /var/log"
	report
	is 'r["log"]["source"], t["tls-verified"]' "('$log', 3)"
	unset MAILSEAL_LOG
	syslog() { sed -E "s/^[^ ]+ /$(date '+%b %e %H:%M:%S') host /" "$log" | sed -n "$1p"; echo "$(date '+%b %e %H:%M:%S') host cron[1]: x"; }
	syslog 1 >/var/log/mail.log
	syslog 2 >/var/log/mail.log.1
	syslog 3 | gzip -c >/var/log/mail.log.2.gz
	report
	equal "$status" 0
	holds "$W/report.txt" '^Read: /var/log/mail\.log and 2 files more, 6 lines; 3 counted'
	is 't["tls-verified"], r["log"]["other_programs"]' '(3, 3)'
	rm /var/log/mail.log*
	report
	equal "$status" 66
	holds "$W/report.txt" 'no line of mailseal in the journal, nor in a file that syslog writes'
}

t_a_real_journal() {
	local since form
	product
	policy -- 'sender "strict.example" { require_tls = true verify_certificate = true }'
	systemd_start
	hostile good_server.hs
	unset MAILSEAL_LOG
	report
	equal "$status" 66 "before anything was logged"
	for u in billing shop; do
		unit $u.service <<-END
			[Service]
			Type=oneshot
			Environment=LD_PRELOAD=$BUILD/libmailseal.so MAILSEAL_CONFIG=$conf MAILSEAL_AGENT=$BUILD/mailseal-agent
			ExecStart=/usr/bin/swaks --to a@b.example --from s@$u.example --server mx.b.example --body x
		END
		booted systemctl start $u.service || fail "$(booted journalctl -n 20 --no-pager)"
	done
	journal_holds 'unit="shop.service".* verdict=' -t mailseal
	# somebody who would like it to look worse, or better
	sed -n 's/.*mailseal\[[0-9]*\]: //p' <(booted journalctl -q -t mailseal -o short --no-pager) | head -n 1 |
		sed 's/tls=yes/tls=no/; s/verdict=tls-verified/verdict=cleartext/; s/certificate-verified=yes/certificate-verified=-/' >"$W/forged"
	booted setpriv --reuid 5603 --regid 5603 --clear-groups /usr/bin/python3 -c 'import sys, syslog, time
syslog.openlog("mailseal", syslog.LOG_PID, syslog.LOG_MAIL)
syslog.syslog(open(sys.argv[1]).read().strip())
time.sleep(1)' "$W/forged"
	journal_holds 'verdict=cleartext' -t mailseal
	since=$(date +%s)
	plain booted "$BUILD/mailseal" report --json
	equal "$status" 0
	cp "$W/client.out" "$W/report.json"
	is 't["tls-verified"], t["cleartext"], r["log"]["not_by_an_agent"], r["log"]["source"]' "(2, 0, 1, 'the journal')"
	is 'sorted(x["sender"] for x in r["rows"])' "['billing.example', 'shop.example']"
	plain booted env SYSTEMD_COLORS=1 "$BUILD/mailseal" report --unit shop
	holds "$W/client.out" '^Read: the journal, 3 lines; 1 counted'
	plain booted "$BUILD/mailseal" report --unit shop --since -1h
	holds "$W/client.out" 'Read: the journal, 3 lines; 1 counted'
	plain booted "$BUILD/mailseal" report --since "@$((since + 3600))" --until "@$((since + 7200))"
	equal "$status" 0
	holds "$W/client.out" '^Read: the journal, 0 lines; 0 counted'
	plain booted "$BUILD/mailseal" report --since 2020-01-01 --journal=/run/log/journal
	holds "$W/client.out" '^Read: the journal in /run/log/journal, 3 lines; 2 counted'
	holds "$W/client.out" '^- What was read begins at 20'
	plain booted setpriv --reuid 5603 --regid 5603 --clear-groups "$BUILD/mailseal" report
	equal "$status" 77 "$(cat "$W/client.out")"
	holds "$W/client.out" 'group systemd-journal or adm'
	plain booted bash -c "journalctl -q -t mailseal -o json | '$BUILD/mailseal' report -"
	holds "$W/client.out" 'Read: standard input, 3 lines; 2 counted'
	# Here nobody vouches for the third; that the times are understood is seen by the period.
	for form in short short-iso short-iso-precise short-precise short-full short-unix; do
		plain booted bash -c "journalctl -q -t mailseal -o $form | '$BUILD/mailseal' report --since -1h -"
		equal "$status" 0 "$form: $(cat "$W/client.out")"
		holds "$W/client.out" 'Read: standard input, 3 lines; 3 counted, 0 of other programs, 0 damaged\.$'
	done
	for form in with-unit cat export verbose json-pretty short-monotonic; do
		plain booted bash -c "journalctl -q -t mailseal _UID=0 -o $form | '$BUILD/mailseal' report -"
		equal "$status" 65 "$form: $(cat "$W/client.out")"
		holds "$W/client.out" 'what is read: files of syslog and of mailseal, and of journalctl -o json, short, '
	done
}

# Not all that sends is in the journal: what units tell of other logs is read, or at least told.
t_logs_of_services_elsewhere() {
	local u target
	product
	policy
	systemd_start
	hostile <<<$'send 220 hostile ESMTP\nkeywords SIZE 1000000\nserve'
	unset MAILSEAL_LOG
	mkdir -p /var/log/own /usr/lib/systemd/system/hidden.service.d
	for u in plain:journal billing:/var/log/own/mail.log shop:stderr hidden:/tmp/hidden.log; do
		target=${u#*:} u=${u%:*}
		unit "$u.service" <<-END
			[Service]
			Type=oneshot
			Environment=LD_PRELOAD=$BUILD/libmailseal.so MAILSEAL_CONFIG=$conf MAILSEAL_AGENT=$BUILD/mailseal-agent MAILSEAL_LOG=$target
			ExecStart=/usr/bin/swaks --to a@b.example --from s@$u.example --server mx.b.example --body x
		END
	done
	printf '%s\n' '[Service]' PrivateTmp=yes | unit hidden.service.d/private.conf
	plain booted "$BUILD/mailseal" report --unit shop
	equal "$status" 66 "before anything was logged"
	holds "$W/client.out" 'shop.service logs to standard error, which was not read; journalctl -u shop.service -o cat \| mailseal report - reads it$'
	check booted systemctl start plain billing shop
	journal_holds 'unit="plain.service".* verdict=' -t mailseal
	plain booted "$BUILD/mailseal" report --json --fail-on doubt
	equal "$status" 1
	cp "$W/client.out" "$W/report.json"
	is 't["cleartext"], r["log"]["source"]' "(2, 'the journal and 1 file of services')"
	is 'len([x for x in r["in_the_clear"]["remarks"] if "which was not read" in x])' 2
	plain booted "$BUILD/mailseal" report --unit billing --fail-on doubt
	equal "$status" 0 "$(cat "$W/client.out")"
	holds "$W/client.out" '^In the clear: 1 message'
	plain booted "$BUILD/mailseal" report --journal
	holds "$W/client.out" '^- billing.service logs to /var/log/own/mail.log, which was not read; mailseal report'
	plain booted bash -c "journalctl -u shop.service -o cat | '$BUILD/mailseal' report -"
	equal "$status" 0
	holds "$W/client.out" '^In the clear: 1 message'
	# What is in the journal too would count twice.
	sed 's#/var/log/own/mail.log#/var/log/mail.log#' /usr/lib/systemd/system/billing.service | unit billing.service.new
	booted mv /usr/lib/systemd/system/billing.service.new /usr/lib/systemd/system/other.service
	booted cp /var/log/own/mail.log /var/log/mail.log
	plain booted "$BUILD/mailseal" report --unit billing --unit other
	holds "$W/client.out" '^In the clear: 1 message'
	holds "$W/client.out" '^- other.service logs to /var/log/mail.log, which was not read'
	# As a rotation leaves it, and as a user may see it.
	booted mv /var/log/own/mail.log /var/log/own/mail.log.1
	plain booted "$BUILD/mailseal" report --unit billing
	holds "$W/client.out" '^In the clear: 1 message'
	booted mkfifo /var/log/own/mail.log
	plain booted timeout 10 "$BUILD/mailseal" report --unit billing --unit plain
	equal "$status" 0
	holds "$W/client.out" '^- billing.service logs to /var/log/own/mail.log, which was not read'
}

# Whatever an agent may write.
t_each_event_is_known() {
	local event events
	events=$(sed -n 's/^\.It Cm event=\([a-z-]*\)$/\1/p' "$ROOT/tools/man/mailseal-agent.8")
	check test "$(wc -w <<<"$events")" -ge 12
	for event in $events; do
		echo "2026-11-27T10:00:00+0000 mailseal[1]: event=$event session=1.1" >"$W/line"
		report "$W/line"
		is 'r["log"]["unknown_events"]' 0
	done
}
