/*
 * resume: which session is offered, which is kept, and what a resumed connection shows of the
 * server. No handshake proves more than the full one that it descends from: the facts of that one
 * and its time are handed down from session to session.
 */
#include "shim/tls/internal.h"

#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define AGE_MAX 3600	/* seconds since the full handshake: a withdrawn trust counts by then */
#define TICKETS_MAX 8	/* kept of one connection; OpenSSL's servers give two */
#define TICKET_MAX 4096 /* octets; a server may put the client's chain into it */
#define CHAIN_MAX 16384 /* octets of the server's certificates, which the session holds */

/* --- the key --- */

/* Each part with its length before it, so that no two lists of parts look the same. */
static bool add(EVP_MD_CTX *md, const void *bytes, size_t n)
{
	uint64_t length = n;

	return EVP_DigestUpdate(md, &length, sizeof(length)) == 1 &&
	       EVP_DigestUpdate(md, bytes, n) == 1;
}

static bool add_number(EVP_MD_CTX *md, uint64_t number)
{
	return EVP_DigestUpdate(md, &number, sizeof(number)) == 1;
}

static bool add_text(EVP_MD_CTX *md, const char *text)
{
	return add_number(md, text != NULL) && (!text || add(md, text, strlen(text)));
}

/* The port says nothing about a certificate, and padding says nothing at all. */
static bool add_address(EVP_MD_CTX *md, const struct sockaddr_storage *ss)
{
	const struct sockaddr_in *in = (const void *)ss;
	const struct sockaddr_in6 *in6 = (const void *)ss;

	if (!add_number(md, ss->ss_family))
		return false;
	if (ss->ss_family == AF_INET)
		return add(md, &in->sin_addr, sizeof(in->sin_addr));
	return ss->ss_family != AF_INET6 || add(md, &in6->sin6_addr, sizeof(in6->sin6_addr));
}

static bool add_identity(EVP_MD_CTX *md, const struct tls *tls)
{
	bool good = add_text(md, tls->servername) && add_number(md, tls->any_name) &&
		    add_number(md, tls->name_count) &&
		    add(md, tls->fingerprints, tls->fingerprint_count * FINGERPRINT_SIZE) &&
		    add_address(md, &tls->address);
	unsigned i;

	for (i = 0; i < tls->name_count && good; i++)
		good = add_text(md, tls->names[i]);
	return good;
}

static bool make_key(
	const struct tls *tls, const struct tls_resumption *r, struct tls_session_key *key)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool good = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
		    add_number(md, tls->context->serial) && add(md, r->scope, r->scope_length) &&
		    add_identity(md, tls) && EVP_DigestFinal_ex(md, key->digest, NULL) == 1;

	EVP_MD_CTX_free(md);
	return good;
}

/* --- a session outlives its connection --- */

/* OpenSSL marks the session of a connection that ends badly, or that it merely frees, as not
 * resumable; what became of it is ours to judge, and a copy is no other thread's either. */
static void put_copy(struct tls *tls, SSL_SESSION *session, const struct origin *origin,
	bool verified, const char *reason, int64_t since)
{
	struct kept k = {.session = SSL_SESSION_dup(session),
		.origin = *origin,
		.verified = verified,
		.reason = reason && *reason ? strdup(reason) : NULL,
		.since = since,
		.octets = origin->octets + TICKET_MAX / 4};

	if (k.session && (k.reason || !reason || !*reason))
		sessions_put(tls->resumption.sessions, &tls->resumption.key, &k);
	else
		kept_clear(&k);
}

/* --- offering --- */

static int version_of(const SSL_SESSION *session)
{
	switch (SSL_SESSION_get_protocol_version(session)) {
	case TLS1_2_VERSION:
		return 12;
	case TLS1_3_VERSION:
		return 13;
	}
	return 0; /* older ones are not kept */
}

static bool is_recent(const struct kept *k, const struct moment *now)
{
	int64_t hint = (int64_t)SSL_SESSION_get_ticket_lifetime_hint(k->session);
	int64_t age = now->boot - k->origin.born, held = now->boot - k->since;

	return age >= 0 && age < AGE_MAX && held >= 0 && (hint == 0 || held < hint);
}

/* The certificate as it is judged today. Dates count neither for a fingerprint nor where the
 * certificate was not good in the first place. */
static bool still_verified(struct tls *tls, const struct kept *k, const struct moment *now)
{
	X509 *cert = SSL_SESSION_get0_peer(k->session);

	if (!cert)
		return false;
	if (tls->fingerprint_count)
		return fingerprints_match(tls, cert);
	return now->wall >= k->origin.from && now->wall <= k->origin.until &&
	       facts_names_match(tls, cert);
}

static bool may_be_offered(struct tls *tls, const struct tls_resumption *r, const struct kept *k)
{
	struct moment now;

	sessions_now(r->sessions, &now);
	if (!is_recent(k, &now) || version_of(k->session) < r->min_version ||
		SSL_SESSION_is_resumable(k->session) != 1)
		return false;
	return k->verified ? still_verified(tls, k, &now) : !r->verified;
}

/* A session of TLS 1.2 serves again; tickets of TLS 1.3 tell an observer which connections belong
 * together if they do (RFC 8446 C.4). */
static void put_back(struct tls *tls, const struct kept *k)
{
	if (version_of(k->session) < 13)
		put_copy(tls, k->session, &k->origin, k->verified, k->reason, k->since);
}

static void offer(struct tls *tls, const struct tls_resumption *r)
{
	struct kept k;

	while (sessions_take(r->sessions, &tls->resumption.key, &k)) {
		if (may_be_offered(tls, r, &k) && SSL_set_session(tls->ssl, k.session) == 1) {
			put_back(tls, &k);
			tls->resumption.offered = k;
			return;
		}
		kept_clear(&k);
	}
}

void tls_resume(struct tls *tls, const struct tls_resumption *r, struct tls_session_key *key)
{
	*key = (struct tls_session_key){{0}};
	if (!make_key(tls, r, key))
		return;
	tls->resumption.sessions = r->sessions;
	tls->resumption.key = *key;
	offer(tls, r);
}

bool tls_blame_resumption(struct tls *tls)
{
	if (tls->up || !tls->resumption.offered.session)
		return false;
	sessions_ban(tls->resumption.sessions, &tls->resumption.key);
	return true;
}

/* --- the handshake is over --- */

bool resume_facts(struct tls *tls)
{
	const struct kept *k = &tls->resumption.offered;
	struct tls_facts *f = &tls->facts;

	if (SSL_session_reused(tls->ssl) != 1)
		return false;
	f->resumed = true;
	f->verified = k->session && k->verified;
	snprintf(f->reason, sizeof(f->reason), "%s",
		!k->session ? "resumed what was not offered"
		: k->reason ? k->reason
			    : "");
	return true;
}

static bool seconds_of(const ASN1_TIME *t, int64_t *seconds)
{
	struct tm tm;

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*seconds = timegm(&tm);
	return true;
}

/* When all certificates that were verified are valid, the authority's among them. */
static bool note_dates(struct origin *o, const STACK_OF(X509) * chain)
{
	int64_t from, until;
	int i;

	for (i = 0; i < sk_X509_num(chain); i++) {
		const X509 *cert = sk_X509_value(chain, i);

		if (!seconds_of(X509_get0_notBefore(cert), &from) ||
			!seconds_of(X509_get0_notAfter(cert), &until))
			return false;
		if (i == 0 || from > o->from)
			o->from = from;
		if (i == 0 || until < o->until)
			o->until = until;
	}
	return i > 0;
}

/* Octets of the certificates, or 0 where they are none or too many. */
static size_t size_of(const STACK_OF(X509) * chain)
{
	size_t total = 0;
	int i, n;

	for (i = 0; i < sk_X509_num(chain) && total <= CHAIN_MAX; i++) {
		n = i2d_X509(sk_X509_value(chain, i), NULL);
		if (n <= 0)
			return 0;
		total += (size_t)n;
	}
	return total <= CHAIN_MAX ? total : 0;
}

/* Without the extended master secret a session of TLS 1.2 may be another's as well (RFC 7627 5.3).
 */
static bool is_fit(const struct tls *tls)
{
	int version = tls->facts.version;

	return version == 13 || (version == 12 && SSL_get_extms_support(tls->ssl) == 1);
}

static void note_origin(struct tls *tls)
{
	struct origin *o = &tls->resumption.origin;
	struct moment now;

	sessions_now(tls->resumption.sessions, &now);
	o->born = now.boot;
	o->octets = size_of(SSL_get_peer_cert_chain(tls->ssl));
	o->keep = o->octets && is_fit(tls) &&
		  (!tls->facts.verified || tls->fingerprint_count ||
			  note_dates(o, SSL_get0_verified_chain(tls->ssl)));
}

/* --- keeping --- */

static bool is_worth_keeping(const SSL_SESSION *session)
{
	const unsigned char *ticket;
	size_t length;
	int version = version_of(session);

	if (version == 0 || SSL_SESSION_is_resumable(session) != 1)
		return false;
	if (version == 13 && SSL_SESSION_get_ticket_lifetime_hint(session) == 0)
		return false; /* for at once, RFC 8446 4.6.1 */
	SSL_SESSION_get0_ticket(session, &ticket, &length);
	return length <= TICKET_MAX;
}

static void keep(struct tls *tls, SSL_SESSION *session)
{
	struct resumption *r = &tls->resumption;
	struct moment now;

	if (!r->sessions || !r->origin.keep || tls->broken || r->tickets >= TICKETS_MAX ||
		!is_worth_keeping(session))
		return;
	sessions_now(r->sessions, &now);
	r->tickets++;
	put_copy(tls, session, &r->origin, tls->facts.verified, tls->facts.reason, now.boot);
}

/* The server declined one. A session of TLS 1.2 is still there, to be offered again; and what now
 * proved to be another server, or the same with a worse certificate, takes back what was kept. */
static bool others_are_no_better(const struct tls *tls)
{
	const struct kept *declined = &tls->resumption.offered;

	return version_of(declined->session) < 13 || (declined->verified && !tls->facts.verified);
}

/* Nothing came with the handshake but what TLS 1.2 resumes by; tickets of TLS 1.3 come later. */
void resume_settle(struct tls *tls)
{
	struct resumption *r = &tls->resumption;
	SSL_SESSION *session = SSL_get0_session(tls->ssl);

	if (!r->sessions)
		return;
	if (tls->facts.resumed)
		r->origin = r->offered.origin;
	else
		note_origin(tls);
	if (r->offered.session && !tls->facts.resumed && others_are_no_better(tls))
		tls_sessions_forget(r->sessions, &r->key);
	if (tls->facts.version < 13 && session && session != r->offered.session)
		keep(tls, session);
	kept_clear(&r->offered);
}

/* A ticket came, in the middle of reading, whose errors are not to be mixed with ours. */
static int session_came(SSL *ssl, SSL_SESSION *session)
{
	struct tls *tls = SSL_get_app_data(ssl);

	ERR_set_mark();
	if (tls && tls->up)
		keep(tls, session);
	ERR_pop_to_mark();
	return 0; /* it stays OpenSSL's */
}

void resume_set_up(SSL_CTX *ssl)
{
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ssl, session_came);
}

void resume_forget(struct tls *tls)
{
	if (tls->up && tls->resumption.sessions)
		tls_sessions_forget(tls->resumption.sessions, &tls->resumption.key);
}

void resume_clear(struct tls *tls)
{
	kept_clear(&tls->resumption.offered);
}
