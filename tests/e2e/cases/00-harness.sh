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
