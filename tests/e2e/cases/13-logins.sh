# Applications that log in: the password goes over TLS, and nowhere else. Where the server offers no TLS, AUTH is shown to
# them all the same, and refused before anything of it is sent; what each makes of that is its own affair.
# shellcheck shell=bash

# shellcheck source=tests/e2e/cases/11-applications.sh
. "$E2E/cases/11-applications.sh"

login=(SECRETUSER SECRETPASS)

# How the server lets them in: PLAIN in one line or two, or LOGIN.
by_plain() { printf '%s\n' 'keywords AUTH PLAIN' 'reply AUTH 235 2.7.0 in' serve; }
by_plain_in_two() { printf '%s\n' 'keywords AUTH PLAIN' 'serve AUTH' 'send 334 ' 'expect *' 'send 235 2.7.0 in' serve; }
by_login() {
	printf '%s\n' 'keywords AUTH LOGIN' 'serve AUTH' 'send 334 VXNlcm5hbWU6' 'expect U0VDUkVUVVNFUg==' \
		'send 334 UGFzc3dvcmQ6' 'expect U0VDUkVUUEFTUw==' 'send 235 2.7.0 in' serve
}

# logs_in COMMAND ...: $by says how; anyway=1 if it goes on without having logged in
logs_in() {
	need "$1"
	product
	policy
	message "$W/message"
	sed '1,/^$/d' "$W/message" >"$W/sent.body"
	at=127.0.0.10:25 hostile < <(printf '%s\n' 'send 220 hostile ESMTP' 'keywords STARTTLS' 'serve STARTTLS' 'send 220 go' starttls; ${by:-by_plain})
	at=127.0.0.20:25 transcript=$W/transcript.plain hostile < <(echo 'send 220 hostile ESMTP'; ${by:-by_plain})
	sealed "$@"
	equal "$status" 0 "status of $1"
	holds "$W/transcript" ' tls C: "(AUTH PLAIN )?(AFNFQ1JFVFVTRVIAU0VDUkVUUEFTUw==|U0VDUkVUVVNFUgBTRUNSRVRVU0VSAFNFQ1JFVFBBU1M=|U0VDUkVUUEFTUw==)'
	holds "$W/transcript" ' tls # data'
	lacks "$W/transcript" ' plain C: "(AUTH|.*(AFNFQ1JF|U0VDUkVU))'
	sed -i 's/^127.0.0.10 .*/127.0.0.20 mx.b.example/' /etc/hosts
	sealed "$@"
	lacks "$W/transcript.plain" 'AFNFQ1JF|U0VDUkVU|SECRETPASS'
	if [ "${anyway:-0}" = 1 ]; then
		holds "$W/transcript.plain" ' plain # data'
	else
		refute test "$status" = 0
		lacks "$W/transcript.plain" ' C: "(AUTH|MAIL|RCPT|DATA)| # data'
	fi
	logged 'addr=127\.0\.0\.20:25 .* credentials=refused( |$)'
}

t_curl() {
	by=by_plain_in_two logs_in curl -sS --crlf smtp://mx.b.example/client.a.example --login-options AUTH=PLAIN --user SECRETUSER:SECRETPASS \
		--mail-from sender@a.example --mail-rcpt a@b.example -T "$W/message"
}
t_msmtp() {
	logs_in "$clients/with_input" "$W/message" msmtp --host=mx.b.example --tls=off --auth=plain --user=SECRETUSER \
		--passwordeval='echo SECRETPASS' --from=sender@a.example a@b.example
}
t_python_smtplib() { logs_in $py "$clients/smtplib_client.py" "${to[@]}" "$W/message" "${login[@]}"; }
t_python_aiosmtplib() { logs_in $py "$clients/aiosmtplib_client.py" "${to[@]}" "$W/message" "${login[@]}"; }
t_ruby_net_smtp() { logs_in ruby "$clients/net_smtp.rb" "${to[@]}" "$W/message" "${login[@]}"; }
t_nodemailer() {
	outward
	NODE_PATH=/usr/share/nodejs logs_in node "$clients/nodemailer_client.js" "${to[@]}" "$W/message" "${login[@]}"
}
# A policy that asks for TLS keeps it from doing so.
t_tcl_smtp() { anyway=1 by=by_plain_in_two logs_in tclsh "$clients/tcl_smtp.tcl" "${to[@]}" "$W/message" "${login[@]}"; }
t_lua_socket_smtp() { logs_in lua5.4 "$clients/socket_smtp.lua" "${to[@]}" "$W/message" "${login[@]}"; }
t_java_jakarta_mail() {
	logs_in java -XX:TieredStopAtLevel=1 -cp "$bin/java/jakarta:/usr/share/java/jakarta-mail.jar:/usr/share/java/jakarta-activation.jar" \
		MailClient "${to[@]}" "$W/message" "${login[@]}"
}
t_s_nail() {
	own_home
	by=by_plain_in_two logs_in "$clients/with_input" "$W/sent.body" s-nail -:/ -S v15-compat -S mta=smtp://SECRETUSER:SECRETPASS@mx.b.example \
		-S smtp-auth=plain -S sendwait -S from=sender@a.example -s SECRETSUBJECT a@b.example
}
t_mutt() {
	printf '%s\n' 'set smtp_url = smtp://SECRETUSER:SECRETPASS@mx.b.example' 'set ssl_force_tls = no' 'set from = sender@a.example' \
		'set use_envelope_from = yes' 'set copy = no' 'set sleep_time = 0' 'set tmpdir = /tmp' 'set smtp_authenticators = "plain"' >"$W/muttrc"
	logs_in "$clients/with_input" "$W/sent.body" mutt -n -F "$W/muttrc" -s SECRETSUBJECT a@b.example
}
t_ssmtp() {
	sender usr/sbin/ssmtp
	own_home
	printf '%s\n' 'mailhub=mx.b.example:25' 'hostname=client.a.example' 'AuthUser=SECRETUSER' 'AuthPass=SECRETPASS' >"$W/ssmtp.conf"
	by=by_login logs_in "$clients/with_input" "$W/message" env LD_LIBRARY_PATH="$sender_libs" "$senders/usr/sbin/ssmtp" \
		-C "$W/ssmtp.conf" -f sender@a.example a@b.example
}
t_nullmailer_smtp() {
	sender usr/lib/nullmailer/smtp
	{ printf '%s\n' sender@a.example a@b.example ''; printf 'Subject: SECRETSUBJECT\n\nSECRETBODY\n'; } >"$W/queued"
	HELOHOST=client.a.example logs_in bash -c "exec $senders/usr/lib/nullmailer/smtp --host=mx.b.example --user=SECRETUSER --pass=SECRETPASS 3<'$W/queued' </dev/null"
}
