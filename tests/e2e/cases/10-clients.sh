# Odd ways of talking: each message is stored over TLS, and nothing of it passes where policy forbids. Applications by
# name are in 11-applications.sh.
# shellcheck shell=bash

py=/usr/bin/python3
clients=$E2E/clients

t_over_ipv6() {
	product
	policy 'require_tls = true'
	postfix_start
	message "$W/message"
	capture_start
	sealed "$bin/stdio_client" six.b.example 25 "$W/message"
	equal "$status" 0
	stored 1
	capture_stop
	over_tls
	wire starttls a@b.example SECRET
	sed '1,/^$/d' "$W/message" >"$W/sent.body"
	same_file "$W/sent.body" "$W/stored.body"
	logged 'certificate-verified=yes'
}

# refused_too N COMMAND ...: told so by a server without STARTTLS, and by one whose certificate is bad; still N messages
refused_too() {
	local number
	[ "$native" = 1 ] && return
	policy 'require_tls = true' 'message_override = "tighten"'
	for number in 14 12; do
		mx 127.0.0.$number
		sealed "${@:2}"
		refute test "$status" = 0
		holds "$W/client.out" '^454 4\.7\.[45] mailseal: '
	done
	equal "$(stored_count)" "$1" "messages stored"
}

# talks WAY [COUNT]: an odd client against Postfix; COUNT messages arrive, each over TLS; and then none does
talks() {
	local n talk=($py "$clients/talk.py" mx.b.example 25 "$1")
	product
	policy 'require_tls = true'
	postfix_start
	capture_start
	sealed "${talk[@]}"
	equal "$status" 0 "status"
	for n in $(seq "${2:-1}"); do
		stored "$n"
		over_tls
		holds "$W/stored.body" '^SECRETBODY$'
	done
	capture_stop
	wire starttls a@b.example SECRET
	capture_start
	refused_too "${2:-1}" "${talk[@]}"
	capture_stop
	wire quiet sender@a.example a@b.example SECRET
}
t_talks_first() { talks first; }
t_pipelines() { talks pipeline 2; }
t_helo_only() { talks helo; }
t_no_greeting() { talks no_greeting; }
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
	refused_too 1 "$bin/poll_client" mx.b.example 25
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
