# TLS sessions that are resumed: by whom and for what, and what comes of a server that cannot bear it. What a server
# recorded says whether a session was offered to it, and what became of that.
# shellcheck shell=bash

on=('session_resumption = true' 'connection_reuse = 0')
starttls=$'send 220 hostile ESMTP\nkeywords STARTTLS|PIPELINING\nserve'

# what became of each handshake, in order
sessions() { sed -nE 's/.* # tls .* session=([a-z]+)$/\1/p; s/.* # session offered: .*/failed/p' "$W/transcript" | paste -sd ' '; }
# delivered N SESSIONS: so many messages arrived, all of them inside TLS
delivered() {
	equal "$status" 0 "delivery $1"
	nothing_plain
	equal "$(grep -c ' tls C: "MAIL' "$W/transcript")" "$1" "messages that the server heard"
	equal "$(sessions)" "$2" "sessions"
}
# refused SESSIONS
refused() {
	refute test "$status" = 0
	holds "$W/client.out" '<\*\* 454 4\.7\.5 mailseal: '
	nothing_plain
	equal "$(sessions)" "$1" "sessions"
}

t_resumed_at_postfix() {
	local address
	product
	postfix_start
	sed -i 's/^smtpd_tls_loglevel = 1/smtpd_tls_loglevel = 2/' "$pf/etc/main.cf"
	policy 'require_tls = true' 'verify_certificate = true' "${on[@]}"
	for address in 127.0.0.15 127.0.0.17; do # TLS 1.2 and 1.3
		mx $address
		: >"$log"
		use_swaks; equal "$status" 0 "the first at $address"
		logged 'certificate-verified=yes resumed=no reason=""'
		use_swaks; equal "$status" 0 "the second at $address"
		logged 'certificate-verified=yes resumed=yes reason="" .*verdict=tls-verified'
	done
	stored 4
	over_tls
	equal "$(grep -c 'Reusing old session' "$pf/log/mail.log")" 2 "sessions that Postfix resumed"
}

t_switched_off_nothing_is_offered() {
	product
	policy 'session_resumption = false' 'connection_reuse = 0'
	hostile <<<"$starttls"
	use_swaks; delivered 1 new
	use_swaks; delivered 2 'new new'
	logged 'resumed=no'
	lacks "$log" 'resumed=yes'
}

# Where TLS is no condition, it must not be the price of an attempt to spare some of it.
cannot_bear_it() {
	hostile <<-END
		$starttls
		connection
		offered $1
		$starttls
	END
	policy "${on[@]}"
	use_swaks; delivered 1 new
	use_swaks; delivered 2 'new failed new'
	use_swaks; delivered 3 'new failed new new'
	logged 'resumed=no'
	lacks "$log" 'resumed=yes'
}
t_alert_to_an_offer_is_followed_by_a_full_handshake() { product; cannot_bear_it alert; }
t_garbage_to_an_offer_is_followed_by_a_full_handshake() { product; cannot_bear_it garbage; }
t_close_at_an_offer_is_followed_by_a_full_handshake() { product; cannot_bear_it close; }
t_stall_at_an_offer_is_followed_by_a_full_handshake() { fast_product; cannot_bear_it stall; }

t_full_handshake_after_a_failed_one_may_fail_too() {
	product
	hostile <<-END
		$starttls
		connection
		offered alert
		$starttls
		connection
		cert wrongname
		$starttls
	END
	policy 'require_tls = true' 'verify_certificate = true' "${on[@]}"
	use_swaks; delivered 1 new
	use_swaks; refused 'new failed new'
}

# Who can resume has the keys of the server that showed the good certificate. Who cannot shows what it has.
t_certificate_that_went_bad() {
	product
	hostile <<-END
		ticketkey 1
		$starttls
		connection
		ticketkey 1
		cert wrongname
		$starttls
		connection
		ticketkey 7
		cert wrongname
		$starttls
	END
	policy 'require_tls = true' 'verify_certificate = true' "${on[@]}"
	use_swaks; delivered 1 new
	use_swaks; delivered 2 'new resumed'
	logged 'certificate-verified=yes resumed=yes'
	use_swaks; refused 'new resumed declined'
	logged 'certificate-verified=no resumed=no reason="name mismatch: certificate is for other\.example"'
	use_swaks; refused 'new resumed declined new'
}

# A message may demand what the configuration does not.
t_bad_certificate_is_looked_at_again_where_a_message_demands_it() {
	product
	hostile <<-END
		ticketkey 1
		cert wrongname
		$starttls
		connection
		ticketkey 1
		cert wrongname
		$starttls
		connection
		ticketkey 1
		$starttls
	END
	policy 'require_tls = true' 'verify_certificate = false' "${on[@]}"
	use_swaks; delivered 1 new
	use_swaks; delivered 2 'new resumed'
	logged 'certificate-verified=no resumed=yes reason="name mismatch: certificate is for other\.example"'
	use_swaks --add-header 'Mailseal-Verify-Certificate: yes'; refused 'new resumed resumed'
	use_swaks --add-header 'Mailseal-Verify-Certificate: yes'; delivered 4 'new resumed resumed new' # MAIL twice, content once
	equal "$(grep -c ' tls # data' "$W/transcript")" 3 "contents that the server heard"
	logged 'certificate-verified=yes resumed=no reason=""'
}

t_session_is_for_one_next_hop_and_one_configuration() {
	local agent
	product
	hostile <<<"$starttls"
	at=127.0.0.20:25 transcript=$W/transcript.other hostile <<<"$starttls"
	policy "${on[@]}"
	use_swaks; delivered 1 new
	agent=$(agents)
	use_swaks --server mail.b.example; delivered 2 'new new'
	use_swaks; delivered 3 'new new resumed'
	mx 127.0.0.20
	use_swaks
	holds "$W/transcript.other" ' # tls .* session=new$'
	mx 127.0.0.10
	mkdir "$W/mailseal.d"
	echo 'sender "elsewhere.example" { require_tls = true }' >"$W/mailseal.d/domains.conf"
	sleep 0.2 # a file of this very moment is read once more
	use_swaks; delivered 4 'new new resumed new'
	use_swaks; delivered 5 'new new resumed new resumed'
	equal "$(agents)" "$agent" "the agents"
}

t_flood_of_tickets_ends_the_connection_and_no_more() {
	local agent
	product
	hostile <<-END
		$starttls
		connection
		tickets 10000
		$starttls
		connection
		tickets 2 6000
		$starttls
	END
	policy 'require_tls = true' "${on[@]}"
	use_swaks; delivered 1 new
	agent=$(agents)
	use_swaks
	refute test "$status" = 0
	nothing_plain
	logged 'floods with TLS records'
	use_swaks; delivered 2 'new resumed new'
	use_swaks; delivered 3 'new resumed new new'
	equal "$(agents)" "$agent" "the agents"
}

t_session_is_for_one_port() {
	product
	hostile <<<"$starttls"
	export MAILSEAL_PORTS=25,587
	at=127.0.0.10:587 transcript=$W/transcript.submission hostile <<<"$starttls"
	policy "${on[@]}"
	use_swaks; delivered 1 new
	use_swaks --port 587
	holds "$W/transcript.submission" ' # tls .* session=new$'
	use_swaks; delivered 2 'new resumed'
	use_swaks --port 587
	holds "$W/transcript.submission" ' # tls .* session=resumed$'
}

# as UID: swaks of that user; elsewhere: of user 1234, three times, in a network with a server of its own, which plays $there
as() { sealed setpriv --reuid "$1" --regid "$1" --clear-groups swaks --to a@b.example --server mx.b.example; }
elsewhere() {
	# shellcheck disable=SC2016
	sealed unshare -n bash -c 'ip link set lo up && "$1"/hostile -l 127.0.0.10:25 -t "$2" -d "$4" -p "$3" "$5" >/dev/null
		for i in 1 2 3; do
			setpriv --reuid 1234 --regid 1234 --clear-groups swaks --to a@b.example --server mx.b.example; echo "status=$?"
		done' - "$bin" "$W/transcript.there" "$pki" "$W/data" "$there"
}

t_users_and_networks_share_no_sessions() {
	local system
	product
	policy "${on[@]}"
	mkdir -p /run/mailseal
	: >"$W/system.log"
	chmod 666 "$W/system.log"
	"$MAILSEAL_AGENT" --listen /run/mailseal/agent.sock --config "$conf" --log "$W/system.log" &
	system=$!
	until_true 5 test -S /run/mailseal/agent.sock || fail "no system agent"
	export MAILSEAL_SOCKET=/run/mailseal/agent.sock
	hostile <<<"$starttls"
	as 1234; delivered 1 new
	as 1234; delivered 2 'new resumed'
	as 1235; delivered 3 'new resumed new'
	# the same address, the same name, the same user; and a server that could resume
	there=$W/there
	printf '%s\nconnection\noffered alert\n%s\n' "$starttls" "$starttls" >"$there"
	elsewhere
	# where no fresh connection can be made, the failure is the connection's, never the clear
	holds "$W/client.out" '421 .*the application.s network is another one'
	equal "$(sed -nE 's/.* # tls .* session=([a-z]+)$/\1/p; s/.* # session offered: .*/failed/p' "$W/transcript.there" | paste -sd ' ')" \
		'new failed new' "sessions there"
	equal "$(grep -c ' tls C: "MAIL' "$W/transcript.there")" 2 "messages that the server there heard"
	lacks "$W/transcript.there" ' plain C: "MAIL'
	as 1234; delivered 4 'new resumed new resumed'
	kill -TERM $system
	wait $system
}
