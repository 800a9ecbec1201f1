/*
 * client: the application's side of a session.
 */
#include "shim/agent/parts.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#define IN_VAIN_MOST 64 /* octets */

bool client_take_in(struct session *s, unsigned wishes)
{
	ssize_t n;

	if (s->client_leg != LEG_UP || !(wishes & DIALOGUE_READ_CLIENT))
		return false;
	n = stream_read(&s->client, dialogue_client_in(s->dialogue));
	if (n > 0)
		s->progress = loop_now(s->lane->loop);
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
		s->progress = loop_now(s->lane->loop);
	return buf_length(out) < before;
}

void client_close(struct session *s)
{
	stream_close(&s->client);
	s->client_leg = LEG_GONE;
	s->client_deadline = NEVER;
}

/*
 * It has read all we had to say, and speaks on: a RSET or QUIT is heard out, as by a server that
 * waits for its client's end; who goes on behind that meets a reset, as from one that does not.
 */
static bool speaks_in_vain(struct session *s)
{
	int unread = 0, said = 0;

	if (!s->client.readable || s->client.hung_up) /* it says nothing, or no more */
		return s->in_vain > IN_VAIN_MOST;
	if (ioctl(s->client.fd, FIONREAD, &said) < 0 || ioctl(s->client.fd, SIOCOUTQ, &unread) < 0)
		return false;
	if (said > 0 && unread == 0)
		s->in_vain += (size_t)said;
	return s->in_vain > IN_VAIN_MOST;
}

static bool lingers_on(struct session *s)
{
	bool in_vain = speaks_in_vain(s);

	return !s->client.eof && !stream_drained(&s->client) && !in_vain;
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
		s->client_deadline = loop_now(s->lane->loop) + PROTOCOL_MS(CLIENT_LINGER_S);
	}
	if (s->client_leg == LEG_LINGERING && !lingers_on(s)) {
		client_close(s);
		return true;
	}
	return s->client_leg == LEG_LINGERING && s->client.readable; /* more to forget */
}
