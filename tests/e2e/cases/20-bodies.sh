# Bodies arrive byte for byte, in constant memory.
# shellcheck shell=bash

# body FILE: sends FILE (CRLF or LF line ends) and compares what the hostile server stored raw.
raw_body() {
	product
	policy 'require_tls = true'
	hostile good_server.hs
	sealed /usr/bin/python3 "$E2E/clients/raw_body.py" mx.b.example 25 "$1"
	equal "$status" 0
	settle
	nothing_plain
	same_file "$1" "$W/data/1-1"
}

t_leading_dots() {
	printf '..\r\n..x\r\n...\r\nno dot\r\n..\r\n' >"$W/body"
	raw_body "$W/body"
}
t_empty_body() {
	: >"$W/body"
	raw_body "$W/body"
}
t_empty_lines() {
	printf '\r\n\r\n\r\n' >"$W/body"
	raw_body "$W/body"
}
t_long_lines() {
	{ head -c 998 /dev/zero | tr '\0' a; printf '\r\n'; head -c 5000 /dev/zero | tr '\0' b
		printf '\r\n'; head -c 1000000 /dev/zero | tr '\0' c; printf '\r\nend\r\n'; } >"$W/body"
	raw_body "$W/body"
}
t_eight_bit() {
	{ printf 'h\303\244 \377\376\200\r\n'; printf '\001\002\033\177\r\n'; } >"$W/body"
	raw_body "$W/body"
}
t_every_chunk_boundary() {
	# a dot, a CR, an LF at every place that a buffer could end
	local i
	for i in $(seq 4000); do printf 'x%.0s' $(seq $((i % 7))); printf '\r\n..\r\n'; done >"$W/body"
	raw_body "$W/body"
}
t_ten_megabytes() {
	head -c 7500000 /dev/urandom | base64 | sed 's/$/\r/' >"$W/body"
	raw_body "$W/body"
}

# timeout: 120
t_fifty_megabytes_in_constant_memory() {
	local agent peak
	product
	policy 'require_tls = true'
	hostile good_server.hs
	head -c 39000000 /dev/urandom | base64 | sed 's/$/\r/' >"$W/body"
	sealed /usr/bin/python3 "$E2E/clients/raw_body.py" mx.b.example 25 "$W/body"
	equal "$status" 0
	agent=$(agents)
	check test -n "$agent"
	peak=$(proc_kb "$agent" VmHWM)
	echo "peak of the agent: $peak kB"
	checks=$((checks + 1))
	[ "$peak" -lt 30000 ] || fail "the agent took $peak kB"
	settle
	same_file "$W/body" "$W/data/1-1"
	rm -f "$W/body" "$W/data/1-1"
}

t_slow_server_does_not_fill_the_agent() {
	# the server stops reading: the agent must stop too, not buffer
	local agent peak
	product
	policy
	hostile <<-'END'
		send 220 hostile ESMTP
		keywords STARTTLS
		serve DATA
		send 354 go
		sleep 6000
		readdata
		send 250 2.0.0 kept
		serve
	END
	yes "$(printf '%070d' 0)" | head -c 20000000 | sed -e '$d' -e 's/$/\r/' >"$W/body"
	LD_PRELOAD=$BUILD/libmailseal.so /usr/bin/python3 "$E2E/clients/raw_body.py" mx.b.example 25 "$W/body" \
		>"$W/client.out" 2>&1 &
	sleep 4
	agent=$(agents)
	check test -n "$agent"
	peak=$(proc_kb "$agent" VmHWM)
	check wait $!
	checks=$((checks + 1))
	[ "$peak" -lt 30000 ] || fail "the agent took $peak kB"
	same_file "$W/body" "$W/data/1-1"
}

# Bare CR and LF near a lone dot: no smuggling. ODD is what stands in the content.
smuggle() {
	product
	policy
	hostile good_server.hs
	printf "Subject: x\r\n\r\nfirst${1}MAIL FROM:<smuggler@a.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\nsmuggled\r\n.\r\n" >"$W/body"
	sealed /usr/bin/python3 "$E2E/clients/raw_body.py" mx.b.example 25 "$W/body" as-is
	settle
	lacks "$W/transcript" 'smuggler'
	lacks "$W/transcript" 'S: "250 2.0.0 kept'
	lacks "$W/client.out" '250 2\.0\.0 kept'
}
t_smuggling_lf_dot_lf() { smuggle '\n.\n'; }
t_smuggling_lf_dot_crlf() { smuggle '\n.\r\n'; }
t_smuggling_crlf_dot_lf() { smuggle '\r\n.\n'; }
t_smuggling_crlf_dot_cr() { smuggle '\r\n.\r'; }
t_smuggling_cr_dot_crlf() { smuggle '\r.\r\n'; }
