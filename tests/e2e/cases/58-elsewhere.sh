# What starts programs besides systemd: scripts of init, cron, PHP's pools. What the manual says of each is shown here.
# shellcheck shell=bash

places() {
	product
	policy
	unset MAILSEAL_CONFIG MAILSEAL_LOG MAILSEAL_AGENT
	cp "$conf" /etc/mailseal.conf
	lib=$BUILD/libmailseal.so
	hostile good_server.hs
}

# went tls|plain NUMBER: connection NUMBER carried its mail so
went() {
	until_true 10 carried "$2" || fail "no mail in connection $2: $(cat "$W/transcript")"
	holds "$W/transcript" "^$2 [0-9.]+ $1 C: \"MAIL"
}
carried() { grep -Eq "^$1 [0-9.]+ (tls|plain) C: \"MAIL" "$W/transcript"; }

# unpacked DIRECTORY COMMAND ...: with the libraries that were unpacked with it; in the background, in place of the shell
unpacked() {
	local dir=$1
	shift
	exec env LD_LIBRARY_PATH="$(compgen -G "$dir/usr/lib/*-linux-gnu" | head -n 1):$(compgen -G "$dir/lib/*-linux-gnu" | head -n 1)" "$@"
}

billing() {
	cat >/run/billing <<-'END'
		#!/bin/sh
		swaks --to a@b.example --server mx.b.example >/run/billing.log 2>&1
		exec sleep 1000
	END
	chmod 755 /run/billing
}

# Such a script reads its file of defaults as a shell does: what is not exported there stays in the script.
t_defaults_of_a_script_of_init() {
	places
	need start-stop-daemon
	billing
	cat >/etc/init.d-billing <<-'END'
		#!/bin/sh
		[ ! -r /etc/default/billing ] || . /etc/default/billing
		case $1 in
		start) start-stop-daemon --start --quiet --background --make-pidfile --pidfile /run/billing.pid --exec /run/billing ;;
		stop) start-stop-daemon --stop --quiet --oknodo --retry TERM/5 --remove-pidfile --pidfile /run/billing.pid ;;
		esac
	END
	mkdir -p /etc/default
	echo "LD_PRELOAD=$lib" >/etc/default/billing
	check sh /etc/init.d-billing start
	went plain 1
	check sh /etc/init.d-billing stop
	echo "export LD_PRELOAD=$lib" >/etc/default/billing
	check env -i PATH="$PATH" sh /etc/init.d-billing start
	went tls 2
	check sh /etc/init.d-billing stop
}

# Variables hold for the jobs of the table that they stand in; what a job prints is mailed by cron itself.
t_crontab() {
	local sendmail
	cron=$BUILD/cron/usr/sbin/cron
	[ -x "$cron" ] || skip "no cron unpacked in $BUILD/cron"
	places
	mount -t tmpfs -o mode=755 tmpfs /var
	mkdir -p /var/spool/cron/crontabs /var/run /etc/pam.d
	rm -rf /etc/cron.d && mkdir /etc/cron.d
	printf '%s required pam_permit.so\n' auth account session >/etc/pam.d/cron
	sendmail=/usr/sbin/sendmail
	[ -e $sendmail ] || mount -t overlay -o "lowerdir=/usr/sbin,upperdir=$(mktemp -d -p /run),workdir=$(mktemp -d -p /run)" overlay /usr/sbin ||
		skip "no place for a sendmail of our own"
	printf '#!/bin/sh\ncat >/run/mailed; echo "LD_PRELOAD=$LD_PRELOAD" >/run/mailed.env\n' >/run/sendmail
	chmod 755 /run/sendmail
	: >>$sendmail
	mount --bind /run/sendmail $sendmail || skip "no sendmail of our own"
	cat >/etc/crontab <<-END
		SHELL=/bin/sh
		PATH=/usr/local/bin:/usr/bin:/bin
		LD_PRELOAD=$lib
		@reboot root swaks --to a@b.example --server mx.b.example >/run/sealed.log 2>&1; echo a report
	END
	unpacked "$BUILD/cron" "$cron" -f &
	went tls 1
	until_true 10 test -s /run/mailed.env
	holds /run/mailed 'a report'
	equal "$(cat /run/mailed.env)" "LD_PRELOAD=" "what cron starts to mail the output"
	kill $!
	wait $! 2>/dev/null
	sed -i '/@reboot/d' /etc/crontab
	echo '@reboot root swaks --to a@b.example --server mx.b.example >/run/plain.log 2>&1' >/etc/cron.d/other
	rm -f /var/run/crond.reboot /run/crond.reboot
	# What cron itself was started with reaches no job, but what it starts to mail their output.
	sed -i 's/$/; echo a report/' /etc/cron.d/other
	rm /run/mailed.env
	LD_PRELOAD=$lib unpacked "$BUILD/cron" "$cron" -f &
	went plain 2
	until_true 10 test -s /run/mailed.env
	equal "$(cat /run/mailed.env)" "LD_PRELOAD=$lib" "what a cron that is sealed starts"
}

fpm_start() {
	unpacked "$BUILD/fpm" "$@" "$fpm" -F -y "$W/fpm.conf" >"$W/fpm.out" 2>&1 &
	until_true 10 test -S /run/fpm.sock || fail "no pool: $(cat "$W/fpm.out")"
	master=$!
}
fpm_stop() {
	kill $master
	wait $master 2>/dev/null
	rm -f /run/fpm.sock
}
asks() { plain /usr/bin/python3 "$E2E/clients/fastcgi.py" /run/fpm.sock /run/send.php; }

# A pool's env[] comes too late for the processes of PHP, but reaches what they start.
t_pools_of_php_fpm() {
	fpm=$(compgen -G "$BUILD/fpm/usr/sbin/php-fpm*" | head -n 1)
	[ -n "$fpm" ] || skip "no php-fpm unpacked in $BUILD/fpm"
	places
	cat >/run/send.php <<-'END'
		<?php
		$s = fsockopen('mx.b.example', 25);
		foreach (['HELO a', 'MAIL FROM:<a@a.example>', 'RCPT TO:<a@b.example>', 'QUIT'] as $line) {
			fgets($s);
			fwrite($s, "$line\r\n");
		}
		fgets($s);
		echo "child: " . trim(shell_exec('echo $LD_PRELOAD'));
	END
	printf '%s\n' '[global]' 'error_log = /proc/self/fd/2' '[www]' 'user = mailbox' 'group = mailbox' 'listen = /run/fpm.sock' \
		'pm = static' 'pm.max_children = 1' >"$W/fpm.conf"
	fpm_start env LD_PRELOAD="$lib"
	asks
	holds "$W/client.out" 'child: $'
	went tls 1
	fpm_stop
	echo "env[LD_PRELOAD] = $lib" >>"$W/fpm.conf"
	fpm_start env LD_PRELOAD="$lib"
	asks
	holds "$W/client.out" "child: $lib\$"
	went tls 2
	fpm_stop
	fpm_start
	asks
	went plain 3
	fpm_stop
}

# in_image [VARIABLE ...] -- PROGRAM ...: in the root directory of an image, with mounts and processes of its own
in_image() {
	plain timeout 30 unshare --mount --pid --fork --kill-child --uts --ipc --propagation private /usr/bin/python3 -c 'import os, sys
i = sys.argv.index("--")
os.chroot(sys.argv[1])
os.chdir("/")
os.spawnve(os.P_NOWAIT, sys.argv[i + 1], sys.argv[i + 1:], dict(v.split("=", 1) for v in sys.argv[2:i]))
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))' "$W/image" "$@"
}

image() {
	mkdir -p "$W/image"/{lib,proc,etc,run/mailseal,usr/local/lib/mailseal}
	cp "$BUILD/libmailseal.so" "$W/image/usr/local/lib/mailseal/"
	cp /etc/hosts "$W/image/etc/"
	message "$W/image/message"
	mount -t proc proc "$W/image/proc"
}

# As an image of Alpine: the library runs there, an agent that was built for glibc does not; that of the host serves.
t_a_container_of_musl() {
	local seal=LD_PRELOAD=/usr/local/lib/mailseal/libmailseal.so client=$bin/musl/stdio_client
	[ -x "$client" ] || skip "no $client: musl-tools"
	places
	sed -i 's/^}/\trequire_tls = true\n}/' /etc/mailseal.conf
	image
	cp -L /lib/ld-musl-x86_64.so.1 "$W/image/lib/"
	cp "$client" "$W/image/client"
	in_image $seal -- /client mx.b.example 25 /message
	equal "$status" 1 "without an agent"
	equal "$(connections)" 0 "connections"
	mkdir -p /run/mailseal
	mount --bind /run/mailseal "$W/image/run/mailseal"
	"$BUILD/mailseal-agent" --listen /run/mailseal/agent.sock --log "$W/agent.log" &
	until_true 10 test -S /run/mailseal/agent.sock || fail "no agent"
	in_image $seal -- /client mx.b.example 25 /message
	equal "$status" 0 "with the host's agent: $(cat "$W/client.out" "$W/agent.log")"
	went tls 1
	in_image A=b -- /client mx.b.example 25 /message
	equal "$status" 0
	went plain 2
}

# What an image of Debian needs: library, agent, what that needs, and the policy.
t_a_container_of_glibc() {
	local f client=$bin/stdio_client
	places
	image
	mkdir -p "$W/image/usr/local/libexec/mailseal" "$W/image/certificates"
	cp "$BUILD/mailseal-agent" "$W/image/usr/local/libexec/mailseal/"
	cp "$client" "$W/image/client"
	ln -s lib "$W/image/lib64"
	for f in $(ldd "$client" "$BUILD/mailseal-agent" | grep -oE '/[^ ]+\.so[^ ]*' | sort -u); do
		cp -L "$f" "$W/image/lib/"
	done
	cp "$pki/ca.pem" "$W/image/certificates/"
	printf 'default {\n\tca_file = "/certificates/ca.pem"\n\trequire_tls = true\n}\n' >"$W/image/etc/mailseal.conf"
	in_image LD_PRELOAD=/usr/local/lib/mailseal/libmailseal.so LD_LIBRARY_PATH=/lib MAILSEAL_LOG=stderr -- /client mx.b.example 25 /message
	equal "$status" 0 "$(cat "$W/client.out")"
	went tls 1
}
