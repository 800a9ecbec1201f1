<?php
// own_stream HOST PORT FILE CAFILE: STARTTLS by stream_socket_enable_crypto(), as PHPMailer does it.
[, $host, $port, $path, $ca] = $argv;
$context = stream_context_create(['ssl' => ['cafile' => $ca, 'peer_name' => $host, 'ciphers' => 'ECDHE-ECDSA-AES128-GCM-SHA256']]);
$s = stream_socket_client("tcp://$host:$port", $errno, $error, 50, STREAM_CLIENT_CONNECT, $context) or exit("connect: $error\n");
stream_set_timeout($s, 50);

function hear($s, $want)
{
	do {
		$line = fgets($s);
		echo '<- ', $line;
	} while ($line !== false && substr($line, 3, 1) === '-');
	if (strncmp((string)$line, $want, strlen($want)) !== 0) {
		exit(1);
	}
}

function say($s, $line, $want)
{
	echo '-> ', $line, "\n";
	fwrite($s, $line . "\r\n");
	hear($s, $want);
}

hear($s, '220');
say($s, 'EHLO client.a.example', '250');
say($s, 'STARTTLS', '220');
if (!stream_socket_enable_crypto($s, true, STREAM_CRYPTO_METHOD_TLSv1_2_CLIENT)) {
	exit(1);
}
say($s, 'EHLO client.a.example', '250');
say($s, 'MAIL FROM:<sender@a.example>', '250');
say($s, 'RCPT TO:<a@b.example>', '250');
say($s, 'DATA', '354');
foreach (file($path, FILE_IGNORE_NEW_LINES) as $line) {
	fwrite($s, (($line[0] ?? '') === '.' ? '.' : '') . $line . "\r\n");
}
say($s, '.', '250');
say($s, 'QUIT', '221');
