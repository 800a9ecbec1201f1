# `mailseal explain` foretells what really happens: every reply, and what the server gets to hear.
# shellcheck shell=bash

# One server for each kind that explain tells of, in the order of its rows.
kinds='starttls:valid:11:keywords STARTTLS
starttls:not valid:12:cert selfsigned;keywords STARTTLS
none:-:13:keywords SIZE 1000000
refused:-:14:keywords STARTTLS;reply STARTTLS 454 4.7.0 not now
handshake-failed:-:15:keywords STARTTLS;protocols 1.0 1.1'

servers() {
	local server certificate number lines
	while IFS=: read -r server certificate number lines; do
		{ echo 'send 220 hostile ESMTP'; tr ';' '\n' <<<"$lines"; echo serve; } >"$W/s.$number"
		at=127.0.0.$number:25 transcript=$W/transcript.$number hostile <"$W/s.$number"
	done <<<"$kinds"
}
over() { [ "$(grep -c '# accepted' "$W/transcript.$1")" = "$(grep -c '# done' "$W/transcript.$1")" ]; }

# heard OUTCOMES NUMBER: the far side's evidence
heard() {
	local t=$W/transcript.$2
	until_true 10 over "$2" || fail "a connection never ended"
	case $1 in
	*tls-verified* | *tls-unverified*) holds "$t" ' tls # data'; lacks "$t" ' plain # data' ;;
	*cleartext*) holds "$t" ' plain # data'; lacks "$t" ' tls # data' ;;
	blocked | 'blocked separate' | separate) lacks "$t" '# data|SECRET' ;;
	*) fail "no outcome that this test knows: $1" ;;
	esac
	checks=$((checks + 1))
	while read -r stopped; do
		! grep -Fq "$stopped" "$t" || fail "$stopped was heard"
	done < <(unheard "$3" "$4")
}
# The recipients that are stopped before the server hears of them; a field of the message protects
# its content only.
unheard() {
	/usr/bin/python3 -c '
import json, sys
for o in json.load(open(sys.argv[1]))["outcomes"]:
    if o["server"] == sys.argv[2] and (o["certificate"] or "-") == sys.argv[3]:
        print(*["<" + f["recipient"] + ">" for f in o["recipients"] if f["outcome"] == "blocked" and (f["held"] or f["stops_at"] != "final dot")], sep="\n")
' "$W/told.json" "$1" "$2" | grep .
}

# agrees EXPLAIN-ARGUMENT ...: for each kind of server, with the policy that is there
agrees() {
	local server certificate number lines n=0
	plain "$BUILD/mailseal" explain --json --host mx.b.example "$@"
	equal "$status" 0 "explain $*"
	cp "$W/client.out" "$W/told.json"
	while IFS=: read -r server certificate number lines; do
		sed -i '/ mx\.b\.example/d' /etc/hosts
		echo "127.0.0.$number mx.b.example" >>/etc/hosts
		: >"$W/transcript.$number"
		sealed /usr/bin/python3 "$E2E/clients/agree.py" mx.b.example 25 "$W/told.json" "$server" "$certificate"
		equal "$status" 0 "$server, $certificate; $*; $(cat "$conf"): $(cat "$W/client.out")"
		heard "$(tail -n 1 "$W/client.out")" "$number" "$server" "$certificate"
		n=$((n + 1))
	done <<<"$kinds"
	equal $n 5 "kinds of server"
}

explainable() {
	product
	[ -x "$BUILD/mailseal" ] || skip "no $BUILD/mailseal"
	servers
}

t_agrees_about_sections() {
	explainable
	policy
	agrees --sender s@a.example --recipient a@b.example
	policy 'require_tls = true'
	agrees --sender s@a.example --recipient a@b.example --recipient c@open.example
	policy 'require_tls = true' 'message_override = "tighten"' 'violation = "reject"'
	agrees --sender s@a.example --recipient a@b.example
	policy -- 'sender "a.example" { require_tls = true verify_certificate = false }' \
		'recipient "bank.example" { require_tls = true verify_certificate = true message_override = "tighten" violation = "reject" }'
	agrees --sender s@a.example --recipient a@b.example --recipient x@bank.example
	agrees --sender s@open.example --recipient a@b.example --recipient x@bank.example
	policy -- 'sender "<>" { require_tls = true message_override = "tighten" }'
	agrees --sender '<>' --recipient a@b.example
	policy 'on_bad_certificate = "refuse"'
	agrees --sender s@a.example --recipient a@b.example
	policy 'on_bad_certificate = "cleartext"' -- 'sender "a.example" { require_tls = true }'
	agrees --sender s@a.example --recipient a@b.example
	agrees --sender s@open.example --recipient a@b.example
	policy 'mode = "observe"' 'require_tls = true'
	agrees --sender s@a.example --recipient a@b.example
}

t_agrees_about_messages() {
	explainable
	policy
	agrees --sender s@a.example --recipient a@b.example --header 'Mailseal-Require-TLS: yes'
	policy 'require_tls = true'
	agrees --sender s@a.example --recipient a@b.example --header 'Mailseal-Require-TLS: no'
	agrees --sender s@a.example --recipient a@b.example --header 'Mailseal-Verify-Certificate: no'
	agrees --sender s@a.example --recipient a@b.example --header 'Mailseal-Require-TLS: maybe'
	agrees --sender s@a.example --recipient a@b.example --header 'Mailseal-Require-TLS: no' --header 'Mailseal-Require-TLS: yes'
	policy 'message_override = "ignore"'
	agrees --sender s@a.example --recipient a@b.example --header 'Mailseal-Require-TLS: yes'
	policy 'violation = "reject"' 'message_override = "tighten"' -- 'recipient "bank.example" { require_tls = true }'
	agrees --sender s@a.example --recipient a@b.example --recipient x@bank.example --header 'Mailseal-Require-TLS: yes'
	agrees --sender s@a.example --recipient x@bank.example --header 'Mailseal-Require-TLS: no'
}
