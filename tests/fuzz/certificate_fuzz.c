/* What is told of a certificate: whatever OpenSSL takes for one, what is shown is printable and bounded. */
#include "shim/tls/internal.h"
#include "shim/tls/peer.h"

#include <openssl/err.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_plain(const char *text, size_t most)
{
	size_t n = strlen(text);

	if (n > most)
		abort();
	for (size_t i = 0; i < n; i++)
		if (text[i] < ' ' || text[i] > '~')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_certificate c = {0};
	const unsigned char *at = data;
	X509 *cert = d2i_X509(NULL, &at, (long)size);

	if (cert && peer_certificate(cert, &c) == 0) {
		must_be_plain(c.subject, 303);
		must_be_plain(c.issuer, 303);
		must_be_plain(c.key, sizeof(c.key) - 1);
		must_be_plain(c.from, sizeof(c.from) - 1);
		must_be_plain(c.until, sizeof(c.until) - 1);
		for (unsigned i = 0; i < c.name_count; i++)
			must_be_plain(c.names[i], 255);
		if (c.name_count > TLS_PEER_NAMES || c.name_count > c.names_in_total)
			abort();
	}
	peer_certificate_clear(&c);
	X509_free(cert);
	ERR_clear_error();
	return 0;
}
