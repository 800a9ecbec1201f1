# A changed configuration counts from the next connection on, for a program that goes on running; one
# with an error lets nothing through until it is mended. By hand, and by `mailseal policy`.
# shellcheck shell=bash

orders=0
# A long-lived application: begin, then next SENDER PATTERN for each of its connections.
begin() {
	mkfifo "$W/orders"
	LD_PRELOAD=$BUILD/libmailseal.so /usr/bin/python3 "$E2E/clients/serial.py" mx.b.example 25 "$W/orders" >"$W/client.out" 2>&1 &
	application=$!
	exec 7>"$W/orders"
}
next() {
	orders=$((orders + 1))
	echo "$1" >&7
	until_true 20 grep -q "^$orders " "$W/client.out" || fail "no end of connection $orders: $(cat "$W/client.out")"
	holds "$W/client.out" "^$orders $2"
	check kill -0 "$application"
}
count=0
came() { count=$((count + 1)); stored $count; "$1"; holds "$W/stored.body" "text $orders\$"; }
nothing_came() { equal "$(stored_count)" $count "messages stored"; }
connects() { grep -c ': connect from' "$pf/log/mail.log"; }

# broken PATTERN [ADVICE]: connections fail, the server sees none, the log says why, and what to do
broken() {
	local before
	before=$(connects)
	: >"$log"
	next s@a.example ECONNREFUSED
	next s@a.example ECONNREFUSED
	logged "event=connect-refused .*$1"
	holds "$log" "${2-mailseal check}"
	equal "$(connects)" "$before" "connections at the server"
	nothing_came
}

t_edited_main_file() {
	product
	postfix_start
	mx 127.0.0.14
	policy
	begin
	next s@a.example sent; came over_clear
	policy 'require_tls = true' 'message_override = "tighten"'
	next s@a.example '454 4\.7\.4 mailseal'; nothing_came
	policy 'require_tls = true' 'message_override = "tighten"' -- 'sender "a.example" { require_tls = false }'
	next s@a.example sent; came over_clear
	next s@elsewhere.example '454 4\.7\.4 mailseal'; nothing_came
	policy 'require_tls = treu'
	broken 'mailseal\.conf:3: .*require_tls'
	policy 'requires_tls = true'
	broken 'mailseal\.conf:3: .*requires_tls.*require_tls'
	policy -- 'sender "a.example" { ca_file = "/x.pem" }'
	broken 'mailseal\.conf:4: .*ca_file'
	policy -- 'sender "a.example" { require_tls = true }' 'sender "A.Example" { require_tls = false }'
	broken 'mailseal\.conf:5: sender .*A\.Example.*line 4'
	printf 'default {' >"$conf"
	broken 'mailseal\.conf'
	rm "$conf"
	broken 'cannot read the configuration file.*mailseal\.conf' ''
	policy
	next s@a.example sent; came over_clear
	mx 127.0.0.10
	next s@a.example sent; came over_tls
}

t_edited_domains_file() {
	local agent domains=$W/mailseal.d/domains.conf
	product
	postfix_start
	mx 127.0.0.14
	policy
	begin
	next s@a.example sent; came over_clear
	agent=$(agents)
	mkdir "$W/mailseal.d"
	echo 'sender "a.example" { require_tls = true message_override = "tighten" }' >"$domains"
	next s@a.example '454 4\.7\.4 mailseal: .*require_tls by sender "a\.example", .*domains\.conf:1'; nothing_came
	next s@elsewhere.example sent; came over_clear
	# twice within the granularity of file times, the same size, in place
	sed -i 's/ true/false/' "$domains"
	next s@a.example sent; came over_clear
	echo 'sender "a.example" { require_tls = true message_override = "tighten" }' >"$domains"
	next s@a.example '454 4\.7\.4 mailseal'; nothing_came
	echo 'sender "a.example" { require_tls =false message_override = "tighten" }' >"$domains"
	next s@a.example sent; came over_clear
	# no agent of its own for that: the file beside the configuration is read anew
	equal "$(agents)" "$agent" "agents"
	echo 'sender "a.example" { require_tls = perhaps }' >"$domains"
	broken 'domains\.conf:1: .*require_tls'
	echo 'default { require_tls = true }' >"$domains"
	broken 'domains\.conf:1: .*default'
	printf 'sender "a.example" {\n' >"$domains"
	broken 'domains\.conf'
	# a section that stands in both files
	policy -- 'sender "a.example" { require_tls = true }'
	echo 'sender "a.example" { require_tls = false }' >"$domains"
	broken '(domains|mailseal)\.conf:[0-9]+: .*a\.example.*(domains|mailseal)\.conf:[0-9]+'
	rm "$domains"
	ln -s "$W/nowhere" "$domains"
	broken 'domains\.conf'
	rm "$domains"
	policy
	next s@a.example sent; came over_clear
}

t_policy_command_counts_at_once() {
	local ms=$BUILD/mailseal agent
	product
	[ -x "$ms" ] || skip "no $ms"
	postfix_start
	mx 127.0.0.14
	policy
	begin
	next s@a.example sent; came over_clear
	agent=$(agents)
	check "$ms" policy set sender a.example require_tls=true message_override=tighten violation=reject
	next s@a.example '550 5\.7\.4 mailseal: .*require_tls by sender "a\.example", .*domains\.conf:[0-9]+'; nothing_came
	next s@elsewhere.example sent; came over_clear
	check "$ms" policy set recipient b.example require_tls=true message_override=tighten
	next s@elsewhere.example '454 4\.7\.4 mailseal: .*require_tls by recipient "b\.example"'; nothing_came
	check "$ms" policy unset recipient b.example
	next s@elsewhere.example sent; came over_clear
	# what is refused changes nothing
	cp "$W/mailseal.d/domains.conf" "$W/before"
	refute "$ms" policy set sender a.example require_tls=perhaps
	refute "$ms" policy set sender a.example ca_file=/x.pem
	same_file "$W/before" "$W/mailseal.d/domains.conf"
	next s@a.example '550 5\.7\.4 mailseal'; nothing_came
	check "$ms" policy unset sender a.example require_tls
	next s@a.example sent; came over_clear
	equal "$(agents)" "$agent" "agents"
	check "$ms" policy set host mx.b.example require_tls=true message_override=tighten
	next s@a.example '550 5\.7\.4 mailseal: .*require_tls by host "mx\.b\.example"'; nothing_came
	mx 127.0.0.10
	next s@a.example sent; came over_tls
}

# Many changes while many connections are made: each connection follows one file or the other, none both,
# and none fails.
t_changes_under_load() {
	local ms=$BUILD/mailseal i clients=()
	product
	[ -x "$ms" ] || skip "no $ms"
	at=127.0.0.14:25 hostile <<-'END'
		send 220 x
		serve
	END
	sed -i 's/^127.0.0.10 /127.0.0.14 /' /etc/hosts
	policy
	for i in 1 2 3; do
		yes s@a.example | head -n 60 >"$W/orders.$i"
		LD_PRELOAD=$BUILD/libmailseal.so /usr/bin/python3 "$E2E/clients/serial.py" mx.b.example 25 "$W/orders.$i" >"$W/out.$i" 2>&1 &
		clients+=($!)
	done
	for i in $(seq 12); do
		check "$ms" policy set sender a.example require_tls=true message_override=tighten >/dev/null
		check "$ms" policy unset sender a.example >/dev/null
	done 2>/dev/null
	wait "${clients[@]}"
	for i in 1 2 3; do
		equal "$(wc -l <"$W/out.$i")" 60 "connections"
		lacks "$W/out.$i" '^[0-9]+ ([A-Z]|5|[0-35-9])'
		checks=$((checks + 1))
		! grep -v -e ' sent$' -e '^[0-9]* 454 4\.7\.4 mailseal: .*sender "a\.example"' "$W/out.$i" || fail "another outcome"
	done
	settle
	equal "$(cat "$W"/out.* | grep -c ' sent$')" "$(grep -c 'plain # data' "$W/transcript")" "messages"
}
