#include "tools/report/line.h"

#include <stdbool.h>
#include <string.h>

#define TAG "mailseal"
#define TAG_LENGTH (sizeof(TAG) - 1)
#define HOST_MOST 255
#define TAG_MOST 128

struct cursor {
	const char *p, *end;
};

static bool begins(const struct cursor *c, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(c->end - c->p) >= n && memcmp(c->p, text, n) == 0;
}

static bool has(const char *text, size_t length, const char *what)
{
	return memmem(text, length, what, strlen(what)) != NULL;
}

static bool number(struct cursor *c, uint64_t *value)
{
	const char *begin = c->p;

	for (*value = 0; c->p < c->end && *c->p >= '0' && *c->p <= '9' && c->p - begin < 10; c->p++)
		*value = *value * 10 + (uint64_t)(*c->p - '0');
	return c->p > begin;
}

/* <22>, of a line that nobody took apart yet */
static void skip_priority(struct cursor *c)
{
	struct cursor q = {c->p + 1, c->end};
	uint64_t priority;

	if (begins(c, "<") && number(&q, &priority) && q.p < q.end && *q.p == '>')
		c->p = q.p + 1;
}

/* Behind it stands a blank, which is passed too. */
static bool token(struct cursor *c, size_t most, const char **text, size_t *length)
{
	const char *begin = c->p;

	while (c->p<c->end && * c->p> ' ' && *c->p != 0x7f && (size_t)(c->p - begin) <= most)
		c->p++;
	*text = begin;
	*length = (size_t)(c->p - begin);
	if (*length == 0 || *length > most || c->p == c->end || *c->p != ' ')
		return false;
	c->p++;
	return true;
}

/* mailseal[86]: */
static bool is_tag(const char *text, size_t length)
{
	struct cursor c = {text + TAG_LENGTH, text + length};
	uint64_t pid;

	if (length < TAG_LENGTH + 4 || memcmp(text, TAG "[", TAG_LENGTH + 1) != 0)
		return false;
	c.p++;
	return number(&c, &pid) && c.end - c.p == 2 && memcmp(c.p, "]:", 2) == 0;
}

static bool ends_tag(const char *text, size_t length)
{
	return length > 0 && text[length - 1] == ':';
}

/* mail.info, which busybox writes between host and tag */
static bool is_priority(const char *text, size_t length)
{
	const char *dot = memchr(text, '.', length);

	for (size_t i = 0; i < length; i++)
		if (!(text[i] >= 'a' && text[i] <= 'z') && !(text[i] >= '0' && text[i] <= '7') &&
			text[i] != '.')
			return false;
	return dot && dot > text && dot < text + length - 1;
}

/* `1 2026-11-27T10:00:00Z host mailseal 86 - - event=...` (RFC 5424), behind the priority */
static bool protocol_23(struct cursor *c, struct stamps *s, struct line_head *head, bool *ours)
{
	const char *host, *name, *pid, *id;
	size_t host_length, name_length, pid_length, id_length, n;
	struct cursor q = {c->p + 2, c->end};

	if (!begins(c, "1 "))
		return false;
	n = stamp_read(s, q.p, (size_t)(q.end - q.p), &head->time);
	q.p += n;
	if (n == 0 || q.p == q.end || *q.p++ != ' ' || !token(&q, HOST_MOST, &host, &host_length) ||
		!token(&q, TAG_MOST, &name, &name_length) ||
		!token(&q, TAG_MOST, &pid, &pid_length) || !token(&q, TAG_MOST, &id, &id_length))
		return false;
	*ours = name_length == TAG_LENGTH && memcmp(name, TAG, TAG_LENGTH) == 0;
	if (*ours && !begins(&q, "- "))
		return false; /* structured data is never ours */
	q.p += *ours ? 2 : 0;
	if (begins(&q, "\xef\xbb\xbf"))
		q.p += 3;
	*c = q;
	return true;
}

/* `Nov 27 10:00:00 host mailseal[86]: event=...`, or without a host in a file of our own. */
static bool classic(struct cursor *c, struct stamps *s, struct line_head *head, bool *ours)
{
	size_t n = stamp_read(s, c->p, (size_t)(c->end - c->p), &head->time), length;
	struct cursor q = {c->p + n, c->end};
	const char *text;

	if (q.p == q.end || *q.p++ != ' ')
		return false;
	if (!token(&q, HOST_MOST, &text, &length))
		return n != 0; /* a line with a time that says nothing */
	if (n == 0) {
		/* the agent had no time, or nothing is a log here */
		*ours = is_tag(text, length);
		*c = q;
		return *ours;
	}
	if (!ends_tag(text, length)) {
		struct cursor behind_host = q;

		if (!token(&q, TAG_MOST, &text, &length) ||
			(is_priority(text, length) && !token(&q, TAG_MOST, &text, &length)))
			q = behind_host;
	}
	*ours = is_tag(text, length);
	*c = q;
	return true;
}

/* `message repeated 3 times: [ event=...]` */
static void unfold(struct cursor *c, struct line_head *head)
{
	struct cursor q = *c;
	uint64_t times;

	if (!begins(&q, "message repeated "))
		return;
	q.p += strlen("message repeated ");
	if (!number(&q, &times) || !begins(&q, " times: [") || q.end[-1] != ']')
		return;
	q.p += strlen(" times: [");
	q.end--;
	while (q.p < q.end && *q.p == ' ')
		q.p++;
	head->count = times ? times : 1;
	*c = q;
}

/* `imuxsock lost 12 messages from pid 86 due to rate-limiting` of rsyslog, in its own line */
static bool tells_of_loss(const struct cursor *c, struct line_head *head)
{
	const char *lost = memmem(c->p, (size_t)(c->end - c->p), " lost ", 6);
	struct cursor q = {lost ? lost + 6 : c->end, c->end};

	return lost && number(&q, &head->count) && begins(&q, " messages from pid ");
}

/* `host last message repeated 5 times`: the host is passed already, if what stands there is no
 * tag. */
static bool tells_of_repetition(const char *line, size_t length, struct line_head *head)
{
	static const char words[] = " last message repeated ";
	const char *last = memmem(line, length, words, sizeof(words) - 1);
	struct cursor q = {last ? last + sizeof(words) - 1 : line, line + length};

	return last && last - line < 300 && !memchr(line + 20, '[', (size_t)(q.end - line) - 20) &&
	       number(&q, &head->count) && begins(&q, " times") && q.end - q.p == 6;
}

static bool something_of_ours(const char *line, size_t length)
{
	return has(line, length, TAG "[") || has(line, length, "event=transaction") ||
	       has(line, length, " verdict=");
}

enum line_kind line_take(
	struct stamps *stamps, const char *line, size_t length, struct line_head *head)
{
	struct cursor c = {line, line + length};
	bool ours = false, known;

	*head = (struct line_head){.count = 1};
	skip_priority(&c);
	known = protocol_23(&c, stamps, head, &ours) || classic(&c, stamps, head, &ours);
	if (!known)
		return something_of_ours(line, length) ? LINE_BROKEN : LINE_STRAY;
	if (!ours && length > 40 && tells_of_repetition(line, length, head))
		return LINE_REPEATED;
	if (!ours && begins(&c, "imuxsock") && tells_of_loss(&c, head))
		return LINE_DROPPED;
	if (!ours)
		return something_of_ours(c.p, (size_t)(c.end - c.p)) ? LINE_QUOTING : LINE_OTHER;
	unfold(&c, head);
	head->begin = (size_t)(c.p - line);
	head->length = (size_t)(c.end - c.p);
	return LINE_OURS;
}
