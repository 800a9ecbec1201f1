/*
 * An address goes through one strict reader, octet by octet: what is left over, what is missing and
 * what some mail server would read otherwise is ambiguous. Lenient only where the domain does not
 * depend on it: dots anywhere in a local part (phones in the field have such addresses), '%' and
 * '!' (routing of old, by now the business of the domain), blanks behind the colon of FROM: and
 * TO:.
 */
#include "shim/smtp/address.h"

#include <string.h>
#include <strings.h>

/* What is still to be read. */
struct text {
	const char *p, *end;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* RFC 5322 3.2.3, RFC 6531 3.3: an octet of UTF-8 counts; text_is_clean() saw to the rest of it. */
static bool is_atext(char c)
{
	return is_alphanumeric(c) || (unsigned char)c >= 0x80 ||
	       (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool next_is(const struct text *text, char c)
{
	return text->p < text->end && *text->p == c;
}

static bool take(struct text *text, char c)
{
	if (!next_is(text, c))
		return false;
	text->p++;
	return true;
}

/* Octets of the UTF-8 character at p (RFC 3629 4), 0 if it is none or a control character. */
static size_t character_length(const unsigned char *p, size_t n)
{
	size_t length = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if (length == 1)
		return p[0] < 0x20 || p[0] == 0x7f ? 0 : 1;
	if (p[0] < 0xc2 || p[0] > 0xf4 || length > n)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90))
		return 0; /* longer than need be */
	if ((p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0; /* a surrogate, or beyond Unicode */
	return p[0] == 0xc2 && p[1] < 0xa0 ? 0 : length;
}

/* No control characters (HTAB may separate parameters, no more), and valid UTF-8. */
static bool text_is_clean(struct text text)
{
	while (text.p < text.end) {
		size_t length = character_length(
			(const unsigned char *)text.p, (size_t)(text.end - text.p));

		if (length == 0 && *text.p != '\t')
			return false;
		text.p += length ? length : 1;
	}
	return true;
}

/* Up to, not with, what ends a domain. A literal may hold colons (RFC 5321 4.1.3). */
static bool take_domain(struct text *text, struct domain *domain)
{
	const char *start = text->p;

	if (take(text, '[')) {
		while (text->p < text->end &&
			(is_alphanumeric(*text->p) || strchr(".:-", *text->p)))
			text->p++;
		if (!take(text, ']'))
			return false;
	} else {
		while (text->p < text->end &&
			(is_alphanumeric(*text->p) || (unsigned char)*text->p >= 0x80 ||
				strchr("-._", *text->p)))
			text->p++;
	}
	domain_parse(start, (size_t)(text->p - start), domain);
	return domain->form == DOMAIN_NAME || domain->form == DOMAIN_LITERAL;
}

/* "@a.example,@b.example:" is read and ignored (RFC 5321 appendix C); mostly there is none. */
static bool take_route(struct text *text)
{
	struct domain hop;

	if (!next_is(text, '@'))
		return true;
	do {
		if (!take(text, '@') || !take_domain(text, &hop))
			return false;
	} while (take(text, ','));
	return take(text, ':');
}

static bool take_quoted(struct text *text)
{
	if (!take(text, '"'))
		return false;
	while (text->p < text->end && *text->p != '"' && *text->p != '\t') {
		if (*text->p == '\\' && (++text->p == text->end || *text->p == '\t'))
			return false;
		text->p++;
	}
	return take(text, '"');
}

/* Words between dots, each an atom, a quoted string, or nothing. */
static bool take_local_part(struct text *text)
{
	const char *start = text->p;

	do {
		if (next_is(text, '"')) {
			if (!take_quoted(text))
				return false;
			continue;
		}
		while (text->p < text->end && is_atext(*text->p))
			text->p++;
	} while (take(text, '.'));
	return text->p > start;
}

static bool take_mailbox(struct text *text, struct domain *domain)
{
	return take_route(text) && take_local_part(text) && take(text, '@') &&
	       take_domain(text, domain);
}

static bool take_path(struct text *text, bool sender, struct domain *domain)
{
	if (!take(text, '<'))
		return false;
	if (take(text, '>')) {
		*domain = (struct domain){.form = DOMAIN_NULL};
		return sender;
	}
	return take_mailbox(text, domain) && take(text, '>');
}

/* A path without brackets, as some old programs write it: an atom has no quotes, no route. */
static bool take_bare_path(struct text *text, struct domain *domain)
{
	if (next_is(text, '@') || memchr(text->p, '"', (size_t)(text->end - text->p)))
		return false;
	return take_mailbox(text, domain);
}

/* Nothing, or parameters: blanks before each, each begins with a letter or digit (RFC 5321 4.1.2).
 */
static bool take_parameters(struct text *text)
{
	while (text->p < text->end) {
		if (!is_blank(*text->p))
			return false;
		while (text->p < text->end && is_blank(*text->p))
			text->p++;
		if (text->p < text->end && !is_alphanumeric(*text->p))
			return false;
		while (text->p < text->end && !is_blank(*text->p))
			text->p++;
	}
	return true;
}

static bool take_argument(struct text *text, bool sender, struct domain *domain)
{
	const char *keyword = sender ? "FROM:" : "TO:";
	size_t length = strlen(keyword);

	if ((size_t)(text->end - text->p) < length || strncasecmp(text->p, keyword, length) != 0)
		return false;
	text->p += length;
	while (text->p < text->end && is_blank(*text->p))
		text->p++;
	if (next_is(text, '<') ? !take_path(text, sender, domain) : !take_bare_path(text, domain))
		return false;
	return take_parameters(text);
}

void address_of_command(const struct command *command, struct domain *domain)
{
	struct text text = {command->argument, command->argument + command->argument_length};
	struct domain found = {.form = DOMAIN_AMBIGUOUS};
	bool sender = command->verb == VERB_MAIL;

	*domain = found;
	if ((sender || command->verb == VERB_RCPT) && text_is_clean(text) &&
		take_argument(&text, sender, &found))
		*domain = found;
}

void address_of_text(const char *bytes, bool sender, struct domain *domain)
{
	struct text text = {bytes, bytes + strlen(bytes)};
	struct domain found = {.form = DOMAIN_AMBIGUOUS};
	bool good;

	*domain = found;
	if (!text_is_clean(text))
		return;
	if (text.p == text.end && sender) {
		found.form = DOMAIN_NULL;
		good = true;
	} else {
		good = next_is(&text, '<') ? take_path(&text, sender, &found)
					   : take_mailbox(&text, &found);
	}
	if (good && text.p == text.end)
		*domain = found;
}
