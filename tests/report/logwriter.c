/*
 * logwriter: a log as the agents of a busy machine would leave it, for tests of `mailseal report`.
 *
 *     logwriter [--format file|syslog|journal] [--seed N] [--from EPOCH] [--span SECONDS]
 *               [--damaged PERMILLE] [--foreign PERMILLE] [--names N] [--expect FILE] LINES
 *
 * The same arguments give the same bytes. Keys and quoting are those of shim/agent/report.c and log.c. What was
 * written is counted by itself, and goes to FILE as JSON: what a report of the log has to say.
 */
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum kind { VERIFIED, UNVERIFIED, CLEARTEXT, BLOCKED, WOULD_BLOCK, FAILED, KINDS };
static const char *const kind_names[KINDS] = {
	"tls-verified", "tls-unverified", "cleartext", "blocked", "would-block", "-"};

enum format { FILE_LINES, SYSLOG_LINES, JOURNAL_LINES };

static struct {
	enum format format;
	uint64_t seed;
	time_t from;
	double span;
	unsigned damaged, foreign, names;
	const char *expect;
	unsigned long lines;
} options = {.seed = 1, .from = 1764284400, .span = 86400};

static struct {
	unsigned long transactions[KINDS], connections, refused, relayed, suppressed, damaged, foreign;
	unsigned long recipients;
	uint64_t bytes;
} written;

static const struct program {
	const char *exe, *unit;
	unsigned uid, weight;
} programs[] = {
	{"/usr/bin/php8.2", "php8.2-fpm.service", 33, 40},
	{"/usr/sbin/billing", "billing.service", 998, 25},
	{"/usr/bin/perl", "cron.service", 0, 10},
	{"/usr/lib/jvm/java-17-openjdk-amd64/bin/java", "erp.service", 997, 10},
	{"/usr/bin/python3.11", "alerts.service", 996, 6},
	{"/opt/scanner/bin/scan2mail", "scanner.service", 995, 4},
	{"/usr/bin/node", "portal.service", 994, 3},
	{"backup", "", 1000, 1},
	{"/home/o'brien & s\xc3\xb6hne/send <all>", "user@1000.service", 1000, 1},
};

/* How a next hop is, and so what becomes of mail to it. */
static const struct hop {
	const char *host, *address;
	enum kind usual, seldom;
	const char *reason, *seldom_reason;
	unsigned weight;
} hops[] = {
	{"mx.partner.example", "192.0.2.7", VERIFIED, FAILED, "", "", 45},
	{"smtp.bank.example", "192.0.2.20", VERIFIED, BLOCKED, "", "certificate has expired", 20},
	{"relay.corp.example", "198.51.100.4", VERIFIED, VERIFIED, "", "", 14},
	{"mail.old-supplier.example", "203.0.113.9", UNVERIFIED, UNVERIFIED, "self-signed certificate",
		"certificate has expired", 9},
	{"fax.gateway.example", "203.0.113.77", CLEARTEXT, CLEARTEXT, "STARTTLS is not offered",
		"STARTTLS was refused", 5},
	{"mx.clinic.example", "[2001:db8::25]", WOULD_BLOCK, VERIFIED, "STARTTLS is not offered", "", 3},
	{"mx1.lawyers.example", "198.51.100.80", BLOCKED, BLOCKED, "hostname mismatch",
		"STARTTLS is not offered", 2},
	{"", "203.0.113.200", UNVERIFIED, FAILED, "no name is known of the server", "", 2},
};

static const char *const senders[] = {"billing.corp.example", "corp.example", "alerts.corp.example",
	"shop.example", "intranet.corp.example", ""};
static const char *const recipients[] = {"partner.example", "bank.example", "corp.example",
	"old-supplier.example", "fax.gateway.example", "clinic.example", "lawyers.example",
	"xn--bcher-kva.example"};

static uint64_t state;

/* splitmix64 */
static uint64_t next_random(void)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static unsigned below(unsigned n)
{
	return (unsigned)((next_random() >> 32) * n >> 32);
}

static bool chance(unsigned permille)
{
	return permille && below(1000) < permille;
}

static const struct program *some_program(void)
{
	unsigned at = below(100), sum = 0;

	for (size_t i = 0; i < COUNT(programs); i++)
		if ((sum += programs[i].weight) > at)
			return &programs[i];
	return &programs[0];
}

static const struct hop *some_hop(void)
{
	unsigned at = below(100), sum = 0;

	for (size_t i = 0; i < COUNT(hops); i++)
		if ((sum += hops[i].weight) > at)
			return &hops[i];
	return &hops[0];
}

/* Work hours have most of the mail, nights and weekends little. The mean over a week is about 1. */
static double density(time_t t)
{
	time_t hour = t / 3600 % 24, day = (t / 86400 + 4) % 7;
	double weight = hour >= 7 && hour < 18 ? 2.0 : hour >= 5 && hour < 22 ? 0.8 : 0.25;

	return day == 0 || day == 6 ? weight * 0.3 : weight;
}

struct text {
	char bytes[4096];
	size_t length;
};

static void put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->bytes + t->length, sizeof(t->bytes) - t->length, format, ap);
	va_end(ap);
	t->length += (size_t)n;
}

static void put_quoted(struct text *t, const char *key, const char *value)
{
	put(t, " %s=\"", key);
	for (; *value; value++) {
		if ((unsigned char)*value < 0x20 || (unsigned char)*value > 0x7e)
			put(t, "\\x%02x", (unsigned char)*value);
		else
			put(t, "%s%c", *value == '"' || *value == '\\' ? "\\" : "", *value);
	}
	put(t, "\"");
}

static void begin(struct text *t, const char *event, const struct program *p, const struct hop *hop,
	unsigned long session)
{
	unsigned pid = 700 + (unsigned)(p - programs) * 111;

	put(t, "event=%s session=%x.%lu pid=%u uid=%u", event, pid + 5, session, pid, p->uid);
	put_quoted(t, "exe", p->exe);
	put_quoted(t, "unit", p->unit);
	put_quoted(t, "host", hop->host);
	put(t, " addr=%s:25", hop->address);
}

static void put_recipients(struct text *t, unsigned count)
{
	char list[512] = "";
	size_t n = 0;

	for (unsigned i = 0; i < count; i++) {
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%su%u@", i ? "," : "", below(50));
		if (options.names && below(2))
			n += (size_t)snprintf(list + n, sizeof(list) - n, "d%u.example", below(options.names));
		else
			n += (size_t)snprintf(list + n, sizeof(list) - n, "%s", recipients[below(COUNT(recipients))]);
	}
	put_quoted(t, "recipients", list);
	put(t, " recipient-count=%u", count);
}

static void put_sender(struct text *t)
{
	const char *domain = senders[below(COUNT(senders))];
	char sender[80] = "";

	if (*domain)
		snprintf(sender, sizeof(sender), "app@%s", domain);
	put_quoted(t, "sender", sender);
}

static void put_tls(struct text *t, enum kind kind, const char *reason)
{
	bool tls = kind == VERIFIED || kind == UNVERIFIED;
	const char *verified = kind == VERIFIED ? "yes" : tls ? "no" : "-";

	put(t, " reused=%s tls=%s protocol=%s cipher=%s certificate-verified=%s resumed=%s",
		below(3) ? "no" : "yes", tls ? "yes" : "no", tls ? "TLSv1.3" : "-",
		tls ? "TLS_AES_256_GCM_SHA384" : "-", verified, !tls ? "-" : below(2) ? "yes" : "no");
	put_quoted(t, "reason", reason);
}

static const char *policy_of(enum kind kind)
{
	switch (kind) {
	case BLOCKED:
	case WOULD_BLOCK:
		return "require_tls by recipient \".bank.example\", mailseal.conf:12";
	case FAILED:
		return "";
	case VERIFIED:
	case UNVERIFIED:
	case CLEARTEXT:
	case KINDS:
		break;
	}
	return "require_tls by default, mailseal.conf:2";
}

static void put_end(struct text *t, enum kind kind, const char *reason)
{
	char reply[300];
	unsigned bytes = kind == BLOCKED || kind == FAILED ? 0 : 300 + below(20000);

	put_quoted(t, "policy", policy_of(kind));
	put(t, " verdict=%s", kind_names[kind]);
	if (kind == BLOCKED)
		snprintf(reply, sizeof(reply), "454 4.7.4 mailseal: %s; %s", reason, policy_of(kind));
	else if (kind == FAILED)
		reply[0] = '\0';
	else
		snprintf(reply, sizeof(reply), "250 2.0.0 Ok: queued as %08X", below(0xffffffff));
	put_quoted(t, "reply", reply);
	put(t, " bytes=%u", bytes);
	if (kind == FAILED)
		put_quoted(t, "note", below(2) ? "connection lost" : "timeout");
	written.bytes += bytes;
}

static void transaction(struct text *t, unsigned long session)
{
	const struct program *p = some_program();
	struct hop hop = *some_hop();
	bool seldom = chance(20);
	enum kind kind = seldom ? hop.seldom : hop.usual;
	const char *reason = seldom ? hop.seldom_reason : hop.reason;
	unsigned count = kind == BLOCKED ? 0 : 1 + (below(8) ? 0 : below(4));
	char name[32];

	if (options.names && below(2)) {
		snprintf(name, sizeof(name), "h%u.example", below(options.names));
		hop.host = name;
	}
	begin(t, "transaction", p, &hop, session);
	put_quoted(t, "reference", *hop.host ? hop.host : "unknown");
	put_sender(t);
	put_recipients(t, count);
	put_tls(t, kind, reason);
	put_end(t, kind, reason);
	written.transactions[kind]++;
	written.recipients += count;
}

static void other_event(struct text *t, unsigned long session)
{
	const struct program *p = some_program();
	const struct hop *hop = some_hop();
	unsigned which = below(10), repeated;

	if (which < 6) {
		begin(t, "connection", p, hop, session);
		put_quoted(t, "reference", hop->host);
		put_tls(t, VERIFIED, "");
		put_quoted(t, "policy", "");
		put(t, " verdict=-");
		put_quoted(t, "reply", "220 ready");
		put(t, " bytes=0");
		written.connections++;
	} else if (which < 9) {
		begin(t, "connect-refused", p, hop, session);
		put_quoted(t, "reason", "Connection refused");
		repeated = below(4) ? 0 : 1 + below(99);
		if (repeated)
			put(t, " suppressed=%u", repeated);
		written.refused++;
		written.suppressed += repeated;
	} else {
		begin(t, "relay", p, hop, session);
		put_quoted(t, "policy", "intercept = false");
		put(t, " bytes=%u", 100 + below(900));
		written.relayed++;
	}
}

/* One write that was cut off: no line of a report can be made of it. */
static void damage(struct text *t)
{
	size_t at = t->length / 4 + below((unsigned)(t->length / 4));

	t->length = at;
	t->bytes[at] = '\0';
	if (below(2))
		put(t, "\x01\xff\x1b[31m");
	written.damaged++;
}

/* The time of a line; lines of one second share it. */
static const char *stamp(time_t t)
{
	static char last[64];
	static time_t of = -1;
	struct tm tm;

	if (t != of && localtime_r(&t, &tm)) {
		if (options.format == SYSLOG_LINES)
			strftime(last, sizeof(last), "%b %e %H:%M:%S mailhost", &tm);
		else
			strftime(last, sizeof(last), "%Y-%m-%dT%H:%M:%S%z", &tm);
		of = t;
	}
	return last;
}

static void print_json(const struct text *t)
{
	bool plain = true;

	for (size_t i = 0; i < t->length; i++)
		plain = plain && (unsigned char)t->bytes[i] >= 0x20 && (unsigned char)t->bytes[i] < 0x7f;
	if (!plain) { /* journalctl writes what is no text as a list of octets */
		for (size_t i = 0; i < t->length; i++)
			printf("%s%u", i ? "," : "[", (unsigned char)t->bytes[i]);
		putchar(']');
		return;
	}
	putchar('"');
	for (size_t i = 0; i < t->length; i++) {
		if (t->bytes[i] == '"' || t->bytes[i] == '\\')
			putchar('\\');
		putchar(t->bytes[i]);
	}
	putchar('"');
}

static void print_line(const struct text *t, const char *tag, unsigned pid, double when)
{
	if (options.format == JOURNAL_LINES) {
		printf("{\"_HOSTNAME\":\"mailhost\",\"_TRANSPORT\":\"syslog\",\"PRIORITY\":\"6\","
		       "\"SYSLOG_IDENTIFIER\":\"%s\",\"_PID\":\"%u\",\"__REALTIME_TIMESTAMP\":\"%" PRIu64
		       "\",\"_BOOT_ID\":\"0f3c1c7e6f4b4a0c8a7f6f0d3c2b1a09\",\"MESSAGE\":",
			tag, pid, (uint64_t)(when * 1e6));
		print_json(t);
		puts("}");
		return;
	}
	printf("%s %s[%u]: ", stamp((time_t)when), tag, pid);
	fwrite(t->bytes, 1, t->length, stdout);
	putchar('\n');
}

static void write_expected(void)
{
	FILE *f = fopen(options.expect, "w");

	if (!f) {
		perror(options.expect);
		exit(73);
	}
	fprintf(f, "{\"lines\":%lu,\"damaged\":%lu,\"foreign\":%lu,\"connection\":%lu,\"connect-refused\":%lu,"
		   "\"suppressed\":%lu,\"relay\":%lu,\"recipients\":%lu,\"bytes\":%" PRIu64,
		options.lines, written.damaged, written.foreign, written.connections, written.refused,
		written.suppressed, written.relayed, written.recipients, written.bytes);
	for (int i = 0; i < KINDS; i++)
		fprintf(f, ",\"%s\":%lu", kind_names[i], written.transactions[i]);
	fputs("}\n", f);
	fclose(f);
}

static void parse(int argc, char **argv)
{
	static const struct option known[] = {{"format", 1, NULL, 'f'}, {"seed", 1, NULL, 's'},
		{"from", 1, NULL, 'b'}, {"span", 1, NULL, 'p'}, {"damaged", 1, NULL, 'd'},
		{"foreign", 1, NULL, 'o'}, {"names", 1, NULL, 'n'}, {"expect", 1, NULL, 'e'}, {0}};
	int o;

	while ((o = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (o) {
		case 'f':
			options.format = *optarg == 's' ? SYSLOG_LINES : *optarg == 'j' ? JOURNAL_LINES : FILE_LINES;
			break;
		case 's': options.seed = strtoull(optarg, NULL, 10); break;
		case 'b': options.from = (time_t)strtoll(optarg, NULL, 10); break;
		case 'p': options.span = strtod(optarg, NULL); break;
		case 'd': options.damaged = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'o': options.foreign = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'n': options.names = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'e': options.expect = optarg; break;
		default: exit(64);
		}
	}
	if (optind + 1 != argc) {
		fputs("usage: logwriter [OPTION]... LINES; see the head of logwriter.c\n", stderr);
		exit(64);
	}
	options.lines = strtoul(argv[optind], NULL, 10);
}

static void write_line(unsigned long i, double when)
{
	static struct text t;

	t.length = 0;
	if (chance(options.foreign)) {
		put(&t, "connect from unknown[192.0.2.99]; verdict=cleartext is not ours");
		written.foreign++;
		print_line(&t, "postfix/smtpd", 99, when);
		return;
	}
	if (chance(options.damaged)) {
		put(&t, "event=transaction session=2c1.%lu pid=700 uid=33 exe=\"/usr/bin/php8.2\" unit=\"", i);
		damage(&t);
	} else if (chance(60)) {
		other_event(&t, i);
	} else {
		transaction(&t, i);
	}
	print_line(&t, "mailseal", 705, when);
}

/* Line by line through the quarters of hours, each of which has its share of the lines. */
static double next_time(double share)
{
	static double before, total;
	static time_t quarter;
	time_t end = options.span > 900 ? (time_t)options.span / 900 : 1;
	double here;

	if (total == 0) {
		for (time_t i = 0; i < end; i++)
			total += density(options.from + i * 900);
	}
	for (;; quarter++, before += here) {
		here = density(options.from + quarter * 900) / total;
		if (before + here > share || quarter + 1 >= end)
			break;
	}
	return fmin((double)(quarter * 900) + (share - before) / here * 900, options.span);
}

int main(int argc, char **argv)
{
	static char buffer[1 << 16];

	parse(argc, argv);
	state = options.seed;
	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	for (unsigned long i = 0; i < options.lines; i++)
		write_line(i, (double)options.from + next_time((double)i / (double)options.lines));
	if (options.expect)
		write_expected();
	return fflush(stdout) == 0 ? 0 : 74;
}
