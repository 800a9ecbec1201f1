/*
 * reasons: OpenSSL's words for its errors, some thousands of them. It would take them in at its
 * start, a tenth of what that takes, and few processes ever need one.
 */

/* Nothing else loads them once its own loading was declined. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "shim/tls/internal.h"

#include <openssl/err.h>

#if OPENSSL_VERSION_MAJOR == 3 && !defined(OPENSSL_NO_DEPRECATED_3_0)

#include <openssl/cryptoerr_legacy.h>
#include <openssl/sslerr_legacy.h>
#include <pthread.h>

#define DECLINED (OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_NO_LOAD_SSL_STRINGS)

/* Those of providers and decoders are not to be had. */
static void take_in(void)
{
	static int (*const loads[])(void) = {ERR_load_ERR_strings, ERR_load_SSL_strings,
		ERR_load_X509_strings, ERR_load_X509V3_strings, ERR_load_PEM_strings,
		ERR_load_ASN1_strings, ERR_load_EVP_strings, ERR_load_EC_strings,
		ERR_load_RSA_strings, ERR_load_BN_strings, ERR_load_BIO_strings,
		ERR_load_BUF_strings, ERR_load_CONF_strings, ERR_load_CRYPTO_strings,
		ERR_load_OBJ_strings, ERR_load_RAND_strings};
	size_t i;

	for (i = 0; i < sizeof(loads) / sizeof(*loads); i++)
		loads[i]();
}

const char *reason_words(unsigned long error)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, take_in);
	return ERR_reason_error_string(error);
}

#else

#define DECLINED 0

const char *reason_words(unsigned long error)
{
	return ERR_reason_error_string(error);
}

#endif

/* Keys and ciphers are where providers and decoders complain to an administrator. */
uint64_t reasons_declined(const struct tls_settings *settings)
{
	return settings->client_certificate || settings->ciphers || settings->ciphersuites
		       ? 0
		       : DECLINED;
}
