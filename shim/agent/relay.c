/*
 * relay: intercept = false. Bytes go both ways untouched, each direction ends by itself, as with
 * the application's own connection.
 */
#include "shim/agent/parts.h"

bool relay_put(struct session *s, struct stream *from, struct stream *to, struct buf *b)
{
	size_t put = stream_write(to, b);

	s->relayed += put;
	if (from->eof && buf_length(b) == 0 && !to->ended) {
		stream_end(to);
		return true;
	}
	return put > 0;
}

static bool pass(struct session *s, struct stream *from, struct stream *to, struct buf *b)
{
	bool moved = stream_read(from, b) > 0;

	return relay_put(s, from, to, b) || moved;
}

/* The other direction of an end that is gone for good can lead nowhere. */
static bool leads_nowhere(const struct stream *a, const struct stream *b, const struct buf *rest)
{
	return a->eof && buf_length(rest) == 0 && (b->eof || a->cut_off || a->hung_up || *a->why);
}

bool relay_is_over(const struct session *s)
{
	return leads_nowhere(&s->client, &s->server, &s->to_server) ||
	       leads_nowhere(&s->server, &s->client, &s->to_client);
}

bool relay_turn(struct session *s)
{
	bool moved = pass(s, &s->client, &s->server, &s->to_server);

	moved |= pass(s, &s->server, &s->client, &s->to_client);
	if (relay_is_over(s)) {
		client_close(s);
		server_close(s);
	}
	return moved;
}
