/*
 * session: its life once it is open (opening.c): a dialogue, or for intercept = false a plain
 * relay; and its end.
 *
 * All work is done in session_turn(), which runs as a task of the loop: read, run the dialogue,
 * write, carry out its wishes, until nothing moves any more. The session frees itself there, or
 * when its timer runs out.
 */
#include "shim/agent/session.h"

#include "shim/agent/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Before other sessions have their go. What one takes at once all others wait for. */
#define TURNS 16
#define TURN_BYTES 65536

void session_free(struct session *s)
{
	struct lane *lane = s->lane;

	if (s->stage == STAGE_OWN_TLS)
		report_own_tls(s);
	dialogue_free(s->dialogue);
	stream_close(&s->client);
	stream_close(&s->server);
	tls_context_free(s->context);
	edition_release(s->edition);
	parking_clear(s);
	key_free(s->key);
	if (s->channel >= 0)
		close(s->channel);
	if (s->likeness >= 0)
		close(s->likeness);
	buf_clear(&s->to_client);
	buf_clear(&s->to_server);
	loop_timer_stop(lane->loop, &s->timer);
	loop_undefer(lane->loop, &s->task);
	opening_clear(s);
	free(s->exe);
	free(s->unit);
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	free(s);
	lane_done(lane);
}

void session_wake(struct session *s)
{
	loop_defer(s->lane->loop, &s->task);
}

/* The server's 220 to the application's STARTTLS was the dialogue's last word. */
static bool hand_over(struct session *s, unsigned wishes)
{
	if (!(wishes & DIALOGUE_HAND_OVER) || buf_length(dialogue_client_out(s->dialogue)) > 0)
		return false;
	dialogue_free(s->dialogue);
	s->dialogue = NULL;
	own_tls_begin(s);
	return true;
}

static bool dialogue_turn(struct session *s)
{
	unsigned wishes = dialogue_wishes(s->dialogue);
	bool moved = client_take_in(s, wishes);

	moved |= server_take_in(s, wishes);
	dialogue_run(s->dialogue);
	moved |= server_put_out(s);
	moved |= client_put_out(s);
	wishes = dialogue_wishes(s->dialogue);
	moved |= server_obey(s, wishes);
	parking_settle(s, wishes);
	moved |= client_obey(s, wishes);
	moved |= hand_over(s, wishes);
	return moved;
}

static bool finished(const struct session *s)
{
	return s->client_leg == LEG_GONE && s->server_leg == LEG_GONE;
}

static uint64_t patience(const struct session *s)
{
	unsigned seconds = s->dialogue		       ? dialogue_patience(s->dialogue)
			   : s->stage == STAGE_OWN_TLS ? own_tls_patience(s)
						       : 0;

	return seconds ? s->progress + PROTOCOL_MS(seconds) : NEVER;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool set_timer(struct session *s)
{
	uint64_t due = least(s->client_deadline, s->server_deadline);

	/* while both sides linger, the dialogue has nothing more to wait for */
	if (s->client_leg < LEG_LINGERING || s->server_leg < LEG_LINGERING)
		due = least(due, patience(s));
	if (due == NEVER)
		loop_timer_stop(s->lane->loop, &s->timer);
	return due == NEVER || loop_timer_set(s->lane->loop, &s->timer, due) == 0;
}

static bool one_turn(struct session *s)
{
	switch (s->stage) {
	case STAGE_DIALOGUE:
		return dialogue_turn(s);
	case STAGE_RELAY:
		return relay_turn(s);
	case STAGE_OWN_TLS:
		return own_tls_turn(s);
	case STAGE_CONNECTING:
		break;
	}
	return false;
}

/* True: there is more to do. */
static bool some_turns(struct session *s)
{
	bool moved = true;
	int i;

	s->client.taken = s->server.taken = 0;
	for (i = 0; i < TURNS && moved && !finished(s); i++) {
		moved = one_turn(s);
		if (s->client.taken + s->server.taken >= TURN_BYTES)
			break;
	}
	return moved;
}

void session_turn(void *context)
{
	struct session *s = context;
	bool moved;

	if (s->stage == STAGE_CONNECTING) {
		opening_turn(s);
		return;
	}
	moved = some_turns(s);
	if (finished(s)) {
		if (s->stage == STAGE_RELAY)
			report_relay(s);
		session_free(s);
		return;
	}
	if (!set_timer(s)) {
		session_free(s);
		return;
	}
	if (moved)
		session_wake(s);
}

void session_timer(void *context)
{
	struct session *s = context;
	uint64_t now = loop_now(s->lane->loop);

	if (s->client_deadline <= now)
		client_close(s);
	if (s->server_deadline <= now)
		server_close(s);
	if (patience(s) <= now && !s->dialogue) {
		own_tls_end(s, "timeout");
	} else if (patience(s) <= now) {
		/* told already, and still nothing moves: whatever is left to be sent will not be
		 * taken */
		if (dialogue_wishes(s->dialogue) & DIALOGUE_CLOSE_CLIENT) {
			client_close(s);
			server_close(s);
		} else if (!server_hangs(s)) {
			dialogue_timeout(s->dialogue);
		}
		s->progress = now;
	}
	session_wake(s);
}

void sessions_stop(struct lane *lane)
{
	struct session *s, *next;

	lane->closed = true;
	pool_clear(lane->pool);
	for (s = lane->sessions; s; s = next) {
		next = s->next;
		if (s->stage == STAGE_CONNECTING) {
			opening_failed(s, ECONNREFUSED, true, "the agent is ending");
		} else if (s->dialogue) {
			dialogue_stop(s->dialogue);
			session_wake(s);
		}
	}
}

void sessions_free(struct lane *lane)
{
	while (lane->sessions)
		session_free(lane->sessions);
	pool_free(lane->pool);
	lane->pool = NULL;
}
