# The Debian package: the same wherever it is built, without a finding of lintian; installed, upgraded, removed and purged in
# a root of its own, by this machine's dpkg.
# shellcheck shell=bash

# What goes into the package: a key for a package that was built from just this.
tree_key() {
	(cd "$ROOT" && find shim config tools Makefile README.md LICENSE -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c 1-16)
}

# make_deb BUILD-DIRECTORY
make_deb() {
	env -u MAKEFLAGS -u MFLAGS -u DESTDIR make -s -C "$ROOT" BUILD="$1" deb >"$W/make.log" 2>&1 ||
		fail "make deb: $(tail -n 3 "$W/make.log")"
}

# The package, in $deb; built by the first case that asks.
debian_package() {
	local place
	need dpkg-buildpackage dh make
	place=$BUILD/tests/deb/$(tree_key)
	mkdir -p "$BUILD/tests/deb"
	{
		flock 9
		[ -e "$place" ] || {
			rm -rf "${BUILD:?}"/tests/deb/*/
			make_deb "$place.new"
			mv "$place.new" "$place"
		}
	} 9>"$BUILD/tests/deb/lock"
	deb=$(echo "$place"/mailseal_*.deb)
	check test -s "$deb"
}

# timeout: 600
t_same_wherever_it_is_built() {
	local tree
	debian_package
	tree=/tmp/elsewhere/tree
	mkdir -p "$tree" /tmp/home
	cp -a "$ROOT"/{shim,config,tests,tools,Makefile,README.md,LICENSE} "$tree"
	find "$tree" -exec touch -h -d '2001-02-03' {} +
	chmod -R go-rwx "$tree"
	chown -R mailbox "$tree" /tmp/elsewhere
	plain setpriv --reuid mailbox --regid mailbox --clear-groups sh -c 'umask 077; exec "$@"' - \
		env -u MAKEFLAGS -u MFLAGS HOME=/tmp/home TZ=Asia/Kathmandu LC_ALL=tr_TR.UTF-8 LANGUAGE=de CFLAGS=-O0 CI=1 PREFIX=/opt \
		make -s -C "$tree" BUILD=b deb
	equal "$status" 0 "make deb elsewhere: $(tail -n 3 "$W/client.out")"
	same_file "$deb" "$tree/b/$(basename "$deb")"
}

# timeout: 600
t_lintian_finds_nothing() {
	debian_package
	need lintian
	lintian -EviIL +pedantic --allow-root --fail-on error,warning "$deb" >"$W/lintian.out" 2>&1
	equal $? 0 "lintian: $(grep -m 3 '^[EW]:' "$W/lintian.out")"
	lacks "$W/lintian.out" '^[EW]: |^O: |(typo|spelling)-'
	# It did look: what it only remarks is there.
	holds "$W/lintian.out" '^[IP]: mailseal: '
}

t_version_is_the_programs() {
	equal "$(sed -n '1s/^mailseal (\(.*\)) .*/\1/p' "$ROOT/tools/debian/changelog")" "$(sed -n 's/^VERSION := //p' "$ROOT/Makefile")"
}

# A root over this machine's, so that all that is changed stands in $upper; and what dpkg may leave out of a package
# here (man pages, in a container) is not left out.
root_over_this() {
	local d
	root=$W/.fs/over/root upper=$W/.fs/over/upper
	mkdir -p "$W/.fs/over"
	mount -t tmpfs tmpfs "$W/.fs/over" || fail "no tmpfs"
	mkdir -p "$upper" "$W/.fs/over/work" "$root"
	mount -t overlay -o "lowerdir=/,upperdir=$upper,workdir=$W/.fs/over/work" overlay "$root" 2>/dev/null || skip "no overlay over / here"
	[ -z "$(dpkg-query -W -f '${db:Status-Status}' mailseal 2>/dev/null)" ] || skip "the package is installed on this machine"
	for d in proc dev; do mount --rbind /$d "$root/$d" || exit 70; done
	for d in run tmp; do mount -t tmpfs -o mode=1777 tmpfs "$root/$d" || exit 70; done
	rm -rf "$root/etc/dpkg/dpkg.cfg.d" "$root/etc/mailseal.conf" "$root/etc/mailseal.d" "$root/usr/local/lib/mailseal"
	cp /etc/hosts /etc/nsswitch.conf /etc/passwd /etc/group "$root/etc"
	cp "$pki/ca.pem" "$root/etc/test-ca.pem"
	cp "$deb" "$root/tmp"
}

inside() { plain chroot "$root" env -u MAILSEAL_LOG -u MAILSEAL_AGENT -u MAILSEAL_CONFIG DEBIAN_FRONTEND=noninteractive "$@"; }

# What differs from this machine, the books of dpkg, apt, man-db and ldconfig left out.
changed() {
	(cd "$upper" && find . ! -type d | grep -vE '^\./(var/(lib/(dpkg|apt)|log|cache)/|etc/ld\.so\.cache$)' | LC_ALL=C sort)
}

# As the README says, but for what apt would ask.
install_package() {
	cd "$W" || exit 70
	inside sh -c 'cd /tmp && apt-get install -y --no-install-recommends ./mailseal_*.deb'
	equal "$status" 0 "apt install: $(tail -n 3 "$W/client.out")"
}

# waiting_program NAME: a program under the package's library, which sends when /tmp/NAME is there
waiting_program() {
	inside true
	cat >"$root/tmp/waiting.py" <<-'END'
		import os, smtplib, sys, time
		print("ready", flush=True)
		while not os.path.exists(sys.argv[1]):
		    time.sleep(0.05)
		smtplib.SMTP("mx.b.example").sendmail("s@a.example", ["a@b.example"], "Subject: x\r\n\r\nx\r\n")
	END
	env -u MAILSEAL_AGENT -u MAILSEAL_CONFIG LD_PRELOAD=/usr/lib/mailseal/libmailseal.so MAILSEAL_LOG="/tmp/mailseal.log" \
		chroot "$root" env LD_PRELOAD=/usr/lib/mailseal/libmailseal.so python3 /tmp/waiting.py "/tmp/$1" >"$W/$1.out" 2>&1 &
	waiting=$!
	until_true 10 grep -q ready "$W/$1.out" || fail "the program does not start: $(cat "$W/$1.out")"
}

messages() { settle; nothing_plain; grep -c 'tls # data' "$W/transcript"; }

installed_files_are_there() {
	local file
	while read -r file; do
		check test -e "$root$file" -o -L "$root$file"
	done < <(chroot "$root" dpkg -L mailseal)
	check test $checks -ge 30
	inside dpkg --verify mailseal
	equal "$(cat "$W/client.out")" "" "dpkg --verify"
	for file in mailseal.1 mailseal.conf.5 mailseal-agent.8 libmailseal.8; do
		check test -s "$root/usr/share/man/man${file##*.}/$file.gz"
		command -v man >/dev/null || continue
		inside man -w "${file##*.}" "${file%.*}"
		holds "$W/client.out" "/usr/share/man/man${file##*.}/$file\.gz"
	done
	refute test -e "$root/etc/mailseal.conf"
	refute test -L "$root/etc/systemd/system/sockets.target.wants/mailseal-agent.socket"
	inside bash -c '. /usr/share/bash-completion/completions/mailseal && complete -p mailseal'
	holds "$W/client.out" '_mailseal'
}

# It sends: by the command, by the value for programs of all kinds, and a 32-bit program starts without complaint.
installed_works() {
	local sent
	sent=$(messages)
	inside mailseal run --config /etc/mailseal.conf --log /tmp/mailseal.log -- swaks --to a@b.example --server mx.b.example
	equal "$status" 0 "mailseal run"
	# shellcheck disable=SC2016
	inside env LD_PRELOAD='/usr/lib/mailseal/$LIB/libmailseal.so' MAILSEAL_LOG=/tmp/mailseal.log swaks --to a@b.example --server mx.b.example
	equal "$status" 0 "by the environment"
	lacks "$W/client.out" 'cannot be preloaded'
	equal "$(messages)" $((sent + 2)) "messages inside TLS"
	check test -n "$(for p in $(agents); do readlink "/proc/$p/exe"; done | grep '/usr/libexec/mailseal/mailseal-agent')"
	[ -x "$bin/32/stdio_client" ] || return 0
	cp "$bin/32/stdio_client" "$root/tmp"
	# shellcheck disable=SC2016
	inside env LD_PRELOAD='/usr/lib/mailseal/$LIB/libmailseal.so' /tmp/stdio_client
	lacks "$W/client.out" 'cannot be preloaded'
}

# What dpkg -r tells: each that counts on the library, and what becomes of it.
removal_tells() {
	mkdir -p "$root"/etc/systemd/system/old.service.d
	printf '[Service]\nExecStart=/usr/bin/perl -e 1\n' >"$root/etc/systemd/system/billing.service"
	inside mailseal enable --root / billing.service
	equal "$status" 0 "mailseal enable: $(cat "$W/client.out")"
	printf '[Service]\nEnvironment=LD_PRELOAD=/usr/lib/mailseal/libmailseal.so\n' >"$root/etc/systemd/system/old.service.d/mailseal.conf"
	echo /usr/lib/mailseal/libmailseal.so >"$root/etc/ld.so.preload"
	inside dpkg -r mailseal
	rm "$root/etc/ld.so.preload"
	equal "$status" 0 "dpkg -r: $(tail -n 3 "$W/client.out")"
	holds "$W/client.out" '^mailseal: /etc/ld\.so\.preload: every program complains .* WITHOUT mailseal'
	holds "$W/client.out" "^mailseal: .*/50-mailseal\.conf: billing\.service will not start .* first 'mailseal disable billing\.service', or afterwards delete"
	holds "$W/client.out" '^mailseal: .*/old\.service\.d/mailseal\.conf: old\.service runs WITHOUT mailseal'
	holds "$W/client.out" '^mailseal: [1-9][0-9]* running processes have the library'
	rm -r "$root"/etc/systemd/system/{billing,old}.service*
}

# timeout: 600
t_installed_upgraded_removed_and_purged() {
	local before
	debian_package
	root_over_this
	product
	hostile good_server.hs
	before=$(changed)
	install_package
	installed_files_are_there
	printf 'default { require_tls = true ca_file = "/etc/test-ca.pem" }\n' >"$root/etc/mailseal.conf"
	installed_works
	# as systemctl enable does
	mkdir -p "$root/etc/systemd/system/sockets.target.wants"
	ln -s /lib/systemd/system/mailseal-agent.socket "$root/etc/systemd/system/sockets.target.wants"

	waiting_program first
	dpkg-deb -R "$deb" "$W/next"
	sed -i 's/^Version: .*/&+next/' "$W/next/DEBIAN/control"
	dpkg-deb --root-owner-group -b "$W/next" "$root/tmp/next.deb" >/dev/null
	inside dpkg -i /tmp/next.deb
	equal "$status" 0 "upgrade: $(tail -n 3 "$W/client.out")"
	lacks "$W/client.out" '^mailseal: '
	check test -L "$root/etc/systemd/system/sockets.target.wants/mailseal-agent.socket"
	touch "$root/tmp/first"
	wait $waiting
	equal $? 0 "sent after the upgrade: $(tail -n 1 "$W/first.out")"
	equal "$(messages)" 3 "messages inside TLS"
	installed_works

	waiting_program second
	removal_tells
	for p in $(agents); do kill "$p"; done
	touch "$root/tmp/second"
	wait $waiting
	refute test $? = 0
	holds "$W/second.out" 'refused'
	equal "$(messages)" 5 "messages inside TLS"
	check test -e "$root/etc/mailseal.conf"

	inside dpkg -P mailseal
	equal "$status" 0 "dpkg -P: $(tail -n 3 "$W/client.out")"
	holds "$W/client.out" '^mailseal: /etc/mailseal\.conf is left'
	rm "$root/etc/mailseal.conf"
	equal "$(changed)" "$before" "left after purge"
	equal "$(find "$upper" -type d -name '*mailseal*')" "" "directories left after purge"
	lacks "$root/var/lib/dpkg/status" '^Package: mailseal$'
}

# Services that a mailseal in /usr/local sealed are named, and enable mends them; an agent's socket that is enabled
# listens again after remove and install.
# timeout: 600
t_after_another_mailseal() {
	local program
	debian_package
	root_over_this
	mkdir -p "$root"/etc/systemd/system "$root"/usr/local/lib/mailseal "$root"/run/systemd/system
	printf '[Service]\nExecStart=/usr/bin/perl -e 1\n' | tee "$root"/etc/systemd/system/{billing,other,bare}.service >/dev/null
	cp "$BUILD"/libmailseal.so "$BUILD"/mailseal-agent "$root/usr/local/lib/mailseal"
	MAILSEAL_AGENT='' "$BUILD/mailseal" enable --root "$root" billing >"$W/client.out" 2>&1
	equal $? 0 "enable before: $(cat "$W/client.out")"
	MAILSEAL_AGENT='' "$BUILD/mailseal" enable --root "$root" --log journal other >"$W/client.out" 2>&1
	equal $? 0 "enable before: $(cat "$W/client.out")"
	mkdir "$root/etc/systemd/system/odd.service.d"
	mkfifo "$root/etc/systemd/system/odd.service.d/50-mailseal.conf" # nobody waits for it
	for program in systemctl deb-systemd-invoke; do # where apt has them looked for
		rm -f "$root/usr/bin/$program" "$root/bin/$program"
		printf '#!/bin/sh\necho "%s $*" >>/tmp/asked\n' $program >"$root/usr/bin/$program"
		chmod 755 "$root/usr/bin/$program"
	done
	install_package
	holds "$W/client.out" '/billing\.service\.d/50-mailseal\.conf: billing\.service is sealed with /usr/local/lib/mailseal/libmailseal\.so; .* seals it with this one'
	rm -r "$root/usr/local/lib/mailseal"
	inside dpkg -r mailseal
	equal "$status" 0 "dpkg -r"
	rm "$root/tmp/asked"
	install_package
	holds "$W/client.out" "billing\.service does not start: .*/usr/local/lib/mailseal/libmailseal\.so, which is gone\. 'mailseal enable billing\.service' mends it"
	holds "$W/client.out" "'mailseal enable other\.service' with the options that it had \(the file shows them\) mends it"
	lacks "$W/client.out" 'bare\.service'
	holds "$root/tmp/asked" '^systemctl --quiet is-enabled mailseal-agent\.socket$'
	holds "$root/tmp/asked" '^deb-systemd-invoke start mailseal-agent\.socket$'
	inside mailseal enable --root / billing
	equal "$status" 0 "mailseal enable: $(cat "$W/client.out")"
	printf '#!/bin/sh\nfalse\n' >"$root/usr/bin/systemctl" # nothing is enabled
	rm "$root/tmp/asked"
	inside sh -c 'dpkg -i /tmp/mailseal_*.deb'
	lacks "$W/client.out" 'billing\.service'
	lacks "$root/tmp/asked" 'start mailseal-agent\.socket'
}
