/*
 * server: what each step of a scenario does, and `serve`, an ordinary SMTP server that obeys
 * whatever it is told. It judges nothing: the transcript is judged afterwards.
 */
#include "tests/hostile/server.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/hostile/peer.h"
#include "tests/hostile/record.h"

struct play {
	struct peer peer;
	const struct script *script;
	const struct server_options *options;
	struct peer_tls tls;
	const char *keywords;
	size_t first; /* the first step of this connection */
	size_t at;    /* the step being played */
	int number;   /* of the connection */
	int messages;
};

/* How a step or a command ended. */
enum outcome { GO_ON, LEAVE, OVER };

static enum outcome say(struct play *p, const char *text)
{
	return peer_send(&p->peer, text, strlen(text)) ? LEAVE : GO_ON;
}

/* Offset just behind CRLF.CRLF in what was read so far, or 0. `state` carries over. */
static size_t end_of_data(const char *b, size_t len, int *state)
{
	static const char mark[] = "\r\n.\r\n";

	for (size_t i = 0; i < len; i++) {
		if (b[i] == mark[*state])
			(*state)++;
		else
			*state = b[i] == '\r' ? 1 : 0;
		if (*state == 5)
			return i + 1;
	}
	return 0;
}

static int data_file(struct play *p)
{
	char path[512];

	if (!p->options->data)
		return open("/dev/null", O_WRONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "%s/%d-%d", p->options->data, p->number, ++p->messages);
	return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
}

/* Content up to its end; the lines, dots still doubled, go to a file without the final dot. */
static enum outcome read_data(struct play *p)
{
	static char chunk[65536 + 5];
	int state = 2; /* as if CRLF stood before the first line */
	unsigned long long total = 0;
	size_t end = 0;
	int fd = data_file(p);

	while (!end) {
		ssize_t n = peer_read(&p->peer, chunk, 65536);

		if (n <= 0)
			break;
		end = end_of_data(chunk, (size_t)n, &state);
		if (write(fd, chunk, end ? end : (size_t)n) < 0)
			break;
		total += end ? end : (size_t)n;
		if (end && end < (size_t)n) {
			/* What follows the data is unread input. */
			p->peer.start = 0;
			p->peer.end = (size_t)n - end;
			if (p->peer.end > sizeof(p->peer.in))
				p->peer.end = sizeof(p->peer.in);
			memcpy(p->peer.in, chunk + end, p->peer.end);
		}
	}
	if (end && p->options->data && ftruncate(fd, (off_t)(total - 3)))
		record_note("could not cut the final dot");
	close(fd);
	record_note("data %llu bytes%s", total, end ? "" : ", no final dot");
	return end ? GO_ON : LEAVE;
}

/* The scenario's own reply to a verb, from the steps of this connection up to here. */
static const struct step *own_reply(const struct play *p, const char *verb)
{
	const struct step *found = NULL;

	for (size_t i = p->first; i < p->at; i++) {
		const struct step *s = &p->script->steps[i];

		if ((s->verb == STEP_REPLY || s->verb == STEP_SILENT) && !strcasecmp(s->word, verb))
			found = s;
	}
	return found;
}

static enum outcome answer(struct play *p, const char *verb, const char *usual)
{
	const struct step *own = own_reply(p, verb);

	if (!own)
		return say(p, usual);
	if (own->verb == STEP_SILENT)
		return GO_ON;
	return peer_send(&p->peer, own->text, own->len) ? LEAVE : GO_ON;
}

static enum outcome greet_back(struct play *p)
{
	char reply[4096];
	const char *k = p->keywords;
	size_t n;

	if (!*k)
		return answer(p, "EHLO", "250 hostile.example\r\n");
	n = (size_t)snprintf(reply, sizeof(reply), "250-hostile.example\r\n");
	while (*k && n < sizeof(reply) - 300) {
		size_t len = strcspn(k, "|");
		int last = k[len] == '\0';

		n += (size_t)snprintf(reply + n, sizeof(reply) - n, "250%c%.*s\r\n",
			last ? ' ' : '-', (int)(len > 250 ? 250 : len), k);
		k += len + !last;
	}
	return answer(p, "EHLO", reply);
}

static enum outcome take_data(struct play *p)
{
	const struct step *own = own_reply(p, "DATA");
	enum outcome o = answer(p, "DATA", "354 go ahead\r\n");

	if (o != GO_ON || (own && !strstr(own->text, "354")))
		return o;
	o = read_data(p);
	return o == GO_ON ? answer(p, ".", "250 2.0.0 kept\r\n") : o;
}

static enum outcome take_starttls(struct play *p)
{
	enum outcome o = answer(p, "STARTTLS", "220 go\r\n");
	const struct step *own = own_reply(p, "STARTTLS");

	if (o != GO_ON || (own && strncmp(own->text, "220", 3)))
		return o;
	return peer_starttls(&p->peer, &p->tls) ? LEAVE : GO_ON;
}

static enum outcome obey(struct play *p, const char *verb)
{
	if (!strcasecmp(verb, "EHLO"))
		return greet_back(p);
	if (!strcasecmp(verb, "STARTTLS"))
		return take_starttls(p);
	if (!strcasecmp(verb, "DATA"))
		return take_data(p);
	if (!strcasecmp(verb, "QUIT")) {
		answer(p, verb, "221 2.0.0 bye\r\n");
		return OVER;
	}
	return answer(p, verb, "250 2.0.0 ok\r\n");
}

static enum outcome serve(struct play *p, const char *until)
{
	char line[16384], verb[16];

	for (;;) {
		enum outcome o;
		size_t len;

		if (peer_line(&p->peer, line, sizeof(line)) <= 0)
			return LEAVE;
		len = strcspn(line, " :");
		snprintf(verb, sizeof(verb), "%.*s", (int)(len > 15 ? 15 : len), line);
		if (*until && !strcasecmp(verb, until))
			return GO_ON;
		o = obey(p, verb);
		if (o != GO_ON)
			return o;
	}
}

static enum outcome expect(struct play *p, const char *glob)
{
	char line[16384];

	if (peer_line(&p->peer, line, sizeof(line)) <= 0)
		return LEAVE;
	if (!fnmatch(glob, line, FNM_CASEFOLD))
		return GO_ON;
	record_note("expected '%s'", glob);
	return LEAVE;
}

static enum outcome fill(struct play *p, const struct step *s)
{
	char chunk[8192];
	size_t n = 0;
	unsigned long left = s->number;

	if (!s->len || s->len > sizeof(chunk))
		return GO_ON;
	while (left) {
		for (n = 0; left && n + s->len <= sizeof(chunk); left--, n += s->len)
			memcpy(chunk + n, s->text, s->len);
		if (peer_send(&p->peer, chunk, n))
			return LEAVE;
	}
	return GO_ON;
}

static enum outcome garbage(struct play *p, unsigned long count)
{
	unsigned char b[4096];
	unsigned x = 2463534242u;

	while (count) {
		size_t n = count > sizeof(b) ? sizeof(b) : count;

		for (size_t i = 0; i < n; i++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			b[i] = (unsigned char)x;
		}
		if (peer_send(&p->peer, b, n))
			return LEAVE;
		count -= n;
	}
	return GO_ON;
}

static enum outcome step(struct play *p, const struct step *s)
{
	switch (s->verb) {
	case STEP_SEND:
	case STEP_SENDRAW:
		return peer_send(&p->peer, s->text, s->len) ? LEAVE : GO_ON;
	case STEP_FILL:
		return fill(p, s);
	case STEP_GARBAGE:
		return garbage(p, s->number);
	case STEP_EXPECT:
		return expect(p, s->word);
	case STEP_READDATA:
		return read_data(p);
	case STEP_READSOME:
		return peer_swallow(&p->peer, s->number) ? LEAVE : GO_ON;
	case STEP_READALL:
		peer_swallow(&p->peer, 0);
		return LEAVE;
	case STEP_SLEEP:
		usleep((useconds_t)(s->number * 1000));
		return GO_ON;
	case STEP_STALL:
		peer_stall(&p->peer);
		return LEAVE;
	case STEP_KEYWORDS:
		p->keywords = s->word;
		return GO_ON;
	case STEP_CERT:
		p->tls.cert = s->word;
		return GO_ON;
	case STEP_PROTOCOLS:
		p->tls.min = s->word;
		p->tls.max = s->text;
		return GO_ON;
	case STEP_CIPHERS:
		p->tls.ciphers = s->word;
		return GO_ON;
	case STEP_CIPHERSUITES:
		p->tls.ciphersuites = s->word;
		return GO_ON;
	case STEP_CLIENT:
		p->tls.client = s->word;
		return GO_ON;
	case STEP_TICKETKEY:
		p->tls.ticket_key = s->number;
		return GO_ON;
	case STEP_TICKETS:
		p->tls.tickets = s->number;
		p->tls.ticket_padding = strtoul(s->text, NULL, 10);
		return GO_ON;
	case STEP_OFFERED:
		p->tls.offered = s->word;
		return GO_ON;
	case STEP_STARTTLS:
		return peer_starttls(&p->peer, &p->tls) ? LEAVE : GO_ON;
	case STEP_SERVE:
		return serve(p, s->word);
	case STEP_SHUTDOWN:
		shutdown(p->peer.fd, SHUT_WR);
		return GO_ON;
	case STEP_CUT:
	case STEP_RST:
		peer_cut(&p->peer, s->verb == STEP_RST);
		return OVER;
	case STEP_REPLY:
	case STEP_SILENT:
	case STEP_REPEAT:
	case STEP_END:
		return GO_ON;
	case STEP_CONNECTION:
	case STEP_CLOSE:
		return LEAVE;
	}
	return LEAVE;
}

void server_play(const struct script *s, int number, int fd, const struct server_options *o)
{
	struct play p = {
		.script = s,
		.options = o,
		.number = number,
		.keywords = "",
		.tls = {.pki = o->pki, .cert = "good", .min = "1.2", .max = "1.3", .tickets = 2},
	};
	enum outcome out = GO_ON;
	unsigned long rounds = 0;
	size_t again = 0;
	int was_cut = 0;

	record_set_connection(number);
	record_note("accepted");
	peer_init(&p.peer, fd, o->limit);
	p.first = p.at = script_start(s, number);
	for (; out == GO_ON && p.at < s->count; p.at++) {
		const struct step *now = &s->steps[p.at];

		if (now->verb == STEP_REPEAT) {
			rounds = now->number;
			again = p.at;
		}
		if (now->verb == STEP_END && rounds-- > 1)
			p.at = again;
		was_cut = now->verb == STEP_CUT || now->verb == STEP_RST;
		out = step(&p, now);
	}
	if (!was_cut)
		peer_close(&p.peer);
	record_note("done");
}
