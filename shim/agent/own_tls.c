/*
 * own_tls: the application's own TLS, after the server's 220 to its STARTTLS. Octets go both ways
 * as in relay.c, but only as TLS: nothing passes before each side's hello was seen, the server says
 * nothing before the client, and what leaves the framing of records ends both connections.
 */
#include "shim/agent/parts.h"

#include "shim/smtp/own_tls.h"

#include <stdio.h>

#define HELLOS_S 120 /* for both of them */
#define IDLE_S 3600  /* later it is anybody's turn */

#define NO_TLS_OF_CLIENT "protocol error: no TLS of the application behind STARTTLS"
#define NO_TLS_OF_SERVER "protocol error: no TLS of the server after the 220 to STARTTLS"
#define RESIDUE "attack: octets in the clear after the 220 to STARTTLS"

void own_tls_begin(struct session *s)
{
	s->stage = STAGE_OWN_TLS;
	s->tls = (struct tls_facts){0};
	s->progress = loop_now(s->lane->loop);
}

void own_tls_end(struct session *s, const char *note)
{
	s->own.note = note;
	client_close(s);
	server_close(s);
}

unsigned own_tls_patience(const struct session *s)
{
	return s->own.server_hello ? IDLE_S : HELLOS_S;
}

/* Nothing of the server's may stand there when the first record goes to it. */
static bool client_hello(struct session *s)
{
	struct buf *b = &s->to_server;

	switch (records_client_hello(buf_bytes(b), buf_length(b))) {
	case HELLO_PARTIAL:
		return true;
	case HELLO_SEEN:
		s->own.client_hello = true;
		if (!stream_has_residue(&s->server))
			return true;
		own_tls_end(s, RESIDUE);
		return false;
	case HELLO_DENIED:
	case HELLO_BARE:
	case HELLO_NONE:
		break;
	}
	own_tls_end(s, NO_TLS_OF_CLIENT);
	return false;
}

/* The version is known only now. */
static bool judge_version(struct session *s, int version)
{
	struct own_tls own;

	s->tls.version = version;
	snprintf(s->tls.protocol, sizeof(s->tls.protocol), "%s",
		version ? tls_version_name((enum tls_version)version) : "-");
	own_tls_judge(&s->policy, (enum tls_version)version, &own);
	if (own.accepted)
		return true;
	own_tls_end(s, "the application's TLS is older than min_tls allows");
	return false;
}

static bool server_hello(struct session *s)
{
	struct buf *b = &s->to_client;
	size_t end;
	int version;

	switch (records_server_hello(buf_bytes(b), buf_length(b), &version, &end)) {
	case HELLO_PARTIAL:
		return true;
	case HELLO_SEEN:
		s->own.server_hello = true;
		return judge_version(s, version);
	case HELLO_DENIED:
		buf_truncate(b, end);
		s->own.denied = true;
		return true;
	case HELLO_BARE:
		own_tls_end(s, "protocol error: the server chose a cipher that encrypts nothing");
		return false;
	case HELLO_NONE:
		break;
	}
	own_tls_end(s, NO_TLS_OF_SERVER);
	return false;
}

static const char *no_records(const struct session *s, const struct stream *from)
{
	if (from == &s->server)
		return s->own.server_hello ? "protocol error: the server left TLS"
					   : NO_TLS_OF_SERVER;
	return s->own.client_hello ? "protocol error: the application left TLS" : NO_TLS_OF_CLIENT;
}

/* Reads, and looks at what came. False: it was the end. */
static bool take(
	struct session *s, struct stream *from, struct buf *b, struct records *records, bool *moved)
{
	ssize_t n = stream_read(from, b);

	if (n <= 0)
		return true;
	*moved = true;
	if (s->own.server_hello)
		s->progress = loop_now(s->lane->loop);
	if (records_pass(records, buf_bytes(b) + buf_length(b) - n, (size_t)n))
		return true;
	own_tls_end(s, no_records(s, from));
	return false;
}

static bool client_turn(struct session *s, bool *moved)
{
	struct own *own = &s->own;

	if (!take(s, &s->client, &s->to_server, &own->from_client, moved))
		return false;
	if (!own->client_hello && buf_length(&s->to_server) > 0 && !client_hello(s))
		return false;
	if (own->client_hello || buf_length(&s->to_server) == 0)
		*moved |= relay_put(s, &s->client, &s->server, &s->to_server);
	else if (s->client.eof)
		own_tls_end(s, NO_TLS_OF_CLIENT);
	return s->server_leg != LEG_GONE;
}

/* The server's alert is its last word, and the end of both connections. */
static bool deny(struct session *s, bool *moved)
{
	*moved |= relay_put(s, &s->server, &s->client, &s->to_client);
	if (buf_length(&s->to_client) == 0)
		own_tls_end(s, "the server refused the application's TLS");
	return s->server_leg != LEG_GONE;
}

static bool server_turn(struct session *s, bool *moved)
{
	struct own *own = &s->own;

	if (own->denied)
		return deny(s, moved);
	if (!own->client_hello && stream_has_residue(&s->server)) {
		own_tls_end(s, RESIDUE);
		return false;
	}
	if (!take(s, &s->server, &s->to_client, &own->from_server, moved))
		return false;
	if (!own->server_hello && buf_length(&s->to_client) > 0 && !server_hello(s))
		return false;
	if (own->denied)
		return deny(s, moved);
	if (own->server_hello || buf_length(&s->to_client) == 0)
		*moved |= relay_put(s, &s->server, &s->client, &s->to_client);
	else if (s->server.eof)
		own_tls_end(s, NO_TLS_OF_SERVER);
	return s->server_leg != LEG_GONE;
}

bool own_tls_turn(struct session *s)
{
	bool moved = false;

	if (!client_turn(s, &moved) || !server_turn(s, &moved))
		return true;
	if (relay_is_over(s))
		own_tls_end(s, "");
	return moved;
}
