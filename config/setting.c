#include "config/setting.h"

#include "config/pem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
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
	[SETTING_ON_BAD_CERTIFICATE] = {"on_bad_certificate", bad_certificates,
		"\"unauthenticated\", \"cleartext\" or \"refuse\""},
	[SETTING_PROTECT_CREDENTIALS] = {"protect_credentials", truth, "true or false"},
	[SETTING_INTERCEPT] = {"intercept", truth, "true or false"},
	[SETTING_CA_FILE] = {"ca_file", NULL, NULL},
	[SETTING_MATCH] = {"match", NULL, NULL},
	[SETTING_SERVERNAME] = {"servername", NULL, NULL},
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

static int put_word(
	struct section *section, enum setting setting, const char *text, struct err *err)
{
	for (const struct word *w = settings[setting].words; w->text; w++) {
		if (strcasecmp(w->text, text) == 0) {
			section->value[setting] = w->value;
			return 0;
		}
	}
	return err_fail(err, EINVAL, "\"%.40s\" is not a value for it; write %s", text,
		settings[setting].expected);
}

static int put_ca_file(struct section *section, const char *path, struct err *err)
{
	struct err why;
	int rc;

	if (path[0] != '/')
		return err_fail(err, EINVAL,
			"\"%.200s\" is not an absolute path; write one that begins with /", path);
	if (strlen(path) >= PATH_MAX)
		return err_fail(err, EINVAL, "path is longer than %d bytes", PATH_MAX - 1);
	rc = pem_check_file(path, &why);
	if (rc == -ENOMEM)
		return err_fail(err, ENOMEM, "%s", why.text);
	if (rc)
		return err_fail(err, EINVAL,
			"%.200s: %s; name a readable file of CA certificates in PEM form", path,
			why.text);
	section->ca_file = strdup(path);
	return section->ca_file ? 0 : err_fail(err, ENOMEM, "out of memory");
}

static bool is_address(const char *text)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* `instead`: what to write where an address stands. */
static int parse_name(const char *text, const char *instead, char **name, struct err *err)
{
	char normal[NAME_SIZE];
	struct err why;

	if (text[0] == '.' || text[0] == '*')
		return err_fail(
			err, EINVAL, "\"%.253s\" stands for several names; write each name", text);
	if (is_address(text))
		return err_fail(err, EINVAL, "\"%.253s\" is not a host name but an address; %s",
			text, instead);
	if (host_name_parse(text, normal, &why))
		return err_fail(err, EINVAL, "\"%.253s\" %s", text, why.text);
	*name = strdup(normal);
	return *name ? 0 : err_fail(err, ENOMEM, "out of memory");
}

static int put_match(struct section *section, const char *text, struct err *err)
{
	size_t count = 0;
	char **names, *name = NULL;
	int rc = parse_name(text,
		"write names of the certificate, or leave match out: without it the certificate "
		"must be for the name that was looked up, or for the address if there was none",
		&name, err);

	if (rc)
		return rc;
	while (section->match && section->match[count])
		count++;
	names = reallocarray(section->match, count + 2, sizeof(*names));
	if (!names) {
		free(name);
		return err_fail(err, ENOMEM, "out of memory");
	}
	names[count] = name;
	names[count + 1] = NULL;
	section->match = names;
	return 0;
}

int setting_put(struct section *section, enum setting setting, const char *value, struct err *err)
{
	if (!setting_is_text(setting))
		return put_word(section, setting, value, err);
	if (setting == SETTING_CA_FILE)
		return put_ca_file(section, value, err);
	if (setting == SETTING_MATCH)
		return put_match(section, value, err);
	return parse_name(value,
		"write the name that the server has in its certificate, or leave servername out: "
		"the "
		"handshake of a connection to a bare address asks for no name",
		&section->servername, err);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Letters to insert, drop or change between the two (Levenshtein); `b` is shorter than 32. */
static size_t distance(const char *a, const char *b)
{
	size_t row[32], length = strlen(b);

	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= length; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = least(change, least(row[j], row[j - 1]) + 1);
		}
	}
	return row[length];
}

/* The setting that `name` may have been meant for, or NULL. */
static const char *suggest(const char *name)
{
	const char *best = NULL;
	size_t nearest = 4;

	if (strlen(name) > 31)
		return NULL;
	for (enum setting s = 0; s < SETTING_COUNT; s++) {
		size_t d = distance(name, settings[s].name);

		if (d < nearest) {
			nearest = d;
			best = settings[s].name;
		}
	}
	return best;
}

/* Planned, so that a file for a later version is told from one with a slip of the pen. */
static bool is_for_later(const char *name)
{
	static const char *const later[] = {
		"message_override",
		"fingerprints",
		"client_certificate",
		"client_key",
		"ciphers",
	};

	for (size_t i = 0; i < sizeof(later) / sizeof(*later); i++) {
		if (strcmp(name, later[i]) == 0)
			return true;
	}
	return false;
}

static void explain_at_top(const char *name, struct err *what)
{
	if (strcmp(name, "sender") == 0 || strcmp(name, "recipient") == 0)
		err_fail(what, EINVAL,
			"sections of this kind are not supported by this version of mailseal");
	else if (setting_by_name(name) != SETTING_COUNT)
		err_fail(what, EINVAL,
			"stands outside a section; put it into default { ... } or host \"...\" { "
			"... }");
	else
		err_fail(what, EINVAL,
			"unknown section; the sections are default { ... } and host \"...\" { ... "
			"}");
}

void setting_explain_unknown(const char *name, bool top, struct err *what)
{
	const char *suggestion = suggest(name);

	if (is_for_later(name))
		err_fail(what, EINVAL, "is not supported by this version of mailseal");
	else if (top)
		explain_at_top(name, what);
	else if (suggestion)
		err_fail(what, EINVAL, "unknown setting; did you mean %s?", suggestion);
	else
		err_fail(what, EINVAL, "unknown setting; mailseal.conf(5) lists them");
}
