#include "shim/smtp/header_field.h"

#include <string.h>
#include <strings.h>

#define PREFIX "mailseal-"

static const char *const names[HEADER_NAMES] = {
	[HEADER_REQUIRE_TLS] = "mailseal-require-tls",
	[HEADER_VERIFY_CERTIFICATE] = "mailseal-verify-certificate",
};

/* The gravest first. */
static const char *const remarks[HEADER_DOUBTS] = {
	[HEADER_TWICE_TLS] = "Mailseal-Require-TLS is given more than once; the strictest counts",
	[HEADER_TWICE_CERTIFICATE] =
		"Mailseal-Verify-Certificate is given more than once; the strictest counts",
	[HEADER_UNCLEAR_TLS] =
		"Mailseal-Require-TLS says neither yes nor no clearly; it counts as yes",
	[HEADER_UNCLEAR_CERTIFICATE] =
		"Mailseal-Verify-Certificate says neither yes nor no clearly; it counts as yes",
	[HEADER_LOOSE] = "a Mailseal- field stands behind a bare CR or LF; it counts as yes",
	[HEADER_MALFORMED] =
		"the header is not well-formed, so that a Mailseal- field cannot say no",
	[HEADER_ENDLESS] = "the header has no end, so that a Mailseal- field cannot say no",
	[HEADER_UNKNOWN] = "a field that begins with Mailseal- is none that means something here",
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool header_name_goes_on(const char *name, size_t length, char next)
{
	for (unsigned i = 0; i < HEADER_NAMES; i++) {
		if (strlen(names[i]) > length && lower(next) == names[i][length] &&
			strncasecmp(name, names[i], length) == 0)
			return true;
	}
	return false;
}

bool header_name_looks_like_ours(const char *name, size_t length)
{
	return length >= strlen(PREFIX) && strncasecmp(name, PREFIX, strlen(PREFIX)) == 0;
}

bool header_name_find(const char *name, size_t length, enum header_name *which)
{
	for (unsigned i = 0; i < HEADER_NAMES; i++) {
		if (strlen(names[i]) == length && strncasecmp(name, names[i], length) == 0) {
			*which = (enum header_name)i;
			return true;
		}
	}
	return false;
}

void header_field_open(struct header_fields *fields, enum header_name name, bool unclear)
{
	fields->open = true;
	fields->unclear = unclear;
	fields->name = name;
	fields->value_length = 0;
	fields->gap = false;
}

void header_field_octet(struct header_fields *fields, char c)
{
	if (c == ' ' || c == '\t')
		fields->gap = fields->value_length > 0;
	else if (fields->gap || fields->value_length == sizeof(fields->value))
		fields->unclear = true;
	else
		fields->value[fields->value_length++] = lower(c);
}

static bool value_is(const struct header_fields *fields, const char *word)
{
	return fields->value_length == strlen(word) &&
	       memcmp(fields->value, word, fields->value_length) == 0;
}

void header_field_close(struct header_fields *fields)
{
	bool no = value_is(fields, "no") || value_is(fields, "false");
	bool yes = value_is(fields, "yes") || value_is(fields, "true");

	if (!fields->open)
		return;
	fields->open = false;
	if (fields->unclear || (!no && !yes))
		header_field_doubt(fields, fields->name == HEADER_REQUIRE_TLS
						   ? HEADER_UNCLEAR_TLS
						   : HEADER_UNCLEAR_CERTIFICATE);
	header_field_say(fields, fields->name, no && !fields->unclear ? FIELD_NO : FIELD_YES);
}

void header_field_say(struct header_fields *fields, enum header_name name, enum field what)
{
	if (fields->said[name] != FIELD_ABSENT)
		header_field_doubt(fields,
			name == HEADER_REQUIRE_TLS ? HEADER_TWICE_TLS : HEADER_TWICE_CERTIFICATE);
	if (what > fields->said[name])
		fields->said[name] = what;
}

void header_field_doubt(struct header_fields *fields, enum header_doubt doubt)
{
	fields->doubts |= 1u << doubt;
}

const char *header_field_remark(const struct header_fields *fields)
{
	for (unsigned i = 0; i < HEADER_DOUBTS; i++) {
		if (fields->doubts & 1u << i)
			return remarks[i];
	}
	return "";
}
