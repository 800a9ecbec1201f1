#include "shim/smtp/content.h"

#include <string.h>

void content_begin(struct content *content, bool lf_client)
{
	*content = (struct content){.at = CONTENT_LINE_START, .lf_client = lf_client};
}

/* A dot at the start of a line is held until what follows tells what it is. */
static enum content_at line_started(char c, bool loose, const char **emit)
{
	if (c == '.') {
		*emit = "";
		return loose ? CONTENT_LOOSE_DOT : CONTENT_DOT;
	}
	if (c == '\r') {
		*emit = "";
		return CONTENT_CR;
	}
	return CONTENT_IN_LINE;
}

/*
 * One octet. *emit: NULL for the octet itself, else the text to send instead of it; *held: text to
 * send before it.
 */
static enum content_state step(
	struct content *content, char c, const char **held, const char **emit)
{
	bool lf_end = c == '\n' && content->lf_client;

	*held = "";
	*emit = NULL;
	switch (content->at) {
	case CONTENT_LINE_START:
	case CONTENT_LOOSE_START:
	case CONTENT_IN_LINE:
		if (lf_end) {
			*emit = "\r\n";
			content->at = CONTENT_LINE_START;
		} else if (c == '\n') {
			content->at = CONTENT_LOOSE_START;
		} else if (content->at == CONTENT_IN_LINE) {
			content->at = c == '\r' ? CONTENT_CR : CONTENT_IN_LINE;
			*emit = c == '\r' ? "" : NULL;
		} else {
			content->at = line_started(c, content->at == CONTENT_LOOSE_START, emit);
		}
		return CONTENT_MORE;
	case CONTENT_CR:
		*held = "\r";
		if (c == '\n')
			content->at = CONTENT_LINE_START;
		else
			content->at = line_started(c, true, emit);
		return CONTENT_MORE;
	case CONTENT_DOT:
		if (c == '\r') {
			*emit = "";
			content->at = CONTENT_DOT_CR;
			return CONTENT_MORE;
		}
		if (lf_end) {
			*emit = ".\r\n";
			return CONTENT_END;
		}
		if (c == '\n')
			return CONTENT_SMUGGLING;
		*held = ".";
		content->at = CONTENT_IN_LINE;
		return CONTENT_MORE;
	case CONTENT_DOT_CR:
		*emit = ".\r\n";
		return c == '\n' ? CONTENT_END : CONTENT_SMUGGLING;
	case CONTENT_LOOSE_DOT:
		if (c == '\n')
			return CONTENT_SMUGGLING;
		if (c == '\r') {
			*emit = "";
			content->at = CONTENT_LOOSE_DOT_CR;
			return CONTENT_MORE;
		}
		*held = ".";
		content->at = CONTENT_IN_LINE;
		return CONTENT_MORE;
	case CONTENT_LOOSE_DOT_CR:
		return CONTENT_SMUGGLING;
	}
	return CONTENT_SMUGGLING;
}

/* Octets that are neither line ends nor at the start of a line pass in one piece. */
static size_t plain_run(const struct content *content, const char *bytes, size_t n)
{
	size_t i = 0;

	if (content->at != CONTENT_IN_LINE)
		return 0;
	while (i < n && bytes[i] != '\r' && bytes[i] != '\n')
		i++;
	return i;
}

enum content_state content_pass(
	struct content *content, const char *bytes, size_t n, size_t *taken, struct buf *out)
{
	const char *held, *emit;
	size_t i = 0;

	*taken = 0;
	while (i < n && buf_room(out) > 4) {
		size_t run = plain_run(content, bytes + i, n - i);

		if (run > buf_room(out) - 4)
			run = buf_room(out) - 4;
		if (run > 0) {
			if (buf_append(out, bytes + i, run) < 0)
				return CONTENT_MORE;
			i += run;
			*taken = i;
			continue;
		}
		enum content_state state = step(content, bytes[i], &held, &emit);

		if (state == CONTENT_SMUGGLING)
			return state;
		if (buf_append_text(out, held) < 0 ||
			(emit ? buf_append_text(out, emit) : buf_append(out, bytes + i, 1)) < 0)
			return CONTENT_SMUGGLING;
		*taken = ++i;
		if (state == CONTENT_END)
			return state;
	}
	return CONTENT_MORE;
}
