# Connections that go on from one application to the next: one at the server, and a message each; and when they must not.
# shellcheck shell=bash

# send [ARGUMENT ...]: a process of its own, one message
send() {
	use_swaks "$@"
	equal "$status" 0 "swaks $*: $(tail -n 3 "$W/client.out")"
}
connects() { grep -c ': connect from' "$pf/log/mail.log"; }
has_transactions() { [ "$(grep -c 'event=transaction' "$log")" -ge "$1" ]; }
# reuses WORD ...: of each session, in order
reuses() {
	until_true 5 has_transactions $# || fail "less than $# transactions"
	equal "$(sed -nE 's/.*event=transaction .* reused=(yes|no) .*/\1/p' "$log" | xargs)" "$*" "reused"
}
# kept MESSAGES CONNECTIONS: what the hostile server has of them
kept() {
	equal "$(find "$W/data" -type f | wc -l)" "$1" "messages"
	equal "$(connections)" "$2" "connections"
}
good='send 220 hostile ESMTP
keywords STARTTLS|SIZE 1000000|8BITMIME
serve STARTTLS
send 220 go
starttls'

t_processes_share_a_connection() {
	product
	postfix_start
	policy 'require_tls = true'
	capture_start
	send
	send
	send
	capture_stop
	stored 3
	over_tls
	equal "$(connects)" 1 "connections"
	reuses no yes yes
	holds "$log" 'reused=yes tls=yes protocol=TLSv1.3 .*certificate-verified=yes .*verdict=tls-verified'
	wire starttls SECRET a@b.example sender@a.example
}

t_off() {
	product
	postfix_start
	policy 'connection_reuse = 0'
	send
	send
	stored 2
	equal "$(connects)" 2 "connections"
	reuses no no
}

t_other_name_gets_its_own_and_leaves_the_kept_one() {
	product
	postfix_start
	policy
	send
	use_swaks --helo other.example
	equal "$status" 0
	holds "$W/client.out" '^<-? +250-mx\.b\.example'
	use_swaks --helo client.a.example --protocol SMTP
	equal "$status" 0
	send
	send --helo other.example
	send
	stored 6
	over_tls
	equal "$(connects)" 3 "connections"
	reuses no no no yes yes yes
}

t_refusals_and_sources_get_their_own() {
	product
	postfix_start
	policy
	send
	use_swaks --to unknown@b.example
	refute test "$status" = 0
	send
	send --local-interface 127.0.0.2
	send
	stored 4
	# the refusal came over the first; behind it there is another, and one for the other source
	equal "$(connects)" 3 "connections"
	reuses no yes no no yes
}

t_networks_get_their_own() {
	product
	postfix_start
	policy
	send
	sealed unshare -n swaks --to a@b.example --server mx.b.example --helo client.a.example
	refute test "$status" = 0
	send
	stored 2
	equal "$(stored_count)" 2 "messages"
	equal "$(connects)" 1 "connections"
}

t_changed_domains_get_their_own() {
	product
	postfix_start
	policy
	mkdir "$W/mailseal.d"
	send
	echo 'sender "a.example" { require_tls = true }' >"$W/mailseal.d/domains.conf"
	send
	stored 2
	equal "$(connects)" 2 "connections"
	equal "$(agents | wc -l)" 1 "agents"
	holds "$log" 'reused=no .*policy="require_tls by sender'
}

t_logins_get_their_own() {
	product
	policy
	hostile <<-'END'
		send 220 hostile ESMTP
		keywords STARTTLS|AUTH PLAIN
		reply AUTH 235 2.7.0 ok
		serve
	END
	send
	send --auth PLAIN --auth-user u --auth-password SECRETPASS
	until_true 5 grep -q '^1 .* tls C: "QUIT' "$W/transcript" || fail "the kept connection was left without QUIT"
	lacks "$W/transcript" '^1 .* tls C: "AUTH'
	send
	kept 3 3
	reuses no no no
	nothing_plain
}

# The kept connection is gone before the next session, or ends as the next session begins: a fresh one, and each message once.
gone() {
	product
	policy 'require_tls = true'
	printf '%s\n' "$good" "$@" connection 'send 220 hostile ESMTP' 'keywords STARTTLS|SIZE 1000000|8BITMIME' serve | hostile
	send
	sleep 0.1
	send
	kept 2 2
	nothing_plain
}
t_closed_behind_reset() { gone 'serve RSET' close; }
t_closed_while_kept() { gone 'serve RSET' 'send 250 flushed' cut; }
t_421_while_kept() { gone 'serve RSET' 'send 250 flushed' 'send 421 4.4.2 idle' close; }
t_reset_answered_twice() { gone 'serve RSET' 'send 250 flushed' 'send 250 flushed' readall; }
t_reset_refused() { gone 'serve RSET' 'send 502 what' readall; }
t_reset_not_answered() {
	fast_product
	policy 'require_tls = true'
	printf '%s\n' "$good" 'serve RSET' readall connection 'send 220 hostile ESMTP' 'keywords STARTTLS|SIZE 1000000|8BITMIME' serve | hostile
	send
	send
	kept 2 2
}

t_closed_at_the_next_mail() {
	gone 'serve RSET' 'send 250 flushed' 'serve MAIL' close
	holds "$W/transcript" '^1 .* tls C: "MAIL'
	holds "$W/transcript" '^2 .* tls C: "MAIL'
	reuses no no
}
t_421_at_the_next_mail() { gone 'serve RSET' 'send 250 flushed' 'serve MAIL' 'send 421 4.4.2 idle' close; }
t_reset_at_the_next_mail() { gone 'serve RSET' 'send 250 flushed' 'serve MAIL' rst; }

# A fresh one that is worse, or another: the application hears 421, and keeps its message.
worse() {
	product
	policy 'session_resumption = false'
	printf '%s\n' "$good" 'serve RSET' 'send 250 flushed' 'serve MAIL' close connection 'send 220 hostile ESMTP' "$@" serve | hostile
	send
	sleep 0.1
	use_swaks
	refute test "$status" = 0
	holds "$W/client.out" '421 4\.4\.2 mailseal'
	kept 1 2
	nothing_plain
}
t_renewed_with_other_keywords() { worse 'keywords STARTTLS|SIZE 1000000|8BITMIME|DSN'; }
t_renewed_without_starttls() { worse 'keywords SIZE 1000000|8BITMIME'; }
t_renewed_with_a_bad_certificate() { worse 'keywords STARTTLS|SIZE 1000000|8BITMIME' 'cert selfsigned'; }

t_lost_after_mail_is_a_loss() {
	product
	policy
	printf '%s\n' "$good" 'serve RSET' 'send 250 flushed' 'serve RCPT' close | hostile
	send
	sleep 0.1
	use_swaks
	refute test "$status" = 0
	kept 1 1
}

t_parallel_sessions_never_share() {
	local i pids=()
	product
	postfix_start
	policy 'require_tls = true'
	send
	for i in 1 2 3 4 5 6 7 8 9 10; do
		LD_PRELOAD=$BUILD/libmailseal.so swaks --to a@b.example --from s@a.example --server mx.b.example \
			--helo client.a.example --body "body $i" >"$W/out.$i" 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do check wait "$i"; done
	stored 11
	equal "$(stored_count)" 11 "messages"
	for i in 1 2 3 4 5 6 7 8 9 10; do
		equal "$(grep -lx "body $i" "$W"/mail/new/* | wc -l)" 1 "body $i"
	done
	lacks "$log" 'protocol error|attack'
}

t_agent_that_is_told_to_end_says_quit() {
	product
	policy
	hostile good_server.hs
	send
	kill -TERM "$(agents)"
	settle
	until_true 5 grep -q '^1 .* tls C: "QUIT' "$W/transcript"
	holds "$W/transcript" '^1 .* tls C: "QUIT'
	send
	kill -KILL "$(agents)"
	send
	kept 3 3
}

# An agent that logs to the terminal of its last application goes with it.
t_kept_ones_keep_no_agent() {
	product
	policy
	hostile good_server.hs
	MAILSEAL_LOG=stderr send
	until_true 1 test -z "$(agents)" || fail "the agent stays"
	holds "$W/transcript" '^1 .* tls C: "QUIT'
	kept 1 1
}

t_users_of_the_system_agent_get_their_own() {
	local uid
	product
	policy 'require_tls = true'
	hostile good_server.hs
	mkdir -p /run/mailseal
	"$MAILSEAL_AGENT" --listen /run/mailseal/agent.sock --config "$conf" --log "$log" 2>"$W/agent.err" &
	until_true 5 test -S /run/mailseal/agent.sock
	unset MAILSEAL_CONFIG
	for uid in 1234 1235 1234; do
		sealed setpriv --reuid $uid --regid 1234 --clear-groups swaks --to a@b.example --server mx.b.example \
			--helo client.a.example
		equal "$status" 0 "as $uid"
	done
	kept 3 2
	reuses no no yes
}

# Mail servers, each delivery a process of its own.
t_exim_finds_the_connection_of_the_one_before() {
	product
	exim_prepare smarthost
	postfix_start
	policy 'require_tls = true'
	message "$W/message"
	use_exim "$W/message" a@b.example
	use_exim "$W/message" a@b.example
	stored 2
	over_tls
	equal "$(connects)" 1 "connections"
	reuses no yes
}

# Exim drops a connection after ten commands that are not for mail: what one session said must not count for the next.
t_sessions_with_exim_are_answered_as_on_their_own() {
	product
	exim_listens
	tr '/' '\n' <<-'END' >"$W/kinds"
		EHLO MESSAGE QUIT/EHLO MESSAGE NOOP NOOP NOOP QUIT/EHLO MESSAGE RSET QUIT/EHLO MESSAGE RSET NOOP QUIT
		EHLO QUIT/QUIT/EHLO RSET MESSAGE RSET MESSAGE RSET QUIT/EHLO RSET RSET MESSAGE QUIT/CLOSE/EHLO CLOSE
		EHLO RSET MESSAGE NOOP NOOP NOOP NOOP NOOP NOOP NOOP NOOP NOOP NOOP QUIT
		EHLO MESSAGE NOOP NOOP NOOP NOOP NOOP NOOP NOOP NOOP NOOP NOOP NOOP QUIT
		EHLO MESSAGE EHLO MESSAGE QUIT/EHLO MESSAGE VRFY NOOP QUIT/EHLO VRFY MESSAGE QUIT/EHLO MESSAGE HELP QUIT
	END
	sed 's/^/1 /' "$W/kinds" >"$W/once"
	sed 's/^/4 /' "$W/kinds" >"$W/often"
	sed -n 's/^/30 /;1,4p' "$W/kinds" >>"$W/often"
	sed 's/^/2 /' "$W/kinds" | shuf --random-source="$pki/good.pem" >"$W/mixed"
	policy 'connection_reuse = 0'
	sealed /usr/bin/python3 "$E2E/clients/sessions.py" mx.b.example 25 "$W/once"
	sort -u "$W/client.out" >"$W/alone"
	equal "$status $(wc -l <"$W/alone")" "0 $(wc -l <"$W/kinds")" "alone: $(tail -n 3 "$W/client.out")"
	: >"$log"
	policy 'require_tls = true'
	sealed /usr/bin/python3 "$E2E/clients/sessions.py" mx.b.example 25 "$W/once" "$W/often" "$W/mixed"
	sort -u "$W/client.out" >"$W/among"
	same_file "$W/alone" "$W/among"
	holds "$log" 'reused=yes'
}

# Whoever comes by, and does not use it, makes it last no longer.
t_those_who_pass_by_make_it_last_no_longer() {
	local i
	product
	policy
	hostile good_server.hs
	printf '%s\n' '1 EHLO MESSAGE QUIT' >"$W/first"
	printf '%s\n' '1 QUIT' '1 EHLO QUIT' '1 EHLO CLOSE' '1 CLOSE' '1 EHLO RSET QUIT' >"$W/others"
	for ((i = 0; i < 9; i++)); do echo "1 EHLO QUIT"; done >>"$W/others"
	sealed /usr/bin/python3 "$E2E/clients/sessions.py" mx.b.example 25 "$W/first" "$W/others"
	equal "$status" 0 "$(tail -n 2 "$W/client.out")"
	until_true 5 grep -q '^1 .* tls C: "QUIT' "$W/transcript"
	equal "$(grep -c '^1 .* tls C: "RSET' "$W/transcript")" 1 "RSET"
	equal "$(grep -c '^1 .* tls C: "QUIT' "$W/transcript")" 1 "QUIT"
	kept 1 1
}
