/*
 * replay: an envelope that was held goes to the server after all, because its message asks for less
 * than the sections do. All of it passes, or nothing: the application was told 250 for each
 * recipient, so one final reply names what the server refused (RFC 5321 4.2.5 knows no other way).
 */
#include "shim/smtp/inside.h"

#include <stdio.h>
#include <string.h>

#define REFUSAL_SIZE 240 /* for each of 100 recipients: together they fit into client_out */

/* The line at `at`, with its CRLF. */
static size_t line_at(const struct dialogue *d, size_t at, const char **line)
{
	const struct buf *lines = &d->held.lines;
	const char *lf;

	*line = buf_bytes(lines) + at;
	lf = memchr(*line, '\n', buf_length(lines) - at);
	return lf ? (size_t)(lf - *line) + 1 : 0;
}

/* One reply for all that was refused, each line with the same code. */
static int write_refusals(struct dialogue *d)
{
	const char *p = buf_bytes(&d->held.refusals);
	const char *end = p + buf_length(&d->held.refusals);
	const char *code = d->held.refused_for_good ? "554" : "451";
	char text[REFUSAL_SIZE], line[REFUSAL_SIZE + 16];
	int rc = 0;

	while (p < end && rc == 0) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));

		line_sanitize(text, sizeof(text), p, (size_t)(lf - p), true);
		snprintf(line, sizeof(line), "%s-%c.5.0 %s\r\n", code, *code, text);
		rc = buf_append_text(&d->held.final, line);
		p = lf + 1;
	}
	if (rc == 0) {
		snprintf(line, sizeof(line),
			"%s %c.5.0 mailseal: sent to nobody, for the server refused the above\r\n",
			code, *code);
		rc = buf_append_text(&d->held.final, line);
	}
	return rc;
}

static void refuse(struct dialogue *d)
{
	if (write_refusals(d) < 0)
		end(d, DIALOGUE_ABORT_SERVER);
	message_refuse(d);
}

/* With early replies the lines go together, as far as they find room. */
static bool may_send(const struct dialogue *d)
{
	if (d->held.replayed == buf_length(&d->held.lines))
		return false;
	return d->held.replayed == d->held.answered ||
	       (early_may(d) && buf_room(&d->server_out) >= SERVER_OUT_ROOM &&
		       pending_has_room(&d->pending, 1));
}

static void go_on(struct dialogue *d)
{
	const char *line;
	size_t n;

	while (d->phase != PHASE_OVER && may_send(d)) {
		n = line_at(d, d->held.replayed, &line);
		put_server(d, line, n);
		d->held.replayed += n;
		await(d, AWAITED_REPLAY);
	}
	if (d->phase == PHASE_OVER || d->held.answered < d->held.replayed)
		return;
	if (buf_length(&d->held.refusals) > 0) {
		refuse(d);
	} else {
		send_command(d, "DATA", "");
		await(d, AWAITED_HELD_DATA);
	}
}

void replay_begin(struct dialogue *d)
{
	d->speech = SPEECH_HELD;
	envelope_opened(&d->envelope);
	go_on(d);
}

/* Of `n` octets with their CRLF. */
static void note_refusal(struct dialogue *d, const struct reply *reply, const char *said, size_t n)
{
	char text[REPLY_TEXT_SIZE], path[DIALOGUE_ADDRESS_SIZE], words[REFUSAL_SIZE];
	struct command command;
	struct line line;

	if (line_scan(said, n, COMMAND_LINE_MAX, &line) != LINE_WHOLE) {
		end_protocol_error(d, "held command is no line");
		return;
	}
	command_parse(&line, &command);
	command_path(&command, path, sizeof(path));
	reply_text(buf_bytes(&d->server_in), text, sizeof(text));
	snprintf(words, sizeof(words), "%.8s<%.80s>: %d %.120s",
		command.verb == VERB_MAIL ? "sender " : "", path, reply->code, text);
	if (buf_append_text(&d->held.refusals, words) < 0 ||
		buf_append_text(&d->held.refusals, "\n") < 0)
		end(d, DIALOGUE_ABORT_SERVER);
	d->held.refused_for_good |= reply->code >= 500;
}

/* Once the sender is refused, the recipients behind it say nothing new, and no more of them go. */
void replay_replied(struct dialogue *d, const struct reply *reply)
{
	const char *line;
	size_t n = line_at(d, d->held.answered, &line);
	bool sender = d->held.answered == 0;

	d->held.answered += n;
	if (reply->code >= 400 && !d->held.sender_refused)
		note_refusal(d, reply, line, n);
	if (d->phase == PHASE_OVER)
		return;
	if (sender && reply->code >= 400) {
		d->held.sender_refused = true;
		buf_truncate(&d->held.lines, d->held.replayed);
	}
	go_on(d);
}

/* The application has its 354 already: the server's refusal is the reply to the content. */
void replay_data_replied(struct dialogue *d, const struct reply *reply)
{
	if (reply->code == 354) {
		message_goes(d);
		return;
	}
	if (reply_copy(buf_bytes(&d->server_in), reply, &d->held.final) < 0)
		end(d, DIALOGUE_ABORT_SERVER);
	message_refuse(d);
}

void replay_reset(struct dialogue *d)
{
	send_command(d, "RSET", "");
	warm_note_reset(d);
	d->server_has_mail = false;
	await(d, AWAITED_RESET);
}
