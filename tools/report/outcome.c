/*
 * outcome: what became of a message or a connection, by the values of its line. In doubt it is
 * damaged, or went in the clear.
 */
#include "tools/report/entry_keys.h"

#include <string.h>

static bool is(const struct slice *value, const char *text)
{
	size_t length = strlen(text);

	return value->at && value->length == length && memcmp(value->at, text, length) == 0;
}

enum verdict_word {
	SAYS_NOTHING,
	SAYS_VERIFIED,
	SAYS_UNVERIFIED,
	SAYS_CLEARTEXT,
	SAYS_BLOCKED,
	SAYS_WOULD_BLOCK,
	SAYS_UNKNOWN,
};

static enum verdict_word verdict_of(const struct slice *value)
{
	static const char *const words[] = {
		"-", "tls-verified", "tls-unverified", "cleartext", "blocked", "would-block"};

	for (unsigned i = 0; i < SAYS_UNKNOWN; i++)
		if (is(value, words[i]))
			return (enum verdict_word)i;
	return SAYS_UNKNOWN;
}

/* What is written of the connection fits together. */
static const char *contradiction(const struct slice v[KEYS], enum verdict_word verdict)
{
	bool tls = is(&v[KEY_TLS], "yes"), verified = is(&v[KEY_VERIFIED], "yes");

	if (!tls && !is(&v[KEY_TLS], "no"))
		return "tls= is neither yes nor no";
	if (!verified && !is(&v[KEY_VERIFIED], "no") && !is(&v[KEY_VERIFIED], "-"))
		return "certificate-verified= is none of yes, no and -";
	if (verdict == SAYS_UNKNOWN)
		return "a verdict that this version does not know";
	if (verified && !tls)
		return "a certificate without TLS";
	if (verdict == SAYS_VERIFIED && !verified)
		return "verdict=tls-verified without a good certificate";
	if (verdict == SAYS_UNVERIFIED && !tls)
		return "verdict=tls-unverified without TLS";
	if (verdict == SAYS_CLEARTEXT && tls)
		return "verdict=cleartext over TLS";
	return NULL;
}

static enum tally_outcome message_outcome(const struct slice v[KEYS], enum verdict_word verdict)
{
	bool observed = is(&v[KEY_CREDENTIALS], "would-block");

	switch (verdict) {
	case SAYS_BLOCKED:
		return TALLY_BLOCKED;
	case SAYS_WOULD_BLOCK:
		return TALLY_WOULD_BLOCK;
	case SAYS_VERIFIED:
		return observed ? TALLY_WOULD_BLOCK : TALLY_VERIFIED;
	case SAYS_UNVERIFIED:
		return observed ? TALLY_WOULD_BLOCK : TALLY_UNVERIFIED;
	case SAYS_CLEARTEXT:
		return observed ? TALLY_WOULD_BLOCK : TALLY_CLEARTEXT;
	case SAYS_NOTHING:
	case SAYS_UNKNOWN:
		break;
	}
	return TALLY_UNDECIDED;
}

/* Where the message forbade itself, its header came behind the envelope. A name of a section stands
 * in quotes. */
static bool forbade_itself(const struct slice *rule)
{
	static const char field[] = " by field Mailseal-";

	return rule->at && memmem(rule->at, rule->length, field, sizeof(field) - 1);
}

/* Blocked, while the server had been offered recipients: for another one's sake, or before the
 * header was read. */
static bool was_offered(const struct slice v[KEYS], const struct entry *e)
{
	return e->recipient_count && (e->refused_count || forbade_itself(&v[KEY_POLICY]));
}

/* In doubt it did: a message that policy blocked has no content that went, unless what forbade it
 * came late in its header; but whose recipients were offered to the server is no secret any more.
 */
static void judge_clear(const struct slice v[KEYS], enum verdict_word verdict, struct entry *e)
{
	const struct slice *reply = &v[KEY_REPLY];
	bool taken = reply->at && reply->length && reply->at[0] == '2';
	bool kept_back = verdict == SAYS_BLOCKED && !was_offered(v, e);

	if (is(&v[KEY_TLS], "yes"))
		return;
	e->clear_login = is(&v[KEY_CREDENTIALS], "sent") || is(&v[KEY_CREDENTIALS], "would-block");
	if (!e->message)
		return;
	e->clear = e->bytes > 0 || taken;
	e->clear_envelope = !e->clear && !kept_back;
}

static void name_login_rule(const struct slice v[KEYS], enum verdict_word verdict, struct entry *e)
{
	if (verdict != SAYS_BLOCKED && verdict != SAYS_WOULD_BLOCK &&
		(e->outcome == TALLY_WOULD_BLOCK || e->outcome == TALLY_BLOCKED) &&
		v[KEY_CREDENTIALS_POLICY].at)
		e->rule = v[KEY_CREDENTIALS_POLICY];
}

static const char *lacking(const struct slice v[KEYS], const enum key *needed)
{
	for (; *needed != KEYS; needed++)
		if (!v[*needed].at)
			return "cut, or a key is missing";
	return NULL;
}

static const char *judge_transaction(const struct slice v[KEYS], struct entry *e)
{
	static const enum key needed[] = {KEY_SESSION, KEY_EXE, KEY_HOST, KEY_ADDR, KEY_SENDER,
		KEY_RECIPIENTS, KEY_RECIPIENT_COUNT, KEY_TLS, KEY_VERIFIED, KEY_REASON, KEY_POLICY,
		KEY_VERDICT, KEY_REPLY, KEY_BYTES, KEYS};
	enum verdict_word verdict = verdict_of(&v[KEY_VERDICT]);
	const char *wrong = lacking(v, needed);

	if (!wrong)
		wrong = contradiction(v, verdict);
	if (wrong)
		return wrong;
	e->message = true;
	e->outcome = message_outcome(v, verdict);
	e->taken = v[KEY_REPLY].length && v[KEY_REPLY].at[0] == '2';
	judge_clear(v, verdict, e);
	name_login_rule(v, verdict, e);
	return NULL;
}

/* Of lines that differ in who and where, when there were too many of them. */
static bool stands_for_several(const struct slice v[KEYS])
{
	return v[KEY_SUPPRESSED].at && v[KEY_HOST].at && v[KEY_REASON].at && !v[KEY_PID].at &&
	       !v[KEY_SESSION].at;
}

/* Why a connection ended otherwise than by the program's wish: how it broke, or what the server had
 * against it. NULL if it did not. A command that it does not know is nothing. */
static const struct slice *failure(const struct slice v[KEYS])
{
	const struct slice *note = &v[KEY_NOTE], *reply = &v[KEY_REPLY];

	if (note->length && !is(note, "the application closed the connection") &&
		!is(note, "session ended"))
		return note;
	if (reply->length < 3 || (reply->at[0] != '4' && reply->at[0] != '5'))
		return NULL;
	return memcmp(reply->at, "50", 2) == 0 ? NULL : reply;
}

/* A log-in that was refused is why many a program sends nothing. */
static const char *judge_connection(const struct slice v[KEYS], struct entry *e)
{
	static const enum key needed[] = {KEY_SESSION, KEY_EXE, KEY_HOST, KEY_ADDR, KEY_TLS,
		KEY_VERIFIED, KEY_REASON, KEY_POLICY, KEY_VERDICT, KEY_REPLY, KEY_BYTES, KEYS};
	enum verdict_word verdict = verdict_of(&v[KEY_VERDICT]);
	const char *wrong = lacking(v, needed);

	/* these broke before anything was decided, or said but a greeting */
	e->outcome = TALLY_FAILED;
	if (stands_for_several(v))
		return NULL;
	if (!wrong)
		wrong = contradiction(v, verdict);
	if (wrong)
		return wrong;
	e->outcome = is(&v[KEY_CREDENTIALS], "refused")	      ? TALLY_BLOCKED
		     : is(&v[KEY_CREDENTIALS], "would-block") ? TALLY_WOULD_BLOCK
							      : TALLY_NO_MAIL;
	e->refusing = verdict == SAYS_BLOCKED || verdict == SAYS_WOULD_BLOCK;
	if (e->outcome == TALLY_NO_MAIL && failure(v)) {
		e->outcome = TALLY_FAILED;
		e->reason = *failure(v);
		e->rule = (struct slice){0};
	}
	judge_clear(v, verdict, e);
	name_login_rule(v, verdict, e);
	return NULL;
}

/* Of a transaction, of a connection, or of the program's own TLS. */
static const char *judge_attack(const struct slice v[KEYS], struct entry *e)
{
	static const enum key needed[] = {KEY_SESSION, KEY_EXE, KEY_HOST, KEY_ADDR, KEY_TLS,
		KEY_VERIFIED, KEY_VERDICT, KEY_BYTES, KEY_NOTE, KEYS};
	enum verdict_word verdict = verdict_of(&v[KEY_VERDICT]);
	const char *wrong = lacking(v, needed);

	if (!wrong)
		wrong = contradiction(v, verdict);
	if (wrong)
		return wrong;
	e->message = v[KEY_SENDER].at != NULL;
	e->outcome = TALLY_ATTACK;
	e->reason = v[KEY_NOTE];
	judge_clear(v, verdict, e);
	return NULL;
}

/* Without TLS nothing passed but the attempt. */
static const char *judge_own_tls(const struct slice v[KEYS], struct entry *e)
{
	static const enum key needed[] = {KEY_SESSION, KEY_EXE, KEY_HOST, KEY_ADDR, KEY_TLS,
		KEY_VERIFIED, KEY_POLICY, KEY_VERDICT, KEY_BYTES, KEYS};
	enum verdict_word verdict = verdict_of(&v[KEY_VERDICT]);
	const char *wrong = lacking(v, needed);

	if (!wrong)
		wrong = contradiction(v, verdict);
	if (wrong)
		return wrong;
	e->outcome = verdict == SAYS_BLOCKED	   ? TALLY_BLOCKED
		     : verdict == SAYS_WOULD_BLOCK ? TALLY_WOULD_BLOCK
		     : is(&v[KEY_TLS], "yes")	   ? TALLY_OWN_TLS
						   : TALLY_NO_MAIL;
	if (v[KEY_NOTE].at)
		e->reason = v[KEY_NOTE];
	return NULL;
}

static const char *judge_relay(const struct slice v[KEYS], struct entry *e)
{
	static const enum key needed[] = {
		KEY_SESSION, KEY_EXE, KEY_HOST, KEY_ADDR, KEY_POLICY, KEY_BYTES, KEYS};

	e->outcome = TALLY_RELAYED;
	return lacking(v, needed);
}

/* The library's lines, and those about a caller that nobody knows, have less to tell. */
static const char *judge_failure(const struct slice v[KEYS], struct entry *e)
{
	static const enum key needed[] = {KEY_PID, KEY_UID, KEY_EXE, KEY_REASON, KEYS};

	e->outcome = TALLY_FAILED;
	return stands_for_several(v) ? NULL : lacking(v, needed);
}

/* event=log reason="12 lines were lost" */
static uint64_t lost_lines(const struct slice *reason)
{
	static const char words[] = " lines were lost";
	size_t n = sizeof(words) - 1;
	struct slice digits;
	uint64_t lost;

	if (reason->length <= n || memcmp(reason->at + reason->length - n, words, n) != 0)
		return 0;
	digits = (struct slice){reason->at, reason->length - n};
	return entry_number(&digits, &lost) ? lost : 0;
}

static const char *judge_own(const struct slice v[KEYS], struct entry *e)
{
	static const enum key needed[] = {KEY_REASON, KEYS}, trace[] = {KEY_SESSION, KEYS};
	static const struct {
		const char *event;
		enum entry_kind kind;
	} own[] = {
		{"trace", ENTRY_TRACE},
		{"overload", ENTRY_OVERLOAD},
		{"failed", ENTRY_FAILED},
		{"stopped", ENTRY_STOPPED},
		{"reloaded", ENTRY_RELOADED},
		{"log", ENTRY_LOG},
	};

	e->kind = ENTRY_UNKNOWN;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (is(&v[KEY_EVENT], own[i].event))
			e->kind = own[i].kind;
	if (e->kind == ENTRY_TRACE)
		return lacking(v, trace);
	if (e->kind == ENTRY_LOG)
		e->lost = lost_lines(&v[KEY_REASON]);
	return e->kind == ENTRY_UNKNOWN ? NULL : lacking(v, needed);
}

const char *outcome_judge(const struct slice v[KEYS], struct entry *e)
{
	static const struct {
		const char *event;
		const char *(*judge)(const struct slice v[KEYS], struct entry *e);
	} events[] = {
		{"transaction", judge_transaction},
		{"connection", judge_connection},
		{"connect-refused", judge_failure},
		{"attack", judge_attack},
		{"application-tls", judge_own_tls},
		{"relay", judge_relay},
	};

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (is(&v[KEY_EVENT], events[i].event))
			return events[i].judge(v, e);
	return judge_own(v, e);
}
