# What a program must not notice, and what must not stop it: with the real agent.
# shellcheck shell=bash

py=/usr/bin/python3
clients=$E2E/clients

# A network where nothing answers (198.51.100.0/24), one without a way (203.0.113.0/24).
dead_networks() {
	ip link add void type veth peer name void2 2>/dev/null || skip "no veth devices"
	ip addr add 198.51.100.1/24 dev void
	ip link set void up
	ip link set void2 up
	ip neigh add 198.51.100.7 lladdr 02:00:00:00:00:07 dev void
	ip route add unreachable 203.0.113.0/24
	echo 1 >/proc/sys/net/ipv4/tcp_syn_retries
}

# fails_over WAY
fails_over() {
	product
	policy 'require_tls = true'
	dead_networks
	postfix_start
	# What a program sees without mailseal is what it sees with it.
	plain $py "$clients/failover.py" "$1" 25 127.0.0.30 203.0.113.1 198.51.100.7 127.0.0.10
	equal "$status" 0 "without mailseal"
	cp "$W/client.out" "$W/plain.out"
	stored 1
	policy 'require_tls = true' 'verify_certificate = false'
	sealed $py "$clients/failover.py" "$1" 25 127.0.0.30 203.0.113.1 198.51.100.7 127.0.0.10
	equal "$status" 0 "status"
	equal "$(grep -E '^[0-9]+\.' "$W/client.out")" "$(grep -E '^[0-9]+\.' "$W/plain.out")" "errors"
	holds "$W/client.out" '^127\.0\.0\.30 ECONNREFUSED'
	holds "$W/client.out" '^198\.51\.100\.7 ETIMEDOUT'
	holds "$W/client.out" '^127\.0\.0\.10 connected'
	stored 2
	over_tls
}
# timeout: 90
t_fails_over_blocking() { fails_over blocking; }
# timeout: 90
t_fails_over_nonblocking() { fails_over nonblocking; }

t_any_address_means_this_machine() {
	product
	policy
	$py "$clients/greeter.py" 127.0.0.1 25 &
	until_true 10 listening 127.0.0.1 25
	# shellcheck disable=SC2016
	sealed $py -c 'import socket
s = socket.create_connection(("0.0.0.0", 25))
print(s.getpeername(), s.getsockname()[0])'
	holds "$W/client.out" "^\('127\.0\.0\.1', 25\) 127\.0\.0\.1$"
}

t_everything_written_is_delivered_after_exit() {
	product
	policy 'require_tls = true'
	postfix_start
	capture_start
	sealed $py "$clients/talk.py" mx.b.example 25 blind
	equal "$status" 0
	stored 1
	capture_stop
	over_tls
	holds "$W/stored.body" '^SECRETBODY$'
	wire starttls a@b.example SECRET
}

# timeout: 180
t_ten_thousand_connections() {
	local agent fds rss
	product
	policy
	$py "$clients/greeter.py" 127.0.0.10 25 &
	until_true 10 listening 127.0.0.10 25
	sealed "$bin/many_connects" 127.0.0.10 25 500
	equal "$status" 0 "the first: $(tail -n 1 "$W/client.out")"
	agent=$(agents)
	quiet() { [ "$(find "/proc/$agent/fd" | wc -l)" -le "$1" ] && kill -0 "$agent"; }
	until_true 20 quiet 20
	fds=$(($(find "/proc/$agent/fd" | wc -l) + 2 * $(nproc))) # each thread that load may start has two
	rss=$(proc_kb "$agent" VmRSS)
	sealed "$bin/many_connects" 127.0.0.10 25 10000
	equal "$status" 0 "many: $(tail -n 1 "$W/client.out")"
	equal "$(agents)" "$agent" "the agent"
	until_true 40 quiet "$fds" || fail "descriptors of the agent: $(find "/proc/$agent/fd" | wc -l), before $fds"
	check test "$(proc_kb "$agent" VmRSS)" -lt $((rss + 2048))
}

# What the program was told and what the server has, with the agent killed at any moment.
# timeout: 180
t_agent_killed_at_any_moment() {
	local i n=0 client agent acknowledged=0
	product
	policy 'require_tls = true'
	postfix_start
	for i in $(seq 30); do
		LD_PRELOAD=$BUILD/libmailseal.so $py "$clients/failover.py" blocking 25 127.0.0.10 >"$W/client.$i" 2>&1 &
		client=$!
		sleep "0.$(printf '%03d' $((i * 12 % 400)))"
		agent=$(agents)
		# shellcheck disable=SC2086
		[ -z "$agent" ] || { kill -9 $agent 2>/dev/null && n=$((n + 1)); }
		wait $client
		grep -q '^250 2\.0\.0 Ok: queued' "$W/client.$i" && acknowledged=$((acknowledged + 1))
	done
	check test $n -ge 10
	policy 'require_tls = true' 'verify_certificate = false'
	sealed $py "$clients/failover.py" blocking 25 127.0.0.10
	equal "$status" 0 "the connection after it"
	holds "$W/client.out" '^250 2\.0\.0 Ok: queued'
	stored $((acknowledged + 1))
	checks=$((checks + 1))
	! grep -L 'with ESMTPS' "$W"/mail/new/* | grep -q . || fail "one came in the clear"
}

# A program that speaks on when all is over meets the end, as over TCP.
t_broken_pipe_after_the_end() {
	product
	policy
	hostile good_server.hs
	sealed $py "$clients/talk.py" mx.b.example 25 onwards
	equal "$status" 0 "$(tail -n 1 "$W/client.out")"
	holds "$W/client.out" '^BrokenPipeError'
}

# Looks for duplicates are made once, not for each connect(), whatever else the program holds.
t_ten_thousand_descriptors() {
	need strace
	product
	policy
	$py "$clients/greeter.py" 127.0.0.10 25 &
	until_true 10 listening 127.0.0.10 25
	sealed prlimit --nofile=20000:20000 strace -f -qq -o "$W/calls" "$bin/many_connects" 127.0.0.10 25 50 10000
	equal "$status" 0 "$(tail -n 1 "$W/client.out")"
	check test "$(grep -c . "$W/calls")" -lt 100000
	check test "$(grep -c statx "$W/calls")" -lt 5000
}

t_children_ignored() {
	product
	policy
	hostile good_server.hs
	sealed bash -c 'trap "" CHLD; exec "$0" "$@"' "$bin/guest_check" mx.b.example 25
	equal "$status" 0 "$(cat "$W/client.out")"
}

t_standard_descriptors_closed() {
	product
	policy 'require_tls = true'
	postfix_start
	message "$W/message"
	# shellcheck disable=SC2016
	sealed bash -c 'exec 0<&- 1>&- 2>&-; exec "$@"' - "$bin/stdio_client" mx.b.example 25 "$W/message"
	stored 1
	over_tls
	sed '1,/^$/d' "$W/message" >"$W/sent.body"
	same_file "$W/sent.body" "$W/stored.body"
}

as_other_user() { setpriv --reuid 1234 --regid 1234 --clear-groups "$@"; }

t_no_process_may_be_started() {
	product
	policy
	chmod 644 "$conf"
	hostile good_server.hs
	sealed as_other_user prlimit --nproc=1:1 "$bin/guest_check" mx.b.example 25
	equal "$status" 1
	holds "$W/client.out" 'connect: (ECONNREFUSED|EAGAIN)'
	equal "$(connections)" 0 "connections"
	logged 'cannot start a process'
	# One that was started before serves those who may start none.
	sealed as_other_user prlimit --nproc=1:200 bash -c 'ulimit -Su 200; "$0" "$@"; ulimit -Su 1; exec "$0" "$@"' \
		"$bin/guest_check" mx.b.example 25
	equal "$status" 0 "with an agent that runs: $(cat "$W/client.out")"
}

# --- a whole system under /etc/ld.so.preload ----------------------------------------------------

# A root of its own over this one, with the product in it.
container() {
	root=$W/.fs/root
	mkdir -p "$W/.fs/over"
	mount -t tmpfs tmpfs "$W/.fs/over" || fail "no tmpfs"
	mkdir -p "$W/.fs/over"/{upper,work} "$root"
	mount -t overlay -o "lowerdir=/,upperdir=$W/.fs/over/upper,workdir=$W/.fs/over/work" overlay "$root" 2>/dev/null ||
		skip "no overlay over / here"
	mount --rbind /proc "$root/proc"
	mount --rbind /dev "$root/dev"
	install -D -t "$root/usr/local/lib/mailseal" "$BUILD/libmailseal.so"
	install -D -t "$root/usr/local/libexec/mailseal" "$BUILD/mailseal-agent"
	cp "$pki/ca.pem" "$root/etc/mailseal-ca.pem"
	cp /etc/hosts /etc/nsswitch.conf "$root/etc/"
	printf 'default { require_tls = true ca_file = "/etc/mailseal-ca.pem" }\n' >"$root/etc/mailseal.conf"
	echo /usr/local/lib/mailseal/libmailseal.so >"$root/etc/ld.so.preload"
}

package() {
	mkdir -p "$root/build/hello/DEBIAN" "$root/build/hello/usr/share/hello"
	printf '%s\n' 'Package: mailseal-test-hello' 'Version: 1' 'Architecture: all' 'Maintainer: a <a@a.example>' \
		'Description: says hello' >"$root/build/hello/DEBIAN/control"
	printf '%s\n' '#!/bin/sh' 'set -e' 'adduser --system --group hello-daemon >/dev/null || useradd hello-daemon' \
		'id hello-daemon | sort >/var/lib/hello' >"$root/build/hello/DEBIAN/postinst"
	chmod 755 "$root/build/hello/DEBIAN/postinst"
	echo hello >"$root/build/hello/usr/share/hello/text"
}

# timeout: 120
t_whole_system_preloaded() {
	need dpkg-deb apt-get
	product
	unset MAILSEAL_LOG MAILSEAL_AGENT MAILSEAL_CONFIG
	container
	package
	mkdir -p "$root/tmp" && chmod 1777 "$root/tmp"
	hostile good_server.hs
	check chroot "$root" dpkg-deb -b /build/hello /build/hello.deb
	chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq /build/hello.deb >"$W/apt.out" 2>&1
	equal "$?" 0 "apt-get: $(tail -n 3 "$W/apt.out")"
	holds "$root/var/lib/hello" 'hello-daemon'
	lacks "$W/apt.out" 'ld\.so|mailseal:'
	printf '#include <stdio.h>\nint main(void) { puts("compiled"); return 0; }\n' >"$root/build/a.c"
	check chroot "$root" gcc -O2 -o /build/a /build/a.c
	equal "$(chroot "$root" /build/a)" compiled
	# ld.so.preload reaches setuid programs too; their environment does not count.
	cp "$bin/guest_check" "$root/build/guest_check"
	chmod 4755 "$root/build/guest_check"
	chroot "$root" setpriv --reuid 1234 --regid 1234 --clear-groups env MAILSEAL_PORTS=2 MAILSEAL_AGENT=/none \
		MAILSEAL_CONFIG=/none MAILSEAL_LOG=stderr /build/guest_check mx.b.example 25 >"$W/client.out" 2>&1
	equal "$?" 0 "a setuid program: $(cat "$W/client.out")"
	chroot "$root" swaks --to a@b.example --server mx.b.example --body SECRETBODY >"$W/client.out" 2>&1
	equal "$?" 0 "swaks"
	settle
	nothing_plain
	holds "$W/transcript" ' tls C: "MAIL FROM'
}

# A root that belongs to somebody else: who listens there where the system agent would is he.
t_listener_in_another_users_chroot() {
	product
	policy
	unset MAILSEAL_CONFIG
	mkdir -p "$W/jail/run/mailseal"
	chown -R 1234 "$W/jail"
	# shellcheck disable=SC2016
	setpriv --reuid 1234 --regid 1234 --clear-groups $py -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
os.chdir(sys.argv[1])
s.bind("agent.sock")
os.chmod("agent.sock", 0o777)
s.listen(5)
while True:
    caller = s.accept()[0]
    print(len(caller.recv(100000)), flush=True)
' "$W/jail/run/mailseal" >"$W/heard" &
	until_true 10 test -S "$W/jail/run/mailseal/agent.sock"
	export MAILSEAL_LOG=stderr
	sealed "$bin/confined" -c "$W/jail" -u 33 127.0.0.10 25
	refute test "$status" = 0
	holds "$W/client.out" 'not to be trusted'
	sleep 0.2
	lacks "$W/heard" '[1-9]'
}
