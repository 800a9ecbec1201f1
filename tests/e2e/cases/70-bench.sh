# The benchmark: that it works, and that its own programs do what it takes for granted. No figure is judged.
# shellcheck shell=bash

bench_programs() {
	[ -x "$mta/usr/sbin/smtp-source" ] || skip "no Postfix unpacked"
	make -s -f tests/bench/bench.mk BUILD="$BUILD" || fail "the benchmark's programs"
}

# counted NUMBER: the sink's counters of that place (see enum counter in sink.c), of its one thread
counted() { od -A n -t u8 -j $(($1 * 8)) -N 8 "$W/stats" | tr -d ' '; }

sink_listens() {
	"$BUILD/bench/bin/sink" --listen 127.0.0.10:25 --cert "$pki/good.pem" --key "$pki/good.key" --stats "$W/stats" \
		>"$W/sink.out" &
	until_true 5 grep -q listening "$W/sink.out" || fail "the sink does not listen"
}

t_clients_do_what_the_benchmark_says() {
	local program=$BUILD/bench/bin
	bench_programs
	sink_listens
	equal "$(/usr/bin/python3 tests/bench/sink_check.py 127.0.0.10 25)" "$(counted 3)" "messages"
	plain "$program/native" --messages 8 --sessions 2 --ca-dir "$pki/ca" mx.b.example
	equal "$status" 0 "native"
	equal "$(counted 1) $(counted 2)" "8 0" "handshakes, full and resumed"
	plain "$program/native" --messages 8 --ca-file "$pki/ca.pem" --resume --pipelining mx.b.example
	equal "$(counted 1) $(counted 2)" "9 7" "handshakes, full and resumed, with --resume"
	plain "$program/native" --ca-dir "$pki/ca" --name stranger.example mx.b.example
	equal "$status" 1 "native with another name"
	plain "$program/native" mx.b.example
	equal "$status" 1 "native without an authority"
	plain "$program/each" --times 3 --at-once 2 -- "$program/plain" --size 100000 mx.b.example
	equal "$status $(counted 0) $(counted 1)" "0 22 9" "each"
	plain "$program/each" --times 3 -- false
	equal "$status" 1 "each with a program that fails"
}

t_a_tiny_benchmark_gives_figures() {
	bench_programs
	product
	plain tests/bench/bench --scale tiny --rounds 1 --cells "latency bulk" --directory "$W/bench" "$BUILD"
	equal "$status" 0 "bench"
	check /usr/bin/python3 - "$W/bench/results.json" <<-'END'
		import json, sys
		results = json.load(open(sys.argv[1]))
		for cell, figure in (("latency", "p50"), ("latency", "p99"), ("bulk", "25 MB")):
		    for row in ("plaintext", "native", "mailseal"):
		        found = results["cells"][cell]["rows"][row][figure]
		        assert found["median"] > 0 and len(found["values"]) == 1, (cell, row, figure)
		        assert row == results["cells"][cell]["reference"] or found["ratio"]["median"] > 0
	END
}

# Longer than two delays, and only with both directions at work.
t_path_takes_its_time() {
	[ -c /dev/net/tun ] || skip "no /dev/net/tun"
	make -s -f tests/bench/bench.mk BUILD="$BUILD" || fail "the benchmark's programs"
	"$BUILD/bench/bin/path" 20 "$BUILD/bench/bin/sink" --listen 198.18.25.2:25 --cert "$pki/good.pem" \
		--key "$pki/good.key" >"$W/sink.out" &
	until_true 5 grep -q listening "$W/sink.out" || fail "the far sink does not listen"
	check /usr/bin/python3 - <<-'END'
		import socket, time
		start = time.monotonic()
		connection = socket.create_connection(("198.18.25.2", 25))
		assert time.monotonic() - start >= 0.040
		assert connection.recv(100).startswith(b"220 ")
		start = time.monotonic()
		connection.sendall(b"NOOP\r\n" * 20000 + b"QUIT\r\n")
		replies = b""
		while True:
		    more = connection.recv(65536)
		    if not more:
		        break
		    replies += more
		assert time.monotonic() - start >= 0.040
		assert replies.count(b"250 ") == 20000 and replies.endswith(b"221 2.0.0 bye\r\n"), replies[-100:]
	END
	kill %1
	wait %1
	refute ip link show near0 >"$W/client.out" 2>&1
}

t_many_sessions_held_by_one_client() {
	make -s -f tests/bench/bench.mk BUILD="$BUILD" || fail "the benchmark's programs"
	sink_listens
	printf '%s\n' 'open 50' send 'open 10' send close | plain "$BUILD/bench/bin/hold" mx.b.example 25
	equal "$(cut -d' ' -f1-3 "$W/client.out" | tr '\n' ' ')" "open 50 0 sent 50 0 open 60 0 sent 60 0 closed 60 0 "
	equal "$(counted 0) $(counted 3) $(counted 5)" "60 110 0" "connections, messages, still open"
}

t_tiny_run_of_many_sessions_and_cold_starts() {
	product
	plain tests/bench/bench --scale tiny --rounds 1 --cells "idle scale cold report" --directory "$W/bench" "$BUILD"
	equal "$status" 0 "bench"
	holds "$W/client.out" '^\| idle connection, PSS KiB, of 500 \| - \| [0-9.]+ \| - \| [0-9.]+ \| - \| [0-9.]+ \|'
	holds "$W/client.out" '^\| held, sessions \| 1 \| 10 \|'
	holds "$W/client.out" '^\| mailseal \| [0-9.]+ \| [0-9.]+ \| [0-9.]+ \| [0-9.]+ \|'
	holds "$W/client.out" '^\| journalctl -o json \| [0-9.]+ \| [0-9.]+ \|'
}

t_two_runs_in_one_directory_are_refused() {
	mkdir "$W/bench"
	exec 9<"$W/bench"
	flock -n 9 || fail "flock"
	plain tests/bench/bench --scale tiny --rounds 1 --cells latency --directory "$W/bench" "$BUILD"
	equal "$status" 75 "bench"
	holds "$W/client.out" "^bench: another run is at work in $W/bench: "
	equal "$(ls "$W/bench")" "" "files"
	exec 9<&-
}

# The report of a run whose figures are known: what stands in the table, and a drawing that can be read.
t_report_of_known_figures() {
	/usr/bin/python3 "$ROOT/tests/bench/report.py" "$ROOT/tests/bench/report.in" "$W/report.md" "$W/report.svg" ||
		fail "report.py"
	same_file "$ROOT/tests/bench/report.ref" "$W/report.md"
	check /usr/bin/python3 - "$W/report.svg" <<-'END'
		import sys, xml.etree.ElementTree as tree
		drawing = tree.parse(sys.argv[1]).getroot()
		texts = [t.text for t in drawing.iter("{http://www.w3.org/2000/svg}text")]
		assert "1 KB messages/s, 10 sessions" in texts and "native & <other>" in texts, texts
		width, height = (float(drawing.get(k)) for k in ("width", "height"))
		for bar in drawing.iter("{http://www.w3.org/2000/svg}rect"):
		    assert 0 < float(bar.get("width")) <= width and float(bar.get("height")) <= height
	END
}
