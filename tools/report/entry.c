#include "tools/report/entry.h"

#include <string.h>

/* More is nothing that an agent counts in 30 seconds. */
#define SUPPRESSED_MOST 1000000000

enum key {
	KEY_EVENT,
	KEY_SESSION,
	KEY_PID,
	KEY_UID,
	KEY_EXE,
	KEY_HOST,
	KEY_ADDR,
	KEY_SENDER,
	KEY_RECIPIENTS,
	KEY_RECIPIENT_COUNT,
	KEY_REFUSED,
	KEY_REFUSED_COUNT,
	KEY_REFUSED_POLICY,
	KEY_TLS,
	KEY_VERIFIED,
	KEY_REASON,
	KEY_POLICY,
	KEY_VERDICT,
	KEY_CREDENTIALS,
	KEY_CREDENTIALS_POLICY,
	KEY_REPLY,
	KEY_BYTES,
	KEY_NOTE,
	KEY_UNIT,
	KEY_SUPPRESSED,
	KEYS,
};

static const struct {
	const char *name;
	unsigned length;
} names[KEYS] = {
#define NAME(text)                                                                                 \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
	[KEY_EVENT] = NAME("event"),
	[KEY_SESSION] = NAME("session"),
	[KEY_PID] = NAME("pid"),
	[KEY_UID] = NAME("uid"),
	[KEY_EXE] = NAME("exe"),
	[KEY_HOST] = NAME("host"),
	[KEY_ADDR] = NAME("addr"),
	[KEY_SENDER] = NAME("sender"),
	[KEY_RECIPIENTS] = NAME("recipients"),
	[KEY_RECIPIENT_COUNT] = NAME("recipient-count"),
	[KEY_REFUSED] = NAME("refused"),
	[KEY_REFUSED_COUNT] = NAME("refused-count"),
	[KEY_REFUSED_POLICY] = NAME("refused-policy"),
	[KEY_TLS] = NAME("tls"),
	[KEY_VERIFIED] = NAME("certificate-verified"),
	[KEY_REASON] = NAME("reason"),
	[KEY_POLICY] = NAME("policy"),
	[KEY_VERDICT] = NAME("verdict"),
	[KEY_CREDENTIALS] = NAME("credentials"),
	[KEY_CREDENTIALS_POLICY] = NAME("credentials-policy"),
	[KEY_REPLY] = NAME("reply"),
	[KEY_BYTES] = NAME("bytes"),
	[KEY_NOTE] = NAME("note"),
	[KEY_UNIT] = NAME("unit"),
	[KEY_SUPPRESSED] = NAME("suppressed"),
#undef NAME
};

/* What stands in a value as it is; the rest is escaped, or no line of ours. */
enum octet { OCTET_NONE, OCTET_WORD, OCTET_BLANK, OCTET_QUOTE, OCTET_ESCAPE };

static enum octet octet_of(unsigned char c)
{
	if (c == '"')
		return OCTET_QUOTE;
	if (c == '\\')
		return OCTET_ESCAPE;
	if (c == ' ')
		return OCTET_BLANK;
	return c > 0x20 && c != 0x7f ? OCTET_WORD : OCTET_NONE;
}

static enum key key_of(const char *name, size_t length)
{
	for (unsigned k = 0; k < KEYS; k++)
		if (names[k].length == length && names[k].name[0] == name[0] &&
			memcmp(names[k].name, name, length) == 0)
			return (enum key)k;
	return KEYS;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind the backslash: how many octets belong to the escape, 0 where it is none. */
static size_t unescape(const char *p, const char *end, char *out)
{
	if (p < end && (*p == '"' || *p == '\\')) {
		*out = *p;
		return 1;
	}
	if (end - p < 3 || *p != 'x' || hex(p[1]) < 0 || hex(p[2]) < 0)
		return 0;
	*out = (char)(hex(p[1]) << 4 | hex(p[2]));
	return *out ? 3 : 0;
}

/* `*p` stands behind the opening quote, and then behind the closing one. */
static const char *quoted(char **p, const char *end, struct slice *value)
{
	char *in = *p, *out = *p;
	size_t n;

	value->at = *p;
	for (; in < end; in++) {
		enum octet kind = octet_of((unsigned char)*in);

		if (kind == OCTET_NONE)
			return "an octet that is never written";
		if (kind == OCTET_QUOTE) {
			value->length = (size_t)(out - value->at);
			*p = in + 1;
			return NULL;
		}
		if (kind == OCTET_ESCAPE) {
			n = unescape(in + 1, end, out++);
			if (n == 0)
				return "an escape that is none";
			in += n;
			continue;
		}
		*out++ = *in;
	}
	return "cut within a value";
}

static const char *word(char **p, const char *end, struct slice *value)
{
	char *in = *p;

	while (in < end && octet_of((unsigned char)*in) == OCTET_WORD)
		in++;
	*value = (struct slice){*p, (size_t)(in - *p)};
	if (in == *p)
		return "a key without a value";
	*p = in;
	return NULL;
}

static const char *pair(char **p, const char *end, struct slice values[KEYS])
{
	struct slice value = {0};
	const char *name = *p, *wrong;
	enum key key;

	while (*p < end && ((**p >= 'a' && **p <= 'z') || **p == '-' || (**p >= '0' && **p <= '9')))
		++*p;
	if (*p == name || *p == end || **p != '=')
		return "text that is no key=value";
	key = key_of(name, (size_t)(*p - name));
	++*p;
	if (*p < end && **p == '"') {
		++*p;
		wrong = quoted(p, end, &value);
	} else {
		wrong = word(p, end, &value);
	}
	if (wrong)
		return wrong;
	if (key == KEYS)
		return NULL;
	if (values[key].at)
		return "a key that stands there twice";
	values[key] = value;
	return NULL;
}

static const char *pairs(char *p, const char *end, struct slice values[KEYS])
{
	const char *wrong;

	for (;;) {
		wrong = pair(&p, end, values);
		if (wrong || p == end)
			return wrong;
		if (*p++ != ' ')
			return "no blank between values";
	}
}

static bool is(const struct slice *value, const char *text)
{
	size_t length = strlen(text);

	return value->at && value->length == length && memcmp(value->at, text, length) == 0;
}

/* False where it is no number; 0 where it is absent. */
static bool number(const struct slice *value, uint64_t *out)
{
	*out = 0;
	if (!value->at)
		return true;
	if (value->length == 0 || value->length > 19)
		return false;
	for (size_t i = 0; i < value->length; i++) {
		if (value->at[i] < '0' || value->at[i] > '9')
			return false;
		*out = *out * 10 + (uint64_t)(value->at[i] - '0');
	}
	return true;
}

static bool numbers(const struct slice v[KEYS], struct entry *e)
{
	uint64_t suppressed;

	if (!number(&v[KEY_RECIPIENT_COUNT], &e->recipient_count) ||
		!number(&v[KEY_REFUSED_COUNT], &e->refused_count) ||
		!number(&v[KEY_BYTES], &e->bytes) || !number(&v[KEY_SUPPRESSED], &suppressed) ||
		suppressed > SUPPRESSED_MOST)
		return false;
	e->weight = 1 + suppressed;
	return true;
}

static void texts(const struct slice v[KEYS], struct entry *e)
{
	e->exe = v[KEY_EXE];
	e->host = v[KEY_HOST];
	e->addr = v[KEY_ADDR];
	e->sender = v[KEY_SENDER];
	e->recipients = v[KEY_RECIPIENTS];
	e->refused = v[KEY_REFUSED];
	e->unit = v[KEY_UNIT];
	e->reason = v[KEY_REASON];
	e->rule = v[KEY_POLICY];
	e->refused_rule = v[KEY_REFUSED_POLICY];
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

/* In doubt it did: a message that policy blocked has no content that went, but whose recipients
 * were offered to the server, for another one's sake, is no secret any more. */
static void judge_clear(const struct slice v[KEYS], enum verdict_word verdict, struct entry *e)
{
	const struct slice *reply = &v[KEY_REPLY];
	bool taken = reply->at && reply->length && reply->at[0] == '2';
	bool kept_back = verdict == SAYS_BLOCKED && !(e->refused_count && e->recipient_count);

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
	/* what fits no verdict: content that went, though nothing was decided, or it was blocked */
	if (e->bytes && verdict == SAYS_BLOCKED)
		return "content of a message that was blocked";
	return NULL;
}

/* A log-in that was refused is why many a program sends nothing. */
static const char *judge_connection(const struct slice v[KEYS], struct entry *e)
{
	static const enum key needed[] = {KEY_SESSION, KEY_EXE, KEY_HOST, KEY_ADDR, KEY_TLS,
		KEY_VERIFIED, KEY_REASON, KEY_POLICY, KEY_VERDICT, KEY_REPLY, KEY_BYTES, KEYS};
	enum verdict_word verdict = verdict_of(&v[KEY_VERDICT]);
	const char *wrong = lacking(v, needed);

	if (!wrong)
		wrong = contradiction(v, verdict);
	if (wrong)
		return wrong;
	e->outcome = is(&v[KEY_CREDENTIALS], "refused")	      ? TALLY_BLOCKED
		     : is(&v[KEY_CREDENTIALS], "would-block") ? TALLY_WOULD_BLOCK
							      : TALLY_NO_MAIL;
	e->refusing = verdict == SAYS_BLOCKED || verdict == SAYS_WOULD_BLOCK;
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
	return lacking(v, needed);
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
	return number(&digits, &lost) ? lost : 0;
}

static const char *judge_own(const struct slice v[KEYS], struct entry *e)
{
	static const enum key needed[] = {KEY_REASON, KEYS};
	static const struct {
		const char *event;
		enum entry_kind kind;
	} own[] = {
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
	if (e->kind == ENTRY_LOG)
		e->lost = lost_lines(&v[KEY_REASON]);
	return e->kind == ENTRY_UNKNOWN ? NULL : lacking(v, needed);
}

static const char *judge(const struct slice v[KEYS], struct entry *e)
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

const char *entry_parse(char *text, size_t length, struct entry *e)
{
	struct slice values[KEYS];
	const char *wrong;

	memset(values, 0, sizeof(values));
	*e = (struct entry){.kind = ENTRY_MAIL};
	if (length < 6 || memcmp(text, "event=", 6) != 0)
		return "does not begin with event=";
	wrong = pairs(text, text + length, values);
	if (wrong)
		return wrong;
	if (!numbers(values, e))
		return "a number that is none";
	texts(values, e);
	return judge(values, e);
}
