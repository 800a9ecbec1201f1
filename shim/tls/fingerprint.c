/*
 * fingerprint: compares what the server showed with what the administrator wrote down: SHA-256 of
 * the certificate, or of its SubjectPublicKeyInfo (RFC 7469 2.4), which outlives renewals.
 */
#include "shim/tls/internal.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool decode(const char *hex, unsigned char out[FINGERPRINT_SIZE])
{
	size_t i;

	for (i = 0; i < FINGERPRINT_SIZE; i++) {
		int high = nibble(hex[2 * i]), low = high < 0 ? -1 : nibble(hex[2 * i + 1]);

		if (low < 0)
			return false;
		out[i] = (unsigned char)(high << 4 | low);
	}
	return hex[2 * FINGERPRINT_SIZE] == '\0';
}

static void encode(const unsigned char bytes[FINGERPRINT_SIZE], char out[2 * FINGERPRINT_SIZE + 1])
{
	size_t i;

	for (i = 0; i < FINGERPRINT_SIZE; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

int fingerprints_copy(struct tls *tls, const char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	if (n == 0)
		return 0;
	tls->fingerprints = calloc(n, FINGERPRINT_SIZE);
	if (!tls->fingerprints)
		return -ENOMEM;
	for (; tls->fingerprint_count < n; tls->fingerprint_count++)
		if (!decode(list[tls->fingerprint_count],
			    tls->fingerprints[tls->fingerprint_count]))
			return -EINVAL;
	return 0;
}

static bool is_among(const struct tls *tls, const unsigned char digest[FINGERPRINT_SIZE])
{
	size_t i;

	for (i = 0; i < tls->fingerprint_count; i++)
		if (memcmp(tls->fingerprints[i], digest, FINGERPRINT_SIZE) == 0)
			return true;
	return false;
}

bool fingerprints_match(struct tls *tls, X509 *cert)
{
	unsigned char whole[EVP_MAX_MD_SIZE], key[EVP_MAX_MD_SIZE];
	char whole_hex[2 * FINGERPRINT_SIZE + 1], key_hex[2 * FINGERPRINT_SIZE + 1];

	if (X509_digest(cert, EVP_sha256(), whole, NULL) != 1 ||
		ASN1_item_digest(ASN1_ITEM_rptr(X509_PUBKEY), EVP_sha256(),
			X509_get_X509_PUBKEY(cert), key, NULL) != 1) {
		snprintf(tls->facts.reason, sizeof(tls->facts.reason),
			"the certificate's fingerprint cannot be computed");
		return false;
	}
	if (is_among(tls, whole) || is_among(tls, key))
		return true;
	encode(whole, whole_hex);
	encode(key, key_hex);
	snprintf(tls->facts.reason, sizeof(tls->facts.reason),
		"fingerprint mismatch: certificate has sha256:%s, public key sha256:%s", whole_hex,
		key_hex);
	return false;
}
