# The report as a page: what stands in it, that nothing in a log becomes more than text, and how a browser shows it.
# shellcheck shell=bash

page_there() {
	[ -x "$BUILD/mailseal" ] || skip "no $BUILD/mailseal"
	export TZ=Europe/Berlin
	ms=$BUILD/mailseal
}

browser_there() {
	page_there
	need chromium chromedriver
}

look() { checks=$((checks + 1)); /usr/bin/python3 tests/report/page.py "$@" >"$W/look.out" || fail "$1: $(head -n 5 "$W/look.out")"; }

# page NAME [OPTION ...] FILE ...: NAME.html of these files
page() {
	local name=$1
	shift
	"$ms" report --html "$@" >"$W/$name.html" 2>"$W/report.err" || fail "report: $(cat "$W/report.err")"
}

# expected KEY: what logwriter says that it wrote
expected() { grep -oE "\"$1\":[0-9]+" "$W/expected" | cut -d: -f2; }

# shown CLASS: the number of a tile; outcome TITLE: of a row of the outcomes
number() { tr -d ',\n' | grep -oE '[0-9]+' | head -n 1; }
shown() { sed -nE "s/.*<b>([0-9,]+)<\\/b><span>$2<.*/\\1/p" "$W/$1.html" | number; }
outcome() { grep -oE "</i>$2</th>.*" "$W/$1.html" | grep -oE '<td class="n">[0-9,]+' | head -n 1 | cut -d'>' -f2 | number; }

t_figures_are_those_of_the_log() {
	local kind format
	page_there
	for format in file syslog journal; do
		"$bin/logwriter" --format "$format" --from $(($(date +%s) - 90000)) --damaged 5 --foreign 9 --expect "$W/expected" 5000 >"$W/$format"
		page "$format" "$W/$format"
		look text "$W/$format.html"
		equal "$(outcome "$format" 'TLS, verified')" "$(expected tls-verified)" "$format: verified"
		equal "$(outcome "$format" 'Cleartext, allowed')" "$(expected cleartext)" "$format: cleartext"
		equal "$(outcome "$format" 'Would be blocked')" "$(expected would-block)" "$format: would be blocked"
		equal "$(outcome "$format" Blocked)" "$(expected blocked)" "$format: blocked"
		equal "$(outcome "$format" Failed)" "$(($(expected connect-refused) + $(expected suppressed)))" "$format: failed"
		equal "$(shown "$format" 'in the clear')" "$(($(expected cleartext) + $(expected would-block)))" "$format: in the clear"
		holds "$W/$format.html" "<li>$(expected damaged) lines of mailseal are damaged"
	done
}

# hostile_log FILE: names that would be markup, that turn the direction of text, that no table has room for.
hostile_log() {
	local line long
	line='2026-03-28T10:00:00+0100 mailseal[7]: event=transaction session=7.1 pid=8 uid=0 exe="</style><script>alert(1)</script>" unit="a&b.service" host="\"><img src=x onerror=alert(1)>" addr=192.0.2.7:25 reference="x" sender="s@a.example" recipients="\xe2\x80\xae\x1b[31m@x.example,'"'"'><b>@y.example" recipient-count=2 reused=no tls=no protocol=- cipher=- certificate-verified=- resumed=- reason="<svg onload=alert(1)>\x9b]]>--><!--" policy="require_tls by \"<i>\", mailseal.conf:2" verdict=cleartext reply="250 ok" bytes=7'
	long=$(printf '%0250d' 0)
	{
		printf '%s\n' "$line"
		printf '%s\n' "$line" | sed "s/exe=\"[^\"]*/exe=\"$long/; s/x.example/$long.example/; s/\]\]>/$long/"
		printf '%s\n' "$line" | sed 's/verdict=cleartext/verdict=<script>/'
		printf '2026-03-28T10:00:01+0100 mailseal[7]: \xff\xfe<script>alert(3)</script>\n'
	} >"$1"
}

t_names_of_a_log_stay_text() {
	local name=$W/$'<script>alert(2)<\n\e]0;title\a.log'
	page_there
	hostile_log "$name"
	page hostile --unit '<u>*' --unit 'a*' "$name"
	look text "$W/hostile.html" '<script' '<img' '<svg on' '<b>@' '</style><' '<i>",' '<u>'
	holds "$W/hostile.html" '&lt;script&gt;alert\(1\)'
	holds "$W/hostile.html" '&lt;script&gt;alert\(2\)&lt;\\x0a\\x1b\]0;title\\x07'
	holds "$W/hostile.html" '&quot;&gt;&lt;img src=x onerror=alert\(1\)&gt;'
	holds "$W/hostile.html" '<dt>Unit</dt><dd>&lt;u&gt;\*'
	equal "$(shown hostile 'in the clear')" 2 "in the clear"
}

# Each line has names of its own: they are counted together beyond a limit, and memory has one, too.
t_flood_of_names() {
	page_there
	awk 'BEGIN { for (i = 0; i < 60000; i++) printf("2026-03-28T10:00:00+0100 mailseal[7]: event=transaction session=7.%d pid=8 uid=0 " \
		"exe=\"/usr/bin/x%d\" unit=\"\" host=\"h%d.example\" addr=192.0.2.7:25 reference=\"x\" sender=\"s@s%d.example\" " \
		"recipients=\"a@r%d.example\" recipient-count=1 reused=no tls=no protocol=- cipher=- certificate-verified=- resumed=- " \
		"reason=\"why %d\" policy=\"policy %d\" verdict=cleartext reply=\"250 ok\" bytes=7\n", i, i, i, i, i, i, i) }' >"$W/flood"
	for options in '' --html; do
		# shellcheck disable=SC2086
		(ulimit -v 250000 && "$ms" report $options "$W/flood") >"$W/flood.out" 2>"$W/report.err" || fail "$options: $(cat "$W/report.err")"
		holds "$W/flood.out" '60,?000'
	done
	check test "$(stat -c %s "$W/flood.out")" -lt 1000000
	holds "$W/flood.out" '\(other\)'
	# Half a report would be worse than none.
	(ulimit -v 80000 && exec "$ms" report --html "$W/flood") >"$W/flood.out" 2>"$W/report.err"
	equal "$?" 71 "status without memory"
	equal "$(cat "$W/report.err")" "mailseal: out of memory"
	check test ! -s "$W/flood.out"
}

t_nothing_one_message_and_a_year() {
	page_there
	"$bin/logwriter" 1 >"$W/one"
	page nothing --until 2001-01-01 "$W/one"
	look text "$W/nothing.html"
	holds "$W/nothing.html" '<h2>No messages</h2>'
	page one "$W/one"
	look text "$W/one.html"
	"$bin/logwriter" --span 31536000 --names 400 8000 >"$W/year"
	page year "$W/year"
	look text "$W/year.html"
	holds "$W/year.html" 'Messages and connections per week'
	holds "$W/year.html" 'CET, UTC\+01:00'
	holds "$W/year.html" 'The clocks changed'
	holds "$W/year.html" '[0-9,]+ more rows, left out here'
	# The days on which the clocks change, in hours.
	"$bin/logwriter" --from 1774652400 --span 172800 2000 >"$W/days"
	page days "$W/days"
	holds "$W/days.html" '<title>2026-03-29 01:[0-9]+ CET to 03:00 CEST'
}

# Whatever the period and the zone, each bar is what the log says of its time: minutes to years, over the days on
# which clocks change, by an hour or half of one, and where noon elsewhere is at three quarters.
t_bars_are_those_of_the_log() {
	local zone begin span
	page_there
	[ -e /usr/share/zoneinfo/Australia/Lord_Howe ] || skip "no time zones (tzdata)"
	while read -r zone begin span; do
		"$bin/logwriter" --from "$begin" --span "$span" 1500 >"$W/log"
		TZ=$zone page bars "$W/log"
		checks=$((checks + 1))
		TZ=$zone /usr/bin/python3 tests/report/bars.py "$W/log" "$W/bars.html" >"$W/look.out" ||
			fail "$zone $begin $span: $(head -n 3 "$W/look.out")"
	done <<-END
		Europe/Berlin 1764284400 1800
		Europe/Berlin 1774652400 172800
		Europe/Berlin 1792850400 100000
		Europe/Berlin 1782856800 2592000
		Europe/Berlin 1764284400 31536000
		Asia/Kathmandu 1764284400 86400
		Australia/Lord_Howe 1775300000 200000
		America/St_Johns 946684800 126144000
		Pacific/Auckland 946684800 946080000
	END
}

# Whatever is counted of the log itself stands on the page.
t_each_count_of_the_log_is_told() {
	local field
	page_there
	for field in $(sed -n '/^struct tally_reading {/,/^};/p' tools/report/tally.h | grep -oE '^	uint64_t [^;]+' | cut -f2 | tr -d , | cut -d' ' -f2-); do
		holds tools/report/html_tables.c "r->$field, (true|false)\)"
	done
	check test $checks -ge 18
}

# What has no time, or one far off, is counted all the same, and the page says that it is not drawn.
t_times_that_are_none() {
	local stamp
	page_there
	for stamp in 9223372036854775807 1764284400000000 1764284400000000; do
		printf '{"MESSAGE":"event=connect-refused pid=3 uid=0 exe=\\"x\\" host=\\"h\\" addr=1.2.3.4:25 reason=\\"r\\"",'
		printf '"SYSLOG_IDENTIFIER":"mailseal","__REALTIME_TIMESTAMP":"%s"}\n' $stamp
	done >"$W/log"
	page times "$W/log"
	look text "$W/times.html"
	equal "$(outcome times Failed)" 3 "failed"
	holds "$W/times.html" 'Not drawn, since their time is unknown or out of reach: 2<'
}

# timeout: 120
t_pages_in_a_browser() {
	local name
	browser_there
	"$bin/logwriter" --damaged 5 --names 80 5000 >"$W/day"
	"$bin/logwriter" --span 31536000 8000 >"$W/year"
	"$bin/logwriter" 1 >"$W/one"
	cp "$W/one" "$W/nothing"
	for name in day year one nothing; do
		page "$name" --since "$([ $name = nothing ] && echo 2026-11-01 || echo 2001-01-01)" "$W/$name"
	done
	hostile_log "$W/hostile"
	page hostile "$W/hostile"
	# What looks at the pages would see these.
	sed 's|<h2>Outcomes|<img src="http://192.0.2.1/x.png"><h2>Outcomes|' "$W/one.html" >"$W/fetching.html"
	sed 's|class="m o[0-9]"|& visibility="hidden" transform="scale(0)"|' "$W/one.html" >"$W/undrawn.html"
	sed 's|<td class="meaning">|&<svg width="2000" height="9"><text x="1990" y="9">cut</text></svg>|' "$W/one.html" >"$W/cut.html"
	mkdir "$W/pictures"
	look browser "$W/pictures" "$W"/{day,year,one,nothing,hostile}.html -- "$W"/{fetching,undrawn,cut}.html
	equal "$(find "$W/pictures" -name '*.png' | wc -l)" 5 "pictures"
}
