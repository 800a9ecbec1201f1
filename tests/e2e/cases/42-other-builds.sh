# Programs of other kinds than the product's own: 32-bit, and musl's. The agent is the 64-bit one for all.
# shellcheck shell=bash

i386=$BUILD/i386

# kind 32|musl: its clients and its library are there
kind() {
	product
	kind=$1
	[ "$kind" = musl ] || [ -e "$BUILD/lib32/libmailseal.so" ] || skip "no $BUILD/lib32/libmailseal.so: make lib32"
	[ -x "$bin/$kind/stdio_client" ] || skip "no clients for $kind: no compiler"
}

# by_kind COMMAND ...: sealed, with one name of the library for all kinds
by_kind() {
	[ "$native" = 1 ] && { plain "$@"; return; }
	LD_PRELOAD="$BUILD/\$LIB/libmailseal.so" "$@" >"$W/client.out" 2>&1
	status=$?
}

# delivers COMMAND ...: over TLS; and not to a server without STARTTLS, nor to one with a bad certificate
delivers() {
	local number
	policy 'require_tls = true'
	postfix_start
	capture_start
	by_kind "$@"
	equal "$status" 0 "status"
	stored 1
	over_tls
	logged 'certificate-verified=yes'
	capture_stop
	wire starttls a@b.example SECRET
	capture_start
	policy 'require_tls = true' 'message_override = "tighten"'
	for number in 14 12; do
		mx 127.0.0.$number
		by_kind "$@"
		[ "$native" = 1 ] || refute test "$status" = 0
	done
	[ "$native" = 1 ] || equal "$(stored_count)" 1 "messages stored"
	capture_stop
	wire quiet sender@a.example a@b.example SECRET
	lacks "$W/client.out" 'ERROR: ld\.so'
}

t_32_bit_stdio() { kind 32; message "$W/message"; delivers "$bin/32/stdio_client" mx.b.example 25 "$W/message"; }
t_32_bit_poll() { kind 32; delivers "$bin/32/poll_client" mx.b.example 25; }
t_musl_stdio() { kind musl; message "$W/message"; delivers "$bin/musl/stdio_client" mx.b.example 25 "$W/message"; }
t_musl_poll() { kind musl; delivers "$bin/musl/poll_client" mx.b.example 25; }

# in_a_chroot KIND: without root, and with duplicates of its socket, by the system agent
in_a_chroot() {
	local sock=/run/mailseal/agent.sock
	kind "$1"
	policy 'require_tls = true' -- 'host "127.0.0.10" {' 'match = {"mx.b.example"}' '}'
	mkdir -p /run/mailseal "$W/jail"
	"$MAILSEAL_AGENT" --listen $sock --config "$conf" --log "$log" 2>"$W/agent.err" &
	until_true 5 test -S $sock
	hostile good_server.hs
	by_kind "$bin/$1/confined" -c "$W/jail" -u 1234 -d 5 127.0.0.10 25
	equal "$status" 0 "in a chroot"
	MAILSEAL_SOCKET=$sock by_kind "$bin/$1/confined" -x -u 1234 127.0.0.10 25
	equal "$status" 0 "without processes"
	settle
	nothing_plain
	equal "$(agents | wc -l)" 2 "the system agent, and its process for the user"
}
t_32_bit_in_a_chroot() { in_a_chroot 32; }
t_musl_in_a_chroot() { in_a_chroot musl; }

# debian32 PROGRAM ...: Debian's own 32-bit program, by its own loader, to which $LIB is another name than to that of
# libc6-i386.
debian32() {
	kind 32
	[ -x "$i386/lib/ld-linux.so.2" ] || skip "no 32-bit Debian programs in $i386 (tests/deps i386)"
	message "$W/message"
	ld32=("$i386/lib/ld-linux.so.2" --library-path "$i386/lib/i386-linux-gnu:$i386/usr/lib/i386-linux-gnu")
}

t_32_bit_bash() {
	debian32
	delivers "${ld32[@]}" "$i386/bin/bash" "$E2E/clients/dev_tcp.sh" mx.b.example 25 "$W/message"
}

t_32_bit_perl() {
	debian32
	delivers "${ld32[@]}" "$i386/usr/bin/perl" "-I$i386/usr/lib/i386-linux-gnu/perl-base" -I/usr/share/perl/5.36 \
		"$E2E/clients/net_smtp.pl" mx.b.example 25 "$W/message"
}

# musl for 32 bits, whose loader finds the library by its path alone.
t_32_bit_musl() {
	local libraries=$i386/usr/lib/i386-linux-musl loader=$i386/lib/i386-linux-musl/libc.so
	debian32
	need gcc
	[ -e "$libraries/crt1.o" ] || skip "no musl for 32 bits in $i386 (tests/deps i386)"
	gcc -m32 -std=gnu11 -D_GNU_SOURCE -Dstrerrorname_np=strerror -nostdinc -isystem "$i386/usr/include/i386-linux-musl" \
		-nostdlib -no-pie -fno-pie "-Wl,-dynamic-linker,$loader" -o "$W/client" "$libraries"/crt[1i].o \
		"$E2E/clients/stdio_client.c" "$loader" "$(gcc -m32 -print-libgcc-file-name)" "$libraries/crtn.o" || fail "not built"
	[ "$native" = 1 ] || by_kind() { LD_PRELOAD=$BUILD/lib32/libmailseal.so plain "$@"; }
	delivers "$W/client" mx.b.example 25 "$W/message"
	plain "$BUILD/mailseal" run --config "$conf" --log "$log" -- "$W/client" mx.b.example 25 "$W/message"
	[ "$native" = 1 ] || holds "$W/client.out" '^454 4\.7\.5 mailseal: '
}

t_32_bit_guest_leaves_no_trace() {
	kind 32
	policy
	hostile good_server.hs
	by_kind "$bin/32/guest_check" mx.b.example 25
	equal "$status" 0 "first connect"
	by_kind "$bin/32/guest_check" mx.b.example 25
	equal "$status" 0 "second connect"
}

# Each finds the agent in another way, and means the same one.
t_one_agent_serves_all_kinds() {
	local client first
	kind 32
	unset MAILSEAL_AGENT
	policy
	hostile good_server.hs
	message "$W/message"
	for client in "$bin/stdio_client" "$bin/32/stdio_client" "$bin/musl/stdio_client"; do
		[ -x "$client" ] || continue
		by_kind "$client" mx.b.example 25 "$W/message"
		equal "$status" 0 "$client"
		equal "$(agents | wc -l)" 1 "agents after $client"
		first=${first:-$(agents)}
		equal "$(agents)" "$first" "the agent of $client"
	done
	sealed "$bin/stdio_client" mx.b.example 25 "$W/message"
	equal "$(agents)" "$first" "the agent of a program with the library by its plain name"
}

t_run_serves_all_kinds() {
	local client
	kind 32
	unset MAILSEAL_AGENT MAILSEAL_LOG
	policy 'require_tls = true'
	hostile good_server.hs
	message "$W/message"
	for client in "$bin/stdio_client" "$bin/32/stdio_client" "$bin/musl/stdio_client"; do
		[ -x "$client" ] || continue
		plain "$BUILD/mailseal" run --config "$conf" --log "$log" -- "$client" mx.b.example 25 "$W/message"
		equal "$status" 0 "$client"
		plain "$BUILD/mailseal" run --config "$conf" --log "$log" -- sh -c '"$@"' sh "$client" mx.b.example 25 "$W/message"
		equal "$status" 0 "$client, started by a shell"
	done
	settle
	nothing_plain
}

# tree: the product in a directory of its own, from which a case takes something away
tree() {
	mkdir "$W/tree"
	cp -a "$BUILD"/{libmailseal.so,lib,lib32,mailseal,mailseal-agent} "$BUILD/\$LIB" "$W/tree"
	unset MAILSEAL_AGENT MAILSEAL_LOG
	policy 'require_tls = true'
	hostile good_server.hs
	message "$W/message"
}

# runs STATUS PROGRAM PATTERN: mailseal run from the tree
runs() {
	plain "$W/tree/mailseal" run --config "$conf" --log "$log" -- "$2" mx.b.example 25 "$W/message"
	equal "$status" "$1" "$2"
	holds "$W/client.out" "$3"
}

t_run_refuses_a_32_bit_program_without_its_library() {
	kind 32
	tree
	rm -r "$W/tree/lib32"
	runs 69 "$bin/32/stdio_client" '32-bit program and .*/libmailseal\.so a 64-bit library; make lib32'
	printf '#!/usr/bin/env %s\n' "$bin/32/stdio_client" >"$W/script"
	chmod 755 "$W/script"
	runs 69 "$W/script" '32-bit program'
	runs 0 "$bin/stdio_client" '^221'
	equal "$(connections)" 1 "connections"
}

# Where a loader would not find its library by $LIB, it is named by its path.
t_run_names_the_library_as_its_loader_finds_it() {
	kind 32
	tree
	rm -r "$W/tree/lib" "$W/tree/lib32"/[!l]*
	runs 0 "$bin/32/stdio_client" '^221'
	runs 0 "$bin/stdio_client" '^221'
	[ ! -x "$bin/musl/stdio_client" ] || runs 0 "$bin/musl/stdio_client" '^221'
	printf '#!/usr/bin/env %s\n' "$bin/32/stdio_client" >"$W/script"
	chmod 755 "$W/script"
	runs 69 "$W/script" 'two kinds'
	settle
	nothing_plain
}

# examined STATUS PROGRAM [PATTERN]: as a service with the library by $LIB
examined() {
	printf '[Service]\nExecStart=%s mx.b.example 25\nEnvironment="LD_PRELOAD=%s/$LIB/libmailseal.so"\n' "$2" "$W/tree" >"$W/one.service"
	plain "$W/tree/mailseal" doctor "$W/one.service"
	equal "$status" "$1" "$2 as a service"
	[ $# -lt 3 ] || holds "$W/client.out" "$3"
}

t_doctor_looks_at_the_library_of_the_kind() {
	local musl=$bin/musl/stdio_client
	kind 32
	tree
	plain "$W/tree/mailseal" doctor "$bin/32/stdio_client"
	equal "$status" 0
	holds "$W/client.out" '^ok .*/tree/lib32/libmailseal\.so fits'
	examined 0 "$bin/32/stdio_client" '^ok .*/tree/lib32/libmailseal\.so fits'
	examined 0 "$bin/stdio_client" '^ok .*/tree/lib/.*/libmailseal\.so fits'
	if [ -x "$musl" ]; then
		examined 0 "$musl"
		rm "$W/tree/\$LIB"
		examined 1 "$musl" '^obstacle .*/tree/\$LIB/libmailseal\.so: No such file'
	fi
	rm -r "$W/tree/lib32"
	examined 1 "$bin/32/stdio_client" '^obstacle .*/tree/lib32/libmailseal\.so: No such file'
	plain "$W/tree/mailseal" doctor "$bin/32/stdio_client"
	equal "$status" 1 "without the library"
	holds "$W/client.out" '^obstacle .*/libmailseal\.so is a 64-bit x86-64 library, and the program is 32-bit x86'
	equal "$(connections)" 0 "connections"
}

# The links are what make install makes of them; nothing stays behind.
# timeout: 180
t_installed_for_all_kinds() {
	local client agent
	kind 32
	need make
	make -s -j2 -C "$ROOT" BUILD="$W/b" PREFIX="$W/inst" DESTDIR= lib32 install >"$W/make.log" 2>&1 || fail "make: $(tail -n 3 "$W/make.log")"
	unset MAILSEAL_AGENT
	policy 'require_tls = true'
	hostile good_server.hs
	message "$W/message"
	for client in "$bin/stdio_client" "$bin/32/stdio_client" "$bin/musl/stdio_client"; do
		[ -x "$client" ] || continue
		LD_PRELOAD="$W/inst/lib/mailseal/\$LIB/libmailseal.so" "$client" mx.b.example 25 "$W/message" >"$W/client.out" 2>&1
		equal $? 0 "$client"
	done
	settle
	nothing_plain
	agent=$(agents)
	equal "$(readlink "/proc/$agent/exe")" "$W/inst/libexec/mailseal/mailseal-agent" "the only agent"
	make -s -C "$ROOT" BUILD="$W/b" PREFIX="$W/inst" DESTDIR= uninstall
	equal "$(find "$W/inst" ! -type d -o -name '*mailseal*')" "" "left by uninstall"
	rm -rf "$W/b"
}

# What musl lacks would keep its programs from starting.
t_musl_has_every_import() {
	local libc
	product
	need nm readelf
	[ -x "$bin/musl/stdio_client" ] || skip "no musl-gcc"
	libc=$(readelf -l "$bin/musl/stdio_client" | sed -n 's/.*interpreter: \(.*\)\]/\1/p')
	nm -D --defined-only "$libc" | awk '{ print $3 }' | sort -u >"$W/musl"
	nm -D "$BUILD/libmailseal.so" | awk '$1 == "U" { sub(/@.*/, "", $2); print $2 }' | sort -u >"$W/imports"
	check test -s "$W/imports"
	equal "$(comm -13 "$W/musl" "$W/imports")" "" "imports that musl lacks"
}
