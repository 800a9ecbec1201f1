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

static void go_on(struct dialogue *d)
{
	const char *line;
	size_t n = line_at(d, d->held.replayed, &line);

	if (n > 0) {
		put_server(d, line, n);
		d->held.replayed += n;
		await(d, AWAITED_REPLAY);
	} else if (buf_length(&d->held.refusals) > 0) {
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

/* The line that this reply is for: the last one that was sent. */
static void note_refusal(struct dialogue *d, const struct reply *reply)
{
	const char *bytes = buf_bytes(&d->held.lines), *p = bytes + d->held.replayed - 1;
	char text[REPLY_TEXT_SIZE], path[DIALOGUE_ADDRESS_SIZE], words[REFUSAL_SIZE];
	struct command command;
	struct line line;

	while (p > bytes && p[-1] != '\n')
		p--;
	if (line_scan(p, d->held.replayed - (size_t)(p - bytes), COMMAND_LINE_MAX, &line) !=
		LINE_WHOLE) {
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
	if (command.verb == VERB_MAIL)
		d->held.replayed = buf_length(&d->held.lines);
}

void replay_replied(struct dialogue *d, const struct reply *reply)
{
	if (reply->code >= 400)
		note_refusal(d, reply);
	if (d->phase != PHASE_OVER)
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
	await(d, AWAITED_RESET);
}
