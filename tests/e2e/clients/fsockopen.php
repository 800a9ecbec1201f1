<?php
// fsockopen HOST PORT FILE: how PHP mailers talk SMTP.
[, $host, $port, $path] = $argv;
$s = fsockopen($host, (int)$port, $errno, $error, 50);
if (!$s) {
	echo "connect: $error\n";
	exit(1);
}
stream_set_timeout($s, 50);
function hear($s, $first) {
	do {
		$line = fgets($s);
		if ($line === false)
			exit(1);
		echo $line;
	} while (substr($line, 3, 1) === '-');
	if ($line[0] !== $first)
		exit(1);
}
hear($s, '2');
foreach (['EHLO client.a.example', 'MAIL FROM:<sender@a.example>', 'RCPT TO:<a@b.example>'] as $c) {
	fwrite($s, "$c\r\n");
	hear($s, '2');
}
fwrite($s, "DATA\r\n");
hear($s, '3');
foreach (file($path, FILE_IGNORE_NEW_LINES) as $line)
	fwrite($s, ($line !== '' && $line[0] === '.' ? '.' : '') . "$line\r\n");
fwrite($s, ".\r\n");
hear($s, '2');
fwrite($s, "QUIT\r\n");
hear($s, '2');
