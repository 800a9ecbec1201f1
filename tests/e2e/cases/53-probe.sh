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
j = json.load(open(sys.argv[1])); s = j["servers"][-1] if j["servers"] else None
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
	holds "$W/client.out" '^resumption +works'
	holds "$W/client.out" '^  any other mail +TLS, verified +require_tls by default, mailseal\.conf:[0-9]+$'
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
