# What a message asks for itself, at Postfix, with clients of many kinds; and envelopes that are held for it.
# shellcheck shell=bash

py=/usr/bin/python3
clients=$E2E/clients

# send HEADER ... -- ARGUMENT ...: swaks, with these fields in its header; a field may be folded
send() {
	local header=()
	while [ "$1" != -- ]; do header+=(--add-header "$1"); shift; done
	shift
	use_swaks "${header[@]}" "$@"
}
count=0
arrived() {
	equal "$status" 0 "$*"
	count=$((count + 1))
	stored $count
	lacks "$W/stored" '[Mm]ailseal-'
	holds "$W/stored" '^Subject: SECRETSUBJECT'
	holds "$W/stored" '^SECRETBODY'
	"$1"
}
# refused CODE RULE
refused() {
	refute test "$status" = 0
	holds "$W/client.out" "<\*\* $1 mailseal: .*; $2"
	equal "$(refused_at)" "${3:-.}" "refused at"
	equal "$(stored_count)" $count "messages stored"
}

t_message_decides_at_postfix() {
	product
	postfix_start
	capture_start
	mx 127.0.0.14
	policy 'require_tls = true'
	send 'Mailseal-Require-TLS: no' --; arrived over_clear
	capture_stop
	wire present SECRETBODY
	wire absent Mailseal Require-TLS
	capture_start
	send --; refused '454 4\.7\.4' 'require_tls by default'
	send 'Mailseal-Verify-Certificate: no' --; refused '454 4\.7\.4' 'require_tls by default'
	policy
	send 'Mailseal-Require-TLS: yes' --; refused '454 4\.7\.4' 'require_tls by field Mailseal-Require-TLS'
	policy 'violation = "reject"'
	send 'MAILSEAL-REQUIRE-TLS:'$'\n\t''true' --; refused '554 5\.7\.4' 'require_tls by field Mailseal-Require-TLS'
	capture_stop
	wire absent SECRET
	mx 127.0.0.11
	policy 'require_tls = true'
	send 'Mailseal-Verify-Certificate: no' --; arrived over_tls
	send 'Mailseal-Require-TLS: no' --; arrived over_tls
	send --; refused '454 4\.7\.5' 'require_tls by default'
	policy
	send 'Mailseal-Require-TLS: yes' --; refused '454 4\.7\.5' 'require_tls by field Mailseal-Require-TLS'
	policy 'require_tls = true' 'verify_certificate = false'
	send 'Mailseal-Verify-Certificate: yes' --; refused '454 4\.7\.5' 'verify_certificate by field Mailseal-Verify-Certificate'
	send --; arrived over_tls
	policy 'verify_certificate = false'
	send 'Mailseal-Verify-Certificate: yes' 'Mailseal-Require-TLS: yes' --; refused '454 4\.7\.5' '(verify_certificate|require_tls) by field'
	mx 127.0.0.10
	send 'Mailseal-Verify-Certificate: yes' 'Mailseal-Require-TLS: yes' --; arrived over_tls
	mx 127.0.0.18
	policy 'require_tls = true'
	send 'Mailseal-Require-TLS: no' --; arrived over_clear
	send --; refused '454 4\.7\.5' 'require_tls by default'
	logged 'verdict=cleartext message-require-tls=no'
}

t_message_override_of_sections() {
	product
	postfix_start
	mx 127.0.0.14
	# relaxing needs all to allow it, tightening any
	policy 'require_tls = true' 'message_override = "tighten"'
	send 'Mailseal-Require-TLS: no' --; refused '454 4\.7\.4' 'require_tls by default' MAIL
	policy 'require_tls = true' 'message_override = "ignore"'
	send 'Mailseal-Require-TLS: no' --; refused '454 4\.7\.4' 'require_tls by default' MAIL
	policy 'message_override = "ignore"'
	send 'Mailseal-Require-TLS: yes' --; arrived over_clear
	policy 'message_override = "tighten"'
	send 'Mailseal-Require-TLS: yes' --; refused '454 4\.7\.4' 'require_tls by field'
	policy 'require_tls = true' -- 'recipient "b.example" { message_override = "tighten" }'
	send 'Mailseal-Require-TLS: no' --; refused '454 4\.7\.4' 'require_tls by default' RCPT
	policy 'require_tls = true' 'message_override = "tighten"' -- 'recipient "b.example" { message_override = "any" }'
	send 'Mailseal-Require-TLS: no' --; arrived over_clear
	policy 'require_tls = true' -- 'sender "a.example" { message_override = "any" }' 'recipient "b.example" { message_override = "tighten" }'
	send 'Mailseal-Require-TLS: no' --; refused '454 4\.7\.4' 'require_tls by default' RCPT
	policy -- 'sender "a.example" { message_override = "ignore" }' 'recipient "b.example" { message_override = "tighten" }'
	send 'Mailseal-Require-TLS: yes' --; refused '454 4\.7\.4' 'require_tls by field'
}

# The same message by clients of many kinds, with the field and without it.
t_each_client_relaxes() {
	local n=0
	product
	postfix_start
	mx 127.0.0.14
	policy 'require_tls = true'
	message "$W/plain"
	{ printf '%s\n' 'Mailseal-Require-TLS:' '  No'; cat "$W/plain"; } >"$W/message"
	relaxed() {
		sealed "$@"
		equal "$status" 0 "$1"
		n=$((n + 1))
		stored $n
		over_clear
		lacks "$W/stored" 'Mailseal'
		sed '1,/^$/d' "$W/message" >"$W/sent.body"
		same_file "$W/sent.body" "$W/stored.body"
	}
	relaxed $py "$clients/smtplib_client.py" mx.b.example 25 "$W/message"
	relaxed perl "$clients/net_smtp.pl" mx.b.example 25 "$W/message"
	relaxed php "$clients/fsockopen.php" mx.b.example 25 "$W/message"
	relaxed curl -sv --crlf smtp://mx.b.example/client.a.example --mail-from sender@a.example --mail-rcpt a@b.example -T "$W/message"
	relaxed msmtp --host=mx.b.example --port=25 --tls=off --auth=off --domain=client.a.example --from=sender@a.example a@b.example <"$W/message"
	relaxed "$bin/stdio_client" mx.b.example 25 "$W/message"
	relaxed bash "$clients/dev_tcp.sh" mx.b.example 25 "$W/message"
}

t_two_messages_on_one_connection() {
	local text
	product
	postfix_start
	mx 127.0.0.14
	policy 'require_tls = true'
	capture_start
	sealed $py - <<-'END'
		import smtplib
		def send(s, field, text):
		    return s.sendmail("sender@a.example", ["a@b.example"], f"From: sender@a.example\r\n{field}\r\n{text}\r\n")
		with smtplib.SMTP("mx.b.example", 25, "client.a.example", timeout=50) as s:
		    for text in ("first", "second"):
		        send(s, "Mailseal-Require-TLS: no\r\n", text)
		        try:
		            send(s, "", "SECRET" + text)
		            raise SystemExit("a message without the field passed")
		        except smtplib.SMTPDataError as e:
		            assert e.smtp_code == 454 and b"4.7.4 mailseal" in e.smtp_error, e
		    # in the middle of everything
		    assert s.mail("sender@a.example")[0] == 250
		    assert s.rcpt("SECRETBOX@b.example")[0] == 250
		    assert s.rset()[0] == 250
		    send(s, "mailseal-require-tls: NO\r\n", "third")
	END
	equal "$status" 0 "smtplib"
	stored 3
	cat "$W"/mail/new/* >"$W/all"
	for text in first second third; do holds "$W/all" "^$text\$"; done
	capture_stop
	wire absent SECRET
	wire present first second third
	equal "$(stored_count)" 3 "messages stored"
	equal "$(grep -c ': connect from' "$pf/log/mail.log")" 1 "connections"
}

t_held_envelope() {
	product
	postfix_start
	mx 127.0.0.14
	policy -- 'sender "soft.example" { require_tls = true }' 'recipient "x.bank.example" { require_tls = true }' \
		'recipient "bank.example" { require_tls = true message_override = "tighten" violation = "reject" }'
	capture_start
	says <<-'END'
		< 220
		> EHLO client.a.example
		< 250
		# the recipient that waits comes first: one that would pass must be sent separately
		> MAIL FROM:<s@a.example>
		< 250 2\.1\.0 mailseal
		> RCPT TO:<one@x.bank.example>
		< 250 2\.1\.5 mailseal
		> RCPT TO:<SECRETSEPARATE@b.example>
		< 452 4\.5\.3 
		> RCPT TO:<SECRETBLOCKED@bank.example>
		< 550 5\.7\.4 mailseal
		> DATA
		< 354
		> From: s@a.example
		> Mailseal-Require-TLS: no
		>
		> text one
		> .
		< 250 2\.0\.0
		# one that passes comes first: no header saves one that is blocked
		> MAIL FROM:<s@a.example>
		< 250
		> RCPT TO:<two@b.example>
		< 250
		> RCPT TO:<SECRETLATER@x.bank.example>
		< 454 4\.7\.4 mailseal
		> DATA
		< 354
		> From: s@a.example
		> Mailseal-Require-TLS: no
		>
		> text two
		> .
		< 250 2\.0\.0
		# replay: all or nothing, one reply that names each refusal
		> MAIL FROM:<s@soft.example>
		< 250 2\.1\.0 mailseal
		> RCPT TO:<three@b.example>
		< 250 2\.1\.5 mailseal
		> RCPT TO:<unknown@b.example>
		< 250 2\.1\.5 mailseal
		> RCPT TO:<busy@b.example>
		< 250 2\.1\.5 mailseal
		> DATA
		< 354
		> From: s@soft.example
		> Mailseal-Require-TLS: no
		>
		> SECRETBODY
		> .
		< 554-5\.5\.0 <unknown@b\.example>: 550 5\.1\.1 .* \| 554-5\.5\.0 <busy@b\.example>: 450 4\.2\.1 .* \| 554 5\.5\.0 mailseal
		> MAIL FROM:<s@soft.example>
		< 250
		> RCPT TO:<busy@b.example>
		< 250
		> DATA
		< 354
		> From: s@soft.example
		> Mailseal-Require-TLS: no
		>
		> SECRETBODY
		> .
		< 451-4\.5\.0 <busy@b\.example>: 450 4\.2\.1 .* \| 451 4\.5\.0 mailseal
		# SIZE that the server refuses at the replayed MAIL
		> MAIL FROM:<s@soft.example> SIZE=200000000
		< 250
		> RCPT TO:<three@b.example>
		< 250
		> DATA
		< 354
		> Mailseal-Require-TLS: no
		>
		> SECRETBODY
		> .
		< 554-5\.5\.0 sender <s@soft\.example>: 552 5\.3\.4 .* \| 554 5\.5\.0 mailseal
		# and after all that the connection still serves
		> MAIL FROM:<s@soft.example>
		< 250
		> RCPT TO:<three@b.example>
		< 250
		> DATA
		< 354
		> From: s@soft.example
		> Mailseal-Require-TLS: no
		>
		> text three
		> .
		< 250 2\.0\.0
		> QUIT
		< 221
		end
	END
	capture_stop
	stored 3
	equal "$(stored_count)" 3 "messages stored"
	wire absent SECRET
	logged 'event=transaction .*reply="554-5\.5\.0 <unknown@b\.example>: 550'
}

t_recipients_outlive_a_pipelined_hold() {
	product
	postfix_start
	mx 127.0.0.14
	policy 'require_tls = true'
	says <<-'END'
		< 220
		> EHLO client.a.example
		< 250.*PIPELINING
		>> MAIL FROM:<s@a.example>\r\nRCPT TO:<a@b.example>\r\nRCPT TO:<c@open.example>\r\nDATA\r\n
		< 250
		< 250
		< 250
		< 354
		>> From: s@a.example\r\nMailseal-Require-TLS: no\r\n\r\none\r\n.\r\nMAIL FROM:<s@a.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n
		< 250 2\.0\.0
		< 250
		< 250
		< 354
		>> From: s@a.example\r\n\r\ntwo\r\n.\r\nMAIL FROM:<s@a.example>\r\nRCPT TO:<a@b.example>\r\nRSET\r\nQUIT\r\n
		< 454 4\.7\.4 mailseal
		< 250
		< 250
		< 250
		< 221
	END
	stored 2
}
