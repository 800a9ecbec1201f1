# Units of settings that nobody chose: what enable seals, a real systemd starts with the library, and what it sends goes over TLS,
# unless enable has told of it. E2E_SEED= and E2E_UNITS= choose others, and more.
# shellcheck shell=bash
# shellcheck source=tests/e2e/cases/59-sealed.sh
. "$E2E/cases/59-sealed.sh"

# enable's words for what it cannot help
told='without LD_PRELOAD|does not get LD_PRELOAD|leaves port 25 out|only .* was judged'

# timeout: 300
t_of_settings_at_random() {
	local i count=${E2E_UNITS:-60} sealed='' works=0
	need gcc
	installed
	echo 'int other;' >"$W/other.c"
	gcc -shared -o /usr/local/lib/other.so "$W/other.c" || fail "no library"
	perl "$E2E/units.pl" "${E2E_SEED:-7}" "$count" || fail "no units"
	booted systemctl daemon-reload
	tree >"$W/before"
	for ((i = 1; i <= count; i++)); do
		if booted mailseal enable --root / "r$i" >"$W/enable.$i" 2>&1; then sealed+=" r$i"; fi
	done
	check test -n "$sealed"
	booted systemctl daemon-reload
	# shellcheck disable=SC2086
	booted systemctl start $sealed >/dev/null 2>&1
	settle
	for i in $sealed; do
		grep -q " tls C: \"MAIL FROM:<$i@" "$W/transcript" && works=$((works + 1))
		grep -Eq "$told" "$W/enable.${i#r}" || never "$i" plain 0
	done
	# Most do send, so that the rest of it means something.
	check test "$works" -ge $((count / 4))
	# shellcheck disable=SC2086
	mailseal disable $sealed
	tree >"$W/after"
	same_file "$W/after" "$W/before"
	systemd_stop
}
