# postfix.sh: a real Postfix, unpacked and never installed, with a queue and a configuration of the
# case's own. One master, a listener for each kind of server:
#
#   127.0.0.10  good certificate          127.0.0.14  no STARTTLS
#   127.0.0.11  self-signed               127.0.0.15  TLS 1.2 only
#   127.0.0.12  expired                   127.0.0.16  knows no EHLO
#   127.0.0.13  for another name          127.0.0.17  TLS 1.3 only
#   ::1         good certificate          127.0.0.18  no cipher in common: the handshake fails
#   127.0.0.19  self-signed and expired   127.0.0.21  good, demands a client's certificate
#
# and those that a case's own postfix_besides lists, if it has one.
# Mail for b.example and the domains beside it lands in $W/mail/new, a file each, in order of arrival by `stored`.
# shellcheck shell=bash

mta=$BUILD/mta
pf=$W/postfix

postfix_service() {
	local where=$1 cert=$2
	shift 2
	printf '%s inet n - n - - smtpd\n' "$where"
	[ "$cert" = - ] ||
		printf ' -o smtpd_tls_security_level=may -o smtpd_tls_chain_files=%s/%s.key,%s/%s.pem\n' \
			"$pki" "$cert" "$pki" "$cert"
	local o
	for o; do printf ' -o %s\n' "$o"; done
}

postfix_configure() {
	cat >"$pf/etc/main.cf" <<-END
		compatibility_level = 3.6
		config_directory = $pf/etc
		queue_directory = $pf/queue
		data_directory = $pf/data
		daemon_directory = $mta/usr/lib/postfix/sbin
		command_directory = $mta/usr/sbin
		shlib_directory = $mta/usr/lib/postfix
		meta_directory = $pf/etc
		mail_owner = postfix
		setgid_group = postdrop
		import_environment = LD_LIBRARY_PATH=$mta_libs MAIL_CONFIG=$pf/etc PATH=$PATH
		maillog_file = $pf/log/mail.log
		maillog_file_prefixes = $pf/log
		inet_protocols = all
		myhostname = mx.b.example
		mydestination =
		mynetworks = 127.0.0.0/8 [::1]/128
		virtual_mailbox_domains = b.example, open.example, bank.example, x.bank.example, soft.example,
		  partner.example, supplier.example, courier.example, new.example
		virtual_mailbox_base = $W
		virtual_mailbox_maps = static:mail/
		virtual_uid_maps = static:5603
		virtual_gid_maps = static:5603
		virtual_mailbox_limit = 0
		mailbox_size_limit = 0
		message_size_limit = 104857600
		smtpd_tls_received_header = yes
		smtpd_tls_loglevel = 1
		smtpd_tls_session_cache_database =
		smtpd_peername_lookup = no
		smtputf8_enable = yes
		smtpd_sasl_auth_enable = no
		smtpd_recipient_restrictions = check_recipient_access inline:{
		  {unknown@b.example = 550 5.1.1 no such user}, {busy@b.example = 450 4.2.1 busy}}
		alias_maps =
		local_recipient_maps =
		notify_classes =
	END
	echo '/^EHLO/ FOO' >"$pf/etc/no_ehlo"
	{
		postfix_service 127.0.0.10:25 good
		postfix_service '[::1]:25' good
		postfix_service 127.0.0.11:25 selfsigned
		postfix_service 127.0.0.12:25 expired
		postfix_service 127.0.0.13:25 wrongname
		postfix_service 127.0.0.14:25 -
		postfix_service 127.0.0.15:25 good 'smtpd_tls_protocols=>=TLSv1.2,<=TLSv1.2'
		postfix_service 127.0.0.16:25 - "smtpd_command_filter=regexp:$pf/etc/no_ehlo"
		postfix_service 127.0.0.17:25 good 'smtpd_tls_protocols=>=TLSv1.3'
		postfix_service 127.0.0.18:25 good 'smtpd_tls_protocols=<=TLSv1.2' 'smtpd_tls_ciphers=high' \
			'tls_high_cipherlist=ECDHE-RSA-AES256-GCM-SHA384'
		postfix_service 127.0.0.19:25 stale
		postfix_service 127.0.0.21:25 good 'smtpd_tls_req_ccert=yes' 'smtpd_tls_security_level=encrypt' \
			"smtpd_tls_CAfile=$pki/ca.pem"
		postfix_service 127.0.0.10:587 good
		if declare -F postfix_besides >/dev/null; then postfix_besides; fi
		cat <<-END
			pickup unix n - n 60 1 pickup
			cleanup unix n - n - 0 cleanup
			qmgr unix n - n 300 1 qmgr
			tlsmgr unix - - n 1000? 1 tlsmgr
			rewrite unix - - n - - trivial-rewrite
			bounce unix - - n - 0 bounce
			defer unix - - n - 0 bounce
			trace unix - - n - 0 bounce
			verify unix - - n - 1 verify
			flush unix n - n 1000? 0 flush
			proxymap unix - - n - - proxymap
			virtual unix - n n - - virtual
			error unix - - n - - error
			retry unix - - n - - error
			discard unix - - n - - discard
			anvil unix - - n - 1 anvil
			postlog unix-dgram n - n - 1 postlogd
		END
	} >"$pf/etc/master.cf"
}

postfix_libraries() {
	[ -x "$mta/usr/lib/postfix/sbin/master" ] || skip "no Postfix unpacked in $mta"
	mta_libs=$mta/usr/lib/postfix:$(compgen -G "$mta/usr/lib/*-linux-gnu" | head -n 1):$(compgen -G "$mta/lib/*-linux-gnu" | head -n 1)
}

postfix_start() {
	postfix_libraries
	# By a short way: the names of its sockets must fit 108 octets.
	mkdir -p "$pf" /run/pf
	mount --bind "$pf" /run/pf || exit 70
	pf=/run/pf
	mkdir -p "$pf"/{etc,queue,data,log} "$W/mail"
	chmod 755 "$pf" "$pf"/*
	chown postfix "$pf/data"
	chown mailbox:mailbox "$W/mail"
	postfix_configure
	(
		cd "$pf/queue" || exit 1
		mkdir -p active bounce corrupt defer deferred flush hold incoming private saved trace pid public maildrop
		chown postfix active bounce corrupt defer deferred flush hold incoming private saved trace
		chown postfix:postdrop public maildrop
		chmod 700 active bounce corrupt defer deferred flush hold incoming private saved trace
		chmod 710 public
		chmod 730 maildrop
	)
	LD_LIBRARY_PATH=$mta_libs "$mta/usr/lib/postfix/sbin/master" -c "$pf/etc" -d >"$W/postfix.out" 2>&1 &
	until_true 20 listening 127.0.0.10 25 || fail "Postfix does not start: $(cat "$W/postfix.out" "$pf/log/mail.log")"
	mx 127.0.0.10
}

# mx ADDRESS: mx.b.example is there from now on
mx() {
	sed -i '/ mx\.b\.example/d' /etc/hosts
	echo "$1 mx.b.example mail.b.example" >>/etc/hosts
}

listening() { ss -Hltn "sport = :$2" | grep -Fq " $1:$2 "; }

stored_count() { [ -d "$W/mail/new" ] && find "$W/mail/new" -type f | wc -l || echo 0; }
has_stored() { [ "$(stored_count)" -ge "$1" ]; }

# stored [N]: waits for message N (default 1) and leaves it in $W/stored, its body in $W/stored.body
stored() {
	local n=${1:-1} file
	until_true 20 has_stored "$n" || fail "message $n did not arrive: $(tail -n 5 "$pf/log/mail.log")"
	file=$(find "$W/mail/new" -type f -printf '%T@ %p\n' | sort -n | sed -n "${n}s/^[^ ]* //p")
	cp "$file" "$W/stored"
	sed '1,/^$/d' "$W/stored" >"$W/stored.body"
	checks=$((checks + 1))
}

received_line() { sed -n '/^Received:/,/^[^ \t]/{/^Received:/p;/^[ \t]/p}' "$W/stored" | tr -s '\n\t ' ' '; }
over_tls() { [ "$native" = 1 ] && return; checks=$((checks + 1)); received_line | grep -Eq ' with ESMTPS | \(using TLSv1' || fail "not over TLS: $(received_line)"; }
over_clear() { checks=$((checks + 1)); received_line | grep -Eq ' with E?SMTP ' || fail "not in the clear: $(received_line)"; }
