# exim.sh: a real Exim, unpacked and never installed, as a client: it routes one message and sends it over SMTP,
# with configuration, spool and log of the case's own.
#
#   exim_prepare smarthost|dns [LINE ...]   `smarthost`: all mail to mx.b.example, by name; `dns`: by MX. LINEs
#                                           go into the transport.
#   use_exim FILE RECIPIENT ...             FILE (LF line ends) from sender@a.example, with the library preloaded;
#                                           it is tried once (how=-odq: kept), then $W/exim/log/mainlog tells what
#                                           became of it
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

exim_prepare() {
	[ -x "$exim_dir/usr/sbin/exim4" ] || skip "no Exim unpacked in $exim_dir"
	local kind=$1
	shift
	grep -q '^Debian-exim:' /etc/passwd || echo 'Debian-exim:x:5604:5604::/:/bin/false' >>/etc/passwd
	grep -q '^Debian-exim:' /etc/group || echo 'Debian-exim:x:5604:' >>/etc/group
	mkdir -p "$ex"/{spool,log} /etc/exim4
	chown -R Debian-exim:Debian-exim "$ex"
	{
		cat <<-END
			primary_hostname = client.a.example
			exim_path = $exim_dir/usr/sbin/exim4
			spool_directory = $ex/spool
			log_file_path = $ex/log/%slog
			keep_environment = LD_PRELOAD : ^MAILSEAL_ : LD_LIBRARY_PATH
			tls_advertise_hosts =
			trusted_users = root
			never_users =
			delay_warning =
			begin routers
		END
		exim_router "$kind"
		printf '%s\n' 'begin transports' 'out:' '  driver = smtp'
		[ $# = 0 ] || printf '  %s\n' "$@"
		printf '%s\n' 'begin retry' '* * F,1d,1h'
	} >/etc/exim4/exim4.conf
}

sealed_exim() {
	local libraries
	libraries=$(compgen -G "$exim_dir/usr/lib/*-linux-gnu" | head -n 1):$(compgen -G "$exim_dir/lib/*-linux-gnu" | head -n 1)
	sealed env LD_LIBRARY_PATH="$libraries" "$exim_dir/usr/sbin/exim4" "$@"
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
