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
