# What a message asks for itself, in its header: Mailseal-Require-TLS and Mailseal-Verify-Certificate.
# The fields never arrive, all else arrives octet for octet.
# shellcheck shell=bash

# Octet for octet: what the hostile server stored against what was sent without the fields.

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

# 300 KB of header: the first 256 KB decide, and only to tighten.
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
	# A field that comes too late to hold the message back: it never ends, so the server must not keep it.
	{ long; echo 'Mailseal-Require-TLS: yes'; printf '\ntext\n'; } >"$W/with"
	crlf "$W/with"
	says <<-END
		< 220
		> EHLO client.a.example
		< 250
		$envelope
		@ $W/with.crlf
		>> .\\r\\n
		< 421 4\.7\.0 mailseal: .*Mailseal field behind the first 256 KB
		end
	END
	settle
	holds "$W/transcript" '# data [0-9]+ bytes, no final dot'
	equal "$(grep -c 'S: "250 2\.0\.0 kept' "$W/transcript")" "$sent" "messages that the server took"
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
