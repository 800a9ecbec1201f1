#include "config/pem.h"

#include "config/file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT (8u << 20)

/* The frames that OpenSSL reads as certificates (X509_STORE_load_locations). */
static const char *const certificates[] = {
	"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE", NULL};

/* Those that it reads as private keys (PEM_read_bio_PrivateKey). */
static const char *const keys[] = {
	"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY", NULL};

static int base64_value(char c)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c ? strchr(alphabet, c) : NULL;

	return found ? (int)(found - alphabet) : -1;
}

/* What is needed of the decoded bytes: the first ones and how many there are. */
struct der {
	unsigned char head[8];
	size_t length;
};

static bool decode(const char *text, size_t length, struct der *der)
{
	uint32_t bits = 0;
	unsigned count = 0;

	for (size_t i = 0; i < length; i++) {
		int value = base64_value(text[i]);

		if (value < 0 && (text[i] == '=' || strchr(" \t\r\n", text[i]) != NULL) && text[i])
			continue;
		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		if (++count % 4 == 1)
			continue;
		if (der->length < sizeof(der->head))
			der->head[der->length] =
				(unsigned char)(bits >> (6 - 2 * ((count - 1) % 4)));
		der->length++;
	}
	return true;
}

/* A SEQUENCE whose length fits into what is there (X.690 8.1.3). A trusted certificate has more
 * behind it. */
static bool is_sequence(const struct der *der)
{
	unsigned bytes = der->head[1] & 0x7f;
	size_t length = 0;

	if (der->length < 8 || der->head[0] != 0x30)
		return false;
	if (!(der->head[1] & 0x80))
		return bytes + 2u <= der->length;
	if (bytes == 0 || bytes > 4)
		return false;
	for (unsigned i = 0; i < bytes; i++)
		length = length << 8 | der->head[2 + i];
	return length + 2 + bytes <= der->length;
}

/* Finds `what` in text that ends at `end`. */
static const char *find(const char *text, const char *end, const char *what, size_t size)
{
	return text < end ? memmem(text, (size_t)(end - text), what, size) : NULL;
}

/* If a frame of one of `labels` (NULL-terminated) begins at `text`: its label, else NULL. */
static const char *frame_label(
	const char *const *labels, const char *text, const char *end, size_t *size)
{
	for (size_t i = 0; labels[i]; i++) {
		*size = strlen(labels[i]);
		if ((size_t)(end - text) > *size + 5 && memcmp(text, labels[i], *size) == 0 &&
			memcmp(text + *size, "-----", 5) == 0)
			return labels[i];
	}
	return NULL;
}

/* One frame whose label begins at `text`. Returns the place behind it, or NULL. */
static const char *check_frame(const char *text, const char *end, const char *label, size_t size)
{
	const char *body = text + size + 5;
	const char *stop = find(body, end, "-----END ", 9);
	struct der der = {0};

	if (!stop || (size_t)(end - stop) < 9 + size + 5 || memcmp(stop + 9, label, size) != 0 ||
		memcmp(stop + 9 + size, "-----", 5) != 0)
		return NULL;
	if (!decode(body, (size_t)(stop - body), &der) || !is_sequence(&der))
		return NULL;
	return stop + 9 + size + 5;
}

static const char begin[] = "-----BEGIN ";

int pem_check(const char *text, size_t length, struct err *err)
{
	const char *end = text + length;
	unsigned count = 0;

	while ((text = find(text, end, begin, sizeof(begin) - 1))) {
		const char *label;
		size_t size;

		text += sizeof(begin) - 1;
		label = frame_label(certificates, text, end, &size);
		if (!label)
			continue;
		text = check_frame(text, end, label, size);
		count++;
		if (!text)
			return err_fail(err, EINVAL, "certificate %u in it is damaged", count);
	}
	if (count == 0)
		return err_fail(err, EINVAL, "no certificate in PEM form in it");
	return 0;
}

/* The older form says so in a header, the newer in its label. */
static bool is_encrypted(const char *text, size_t length)
{
	static const char label[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----",
			  header[] = ",ENCRYPTED";

	return memmem(text, length, label, sizeof(label) - 1) ||
	       memmem(text, length, header, sizeof(header) - 1);
}

int pem_check_key(const char *text, size_t length, struct err *err)
{
	const char *start = text, *end = text + length;

	while ((text = find(text, end, begin, sizeof(begin) - 1))) {
		const char *label;
		size_t size;

		text += sizeof(begin) - 1;
		label = frame_label(keys, text, end, &size);
		if (!label)
			continue;
		if (check_frame(text, end, label, size))
			return 0;
		if (!is_encrypted(start, length))
			return err_fail(err, EINVAL, "the private key in it is damaged");
	}
	if (is_encrypted(start, length))
		return err_fail(err, EINVAL,
			"the private key in it is encrypted, and nobody is there to give the "
			"passphrase");
	return err_fail(err, EINVAL, "no private key in PEM form in it");
}

static int check_file(const char *path,
	int (*check)(const char *text, size_t length, struct err *err), struct err *err)
{
	char *text;
	size_t length;
	int rc = file_read(path, FILE_LIMIT, &text, &length, NULL, err);

	if (rc)
		return rc;
	rc = check(text, length, err);
	explicit_bzero(text, length);
	free(text);
	return rc;
}

int pem_check_file(const char *path, struct err *err)
{
	return check_file(path, pem_check, err);
}

int pem_check_key_file(const char *path, struct err *err)
{
	return check_file(path, pem_check_key, err);
}
