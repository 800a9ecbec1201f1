# Early replies: MAIL goes with its first recipient, DATA is answered while it is on its way. Nothing of it changes what
# becomes of a mail.
# shellcheck shell=bash

# early_server [STEP ...]: offers PIPELINING in the clear and inside TLS, then does what is listed
early_server() {
	printf '%s\n' 'send 220 hostile ESMTP' 'keywords STARTTLS|PIPELINING' 'serve STARTTLS' 'send 220 go' starttls \
		'keywords PIPELINING' "$@" serve | hostile
}

t_next_hop_that_refused_is_not_spoken_to_early_again() {
	product
	policy 'early_replies = true'
	early_server 'reply MAIL 550 5.7.1 not you'
	use_swaks
	refute test "$status" = 0
	holds "$W/client.out" '^<\*\* 550 5\.7\.1 not you \(in reply to MAIL\)'
	use_swaks
	refute test "$status" = 0
	holds "$W/client.out" '^<\*\* 550 5\.7\.1 not you$'
	lacks "$W/client.out" 'RCPT TO'
	settle
	equal "$(grep -c 'tls C: "RCPT' "$W/transcript")" 1 "recipients heard"
}

t_a_host_may_be_spoken_to_in_turn() {
	product
	policy 'early_replies = true' -- 'host "mx.b.example" { early_replies = false }'
	early_server
	use_swaks
	equal "$status" 0
	lacks "$W/client.out" '(250|354) .*mailseal'
}

# Each lock-step client and each way of the server, early and in turn: the same end, and nothing of a message that was refused.
t_clients_end_the_same_early_and_in_turn() {
	local client way early
	local -A ways=([good]='' [mail_refused]='reply MAIL 550 5.7.1 not you' [mail_later]='reply MAIL 450 4.7.1 later'
		[unknown]='reply RCPT 550 5.1.1 nobody' [data_refused]='reply DATA 451 4.3.0 later' [full]='reply . 552 5.2.2 full')
	need swaks msmtp php
	product
	message "$W/message"
	for way in "${!ways[@]}"; do
		for early in true false; do
			early_server "${ways[$way]:-keywords PIPELINING}"
			for client in swaks msmtp php; do
				policy "early_replies = $early" 'connection_reuse = 0' # an agent that knows of no refusal
				rm -f "$W"/data/*
				case $client in
				swaks) use_swaks ;;
				msmtp) sealed msmtp --host=mx.b.example --port=25 --tls=off --from=sender@a.example a@b.example <"$W/message" ;;
				php) sealed php "$E2E/clients/stream_socket_client.php" mx.b.example 25 "$W/message" ;;
				esac
				settle
				echo "$client $way: $((status != 0)) $(cat "$W"/data/* 2>/dev/null | grep -c SECRETBODY)"
			done >"$W/ends.$early"
			kill "$(pgrep -x hostile)"
			until_true 5 eval '! listening 127.0.0.10 25'
		done
		same_file "$W/ends.true" "$W/ends.false"
		case $way in
		good) lacks "$W/ends.true" ': 1|: 0 0' ;;
		full) lacks "$W/ends.true" ': 0|: 1 0' ;;
		*) lacks "$W/ends.true" ': 0|: 1 [^0]' ;;
		esac
	done
}

t_postfix_is_spoken_to_early() {
	product
	postfix_start
	policy 'require_tls = true' 'early_replies = true'
	capture_start
	says <<-'END'
		< 220
		> EHLO client.a.example
		< 250.*PIPELINING
		> MAIL FROM:<sender@a.example> SIZE=20 BODY=8BITMIME
		< 250 2\.1\.0 mailseal: sender noted
		> RCPT TO:<SECRETBOX@b.example> NOTIFY=NEVER
		< 250 2\.1\.5 Ok
		> DATA
		< 354 mailseal
		> From: sender@a.example
		>
		> SECRETBODY
		> .
		< 250 2\.0\.0 Ok: queued
		>> MAIL FROM:<sender@a.example>\r\nRCPT TO:<unknown@b.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n
		< 250 2\.1\.0 mailseal
		< 550 5\.1\.1
		< 250 2\.1\.5 Ok
		< 354
		>> From: sender@a.example\r\n\r\ntwo\r\n.\r\nMAIL FROM:<sender@a.example> SIZE=200000000\r\n
		< 250 2\.0\.0 Ok: queued
		< 250 2\.1\.0 mailseal
		> RCPT TO:<a@b.example>
		< 550 5\.3\.4 .*\(in reply to MAIL\)
		> RCPT TO:<c@b.example>
		< 550 5\.3\.4 .*\(in reply to MAIL\)
		> DATA
		< 554 5\.5\.1 mailseal
		> MAIL FROM:<sender@a.example> SIZE=20
		< 250 2\.1\.0 Ok
		> QUIT
		< 221
	END
	capture_stop
	stored 2
	equal "$(stored_count)" 2 "messages stored"
	wire absent SECRET
}
