# The README's way from observe to enforce, as it stands there: its commands are run, in their order, and what it shows is
# looked for in what they say. What the report says is held against what the servers got.
# shellcheck shell=bash

# One partner with a certificate that everybody trusts, one with an authority of his own, one whose certificate has expired,
# and one without TLS. A fifth comes later.
partners='mx.bank.example mail.partner.example mx.supplier.example mail.courier.example'
spool=/var/spool/billing

postfix_besides() {
	postfix_service 127.0.0.41:25 bank
	postfix_service 127.0.0.42:25 partner
	postfix_service 127.0.0.43:25 supplier
	postfix_service 127.0.0.44:25 -
	postfix_service 127.0.0.45:25 -
}

# mailseal installed, where nothing else is.
places() {
	[ -x "$BUILD/mailseal" ] || skip "no $BUILD/mailseal"
	need openssl python3 make tcpdump
	mount -t tmpfs -o mode=755 tmpfs /usr/local || exit 70
	mount -t tmpfs -o mode=755 tmpfs /opt || exit 70
	make -s -C "$ROOT" BUILD="$BUILD" DESTDIR= install >"$W/make.log" 2>&1 || fail "make install: $(tail -n 3 "$W/make.log")"
}

# The partners, an authority that everybody trusts, and what the others handed over.
world() {
	local number=41 host
	postfix_start
	for host in $partners; do
		echo "127.0.0.$number $host" >>/etc/hosts
		number=$((number + 1))
	done
	mkdir -p /etc/ssl/certs
	cp "$pki/ca.pem" "/etc/ssl/certs/$(openssl x509 -in "$pki/ca.pem" -noout -hash).0"
	cp "$pki/otherca-ca.pem" /etc/ssl/partner.pem
	cp "$pki/supplier.pem" /etc/ssl/supplier.pem
}

# An old program with a queue of its own: files with the server and the address in the first line, and the text behind it.
# What the server took is gone; what it did not take is kept, and what was heard stands in a log.
program() {
	mkdir -p /opt/billing $spool
	chown mailbox $spool
	cat >/opt/billing/billing <<-END
		#!/usr/bin/perl
		use Net::SMTP;
		do {
			for my \$file (glob "$spool/*.new") {
				open my \$in, "<", \$file or next;
				my (\$host, \$to) = split " ", <\$in>;
				my \$smtp = Net::SMTP->new(\$host, Hello => "billing.example.com", Timeout => 20);
				my \$sent = \$smtp && \$smtp->mail("invoices\@example.com") && \$smtp->to(\$to) && \$smtp->data(<\$in>);
				my \$heard = \$smtp ? \$smtp->code . " " . (\$smtp->message)[-1] : "no connection: \$!\n";
				open my \$log, ">>", "$spool/log";
				print \$log \$heard;
				close \$log;
				\$smtp->quit if \$smtp;
				\$sent ? unlink \$file : rename \$file, \$file =~ s/new\$/late/r;
			}
			select undef, undef, undef, 0.1;
		} while $1;
	END
	chmod 755 /opt/billing/billing
	install -o mailbox /dev/null $spool/log
}

# --- mail ----------------------------------------------------------------------------------------

invoices=0
day=0
# An invoice to each partner. What became of each, by what the servers got and what the program kept, is left in $W/got:
# `HOST tls`, `HOST clear` or `HOST kept`.
bill() {
	local host
	invoices=$((invoices + 1))
	: >$spool/log
	rm -f $spool/*.late
	for host in $partners; do
		printf '%s\n' "$host to@${host#*.}" "Subject: number $invoices" '' "INVOICE-$invoices-$host" >"$spool/$host.tmp"
		mv "$spool/$host.tmp" "$spool/$host.new"
	done
	send
	until_true 20 all_tried || fail "not all was tried: $(ls $spool)"
	for host in $partners; do fate "$host"; done >"$W/got"
}
all_tried() { ! compgen -G "$spool/*.new" >/dev/null; }

fate() {
	local file text=INVOICE-$invoices-$1
	[ ! -e "$spool/$1.late" ] || {
		tail -n 1 "$spool/$1.late" | grep -qx "$text" || fail "the program kept something else"
		sleep 0.1
		! grep -rqx "$text" "$W/mail" || fail "refused, and delivered all the same: $text"
		echo "$1 kept"
		return
	}
	until_true 20 grep -rqx "$text" "$W/mail/new" || fail "lost: $text"
	file=$(grep -rlx "$text" "$W/mail/new")
	equal "$(wc -l <<<"$file")" 1 "copies of $text"
	cp "$file" "$W/stored"
	case $(received_line) in
	*' with ESMTPS '*) echo "$1 tls" ;;
	*' with ESMTP '*) echo "$1 clear" ;;
	*) fail "neither over TLS nor in the clear: $(received_line)" ;;
	esac
}

# fates WORD ...: what became of the invoices, in the order of the partners
fates() {
	local host
	for host in $partners; do echo "$host $1" && shift; done >"$W/want"
	same_file "$W/got" "$W/want"
}

# --- the report ----------------------------------------------------------------------------------

# HOST OUTCOME in-the-clear|-, for each message that the report knows of
report_knows() {
	report --json --by host | python3 -c '
import json, sys
for row in json.load(sys.stdin)["rows"]:
	for outcome, n in row["events"].items():
		for i in range(n):
			print(row["host"], outcome, "in-the-clear" if row["in_the_clear"] else "-")' | sort
}
has_begun() { [ "$(date +%s)" -ge $day ]; }
report_is_complete() { [ "$(report_knows 2>/dev/null | wc -l)" -ge "$(wc -w <<<"$partners")" ]; }

# told OUTCOME ...: what the report says of them, in the order of the partners; in the clear is what the servers got so
told() {
	local host
	for host in $partners; do
		echo "$host $1 $(grep -q "^$host clear" "$W/got" && echo in-the-clear || echo -)"
		shift
	done | sort >"$W/want"
	report_knows >"$W/told"
	same_file "$W/told" "$W/want"
}

# --- the README ----------------------------------------------------------------------------------

# step N: its indented lines, but for the policy
steps() { sed -n '/^## From observe/,/^## Policy/p' "$ROOT/README.md"; }
policy_shown() { steps | sed -n '/^    default {/,/^    }/s/^    //p'; }
step() {
	steps | sed -n "/^\*\*$1\. /,/^\*\*$(($1 + 1))\. \|^Without systemd/p" | sed '/^    default {/,/^    }/d' | sed -nE 's/^    (  (mailseal )|)/\2/p'
}
elsewhere() { steps | sed -n '/^Without systemd/,/^##/s/^    //p'; }

# What the README shows is there, but for numbers and blanks.
alike() { sed -E 's/[0-9]+/0/g; s/[ \t]+/ /g; s/^ //; s/ $//'; }
shown() {
	checks=$((checks + 1))
	cat "$W/client.out" $spool/log | alike | grep -Fxq -- "$(alike <<<"${1#"${prefix-}"}")" || fail "not as in the README: $1"
}

# walk STEP: its commands, in their order, and what is shown behind them. Before each report a day passes, and so before
# a reply is shown that the program heard.
walk() {
	local line
	step "$1" >"$W/step"
	check test -s "$W/step"
	while IFS= read -r line <&3; do
		case $line in
		'' | ...) ;;
		mailseal\ * | sed\ *) runs "$line" ;;
		[45][0-9][0-9]\ *) a_day && shown "$line" ;;
		*) shown "$line" ;;
		esac
	done 3<"$W/step"
}

# A day for this test: what the README asks about the time since yesterday, is asked about the time since it began.
a_day() {
	day=$(($(date +%s) + 1))
	until_true 3 has_begun
	bill
	until_true 10 report_is_complete || fail "the report is not complete: $(report)"
}

# The README's command, for the status that it promises: 1 from a report that should fail, where something went in the clear.
runs() {
	local want=0
	shopt -s extglob
	cd /tmp || fail "no /tmp"
	case $1 in
	*--html*) ;;
	mailseal\ report*) a_day ;;
	mailseal\ disable*) in_force_for_all ;;
	esac
	[[ $1 != *--fail-on\ cleartext* ]] || ! grep -q ' clear' "$W/got" || want=1
	asked "${1/--since +([^ ])/--since @$day}" >"$W/client.out" 2>&1
	equal $? $want "$1: $(cat "$W/client.out")"
	[[ $1 != mailseal\ policy\ unset* ]] || capture_start
}

# --- the way -------------------------------------------------------------------------------------

walk_all() {
	policy_shown >/etc/mailseal.conf
	check test -s /etc/mailseal.conf
	walk 1
	bill
	fates tls tls tls clear

	walk 2
	fates tls tls tls clear
	told tls-verified would-block would-block would-block

	walk 3
	fates tls tls tls clear
	told tls-verified tls-verified tls-verified cleartext

	echo '127.0.0.45 mx.new.example' >>/etc/hosts
	partners+=' mx.new.example'
	capture_start
	walk 4
	capture_stop
	fates tls tls tls clear kept
	told tls-verified tls-verified tls-verified cleartext blocked
	wire present "INVOICE-$invoices-mail.courier.example"
	tcpdump -r "$W/wire.pcap" -w "$W/others.pcap" 'not host 127.0.0.44' 2>/dev/null
	check "$bin/wirecheck" quiet "$W/others.pcap" INVOICE invoices@example.com

	walk 5
	holds /tmp/report.html '^<!DOCTYPE html>'
}

# Between the last exception and the end: nothing in the clear.
in_force_for_all() {
	capture_stop
	fates tls tls tls kept kept
	told tls-verified tls-verified tls-verified blocked blocked
	wire quiet INVOICE invoices@example.com
}

# timeout: 120
t_a_service() {
	asked() { booted bash -c "cd /tmp && $1"; }
	send() { :; }
	report() { booted mailseal report --since "@$day" "$@"; }
	places
	systemd_start
	world
	program 1
	printf '%s\n' '[Service]' ExecStart=/opt/billing/billing User=mailbox | unit billing.service
	check booted systemctl start billing
	bill
	fates clear clear clear clear
	walk_all
	bill
	fates clear clear clear clear clear
	the_others
}

# What the README shows elsewhere of this service.
the_others() {
	local command
	while read -r command; do
		check grep -Fxq "    $command" "$ROOT/README.md"
		asked "${command/4711/$(booted systemctl show -P MainPID billing)}" >"$W/client.out" 2>&1
		equal $? 0 "$command: $(cat "$W/client.out")"
	done <<-'END'
		mailseal enable --dry-run billing.service
		mailseal enable --now billing.service
		mailseal status
		mailseal status --json billing.service
		mailseal doctor billing.service
		mailseal doctor --pid 4711
		mailseal report --since yesterday --only would-block
		mailseal report --unit billing --by sender,recipient --csv
		journalctl -t mailseal MAILSEAL_VERDICT=blocked MAILSEAL_UNIT=billing.service -o json
		mailseal policy set sender example.com require_tls=true verify_certificate=true
		mailseal disable --now billing.service
	END
}

# The same with a program that somebody starts, and a log file.
# timeout: 120
t_a_program() {
	places
	mount -t tmpfs -o mode=755 tmpfs /var || exit 70
	mkdir -p /var/log
	world
	program 0
	send() { bash -c "$(elsewhere | sed -n 1p)"; }
	report() { mailseal report --since "@$day" "$@" /var/log/mailseal.log; }
	prefix='billing.service: ' # is in no heading here
	asked() {
		case $1 in
		mailseal\ enable* | mailseal\ disable* | mailseal\ status*) sed "s/^$prefix//" "$W/step" ;;
		*\>*) bash -c "${1/>/\/var\/log\/mailseal.log >}" ;;
		mailseal\ report*) bash -c "$1 /var/log/mailseal.log" ;;
		*) bash -c "$1" ;;
		esac
	}
	walk_all
	bash -c "$(elsewhere | sed -n 2p)" >"$W/client.out" || fail "$(elsewhere | sed -n 2p)"
	holds "$W/client.out" ' that enforce would have blocked'
}

# --- what is foretold happens --------------------------------------------------------------------

# As many policies as senders, in one file.
judged() {
	policy "mode = \"$1\"" 'on_bad_certificate = "refuse"' 'message_override = "ignore"' -- \
		'sender "must.example" { require_tls = true verify_certificate = false }' \
		'sender "sure.example" { require_tls = true verify_certificate = true }' \
		'sender "new.example" { require_tls = true verify_certificate = false min_tls = "1.3" }' \
		'sender "any.example" { verify_certificate = false }'
}

# One message from each, in one connection: SENDER CODE
send_each() {
	sealed /usr/bin/python3 -c '
import smtplib
smtp = smtplib.SMTP("mx.b.example", 25, "client.a.example", 20)
for sender in "must", "sure", "new", "any", "other":
	try:
		smtp.sendmail(f"s@{sender}.example", "a@b.example", "Subject: x\r\n\r\nx\r\n")
		print(sender, 250)
	except smtplib.SMTPResponseException as e:
		print(sender, e.smtp_code)
	except smtplib.SMTPRecipientsRefused as e:
		print(sender, *[code for code, text in e.recipients.values()])
smtp.quit()'
	equal "$status" 0 "the client: $(cat "$W/client.out")"
}

# In observe mode all of it passes, and the log foretells what enforce will refuse, whatever the server is like.
t_what_is_foretold_happens() {
	local n sent=0 foretold
	product
	postfix_start
	at=127.0.0.51:25 transcript=$W/transcript.51 hostile starttls_454.hs
	for n in 10 11 12 13 14 15 16 17 18 19 51; do
		mx 127.0.0.$n
		: >"$log"
		judged observe
		send_each
		equal "$(grep -c ' 250$' "$W/client.out")" 5 "messages that pass in observe mode at $n"
		until_true 5 all_logged
		foretold=$(sed -nE 's/.* sender="s@([a-z]+).* verdict=would-block .*/\1 454/p; t; s/.* sender="s@([a-z]+).*/\1 250/p' "$log")
		[ $n -gt 50 ] || sent=$((sent + 5 + $(grep -c ' 250$' <<<"$foretold")))
		judged enforce
		send_each
		equal "$(cat "$W/client.out")" "$foretold" "what enforce does at $n"
		echo "$n $(tr '\n' ' ' <<<"$foretold")" >>"$W/all"
	done
	holds "$W/all" '^10 must 250 sure 250 new 250 any 250 other 250 $'
	holds "$W/all" '^14 must 454 sure 454 new 454 any 250 other 250 $'
	breaks_at 21
}

# A server that ends the connection when TLS stands, for want of a certificate of ours: nothing that policy foretells, and
# no mail passes in observe mode either. The report tells of it.
breaks_at() {
	mx "127.0.0.$1"
	: >"$log"
	judged observe
	use_swaks
	refute test "$status" = 0
	logged 'event=connection '
	plain "$BUILD/mailseal" report --only would-block,failed --fail-on failed "$log"
	equal "$status" 1 "report"
	holds "$W/client.out" '^ +1  failed +mx\.b\.example: (connection lost: |421 )'
}
all_logged() { [ "$(grep -c '^.*event=transaction' "$log")" -ge 5 ]; }
