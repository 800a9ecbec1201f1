# Sections for sender and recipient: who decides, what each client sees of it, and that nothing of
# blocked mail is heard by anybody. The evidence: what Postfix stored, what crossed the wire, what the
# hostile server heard inside TLS.
# shellcheck shell=bash

py=/usr/bin/python3
clients=$E2E/clients

# --- the truth table, each row decided by one kind of section -----------------------------------

# section KIND SETTING ...: in a section of that kind that matches what use_swaks sends
section() {
	local label=
	case $1 in
	sender) label='"a.example" ' ;;
	recipient) label='"b.example" ' ;;
	host) label='"mx.b.example" ' ;;
	esac
	if [ "$1" = default ]; then policy "${@:2}"; else policy -- "$1 $label{" "${@:2}" '}'; fi
}

count=0
passes() {
	equal "$status" 0 "$row"
	count=$((count + 1))
	stored $count
	"$1"
}
# blocked CODE RULE: where a message may ask for less, and where none may
blocked() {
	local rule="$2 by $kind( \"|, )"
	refute test "$status" = 0
	holds "$W/client.out" "<\*\* $1 mailseal: .*; $rule"
	equal "$(refused_at)" . "$row: refused at"
	section "$kind" "${settings[@]}" 'message_override = "tighten"'
	use_swaks
	refute test "$status" = 0
	holds "$W/client.out" "<\*\* $1 mailseal: .*; $rule"
	equal "$(refused_at)" "$refusing" "$row: refused at"
	equal "$(stored_count)" $count "$row: messages stored"
}

# row ADDRESS SETTING ...
row() {
	row="$kind, $*"
	mx "127.0.0.$1"
	settings=("${@:2}")
	section "$kind" "${settings[@]}"
	use_swaks
}

# decides KIND VERB: all rows, and where a firm one is refused
decides() {
	local kind=$1 refusing=$2 row settings
	product
	postfix_start
	row 10 'require_tls = true' 'verify_certificate = true'; passes over_tls
	row 10 'require_tls = false'; passes over_tls
	row 11 'require_tls = true' 'verify_certificate = false'; passes over_tls
	row 11 'require_tls = false' 'verify_certificate = true'; passes over_tls
	row 14 'require_tls = false'; passes over_clear
	row 18 'require_tls = false' 'verify_certificate = true'; passes over_clear
	capture_start
	row 11 'require_tls = true' 'verify_certificate = true'; blocked '454 4\.7\.5' require_tls
	row 14 'require_tls = true' 'verify_certificate = false'; blocked '454 4\.7\.4' require_tls
	row 18 'require_tls = true'; blocked '454 4\.7\.5' require_tls
	row 15 'require_tls = true' 'min_tls = "1.3"'; blocked '454 4\.7\.5' min_tls
	row 14 'require_tls = true' 'violation = "reject"'; blocked '55[04] 5\.7\.4' require_tls
	capture_stop
	wire quiet sender@a.example a@b.example SECRET
	lacks "$log" SECRET
}
t_sender_decides() { decides sender MAIL; }
t_recipient_decides() { decides recipient RCPT; }
t_host_decides() { decides host MAIL; }
t_default_decides() { decides default MAIL; }

# --- how sections merge -------------------------------------------------------------------------

# goes POLICY-LINES ...: in the clear; stays POLICY-LINES ...: blocked. Both at a server without TLS.
goes() { policy "$@"; use_swaks; equal "$status" 0 "$*"; count=$((count + 1)); stored $count; over_clear; }
stays() { policy "$@"; use_swaks; refute test "$status" = 0; holds "$W/client.out" '<\*\* 454 4\.7\.4 mailseal: '; equal "$(stored_count)" $count "$*"; }

t_strictest_of_the_sections_that_say_it() {
	local on='{ require_tls = true }' off='{ require_tls = false }'
	product
	postfix_start
	mx 127.0.0.14
	goes 'require_tls = true' -- "sender \"a.example\" $off"
	goes 'require_tls = true' -- "recipient \"b.example\" $off"
	stays -- "sender \"a.example\" $off" "recipient \"b.example\" $on"
	stays -- "sender \"a.example\" $on" "host \"mx.b.example\" $off"
	stays -- "sender \"a.example\" { min_tls = \"1.3\" }" "recipient \"b.example\" $on"
	goes -- "sender \".a.example\" $on" "recipient \".b.example\" $on" 'sender "<>" { require_tls = true }'
	goes -- "sender \".example\" $on" "sender \"a.example\" $off"
	stays -- "sender \".example\" $on"
	stays 'require_tls = true' -- "sender \"a.example\" { violation = \"tempfail\" }"
}

t_bounces_have_a_section_of_their_own() {
	product
	postfix_start
	mx 127.0.0.14
	policy -- 'sender "<>" { require_tls = true message_override = "tighten" }' 'sender "a.example" { require_tls = false }'
	capture_start
	use_swaks --from '<>' --h-From postmaster@a.example
	refute test "$status" = 0
	holds "$W/client.out" '<\*\* 454 4\.7\.4 mailseal: .*require_tls by sender "<>"'
	capture_stop
	wire quiet a@b.example SECRET
	use_swaks
	equal "$status" 0 "another sender"
	policy 'require_tls = true' -- 'sender "<>" { require_tls = false }'
	use_swaks --from '<>' --h-From postmaster@a.example
	equal "$status" 0 "a bounce that may"
	stored 2
	holds "$W/stored" '^Return-Path: <>'
}

t_addresses_that_are_easy_to_get_wrong() {
	product
	postfix_start
	mx 127.0.0.14
	policy -- 'sender "strict.example" { require_tls = true message_override = "tighten" }' \
		'recipient "bank.example" { require_tls = true message_override = "tighten" violation = "reject" }' \
		'recipient "xn--bcher-kva.example" { require_tls = true message_override = "tighten" violation = "reject" }'
	capture_start
	says <<-'END'
		< 220
		> EHLO client.a.example
		< 250
		> MAIL FROM:<"<a@a.example>"@STRICT.example>
		< 454 4\.7\.4 mailseal: .*sender "strict\.example"
		> MAIL FROM:<@a.example:who@strict.example.>
		< 454 4\.7\.4 mailseal
		> MAIL FROM:<who@a.example> BODY=8BITMIME
		< 250 2\.1\.0 mailseal
		> RCPT TO:<"b@b.example"@bank.example>
		< 550 5\.7\.4 mailseal: .*recipient "bank\.example"
		> RCPT TO:<@b.example:b@bank.EXAMPLE>
		< 550 5\.7\.4 mailseal
		>> RCPT TO:<b@b\xc3\xbccher.example>\r\n
		< 550 5\.7\.4 mailseal: .*xn--bcher-kva
		> RCPT TO:<b@b.example@bank.example>
		< 5[05][0-9] 5\.
		> RCPT TO:b@bank.example
		< 550 5\.7\.4 mailseal
		> QUIT
		< 221
	END
	capture_stop
	wire quiet who@ strict.example bank.example cher
}

# Nothing else needs it; an internationalised name that cannot be read may be any.
t_without_libidn2_international_names_are_the_strictest() {
	local library
	product
	postfix_start
	mx 127.0.0.14
	policy -- 'recipient "bank.example" { require_tls = true message_override = "tighten" violation = "reject" }'
	for library in $(ldconfig -p | awk '$1 == "libidn2.so.0" { print $NF }'); do
		mount --bind /dev/null "$(readlink -f "$library")" || fail "libidn2 cannot be hidden"
	done
	capture_start
	says <<-'END'
		< 220
		> EHLO client.a.example
		< 250
		> MAIL FROM:<who@a.example> BODY=8BITMIME
		< 250 2\.1\.0
		>> RCPT TO:<b@b\xc3\xbccher.example>\r\n
		< 550 5\.7\.4 mailseal
		> RCPT TO:<a@b.example>
		< 250
		> QUIT
		< 221
	END
	capture_stop
	wire absent cher
	printf 'recipient "b\303\274cher.example" { require_tls = true }\n' >"$W/named.conf"
	plain "$BUILD/mailseal" check "$W/named.conf"
	equal "$status" 78 "a section that cannot be read"
	holds "$W/client.out" 'libidn2'
}

# --- some recipients blocked, the others served ---------------------------------------------------

mixed_policy() {
	policy -- 'recipient "bank.example" {' 'require_tls = true' 'message_override = "tighten"' 'violation = "reject"' '}'
}

# mixed STORED COMMAND ...: a@b.example, SECRETBOX@bank.example and c@open.example, by one more client
mixed() {
	local want=$1
	shift
	sealed "$@"
	count=$((count + want))
	until_true 20 has_stored $count || fail "$1: $(stored_count) of $count messages arrived"
	holds "$W/client.out" '550.5\.7\.4.mailseal|550, b?.5\.7\.4 mailseal|SECRETBOX@bank\.example'
}

t_blocked_recipient_beside_others() {
	product
	postfix_start
	mx 127.0.0.14
	mixed_policy
	message "$W/message"
	capture_start
	mixed 2 swaks --to a@b.example,SECRETBOX@bank.example,c@open.example --from sender@a.example --server mx.b.example \
		--helo client.a.example --h-To a@b.example --body text
	equal "$status" 0 "swaks"
	mixed 2 swaks --to SECRETBOX@bank.example,a@b.example,c@open.example --from sender@a.example --server mx.b.example \
		--helo client.a.example --h-To a@b.example --body text --pipeline
	equal "$status" 0 "swaks --pipeline"
	mixed 2 $py - <<-'END'
		import smtplib
		with smtplib.SMTP("mx.b.example", 25, "client.a.example", timeout=50) as s:
		    refused = s.sendmail("sender@a.example", ["SECRETBOX@bank.example", "a@b.example", "c@open.example"],
		        "From: sender@a.example\r\n\r\ntext\r\n")
		print(refused)
		assert list(refused) == ["SECRETBOX@bank.example"] and refused["SECRETBOX@bank.example"][0] == 550
	END
	equal "$status" 0 "smtplib"
	mixed 2 curl -sv --crlf --mail-rcpt-allowfails smtp://mx.b.example/client.a.example --mail-from sender@a.example \
		--mail-rcpt a@b.example --mail-rcpt SECRETBOX@bank.example --mail-rcpt c@open.example -T "$W/message"
	equal "$status" 0 "curl"
	mixed 2 perl -MNet::SMTP -e '
		my $s = Net::SMTP->new("mx.b.example", Hello => "client.a.example", Timeout => 50, Debug => 1) or die;
		$s->mail("sender\@a.example") or die;
		my @good = $s->recipient("a\@b.example", "SECRETBOX\@bank.example", "c\@open.example", { SkipBad => 1 });
		@good == 2 or die "@good";
		$s->data("From: sender\@a.example\n\ntext\n") or die;
		$s->quit'
	equal "$status" 0 "Net::SMTP"
	# All or nothing, as these clients are: one refusal, and nothing goes.
	mixed 0 curl -sv smtp://mx.b.example/client.a.example --mail-from sender@a.example --mail-rcpt a@b.example \
		--mail-rcpt SECRETBOX@bank.example -T "$W/message"
	refute test "$status" = 0
	mixed 0 msmtp --host=mx.b.example --port=25 --tls=off --auth=off --domain=client.a.example --from=sender@a.example \
		a@b.example SECRETBOX@bank.example <"$W/message"
	refute test "$status" = 0
	holds "$W/client.out" 'require_tls by recipient "bank\.example"'
	sleep 0.3
	equal "$(stored_count)" $count "messages stored"
	capture_stop
	wire absent SECRETBOX bank.example
	wire present a@b.example c@open.example
	checks=$((checks + 1))
	! grep -rq SECRETBOX "$W/mail" "$pf/log" || fail "the blocked recipient came out: $(grep -r -m 1 SECRETBOX "$W/mail" "$pf/log")"
	logged 'event=transaction .*refused="SECRETBOX@bank\.example" refused-count=1 refused-policy="require_tls by recipient'
}

t_blocked_sender_for_each_client() {
	product
	postfix_start
	mx 127.0.0.14
	message "$W/message"
	policy -- 'sender "a.example" {' 'require_tls = true' 'message_override = "tighten"' '}'
	capture_start
	# each client's own way to fail: for now, not for good
	use_swaks
	equal "$status" 23 "swaks: MAIL refused"
	use_swaks --pipeline
	refute test "$status" = 0
	sealed msmtp --host=mx.b.example --port=25 --tls=off --auth=off --domain=client.a.example --from=sender@a.example \
		a@b.example <"$W/message"
	refute test "$status" = 0
	holds "$W/client.out" '454 4\.7\.4 mailseal'
	sealed curl -sv smtp://mx.b.example/client.a.example --mail-from sender@a.example --mail-rcpt a@b.example -T "$W/message"
	equal "$status" 55 "curl"
	sealed $py "$clients/smtplib_client.py" mx.b.example 25 "$W/message"
	holds "$W/client.out" 'SMTPSenderRefused: \(454'
	sealed perl "$clients/net_smtp.pl" mx.b.example 25 "$W/message"
	refute test "$status" = 0
	sealed php "$clients/fsockopen.php" mx.b.example 25 "$W/message"
	refute test "$status" = 0
	# and after the dot, where the message might have asked for less
	policy -- 'sender "a.example" { require_tls = true }'
	use_swaks
	equal "$status" 26 "swaks: content refused"
	use_swaks --pipeline
	equal "$status" 26 "swaks --pipeline: content refused"
	sealed msmtp --host=mx.b.example --port=25 --tls=off --auth=off --domain=client.a.example --from=sender@a.example \
		a@b.example <"$W/message"
	refute test "$status" = 0
	holds "$W/client.out" '454 4\.7\.4 mailseal'
	sealed curl -sv --crlf smtp://mx.b.example/client.a.example --mail-from sender@a.example --mail-rcpt a@b.example -T "$W/message"
	refute test "$status" = 0
	sealed $py "$clients/smtplib_client.py" mx.b.example 25 "$W/message"
	holds "$W/client.out" 'SMTPDataError: \(454'
	sealed perl "$clients/net_smtp.pl" mx.b.example 25 "$W/message"
	refute test "$status" = 0
	sealed php "$clients/fsockopen.php" mx.b.example 25 "$W/message"
	refute test "$status" = 0
	capture_stop
	wire quiet sender@a.example a@b.example SECRET
	equal "$(stored_count)" 0 "messages stored"
}

# --- held, then decided -------------------------------------------------------------------------

t_held_mail_that_the_server_refuses() {
	product
	postfix_start
	mx 127.0.0.14
	mixed_policy
	says <<-'END'
		< 220
		> EHLO client.a.example
		< 250
		> MAIL FROM:<sender@a.example> SIZE=200000000
		< 250 2\.1\.0 mailseal
		> RCPT TO:<x@bank.example>
		< 550 5\.7\.4
		> RCPT TO:<a@b.example>
		< 550 5\.3\.4 .*\(in reply to MAIL\)
		> RCPT TO:<c@b.example>
		< 550 5\.3\.4 .*\(in reply to MAIL\)
		> DATA
		< 554 5\.
		> MAIL FROM:<sender@a.example> SIZE=20
		< 250 2\.1\.0 mailseal
		> RCPT TO:<a@b.example>
		< 250 2\.1\.5
		> DATA
		< 354
		> From: sender@a.example
		>
		> text
		> .
		< 250 2\.0\.0
		> QUIT
		< 221
	END
	stored 1
}

t_pipelined_transactions_keep_their_order() {
	product
	postfix_start
	mx 127.0.0.14
	mixed_policy
	capture_start
	says <<-'END'
		< 220
		> EHLO client.a.example
		< 250.*PIPELINING
		>> MAIL FROM:<sender@a.example>\r\nRCPT TO:<SECRETBOX@bank.example>\r\nRCPT TO:<a@b.example>\r\nRCPT TO:<unknown@b.example>\r\nRCPT TO:<c@open.example>\r\nDATA\r\n
		< 250 2\.1\.0 mailseal
		< 550 5\.7\.4 mailseal
		< 250 2\.1\.5
		< 550 5\.1\.1 .*no such user
		< 250 2\.1\.5
		< 354
		>> From: sender@a.example\r\n\r\none\r\n.\r\nMAIL FROM:<sender@a.example>\r\nRSET\r\nMAIL FROM:<>\r\nRCPT TO:<SECRETBOX@bank.example>\r\nDATA\r\n
		< 250 2\.0\.0
		< 250 2\.1\.0
		< 250 2\.0\.0
		< 250 2\.1\.0
		< 550 5\.7\.4 mailseal
		< 554 5\.
		>> RSET\r\nMAIL FROM:<sender@a.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n
		< 250
		< 250
		< 250
		< 354
		>> From: sender@a.example\r\n\r\ntwo\r\n.\r\nQUIT\r\n
		< 250
		< 221
		end
	END
	stored 3
	capture_stop
	wire absent SECRETBOX bank.example
}
