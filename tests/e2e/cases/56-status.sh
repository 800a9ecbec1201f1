# mailseal status: services of a real systemd, sealed and not, and their processes.
# shellcheck shell=bash

machine() {
	[ -x "$BUILD/mailseal" ] || skip "no $BUILD/mailseal"
	systemd_start
	ms=$BUILD/mailseal
	lib=$BUILD/libmailseal.so
}

# sleeper NAME [LINE ...]: a service that waits, with further lines in [Service]
sleeper() {
	local name=$1
	shift
	{
		printf '%s\n' '[Service]' "$@"
		[[ "$*" == *ExecStart=* ]] || echo 'ExecStart=/usr/bin/perl -e sleep'
	} | unit "$name"
}

# seal UNIT [LIBRARY]: the drop-in, by hand; systemd has not read it yet
seal() {
	mkdir -p "/etc/systemd/system/$1.d"
	cat >"/etc/systemd/system/$1.d/50-mailseal.conf" <<-END
		[Unit]
		AssertPathExists=${2:-$lib}
		[Service]
		Environment=LD_PRELOAD=${2:-$lib}
	END
}
reread() { booted systemctl daemon-reload; }
start() { booted systemctl start "$@"; }

# status CODE ARGUMENT ...; what it said is in client.out
status() {
	local code=$1
	shift
	plain booted "$ms" status "$@"
	equal "$status" "$code" "status $*: $(cat "$W/client.out")"
}
is() { holds "$W/client.out" "^$1\\.service: $2\$"; }
says() { holds "$W/client.out" "$1"; }

t_running_services() {
	local pid
	machine
	status 1
	says '^verdict +No service is sealed\.$'
	sleeper good.service
	sleeper old.service
	sleeper idle.service Type=oneshot ExecStart=/bin/true
	sleeper plain.service
	sleeper many@.service
	start old plain
	sleep 0.1 # a process is known to be older by hundredths of a second
	for u in good.service old.service idle.service many@.service; do seal $u; done
	status 1 old
	is old restart-needed
	says '^obstacle .*systemd has not read the drop-in.*daemon-reload'
	reread
	start good many@one many@two
	status 0 good idle.service many@
	is good in-force
	is idle stopped
	is 'many@' in-force
	says '^ok +2 processes have loaded the library$'
	status 0 many@one
	is many@one in-force
	says '^ok +1 process has loaded'
	pid=$(booted systemctl show -P MainPID old)
	status 1
	is good in-force
	is old restart-needed
	says "^obstacle +process $pid \\(perl\\) runs without the library: it was started before the drop-in"
	lacks "$W/client.out" '^plain\.service'
	says '^verdict +3 of 4 services are sealed as they should be\.$'
	booted systemctl restart old
	status 0
	says '^verdict +4 of 4 services'
	status 1 plain
	is plain not-sealed
	says 'Seal it: mailseal enable plain\.service$'
	says 'runs without the library: .*Seal the service, and restart it: mailseal enable --now plain\.service$'
	status 1 nothing
	is nothing no-unit
	check booted "$ms" status --json old >"$W/json"
	equal "$(python3 -c 'import json, sys
x = json.load(sys.stdin); u = x["units"][0]
print(x["in_force"], u["state"], u["by"], u["processes"]["protected"], u["processes"]["unprotected"])' <"$W/json")" "True in-force drop-in 1 0"
	ln -s good.service /etc/systemd/system/alias.service
	reread
	status 0 alias
	is good in-force
	sealed_by_other_means
	out_of_reach
	not_root
	names_and_files_of_strangers
	library_missing
	the_agent
	systemd_stop
}

sealed_by_other_means() {
	sleeper hand.service "Environment=LD_PRELOAD=$lib"
	echo "LD_PRELOAD=$lib" >/etc/default-file
	sleeper file.service EnvironmentFile=/etc/default-file
	sleeper over.service
	seal over.service
	printf '[Service]\nEnvironment=LD_PRELOAD=/none/other.so\n' >/etc/systemd/system/over.service.d/60-mine.conf
	reread
	start hand file over
	status 0 hand file
	is hand in-force
	says 'sealed by hand: LD_PRELOAD is set in /usr/lib/systemd/system/hand\.service$'
	says 'by hand: LD_PRELOAD is set in a file that EnvironmentFile= names'
	says '^warning .*would start without it'
	status 1 over
	says '^obstacle .*what counts in the end is LD_PRELOAD=/none/other\.so'
	says '^obstacle .*process [0-9]+ \(perl\) runs without the library: LD_PRELOAD was not'
	rm -r /etc/systemd/system/over.service.d
	changed_since
}

# What systemd keeps in mind is what it would start.
changed_since() {
	sleeper kept.service Type=oneshot RemainAfterExit=yes ExecStart=/bin/true
	seal kept.service
	printf '[Service]\nEnvironment=\n' >/etc/systemd/system/kept.service.d/60-mine.conf
	reread
	start kept
	rm /etc/systemd/system/kept.service.d/60-mine.conf
	status 1 kept
	is kept not-read
	says '^obstacle .*as they were then, the library was not loaded'
	reread
	status 0 kept
	echo 'Environment=MAILSEAL_PORTS=587' >>/etc/systemd/system/kept.service.d/50-mailseal.conf
	status 0 kept
	says '^warning .*its files were changed'
	says '^warning .*leaves port 25 out'
	rm -r /etc/systemd/system/kept.service.d
	reread
}

# What the library does not reach, though the service is sealed.
out_of_reach() {
	need gcc
	printf '#include <unistd.h>\nint main(void) { return pause(); }\n' >"$W/pause.c"
	gcc -static -o "$W/static" "$W/pause.c" || fail "no static program"
	sleeper mixed.service "ExecStart=/bin/sh -c '$W/static & env -u LD_PRELOAD perl -e sleep & exec perl -e sleep'"
	seal mixed.service
	reread
	start mixed
	until_true 5 three_run
	status 1 mixed
	is mixed unprotected
	says '^obstacle +process [0-9]+ \(static\) runs without the library: .*out of reach'
	says '^obstacle +process [0-9]+ \(perl\) runs without the library: LD_PRELOAD was not'
	says '^ok +1 process has loaded'
	booted systemctl stop mixed
	rm -r /etc/systemd/system/mixed.service.d
	reread
}
three_run() { [ "$(booted ps -o comm= -C perl,static --ppid 1 | grep -c .)" -ge 3 ]; }

not_root() {
	plain booted setpriv --reuid mailbox --regid mailbox --clear-groups "$ms" status good
	equal "$status" 77 "as another user"
	is good unknown
	says '^warning .*cannot be asked'
	says '^warning .*what it has loaded cannot be seen: Permission denied'
	nsenter -t "$bed" -m mount -o remount,hidepid=invisible /proc || fail "no hidepid"
	plain booted setpriv --reuid mailbox --regid mailbox --clear-groups "$ms" status good
	equal "$status" 77 "where processes are hidden"
	says '^warning .*processes of others are hidden'
	nsenter -t "$bed" -m mount -o remount,hidepid=off /proc
}

# What a process calls itself is not obeyed, and what lies about is not waited for.
names_and_files_of_strangers() {
	sleeper odd.service "ExecStart=/usr/bin/perl -e '\$\$0 = \"\\\\033[31m) R 1\"; open(F, \">/proc/self/comm\"); print F \"\\\\033[31m)\"; close F; sleep'"
	start odd
	seal odd.service
	until_true 5 is_named
	status 1 odd
	says '^obstacle +process [0-9]+ \(\?\[31m\)\) runs without'
	plain booted "$ms" status --json odd
	check python3 -c 'import json, sys; json.load(sys.stdin)' <"$W/client.out"
	booted systemctl stop odd
	rm /etc/systemd/system/odd.service.d/50-mailseal.conf
	mkfifo /etc/systemd/system/odd.service.d/50-mailseal.conf
	status 1 odd
	is odd not-sealed
	rm -r /etc/systemd/system/odd.service.d
	reread
}
is_named() { [ "$(booted sh -c 'cat /proc/[0-9]*/comm' | grep -c '31m')" -ge 1 ]; }

library_missing() {
	cp "$lib" /run/libmailseal.so
	sleeper gone.service
	seal gone.service /run/libmailseal.so
	reread
	rm /run/libmailseal.so
	status 1 gone
	is gone cannot-start
	says '^obstacle +/run/libmailseal\.so: No such file'
	refute start gone
	equal "$(booted systemctl is-active gone)" inactive
	cp "$lib" "$BUILD/mailseal-agent" /run/
	start gone
	status 0 gone
	rm /run/libmailseal.so
	status 1 gone
	says '^warning .*is not the one that is now at'
}

the_agent() {
	local what
	hostile good_server.hs
	printf 'default {\n\tca_file = "%s/ca.pem"\n}\n' "$pki" >/etc/mailseal.conf
	sleeper sender.service "ExecStart=/bin/sh -c 'swaks --to a@b.example --server mx.b.example; exec perl -e sleep'"
	seal sender.service
	reread
	start sender
	until_true 10 grep -q 'tls C: "MAIL' "$W/transcript"
	status 0 sender
	says '^ok +its agent runs \(process [0-9]+\)$'
	status 0 good
	says '^note +no agent of its own runs now'
	echo 'default { require_tls = "perhaps" }' >/etc/mailseal.conf
	status 1 good
	is good no-mail
	says '^obstacle +/etc/mailseal\.conf:1: .*No mail passes'
	# Who it runs as may not read it.
	sleeper joes.service User=daemon
	seal joes.service
	reread
	echo 'default { require_tls = true }' >/etc/mailseal.conf
	start joes
	status 0 joes
	is joes in-force
	chmod 600 /etc/mailseal.conf
	status 1 joes
	is joes no-mail
	says '^obstacle +the configuration /etc/mailseal\.conf: the service may not read'
	rm /etc/mailseal.conf
	# The file of the socket stays where nobody listens any more; the library takes it all the same.
	mkdir -p /run/mailseal
	python3 -c 'import socket; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).bind("/run/mailseal/agent.sock")'
	status 1 good
	is good no-mail
	says '^obstacle +the system agent does not listen at /run/mailseal/agent\.sock: Connection refused'
	for what in "--unit good.service" "--pid $(booted systemctl show -P MainPID good)"; do
		# shellcheck disable=SC2086
		plain booted "$ms" doctor $what
		equal "$status" 1 "doctor $what: $(cat "$W/client.out")"
		says '^obstacle +the system agent does not listen'
	done
	rm /run/mailseal/agent.sock
	status 0 good
	printf '[Service]\nEnvironment=MAILSEAL_SOCKET=/run/none.sock\n' >/etc/systemd/system/sender.service.d/60-mine.conf
	reread
	booted systemctl restart sender
	status 1 sender
	is sender no-mail
	says '^obstacle .*no socket is at /run/none\.sock'
}

# A process is systemd's first, then in the midst of exec, and a zombie in the end: none of that is a fault.
t_a_service_that_starts_all_the_time() {
	local i
	machine
	unit restless.service <<-END
		[Unit]
		StartLimitIntervalSec=0
		[Service]
		ExecStart=/bin/true
		Restart=always
		RestartSec=1ms
		DynamicUser=yes
		ProtectSystem=strict
		PrivateDevices=yes
		SystemCallFilter=@system-service
	END
	seal restless.service
	reread
	start restless
	for i in {1..20}; do status 0 restless; done
}

t_services_of_a_user() {
	machine
	systemd_user joe
	printf '[Service]\nExecStart=/usr/bin/perl -e sleep\n' | user_unit joe own.service
	mkdir -p /home/joe/.config/systemd/user/own.service.d
	printf '[Unit]\nAssertPathExists=%s\n[Service]\nEnvironment=LD_PRELOAD=%s\n' "$lib" "$lib" \
		>/home/joe/.config/systemd/user/own.service.d/50-mailseal.conf
	chown -R joe:joe /home/joe
	booted_as joe systemctl --user daemon-reload
	plain booted_as joe "$ms" status --user
	equal "$status" 0
	is own stopped
	booted_as joe systemctl --user start own
	plain booted_as joe "$ms" status --user
	equal "$status" 0
	is own in-force
	status 1
	says 'No service is sealed'
	# The same name, of the system.
	sleeper own.service
	start own
	plain booted_as joe "$ms" status --user own
	equal "$status" 0
	says '^ok +1 process has'
	booted_as joe systemctl --user stop own
	plain booted_as joe "$ms" status --user own
	is own stopped
}

# Nothing is asked, nothing runs.
t_in_a_tree() {
	[ -x "$BUILD/mailseal" ] || skip "no $BUILD/mailseal"
	ms=$BUILD/mailseal tree=$W/tree
	mkdir -p "$tree"/usr/lib/systemd/system "$tree"/etc/systemd/system/a.service.d "$tree/lib"
	printf '[Service]\nExecStart=/bin/true\n' >"$tree/usr/lib/systemd/system/a.service"
	printf '[Unit]\nAssertPathExists=/lib/libmailseal.so\n[Service]\nEnvironment=LD_PRELOAD=/lib/libmailseal.so\n' \
		>"$tree/etc/systemd/system/a.service.d/50-mailseal.conf"
	plain "$ms" status --root "$tree"
	equal "$status" 1
	is a cannot-start
	says 'mailseal enable [a-zA-Z.]+ seals it with .*, mailseal disable [a-zA-Z.]+ takes'
	cp "$BUILD/libmailseal.so" "$tree/lib"
	plain "$ms" status --root "$tree"
	equal "$status" 0
	is a sealed
	says '^Nothing runs in that tree'
	ln -s /dev/null "$tree/etc/systemd/system/a.service"
	plain "$ms" status --root "$tree"
	rm "$tree/etc/systemd/system/a.service"
	ln -s /etc/shadow "$tree/etc/systemd/system/link.service"
	plain "$ms" status --root "$tree" link
	equal "$status" 1
	is link no-unit
	plain "$ms" status --root "$W/none"
	equal "$status" 66
	printf '[Timer]\nOnBootSec=1\n' >"$tree/etc/systemd/system/a.timer"
	plain "$ms" status --root "$tree" a.timer
	equal "$status" 64
	says 'it starts a\.service'
	plain "$ms" status '../a'
	equal "$status" 64
	plain "$ms" status ''
	equal "$status" 64
	plain "$ms" status
	says '^systemd does not run here'
}
