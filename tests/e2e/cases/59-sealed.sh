# A service is sealed, watched, and unsealed again, under a real systemd: what the server hears is the proof.
# shellcheck shell=bash

# A machine with mailseal installed, a policy, a mail server, and a legacy program: it sends as NAME@a.example, and waits.
installed() {
	[ -x "$BUILD/mailseal" ] || skip "no $BUILD/mailseal"
	systemd_start
	make -s -C "$ROOT" BUILD="$BUILD" DESTDIR=/run/root install >"$W/make.log" 2>&1 || fail "make install: $(tail -n 3 "$W/make.log")"
	mount --bind /run/root/usr/local /usr/local
	nsenter -t "$bed" -m mount --bind /run/root/usr/local /usr/local || fail "nothing installed in the machine"
	printf 'default {\n\tca_file = "%s/ca.pem"\n\tsession_resumption = false\n}\n' "$pki" >/etc/mailseal.conf
	mkdir -p /usr/local/libexec
	cat >/usr/local/libexec/legacy <<-'END'
		#!/usr/bin/perl
		use IO::Socket;
		my $s = IO::Socket::INET->new("mx.b.example:25") or exit 1;
		for ("HELO a", "MAIL FROM:<$ARGV[0]\@a.example>", "RCPT TO:<a\@b.example>", "DATA", "Subject: SECRET\r\n\r\n.", "QUIT") {
			<$s>;
			print $s "$_\r\n";
		}
		<$s>;
		system("systemd-notify", "--ready") if $ENV{NOTIFY_SOCKET};
		sleep if $ARGV[1];
	END
	chmod 755 /usr/local/libexec/legacy
	hostile good_server.hs
}

# service NAME [LINE ...]: a vendor's unit that runs the legacy program for NAME
service() {
	local name=$1
	shift
	printf '%s\n' '[Service]' "ExecStart=/usr/local/libexec/legacy ${name//@/-%i} wait" "$@" >"/usr/lib/systemd/system/$name.service"
}

# sent NAME plain|tls COUNT: messages from NAME that the server got so
sent() {
	until_true 20 has_sent "$@" || fail "from $1: not $3 $2: $(grep "MAIL FROM:<$1@" "$W/transcript"; booted journalctl -n 15 --no-pager -o cat)"
	checks=$((checks + 1))
}
has_sent() { [ "$(grep -c " $2 C: \"MAIL FROM:<$1@" "$W/transcript")" -ge "$3" ]; }
# never NAME plain|tls COUNT: no more than that
never() { equal "$(grep -c " $2 C: \"MAIL FROM:<$1@" "$W/transcript")" "$3" "messages from $1, $2"; }

# All that enable could leave behind.
tree() { (cd / && find etc/systemd usr/lib/systemd/system usr/lib/systemd/user -printf '%y %m %U %G %p %l\n' -type f -exec md5sum {} + | sort); }

mailseal() {
	plain booted mailseal "$@"
	equal "$status" "${expected:-0}" "mailseal $*: $(cat "$W/client.out")"
}

senders='plain families strict preloads filtered tenant-one ready job'

t_services_are_sealed_and_unsealed() {
	local name units='plain families strict preloads filtered tenant@one ready job'
	need gcc
	installed
	service plain
	service families User=mailbox RestrictAddressFamilies=AF_INET
	service strict DynamicUser=yes ProtectSystem=strict ProtectHome=yes PrivateTmp=yes NoNewPrivileges=yes PrivateDevices=yes
	echo 'int other;' >"$W/other.c"
	gcc -shared -o /usr/local/lib/other.so "$W/other.c" || fail "no library"
	echo 'LD_PRELOAD=/usr/local/lib/other.so' >/etc/preloads
	service preloads User=mailbox EnvironmentFile=/etc/preloads
	service filtered User=mailbox SystemCallFilter=@system-service SystemCallArchitectures=native MemoryDenyWriteExecute=yes \
		NoNewPrivileges=yes RestrictNamespaces=yes LockPersonality=yes
	service tenant@ User=mailbox
	service ready Type=notify NotifyAccess=all
	printf '%s\n' '[Service]' Type=oneshot "ExecStart=/usr/local/libexec/legacy job" >/usr/lib/systemd/system/job.service
	printf '%s\n' '[Timer]' OnActiveSec=0 AccuracySec=1ms >/usr/lib/systemd/system/job.timer
	booted systemctl daemon-reload
	# shellcheck disable=SC2086
	check booted systemctl start ${units%job} job.timer
	for name in $senders; do sent $name plain 1; done
	expected=1 mailseal status
	tree >"$W/before"

	# shellcheck disable=SC2086
	mailseal enable --now $units
	check booted systemctl restart job.timer
	for name in $senders; do sent $name tls 1; done
	for name in $senders; do never $name plain 1; done
	mailseal status
	for name in $units; do holds "$W/client.out" "^$name\\.service: (in-force|stopped)\$"; done
	name=$(booted systemctl show -P MainPID preloads)
	check booted grep -q other.so "/proc/$name/maps"
	for name in plain families filtered tenant@one; do
		journal_holds "event=transaction .*unit=\"$name\\.service\".* verdict=tls-verified" -t mailseal
	done
	tree >"$W/sealed"
	# shellcheck disable=SC2086
	mailseal enable $units
	tree >"$W/again"
	same_file "$W/again" "$W/sealed"

	without_the_library

	# shellcheck disable=SC2086
	mailseal disable --now $units
	check booted systemctl restart job.timer
	for name in $senders; do sent $name plain 2; done
	tree >"$W/after"
	same_file "$W/after" "$W/before"
	expected=1 mailseal status
	holds "$W/client.out" 'No service is sealed'
	systemd_stop
}

# Not unprotected: not at all.
without_the_library() {
	mv /usr/local/lib/mailseal/libmailseal.so /usr/local/lib/mailseal/aside
	refute booted systemctl restart plain
	equal "$(booted systemctl is-active plain)" inactive "a service without its library"
	expected=1 mailseal status plain
	holds "$W/client.out" '^plain\.service: cannot-start$'
	mv /usr/local/lib/mailseal/aside /usr/local/lib/mailseal/libmailseal.so
	check booted systemctl start plain
	sent plain tls 2
	never plain plain 1
}

# For programs that go into a chroot, and for those that may start nothing.
t_the_installed_system_agent_serves_confined_services() {
	local name
	installed
	mkdir -p /var/jail
	echo "ExecStart=$bin/confined -c /var/jail -u 1234 127.0.0.10 25" | oneshot chrooted NoNewPrivileges=yes ProtectSystem=strict
	echo "ExecStart=$bin/confined -x 127.0.0.10 25" | oneshot tight User=mailbox TasksMax=1 RestrictAddressFamilies=AF_INET
	booted systemctl daemon-reload
	check booted systemctl enable --quiet --now mailseal-agent.socket
	for name in chrooted tight; do check booted systemctl start $name; done
	settle
	equal "$(grep -c ' plain C: "MAIL' "$W/transcript")" 2 "messages in the clear"
	mailseal enable --system-agent chrooted tight
	check booted systemctl stop mailseal-agent.socket
	for name in chrooted tight; do check booted systemctl start $name; done
	settle
	equal "$(grep -c ' plain C: "MAIL' "$W/transcript")" 2 "messages in the clear"
	equal "$(grep -c ' tls C: "MAIL' "$W/transcript")" 2 "messages over TLS"
	for name in chrooted tight; do journal_holds "event=transaction .*unit=\"$name\\.service\"" -t mailseal; done
	equal "$(booted ps -o comm= -C mailseal-agent | sort -u)" mailseal-agent
	booted systemctl start chrooted
	check booted systemctl is-active --quiet mailseal-agent.service
	mailseal status
	mailseal disable chrooted tight
}

# --now restarts what runs and lacks something, says what it did, and leaves alone what has it all.
t_now_restarts_what_needs_it() {
	local pid
	installed
	service plain
	service tenant@
	service still
	pid_of() { booted systemctl show -P MainPID "$1"; }
	kept() { equal "$(pid_of "$1")" "$pid" "process of $1"; }
	anew() { refute test "$(pid_of "$1")" = "$pid"; pid=$(pid_of "$1"); }
	booted systemctl daemon-reload
	check booted systemctl start plain tenant@one tenant@two
	pid=$(pid_of plain)
	mailseal enable --now plain tenant@ still
	for name in plain tenant@one tenant@two; do holds "$W/client.out" "^$name\\.service: restarted\$"; done
	holds "$W/client.out" '^still\.service: it was not running; it is sealed when it starts$'
	anew plain
	sent plain tls 1
	mailseal enable --now plain tenant@
	for name in plain tenant@; do holds "$W/client.out" "^$name\\.service: not restarted: its processes have it all already\$"; done
	kept plain
	# written before, and not yet in the process
	mailseal enable --ports 25,587 plain
	kept plain
	mailseal enable --now --json --ports 25,587 plain
	holds "$W/client.out" '"restart": "restarted"'
	anew plain
	mailseal enable --now --json --ports 25,587 plain
	holds "$W/client.out" '"restart": "not-needed"'
	kept plain
	mailseal disable plain
	kept plain
	mailseal disable --now plain
	holds "$W/client.out" '^plain\.service: restarted$'
	anew plain
	mailseal disable --now plain
	holds "$W/client.out" '^plain\.service: not restarted: none of its processes is under the drop-in$'
	kept plain
	check booted systemctl stop plain
	mailseal disable --now plain
	holds "$W/client.out" '^plain\.service: it was not running$'
	mailseal disable --now tenant@
	mailseal disable still
	holds "$W/client.out" '^Nothing of it runs now: it counts when it starts\.$'
	systemd_stop
}

# From agents of their own to the system agent, and back: who asked for a log or ports of his own keeps them.
t_to_the_system_agent_and_back() {
	local name sock=/run/mailseal/agent.sock
	installed
	for name in bound other logs; do echo "ExecStart=/usr/local/libexec/legacy $name" | oneshot $name User=mailbox; done
	booted systemctl daemon-reload
	booted install -d -o mailbox /var/mine
	mailseal enable other
	mailseal enable --log /var/mine/log --ports 25,587 logs
	holds /etc/systemd/system/logs.service.d/50-mailseal.conf '^Environment="MAILSEAL_SOCKET=none"$'
	mailseal enable --dry-run --system-agent bound
	holds "$W/client.out" '^note +this starts mailseal-agent\.socket: the system agent serves every program'
	refute booted test -e $sock
	mailseal enable --system-agent bound
	for name in bound other logs; do check booted systemctl start $name; sent $name tls 1; done
	for name in bound other; do journal_holds "event=transaction .*unit=\"$name\.service\"" -t mailseal; done
	check booted grep -q 'event=transaction .*verdict=tls-verified' /var/mine/log
	refute booted journalctl -q --no-pager -t mailseal -g 'event=transaction .*unit="logs\.service"'
	equal "$(booted systemctl is-active mailseal-agent.socket)" active "the system agent"
	# by both of them the same policy is read
	cp /etc/mailseal.conf "$W/good.conf"
	echo oops >/etc/mailseal.conf
	expected=78 mailseal enable other
	lacks "$W/client.out" 'system-agent'
	expected=78 mailseal enable --system-agent other
	holds "$W/client.out" '^obstacle .*/etc/mailseal\.conf:'
	cat "$W/good.conf" >/etc/mailseal.conf
	mailseal disable bound
	holds "$W/client.out" '^note +the system agent served it, and goes on'
	check booted systemctl disable --quiet --now mailseal-agent.socket mailseal-agent.service
	refute booted test -e $sock
	for name in other logs; do check booted systemctl start $name; sent $name tls 2; never $name plain 0; done
	mailseal status
	systemd_stop
}

# oneshot NAME LINE ... <<LINES
oneshot() {
	{
		printf '%s\n' '[Service]' Type=oneshot StandardOutput=null StandardError=null "${@:2}"
		cat
	} >"/usr/lib/systemd/system/$1.service"
}

t_services_of_a_user_are_sealed_and_unsealed() {
	installed
	systemd_user joe
	printf '%s\n' '[Service]' 'ExecStart=/usr/local/libexec/legacy user wait' | user_unit joe own.service
	user_tree() { (cd /home/joe && find . -printf '%y %m %U %p\n' | sort); }
	check booted_as joe systemctl --user start own
	sent user plain 1
	user_tree >"$W/before"
	check booted_as joe mailseal enable --user --now own
	sent user tls 1
	check booted_as joe mailseal status --user
	journal_holds 'event=transaction .*verdict=tls-verified' -t mailseal
	check booted_as joe mailseal disable --user --now own
	sent user plain 2
	never user tls 1
	user_tree >"$W/after"
	same_file "$W/after" "$W/before"
	tree >"$W/system"
	lacks "$W/system" mailseal
}

# It sees nothing but its own root directory: nothing is sealed until all is there.
t_a_service_with_a_root_directory() {
	local root=/var/image f
	installed
	mkdir -p $root/{lib,proc,sys,dev,run,tmp,etc,certificates} $root/usr/local/{lib,libexec}/mailseal
	ln -s lib $root/lib64
	for f in $(ldd "$bin/stdio_client" "$BUILD/mailseal-agent" | grep -oE '/[^ ]+\.so[^ ]*' | sort -u); do cp -L "$f" $root/lib/; done
	cp "$bin/stdio_client" $root/client
	cp /etc/hosts $root/etc/
	cp "$pki/ca.pem" $root/certificates/
	message $root/message
	echo 'ExecStart=/client mx.b.example 25 /message' | oneshot rooted RootDirectory=$root MountAPIVFS=yes
	booted systemctl daemon-reload
	check booted systemctl start rooted
	sent sender plain 1
	expected=69 mailseal enable rooted
	cp "$BUILD/libmailseal.so" $root/usr/local/lib/mailseal/
	expected=69 mailseal enable rooted
	holds "$W/client.out" 'mailseal enable --system-agent rooted'
	cp "$BUILD/mailseal-agent" $root/usr/local/libexec/mailseal/
	sed 's,ca_file = .*,ca_file = "/certificates/ca.pem",' /etc/mailseal.conf >$root/etc/mailseal.conf
	mailseal enable rooted
	check booted systemctl start rooted
	sent sender tls 1
	never sender plain 1
	mailseal status
	lacks "$W/client.out" 'the log is reached'
	# The log stands outside, and has it all the same.
	journal_holds 'event=transaction .*exe="?/client.*verdict=tls-verified' -t mailseal
	# What its agent is linked with is missing: all would be refused, and nobody told.
	mv $root/lib/libconfuse.so.2 $root/
	expected=1 mailseal status
	holds "$W/client.out" '^rooted\.service: no-mail$'
	holds "$W/client.out" '^obstacle +the agent /usr/local/libexec/mailseal/mailseal-agent cannot start: it needs libconfuse\.so\.2, not found'
	mailseal disable rooted
	expected=69 mailseal enable rooted
	holds "$W/client.out" '^obstacle +the agent /.* cannot start'
	mv $root/libconfuse.so.2 $root/lib/
	chmod -x $root/usr/local/libexec/mailseal/mailseal-agent
	expected=69 mailseal enable rooted
	holds "$W/client.out" '^obstacle +the agent .*execut'
	chmod +x $root/usr/local/libexec/mailseal/mailseal-agent
	mailseal enable rooted
	rm $root/usr/local/lib/mailseal/libmailseal.so
	refute booted systemctl start rooted
	expected=1 mailseal status
	mailseal disable rooted
	# By hand: the path is that within.
	mkdir -p /etc/systemd/system/rooted.service.d
	printf '[Service]\nEnvironment=LD_PRELOAD=/usr/local/lib/mailseal/libmailseal.so\n' >/etc/systemd/system/rooted.service.d/hand.conf
	booted systemctl daemon-reload
	expected=1 mailseal status rooted
	holds "$W/client.out" '^obstacle +/var/image/usr/local/lib/mailseal/libmailseal\.so: No such file'
	cp "$BUILD/libmailseal.so" $root/usr/local/lib/mailseal/
	mailseal status rooted
	holds "$W/client.out" '^warning +the log is reached neither at'
}

# Services that live in a directory: one sees enough for an agent of its own, the other gets what the system agent needs.
t_services_in_a_root_directory() {
	local name jail
	installed
	for name in wide narrow; do
		jail=/var/jail-$name
		mkdir -p $jail/{usr/bin,usr/lib,usr/lib64,usr/share,etc,opt,tmp}
		for d in lib lib64 bin; do ln -s usr/$d $jail/$d; done
		cp /usr/local/libexec/legacy $jail/opt
	done
	echo "ExecStart=/opt/legacy wide" | oneshot wide RootDirectory=/var/jail-wide "BindReadOnlyPaths=/usr /etc $pki"
	echo "ExecStart=/opt/legacy narrow" |
		oneshot narrow RootDirectory=/var/jail-narrow 'BindReadOnlyPaths=/usr/bin /usr/lib /usr/lib64 /usr/share' BindReadOnlyPaths=/etc
	booted systemctl daemon-reload
	for name in wide narrow; do check booted systemctl start $name; sent $name plain 1; done
	mailseal enable wide
	holds /etc/systemd/system/wide.service.d/50-mailseal.conf '^AssertPathExists=/usr/local/lib/mailseal/libmailseal.so$'
	expected=69 mailseal enable narrow
	holds "$W/client.out" '^obstacle .*libmailseal\.so'
	holds "$W/client.out" 'By the system agent it would: mailseal enable --system-agent narrow\.service'
	check booted systemctl enable --quiet --now mailseal-agent.socket
	mailseal enable --system-agent narrow
	holds /etc/systemd/system/narrow.service.d/50-mailseal.conf '^BindReadOnlyPaths="/run/mailseal"$'
	for name in wide narrow; do check booted systemctl start $name; sent $name tls 1; never $name plain 1; done
	mailseal disable wide narrow
	for name in wide narrow; do check booted systemctl start $name; sent $name plain 2; done
	systemd_stop
}
