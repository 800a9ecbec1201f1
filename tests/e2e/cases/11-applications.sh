# Unmodified applications, each as its users call it: one message over TLS, and two that policy blocks: at a server whose
# certificate is for another name (refused at MAIL), and at one without STARTTLS, by a rule that a message might relax
# (refused after the dot).
# shellcheck shell=bash

py=/usr/bin/python3
clients=$E2E/clients
to=(mx.b.example 25)

# prepare: a message in $W/message, the server, and a listener on the wire
prepare() {
	product
	message "$W/message"
	sed '1,/^$/d' "$W/message" >"$W/sent.body"
	[ "${blank:-0}" = 0 ] || echo >>"$W/sent.body"
	postfix_start
	capture_start
}

# What the first run must have left.
arrived() {
	stored 1
	over_tls
	# A lone dot and "From " are reason enough for s-nail.
	if grep -q '^Content-Transfer-Encoding: quoted-printable' "$W/stored"; then
		$py -m quopri -d "$W/stored.body" >"$W/decoded" && mv "$W/decoded" "$W/stored.body"
	fi
	same_file "$W/sent.body" "$W/stored.body"
	logged 'certificate-verified=yes'
}

# Nothing else arrived, and nobody on the wire read a thing in any of the runs.
nothing_else() {
	capture_stop
	wire quiet sender@a.example a@b.example SECRET
	equal "$(stored_count)" 1 "messages stored"
	equal "$(grep -c 'NOQUEUE\|[0-9A-F]\{6,\}: client=' "$pf/log/mail.log")" 1 "transactions begun"
}

firm=('require_tls = true' 'message_override = "tighten"')
soft=('require_tls = true')

# application COMMAND ...: all three runs. Blocked, the command says so by its exit status, and in words: the reply of the
# agent, or what $words matches. blank=1: it ends the text with an empty line of its own.
application() {
	need "$1"
	prepare
	policy "${firm[@]}"
	sealed "$@"
	equal "$status" 0 "status of $1"
	arrived
	[ "$native" = 1 ] && return
	mx 127.0.0.13
	sealed "$@"
	told '4\.7\.5'
	mx 127.0.0.14
	policy "${soft[@]}"
	sealed "$@"
	told '4\.7\.4'
	nothing_else
}

told() {
	refute test "$status" = 0
	holds "$W/client.out" "${words:-45[0-9][ -]$1 mailseal: }"
}

t_swaks() { application swaks --to a@b.example --from sender@a.example --server mx.b.example --data "@$W/message.swaks"; }
t_curl() {
	application curl -sSv --crlf smtp://mx.b.example/client.a.example --mail-from sender@a.example \
		--mail-rcpt a@b.example -T "$W/message"
}
t_msmtp() { application "$clients/with_input" "$W/message" msmtp --host=mx.b.example --tls=off --from=sender@a.example a@b.example; }
t_python_smtplib() { application $py "$clients/smtplib_client.py" "${to[@]}" "$W/message"; }
t_python_asyncio() { application $py "$clients/asyncio_client.py" "${to[@]}" "$W/message"; }
t_python_aiosmtplib() { words="\(45[0-9], '4\.7\.[45] mailseal: " application $py "$clients/aiosmtplib_client.py" "${to[@]}" "$W/message"; }
t_perl_net_smtp() { application perl "$clients/net_smtp.pl" "${to[@]}" "$W/message"; }
t_php_fsockopen() { application php "$clients/fsockopen.php" "${to[@]}" "$W/message"; }
t_php_stream_socket_client() { application php "$clients/stream_socket_client.php" "${to[@]}" "$W/message"; }
t_phpmailer() { blank=1 words='From address failed: .*mailseal: |data not accepted' application php "$clients/phpmailer.php" "${to[@]}" "$W/message"; }
t_ruby_net_smtp() { application ruby "$clients/net_smtp.rb" "${to[@]}" "$W/message"; }
t_nodemailer() {
	outward
	NODE_PATH=/usr/share/nodejs application node "$clients/nodemailer_client.js" "${to[@]}" "$W/message"
}
# Where a name server answers, nodemailer's host names do not pass libc: its address is all that is known, and a section
# for that has to name what the certificate must show.
t_nodemailer_asks_the_dns_itself() {
	local send=(node "$clients/nodemailer_client.js" "${to[@]}" "$W/message")
	export NODE_PATH=/usr/share/nodejs
	# shellcheck source=tests/e2e/cases/45-names.sh
	. "$E2E/cases/45-names.sh"
	outward
	begin
	sealed "${send[@]}"
	told '4\.7\.5'
	logged 'host="" addr=127\.0\.0\.10:25 reference=unknown .*verdict=blocked'
	policy 'require_tls = true' -- 'host "127.0.0.10" {' 'match = {"mx.b.example"}' '}'
	sealed "${send[@]}"
	equal "$status" 0 nodemailer
	stored 1
	over_tls
	logged 'addr=127\.0\.0\.10:25 reference="mx\.b\.example" .*verdict=tls-verified'
}

t_tcl_smtp() { words='4\.7\.[45] mailseal: .* code 45[0-9]' application tclsh "$clients/tcl_smtp.tcl" "${to[@]}" "$W/message"; }
t_lua_socket_smtp() { application lua5.4 "$clients/socket_smtp.lua" "${to[@]}" "$W/message"; }
t_rust_std_net() { application "$bin/rust_client" "${to[@]}" "$W/message"; }
t_boost_asio() { application "$bin/asio_client" "${to[@]}" "$W/message"; }
t_c_stdio() { application "$bin/stdio_client" "${to[@]}" "$W/message"; }
t_bash_dev_tcp() { application bash "$clients/dev_tcp.sh" "${to[@]}" "$W/message"; }

java_client() { application java -XX:TieredStopAtLevel=1 -cp "$1" "$2" "${to[@]}" "$W/message"; }
t_java_nio() { java_client "$bin/java" NioClient; }
t_java_jakarta_mail() { java_client "$bin/java/jakarta:/usr/share/java/jakarta-mail.jar:/usr/share/java/jakarta-activation.jar" MailClient; }
t_java_javax_mail() { java_client "$bin/java/javax:/usr/share/java/javax.mail.jar:/usr/share/java/javax.activation.jar" MailClient; }


# own_home: where programs keep dead.letter, whatever HOME says.
own_home() { sed -i 's|^root:.*|root:x:0:0:root:/tmp:/bin/sh|' /etc/passwd; }

# The mail programs of users; their commands read the text.
compose() { application "$clients/with_input" "$W/sent.body" "$@"; }
t_s_nail() {
	need s-nail
	own_home
	compose s-nail -:/ -S v15-compat -S mta=smtp://mx.b.example -S smtp-auth=none \
		-S sendwait -S from=sender@a.example -s SECRETSUBJECT a@b.example
	holds /tmp/dead.letter SECRETBODY
}
t_mutt() {
	need mutt
	printf '%s\n' 'set smtp_url = smtp://mx.b.example' 'set ssl_force_tls = no' 'set from = sender@a.example' \
		'set use_envelope_from = yes' 'set copy = no' 'set sleep_time = 0' 'set tmpdir = /tmp' >"$W/muttrc"
	compose mutt -n -F "$W/muttrc" -s SECRETSUBJECT a@b.example
}

# --- stand-ins for sendmail, unpacked and never installed ---------------------------------------

senders=$BUILD/senders
sender() { [ -x "$senders/$1" ] || skip "no $1 unpacked in $senders"; }
sender_libs=$(compgen -G "$senders/usr/lib/*-linux-gnu" | head -n 1)

# Debian's ssmtp is setgid (its configuration may hold a password): out of reach until that bit is gone.
t_ssmtp() {
	sender usr/sbin/ssmtp
	printf '%s\n' 'mailhub=mx.b.example:25' 'hostname=client.a.example' >"$W/ssmtp.conf"
	cp "$senders/usr/sbin/ssmtp" "$W/ssmtp"
	chgrp mail "$W/ssmtp"
	chmod g+s "$W/ssmtp"
	plain "$BUILD/mailseal" run -- "$W/ssmtp" -C "$W/ssmtp.conf" a@b.example
	refute test "$status" = 0
	holds "$W/client.out" setgid
	chmod g-s "$W/ssmtp"
	own_home
	words='ssmtp: 45[0-9] 4\.7\.[45] mailseal: ' application "$clients/with_input" "$W/message" env \
		LD_LIBRARY_PATH="$sender_libs" "$W/ssmtp" -C "$W/ssmtp.conf" -f sender@a.example a@b.example
	holds /tmp/dead.letter SECRETBODY
}

# With that bit, /etc/ld.so.preload reaches it all the same; what was compiled in counts then.
t_ssmtp_as_installed() {
	sender usr/sbin/ssmtp
	prepare
	capture_stop
	policy "${firm[@]}"
	in_usual_places
	cp "$conf" /etc/mailseal.conf
	echo "$sender_libs" >/etc/ld.so.conf.d/senders.conf
	ldconfig
	install -g mail -m 2755 "$senders/usr/sbin/ssmtp" /run/ssmtp
	printf '%s\n' 'mailhub=mx.b.example:25' 'hostname=client.a.example' >/run/ssmtp.conf
	unset "${!MAILSEAL_@}"
	as_user=(setpriv --reuid mailbox --regid mailbox --clear-groups /run/ssmtp -C /run/ssmtp.conf -f sender@a.example a@b.example)
	echo /usr/local/lib/mailseal/libmailseal.so >/etc/ld.so.preload
	plain "${as_user[@]}" <"$W/message"
	equal "$status" 0 "ssmtp"
	stored 1
	over_tls
	mx 127.0.0.14
	plain "${as_user[@]}" <"$W/message"
	told '4\.7\.4'
	equal "$(stored_count)" 1 "messages stored"
}

# It tells that MAIL failed, but not how: over TCP too.
t_esmtp() {
	sender usr/bin/esmtp
	printf '%s\n' 'hostname = mx.b.example:25' 'starttls = disabled' >"$W/esmtprc"
	chmod 600 "$W/esmtprc"
	words='^(0 \(null\)|454 mailseal: .*)$' application "$clients/with_input" "$W/message" env LD_LIBRARY_PATH="$sender_libs" \
		"$senders/usr/bin/esmtp" -C "$W/esmtprc" -f sender@a.example a@b.example
}

# nullmailer looks for its parts, and for its queue, where they would be if it were installed.
nullmailer_place() {
	sender usr/sbin/nullmailer-send
	mkdir -p /run/lib/true /run/lib/seen /etc/nullmailer
	mount --rbind /usr/lib /run/lib/true
	ln -s /run/lib/true/* /run/lib/seen
	cp -a "$senders/usr/lib/nullmailer" /run/lib/seen
	mount --rbind /run/lib/seen /usr/lib
	mkdir -p "$W/spool/nullmailer"/{queue,failed,tmp}
	chown -R mail "$W/spool"
	mkfifo -m 666 "$W/spool/nullmailer/trigger"
	mount --bind "$W/spool" /var/spool
	echo client.a.example | tee /etc/mailname >/etc/nullmailer/helohost
	echo 'mx.b.example smtp --port=25' >/etc/nullmailer/remotes
}
as_mail=(setpriv --reuid mail --regid mail --clear-groups)
queue_message() {
	{ printf '%s\n' sender@a.example a@b.example ''; cat "$W/message"; } >"$W/queued"
	check "${as_mail[@]}" "$senders/usr/sbin/nullmailer-queue" <"$W/queued"
}
# Sets $daemon.
nullmailer_send() {
	LD_PRELOAD=$BUILD/libmailseal.so "${as_mail[@]}" "$senders/usr/sbin/nullmailer-send" >"$W/client.out" 2>&1 &
	daemon=$!
}
queued() { find /var/spool/nullmailer/queue -type f | wc -l; }

nothing_queued() { [ "$(queued)" = 0 ]; }

t_nullmailer() {
	local daemon
	nullmailer_place
	prepare
	policy "${firm[@]}"
	queue_message
	nullmailer_send
	arrived
	until_true 5 nothing_queued
	equal "$(queued)" 0 queued
	mx 127.0.0.13
	queue_message
	until_true 20 grep -q '454 4\.7\.5 mailseal: ' "$W/client.out"
	holds "$W/client.out" '454 4\.7\.5 mailseal: '
	equal "$(queued)" 1 queued
	kill "$daemon"
	wait "$daemon"
	mx 127.0.0.14
	policy "${soft[@]}"
	nullmailer_send
	until_true 20 grep -q '45[0-9] 4\.7\.4 mailseal: ' "$W/client.out"
	holds "$W/client.out" '45[0-9] 4\.7\.4 mailseal: '
	kill "$daemon"
	wait "$daemon"
	equal "$(queued)" 1 queued
	nothing_else
}

# Exim as a client with a smarthost, and its own way of connecting: sendto(MSG_FASTOPEN) without data.
t_exim() {
	prepare
	exim_prepare smarthost 'hosts_try_fastopen = *'
	policy "${firm[@]}"
	use_exim "$W/message" a@b.example
	exim_said ' => a@b\.example .* C="250 '
	arrived
	mx 127.0.0.13
	use_exim "$W/message" a@b.example
	exim_said ' == a@b\.example .*: 454 4\.7\.5 mailseal: '
	mx 127.0.0.14
	policy "${soft[@]}"
	use_exim "$W/message" a@b.example
	exim_said ' == a@b\.example .*: 45[0-9] 4\.7\.4 mailseal: '
	equal "$(find "$ex/spool/input" -name '*-D' | wc -l)" 2 "messages that Exim keeps"
	nothing_else
}

# Postfix's smtp(8) with a relay that it looks up as other programs do; by MX: 45-names.sh.
t_postfix_smtp_by_relayhost() {
	# shellcheck source=tests/e2e/cases/45-names.sh
	. "$E2E/cases/45-names.sh"
	begin
	cached=$'relayhost = [mx.b.example]\nsmtp_host_lookup = native\nsmtp_connection_cache_on_demand = no' sender
	hand_over a@b.example
	sender_said 'to=<a@b\.example>, relay=mx\.b\.example\[127\.0\.0\.10\]:25, .*status=sent \(250 '
	stored 1
	over_tls
	logged 'addr=127\.0\.0\.10:25 reference="mx\.b\.example" .*verdict=tls-verified'
	mx 127.0.0.14
	hand_over a@b.example
	sender_said 'relay=mx\.b\.example\[127\.0\.0\.14\]:25, .*status=deferred .*454 4\.7\.4 mailseal: '
	equal "$(stored_count)" 1 "messages stored"
}

t_smtp_source() {
	postfix_libraries
	blank=1 application env LD_LIBRARY_PATH="$mta_libs" "$mta/usr/sbin/smtp-source" -4 -M client.a.example -f sender@a.example \
		-t a@b.example -F "$W/message" mx.b.example:25
}

# Twenty connections at a time in one process, all of them in one epoll set, fourteen messages over each.
t_smtp_source_in_parallel() {
	product
	policy "${firm[@]}"
	postfix_start
	sealed env LD_LIBRARY_PATH="$mta_libs" "$mta/usr/sbin/smtp-source" -4 -d -s 20 -m 280 -M client.a.example \
		-f sender@a.example -t a@b.example mx.b.example:25
	equal "$status" 0 "smtp-source"
	until_true 40 has_stored 280
	equal "$(stored_count)" 280 "messages stored"
	checks=$((checks + 1))
	! grep -L '(using TLSv1' "$W"/mail/new/* | grep -q . || fail "one came in the clear"
	equal "$(agents | wc -l)" 1 agents
	mx 127.0.0.13
	sealed env LD_LIBRARY_PATH="$mta_libs" "$mta/usr/sbin/smtp-source" -4 -d -s 20 -m 280 -M client.a.example \
		-f sender@a.example -t a@b.example mx.b.example:25
	told '4\.7\.5'
	equal "$(stored_count)" 280 "messages stored"
}
