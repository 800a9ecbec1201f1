/*
 * pem: tells whether a file can hold certificates, or a private key, at all, so that a wrong one is
 * found when the configuration is read. It looks at the PEM frame (RFC 7468) and the outermost DER
 * length, and leaves what is inside to the TLS library.
 */
#ifndef MAILSEAL_CONFIG_PEM_H
#define MAILSEAL_CONFIG_PEM_H

#include "shim/base/err.h"

#include <stddef.h>

/* Reads at most 8 MB. 0, or -errno, -EINVAL with err telling what is wrong with the file. */
int pem_check_file(const char *path, struct err *err);

/* The certificates in `text` must be at least one and all well framed. 0 or -EINVAL with err. */
int pem_check(const char *text, size_t length, struct err *err);

/* The same for a private key: the first must be well framed, and without a passphrase. */
int pem_check_key_file(const char *path, struct err *err);
int pem_check_key(const char *text, size_t length, struct err *err);

#endif
