# The mailseal command: run and check.
# shellcheck shell=bash

command_there() {
	product
	unset MAILSEAL_AGENT MAILSEAL_LOG
	[ -x "$BUILD/mailseal" ] || skip "no $BUILD/mailseal"
	ms=$BUILD/mailseal
}

t_run_delivers() {
	command_there
	policy 'require_tls = true'
	unset MAILSEAL_CONFIG
	postfix_start
	plain "$ms" run --config "$conf" --log "$log" -- swaks --to a@b.example --server mx.b.example
	equal "$status" 0
	stored 1
	over_tls
	logged 'certificate-verified='
}

t_run_ports() {
	command_there
	policy 'require_tls = true'
	at=127.0.0.10:2526 hostile good_server.hs
	plain "$ms" run --config "$conf" --log "$log" --ports 2526 -- swaks --to a@b.example --server mx.b.example --port 2526
	equal "$status" 0
	settle
	nothing_plain
}

t_run_log_stderr() {
	command_there
	policy
	hostile good_server.hs
	plain "$ms" run --config "$conf" --log stderr -- swaks --to a@b.example --server mx.b.example
	equal "$status" 0
	until_true 5 grep -q 'certificate-verified=' "$W/client.out"
	holds "$W/client.out" 'certificate-verified='
}

t_run_status_is_the_programs() {
	local n
	command_there
	for n in 0 1 7 125; do
		plain "$ms" run -- sh -c "exit $n"
		equal "$status" "$n"
	done
	plain "$ms" run -- sh -c 'kill -TERM $$'
	equal "$status" 143 "killed by SIGTERM"
}

t_run_signals_reach_the_program() {
	command_there
	"$ms" run -- sh -c 'trap "echo got it; exit 5" TERM; echo ready; while :; do sleep 0.1; done' >"$W/client.out" 2>&1 &
	until_true 10 grep -q ready "$W/client.out" || fail "the program does not run"
	kill -TERM $!
	wait $!
	equal $? 5
	holds "$W/client.out" 'got it'
}

t_run_keeps_arguments_and_input() {
	command_there
	printf 'a b\n' | "$ms" run -- sh -c 'cat; printf "%s|" "$@"' x 'one two' '' '--config' '*' >"$W/client.out"
	equal "$(cat "$W/client.out")" "a b
one two||--config|*|"
}

t_run_program_missing() {
	command_there
	plain "$ms" run -- /no/such/program
	refute test "$status" = 0
	holds "$W/client.out" 'no/such/program'
}

t_run_keeps_other_preloads() {
	command_there
	LD_PRELOAD=libc.so.6 "$ms" run -- sh -c 'echo $LD_PRELOAD' >"$W/client.out" 2>&1
	holds "$W/client.out" 'libmailseal\.so.*libc\.so\.6|libc\.so\.6.*libmailseal\.so'
}

t_run_bad_option() {
	command_there
	plain "$ms" run --nonsense -- true
	equal "$status" 64
}

t_run_missing_config_fails_closed() {
	command_there
	hostile good_server.hs
	plain "$ms" run --config "$W/none.conf" --log "$log" -- swaks --to a@b.example --server mx.b.example
	refute test "$status" = 0
	equal "$(connections)" 0
}

t_check_ok() {
	command_there
	policy 'require_tls = true' -- 'host "127.0.0.0/8" {' 'intercept = false' '}'
	plain "$ms" check "$conf"
	equal "$status" 0
	holds "$W/client.out" '\bok\b'
}

t_check_error_names_place() {
	command_there
	policy 'require_tls = perhaps'
	plain "$ms" check "$conf"
	refute test "$status" = 0
	holds "$W/client.out" 'mailseal\.conf:3: .*require_tls'
	policy 'nonsense = 1'
	plain "$ms" check "$conf"
	refute test "$status" = 0
	holds "$W/client.out" 'mailseal\.conf:3'
	plain "$ms" check "$W/none.conf"
	refute test "$status" = 0
	holds "$W/client.out" 'none\.conf'
}

t_check_example_file() {
	command_there
	[ -e "$ROOT/config/mailseal.conf" ] || skip "no config/mailseal.conf"
	plain "$ms" check "$ROOT/config/mailseal.conf"
	equal "$status" 0
}

t_check_connects_nowhere() {
	command_there
	need strace
	policy
	plain strace -f -e trace=connect -o "$W/trace" "$ms" check "$conf"
	equal "$status" 0
	lacks "$W/trace" 'AF_INET'
}

t_help_fits_a_screen() {
	command_there
	plain "$ms" --help
	equal "$status" 0
	checks=$((checks + 1))
	[ "$(wc -l <"$W/client.out")" -le 24 ] || fail "--help has $(wc -l <"$W/client.out") lines"
	plain "$ms" nonsense
	equal "$status" 64
}
