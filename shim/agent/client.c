/*
 * client: the application's side of a session.
 */
#include "shim/agent/parts.h"

bool client_take_in(struct session *s, unsigned wishes)
{
	ssize_t n;

	if (s->client_leg != LEG_UP || !(wishes & DIALOGUE_READ_CLIENT))
		return false;
	n = stream_read(&s->client, dialogue_client_in(s->dialogue));
	if (n > 0)
		s->progress = loop_now(s->agent->loop);
	if (s->client.eof && !s->client_eof_told) {
		s->client_eof_told = true;
		dialogue_client_eof(s->dialogue);
		return true;
	}
	return n > 0;
}

bool client_put_out(struct session *s)
{
	struct buf *out = dialogue_client_out(s->dialogue);
	size_t before = buf_length(out);

	if (stream_write(&s->client, out) > 0)
		s->progress = loop_now(s->agent->loop);
	return buf_length(out) < before;
}

void client_close(struct session *s)
{
	stream_close(&s->client);
	s->client_leg = LEG_GONE;
	s->client_deadline = NEVER;
}

/* The end comes behind the last byte; then what the application still says is read, so that it sees
 * no reset. */
bool client_obey(struct session *s, unsigned wishes)
{
	if (s->client_leg == LEG_UP && wishes & DIALOGUE_CLOSE_CLIENT)
		s->client_leg = LEG_ENDING;
	if (s->client_leg == LEG_ENDING && buf_length(dialogue_client_out(s->dialogue)) == 0) {
		stream_end(&s->client);
		s->client_leg = LEG_LINGERING;
		s->client_deadline = loop_now(s->agent->loop) + PROTOCOL_MS(CLIENT_LINGER_S);
	}
	if (s->client_leg == LEG_LINGERING && (s->client.eof || stream_drained(&s->client))) {
		client_close(s);
		return true;
	}
	return s->client_leg == LEG_LINGERING && s->client.readable; /* more to forget */
}
