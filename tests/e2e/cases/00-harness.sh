# The tests test themselves: with native clients and without the product.
# shellcheck shell=bash

t_hostile_records_plain_and_tls() {
	hostile <<-'END'
		send 220 hostile ESMTP
		keywords STARTTLS|PIPELINING
		serve
	END
	capture_start
	plain swaks --to a@b.example --server mx.b.example --tls --body SECRETBODY
	equal $status 0
	capture_stop
	settle
	nothing_plain
	holds "$W/transcript" ' tls C: "MAIL FROM'
	wire starttls SECRETBODY a@b.example
}

t_clear_mail_is_noticed() {
	hostile <<-'END'
		send 220 hostile ESMTP
		serve
	END
	capture_start
	plain swaks --to a@b.example --server mx.b.example --body SECRETBODY
	equal $status 0
	capture_stop
	settle
	holds "$W/transcript" ' plain C: "MAIL FROM'
	refute "$bin/wirecheck" starttls "$W/wire.pcap"
	refute "$bin/wirecheck" absent "$W/wire.pcap" SECRETBODY
	wire present SECRETBODY a@b.example
}

t_postfix_stores_and_says_how() {
	postfix_start
	plain swaks --to a@b.example --server mx.b.example --body SECRETBODY
	equal $status 0
	stored 1
	over_clear
	plain swaks --to a@b.example --server mx.b.example --tls --body SECRETBODY
	equal $status 0
	stored 2
	over_tls
	holds "$W/stored" SECRETBODY
}

t_postfix_endpoints() {
	local a
	postfix_start
	for a in 10 11 12 13 15 17; do
		plain swaks --to a@b.example --server 127.0.0.$a --tls --quit-after TLS
		equal $status 0 "127.0.0.$a"
	done
	plain swaks --to a@b.example --server 127.0.0.14 --tls --quit-after TLS
	refute test $status = 0
	plain swaks --to a@b.example --server 127.0.0.16 --protocol SMTP
	equal $status 0
	holds "$W/client.out" 'HELO'
	plain swaks --to a@b.example --server 127.0.0.16 --quit-after EHLO
	holds "$W/client.out" '<\*\* 50[02] '
	plain swaks --to a@b.example --server ::1 --tls --quit-after TLS
	equal $status 0
}

t_stopping_leaves_nothing() {
	sleep 300 &
	check test -d /proc/$!
	equal "$(readlink /proc/self/ns/net)" "$(readlink /proc/1/ns/net)"
	equal "$(ip -o link | wc -l)" 1
}

t_a_machine_with_systemd() {
	systemd_start
	equal "$(booted systemctl is-system-running)" running "the system's state"
	equal "$(booted cat /proc/1/comm)" systemd "PID 1"
	refute booted sh -c 'echo 1 >/proc/sys/kernel/printk'
	unit hello.service <<-END
		[Service]
		DynamicUser=yes
		ExecStart=/bin/sh -c 'read group </proc/self/cgroup; echo "hello from \$\${group##*:}"; exec sleep 1000'
	END
	check booted systemctl start hello
	journal_holds 'hello from ' -u hello.service
	equal "$(booted systemctl is-active hello)" active "the service's state"
	systemd_user joe
	user_unit joe own.service <<-END
		[Service]
		ExecStart=/bin/sh -c 'id -un >%h/who; exec sleep 1000'
	END
	check booted_as joe systemctl --user start own
	until_true 5 test -s /home/joe/who
	equal "$(cat /home/joe/who)" joe "the user of a user's service"
	group=$bed_group
	systemd_stop
	refute test -e "$group"
	refute test -e "/proc/$bed"
}
