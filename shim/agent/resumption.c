/*
 * resumption: whether a TLS session is resumed, and what must be the same for it: the caller, the
 * configuration, and the server as the kernel knows it. The names and the rest of the identity are
 * the business of shim/tls/. In doubt the handshake is a full one.
 */
#include "shim/agent/parts.h"

#include <netinet/in.h>
#include <string.h>

/* As bytes to be hashed: no padding, nothing that is not set. */
struct scope {
	uint64_t edition;
	struct connect_route route;
	uint8_t address[16];
	uint32_t family, port, interface, uid;
};

static bool scope_of(const struct session *s, struct scope *scope)
{
	const struct sockaddr_in *in = (const void *)&s->peer.ss;
	const struct sockaddr_in6 *in6 = (const void *)&s->peer.ss;

	*scope = (struct scope){.edition = edition_serial(s->edition),
		.family = s->peer.ss.ss_family,
		.uid = s->uid};
	if (scope->family == AF_INET) {
		memcpy(scope->address, &in->sin_addr, 4);
		scope->port = in->sin_port;
	} else if (scope->family == AF_INET6) {
		memcpy(scope->address, &in6->sin6_addr, 16);
		scope->port = in6->sin6_port;
		scope->interface = in6->sin6_scope_id;
	} else {
		return false;
	}
	return connect_route(s->server.fd, &scope->route) == 0;
}

/*
 * Where a name may be missing, nobody knows what the certificate must say. What any envelope may
 * demand of this connection is demanded of the session: a full handshake may yield more.
 */
void resumption_offer(struct session *s)
{
	struct tls_resumption r = {.sessions = rules_sessions(s->lane->agent->rules)};
	struct demands strictest;
	struct scope scope;

	if (!r.sessions || !s->policy.connection.session_resumption ||
		s->head.flags & HANDOFF_NAMES_TORN || !scope_of(s, &scope))
		return;
	policy_strictest(&s->policy, &strictest);
	r.scope = &scope;
	r.scope_length = sizeof(scope);
	r.verified = strictest.verify_certificate;
	r.min_version = (int)strictest.min_tls;
	tls_resume(s->server.tls, &r, &s->resumption_key);
}

/* A server that knows a session no more goes on in full by itself (RFC 8446 2.2), but one with a
 * fault may not, and that is no reason to go without TLS. */
bool resumption_failed(struct session *s)
{
	return s->server.tls && tls_blame_resumption(s->server.tls) &&
	       dialogue_tls_again(s->dialogue);
}

/* A message may demand more than the configuration: the next handshake shall be a full one, since
 * the server's certificate may be a better one by now. */
void resumption_not_enough(struct session *s)
{
	if (s->tls.resumed && !s->tls.verified)
		tls_sessions_forget(rules_sessions(s->lane->agent->rules), &s->resumption_key);
}
