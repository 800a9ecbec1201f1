# The other settings of the policy: mode, violation, on_bad_certificate, protect_credentials,
# fingerprints, client certificates, ciphers.
# shellcheck shell=bash

count=0
# passes WAY RULE-OR-'' : through, and the log's verdict
passes() {
	equal "$status" 0 "$1"
	count=$((count + 1))
	stored $count
	"$1"
	[ -z "${2-}" ] || logged "$2"
}
refused() {
	refute test "$status" = 0
	holds "$W/client.out" "<\*\* $1 mailseal: "
	equal "$(stored_count)" $count "messages stored"
}

# --- mode -----------------------------------------------------------------------------------------

t_observe_logs_what_enforce_would_do() {
	product
	postfix_start
	mx 127.0.0.14
	policy 'mode = "observe"' -- 'sender "a.example" { require_tls = true message_override = "tighten" }'
	use_swaks
	passes over_clear 'event=transaction .*policy="require_tls by sender ..a\.example..?, mailseal\.conf:[0-9]+" verdict=would-block .*reply="250 2\.0\.0'
	: >"$log"
	policy 'mode = "observe"' -- 'recipient "b.example" { require_tls = true violation = "reject" }'
	use_swaks
	passes over_clear 'policy="require_tls by recipient ..b\.example.*verdict=would-block'
	: >"$log"
	policy 'mode = "observe"'
	use_swaks --add-header 'Mailseal-Require-TLS: yes'
	passes over_clear 'policy="require_tls by field Mailseal-Require-TLS of the message" verdict=would-block message-require-tls=yes'
	lacks "$W/stored" Mailseal
	: >"$log"
	mx 127.0.0.11
	policy 'mode = "observe"' 'require_tls = true'
	use_swaks
	passes over_tls 'tls=yes .*certificate-verified=no .*verdict=would-block'
	# the strictest of all: one section that enforces is enough
	mx 127.0.0.14
	policy 'mode = "observe"' -- 'sender "a.example" { require_tls = true }' 'recipient "b.example" { mode = "enforce" }'
	use_swaks
	refused '454 4\.7\.4'
	# a message that would relax: nothing is blocked, nothing is said
	: >"$log"
	policy 'mode = "observe"' 'require_tls = true'
	use_swaks --add-header 'Mailseal-Require-TLS: no'
	passes over_clear 'verdict=cleartext message-require-tls=no'
	lacks "$log" 'would-block'
}

# --- on_bad_certificate ---------------------------------------------------------------------------

t_bad_certificate_three_ways() {
	product
	postfix_start
	mx 127.0.0.11
	policy 'on_bad_certificate = "unauthenticated"'
	use_swaks; passes over_tls 'certificate-verified=no .*verdict=tls-unverified'
	policy 'on_bad_certificate = "cleartext"'
	use_swaks; passes over_clear 'tls=no .*verdict=cleartext'
	policy 'on_bad_certificate = "refuse"' 'message_override = "tighten"'
	use_swaks; refused '454 4\.7\.5'
	equal "$(refused_at)" MAIL "refused at"
	holds "$W/client.out" 'on_bad_certificate by default, mailseal\.conf:3'
	policy 'on_bad_certificate = "refuse"' 'violation = "reject"'
	use_swaks; refused '554 5\.7\.5'
	use_swaks --add-header 'Mailseal-Verify-Certificate: no'; passes over_tls
	policy 'on_bad_certificate = "refuse"' 'verify_certificate = false'
	use_swaks; passes over_tls
	# cleartext never where a sender's mail must be encrypted
	policy 'on_bad_certificate = "cleartext"' -- 'sender "a.example" { require_tls = true verify_certificate = false }'
	use_swaks --from s@elsewhere.example; passes over_tls
	use_swaks; passes over_tls
	policy 'on_bad_certificate = "cleartext"' -- 'sender "a.example" { require_tls = true }'
	capture_start
	use_swaks; refused '454 4\.7\.5'
	capture_stop
	wire quiet sender@a.example a@b.example SECRET
}

# --- credentials ----------------------------------------------------------------------------------

auth_server() {
	printf '%s\n' 'send 220 hostile ESMTP' "keywords AUTH LOGIN PLAIN XOAUTH2${1:+|$1}" "cert ${2:-good}" \
		'reply AUTH 235 2.7.0 in' serve >"$W/s"
	hostile <"$W/s"
}
# no_auth CODE: refused without a 334, by swaks and by hand; nothing of it is heard
no_auth() {
	local kind
	for kind in LOGIN PLAIN; do
		use_swaks --auth $kind --auth-user SECRETUSER --auth-password SECRETPASS
		refute test "$status" = 0
		holds "$W/client.out" "<\*\* $1 mailseal: "
		lacks "$W/client.out" '<- +334'
	done
	says <<-END
		< 220
		> EHLO client.a.example
		< 250.*AUTH LOGIN PLAIN
		> AUTH LOGIN
		< $1 mailseal
		> AUTH LOGIN U0VDUkVUVVNFUg==
		< $1 mailseal
		> AUTH PLAIN AFNFQ1JFVFVTRVIAU0VDUkVUUEFTUw==
		< $1 mailseal
		> AUTH PLAIN
		< $1 mailseal
		> QUIT
		< 221
	END
	settle
	lacks "$W/transcript" ' C: "(AUTH|.*(U0VDUkVU|SECRET|AFNFQ1JF))'
	lacks "$log" 'U0VDUkVU|SECRETPASS|AFNFQ1JF'
}

t_credentials_wait_for_tls() {
	product
	policy
	auth_server
	no_auth '454 4\.7\.0'
	policy 'violation = "reject"'
	no_auth '538 5\.7\.11'
	# where nobody asks for their protection, they go
	policy 'protect_credentials = false'
	use_swaks --auth PLAIN --auth-user user --auth-password opensesame
	equal "$status" 0 "protect_credentials = false"
	settle
	holds "$W/transcript" ' plain C: "AUTH PLAIN '
}

t_credentials_wait_for_a_valid_certificate() {
	product
	policy
	auth_server STARTTLS selfsigned
	no_auth '454 4\.7\.0'
	policy 'verify_certificate = false'
	use_swaks --auth PLAIN --auth-user user --auth-password opensesame
	equal "$status" 0 "verify_certificate = false"
	settle
	holds "$W/transcript" ' tls C: "AUTH PLAIN '
	lacks "$W/transcript" ' plain C: "AUTH'
}

# XOAUTH2 tokens are longer than any other command
t_long_token_passes_whole() {
	local token
	product
	policy 'require_tls = true'
	auth_server STARTTLS
	token=$(head -c 6750 /dev/urandom | base64 -w 0 | tr +/ xy)
	equal ${#token} 9000 "token"
	says <<-END
		< 220
		> EHLO client.a.example
		< 250.*AUTH LOGIN PLAIN XOAUTH2
		> AUTH XOAUTH2 $token
		< 235 2\.7\.0
		> MAIL FROM:<s@a.example>
		< 250
		> QUIT
		< 221
	END
	settle
	holds "$W/transcript" " tls C: \"AUTH XOAUTH2 ${token:0:4000}.* of 9015 bytes"
	lacks "$log" "${token:0:30}"
}

# --- fingerprints ---------------------------------------------------------------------------------

of_certificate() { openssl x509 -in "$pki/$1.pem" -noout -fingerprint -sha256; }
of_key() { openssl x509 -in "$pki/$1.pem" -noout -pubkey | openssl pkey -pubin -outform der | openssl sha256 | sed 's/.* //'; }
# pinned FINGERPRINT ...: for the host alone, TLS required everywhere
pinned() {
	local list
	list=$(printf '"%s", ' "$@")
	policy 'require_tls = true' 'message_override = "tighten"' -- 'host "mx.b.example" {' "fingerprints = { ${list%, } }" '}'
}

t_fingerprints() {
	product
	postfix_start
	mx 127.0.0.19 # signed by itself, and expired
	pinned "$(of_certificate stale)"
	use_swaks; passes over_tls 'certificate-verified=yes'
	pinned "$(of_key stale)"
	use_swaks; passes over_tls 'certificate-verified=yes'
	pinned "$(of_certificate good)" "$(of_key stale | tr a-f A-F)"
	use_swaks; passes over_tls
	pinned "$(of_certificate good)"
	capture_start
	use_swaks; refused '454 4\.7\.5'
	holds "$W/client.out" 'fingerprint'
	equal "$(refused_at)" MAIL "refused at"
	# a certificate that is valid by itself is not the one that was pinned
	mx 127.0.0.10
	pinned "$(of_certificate stale)" "$(of_key selfsigned)"
	use_swaks; refused '454 4\.7\.5'
	capture_stop
	wire quiet sender@a.example SECRET
	pinned "$(of_certificate stale)" "$(of_key good)"
	use_swaks; passes over_tls
	# another name than the certificate's: the fingerprint is proof enough
	mx 127.0.0.13
	pinned "$(of_certificate wrongname | sed 's/.*=//; s/://g')"
	use_swaks; passes over_tls
	# not required, and wrong: as any bad certificate
	mx 127.0.0.10
	policy -- 'host "mx.b.example" {' "fingerprints = { \"$(of_key stale)\" }" '}'
	use_swaks; passes over_tls 'certificate-verified=no'
}

# --- the client's own certificate -----------------------------------------------------------------

client_policy() {
	policy 'require_tls = true' 'message_override = "tighten"' -- 'host "mx.b.example" {' \
		"client_certificate = \"$pki/client.pem\"" "client_key = \"$pki/${1:-client}.key\"" '}'
}

t_client_certificate_at_postfix() {
	product
	postfix_start
	mx 127.0.0.21
	client_policy
	use_swaks; passes over_tls
	holds "$W/stored" 'Client CN "client\.b\.example".*'
	holds "$W/stored" '\(verified OK\)'
	policy 'require_tls = true'
	use_swaks
	refute test "$status" = 0
	equal "$(stored_count)" $count "messages stored without a certificate"
	# shown to those who ask, and to nobody else's sections
	mx 127.0.0.10
	client_policy
	use_swaks; passes over_tls
	lacks "$W/stored" 'client\.b\.example'
}

t_client_certificate_in_both_versions() {
	local version
	product
	for version in 1.2 1.3; do
		client_policy
		printf '%s\n' 'send 220 x' 'keywords STARTTLS' "protocols $version $version" 'client ca' serve >"$W/s"
		at=127.0.0.10:25 hostile <"$W/s"
		use_swaks
		equal "$status" 0 "TLS $version"
		settle
		holds "$W/transcript" 'client certificate /CN=client\.b\.example'
		holds "$W/transcript" 'tls # data'
		policy 'require_tls = true' 'message_override = "tighten"'
		: >"$W/transcript"
		use_swaks
		refute test "$status" = 0
		settle
		holds "$W/transcript" 'handshake failed: .*(certificate|peer did not return)'
		lacks "$W/transcript" 'MAIL|# data'
		: >"$W/transcript"
		pgrep -x hostile | xargs kill
		until_true 5 eval '! listening 127.0.0.10 25'
	done
}

t_client_key_that_cannot_be_used() {
	product
	hostile good_server.hs
	client_policy locked
	sealed "$bin/guest_check" mx.b.example 25
	equal "$status" 1
	holds "$W/client.out" 'connect: ECONNREFUSED'
	logged 'event=connect-refused .*client_key.*passphrase'
	client_policy good
	sealed "$bin/guest_check" mx.b.example 25
	equal "$status" 1
	logged 'event=connect-refused .*client_key: .*good\.key: is not the key'
	equal "$(connections)" 0 "connections"
}

# --- ciphers --------------------------------------------------------------------------------------

# cipher_server LINE ...: the lines, and a server after them
cipher_server() { printf '%s\n' 'send 220 x' 'keywords STARTTLS' "$@" serve >"$W/s"; hostile <"$W/s"; }
fails_the_handshake() {
	use_swaks
	refute test "$status" = 0
	holds "$W/client.out" '<\*\* 454 4\.7\.5 mailseal: TLS handshake with mx\.b\.example failed'
	settle
	holds "$W/transcript" 'handshake failed'
	lacks "$W/transcript" 'MAIL|# data'
}

t_ciphers() {
	product
	cipher_server 'protocols 1.2 1.2' 'ciphers ECDHE-ECDSA-AES128-GCM-SHA256'
	policy 'require_tls = true' 'ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305"'
	fails_the_handshake
	policy 'require_tls = true' 'ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"'
	use_swaks
	equal "$status" 0
	logged 'protocol=TLSv1\.2 cipher=ECDHE-ECDSA-AES128-GCM-SHA256 certificate-verified=yes'
}

t_ciphersuites() {
	product
	cipher_server 'protocols 1.3 1.3' 'ciphersuites TLS_AES_128_GCM_SHA256'
	policy 'require_tls = true' 'ciphersuites = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"'
	fails_the_handshake
	policy 'require_tls = true' -- 'host "mx.b.example" { ciphersuites = "TLS_AES_128_GCM_SHA256" }'
	use_swaks
	equal "$status" 0
	logged 'protocol=TLSv1\.3 cipher=TLS_AES_128_GCM_SHA256 certificate-verified=yes'
}

t_unusable_ciphers_fail_closed() {
	product
	hostile good_server.hs
	policy 'ciphers = "NO-SUCH-CIPHER"'
	sealed "$bin/guest_check" mx.b.example 25
	equal "$status" 1
	equal "$(connections)" 0 "connections"
	logged 'event=connect-refused .*mailseal\.conf:3.*ciphers'
}
