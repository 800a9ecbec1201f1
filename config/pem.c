#include "config/pem.h"

#include "config/file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CA_FILE_LIMIT (8u << 20)

/* The frames that OpenSSL reads as certificates (X509_STORE_load_locations). */
static const char *const labels[] = {"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"};

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

/* If a frame of a certificate begins at `text`: its label, else NULL. */
static const char *frame_label(const char *text, const char *end, size_t *size)
{
	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++) {
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

int pem_check(const char *text, size_t length, struct err *err)
{
	static const char begin[] = "-----BEGIN ";
	const char *end = text + length;
	unsigned count = 0;

	while ((text = find(text, end, begin, sizeof(begin) - 1))) {
		const char *label;
		size_t size;

		text += sizeof(begin) - 1;
		label = frame_label(text, end, &size);
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

int pem_check_file(const char *path, struct err *err)
{
	char *text;
	size_t length;
	int rc = file_read(path, CA_FILE_LIMIT, &text, &length, NULL, err);

	if (rc)
		return rc;
	rc = pem_check(text, length, err);
	free(text);
	return rc;
}
