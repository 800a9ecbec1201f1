#include "config/value.h"

#include "config/fingerprint.h"
#include "config/pem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_LIMIT 4000 /* bytes of a list of ciphers */

char **value_place(struct section *section, enum setting setting)
{
	static const size_t offsets[SETTING_COUNT] = {
		[SETTING_CA_FILE] = offsetof(struct section, ca_file),
		[SETTING_SERVERNAME] = offsetof(struct section, servername),
		[SETTING_CLIENT_CERTIFICATE] = offsetof(struct section, client_certificate),
		[SETTING_CLIENT_KEY] = offsetof(struct section, client_key),
		[SETTING_CIPHERS] = offsetof(struct section, ciphers),
		[SETTING_CIPHERSUITES] = offsetof(struct section, ciphersuites),
	};

	return offsets[setting] ? (char **)((char *)section + offsets[setting]) : NULL;
}

char ***value_list(struct section *section, enum setting setting)
{
	if (setting == SETTING_MATCH)
		return &section->match;
	if (setting == SETTING_TRACE)
		return &section->trace;
	return setting == SETTING_FINGERPRINTS ? &section->fingerprints : NULL;
}

int value_put_known(struct section *section, enum setting setting, const char *value)
{
	char *copy = strdup(value), **place = value_place(section, setting);

	if (!copy)
		return -ENOMEM;
	free(*place);
	*place = copy;
	return 0;
}

static int put_text(
	struct section *section, enum setting setting, const char *value, struct err *err)
{
	return value_put_known(section, setting, value) ? err_fail(err, ENOMEM, "out of memory")
							: 0;
}

static int put_item(char ***list, const char *text, struct err *err)
{
	char **items, *item = strdup(text);
	size_t count = 0;

	while (*list && (*list)[count])
		count++;
	items = item ? reallocarray(*list, count + 2, sizeof(*items)) : NULL;
	if (!items) {
		free(item);
		return err_fail(err, ENOMEM, "out of memory");
	}
	items[count] = item;
	items[count + 1] = NULL;
	*list = items;
	return 0;
}

static int put_file(struct section *section, enum setting setting, const char *path,
	int (*look)(const char *path, struct err *err), const char *what, struct err *err)
{
	struct err why;
	int rc;

	if (path[0] != '/')
		return err_fail(err, EINVAL,
			"\"%.200s\" is not an absolute path; write one that begins with /", path);
	if (strlen(path) >= PATH_MAX)
		return err_fail(err, EINVAL, "path is longer than %d bytes", PATH_MAX - 1);
	rc = look(path, &why);
	if (rc == -ENOMEM)
		return err_fail(err, ENOMEM, "%s", why.text);
	if (rc)
		return err_fail(err, EINVAL, "%.200s: %s; name a readable file of %s in PEM form",
			path, why.text, what);
	return put_text(section, setting, path, err);
}

static bool is_address(const char *text)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* `instead`: what to write where an address stands. */
static int parse_name(const char *text, const char *instead, char name[NAME_SIZE], struct err *err)
{
	struct err why;

	if (text[0] == '.' || text[0] == '*')
		return err_fail(
			err, EINVAL, "\"%.253s\" stands for several names; write each name", text);
	if (is_address(text))
		return err_fail(err, EINVAL, "\"%.253s\" is not a host name but an address; %s",
			text, instead);
	if (host_name_parse(text, name, &why))
		return err_fail(err, EINVAL, "\"%.253s\" %s", text, why.text);
	return 0;
}

static int put_match(struct section *section, const char *text, struct err *err)
{
	char name[NAME_SIZE];
	int rc = parse_name(text,
		"write names of the certificate, or leave match out: without it the certificate "
		"must be for the name that was looked up, or for the address if there was none",
		name, err);

	return rc ? rc : put_item(&section->match, name, err);
}

static int put_servername(struct section *section, const char *text, struct err *err)
{
	char name[NAME_SIZE];
	int rc = parse_name(text,
		"write the name that the server has in its certificate, or leave servername out: "
		"the handshake of a connection to a bare address asks for no name",
		name, err);

	return rc ? rc : put_text(section, SETTING_SERVERNAME, name, err);
}

static int put_fingerprint(struct section *section, const char *text, struct err *err)
{
	char digits[FINGERPRINT_SIZE];
	int rc = fingerprint_parse(text, digits, err);

	return rc ? rc : put_item(&section->fingerprints, digits, err);
}

/* Kept as it was written: it is read as the label of a host section, wherever it counts. */
static int put_trace(struct section *section, const char *text, struct err *err)
{
	struct host host;
	struct err why;

	if (host_parse(text, &host, &why))
		return err_fail(err, EINVAL, "\"%.253s\" %s", text, why.text);
	return put_item(&section->trace, text, err);
}

/* OpenSSL's own words; whether it knows them is for the TLS room to say. */
static int put_ciphers(
	struct section *section, enum setting setting, const char *text, struct err *err)
{
	const char *example = setting == SETTING_CIPHERS ? "HIGH:!aNULL" : "TLS_AES_256_GCM_SHA384";

	if (text[strspn(text, " :,")] == '\0')
		return err_fail(err, EINVAL,
			"is empty; write a list such as \"%s\", or leave the setting out", example);
	if (strlen(text) > TEXT_LIMIT)
		return err_fail(err, EINVAL, "is longer than %d bytes", TEXT_LIMIT);
	return put_text(section, setting, text, err);
}

int value_put(struct section *section, enum setting setting, const char *value, struct err *err)
{
	if (setting == SETTING_CA_FILE)
		return put_file(section, setting, value, pem_check_file, "CA certificates", err);
	if (setting == SETTING_CLIENT_CERTIFICATE)
		return put_file(section, setting, value, pem_check_file,
			"the certificate to show, with those between it and its authority,", err);
	if (setting == SETTING_CLIENT_KEY)
		return put_file(section, setting, value, pem_check_key_file,
			"the private key of client_certificate, without a passphrase,", err);
	if (setting == SETTING_MATCH)
		return put_match(section, value, err);
	if (setting == SETTING_SERVERNAME)
		return put_servername(section, value, err);
	if (setting == SETTING_FINGERPRINTS)
		return put_fingerprint(section, value, err);
	if (setting == SETTING_TRACE)
		return put_trace(section, value, err);
	return put_ciphers(section, setting, value, err);
}
