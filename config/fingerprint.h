/*
 * fingerprint: the SHA-256 of a certificate or public key, as people and tools write it.
 */
#ifndef MAILSEAL_CONFIG_FINGERPRINT_H
#define MAILSEAL_CONFIG_FINGERPRINT_H

#include "shim/base/err.h"

#define FINGERPRINT_DIGITS 64
#define FINGERPRINT_SIZE (FINGERPRINT_DIGITS + 1)

/*
 * Takes hexadecimal digits in any case, with or without a colon between each two, and "sha256:" or
 * "SHA256 Fingerprint=" (openssl-x509(1)) before them; gives the digits in lower case. 0, or
 * -EINVAL with err telling what it is instead and what to do.
 */
int fingerprint_parse(const char *text, char digits[FINGERPRINT_SIZE], struct err *err);

#endif
