# The library in its host, and the agent's life.
# shellcheck shell=bash

t_agent_starts_on_demand_and_is_shared() {
	product
	policy
	hostile good_server.hs
	equal "$(agents | wc -l)" 0 "agents before"
	use_swaks
	equal "$status" 0
	equal "$(agents | wc -l)" 1 "agents after one client"
	local first
	first=$(agents)
	use_swaks
	equal "$(agents)" "$first" "the agent of the second client"
}

t_library_finds_the_agent_next_to_itself() {
	product
	unset MAILSEAL_AGENT
	policy 'require_tls = true'
	hostile good_server.hs
	use_swaks
	equal "$status" 0
	settle
	nothing_plain
}

t_guest_leaves_no_trace() {
	product
	policy
	hostile good_server.hs
	sealed "$bin/guest_check" mx.b.example 25
	equal "$status" 0 "first connect"
	sealed "$bin/guest_check" mx.b.example 25
	equal "$status" 0 "second connect"
}

t_guest_leaves_no_trace_when_it_fails() {
	product
	policy
	export MAILSEAL_AGENT=$W/none
	hostile good_server.hs
	sealed "$bin/guest_check" mx.b.example 25
	equal "$status" 1
	holds "$W/client.out" 'connect: ECONNREFUSED'
}

t_cancelled_thread_cleans_up() {
	local how
	product
	policy
	hostile good_server.hs
	for how in getaddrinfo 'connect 127.0.0.10'; do
		# shellcheck disable=SC2086
		sealed "$bin/cancelled" $how
		equal "$(cat "$W/client.out")" 'cancelled, cleaned up' "$how"
	done
}

# fails_closed REASON: connect() fails, the server was never reached, the log tells why
fails_closed() {
	hostile good_server.hs
	sealed "$bin/guest_check" mx.b.example 25
	equal "$status" 1
	holds "$W/client.out" 'connect: ECONNREFUSED'
	equal "$(connections)" 0 "connections"
	[ $# = 0 ] || logged "$1"
}

t_no_agent() { product; policy; export MAILSEAL_AGENT=$W/none; fails_closed 'connect-refused.*mailseal-agent'; }
t_agent_not_executable() { product; policy; : >"$W/agent"; export MAILSEAL_AGENT=$W/agent; fails_closed; }
t_agent_that_dies() { product; policy; export MAILSEAL_AGENT=/bin/false; fails_closed; }
t_named_file_missing() { product; export MAILSEAL_CONFIG=$W/none.conf; fails_closed 'none\.conf'; }
t_link_to_nowhere_at_the_default_place() { product; ln -s /nowhere/mailseal.conf /etc/mailseal.conf; fails_closed '/etc/mailseal\.conf'; }
t_file_with_an_error() {
	product
	policy 'require_tls = maybe'
	fails_closed 'mailseal\.conf:3.*require_tls'
}
t_file_with_an_unknown_setting() { product; policy 'requires_tls = true'; fails_closed 'mailseal\.conf:3'; }
t_file_unreadable() {
	product
	policy
	chmod 600 "$conf"
	hostile good_server.hs
	sealed setpriv --reuid 65534 --regid 65534 --clear-groups "$bin/guest_check" mx.b.example 25
	equal "$status" 1
	holds "$W/client.out" 'connect: ECONNREFUSED'
	equal "$(connections)" 0 "connections"
	logged 'mailseal\.conf'
}
t_ca_file_missing() { product; policy -- 'host "mx.b.example" {' 'ca_file = "/none.pem"' '}'; fails_closed 'none\.pem'; }
t_directory_as_file() { product; export MAILSEAL_CONFIG=$W; fails_closed; }

t_killed_agent_means_a_lost_connection() {
	local agent
	product
	policy
	at=127.0.0.20:25 hostile good_server.hs
	hostile <<-'END'
		send 220 hostile ESMTP
		keywords STARTTLS
		serve DATA
		send 354 go
		readdata
		stall
	END
	LD_PRELOAD=$BUILD/libmailseal.so swaks --to a@b.example --server mx.b.example >"$W/client.out" 2>&1 &
	until_true 10 grep -q 'stalling' "$W/transcript" || fail "the message never came"
	agent=$(agents)
	kill -9 "$agent"
	wait $!
	refute test $? = 0
	lacks "$W/client.out" '<-  250 2\.0\.0 kept'
	sealed swaks --to a@b.example --server mx2.b.example
	equal "$status" 0 "the next connection"
	refute test "$(agents)" = "$agent"
}

t_other_ports_untouched() {
	product
	policy 'require_tls = true'
	export MAILSEAL_AGENT=$W/none
	at=127.0.0.10:2526 hostile good_server.hs
	sealed swaks --to a@b.example --server mx.b.example --port 2526
	equal "$status" 0
	settle
	holds "$W/transcript" 'plain C: "MAIL'
}

t_ports_are_settable() {
	product
	policy 'require_tls = true'
	at=127.0.0.10:2526 hostile good_server.hs
	export MAILSEAL_PORTS=25,2526
	use_swaks --port 2526
	equal "$status" 0
	settle
	nothing_plain
}

t_submission_port() {
	product
	policy 'require_tls = true'
	postfix_start
	export MAILSEAL_PORTS=25,587
	use_swaks --port 587
	equal "$status" 0
	stored 1
	over_tls
}

t_setuid_ignores_the_environment() {
	product
	policy
	cp "$bin/guest_check" /run/guest_check
	hostile good_server.hs
	# AT_SECURE without the loader's dropping of LD_PRELOAD cannot be had cheaply: this shows that a
	# setuid program is not disturbed.
	chmod 4755 /run/guest_check
	sealed setpriv --reuid 65534 --regid 65534 --clear-groups /run/guest_check mx.b.example 25
	equal "$status" 0
}

t_other_user_gets_another_agent() {
	product
	policy 'require_tls = true'
	chmod 644 "$conf"
	hostile good_server.hs
	use_swaks
	equal "$status" 0
	sealed setpriv --reuid 1234 --regid 1234 --clear-groups swaks --to a@b.example --server mx.b.example
	equal "$status" 0 "as another user"
	equal "$(agents | wc -l)" 2 "agents"
	equal "$(for p in $(agents); do stat -c %u "/proc/$p"; done | sort -n | tr '\n' ' ')" "0 1234 "
	settle
	nothing_plain
}

t_nobody_gets_an_agent_of_his_own() {
	local start
	product
	policy 'require_tls = true'
	chmod 644 "$conf"
	hostile good_server.hs
	export MAILSEAL_LOG=stderr
	start=$SECONDS
	# shellcheck disable=SC2016
	sealed bash -c 'setpriv --reuid 65534 --regid 65534 --clear-groups \
		swaks --to a@b.example --server mx.b.example 2>&1 | cat; exit "${PIPESTATUS[0]}"'
	equal "$status" 0 "as nobody"
	check test $((SECONDS - start)) -lt 8
	until_true 5 no_agents || fail "an agent stays"
	holds "$W/client.out" 'tls=yes'
	lacks "$W/client.out" 'connect-refused'
	settle
	nothing_plain
}

t_limits_of_one_program_are_its_own() {
	product
	policy 'require_tls = true'
	hostile good_server.hs
	sealed prlimit --nofile=12 "$bin/guest_check" mx.b.example 25
	use_swaks
	equal "$status" 0 "a program without limits"
	sealed prlimit --cpu=600 swaks --to a@b.example --server mx.b.example
	equal "$status" 0 "a program with another limit"
	check test "$(agents | wc -l)" -ge 2
	settle
	nothing_plain
}

t_fork_and_exec_keep_the_connection() {
	product
	policy 'require_tls = true'
	postfix_start
	sealed bash -c 'exec 3<>/dev/tcp/mx.b.example/25
		hear() { head -n 1 <&3 >/dev/null; }
		(IFS= read -r l <&3; echo "$l")
		/bin/sh -c "printf \"HELO c\r\nMAIL FROM:<s@a.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n\" >&3"
		printf "Subject: x\r\n\r\nSECRETBODY\r\n.\r\nQUIT\r\n" | cat >&3
		cat <&3'
	holds "$W/client.out" '^250 2\.0\.0 Ok: queued'
	stored 1
	checks=$((checks + 1))
	received_line | grep -q 'using TLSv1' || fail "$(received_line)"
}

t_source_address_is_the_programs_own() {
	product
	policy 'require_tls = true'
	postfix_start
	use_swaks --local-interface 127.0.0.99
	equal "$status" 0
	stored 1
	holds "$W/stored" '127\.0\.0\.99'
}

t_agent_has_a_clean_environment() {
	local agent
	product
	policy
	hostile good_server.hs
	(cd "$W" && exec 9>"$W/extra" && export SECRETVAR=1 && use_swaks)
	agent=$(agents)
	check test -n "$agent"
	tr '\0' '\n' <"/proc/$agent/environ" >"$W/environ"
	lacks "$W/environ" 'LD_PRELOAD|SECRETVAR'
	equal "$(readlink "/proc/$agent/cwd")" / "the agent's directory"
	checks=$((checks + 1))
	! readlink "/proc/$agent"/fd/* | grep -q extra || fail "the agent inherited a descriptor"
}

# timeout: 90
t_idle_agent_leaves() {
	product
	policy
	hostile good_server.hs
	use_swaks
	equal "$status" 0
	sleep 20
	equal "$(agents | wc -l)" 1 "agents after 20 s"
	until_true 25 no_agents || fail "the agent stays"
	use_swaks
	equal "$status" 0 "after it left"
}
no_agents() { [ -z "$(agents)" ]; }

# timeout: 120
t_many_connections_leave_nothing() {
	local agent before i
	product
	policy 'require_tls = true'
	hostile good_server.hs
	use_swaks
	agent=$(agents)
	sleep 0.3
	before=$(find "/proc/$agent/fd" | wc -l)
	for i in $(seq 60); do
		LD_PRELOAD=$BUILD/libmailseal.so "$bin/guest_check" mx.b.example 25 >>"$W/client.out" || fail "guest_check $i"
	done
	checks=$((checks + 1))
	until_true 10 eval '[ "$(find /proc/$agent/fd | wc -l)" -le $before ]' || fail "descriptors left"
}

t_valgrind_sees_nothing_in_the_host() {
	need valgrind
	product
	policy
	hostile good_server.hs
	LD_PRELOAD=$BUILD/libmailseal.so valgrind -q --error-exitcode=9 --leak-check=full --trace-children=no \
		"$bin/poll_client" mx.b.example 25 >"$W/client.out" 2>&1
	status=$?
	[ "$status" = 0 ] || [ "$status" = 9 ] || skip "valgrind cannot run the client here ($status)"
	equal "$status" 0 "valgrind"
}

t_socket_registered_with_epoll_before_connect() {
	product
	policy 'require_tls = true' 'connection_reuse = 0' # a connection each
	postfix_start
	at=127.0.0.20:25 hostile good_server.hs
	# Postfix's own load generator: many sessions at a time from one event loop.
	sealed env LD_LIBRARY_PATH="$mta_libs" timeout 20 "$mta/usr/sbin/smtp-source" -s 3 -m 6 -M client.a.example \
		-f sender@a.example -t a@b.example inet:mx2.b.example:25
	equal "$status" 0 "smtp-source"
	equal "$(connections)" 6 "connections"
	settle
	nothing_plain
}
