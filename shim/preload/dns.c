/*
 * dns: walks a message twice, first for the targets, then for the addresses. It keeps where names
 * stand, not the names.
 */
#include "shim/preload/dns.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define HEADER 12
#define TYPE_A 1
#define TYPE_MX 15
#define TYPE_AAAA 28
#define TYPE_SRV 33
#define POINTER 0xc0
#define STEPS 100000 /* labels and pointers; a message that takes more is made to be slow */

struct message {
	const uint8_t *bytes;
	size_t length;
	size_t question;	     /* where the name that was asked stands; 0: nowhere */
	size_t targets[DNS_TARGETS]; /* likewise, of MX and SRV records */
	unsigned target_count;
	bool too_many;
	unsigned steps;
	const struct dns_finder *finder;
};

struct record {
	size_t owner, data;
	uint16_t type, size;
	bool answer; /* stands in the answer section */
};

static uint16_t number(const struct message *m, size_t at)
{
	return (uint16_t)(m->bytes[at] << 8 | m->bytes[at + 1]);
}

/* Where the name at `at` ends, 0 if not in this message. What is no label to one libc is a long one
 * to another: it is passed over as a long one. */
static size_t skip_name(const struct message *m, size_t at)
{
	while (at < m->length) {
		uint8_t head = m->bytes[at];

		if (head >= POINTER)
			return m->length - at >= 2 ? at + 2 : 0;
		at += 1 + (size_t)head;
		if (!head)
			return at;
	}
	return 0;
}

/* Follows pointers, backwards only, to where a label stands; 0 if there is none. */
static size_t find_label(struct message *m, size_t at)
{
	while (at && m->steps < STEPS) {
		size_t to;

		m->steps++;
		if (at >= m->length)
			return 0;
		if (m->bytes[at] < POINTER)
			return m->bytes[at] < 0x40 && m->length - at > m->bytes[at] ? at : 0;
		if (m->length - at < 2)
			return 0;
		to = (size_t)(m->bytes[at] & ~POINTER) << 8 | m->bytes[at + 1];
		if (to >= at || to < HEADER)
			return 0;
		at = to;
	}
	return 0;
}

static bool plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

/* Adds a label and a dot. False if it does not fit, or has an odd byte. */
static bool add_label(char out[DNS_NAME_SIZE], size_t *length, const uint8_t *label, size_t size)
{
	if (*length + size + 1 >= DNS_NAME_SIZE)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (!plain(label[i]))
			return false;
		out[(*length)++] = (char)label[i];
	}
	out[(*length)++] = '.';
	return true;
}

/* Writes the name as text, without the last dot; empty if it cannot be said. */
static void read_name(struct message *m, size_t at, char out[DNS_NAME_SIZE])
{
	size_t length = 0, size;

	do {
		at = find_label(m, at);
		size = at ? m->bytes[at] : 0;
		if (!size || !add_label(out, &length, m->bytes + at + 1, size))
			break;
		at += 1 + size;
	} while (true);
	if (!at || size || !length)
		length = 1; /* it broke off, or is the root */
	out[length - 1] = '\0';
}

static uint8_t small(uint8_t c)
{
	return (uint8_t)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool same_name(struct message *m, size_t a, size_t b)
{
	while (m->steps < STEPS) {
		size_t size;

		a = find_label(m, a);
		b = find_label(m, b);
		if (!a || !b || m->bytes[a] != m->bytes[b])
			return false;
		size = m->bytes[a];
		if (a == b || !size)
			return true;
		for (size_t k = 1; k <= size; k++)
			if (small(m->bytes[a + k]) != small(m->bytes[b + k]))
				return false;
		a += 1 + size;
		b += 1 + size;
	}
	return false;
}

/* Reads the record at *at, which then stands behind it. */
static bool next_record(const struct message *m, size_t *at, struct record *r)
{
	size_t fixed = skip_name(m, *at);

	if (!fixed || m->length - fixed < 10)
		return false;
	r->owner = *at;
	r->type = number(m, fixed);
	r->size = number(m, fixed + 8);
	r->data = fixed + 10;
	if (m->length - r->data < r->size)
		return false;
	*at = r->data + r->size;
	return true;
}

static void each_record(struct message *m, void (*visit)(struct message *, const struct record *))
{
	size_t at = HEADER;
	unsigned questions = number(m, 4), answers = number(m, 6);
	uint32_t records = (uint32_t)answers + number(m, 8) + number(m, 10);
	struct record r;

	m->question = questions == 1 ? HEADER : 0;
	for (; questions; questions--) {
		at = skip_name(m, at);
		if (!at || m->length - at < 4)
			return;
		at += 4;
	}
	for (uint32_t i = 0; i < records && next_record(m, &at, &r); i++) {
		r.answer = i < answers;
		visit(m, &r);
	}
}

/* Behind preference (MX), or priority, weight and port (SRV). */
static void note_target(struct message *m, const struct record *r)
{
	unsigned before = r->type == TYPE_MX ? 2 : r->type == TYPE_SRV ? 6 : 0;
	char target[DNS_NAME_SIZE], domain[DNS_NAME_SIZE];

	if (!r->answer || !before || r->size <= before)
		return;
	if (m->target_count == DNS_TARGETS) {
		m->too_many = true;
		return;
	}
	m->targets[m->target_count++] = r->data + before;
	read_name(m, r->data + before, target);
	read_name(m, m->question, domain);
	if (*target && *domain)
		m->finder->target(m->finder->context, target, domain);
}

static size_t name_of(struct message *m, const struct record *r)
{
	for (unsigned i = 0; i < m->target_count; i++)
		if (same_name(m, m->targets[i], r->owner))
			return m->targets[i];
	return m->question;
}

static void note_address(struct message *m, const struct record *r)
{
	int family = r->type == TYPE_A ? AF_INET : r->type == TYPE_AAAA ? AF_INET6 : 0;
	char name[DNS_NAME_SIZE];
	size_t whose;

	if (!family || r->size < (family == AF_INET ? 4 : 16))
		return;
	whose = name_of(m, r);
	if (!r->answer && whose == m->question)
		return;
	read_name(m, whose, name);
	m->finder->address(m->finder->context, name, family, m->bytes + r->data);
}

void dns_read(const void *answer, size_t length, const struct dns_finder *finder)
{
	struct message m = {.bytes = answer, .length = length, .finder = finder};

	if (length < HEADER || (m.bytes[3] & 0x0f))
		return;
	each_record(&m, note_target);
	each_record(&m, note_address);
	if (m.too_many || m.steps == STEPS)
		finder->too_many(finder->context);
}
