/*
 * relay: intercept = false. Bytes go both ways untouched, each direction ends by itself, as with
 * the application's own connection.
 */
#include "shim/agent/parts.h"

static bool pass(struct session *s, struct stream *from, struct stream *to, struct buf *b)
{
	size_t put;
	bool moved = stream_read(from, b) > 0;

	put = stream_write(to, b);
	s->relayed += put;
	if (from->eof && buf_length(b) == 0 && !to->ended) {
		stream_end(to);
		moved = true;
	}
	return moved || put > 0;
}

/* The other direction of an end that is gone for good can lead nowhere. */
static bool is_over(const struct stream *a, const struct stream *b, const struct buf *rest)
{
	return a->eof && buf_length(rest) == 0 &&
	       (b->eof || a->cut_off || a->hung_up || *a->why.text);
}

bool relay_turn(struct session *s)
{
	bool moved = pass(s, &s->client, &s->server, &s->to_server);

	moved |= pass(s, &s->server, &s->client, &s->to_client);
	if (is_over(&s->client, &s->server, &s->to_server) ||
		is_over(&s->server, &s->client, &s->to_client)) {
		client_close(s);
		server_close(s);
	}
	return moved;
}
