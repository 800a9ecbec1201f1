/*
 * talk: the sink's SMTP. It judges nothing: whatever a client says in whatever order gets a 250.
 * Content is looked at only to find its end. All the commands of one read are answered by one
 * write.
 */
#include "tests/bench/sink.h"

#include <string.h>
#include <strings.h>

struct offers offers = {.starttls = true, .pipelining = true};

static bool flush(struct worker *w, struct connection *c)
{
	size_t used = w->out_used;

	w->out_used = 0;
	return used == 0 || sink_send(c, w->out, used);
}

static bool reply(struct worker *w, struct connection *c, const char *text)
{
	size_t size = strlen(text);

	if (w->out_used + size > sizeof w->out && !flush(w, c))
		return false;
	memcpy(w->out + w->out_used, text, size);
	w->out_used += size;
	return true;
}

static bool greet_again(struct worker *w, struct connection *c)
{
	return reply(w, c, "250-sink.b.example\r\n250-SIZE 104857600\r\n250-8BITMIME\r\n") &&
	       (!offers.pipelining || reply(w, c, "250-PIPELINING\r\n")) &&
	       (!offers.starttls || c->ssl || reply(w, c, "250-STARTTLS\r\n")) &&
	       reply(w, c, "250 ENHANCEDSTATUSCODES\r\n");
}

static bool start_tls(struct worker *w, struct connection *c)
{
	if (!offers.starttls || c->ssl)
		return reply(w, c, "502 5.5.1 no\r\n");
	if (!reply(w, c, "220 2.0.0 go ahead\r\n") || !flush(w, c) || !sink_start_tls(c))
		return false;
	c->state = HANDSHAKE;
	return true;
}

static bool command(struct worker *w, struct connection *c, const char *line)
{
	if (strncasecmp(line, "EHLO", 4) == 0)
		return greet_again(w, c);
	if (strncasecmp(line, "STARTTLS", 8) == 0)
		return start_tls(w, c);
	if (strncasecmp(line, "DATA", 4) == 0) {
		c->state = CONTENT;
		c->matched = 2; /* the line end of DATA: a dot may come at once */
		return reply(w, c, "354 end with a dot\r\n");
	}
	if (strncasecmp(line, "QUIT", 4) == 0) {
		c->state = LEAVING;
		return reply(w, c, "221 2.0.0 bye\r\n");
	}
	return reply(w, c, "250 2.0.0 ok\r\n");
}

/* --- what was read ------------------------------------------------------------------------- */

static const char ending[] = "\r\n.\r\n";

/* One byte more of content: how much of the ending stands there now. */
static unsigned advance(unsigned matched, char byte)
{
	if (byte == ending[matched])
		return matched + 1;
	if (byte == '\r')
		return 1;
	return 0;
}

/* Where the ending stands as a whole: dots are rarer than line ends. */
static const char *find_ending(const char *data, size_t size)
{
	const char *end = data + size, *dot = data + 2;

	while (dot + 2 < end && (dot = memchr(dot, '.', (size_t)(end - dot) - 2))) {
		if (memcmp(dot - 2, ending, 5) == 0)
			return dot - 2;
		dot++;
	}
	return NULL;
}

/* Takes content; the number of bytes taken, which is less than `size` only where it ended. */
static size_t take_content(struct worker *w, struct connection *c, const char *data, size_t size)
{
	size_t i = 0;
	const char *found;

	/* What may complete an ending that began in an earlier read. */
	while (i < size && c->matched > 0 && c->matched < 5)
		c->matched = advance(c->matched, data[i++]);
	if (c->matched < 5) {
		found = find_ending(data + i, size - i);
		if (found) {
			i = (size_t)(found - data) + 5;
			c->matched = 5;
		} else {
			for (i = size - i > 4 ? size - 4 : i; i < size; i++)
				c->matched = advance(c->matched, data[i]);
		}
	}
	sink_count(w, BYTES, i);
	if (c->matched == 5) {
		c->state = COMMAND;
		sink_count(w, MESSAGES, 1);
		reply(w, c, "250 2.0.0 stored\r\n");
	}
	return i;
}

/* Takes a command, or the beginning of one; the number of bytes taken, 0 for an error. */
static size_t take_command(struct worker *w, struct connection *c, const char *data, size_t size)
{
	const char *end = memchr(data, '\n', size);
	size_t length = end ? (size_t)(end - data) + 1 : size;

	if (c->line_used + length >= sizeof c->line)
		return 0;
	memcpy(c->line + c->line_used, data, length);
	c->line_used += length;
	if (end) {
		c->line[c->line_used] = '\0';
		c->line_used = 0;
		if (!command(w, c, c->line))
			return 0;
	}
	return length;
}

bool talk_take(struct worker *w, struct connection *c, size_t size)
{
	size_t used = 0, n;

	while (used < size && c->state != LEAVING) {
		if (c->state == HANDSHAKE)
			return false; /* text behind STARTTLS */
		n = c->state == CONTENT ? take_content(w, c, w->in + used, size - used)
					: take_command(w, c, w->in + used, size - used);
		if (n == 0)
			return false;
		used += n;
	}
	return flush(w, c);
}
