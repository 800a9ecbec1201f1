#include "shim/smtp/header.h"

#include <string.h>

/* What becomes of one octet. */
enum fate {
	FATE_PASS,
	FATE_HOLD,
	FATE_DROP,
	FATE_AGAIN, /* not taken: the state changed, look at it once more */
	FATE_END,   /* passes, and the header is over */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* RFC 5322 3.6.8 */
static bool is_name(char c)
{
	return c > 32 && c < 127 && c != ':';
}

/* Behind one of our names: it goes on, and so it is another one. */
static bool is_word(char c)
{
	return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_';
}

void header_begin(struct header *header)
{
	*header = (struct header){.at = HEADER_AT_START};
}

static void begin_field(struct header *header, enum header_name name)
{
	header_field_open(&header->fields, name, header->held[0] == '.');
	header->held_length = 0;
	header->at = HEADER_AT_COLON;
}

/* `held` was nothing of ours. Inside a field of ours it goes with that. */
static void release(struct header *header, enum header_at at)
{
	header->releasing = !header->fields.open;
	if (header->fields.open)
		header->held_length = 0;
	header->at = at;
}

/* The name in `held`, without the stuffed dot, which the receiving server drops. */
static const char *held_name(const struct header *header, size_t *length)
{
	size_t dot = header->held_length > 0 && header->held[0] == '.';

	*length = header->held_length - dot;
	return header->held + dot;
}

/* `From ` or `>From ` as the very first line: how a mailbox file begins a message. */
static enum fate step_mailbox(struct header *header, char c)
{
	const char *from = header->held[0] == '>' ? ">From " : "From ";

	if (c != from[header->held_length]) {
		release(header, HEADER_AT_NAME);
		return FATE_AGAIN;
	}
	if (from[header->held_length + 1] == '\0')
		release(header, HEADER_AT_TEXT);
	return FATE_HOLD;
}

/* A line began with a dot. Its second octet tells the final dot from a stuffed one. */
static bool step_dot(struct header *header, char c, enum fate *fate)
{
	if (header->held_length == 1 && c == '\r') {
		*fate = FATE_HOLD;
		return true;
	}
	if (header->held_length == 2) {
		header_field_close(&header->fields);
		header->malformed |= c != '\n';
		release(header, c == '\n' ? HEADER_AT_OVER : HEADER_AT_LOOSE_START);
		*fate = c == '\n' ? FATE_HOLD : FATE_AGAIN;
		return true;
	}
	header->malformed = true;
	if (header->fields.open && is_blank(c)) {
		header->held_length = 0;
		header->fields.unclear = true;
		header->at = HEADER_AT_CONTINUATION;
		*fate = FATE_DROP;
		return true;
	}
	header_field_close(&header->fields);
	return false;
}

static enum fate step_candidate(struct header *header, char c)
{
	size_t length;
	const char *name = held_name(header, &length);
	enum header_name field;
	enum fate fate;

	if (!header->loose && header->held[0] == '.' && (length == 0 || header->held[1] == '\r') &&
		step_dot(header, c, &fate))
		return fate;
	if (header->held[0] == 'F' || header->held[0] == '>')
		return step_mailbox(header, c);
	if (header_name_goes_on(name, length, c))
		return FATE_HOLD;
	if (header_name_find(name, length, &field) && !is_word(c)) {
		if (!header->loose) {
			begin_field(header, field);
			return FATE_AGAIN;
		}
		header_field_say(&header->fields, field, FIELD_YES);
		header_field_doubt(&header->fields, HEADER_LOOSE);
	} else if (header_name_looks_like_ours(name, length)) {
		header_field_doubt(&header->fields, HEADER_UNKNOWN);
	}
	release(header, header->loose ? HEADER_AT_TEXT : HEADER_AT_NAME);
	return FATE_AGAIN;
}

static enum fate step_start(struct header *header, char c)
{
	bool mailbox = !header->later && (c == 'F' || c == '>');

	header->loose = false;
	if (c == '.') { /* a field of ours may go on behind it */
		header->at = HEADER_AT_CANDIDATE;
		return FATE_HOLD;
	}
	if (is_blank(c)) {
		header->malformed |= !header->later;
		header->at = HEADER_AT_CONTINUATION;
		return FATE_AGAIN;
	}
	header_field_close(&header->fields);
	if (c == '\r') {
		header->at = HEADER_AT_BLANK_CR;
		return FATE_PASS;
	}
	if (mailbox || lower(c) == 'm') {
		header->at = HEADER_AT_CANDIDATE;
		return FATE_HOLD;
	}
	header->malformed |= !is_name(c);
	header->at = is_name(c) ? HEADER_AT_NAME : HEADER_AT_TEXT;
	return FATE_AGAIN;
}

static enum fate step_loose_start(struct header *header, char c)
{
	header->malformed = true;
	header->fields.unclear = true;
	if (c == '.' || lower(c) == 'm') {
		header->loose = true;
		header->at = HEADER_AT_CANDIDATE;
		return FATE_HOLD;
	}
	header->at = HEADER_AT_TEXT;
	return FATE_AGAIN;
}

static enum fate step_colon(struct header *header, char c)
{
	if (is_blank(c))
		return FATE_PASS;
	header->at = HEADER_AT_TEXT;
	if (c == ':')
		return FATE_PASS;
	header->malformed = true;
	header->fields.unclear = true;
	return FATE_AGAIN;
}

static enum fate step_name(struct header *header, char c)
{
	if (is_name(c))
		return FATE_PASS;
	header->at = HEADER_AT_COLON;
	return FATE_AGAIN;
}

/* A line of blanks only ends the header for some readers. */
static enum fate step_continuation(struct header *header, char c)
{
	if (header->fields.open)
		header_field_octet(&header->fields, ' ');
	if (is_blank(c))
		return FATE_PASS;
	header->malformed |= c == '\r' || c == '\n';
	header->at = HEADER_AT_TEXT;
	return FATE_AGAIN;
}

static enum fate step_text(struct header *header, char c)
{
	if (c == '\r')
		header->at = HEADER_AT_CR;
	else if (c == '\n')
		header->at = HEADER_AT_LOOSE_START;
	else if (header->fields.open)
		header_field_octet(&header->fields, c);
	header->malformed |= c == '\n' || c == '\0';
	return FATE_PASS;
}

static enum fate step_cr(struct header *header, char c)
{
	bool blank = header->at == HEADER_AT_BLANK_CR;

	if (c != '\n') {
		header->malformed = true;
		header->at = HEADER_AT_LOOSE_START;
		return FATE_AGAIN;
	}
	header->later = true;
	header->whole = blank;
	header->at = blank ? HEADER_AT_OVER : HEADER_AT_START;
	return blank ? FATE_END : FATE_PASS;
}

static enum fate step(struct header *header, char c)
{
	switch (header->at) {
	case HEADER_AT_START:
		return step_start(header, c);
	case HEADER_AT_LOOSE_START:
		return step_loose_start(header, c);
	case HEADER_AT_CANDIDATE:
		return step_candidate(header, c);
	case HEADER_AT_NAME:
		return step_name(header, c);
	case HEADER_AT_COLON:
		return step_colon(header, c);
	case HEADER_AT_CONTINUATION:
		return step_continuation(header, c);
	case HEADER_AT_TEXT:
		return step_text(header, c);
	case HEADER_AT_CR:
	case HEADER_AT_BLANK_CR:
		return step_cr(header, c);
	case HEADER_AT_OVER:
		return FATE_PASS;
	}
	return FATE_PASS;
}

/* What is nobody's line end passes in one piece: names and texts of other fields. */
static size_t plain_run(const struct header *header, const char *bytes, size_t n)
{
	size_t i = 0;

	if (header->at == HEADER_AT_OVER)
		return n;
	if (header->at == HEADER_AT_NAME) {
		while (i < n && is_name(bytes[i]))
			i++;
		return i;
	}
	if (header->at != HEADER_AT_TEXT || header->fields.open)
		return 0;
	while (i < n && bytes[i] != '\r' && bytes[i] != '\n' && bytes[i] != '\0')
		i++;
	return i;
}

/* False: `held` did not fit in whole. */
static bool put_held(struct header *header, struct buf *out)
{
	size_t n = header->held_length;

	if (!header->releasing)
		return true;
	if (n > buf_room(out))
		n = buf_room(out);
	if (buf_append(out, header->held, n) < 0)
		return false;
	header->held_length -= n;
	memmove(header->held, header->held + n, header->held_length);
	header->releasing = header->held_length > 0;
	return !header->releasing;
}

/* Carries out what step() says about one octet; `place` has room for it. */
static enum fate put(struct header *header, char c, char *place, struct buf *out)
{
	enum fate fate = step(header, c);

	if (fate == FATE_HOLD)
		header->held[header->held_length++] = c;
	if (fate == FATE_PASS && header->fields.open)
		fate = FATE_DROP;
	*place = c;
	buf_commit(out, fate == FATE_PASS || fate == FATE_END);
	return fate;
}

enum header_state header_pass(
	struct header *header, const char *bytes, size_t n, size_t *taken, struct buf *out)
{
	*taken = 0;
	while (put_held(header, out) && *taken < n) {
		size_t run = plain_run(header, bytes + *taken, n - *taken);
		size_t room;
		char *place = buf_reserve(out, run ? run : 1, &room);
		enum fate fate;

		if (!place)
			break;
		if (run > 0) {
			run = run < room ? run : room;
			memcpy(place, bytes + *taken, run);
			buf_commit(out, run);
			*taken += run;
			continue;
		}
		fate = put(header, bytes[*taken], place, out);
		*taken += fate != FATE_AGAIN;
		if (fate == FATE_END)
			return HEADER_END;
	}
	return HEADER_MORE;
}

/* As if the message ended here. */
static struct header ended(const struct header *header)
{
	struct header copy = *header;
	struct header_fields *fields = &copy.fields;
	enum header_name which;
	size_t length;
	const char *name = held_name(&copy, &length);

	fields->unclear |= copy.at != HEADER_AT_START;
	header_field_close(fields);
	if (copy.at == HEADER_AT_CANDIDATE && header_name_find(name, length, &which))
		header_field_say(fields, which, FIELD_YES);
	for (unsigned i = 0; i < HEADER_NAMES; i++) {
		if (fields->said[i] == FIELD_NO && (copy.malformed || !copy.whole))
			header_field_doubt(
				fields, copy.malformed ? HEADER_MALFORMED : HEADER_ENDLESS);
	}
	return copy;
}

int header_finish(struct header *header, struct buf *out)
{
	bool drop = header->loose && header->fields.open;
	int rc = buf_append(out, header->held, drop ? 0 : header->held_length);

	if (rc < 0)
		return rc;
	*header = ended(header);
	header->held_length = 0;
	header->releasing = false;
	header->at = HEADER_AT_OVER;
	return 0;
}

static enum field counts(const struct header *header, enum header_name name)
{
	enum field said = header->fields.said[name];

	return said == FIELD_NO && (header->malformed || !header->whole) ? FIELD_ABSENT : said;
}

void header_overrides(const struct header *header, struct overrides *overrides)
{
	struct header end = ended(header);

	overrides->require_tls = counts(&end, HEADER_REQUIRE_TLS);
	overrides->verify_certificate = counts(&end, HEADER_VERIFY_CERTIFICATE);
}

const char *header_remark(const struct header *header)
{
	struct header end = ended(header);

	return header_field_remark(&end.fields);
}
