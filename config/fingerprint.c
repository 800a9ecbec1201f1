#include "config/fingerprint.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define MAKE "make one with: openssl x509 -in FILE -noout -fingerprint -sha256"

/* Behind the name of a digest, if `text` begins with it, "sha256:" or "SHA256 Fingerprint="; else
 * NULL. */
static const char *behind(const char *text, const char *digest)
{
	static const char fingerprint[] = " fingerprint=";
	size_t length = strlen(digest);

	if (strncasecmp(text, digest, length) != 0)
		return NULL;
	text += length;
	if (*text == ':')
		return text + 1;
	if (strncasecmp(text, fingerprint, sizeof(fingerprint) - 1) == 0)
		return text + sizeof(fingerprint) - 1;
	return NULL;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c;
	if (c >= 'a' && c <= 'f')
		return c;
	return c >= 'A' && c <= 'F' ? c - 'A' + 'a' : -1;
}

/* Counts the digits and keeps those there is room for. False where anything else stands in it. */
static bool take_digits(const char *text, char digits[FINGERPRINT_SIZE], size_t *count)
{
	for (*count = 0; *text; text++) {
		int d = digit(*text);

		if (*text == ':' && *count > 0 && *count % 2 == 0 && digit(text[1]) >= 0)
			continue;
		if (d < 0)
			return false;
		if (*count < FINGERPRINT_DIGITS)
			digits[*count] = (char)d;
		++*count;
	}
	return true;
}

/* 32 bytes are 43 characters and one '='. */
static bool looks_like_base64(const char *text)
{
	size_t length =
		strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_");

	return length == 43 && (text[length] == '\0' || strcmp(text + length, "=") == 0);
}

static int fail_other_digest(const char *digest, struct err *err)
{
	return err_fail(err, EINVAL, "is an %s fingerprint; only SHA-256 counts: " MAKE, digest);
}

int fingerprint_parse(const char *text, char digits[FINGERPRINT_SIZE], struct err *err)
{
	const char *start = behind(text, "sha256");
	char out[FINGERPRINT_SIZE] = "";
	size_t count;
	bool hexadecimal;

	if (!start)
		start = text;
	hexadecimal = take_digits(start, out, &count);
	if (behind(text, "sha1") || (hexadecimal && count == 40))
		return fail_other_digest("SHA-1", err);
	if (behind(text, "md5") || (hexadecimal && count == 32))
		return fail_other_digest("MD5", err);
	if (looks_like_base64(start))
		return err_fail(
			err, EINVAL, "\"%.60s\" is base64; write it in hexadecimal, " MAKE, text);
	if (!hexadecimal)
		return err_fail(err, EINVAL,
			"\"%.120s\" is not a SHA-256 in hexadecimal digits; " MAKE, text);
	if (count != FINGERPRINT_DIGITS)
		return err_fail(err, EINVAL, "has %zu digits, and a SHA-256 has %d; " MAKE, count,
			FINGERPRINT_DIGITS);
	memcpy(digits, out, sizeof(out));
	return 0;
}
