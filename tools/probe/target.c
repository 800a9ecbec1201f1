#include "tools/probe/target.h"

#include "config/host.h"
#include "shim/hop/hop.h"
#include "tools/probe/aside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- how it was written --- */

static bool is_address(const char *text)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *list;
	bool is = (strchr(text, ':') || (text[0] && strspn(text, "0123456789.") == strlen(text))) &&
		  getaddrinfo(text, NULL, &hints, &list) == 0;

	if (is)
		freeaddrinfo(list);
	return is;
}

static int read_port(struct target *t, const char *text, struct err *err)
{
	unsigned long port = strspn(text, "0123456789") == strlen(text) && strlen(text) <= 5
				     ? strtoul(text, NULL, 10)
				     : 0;

	if (port < 1 || port > 65535)
		return err_fail(
			err, EINVAL, "'%.80s' is not a port; write a number up to 65535", text);
	if (port == 465)
		return err_fail(err, EINVAL,
			"port 465 speaks TLS from the first byte, which mailseal leaves alone; ask "
			"for port 25 or 587");
	snprintf(t->port, sizeof(t->port), "%lu", port);
	return 0;
}

/* Where the host ends; *port: what stands behind the colon, or NULL. */
static int split(const char **text, size_t *length, const char **port, struct err *err)
{
	const char *colon = strchr(*text, ':'), *end;

	*port = NULL;
	if (**text == '[') {
		end = strchr(*text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return err_fail(err, EINVAL,
				"'%.80s': brackets hold an address; write [2001:db8::1]:25", *text);
		++*text;
		*length = (size_t)(end - *text);
		*port = end[1] ? end + 2 : NULL;
		return 0;
	}
	*length = strlen(*text);
	if (colon && !strchr(colon + 1, ':')) {
		*length = (size_t)(colon - *text);
		*port = colon + 1;
	}
	return 0;
}

/* What no resolver could be asked for. */
static int check_host(const char *host, bool bracketed, struct err *err)
{
	struct err why = {""};
	char name[NAME_SIZE];
	bool ascii = true;
	size_t n = strlen(host);

	for (const char *c = host; *c; c++) {
		if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("/@,;\"'<>()", *c))
			return err_fail(err, EINVAL,
				"'%.80s' is not a host; write a name or an address, and :PORT "
				"behind it where it is not 25",
				host);
		ascii &= (unsigned char)*c < 0x80;
	}
	if (bracketed || strchr(host, ':'))
		return is_address(host) ? 0
					: err_fail(err, EINVAL, "'%.80s' is not an address", host);
	if (n == 0 || strcmp(host, ".") == 0)
		return err_fail(err, EINVAL, "the host is empty");
	if (ascii && n - (host[n - 1] == '.') >= NAME_SIZE)
		return err_fail(
			err, EINVAL, "the host's name is longer than %d characters", NAME_SIZE - 1);
	if (!ascii && host_name_parse(host, name, &why))
		return err_fail(err, EINVAL, "'%.80s' %.300s", host, why.text);
	return 0;
}

int target_take(struct target *t, const char *name, const char *port, struct err *err)
{
	snprintf(t->port, sizeof(t->port), "%s", port);
	t->host = strdup(name);
	t->name = strdup(name);
	if (!t->host || !t->name)
		return err_fail(err, ENOMEM, "out of memory");
	if (is_address(name))
		return err_fail(err, EINVAL, "'%.80s' is an address, not a name", name);
	return check_host(name, false, err);
}

int target_read(struct target *t, const char *text, struct err *err)
{
	bool bracketed = text[0] == '[';
	const char *port;
	size_t length = 0;
	int rc;

	snprintf(t->port, sizeof(t->port), "25");
	rc = split(&text, &length, &port, err);
	if (rc == 0 && port)
		rc = read_port(t, port, err);
	if (rc < 0)
		return rc;
	t->host = strndup(text, length);
	if (!t->host)
		return err_fail(err, ENOMEM, "out of memory");
	rc = check_host(t->host, bracketed, err);
	if (rc < 0 || is_address(t->host))
		return rc;
	t->name = hop_name(t->host);
	return t->name ? 0 : err_fail(err, ENOMEM, "out of memory");
}

/* --- its addresses --- */

struct lookup {
	char *name;
	char port[8];
	struct addrinfo hints, *list;
	int rc, error;
};

static void lookup_free(void *context)
{
	struct lookup *l = context;

	if (l->list)
		freeaddrinfo(l->list);
	free(l->name);
	free(l);
}

static void look_up(void *context)
{
	struct lookup *l = context;
	struct addrinfo *list = NULL;

	l->rc = getaddrinfo(l->name, l->port, &l->hints, &list);
	l->error = errno;
	l->list = l->rc ? NULL : list;
}

static struct lookup *lookup_new(const struct target *t, int family)
{
	struct lookup *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->name = strdup(t->name ? t->name : t->host);
	if (!l->name) {
		free(l);
		return NULL;
	}
	memcpy(l->port, t->port, sizeof(l->port));
	l->hints = (struct addrinfo){.ai_family = family, .ai_socktype = SOCK_STREAM};
	if (!t->name)
		l->hints.ai_flags = AI_NUMERICHOST;
	return l;
}

static int found(struct target *t, struct lookup *l, struct err *err)
{
	if (l->rc)
		return err_fail(err, ENOENT, "look-up of %.200s: %s", t->host,
			l->rc == EAI_SYSTEM ? strerror(l->error) : gai_strerror(l->rc));
	t->list = l->list;
	l->list = NULL;
	return 0;
}

int target_find(struct target *t, int family, long long ms, struct err *err)
{
	struct lookup *l = lookup_new(t, family);
	int rc;

	if (!l)
		return err_fail(err, ENOMEM, "out of memory");
	rc = aside(look_up, lookup_free, l, ms);
	if (rc == -ETIMEDOUT)
		return err_fail(err, ETIMEDOUT, "look-up of %.200s: no answer in time", t->host);
	rc = rc ? err_fail(err, -rc, "look-up of %.200s: %s", t->host, strerror(-rc))
		: found(t, l, err);
	lookup_free(l);
	return rc;
}

void target_address(const struct addrinfo *entry, struct address_of *out)
{
	*out = (struct address_of){.address = entry->ai_addr, .length = entry->ai_addrlen};
	if (getnameinfo(entry->ai_addr, entry->ai_addrlen, out->text, sizeof(out->text), NULL, 0,
		    NI_NUMERICHOST) != 0)
		snprintf(out->text, sizeof(out->text), "?");
}

void target_clear(struct target *t)
{
	if (t->list)
		freeaddrinfo(t->list);
	free(t->host);
	free(t->name);
	*t = (struct target){0};
}
