/*
 * random_mail: configurations, servers and mails from small alphabets, so that sections, addresses
 * and header fields meet; each with what it means, for the model.
 */
#ifndef MAILSEAL_TEST_RANDOM_MAIL_H
#define MAILSEAL_TEST_RANDOM_MAIL_H

#include "tests/unit/model.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#define MAILS 2
#define RECIPIENTS 4
#define PICK(array) ((array)[below(sizeof(array) / sizeof((array)[0]))])

static uint64_t random_state;

/* splitmix64 */
static inline unsigned below(unsigned n)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (unsigned)(((z ^ (z >> 31)) >> 16) % n);
}

static inline bool one_in(unsigned n)
{
	return below(n) == 0;
}

/* --- configuration --- */

struct label {
	const char *text, *form;
};

static const struct label host_labels[] = {
	{"mx.b.example", "mx.b.example"},
	{"MX.a.Example", "mx.a.example"},
	{".b.example", ".b.example"},
	{".example", ".example"},
	{"192.0.2.25", "192.0.2.25"},
	{"192.0.2.0/24", "192.0.2.0/24"},
	{"192.0.0.0/16", "192.0.0.0/16"},
};

static const struct label domain_labels[] = {
	{"a.example", "a.example"}, {"x.a.example", "x.a.example"}, {".A.example", ".a.example"},
	{".example", ".example"}, {"B.example", "b.example"}, {".b.example", ".b.example"},
	{"b\xc3\xbc"
	 "cher.example",
		"xn--bcher-kva.example"},
	{".xn--bcher-kva.example", ".xn--bcher-kva.example"}, {"[192.0.2.1]", "[192.0.2.1]"},
	{"[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"}, {"<>", "<>"}, /* the last: senders only */
};

static inline int random_value(enum value v)
{
	switch (v) {
	case MIN_TLS:
		return one_in(3) ? (int)(10 + below(4)) : 12;
	case ENFORCE:
		return !one_in(4);
	case ON_BAD:
	case OWN_TLS:
		return (int)below(3);
	case REQUIRE:
	case VERIFY:
	case REJECT:
	case PROTECT:
	case NO_RELAX:
	case TIGHTEN:
	case VALUES:
		break;
	}
	return (int)below(2);
}

static inline void random_settings(struct model_section *s)
{
	static const int chance[VALUES] = {2, 2, 6, 4, 8, 3, 1, 4, 6, 3};

	for (enum value v = 0; v < VALUES; v++) {
		bool connection = v == ON_BAD || v == PROTECT || v == OWN_TLS;

		s->value[v] = UNSET;
		if (v != TIGHTEN && one_in((unsigned)chance[v]) &&
			(!connection || s->kind == SECTION_DEFAULT || s->kind == SECTION_HOST))
			s->value[v] = random_value(v);
	}
	if (s->value[NO_RELAX] != UNSET)
		s->value[TIGHTEN] = s->value[NO_RELAX] ? random_value(TIGHTEN) : 1;
}

static inline void random_section(struct model_config *c)
{
	static const enum section_kind kinds[] = {SECTION_DEFAULT, SECTION_HOST, SECTION_SENDER,
		SECTION_SENDER, SECTION_RECIPIENT, SECTION_RECIPIENT};
	struct model_section *s = &c->section[c->count];
	unsigned labels = sizeof(domain_labels) / sizeof(domain_labels[0]);
	struct label label = {"", ""};

	s->kind = PICK(kinds);
	if (s->kind == SECTION_HOST)
		label = PICK(host_labels);
	else if (s->kind != SECTION_DEFAULT)
		label = domain_labels[below(labels - (s->kind == SECTION_RECIPIENT))];
	s->label = label.text;
	s->form = label.form;
	for (unsigned i = 0; i < c->count; i++) {
		if (c->section[i].kind == s->kind && strcmp(c->section[i].form, s->form) == 0)
			return;
	}
	random_settings(s);
	c->count++;
}

static inline void random_config(struct model_config *c)
{
	unsigned n = one_in(3) ? below(MODEL_SECTIONS + 1) : below(5);

	c->count = 0;
	for (unsigned i = 0; i < n; i++)
		random_section(c);
}

/* --- server --- */

static inline void random_host(struct model_host *h)
{
	static const char *const names[] = {
		"mx.b.example", "mx.b.example", "mx.a.example", "other.test", "192.0.2.25", NULL};
	static const char *const addresses[] = {
		"192.0.2.25", "192.0.2.7", "192.0.7.1", "198.51.100.1"};

	*h = (struct model_host){
		.name_count = one_in(3) ? below(4) : 1, .address = PICK(addresses)};
	for (unsigned i = 0; i < h->name_count; i++)
		h->names[i] = PICK(names);
}

static inline void random_facts(struct facts *f)
{
	static const enum tls_fact facts[] = {TLS_FACT_ON, TLS_FACT_ON, TLS_FACT_ON,
		TLS_FACT_NOT_OFFERED, TLS_FACT_REFUSED, TLS_FACT_HANDSHAKE_FAILED};

	*f = (struct facts){.tls = PICK(facts)};
	if (f->tls == TLS_FACT_ON) {
		f->version = one_in(3) ? (enum tls_version)(10 + below(4)) : TLS_VERSION_1_3;
		f->verified = one_in(2);
	}
	if (f->tls != TLS_FACT_NOT_OFFERED && !f->verified)
		snprintf(f->reason, sizeof(f->reason),
			f->tls == TLS_FACT_REFUSED ? "4.7.0 srv not now" : "expired");
}

/* --- addresses --- */

struct address_text {
	char path[200]; /* behind the colon, without parameters */
	char token[16]; /* stands in no other address */
	char marker[4]; /* what the server does to it, see relay.h; "" */
	struct model_address is;
};

static inline void random_domain(struct model_address *is, char *spelling, size_t size)
{
	static const struct label domains[] = {
		{"a.example", "a.example"},
		{"A.EXAMPLE", "a.example"},
		{"x.a.example", "x.a.example"},
		{"b.example", "b.example"},
		{"b.example", "b.example"},
		{"y.b.example", "y.b.example"},
		{"c.test", "c.test"},
		{"b\xc3\xbc"
		 "cher.example",
			"xn--bcher-kva.example"},
		{"XN--bcher-kva.example", "xn--bcher-kva.example"},
		{"z.b\xc3\xbc"
		 "cher.example",
			"z.xn--bcher-kva.example"},
		{"[192.0.2.1]", "[192.0.2.1]"},
		{"[IPv6:2001:0DB8:0::1]", "[IPv6:2001:db8::1]"},
	};
	struct label domain = PICK(domains);

	is->form = domain.form[0] == '[' ? DOMAIN_LITERAL : DOMAIN_NAME;
	is->domain = domain.form;
	snprintf(spelling, size, "%s", domain.text);
}

/* %1$s: a local part of atoms, %2$s: a domain */
static const char *const good_paths[] = {
	"<%1$s@%2$s>",
	"<%1$s@%2$s>",
	"<%1$s@%2$s>",
	"<\"%1$s\"@%2$s>",
	"<\"%1$s q\"@%2$s>",
	"<\"%1$s@evil.example\"@%2$s>",
	"<\"%1$s>\\\" <\"@%2$s>",
	"<@hop.example:%1$s@%2$s>",
	"<@hop.example,@[192.0.2.9]:%1$s@%2$s>",
	"<%1$s%%other.example@%2$s>",
};

static const char *const ambiguous_paths[] = {
	"<%1$s@%2$s@c.test>",
	"<%1$s>",
	"<%1$s@>",
	"<%1$s@a..example>",
	"<\"%1$s@%2$s>",
	"<@hop.example,%1$s@%2$s>",
	"<@hop.example:%1$s>",
	"<%1$s@[192.0.2.999]>",
	"<%1$s@[192.0.2.1>",
	"<%1$s@%2$s",
	"<%1$s@%2$s>x",
	"<%1$s@%2$s >",
	"<<%1$s@%2$s>>",
	"<%1$s b@%2$s>",
	"<%1$s@%2$s(c)>",
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static inline void random_address(
	struct address_text *a, unsigned serial, const char *const *markers)
{
	char local[32], domain[100];
	bool ambiguous = one_in(12);

	snprintf(a->token, sizeof(a->token), "k%uk", serial);
	snprintf(a->marker, sizeof(a->marker), "%s", one_in(8) ? markers[below(4)] : "");
	snprintf(local, sizeof(local), "%s%s", a->marker, a->token);
	random_domain(&a->is, domain, sizeof(domain));
	snprintf(a->path, sizeof(a->path), ambiguous ? PICK(ambiguous_paths) : PICK(good_paths),
		local, domain);
	if (ambiguous)
		a->is = model_ambiguous;
}
#pragma GCC diagnostic pop

static inline void random_sender(struct address_text *a, unsigned serial)
{
	static const char *const markers[] = {"m4-", "m5-", "d4-", "f5-"};

	if (one_in(8)) {
		*a = (struct address_text){
			.path = "<>", .token = "(none)", .is = {DOMAIN_NULL, "<>"}};
		return;
	}
	random_address(a, serial, markers);
	if (one_in(40)) { /* 552 to MAIL means something else to RCPT */
		snprintf(a->path, sizeof(a->path), "<m2-k%uk@a.example>", serial);
		snprintf(a->marker, sizeof(a->marker), "m2-");
		a->is = (struct model_address){DOMAIN_NAME, "a.example"};
	}
}

/* --- mails --- */

struct mail {
	struct address_text sender, recipient[RECIPIENTS];
	char mail_line[260], recipient_line[RECIPIENTS][260];
	unsigned count;
	bool pipelined, gives_up; /* RSET instead of DATA */
	char *says, *passes; /* the content as the application says it, as the server must hear it;
				owned */
	size_t says_length, passes_length;
	unsigned lines, header_lines; /* of `says`; up to and with what ends the header */
	bool endless;		      /* the header is longer than anyone reads */
	struct overrides overrides;
};

/* A message under way. */
struct draft {
	FILE *says, *passes;
	bool malformed, past_bound;
	enum field said[2];
};

static inline void put(struct draft *d, bool passes, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static inline void put(struct draft *d, bool passes, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vfprintf(d->says, format, ap);
	va_end(ap);
	va_start(ap, format);
	if (passes)
		vfprintf(d->passes, format, ap);
	va_end(ap);
}

static inline void random_own_field(struct draft *d)
{
	static const char *const names[2][3] = {
		{"Mailseal-Require-TLS", "MAILSEAL-REQUIRE-TLS", "mailseal-require-tls"},
		{"Mailseal-Verify-Certificate", "MAILSEAL-Verify-certificate",
			"mailseal-verify-certificate"},
	};
	static const char *const colons[] = {": ", ": ", ":", " : ", ":\t", ":\r\n ", ":\r\n\t "};
	static const char *const yes[] = {"yes", "true", "YES", "True"}, *const no[] = {"no",
										 "false", "NO",
										 "fAlse"};
	static const char *const neither[] = {
		"maybe", "", "no (really)", "no, no", "0", "\"no\"", "n o", "nope", "no yes"};
	static const char *const tails[] = {"\r\n", "\r\n", " \r\n", "\t\r\n"};
	/* what a "yes" behind the bound does is for dialogue_test to say */
	unsigned which = below(2), what = below(d->past_bound ? 4 : 9);
	enum field says = what < 4 ? FIELD_NO : FIELD_YES;
	const char *value = what < 4 ? PICK(no) : what < 8 ? PICK(yes) : PICK(neither);

	put(d, false, "%s%s%s%s", names[which][below(3)], value[0] ? PICK(colons) : ": ", value,
		PICK(tails));
	if (!d->past_bound && says > d->said[which])
		d->said[which] = says;
}

static inline void random_other_field(struct draft *d, unsigned serial)
{
	static const char *const others[] = {
		"Subject: body-%u\r\n",
		"X-Folded: a\r\n b%u\r\n\tc\r\n",
		"Mailseal-Require: yes %u\r\n",
		"X-Mailseal-Require-TLS: yes %u\r\n",
		"Mailseal-Require-TLSX: yes %u\r\n",
		"Subject: =?utf-8?b?%u?= \xc3\xbc\r\n",
		"M: Mailseal-Require-TLS: no %u\r\n",
		"X-Quote: a\r\n Mailseal-Require-TLS: no %u\r\n",
		"\x46rom: a%u@b\r\n",
	};
	const char *at = PICK(others), *number = strstr(at, "%u");

	put(d, true, "%.*s%u%s", (int)(number - at), at, serial, number + 2);
}

static inline void random_header(struct draft *d, unsigned serial)
{
	unsigned n = below(6);

	for (unsigned i = 0; i < n; i++) {
		if (one_in(2))
			random_own_field(d);
		else
			random_other_field(d, serial);
		if (one_in(25)) {
			put(d, true, "this is no field\r\n");
			d->malformed = true;
		}
	}
}

static inline void endless_header(struct draft *d)
{
	for (unsigned i = 0; i < 3000; i++)
		put(d, true, "X-Filler-%u: %090u\r\n", i, i);
	d->past_bound = true;
}

static inline void random_body(struct draft *d, unsigned serial)
{
	static const char *const lines[] = {
		"Mailseal-Require-TLS: yes %u\r\n",
		"..stuffed %u\r\n",
		"MAIL FROM:<x%u@y.example>\r\n",
		"\r\n",
		"\xff\xfe%u\r\n",
		"....\r\n",
	};

	put(d, true, "body-%u\r\n", serial);
	for (unsigned n = below(4); n > 0; n--) {
		const char *at = PICK(lines), *number = strstr(at, "%u");

		if (number)
			put(d, true, "%.*s%u%s", (int)(number - at), at, serial, number + 2);
		else
			put(d, true, "%s", at);
	}
}

static inline unsigned lines_of(const char *text, size_t n)
{
	unsigned lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	return lines;
}

static inline void random_content(struct mail *m, unsigned serial)
{
	struct draft d = {0};
	size_t header;
	bool whole = !one_in(12);

	d.says = open_memstream(&m->says, &m->says_length);
	d.passes = open_memstream(&m->passes, &m->passes_length);
	m->endless = one_in(1000);
	random_header(&d, serial);
	if (m->endless) {
		endless_header(&d);
		random_header(&d, serial);
	}
	if (whole)
		put(&d, true, "\r\n");
	fflush(d.says);
	header = m->says_length;
	if (whole && !one_in(10))
		random_body(&d, serial);
	put(&d, true, ".\r\n");
	fclose(d.says);
	fclose(d.passes);
	m->lines = lines_of(m->says, m->says_length);
	m->header_lines = whole ? lines_of(m->says, header) : m->lines;
	for (unsigned i = 0; i < 2; i++) {
		if (d.said[i] == FIELD_NO && (d.malformed || !whole || m->endless))
			d.said[i] = FIELD_ABSENT;
	}
	m->overrides = (struct overrides){d.said[0], d.said[1]};
}

static __attribute__((noinline)) void write_line(
	char line[260], const char *verb, const struct address_text *a, const char *parameters)
{
	char path[sizeof(a->path)];

	memcpy(path, a->path, sizeof(path));
	snprintf(line, 260, "%s:%s%s", verb, path, parameters);
}

static inline void random_mail(struct mail *m, unsigned serial)
{
	static const char *const markers[] = {"r4-", "r5-", "r4-", "r5-"};
	static const char *const parameters[] = {"", "", " SIZE=100", "  BODY=8BITMIME"};

	*m = (struct mail){.count = 1 + (one_in(2) ? 0 : below(RECIPIENTS)),
		.pipelined = one_in(3),
		.gives_up = one_in(12)};
	random_sender(&m->sender, serial);
	write_line(m->mail_line, "MAIL FROM", &m->sender, PICK(parameters));
	for (unsigned i = 0; i < m->count; i++) {
		random_address(&m->recipient[i], serial + 1 + i, markers);
		write_line(m->recipient_line[i], "RCPT TO", &m->recipient[i], "");
	}
	random_content(m, serial);
}

static inline void mail_clear(struct mail *m)
{
	free(m->says);
	free(m->passes);
}

#endif
