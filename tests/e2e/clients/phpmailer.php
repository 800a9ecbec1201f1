<?php
// phpmailer HOST PORT FILE: PHPMailer without TLS; the body of the message alone.
require '/usr/share/php/libphp-phpmailer/autoload.php';

[, $host, $port, $path] = $argv;
$mail = new PHPMailer\PHPMailer\PHPMailer(true);
$mail->isSMTP();
$mail->Host = $host;
$mail->Port = (int)$port;
$mail->Hostname = 'client.a.example';
$mail->setFrom('sender@a.example');
$mail->addAddress('a@b.example');
$mail->Subject = 'SECRETSUBJECT';
$mail->Body = rtrim(explode("\n\n", file_get_contents($path), 2)[1], "\n");
$mail->send();
