# What the README shows is run as it stands there: each indented line that is a command.
# shellcheck shell=bash

# 61-enforce.sh walks the way from observe to enforce, and runs what else is shown of billing.service.
readme_commands() {
	sed '/^## From observe/,/^## /d' "$ROOT/README.md" |
		sed -nE 's/^    ((make|install|build\/mailseal|mailseal|journalctl|systemctl|sed|LD_PRELOAD=|\/usr\/local\/)( .*)?.*)$/\1/p' | while read -r line; do
		grep -Fxq -- $'\t\t'"$line" "$E2E/cases/61-enforce.sh" || echo "$line"
	done
}

# Somewhere to run the commands: a copy of the checkout and of what was built, so that whatever make does here
# disturbs no other case.
readme_place() {
	product
	unset MAILSEAL_AGENT MAILSEAL_LOG MAKEFLAGS MFLAGS # what make was told for the tests is not for the README's
	export -n BUILD
	mkdir -p /run/readme/build
	cp -a "$ROOT"/{shim,config,tools,tests,Makefile,README.md,LICENSE} /run/readme
	find "$BUILD" -mindepth 1 -maxdepth 1 ! -name e2e ! -name asan ! -name mta ! -name exim ! -name senders -exec cp -a {} /run/readme/build \;
	cd /run/readme || fail "no place"
	echo '127.0.0.10 mail.partner.example' >>/etc/hosts
}

t_every_command_is_known_here() {
	local known line
	# Those of the package, of installing and of uninstalling are run in 52-package.sh and 57-deb.sh.
	known='^(make|(make deps && )?make install|make uninstall|make deb && apt install \./build/mailseal_\*\.deb|make demo|make test|make bench|make bench CELLS="startup connect"|build/mailseal .*|mailseal .*|install -d /run/mailseal|/usr/local/libexec/mailseal/mailseal-agent --listen .*|LD_PRELOAD=[^ ]* swaks .*)$'
	check test "$(readme_commands | wc -l)" -ge 6
	while read -r line; do
		checks=$((checks + 1))
		[[ $line =~ $known ]] || fail "no test runs the README's command: $line"
	done < <(readme_commands)
}

# Links lead somewhere, files that it names are there, and each room of the tree has its place in it.
t_what_it_names_is_there() {
	local name
	cd "$ROOT" || fail "no tree"
	for name in $(grep -oE '\]\(#[a-z0-9-]+\)' README.md | sed 's/^](#//;s/)$//'); do
		holds <(sed -nE 's/^#+ (.*)$/\L\1/p' README.md | tr -d '`,.' | tr ' ' -) "^$name$"
	done
	for name in $(grep -oE '\b[0-9]{2}-[a-z-]+\.sh' README.md); do check test -e "tests/e2e/cases/$name"; done
	for name in $(sed -n '/^## Where things are/,$p' README.md | grep -oE '`[a-z0-9/]+/`' | tr -d '`'); do
		check test -d "$name" -o -d "tools/$name"
	done
	for name in shim/*/ config/ tests/ tools/*/; do
		holds <(sed -n '/^## Where things are/,$p' README.md) "\`(${name//\//\\/}|${name#tools/})\`"
	done
}

# The policies of the README load, and mean what the text says.
t_policy_by_example() {
	readme_place
	mkdir -p /etc/ssl
	cp "$pki/ca.pem" /etc/ssl/partner.pem
	sed -n '/^## Policy by example/,/^And with exceptions/s/^    //p' README.md >"$W/strict.conf"
	plain build/mailseal check "$W/strict.conf"
	equal "$status" 0 "check of the first: $(cat "$W/client.out")"
	check test -s "$W/strict.conf"
	plain build/mailseal explain --config "$W/strict.conf" --host any.example
	holds "$W/client.out" 'blocked'
	sed -n '/^And with exceptions/,/^A host is/s/^    //p' README.md >"$W/readme.conf"
	plain build/mailseal check "$W/readme.conf"
	equal "$status" 0 "check"
	holds "$W/client.out" 'mail\.partner\.example'
	holds "$W/client.out" '\.bank\.example'
}

# timeout: 180
t_demo() {
	readme_place
	plain make -s demo
	equal "$status" 0 "make demo"
	holds "$W/client.out" 'with ESMTPS'
	holds "$W/client.out" '4[0-9][0-9] 4\.7\.4 mailseal: .*require_tls by default'
	holds "$W/client.out" '550 5\.7\.4 mailseal: .*require_tls by recipient "bank\.example"'
	holds "$W/client.out" '454 4\.7\.4 mailseal: .*require_tls by field Mailseal-Require-TLS'
}

t_part_of_the_benchmark() {
	readme_place
	plain make -s bench CELLS="startup connect" BENCH_OPTIONS="--scale tiny --rounds 1"
	equal "$status" 0 "make bench"
	holds "$W/client.out" '^\| start-up of every preloaded process, us \| [0-9]'
	check test -s build/bench/report.svg
}

# An image with a service in it, and mailseal.
readme_image() {
	local file
	mkdir -p image/usr/{bin,lib/systemd/system,local/lib/mailseal} image/etc
	printf '[Service]\nExecStart=/usr/bin/true\n' >image/usr/lib/systemd/system/billing.service
	for file in /usr/bin/true $(ldd /usr/bin/true build/mailseal-agent | grep -oE '/[^ ]+ '); do
		mkdir -p "image/${file%/*}" && cp "$file" "image$file"
	done
	cp build/libmailseal.so build/mailseal-agent image/usr/local/lib/mailseal
}

t_commands_under_use() {
	local command
	readme_place
	readme_image
	in_usual_places
	install -D -t /usr/local/bin "$BUILD/mailseal"
	hostile good_server.hs
	"$bin/logwriter" 50 >mail.log
	while read -r command; do
		plain bash -c "$command"
		equal "$status" 0 "$command"
	done < <(readme_commands | grep -Ev '^make')
	check until_true 5 agent_answers
	settle
	equal "$(grep -c 'tls # data' "$W/transcript")" 3 "messages inside TLS"
	holds report.html '^<header><h1>mailseal report</h1>'
}

agent_answers() { ss -Hlx src /run/mailseal/agent.sock | grep -q .; }

# What report.c, the logs and the judgement can write stands in the manual page.
t_log_is_documented() {
	local page=$ROOT/tools/man/mailseal-agent.8 word
	for word in $(sed -nE 's/.*(line_word|line_number|line_quoted|add_names)\(&?line, "([a-z-]+)".*/\2/p' "$ROOT/shim/agent/report.c" | sort -u) \
		$(sed -nE 's/.*" ([a-z]+)=".*/\1/p' "$ROOT/shim/preload/log.c" | sort -u) \
		$(sed -n '/^const char \*outcome_name/,/^}/s/.*return "\(.*\)";/\1/p' "$ROOT/config/policy.c" | grep -vx unknown); do
		holds "$page" "^\\.It Cm (.* , )?$word( ,|$)"
	done
	for word in $(grep -rhoE '(log_event\(|begin\(&line, |return |\? )"[a-z][a-z-]+"' "$ROOT"/shim/agent/{agent,listener,report}.c | grep -oE '[a-z-]+"' | grep -vx 'yes"\|would-block"' | tr -d '"' | sort -u); do
		holds "$page" "^\\.It Cm event=$word$"
	done
	check test $checks -ge 30
}

# Programs that insist on STARTTLS of their own send nothing by default, and work as told.
t_own_starttls_as_told() {
	local command
	product
	hostile good_server.hs
	printf 'Subject: x\r\n\r\nx\r\n' >"$W/mail"
	for command in 'swaks --tls --to a@b.example --server mx.b.example' \
		'curl -sk --ssl-reqd smtp://mx.b.example --mail-from s@a.example --mail-rcpt a@b.example -T mail' \
		'msmtp --host=mx.b.example --tls --tls-certcheck=off --from=s@a.example a@b.example'; do
		command -v "${command%% *}" >/dev/null || continue
		policy
		# shellcheck disable=SC2086
		cd "$W" && sealed $command <mail
		refute test "$status" = 0
		lacks "$W/transcript" '# data'
		policy 'application_tls = "allow"'
		# shellcheck disable=SC2086
		sealed $command <mail
		equal "$status" 0 "$command"
		settle
		equal "$(grep -c 'tls # data' "$W/transcript")" 1 "messages inside TLS"
		: >"$W/transcript"
	done
}

# Mixed line ends: refused where the dot stands beside a bare LF, and what to do about it.
t_mixed_line_ends() {
	product
	policy
	hostile good_server.hs
	printf 'Subject: x\n\none\ntwo\n' >"$W/mail"
	sealed python3 "$E2E/clients/raw_body.py" mx.b.example 25 "$W/mail"
	refute test "$status" = 0
	holds "$W/client.out" '^421 4\.7\.0 mailseal: .*lone dot beside a bare CR or LF'
	lacks "$W/transcript" 'S: "250 2.0.0 kept'
	printf '\r\n' >>"$W/mail"
	sealed python3 "$E2E/clients/raw_body.py" mx.b.example 25 "$W/mail"
	equal "$status" 0 "CRLF before the dot"
	printf 'Subject: x\n\none\ntwo\n' | sed 's/$/\r/' >"$W/mail"
	sealed python3 "$E2E/clients/raw_body.py" mx.b.example 25 "$W/mail"
	equal "$status" 0 "CRLF throughout"
}
