# Which name a certificate must show, for programs that ask the DNS themselves: the MX host's, and whose MX it is.
# Two mail servers as clients, Postfix's smtp(8) and Exim, and a name server of the case's own.
# shellcheck shell=bash

# zone: names at 127.0.0.1:53. Certificates are good at .10 for mx and mx2.b.example, at .13 for another name;
# nobody listens at .66.
zone() {
	need dnsmasq
	cat >"$W/dnsmasq.conf" <<-END
		no-daemon
		no-resolv
		no-hosts
		user=root
		pid-file=$W/dnsmasq.pid
		listen-address=127.0.0.1
		bind-interfaces
		log-queries
		log-facility=$W/dns.log
		local=/example/
		host-record=mx.b.example,127.0.0.10
		host-record=mx2.b.example,127.0.0.10
		host-record=wrong.b.example,127.0.0.13
		host-record=dead.b.example,127.0.0.66
		host-record=plain.b.example,127.0.0.14
		mx-host=b.example,mx.b.example,10
		mx-host=x.bank.example,mx2.b.example,10
		mx-host=bank.example,wrong.b.example,10
		mx-host=open.example,dead.b.example,10
		mx-host=open.example,wrong.b.example,20
		mx-host=open.example,mx.b.example,30
		host-record=elsewhere.example,127.0.0.10
		mx-host=x.b.example,elsewhere.example,10
		mx-host=soft.example,plain.b.example,10
	END
	: >"$W/dns.log"
	dnsmasq -C "$W/dnsmasq.conf" >"$W/dnsmasq.out" 2>&1 &
	until_true 10 grep -q started "$W/dns.log" || fail "dnsmasq does not start: $(cat "$W/dnsmasq.out" "$W/dns.log")"
}

begin() {
	product
	policy 'require_tls = true' 'message_override = "ignore"'
	zone
	postfix_start
	message "$W/message"
}

# --- Postfix as the client -------------------------------------------------------------------------------------

# The README's line for main.cf, with the library's true place and these VARIABLE=VALUEs.
imported() {
	sed -n 's/^    \(import_environment = .*\) MAILSEAL_CONFIG=.*/\1/p' "$ROOT/README.md" |
		sed "s|=/usr/local/lib/mailseal/|=$BUILD/|; s|\$| $*|"
}

# sender [CHROOT [VARIABLE=VALUE ...]]: a second Postfix, which takes mail at 127.0.0.1:2525 and relays it by MX with
# the library preloaded, as main.cf tells it. CHROOT: n (usual) or y, for smtp(8).
sender() {
	local chroot=${1:-n}
	[ $# = 0 ] || shift
	[ $# -gt 0 ] || set -- MAILSEAL_CONFIG="$conf" MAILSEAL_LOG="$log" MAILSEAL_AGENT="$MAILSEAL_AGENT"
	pc=/run/pc
	mkdir -p "$W/sender" $pc
	mount --bind "$W/sender" $pc || exit 70
	mkdir -p $pc/{etc,queue,data,log}
	chmod 755 "$W/sender" $pc/*
	chown postfix $pc/data
	cat >$pc/etc/main.cf <<-END
		compatibility_level = 3.6
		config_directory = $pc/etc
		queue_directory = $pc/queue
		data_directory = $pc/data
		daemon_directory = $mta/usr/lib/postfix/sbin
		command_directory = $mta/usr/sbin
		shlib_directory = $mta/usr/lib/postfix
		meta_directory = $pc/etc
		mail_owner = postfix
		setgid_group = postdrop
		$(imported MAIL_CONFIG=$pc/etc PATH="$PATH" LD_LIBRARY_PATH="$mta_libs" "$@")
		maillog_file = $pc/log/mail.log
		maillog_file_prefixes = $pc/log
		inet_interfaces = 127.0.0.1
		inet_protocols = ipv4
		myhostname = client.a.example
		mydestination =
		mynetworks = 127.0.0.0/8
		smtpd_relay_restrictions = permit_mynetworks, reject
		smtpd_peername_lookup = no
		alias_maps =
		local_recipient_maps =
		notify_classes =
		smtp_tls_security_level = ${smtp_tls:-none}
		${cached:-smtp_connection_cache_on_demand = no}
	END
	cat >$pc/etc/master.cf <<-END
		127.0.0.1:2525 inet n - n - - smtpd
		cleanup unix n - n - 0 cleanup
		qmgr unix n - n 300 1 qmgr
		rewrite unix - - n - - trivial-rewrite
		bounce unix - - n - 0 bounce
		defer unix - - n - 0 bounce
		trace unix - - n - 0 bounce
		flush unix n - n 1000? 0 flush
		proxymap unix - - n - - proxymap
		smtp unix - - $chroot - - smtp
		error unix - - n - - error
		retry unix - - n - - error
		anvil unix - - n - 1 anvil
		scache unix - - n - 1 scache
		postlog unix-dgram n - n - 1 postlogd
	END
	(
		cd $pc/queue || exit 1
		mkdir -p active bounce corrupt defer deferred flush hold incoming private saved trace pid public maildrop
		chown postfix active bounce corrupt defer deferred flush hold incoming private saved trace
		chown postfix:postdrop public maildrop
		chmod 700 active bounce corrupt defer deferred flush hold incoming private saved trace
	)
	LD_LIBRARY_PATH=$mta_libs "$mta/usr/lib/postfix/sbin/master" -c $pc/etc -d >"$W/sender.out" 2>&1 &
	until_true 20 listening 127.0.0.1 2525 || fail "the sender does not start: $(cat "$W/sender.out" $pc/log/mail.log)"
}

# hand_over RECIPIENT ...: to the sender, without the library, as mail comes to a relay
hand_over() {
	local to=
	for r; do to=$to${to:+,}$r; done
	plain swaks --to "$to" --from sender@a.example --server 127.0.0.1 --port 2525 --helo local.a.example \
		--data "@$W/message.swaks"
	equal "$status" 0 "handing over to the sender"
}

# sender_said PATTERN: in its log, which may take a moment
sender_said() {
	until_true 20 grep -Eq -- "$1" $pc/log/mail.log
	holds $pc/log/mail.log "$1"
}

nothing_stored() { checks=$((checks + 1)); ! has_stored 1 || fail "a message arrived"; }

t_postfix_is_held_to_the_name_of_the_mx_host() {
	begin
	capture_start
	sender
	hand_over a@b.example
	sender_said 'to=<a@b\.example>, relay=mx\.b\.example\[127\.0\.0\.10\]:25,.* status=sent \(250 '
	stored 1
	capture_stop
	over_tls
	wire starttls a@b.example SECRET
	logged 'exe="[^"]*smtp" unit="[^"]*" host="mx\.b\.example" mx-domain="b\.example" addr=127\.0\.0\.10:25 reference="mx\.b\.example" .*verdict=tls-verified'
}

# It would encrypt if it were shown STARTTLS, without looking at the certificate.
t_postfix_that_may_encrypt_gets_the_agents_tls() {
	local smtp_tls=may
	begin
	policy
	sender
	hand_over a@b.example
	sender_said 'to=<a@b\.example>, .* status=sent \(250 '
	stored 1
	over_tls
	logged 'event=transaction .*exe="[^"]*smtp" .*verdict=tls-verified'
	lacks "$log" 'event=application-tls'
}

t_postfix_is_refused_a_server_of_another_name() {
	begin
	sender
	hand_over a@bank.example
	sender_said 'to=<a@bank\.example>, relay=wrong\.b\.example.* status=deferred .*454 4\.7\.5 mailseal: certificate of wrong\.b\.example not valid'
	logged 'host="wrong\.b\.example" mx-domain="bank\.example" .*reference="wrong\.b\.example" .*verdict=blocked'
	hand_over a@soft.example
	sender_said 'to=<a@soft\.example>, relay=plain\.b\.example.* status=deferred .*454 4\.7\.4 mailseal: '
	nothing_stored
}

# The first host refuses connections, the second shows a certificate for another name, the third is good.
t_postfix_fails_over_to_the_next_mx_host() {
	begin
	sender
	hand_over a@open.example
	sender_said 'connect to dead\.b\.example\[127\.0\.0\.66\]:25: Connection refused'
	sender_said 'relay=mx\.b\.example.* status=sent'
	stored 1
	over_tls
	logged 'event=connect-refused .*host="dead\.b\.example" mx-domain="open\.example"'
	logged 'host="wrong\.b\.example" mx-domain="open\.example" .*verdict=blocked'
	logged 'host="mx\.b\.example" mx-domain="open\.example" .*verdict=tls-verified'
}

# One process, two hosts at one address: the certificate must be for both.
t_postfix_may_have_several_names_for_an_address() {
	begin
	sender
	hand_over a@b.example
	stored 1
	hand_over a@x.bank.example
	stored 2
	logged 'host="mx2\.b\.example" mx-domain="x\.bank\.example" .*reference="mx2\.b\.example,mx\.b\.example" .*verdict=tls-verified'
}

# The second domain's host has the first one's address, and the certificate is not for its name. A connection that
# Postfix keeps goes by the address alone: hence the README's line on the cache.
to_another_host_at_one_address() {
	begin
	sender
	hand_over a@b.example
	stored 1
	hand_over a@x.b.example
}

t_postfix_goes_to_another_host_at_one_address() {
	check grep -qx '    smtp_connection_cache_on_demand = no' "$ROOT/README.md"
	to_another_host_at_one_address
	sender_said 'to=<a@x\.b\.example>, relay=elsewhere\.example.* status=deferred .*454 4\.7\.5 mailseal: certificate of .* not valid'
	refute has_stored 2
}

t_postfix_asks_nobody_where_it_kept_the_connection() {
	cached='smtp_connection_cache_destinations = static:all' to_another_host_at_one_address
	sender_said 'to=<a@x\.b\.example>, relay=elsewhere\.example.* conn_use=2, .* status=sent'
	logged 'host="mx\.b\.example" .*recipients="a@x\.b\.example"'
}

t_postfix_in_a_chroot_is_served_by_the_system_agent() {
	begin
	mkdir -p /run/mailseal
	"$MAILSEAL_AGENT" --listen /run/mailseal/agent.sock --config "$conf" --log "$log" 2>"$W/agent.err" &
	until_true 5 test -S /run/mailseal/agent.sock || fail "the system agent does not listen: $(cat "$W/agent.err")"
	unset MAILSEAL_CONFIG
	sender y MAILSEAL_LOG="$log"
	mkdir -p $pc/queue/etc
	cp /etc/resolv.conf $pc/queue/etc
	hand_over a@b.example
	stored 1
	over_tls
	logged 'mx-domain="b\.example" .*reference="mx\.b\.example" .*verdict=tls-verified'
	hand_over a@bank.example
	sender_said 'to=<a@bank\.example>, .* status=deferred .*454 4\.7\.5 mailseal: '
}

# --- Exim ------------------------------------------------------------------------------------------------------

t_exim_is_held_to_the_name_of_the_mx_host() {
	begin
	exim_prepare dns 'hosts_try_fastopen = *'
	capture_start
	use_exim "$W/message" a@b.example
	exim_said ' => a@b\.example .* H=mx\.b\.example \[127\.0\.0\.10\].* C="250 '
	stored 1
	capture_stop
	over_tls
	wire starttls a@b.example SECRET
	logged 'exe="[^"]*/exim4" unit="[^"]*" host="mx\.b\.example" mx-domain="b\.example" addr=127\.0\.0\.10:25 reference="mx\.b\.example" .*verdict=tls-verified'
}

t_exim_is_refused_a_server_of_another_name() {
	begin
	exim_prepare dns
	use_exim "$W/message" a@bank.example
	exim_said ' == a@bank\.example .*454 4\.7\.5 mailseal: certificate of wrong\.b\.example not valid'
	logged 'host="wrong\.b\.example" mx-domain="bank\.example" .*reference="wrong\.b\.example" .*verdict=blocked'
	nothing_stored
}

t_exim_fails_over_to_the_next_mx_host() {
	begin
	exim_prepare dns
	use_exim "$W/message" a@open.example
	exim_said ' => a@open\.example .* H=mx\.b\.example '
	stored 1
	over_tls
	logged 'event=connect-refused .*host="dead\.b\.example" mx-domain="open\.example"'
	logged 'host="wrong\.b\.example" mx-domain="open\.example" .*verdict=blocked'
	logged 'host="mx\.b\.example" mx-domain="open\.example" .*verdict=tls-verified'
}

# All hosts are asked for before the first connection is made, and all mail goes where it should.
t_exim_resolves_many_domains_first() {
	begin
	exim_prepare dns
	use_exim "$W/message" a@b.example a@x.bank.example a@open.example a@bank.example
	exim_said ' == a@bank\.example .*454 4\.7\.5 mailseal: '
	stored 3
	over_tls
	logged 'host="mx2?\.b\.example" .*reference="mx2?\.b\.example,mx2?\.b\.example" .*verdict=tls-verified'
}

# Messages that wait for the same host go over one connection, which a new program inherits each time.
t_exim_hands_the_connection_to_its_next_program() {
	begin
	exim_prepare dns
	how=-odq use_exim "$W/message" a@b.example
	how=-odq use_exim "$W/message" b@b.example
	sealed_exim -qqff
	stored 2
	over_tls
	exim_said ' => [ab]@b\.example .* H=mx\.b\.example \[127\.0\.0\.10\]\* C="250 ' # the star says so
	logged 'recipients="a@b\.example" .*verdict=tls-verified'
	logged 'recipients="b@b\.example" .*verdict=tls-verified'
}

# As it is installed, with the setuid bit: each delivery is a new start of the program that gains root, so that the
# loader ignores the environment. /etc/ld.so.preload reaches it, and what was compiled in counts.
setuid_exim() {
	begin
	in_usual_places
	cp "$conf" /etc/mailseal.conf
	compgen -G "$exim_dir/usr/lib/*-linux-gnu" >/etc/ld.so.conf.d/exim.conf
	ldconfig
	install -D -m 4755 "$exim_dir/usr/sbin/exim4" /run/setuid/usr/sbin/exim4
	exim_dir=/run/setuid
	exim_prepare dns 'hosts_avoid_tls = *'
	chmod 755 "$W" "$ex"
	unset "${!MAILSEAL_@}"
}
as_user() {
	plain setpriv --reuid mailbox --regid mailbox --clear-groups env LD_PRELOAD=/usr/local/lib/mailseal/libmailseal.so \
		/run/setuid/usr/sbin/exim4 -odf -oi -- "$@" <"$W/message"
}

t_exim_with_setuid_is_reached_by_ld_so_preload() {
	setuid_exim
	echo /usr/local/lib/mailseal/libmailseal.so >/etc/ld.so.preload
	as_user a@b.example
	exim_said ' => a@b\.example .* C="250 '
	stored 1
	over_tls
	as_user a@bank.example
	exim_said ' == a@bank\.example .*454 4\.7\.5 mailseal: certificate of wrong\.b\.example not valid'
}

t_exim_with_setuid_is_not_reached_by_the_environment() {
	setuid_exim
	as_user a@b.example
	exim_said ' => a@b\.example .* C="250 '
	stored 1
	over_clear
}

# --- programs with a resolver of their own ---------------------------------------------------------------------

own_resolver() { sealed /usr/bin/python3 "$E2E/clients/own_resolver.py" "$1" a@b.example; }

t_own_resolver_tells_no_name() {
	begin
	own_resolver mx.b.example
	holds "$W/client.out" '^MAIL: 454 4\.7\.5 mailseal: certificate of \[127\.0\.0\.10\] not valid'
	logged 'host="" addr=127\.0\.0\.10:25 reference=unknown .*verdict=blocked'
	nothing_stored
}

# The demands of each named host may be meant.
t_own_resolver_gets_the_strictest_section() {
	product
	policy 'message_override = "ignore"' -- 'host "elsewhere.example" {' 'require_tls = true' '}'
	zone
	postfix_start
	own_resolver plain.b.example
	holds "$W/client.out" '^MAIL: 454 4\.7\.4 mailseal: '
	logged 'host="" addr=127\.0\.0\.14:25 reference=unknown .*policy="require_tls by host \\"elsewhere\.example\\".*verdict=blocked'
	nothing_stored
}

t_address_is_the_reference_where_the_certificate_names_it() {
	product
	policy 'require_tls = true'
	{ echo 'cert ip'; cat "$ROOT/tests/hostile/scenarios/good_server.hs"; } | hostile
	use_swaks --server 127.0.0.10
	equal "$status" 0 "status of swaks"
	logged 'host="" addr=127\.0\.0\.10:25 reference=address .*verdict=tls-verified'
}
