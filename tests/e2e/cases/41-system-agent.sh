# The system agent: for all users, for programs in a chroot, and for those that can start nothing.
# shellcheck shell=bash

sock=/run/mailseal/agent.sock
system_log=$W/system.log

# system_agent [ARGUMENT ...]: listens at $sock with the case's configuration, log and ports; process in $system
system_agent() {
	mkdir -p "$(dirname "$sock")"
	: >>"$system_log"
	chmod 666 "$system_log"
	[ -n "${conf_of_agent:=$conf}" ]
	"$MAILSEAL_AGENT" --listen "$sock" --config "$conf_of_agent" --log "$system_log" "$@" 2>"$W/agent.err" &
	system=$!
	until_true 5 answers "$sock" || fail "the system agent does not listen: $(cat "$W/agent.err")"
}
answers() { ss -Hlx src "$1" | grep -q .; }
system_logged() { log=$system_log logged "$1"; }

# The first process of each agent: those that no agent started.
dispatchers() {
	local p
	for p in $(agents); do
		[[ $(readlink "/proc/$(awk '$1 == "PPid:" { print $2 }' "/proc/$p/status")/exe") == */mailseal-agent* ]] || echo "$p"
	done
	return 0
}
# worker_of UID: the process of the system agent that serves this user
worker_of() { grep -lx "seal-$1" /proc/[0-9]*/comm 2>/dev/null | sed 's,/proc/\([0-9]*\)/comm,\1,'; }

# strict: TLS with a good certificate; the client below looks up no name
strict() { policy 'require_tls = true' -- 'host "127.0.0.10" {' 'match = {"mx.b.example"}' '}'; }

# stop PID: a clean end; its status in $ended
stop() {
	kill -TERM "$1"
	wait "$1"
	ended=$?
}

# confined [OPTION ...]: the client of that name, to the good server
confined() { sealed "$bin/confined" "$@" 127.0.0.10 25; }

# refused REASON: the last client was refused by the preload, the server was not reached
refused() {
	equal "$status" 1 "the client's status"
	holds "$W/client.out" 'connect: E'
	equal "$(connections)" 0 "connections"
	logged "$1"
	equal "$(dispatchers | grep -vcx "${system:-0}")" 0 "agents of its own"
}

t_path_named_by_the_environment() {
	product
	policy 'require_tls = true'
	sock=$W/agent.sock system_agent
	export MAILSEAL_SOCKET=$W/agent.sock MAILSEAL_AGENT=$W/none
	hostile good_server.hs
	use_swaks
	equal "$status" 0
	settle
	nothing_plain
	system_logged 'event=transaction .*verdict=tls-verified'
	equal "$(dispatchers)" "$system" "the agents"
	equal "$(stat -c %a "$W/agent.sock")" 666 "mode of the socket"
	stop "$system"
	equal "$ended" 0 "status of the agent"
	refute test -e "$W/agent.sock"
	use_swaks
	refute test "$status" = 0
	logged 'there is no system agent at MAILSEAL_SOCKET.*file="/.*/agent\.sock"'
}

t_default_path_is_used_where_it_exists() {
	product
	policy 'require_tls = true'
	system_agent
	unset MAILSEAL_CONFIG
	hostile good_server.hs
	use_swaks
	equal "$status" 0
	settle
	nothing_plain
	equal "$(dispatchers)" "$system" "the agents"
	system_logged 'event=transaction'
	# Its own policy, since it names one.
	export MAILSEAL_CONFIG=$conf
	use_swaks
	equal "$status" 0
	equal "$(dispatchers | wc -l)" 2 "agents"
}

t_run_keeps_a_log_and_ports_that_are_given() {
	product
	policy
	system_agent
	unset MAILSEAL_CONFIG MAILSEAL_LOG MAILSEAL_SOCKET
	cp "$conf" /etc/mailseal.conf
	hostile good_server.hs
	plain "$BUILD/mailseal" run --log "$W/own.log" -- "$bin/confined" 127.0.0.10 25
	equal "$status" 0
	settle
	check grep -q 'event=transaction' "$W/own.log"
	equal "$(wc -c <"$system_log")" 0 "what the system agent logged"
}

t_none_switches_the_default_path_off() {
	product
	policy
	system_agent
	unset MAILSEAL_CONFIG
	cp "$conf" /etc/mailseal.conf
	export MAILSEAL_SOCKET=none
	hostile good_server.hs
	use_swaks
	equal "$status" 0
	equal "$(dispatchers | wc -l)" 2 "agents"
	equal "$(wc -c <"$system_log")" 0 "what the system agent logged"
	# It does so in a chroot too.
	mkdir -p "$W/jail"
	confined -c "$W/jail"
	equal "$status" 1
}

t_any_user_is_served() {
	product
	policy 'require_tls = true'
	system_agent --user mailbox
	until_true 5 grep -q '^Uid:.5603' "/proc/$system/status"
	equal "$(stat -c %u "/proc/$system/environ")" 0 "owner of the agent's /proc: not dumpable"
	equal "$(awk '$1 == "Uid:" { print $2, $3, $4, $5 }' "/proc/$system/status")" "5603 5603 5603 5603"
	equal "$(awk '$1 == "Groups:" { $1 = ""; print }' "/proc/$system/status" | tr -d ' ')" 5603
	export MAILSEAL_SOCKET=$sock
	hostile good_server.hs
	for uid in 1234 65534; do
		sealed setpriv --reuid $uid --regid $uid --clear-groups swaks --to a@b.example --server mx.b.example
		equal "$status" 0 "as $uid"
		system_logged "event=transaction .*uid=$uid exe=\"swaks\""
	done
	settle
	nothing_plain
	equal "$(dispatchers)" "$system" "the agents"
}

t_chroot_without_root_and_without_proc() {
	product
	strict
	mkdir -p "$W/jail"
	system_agent --user mailbox
	hostile good_server.hs
	confined -c "$W/jail" -u 1234
	equal "$status" 0
	settle
	nothing_plain
	holds "$W/transcript" ' tls C: "MAIL'
	system_logged 'event=transaction .*uid=1234 exe="confined" unit="[^"]*" host="" .*verdict=tls'
	equal "$(dispatchers)" "$system" "the agents"
}

t_duplicates_and_epoll_without_proc() {
	product
	strict
	mkdir -p "$W/jail"
	system_agent --user mailbox
	hostile good_server.hs
	confined -c "$W/jail" -u 1234 -d 5
	equal "$status" 0 "with duplicates"
	settle
	nothing_plain
	# What epoll knows of the socket cannot be read: nothing must go on as a ghost.
	before=$(connections)
	MAILSEAL_LOG=stderr confined -c "$W/jail" -u 1234 -e
	equal "$status" 1 "with epoll"
	holds "$W/client.out" 'may be registered with epoll, and without /proc'
	equal "$(connections)" "$before" "connections"
	mkdir -p "$W/jail/proc"
	mount -t proc proc "$W/jail/proc"
	confined -c "$W/jail" -u 1234 -e -d 5
	equal "$status" 0 "with epoll and /proc"
}

t_chroot_that_shows_the_path() {
	product
	strict
	mkdir -p "$W/jail/run/mailseal"
	# Not by name: another network namespace has its own.
	sock=$W/jail/run/mailseal/agent.sock system_agent
	export MAILSEAL_SOCKET=/run/mailseal/agent.sock
	hostile good_server.hs
	confined -c "$W/jail" -u 1234
	equal "$status" 0
	system_logged 'event=transaction .*uid=1234'
}

t_chroot_without_a_system_agent() {
	product
	strict
	mkdir -p "$W/jail"
	hostile good_server.hs
	export MAILSEAL_LOG=stderr
	confined -c "$W/jail" -u 1234
	equal "$status" 1
	holds "$W/client.out" 'the root directory changed .*start one as root.* errno=ECONNREFUSED'
	holds "$W/client.out" ' exe="confined" '
	equal "$(connections)" 0 "connections"
	equal "$(agents | wc -l)" 0 "agents"
}

t_programs_that_can_start_nothing() {
	product
	strict
	hostile good_server.hs
	confined -x -u 1234
	refused 'cannot start a process.* errno=EPERM'
	system_agent --user mailbox
	export MAILSEAL_SOCKET=$sock
	confined -x -u 1234
	equal "$status" 0
	settle
	nothing_plain
	system_logged 'event=transaction .*uid=1234'
}

t_without_unix_sockets() {
	product
	strict
	hostile good_server.hs
	system_agent
	export MAILSEAL_SOCKET=$sock
	confined -n -u 1234
	refused 'cannot make a socket to reach the system agent; AF_UNIX must be allowed .* errno=EPERM'
	# An agent of its own needs none.
	MAILSEAL_SOCKET=none confined -n
	equal "$status" 0
	settle
	nothing_plain
}

t_stale_socket() {
	product
	policy
	system_agent
	export MAILSEAL_SOCKET=$sock
	hostile good_server.hs
	kill -9 "$system"
	wait "$system"
	check test -S "$sock"
	confined
	refused 'the system agent is gone, only its socket is left.* errno=ECONNREFUSED file="/run/mailseal/agent\.sock"'
	# Also without a word in the environment: it is there.
	unset MAILSEAL_SOCKET MAILSEAL_CONFIG
	confined
	refused 'the system agent is gone'
	system_agent
	confined
	equal "$status" 0 "after the restart"
}

t_no_socket_at_the_path() {
	product
	policy
	mkdir -p /run/mailseal
	echo precious >/run/mailseal/agent.sock
	export MAILSEAL_SOCKET=$sock
	hostile good_server.hs
	confined
	refused 'cannot connect to the system agent|the system agent is gone'
	plain "$MAILSEAL_AGENT" --listen "$sock" --config "$conf"
	equal "$status" 73
	holds "$W/client.out" '/run/mailseal/agent\.sock: there is a file that is no socket'
	equal "$(cat /run/mailseal/agent.sock)" precious
}

# in_session UID: a client of this user that waits in the middle of its session; its process in $client
in_session() {
	rm -f "$W/go"
	: >"$W/client.$1"
	LD_PRELOAD=$BUILD/libmailseal.so "$bin/confined" -u "$1" -w "$W/go" 127.0.0.10 25 >"$W/client.$1" 2>&1 &
	client=$!
	until_true 10 grep -q '^S: 220' "$W/client.$1" || fail "no greeting: $(cat "$W/client.$1")"
}

t_killed_process_takes_its_user_along_and_nobody_else() {
	local one other
	product
	policy
	system_agent
	export MAILSEAL_SOCKET=$sock
	hostile good_server.hs
	in_session 1234
	one=$client
	in_session 5603
	other=$client
	equal "$(worker_of 1234 | wc -l)" 1 "processes of user 1234"
	kill -9 "$(worker_of 1234)"
	system_logged 'event=stopped .*user 1234 was ended by signal 9'
	touch "$W/go"
	wait "$one"
	equal $? 2 "the client's status"
	holds "$W/client.1234" 'connection lost'
	lacks "$W/client.1234" 'S: 250'
	wait "$other"
	equal $? 0 "the other user's"
	confined -u 1234
	equal "$status" 0 "the next connection"
	equal "$(dispatchers)" "$system" "the agents"
}

t_dispatcher_killed_in_the_middle() {
	product
	policy
	system_agent
	export MAILSEAL_SOCKET=$sock
	hostile good_server.hs
	in_session 1234
	kill -9 "$system"
	wait "$system"
	confined
	equal "$status" 1 "the next connection"
	# What had begun goes on, and then nothing is left.
	touch "$W/go"
	wait "$client"
	equal $? 0 "the client's status"
	until_true 20 eval '[ -z "$(agents)" ]' || fail "left: $(agents)"
	system_agent
	confined -u 1234
	equal "$status" 0 "after the restart"
}

t_end_waits_for_what_has_begun() {
	product
	policy
	system_agent
	export MAILSEAL_SOCKET=$sock
	hostile good_server.hs
	in_session 1234
	confined -u 5603
	equal "$status" 0
	kill -TERM "$system"
	until_true 5 eval '[ -z "$(worker_of 5603)" ]' || fail "the process of user 5603 stays"
	confined -u 5603
	equal "$status" 1 "while it ends"
	check test -n "$(worker_of 1234)"
	touch "$W/go"
	wait "$client"
	wait "$system"
	equal $? 0 "status of the agent"
	equal "$(agents | wc -l)" 0 "processes left"
	refute test -e "$sock"
	lacks "$system_log" 'cut off'
}

t_stopped_process_is_its_users_alone() {
	product
	policy
	system_agent
	export MAILSEAL_SOCKET=$sock
	hostile good_server.hs
	confined -u 1234
	equal "$status" 0
	kill -STOP "$(worker_of 1234)"
	LD_PRELOAD=$BUILD/libmailseal.so "$bin/confined" -u 1234 127.0.0.10 25 >"$W/waits.out" 2>&1 &
	client=$!
	for uid in 0 5603 65534; do
		confined -u $uid
		equal "$status" 0 "as $uid"
	done
	kill -CONT "$(worker_of 1234)"
	wait "$client"
	equal $? 0 "who waited"
}

# Who hands over sockets whose close() waits, and calls with them in the queue, holds up himself.
t_lingering_sockets_are_their_users_alone() {
	product
	policy
	system_agent
	export MAILSEAL_SOCKET=$sock
	hostile good_server.hs
	"${as_1234[@]}" /usr/bin/python3 "$E2E/clients/lingering.py" "$sock" "$W/go" >"$W/lingering.out" 2>&1 &
	until_true 20 grep -q holding "$W/lingering.out" || fail "$(cat "$W/lingering.out")"
	for uid in 0 5603 65534; do
		check timeout 5 env LD_PRELOAD="$BUILD/libmailseal.so" "$bin/confined" -u $uid 127.0.0.10 25 >"$W/client.out"
	done
	touch "$W/go"
}

# A thread that sends from memory which never comes holds the lock of its socket: whoever touches that
# waits in the kernel, where not even signal 9 ends it.
t_locked_sockets_are_their_users_alone() {
	product
	policy
	"${as_1234[@]}" unshare -U -r true 2>/dev/null || skip "no user namespaces"
	mount -t tmpfs tmpfs /mnt
	mknod /mnt/fuse c 10 229 && chmod 666 /mnt/fuse
	{ true <>/mnt/fuse; } 2>/dev/null || skip "no FUSE in this kernel"
	system_agent
	export MAILSEAL_SOCKET=$sock
	hostile good_server.hs
	: >/mnt/file
	chmod 666 /mnt/file
	"$bin/locked" 1234 /mnt/fuse /mnt/file "$sock" >"$W/locked.out" 2>&1 &
	locker=$!
	until_true 10 grep -Eq 'handed over|cannot' "$W/locked.out" || fail "$(cat "$W/locked.out")"
	grep -q cannot "$W/locked.out" && skip "$(cat "$W/locked.out")"
	until_true 10 is_stuck || fail "the process of user 1234 is not held up"
	for uid in 0 5603 65534; do
		check timeout 5 env LD_PRELOAD="$BUILD/libmailseal.so" "$bin/confined" -u $uid 127.0.0.10 25 >"$W/client.out"
	done
	# Not even at the end.
	kill -TERM "$system"
	until_true 5 eval '[ "$(agents | wc -l)" = 2 ]' || fail "processes: $(agents | wc -l)"
	kill -9 "$locker"
	wait "$system"
	equal $? 0 "status of the agent"
}
is_stuck() { grep -q '^State:.D' "/proc/$(worker_of 1234)/status"; }

t_many_users_at_a_time() {
	local uid pids=()
	product
	policy
	system_agent --user mailbox
	export MAILSEAL_SOCKET=$sock
	hostile good_server.hs
	for uid in $(seq 2000 2039); do
		LD_PRELOAD=$BUILD/libmailseal.so "$bin/confined" -u "$uid" 127.0.0.10 25 >"$W/many.$uid" 2>&1 &
		pids+=($!)
	done
	for uid in $(seq 2000 2039); do
		wait "${pids[uid - 2000]}"
		equal $? 0 "as $uid: $(tail -n 1 "$W/many.$uid")"
		system_logged "event=transaction .*uid=$uid "
	done
	equal "$(agents | wc -l)" 41 "processes"
	stop "$system"
	equal "$ended" 0 "status of the agent"
	equal "$(agents | wc -l)" 0 "processes left"
}

t_ports_are_the_agents() {
	product
	policy
	system_agent --ports 25,2525
	export MAILSEAL_SOCKET=$sock MAILSEAL_PORTS=25,587,2525
	at=127.0.0.10:587 hostile good_server.hs
	sealed "$bin/confined" 127.0.0.10 587
	equal "$status" 1
	holds "$W/client.out" 'connect: EACCES'
	equal "$(connections)" 0 "connections"
	system_logged 'connect-refused .*this agent does not serve port 587: its own --ports count'
	at=127.0.0.10:2525 hostile good_server.hs
	sealed "$bin/confined" 127.0.0.10 2525
	equal "$status" 0
}

t_another_configuration_is_refused() {
	product
	policy
	system_agent
	export MAILSEAL_SOCKET=$sock
	hostile good_server.hs
	cp "$conf" "$W/other.conf"
	MAILSEAL_CONFIG=$W/other.conf confined
	equal "$status" 1
	holds "$W/client.out" 'connect: ECONNREFUSED'
	equal "$(connections)" 0 "connections"
	system_logged "connect-refused .*MAILSEAL_CONFIG is $W/other\.conf, the system agent's is $conf;"
	confined
	equal "$status" 0 "with the same one by name"
}

t_edited_configuration_holds_at_once() {
	product
	policy
	system_agent
	export MAILSEAL_SOCKET=$sock
	hostile good_server.hs
	confined
	equal "$status" 0
	policy 'require_tls = maybe'
	confined
	equal "$status" 1
	system_logged 'connect-refused .*mailseal\.conf:3.*require_tls'
	strict
	confined
	equal "$status" 0
	system_logged 'policy="require_tls by default'
	equal "$(dispatchers)" "$system" "the agents"
}

# activate [-s] SOCKET ... -- ARGUMENT ...: the agent by socket activation; the manager's process in $manager
activate() {
	: >>"$system_log"
	mkdir -p "$(dirname "$sock")"
	local sockets=()
	while [ "$1" != -- ]; do sockets+=("$1"); shift; done
	shift
	/usr/bin/python3 "$E2E/clients/activate.py" "${sockets[@]}" -- "$MAILSEAL_AGENT" --log "$system_log" "$@" \
		>"$W/manager.out" 2>"$W/agent.err" &
	manager=$!
	until_true 5 answers "${sockets[${#sockets[@]} - 1]}" || fail "the manager does not listen"
}
managed() { [ "$(grep -c "$1" "$W/manager.out")" -ge "$2" ]; }

# timeout: 90
t_socket_activation() {
	product
	strict
	mkdir -p "$W/jail"
	# shellcheck disable=SC2030
	export MAILSEAL_IDENTITY=x MAILSEAL_SOCKET=none
	activate "$sock" @mailseal/1/system -- --config "$conf"
	unset MAILSEAL_IDENTITY
	export MAILSEAL_SOCKET=$sock
	hostile good_server.hs
	use_swaks
	equal "$status" 0
	confined -c "$W/jail" -u 1234
	equal "$status" 0
	settle
	nothing_plain
	equal "$(grep -c started "$W/manager.out")" 1 "starts"
	# Ended: whoever calls next gets another one, and finds the sockets as they were.
	kill -TERM "$(dispatchers)"
	until_true 5 managed 'ended 0' 1 || fail "the agent does not end"
	check test -S "$sock"
	confined -c "$W/jail" -u 1234
	equal "$status" 0
	equal "$(grep -c started "$W/manager.out")" 2 "starts"
	# Idle: likewise.
	until_true 45 managed 'ended 0' 2 || fail "the agent stays"
	use_swaks
	equal "$status" 0
	equal "$(grep -c started "$W/manager.out")" 3 "starts"
	kill "$manager"
}

t_socket_activation_by_systemd() {
	# The machine's own, or the one that was unpacked.
	local there=$BUILD/systemd/usr/bin libraries
	libraries=$(compgen -G "$BUILD/systemd/usr/lib/*-linux-gnu" | head -n 1)
	PATH=$PATH:$there need systemd-socket-activate
	product
	strict
	mkdir -p /run/mailseal
	: >>"$system_log"
	PATH=$PATH:$there LD_LIBRARY_PATH=$libraries:$libraries/systemd systemd-socket-activate --seqpacket -l "$sock" -l @mailseal/1/system \
		"$MAILSEAL_AGENT" --config "$conf" --log "$system_log" >"$W/agent.err" 2>&1 &
	until_true 5 answers @mailseal/1/system || fail "$(cat "$W/agent.err")"
	chmod 666 "$sock"
	export MAILSEAL_SOCKET=$sock
	hostile good_server.hs
	confined -u 1234
	equal "$status" 0
	mkdir -p "$W/jail"
	confined -c "$W/jail" -u 1234
	equal "$status" 0
	settle
	nothing_plain
}

t_socket_activation_with_the_wrong_type() {
	product
	strict
	activate -s "$sock" -- --config "$conf"
	plain /usr/bin/python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])' "$sock"
	until_true 5 managed 'ended 64' 1 || fail "$(cat "$W/manager.out")"
	holds "$W/agent.err" 'descriptor 3 of LISTEN_FDS is not a listening AF_UNIX SOCK_SEQPACKET socket'
}

# squat SOCKET [COMMAND ...]: somebody listens there, by way of the command
squat() {
	local name=$1
	shift
	: >"$W/squat.out"
	chmod 666 "$W/squat.out"
	"$@" /usr/bin/python3 "$E2E/clients/squat.py" "$name" >"$W/squat.out" 2>&1 &
	squatter=$!
	until_true 5 grep -q listening "$W/squat.out" || fail "the squatter does not listen: $(cat "$W/squat.out")"
}

# Programs outlive an upgrade of the system agent.
t_agent_of_another_version() {
	product
	strict
	mkdir -p /run/mailseal
	hostile good_server.hs
	: >"$W/squat.out"
	/usr/bin/python3 "$E2E/clients/squat.py" "$sock" 999 >"$W/squat.out" 2>&1 &
	until_true 5 grep -q listening "$W/squat.out" || fail "$(cat "$W/squat.out")"
	export MAILSEAL_SOCKET=$sock
	confined -u 1234
	refused 'agent and library are of different versions; restart what is older'
	holds "$W/squat.out" heard
}

as_1234=(setpriv --reuid 1234 --regid 1234 --clear-groups)

t_name_taken_by_another_user() {
	product
	strict
	mkdir -p "$W/jail"
	hostile good_server.hs
	squat @mailseal/1/system "${as_1234[@]}"
	MAILSEAL_LOG=stderr confined -c "$W/jail" -u 5603
	equal "$status" 1
	holds "$W/client.out" 'somebody other than root sits on the name of the system agent'
	# Not even by one whose own name it is.
	MAILSEAL_LOG=stderr confined -c "$W/jail" -u 1234
	equal "$status" 1
	holds "$W/client.out" 'somebody other than root sits on the name of the system agent'
	equal "$(connections)" 0 "connections"
	lacks "$W/squat.out" heard
	# The agent says what is missing, and serves the rest.
	system_agent
	holds "$W/agent.err" 'cannot listen at @mailseal/1/system: Address already in use'
	MAILSEAL_SOCKET=$sock confined -u 1234
	equal "$status" 0
}

t_name_taken_by_root_of_a_user_namespace() {
	product
	strict
	mkdir -p "$W/jail"
	hostile good_server.hs
	"${as_1234[@]}" unshare -U -r true 2>/dev/null || skip "no user namespaces"
	squat @mailseal/1/system "${as_1234[@]}" unshare -U -r
	MAILSEAL_LOG=stderr confined -c "$W/jail" -u 5603
	equal "$status" 1
	holds "$W/client.out" 'somebody other than root sits on the name of the system agent'
	equal "$(connections)" 0 "connections"
	lacks "$W/squat.out" heard
}

# Seen from inside such a namespace, everybody outside is the same nobody.
t_unmapped_listener_is_not_trusted() {
	product
	strict
	mkdir -p "$W/jail" "$W/open"
	hostile good_server.hs
	"${as_1234[@]}" unshare -U -r true 2>/dev/null || skip "no user namespaces"
	export MAILSEAL_LOG=stderr
	system_agent
	sealed "${as_1234[@]}" unshare -U -r "$bin/confined" -c "$W/jail" 127.0.0.10 25
	equal "$status" 1
	holds "$W/client.out" 'somebody other than root sits on the name of the system agent'
	MAILSEAL_SOCKET=$sock sealed "${as_1234[@]}" unshare -U -r "$bin/confined" 127.0.0.10 25
	equal "$status" 1
	holds "$W/client.out" 'the system agent is not to be trusted'
	chmod 777 "$W/open"
	squat "$W/open/agent.sock" setpriv --reuid 65534 --regid 65534 --clear-groups
	MAILSEAL_SOCKET=$W/open/agent.sock sealed setpriv --reuid 65534 --regid 65534 --clear-groups "$bin/confined" 127.0.0.10 25
	equal "$status" 1 "nobody's own"
	lacks "$W/squat.out" heard
	equal "$(connections)" 0 "connections"
}

t_whom_a_path_lets_trust() {
	product
	strict
	hostile good_server.hs
	mount -t tmpfs -o mode=755 tmpfs /mnt
	mkdir -p /mnt/agent /mnt/open/agent /mnt/shared
	chown mailbox:mailbox /mnt/agent /mnt/open/agent /mnt/shared
	chmod 1777 /mnt/open
	chmod 775 /mnt/shared
	: >>"$system_log"
	chmod 666 "$system_log"
	for place in /mnt/agent /mnt/open/agent /mnt/shared; do
		setpriv --reuid mailbox --regid mailbox --clear-groups "$MAILSEAL_AGENT" --listen $place/agent.sock --config "$conf" \
			--log "$system_log" 2>>"$W/agent.err" &
		until_true 5 answers $place/agent.sock || fail "$(cat "$W/agent.err")"
	done
	export MAILSEAL_LOG=stderr
	MAILSEAL_SOCKET=/mnt/agent/agent.sock confined -u 1234
	equal "$status" 0 "the owner of a directory of his own"
	for place in /mnt/open/agent /mnt/shared; do
		MAILSEAL_SOCKET=$place/agent.sock confined -u 1234
		equal "$status" 1 "$place"
		holds "$W/client.out" "the system agent is not to be trusted.* file=\"$place/agent.sock\""
		MAILSEAL_SOCKET=$place/agent.sock confined -u 5603
		equal "$status" 0 "$place, himself"
	done
	# Somebody else in the owner's place.
	mkdir /mnt/root
	chmod 777 /mnt/root
	squat /mnt/root/agent.sock "${as_1234[@]}"
	chmod 755 /mnt/root
	MAILSEAL_SOCKET=/mnt/root/agent.sock confined -u 5603
	equal "$status" 1
	lacks "$W/squat.out" heard
	equal "$(connections)" 3 "connections"
}

# jail: a chroot in $W/jail in which everything is to be seen, and which is another root all the same
jail() {
	local d
	mkdir -p "$W/jail"
	for d in bin lib lib64 usr etc run tmp proc dev; do
		[ -d "/$d" ] || continue
		mkdir -p "$W/jail/$d"
		mount --rbind "/$d" "$W/jail/$d"
	done
}

# All that an agent needs is there, and yet none is started: it would serve those outside, with what the
# chroot shows as the configuration.
t_chrooted_starter_starts_nothing() {
	product
	policy
	jail
	hostile good_server.hs
	check chroot "$W/jail" "$MAILSEAL_AGENT" --version
	confined -c "$W/jail"
	equal "$status" 1
	equal "$(connections)" 0 "connections"
	equal "$(agents | wc -l)" 0 "agents"
	logged 'the root directory changed'
}

# A program that finds itself in a chroot from its beginning has its agent there, for those there.
t_program_started_in_a_chroot() {
	local inside outside
	product
	strict
	jail
	hostile good_server.hs
	sealed chroot "$W/jail" "$bin/confined" 127.0.0.10 25
	equal "$status" 0
	inside=$(agents)
	equal "$(echo "$inside" | wc -l)" 1 "agents"
	check test "/proc/$inside/root/" -ef "$W/jail"
	confined
	equal "$status" 0
	outside=$(agents | grep -vx "$inside")
	equal "$(echo "$outside" | wc -l)" 1 "agents of those outside"
	check test "/proc/$outside/root/" -ef /
	settle
	nothing_plain
	system_agent
	MAILSEAL_SOCKET=$sock sealed chroot "$W/jail" "$bin/confined" -u 1234 127.0.0.10 25
	equal "$status" 0
	system_logged 'event=transaction .*uid=1234'
}

t_one_user_leaves_room_for_others() {
	product
	policy
	export MAILSEAL_SOCKET=$sock
	hostile good_server.hs
	# Room for eight connections of each user.
	system_agent
	stop "$system"
	prlimit --nofile=64 "$MAILSEAL_AGENT" --listen "$sock" --config "$conf" --log "$system_log" 2>"$W/agent.err" &
	system=$!
	until_true 5 answers "$sock"
	LD_PRELOAD=$BUILD/libmailseal.so "${as_1234[@]}" /usr/bin/python3 "$E2E/clients/hold.py" 12 127.0.0.10 25 "$W/go" \
		>"$W/greedy.out" 2>&1 &
	greedy=$!
	until_true 20 grep -q holding "$W/greedy.out" || fail "$(cat "$W/greedy.out")"
	equal "$(grep -c '^up' "$W/greedy.out")" 8 "what one user got"
	equal "$(grep -c '^ENFILE' "$W/greedy.out")" 4 "what he did not get"
	system_logged 'event=overload .*user 1234 has as many'
	for uid in 0 5603 65534; do
		confined -u $uid
		equal "$status" 0 "as $uid"
	done
	touch "$W/go"
	wait $greedy
	holds "$W/greedy.out" '^250'
	# What he held is free again.
	until_true 5 few_sockets
	MAILSEAL_SOCKET=$sock confined -u 1234
	equal "$status" 0
}
# Whatever becomes of a connection, its room is free again.
t_room_is_given_back() {
	product
	policy
	export MAILSEAL_SOCKET=$sock
	hostile good_server.hs
	mkdir -p /run/mailseal
	: >"$system_log"
	prlimit --nofile=64 "$MAILSEAL_AGENT" --listen "$sock" --config "$conf" --log "$system_log" 2>"$W/agent.err" &
	system=$!
	until_true 5 answers "$sock"
	for _ in $(seq 12); do
		confined -u 1234
		equal "$status" 0
		sealed "$bin/confined" -u 1234 127.0.0.99 25
		equal "$status" 1 "nobody listens there"
		MAILSEAL_CONFIG=$W/other.conf confined -u 1234
		equal "$status" 1 "another configuration"
		MAILSEAL_PORTS=99 sealed "$bin/confined" -u 1234 127.0.0.10 99
		equal "$status" 1 "another port"
		"${as_1234[@]}" /usr/bin/python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect(sys.argv[1]); s.send(b"x" * int(sys.argv[2]))' "$sock" "$RANDOM"
	done
	lacks "$system_log" overload
}

# timeout: 120
t_nonsense_is_survived() {
	local before worker version
	version=$(sed -n 's/^#define HANDOFF_VERSION //p' "$ROOT/shim/handoff/handoff.h")
	product
	policy
	export MAILSEAL_SOCKET=$sock
	hostile good_server.hs
	system_agent --user mailbox
	confined -u 1234
	worker=$(worker_of 1234)
	before=$(find "/proc/$worker/fd" | wc -l)
	for seed in 1 2 3; do
		plain "${as_1234[@]}" /usr/bin/python3 "$E2E/clients/nonsense.py" "$sock" "$version" 400 $seed
		equal "$status" 0 "asking for nonsense, seed $seed"
		check test "$(awk '{ print $2 }' "$W/client.out")" -ge 100
	done
	confined -u 1234
	equal "$status" 0
	equal "$(dispatchers)" "$system" "the agents"
	equal "$(worker_of 1234)" "$worker" "the process"
	system_logged 'the application gave up' # some were nearly right
	# Nobody fills a disk with it.
	check test "$(grep -c 'event=connect-refused' "$system_log")" -le 150
	until_true 60 eval '[ "$(find "/proc/$worker/fd" | wc -l)" -le "$before" ]' || fail "descriptors left"
	checks=$((checks + 1))
}

t_environment_of_the_agent_does_not_matter() {
	product
	strict
	mkdir -p /run/mailseal
	: >"$system_log"
	env OPENSSL_CONF=/nonexistent SSL_CERT_FILE=/nonexistent MAILSEAL_CONFIG=/nonexistent MAILSEAL_LOG=/nonexistent MAILSEAL_PORTS=99 \
		MAILSEAL_IDENTITY=x MAILSEAL_SOCKET=/nonexistent LD_PRELOAD="$BUILD/libmailseal.so" \
		"$MAILSEAL_AGENT" --listen "$sock" --config "$conf" --log "$system_log" 2>"$W/agent.err" &
	until_true 5 answers "$sock"
	export MAILSEAL_SOCKET=$sock
	hostile good_server.hs
	confined -u 1234
	equal "$status" 0
	settle
	nothing_plain
	system_logged 'verdict=tls-verified'
}

# The socket that the agent gets is the program's, and so is its network.
t_another_network() {
	product
	strict
	system_agent --user mailbox
	export MAILSEAL_SOCKET=$sock
	hostile good_server.hs
	# shellcheck disable=SC2016
	sealed unshare -n sh -c 'ip link set lo up && exec "$@"' - "$bin/confined" -u 1234 127.0.0.10 25
	equal "$status" 1
	holds "$W/client.out" 'connect: ECONNREFUSED'
	equal "$(connections)" 0 "connections"
	# shellcheck disable=SC2016
	sealed unshare -n bash -c 'ip link set lo up && "$1"/hostile -l 127.0.0.10:25 -t "$2" -d "$4" -p "$3" \
		"$ROOT/tests/hostile/scenarios/good_server.hs" >/dev/null && exec "$1/confined" -u 1234 127.0.0.10 25' \
		- "$bin" "$W/transcript.there" "$pki" "$W/data"
	equal "$status" 0
	holds "$W/transcript.there" ' tls # data'
	lacks "$W/transcript.there" ' plain C: "MAIL'
	# A connection afresh would be made in the agent's network.
	policy 'require_tls = false'
	# shellcheck disable=SC2016
	sealed unshare -n bash -c 'ip link set lo up && "$1"/hostile -l 127.0.0.10:25 -t "$2" -d "$4" -p "$3" \
		"$ROOT/tests/hostile/scenarios/handshake_close.hs" >/dev/null && exec "$1/confined" -u 1234 127.0.0.10 25' \
		- "$bin" "$W/transcript.fresh" "$pki" "$W/data"
	refute test "$status" = 0
	holds "$W/client.out" '^S: 421 .*the application.s network is another one'
	equal "$(grep -c '# accepted' "$W/transcript.fresh")" 1 "connections there"
	equal "$(connections)" 0 "connections here"
	lacks "$W/transcript.fresh" 'C: "MAIL'
}
few_sockets() { [ "$(find "/proc/$(worker_of 1234)/fd" -lname 'socket:*' | wc -l)" -le 2 ]; }

# Who calls and asks for nothing takes up room as well.
t_silent_callers_leave_room_for_others() {
	product
	policy
	export MAILSEAL_SOCKET=$sock
	hostile good_server.hs
	mkdir -p /run/mailseal
	: >"$system_log"
	prlimit --nofile=64 "$MAILSEAL_AGENT" --listen "$sock" --config "$conf" --log "$system_log" 2>"$W/agent.err" &
	system=$!
	until_true 5 answers "$sock"
	"${as_1234[@]}" /usr/bin/python3 -c '
import socket, sys, time
held = []
for _ in range(60):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(sys.argv[1])
    held.append(s)
print("holding", flush=True)
time.sleep(60)' "$sock" >"$W/greedy.out" 2>&1 &
	until_true 10 grep -q holding "$W/greedy.out" || fail "$(cat "$W/greedy.out")"
	confined -u 5603
	equal "$status" 0
	confined -u 1234
	equal "$status" 1
	holds "$W/client.out" 'connect: ENFILE'
}

# Over a stale socket, which each of them would like to replace.
t_one_of_many_starters_wins() {
	local i pids=() lost=0
	product
	policy
	system_agent
	kill -9 "$system"
	wait "$system"
	for i in $(seq 8); do
		"$MAILSEAL_AGENT" --listen "$sock" --config "$conf" --log "$system_log" 2>"$W/starter.$i" &
		pids+=($!)
	done
	until_true 10 eval '[ "$(dispatchers | wc -l)" = 1 ]' || fail "agents: $(dispatchers | wc -l)"
	for i in "${pids[@]}"; do
		[ "$i" = "$(dispatchers)" ] && continue
		wait "$i"
		equal $? 73 "status of one that lost"
		lost=$((lost + 1))
	done
	equal $lost 7 "starters that lost"
	export MAILSEAL_SOCKET=$sock
	hostile good_server.hs
	confined -u 1234
	equal "$status" 0
	# Only its own socket goes with it.
	mv "$sock" "$sock.moved"
	system=$(dispatchers)
	"$MAILSEAL_AGENT" --listen "$sock" --config "$conf" --log "$system_log" 2>"$W/agent.err" &
	until_true 5 answers_at_path "$sock"
	kill -TERM "$system"
	until_true 10 eval '[ "$(dispatchers | wc -l)" = 1 ]'
	check test -S "$sock"
	confined -u 1234
	equal "$status" 0 "the other one"
}
answers_at_path() { [ -S "$1" ] && [ "$(ss -Hlx src "$1" | wc -l)" -ge 2 ]; }

# wrong STATUS WORDS ARGUMENT ...: the agent's command line is refused
wrong() {
	plain "$MAILSEAL_AGENT" "${@:3}"
	equal "$status" "$1" "${*:3}"
	holds "$W/client.out" "$2"
}

t_command_line() {
	product
	policy
	mkdir -p /run/mailseal "$W/d"
	wrong 73 '/run/none: the directory is missing; make one .* install -d' --listen /run/none/agent.sock
	wrong 64 '--user goes with --listen' --user mailbox
	wrong 64 '--listen goes with neither' --fd 3 --listen "$sock"
	wrong 64 'no target .jornal.; did you mean journal' --log jornal --listen "$sock"
	wrong 67 'there is no user nobody-such' --listen "$sock" --user nobody-such
	refute test -e "$sock"
	wrong 77 'root is root' --listen "$sock" --user root
	wrong 73 'longer than 107' --listen "/run/mailseal/$(printf '%0120d' 0)"
	ln -s /run/mailseal/target /run/mailseal/link
	wrong 73 'a file that is no socket' --listen /run/mailseal/link
	chmod 777 /run/mailseal
	plain "${as_1234[@]}" "$MAILSEAL_AGENT" --listen "$sock" --user mailbox
	equal "$status" 77
	holds "$W/client.out" 'only root can become mailbox'
	system_agent
	wrong 73 'somebody listens there already' --listen "$sock"
	# shellcheck disable=SC2016
	plain sh -c 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"' - "$MAILSEAL_AGENT" --listen "$W/d/agent.sock"
	equal "$status" 64
	holds "$W/client.out" 'one of them is enough'
	# shellcheck disable=SC2016
	plain sh -c 'LISTEN_FDS=1000 LISTEN_PID=$$ exec "$@"' - "$MAILSEAL_AGENT"
	equal "$status" 64
	holds "$W/client.out" 'LISTEN_FDS=1000: from 1 to 16'
	LISTEN_FDS=1 LISTEN_PID=$$ plain timeout --preserve-status 1 "$MAILSEAL_AGENT" --listen "$W/d/agent.sock"
	equal "$status" 0 "sockets passed to another process"
}

# A relay whose processes go into a chroot and give up root before they connect.
t_opensmtpd() {
	local relay
	product
	strict
	postfix_start
	system_agent --user mailbox
	unset MAILSEAL_CONFIG
	capture_start
	opensmtpd_start 127.0.0.10
	opensmtpd_send
	stored 1
	over_tls
	holds "$W/stored.body" '^SECRETBODY'
	opensmtpd_said ' mta delivery .*result="Ok" stat="250 2\.0\.0 Ok: queued as '
	system_logged 'event=transaction .*uid=5605 exe="smtpd" unit="[^"]*" host="" .*verdict=tls-verified'
	relay=$(opensmtpd_relay)
	equal "$(readlink "/proc/$relay/root")" /var/lib/opensmtpd/empty "root of the relay"
	equal "$(awk '$1 == "Uid:" { print $2, $3, $4 }' "/proc/$relay/status")" "5605 5605 5605"
	equal "$(dispatchers)" "$system" "the agents"
	capture_stop
	wire starttls SECRETBODY a@b.example
}

t_opensmtpd_is_blocked_by_policy() {
	product
	strict
	hostile no_starttls.hs
	system_agent
	unset MAILSEAL_CONFIG
	opensmtpd_start 127.0.0.10
	opensmtpd_send
	opensmtpd_said ' mta delivery .*result="TempFail" stat="454 4\.7\.4 mailseal: '
	settle 30 # it keeps its connections for a while
	nothing_plain
}

opensmtpd_tries_again() {
	opensmtpd_control schedule all
	sleep 1
	grep -q 'tls # data' "$W/transcript"
}

# timeout: 120
t_opensmtpd_without_the_system_agent() {
	product
	strict
	hostile good_server.hs
	opensmtpd_start 127.0.0.10
	opensmtpd_send
	opensmtpd_said ' mta delivery .*result="TempFail" stat="Network error on destination MXs"'
	equal "$(connections)" 0 "connections"
	equal "$(agents | wc -l)" 0 "agents"
	# It keeps the message, and sends it once there is an agent.
	system_agent
	until_true 50 opensmtpd_tries_again || fail "$(tail -n 20 "$W/smtpd.log")"
	opensmtpd_said ' mta delivery .*result="Ok"'
	settle 30
	nothing_plain
}
