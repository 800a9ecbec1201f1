# dev_tcp HOST PORT FILE: a shell script with bash's /dev/tcp, line ends bare LF.
exec 3<>"/dev/tcp/$1/$2" || exit 1
hear() {
	local line
	while IFS= read -r -t 50 line <&3; do
		printf '%s\n' "$line"
		[ "${line:3:1}" = - ] || { [ "${line:0:1}" = "$1" ]; return; }
	done
	return 1
}
say() { printf '%s\n' "$1" >&3; }
hear 2 || exit 1
say "EHLO client.a.example"; hear 2 || exit 1
say "MAIL FROM:<sender@a.example>"; hear 2 || exit 1
say "RCPT TO:<a@b.example>"; hear 2 || exit 1
say "DATA"; hear 3 || exit 1
sed 's/^\./../' "$3" >&3
say "."; hear 2 || exit 1
say "QUIT"; hear 2
