# scenario.sh: plays tests/hostile/scenarios/NAME.hs with the product between it and a client, and
# holds the outcome against what the file's `#:` lines say.
#
#   policy: SETTING; SETTING   into the default section       client: ARGUMENTS   for swaks
#   fast:                      the agent with short patience  timeout: SECONDS    for the whole case
#   status: 0|fail             of the client                  connections: N      that were made
#   says, never-says: REGEX    the client's output            log: REGEX          the agent's log
#   full:                      no session is there to be resumed: its failure would bring one connection more
#   refused-at: VERB           what the client had said when the first refusal came; '.' is the final dot
#   hears, never-hears: REGEX  the server's transcript        only: VERB ...      nothing else heard
#
# Whatever the scenario: every connection comes to its end, nothing but TLS follows a 220 to
# STARTTLS, the agent survives, keeps no descriptor, and serves the next client.
# shellcheck shell=bash

lines_of() { sed -n "s/^#: $1: \{0,1\}//p" "$scenario"; }

good_delivery() {
	sealed swaks --to a@b.example --from s@a.example --server mx2.b.example --helo client.a.example
	equal "$status" 0 "an ordinary delivery $1"
}

descriptors() { find "/proc/$1/fd" -mindepth 1 2>/dev/null | wc -l; }
few_descriptors() { [ "$(descriptors "$agent")" -le "$before" ]; }

nothing_after_220() {
	checks=$((checks + 1))
	awk '/ plain C: "[Ss][Tt][Aa][Rr][Tt][Tt][Ll][Ss]/ { asked[$1] = 1 }
		/ plain S: "220/ && asked[$1] { on[$1] = 1; next }
		/ plain C: "/ && on[$1] && !/C: "\\x1[4-7]\\x03/ && !seen[$1]++ { print; bad = 1 }
		/ plain C: "\\x1[4-7]\\x03/ { seen[$1] = 1 }
		END { exit bad }' "$W/transcript" || fail "cleartext after the 220 to STARTTLS"
}

only_verbs() {
	local verbs=$1
	checks=$((checks + 1))
	sed -nE 's/^[^"]* C: "([A-Za-z]*).*/\1/p' "$W/transcript" | grep -Evix "${verbs// /|}" &&
		fail "the server heard more than: $verbs"
	return 0
}

# A session of TLS to be resumed: so that what the scenario's server does, it does on a resumed connection.
session_before() {
	local server
	with_session=0
	[ "${E2E_PLAIN-}" = 1 ] || grep -q '^#: full:' "$scenario" && return 0
	mkdir -p "$W/data.before"
	"$bin/hostile" -f -l 127.0.0.10:25 -t "$W/transcript.before" -d "$W/data.before" -p "$pki" \
		"$ROOT/tests/hostile/scenarios/good_server.hs" </dev/null >/dev/null 2>&1 &
	server=$!
	until_true 5 listening 127.0.0.10 25 || fail "no server to begin with"
	use_swaks
	[ "$status" = 0 ] && with_session=1
	pkill -P $server
	kill $server
	wait $server
	: >"$log"
}

# Whatever follows the handshake with that certificate was said on a resumed connection.
was_resumed() {
	[ $with_session = 1 ] && grep -q ' # tls ' "$W/transcript" || return 0
	grep -Eq '^(cert|client|protocols|ticketkey|#: policy: application_tls)' "$scenario" ||
		holds "$W/transcript" ' # tls .* session=resumed$'
}

# `mailseal report` understands each line of the log, and counts as sent in the clear what the server heard so.
report_agrees() {
	local clear heard
	check "$BUILD/mailseal" report --json "$log" >"$W/report.json"
	holds "$W/report.json" '^    "damaged": 0,$'
	holds "$W/report.json" '^    "unknown_events": 0,$'
	clear=$(sed -n '/^  "in_the_clear": {/,$s/^    "messages": \([0-9]*\),$/\1/p' "$W/report.json")
	heard=$(grep -cE ' plain # data [1-9]' "$W/transcript")
	# a server that went away within the content kept none of it
	grep -q ' plain S: "354' "$W/transcript" || equal "$clear" 0 "messages in the clear by the report"
	check test "$clear" -ge "$heard"
}

play() {
	scenario=$ROOT/tests/hostile/scenarios/$1.hs
	local line want agent before reuse=() with_session
	[ -f "$scenario" ] || fail "no scenario $1"
	if grep -q '^#: fast:' "$scenario"; then fast_product; else product; fi
	# One configuration throughout: a changed one would get an agent of its own.
	mapfile -t settings < <(lines_of policy | sed 's/; /\n/g')
	# What is kept is let go soon, since descriptors are counted at the end.
	[ "${E2E_PLAIN-}" = 1 ] || reuse=('connection_reuse = 1')
	policy "${reuse[@]}" -- 'host "mx.b.example" {' "${settings[@]}" '}'
	at=127.0.0.20:25 transcript=$W/transcript.good hostile good_server.hs
	session_before
	hostile "$1.hs"
	[ $with_session = 1 ] || good_delivery before
	agent=$(agents | head -n 1)
	check test -n "$agent"
	sleep 0.2
	before=$(descriptors "$agent")

	# shellcheck disable=SC2046
	use_swaks $(lines_of client)
	settle 90
	for want in $(lines_of status); do
		if [ "$want" = 0 ]; then equal "$status" 0 "the client's status"; else refute test "$status" = 0; fi
	done
	while read -r line; do holds "$W/client.out" "$line"; done < <(lines_of says)
	while read -r line; do lacks "$W/client.out" "$line"; done < <(lines_of never-says)
	while read -r line; do holds "$W/transcript" "$line"; done < <(lines_of hears)
	while read -r line; do lacks "$W/transcript" "$line"; done < <(lines_of never-hears)
	while read -r line; do equal "$(connections)" "$line" "connections"; done < <(lines_of connections)
	while read -r line; do logged "$line"; done < <(lines_of log)
	while read -r line; do equal "$(refused_at)" "$line" "refused at"; done < <(lines_of refused-at)
	while read -r line; do only_verbs "$line"; done < <(lines_of only)
	nothing_after_220
	was_resumed
	lacks "$log" 'SECRETBODY|SECRETPASS|U0VDUkVU|AHVzZXIA'

	cp "$W/client.out" "$W/scenario.out"
	check test -e "/proc/$agent"
	good_delivery after
	equal "$(agents)" "$agent" "the agents"
	until_true 5 few_descriptors || fail "the agent keeps descriptors: $(descriptors "$agent"), before $before"
	report_agrees
}
