/*
 * walk: goes through a conversation that the dialogue had, mail by mail and reply by reply, beside
 * the model, and says what the replies must be and what the server must have heard, and when. Where
 * the dialogue may choose (MAIL noted or refused; a server left or kept) the model says whether it
 * chose something that it may.
 */
#ifndef MAILSEAL_TEST_WALK_H
#define MAILSEAL_TEST_WALK_H

#include "tests/unit/random_mail.h"
#include "tests/unit/relay.h"

#define NEVER UINT32_MAX

/* What the server must have heard, in this order. */
struct wanted {
	struct {
		const char *text;
		size_t length;
		bool content;
		unsigned after; /* not before the application had said so many lines */
		bool perhaps;	/* it depends on which of two octets came first */
	} item[RELAY_HEARD];
	unsigned count;
};

/* What became of one mail, as the walk found it in the replies. */
struct fate_of_mail {
	unsigned mail_reply, recipient_reply[RECIPIENTS], data_reply,
		dot_reply;				/* NEVER: not asked */
	bool separate[RECIPIENTS], refused[RECIPIENTS]; /* by policy, at RCPT */
	bool refused_at_mail, refused_at_dot, delivered;
};

struct round {
	uint64_t seed;
	struct model_config config;
	struct model_host host;
	struct facts facts;   /* as the server was */
	struct facts settled; /* of the connection that mail takes */
	bool alone, afresh, lf, pieces, says_auth, says_vrfy;
	bool eager;		  /* the application goes on as soon as it has its reply */
	bool early, disappointed; /* the server is spoken to early; and no more, since it refused a
				     MAIL */
	struct mail mails[MAILS];
	struct fate_of_mail fates[MAILS];
	unsigned mail_count, first_line[MAILS], auth_reply, vrfy_reply;
	char *text; /* of the configuration */
	size_t text_length;
	struct policy_set *set;
	struct policy policy;
	struct relay relay;
	struct wanted wanted;
	unsigned greeted; /* things that the server heard before the first mail */
	char disagreement[1200];
};

static struct {
	unsigned long mails, delivered, at_mail, at_rcpt, separate, at_dot, late, explained, early,
		disappointed;
} sums;

static void disagree(struct round *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void disagree(struct round *t, const char *format, ...)
{
	va_list ap;

	if (t->disagreement[0])
		return;
	va_start(ap, format);
	vsnprintf(t->disagreement, sizeof(t->disagreement), format, ap);
	va_end(ap);
}

/* --- all the senders and recipients that the configuration can tell apart --- */

#define CLASSES (MODEL_SECTIONS + 2)

struct classes {
	struct model_address at[CLASSES];
	char names[CLASSES][64];
	unsigned count;
};

static void find_classes(
	const struct model_config *c, enum section_kind kind, struct classes *classes)
{
	classes->count = 0;
	classes->at[classes->count++] = model_ambiguous;
	classes->at[classes->count++] = (struct model_address){DOMAIN_NAME, "nowhere.invalid"};
	for (unsigned i = 0; i < c->count; i++) {
		const char *form = c->section[i].form;
		char *name = classes->names[classes->count];

		if (c->section[i].kind != kind)
			continue;
		snprintf(name, 64, "%s%s", form[0] == '.' ? "zz" : "", form);
		classes->at[classes->count++] = (struct model_address){DOMAIN_NAME, name};
	}
}

static bool passes_somehow(
	const struct round *t, const struct model_address *sender, const struct facts *facts)
{
	struct classes recipients;

	find_classes(&t->config, SECTION_RECIPIENT, &recipients);
	for (unsigned i = 0; i < recipients.count; i++) {
		struct model_demands d =
			model_demand(&t->config, &t->host, sender, &recipients.at[i]);

		if (model_some_message(&d, facts, false))
			return true;
	}
	return false;
}

static bool anybody_passes(const struct round *t, const struct facts *facts)
{
	struct classes senders;

	find_classes(&t->config, SECTION_SENDER, &senders);
	for (unsigned i = 0; i < senders.count; i++) {
		if (passes_somehow(t, &senders.at[i], facts))
			return true;
	}
	return false;
}

/* Would cleartext block what goes over TLS? */
static bool anybody_needs_tls(const struct round *t, const struct facts *tls)
{
	const struct facts clear = {.tls = TLS_FACT_HANDSHAKE_FAILED};
	struct classes senders, recipients;

	find_classes(&t->config, SECTION_SENDER, &senders);
	find_classes(&t->config, SECTION_RECIPIENT, &recipients);
	for (unsigned i = 0; i < senders.count * recipients.count; i++) {
		struct model_demands d = model_demand(&t->config, &t->host,
			&senders.at[i / recipients.count], &recipients.at[i % recipients.count]);

		if (!model_blocks(&d, tls) && model_blocks(&d, &clear))
			return true;
	}
	return false;
}

/* Is there mail that the TLS at hand is good enough for, as far as its certificate goes? */
static bool anybody_is_content(const struct round *t, const struct facts *tls)
{
	struct classes senders, recipients;

	find_classes(&t->config, SECTION_SENDER, &senders);
	find_classes(&t->config, SECTION_RECIPIENT, &recipients);
	for (unsigned i = 0; i < senders.count * recipients.count; i++) {
		struct model_demands d = model_demand(&t->config, &t->host,
			&senders.at[i / recipients.count], &recipients.at[i % recipients.count]);

		if ((!d.value[VERIFY] || tls->verified) && (int)tls->version >= d.value[MIN_TLS])
			return true;
	}
	return false;
}

/* Some section speaks of TLS, or asks for less than a good certificate of the newest version: then
 * the bad one may be stayed with. */
static bool may_stay(const struct round *t)
{
	for (unsigned i = 0; i < t->config.count; i++) {
		const int *value = t->config.section[i].value;

		if (value[REQUIRE] == 1 || value[VERIFY] == 0 ||
			(value[MIN_TLS] != UNSET && value[MIN_TLS] <= (int)t->facts.version))
			return true;
	}
	return false;
}

/* --- from the greeting to the first mail --- */

static void want(struct round *t, const char *text, size_t length, bool content, unsigned after)
{
	struct wanted *w = &t->wanted;

	if (w->count < RELAY_HEARD) {
		w->item[w->count].text = text;
		w->item[w->count].length = length;
		w->item[w->count].content = content;
		w->item[w->count].perhaps = false;
		w->item[w->count++].after = after;
	}
}

static void want_line(struct round *t, const char *line, unsigned after)
{
	want(t, line, strlen(line), false, after);
}

static void want_perhaps(struct round *t, const char *line, unsigned after)
{
	want_line(t, line, after);
	t->wanted.item[t->wanted.count - 1].perhaps = true;
}

/* What of this the server heard says which way the dialogue took; the model says whether it may. */
static void walk_greeting(struct round *t)
{
	const struct relay *r = &t->relay;
	bool on = t->facts.tls == TLS_FACT_ON, bad, may_leave;
	struct model_demands host =
		model_demand(&t->config, &t->host, &model_unknown, &model_unknown);

	t->settled = t->facts;
	t->afresh = r->connection > 0;
	t->alone = (r->heard_count > 0 && relay_heard_is(r, t->greeted - 1, "QUIT", 4)) ||
		   (t->facts.tls == TLS_FACT_HANDSHAKE_FAILED && !t->afresh);
	bad = on && ((host.value[VERIFY] && !t->facts.verified) ||
			    (int)t->facts.version < host.value[MIN_TLS]);
	may_leave = bad && !host.value[REQUIRE] && host.value[ON_BAD] == 0;
	if (t->alone && anybody_passes(t, &t->facts))
		disagree(t, "the server was left although some mail may pass");
	if (on && t->afresh && !may_leave)
		disagree(t, "left TLS for cleartext where on_bad_certificate does not say so");
	if (on && t->afresh && anybody_needs_tls(t, &t->facts))
		disagree(t, "left TLS for cleartext although mail that requires TLS would pass "
			    "over it");
	if (on && t->afresh && anybody_is_content(t, &t->facts))
		disagree(t, "left TLS for cleartext although some mail needs no more than it");
	if (on && !t->afresh && !t->alone && may_leave && !may_stay(t))
		disagree(t, "on_bad_certificate = cleartext was not taken");
	if (t->facts.tls == TLS_FACT_NOT_OFFERED || t->facts.tls == TLS_FACT_REFUSED) {
		if (t->afresh)
			disagree(t, "a fresh connection without need");
	}
	if (t->afresh)
		t->settled = (struct facts){.tls = TLS_FACT_HANDSHAKE_FAILED};
	want_line(t, "EHLO app.example", 1);
	if (t->facts.tls != TLS_FACT_NOT_OFFERED)
		want_line(t, "STARTTLS", 1);
	if (t->alone && t->facts.tls != TLS_FACT_HANDSHAKE_FAILED)
		want_line(t, "QUIT", 1);
	if (!t->alone && (on || t->afresh))
		want_line(t, "EHLO app.example", 1);
	if (t->wanted.count != t->greeted)
		disagree(t, "the greeting took another way");
}

/* --- the replies --- */

static const struct relay_reply *reply(const struct round *t, unsigned n)
{
	return relay_reply_to(&t->relay, n);
}

/* A refusal by policy: its code says tempfail or reject, and what is wrong. */
static void check_refusal(struct round *t, unsigned n, bool reject, bool at_dot)
{
	const struct relay_reply *r = reply(t, n);
	int code = !reject ? 454 : at_dot ? 554 : 550;
	int detail = t->settled.tls == TLS_FACT_NOT_OFFERED || t->settled.tls == TLS_FACT_REFUSED
			     ? 4
			     : 5;
	char start[32];

	snprintf(start, sizeof(start), "%d %d.7.%d mailseal: ", code, code / 100, detail);
	if (!r->own || strncmp(r->text, start, strlen(start)) != 0)
		disagree(t, "reply %u should begin with %s", n, start);
}

static void check_code(struct round *t, unsigned n, bool own, int code)
{
	if (reply(t, n)->own != own || reply(t, n)->code != code)
		disagree(t, "reply %u should be %s %d", n, own ? "our" : "the server's", code);
}

static int code_of_marker(const char *marker, int otherwise)
{
	if (strcmp(marker, "m4-") == 0 || strcmp(marker, "r4-") == 0)
		return 450;
	if (strcmp(marker, "m5-") == 0 || strcmp(marker, "r5-") == 0)
		return 550;
	return strcmp(marker, "m2-") == 0 ? 552 : otherwise;
}

static struct model_demands demands_on(const struct round *t, const struct mail *m, unsigned i)
{
	return model_demand(&t->config, &t->host, &m->sender.is, &m->recipient[i].is);
}

/* --- one mail --- */

enum envelope_is {
	REFUSED,
	UNDECIDED,
	HELD,
	WAITING, /* MAIL, for its first recipient, only to go with it */
	OPEN,
	TURNED_DOWN /* MAIL that we answered, refused by the server */,
	CLOSED /* by the server */
};

struct walk {
	struct round *t;
	const struct mail *m;
	struct fate_of_mail *fate;
	unsigned line; /* of MAIL */
	enum envelope_is is;
	bool watched, obeys;
	bool early;	   /* replies may be given early */
	unsigned accepted; /* set of recipients */
};

static void walk_mail(struct walk *w)
{
	struct round *t = w->t;
	unsigned n = w->fate->mail_reply;
	int code = code_of_marker(w->m->sender.marker, 250);
	struct model_demands sender =
		model_demand(&t->config, &t->host, &w->m->sender.is, &model_unknown);

	if (!t->alone && !w->watched && w->early) {
		check_code(t, n, true, 250);
		w->is = WAITING;
		return;
	}
	if (!t->alone && !w->watched) {
		want_line(t, w->m->mail_line, w->line);
		check_code(t, n, false, code);
		w->is = code == 250 ? OPEN : CLOSED;
		return;
	}
	if (t->alone || reply(t, n)->code != 250) {
		check_refusal(t, n, sender.value[REJECT], false);
		if (passes_somehow(t, &w->m->sender.is, &t->settled))
			disagree(t, "MAIL was refused although a recipient or a header field can "
				    "save it");
		w->is = REFUSED;
		w->fate->refused_at_mail = true;
		return;
	}
	sums.late += !passes_somehow(t, &w->m->sender.is, &t->settled);
	check_code(t, n, true, 250);
	w->is = UNDECIDED;
}

static void refuse(struct walk *w, unsigned i, const struct model_demands *d)
{
	check_refusal(w->t, w->fate->recipient_reply[i], d->value[REJECT], false);
	w->fate->refused[i] = true;
}

static void pass_on(struct walk *w, unsigned i)
{
	int code = code_of_marker(w->m->recipient[i].marker, 250);

	want_line(w->t, w->m->recipient_line[i], w->line + 1 + i);
	check_code(w->t, w->fate->recipient_reply[i], false, code);
	if (code == 250)
		w->accepted |= 1u << i;
}

/* The first recipient that passes: MAIL goes before it. */
static void open_envelope(struct walk *w, unsigned i)
{
	int code = code_of_marker(w->m->sender.marker, 250);

	want_line(w->t, w->m->mail_line, w->line + 1 + i);
	w->is = code == 250 ? OPEN : TURNED_DOWN;
	if (w->early && w->is == TURNED_DOWN) {
		want_line(w->t, w->m->recipient_line[i], w->line + 1 + i);
		w->t->disappointed = true;
		sums.disappointed++;
	}
}

/* A recipient said in one piece with the MAIL that is refused may come before the refusal. */
static void turn_down(struct walk *w, unsigned i, const struct model_demands *d, bool first)
{
	unsigned n = w->fate->recipient_reply[i];
	int code = code_of_marker(w->m->sender.marker, 250);
	bool blocked = model_blocks(d, &w->t->settled),
	     raced = w->early && w->m->pipelined && !first;

	if (raced && !blocked)
		want_perhaps(w->t, w->m->recipient_line[i], w->line + 1 + i);
	if (raced && blocked && !strstr(reply(w->t, n)->text, "in reply to MAIL"))
		refuse(w, i, d);
	else if (reply(w->t, n)->code != (code == 552 ? 550 : code) ||
		 !strstr(reply(w->t, n)->text, "in reply to MAIL"))
		disagree(w->t, "reply %u should be the one to MAIL", n);
}

static void walk_recipient(struct walk *w, unsigned i)
{
	struct round *t = w->t;
	unsigned n = w->fate->recipient_reply[i];
	struct model_demands d = demands_on(t, w->m, i);
	bool blocked = model_blocks(&d, &t->settled),
	     savable = model_some_message(&d, &t->settled, false);
	bool first = w->is == WAITING || (w->is == UNDECIDED && !blocked);

	if (first)
		open_envelope(w, i);
	switch (w->is) {
	case REFUSED:
		refuse(w, i, &d);
		break;
	case CLOSED:
		want_line(t, w->m->recipient_line[i], w->line + 1 + i);
		check_code(t, n, false, 503);
		break;
	case TURNED_DOWN:
		turn_down(w, i, &d, first);
		break;
	case OPEN:
		if (blocked)
			refuse(w, i, &d);
		else
			pass_on(w, i);
		break;
	case WAITING:
		break;
	case UNDECIDED:
	case HELD:
		if (!blocked) {
			check_code(t, n, true, 452);
			w->fate->separate[i] = true;
		} else if (!savable) {
			refuse(w, i, &d);
		} else {
			check_code(t, n, true, 250);
			w->accepted |= 1u << i;
			w->is = HELD;
		}
		break;
	}
}

/* What the message makes of the accepted recipients together: is it blocked, and for good? */
static bool message_blocked(struct walk *w, bool *reject)
{
	bool blocked = false;

	*reject = false;
	for (unsigned i = 0; i < w->m->count; i++) {
		struct model_demands d = demands_on(w->t, w->m, i);
		struct model_demands said = model_override(&d, w->m->overrides);

		if (!(w->accepted & 1u << i) || !model_blocks(&said, &w->t->settled))
			continue;
		blocked = true;
		*reject |= said.value[REJECT];
	}
	return blocked;
}

static bool header_decides(struct walk *w)
{
	bool some = false;

	for (unsigned i = 0; i < w->m->count; i++) {
		struct model_demands d = demands_on(w->t, w->m, i);

		some |= w->accepted & 1u << i && model_some_message(&d, &w->t->settled, true);
	}
	return some;
}

/* A held envelope, said again: line by line, or early all together. True: the server took all of
 * it. */
static bool replay(struct walk *w, unsigned known)
{
	bool refused = false, for_good = false;
	int code = code_of_marker(w->m->sender.marker, 250);

	want_line(w->t, w->m->mail_line, known);
	refused = code != 250;
	for_good = code >= 500;
	for (unsigned i = 0; i < w->m->count && (code == 250 || w->early); i++) {
		int got = code_of_marker(w->m->recipient[i].marker, 250);

		if (!(w->accepted & 1u << i))
			continue;
		want_line(w->t, w->m->recipient_line[i], known);
		if (code != 250)
			continue;
		refused |= got != 250;
		for_good |= got >= 500;
		if (got != 250 &&
			!strstr(reply(w->t, w->fate->dot_reply)->text, w->m->recipient[i].token))
			disagree(w->t, "the final reply names no %s", w->m->recipient[i].token);
	}
	if (refused)
		check_code(w->t, w->fate->dot_reply, true, for_good ? 554 : 451);
	return !refused;
}

/* The content goes, if the server takes DATA and what follows. */
static void send_content(struct walk *w, bool own_354, unsigned known)
{
	struct round *t = w->t;
	unsigned end = w->line + w->m->count + 1 + w->m->lines;

	want_line(t, "DATA", known);
	if (strcmp(w->m->sender.marker, "d4-") == 0) {
		check_code(t, own_354 ? w->fate->dot_reply : w->fate->data_reply, false, 451);
		if (own_354)
			want_line(t, "RSET", end);
		return;
	}
	check_code(t, w->fate->data_reply, own_354, 354);
	want(t, w->m->passes, w->m->passes_length, true, end);
	check_code(
		t, w->fate->dot_reply, false, strcmp(w->m->sender.marker, "f5-") == 0 ? 554 : 250);
	w->fate->delivered = strcmp(w->m->sender.marker, "f5-") != 0;
}

static void walk_content(struct walk *w)
{
	struct round *t = w->t;
	unsigned data = w->line + w->m->count + 1;
	unsigned known = data + (w->m->endless ? 0 : w->m->header_lines), end = data + w->m->lines;
	bool reject;

	check_code(t, w->fate->data_reply, true, 354);
	if (message_blocked(w, &reject)) {
		check_refusal(t, w->fate->dot_reply, reject, true);
		w->fate->refused_at_dot = true;
		if (w->is == OPEN)
			want_line(t, "RSET", end);
	} else if (w->is == OPEN || replay(w, known)) {
		send_content(w, true, known);
	} else {
		want_line(t, "RSET", end);
	}
}

static void walk_data(struct walk *w)
{
	struct round *t = w->t;
	unsigned data = w->line + w->m->count + 1;
	const struct relay_reply *r = reply(t, w->fate->data_reply);

	if (w->is == HELD || (w->is == OPEN && header_decides(w))) {
		walk_content(w);
	} else if (w->is == OPEN && w->accepted) {
		bool own = w->early && r->own && r->code == 354;

		if (w->early && !w->m->pipelined && !own)
			disagree(t, "DATA should have been answered early");
		sums.early += own;
		send_content(w, own, data);
	} else if (w->is == TURNED_DOWN && !w->obeys) {
		if (w->early && w->m->pipelined)
			want_perhaps(t, "DATA", data);
		if (r->code != 554)
			disagree(t, "DATA behind a refused MAIL should be refused");
	} else if (w->obeys || t->alone || w->is == REFUSED || w->is == UNDECIDED) {
		if (!r->own || r->code < 400)
			disagree(t, "DATA without a recipient should be refused");
	} else {
		want_line(t, "DATA", data);
		check_code(t, w->fate->data_reply, false, 554);
	}
}

/* Not where the host is only observed. */
static bool speaks_early(const struct round *t)
{
	return model_demand(&t->config, &t->host, &model_unknown, &model_unknown).value[ENFORCE];
}

static void walk_one(struct round *t, unsigned i)
{
	struct model_demands strictest =
		model_demand(&t->config, &t->host, &model_ambiguous, &model_ambiguous);
	struct walk w = {.t = t, .m = &t->mails[i], .fate = &t->fates[i], .line = t->first_line[i]};

	w.early = t->early && !t->alone && !t->disappointed && speaks_early(t);
	w.watched = model_blocks(&strictest, &t->settled);
	w.obeys = model_some_message(&strictest, &t->settled, true);
	walk_mail(&w);
	for (unsigned k = 0; k < w.m->count; k++)
		walk_recipient(&w, k);
	if (w.fate->data_reply != NEVER)
		walk_data(&w);
	if (!t->alone && (w.fate->data_reply == NEVER || reply(t, w.fate->data_reply)->code != 354))
		want_line(t, "RSET", w.line + w.m->count + 1);
}

/* --- what else is said --- */

static void walk_credentials(struct round *t)
{
	struct model_demands d = model_demand(&t->config, &t->host, &model_unknown, &model_unknown);
	bool fit = t->settled.tls == TLS_FACT_ON &&
		   (!d.value[VERIFY] ||
			   (t->settled.verified && (int)t->settled.version >= d.value[MIN_TLS]));
	bool may =
		!d.value[ENFORCE] || (!model_blocks(&d, &t->settled) && (fit || !d.value[PROTECT]));

	if (may && !t->alone) {
		want_line(t, "AUTH PLAIN AGEAYg==", 2);
		check_code(t, t->auth_reply, false, 235);
	} else {
		check_code(t, t->auth_reply, true, d.value[REJECT] ? 538 : 454);
	}
}

static void walk_vrfy(struct round *t)
{
	struct model_demands strictest =
		model_demand(&t->config, &t->host, &model_ambiguous, &model_ambiguous);

	if (t->alone || model_blocks(&strictest, &t->settled)) {
		check_code(t, t->vrfy_reply, true, 502);
	} else {
		want_line(t, "VRFY secretary", 2);
		check_code(t, t->vrfy_reply, false, 252);
	}
}

static bool is_heard(const struct round *t, unsigned heard, unsigned wanted)
{
	return relay_heard_is(&t->relay, heard, t->wanted.item[wanted].text,
		       t->wanted.item[wanted].length) &&
	       t->relay.heard[heard].content == t->wanted.item[wanted].content;
}

static void check_heard(struct round *t)
{
	const struct relay *r = &t->relay;
	bool tls = t->settled.tls == TLS_FACT_ON;
	unsigned at = 0;

	for (unsigned i = 0; i < t->wanted.count; i++) {
		const struct heard *h = &r->heard[at];
		const char *text = t->wanted.item[i].text;
		int shown = (int)(t->wanted.item[i].length > 400 ? 400 : t->wanted.item[i].length);

		if (!is_heard(t, at, i) && t->wanted.item[i].perhaps)
			continue;
		if (!is_heard(t, at, i)) {
			disagree(t, "the server should have heard as number %u: %.*s", at, shown,
				text);
			return;
		}
		if (h->fed < t->wanted.item[i].after)
			disagree(t, "the server heard too early, number %u: %.*s", at, shown, text);
		if (at >= t->greeted && (h->tls != tls || h->connection != t->afresh))
			disagree(t, "on the wrong connection, number %u: %.*s", at, shown, text);
		at++;
	}
	if (r->heard_count != at)
		disagree(t, "the server heard more than it should: number %u", at);
	else if (r->line != buf_length(&r->wire))
		disagree(t, "the server heard half a line at the end");
}

/* What must hold whatever the model says. */
static void check_secrets(struct round *t, unsigned i)
{
	const struct mail *m = &t->mails[i];
	const struct fate_of_mail *f = &t->fates[i];
	char token[32];

	for (unsigned k = 0; k < m->count; k++) {
		const struct relay_reply *r = reply(t, f->recipient_reply[k]);

		if (r->own && r->code != 250 &&
			relay_heard_anywhere(&t->relay, m->recipient[k].token))
			disagree(t, "the server heard of %s", m->recipient[k].token);
	}
	snprintf(token, sizeof(token), "body-%u\r\n", 100 * i);
	if (f->dot_reply == NEVER || reply(t, f->dot_reply)->own) {
		if (relay_heard_anywhere(&t->relay, token))
			disagree(t, "the server heard the content of mail %u", i);
	}
}

static void check_report(struct round *t, unsigned i)
{
	const struct mail *m = &t->mails[i];
	const struct relay_report *r = &t->relay.report[i];
	bool would_block = false, outcome_fits = false;

	if (t->relay.report_count != t->mail_count || !r->transaction) {
		disagree(t, "%u reports of %u mails", t->relay.report_count, t->mail_count);
		return;
	}
	if (!t->fates[i].delivered)
		return;
	for (unsigned k = 0; k < m->count; k++) {
		struct model_demands d = demands_on(t, m, k),
				     said = model_override(&d, m->overrides);

		if (reply(t, t->fates[i].recipient_reply[k])->code != 250)
			continue;
		would_block |= model_judge(&said, &t->settled) == OUTCOME_BLOCKED;
		outcome_fits |= model_judge(&said, &t->settled) == r->outcome;
	}
	if (r->bytes != m->passes_length)
		disagree(t, "mail %u: reported with %llu octets", i, (unsigned long long)r->bytes);
	if (!m->endless && !outcome_fits)
		disagree(t, "mail %u: reported as %s", i, outcome_name(r->outcome));
	if (!m->endless && (r->would_block != would_block ||
				   memcmp(&r->overrides, &m->overrides, sizeof(m->overrides)) != 0))
		disagree(t, "mail %u: the report has would-block %d, fields %d %d", i,
			r->would_block, r->overrides.require_tls, r->overrides.verify_certificate);
}

static void count(const struct fate_of_mail *f, unsigned recipients)
{
	sums.mails++;
	sums.delivered += f->delivered;
	sums.at_mail += f->refused_at_mail;
	sums.at_dot += f->refused_at_dot;
	for (unsigned k = 0; k < recipients; k++) {
		sums.at_rcpt += f->refused[k] && !f->refused_at_mail;
		sums.separate += f->separate[k];
	}
}

#endif
