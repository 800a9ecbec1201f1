#include "tools/report/entry_keys.h"

#include <string.h>

/* More is nothing that an agent counts in 30 seconds. */
#define SUPPRESSED_MOST 1000000000

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

bool entry_number(const struct slice *value, uint64_t *out)
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

	if (!entry_number(&v[KEY_RECIPIENT_COUNT], &e->recipient_count) ||
		!entry_number(&v[KEY_REFUSED_COUNT], &e->refused_count) ||
		!entry_number(&v[KEY_BYTES], &e->bytes) ||
		!entry_number(&v[KEY_SUPPRESSED], &suppressed) || suppressed > SUPPRESSED_MOST)
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
	return outcome_judge(values, e);
}
