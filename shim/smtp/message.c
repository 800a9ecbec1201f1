/*
 * message: the content of a message on its way to the server. Fields that override policy are read
 * from its header and taken out. Where they may decide whether it goes at all, the header is kept
 * here first, and the server hears nothing before the decision.
 */
#include "shim/smtp/inside.h"

#include <stdlib.h>
#include <string.h>

#define STAGE_SIZE (HEAD_SLACK - HEADER_HELD)

void message_begin(struct dialogue *d, enum speech speech)
{
	report_unannounced(d);
	d->speech = speech;
	d->in_header = true;
	content_begin(&d->content, d->lf_client);
	header_begin(&d->header);
}

/* What the header said so far, for the log and for the decision. */
static void judge_header(struct dialogue *d, struct judgement *judgement)
{
	struct transaction *t = &d->transaction;

	header_overrides(&d->header, &t->overrides);
	t->remark = header_remark(&d->header);
	*judgement = d->judgement;
	if (d->envelope.accepted > 0) {
		envelope_message(&d->envelope, &t->overrides, judgement);
		report_judgement(d, judgement);
	}
}

/* A piece of content in which the header may end: through the scanner, into `out`, which has room
 * for STAGE_SIZE and what the scanner held. */
static enum content_state pass_header(
	struct dialogue *d, size_t most, struct buf *out, size_t *taken)
{
	struct buf stage;
	enum content_state state;
	size_t scanned = 0, n = buf_length(&d->client_in);

	buf_init(&stage, STAGE_SIZE);
	state = content_pass(
		&d->content, buf_bytes(&d->client_in), n < most ? n : most, taken, &stage);
	if (header_pass(&d->header, buf_bytes(&stage), buf_length(&stage), &scanned, out) ==
		HEADER_END)
		d->in_header = false;
	if (buf_append(out, buf_bytes(&stage) + scanned, buf_length(&stage) - scanned) < 0)
		state = CONTENT_SMUGGLING;
	if (state == CONTENT_END && d->in_header && header_finish(&d->header, out) < 0)
		state = CONTENT_SMUGGLING;
	buf_clear(&stage);
	return state;
}

static void end_smuggling(struct dialogue *d)
{
	end_attack(d, "lone dot beside a bare CR or LF in the content (SMTP smuggling)");
}

/* The final dot went to the server, or will with what stands in server_out. */
static void content_over(struct dialogue *d)
{
	await(d, AWAITED_END_OF_DATA);
	d->speech = SPEECH_COMMANDS;
	d->server_has_mail = false;
	envelope_reset(&d->envelope);
	transaction_clear_held(d);
}

/* What was kept goes before what is still to come. */
static bool pass_head(struct dialogue *d)
{
	struct buf *head = &d->held.head;
	size_t n = buf_length(head), room = buf_room(&d->server_out);

	if (n > room)
		n = room;
	put_server(d, buf_bytes(head), n);
	buf_consume(head, n);
	d->transaction.bytes += n;
	if (d->phase != PHASE_OVER && buf_length(head) == 0 && d->held.content_ended)
		content_over(d);
	return n > 0;
}

/*
 * A field behind what was read for the decision forbids what is under way: the final dot is never
 * sent, so that the server has no message.
 */
static bool judged_too_late(struct dialogue *d)
{
	struct judgement judgement;

	judge_header(d, &judgement);
	if (!judgement_blocks(&judgement))
		return false;
	end_with_reply(d, "4.7.0",
		"a Mailseal field behind the first 256 KB of the message forbids to send it here");
	return true;
}

/* A piece with the header in it waits beside server_out for the judgement, since what is there goes
 * even when the connection ends: it may hold the final dot. */
static enum content_state stream_header(struct dialogue *d, size_t *taken)
{
	enum content_state state;
	struct buf piece;

	buf_init(&piece, STAGE_SIZE + HEADER_HELD);
	state = pass_header(d, SIZE_MAX, &piece, taken);
	if ((d->in_header && state != CONTENT_END) || !judged_too_late(d))
		put_server(d, buf_bytes(&piece), buf_length(&piece));
	buf_clear(&piece);
	return state;
}

/* Behind the header. What passes as it is moves in one piece, and is gone from client_in then. */
static enum content_state stream_body(struct dialogue *d, size_t *taken)
{
	struct buf *in = &d->client_in, *out = &d->server_out;
	size_t n = buf_length(in) < buf_room(out) ? buf_length(in) : buf_room(out);
	struct content before = d->content;
	size_t run = content_run(&d->content, buf_bytes(in), n);

	*taken = 0;
	if (run == 0)
		return content_pass(&d->content, buf_bytes(in), buf_length(in), taken, out);
	if (buf_move(in, out, run) < 0)
		d->content = before;
	return CONTENT_MORE;
}

static bool stream_step(struct dialogue *d)
{
	size_t before = buf_length(&d->server_out), said = buf_length(&d->client_in), taken;
	enum content_state state;

	if (pending_full(&d->pending))
		return false;
	if (buf_length(&d->held.head) > 0)
		return pass_head(d);
	if (said == 0)
		return false;
	if (!d->in_header)
		state = stream_body(d, &taken);
	else if (buf_room(&d->server_out) < STAGE_SIZE + HEADER_HELD)
		return false;
	else
		state = stream_header(d, &taken);
	if (d->phase == PHASE_OVER)
		return true;
	buf_consume(&d->client_in, taken);
	d->transaction.bytes += buf_length(&d->server_out) - before;
	if (state == CONTENT_SMUGGLING)
		end_smuggling(d);
	else if (state == CONTENT_END)
		content_over(d);
	return buf_length(&d->client_in) < said || state != CONTENT_MORE;
}

/* The header is known, or as much of it as counts: the one decision about the message. */
static void decide(struct dialogue *d)
{
	struct judgement judgement;

	judge_header(d, &judgement);
	if (judgement_blocks(&judgement)) {
		if (verdict_write(d, &judgement.verdict, &d->held.final) < 0)
			end(d, DIALOGUE_ABORT_SERVER);
		message_refuse(d);
	} else if (d->envelope.state == ENVELOPE_HELD) {
		replay_begin(d);
	} else {
		d->speech = SPEECH_HELD;
		send_command(d, "DATA", "");
		await(d, AWAITED_HELD_DATA);
	}
}

static bool header_step(struct dialogue *d)
{
	size_t taken;
	enum content_state state =
		pass_header(d, HEAD_MAX - d->held.head_octets, &d->held.head, &taken);

	buf_consume(&d->client_in, taken);
	d->held.head_octets += taken;
	if (state == CONTENT_SMUGGLING) {
		end_smuggling(d);
		return true;
	}
	d->held.content_ended = state == CONTENT_END;
	if (!d->in_header || d->held.content_ended || d->held.head_octets >= HEAD_MAX)
		decide(d);
	return taken > 0 || state != CONTENT_MORE;
}

void message_goes(struct dialogue *d)
{
	d->speech = SPEECH_CONTENT;
}

/* The refusal goes out, and what the server has of the envelope is taken back. */
static void finish_refusal(struct dialogue *d)
{
	struct held *h = &d->held;
	char *text = strndup(buf_bytes(&h->final), buf_length(&h->final));
	bool open = d->envelope.state == ENVELOPE_OPEN;

	/* without a server it is the last word, said before the connection ends */
	if (!text || pending_add_reply(&d->pending, text, d->phase == PHASE_ALONE) < 0) {
		free(text);
		end(d, DIALOGUE_ABORT_SERVER);
		return;
	}
	report_reply(d, text, true);
	free(text);
	d->speech = SPEECH_COMMANDS;
	transaction_over(d);
	answer_flush(d);
	if (open && d->phase == PHASE_OPEN)
		replay_reset(d);
}

void message_refuse(struct dialogue *d)
{
	trace_note(d, "-", "[content is refused, and not sent]");
	buf_clear(&d->held.head);
	d->speech = SPEECH_DISCARD;
	if (d->phase != PHASE_OVER && d->held.content_ended)
		finish_refusal(d);
}

bool message_outlives_server(struct dialogue *d)
{
	if (d->speech != SPEECH_DISCARD)
		return false;
	d->wishes |= DIALOGUE_ABORT_SERVER;
	pending_clear(&d->pending);
	enter_phase(d, PHASE_ALONE);
	return true;
}

static bool discard_step(struct dialogue *d)
{
	enum content_state state;
	struct buf stage;
	size_t taken;

	if (pending_full(&d->pending))
		return false;
	buf_init(&stage, STAGE_SIZE);
	state = content_pass(
		&d->content, buf_bytes(&d->client_in), buf_length(&d->client_in), &taken, &stage);
	buf_clear(&stage);
	buf_consume(&d->client_in, taken);
	if (state == CONTENT_SMUGGLING) {
		end_smuggling(d);
	} else if (state == CONTENT_END) {
		d->held.content_ended = true;
		finish_refusal(d);
	}
	return taken > 0 || state != CONTENT_MORE;
}

bool message_step(struct dialogue *d)
{
	if (d->speech == SPEECH_CONTENT)
		return stream_step(d);
	if (buf_length(&d->client_in) == 0)
		return false;
	return d->speech == SPEECH_HEADER ? header_step(d) : discard_step(d);
}
