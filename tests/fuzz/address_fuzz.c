/*
 * Arguments of MAIL and RCPT: parsing stays in bounds, and a domain that it finds is the one behind the last @
 * of the path. The first octet of the input chooses the command.
 */
#include "shim/smtp/address.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool equal(const struct domain *a, const struct domain *b)
{
	return a->form == b->form && strcmp(a->name, b->name) == 0;
}

static void check_form(const struct domain *domain, bool sender)
{
	struct domain again;

	if (domain->form == DOMAIN_NULL && sender && !domain->name[0])
		return;
	if (domain->form == DOMAIN_AMBIGUOUS && !domain->name[0])
		return;
	if (domain->form != DOMAIN_NAME && domain->form != DOMAIN_LITERAL)
		abort();
	domain_parse(domain->name, strlen(domain->name), &again);
	if (!equal(domain, &again))
		abort();
}

/* The domain that runs from this @ to what may end a path. */
static bool stands_behind(const char *at, const char *end, const struct domain *domain)
{
	const char *p = at + 1;
	struct domain found;

	while (p < end && *p != '>' && *p != ' ' && *p != '\t') {
		if (*p == '@' || *p == '"')
			return false;
		p++;
	}
	domain_parse(at + 1, (size_t)(p - at - 1), &found);
	return equal(&found, domain);
}

/* Without quotes the path ends at the first '>' or blank, and its last @ counts. With them any @ may. */
static void check_place(const char *text, size_t n, const struct domain *domain)
{
	const char *end = text + n, *last = NULL;
	const char *p = memchr(text, ':', n);
	bool quotes = memchr(text, '"', n) != NULL;

	if (domain->form != DOMAIN_NAME && domain->form != DOMAIN_LITERAL)
		return;
	p = p ? p + 1 : text;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	for (; p < end && (quotes || (*p != '>' && *p != ' ' && *p != '\t')); p++) {
		if (*p != '@')
			continue;
		last = p;
		if (quotes && stands_behind(p, end, domain))
			return;
	}
	if (quotes || !last || !stands_behind(last, end, domain))
		abort();
}

static void of_command(const char *text, size_t n, enum verb verb)
{
	struct command command = {.verb = verb, .argument = text, .argument_length = n};
	struct domain domain, again;

	memset(&domain, 0xff, sizeof(domain));
	address_of_command(&command, &domain);
	address_of_command(&command, &again);
	if (!equal(&domain, &again))
		abort();
	check_form(&domain, verb == VERB_MAIL);
	check_place(text, n, &domain);
}

/* What a person may write and a command may hold names the same domain in both. */
static void of_text(const char *text, size_t n, bool sender)
{
	struct command command = {.verb = sender ? VERB_MAIL : VERB_RCPT};
	struct domain domain, commanded;
	char *argument = malloc(n + 8);

	if (!argument)
		return;
	memcpy(argument, sender ? "FROM:" : "TO:", sender ? 5 : 3);
	memcpy(argument + (sender ? 5 : 3), text, n);
	command.argument = argument;
	command.argument_length = n + (sender ? 5 : 3);
	address_of_text(text, sender, &domain);
	address_of_command(&command, &commanded);
	check_form(&domain, sender);
	if (domain.form != DOMAIN_AMBIGUOUS && commanded.form != DOMAIN_AMBIGUOUS && !equal(&domain, &commanded))
		abort();
	free(argument);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size == 0)
		return 0;
	text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	of_text(text, strlen(text), data[0] & 1);
	/* The same octets without one behind them. */
	text = realloc(text, size > 1 ? size - 1 : 1);
	if (!text)
		abort();
	of_command(text, size - 1, data[0] & 1 ? VERB_MAIL : VERB_RCPT);
	free(text);
	return 0;
}
