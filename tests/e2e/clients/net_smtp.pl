# net_smtp HOST PORT FILE: Perl's Net::SMTP without TLS.
use strict;
use warnings;
use Net::SMTP;
my ($host, $port, $path) = @ARGV;
open(my $f, '<:raw', $path) or die $!;
my @lines = <$f>;
my $s = Net::SMTP->new($host, Port => $port, Hello => 'client.a.example', Timeout => 50, Debug => 1)
	or die "connect: $!";
$s->mail('sender@a.example') && $s->to('a@b.example') && $s->data(@lines) or die $s->message;
$s->quit;
