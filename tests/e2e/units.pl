#!/usr/bin/perl
# units.pl SEED COUNT: writes that many units and drop-ins of them below /, of settings at random: r1.service and so on. Each of
# them runs /usr/local/libexec/legacy by its name, in some way. Files of variables are made, too.
use strict;
use warnings;

my ($seed, $count) = @ARGV;
srand $seed;

sub pick { $_[rand @_] }

sub put {
	my ($file, $text) = @_;
	(my $directory = $file) =~ s,/[^/]*$,,;
	system 'mkdir', '-p', $directory;
	open my $to, '>>', $file or die "$file: $!";
	print $to $text;
	close $to or die "$file: $!";
}

my $other = '/usr/local/lib/other.so';
put "/etc/envs/$$_[0]", $$_[1] for
	['preload', "LD_PRELOAD=$other\n"], ['empty', ''], ['quoted', "LD_PRELOAD=\"$other:/none\"\nX='a\nb'\n"],
	['crlf', "LD_PRELOAD=$other\r\nY=1\r\n"], ['continued', "A=1 \\\n LD_PRELOAD=x\nLD_PRELOAD=/usr/local/lib/\\\nother.so\n"],
	['bad', "LD_PRELOAD=/\xff.so\nFOO\n=\n"], ['mark', "\xef\xbb\xbfLD_PRELOAD=$other\n"], ['nul', "LD_PRELOAD=/usr/\0x\n"];

my @commands = ('L', '-L', '@P P N', '+L', '!L', ':L', '/usr/bin/env A=1 L', '/usr/bin/env -i L', '/usr/bin/env -u LD_PRELOAD L',
	'/usr/bin/env LD_PRELOAD= L', "/usr/bin/env -S '-i L'", "/bin/sh -c 'exec L'", "/bin/sh -c 'unset LD_PRELOAD; exec L'",
	"/bin/sh -c 'LD_PRELOAD= L'", "/bin/bash -c \"export -n LD_PRELOAD; L\"", "/bin/bash -c 'true; env -i L'",
	'/usr/bin/setpriv --reset-env L', "/sbin/runuser mailbox -s /bin/sh -c 'L'", "/bin/su - mailbox -s /bin/sh -c 'L'",
	'/usr/bin/nice -n 5 L', '/usr/bin/timeout 9 L', '/usr/bin/stdbuf -oL L', '/usr/bin/flock /run/lock.N L', '/usr/bin/perl L');

my @settings = ('User=mailbox', 'DynamicUser=yes', 'PrivateUsers=yes', 'ProtectProc=invisible', 'ProcSubset=pid',
	'ProtectSystem=strict', 'PrivateTmp=yes', 'NoNewPrivileges=yes', 'RestrictAddressFamilies=AF_INET',
	'RestrictAddressFamilies=~AF_UNIX', "RestrictAddressFamilies=AF_UNIX\nRestrictAddressFamilies=\nRestrictAddressFamilies=AF_INET",
	"RestrictAddressFamilies=~AF_UNIX\nRestrictAddressFamilies=AF_INET", 'SystemCallFilter=@system-service',
	'SystemCallFilter=~clone clone3', 'SystemCallFilter=~sendmsg:EPERM', 'MemoryDenyWriteExecute=yes', 'RestrictNamespaces=yes',
	'TemporaryFileSystem=/usr/local/lib:ro', 'InaccessiblePaths=/usr/local/lib/mailseal', 'NoExecPaths=/usr/local/lib',
	"NoExecPaths=/\nExecPaths=/usr /lib /lib64 /bin", 'CapabilityBoundingSet=', 'TasksMax=2', 'LimitNOFILE=16', 'PAMName=other',
	'RootDirectory=/', 'BindReadOnlyPaths=/usr/share:/usr/local/lib', 'UMask=0777', 'ReadOnlyPaths=/', 'SecureBits=noroot');

my @variables = ('Environment="A=a b" \'B=c d\'', 'Environment=', "Environment=LD_PRELOAD=$other",
	"Environment=\"LD_PRELOAD=$other /none\"", 'Environment=LD_PRELOAD=', 'Environment="LD_PRELOAD=', 'Environment=LD_PRELOAD=%h/x.so',
	"Environment=A=1 \\\n  LD_PRELOAD=$other \\\n# comment\n  B=2", 'Environment=LD_PRELOAD=/a\x20b.so', 'Environment=LD_PRELOAD=/a\xff',
	'PassEnvironment=LD_PRELOAD', 'UnsetEnvironment=LD_PRELOAD', 'UnsetEnvironment=A LD_PRELOAD "B"',
	"UnsetEnvironment=LD_PRELOAD=$other", 'Environment=MAILSEAL_PORTS=2525', 'Environment=LD_AUDIT=/none',
	'EnvironmentFile=', (map { "EnvironmentFile=/etc/envs/$_" } qw(preload quoted crlf continued mark *)),
	(map { "EnvironmentFile=-/etc/envs/$_" } qw(missing empty bad nul)));

for my $i (1 .. $count) {
	my $name = "r$i";
	my $command = rand() < 0.5 ? 'L' : pick @commands;
	my @lines = ('Type=oneshot', 'TimeoutStartSec=9', "ExecStart=$command");
	push @lines, pick @settings for 1 .. rand 3;
	push @lines, pick @variables for 1 .. rand 3;
	my $text = join "\n", '[Service]', @lines, '';
	$text =~ s/\bL\b/P N/g;
	$text =~ s,\bP\b,/usr/local/libexec/legacy,g;
	$text =~ s/\bN\b/$name/g;
	$text =~ s/\n/\r\n/g if rand() < 0.05;
	put "/usr/lib/systemd/system/$name.service", (rand() < 0.05 ? "\xef\xbb\xbf" : '') . $text;
	next if rand() < 0.6;
	my $place = pick "/etc/systemd/system/$name.service.d", "/run/systemd/system/$name.service.d",
		"/usr/lib/systemd/system/$name.service.d", "/etc/systemd/system.control/$name.service.d";
	my $file = pick '10-a.conf', '50-n.conf', '60-c.conf', 'zz.conf', '.hidden.conf', 'x.conf~';
	put "$place/$file", join "\n", '[Service]', pick(@variables, @settings), pick(@variables), '';
}
