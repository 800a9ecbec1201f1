<?php
// stream_socket_client HOST PORT FILE: connects without waiting, then waits with stream_select().
[, $host, $port, $path] = $argv;
$s = stream_socket_client("tcp://$host:$port", $errno, $error, 50, STREAM_CLIENT_CONNECT | STREAM_CLIENT_ASYNC_CONNECT);
if (!$s)
	exit("connect: $error\n");
stream_set_blocking($s, false);
$input = '';
function say($s, $text) {
	while ($text !== '') {
		$r = $e = null;
		$w = [$s];
		if (!stream_select($r, $w, $e, 50))
			exit(1);
		$text = substr($text, fwrite($s, $text));
	}
}
function line_of($s) {
	global $input;
	while (($end = strpos($input, "\n")) === false) {
		$r = [$s];
		$w = $e = null;
		if (!stream_select($r, $w, $e, 50) || (string)($got = fread($s, 4096)) === '' && feof($s))
			exit(1);
		$input .= $got;
	}
	$line = substr($input, 0, $end + 1);
	$input = substr($input, $end + 1);
	return $line;
}
function hear($s, $first) {
	do
		echo $line = line_of($s);
	while ($line[3] === '-');
	if ($line[0] !== $first)
		exit(1);
}
say($s, '');
hear($s, '2');
foreach (['EHLO client.a.example', 'MAIL FROM:<sender@a.example>', 'RCPT TO:<a@b.example>'] as $c) {
	say($s, "$c\r\n");
	hear($s, '2');
}
say($s, "DATA\r\n");
hear($s, '3');
$content = '';
foreach (file($path, FILE_IGNORE_NEW_LINES) as $line)
	$content .= ($line !== '' && $line[0] === '.' ? '.' : '') . "$line\r\n";
say($s, "$content.\r\n");
hear($s, '2');
say($s, "QUIT\r\n");
hear($s, '2');
