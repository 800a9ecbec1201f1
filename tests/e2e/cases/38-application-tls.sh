# Programs that issue STARTTLS themselves: their TLS is their own, told from the agent's by version and cipher.
# shellcheck shell=bash

clients=$E2E/clients
py=/usr/bin/python3
cipher=ECDHE-ECDSA-AES128-GCM-SHA256
# How each of them speaks TLS 1.2 with that cipher, verifying with the test authority.
by_swaks() {
	sealed swaks --tls --tls-verify --tls-ca-path "$pki/ca.pem" --tls-protocol tlsv1_2 --tls-cipher $cipher --to a@b.example \
		--from sender@a.example --server mx.b.example --helo client.a.example --data "@$W/message.swaks"
}
by_curl() {
	sealed curl -sv --crlf --ssl-reqd --tls-max 1.2 --ciphers $cipher --cacert "$pki/ca.pem" smtp://mx.b.example/client.a.example \
		--mail-from sender@a.example --mail-rcpt a@b.example -T "$W/message"
}
by_msmtp() {
	need msmtp
	printf '%s\n' '#!/bin/sh' 'exec msmtp --host=mx.b.example --port=25 --tls=on --tls-starttls=on --auth=off --debug \
		--tls-priorities="NONE:+VERS-TLS1.2:+ECDHE-ECDSA:+AES-128-GCM:+AEAD:+SIGN-ALL:+GROUP-ALL:+COMP-NULL" \
		--tls-trust-file="$2" --domain=client.a.example --from=sender@a.example a@b.example <"$1"' >"$W/send"
	chmod +x "$W/send"
	sealed "$W/send" "$W/message" "$pki/ca.pem"
}
by_smtplib() { sealed $py "$clients/own_smtplib.py" mx.b.example 25 "$W/message" "$pki/ca.pem"; }
by_net_smtp() { need perl; sealed perl "$clients/own_net_smtp.pl" mx.b.example 25 "$W/message" "$pki/ca.pem"; }
by_php() { need php; sealed php "$clients/own_stream.php" mx.b.example 25 "$W/message" "$pki/ca.pem"; }
by_phpmailer() { need php; sealed php "$clients/own_phpmailer.php" mx.b.example 25 "$W/message" "$pki/ca.pem"; }
by_nodemailer() {
	need node
	outward
	NODE_PATH=/usr/share/nodejs sealed node "$clients/own_nodemailer.js" mx.b.example 25 "$W/message" "$pki/ca.pem"
}
by_ruby() { need ruby; sealed ruby "$clients/own_net_smtp.rb" mx.b.example 25 "$W/message" "$pki/ca.pem"; }
by_java() {
	need java
	sealed java -XX:TieredStopAtLevel=1 -Dmail.smtp.starttls.enable=true -Dmail.smtp.starttls.required=true '-Dmail.smtp.ssl.trust=*' \
		-Dmail.smtp.ssl.protocols=TLSv1.2 -Dmail.smtp.ssl.ciphersuites=TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 \
		-cp "$bin/java/jakarta:/usr/share/java/jakarta-mail.jar:/usr/share/java/jakarta-activation.jar" \
		MailClient mx.b.example 25 "$W/message"
}
by_openssl() {
	# what s_client reads must come when its TLS stands, and it takes a Q or an R at the beginning of a line for itself
	sealed bash -c '{
		sleep 2
		printf "EHLO client.a.example\r\nMAIL FROM:<sender@a.example>\r\nrcpt TO:<a@b.example>\r\nDATA\r\n"
		sleep 1
		sed -e "s/^\./../" -e "s/$/\r/" "$1"
		printf ".\r\n"
		sleep 1
		printf "quit\r\n"
		sleep 1
	} | openssl s_client -quiet -no_ign_eof -starttls smtp -name client.a.example -connect mx.b.example:25 -tls1_2 -cipher "$2" \
		-CAfile "$3" -verify_return_error' - "$W/message" $cipher "$pki/ca.pem"
}

prepare() {
	product
	postfix_start
	message "$W/message"
	sed '1,/^$/d' "$W/message" >"$W/sent.body"
}

# with_its_own CLIENT: the server saw the client's TLS, the wire no word of the message, and the log tells.
with_its_own() {
	capture_start
	"$1"
	equal "$status" 0 "status of $1"
	stored 1
	capture_stop
	over_tls
	checks=$((checks + 1))
	received_line | grep -q "using TLSv1.2 with cipher $cipher" || fail "not the client's TLS: $(received_line)"
	wire quiet a@b.example SECRET
	same_file "$W/sent.body" "$W/stored.body"
	logged 'event=application-tls .*tls=yes protocol=TLSv1\.2 certificate-verified=no policy="application_tls by .*" verdict=tls-unverified bytes=[0-9]+$'
}

# with_mailseals CLIENT: the client found no STARTTLS, and went without; mailseal's TLS is 1.3
with_mailseals() {
	"$1"
	equal "$status" 0 "status of $1"
	stored 1
	over_tls
	checks=$((checks + 1))
	received_line | grep -q 'using TLSv1\.3' || fail "not mailseal's TLS: $(received_line)"
	logged 'event=transaction .*certificate-verified=yes'
}

refused_by() {
	capture_start
	"$1"
	capture_stop
	refute test "$status" = 0
	equal "$(stored_count)" 0 "messages stored"
	wire quiet a@b.example SECRET
	lacks "$log" 'event=application-tls'
}

# Those that look for STARTTLS, where it is shown.
shown_to() { prepare; policy 'verify_certificate = false' 'require_tls = true'; with_its_own "$1"; }
allowed_to() { prepare; policy 'application_tls = "allow"' 'require_tls = true'; with_its_own "$1"; }
t_swaks() { shown_to by_swaks; }
t_swaks_allowed() { allowed_to by_swaks; }
t_curl() { shown_to by_curl; }
t_curl_allowed() { allowed_to by_curl; }
t_msmtp() { shown_to by_msmtp; }
t_msmtp_allowed() { allowed_to by_msmtp; }
t_ruby_allowed() { allowed_to by_ruby; }
t_java_allowed() { allowed_to by_java; }

# Those that do not look: by default too.
unasked_by() { prepare; policy; with_its_own "$1"; }
t_smtplib() { unasked_by by_smtplib; }
t_net_smtp() { unasked_by by_net_smtp; }
t_php() { unasked_by by_php; }
# It cannot be told which version to speak: a server that has 1.2 only, where the agent would take another cipher. It ends
# the text with an empty line of its own.
t_phpmailer() { prepare; echo >>"$W/sent.body"; mx 127.0.0.15; policy; with_its_own by_phpmailer; }
t_nodemailer() { unasked_by by_nodemailer; }
t_openssl() { unasked_by by_openssl; }

# Blocked: the program must not, or mailseal would have to verify.
hidden_from() { prepare; policy; refused_by "$1"; holds "$W/client.out" "$2"; }
t_swaks_finds_no_starttls_by_default() { hidden_from by_swaks 'TLS not|not support|STARTTLS'; }
t_curl_finds_no_starttls_by_default() { hidden_from by_curl 'STARTTLS'; }
t_msmtp_finds_no_starttls_by_default() { hidden_from by_msmtp 'STARTTLS'; }
t_ruby_finds_no_starttls_by_default() { hidden_from by_ruby 'STARTTLS'; }
t_java_finds_no_starttls_by_default() { hidden_from by_java 'STARTTLS'; }
told_by() {
	prepare
	policy 'require_tls = true'
	refused_by "$1"
	[ "$1" = by_openssl ] || holds "$W/client.out" '454 4\.7\.0 mailseal: STARTTLS not accepted: mailseal could not verify the certificate; require_tls by default'
	logged 'reply="454 4\.7\.0 mailseal: STARTTLS not accepted'
}
t_smtplib_is_told_the_rule() { told_by by_smtplib; }
t_net_smtp_is_told_the_rule() { told_by by_net_smtp; }
t_php_is_told_the_rule() { told_by by_php; }
t_phpmailer_is_told_the_rule() { told_by by_phpmailer; }
t_nodemailer_is_told_the_rule() { told_by by_nodemailer; }
t_openssl_is_refused() { told_by by_openssl; }
t_refuse_is_final() {
	prepare
	policy 'application_tls = "refuse"' 'verify_certificate = false' 'violation = "reject"'
	refused_by by_net_smtp
	holds "$W/client.out" '554 5\.7\.0 mailseal: STARTTLS not accepted; application_tls by default, mailseal\.conf:3; go on without STARTTLS'
	refused_by by_curl
}

# A program that would encrypt if it could gets mailseal's TLS.
opportunistic() {
	sealed swaks --tls-optional --to a@b.example --from sender@a.example --server mx.b.example --helo client.a.example \
		--data "@$W/message.swaks"
}
t_opportunistic_program_gets_verified_tls() { prepare; policy; with_mailseals opportunistic; }

t_allow_leaves_the_verification_to_the_program() {
	prepare
	policy 'application_tls = "allow"' 'require_tls = true' 'message_override = "tighten"'
	mx 127.0.0.11 # self-signed: the program itself says no, and mailseal too
	refute_by by_net_smtp
	refute_by by_swaks
	equal "$(stored_count)" 0 "messages stored"
	# and yes where it trusts that certificate, which mailseal does not
	: >"$log"
	pki_saved=$pki
	cp "$pki/selfsigned.pem" "$W/ca.pem"
	sealed perl "$clients/own_net_smtp.pl" mx.b.example 25 "$W/message" "$W/ca.pem"
	equal "$status" 0
	stored 1
	over_tls
	logged 'event=application-tls .*tls=yes protocol=TLSv1\.2'
	pki=$pki_saved
}
refute_by() { "$1"; refute test "$status" = 0; }

t_observe_accepts_and_tells() {
	prepare
	policy 'mode = "observe"' 'require_tls = true' 'application_tls = "refuse"'
	by_net_smtp
	equal "$status" 0
	stored 1
	logged 'event=application-tls .*policy="application_tls by default, mailseal\.conf:5" verdict=would-block'
}

t_older_tls_than_min_tls_is_cut_off() {
	prepare
	policy 'verify_certificate = false' 'require_tls = true' 'min_tls = "1.3"'
	capture_start
	by_net_smtp
	capture_stop
	refute test "$status" = 0
	equal "$(stored_count)" 0
	wire absent a@b.example SECRET
	logged 'event=application-tls .*tls=yes protocol=TLSv1\.2 certificate-verified=no policy="min_tls by default, mailseal\.conf:5" verdict=blocked .*note="the application.s TLS is older'
}

t_server_without_starttls() {
	prepare
	mx 127.0.0.14
	policy
	by_net_smtp
	refute test "$status" = 0
	holds "$W/client.out" '502 5\.5\.1 mailseal: mx\.b\.example does not offer STARTTLS'
	policy 'application_tls = "allow"' 'require_tls = true' 'message_override = "tighten"'
	by_net_smtp
	refute test "$status" = 0
	equal "$(stored_count)" 0
}

t_after_a_handshake_that_only_mailseal_fails() {
	prepare
	policy 'application_tls = "allow"' 'require_tls = true' 'message_override = "tighten"' 'ciphersuites = "TLS_AES_128_CCM_SHA256"' 'min_tls = "1.3"' # which the server does not have
	sealed swaks --tls --to a@b.example --from sender@a.example --server mx.b.example --data "@$W/message.swaks"
	equal "$status" 0
	stored 1
	over_tls
	logged 'event=application-tls .*tls=yes protocol=TLSv1\.3'
}

# --- what a program may do wrong -------------------------------------------------------------------

good_twice() {
	hostile <<-'END'
		send 220 hostile ESMTP
		keywords STARTTLS|PIPELINING
		serve
		connection
		send 220 hostile again
		keywords STARTTLS|PIPELINING
		serve
	END
}

t_cleartext_behind_starttls_is_never_sent() {
	product
	policy
	good_twice
	says <<-'END'
		< 220
		> EHLO client.a.example
		< 250
		> STARTTLS
		< 220
		> MAIL FROM:<SECRET@a.example>
		end
	END
	settle
	nothing_plain
	lacks "$W/transcript" SECRET
	logged 'event=application-tls .*tls=no .*verdict=- bytes=0 note="protocol error: no TLS of the application behind STARTTLS"'
}

t_something_like_tls_behind_starttls_is_never_sent() {
	product
	policy
	good_twice
	says <<-'END'
		< 220
		> EHLO client.a.example
		< 250
		> STARTTLS
		< 220
		>> \x16\x03\x01\x00\x20\x02MAIL FROM:<SECRET@a.example>\r\n
		end
		new
		< 220
		> EHLO client.a.example
		< 250
		> STARTTLS
		< 220
		>> \x16\x03\x01
		sleep 0.3
		>> MAIL FROM:<SECRET@a.example>\r\n
		end
		new
		< 220
		> EHLO client.a.example
		< 250
		> STARTTLS
		< 220
		>> \x16\x03\x01\x00\x08\x01\x00\x00\x04SECR
		>> MAIL FROM:<SECRET@a.example>\r\n
		end
	END
	settle
	lacks "$W/transcript" 'SECRET|MAIL'
}

t_commands_behind_starttls_are_an_attack() {
	product
	policy
	good_twice
	says <<-'END'
		< 220
		> EHLO client.a.example
		< 250
		>> STARTTLS\r\nMAIL FROM:<SECRET@a.example>\r\n
		< 421 4\.7\.0 mailseal: mx\.b\.example: octets of the application behind STARTTLS
		end
	END
	settle
	nothing_plain
	lacks "$W/transcript" SECRET
	logged 'event=attack .*note="attack: octets of the application behind STARTTLS"'
}

t_program_that_leaves_after_the_220() {
	product
	policy
	good_twice
	says <<-'END'
		< 220
		> EHLO client.a.example
		< 250
		> STARTTLS
		< 220
	END
	settle
	nothing_plain
	logged 'event=application-tls .*tls=no'
}

t_program_that_says_nothing_behind_starttls() {
	fast_product
	policy
	good_twice
	says <<-'END'
		< 220
		> EHLO client.a.example
		< 250
		> STARTTLS
		< 220
		>> \x16\x03\x01
		end
	END
	settle
	nothing_plain
	logged 'event=application-tls .*tls=no .*bytes=0 note="timeout"'
}

# --- what becomes of it when the agent dies --------------------------------------------------------

t_killed_agent_is_a_lost_connection() {
	product
	policy
	good_twice
	cat >"$W/own.py" <<-'END'
		import os, signal, smtplib, ssl, sys
		s = smtplib.SMTP("mx.b.example", 25, timeout=50)
		s.ehlo()
		s.esmtp_features["starttls"] = ""
		s.starttls(context=ssl._create_unverified_context())
		s.ehlo()
		for p in os.listdir("/proc"):
		    try:
		        if p.isdigit() and os.readlink(f"/proc/{p}/exe").endswith("/mailseal-agent"):
		            os.kill(int(p), signal.SIGKILL)
		    except OSError:
		        pass
		try:
		    s.sendmail("s@a.example", ["a@b.example"], b"Subject: SECRET\r\n\r\nSECRET\r\n")
		except (smtplib.SMTPException, OSError) as e:
		    sys.exit(0)
		sys.exit("it went on")
	END
	sealed $py "$W/own.py"
	equal "$status" 0
	settle
	lacks "$W/transcript" SECRET
}

# --- others ----------------------------------------------------------------------------------------

t_no_descriptor_is_kept() {
	local agent before
	product
	policy 'application_tls = "allow"' 'require_tls = true' 'message_override = "tighten"'
	hostile <<-'END'
		send 220 hostile ESMTP
		keywords STARTTLS
		cert selfsigned
		serve
	END
	plain_own() { sealed swaks --tls --to a@b.example --server mx.b.example --helo client.a.example; }
	plain_own
	equal "$status" 0
	agent=$(agents | head -n 1)
	before=$(find "/proc/$agent/fd" -mindepth 1 | wc -l)
	for _ in 1 2 3 4 5; do
		plain_own
		equal "$status" 0
		use_swaks # blocked, with a fresh socket kept that nobody asks for
		refute test "$status" = 0
	done
	settle
	few() { [ "$(find "/proc/$agent/fd" -mindepth 1 | wc -l)" -le "$before" ]; }
	until_true 5 few || fail "the agent keeps descriptors"
	equal "$(agents)" "$agent" "the agents"
}

# The fresh connection comes from where the first one came.
t_bound_source_address_is_kept() {
	prepare
	policy 'application_tls = "allow"'
	sealed swaks --tls --to a@b.example --from sender@a.example --server mx.b.example --local-interface 127.0.0.5 --body x
	equal "$status" 0
	stored 1
	over_tls
	checks=$((checks + 1))
	received_line | grep -q '\[127\.0\.0\.5\]' || fail "from elsewhere: $(received_line)"
	sealed swaks --tls --to a@b.example --from sender@a.example --server six.b.example --body x
	equal "$status" 0
	stored 2
	over_tls
	equal "$(grep -c event=application-tls "$log")" 2 "lines in the log"
}

t_long_content_both_ways() {
	prepare
	policy
	head -c 3000000 /dev/urandom | base64 -w 70 >>"$W/message"
	sed '1,/^$/d' "$W/message" >"$W/sent.body"
	by_smtplib
	equal "$status" 0
	stored 1
	same_file "$W/sent.body" "$W/stored.body"
}
