# lib.sh: what a case can call. Sourced by `inside`; W is the case's own directory, kept on failure.
#
# Evidence comes from the far side: what a server stored or recorded, and what crossed the wire;
# never from what a client or the log claims alone.
# shellcheck shell=bash

# NATIVE=1: the clients run without the product and what proves TLS is passed over, to see that client,
# server and comparison are right by themselves.
native=${NATIVE:-0}
bin=$BUILD/tests/e2e
pki=$BUILD/pki
checks=0 # a case that checks nothing fails

fail() {
	echo "FAIL: $*"
	for f in "$W"/*.log "$W"/transcript* "$W"/client.out; do
		[ -s "$f" ] && echo "--- $(basename "$f")" && tail -n 25 "$f" | cut -c 1-300
	done
	echo "$*"
	exit 1
}
skip() { echo "$*"; exit 77; }
need() { local t; for t; do command -v "$t" >/dev/null || skip "no $t"; done; }

# check COMMAND ...: it must succeed.
check() { checks=$((checks + 1)); "$@" || fail "failed: $*"; }
refute() { checks=$((checks + 1)); ! "$@" || fail "should have failed: $*"; }
equal() { checks=$((checks + 1)); [ "$1" = "$2" ] || fail "${3:-value}: got '$1', expected '$2'"; }
same_file() { checks=$((checks + 1)); cmp "$1" "$2" || fail "$1 and $2 differ"; }
# holds FILE PATTERN (extended regular expression)
holds() { checks=$((checks + 1)); grep -Eq -- "$2" "$1" || fail "no '$2' in $(basename "$1")"; }
lacks() { checks=$((checks + 1)); ! grep -Eq -- "$2" "$1" || fail "'$2' in $(basename "$1"): $(grep -E -m 1 -- "$2" "$1" | cut -c 1-200)"; }

# until_true SECONDS COMMAND ...
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

# --- the product -----------------------------------------------------------------------------

log=$W/mailseal.log
conf=$W/mailseal.conf

product() {
	[ "$native" = 1 ] && return
	[ -e "$BUILD/libmailseal.so" ] || skip "no $BUILD/libmailseal.so"
	[ -x "$BUILD/mailseal-agent" ] || skip "no $BUILD/mailseal-agent"
	export MAILSEAL_LOG=$log
	export MAILSEAL_AGENT=$BUILD/${E2E_AGENT:-mailseal-agent}
	: >"$log"
	chmod 666 "$log"
}

# in_usual_places: library and agent where they are installed by default; all else of /usr/local is hidden.
in_usual_places() {
	mount -t tmpfs -o mode=755 tmpfs /usr/local || exit 70
	install -D -t /usr/local/lib/mailseal "$BUILD/libmailseal.so"
	install -D -t /usr/local/libexec/mailseal "$BUILD/mailseal-agent"
}

fast_product() {
	[ "$native" = 1 ] && return
	product
	[ -x "$BUILD/mailseal-agent-fast" ] || skip "no $BUILD/mailseal-agent-fast"
	export MAILSEAL_AGENT=$BUILD/mailseal-agent-fast
}

# policy [LINE ...]: a configuration with the test authority in its default section; extra lines go
# into that section until '--', behind it stand as they are. With E2E_PLAIN=1 what makes mail faster is off there,
# unless a line says otherwise.
policy() {
	local off
	{
		printf 'default {\n\tca_file = "%s"' "$pki/ca.pem"
		for off in 'session_resumption = false' 'early_replies = false' 'connection_reuse = 0'; do
			[ "${E2E_PLAIN-}" != 1 ] || [[ "$*" == *"${off%% *}"* ]] || printf ' %s' "$off"
		done
		echo
		while [ $# -gt 0 ] && [ "$1" != -- ]; do printf '\t%s\n' "$1"; shift; done
		printf '}\n'
		[ $# -gt 0 ] && shift
		[ $# -gt 0 ] && printf '%s\n' "$@"
	} >"$conf"
	export MAILSEAL_CONFIG=$conf
}

# sealed COMMAND ...: with the library preloaded; output in client.out, status in $status.
sealed() {
	[ "$native" = 1 ] && { plain "$@"; return; }
	LD_PRELOAD=$BUILD/libmailseal.so "$@" >"$W/client.out" 2>&1
	status=$?
	return 0
}
plain() {
	"$@" >"$W/client.out" 2>&1
	status=$?
	return 0
}

# logged PATTERN: in the agent's log, which may take a moment
logged() {
	[ "$native" = 1 ] && return
	until_true 5 grep -Eq -- "$1" "$log"
	holds "$log" "$1"
}

# The agent's processes, and a value of one from /proc/PID/status.
agents() {
	local p
	for p in /proc/[0-9]*; do
		[[ $(readlink "$p/exe" 2>/dev/null) == */mailseal-agent* ]] && echo "${p#/proc/}"
	done
	return 0
}
proc_kb() { awk -v k="$2:" '$1 == k { print $2 }' "/proc/$1/status"; }

# --- the hostile server ----------------------------------------------------------------------

# hostile [NAME] <<SCENARIO: a hostile server at 127.0.0.10:25, or 'address:port' in $at.
# Without a scenario on standard input: the file NAME from tests/hostile/scenarios.
# Transcript in $W/transcript, content of messages in $W/data.
hostile() {
	local file=$W/scenario
	if [ $# -gt 0 ]; then file=$ROOT/tests/hostile/scenarios/$1; else cat >"$file"; fi
	mkdir -p "$W/data"
	: >>"$W/transcript"
	"$bin/hostile" -l "${at:-127.0.0.10:25}" -t "${transcript:-$W/transcript}" -d "$W/data" -p "$pki" \
		"$file" </dev/null >"$W/hostile.out" 2>&1 || fail "hostile: $(cat "$W/hostile.out")"
}

# All connections that were accepted have ended, or are kept for the next session, which RSET tells.
settled() {
	awk '/ # accepted/ { open[$1] = 1 }
		/ # done/ { delete open[$1] }
		/ C: "/ { kept[$1] = / tls C: "RSET\\r\\n"$/ }
		END { for (n in open) if (!kept[n]) exit 1 }' "$W/transcript"
}
settle() { until_true "${1:-10}" settled || fail "a connection never ended"; }

# received CONNECTION plain|tls: the lines of one connection, in one state, one word each
received() { sed -nE "s/^$1 [0-9.]+ $2 C: \"(.*)\"( of .*)?$/\\1/p" "$W/transcript"; }
# said_plain TEXT: some connection received TEXT in the clear
connections() { grep -c '# accepted' "$W/transcript"; }

# Nothing of a message was heard in the clear, in whatever form. swaks' markers, see message().
nothing_plain() {
	settle
	[ "$native" = 1 ] && return
	lacks "$W/transcript" ' plain C: .*([Mm][Aa][Ii][Ll] |[Rr][Cc][Pp][Tt]|[Dd][Aa][Tt][Aa]|[Aa][Uu][Tt][Hh]|SECRET|a@b\.example)'
	lacks "$W/transcript" ' plain # data'
}

# --- the wire --------------------------------------------------------------------------------

capture_start() {
	need tcpdump
	rm -f "$W/tcpdump.err" # of an earlier one
	tcpdump -i lo -U --immediate-mode -s 65600 -B 65536 -Z root -w "$W/wire.pcap" "tcp port ${1:-25}" \
		2>"$W/tcpdump.err" &
	capture=$!
	until_true 10 grep -q 'listening on' "$W/tcpdump.err" || fail "tcpdump does not start"
}
capture_stop() {
	sleep 0.1
	kill -INT $capture
	wait $capture
}
wire() { [ "$native" = 1 ] || check "$bin/wirecheck" "$1" "$W/wire.pcap" "${@:2}"; }

# --- clients ---------------------------------------------------------------------------------

# message FILE: a message with marks to look for and lines that are easy to get wrong (LF ends)
message() {
	cat >"$1" <<-'END'
		From: sender@a.example
		To: a@b.example
		Subject: SECRETSUBJECT

		SECRETBODY
		.
		..
		.dot
		...
		From the beginning of a line

		last
	END
	# swaks adds a line end of its own to a file's content.
	head -c -1 "$1" >"$1.swaks"
}

# outward: an interface besides lo, for programs that look whether the machine has any (nodemailer).
outward() {
	ip link add outward0 type veth peer name outward1 || fail "no interface of our own"
	ip addr add 192.0.2.1/24 dev outward0
	ip link set outward0 up
	ip link set outward1 up
}

# use_swaks [ARGUMENT ...]: an unmodified plaintext client, one message to mx.b.example
use_swaks() {
	sealed swaks --to a@b.example --from sender@a.example --server mx.b.example --helo client.a.example \
		--body SECRETBODY --h-Subject SECRETSUBJECT "$@"
}

# What swaks had said when the first refusal of ours came: a verb, or '.' for the content.
refused_at() {
	awk '/^ [-~]> / { said = $2 } /^<\*\* [45].*mailseal: / { sub(/:.*/, "", said); print said; exit }' "$W/client.out"
}

# says SCRIPT: the client that says and hears what the case lists (clients/script.py); from standard input
says() {
	cat >"$W/script"
	sealed /usr/bin/python3 "$E2E/clients/script.py" "${server:-mx.b.example}" "${port:-25}" "$W/script"
	equal "$status" 0 "the dialogue: $(tail -n 1 "$W/client.out")"
}

# --- Postfix, and Exim -----------------------------------------------------------------------

# shellcheck source=tests/e2e/postfix.sh
. "$E2E/postfix.sh"
# shellcheck source=tests/e2e/exim.sh
. "$E2E/exim.sh"
# shellcheck source=tests/e2e/opensmtpd.sh
. "$E2E/opensmtpd.sh"
# shellcheck source=tests/e2e/systemd.sh
. "$E2E/systemd.sh"
