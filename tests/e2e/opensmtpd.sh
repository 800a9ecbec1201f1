# opensmtpd.sh: a real OpenSMTPD, unpacked and never installed, as a relay: what it gets at 127.0.0.2:2600 it sends on.
#
#   opensmtpd_start ADDRESS   with the library preloaded; log in $W/smtpd.log
#   opensmtpd_send            gives it a message to a@b.example
#   opensmtpd_control ...     smtpctl(8)
#   opensmtpd_said PATTERN    in its log, which may take a moment
#   opensmtpd_relay           its process that connects to servers, which went into a chroot and gave up root
#
# It resolves names by itself, so none is known to the library.
# shellcheck shell=bash

opensmtpd_dir=$BUILD/opensmtpd

opensmtpd_start() {
	[ -x "$opensmtpd_dir/usr/sbin/smtpd" ] || skip "no OpenSMTPD unpacked in $opensmtpd_dir"
	printf '%s\n' 'opensmtpd:x:5605:5605::/:/bin/false' 'opensmtpq:x:5606:5606::/:/bin/false' >>/etc/passwd
	printf '%s\n' 'opensmtpd:x:5605:' 'opensmtpq:x:5606:' >>/etc/group
	# Its places are compiled in.
	mount -t tmpfs -o mode=755 tmpfs /var/lib
	mount -t tmpfs -o mode=755 tmpfs /var/spool
	mkdir -p /var/lib/opensmtpd/empty /var/spool/smtpd
	chmod 711 /var/spool/smtpd
	cat >/etc/smtpd.conf <<-END
		listen on 127.0.0.2 port 2600
		action "relay" relay host smtp://$1 helo client.a.example
		match from any for any action "relay"
	END
	opensmtpd_libraries=$(compgen -G "$opensmtpd_dir/usr/lib/*-linux-gnu" | head -n 1):$(compgen -G "$opensmtpd_dir/lib/*-linux-gnu" | head -n 1)
	LD_LIBRARY_PATH=$opensmtpd_libraries LD_PRELOAD=$BUILD/libmailseal.so "$opensmtpd_dir/usr/sbin/smtpd" -d -v -f /etc/smtpd.conf \
		>"$W/smtpd.log" 2>&1 &
	until_true 20 listening 127.0.0.2 2600 || fail "OpenSMTPD does not start: $(cat "$W/smtpd.log")"
}

opensmtpd_send() {
	plain swaks --to a@b.example --from sender@a.example --server 127.0.0.2:2600 --body SECRETBODY --h-Subject SECRETSUBJECT
	equal "$status" 0 "giving OpenSMTPD a message"
}

opensmtpd_control() {
	setpriv --regid opensmtpq --clear-groups env LD_LIBRARY_PATH="$opensmtpd_libraries" "$opensmtpd_dir/usr/sbin/smtpctl" "$@" \
		>>"$W/smtpctl.out" 2>&1
}

opensmtpd_said() {
	until_true 30 grep -Eq -- "$1" "$W/smtpd.log"
	holds "$W/smtpd.log" "$1"
}

opensmtpd_relay() {
	local p
	for p in /proc/[0-9]*; do
		[ "$(tr '\0' '\n' <"$p/cmdline" | head -n 1)" = 'smtpd: pony express' ] && echo "${p#/proc/}"
	done
	return 0
}
