/*
 * facts: what the handshake showed about the peer, in words for replies and log.
 * Verification is chain, dates and purpose by OpenSSL, and the name by subjectAltName alone (RFC
 * 9525); or, where the administrator gave fingerprints, those alone. Text from certificates is a
 * stranger's: only harmless printable characters of it are passed on.
 */
#include "shim/tls/internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define HOST_FLAGS (X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)

/* Appends as much of `n` bytes as fits; what is not plain becomes '?'. */
void facts_add_text(char *out, size_t size, const char *bytes, size_t n)
{
	size_t at = strlen(out), i;

	for (i = 0; i < n && at + 1 < size; i++, at++) {
		unsigned char c = (unsigned char)bytes[i];
		out[at] = c < 0x20 || c > 0x7e || c == '"' || c == '\\' ? '?' : (char)c;
	}
	out[at] = '\0';
}

void date_words(const ASN1_TIME *t, char *out, size_t size)
{
	struct tm tm;

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1 || strftime(out, size, "%Y-%m-%d", &tm) == 0)
		snprintf(out, size, "at an unreadable date");
}

/* The name of an authority: common name, else organisation. */
static void authority_name(const X509_NAME *name, char *out, size_t size)
{
	static const int parts[] = {
		NID_commonName, NID_organizationName, NID_organizationalUnitName};
	size_t i;

	out[0] = '\0';
	for (i = 0; name && i < sizeof(parts) / sizeof(*parts); i++) {
		int at = X509_NAME_get_index_by_NID(name, parts[i], -1);
		const ASN1_STRING *s;

		if (at < 0)
			continue;
		s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
		facts_add_text(out, size, (const char *)ASN1_STRING_get0_data(s),
			(size_t)ASN1_STRING_length(s));
		return;
	}
	snprintf(out, size, "without a name");
}

static void unknown_authority(const X509_NAME *name, char *out, size_t size)
{
	char who[80];

	authority_name(name, who, sizeof(who));
	snprintf(out, size, "unknown authority: %s", who);
}

static void fault_words(X509_STORE_CTX *store, struct chain_fault *f)
{
	X509 *cert = X509_STORE_CTX_get_current_cert(store);
	const char *whose = f->depth > 0 ? "authority's certificate " : "";
	char date[32];

	switch (f->code) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		date_words(cert ? X509_get0_notAfter(cert) : NULL, date, sizeof(date));
		snprintf(f->words, sizeof(f->words), "%sexpired %s", whose, date);
		return;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		date_words(cert ? X509_get0_notBefore(cert) : NULL, date, sizeof(date));
		snprintf(f->words, sizeof(f->words), "%snot valid before %s", whose, date);
		return;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		snprintf(f->words, sizeof(f->words), "self-signed certificate");
		return;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		unknown_authority(
			cert ? X509_get_subject_name(cert) : NULL, f->words, sizeof(f->words));
		return;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		unknown_authority(
			cert ? X509_get_issuer_name(cert) : NULL, f->words, sizeof(f->words));
		return;
	}
	snprintf(f->words, sizeof(f->words), "%s%s", whose, X509_verify_cert_error_string(f->code));
}

/* Notes the first fault and lets OpenSSL stop there: one fault is enough, and SSL_VERIFY_NONE goes
 * on all the same. */
int facts_verify_callback(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *tls = ssl ? SSL_get_app_data(ssl) : NULL;

	if (!ok && tls && tls->fault.code == X509_V_OK) {
		tls->fault.code = X509_STORE_CTX_get_error(store);
		tls->fault.depth = X509_STORE_CTX_get_error_depth(store);
		fault_words(store, &tls->fault);
	}
	return ok;
}

/* An address as certificates carry it: 4 or 16 bytes; v4-mapped is IPv4. 0 if it is none. */
static size_t address_bytes(const struct sockaddr_storage *ss, unsigned char *out)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;

	if (ss->ss_family == AF_INET) {
		memcpy(out, &in->sin_addr, 4);
		return 4;
	}
	if (ss->ss_family != AF_INET6)
		return 0;
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		memcpy(out, in6->sin6_addr.s6_addr + 12, 4);
		return 4;
	}
	memcpy(out, &in6->sin6_addr, 16);
	return 16;
}

static bool matches_address(X509 *cert, const struct sockaddr_storage *address)
{
	unsigned char bytes[16];
	size_t n = address_bytes(address, bytes);

	return n && X509_check_ip(cert, bytes, n, 0) == 1;
}

/* An address literal among the names is compared as an address. A leading dot would mean "any
 * subdomain" to OpenSSL. */
static bool matches_name(X509 *cert, const char *name)
{
	unsigned char bytes[16];

	if (inet_pton(AF_INET, name, bytes) == 1)
		return X509_check_ip(cert, bytes, 4, 0) == 1;
	if (inet_pton(AF_INET6, name, bytes) == 1)
		return X509_check_ip(cert, bytes, 16, 0) == 1;
	if (!*name || *name == '.')
		return false;
	return X509_check_host(cert, name, 0, HOST_FLAGS, NULL) == 1;
}

/* The name that stands against verification, or NULL if all that must match do. */
static const char *failing_name(const struct tls *tls, X509 *cert)
{
	unsigned i;

	for (i = 0; i < tls->name_count; i++) {
		bool good = matches_name(cert, tls->names[i]);

		if (good && tls->any_name)
			return NULL;
		if (!good && !tls->any_name)
			return tls->names[i];
	}
	return tls->any_name ? tls->names[0] : NULL;
}

static void add_san(char *out, size_t size, const GENERAL_NAME *name)
{
	char text[INET6_ADDRSTRLEN] = "";
	const ASN1_STRING *s;
	int type;

	s = GENERAL_NAME_get0_value(name, &type);
	if (type == GEN_DNS) {
		facts_add_text(out, size, *out ? ", " : "", *out ? 2 : 0);
		facts_add_text(out, size, (const char *)ASN1_STRING_get0_data(s),
			(size_t)ASN1_STRING_length(s));
	} else if (type == GEN_IPADD &&
		   (ASN1_STRING_length(s) == 4 || ASN1_STRING_length(s) == 16)) {
		inet_ntop(ASN1_STRING_length(s) == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(s),
			text, sizeof(text));
		facts_add_text(out, size, *out ? ", " : "", *out ? 2 : 0);
		facts_add_text(out, size, text, strlen(text));
	}
}

static void mismatch_words(struct tls *tls, X509 *cert, const char *failing)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	char *out = tls->facts.reason, list[160] = "";
	size_t size = sizeof(tls->facts.reason);
	int i;

	for (i = 0; names && i < sk_GENERAL_NAME_num(names); i++)
		add_san(list, sizeof(list), sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
	if (*list)
		snprintf(out, size, "name mismatch: certificate is for %s", list);
	else
		snprintf(out, size,
			"name mismatch: certificate has no subjectAltName (a common name does not "
			"count)");
	if (failing && tls->name_count > 1 && !tls->any_name) {
		facts_add_text(out, size, ", not for ", 10);
		facts_add_text(out, size, failing, strlen(failing));
	}
}

bool facts_names_match(struct tls *tls, X509 *cert)
{
	const char *failing = NULL;

	if (tls->name_count == 0 && matches_address(cert, &tls->address))
		return true;
	if (tls->name_count > 0) {
		failing = failing_name(tls, cert);
		if (!failing)
			return true;
	}
	mismatch_words(tls, cert, failing);
	return false;
}

static bool chain_is_good(struct tls *tls)
{
	long result = SSL_get_verify_result(tls->ssl);
	char *out = tls->facts.reason;
	size_t size = sizeof(tls->facts.reason);

	if (result == X509_V_OK && tls->fault.code == X509_V_OK)
		return true;
	if (*tls->fault.words)
		snprintf(out, size, "%s", tls->fault.words);
	else
		snprintf(out, size, "%s", X509_verify_cert_error_string(result));
	return false;
}

static int version_number(int protocol)
{
	switch (protocol) {
	case TLS1_VERSION:
		return 10;
	case TLS1_1_VERSION:
		return 11;
	case TLS1_2_VERSION:
		return 12;
	case TLS1_3_VERSION:
		return 13;
	}
	return 0;
}

void facts_record(struct tls *tls)
{
	struct tls_facts *f = &tls->facts;
	X509 *cert = SSL_get0_peer_certificate(tls->ssl);

	*f = (struct tls_facts){.version = version_number(SSL_version(tls->ssl))};
	snprintf(f->protocol, sizeof(f->protocol), "%s", SSL_get_version(tls->ssl));
	snprintf(f->cipher, sizeof(f->cipher), "%s", SSL_get_cipher_name(tls->ssl));
	if (resume_facts(tls))
		return;
	if (!cert)
		snprintf(f->reason, sizeof(f->reason), "the server showed no certificate");
	else if (tls->fingerprint_count)
		f->verified = fingerprints_match(tls, cert);
	else
		f->verified = chain_is_good(tls) && facts_names_match(tls, cert);
}
