# Policy, as a real client meets it at a real Postfix. The truth table with the hostile server is in
# the scenarios (cert_*, no_starttls*, garbage_* ...).
# shellcheck shell=bash

# refused_with CODE [STORED [WHERE]]: swaks was told so at WHERE (a verb, or '.' for the final dot: a
# message may ask for less, so its header is waited for), and no message got through
refused_with() {
	refute test "$status" = 0
	holds "$W/client.out" "<\*\* $1 mailseal: "
	equal "$(refused_at)" "${3:-.}" "refused at"
	sleep 0.3
	equal "$(stored_count)" "${2:-0}" "messages stored"
}

at_postfix() {
	local number=$1
	shift
	product
	policy "$@"
	postfix_start
	mx "127.0.0.$number"
	use_swaks
}

required=('require_tls = true' 'verify_certificate = true')
firm=("${required[@]}" 'message_override = "tighten"') # no message can change it

# Refused at MAIL where no message can change it, after the dot where one might; nothing on the wire either way.
# refused_both_ways NUMBER CODE
refused_both_ways() {
	product
	postfix_start
	mx "127.0.0.$1"
	capture_start
	policy "${firm[@]}"
	use_swaks
	refused_with "$2" 0 MAIL
	policy "${required[@]}"
	use_swaks
	refused_with "$2"
	capture_stop
	wire quiet sender@a.example a@b.example SECRET
	lacks "$pf/log/mail.log" 'NOQUEUE|[0-9A-F]{6,}: client='
}

t_good() { at_postfix 10 "${required[@]}"; equal "$status" 0; stored 1; over_tls; }
t_self_signed() { refused_both_ways 11 '4.. 4\.7\.5'; }
t_expired() { refused_both_ways 12 '4.. 4\.7\.5'; holds "$W/client.out" expired; }
t_wrong_name() { refused_both_ways 13 '4.. 4\.7\.5'; }
t_no_starttls() { refused_both_ways 14 '4.. 4\.7\.4'; }
t_helo_only_server() { refused_both_ways 16 '4.. 4\.7\.4'; }
t_handshake_fails() { refused_both_ways 18 '4.. 4\.7\.5'; holds "$W/client.out" 'handshake'; }
t_tls12_only() { at_postfix 15 "${required[@]}"; equal "$status" 0; stored 1; over_tls; checks=$((checks + 1)); received_line | grep -q 'TLSv1\.2' || fail "$(received_line)"; }
t_tls13_only() { at_postfix 17 "${required[@]}" 'min_tls = "1.3"'; equal "$status" 0; stored 1; over_tls; }
t_tls12_is_too_old() { at_postfix 15 "${required[@]}" 'min_tls = "1.3"'; refused_with '4.. 4\.7\.5'; }
t_opportunistic_no_starttls() { at_postfix 14; equal "$status" 0; stored 1; over_clear; }
t_opportunistic_helo_only() { at_postfix 16; equal "$status" 0; stored 1; over_clear; }
t_opportunistic_self_signed() {
	at_postfix 11
	equal "$status" 0
	stored 1
	over_tls
	logged 'certificate-verified="?(no|false)'
}
t_bad_certificate_cleartext() { at_postfix 11 'on_bad_certificate = "cleartext"'; equal "$status" 0; stored 1; over_clear; }
t_bad_certificate_refuse() { at_postfix 11 'on_bad_certificate = "refuse"'; refused_with '4.. 4\.7\.5'; }
t_bad_certificate_cleartext_under_require() {
	at_postfix 11 'require_tls = true' 'on_bad_certificate = "cleartext"'
	refused_with '4.. 4\.7\.5'
}
t_reject() { at_postfix 14 "${firm[@]}" 'violation = "reject"'; refused_with '550 5\.7\.4' 0 MAIL; }
t_reject_after_the_dot() { at_postfix 14 "${required[@]}" 'violation = "reject"'; refused_with '554 5\.7\.4'; }
t_reject_certificate() { at_postfix 12 "${firm[@]}" 'violation = "reject"'; refused_with '550 5\.7\.5' 0 MAIL; }
t_reject_certificate_after_the_dot() { at_postfix 12 "${required[@]}" 'violation = "reject"'; refused_with '554 5\.7\.5'; }
t_no_verify() { at_postfix 12 'require_tls = true' 'verify_certificate = false'; equal "$status" 0; stored 1; over_tls; }

t_text_names_rule_and_reason() {
	at_postfix 12 'require_tls = false' -- 'host "mx.b.example" {' 'require_tls = true' '}'
	refused_with '4.. 4\.7\.5'
	holds "$W/client.out" 'certificate of mx\.b\.example not valid: expired 20[0-9-]+; require_tls by host "mx\.b\.example", mailseal\.conf:6'
}

t_host_sections() {
	product
	postfix_start
	mx 127.0.0.14
	policy -- 'host "mx.b.example" {' 'require_tls = true' '}'
	use_swaks; refused_with '4.. 4\.7\.4'
	policy -- 'host ".b.example" {' 'require_tls = true' '}'
	use_swaks; refused_with '4.. 4\.7\.4'
	policy -- 'host "127.0.0.14" {' 'require_tls = true' '}'
	use_swaks; refused_with '4.. 4\.7\.4'
	policy -- 'host "127.0.0.0/8" {' 'require_tls = true' '}'
	use_swaks; refused_with '4.. 4\.7\.4'
	policy 'require_tls = true' -- 'host "mx.b.example" {' 'require_tls = false' '}'
	use_swaks; equal "$status" 0 "host relaxes default"; stored 1; over_clear
	policy -- 'host "other.example" {' 'require_tls = true' '}'
	use_swaks; equal "$status" 0 "another host's section"; stored 2
}

t_no_name_means_every_host_section() {
	product
	postfix_start
	policy -- 'host "elsewhere.example" {' 'require_tls = true' '}'
	sealed swaks --to a@b.example --server 127.0.0.14
	refused_with '4.. 4\.7\.4'
	policy -- 'host "elsewhere.example" {' 'require_tls = true' '}' 'host "127.0.0.14" {' 'require_tls = false' '}'
	sealed swaks --to a@b.example --server 127.0.0.14
	equal "$status" 0 "a section for the address settles it"
	stored 1
}

t_address_certificate() {
	product
	policy 'require_tls = true'
	printf '%s\n' 'send 220 x' 'keywords STARTTLS' 'cert ip' 'serve' >"$W/s"
	hostile <"$W/s"
	sealed swaks --to a@b.example --server 127.0.0.10
	equal "$status" 0
	settle
	nothing_plain
	holds "$W/transcript" 'sni=-'
}

t_match_accepts_another_name() {
	at_postfix 13 'require_tls = true' 'match = {"other.example"}'
	equal "$status" 0
	stored 1
	over_tls
}

t_match_replaces_the_name() {
	at_postfix 10 'require_tls = true' 'match = {"unrelated.example"}'
	refused_with '4.. 4\.7\.5'
}

t_servername_is_sent() {
	product
	policy 'require_tls = true' -- 'host "mx.b.example" {' 'servername = "inside.b.example"' '}'
	printf '%s\n' 'send 220 x' 'keywords STARTTLS' 'serve' >"$W/s"
	hostile <"$W/s"
	use_swaks
	settle
	holds "$W/transcript" 'sni=inside\.b\.example'
}

t_intercept_false_leaves_alone() {
	product
	policy 'require_tls = true' -- 'host "127.0.0.14" {' 'intercept = false' '}'
	postfix_start
	sealed swaks --to a@b.example --server 127.0.0.14 --helo client.a.example
	equal "$status" 0
	stored 1
	over_clear
	# untouched: such a client may speak STARTTLS by itself
	policy 'require_tls = true' -- 'host "127.0.0.10" {' 'intercept = false' '}'
	sealed swaks --to a@b.example --server 127.0.0.10 --tls --helo client.a.example
	equal "$status" 0
	stored 2
	over_tls
}

t_observe_blocks_nothing() {
	at_postfix 14 'require_tls = true' 'mode = "observe"'
	equal "$status" 0
	stored 1
	over_clear
	logged 'block'
}

t_observe_still_encrypts() {
	at_postfix 12 'require_tls = true' 'mode = "observe"'
	equal "$status" 0
	stored 1
	over_tls
}

t_system_store() {
	product
	mkdir "$W/certs"
	cp -a "$pki/ca/." "$W/certs"
	mount --bind "$W/certs" /etc/ssl/certs
	printf '%s\n' 'default {' 'require_tls = true' '}' >"$conf"
	export MAILSEAL_CONFIG=$conf
	postfix_start
	use_swaks
	equal "$status" 0
	stored 1
	over_tls
	mx 127.0.0.11
	use_swaks
	refused_with '4.. 4\.7\.5' 1
}

t_environment_does_not_choose_the_store() {
	product
	printf '%s\n' 'default {' 'require_tls = true' '}' >"$conf"
	export MAILSEAL_CONFIG=$conf SSL_CERT_FILE=$pki/ca.pem SSL_CERT_DIR=$pki/ca
	postfix_start
	use_swaks
	refused_with '4.. 4\.7\.5'
}

t_ca_file_replaces_the_store() {
	product
	mkdir "$W/certs"
	cp -a "$pki/ca/." "$W/certs"
	mount --bind "$W/certs" /etc/ssl/certs
	printf '%s\n' 'default {' 'require_tls = true' "ca_file = \"$pki/otherca-ca.pem\"" '}' >"$conf"
	export MAILSEAL_CONFIG=$conf
	postfix_start
	use_swaks
	refused_with '4.. 4\.7\.5'
}

t_built_in_default() {
	product
	unset MAILSEAL_CONFIG
	refute test -e /etc/mailseal.conf
	postfix_start
	use_swaks
	equal "$status" 0
	stored 1
	over_tls
	mx 127.0.0.14
	use_swaks
	equal "$status" 0
	stored 2
	over_clear
}

t_file_at_the_default_place() {
	product
	unset MAILSEAL_CONFIG
	strings -a "$BUILD/mailseal-agent" "$BUILD/libmailseal.so" | grep -qx /etc/mailseal.conf || skip "built for another default place"
	printf '%s\n' 'default {' 'require_tls = true' '}' >/etc/mailseal.conf
	postfix_start
	mx 127.0.0.14
	use_swaks
	refused_with '4.. 4\.7\.4'
}

t_edited_policy_counts_at_once() {
	product
	policy
	postfix_start
	mx 127.0.0.14
	use_swaks
	equal "$status" 0
	stored 1
	policy 'require_tls = true'
	use_swaks
	refused_with '4.. 4\.7\.4' 1
}

t_log_line() {
	at_postfix 10 "${required[@]}"
	equal "$status" 0
	logged 'host="?mx\.b\.example'
	logged 'addr="?\[?127\.0\.0\.10'
	logged 'tls='
	logged 'certificate-verified="?(yes|true)'
	logged 'sender="?<?sender@a\.example'
	logged 'recipients=.*a@b\.example'
	logged 'uid="?0'
	logged 'pid='
	lacks "$log" SECRET
}
