# Completion for bash: what it offers is held against what the command's own help and usage say.
# shellcheck shell=bash

completion_there() {
	command_is_there
	mkdir -p /run/place/{folder,bin}
	touch /run/place/folder/inside '/run/place/mail file.conf' /run/place/mail.conf
	cd /run/place || exit 70
}

command_is_there() {
	[ -x "$BUILD/mailseal" ] || skip "no $BUILD/mailseal"
	ms=$BUILD/mailseal
}

# offered LINE: what is offered behind it, a line each; words are cut as readline does
offered() {
	PATH=/run/place/bin:$BUILD:$PATH bash --norc -c '
		. "$1"
		COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDS=()
		for word in $2; do
			while [[ $word =~ ^([^=:]*)([=:]+)(.*)$ ]]; do
				[ -z "${BASH_REMATCH[1]}" ] || COMP_WORDS+=("${BASH_REMATCH[1]}")
				COMP_WORDS+=("${BASH_REMATCH[2]}")
				word=${BASH_REMATCH[3]}
			done
			[ -z "$word" ] || COMP_WORDS+=("$word")
		done
		[[ $2 != *" " ]] || COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_mailseal
		[ ${#COMPREPLY[@]} = 0 ] || printf "%s\n" "${COMPREPLY[@]}"' - "$ROOT/tools/completion/mailseal" "$1" 2>"$W/offered.err"
	[ ! -s "$W/offered.err" ] || echo "standard error: $(cat "$W/offered.err")"
}
# offers LINE WORDS: just these, sorted
offers() { equal "$(offered "$1" | LC_ALL=C sort -u | tr '\n' ' ')" "$2${2:+ }" "behind '$1'"; }

commands() { "$ms" help | sed -nE '/^Commands:/,/^$/s/^  ([a-z]+) .*/\1/p'; }
# The long options of a command, by its usage, where argp writes them in another way than in the help.
usage_options() { "$ms" "$1" --usage </dev/null 2>/dev/null | grep -oE '\[--[a-z0-9-]+' | tr -d '[' | sort -u; }

# Each command is offered, with all its options, and it is known what stands beside them.
t_each_command_and_option() {
	local command
	completion_there
	check test "$(commands | wc -l)" -ge 7
	equal "$(offered 'mailseal ' | grep -v '^--' | sort)" "$(commands | sort)" "commands"
	for command in $(commands); do
		checks=$((checks + 1))
		grep -qE "^	([a-z |]+ )?$command( [a-z |]+)?\\)" "$ROOT/tools/completion/mailseal" || [ "$command" = run ] ||
			fail "completion does not know what stands beside the options of $command: see _mailseal_operand"
		[[ $command != help && $command != version ]] || continue
		check test -n "$(usage_options "$command")"
		equal "$(offered "mailseal $command --" | sed 's/=$//' | sort -u)" "$(usage_options "$command")" "options of $command"
	done
}

# A letter stands for one option, whichever the command.
t_each_letter_is_one_option() {
	local command
	completion_there
	for command in $(commands); do "$ms" "$command" --help </dev/null | sed -nE 's/^ +-(.), --([a-z-]+).*/\1 \2/p'; done | sort -u >"$W/letters"
	check test "$(wc -l <"$W/letters")" -ge 8
	equal "$(cut -d ' ' -f 1 "$W/letters" | uniq -d)" '' "letters that stand for more than one: $(cat "$W/letters")"
}

# Each word that stands for an option's argument is one that something is known for, or one of these, which only
# the user can know.
t_each_argument_of_an_option() {
	local command word
	completion_there
	for command in $(commands); do
		for word in $("$ms" "$command" --help </dev/null | grep -oE '^ +(-., )?--[a-z-]+\[?=[^] ]+' | sed 's/.*=//' | sort -u); do
			checks=$((checks + 1))
			case $word in ADDRESS | IP | DAYS | SECONDS | NUMBER) continue ;; esac
			grep -qF "	${word/|/\\|})" "$ROOT/tools/completion/mailseal" || grep -qE "^	([A-Z |]+ )?$word( [A-Z |]+)?\\)" "$ROOT/tools/completion/mailseal" ||
				fail "completion knows nothing for $word, of mailseal $command: see _mailseal_value, or this test"
		done
	done
}

t_report() {
	local word
	completion_there
	commands | grep -qx report || skip "no mailseal report"
	offers 'mailseal report --by=host,s' 'host,sender'
	offers 'mailseal report --only tls-' 'tls-unverified tls-verified'
	offers 'mailseal report --fail-on=cleartext,w' 'cleartext,would-block'
	offers 'mailseal report --fail-on do' 'doubt'
	offers 'mailseal report --only do' ''
	offers 'mailseal report --only cleartext,c' ''
	offers 'mailseal report --by=host,unit,' 'host,unit,program host,unit,recipient host,unit,sender'
	offers 'mailseal report --journal=fold' 'folder'
	offers 'mailseal report --journal fold' 'folder' # an operand
	offers 'mailseal report --journal --only=would' 'would-block'
	for word in $(offered 'mailseal report --by=') $(offered 'mailseal report --since='); do
		case $word in *day) word=--since=$word ;; *) word=--by=$word ;; esac
		plain "$ms" report "$word" "$ROOT/LICENSE"
		equal "$status" 65 "$word: $(head -n 1 "$W/client.out")"
	done
	for word in $(offered 'mailseal report --only='); do
		plain "$ms" report "--only=$word" "$ROOT/LICENSE"
		equal "$status" 65 "$word: $(head -n 1 "$W/client.out")"
	done
}

t_files_and_values() {
	completion_there
	offers 'mailseal check mail.' 'mail.conf'
	offers 'mailseal run --config mail.' 'mail.conf'
	offers 'mailseal run -c mail.' 'mail.conf'
	offers 'mailseal run --config=mail.' 'mail.conf'
	offers 'mailseal run --config=' 'bin folder mail file.conf mail.conf'
	offers 'mailseal run --log=s' 'stderr syslog'
	offers 'mailseal run --log=j' 'journal'
	offers 'mailseal run --log=folder/i' 'folder/inside'
	offers 'mailseal run --log stderr --ports=' '25,587'
	offers 'mailseal explain --header=Mailseal-R' 'Mailseal-Require-TLS:'
	offers 'mailseal help chec' 'check'
	offers 'mailseal nonsense --' ''
	offers 'mailseal run --nonsense=' ''
}

# The program of `run` and its arguments are not mailseal's: what looks like an option of ours is theirs.
t_program_of_run() {
	completion_there
	printf '#!/bin/sh\n' >bin/send-mail-now
	chmod 755 bin/send-mail-now
	offers 'mailseal run send-mail-n' 'send-mail-now'
	offers 'mailseal run --log stderr -- send-mail-n' 'send-mail-now'
	offers 'mailseal run send-mail-now mail.' 'mail.conf'
	offers 'mailseal run send-mail-now --con' ''
	# what the shell alone knows is none, unless there is a program of that name, too
	printf '#!/bin/sh\n' >bin/compgen-program
	chmod 755 bin/compgen-program
	offers 'mailseal run compg' 'compgen-program'
	lacks <(offered 'mailseal run ') '^(if|then|while|shopt|_mailseal.*)$'
	holds <(offered 'mailseal run ') '^env$'
	offers 'mailseal run [' '['
}

# Settings and their values: those that the configuration knows, but for what stands in its default section alone.
t_policy() {
	local name value
	completion_there
	offers 'mailseal policy ' 'list set unset'
	offers 'mailseal policy --config=mail.conf set ' 'host recipient sender'
	equal "$(offered 'mailseal policy unset host mx.b.example ' | sort)" \
		"$(sed -nE 's/^\t\[SETTING_[A-Z_]+\] = \{"([a-z_]+)".*/\1/p' "$ROOT/config/setting.c" | grep -vx trace | sort)" "settings"
	offers 'mailseal policy set sender a.example ' 'message_override= min_tls= mode= require_tls= verify_certificate= violation='
	offers 'mailseal policy set host a.example ca_file=mail.' 'mail.conf'
	offers 'mailseal policy set host a.example require_tls=' 'false true'
	# The sections of the domains file, by kind; those of the configuration are not its business.
	printf 'default { }\nhost "fixed.example" { require_tls = true }\n' >other.conf
	for name in 'host mx.b.example' 'host mx.c.example' 'sender <>'; do
		# shellcheck disable=SC2086
		plain "$ms" policy --config /run/place/other.conf set $name require_tls=true
		equal "$status" 0 "policy set: $(cat "$W/client.out")"
	done
	offers 'mailseal policy --config=other.conf unset host ' 'mx.b.example mx.c.example'
	offers 'mailseal policy -c other.conf unset sender ' '<>'
	offers 'mailseal policy -c other.conf unset recipient ' ''
	# Whatever is offered is taken.
	echo 'default { }' >policy.conf
	for name in $(offered 'mailseal policy unset host mx.b.example '); do
		for value in $(offered "mailseal policy set host mx.b.example $name="); do
			[ "$name" != intercept ] || continue # for addresses only
			[[ $name != *_file && $name != client_* ]] || continue
			plain "$ms" policy --config /run/place/policy.conf set host mx.b.example "$name=$value"
			equal "$status" 0 "$name=$value: $(cat "$W/client.out")"
		done
	done
}

# Units are those that systemctl knows, of the manager that is meant; names of files and units are never expanded.
t_units() {
	completion_there
	cat >bin/systemctl <<-'END'
		#!/bin/sh
		echo "$*" >>/run/place/asked
		printf '%s\n' 'billing.service enabled' 'bill@.service static' 'bi\x2dll.service static' 'bi$(touch${IFS}/run/place/expanded).service x' 'b*.service'
	END
	chmod 755 bin/systemctl
	# shellcheck disable=SC2016
	offers 'mailseal doctor --unit=b' 'b*.service bi$(touch${IFS}/run/place/expanded).service bi\x2dll.service billing.service bin'
	offers 'mailseal doctor billi' 'billing.service'
	refute test -e expanded
	lacks asked '--user|--root'
	if commands | grep -qx enable; then
		offers 'mailseal enable --now a.service billi' 'billing.service'
		rm asked
		offers 'mailseal enable --user billi' 'billing.service'
		offers 'mailseal enable --root=/srv/image billi' 'billing.service'
		offers 'mailseal enable --root /srv/image billi' 'billing.service'
		holds asked '--user .*list-unit-files'
		equal "$(grep -c -- '--root=/srv/image .*list-unit-files' asked)" 2 "asked for that root"
	fi
	rm bin/systemctl
	printf '#!/bin/sh\necho no such thing >&2; exit 127\n' >bin/systemctl
	chmod 755 bin/systemctl
	offers 'mailseal doctor --unit=billi' ''
}

# What can be let go of is what is sealed.
t_sealed_units() {
	completion_there
	mkdir -p image/etc/systemd/system/{billing.service.d,other.service.d} home/.config/systemd/user/own@.service.d \
		/etc/systemd/system/cron.service.d
	touch image/etc/systemd/system/{billing.service.d/50-mailseal.conf,other.service.d/override.conf} \
		home/.config/systemd/user/own@.service.d/50-mailseal.conf /etc/systemd/system/cron.service.d/50-mailseal.conf
	offers 'mailseal disable --root=/run/place/image ' 'billing.service'
	offers 'mailseal status --root /run/place/image ' 'billing.service'
	XDG_CONFIG_HOME='' HOME=/run/place/home offers 'mailseal disable --user ' 'own@.service'
	offers 'mailseal disable --now cr' 'cron.service'
}

# In a shell, by its line editor: what is completed is what the command then hears.
t_in_a_shell() {
	completion_there
	need python3
	printf '#!/bin/sh\ncase $1 in help) exec %s "$@" ;; esac\nprintf "<%%s>\\n" "$@" >heard\n' "$ms" >bin/mailseal
	chmod 755 bin/mailseal
	PATH=/run/place/bin:$PATH HISTFILE= python3 - "$ROOT/tools/completion/mailseal" >"$W/shell.out" 2>&1 <<-'END'
		import os, pty, select, sys, time
		pid, shell = pty.fork()
		if pid == 0:
		    os.environ.update(PS1="ready> ", TERM="dumb", INPUTRC="/dev/null")
		    os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
		seen = b""
		def until(text):
		    global seen
		    end = time.monotonic() + 20
		    while text not in seen and time.monotonic() < end:
		        if select.select([shell], [], [], 0.1)[0]:
		            seen += os.read(shell, 4096)
		    found, seen = text in seen, b""
		    return found
		until(b"ready> ")
		os.write(shell, (". %s; echo so''urced\n" % sys.argv[1]).encode())
		assert until(b"sourced"), "not sourced"
		os.write(shell, b"mailseal expl\t--config=mail\\ f\t; echo do''ne\n")
		assert until(b"done"), "no end"
		os.close(shell)
	END
	equal $? 0 "the shell: $(tail -n 1 "$W/shell.out")"
	equal "$(tr '\n' ' ' <heard)" '<explain> <--config=mail file.conf> ' "what was heard"
}
