#include "config/domain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* U-labels take more bytes than the A-labels they become, but never this many. */
#define TEXT_SIZE 1100

static bool is_mapped(const struct in6_addr *address)
{
	return IN6_IS_ADDR_V4MAPPED(address);
}

/* What stands between the brackets, as inet_ntop(3) writes it; v4-mapped becomes IPv4. */
static bool parse_literal(const char *inside, char name[NAME_SIZE])
{
	static const char tag[] = "IPv6:";
	char text[INET6_ADDRSTRLEN];
	struct in6_addr six;
	struct in_addr four;

	if (strncasecmp(inside, tag, sizeof(tag) - 1) == 0) {
		if (inet_pton(AF_INET6, inside + sizeof(tag) - 1, &six) != 1)
			return false;
		if (!is_mapped(&six)) {
			inet_ntop(AF_INET6, &six, text, sizeof(text));
			snprintf(name, NAME_SIZE, "[IPv6:%s]", text);
			return true;
		}
		memcpy(&four, six.s6_addr + 12, sizeof(four));
	} else if (inet_pton(AF_INET, inside, &four) != 1) {
		return false;
	}
	inet_ntop(AF_INET, &four, text, sizeof(text));
	snprintf(name, NAME_SIZE, "[%s]", text);
	return true;
}

/* `text` in brackets. */
static bool parse_bracketed(const char *text, char name[NAME_SIZE])
{
	char inside[sizeof("IPv6:") + INET6_ADDRSTRLEN];
	size_t length = strlen(text);

	if (length < 2 || text[length - 1] != ']' || length - 2 >= sizeof(inside))
		return false;
	memcpy(inside, text + 1, length - 2);
	inside[length - 2] = '\0';
	return parse_literal(inside, name);
}

void domain_parse(const char *text, size_t length, struct domain *domain)
{
	char copy[TEXT_SIZE], name[NAME_SIZE];

	*domain = (struct domain){.form = DOMAIN_AMBIGUOUS};
	if (length == 0 || length >= sizeof(copy) || memchr(text, '\0', length))
		return;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (copy[0] == '[') {
		if (parse_bracketed(copy, domain->name))
			domain->form = DOMAIN_LITERAL;
	} else if (host_name_parse(copy, name, NULL) == 0 && !host_name_was_another(copy, name)) {
		memcpy(domain->name, name, sizeof(name));
		domain->form = DOMAIN_NAME;
	}
}

static int parse_name(const char *label, bool suffix, struct pattern *pattern, struct err *err)
{
	struct pattern p = {.form = suffix ? PATTERN_SUFFIX : PATTERN_NAME};
	char name[NAME_SIZE];
	int rc = host_name_parse(label + suffix, name, err);

	if (rc)
		return rc;
	if (suffix && strlen(name) >= NAME_SIZE - 1)
		return err_fail(err, EINVAL, "is longer than 253 characters");
	p.name[0] = '.';
	memcpy(p.name + suffix, name, strlen(name) + 1);
	*pattern = p;
	return 0;
}

/* A server is meant, or brackets were forgotten. */
static int fail_address(const char *label, struct err *err)
{
	return err_fail(err, EINVAL,
		"is not a domain of mail addresses; a server's section is host \"%.60s\" { ... }, "
		"and mail addresses have it in brackets: \"[%s%.60s]\"",
		label, strchr(label, ':') ? "IPv6:" : "", label);
}

static int fail_network(const char *label, struct err *err)
{
	return err_fail(err, EINVAL,
		"is not a domain of mail addresses; the section for servers in a network is host "
		"\"%.60s\" { ... }",
		label);
}

static bool is_address(const char *label)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, label, bytes) == 1 || inet_pton(AF_INET6, label, bytes) == 1;
}

static int parse_null(bool sender, struct pattern *pattern, struct err *err)
{
	if (!sender)
		return err_fail(err, EINVAL,
			"is the empty sender of bounces, and stands in sender sections only");
	*pattern = (struct pattern){.form = PATTERN_NULL, .name = "<>"};
	return 0;
}

int pattern_parse(const char *label, bool sender, struct pattern *pattern, struct err *err)
{
	const char *at = strrchr(label, '@');
	char name[NAME_SIZE];
	struct host host;

	if (label[0] == '\0')
		return err_fail(err, EINVAL,
			"is empty; write a domain such as example.com, or .example.com for its "
			"subdomains");
	if (strcmp(label, "<>") == 0)
		return parse_null(sender, pattern, err);
	if (at)
		return err_fail(err, EINVAL,
			"has an @; sections are for domains, not for single addresses: write "
			"\"%.200s\"",
			at[1] ? at + 1 : "example.com");
	if (label[0] == '*')
		return err_fail(err, EINVAL,
			"has a wildcard; write .example.com for the subdomains of example.com");
	if (is_address(label))
		return fail_address(label, err);
	if (host_parse(label, &host, NULL) == 0 && host.form == HOST_ADDRESS)
		return fail_network(label, err);
	if (label[0] != '[')
		return parse_name(label, label[0] == '.', pattern, err);
	if (!parse_bracketed(label, name))
		return err_fail(err, EINVAL,
			"is not an address in brackets; write \"[192.0.2.1]\" or "
			"\"[IPv6:2001:db8::1]\"");
	*pattern = (struct pattern){.form = PATTERN_LITERAL};
	memcpy(pattern->name, name, strlen(name) + 1);
	return 0;
}

bool pattern_equal(const struct pattern *a, const struct pattern *b)
{
	return a->form == b->form && strcmp(a->name, b->name) == 0;
}
