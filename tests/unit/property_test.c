/*
 * property: random configurations, servers and mails; the dialogue, `mailseal explain` and a slow
 * model in the tests must agree about every reply to the application and every octet that the
 * server hears, and when.
 *
 * PROPERTY_ROUNDS in the environment says how many rounds, PROPERTY_SEED where they begin. A round
 * that fails says how to run it alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/load.h"
#include "tests/unit/walk.h"

#include "shim/smtp/address.h"
#include "shim/smtp/header.h"
/* explain's computation, whose questions come from the rounds and not from a command line */
#include "tools/explain/explanation.c"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <libgen.h>
#include <limits.h>
#include <netinet/in.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- telling of it --- */

static void dump(struct round *t)
{
	const struct relay *r = &t->relay;

	print_error("\n%s\n\nPROPERTY_SEED=%llu PROPERTY_ROUNDS=1\n%.*s", t->disagreement,
		(unsigned long long)t->seed, (int)t->text_length, t->text);
	print_error("server:");
	for (unsigned i = 0; i < t->host.name_count; i++)
		print_error(" %s", t->host.names[i] ? t->host.names[i] : "(forgotten)");
	print_error(" %s, tls %d version %d verified %d; alone %d afresh %d lf %d pieces %d early "
		    "%d eager %d\n",
		t->host.address, t->facts.tls, t->facts.version, t->facts.verified, t->alone,
		t->afresh, t->lf, t->pieces, t->early, t->eager);
	for (unsigned i = 0; i < t->mail_count; i++) {
		const struct mail *m = &t->mails[i];

		print_error("mail %u%s%s: tls=%d certificate=%d\n  %s\n", i,
			m->pipelined ? ", pipelined" : "", m->gives_up ? ", given up" : "",
			m->overrides.require_tls, m->overrides.verify_certificate, m->mail_line);
		for (unsigned k = 0; k < m->count; k++)
			print_error("  %s\n", m->recipient_line[k]);
		print_error("%.*s", (int)(m->says_length > 2000 ? 2000 : m->says_length), m->says);
	}
	print_error("replies:\n");
	for (unsigned i = 0; i < r->reply_count; i++)
		print_error("  %2u %s\n", i, r->reply[i].text);
	print_error("the server heard:\n");
	for (unsigned i = 0; i < r->heard_count; i++)
		print_error("  %2u %s%u after %u: %.*s\n", i, r->heard[i].tls ? "tls" : "clear",
			r->heard[i].connection, r->heard[i].fed,
			(int)(r->heard[i].length > 500 ? 500 : r->heard[i].length),
			buf_bytes(&r->wire) + r->heard[i].at);
}

/* --- explain --- */

void question_policy(const struct question *q, const struct policy_set *set, struct policy *policy)
{
	(void)q;
	(void)set;
	(void)policy;
}

const char *question_server(const struct question *q)
{
	(void)q;
	return RELAY_SERVER;
}

/* explain knows of no server that refuses on its own, and asks for no more than it is given. */
static bool can_be_explained(const struct mail *m)
{
	bool plain = m->sender.marker[0] == '\0' && !m->endless && !m->gives_up;

	for (unsigned k = 0; k < m->count; k++)
		plain &= m->recipient[k].marker[0] == '\0';
	return plain;
}

static void read_header(const struct mail *m, struct overrides *overrides)
{
	struct header header;
	struct buf out;
	size_t taken;

	buf_init(&out, m->says_length + HEADER_HELD);
	header_begin(&header);
	if (header_pass(&header, m->says, m->says_length, &taken, &out) != HEADER_END)
		assert_int_equal(header_finish(&header, &out), 0);
	header_overrides(&header, overrides);
	buf_clear(&out);
}

static void compare_fate(
	struct round *t, const struct fate_of_mail *f, unsigned k, const struct fate *told)
{
	static const char *const stops[] = {
		"nowhere", "at MAIL", "at RCPT", "as separate", "after the final dot"};
	enum stop stop = f->refused_at_mail  ? STOP_MAIL
			 : f->refused[k]     ? STOP_RECIPIENT
			 : f->separate[k]    ? STOP_SEPARATE
			 : f->refused_at_dot ? STOP_MESSAGE
					     : STOP_NOWHERE;
	unsigned n = stop == STOP_MAIL	    ? f->mail_reply
		     : stop == STOP_MESSAGE ? f->dot_reply
					    : f->recipient_reply[k];
	char words[VERDICT_SIZE];

	line_sanitize(words, sizeof(words), told->reply, strlen(told->reply), true);
	if (told->stop != stop)
		disagree(t, "explain says that recipient %u stops %s, the dialogue %s", k,
			stops[told->stop], stops[stop]);
	else if (stop != STOP_NOWHERE && strcmp(words, reply(t, n)->text) != 0)
		disagree(t, "explain says reply %u is\n  %s", n, words);
}

static void ask_explain(struct round *t, unsigned i)
{
	const struct mail *m = &t->mails[i];
	struct mailbox recipients[RECIPIENTS];
	struct fate fates[RECIPIENTS] = {0};
	struct row row = {.seen = t->facts, .facts = t->facts, .fates = fates};
	struct question q = {.recipients = recipients, .recipient_count = m->count};
	struct explanation e = {.policy = t->policy};

	address_of_text(m->sender.path, true, &q.sender.domain);
	for (unsigned k = 0; k < m->count; k++)
		address_of_text(m->recipient[k].path, false, &recipients[k].domain);
	read_header(m, &q.overrides);
	if (memcmp(&q.overrides, &m->overrides, sizeof(q.overrides)) != 0)
		disagree(t, "explain reads the header of mail %u as %d %d", i,
			q.overrides.require_tls, q.overrides.verify_certificate);
	if (t->facts.tls == TLS_FACT_ON && t->facts.verified &&
		(int)t->facts.version < (int)t->policy.demands.min_tls)
		snprintf(row.facts.reason, sizeof(row.facts.reason),
			"%s is older than min_tls allows", tls_version_name(t->facts.version));
	if (demand(&e, &q))
		abort();
	play(&e, &q, &row);
	for (unsigned k = 0; k < m->count; k++)
		compare_fate(t, &t->fates[i], k, &fates[k]);
	free(e.demands);
	sums.explained++;
}

/* --- the command --- */

static char command[PATH_MAX], config_file[] = "/tmp/property_test.XXXXXX";

/* Built beside this test; without it (make unit alone) there is nothing to ask. */
static bool find_command(void)
{
	ssize_t n = readlink("/proc/self/exe", command, PATH_MAX - 20);

	if (n <= 0)
		return false;
	command[n] = '\0';
	dirname(dirname(command));
	n = (ssize_t)strlen(command);
	snprintf(command + n, PATH_MAX - (size_t)n, "/mailseal");
	return access(command, X_OK) == 0;
}

/* What a command line can ask: servers of explain's table, names that are names, one mail. */
static bool can_be_asked(const struct round *t)
{
	bool can = can_be_explained(&t->mails[0]) && t->facts.version != TLS_VERSION_1_0 &&
		   t->facts.version != TLS_VERSION_1_1 && t->facts.version != TLS_VERSION_1_2;

	for (unsigned i = 0; i < t->host.name_count; i++)
		can &= t->host.names[i] && !model_is_network(t->host.names[i]);
	return can;
}

static unsigned add_field(
	const char **argv, unsigned n, const char *no, const char *yes, enum field field)
{
	if (field == FIELD_ABSENT)
		return n;
	argv[n++] = "--header";
	argv[n++] = field == FIELD_YES ? yes : no;
	return n;
}

static void command_line(const struct round *t, const char **argv)
{
	const struct mail *m = &t->mails[0];
	unsigned n = 0;

	argv[n++] = command;
	argv[n++] = "explain";
	argv[n++] = "--json";
	argv[n++] = "--config";
	argv[n++] = config_file;
	argv[n++] = "--address";
	argv[n++] = t->host.address;
	for (unsigned i = 0; i < t->host.name_count; i++) {
		argv[n++] = "--host";
		argv[n++] = t->host.names[i];
	}
	argv[n++] = "--sender";
	argv[n++] = m->sender.path;
	for (unsigned k = 0; k < m->count; k++) {
		argv[n++] = "--recipient";
		argv[n++] = m->recipient[k].path;
	}
	n = add_field(argv, n, "Mailseal-Require-TLS: no", "mailseal-require-tls: TRUE",
		m->overrides.require_tls);
	n = add_field(argv, n, "Mailseal-Verify-Certificate: false",
		"Mailseal-Verify-Certificate: yes", m->overrides.verify_certificate);
	argv[n] = NULL;
}

static json_t *run_command(const struct round *t)
{
	const char *argv[40];
	int pipes[2], status;
	json_t *json;
	FILE *in;
	pid_t pid;

	command_line(t, argv);
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		execv(command, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(pipes[1]);
	in = fdopen(pipes[0], "r");
	json = json_loadf(in, 0, NULL);
	fclose(in);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	assert_int_equal(status, 0);
	assert_non_null(json);
	return json;
}

/* The row of the table that is like this server. */
static json_t *row_of(const struct round *t, json_t *json)
{
	static const char *const servers[] = {
		[TLS_FACT_ON] = "starttls",
		[TLS_FACT_NOT_OFFERED] = "none",
		[TLS_FACT_REFUSED] = "refused",
		[TLS_FACT_HANDSHAKE_FAILED] = "handshake-failed",
	};
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(json, "outcomes"), i, row)
	{
		const char *certificate = json_string_value(json_object_get(row, "certificate"));
		const char *version = json_string_value(json_object_get(row, "tls"));

		if (strcmp(json_string_value(json_object_get(row, "server")),
			    servers[t->facts.tls]) != 0)
			continue;
		if (t->facts.tls != TLS_FACT_ON ||
			(strcmp(version, "TLSv1.3") == 0 &&
				strcmp(certificate, t->facts.verified ? "valid" : "not valid") ==
					0))
			return row;
	}
	return NULL;
}

static const char *stop_of(const struct fate_of_mail *f, unsigned k)
{
	if (f->refused_at_mail)
		return "MAIL";
	if (f->refused[k] || f->separate[k])
		return "RCPT";
	return f->refused_at_dot ? "final dot" : "";
}

static void compare_with_command(struct round *t)
{
	const struct fate_of_mail *f = &t->fates[0];
	json_t *json = run_command(t), *row = row_of(t, json);

	if (!row)
		disagree(t, "explain --json has no row for this server");
	for (unsigned k = 0; row && k < t->mails[0].count; k++) {
		json_t *fate = json_array_get(json_object_get(row, "recipients"), k);
		const char *stop = json_string_value(json_object_get(fate, "stops_at"));
		const char *words = json_string_value(json_object_get(fate, "reply"));
		unsigned n = f->refused_at_mail			       ? f->mail_reply
			     : strcmp(stop_of(f, k), "final dot") == 0 ? f->dot_reply
								       : f->recipient_reply[k];

		if (strcmp(stop ? stop : "", stop_of(f, k)) != 0)
			disagree(t,
				"explain --json: recipient %u stops at %s, in the dialogue at %s",
				k, stop ? stop : "(nowhere)", stop_of(f, k));
		else if (stop && strncmp(words, reply(t, n)->text, 10) != 0)
			disagree(t, "explain --json: reply to recipient %u is %s", k, words);
	}
	json_decref(json);
}

static void write_config(const struct round *t)
{
	FILE *out = fopen(config_file, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(t->text, 1, t->text_length, out), t->text_length);
	assert_int_equal(fclose(out), 0);
}

/* --- a round --- */

static unsigned tell(struct round *t, const char *line)
{
	unsigned n = t->relay.reply_count;

	relay_say(&t->relay, line, strlen(line));
	relay_say(&t->relay, "\r\n", 2);
	relay_run_to(&t->relay, t->eager ? n + 1 : RELAY_REPLIES + 1);
	return n;
}

static void say_envelope(struct round *t, struct mail *m, struct fate_of_mail *f)
{
	struct relay *r = &t->relay;
	unsigned n = r->reply_count;

	f->mail_reply = n;
	f->data_reply = f->dot_reply = NEVER;
	for (unsigned k = 0; k < m->count; k++)
		f->recipient_reply[k] = n + 1 + k;
	if (!m->gives_up)
		f->data_reply = n + 1 + m->count;
	if (!m->pipelined) {
		tell(t, m->mail_line);
		for (unsigned k = 0; k < m->count; k++)
			tell(t, m->recipient_line[k]);
		if (!m->gives_up)
			tell(t, "DATA");
		return;
	}
	relay_say(r, m->mail_line, strlen(m->mail_line));
	for (unsigned k = 0; k < m->count; k++) {
		relay_say(r, "\r\n", 2);
		relay_say(r, m->recipient_line[k], strlen(m->recipient_line[k]));
	}
	relay_say(r, m->gives_up ? "\r\n" : "\r\nDATA\r\n", m->gives_up ? 2 : 8);
	relay_run(r);
}

static void say_mail(struct round *t, unsigned i)
{
	struct relay *r = &t->relay;
	struct mail *m = &t->mails[i];
	struct fate_of_mail *f = &t->fates[i];

	t->first_line[i] = r->fed + 1;
	say_envelope(t, m, f);
	if (f->data_reply != NEVER && reply(t, f->data_reply)->code == 354) {
		f->dot_reply = r->reply_count;
		relay_say(r, m->says, m->says_length);
		relay_run(r);
	} else {
		tell(t, "RSET");
	}
}

static void converse(struct round *t)
{
	struct relay *r = &t->relay;

	relay_open(r, &t->policy, &t->facts, t->pieces, t->lf, t->early, t->seed ^ 99);
	t->greeted = r->heard_count;
	if (t->says_auth)
		t->auth_reply = tell(t, "AUTH PLAIN AGEAYg==");
	if (t->says_vrfy)
		t->vrfy_reply = tell(t, "VRFY secretary");
	for (unsigned i = 0; i < t->mail_count && !r->broken; i++)
		say_mail(t, i);
	tell(t, "QUIT");
	relay_run(r);
	if (r->broken)
		disagree(t, "%s", r->broken);
	if (!r->closed)
		disagree(t, "nobody hung up after QUIT");
}

static void walk(struct round *t)
{
	walk_greeting(t);
	if (t->says_auth)
		walk_credentials(t);
	if (t->says_vrfy)
		walk_vrfy(t);
	for (unsigned i = 0; i < t->mail_count; i++)
		walk_one(t, i);
	if (!t->alone)
		want_line(t, "QUIT", 2);
	check_heard(t);
	for (unsigned i = 0; i < t->mail_count; i++) {
		check_secrets(t, i);
		check_report(t, i);
		count(&t->fates[i], t->mails[i].count);
		if (can_be_explained(&t->mails[i]))
			ask_explain(t, i);
	}
}

static void invent(struct round *t)
{
	FILE *out = open_memstream(&t->text, &t->text_length);

	random_state = t->seed;
	random_config(&t->config);
	model_write(out, &t->config);
	fclose(out);
	random_host(&t->host);
	random_facts(&t->facts);
	t->pieces = one_in(3);
	t->lf = one_in(8);
	t->says_auth = one_in(6);
	t->says_vrfy = one_in(6);
	t->mail_count = 1 + below(MAILS);
	for (unsigned i = 0; i < t->mail_count; i++)
		random_mail(&t->mails[i], 100 * i);
	t->early = one_in(2);
	t->eager = one_in(2);
}

static void load(struct round *t)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	struct err err;

	assert_int_equal(inet_pton(AF_INET, t->host.address, &address.sin_addr), 1);
	if (policy_set_parse("mailseal.conf", t->text, t->text_length, &t->set, &err))
		fail_msg("seed %llu: %s\n%s", (unsigned long long)t->seed, err.text, t->text);
	policy_for_host(
		t->set, t->host.names, t->host.name_count, (struct sockaddr *)&address, &t->policy);
}

/* Under TLS of the application's own, of which nobody verified the certificate: is it blocked? */
static bool own_tls_blocks(struct model_demands d, int setting)
{
	const struct facts facts = {.tls = TLS_FACT_ON, .version = TLS_VERSION_1_3};

	if (setting == 0)
		d.value[VERIFY] = 0;
	return model_blocks(&d, &facts);
}

/* STARTTLS of the application's own is accepted only if no mail that anybody may send through it
 * would be blocked. */
static void check_own_tls(struct round *t)
{
	struct model_demands host = model_demand(
				     &t->config, &t->host, &model_unknown, &model_unknown),
			     strictest = model_demand(
				     &t->config, &t->host, &model_ambiguous, &model_ambiguous);
	struct classes senders, recipients;
	int setting = host.value[OWN_TLS];
	bool refused = setting == 2 && host.value[ENFORCE];
	struct own_tls own;

	own_tls_judge(&t->policy, TLS_VERSION_1_3, &own);
	if (own.offered && (!own.accepted || (setting != 0 && strictest.value[VERIFY])))
		disagree(t, "STARTTLS is shown to the application");
	if (!own.accepted) {
		if (!refused && !own_tls_blocks(strictest, setting))
			disagree(t, "the application's STARTTLS is refused without need");
		return;
	}
	if (refused)
		disagree(t, "the application's STARTTLS is accepted although refused");
	find_classes(&t->config, SECTION_SENDER, &senders);
	find_classes(&t->config, SECTION_RECIPIENT, &recipients);
	for (unsigned i = 0; setting != 2 && i < senders.count * recipients.count; i++) {
		struct model_demands d = model_demand(&t->config, &t->host,
			&senders.at[i / recipients.count], &recipients.at[i % recipients.count]);

		if (own_tls_blocks(d, setting))
			disagree(t,
				"the application's STARTTLS is accepted for mail that is blocked");
	}
}

static void clear(struct round *t)
{
	relay_close(&t->relay);
	policy_set_free(t->set);
	for (unsigned i = 0; i < t->mail_count; i++)
		mail_clear(&t->mails[i]);
	free(t->text);
	free(t);
}

/* True if `ask` and the command could be asked about it. */
static bool play_round(uint64_t seed, bool ask)
{
	struct round *t = calloc(1, sizeof(*t));
	bool failed;

	assert_non_null(t);
	t->seed = seed;
	invent(t);
	load(t);
	converse(t);
	relay_close_dialogue(&t->relay);
	walk(t);
	check_own_tls(t);
	ask = ask && can_be_asked(t);
	if (ask) {
		write_config(t);
		compare_with_command(t);
	}
	failed = t->disagreement[0] != '\0';
	if (failed)
		dump(t);
	clear(t);
	if (failed)
		fail();
	return ask;
}

static unsigned long number(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : otherwise;
}

static void dialogue_explain_and_model_agree(void **state)
{
	unsigned long seed = number("PROPERTY_SEED", 1), rounds = number("PROPERTY_ROUNDS", 20000);

	(void)state;
	memset(&sums, 0, sizeof(sums));
	for (unsigned long i = 0; i < rounds; i++)
		play_round(seed + i, false);
	if (getenv("PROPERTY_SEED"))
		print_message(
			"%lu mails: %lu delivered; refused %lu at MAIL, %lu at RCPT, %lu to "
			"be sent separately, %lu after the "
			"dot; %lu told late; %lu explained; %lu times DATA, in vain %lu times "
			"MAIL answered early\n",
			sums.mails, sums.delivered, sums.at_mail, sums.at_rcpt, sums.separate,
			sums.at_dot, sums.late, sums.explained, sums.early, sums.disappointed);
	if (rounds >= 20000) /* all of it was met */
		assert_true(sums.delivered && sums.at_mail && sums.at_rcpt && sums.separate &&
			    sums.at_dot && sums.explained && sums.early && sums.disappointed);
}

static void explain_as_a_command_agrees(void **state)
{
	unsigned long seed = number("PROPERTY_SEED", 1);
	int file;

	(void)state;
	if (!find_command()) {
		print_message("skipped: build/mailseal is not built\n");
		skip();
	}
	file = mkstemp(config_file);
	assert_true(file >= 0);
	close(file);
	for (unsigned asked = 0; asked < 60; seed++)
		asked += play_round(seed, true);
}

static int remove_config(void **state)
{
	(void)state;
	unlink(config_file);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dialogue_explain_and_model_agree),
		cmocka_unit_test_teardown(explain_as_a_command_agrees, remove_config),
	};

	return cmocka_run_group_tests_name("property", tests, NULL, NULL);
}
