#include "config/host.h"

#include "config/idn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_';
}

static bool is_ascii(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text >= 0x80)
			return false;
	}
	return true;
}

/*
 * No top-level domain is a number (RFC 3696 2), so such a name is an address or a botched one;
 * inet_aton(3), and with it getaddrinfo(3), takes hexadecimal ones too.
 */
static bool looks_like_address(const char *text)
{
	const char *last, *digits = "0123456789/";
	size_t length = strlen(text);

	if (strchr(text, ':'))
		return true;
	length -= length > 0 && text[length - 1] == '.';
	last = text + length;
	while (last > text && last[-1] != '.')
		last--;
	if (last == text + length)
		return false;
	if (last[0] == '0' && (last[1] == 'x' || last[1] == 'X')) {
		last += 2;
		digits = "0123456789abcdefABCDEF/";
	}
	return strspn(last, digits) >= (size_t)(text + length - last);
}

/* Lower-cases and checks; returns what is wrong, or NULL. */
static const char *normalise(const char *text, char name[NAME_SIZE])
{
	size_t length = strlen(text), label = 0;

	if (length > 0 && text[length - 1] == '.')
		length--;
	if (length == 0)
		return "is empty";
	if (length >= NAME_SIZE)
		return "is longer than 253 characters";
	for (size_t i = 0; i < length; i++) {
		name[i] = lower(text[i]);
		if (name[i] == '.') {
			if (label == 0)
				return "has an empty label";
			label = 0;
			continue;
		}
		if (!is_name_char(name[i]))
			return "has a character that no host name has";
		if (++label > 63)
			return "has a label of more than 63 characters";
	}
	if (label == 0)
		return "has an empty label";
	name[length] = '\0';
	return NULL;
}

bool host_name_normalise(const char *text, char name[NAME_SIZE])
{
	char out[NAME_SIZE];

	if (!text || looks_like_address(text) || normalise(text, out))
		return false;
	memcpy(name, out, sizeof(out));
	return true;
}

/* Writes the A-labels of a name with U-labels (RFC 5891) into `out`. */
static int to_ascii(const char *text, char *out, size_t size, struct err *err)
{
	const struct idn *idn = idn_get();
	uint8_t *ascii = NULL;
	size_t length;
	int rc;

	if (!idn)
		return err_fail(err, EINVAL,
			"is an internationalised name, and libidn2, which reads them, cannot be "
			"loaded");
	rc = idn->lookup((const uint8_t *)text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc != IDN2_OK)
		return err_fail(
			err, EINVAL, "is not a valid internationalised name (%s)", idn->words(rc));
	length = strlen((char *)ascii);
	if (length < size)
		memcpy(out, ascii, length + 1);
	idn->release(ascii);
	return length < size ? 0 : err_fail(err, EINVAL, "is longer than 253 characters");
}

bool host_name_was_another(const char *text, const char *name)
{
	const struct idn *idn;
	uint8_t *ascii = NULL;
	bool another;

	if (is_ascii(text))
		return false;
	idn = idn_get();
	if (!idn || idn->lookup((const uint8_t *)text, &ascii,
			    IDN2_NFC_INPUT | IDN2_TRANSITIONAL) != IDN2_OK)
		return true;
	another = strncmp((char *)ascii, name, strlen(name)) != 0 ||
		  (ascii[strlen(name)] && ascii[strlen(name)] != '.');
	idn->release(ascii);
	return another;
}

int host_name_parse(const char *text, char name[NAME_SIZE], struct err *err)
{
	char ascii[NAME_SIZE + 1];
	char out[NAME_SIZE];
	const char *wrong;

	if (!is_ascii(text)) {
		int rc = to_ascii(text, ascii, sizeof(ascii), err);

		if (rc)
			return rc;
		text = ascii;
	}
	if (looks_like_address(text))
		return err_fail(err, EINVAL, "is not a host name");
	wrong = normalise(text, out);
	if (wrong)
		return err_fail(err, EINVAL, "%s; write a name such as mail.example.com", wrong);
	memcpy(name, out, sizeof(out));
	return 0;
}

static unsigned address_bits(const struct address *address)
{
	return address->family == AF_INET ? 32 : 128;
}

static bool bit_is_set(const struct address *address, unsigned bit)
{
	return address->bytes[bit / 8] >> (7 - bit % 8) & 1;
}

/* Clears the bits behind the prefix; true if any was set. */
static bool clear_host_bits(struct address *address, unsigned prefix)
{
	bool any = false;

	for (unsigned bit = prefix; bit < address_bits(address); bit++) {
		if (bit_is_set(address, bit)) {
			any = true;
			address->bytes[bit / 8] &= (unsigned char)~(1u << (7 - bit % 8));
		}
	}
	return any;
}

static int parse_prefix(const char *text, unsigned bits, unsigned *prefix)
{
	unsigned value = 0;

	if (!*text || strlen(text) > 3 || (text[0] == '0' && text[1]))
		return -EINVAL;
	for (; *text; text++) {
		if (!is_digit(*text))
			return -EINVAL;
		value = value * 10 + (unsigned)(*text - '0');
	}
	if (value > bits)
		return -EINVAL;
	*prefix = value;
	return 0;
}

static bool parse_address(const char *text, struct address *address)
{
	memset(address, 0, sizeof(*address));
	address->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	return inet_pton(address->family, text, address->bytes) == 1;
}

static bool is_mapped(const struct address *address)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

	return address->family == AF_INET6 && memcmp(address->bytes, mapped, sizeof(mapped)) == 0;
}

static int parse_network(const char *label, struct host *host, struct err *err)
{
	char text[INET6_ADDRSTRLEN + 1];
	const char *slash = strchr(label, '/');
	size_t length = slash ? (size_t)(slash - label) : strlen(label);
	struct host h = {.form = HOST_ADDRESS};

	if (length >= sizeof(text))
		return err_fail(err, EINVAL, "is not an address");
	memcpy(text, label, length);
	text[length] = '\0';
	if (!parse_address(text, &h.address))
		return err_fail(err, EINVAL,
			"is not an address; write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32, "
			"without port, brackets or zone");
	h.prefix = address_bits(&h.address);
	if (slash && parse_prefix(slash + 1, h.prefix, &h.prefix))
		return err_fail(err, EINVAL,
			"has a prefix length that is not a number from 0 to %u", h.prefix);
	if (is_mapped(&h.address))
		return err_fail(err, EINVAL, "is an IPv4 address in IPv6 form; write it as IPv4");
	if (clear_host_bits(&h.address, h.prefix)) {
		inet_ntop(h.address.family, h.address.bytes, text, sizeof(text));
		return err_fail(
			err, EINVAL, "has bits set behind the prefix; write %s/%u", text, h.prefix);
	}
	*host = h;
	return 0;
}

int host_parse(const char *label, struct host *host, struct err *err)
{
	struct host h = {.form = HOST_NAME};
	bool suffix = label[0] == '.';
	char name[NAME_SIZE];
	int rc;

	if (label[0] == '\0')
		return err_fail(err, EINVAL, "is empty; write a name, .suffix, address or network");
	if (label[0] == '*')
		return err_fail(err, EINVAL,
			"has a wildcard; write .example.com for the subdomains of example.com");
	if (strchr(label, '@'))
		return err_fail(err, EINVAL,
			"is a mail address; host sections are for servers, sender and recipient "
			"sections for the domains of addresses");
	if (label[0] == '[')
		return err_fail(err, EINVAL,
			"has brackets; write the address alone, without them and without port");
	if (!suffix && (looks_like_address(label) || strchr(label, '/')))
		return parse_network(label, host, err);
	rc = host_name_parse(label + suffix, name, err);
	if (rc)
		return rc;
	if (suffix) {
		if (strlen(name) >= NAME_SIZE - 1)
			return err_fail(err, EINVAL, "is longer than 253 characters");
		h.form = HOST_SUFFIX;
		h.name[0] = '.';
	}
	memcpy(h.name + suffix, name, strlen(name) + 1);
	*host = h;
	return 0;
}

void address_from_sockaddr(const struct sockaddr *sa, struct address *address)
{
	struct address a = {0};

	if (sa && sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)sa;

		a.family = AF_INET;
		memcpy(a.bytes, &in->sin_addr, 4);
	} else if (sa && sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

		a.family = AF_INET6;
		memcpy(a.bytes, &in6->sin6_addr, 16);
		if (is_mapped(&a)) {
			a.family = AF_INET;
			memmove(a.bytes, a.bytes + 12, 4);
			memset(a.bytes + 4, 0, 12);
		}
	}
	*address = a;
}

bool host_matches_name(const struct host *host, const char *name)
{
	size_t suffix = strlen(host->name), length = strlen(name);

	if (host->form == HOST_NAME)
		return strcmp(host->name, name) == 0;
	return host->form == HOST_SUFFIX && length > suffix &&
	       strcmp(name + length - suffix, host->name) == 0;
}

bool host_matches_address(const struct host *host, const struct address *address)
{
	unsigned whole = host->prefix / 8, rest = host->prefix % 8;

	if (host->form != HOST_ADDRESS || host->address.family != address->family)
		return false;
	if (memcmp(host->address.bytes, address->bytes, whole) != 0)
		return false;
	return rest == 0 || (host->address.bytes[whole] ^ address->bytes[whole]) >> (8 - rest) == 0;
}

unsigned host_specificity(const struct host *host)
{
	switch (host->form) {
	case HOST_NAME:
		return NAME_SIZE;
	case HOST_SUFFIX:
		return (unsigned)strlen(host->name);
	case HOST_ADDRESS:
		return host->prefix;
	}
	return 0;
}

bool host_equal(const struct host *a, const struct host *b)
{
	if (a->form != b->form)
		return false;
	if (a->form != HOST_ADDRESS)
		return strcmp(a->name, b->name) == 0;
	return a->address.family == b->address.family && a->prefix == b->prefix &&
	       memcmp(a->address.bytes, b->address.bytes, sizeof(a->address.bytes)) == 0;
}
