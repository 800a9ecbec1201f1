# own_net_smtp HOST PORT FILE CAFILE: Perl's Net::SMTP with STARTTLS of its own, which it does not look for.
use strict;
use warnings;
use Net::SMTP;
my ($host, $port, $path, $ca) = @ARGV;
open(my $f, '<:raw', $path) or die $!;
my @lines = <$f>;
my $s = Net::SMTP->new($host, Port => $port, Hello => 'client.a.example', Timeout => 50, Debug => 1)
	or die "connect: $!";
$s->starttls(SSL_ca_file => $ca, SSL_verifycn_name => $host, SSL_version => 'TLSv1_2', SSL_cipher_list => 'ECDHE-ECDSA-AES128-GCM-SHA256')
	or die 'starttls: ' . $s->message;
$s->mail('sender@a.example') && $s->to('a@b.example') && $s->data(@lines) or die $s->message;
$s->quit;
