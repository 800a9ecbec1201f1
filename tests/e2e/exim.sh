# exim.sh: a real Exim, unpacked and never installed, as a client (it routes one message and sends it over SMTP) or as a server,
# with configuration, spool and log of the case's own.
#
#   exim_prepare smarthost|dns [LINE ...]   `smarthost`: all mail to mx.b.example, by name; `dns`: by MX. LINEs
#                                           go into the transport.
#   use_exim FILE RECIPIENT ...             FILE (LF line ends) from sender@a.example, with the library preloaded;
#                                           it is tried once (how=-odq: kept), then $W/exim/log/mainlog tells what
#                                           became of it
#   exim_listens                            Exim as the server, with STARTTLS, on every address: it keeps what it takes
#   sealed_exim ARGUMENT ...                whatever else it shall do
#
# Exim wipes its environment unless keep_environment names what shall stay; it runs as root here, since the
# dynamic linker ignores LD_PRELOAD where a setuid program gains rights, and drops to its own user by itself.
# shellcheck shell=bash

exim_dir=$BUILD/exim
ex=$W/exim

exim_router() {
	case $1 in
	smarthost) printf '%s\n' 'out:' '  driver = manualroute' '  route_list = * mx.b.example byname' ;;
	dns) printf '%s\n' 'out:' '  driver = dnslookup' ;;
	esac
	printf '%s\n' '  transport = out' '  self = send' '  no_more'
}

# Its user, its directories, and the beginning of its configuration.
exim_settings() {
	[ -x "$exim_dir/usr/sbin/exim4" ] || skip "no Exim unpacked in $exim_dir"
	grep -q '^Debian-exim:' /etc/passwd || echo 'Debian-exim:x:5604:5604::/:/bin/false' >>/etc/passwd
	grep -q '^Debian-exim:' /etc/group || echo 'Debian-exim:x:5604:' >>/etc/group
	mkdir -p "$ex"/{spool,log} /etc/exim4
	chown -R Debian-exim:Debian-exim "$ex"
	cat <<-END
		exim_path = $exim_dir/usr/sbin/exim4
		spool_directory = $ex/spool
		log_file_path = $ex/log/%slog
		keep_environment = LD_PRELOAD : ^MAILSEAL_ : LD_LIBRARY_PATH
		trusted_users = root
		never_users =
		delay_warning =
	END
}

exim_prepare() {
	local kind=$1
	shift
	[ -x "$exim_dir/usr/sbin/exim4" ] || skip "no Exim unpacked in $exim_dir"
	mkdir -p /etc/exim4
	{
		exim_settings
		printf '%s\n' 'primary_hostname = client.a.example' 'tls_advertise_hosts =' 'begin routers'
		exim_router "$kind"
		printf '%s\n' 'begin transports' 'out:' '  driver = smtp'
		[ $# = 0 ] || printf '  %s\n' "$@"
		printf '%s\n' 'begin retry' '* * F,1d,1h'
	} >/etc/exim4/exim4.conf
}

exim_libraries() { echo "$(compgen -G "$exim_dir/usr/lib/*-linux-gnu" | head -n 1):$(compgen -G "$exim_dir/lib/*-linux-gnu" | head -n 1)"; }

exim_listens() {
	[ -x "$exim_dir/usr/sbin/exim4" ] || skip "no Exim unpacked in $exim_dir"
	mkdir -p /etc/exim4
	install -m 644 "$pki/good.pem" "$W/exim.pem"
	install -m 644 "$pki/good.key" "$W/exim.key"
	{
		exim_settings
		printf '%s\n' 'primary_hostname = mx.b.example' 'domainlist ours = b.example' 'tls_advertise_hosts = *' "tls_certificate = $W/exim.pem" \
			"tls_privatekey = $W/exim.key" 'acl_smtp_rcpt = rcpt' 'acl_smtp_vrfy = rcpt' 'queue_only = true' 'host_lookup =' \
			'rfc1413_hosts =' 'begin acl' 'rcpt:' '  accept'
	} >/etc/exim4/exim4.conf
	env LD_LIBRARY_PATH="$(exim_libraries)" "$exim_dir/usr/sbin/exim4" -bdf -oX 25 >"$W/exim.err" 2>&1 &
	until_true 5 grep -q 'daemon started' "$ex/log/mainlog" || fail "Exim does not listen: $(cat "$W/exim.err" "$ex/log/"*)"
}

sealed_exim() {
	sealed env LD_LIBRARY_PATH="$(exim_libraries)" "$exim_dir/usr/sbin/exim4" "$@"
}

use_exim() {
	local file=$1
	shift
	sealed_exim "${how:--odf}" -oi -f sender@a.example -- "$@" <"$file"
}

# exim_said PATTERN: in its log, which may take a moment
exim_said() {
	until_true 20 grep -Eq -- "$1" "$ex/log/mainlog"
	holds "$ex/log/mainlog" "$1"
}
