#include "shim/tls/peer.h"

#include "shim/tls/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAME_MOST 300 /* octets of a subject or issuer */

/* --- one certificate --- */

static void hexadecimal(const unsigned char *bytes, char out[65])
{
	for (size_t i = 0; i < FINGERPRINT_SIZE; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void read_fingerprints(X509 *cert, struct tls_certificate *c)
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	if (X509_digest(cert, EVP_sha256(), digest, NULL) == 1)
		hexadecimal(digest, c->sha256);
	if (ASN1_item_digest(ASN1_ITEM_rptr(X509_PUBKEY), EVP_sha256(), X509_get_X509_PUBKEY(cert),
		    digest, NULL) == 1)
		hexadecimal(digest, c->public_key);
}

/* Escaped already, and cut; NULL without memory. */
static char *name_text(const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes = NULL, *out = malloc(NAME_MOST + 4);
	long n = 0;

	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
		n = BIO_get_mem_data(bio, &bytes);
	if (out) {
		size_t length = n < 0 ? 0 : n > NAME_MOST ? NAME_MOST : (size_t)n;

		for (size_t i = 0; i < length; i++)
			out[i] = bytes[i] < ' ' || bytes[i] > '~' ? '?' : bytes[i];
		snprintf(out + length, 4, "%s", n > NAME_MOST ? "..." : "");
	}
	BIO_free(bio);
	return out;
}

static void read_date(const ASN1_TIME *t, char out[24])
{
	struct tm tm;

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1 || strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		out[0] = '\0';
}

static void read_dates(const X509 *cert, struct tls_certificate *c)
{
	int days = -1, seconds = 0;

	read_date(X509_get0_notBefore(cert), c->from);
	read_date(X509_get0_notAfter(cert), c->until);
	c->started = X509_cmp_current_time(X509_get0_notBefore(cert)) < 0;
	c->days_left = -1;
	if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)) == 1)
		c->days_left = days - (seconds < 0);
}

static void read_key(const X509 *cert, struct tls_certificate *c)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	const char *type = key ? EVP_PKEY_get0_type_name(key) : NULL;
	char group[32] = "";

	if (!key) {
		snprintf(c->key, sizeof(c->key), "of an unknown kind");
		return;
	}
	EVP_PKEY_get_group_name(key, group, sizeof(group), NULL);
	snprintf(c->key, sizeof(c->key), "%.16s%s%.24s %d bits", type ? type : "unknown",
		*group ? " " : "", group, EVP_PKEY_get_bits(key));
}

static void read_signature(const X509 *cert, struct tls_certificate *c)
{
	const char *name = OBJ_nid2ln(X509_get_signature_nid(cert));

	snprintf(c->signature, sizeof(c->signature), "%s", name ? name : "unknown");
}

static bool name_words(const GENERAL_NAME *name, char *out, size_t size)
{
	const ASN1_STRING *s;
	int type, length;

	s = GENERAL_NAME_get0_value(name, &type);
	length = type == GEN_DNS || type == GEN_IPADD ? ASN1_STRING_length(s) : 0;
	*out = '\0';
	if (type == GEN_DNS)
		facts_add_text(out, size, (const char *)ASN1_STRING_get0_data(s), (size_t)length);
	else if (type == GEN_IPADD && (length == 4 || length == 16))
		inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(s), out,
			(socklen_t)size);
	return *out;
}

static int read_names(const X509 *cert, struct tls_certificate *c)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	int rc = 0, n = names ? sk_GENERAL_NAME_num(names) : 0;
	char text[256];

	c->names = n > 0 ? calloc(TLS_PEER_NAMES, sizeof(*c->names)) : NULL;
	if (n > 0 && !c->names)
		rc = -ENOMEM;
	for (int i = 0; i < n && rc == 0; i++) {
		if (!name_words(sk_GENERAL_NAME_value(names, i), text, sizeof(text)))
			continue;
		c->names_in_total++;
		if (c->name_count == TLS_PEER_NAMES)
			continue;
		c->names[c->name_count] = strdup(text);
		if (!c->names[c->name_count])
			rc = -ENOMEM;
		else
			c->name_count++;
	}
	GENERAL_NAMES_free(names);
	return rc;
}

int peer_certificate(X509 *cert, struct tls_certificate *c)
{
	read_dates(cert, c);
	read_key(cert, c);
	read_signature(cert, c);
	read_fingerprints(cert, c);
	c->subject = name_text(X509_get_subject_name(cert));
	c->issuer = name_text(X509_get_issuer_name(cert));
	return c->subject && c->issuer ? read_names(cert, c) : -ENOMEM;
}

/* --- the chain --- */

static bool is_among(const STACK_OF(X509) * chain, const X509 *cert)
{
	for (int i = 0; i < sk_X509_num(chain); i++) {
		if (X509_cmp(sk_X509_value(chain, i), cert) == 0)
			return true;
	}
	return false;
}

static int read_chain(const struct tls *tls, struct tls_peer *peer)
{
	STACK_OF(X509) *sent = SSL_get_peer_cert_chain(tls->ssl), *used = NULL;
	int rc = 0, n = sk_X509_num(sent) > 0 ? sk_X509_num(sent) : 0, more = 0;

	/* where chain and dates decided, and were good */
	if (tls->facts.verified && !tls->fingerprint_count)
		used = SSL_get0_verified_chain(tls->ssl);
	if (used)
		more = sk_X509_num(used) > 0 ? sk_X509_num(used) : 0;
	peer->chain = calloc((size_t)n + (size_t)more + 1, sizeof(*peer->chain));
	if (!peer->chain)
		return -ENOMEM;
	for (int i = 0; i < n + more && rc == 0; i++) {
		X509 *cert = sk_X509_value(i < n ? sent : used, i < n ? i : i - n);
		struct tls_certificate *c = &peer->chain[peer->count];

		if (i >= n && is_among(sent, cert))
			continue;
		c->sent = i < n;
		c->used = i >= n || (used && is_among(used, cert));
		peer->count++;
		rc = peer_certificate(cert, c);
	}
	return rc;
}

/* --- the handshake --- */

static void read_key_exchange(const struct tls *tls, struct tls_peer *peer)
{
	SSL *ssl = tls->ssl;
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
	int group = (int)SSL_get_negotiated_group(ssl);
	const char *name = group > 0 ? SSL_group_to_name(ssl, group) : NULL;
	EVP_PKEY *key = NULL;

	if (name) {
		snprintf(peer->key_exchange, sizeof(peer->key_exchange), "%s", name);
	} else if (SSL_get_peer_tmp_key(ssl, &key) == 1 && key) {
		snprintf(peer->key_exchange, sizeof(peer->key_exchange), "%.16s %d bits",
			EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
	} else if (cipher && SSL_CIPHER_get_kx_nid(cipher) == NID_kx_rsa) {
		snprintf(
			peer->key_exchange, sizeof(peer->key_exchange), "RSA (no forward secrecy)");
	}
	EVP_PKEY_free(key);
}

static const char *signature_name(int type)
{
	switch (type) {
	case EVP_PKEY_RSA:
		return "RSA PKCS#1";
	case EVP_PKEY_RSA_PSS:
		return "RSA-PSS";
	case EVP_PKEY_EC:
		return "ECDSA";
	}
	return OBJ_nid2sn(type);
}

static void read_handshake_signature(const struct tls *tls, struct tls_peer *peer)
{
	int type = NID_undef, digest = NID_undef;

	if (SSL_get_peer_signature_type_nid(tls->ssl, &type) != 1 || type == NID_undef)
		return;
	if (SSL_get_peer_signature_nid(tls->ssl, &digest) != 1)
		digest = NID_undef;
	snprintf(peer->signature, sizeof(peer->signature), "%.30s%s%.20s", signature_name(type),
		digest == NID_undef ? "" : " with ", digest == NID_undef ? "" : OBJ_nid2sn(digest));
}

int tls_peer_read(const struct tls *tls, struct tls_peer *peer)
{
	int rc;

	ERR_clear_error();
	read_key_exchange(tls, peer);
	read_handshake_signature(tls, peer);
	rc = read_chain(tls, peer);
	ERR_clear_error();
	return rc;
}

void peer_certificate_clear(struct tls_certificate *c)
{
	for (unsigned i = 0; i < c->name_count; i++)
		free(c->names[i]);
	free(c->names);
	free(c->subject);
	free(c->issuer);
}

void tls_peer_clear(struct tls_peer *peer)
{
	for (unsigned i = 0; i < peer->count; i++)
		peer_certificate_clear(&peer->chain[i]);
	free(peer->chain);
	*peer = (struct tls_peer){0};
}

unsigned tls_tickets(const struct tls *tls)
{
	return tls->resumption.tickets;
}

const char *tls_authorities(void)
{
	return X509_get_default_cert_dir();
}
