# What a message asks for itself, in its header: Mailseal-Require-TLS and Mailseal-Verify-Certificate.
# The fields never arrive, all else arrives octet for octet.
# shellcheck shell=bash

py=/usr/bin/python3
clients=$E2E/clients

# --- octet for octet: what the hostile server stored against what was sent without the fields -----

# The server for these is good, bad or without TLS: server_with [KEYWORD [CERTIFICATE]]
server_with() {
	printf '%s\n' 'send 220 hostile ESMTP' "keywords PIPELINING${1:+|$1}" "cert ${2:-good}" serve >"$W/s"
	hostile <"$W/s"
}

# The message in $W/with (LF ends; dots as they cross the wire) goes; $W/without is what must arrive.
envelope='> MAIL FROM:<sender@a.example>
< 250
> RCPT TO:<a@b.example>
< 250
> DATA
< 354'
sent=0
crlf() { sed 's/$/\r/' "$1" >"$1.crlf"; }
# transfer REPLY [SENDER]
transfer() {
	crlf "$W/with"
	says <<-END
		< 220
		> EHLO client.a.example
		< 250
		${envelope//sender@a.example/${2:-sender@a.example}}
		@ $W/with.crlf
		>> .\\r\\n
		< $1
		> QUIT
		< 221
	END
	settle
}
arrives() {
	transfer '250 2\.0\.0 kept' "$@"
	sent=$((sent + 1))
	crlf "$W/without"
	same_file "$W/without.crlf" "$(find "$W/data" -type f -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)"
}
stays() {
	transfer "$@"
	equal "$(find "$W/data" -type f | wc -l)" "$sent" "messages that the server has"
	lacks "$W/transcript" 'SECRET'
}

# A message with fields at the places named, and without them: about FIELDS-ON-TOP [FIELDS-IN-THE-MIDDLE [AT-THE-END]]
about() {
	local odd
	odd=$(printf 'Received: from somewhere\n\tby elsewhere; SECRET\nX-Odd:\tMailseal-Require-TLS: no\nX-Mailseal-Require-TLS: no\nMailseal-Require: x\nSubject: SECRET\n =?utf-8?q?h=C3=A4?=\nFrom: s@a.example\n')
	{ printf %b "$1"; printf '%s\n' "$odd"; printf %b "${2-}"; printf 'To: a@b.example\nX-Long: %02000d\n' 0; printf %b "${3-}"; } >"$W/with"
	{ printf '%s\n' "$odd"; printf 'To: a@b.example\nX-Long: %02000d\n' 0; } >"$W/without"
	printf '\n..dot\nMailseal-Require-TLS: yes\n\n last line\n' | tee -a "$W/with" >>"$W/without"
}

t_fields_are_gone_and_all_else_is_the_same() {
	product
	policy
	server_with STARTTLS
	about '' && arrives
	about 'Mailseal-Require-TLS: yes\n' && arrives
	about '' 'MAILSEAL-require-tls:\n \t yes\n' && arrives
	about '' 'mailseal-verify-CERTIFICATE:\n\tTRUE \n' && arrives
	about '' '' 'Mailseal-Require-TLS : no\nMailseal-Verify-Certificate:False\n' && arrives
	about 'Mailseal-Require-TLS: yes\n no\n  maybe\n' 'Mailseal-Require-TLS: what\nMailseal-Require-TLS: yes\n' && arrives
	# and on a connection where the header is awaited first
	sed -i 's/^127.0.0.10 /127.0.0.20 /' /etc/hosts
	at=127.0.0.20:25 server_with
	policy -- 'sender "soft.example" { require_tls = true }'
	about '' && arrives
	about 'Mailseal-Require-TLS: no\n' && arrives
	about 'Mailseal-Require-TLS: no\n' && arrives s@soft.example
	about '' 'mailseal-require-tls:\n\tNO\t\nMailseal-Verify-Certificate:\n no\n' && arrives s@soft.example
	about '' '' 'MAILSEAL-REQUIRE-TLS:FALSE\n' && arrives s@soft.example
}

t_relaxing_counts_only_where_it_is_certain() {
	local bad
	product
	policy -- 'sender "soft.example" { require_tls = true }'
	server_with
	about 'Mailseal-Require-TLS: no\n' && arrives s@soft.example
	for bad in '' 'Mailseal-Require-TLS: nope\n' 'Mailseal-Require-TLS:\n' 'Mailseal-Require-TLS: no (for now)\n' \
		'Mailseal-Require-TLS: no\nMailseal-Require-TLS: yes\n' 'Mailseal-Require-TLS: yes\nMailseal-Require-TLS: no\n' \
		'Mailseal-Require-TLS no\n' 'no field\nMailseal-Require-TLS: no\n' 'X-Mailseal-Require-TLS: no\n' \
		'Mailseal-Verify-Certificate: no\n' ' \nMailseal-Require-TLS: no\n' 'X: \rMailseal-Require-TLS: no\n'; do
		about "$bad"
		stays '454 4\.7\.4 mailseal: .*require_tls by' s@soft.example
	done
	# the field in the body, and no end of the header
	printf 'Subject: SECRET\n\nMailseal-Require-TLS: no\n' >"$W/with"
	stays '454 4\.7\.4 mailseal' s@soft.example
	printf 'Subject: SECRET\nMailseal-Require-TLS: no\n' >"$W/with"
	stays '454 4\.7\.4 mailseal' s@soft.example
	logged 'message-require-tls=yes message-remark="[^"]'
	lacks "$log" SECRET
}

t_tightening_counts_even_in_doubt() {
	local field
	product
	policy
	server_with
	for field in 'Mailseal-Require-TLS: yes\n' 'MAILSEAL-REQUIRE-TLS:true\n' 'mailseal-require-tls:\n \tYES\n' 'Mailseal-Require-TLS: maybe\n' \
		'Mailseal-Require-TLS: no\nMailseal-Require-TLS: yes\n' 'no field\nMailseal-Require-TLS: yes\n'; do
		about "$field"
		stays '454 4\.7\.4 mailseal: .*; require_tls by field Mailseal-Require-TLS'
	done
	printf 'Subject: SECRET\nMailseal-Require-TLS: yes\n' >"$W/with"
	stays '454 4\.7\.4 mailseal: .*; require_tls by field Mailseal-Require-TLS'
	# the envelope was the server's before, and is taken back
	holds "$W/transcript" 'C: "RSET'
	# a field that only an end of the header makes a field of the body
	printf 'Subject: x\n\nMailseal-Require-TLS: yes\n' | tee "$W/with" >"$W/without"
	arrives
	logged 'event=transaction .*verdict=blocked message-require-tls=yes .*reply="454 4\.7\.4'
}

# 300 KB of header: the first 256 KB count, to tighten only.
t_header_beyond_its_bound() {
	product
	policy -- 'sender "soft.example" { require_tls = true }'
	server_with
	long() { awk 'BEGIN { for (i = 0; i < 3800; i++) printf "X-Long-%04d: %070d\n", i, i }'; }
	{ echo 'Mailseal-Require-TLS: no'; long; printf '\nSECRET\n'; } >"$W/with"
	check test "$(stat -c %s "$W/with")" -gt 300000
	stays '454 4\.7\.4 mailseal' s@soft.example
	{ echo 'Mailseal-Require-TLS: yes'; long; printf '\nSECRET\n'; } >"$W/with"
	stays '454 4\.7\.4 mailseal: .*; require_tls by field'
	{ long; printf '\ntext\n'; } | tee "$W/with" >"$W/without"
	arrives
	{ long; echo 'Mailseal-Require-TLS: yes'; printf '\ntext\n'; } >"$W/with"
	arrives
}

t_empty_messages_and_missing_blank_lines() {
	product
	policy
	server_with
	: >"$W/with"; : >"$W/without"; arrives
	printf '\n' | tee "$W/with" >"$W/without"; arrives
	printf 'Subject: x\n' | tee "$W/with" >"$W/without"; arrives
	printf 'a body at once\nmore of it\n' | tee "$W/with" >"$W/without"; arrives
	printf 'Mailseal-Require-TLS: no\n' >"$W/with"; : >"$W/without"; arrives
	printf 'Mailseal-Verify-Certificate: no\n\n' >"$W/with"; printf '\n' >"$W/without"; arrives
}

t_client_with_bare_line_feeds() {
	product
	policy -- 'sender "soft.example" { require_tls = true }'
	server_with
	says <<-'END'
		< 220
		>> EHLO client.a.example\n
		< 250
		>> MAIL FROM:<s@soft.example>\n
		< 250
		>> RCPT TO:<a@b.example>\n
		< 250
		>> DATA\n
		< 354
		>> Subject: x\nMAILSEAL-Require-TLS:\n  no\nX: y\n\nbody\n..\n.\n
		< 250 2\.0\.0 kept
		>> MAIL FROM:<s@a.example>\n
		< 250
		>> RCPT TO:<a@b.example>\n
		< 250
		>> DATA\n
		< 354
		>> Subject: x\nMailseal-Require-TLS: yes\n\nSECRET\n.\n
		< 454 4\.7\.4 mailseal
		>> QUIT\n
		< 221
	END
	settle
	printf 'Subject: x\r\nX: y\r\n\r\nbody\r\n..\r\n' >"$W/without"
	same_file "$W/without" "$W/data/1-1"
	lacks "$W/transcript" SECRET
	check test ! -e "$W/data/1-2"
}

# --- at Postfix ---------------------------------------------------------------------------------------

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
