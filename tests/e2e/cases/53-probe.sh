# `mailseal probe`: what it tells of a server is what a program under mailseal then meets; it sends no mail,
# and no server makes it hang, print what it should not, or say that all is well when it is not.
# shellcheck shell=bash

probe_there() {
	product
	unset MAILSEAL_AGENT
	need /usr/bin/python3
	ms=$BUILD/mailseal
}

# probe STATUS ARGUMENT ...: output in client.out
probe() {
	local want=$1
	shift
	plain timeout 30 "$ms" probe "$@"
	equal "$status" "$want" "probe $*: $(head -n 3 "$W/client.out")"
	checks=$((checks + 1))
	! LC_ALL=C grep -q '[^[:print:]]' "$W/client.out" || fail "probe $* prints control characters"
}
first_line() { checks=$((checks + 1)); head -n 1 "$W/client.out" | grep -Eq -- "$1" || fail "first line is not '$1': $(head -n 1 "$W/client.out")"; }

# json EXPRESSION WANTED: of the last report, `j`; `s` is its last server
json() {
	equal "$(/usr/bin/python3 -c '
import json, sys
j = json.load(open(sys.argv[1])); s = j["servers"][-1] if j.get("servers") else None
v = eval(sys.argv[2]); print(v if isinstance(v, str) else json.dumps(v))' "$W/client.out" "$1")" "$2" "$1"
}

# No server ever heard of mail, of a login, or of anything behind EHLO.
greets_only() {
	settle
	checks=$((checks + 1))
	sed -nE 's/^[^"]* C: "([A-Za-z]*).*/\1/p' "${1:-$W/transcript}" | grep -Evx 'EHLO|HELO|STARTTLS|QUIT|' &&
		fail "the server heard more than greetings"
	return 0
}

t_a_good_server() {
	probe_there
	policy 'require_tls = true'
	hostile <<-'END'
		send 220 hostile ESMTP
		keywords STARTTLS|PIPELINING|SIZE 1000|AUTH PLAIN
		serve
	END
	probe 0 mx.b.example
	first_line '^mx\.b\.example:25 \(127\.0\.0\.10\): TLS, verified; an authority.s certificate expires in 36[0-9]{2} days$'
	holds "$W/client.out" '^greeting +hostile ESMTP$'
	holds "$W/client.out" '^before TLS +STARTTLS, PIPELINING, SIZE 1000, AUTH PLAIN$'
	holds "$W/client.out" '^inside TLS +STARTTLS, PIPELINING, SIZE 1000, AUTH PLAIN$'
	holds "$W/client.out" '^TLS +TLSv1\.3, TLS_AES_256_GCM_SHA384, key exchange [xX]25519, signature ECDSA with SHA256$'
	holds "$W/client.out" '^certificate +valid for mx\.b\.example, by authorities of .*ca\.pem$'
	holds "$W/client.out" '^names +mx\.b\.example, mail\.b\.example'
	holds "$W/client.out" '^chain +CN=mx\.b\.example; [0-9]+ days left, until 2049-12-31; EC prime256v1 256 bits,'
	holds "$W/client.out" '^public key +sha256:[0-9a-f]{64}$'
	holds "$W/client.out" '^resumption +works'
	holds "$W/client.out" '^  any mail +TLS, verified +require_tls by default, mailseal\.conf:[0-9]+$'
	check test "$(wc -l <"$W/client.out")" -le 24
	greets_only
	equal "$(connections)" 2
	equal "$(grep -c 'C: "QUIT' "$W/transcript")" 2 "it takes its leave"
	equal "$(grep -c 'plain C: "EHLO \[127\.0\.0\.1\]' "$W/transcript")" 2 "the address literal"
	probe 0 mx.b.example --json --ehlo probe.a.example
	holds "$W/transcript" 'plain C: "EHLO probe\.a\.example'
	json 'sorted(j)' '["built_in", "domains_file", "exit_status", "file", "host", "name", "port", "servers", "status", "trouble"]'
	json 'sorted(s)' '["address", "attack", "before_tls", "certificate", "days_left", "greeting", "inside_tls", "policy", "status", "summary", "tls", "trouble"]'
	json '[j["status"], j["exit_status"], j["trouble"], s["trouble"], s["attack"]]' '["fine", 0, null, null, false]'
	json '[s["tls"]["state"], s["tls"]["protocol"], s["tls"]["resumption"]["works"]]' '["on", "TLSv1.3", "yes"]'
	json '[s["certificate"]["verified"], s["certificate"]["reason"], s["certificate"]["reference"]]' '[true, null, ["mx.b.example"]]'
	json '[(c["subject"], c["sent"], c["used"]) for c in s["certificate"]["chain"]]' '[["CN=mx.b.example", true, true], ["CN=Test Root,O=mailseal tests", false, true]]'
	json 's["certificate"]["chain"][0]["public_key_sha256"]' "$(openssl x509 -in "$pki/good.pem" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -c 1-64)"
	json 's["certificate"]["chain"][0]["sha256"]' "$(openssl x509 -in "$pki/good.pem" -outform DER | sha256sum | cut -c 1-64)"
	json '[m["outcome"] for m in s["policy"]["mail"]]' '["tls-verified"]'
}

# Every key of the report stands in the manual.
t_keys_are_documented() {
	local key
	probe_there
	policy -- 'sender "a.example" { require_tls = true }'
	hostile good_server.hs
	probe 0 mx.b.example --json
	while read -r key; do
		holds "$ROOT/tools/man/mailseal.1" "^\\.(It Cm|Dq|Cm) (.* , )?$key( |,|\$)"
	done < <(/usr/bin/python3 -c '
import json, sys
def walk(v):
    if isinstance(v, dict):
        for k in v: yield k; yield from walk(v[k])
    elif isinstance(v, list):
        for x in v: yield from walk(x)
print(*sorted(set(walk(json.load(open(sys.argv[1]))))), sep="\n")' "$W/client.out")
}

# Our own library, and any other before libc's, is passed by: it is the server that is met, not mailseal.
t_under_the_preload() {
	probe_there
	policy 'require_tls = true'
	hostile good_server.hs
	sealed timeout 30 "$ms" probe mx.b.example
	equal "$status" 0
	holds "$W/client.out" '^greeting +good ESMTP$'
	holds "$W/client.out" '^before TLS +STARTTLS'
	greets_only
	equal "$(connections)" 2
	equal "$(agents)" "" "agents"
	check test ! -s "$log"
	echo "$BUILD/libmailseal.so" >/etc/ld.so.preload
	plain timeout 30 "$ms" probe mx.b.example --json
	: >/etc/ld.so.preload
	equal "$status" 0
	json 's["before_tls"]["keywords"][0]' STARTTLS
	equal "$(agents)" "" "agents"
}

# --- probe and reality -----------------------------------------------------------------------

kinds='k1 cert wildcard;keywords STARTTLS;serve
k2 cert selfsigned;keywords STARTTLS;serve
k3 cert expired;keywords STARTTLS;serve
k4 cert wrongname;keywords STARTTLS;serve
k5 keywords SIZE 1000;serve
k6 keywords STARTTLS;reply STARTTLS 454 4.7.0 not now;serve
k7 keywords STARTTLS;protocols 1.0 1.1;serve
k8 cert wildcard;keywords STARTTLS;protocols 1.2 1.2;serve
k9 keywords STARTTLS;serve STARTTLS;send 220 go;readsome 5;garbage 300;close
k10 keywords STARTTLS;serve STARTTLS;close
k11 reply EHLO 502 what;serve
k12 keywords STARTTLS;serve STARTTLS;sendraw 220 go\r\n250 more\r\n;starttls;serve
k13 reply EHLO 550 5.7.1 not you;serve'

servers() {
	local name lines n=40
	while read -r name lines; do
		n=$((n + 1))
		echo "127.0.0.$n $name.b.example" >>/etc/hosts
		{ echo 'send 220 hostile ESMTP'; tr ';' '\n' <<<"$lines"; } >"$W/s.$name"
		at=127.0.0.$n:25 transcript=$W/transcript.$name hostile <"$W/s.$name"
	done <<<"$kinds"
}

# agrees SENDER RECIPIENT: for each kind of server, under the policy that is there
agrees() {
	local name rest told reply hosts
	hosts=$(sed 's/ .*/.b.example/' <<<"$kinds")
	while read -r name rest; do
		"$ms" probe --json --sender "$1" --recipient "$2" "$name.b.example" >"$W/told.$name" 2>&1
		: >"$W/transcript.$name"
	done <<<"$kinds"
	# shellcheck disable=SC2086
	sealed /usr/bin/python3 "$E2E/clients/deliver.py" "$1" "$2" $hosts
	cp "$W/client.out" "$W/delivered"
	sed 's/ .*//' <<<"$kinds" | while read -r name; do until_true 5 quiet "$W/transcript.$name"; done
	/usr/bin/python3 - "$W" "$W/delivered" >"$W/differences" <<-'END' || fail "probe and reality: $(cat "$W/differences")"
		import json, sys
		bad = 0
		for line in open(sys.argv[2]):
		    host, came = line.rstrip("\n").split(" ", 1)
		    name = host.split(".")[0]
		    told = json.load(open(f"{sys.argv[1]}/told.{name}"))
		    server = told["servers"][0]
		    transcript = open(f"{sys.argv[1]}/transcript.{name}").read()
		    got = "tls" if " tls # data" in transcript else "cleartext" if " plain # data" in transcript else "nothing"
		    if server["trouble"]:
		        good = got == "nothing" and came != "sent" and told["exit_status"] in (1, 2)
		    else:
		        mail = server["policy"]["mail"][0]
		        want = mail["outcome"].split("-")[0]
		        if mail["would_block"]:
		            want = "tls" if server["tls"]["state"] == "on" else "cleartext"
		        blocked = mail["outcome"] == "blocked"
		        good = (got == ("nothing" if blocked else want) and (came == mail["reply"] if blocked else came == "sent")
		                and told["exit_status"] == (1 if blocked else 0))
		    if not good:
		        bad = 1
		        print(name, "came:", came, "got:", got, "told:", json.dumps(server["policy"] and server["policy"]["mail"]), server["summary"])
		sys.exit(bad)
	END
	checks=$((checks + $(wc -l <"$W/delivered")))
}
# The end of a connection of probe's may be noted late.
quiet() { [ "$(grep -c '# accepted' "$1")" -le "$(grep -c '# done' "$1")" ]; }

# timeout: 180
t_probe_and_reality_agree() {
	probe_there
	servers
	policy 'connection_reuse = 0'
	agrees s@a.example r@c.example
	policy 'connection_reuse = 0' 'require_tls = true' 'verify_certificate = true' 'message_override = "tighten"'
	agrees s@a.example r@c.example
	policy 'connection_reuse = 0' 'require_tls = true' 'verify_certificate = false' 'violation = "reject"'
	agrees s@a.example r@c.example
	policy 'connection_reuse = 0' 'on_bad_certificate = "cleartext"'
	agrees s@a.example r@c.example
	policy 'connection_reuse = 0' 'on_bad_certificate = "refuse"' 'message_override = "ignore"'
	agrees s@a.example r@c.example
	policy 'connection_reuse = 0' 'require_tls = true' 'min_tls = 1.3'
	agrees s@a.example r@c.example
	policy 'connection_reuse = 0' 'require_tls = true' 'mode = "observe"'
	agrees s@a.example r@c.example
	policy 'connection_reuse = 0' -- 'sender "strict.example" { require_tls = true }' \
		'recipient ".bank.example" { require_tls = true violation = "reject" message_override = "tighten" }' \
		'host "k2.b.example" { verify_certificate = false }'
	agrees s@strict.example r@c.example
	agrees s@a.example r@x.bank.example
}

# Policies that nobody would think of, the same ones in each run.
one() { echo "${*:RANDOM % $# + 1:1}"; }
some() { [ $((RANDOM % 3)) != 0 ] || echo "$1 = $(one "${@:2}")"; }
some_demands() {
	some require_tls true true false
	some verify_certificate true false
	some min_tls 1.2 1.3 1.3
	some violation '"reject"' '"tempfail"'
	some mode '"observe"' '"enforce"' '"enforce"'
	some message_override '"any"' '"tighten"' '"ignore"'
}
some_section() { echo "$* {"; some_demands; echo '}'; }

# timeout: 120
t_probe_and_reality_agree_at_random() {
	probe_there
	servers
	RANDOM=5321
	for _ in 1 2 3 4; do
		{
			echo "default { ca_file = \"$pki/ca.pem\" connection_reuse = 0"
			some_demands
			some on_bad_certificate '"cleartext"' '"refuse"' '"unauthenticated"'
			echo '}'
			some_section 'sender "a.example"'
			some_section 'sender ".example"'
			some_section 'recipient "c.example"'
			some_section 'recipient ".bank.example"'
			some_section "host \"k$((RANDOM % 13 + 1)).b.example\""
			some_section "host \"127.0.0.$((RANDOM % 13 + 41))\""
			some_section 'host ".b.example"'
		} >"$conf"
		export MAILSEAL_CONFIG=$conf
		agrees "$(one s@a.example s@d.example s@other.test)" "$(one r@c.example r@x.bank.example r@q.test)"
	done
}

# --- servers that mean no good ---------------------------------------------------------------

# Scenarios of the hostile server that play out before MAIL, many at once.
# STATUS, a pattern of the first line, NAMES
scenarios='1 blocked:.*attack: residue_after_hello residue_byte residue_byte_1ms residue_byte_50ms residue_crlf residue_ehlo_reply residue_nul residue_partial residue_second_220 residue_stray_after_hello residue_tls_after_stray
2 unreachable:.greeting: close_before_greeting close_in_greeting endless_greeting_line endless_greeting_lines no_code_in_greeting stall_greeting stall_in_greeting greeting_421 greeting_554 greeting_with_ehlo_reply
2 unreachable:.reply.to.EHLO: close_after_greeting close_after_ehlo close_in_ehlo_reply endless_ehlo_lines ehlo_450_relayed ehlo_501_relayed ehlo_550_relayed early_220 stall_ehlo two_replies_to_ehlo
2 unreachable:.reply.to.STARTTLS: starttls_250 starttls_421_required stall_starttls_required starttls_unfinished_reply_required
2 unreachable:.TLS.handshake:.no.answer stall_handshake_required
2 unreachable:.reply.to.EHLO.inside.TLS: close_after_handshake close_in_tls_ehlo_reply endless_tls_ehlo_line stall_tls_ehlo two_replies_to_tls_ehlo tls_ehlo_refused mail_reply_sent_ahead
0 in.the.clear.\(the.TLS.handshake.failed: close_after_starttls garbage_binary garbage_text handshake_alert handshake_close handshake_half_record handshake_reset tls11_only
0 in.the.clear.\(STARTTLS.is.(not.offered|refused:) ehlo_500 ehlo_502 ehlo_504 no_starttls starttls_454 starttls_500 starttls_502
0 TLS,.verified bare_lf_replies dripping eight_bit_replies greeting_multi_line nul_in_greeting nul_in_ehlo_reply unsolicited_421 tls12_only tls13_only cert_chain
0 TLS,.not.verified cert_selfsigned_refuse cert_leafonly_required cert_cnonly_required cert_future_required cert_otherca_required'

# probe_aside PATIENCE NAME
probe_aside() {
	n=$((n + 1))
	at=127.0.0.10:$n transcript=$W/transcript.$2 hostile "$2.hs"
	(
		timeout 50 "$ms" probe --timeout "$1" "mx.b.example:$n" >"$W/told.$2" 2>&1
		echo $? >"$W/status.$2"
	) &
}

# timeout: 120
t_hostile_servers() {
	local want pattern names name all n=3000
	probe_there
	policy
	all=$(cut -d' ' -f3- <<<"$scenarios")
	# Those that say nothing take their time while others play.
	for name in $all; do [[ $name != stall* ]] || probe_aside 4 "$name"; done
	for name in $all; do
		[[ $name != stall* ]] || continue
		probe_aside 40 "$name"
		[ $((n % 16)) != 0 ] || wait
	done
	wait
	while read -r want pattern names; do
		for name in $names; do
			cp "$W/told.$name" "$W/client.out"
			equal "$(cat "$W/status.$name")" "$want" "$name"
			first_line "^mx\\.b\\.example:[0-9]+ \\(127\\.0\\.0\\.10\\): $pattern"
			checks=$((checks + 1))
			! LC_ALL=C grep -q '[^[:print:]]' "$W/client.out" || fail "$name: control characters"
			greets_only "$W/transcript.$name"
		done
	done <<<"$scenarios"
}

t_what_servers_say_is_shown_escaped() {
	probe_there
	policy
	hostile <<-'END'
		send 220 \x1b]0;owned\x07\x1b[2Jhostile\0 \xc3\xa9
		keywords STARTTLS|X\x1b[31m
		reply STARTTLS 454 4.7.0 \x1b[2Jnever\x07
		serve
	END
	probe 0 mx.b.example
	holds "$W/client.out" '^greeting +\\x1b\]0;owned\\x07\\x1b\[2Jhostile\\x00 \\xc3\\xa9$'
	probe 0 --json mx.b.example
	json 's["greeting"]["lines"]' '["\\x1b]0;owned\\x07\\x1b[2Jhostile\\x00 \\xc3\\xa9"]'
	at=127.0.0.30:25 hostile <<-'END'
		send 220 x
		keywords STARTTLS
		reply STARTTLS 454 4.7.0 \x9b2J | days=1 \xc2\x9b2J\xe9
		serve
	END
	probe 0 stranger.example
	first_line '\(STARTTLS is refused: 4\.7\.0 \?2J ! days=1 \?2J\?\)$'
	at=127.0.0.20:25 hostile <<-'END'
		fill 1000000 \x1b[2J
		stall
	END
	probe 2 mx2.b.example
	first_line 'unreachable: greeting: protocol error: reply line too long: "\\x1b\[2J\\x1b'
	check test "$(wc -c <"$W/client.out")" -lt 400
}

# As programs do, whatever the code for good (RFC 5321 3.2 asks for it at 500 and 502).
t_server_that_refuses_ehlo_inside_tls_alone() {
	probe_there
	policy
	hostile <<-'END'
		send 220 x
		keywords STARTTLS
		serve STARTTLS
		send 220 go
		starttls
		reply EHLO 550 5.7.1 no
		serve
	END
	probe 0 mx.b.example
	first_line ': TLS, verified'
	greets_only
	sealed swaks --to a@b.example --from s@a.example --helo client.a.example --server mx.b.example --body x
	equal "$status" 0 "swaks"
}

# Whoever says something time and again is not waited for without end.
t_drip() {
	probe_there
	policy
	hostile <<-'END'
		sendraw 220-x
		repeat 400
		sendraw x
		sleep 20
		end
		close
	END
	probe 2 --timeout 2 mx.b.example
	first_line 'unreachable: greeting: no answer in time$'
	at=127.0.0.20:25 hostile <<-'END'
		send 220 x
		keywords STARTTLS
		serve STARTTLS
		send 220 go
		readsome 5
		sendraw \x16\x03\x03\x3f\xff
		repeat 400
		sendraw x
		sleep 20
		end
		close
	END
	probe 2 --timeout 4 mx2.b.example
	first_line 'unreachable: TLS handshake: no answer in time$'
}

# --- certificates ----------------------------------------------------------------------------

# certified NAME SUBJECT DIGEST NAMES [CHAIN-FILE]: by the tests' authority, into a directory of the case's own
certified() {
	[ -e "$W/pki/ca.pem" ] || { mkdir "$W/pki"; cp "$pki"/{ca,good,mid,leafonly}.* "$W/pki"; }
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$W/pki/$1.key" -CA "$pki/ca.pem" -CAkey "$pki/ca.key" \
		-subj "$2" -"$3" -days 20 -addext "subjectAltName=$4" -addext basicConstraints=critical,CA:FALSE -utf8 \
		-out "$W/pki/$1.pem" 2>"$W/openssl.out" || fail "openssl: $(cat "$W/openssl.out")"
}

t_odd_certificates() {
	local names
	probe_there
	names=$(seq -f 'DNS:n%g.b.example' -s , 1 250)
	certified sha1 /CN=mx.b.example sha1 DNS:mx.b.example
	certified names "/CN=$(printf '\033[2J')\"odd, \\\\ name=/O=$(printf 'x%.0s' {1..60})" sha256 "$names,IP:127.0.0.21,IP:::1,email:a@b.example"
	certified soon /CN=mx.b.example sha256 DNS:mx.b.example
	{ cat "$W/pki/soon.pem"; for _ in {1..60}; do cat "$pki/mid.pem"; done; } >"$W/pki/huge.pem"
	cp "$W/pki/soon.key" "$W/pki/huge.key"
	pki_before=$pki
	pki=$W/pki
	policy 'require_tls = true' 'message_override = "ignore"'
	for n in sha1:21 names:22 soon:23 huge:24; do
		at=127.0.0.${n#*:}:25 transcript=$W/transcript.$n hostile <<-END
			send 220 hostile
			keywords STARTTLS
			cert ${n%:*}
			serve
		END
		sed -i '/ mx\.b\.example/d' /etc/hosts
	done
	mx 127.0.0.21
	probe 1 mx.b.example
	first_line 'blocked at MAIL: 454 4\.7\.5 mailseal: certificate of mx\.b\.example not valid: .*(too weak|digest)'
	holds "$W/client.out" 'ecdsa-with-SHA1'
	probe 1 --json 127.0.0.22
	json 's["certificate"]["reason"].startswith("name mismatch")' true
	json '[len(s["certificate"]["chain"][0]["names"]), s["certificate"]["chain"][0]["names_in_total"]]' '[100, 252]'
	json 's["certificate"]["chain"][0]["subject"]' "$(printf 'O=%s,CN=\\1B[2J\\"odd\\, \\\\ name=' "$(printf 'x%.0s' {1..60})")"
	probe 1 127.0.0.22
	holds "$W/client.out" '^names +n1\.b\.example, '
	holds "$W/client.out" '^  .* and 244 more \(--json\)$'
	mx 127.0.0.23
	probe 0 mx.b.example
	first_line 'TLS, verified; certificate expires in (19|20) days$'
	probe 0 mx.b.example --expiry-warning 10
	probe 1 mx.b.example --expiry-warning 30
	first_line 'expires in (19|20) days, fewer than 30$'
	mx 127.0.0.24
	probe 0 mx.b.example
	check test "$(wc -l <"$W/client.out")" -le 32
	holds "$W/client.out" 'and 57 more'
	pki=$pki_before
}

t_resumption() {
	probe_there
	policy
	hostile <<-'END'
		send 220 one
		keywords STARTTLS
		tickets 0
		serve
	END
	probe 0 mx.b.example
	holds "$W/client.out" '^resumption +no: the server gave nothing'
	equal "$(connections)" 1 "connections"
	at=127.0.0.20:25 transcript=$W/transcript.2 hostile <<-'END'
		send 220 two
		keywords STARTTLS
		ticketkey 1
		serve
		connection
		send 220 two
		keywords STARTTLS
		ticketkey 2
		serve
	END
	probe 0 mx2.b.example
	holds "$W/client.out" '^resumption +no: the server made a full handshake of it'
	at=127.0.0.31:25 transcript=$W/transcript.3 hostile tls12_only.hs
	mx 127.0.0.31
	probe 0 mx.b.example
	holds "$W/client.out" '^TLS +TLSv1\.2, ECDHE-ECDSA-AES256-GCM-SHA384, key exchange [xX]25519, signature ECDSA with'
	holds "$W/client.out" '^resumption +works'
	# A second connection that is not served does not spoil the first.
	at=127.0.0.32:25 transcript=$W/transcript.4 hostile <<-'END'
		send 220 four
		keywords STARTTLS
		serve
		connection
		send 421 one at a time
		close
	END
	mx 127.0.0.32
	probe 0 mx.b.example
	holds "$W/client.out" '^resumption +not known: greeting: 421 one at a time'
}

# Old TLS where the file allows it, and the fingerprint of a certificate instead of an authority.
t_settings_of_the_host_count() {
	local print
	probe_there
	print=$(openssl x509 -in "$pki/stale.pem" -outform DER | sha256sum | cut -c 1-64)
	policy 'require_tls = true' -- 'host "mx.b.example" { min_tls = 1.0 }' \
		"host \"mail.b.example\" { session_resumption = false client_certificate = \"$pki/client.pem\" client_key = \"$pki/client.key\" }" \
		"host \"mx2.b.example\" { fingerprints = \"sha256:$print\" servername = \"other.example\" }" \
		'host "127.0.0.30" { intercept = false }' \
		'host "six.b.example" { match = "mx.b.example" }'
	hostile <<-'END'
		send 220 old
		keywords STARTTLS
		protocols 1.0 1.0
		serve
	END
	probe 0 mx.b.example
	holds "$W/client.out" '^TLS +TLSv1, '
	holds "$W/client.out" '^ +host "mx\.b\.example", line'
	at=127.0.0.20:25 transcript=$W/transcript.2 hostile <<-'END'
		send 220 pinned
		keywords STARTTLS
		cert stale
		serve
	END
	probe 0 mx2.b.example
	first_line 'TLS, verified; certificate expired'
	holds "$W/client.out" '^certificate +valid for mx2\.b\.example, by fingerprints$'
	holds "$W/transcript.2" 'other\.example'
	sed -i 's/ mail\.b\.example//' /etc/hosts
	echo 127.0.0.31 mail.b.example >>/etc/hosts
	at=127.0.0.31:25 transcript=$W/transcript.5 hostile <<-'END'
		send 220 wants a certificate
		keywords STARTTLS
		client ca
		serve
	END
	probe 0 mail.b.example
	first_line 'TLS, verified'
	holds "$W/client.out" 'session_resumption = false'
	probe 2 127.0.0.31
	at=127.0.0.30:25 transcript=$W/transcript.3 hostile no_starttls.hs
	probe 0 stranger.example
	first_line 'passes untouched by mailseal'
	at='::1:25' transcript=$W/transcript.4 hostile good_server.hs
	probe 0 six.b.example
	holds "$W/client.out" '^certificate +valid for mx\.b\.example, by'
	probe 0 six.b.example --json
	json 's["certificate"]["reference"]' '["mx.b.example"]'
}

# --- which host ------------------------------------------------------------------------------

t_addresses() {
	probe_there
	policy 'require_tls = true'
	printf '%s two.b.example\n' 127.0.0.61 127.0.0.62 >>/etc/hosts
	at=127.0.0.62:25 hostile <<-'END'
		send 220 second
		keywords STARTTLS
		cert wildcard
		serve
	END
	probe 0 -4 two.b.example
	first_line '^two\.b\.example:25 \(127\.0\.0\.62\): TLS, verified'
	holds "$W/client.out" '^no answer of +127\.0\.0\.61: connect: Connection refused'
	probe 0 -4 --json two.b.example
	json '[(x["address"], x["status"]) for x in j["servers"]] + [j["status"]]' '[["127.0.0.61", "unreachable"], ["127.0.0.62", "fine"], "fine"]'
	probe 2 -4 --all two.b.example
	holds "$W/client.out" '^two\.b\.example:25 \(127\.0\.0\.61\): unreachable: connect: Connection refused'
	holds "$W/client.out" '^two\.b\.example:25 \(127\.0\.0\.62\): TLS, verified'
	probe 2 -6 two.b.example
	at='::1:25' transcript=$W/transcript.6 hostile <<-'END'
		send 220 six
		keywords STARTTLS
		cert ip
		serve
	END
	probe 0 ::1
	first_line '^\[::1\]:25: TLS, verified'
	holds "$W/transcript.6" 'EHLO \[IPv6:::1\]'
	probe 0 '[::1]:25' --json
	json '[j["name"], j["host"], j["port"], s["certificate"]["reference"]]' '[null, "::1", 25, ["::1"]]'
	at=127.0.0.10:25 transcript=$W/transcript.7 hostile good_server.hs
	probe 1 127.0.0.10
	first_line 'blocked .*: 454 4\.7\.5 mailseal: certificate of \[127\.0\.0\.10\] not valid: name mismatch'
	policy -- 'host "other.example" { require_tls = true }'
	probe 1 127.0.0.10
	holds "$W/client.out" '^ +no name is known: each host section by name may be meant$'
	policy
	probe 0 MX.B.example
}

t_internationalised_names() {
	probe_there
	policy -- 'host "xn--bcher-kva.example" { require_tls = true verify_certificate = true message_override = "tighten" }'
	echo '127.0.0.63 xn--bcher-kva.example' >>/etc/hosts
	at=127.0.0.63:25 hostile good_server.hs
	plain "$ms" probe bücher.example --json
	equal "$status" 1
	json '[j["name"], s["policy"]["mail"][0]["rule"]]' '["xn--bcher-kva.example", "require_tls"]'
}

t_unreachable() {
	probe_there
	policy
	probe 2 nowhere.example --timeout 5
	first_line '^nowhere\.example:25: unreachable: look-up of nowhere\.example: '
	/usr/bin/python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 53)); time.sleep(30)' &
	until_true 5 has_resolver || fail "no silent resolver"
	probe 2 nowhere.example --timeout 1 --json
	json 'j["trouble"]' 'look-up of nowhere.example: no answer in time'
	probe 2 mx.b.example:26
	first_line 'unreachable: connect: Connection refused'
}
has_resolver() { ss -Hlun 'sport = :53' | grep -q .; }

t_mail_servers_of_a_domain() {
	probe_there
	need dnsmasq
	cat >"$W/dnsmasq.conf" <<-END
		no-daemon
		no-resolv
		no-hosts
		user=root
		pid-file=$W/dnsmasq.pid
		listen-address=127.0.0.1
		bind-interfaces
		log-queries
		log-facility=$W/dns.log
		local=/example/
		host-record=one.b.example,127.0.0.41
		host-record=two.b.example,127.0.0.42
		host-record=alone.example,127.0.0.41
		mx-host=b.example,two.b.example,20
		mx-host=b.example,one.b.example,10
		mx-host=b.example,gone.b.example,30
		mx-host=c.example,one.b.example,10
		dns-rr=none.example,15,000000
		mx-host=odd.example,127.0.0.41,10
	END
	: >"$W/dns.log"
	dnsmasq -C "$W/dnsmasq.conf" >"$W/dnsmasq.out" 2>&1 &
	until_true 10 grep -q started "$W/dns.log" || fail "dnsmasq does not start: $(cat "$W/dnsmasq.out" "$W/dns.log")"
	policy 'require_tls = true' 'message_override = "tighten"'
	at=127.0.0.41:25 hostile <<-'END'
		send 220 one
		keywords STARTTLS
		cert wildcard
		serve
	END
	at=127.0.0.42:25 transcript=$W/transcript.2 hostile no_starttls.hs
	probe 2 --mx b.example
	first_line '^b\.example: 3 mail servers: 1 fine, 1 blocked, 1 unreachable$'
	equal "$(sed -nE 's/^([a-z]*\.b\.example):25.*/\1/p' "$W/client.out" | tr '\n' ' ')" "one.b.example two.b.example gone.b.example "
	probe 0 --mx c.example --json
	json '[j["domain"], j["status"], [(h["host"], h["preference"], h["status"]) for h in j["mail_servers"]]]' '["c.example", "fine", [["one.b.example", 10, "fine"]]]'
	# its certificate is for another name
	probe 1 --mx alone.example
	first_line '^alone\.example: 1 mail server: 0 fine, 1 blocked, 0 unreachable$'
	probe 2 --mx none.example
	first_line '^none\.example: unreachable: the domain takes no mail'
	probe 2 --mx odd.example
	holds "$W/client.out" 'is an address, not a name'
	probe 2 --mx nowhere.example
	first_line '^nowhere\.example: unreachable: look-up of MX of nowhere\.example: '
	probe 64 --mx 127.0.0.41
	greets_only
}

# --- which mail ------------------------------------------------------------------------------

t_one_mail() {
	probe_there
	policy -- 'sender "strict.example" { require_tls = true }' 'sender "watched.example" { require_tls = true mode = "observe" }' \
		'recipient ".bank.example" { require_tls = true violation = "reject" message_override = "tighten" }'
	hostile no_starttls.hs
	probe 0 mx.b.example
	holds "$W/client.out" '^  sender "watched\.example" +in the clear +enforce would block it \(mode = observe\);'
	holds "$W/client.out" '^  sender "strict\.example" +blocked'
	holds "$W/client.out" '^  recipient "\.bank\.example" +blocked at RCPT'
	probe 1 mx.b.example --sender a@strict.example
	first_line ': blocked .*454 4\.7\.4 mailseal: mx\.b\.example does not offer STARTTLS; require_tls by sender "strict\.example"'
	lacks "$W/client.out" '^  recipient '
	probe 0 mx.b.example --sender a@watched.example
	first_line ': in the clear; enforce would block it \(STARTTLS is not offered\)$'
	probe 0 mx.b.example --recipient a@bank.example
	probe 1 mx.b.example --recipient a@bank.example --recipient a@x.bank.example
	first_line '550 5\.7\.4'
	probe 0 mx.b.example --sender '<>'
	probe 65 mx.b.example --sender nobody
	probe 65 mx.b.example --recipient '<>'
	policy 'require_tls = true'
	probe 1 mx.b.example
}

# Many sections still fit a screen.
t_many_sections() {
	probe_there
	policy
	{
		cat "$conf"
		seq -f 'sender "s%g.example" { require_tls = false }' 1 500
		seq -f 'recipient "r%g.example" { require_tls = true }' 1 20
	} >"$W/many.conf"
	hostile no_starttls.hs
	probe 0 mx.b.example --config "$W/many.conf"
	check test "$(wc -l <"$W/client.out")" -le 38
	holds "$W/client.out" '^  500 more sections come to the same as any other mail$'
	holds "$W/client.out" '^  12 more sections come to something else: see --json$'
	probe 0 mx.b.example --config "$W/many.conf" --json
	json 'len(s["policy"]["sections"])' 520
	json 'sum(x["outcome"] == "blocked" for x in s["policy"]["sections"])' 20
}

# --- bad input -------------------------------------------------------------------------------

t_bad_input() {
	local bad
	probe_there
	policy
	hostile good_server.hs
	for bad in '' . mx.b.example:0 mx.b.example:99999 mx.b.example: mx.b.example:smtp mx.b.example:465 '[mx.b.example]' '[::1' '[::1]x' \
		'a b' $'a\tb' user@mx.b.example 'http://mx.b.example' ::1::2 "$(printf 'a%.0s' {1..254})" $'\xff\xfe.example'; do
		plain timeout 10 "$ms" probe "$bad"
		equal "$status" 64 "probe '$bad'"
	done
	for bad in --timeout=0 --timeout=x --timeout=99999 --expiry-warning=-1 --expiry-warning=0 --ehlo= '--ehlo=a b' $'--ehlo=a\r\nMAIL' --frob extra; do
		plain timeout 10 "$ms" probe mx.b.example "$bad"
		equal "$status" 64 "probe mx.b.example $bad"
	done
	plain "$ms" probe
	equal "$status" 64 "no host"
	plain "$ms" probe -4 -6 mx.b.example
	equal "$status" 64
	echo 'default { require_tls = perhaps }' >"$conf"
	probe 78 mx.b.example
	holds "$W/client.out" 'mailseal\.conf:1: '
	printf 'default { ca_file = "/nowhere.pem" }\n' >"$conf"
	probe 78 mx.b.example
	printf 'default {}\nhost "x.example" { ciphers = "NONESUCH" }\n' >"$conf"
	probe 78 mx.b.example
	holds "$W/client.out" 'mailseal\.conf:2: ciphers: '
	probe 78 mx.b.example --config "$W/missing.conf"
	equal "$(connections)" 0 "connections"
	policy
	checks=$((checks + 1))
	"$ms" probe mx.b.example >/dev/full 2>"$W/client.out" && fail "a full disk went unnoticed"
	plain "$ms" help probe
	equal "$status" 0
	check test "$(wc -l <"$W/client.out")" -le 24
}

# --- a real server ---------------------------------------------------------------------------

t_postfix() {
	probe_there
	policy 'require_tls = true'
	postfix_start
	probe 0 mx.b.example --json
	json '[s["tls"]["protocol"], s["certificate"]["verified"], "8BITMIME" in s["inside_tls"]["keywords"], "STARTTLS" in s["inside_tls"]["keywords"]]' \
		'["TLSv1.3", true, true, false]'
	json 's["tls"]["resumption"]["works"] in ("yes", "no")' true
	for n in 11 12 13 14 16 18; do
		mx 127.0.0.$n
		probe 1 mx.b.example
	done
	mx 127.0.0.21
	probe 2 mx.b.example
	lacks "$pf/log/mail.log" 'improper command pipelining|lost connection after (EHLO|STARTTLS) from .*127\.0\.0\.10'
}
