# mailseal doctor: real programs, services and processes, reached and not.
# shellcheck shell=bash

doctor_there() {
	product
	unset MAILSEAL_AGENT MAILSEAL_LOG
	[ -x "$BUILD/mailseal" ] || skip "no $BUILD/mailseal"
	ms=$BUILD/mailseal
	cd "$W" || fail "no $W"
	printf 'int main(void) { return 0; }\n' >"$W/empty.c"
}

# reached|unreached PROGRAM ...: the verdict, and what it rests on in client.out
reached() { plain "$ms" doctor "$@"; equal "$status" 0 "doctor $*"; }
unreached() { plain "$ms" doctor "$@"; equal "$status" 1 "doctor $*"; }
says_so() { holds "$W/client.out" "$1"; }

# starts COMMAND ...: in the background, its pid in $started; it has begun to wait when this returns
starts() {
	: >"$W/started"
	"$@" >"$W/started" 2>&1 &
	started=$!
	until_true 10 grep -q ready "$W/started" || fail "did not start: $* ($(<"$W/started"))"
}

t_real_programs_are_reached() {
	doctor_there
	reached swaks
	says_so '^ok +/usr/bin/swaks is a script, run by /usr/bin/perl$'
	says_so '^ok +/usr/bin/perl[0-9.]* is dynamically linked, by the loader of glibc'
	says_so '^verdict +mailseal reaches swaks\.$'
	reached /usr/bin/python3
	reached curl
	says_so '^note +it may speak STARTTLS by itself: there is a TLS library \((libssl|libgnutls).*libcurl.* knows the word'
	reached msmtp
	says_so 'it may speak STARTTLS by itself: .*msmtp knows the word'
	reached openssl
	says_so 'there is a TLS library \(libssl'
}

# What doctor looks at is what the loader loads.
t_libraries_are_those_of_the_loader() {
	local program
	doctor_there
	need strace
	for program in /usr/bin/curl /usr/bin/msmtp /usr/bin/openssl; do
		ldd "$program" | grep -oE '/[^ ]+' | xargs -r realpath | sort -u >"$W/loaded"
		strace -e trace=openat -o "$W/trace" "$ms" doctor "$program" >/dev/null
		sed -nE 's/.*openat\(AT_FDCWD, "(\/[^"]*\.so[^"]*)".* = [0-9]+$/\1/p' "$W/trace" | xargs -r realpath | sort -u >"$W/read"
		check test "$(wc -l <"$W/loaded")" -ge 3
		equal "$(comm -23 "$W/loaded" "$W/read")" "" "loaded by $program, but not looked at"
	done
}

t_libraries_beside_the_program() {
	doctor_there
	need gcc
	mkdir libs elsewhere
	# They need each other; one is found by $ORIGIN of the program, the other by that of the first.
	printf 'int a(void) { return 1; }\n' >a.c
	printf '#include <sys/socket.h>\nint a(void);\nint b(void) { return connect(a(), 0, 0); }\n' >b.c
	gcc -shared -fPIC -o libs/libb.so a.c -Wl,-soname,libb.so
	gcc -shared -fPIC -o libs/liba.so a.c -Wl,-soname,liba.so -Wl,--no-as-needed libs/libb.so -Wl,-rpath,'$ORIGIN'
	gcc -shared -fPIC -o libs/libb.so b.c -Wl,-soname,libb.so -Wl,--no-as-needed libs/liba.so
	printf 'int a(void);\nint main(void) { return a() - 1; }\n' >main.c
	gcc -o program main.c libs/liba.so -Wl,-rpath,'${ORIGIN}/libs' -Wl,-rpath-link,libs
	check ./program
	reached ./program
	lacks "$W/client.out" 'not found|connect to anything'
	ln -s ../program elsewhere/link
	reached ./elsewhere/link
	lacks "$W/client.out" 'not found'
	mv libs/libb.so elsewhere
	reached ./program
	says_so '^warning .*liba\.so needs libb\.so, which was not found'
	LD_LIBRARY_PATH=$W/elsewhere reached ./program
	lacks "$W/client.out" 'not found'
	# A connect() of the program's own comes before any that is preloaded.
	printf 'int connect(int a, void *b, int c) { return a + c + !b; }\nint main(void) { return 0; }\n' >own.c
	gcc -rdynamic -o own own.c 2>/dev/null
	unreached ./own
	says_so '^obstacle .*/own brings a connect\(\) of its own'
}

t_what_imports_give_away() {
	local name
	doctor_there
	need gcc
	printf 'int f(void) { return 0; }\n' >f.c
	for name in libcares.so.2 liburing.so.2 libmbedtls.so.14; do
		gcc -shared -fPIC -o "$name" -Wl,-soname,"$name" f.c
	done
	cat >program.c <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <stdlib.h>
		#include <sys/socket.h>
		int f(void);
		int main(int argc, char **argv)
		{
			clearenv();
			dlmopen(LM_ID_NEWLM, argv[0], RTLD_NOW);
			return connect(argc, 0, 0) + f();
		}
	END
	gcc -o program program.c -Wl,--no-as-needed ./libcares.so.2 ./liburing.so.2 ./libmbedtls.so.14 -Wl,-rpath,'$ORIGIN'
	reached ./program
	says_so '^note .*/program can look names up without the C library \(libcares\.so\.2\)'
	says_so '^warning .*/program uses io_uring \(liburing\.so\.2\)'
	says_so '^note .*TLS library \(libmbedtls\.so\.14, in .*/program\), but nothing in it knows STARTTLS'
	says_so '^note .*/program can clear the environment'
	says_so '^note .*/program can load libraries into a name space of their own'
	says_so '^verdict .*mailseal reaches \./program, but mind the warnings above\.$'
}

t_other_preloaded_libraries() {
	doctor_there
	need gcc
	printf 'int connect(int a, void *b, int c) { return a + c + !b; }\n' >proxy.c
	gcc -fno-builtin -shared -fPIC -o libproxy.so proxy.c
	unit "Environment=\"LD_PRELOAD=$W/libproxy.so $BUILD/libmailseal.so\""
	reached billing.service
	says_so '^warning .*/libproxy\.so replaces connect\(\) too'
	starts env LD_PRELOAD="$W/libproxy.so:$BUILD/libmailseal.so" sh -c 'echo ready; exec sleep 60'
	reached --pid "$started"
	says_so '^warning .*/libproxy\.so replaces connect\(\) too'
	kill "$started"
}

# The loader cannot map a library from there, says so and goes on.
t_a_library_on_a_noexec_file_system_is_told() {
	doctor_there
	mkdir shut
	mount -t tmpfs -o noexec none shut || skip "cannot mount"
	cp "$BUILD/libmailseal.so" shut
	unit "Environment=LD_PRELOAD=$W/shut/libmailseal.so"
	unreached billing.service
	says_so '^obstacle .*/shut/libmailseal\.so lies on a file system that is mounted noexec'
	LD_PRELOAD=$W/shut/libmailseal.so /bin/true 2>"$W/loader"
	holds "$W/loader" 'cannot be preloaded'
}

t_scripts_that_mention_something() {
	doctor_there
	printf '#!/usr/bin/python3\nimport smtplib\ns = smtplib.SMTP("mx")\ns.starttls()\n' >sends
	printf '#!/bin/sh\nunset LD_PRELOAD\nexec env -i sendmail "$@"\n' >wraps
	chmod +x sends wraps
	reached ./sends
	says_so "^note .*/sends mentions 'starttls': it may speak STARTTLS by itself"
	reached ./wraps
	says_so "^note .*/wraps mentions 'LD_PRELOAD'"
	says_so "^note .*/wraps mentions 'env -i'"
}

t_static_programs_are_not_reached() {
	doctor_there
	need gcc
	gcc -static -o one empty.c || skip "no static C library"
	gcc -static-pie -o two empty.c || skip "no static C library"
	unreached ./one
	says_so '^obstacle .*statically linked, so no library can be loaded into it\. '
	unreached ./two
	says_so '^obstacle .*statically linked'
	says_so '^verdict +mailseal does NOT reach \./two\.$'
	plain "$ms" run -- ./one
	equal "$status" 69 "run agrees"
}

t_programs_of_musl_are_reached() {
	doctor_there
	need musl-gcc
	musl-gcc -o dynamic empty.c || skip "musl-gcc does not work"
	reached ./dynamic
	says_so 'by the loader of musl'
	says_so '^ok .*libmailseal\.so fits the program and its C library$'
	musl-gcc -static -o static empty.c
	unreached ./static
	# A library with a symbol of glibc alone: no program of musl would start with it.
	mkdir other
	cp "$ms" "$BUILD/mailseal-agent" other
	printf '#include <malloc.h>\nint f(void) { return mallopt(M_PERTURB, 1); }\n' >glibc.c
	gcc -shared -fPIC -o other/libmailseal.so glibc.c
	plain other/mailseal doctor ./dynamic
	equal "$status" 1
	says_so '^obstacle .*wants mallopt, which the program.s C library lacks'
	plain other/mailseal run -- ./dynamic
	equal "$status" 69 "run agrees"
	says_so 'dynamic would not start: .*wants mallopt, which the C library of musl lacks'
	lacks "$W/client.out" 'unprotected'
	LD_PRELOAD=$W/other/libmailseal.so ./dynamic 2>/dev/null
	equal $? 127 "the loader of musl agrees"
	plain other/mailseal doctor true
	equal "$status" 0
}

# Its loader never reads that file.
t_ld_so_preload_does_not_reach_programs_of_musl() {
	doctor_there
	need musl-gcc
	printf '#include <unistd.h>\nint main(void) { write(1, "ready", 5); pause(); return 0; }\n' >waits.c
	musl-gcc -o dynamic waits.c || skip "musl-gcc does not work"
	cp dynamic setuid
	chown nobody setuid
	chmod 4755 setuid
	echo "$BUILD/libmailseal.so" >/etc/ld.so.preload
	printf '[Service]\nExecStart=%s/dynamic\n' "$W" >bare.service
	printf '[Service]\nExecStart=%s/dynamic\nEnvironment=LD_PRELOAD=%s/libmailseal.so\n' "$W" "$BUILD" >told.service
	unreached ./dynamic
	says_so '^obstacle +musl does not read /etc/ld\.so\.preload'
	unreached ./setuid
	says_so '^obstacle .*is setuid \(65534\).*musl does not read /etc/ld\.so\.preload'
	unreached ./bare.service
	says_so '^obstacle +musl does not read'
	reached ./told.service
	starts ./dynamic
	refute grep -q libmailseal "/proc/$started/maps"
	unreached --pid "$started"
	says_so '^obstacle +musl does not read'
	kill "$started"
	plain "$ms" run -- "$ms" doctor ./dynamic
	equal "$status" 0 "started by mailseal run"
	: >/etc/ld.so.preload
	reached ./dynamic
}

t_a_library_for_a_newer_libc_is_told() {
	doctor_there
	need gcc
	mkdir other
	cp "$ms" "$BUILD/mailseal-agent" other
	# Linked against a C library with a version that no glibc has.
	printf 'int from_the_future(void) { return 1; }\n' >future.c
	printf 'GLIBC_9.99 { from_the_future; };\n' >future.map
	gcc -shared -fPIC -o libc.so.6 -Wl,-soname,libc.so.6,--version-script=future.map future.c
	printf 'extern int from_the_future(void); int f(void) { return from_the_future(); }\n' >user.c
	gcc -shared -fPIC -nostdlib -o other/libmailseal.so user.c ./libc.so.6
	plain other/mailseal doctor true
	equal "$status" 1
	says_so '^obstacle .*wants from_the_future, which'
	refute env LD_PRELOAD="$W/other/libmailseal.so" /bin/true 2>/dev/null
}

t_programs_of_32_bit_have_a_library_of_their_own() {
	doctor_there
	gcc -m32 -o narrow empty.c 2>/dev/null || skip "nothing is built for 32-bit programs here"
	mkdir other
	cp "$ms" "$BUILD/libmailseal.so" "$BUILD/mailseal-agent" other
	plain other/mailseal doctor ./narrow
	equal "$status" 1
	says_so '^obstacle .*libmailseal\.so is a 64-bit .* library, and the program is 32-bit'
	[ -e "$BUILD/lib32/libmailseal.so" ] || skip "no $BUILD/lib32"
	reached ./narrow
	says_so '^ok .*/lib32/libmailseal\.so fits the program and its C library'
	# One LD_PRELOAD for both, as the loader takes it apart.
	for program in narrow /bin/true; do
		printf '[Service]\nExecStart=%s\nEnvironment=LD_PRELOAD=%s\n' "$(realpath "$program")" "$BUILD/\$LIB/libmailseal.so" >x.service
		reached ./x.service
		says_so '^ok .*libmailseal\.so fits the program'
	done
}

t_programs_that_gain_privileges() {
	doctor_there
	cp /bin/true setuid
	chown nobody setuid
	chmod 4755 setuid
	unreached ./setuid
	says_so '^obstacle .*is setuid \(65534\)'
	reached --user nobody ./setuid
	cp /bin/true capable
	need setcap
	setcap cap_net_bind_service=ep capable || skip "no file capabilities on this file system"
	unreached ./capable
	says_so '^obstacle .*has file capabilities'
	unreached --user nobody ./capable
	reached --user root ./capable
	# As the kernel has it: AT_SECURE, and only setpriv itself complains of a library that is not there.
	equal "$(LD_PRELOAD=/none.so setpriv --reuid nobody --clear-groups ./capable 2>&1 | wc -l)" 1 "the loader ignores LD_PRELOAD"
	# /etc/ld.so.preload is heeded all the same.
	echo "$BUILD/libmailseal.so" >/etc/ld.so.preload
	reached ./setuid
	says_so '^note .*is setuid \(65534\), and /etc/ld\.so\.preload reaches it all the same'
	: >/etc/ld.so.preload
}

t_go_programs_are_not_reached() {
	doctor_there
	need gron
	unreached gron
	says_so '^obstacle .*gron is written in Go'
	lacks "$W/client.out" 'lacks'
	plain "$ms" run -- gron --version
	equal "$status" 69 "run agrees"
	holds "$W/client.out" 'gron is written in Go'
}

# Its compiler leaves a section by which it is known; a program of it may take libc's sockets all the same.
t_free_pascal_programs_are_not_reached() {
	doctor_there
	need gcc
	cat >"$W/pascal.c" <<-'END'
		#include <sys/socket.h>
		__attribute__((section(".fpcdata"))) char compiler[] = "FPC 3.2.2";
		int main(int argc, char **argv) { return argv[0] ? 0 : CONNECT + compiler[argc]; }
	END
	gcc -DCONNECT=0 -o "$W/pascal" "$W/pascal.c" || fail "gcc"
	gcc '-DCONNECT=connect(0, 0, 0)' -o "$W/by_libc" "$W/pascal.c" || fail "gcc"
	unreached "$W/pascal"
	says_so '^obstacle .*pascal is written in Free Pascal: its network code'
	plain "$ms" run -- "$W/pascal"
	equal "$status" 69 "run agrees"
	holds "$W/client.out" 'pascal is written in Free Pascal'
	reached "$W/by_libc"
	plain "$ms" run -- "$W/by_libc"
	equal "$status" 0 "run agrees"
}

t_raw_system_calls_are_seen() {
	doctor_there
	unreached "$bin/raw_connect"
	says_so '^obstacle .*raw_connect holds code that makes the system call connect without the C library'
	says_so '^warning .*raw_connect uses io_uring \(io_uring_setup\)'
	reached "$bin/poll_client"
	lacks "$W/client.out" 'system call'
}

# The library, its loader and the program are those of the tree that chroot(1) goes to.
t_a_chroot_in_a_command_is_entered() {
	local file
	doctor_there
	need gcc
	mkdir -p tree/bin tree/opt
	gcc -o tree/bin/sends empty.c
	gcc -static -o tree/bin/static empty.c || skip "no static C library"
	for file in $(ldd tree/bin/sends "$BUILD/libmailseal.so" | grep -oE '/[^ :]+' | sort -u); do
		mkdir -p "tree$(dirname "$file")"
		cp -L "$file" "tree$file"
	done
	unit "ExecStart=" "ExecStart=chroot $W/tree /bin/sends" 'Environment=' 'Environment=LD_PRELOAD=/opt/libmailseal.so'
	unreached billing.service
	says_so '^obstacle +/opt/libmailseal\.so: No such file'
	cp "$BUILD/libmailseal.so" tree/opt
	reached billing.service
	says_so '^warning +chroot .*/tree: what it starts sees nothing outside'
	says_so '^ok +/opt/libmailseal\.so fits the program'
	unit "ExecStart=" "ExecStart=nice chroot $W/tree static"
	unreached billing.service
	says_so '^obstacle +/bin/static is statically linked'
	plain "$ms" run -- chroot "$W/tree" static
	equal "$status" 69 "run agrees"
}

# sudo is not installed here: its name is what counts.
t_sudo_is_an_obstacle() {
	doctor_there
	cp /bin/true sudo
	unit "ExecStart=" "ExecStart=$W/sudo -u nobody /bin/true"
	unreached billing.service
	says_so '^obstacle +what .*/sudo starts does not get LD_PRELOAD \(sudo\)'
	says_so '^warning +only .*/sudo was judged, not what it starts'
	says_so '^warning +sudo starts programs with a cleaned environment'
	unit "ExecStart=" "ExecStart=$W/sudo -u nobody $ms run -- /bin/true"
	reached billing.service
	says_so '^verdict +mailseal reaches billing\.service itself; what that starts was not judged'
}

t_running_processes() {
	doctor_there
	starts sh -c 'echo ready; exec sleep 60'
	until_true 5 test "$(readlink /proc/$started/exe)" != /bin/sh
	unreached --pid "$started"
	says_so '^obstacle +the process has not loaded libmailseal\.so'
	says_so "^verdict +process $started is NOT protected by mailseal\.$"
	kill "$started"
	starts env LD_PRELOAD="$BUILD/libmailseal.so" sh -c 'echo ready; exec sleep 60'
	reached --pid "$started"
	says_so "^ok +it has loaded $BUILD/libmailseal.so"
	says_so '^note +no agent of its own is running now'
	says_so '^ok +it holds no TCP connection of its own to a mail port \(25\) at this moment'
	reached sleep "$started"
	reached cat "$started"
	says_so "^warning +process $started does not run /usr/bin/cat"
	plain setpriv --reuid nobody --clear-groups "$ms" doctor --pid "$started"
	equal "$status" 77 "as another user"
	kill "$started"
	wait "$started"
	plain "$ms" doctor --pid "$started"
	equal "$status" 66 "after its end"
}

# A connection that the library took over is none of the process any more.
t_intercepted_connections_are_not_counted() {
	doctor_there
	policy
	hostile good_server.hs
	starts env LD_PRELOAD="$BUILD/libmailseal.so" MAILSEAL_LOG="$log" /usr/bin/python3 -u -c '
import socket, time
s = socket.create_connection(("127.0.0.10", 25))
assert s.recv(3) == b"220"
print("ready")
time.sleep(60)'
	reached --pid "$started"
	says_so '^ok +an agent of its user and service is running \(process [0-9]+\)'
	says_so '^ok +it holds no TCP connection of its own to a mail port'
	plain "$ms" doctor --pid "$(agents | head -n 1)"
	says_so '^note +this is an agent'
	kill "$started"
}

t_connections_past_the_library_are_seen() {
	local how
	doctor_there
	hostile good_server.hs
	for how in tcp mptcp; do
		[ "$how" = mptcp ] && [ "$(cat /proc/sys/net/mptcp/enabled 2>/dev/null)" != 1 ] && continue
		starts env LD_PRELOAD="$BUILD/libmailseal.so" "$bin/raw_connect" 127.0.0.10 25 $how
		unreached --pid "$started"
		says_so '^ok +it has loaded'
		says_so '^obstacle +descriptor 3 is a TCP connection to 127\.0\.0\.10 port 25 that mailseal has no part in'
		# Other ports are none of its business, unless they are asked for.
		plain "$ms" doctor --ports 587 --pid "$started"
		says_so 'no TCP connection of its own to a mail port \(587\)'
		kill "$started"
		wait "$started" 2>/dev/null
	done
	# IPv6, and no library at all
	starts /usr/bin/python3 -u -c '
import socket, time
l = socket.create_server(("::1", 25), family=socket.AF_INET6)
s = socket.create_connection(("::1", 25))
m = socket.socket(socket.AF_INET6)
m.connect(("::ffff:127.0.0.10", 25))
print("ready")
time.sleep(60)'
	unreached --pid "$started"
	says_so '^obstacle +descriptor [0-9]+ is a TCP connection to ::1 port 25'
	says_so '^obstacle +descriptor [0-9]+ is a TCP connection to ::ffff:127\.0\.0\.10 port 25'
	plain "$ms" doctor --json --pid "$started"
	equal "$(json 'print([f["code"] for f in d["findings"]].count("unintercepted"), d["reached"])')" "2 False"
	kill "$started"
}

# While a connection is handed over, the program holds its socket beside the agent for a moment.
t_busy_and_starting_processes_are_no_alarm() {
	local i
	doctor_there
	hostile good_server.hs
	starts env LD_PRELOAD="$BUILD/libmailseal.so" MAILSEAL_LOG=/dev/null /usr/bin/python3 -u -c '
import smtplib
smtplib.SMTP("127.0.0.10", 25).quit()
print("ready")
while True: smtplib.SMTP("127.0.0.10", 25).quit()'
	for i in {1..40}; do
		plain "$ms" doctor --pid "$started"
		equal "$status" 0 "doctor of a busy program, look $i: $(grep -E '^(obstacle|warning)' "$W/client.out")"
	done
	kill "$started"
	wait "$started" 2>/dev/null
	# Between exec and the work of the loader nothing is loaded yet: it is stopped there, for a moment.
	plain env LIBRARY="$BUILD/libmailseal.so" COMMAND="$ms" /usr/bin/python3 -c '
import os, signal, subprocess, time
for i in range(5):
    p = subprocess.Popen(["/bin/sleep", "60"], env={"LD_PRELOAD": os.environ["LIBRARY"]})
    p.send_signal(signal.SIGSTOP)
    d = subprocess.Popen([os.environ["COMMAND"], "doctor", "--pid", str(p.pid)])
    time.sleep(0.05)
    p.send_signal(signal.SIGCONT)
    assert d.wait() == 0, i
    p.kill()
    p.wait()'
	equal "$status" 0 "doctor of a program that starts: $(grep -E '^(obstacle|warning)' "$W/client.out")"
}

json() { /usr/bin/python3 -c "import json, sys; d = json.load(open('$W/client.out')); $1"; }

t_processes_tell_what_they_loaded_since() {
	doctor_there
	starts env LD_PRELOAD="$BUILD/libmailseal.so" /usr/bin/python3 -u -c 'import time; print("ready"); time.sleep(60)'
	reached --pid "$started"
	lacks "$W/client.out" 'TLS library'
	kill "$started"
	starts env LD_PRELOAD="$BUILD/libmailseal.so" /usr/bin/python3 -u -c 'import ssl, time; print("ready"); time.sleep(60)'
	reached --pid "$started"
	says_so '^note +there is a TLS library \(.*libssl'
	kill "$started"
	# Who only reads the library has not loaded it.
	starts /usr/bin/python3 -u -c '
import mmap, sys, time
with open(sys.argv[1], "rb") as f:
    m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
print("ready")
time.sleep(60)' "$BUILD/libmailseal.so"
	unreached --pid "$started"
	says_so '^obstacle +the process has not loaded'
	kill "$started"
}

# The library was loaded before the root directory changed: it is still the same.
t_processes_that_went_into_a_chroot() {
	doctor_there
	mkdir tree
	starts env LD_PRELOAD="$BUILD/libmailseal.so" /usr/bin/python3 -u -c '
import os, time
os.chroot("tree")
os.chdir("/")
print("ready")
time.sleep(60)'
	reached --pid "$started"
	says_so "^note +its root directory is another than this command's"
	says_so '^ok +it has loaded'
	lacks "$W/client.out" 'not the one that is now|not found'
	says_so '^warning +it went into a chroot after it had loaded the library, and no system-wide agent is to be seen from there'
	"$BUILD/mailseal-agent" --listen /run/agent.sock --log "$log" &
	until_true 10 grep -q '@mailseal/1/system' /proc/net/unix || fail "no system agent"
	reached --pid "$started"
	says_so '^note +a system-wide agent listens at @mailseal/1/system'
	lacks "$W/client.out" '^warning'
	kill "$started"
}

# Where the library is loaded for all, it is in setuid programs too, and heeds no environment there.
t_processes_that_gained_privileges() {
	doctor_there
	cp /bin/sleep setuid
	chown nobody setuid
	chmod 4755 setuid
	echo "$BUILD/libmailseal.so" >/etc/ld.so.preload
	MAILSEAL_PORTS=26 ./setuid 60 &
	started=$!
	until_true 5 grep -q libmailseal "/proc/$started/maps"
	until_true 5 test "$(readlink "/proc/$started/exe")" = "$(realpath setuid)"
	reached --pid "$started"
	: >/etc/ld.so.preload
	says_so '^note +it gained privileges when it was started: LD_PRELOAD and the variables MAILSEAL_ are ignored'
	says_so 'to a mail port \(25\) at this moment'
	lacks "$W/client.out" 'started with'
	kill "$started"
}

t_processes_of_another_network() {
	doctor_there
	starts unshare -n sh -c '
		ip link set lo up
		/usr/bin/python3 -c "
import socket, time
l = socket.create_server((\"127.0.0.77\", 25))
print(\"listening\", flush=True)
time.sleep(60)" >listening &
		until grep -q listening listening; do sleep 0.05; done
		exec "$1" 127.0.0.77 25 tcp' sh "$bin/raw_connect"
	unreached --pid "$started"
	says_so '^obstacle +descriptor [0-9]+ is a TCP connection to 127\.0\.0\.77 port 25'
	kill "$started"
}

t_ten_thousand_descriptors() {
	doctor_there
	starts env LD_PRELOAD="$BUILD/libmailseal.so" /usr/bin/python3 -u -c '
import resource, socket, time
resource.setrlimit(resource.RLIMIT_NOFILE, (11000, 11000))
s = [socket.socket() for i in range(10000)]
print("ready")
time.sleep(60)'
	reached --pid "$started"
	kill "$started"
}

# A server's connections come to port 25: those are not mail that leaves.
t_servers_are_not_accused() {
	doctor_there
	starts env LD_PRELOAD="$BUILD/libmailseal.so" /usr/bin/python3 -u -c '
import socket, time
s = socket.create_server(("127.0.0.10", 25))
print("ready")
c = s.accept()[0]
time.sleep(60)'
	exec 5<>/dev/tcp/127.0.0.10/25
	sleep 0.3
	reached --pid "$started"
	exec 5>&-
	kill "$started"
}

t_io_uring_is_seen() {
	doctor_there
	"$bin/raw_connect" 127.0.0.1 1 ring >"$W/started" &
	until_true 5 grep -q ready "$W/started" || skip "no io_uring here"
	plain "$ms" doctor --pid $!
	says_so '^warning +it uses io_uring \(1 of its descriptors\)'
	kill $!
}

t_chrooted_processes() {
	doctor_there
	need gcc
	mkdir -p tree/bin tree/lib64
	gcc -static -o tree/bin/program -x c - <<-'END' || skip "no static C library"
		#include <stdio.h>
		#include <unistd.h>
		int main(void) { puts("ready"); fflush(stdout); pause(); return 0; }
	END
	starts chroot tree /bin/program
	unreached --pid "$started"
	says_so "^note +its root directory is another than this command's"
	says_so '^obstacle .*/bin/program is statically linked'
	kill "$started"
}

# unit LINE ...: billing.service, with the library, and these lines in a drop-in
unit() {
	mkdir -p /etc/systemd/system/billing.service.d
	cat >/etc/systemd/system/billing.service <<-END
		[Service]
		ExecStart=/usr/bin/swaks --server mx.b.example
		Environment=LD_PRELOAD=$BUILD/libmailseal.so
	END
	{ echo '[Service]'; printf '%s\n' "$@"; } >/etc/systemd/system/billing.service.d/50.conf
}

t_services_by_their_units() {
	local name
	doctor_there
	unit
	reached billing.service
	says_so '^ok +unit /etc/systemd/system/billing\.service$'
	says_so '^ok +drop-in /etc/systemd/system/billing\.service\.d/50\.conf$'
	says_so '^ok .*/perl[0-9.]* is dynamically linked'
	says_so '^verdict +mailseal reaches billing\.service\.$'
	unit 'Environment='
	unreached billing.service
	says_so '^obstacle +the unit does not load the library: LD_PRELOAD is not set'
	unit 'SystemCallFilter=@system-service' 'SystemCallFilter=~@process'
	unreached billing.service
	says_so '^obstacle +SystemCallFilter forbids what mailseal calls in the service: clone, wait4, prctl; the service is killed'
	echo 'SystemCallFilter=@system-service' >>/etc/systemd/system/billing.service.d/50.conf
	reached billing.service
	unit 'RestrictAddressFamilies=AF_INET AF_INET6'
	reached --unit billing.service
	says_so '^warning +RestrictAddressFamilies leaves AF_UNIX out'
	unit "InaccessiblePaths=$BUILD"
	unreached billing.service
	says_so '^obstacle +the library .*: InaccessiblePaths hides it from the service'
	unit 'RootDirectory=/var/empty-or-none'
	unreached billing.service
	says_so '^obstacle +RootDirectory=/var/empty-or-none: No such file'
	# A tree that holds everything is one that it is reached in.
	mkdir -p /run/tree
	mount --rbind / /run/tree || fail "no tree"
	unit 'RootDirectory=/run/tree' 'MountAPIVFS=yes'
	reached billing.service
	says_so '^note +RootDirectory=/run/tree: the service sees nothing outside of it'
	umount -l /run/tree
	unit 'User=nobody'
	echo 'default { }' >/etc/mailseal.conf
	chmod 600 /etc/mailseal.conf
	unreached billing.service
	says_so '^obstacle +the configuration /etc/mailseal\.conf: the service may not read /etc/mailseal\.conf'
	chmod 644 /etc/mailseal.conf
	reached billing.service
	unit 'User=%p'
	plain "$ms" doctor billing.service
	says_so '^warning +User=billing: there is none'
	for name in none.service; do
		plain "$ms" doctor "$name"
		equal "$status" 66 "$name"
	done
}

# A service that may start no process is served by the system agent, where there is one.
t_services_of_the_system_agent() {
	doctor_there
	unit 'SystemCallFilter=~clone execve'
	unreached billing.service
	mkdir -p /run/mailseal
	"$BUILD/mailseal-agent" --listen /run/mailseal/agent.sock --log "$log" &
	until_true 10 test -S /run/mailseal/agent.sock || fail "no system agent"
	reached billing.service
	says_so '^ok +SystemCallFilter allows what mailseal calls in the service'
	says_so '^ok +the system-wide agent serves it: its socket is /run/mailseal/agent\.sock'
	unit 'SystemCallFilter=~clone execve' 'Environment=MAILSEAL_SOCKET=none'
	unreached billing.service
	starts env LD_PRELOAD="$BUILD/libmailseal.so" sh -c 'echo ready; exec sleep 60'
	reached --pid "$started"
	says_so '^ok +the system-wide agent serves it'
	kill "$started"
	starts env LD_PRELOAD="$BUILD/libmailseal.so" MAILSEAL_CONFIG="$W/none" sh -c 'echo ready; exec sleep 60'
	plain "$ms" doctor --pid "$started"
	says_so '^note +a system-wide agent listens at @mailseal/1/system'
	says_so '^warning .*/none \(MAILSEAL_CONFIG\): No such file'
	kill "$started"
}

# Every system call that library and agent make, beyond what any program makes, stands in doctor's table.
t_the_table_of_system_calls_is_whole() {
	doctor_there
	need strace
	policy
	hostile good_server.hs
	plain strace -f -o "$W/trace.plain" swaks --to a@b.example --server mx.b.example
	equal "$status" 0
	sealed strace -f -o "$W/trace" swaks --to a@b.example --server mx.b.example
	equal "$status" 0
	settle
	calls() { sed -nE 's/^[0-9]+ +([a-z][a-z0-9_]*)\(.*/\1/p' "$1" | sort -u; }
	sed -nE 's/^\t\{"([a-z0-9_]+)", "@.*/\1/p' "$ROOT/tools/doctor/filter.c" | sort -u >"$W/known"
	check test "$(wc -l <"$W/known")" -ge 40
	equal "$(comm -23 <(calls "$W/trace") <(calls "$W/trace.plain") | comm -23 - "$W/known")" "" "called, but not in filter.c"
}

# The drop-in that is installed makes a service reached.
t_the_drop_in_of_the_documentation_does() {
	doctor_there
	unit 'Environment='
	sed "s,/usr/local/lib/mailseal,$BUILD," "$ROOT/tools/systemd/mailseal.conf" >/etc/systemd/system/billing.service.d/mailseal.conf
	reached billing.service
}

t_nothing_is_run_and_nothing_written() {
	doctor_there
	need strace
	plain strace -f -e trace=execve,fork,vfork,clone,clone3 -o "$W/trace" "$ms" doctor swaks
	equal "$status" 0
	equal "$(grep -cE 'execve|fork|clone' "$W/trace")" 1 "programs started"
	plain strace -f -e trace=openat,open,creat,connect,sendto,sendmsg -o "$W/trace" "$ms" doctor swaks
	lacks "$W/trace" 'O_WRONLY|O_RDWR|O_CREAT|AF_INET'
}

t_json_is_json() {
	doctor_there
	plain "$ms" doctor --json swaks
	equal "$status" 0
	equal "$(json 'print(d["reached"], d["pid"], d["unit"], d["findings"][0]["severity"])')" "True None None ok"
	equal "$(json 'print(sorted(d["findings"][0]))')" "['advice', 'code', 'severity', 'text']"
	"$ms" doctor --json no-such-program >"$W/client.out" 2>/dev/null
	equal $? 66
	equal "$(json 'print(d)')" "{'reached': None, 'error': 'no-such-program: not found along PATH'}"
}

t_colour_on_a_terminal_only() {
	doctor_there
	need script
	reached true
	lacks "$W/client.out" $'\033'
	script -qec "stty cols 60; $ms doctor curl" /dev/null >"$W/client.out" </dev/null
	says_so $'^\033\\[32mok\033\\[0m +'
	check test "$(sed $'s/\033\\[[0-9]*m//g; s/\r//' "$W/client.out" | awk '{ if (length > n) n = length } END { print n }')" -le 100
	NO_COLOR=1 script -qec "$ms doctor true" /dev/null >"$W/client.out" </dev/null
	lacks "$W/client.out" $'\033'
}
