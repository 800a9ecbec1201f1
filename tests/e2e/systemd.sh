# systemd.sh: a machine with a real systemd: system manager, journal and, on demand, a user's manager.
#
#   systemd_start           boots it; skips the case, and says why, where it cannot be had
#   booted COMMAND ...      runs a command in it, as root; `systemctl`, `journalctl` and /proc are that machine's
#   booted_as USER ...      the same as a user whose manager runs, with what `systemctl --user` needs
#   systemd_user USER       makes a user, and starts a manager for him
#   systemd_stop            ends all of it; at the latest, the end of the case does
#   unit NAME <<TEXT        writes a vendor's unit, into /usr/lib/systemd/system, and has it read
#   user_unit USER NAME <<TEXT           the same for the managers of users; the one of USER reads it
#   journal_holds PATTERN [OPTION ...]   in the journal (journalctl's options), which may take a moment
#
# It is PID 1 of a PID namespace within the case's, in a cgroup of its own (version 2, whatever the host has), and
# shares the case's network and files: /etc, /run and /tmp are the case's own anyway; /var, /home, /dev and the directories of
# units become so here. What the case mounts later is not seen there. Only a few of the vendor's units are there, so that nothing sets clocks, devices or kernel
# variables, or cleans up: the kernel's are read-only besides.
# systemd is the installed one, or one that was unpacked, laid over /usr.
# shellcheck shell=bash

bed_units='basic.target sysinit.target shutdown.target sockets.target timers.target paths.target slices.target multi-user.target
	network.target network-online.target nss-lookup.target local-fs.target remote-fs.target umount.target exit.target
	systemd-exit.service systemd-journald.service systemd-journald.socket systemd-journald-dev-log.socket'

# Unpacked systemd over /usr, where none is installed.
bed_programs() {
	local unpacked=$BUILD/systemd d
	[ -x /usr/lib/systemd/systemd ] && [ -x /usr/lib/systemd/systemd-journald ] && [ -x /usr/bin/systemctl ] && return
	[ -x "$unpacked/lib/systemd/systemd" ] || skip "no systemd installed, and none unpacked in $unpacked"
	[ -L /lib ] || skip "no systemd installed, and the unpacked one needs a merged /usr"
	for d in bin lib; do
		mount -t overlay -o "lowerdir=$unpacked/usr/$d:$unpacked/$d:/usr/$d" overlay "/usr/$d" 2>"$W/bed.err" ||
			skip "no systemd installed, and the unpacked one cannot be laid over /usr/$d: $(head -n 1 "$W/bed.err")"
	done
}

# Its own /var, /dev and directories of units, in the case's mount namespace.
bed_files() {
	local u from=$W/.bed-units
	mkdir -p "$from" /usr/lib/systemd/{system,user}
	for u in $bed_units; do
		cp "/usr/lib/systemd/system/$u" "$from/" || fail "no vendor's $u"
	done
	cp -r /usr/lib/systemd/user "$from/user"
	rm -rf "$from"/user/*.wants
	mount -t tmpfs -o mode=755 tmpfs /usr/lib/systemd/system || skip "no tmpfs over /usr/lib/systemd/system"
	mount -t tmpfs -o mode=755 tmpfs /usr/lib/systemd/user
	cp "$from"/*.* /usr/lib/systemd/system
	cp -r "$from"/user/. /usr/lib/systemd/user
	rm -rf "$from" /etc/systemd/{system,user}/* /etc/systemd/*.conf.d
	mkdir -p /etc/systemd/{system,user}
	echo bed >/etc/hostname
	bed_hide /usr/lib/systemd/system-generators /usr/lib/systemd/user-generators \
		/usr/lib/systemd/system-environment-generators /usr/lib/systemd/user-environment-generators
	cat >/usr/lib/systemd/system/bed.target <<-END
		[Unit]
		Description=The machine of a test
		Requires=systemd-journald.service sysinit.target basic.target
		After=basic.target
		AllowIsolate=yes
	END
	mount -t tmpfs -o mode=755 tmpfs /var || fail "no tmpfs over /var"
	mount -t tmpfs -o mode=755 tmpfs /home || fail "no tmpfs over /home"
	mkdir -p /var/{lib,log,cache,spool} && mkdir -m 1777 /var/tmp && ln -s /run /var/run
	bed_devices
}

bed_hide() {
	local d
	for d; do
		[ ! -d "$d" ] || mount -t tmpfs -o mode=755 tmpfs "$d" || fail "no tmpfs over $d"
	done
}

# No kmsg, no disks. /dev/log will be this machine's.
bed_devices() {
	local d=$W/.bed-dev n
	mkdir -p "$d"
	mount -t tmpfs -o mode=755 tmpfs "$d" || fail "no tmpfs for /dev"
	for n in null zero full random urandom tty; do
		: >"$d/$n"
		mount --bind "/dev/$n" "$d/$n" || fail "no /dev/$n"
	done
	mkdir -p "$d"/{pts,shm,mqueue}
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$d/pts" 2>/dev/null || mount --bind /dev/pts "$d/pts" || fail "no /dev/pts"
	ln -s pts/ptmx "$d/ptmx"
	chmod 1777 "$d/shm"
	ln -s /proc/self/fd "$d/fd"
	ln -s fd/0 "$d/stdin"
	ln -s fd/1 "$d/stdout"
	ln -s fd/2 "$d/stderr"
	mount --rbind "$d" /dev || fail "no /dev of its own"
}

# A cgroup of its own below the one that the tests run in. A mount of our own, so that it does not matter whether
# the host's is writable or where it is. `run` takes it away where the case could not.
bed_cgroup() {
	local own old
	mkdir -p "$W/.cgroup"
	mount -t cgroup2 cgroup2 "$W/.cgroup" 2>"$W/bed.err" || skip "no cgroup2 can be mounted: $(head -n 1 "$W/bed.err")"
	own=$(sed -n 's/^0:://p' /proc/self/cgroup)
	[ -n "$own" ] || skip "this process is in no cgroup of version 2"
	[[ $own != /..* ]] || skip "the tests' own cgroup, $own, lies outside of their cgroup namespace"
	# What a run left that was killed: no case lasts for an hour.
	for old in $(find "$W/.cgroup/$own" -mindepth 1 -maxdepth 1 -name 'mailseal-e2e.*' -mmin +60); do
		find "$old" -depth -type d -exec rmdir {} + 2>/dev/null
	done
	bed_group=$(mktemp -d "$W/.cgroup/$own/mailseal-e2e.XXXXXX" 2>"$W/bed.err") ||
		skip "no cgroup can be made in $own: $(head -n 1 "$W/bed.err")"
	chmod 755 "$bed_group"
	echo "${bed_group#"$W/.cgroup/"}" >"$W/.cgroup-name"
	(echo 0 >"$bed_group/cgroup.procs") 2>"$W/bed.err" || skip "no process can be put into a cgroup of its own: $(head -n 1 "$W/bed.err")"
}

systemd_start() {
	need nsenter unshare ps
	mountpoint -q /etc && mountpoint -q /run || fail "not in a case: /etc is not its own"
	bed_programs
	bed_cgroup
	bed_files
	(
		echo 0 >"$bed_group/cgroup.procs" || exit 70
		exec env -i PATH="$PATH" container=mailseal-test unshare --mount --propagation private --pid --fork --cgroup --uts --ipc --kill-child \
			"$E2E/booted" >"$W/bed.log" 2>&1 </dev/null
	) &
	bed_outer=$!
	until_true 10 bed_is_init || fail "systemd does not start: $(tail -n 3 "$W/bed.log")"
	until_true 30 bed_is_up || fail "systemd does not come up: $(tail -n 3 "$W/bed.log"; booted journalctl -n 20 --no-pager 2>&1)"
}

bed_is_init() {
	bed=$(ps -o pid= --ppid "$bed_outer" | tr -d ' ')
	[ -n "$bed" ] && [[ $(readlink "/proc/$bed/exe") == */systemd ]]
}
bed_is_up() { [ -S /run/systemd/private ] && [ "$(booted systemctl is-active bed.target 2>/dev/null)" = active ]; }

# In a cgroup beside systemd's own, which is nobody's unit.
booted() {
	(
		mkdir -p "$bed_group/case" && echo 0 >"$bed_group/case/cgroup.procs" || exit 70
		exec nsenter -t "$bed" -m -p -C -u -i -- "$@"
	)
}

booted_as() {
	local user=$1 uid
	uid=$(id -u "$user")
	shift
	booted setpriv --reuid "$uid" --regid "$uid" --clear-groups env HOME="/home/$user" USER="$user" XDG_RUNTIME_DIR="/run/user/$uid" "$@"
}

# As the vendor's user@.service does, but without PAM.
systemd_user() {
	local user=$1 uid=${2:-5610}
	grep -q "^$user:" /etc/passwd || echo "$user:x:$uid:$uid::/home/$user:/bin/sh" >>/etc/passwd
	grep -q "^$user:" /etc/group || echo "$user:x:$uid:" >>/etc/group
	install -d -m 700 -o "$uid" -g "$uid" "/home/$user" && install -d -m 755 /run/user && install -d -m 700 -o "$uid" -g "$uid" "/run/user/$uid"
	unit "user@$uid.service" <<-END
		[Service]
		Type=notify
		User=$uid
		Environment=XDG_RUNTIME_DIR=/run/user/$uid
		ExecStart=/lib/systemd/systemd --user
		Slice=user-$uid.slice
		KillMode=mixed
		Delegate=yes
	END
	booted systemctl start "user@$uid.service" || fail "the user's manager does not start: $(booted journalctl -n 20 --no-pager 2>&1)"
}

unit() {
	cat >"/usr/lib/systemd/system/$1"
	booted systemctl daemon-reload || fail "systemd does not reload"
}

user_unit() {
	cat >"/usr/lib/systemd/user/$2"
	booted_as "$1" systemctl --user daemon-reload || fail "the user's manager does not reload"
}

journal_holds() {
	until_true 10 bed_journal_has "$@" || fail "no '$1' in the journal: $(booted journalctl --no-pager -n 15 -o cat "${@:2}" 2>&1)"
	checks=$((checks + 1))
}
bed_journal_has() { booted journalctl --no-pager -q "${@:2}" 2>/dev/null | grep -Eq -- "$1"; }

systemd_stop() {
	kill -KILL "$bed" # and with it, all of its namespace
	wait "$bed_outer" 2>/dev/null
	"$E2E/cgroup_remove" "$bed_group" && rm -f "$W/.cgroup-name"
}
