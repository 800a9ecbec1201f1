# Nothing of mail that policy refuses is heard by anybody: neither in the clear nor inside TLS.
# shellcheck shell=bash

# What an application may say without mail coming of it, with a SECRET in every argument.
secrets() {
	cat <<-'END'
		< 220
		> EHLO client.a.example
		< 250
		> VRFY SECRETVRFY
		< 502
		> EXPN SECRETLIST
		< 502
		> HELP SECRETHELP
		< 502
		> XSECRETVERB SECRETWORDS
		< 502
		> NOOP SECRETNOOP
		< 502
		> SECRETNONSENSE
		< 50[02]
		> ETRN SECRET.example
		< 502
		> MAIL FROM:<SECRETSENDER@strict.example>
		< 454 4\.7\.[45] mailseal
		> RCPT TO:<SECRETBOX@b.example>
		< 454 4\.7\.[45] mailseal
		> RSET
		< 250
		> MAIL FROM:<SECRETSENDER@a.example> ENVID=SECRETENVID
		< 250 2\.1\.0 mailseal
		> RCPT TO:<SECRETBOX@bank.example> ORCPT=rfc822;SECRETORCPT
		< 454 4\.7\.[45] mailseal
		> RSET
		< 250
		> MAIL FROM:<SECRETSENDER@soft.example>
		< 250 2\.1\.0 mailseal
		> RCPT TO:<SECRETBOX@b.example>
		< 250 2\.1\.5 mailseal
		> DATA
		< 354
		> Subject: SECRETSUBJECT
		>
		> SECRETBODY
		> .
		< 454 4\.7\.[45] mailseal
		> QUIT SECRETQUIT
		< 221
	END
}
secret_policy() {
	policy -- 'sender "strict.example" { require_tls = true message_override = "tighten" }' 'sender "soft.example" { require_tls = true }' \
		'recipient "bank.example" { require_tls = true message_override = "tighten" }'
}

t_nothing_in_the_clear() {
	product
	secret_policy
	postfix_start
	mx 127.0.0.14
	capture_start
	secrets | says
	capture_stop
	wire absent SECRET @ strict.example soft.example bank.example
	equal "$(stored_count)" 0 "messages stored"
	lacks "$log" 'SECRETVRFY|SECRETLIST|SECRETHELP|SECRETWORDS|SECRETNOOP|SECRETNONSENSE|SECRETSUBJECT|SECRETBODY'
}

t_nothing_inside_tls_at_a_server_that_policy_refuses() {
	product
	secret_policy
	hostile <<-'END'
		send 220 hostile ESMTP
		keywords STARTTLS|PIPELINING|DSN
		cert selfsigned
		serve
	END
	secrets | says
	settle
	holds "$W/transcript" ' tls C: "EHLO client'
	lacks "$W/transcript" 'SECRET|@|strict\.example|soft\.example|bank\.example'
	lacks "$W/transcript" ' C: "(MAIL|RCPT|DATA|VRFY|EXPN|HELP|NOOP|ETRN|X)'
}
