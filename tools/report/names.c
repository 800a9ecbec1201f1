#include "tools/report/names.h"

#include "shim/smtp/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* As the agent writes them. */
#define ADDRESS_CUT 300	  /* a sender that long is cut */
#define LIST_CUT 1199	  /* so is a list */
#define LIST_NAMES 10	  /* as many recipients are named */
#define ADDRESS_SIZE 1200 /* of an address that is looked at */

static const char *fixed(struct names *n, const char *text)
{
	struct interned *t = intern_put(&n->intern, text, strlen(text));

	if (!t)
		return NULL;
	t->domain = t;
	return t->text;
}

int names_init(struct names *n)
{
	*n = (struct names){0};
	if (intern_init(&n->intern))
		return -ENOMEM;
	n->none = fixed(n, TALLY_NONE);
	n->bounce = fixed(n, TALLY_BOUNCE);
	n->unclear = fixed(n, TALLY_UNCLEAR);
	n->unlisted = fixed(n, TALLY_UNLISTED);
	n->other = fixed(n, TALLY_OTHER);
	if (n->none && n->bounce && n->unclear && n->unlisted && n->other)
		return 0;
	names_clear(n);
	return -ENOMEM;
}

void names_clear(struct names *n)
{
	intern_clear(&n->intern);
	*n = (struct names){0};
}

static const char *put(struct names *n, const char *text, size_t length)
{
	const struct interned *t = intern_put(&n->intern, text, length);

	if (t)
		return t->text;
	n->overflow = true;
	return n->other;
}

const char *names_text(struct names *n, const struct slice *text)
{
	return text->length ? put(n, text->at, text->length) : n->none;
}

const char *names_said(struct names *n, const struct slice *text)
{
	return put(n, text->length ? text->at : "", text->length);
}

const char *names_unit(struct names *n, const struct slice *unit)
{
	static const char scope[] = ".scope";
	size_t end = sizeof(scope) - 1;

	if (unit->length >= end && memcmp(unit->at + unit->length - end, scope, end) == 0)
		return n->none;
	return names_text(n, unit);
}

/* The library writes all groups of an address of IPv6, the agent the short form. */
static const char *put_address(struct names *n, const struct slice *addr)
{
	const char *close = addr->length ? memchr(addr->at, ']', addr->length) : NULL;
	char inside[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN], whole[INET6_ADDRSTRLEN + 16];
	struct in6_addr six;
	size_t length;

	if (!close || addr->at[0] != '[' || close - addr->at > (long)sizeof(inside))
		return names_text(n, addr);
	length = (size_t)(close - addr->at) - 1;
	memcpy(inside, addr->at + 1, length);
	inside[length] = '\0';
	if (inet_pton(AF_INET6, inside, &six) != 1 ||
		!inet_ntop(AF_INET6, &six, text, sizeof(text)))
		return names_text(n, addr);
	length = (size_t)snprintf(whole, sizeof(whole), "[%s]%.*s", text,
		(int)(addr->length - length - 2 > 8 ? 8 : addr->length - length - 2), close + 1);
	return put(n, whole, length);
}

const char *names_host(struct names *n, const struct slice *host, const struct slice *addr)
{
	const char *colon = addr->length ? memrchr(addr->at, ':', addr->length) : NULL;
	size_t port = colon ? (size_t)(addr->at + addr->length - colon) : 0;
	char text[300];

	if (host->length == 0)
		return put_address(n, addr);
	if (!colon || (port == 3 && memcmp(colon, ":25", 3) == 0) ||
		host->length + port > sizeof(text))
		return names_text(n, host);
	memcpy(text, host->at, host->length);
	memcpy(text + host->length, colon, port);
	return put(n, text, host->length + port);
}

static const char *of_domain(struct names *n, const struct domain *domain)
{
	switch (domain->form) {
	case DOMAIN_NULL:
		return n->bounce;
	case DOMAIN_NAME:
	case DOMAIN_LITERAL:
		return put(n, domain->name, strlen(domain->name));
	case DOMAIN_UNKNOWN:
	case DOMAIN_AMBIGUOUS:
		break;
	}
	return n->unclear;
}

static const char *slowly(struct names *n, const struct slice *address, bool sender)
{
	char text[ADDRESS_SIZE];
	struct domain domain;

	if (address->length >= sizeof(text))
		return n->unclear;
	memcpy(text, address->at, address->length);
	text[address->length] = '\0';
	address_of_text(text, sender, &domain);
	return of_domain(n, &domain);
}

static bool is_plain(const char *p, const char *end)
{
	while (p < end && (isalnum((unsigned char)*p) || memchr(".-_+=", *p, 5)))
		p++;
	return p == end;
}

/* Most addresses are plain; what a domain comes to is asked once. */
static const char *domain_of(struct names *n, const struct slice *address, bool sender)
{
	const char *end = address->at + address->length, *local, *text;
	const char *at = address->length ? memrchr(address->at, '@', address->length) : NULL;
	struct interned *raw;
	struct domain domain;

	local = address->at;
	if (!at || at == local || !is_plain(local, at) || !is_plain(at + 1, end) ||
		local[0] == '.' || at[-1] == '.')
		return slowly(n, address, sender);
	raw = intern_put(&n->intern, at + 1, (size_t)(end - at - 1));
	if (raw && raw->domain)
		return raw->domain->text;
	domain_parse(at + 1, (size_t)(end - at - 1), &domain);
	text = of_domain(n, &domain);
	if (raw && text != n->other)
		raw->domain = intern_put(&n->intern, text, strlen(text));
	return text;
}

const char *names_sender(struct names *n, const struct slice *address)
{
	if (address->length >= ADDRESS_CUT)
		return n->unclear;
	return address->length ? domain_of(n, address, true) : n->bounce;
}

static size_t count_domain(
	struct names_count out[NAMES_MOST], size_t found, const char *domain, uint64_t count)
{
	size_t i = 0;

	while (i < found && out[i].domain != domain)
		i++;
	if (i == found)
		out[found++] = (struct names_count){domain, 0};
	out[i].count += count;
	return found;
}

/* At a comma outside of quotes; one within a source route is not to be told from others. */
static size_t split(const struct slice *list, struct slice pieces[NAMES_MOST])
{
	const char *p = list->at, *end = p + list->length, *begin = p;
	bool quoted = false;
	size_t count = 0;

	for (; p <= end; p++) {
		if (p < end && *p == '\\' && quoted) {
			p += p + 1 < end;
			continue;
		}
		if (p < end && *p == '"')
			quoted = !quoted;
		if (p < end && (*p != ',' || quoted))
			continue;
		if (count == NAMES_MOST)
			return NAMES_MOST + 1;
		pieces[count++] = (struct slice){begin, (size_t)(p - begin)};
		begin = p + 1;
	}
	return count;
}

/* Of pieces that are as many as the line says, or as fit into it before it was cut. */
static size_t named(
	const struct slice *list, const struct slice *pieces, size_t count, uint64_t expected)
{
	size_t all = expected > LIST_NAMES ? LIST_NAMES + 1 : (size_t)expected;
	const struct slice *last = &pieces[count - 1];
	bool more = count && last->length == 3 && memcmp(last->at, "...", 3) == 0;

	if (list->length >= LIST_CUT)
		return count <= all ? count - 1 : 0;
	if (count != all || (expected > LIST_NAMES) != more)
		return 0;
	return more ? count - 1 : count;
}

size_t names_recipients(struct names *n, const struct slice *list, uint64_t count,
	struct names_count out[NAMES_MOST])
{
	struct slice pieces[NAMES_MOST];
	size_t found = 0, listed;

	if (count == 0)
		return 0;
	listed = list->at ? split(list, pieces) : 0;
	listed = listed && listed <= NAMES_MOST ? named(list, pieces, listed, count) : 0;
	if (listed == 0)
		return count_domain(out, 0, n->unclear, count);
	for (size_t i = 0; i < listed; i++)
		found = count_domain(out, found, domain_of(n, &pieces[i], false), 1);
	if (count > listed)
		found = count_domain(out, found, n->unlisted, count - listed);
	return found;
}
