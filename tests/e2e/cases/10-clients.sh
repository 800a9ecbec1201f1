# The main job, for each client: unmodified, plaintext, and what Postfix stored says ESMTPS.
# shellcheck shell=bash

py=/usr/bin/python3
clients=$E2E/clients

# delivery_begins, delivery_proven: around what a client does with the message in $W/message. The wire is watched
# meanwhile, and the body compared.
delivery_begins() {
	product
	policy 'require_tls = true'
	postfix_start
	message "$W/message"
	capture_start
}
delivery_proven() {
	stored 1
	capture_stop
	over_tls
	wire starttls a@b.example SECRET
	sed '1,/^$/d' "$W/message" >"$W/sent.body"
	same_file "$W/sent.body" "$W/stored.body"
	logged 'certificate-verified="?(yes|true)'
}

# delivered_by COMMAND ...: the whole of it
delivered_by() {
	delivery_begins
	sealed "$@"
	equal "$status" 0 "status of $1"
	delivery_proven
}

t_exim() {
	delivery_begins
	exim_prepare smarthost 'hosts_try_fastopen = *'
	use_exim "$W/message" a@b.example
	exim_said ' => a@b\.example .* C="250 '
	delivery_proven
}
t_swaks() { delivered_by swaks --to a@b.example --from sender@a.example --server mx.b.example --data "@$W/message.swaks"; }
t_curl() {
	delivered_by curl -sv --crlf smtp://mx.b.example/client.a.example --mail-from sender@a.example \
		--mail-rcpt a@b.example -T "$W/message"
}
t_msmtp() {
	need msmtp
	printf '%s\n' '#!/bin/sh' 'exec msmtp --host=mx.b.example --port=25 --tls=off --auth=off \
		--domain=client.a.example --from=sender@a.example a@b.example <"$1"' >"$W/send"
	chmod +x "$W/send"
	delivered_by "$W/send" "$W/message"
}
t_smtplib() { delivered_by $py "$clients/smtplib_client.py" mx.b.example 25 "$W/message"; }
t_net_smtp() { need perl; delivered_by perl "$clients/net_smtp.pl" mx.b.example 25 "$W/message"; }
t_php() { need php; delivered_by php "$clients/fsockopen.php" mx.b.example 25 "$W/message"; }
t_stdio() { delivered_by "$bin/stdio_client" mx.b.example 25 "$W/message"; }
t_bare_lf() { delivered_by bash "$clients/dev_tcp.sh" mx.b.example 25 "$W/message"; }
t_over_ipv6() { delivered_by "$bin/stdio_client" six.b.example 25 "$W/message"; }

# talks WAY [COUNT]: an odd client against Postfix; COUNT messages arrive, each over TLS
talks() {
	local n
	product
	policy 'require_tls = true'
	postfix_start
	capture_start
	sealed $py "$clients/talk.py" mx.b.example 25 "$1"
	equal "$status" 0 "status"
	for n in $(seq "${2:-1}"); do
		stored "$n"
		over_tls
		holds "$W/stored.body" '^SECRETBODY$'
	done
	capture_stop
	wire starttls a@b.example SECRET
}
t_talks_first() { talks first; }
t_pipelines() { talks pipeline 2; }
t_helo_only() {
	product
	policy 'require_tls = true'
	postfix_start
	sealed $py "$clients/talk.py" mx.b.example 25 helo
	equal "$status" 0
	stored 1
	checks=$((checks + 1))
	received_line | grep -q 'using TLSv1' || fail "not over TLS: $(received_line)"
}
t_no_greeting() {
	product
	policy 'require_tls = true'
	postfix_start
	sealed $py "$clients/talk.py" mx.b.example 25 no_greeting
	equal "$status" 0
	stored 1
	checks=$((checks + 1))
	received_line | grep -q 'using TLSv1' || fail "not over TLS: $(received_line)"
}
t_two_messages() { talks two 2; }
t_bytewise() { talks bytewise; }
t_halfclose() { talks halfclose; }
t_bdat_is_answered() { talks bdat 0; }
t_vanishing_client_leaves_no_message() {
	talks vanish 0
	sleep 1
	equal "$(stored_count)" 0 "messages"
	holds "$pf/log/mail.log" 'lost connection after DATA'
}

t_nonblocking() {
	product
	policy 'require_tls = true'
	postfix_start
	sealed "$bin/poll_client" mx.b.example 25
	equal "$status" 0
	stored 1
	over_tls
}

t_nonblocking_refused() {
	product
	policy
	sealed "$bin/poll_client" stranger.example 25
	equal "$status" 1
	holds "$W/client.out" 'connect: ECONNREFUSED'
}

t_blocking_refused() {
	product
	policy
	message "$W/message"
	sealed "$bin/stdio_client" stranger.example 25 "$W/message"
	equal "$status" 1
	holds "$W/client.out" 'connect: ECONNREFUSED'
}

t_names_for_verification_reach_the_agent() {
	local name
	product
	policy 'require_tls = true'
	postfix_start
	for name in mx.b.example mail.b.example; do
		sealed swaks --to a@b.example --server $name
		equal "$status" 0 "$name"
	done
	sed -i 's/^127.0.0.30 .*/127.0.0.10 stranger.example/' /etc/hosts
	sealed swaks --to a@b.example --server stranger.example
	refute test "$status" = 0
	holds "$W/client.out" '454 4\.7\.5 '
	sealed swaks --to a@b.example --server 127.0.0.10
	refute test "$status" = 0
}

t_many_at_once() {
	local i pids=()
	product
	policy 'require_tls = true'
	postfix_start
	for i in $(seq 20); do
		LD_PRELOAD=$BUILD/libmailseal.so $py "$clients/talk.py" mx.b.example 25 pipeline \
			>"$W/client.$i" 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do check wait "$i"; done
	stored 40
	equal "$(agents | wc -l)" 1 "agents"
	checks=$((checks + 1))
	! grep -L 'with ESMTPS' "$W"/mail/new/* | grep -q . || fail "one came in the clear"
}
