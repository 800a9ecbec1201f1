/*
 * policy: golden text. tests/policy/NAME.in holds the questions, NAME.ref the answers; run from the
 * root of the tree. MAILSEAL_WRITE_REF=1 in the environment writes new answers, to be read before
 * they are believed.
 */
#include "config/load.h"
#include "config/setting.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* A frame with a SEQUENCE in it: enough for a loader that leaves certificates to the TLS library.
 */
static const char pem[] =
	"-----BEGIN CERTIFICATE-----\nMAgCAQECAQEFAA==\n-----END CERTIFICATE-----\n";

static char directory[] = "/tmp/policy_test.XXXXXX";

static void write_file(const char *name, const char *text)
{
	char path[100];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static int make_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	write_file("one.pem", pem);
	write_file("two.pem", pem);
	return 0;
}

static int remove_directory(void **state)
{
	char path[100];

	(void)state;
	snprintf(path, sizeof(path), "%s/one.pem", directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/two.pem", directory);
	unlink(path);
	return rmdir(directory);
}

/* judge: one line, one judgement */

struct question {
	struct demands demands;
	struct connection_settings connection;
	struct facts facts;
	struct origin require, verify;
};

static enum tls_version version_of(const char *text)
{
	return (enum tls_version)(text[0] == '0' ? 0 : 10 + strtol(text + 2, NULL, 10));
}

static void take_facts(struct question *q, const char *text)
{
	if (strcmp(text, "none") == 0) {
		q->facts.tls = TLS_FACT_NOT_OFFERED;
	} else if (strcmp(text, "refused") == 0) {
		q->facts.tls = TLS_FACT_REFUSED;
	} else if (strcmp(text, "failed") == 0) {
		q->facts.tls = TLS_FACT_HANDSHAKE_FAILED;
	} else if (strcmp(text, "99") == 0) {
		q->facts.tls = (enum tls_fact)99;
	} else {
		q->facts.tls = TLS_FACT_ON;
		q->facts.version = version_of(text);
		q->facts.verified = strstr(text, "invalid") == NULL;
	}
}

static enum section_kind kind_of(const char *text)
{
	return strcmp(text, "host") == 0 ? SECTION_HOST : SECTION_DEFAULT;
}

static void take_word(struct question *q, const char *name, const char *value)
{
	bool yes = strcmp(value, "yes") == 0;

	if (strcmp(name, "require") == 0)
		q->demands.require_tls = yes;
	else if (strcmp(name, "verify") == 0)
		q->demands.verify_certificate = yes;
	else if (strcmp(name, "on_bad") == 0)
		q->connection.on_bad_certificate = (enum on_bad_certificate)(
			strcmp(value, "unauthenticated") == 0 ? BAD_CERTIFICATE_UNAUTHENTICATED
			: strcmp(value, "cleartext") == 0     ? BAD_CERTIFICATE_CLEARTEXT
			: strcmp(value, "refuse") == 0	      ? BAD_CERTIFICATE_REFUSE
							      : 99);
	else if (strcmp(name, "min") == 0)
		q->demands.min_tls = version_of(value);
	else if (strcmp(name, "violation") == 0)
		q->demands.violation = VIOLATION_REJECT;
	else if (strcmp(name, "conflict") == 0)
		q->connection.conflict = "ca_file";
	else if (strcmp(name, "require_by") == 0)
		q->require.kind = kind_of(value);
	else if (strcmp(name, "verify_by") == 0)
		q->verify.kind = kind_of(value);
	else
		fail_msg("judge.in: %s", name);
}

static void prepare(struct question *q)
{
	static const struct origin other = {SECTION_DEFAULT, "", "f", 9},
				   on_bad = {SECTION_HOST, "h", "f", 3};

	*q = (struct question){
		.require = {SECTION_DEFAULT, "h", "f", 1}, .verify = {SECTION_BUILTIN, "", "", 2}};
	for (enum demand d = 0; d < DEMAND_COUNT; d++)
		q->demands.origin[d] = &other;
	q->demands.origin[DEMAND_REQUIRE_TLS] = &q->require;
	q->demands.origin[DEMAND_VERIFY_CERTIFICATE] = &q->verify;
	q->demands.min_tls = TLS_VERSION_1_2;
	q->connection.on_bad_certificate_origin = &on_bad;
}

static void answer_judge(char *line, FILE *out)
{
	struct question q;
	struct verdict v;
	char *colon = strchr(line, ':'), *rest, *word, by[200];

	assert_non_null(colon);
	fprintf(out, "%s -> ", line);
	*colon = '\0';
	prepare(&q);
	take_facts(&q, line);
	for (rest = colon + 2; (word = strsep(&rest, " "));) {
		char *equals = strchr(word, '=');

		assert_non_null(equals);
		*equals = '\0';
		take_word(&q, word, equals + 1);
	}
	policy_judge(&q.demands, &q.connection, &q.facts, &v);
	fprintf(out, "%s", outcome_name(v.outcome));
	if (v.outcome == OUTCOME_BLOCKED) {
		origin_describe(v.origin, by, sizeof(by));
		fprintf(out, " %d.7.%d %s by %s", v.violation == VIOLATION_REJECT ? 5 : 4, v.detail,
			v.rule, by);
	}
	fputc('\n', out);
}

/* host: a file, and connections */

static struct policy_set *load(char *config)
{
	struct policy_set *set = NULL;
	struct err err;
	char *at;
	size_t length = strlen(config);

	while ((at = strstr(config, "@DIR@"))) {
		memmove(at + strlen(directory), at + 5, strlen(at + 5) + 1);
		memcpy(at, directory, strlen(directory));
		length += strlen(directory) - 5;
	}
	if (policy_set_parse("mailseal.conf", config, length, &set, &err))
		fail_msg("%s", err.text);
	return set;
}

static void take_address(const char *text, struct sockaddr_storage *ss)
{
	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, text, &((struct sockaddr_in *)ss)->sin_addr) == 1)
		ss->ss_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)ss)->sin6_addr) == 1)
		ss->ss_family = AF_INET6;
	else
		assert_string_equal(text, "-");
}

static void print_value(FILE *out, enum setting setting, int value, const struct origin *origin)
{
	fprintf(out, " %s=%s@%u", setting_name(setting), setting_value_name(setting, value),
		origin->line);
	assert_true(origin->line > 0 ? origin->kind != SECTION_BUILTIN &&
					       strcmp(origin->file, "mailseal.conf") == 0
				     : origin->kind == SECTION_BUILTIN);
}

static void print_policy(FILE *out, const struct policy *p)
{
	const struct demands *d = &p->demands;
	const struct connection_settings *c = &p->connection;

	fprintf(out, "   ");
	print_value(out, SETTING_REQUIRE_TLS, d->require_tls, d->origin[DEMAND_REQUIRE_TLS]);
	print_value(out, SETTING_VERIFY_CERTIFICATE, d->verify_certificate,
		d->origin[DEMAND_VERIFY_CERTIFICATE]);
	print_value(out, SETTING_MIN_TLS, d->min_tls, d->origin[DEMAND_MIN_TLS]);
	print_value(out, SETTING_VIOLATION, d->violation, d->origin[DEMAND_VIOLATION]);
	print_value(out, SETTING_MODE, d->mode, d->origin[DEMAND_MODE]);
	fprintf(out, "\n   ");
	print_value(out, SETTING_ON_BAD_CERTIFICATE, c->on_bad_certificate,
		c->on_bad_certificate_origin);
	print_value(out, SETTING_PROTECT_CREDENTIALS, c->protect_credentials,
		c->protect_credentials_origin);
	if (c->application_tls_origin->line > 0)
		print_value(out, SETTING_APPLICATION_TLS, c->application_tls,
			c->application_tls_origin);
	assert_true(c->application_tls_origin->line > 0 || c->application_tls == APPLICATION_TLS_AUTO);
	if (c->session_resumption_origin->line > 0)
		print_value(out, SETTING_SESSION_RESUMPTION, c->session_resumption,
			c->session_resumption_origin);
	if (c->early_replies_origin->line > 0)
		print_value(
			out, SETTING_EARLY_REPLIES, c->early_replies, c->early_replies_origin);
	if (c->connection_reuse_origin->line > 0)
		print_value(out, SETTING_CONNECTION_REUSE, (int)c->connection_reuse,
			c->connection_reuse_origin);
	if (!c->intercept)
		fprintf(out, " intercept=false");
	if (c->ca_file)
		fprintf(out, " ca_file=%s", strrchr(c->ca_file, '/') + 1);
	for (const char *const *name = c->match; name && *name; name++)
		fprintf(out, " %s%s", name == c->match ? "match=" : "", *name);
	if (c->servername)
		fprintf(out, " servername=%s", c->servername);
	if (c->conflict)
		fprintf(out, " conflict=%s", c->conflict);
	fputc('\n', out);
}

static void answer_host(const struct policy_set *set, char *line, FILE *out)
{
	const char *names[8];
	struct sockaddr_storage ss;
	struct policy policy;
	unsigned count = 0;
	char *rest = line + 4, *list, *name;

	fprintf(out, "%s\n", line);
	list = strsep(&rest, " ");
	take_address(rest, &ss);
	while ((name = strsep(&list, ","))) {
		if (strcmp(name, "-") != 0)
			names[count++] = name;
	}
	policy_for_host(set, names, count, (struct sockaddr *)&ss, &policy);
	print_policy(out, &policy);
}

static void answer_hosts(FILE *in, FILE *out)
{
	char line[500], config[8000] = "";
	size_t length = 0;
	struct policy_set *set = NULL;
	bool reading = false;

	while (fgets(line, sizeof(line), in)) {
		if (strcmp(line, "config\n") == 0) {
			config[0] = '\0';
			length = 0;
			reading = true;
		} else if (strcmp(line, "end\n") == 0) {
			policy_set_free(set);
			set = load(config);
			reading = false;
		} else if (reading) {
			length += (size_t)snprintf(
				config + length, sizeof(config) - length, "%s", line);
		} else if (strncmp(line, "for ", 4) == 0) {
			line[strcspn(line, "\n")] = '\0';
			answer_host(set, line, out);
			continue;
		}
		fputs(line, out);
	}
	policy_set_free(set);
}

/* envelope: a file, a connection, and mail over it */

static void print_demand(
	FILE *out, const struct demands *d, enum demand demand, const char *name, const char *value)
{
	const struct origin *origin = d->origin[demand];
	char by[200];

	origin_describe(origin, by, sizeof(by));
	fprintf(out, "    %-18s %-8s %s\n", name, value, by);
}

static const char *truth(bool value)
{
	return value ? "true" : "false";
}

/* What is as it is built in is left out. */
static void print_demands(FILE *out, const struct demands *d)
{
	const char *values[DEMAND_COUNT] = {
		[DEMAND_REQUIRE_TLS] = truth(d->require_tls),
		[DEMAND_VERIFY_CERTIFICATE] = truth(d->verify_certificate),
		[DEMAND_MIN_TLS] = setting_value_name(SETTING_MIN_TLS, d->min_tls),
		[DEMAND_VIOLATION] = setting_value_name(SETTING_VIOLATION, d->violation),
		[DEMAND_MODE] = setting_value_name(SETTING_MODE, d->mode),
		[DEMAND_RELAX] = truth(d->relax),
		[DEMAND_TIGHTEN] = truth(d->tighten),
	};
	static const char *const names[DEMAND_COUNT] = {"require_tls", "verify_certificate",
		"min_tls", "violation", "mode", "may relax", "may tighten"};

	for (enum demand i = 0; i < DEMAND_COUNT; i++) {
		assert_non_null(d->origin[i]);
		if (d->origin[i]->kind != SECTION_BUILTIN)
			print_demand(out, d, i, names[i], values[i]);
	}
}

static const struct domain *take_domain(const char *text, struct domain *domain)
{
	if (strcmp(text, "-") == 0)
		return NULL;
	if (strcmp(text, "<>") == 0)
		*domain = (struct domain){.form = DOMAIN_NULL};
	else
		domain_parse(text, strlen(text), domain);
	return domain;
}

static enum field field_of(const char *text)
{
	return strcmp(text, "yes") == 0	 ? FIELD_YES
	       : strcmp(text, "no") == 0 ? FIELD_NO
					 : FIELD_ABSENT;
}

/* Takes the words of a line apart; returns their number. */
static unsigned words_of(char *line, char **words, unsigned size)
{
	unsigned count = 0;
	char *word;

	while (count < size && (word = strsep(&line, " ")))
		words[count++] = word;
	return count;
}

struct conversation {
	struct policy_set *set;
	struct policy policy;
	struct demands last;
};

static void take_connection(struct conversation *c, char *list, const char *address)
{
	struct sockaddr_storage ss;
	const char *names[8];
	unsigned count = 0;
	char *name;

	take_address(address, &ss);
	while ((name = strsep(&list, ","))) {
		if (strcmp(name, "-") != 0)
			names[count++] = name;
	}
	policy_for_host(c->set, names, count, (struct sockaddr *)&ss, &c->policy);
}

static void answer_range(struct conversation *c, const char *sender, FILE *out)
{
	struct demands demands;
	struct domain domain;

	policy_weakest(&c->policy, take_domain(sender, &domain), &demands);
	fprintf(out, "  at least\n");
	print_demands(out, &demands);
	policy_strictest(&c->policy, &demands);
	fprintf(out, "  at most\n");
	print_demands(out, &demands);
}

static bool converse(struct conversation *c, char *line, FILE *out)
{
	struct domain from, to;
	char copy[500], *words[5];
	unsigned count;

	snprintf(copy, sizeof(copy), "%s", line);
	copy[strcspn(copy, "\n")] = '\0';
	count = words_of(copy, words, 5);
	if (count == 3 && strcmp(words[0], "over") == 0) {
		take_connection(c, words[1], words[2]);
		fputs(line, out);
	} else if (count == 4 && strcmp(words[0], "from") == 0) {
		policy_for_envelope(&c->policy, take_domain(words[1], &from),
			take_domain(words[3], &to), &c->last);
		fputs(line, out);
		print_demands(out, &c->last);
	} else if (count == 3 && strcmp(words[0], "says") == 0) {
		struct overrides overrides = {field_of(words[1]), field_of(words[2])};
		struct demands demands;

		policy_override(&c->last, &overrides, &demands);
		fputs(line, out);
		print_demands(out, &demands);
	} else if (count == 2 && strcmp(words[0], "range") == 0) {
		fputs(line, out);
		answer_range(c, words[1], out);
	} else {
		return false;
	}
	return true;
}

static void answer_envelopes(FILE *in, FILE *out)
{
	struct conversation c = {0};
	char line[500], config[8000] = "";
	size_t length = 0;
	bool reading = false;

	while (fgets(line, sizeof(line), in)) {
		if (!reading && converse(&c, line, out))
			continue;
		if (strcmp(line, "config\n") == 0) {
			config[0] = '\0';
			length = 0;
			reading = true;
		} else if (strcmp(line, "end\n") == 0) {
			policy_set_free(c.set);
			c.set = load(config);
			reading = false;
		} else if (reading) {
			length += (size_t)snprintf(
				config + length, sizeof(config) - length, "%s", line);
		} else if (line[0] != '#' && line[0] != '\n') {
			fail_msg("envelope.in: %s", line);
		}
		fputs(line, out);
	}
	policy_set_free(c.set);
}

static void answer_judgements(FILE *in, FILE *out)
{
	char line[500];

	while (fgets(line, sizeof(line), in)) {
		if (line[0] == '#' || line[0] == '\n') {
			fputs(line, out);
			continue;
		}
		line[strcspn(line, "\n")] = '\0';
		answer_judge(line, out);
	}
}

static void compare(const char *got, FILE *ref, const char *name)
{
	char line[800];
	unsigned number = 0;

	while (fgets(line, sizeof(line), ref)) {
		number++;
		if (strncmp(got, line, strlen(line)) != 0)
			fail_msg("%s:%u: expected %sgot      %.*s", name, number, line,
				(int)strcspn(got, "\n"), got);
		got += strlen(line);
	}
	assert_string_equal(got, "");
}

static void golden(const char *name, void (*answer)(FILE *in, FILE *out))
{
	char path[100], *text = NULL;
	size_t size;
	FILE *in, *ref, *out = open_memstream(&text, &size);

	snprintf(path, sizeof(path), "tests/policy/%s.in", name);
	in = fopen(path, "r");
	if (!in)
		fail_msg("%s: %s (run from the root of the tree)", path, strerror(errno));
	answer(in, out);
	fclose(in);
	fclose(out);
	snprintf(path, sizeof(path), "tests/policy/%s.ref", name);
	ref = fopen(path, getenv("MAILSEAL_WRITE_REF") ? "w+" : "r");
	assert_non_null(ref);
	if (getenv("MAILSEAL_WRITE_REF"))
		fputs(text, ref);
	rewind(ref);
	compare(text, ref, path);
	fclose(ref);
	free(text);
}

static void judgement_follows_the_truth_table(void **state)
{
	(void)state;
	golden("judge", answer_judgements);
}

static void sections_merge_to_the_strictest(void **state)
{
	(void)state;
	golden("host", answer_hosts);
}

static void envelopes_meet_the_strictest_of_their_sections(void **state)
{
	(void)state;
	golden("envelope", answer_envelopes);
}

/* Whatever is demanded, adding require_tls or verify_certificate never lets through what was
 * blocked. */
static void stricter_demands_never_relax(void **state)
{
	static const enum tls_version versions[] = {0, TLS_VERSION_1_1, TLS_VERSION_1_3};
	struct question q;
	struct verdict weak, strict;

	(void)state;
	for (unsigned i = 0; i < 5 * 3 * 2 * 4 * 2 * 2; i++) {
		prepare(&q);
		q.facts.tls = (enum tls_fact)(i % 5);
		q.facts.version = versions[i / 5 % 3];
		q.facts.verified = i / 15 % 2;
		q.connection.on_bad_certificate = (enum on_bad_certificate)(i / 30 % 4);
		q.demands.require_tls = i / 120 % 2;
		q.demands.verify_certificate = i / 240 % 2;
		policy_judge(&q.demands, &q.connection, &q.facts, &weak);
		q.demands.require_tls = true;
		policy_judge(&q.demands, &q.connection, &q.facts, &strict);
		assert_true(strict.outcome != OUTCOME_CLEARTEXT);
		assert_true(weak.outcome != OUTCOME_BLOCKED || strict.outcome == OUTCOME_BLOCKED);
		q.demands.verify_certificate = true;
		policy_judge(&q.demands, &q.connection, &q.facts, &strict);
		assert_true(strict.outcome == OUTCOME_BLOCKED ||
			    strict.outcome == OUTCOME_TLS_VERIFIED);
	}
}

static void origins_are_described(void **state)
{
	static const struct {
		struct origin origin;
		const char *text;
	} rows[] = {
		{{SECTION_BUILTIN, "", "", 0}, "built-in default"},
		{{SECTION_DEFAULT, "", "mailseal.conf", 3}, "default, mailseal.conf:3"},
		{{SECTION_HOST, "mail.partner.net", "mailseal.conf", 14},
			"host \"mail.partner.net\", mailseal.conf:14"},
		{{SECTION_SENDER, "a.b", "m", 1}, "sender \"a.b\", m:1"},
		{{SECTION_RECIPIENT, "a.b", "m", 1}, "recipient \"a.b\", m:1"},
		{{SECTION_MESSAGE, "Mailseal-Require-TLS", "", 0},
			"field Mailseal-Require-TLS of the message"},
	};
	char text[100];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		origin_describe(&rows[i].origin, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
	}
	origin_describe(&rows[2].origin, text, 8);
	assert_string_equal(text, "host \"m");
	origin_describe(NULL, text, sizeof(text));
	assert_string_equal(text, "built-in default");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judgement_follows_the_truth_table),
		cmocka_unit_test(sections_merge_to_the_strictest),
		cmocka_unit_test(envelopes_meet_the_strictest_of_their_sections),
		cmocka_unit_test(stricter_demands_never_relax),
		cmocka_unit_test(origins_are_described),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
