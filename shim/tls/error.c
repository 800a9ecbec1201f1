/*
 * error: the one place that translates OpenSSL's errors into errno and words.
 */
#include "shim/tls/internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static void words_for(unsigned long e, char *out, size_t size)
{
	int reason = ERR_GET_REASON(e);
	const char *text;

	if (ERR_SYSTEM_ERROR(e)) {
		snprintf(out, size, "%s", strerror(reason));
	} else if (ERR_GET_LIB(e) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET) {
		snprintf(out, size, "the server sent alert: %s",
			SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
	} else if (ERR_GET_LIB(e) == ERR_LIB_SSL &&
		   (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_VERSION_TOO_LOW)) {
		snprintf(out, size, "no TLS version in common with the server");
	} else if (ERR_GET_LIB(e) == ERR_LIB_SSL && reason == SSL_R_WRONG_VERSION_NUMBER) {
		snprintf(out, size, "what the server sent is not TLS");
	} else {
		text = reason_words(e);
		snprintf(out, size, "%s", text ? text : "unknown error of OpenSSL");
	}
}

void tls_error_words(char *out, size_t size)
{
	words_for(ERR_peek_last_error(), out, size);
	ERR_clear_error();
}

static int broken(struct tls *tls, int code, struct err *err, const char *words)
{
	tls->broken = true;
	if (code == EPROTO)
		resume_forget(tls);
	ERR_clear_error();
	return err_fail(err, code, "%s", words);
}

static int wants(short *want, short direction)
{
	*want = direction;
	ERR_clear_error();
	return -EAGAIN;
}

static int lost(struct tls *tls, struct err *err)
{
	int error = tls->wire.error;

	if (error == EMSGSIZE)
		return broken(
			tls, EPROTO, err, "the server floods with TLS records that hold no data");
	return broken(
		tls, ECONNRESET, err, error ? strerror(error) : "the server closed the connection");
}

static int ssl_failed(struct tls *tls, struct err *err)
{
	unsigned long e = ERR_peek_last_error();
	char words[256];

	if (ERR_GET_LIB(e) == ERR_LIB_SSL &&
		ERR_GET_REASON(e) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return lost(tls, err);
	words_for(e, words, sizeof(words));
	return broken(tls, EPROTO, err, words);
}

static int residue_found(struct tls *tls, struct err *err)
{
	if (tls->wire.residue == RESIDUE_CLEARTEXT)
		return broken(tls, EBADMSG, err, "cleartext after the reply to STARTTLS");
	return broken(tls, EPROTO, err, "what the server sent is not TLS");
}

int tls_error(struct tls *tls, int result, short *want, struct err *err)
{
	if (tls->wire.residue != RESIDUE_NONE)
		return residue_found(tls, err);
	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return wants(want, POLLIN);
	case SSL_ERROR_WANT_WRITE:
		return wants(want, POLLOUT);
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		return lost(tls, err);
	case SSL_ERROR_SSL:
		return ssl_failed(tls, err);
	}
	return broken(tls, EPROTO, err, "OpenSSL asks for what a client has not");
}
