#include "config/setting.h"

#include "config/nearest.h"
#include "config/value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The written values of an ordered setting: the first of a value is how it is shown. */
struct word {
	const char *text;
	int value;
};

static const struct word truth[] = {
	{"true", true},
	{"false", false},
	{"yes", true},
	{"no", false},
	{"on", true},
	{"off", false},
	{NULL, 0},
};
static const struct word versions[] = {
	{"1.0", TLS_VERSION_1_0},
	{"1.1", TLS_VERSION_1_1},
	{"1.2", TLS_VERSION_1_2},
	{"1.3", TLS_VERSION_1_3},
	{"TLSv1.0", TLS_VERSION_1_0},
	{"TLSv1.1", TLS_VERSION_1_1},
	{"TLSv1.2", TLS_VERSION_1_2},
	{"TLSv1.3", TLS_VERSION_1_3},
	{NULL, 0},
};
static const struct word violations[] = {
	{"tempfail", VIOLATION_TEMPFAIL},
	{"reject", VIOLATION_REJECT},
	{NULL, 0},
};
static const struct word modes[] = {
	{"enforce", MODE_ENFORCE}, {"observe", MODE_OBSERVE}, {NULL, 0}};
static const struct word bad_certificates[] = {
	{"unauthenticated", BAD_CERTIFICATE_UNAUTHENTICATED},
	{"cleartext", BAD_CERTIFICATE_CLEARTEXT},
	{"refuse", BAD_CERTIFICATE_REFUSE},
	{NULL, 0},
};

static const struct word application_tls[] = {
	{"auto", APPLICATION_TLS_AUTO},
	{"allow", APPLICATION_TLS_ALLOW},
	{"refuse", APPLICATION_TLS_REFUSE},
	{NULL, 0},
};

static const struct word overrides[] = {
	{"any", OVERRIDE_ANY},
	{"tighten", OVERRIDE_TIGHTEN},
	{"ignore", OVERRIDE_IGNORE},
	{NULL, 0},
};

#define NUMBER(n)                                                                                  \
	{                                                                                          \
#n, n                                                                              \
	}
static const struct word seconds[] = {NUMBER(0), NUMBER(1), NUMBER(2), NUMBER(3), NUMBER(4),
	NUMBER(5), NUMBER(6), NUMBER(7), NUMBER(8), NUMBER(9), NUMBER(10), NUMBER(11), NUMBER(12),
	NUMBER(13), NUMBER(14), NUMBER(15), NUMBER(16), NUMBER(17), NUMBER(18), NUMBER(19),
	NUMBER(20), NUMBER(21), NUMBER(22), NUMBER(23), NUMBER(24), NUMBER(25), NUMBER(26),
	NUMBER(27), NUMBER(28), NUMBER(29), NUMBER(30), NUMBER(31), NUMBER(32), NUMBER(33),
	NUMBER(34), NUMBER(35), NUMBER(36), NUMBER(37), NUMBER(38), NUMBER(39), NUMBER(40),
	NUMBER(41), NUMBER(42), NUMBER(43), NUMBER(44), NUMBER(45), NUMBER(46), NUMBER(47),
	NUMBER(48), NUMBER(49), NUMBER(50), NUMBER(51), NUMBER(52), NUMBER(53), NUMBER(54),
	NUMBER(55), NUMBER(56), NUMBER(57), NUMBER(58), NUMBER(59), NUMBER(60), {NULL, 0}};
_Static_assert(sizeof(seconds) / sizeof(seconds[0]) == CONNECTION_REUSE_MAX + 2, "each has a word");

static const struct {
	const char *name;
	const struct word *words; /* NULL: text */
	const char *expected;
} settings[SETTING_COUNT] = {
	[SETTING_REQUIRE_TLS] = {"require_tls", truth, "true or false"},
	[SETTING_VERIFY_CERTIFICATE] = {"verify_certificate", truth, "true or false"},
	[SETTING_MIN_TLS] = {"min_tls", versions, "\"1.0\", \"1.1\", \"1.2\" or \"1.3\""},
	[SETTING_VIOLATION] = {"violation", violations, "\"tempfail\" or \"reject\""},
	[SETTING_MODE] = {"mode", modes, "\"enforce\" or \"observe\""},
	[SETTING_MESSAGE_OVERRIDE] = {"message_override", overrides,
		"\"any\", \"tighten\" or \"ignore\""},
	[SETTING_ON_BAD_CERTIFICATE] = {"on_bad_certificate", bad_certificates,
		"\"unauthenticated\", \"cleartext\" or \"refuse\""},
	[SETTING_PROTECT_CREDENTIALS] = {"protect_credentials", truth, "true or false"},
	[SETTING_APPLICATION_TLS] = {"application_tls", application_tls,
		"\"auto\", \"allow\" or \"refuse\""},
	[SETTING_SESSION_RESUMPTION] = {"session_resumption", truth, "true or false"},
	[SETTING_EARLY_REPLIES] = {"early_replies", truth, "true or false"},
	[SETTING_CONNECTION_REUSE] = {"connection_reuse", seconds,
		"a whole number of seconds from 0 to 60"},
	[SETTING_INTERCEPT] = {"intercept", truth, "true or false"},
	[SETTING_CA_FILE] = {"ca_file", NULL, NULL},
	[SETTING_MATCH] = {"match", NULL, NULL},
	[SETTING_SERVERNAME] = {"servername", NULL, NULL},
	[SETTING_FINGERPRINTS] = {"fingerprints", NULL, NULL},
	[SETTING_CLIENT_CERTIFICATE] = {"client_certificate", NULL, NULL},
	[SETTING_CLIENT_KEY] = {"client_key", NULL, NULL},
	[SETTING_CIPHERS] = {"ciphers", NULL, NULL},
	[SETTING_CIPHERSUITES] = {"ciphersuites", NULL, NULL},
	[SETTING_TRACE] = {"trace", NULL, NULL},
};

const char *setting_name(enum setting setting)
{
	return settings[setting].name;
}

enum setting setting_by_name(const char *name)
{
	enum setting s = 0;

	while (s < SETTING_COUNT && strcmp(settings[s].name, name) != 0)
		s++;
	return s;
}

bool setting_is_text(enum setting setting)
{
	return settings[setting].words == NULL;
}

const char *setting_value_name(enum setting setting, int value)
{
	const struct word *w = settings[setting].words;

	while (w && w->text && w->value != value)
		w++;
	return w && w->text ? w->text : "";
}

/* What a misspelt value may have been meant for, as words for an error; "" where nothing is near.
 * Between numbers nothing is. */
static void suggest(enum setting setting, const char *text, char out[60])
{
	size_t length = strlen(text), distance = length < 6 ? length / 2 + 1 : 4;
	const char *best = NULL;

	out[0] = '\0';
	if (setting == SETTING_MIN_TLS || setting == SETTING_CONNECTION_REUSE)
		return;
	for (const struct word *w = settings[setting].words; w->text; w++)
		nearest_word(text, w->text, &best, &distance);
	if (best)
		snprintf(out, 60, "did you mean \"%.30s\"? Write", best);
}

static int put_word(
	struct section *section, enum setting setting, const char *text, struct err *err)
{
	char hint[60];

	for (const struct word *w = settings[setting].words; w->text; w++) {
		if (strcasecmp(w->text, text) == 0) {
			section->value[setting] = w->value;
			return 0;
		}
	}
	suggest(setting, text, hint);
	return err_fail(err, EINVAL, "\"%.40s\" is not a value for it; %s %s", text,
		*hint ? hint : "write", settings[setting].expected);
}

int setting_put(struct section *section, enum setting setting, const char *value, struct err *err)
{
	if (setting_is_text(setting))
		return value_put(section, setting, value, err);
	return put_word(section, setting, value, err);
}

bool setting_is_list(enum setting setting)
{
	return setting == SETTING_MATCH || setting == SETTING_FINGERPRINTS ||
	       setting == SETTING_TRACE;
}

bool setting_is_demand(enum setting setting)
{
	return setting <= SETTING_MESSAGE_OVERRIDE;
}

int setting_check_place(const struct section *section, enum setting setting, struct err *err)
{
	bool envelope = section->kind == SECTION_SENDER || section->kind == SECTION_RECIPIENT;

	if (setting == SETTING_TRACE && section->kind != SECTION_DEFAULT)
		return err_fail(
			err, EINVAL, "stands in default only; write there which servers it is for");
	if (envelope && !setting_is_demand(setting))
		return err_fail(err, EINVAL,
			"is a setting of the connection, and stands in default and host sections "
			"only; put it into a section for the server, host \"...\" { ... }");
	if (setting == SETTING_INTERCEPT && section_is_host_by_name(section))
		return err_fail(err, EINVAL,
			"stands in default and in host sections for addresses only; write the "
			"address or network");
	return 0;
}

static const struct {
	const char *name;
	enum section_kind kind;
} kinds[] = {
	{"default", SECTION_DEFAULT},
	{"host", SECTION_HOST},
	{"sender", SECTION_SENDER},
	{"recipient", SECTION_RECIPIENT},
};

#define KIND_COUNT (sizeof(kinds) / sizeof(*kinds))

#define KINDS "default { ... } and host, sender or recipient \"...\" { ... }"

const char *section_kind_name(enum section_kind kind)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (kinds[i].kind == kind)
			return kinds[i].name;
	}
	return kind == SECTION_MESSAGE ? "message" : "built-in";
}

int section_kind_parse(const char *word, enum section_kind *kind, struct err *err)
{
	const char *best = NULL;
	size_t distance = 3;

	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (strcmp(kinds[i].name, word) == 0) {
			*kind = kinds[i].kind;
			return 0;
		}
		nearest_word(word, kinds[i].name, &best, &distance);
	}
	if (best)
		return err_fail(err, EINVAL, "unknown section; did you mean %s?", best);
	return err_fail(err, EINVAL, "unknown section; the sections are " KINDS);
}

int section_take_label(struct section *section, struct err *err)
{
	switch (section->kind) {
	case SECTION_HOST:
		return host_parse(section->label, &section->host, err);
	case SECTION_SENDER:
	case SECTION_RECIPIENT:
		return pattern_parse(
			section->label, section->kind == SECTION_SENDER, &section->pattern, err);
	case SECTION_DEFAULT:
	case SECTION_BUILTIN:
	case SECTION_MESSAGE:
		break;
	}
	return 0;
}

static void explain_at_top(const char *name, struct err *what)
{
	enum section_kind kind;

	if (setting_by_name(name) != SETTING_COUNT)
		err_fail(what, EINVAL, "stands outside a section; put it into one: " KINDS);
	else
		section_kind_parse(name, &kind, what);
}

void setting_explain_unknown(const char *name, bool top, struct err *what)
{
	enum section_kind kind;
	const char *best = NULL;
	size_t distance = 4;

	for (enum setting s = 0; s < SETTING_COUNT; s++)
		nearest_word(name, settings[s].name, &best, &distance);
	if (top)
		explain_at_top(name, what);
	else if (section_kind_parse(name, &kind, NULL) == 0)
		err_fail(what, EINVAL,
			"unknown setting; sections do not nest: close the one before it with }");
	else if (best)
		err_fail(what, EINVAL, "unknown setting; did you mean %s?", best);
	else
		err_fail(what, EINVAL, "unknown setting; mailseal.conf(5) lists them");
}
