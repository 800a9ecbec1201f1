# Many connections at once, on several threads of one agent.
# shellcheck shell=bash

# Three threads, whatever the machine has; or the agent under test, with as many as it has processors.
with_threads() { if [ -n "${E2E_AGENT:-}" ]; then product; else fast_product; fi; }
# send CONNECTIONS MESSAGES SIZE: in the background
send() {
	sealed /usr/bin/python3 "$E2E/clients/parallel.py" mx.b.example 25 "$@" "$W/taken" &
	client=$!
}
lanes() { cat /proc/"$1"/task/*/comm | grep -c '^seal-lane$'; }
has_taken() { [ "$(wc -l <"$W/taken")" -ge "$1" ]; }

# Which messages the server has to the last line, by their subjects.
whole() {
	/usr/bin/python3 - "$W/data" <<-'END'
		import os, re, sys
		for entry in os.scandir(sys.argv[1]):
		    with open(entry.path, "rb") as f:
		        content = f.read()
		    subject = re.match(rb"Subject: ([0-9-]+)\r\n", content)
		    if subject and content.endswith(b"\r\nend of " + subject[1] + b"\r\n"):
		        print(subject[1].decode())
	END
}

# The server has what the client was told that it has.
nothing_is_lost() {
	settle
	whole | sort >"$W/whole"
	sort "$W/taken" >"$W/taken.sorted"
	equal "$(comm -13 "$W/whole" "$W/taken.sorted")" '' "acknowledged and not kept"
}

t_forty_connections_on_several_threads() {
	local agent
	with_threads
	policy 'require_tls = true'
	hostile good_server.hs
	send 40 1 200000
	wait $client
	equal "$(wc -l <"$W/taken")" 40 "messages taken"
	agent=$(agents)
	[ -n "${E2E_AGENT:-}" ] || equal "$(lanes "$agent")" 2 "threads beside the first"
	nothing_is_lost
	equal "$(wc -l <"$W/whole")" 40 "messages kept"
	nothing_plain
	until_true 5 eval '[ "$(ls "/proc/'"$agent"'/fd" | wc -l)" -lt 20 ]' || fail "descriptors left: $(ls -l "/proc/$agent/fd")"
	kill -TERM "$agent"
	until_true 5 eval '[ "$(agents | wc -l)" = 0 ]' || fail "the agent does not end"
	lacks "$log" 'cut off'
}

# Half-way through it is told to stop: who waits for the reply to a message gets it.
t_told_to_stop_under_load_it_brings_every_reply() {
	with_threads
	policy 'require_tls = true'
	hostile good_server.hs
	send 20 400 20000
	until_true 10 has_taken 100 || fail "taken: $(cat "$W/taken")"
	kill -TERM "$(agents)"
	wait $client
	nothing_is_lost
	equal "$(comm -23 "$W/whole" "$W/taken.sorted")" '' "kept and not acknowledged"
	checks=$((checks + 1))
	[ "$(wc -l <"$W/taken")" -lt 8000 ] || fail "it was not told in time"
}

t_killed_under_load_it_has_told_no_lie() {
	with_threads
	policy 'require_tls = true'
	hostile good_server.hs
	send 20 400 20000
	until_true 10 has_taken 100 || fail "taken: $(cat "$W/taken")"
	kill -9 "$(agents)"
	wait $client
	nothing_is_lost
	checks=$((checks + 1))
	[ "$(wc -l <"$W/taken")" -lt 8000 ] || fail "it was not killed in time"
}

# What connections on all threads share is replaced meanwhile: policy, TLS contexts, the log.
t_reloaded_under_load() {
	local i editor
	with_threads
	policy 'require_tls = true'
	hostile good_server.hs
	mkdir "$W/mailseal.d"
	for i in $(seq 200); do
		echo "recipient \"$i.example\" { require_tls = true }" >"$W/mailseal.d/new"
		mv "$W/mailseal.d/new" "$W/mailseal.d/domains.conf"
		mv "$log" "$log.$i"
		sleep 0.02
	done &
	editor=$!
	for i in 1 2 3; do
		sealed /usr/bin/python3 "$E2E/clients/parallel.py" mx.b.example 25 12 2 3000 "$W/taken.$i"
		equal "$status" 0 "$(cat "$W/client.out")"
	done
	kill $editor
	wait $editor
	sleep 0.2
	equal "$(cat "$log"* | grep -c 'event=transaction .*certificate-verified=yes')" 72 "lines of the log"
	checks=$((checks + 1))
	cat "$log"* | grep -q event=reloaded || fail "it was not reloaded"
	equal "$(cat "$log"* | grep -c -v ' mailseal\[[0-9]*\]: event=.*[^ ]$')" 0 "broken lines"
}

# The next connect() fails by a clean error, who is connected goes on, and what is given back can be had again.
t_at_the_limit_of_descriptors_it_says_so() {
	local stand
	product
	policy 'require_tls = true'
	hostile good_server.hs
	sealed prlimit --nofile=64:64 /usr/bin/python3 "$E2E/clients/full.py" mx.b.example 25 50
	equal "$status" 0
	stand=$(sed -n 's/^stand: //p' "$W/client.out")
	checks=$((checks + 1))
	[ "$stand" -ge 20 ] && [ "$stand" -le 24 ] || fail "$stand connections: some descriptors are for other things"
	holds "$W/client.out" '^refused: EMFILE EMFILE EMFILE EMFILE$'
	holds "$W/client.out" '^message: 250 '
	holds "$W/client.out" '^again: up$'
	logged 'event=overload reason="the limit of 64 descriptors is reached, and a connection turned away; raise LimitNOFILE= of the unit, or ulimit -Hn"'
	equal "$(grep -c 'event=overload' "$log")" 1 "lines"
	holds "$W/data/1-1" 'still delivered'
}
