# make install and make uninstall: what is put where, that it works there, and goes again.
# shellcheck shell=bash

# A copy of the tree and of what was built, from which this case may install into an empty /usr/local.
tree_aside() {
	product
	need make
	unset MAILSEAL_AGENT MAILSEAL_LOG MAKEFLAGS MFLAGS
	export -n BUILD
	mkdir -p /run/tree/build
	cp -a "$ROOT"/{shim,config,tools,Makefile,README.md,LICENSE} /run/tree
	cp -a "$BUILD"/{obj,pic,flags,places,rooms.a,mailseal,mailseal-agent,libmailseal.so,links,lib} /run/tree/build
	[ ! -e "$BUILD/lib32" ] || cp -a "$BUILD"/{pic32,lib32} /run/tree/build
	mount -t tmpfs -o "mode=755${1:+,size=$1}" tmpfs /usr/local || exit 70
	cd /run/tree || exit 70
}

makes() { make -s -j2 "$@" >"$W/make.log" 2>&1 || fail "make $*: $(tail -n 3 "$W/make.log")"; }

content() { (cd "$1" && find . ! -type d | LC_ALL=C sort); }

# timeout: 240
t_installed() {
	local before file
	local places=(PREFIX="$W/inst" SYSCONFDIR="$W/etc")
	tree_aside
	makes all
	before=$(stat -c %y build/mailseal)
	makes all
	equal "$(stat -c %y build/mailseal)" "$before" "built anew though nothing changed"
	# What was built for one place is not installed in another.
	makes install "${places[@]}"
	for file in lib/mailseal/libmailseal.so 'lib/mailseal/$LIB/libmailseal.so' libexec/mailseal/mailseal-agent bin/mailseal \
		share/man/man1/mailseal.1 share/man/man5/mailseal.conf.5 share/man/man8/mailseal-agent.8 share/man/man8/libmailseal.8 \
		share/bash-completion/completions/mailseal lib/systemd/system/mailseal-agent.{socket,service} \
		share/doc/mailseal/{README.md,LICENSE,examples/mailseal.conf,examples/systemd/mailseal.conf,examples/logrotate/mailseal}; do
		check test -s "$W/inst/$file"
	done
	refute test -e "$W/etc"
	holds <(strings "$W/inst/lib/mailseal/libmailseal.so") "^$W/etc/mailseal\.conf$"
	for file in inst/lib/mailseal/libmailseal.so inst/libexec/mailseal/mailseal-agent inst/bin/mailseal; do
		lacks <(strings "$W/$file") '^/usr/local/lib(exec)?/mailseal|^/etc/mailseal'
	done
	lacks <(cat "$W"/inst/share/man/man?/* "$W"/inst/lib/systemd/system/* "$W"/inst/share/doc/mailseal/examples/*.conf \
		"$W"/inst/share/doc/mailseal/examples/systemd/*) '/usr/local/|[ =]/etc/mailseal\.conf'
	holds "$W/inst/share/doc/mailseal/examples/systemd/mailseal.conf" "^Environment=LD_PRELOAD=$W/inst/lib/mailseal/libmailseal\.so$"
	holds "$W/inst/lib/systemd/system/mailseal-agent.service" "^ExecStart=$W/inst/libexec/mailseal/mailseal-agent$"
	holds "$W/inst/lib/systemd/system/mailseal-agent.socket" '^ListenSequentialPacket=@mailseal/1/system$'
	policy 'require_tls = true'
	hostile good_server.hs
	plain "$W/inst/bin/mailseal" run --config "$conf" --log "$log" -- swaks --to a@b.example --server mx.b.example
	equal "$status" 0
	settle
	nothing_plain
	check test -n "$(for p in $(agents); do readlink "/proc/$p/exe" | grep "^$W/inst/libexec/"; done)"
	# shellcheck disable=SC2016
	plain env LD_PRELOAD="$W/inst/lib/mailseal/\$LIB/libmailseal.so" MAILSEAL_CONFIG="$conf" MAILSEAL_LOG="$log" \
		swaks --to a@b.example --server mx.b.example
	equal "$status" 0
	settle
	nothing_plain
}

# Twice is once; and what others put there is left.
# timeout: 120
t_uninstalled() {
	local before
	tree_aside
	mkdir -p /usr/local/{bin,lib/mailseal,share/doc/mailseal/examples}
	touch /usr/local/{bin/other,lib/mailseal/own,share/doc/mailseal/examples/notes} /etc/mailseal.conf
	before=$(content /usr/local)
	makes install
	content /usr/local >"$W/first"
	check test "$(wc -l <"$W/first")" -ge 18
	touch /usr/local/libexec/mailseal/mailseal-agent.new # one that was killed in the middle
	makes install
	equal "$(content /usr/local)" "$(cat "$W/first")" "installed twice"
	touch /usr/local/bin/mailseal.new
	makes uninstall
	equal "$(content /usr/local)" "$before" "after uninstall"
	check test -e /etc/mailseal.conf
	rm /usr/local/{lib/mailseal/own,share/doc/mailseal/examples/notes}
	makes uninstall
	equal "$(find /usr/local -mindepth 1 -type d | LC_ALL=C sort | tr '\n' ' ')" \
		'/usr/local/bin /usr/local/lib /usr/local/share /usr/local/share/man ' "directories"
}

# Before the compiler says it in its words, and before anything is put anywhere; no package is installed unasked.
t_says_what_a_build_lacks() {
	tree_aside
	mkdir -p /run/headers/openssl /run/few
	echo '#error not here' | tee /run/headers/confuse.h >/run/headers/openssl/ssl.h
	plain make -s -j2 install BUILD=b CPPFLAGS=-I/run/headers
	equal "$status" 2 "make install"
	holds "$W/client.out" '^mailseal cannot be built here\. Missing: headers of OpenSSL 3, headers of libconfuse\.$'
	holds "$W/client.out" "^As root run 'make deps', or 'apt-get install --no-install-recommends libssl-dev libconfuse-dev'; then make again\.$"
	lacks "$W/client.out" 'fatal error|not here'
	plain make -s all BUILD=b CC=no-such-compiler
	holds "$W/client.out" '^mailseal cannot be built here\. Missing: the compiler no-such-compiler\.$'
	plain make -s b/libmailseal.so BUILD=b CPPFLAGS=-I/run/headers
	equal "$status" 0 "the library alone, which needs libc: $(tail -n 1 "$W/client.out")"
	plain make -s all BUILD=b LDFLAGS=-lnothing
	holds "$W/client.out" 'Missing: libraries to link with .*-lnothing'
	ln -s "$(command -v mktemp)" "$(command -v rm)" "$(command -v ar)" /run/few
	plain env PATH=/run/few /bin/sh tools/can_build -lssl no-such-compiler
	equal "$status" 69 "where there is no apt-get"
	holds "$W/client.out" 'Install the packages of your distribution'
	lacks "$W/client.out" 'apt-get|make deps'
	equal "$(find /usr/local -mindepth 1)" "" "put there"
	plain make -n deps install
	equal "$status" 0 "make deps install: $(tail -n 1 "$W/client.out")"
}

t_help_names_each_target() {
	local target
	need make
	plain make -s -C "$ROOT" help
	equal "$status" 0 "make help"
	check test "$(wc -l <"$W/client.out")" -le 24
	for target in $(sed -n 's/^\.PHONY: //p' "$ROOT/Makefile" | tr ' ' '\n' | grep -vxE '\$\(DEPS\)|FORCE|can32|help') deps; do
		holds "$W/client.out" "^  ([a-z]+, )?$target( |,)"
	done
}

# Half of such a name would be written, or removed.
t_places_that_cannot_be() {
	local place
	tree_aside
	touch /run/a
	for place in 'DESTDIR=/run/a b' 'PREFIX=/run/a b' 'PREFIX=/run/a ' $'LIBDIR=/run/a\tb' 'DESTDIR=/run/a;b' 'PREFIX=/run/$$b' \
		'PREFIX=/run/a:b' "BINDIR=/run/'" 'MANDIR=man' 'PREFIX=usr' 'DESTDIR=~/a' 'BUILD=b d'; do
		plain make -s uninstall "$place"
		equal "$status" 2 "make uninstall $place"
		holds "$W/client.out" "\\*\\*\\* ${place%%=*}=.*Choose another\\."
	done
	check test -e /run/a
	plain make -s -n install 'DESTDIR=/run/x-1~rc+1:2,@=_'
	equal "$status" 0 "make install: $(tail -n 3 "$W/client.out")"
}

# Staging needs no root, and its umask shows nowhere.
# timeout: 120
t_staged_by_a_user_of_narrow_umask() {
	local stage=/tmp/stage
	tree_aside
	chown -R mailbox build
	install -d -o mailbox "$stage"
	plain setpriv --reuid mailbox --regid mailbox --clear-groups sh -c 'umask 077; exec "$@"' - \
		make -s DESTDIR=$stage install
	equal "$status" 0 "make install: $(tail -n 3 "$W/client.out")"
	equal "$(find "$stage" -mindepth 1 ! -type l ! -perm -a=r)" "" "not to be read by all"
	equal "$(find "$stage" -mindepth 1 -type d ! -perm 755)" "" "directories not for all"
	check test -x "$stage/usr/local/libexec/mailseal/mailseal-agent"
	holds "$stage/usr/local/share/man/man8/mailseal-agent.8" 'Pa /usr/local/lib/systemd/system'
	equal "$(readlink -f "$stage/usr/local/lib/mailseal/\$LIB/libmailseal.so")" "$stage/usr/local/lib/mailseal/libmailseal.so"
	plain make -s DESTDIR=$stage uninstall
	equal "$status" 0 "make uninstall"
	equal "$(content "$stage")" "" "left"
}

# A file in use is never opened for writing nor missing: programs that run keep theirs, those that start find one.
# timeout: 120
t_replaced_by_rename() {
	local file touched before running
	need strace
	tree_aside
	makes install
	policy 'require_tls = true'
	hostile good_server.hs
	LD_PRELOAD=/usr/local/lib/mailseal/libmailseal.so MAILSEAL_LOG=$log python3 - "$W/go" >"$W/running.out" 2>&1 <<-'END' &
		import os, smtplib, sys, time
		while not os.path.exists(sys.argv[1]):
		    time.sleep(0.05)
		smtplib.SMTP("mx.b.example").sendmail("s@a.example", ["a@b.example"], "Subject: x\r\n\r\nx\r\n")
	END
	running=$!
	before=$(stat -c %i /usr/local/lib/mailseal/libmailseal.so)
	strace -f -qq -s 400 -o "$W/trace" -e trace=open,openat,creat,truncate,unlink,unlinkat,rename,renameat,renameat2 \
		make -s install >"$W/make.log" 2>&1 || fail "make install under strace"
	for file in lib/mailseal/libmailseal.so libexec/mailseal/mailseal-agent bin/mailseal; do
		touched=$(grep -F "/usr/local/$file\"" "$W/trace" | grep -v O_RDONLY)
		holds <(echo "$touched") "rename.*\"/usr/local/$file\.new\".*\"/usr/local/$file\""
		equal "$(grep -vc 'rename' <<<"$touched")" 0 "touched otherwise than by rename: $touched"
	done
	refute test "$(stat -c %i /usr/local/lib/mailseal/libmailseal.so)" = "$before"
	# nor do the links to it
	lacks <(grep unlink "$W/trace") '/lib/mailseal/.*(libmailseal\.so|\$LIB)"'
	touch "$W/go"
	wait $running
	equal $? 0 "the program that ran meanwhile: $(tail -n 1 "$W/running.out")"
	settle
	nothing_plain
	equal "$(grep -c 'tls # data' "$W/transcript")" 1 "its message"
}

# A disk that is full in the middle leaves the old file, whole, and nothing beside it.
# timeout: 120
t_disk_full() {
	tree_aside 8m
	makes install
	cp /usr/local/lib/mailseal/libmailseal.so /usr/local/libexec/mailseal/mailseal-agent "$W"
	head -c 10m /dev/zero >/usr/local/filler 2>/dev/null
	plain make -s install
	refute test "$status" = 0
	holds "$W/client.out" 'No space left'
	same_file "$W/libmailseal.so" /usr/local/lib/mailseal/libmailseal.so
	same_file "$W/mailseal-agent" /usr/local/libexec/mailseal/mailseal-agent
	equal "$(find /usr/local -name '*.new')" "" "left behind"
}

# Who still counts on it is told before it goes.
# timeout: 120
t_uninstall_tells_who_is_left() {
	tree_aside
	mkdir -p /etc/systemd/system/{billing.service.d,old.service.d,sockets.target.wants}
	makes install
	printf '[Service]\nExecStart=/usr/bin/perl -e 1\nEnvironmentFile=-/etc/none\n' >/etc/systemd/system/billing.service
	plain /usr/local/bin/mailseal enable billing
	equal "$status" 0 "mailseal enable: $(cat "$W/client.out")"
	check test -e /etc/systemd/system/billing.service.d/50-mailseal.env
	printf '[Service]\nEnvironment=LD_PRELOAD=%s\n' /usr/local/lib/mailseal/libmailseal.so >/etc/systemd/system/old.service.d/mailseal.conf
	ln -s /usr/local/lib/systemd/system/mailseal-agent.socket /etc/systemd/system/sockets.target.wants
	echo /usr/local/lib/mailseal/libmailseal.so >$'/etc/with\e[31m sign'
	mount -t tmpfs tmpfs /home
	mkdir -p /home/joe/.config/systemd/user/own.service.d
	echo Environment=LD_PRELOAD=/usr/local/lib/mailseal/libmailseal.so >/home/joe/.config/systemd/user/own.service.d/50-mailseal.conf
	# Nobody leads root elsewhere.
	mkdir -p /home/eve/.config /home/bob /run/elsewhere/systemd
	echo Environment=LD_PRELOAD=/usr/local/lib/mailseal/libmailseal.so >/run/elsewhere/systemd/led.conf
	ln -s /run/elsewhere/systemd /home/eve/.config
	ln -s /run/elsewhere /home/bob/.config
	content /usr/local >"$W/before"
	plain make -s uninstall
	equal "$status" 2 "make uninstall"
	holds "$W/client.out" "billing\.service will not start .*: first 'mailseal disable billing\.service', or afterwards delete"
	holds "$W/client.out" "^mailseal: nothing was removed\..* 'make uninstall FORCE=1'"
	equal "$(content /usr/local)" "$(cat "$W/before")" "after a refusal"
	plain make -s uninstall DESTDIR=/run/stage
	equal "$status" 0 "where nothing of this counts"
	lacks "$W/client.out" .
	plain make -s uninstall FORCE=1
	equal "$status" 0 "make uninstall FORCE=1"
	lacks "$W/client.out" 'led\.conf|mailseal\.env|nothing was removed'
	holds "$W/client.out" '^mailseal: /etc/with\?\[31m sign: names the library'
	holds "$W/client.out" '/home/joe/.*/50-mailseal\.conf: own\.service runs WITHOUT mailseal'
	holds "$W/client.out" 'billing\.service\.d/50-mailseal\.conf: billing\.service will not start any more'
	holds "$W/client.out" 'old\.service\.d/mailseal\.conf: old\.service runs WITHOUT mailseal'
	holds "$W/client.out" 'sockets\.target\.wants/mailseal-agent\.socket: the system agent is enabled'
	check test -e /etc/systemd/system/billing.service.d/50-mailseal.conf
	check test -L /etc/systemd/system/sockets.target.wants/mailseal-agent.socket
}

# As the README says: what is sealed is let go of first; a file of a user's keeps nobody from anything.
# timeout: 120
t_uninstalled_once_nothing_is_sealed() {
	tree_aside
	makes install
	printf '[Service]\nExecStart=/usr/bin/perl -e 1\n' >/etc/systemd/system/billing.service
	plain /usr/local/bin/mailseal enable billing
	equal "$status" 0 "mailseal enable: $(cat "$W/client.out")"
	plain make -s uninstall
	equal "$status" 2 "make uninstall of what is in use"
	plain /usr/local/bin/mailseal disable billing
	equal "$status" 0 "mailseal disable: $(cat "$W/client.out")"
	echo /usr/local/lib/mailseal/libmailseal.so >/etc/ld.so.preload
	plain make -s uninstall
	equal "$status" 2 "make uninstall of what every program loads"
	rm /etc/ld.so.preload
	mount -t tmpfs tmpfs /home
	mkdir -p /home/joe/.config/systemd/user
	echo Environment=LD_PRELOAD=/usr/local/lib/mailseal/libmailseal.so >/home/joe/.config/systemd/user/own.service
	plain make -s uninstall
	equal "$status" 0 "make uninstall: $(cat "$W/client.out")"
	holds "$W/client.out" 'own\.service runs WITHOUT mailseal'
	equal "$(content /usr/local)" "" "left"
}

# The units are where systemd looks for them: nothing is to be copied. An upgrade takes one restart.
# timeout: 120
t_system_agent_is_enabled_where_it_is_installed() {
	# shellcheck source=tests/e2e/systemd.sh
	. "$E2E/systemd.sh"
	tree_aside
	install -D "$BUILD/mailseal" /usr/local/lib/mailseal/mailseal-agent # of an earlier layout, and not to be taken
	makes install
	refute test -e /usr/local/lib/mailseal/mailseal-agent
	cp "$pki/ca.pem" /etc/test-ca.pem
	printf 'default { require_tls = true ca_file = "/etc/test-ca.pem" }\n' >/etc/mailseal.conf
	systemd_start
	hostile good_server.hs
	plain booted systemd-analyze --man=no verify mailseal-agent.socket mailseal-agent.service
	equal "$status" 0 "systemd-analyze verify: $(cat "$W/client.out")"
	equal "$(grep mailseal "$W/client.out")" "" "systemd-analyze verify"
	plain booted systemctl enable --now mailseal-agent.socket
	equal "$status" 0 "systemctl enable: $(cat "$W/client.out")"
	equal "$(readlink /etc/systemd/system/sockets.target.wants/mailseal-agent.socket)" /usr/local/lib/systemd/system/mailseal-agent.socket
	by_system_agent 1
	makes install
	by_system_agent 2
	plain booted systemctl try-restart mailseal-agent.service
	equal "$status" 0 "restart"
	by_system_agent 3
	lacks <(for p in $(agents); do readlink "/proc/$p/exe"; done) 'deleted'
}

by_system_agent() {
	plain env LD_PRELOAD=/usr/local/lib/mailseal/libmailseal.so swaks --to a@b.example --server mx.b.example
	equal "$status" 0 "swaks: $(tail -n 2 "$W/client.out")"
	settle
	nothing_plain
	equal "$(grep -c 'tls # data' "$W/transcript")" "$1" "messages inside TLS"
	equal "$(booted systemctl is-active mailseal-agent.service)" active "the system agent"
	equal "$(agents | wc -l)" "$(booted cat "/sys/fs/cgroup/system.slice/mailseal-agent.service/cgroup.procs" | wc -l)" "agents that are not its"
}

# doctor finds what was installed: the agent is not beside the library.
t_doctor_knows_the_places() {
	tree_aside
	makes install
	mkdir -p /etc/systemd/system/billing.service.d
	printf '[Service]\nExecStart=/usr/bin/perl -e 1\n' >/etc/systemd/system/billing.service
	cp /usr/local/share/doc/mailseal/examples/systemd/mailseal.conf /etc/systemd/system/billing.service.d
	plain /usr/local/bin/mailseal doctor billing.service
	equal "$status" 0 "doctor: $(cat "$W/client.out")"
	mv /usr/local/libexec/mailseal/mailseal-agent "$W"
	plain /usr/local/bin/mailseal doctor billing.service
	equal "$status" 1 "doctor without an agent: $(cat "$W/client.out")"
	holds "$W/client.out" '/usr/local/libexec/mailseal/mailseal-agent'
}
