<?php
// own_phpmailer HOST PORT FILE CAFILE: PHPMailer with SMTPSecure = 'tls'; the body of the message alone.
require '/usr/share/php/libphp-phpmailer/autoload.php';
use PHPMailer\PHPMailer\PHPMailer;

[, $host, $port, $path, $ca] = $argv;
$mail = new PHPMailer(true);
$mail->isSMTP();
$mail->SMTPDebug = 2;
$mail->Host = $host;
$mail->Port = (int)$port;
$mail->Hostname = 'client.a.example';
$mail->SMTPSecure = PHPMailer::ENCRYPTION_STARTTLS;
$mail->SMTPOptions = ['ssl' => ['cafile' => $ca, 'ciphers' => 'ECDHE-ECDSA-AES128-GCM-SHA256']];
$mail->setFrom('sender@a.example');
$mail->addAddress('a@b.example');
$mail->Subject = 'SECRETSUBJECT';
$mail->Body = rtrim(explode("\n\n", file_get_contents($path), 2)[1], "\n");
$mail->send();
