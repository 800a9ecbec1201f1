# What an application shows and says over plain TCP, it shows and says under mailseal too: the same output, exit status and
# commands, whatever the server does. Each application meets each server twice: one without STARTTLS, as it is, and
# one with STARTTLS, sealed.
# shellcheck shell=bash

# shellcheck source=tests/e2e/cases/11-applications.sh
. "$E2E/cases/11-applications.sh"

ways=(good unknown_user mail_421 data_refused full gone_at_mail gone_at_rcpt gone_after_dot silent_quit
	no_greeting greeting_554 refused unreachable second_address)

# The server's way, behind greeting and EHLO (and STARTTLS).
steps() {
	case $1 in
	good | second_address) echo serve ;;
	unknown_user) printf '%s\n' 'reply RCPT 550 5.1.1 nobody' serve ;;
	mail_421) printf '%s\n' 'serve MAIL' 'send 421 4.3.2 closing' close ;;
	data_refused) printf '%s\n' 'reply DATA 451 4.3.0 later' serve ;;
	full) printf '%s\n' 'reply . 552 5.2.2 full' serve ;;
	gone_at_mail) printf '%s\n' 'serve MAIL' close ;;
	gone_at_rcpt) printf '%s\n' 'serve RCPT' close ;;
	gone_after_dot) printf '%s\n' 'serve DATA' 'send 354 go' readdata close ;;
	silent_quit) printf '%s\n' 'serve QUIT' close ;;
	esac
}

# script_for WAY plain|tls
script_for() {
	case $1 in
	no_greeting) echo close ;;
	greeting_554) printf '%s\n' 'send 554 5.3.2 not today' serve ;;
	*)
		echo 'send 220 hostile ESMTP'
		if [ "$2" = tls ]; then
			printf '%s\n' 'keywords STARTTLS|SIZE 1000000|8BITMIME' 'serve STARTTLS' 'send 220 go' starttls
		else
			echo 'keywords SIZE 1000000|8BITMIME'
		fi
		steps "$1"
		;;
	esac
}

# What differs from run to run anyway.
shown() {
	sed -E 's/127\.0\.[012]\.[0-9]+/ADDRESS/g; s/[0-9]+ ms/TIME/g; s/GLOB\(0x[0-9a-f]+\)/GLOB/g; s/sock[0-9a-f]{6,}/SOCK/g
		s/(221 2\.0\.0) (bye|mx\.b\.example)/\1/; s/ID:? <[^<>]*>/ID/; s/tmp[/-][A-Za-z0-9./-]+/TMP/' "$W/client.out" |
		grep -av '^[ 0-9kM:.-]*$\|% Total\|Dload\|^\[[0-9]* bytes data\]\|^ *at [A-Za-z]'
}

# The commands that the server heard, and that a text came. Not where it ended first: what comes then goes nowhere.
heard() {
	case $1 in good | second_address | unknown_user | data_refused | full) ;; *) return ;; esac
	sed -nE "s/^[0-9]+ [0-9.]+ $2 (C: .*|# data).*/\1/p" "$W/transcript.$1.$2" 2>/dev/null
}

# meet NUMBER WAY plain|tls COMMAND ...
meet() {
	local kind=$3 address=127.0.1.$1
	[ "$kind" = plain ] || address=127.0.2.$1
	[ "$2" != unreachable ] || address=198.51.100.1
	mx "$address"
	# glibc sorts the addresses: one nearer to 127.0.0.1 comes first.
	[ "$2" != second_address ] || sed -i "s/^\($address\) mx.*/127.0.0.200 mx.b.example\n&/" /etc/hosts
	[[ $2 == refused || $2 == unreachable ]] || at=$address:25 transcript=$W/transcript.$2.$kind hostile < <(script_for "$2" "$kind")
	if [ "$kind" = plain ]; then plain "${@:4}"; else sealed "${@:4}"; fi
	{
		shown
		echo "exit status $status"
		heard "$2" "$kind"
	} >"$W/$2.$kind"
}

# $unlike lists the ways in which this application is known to see a difference.
application() {
	local way number=0
	need "$1"
	product
	policy 'connection_reuse = 0' # the server hears QUIT
	message "$W/message"
	sed '1,/^$/d' "$W/message" >"$W/sent.body"
	for way in "${ways[@]}"; do
		number=$((number + 1))
		meet $number "$way" plain "$@"
		meet $number "$way" tls "$@"
		checks=$((checks + 1))
		diff -u "$W/$way.plain" "$W/$way.tls" >"$W/client.out" && continue
		[[ " ${unlike-} " == *" $way "* ]] || fail "$way: not as over TCP"
	done
	holds "$W/transcript.good.tls" 'tls # data'
}

t_same_swaks() { t_swaks; }
t_same_curl() { t_curl; }
t_same_msmtp() { t_msmtp; }
# timeout: 180
t_same_aiosmtplib() { t_python_aiosmtplib; }
t_same_net_smtp() { t_perl_net_smtp; }
t_same_stream_socket_client() { t_php_stream_socket_client; }
t_same_phpmailer() { t_phpmailer; }
# timeout: 180
t_same_ruby() { t_ruby_net_smtp; }
# timeout: 180
t_same_nodemailer() { t_nodemailer; }
# It asks for the reason of a failed connect by recv(), which can tell it for a TCP socket alone.
t_same_lua() { unlike='refused second_address' t_lua_socket_smtp; }
t_same_asio() { t_boost_asio; }
# timeout: 180
t_same_nio() { t_java_nio; }
# timeout: 180
t_same_java_mail() { t_java_jakarta_mail; }
t_same_esmtp() { t_esmtp; }
t_same_s_nail() { t_s_nail; }
