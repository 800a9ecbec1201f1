#include "tools/explain/question.h"

#include "shim/base/buf.h"
#include "shim/smtp/address.h"
#include "shim/smtp/header.h"
#include "tools/mailseal.h"
#include "tools/meaning.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define NAMES_MOST 64
#define LINE_MOST 998 /* RFC 5322 2.1.1 */

static bool has_control(const char *text)
{
	for (; *text; text++) {
		if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
			return true;
	}
	return false;
}

static bool is_address(const char *text)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static int read_hosts(struct question *q, const struct question_words *words)
{
	q->names = calloc(words->host_count + 1, sizeof(*q->names));
	if (!q->names)
		return complain(EX_OSERR, "out of memory");
	for (unsigned i = 0; i < words->host_count; i++) {
		const char *host = words->hosts[i];
		struct err why;

		if (is_address(host))
			return complain(EX_DATAERR,
				"--host %s: this is an address, not a name that a program looked "
				"up; "
				"write --address %s",
				host, host);
		if (host_name_parse(host, q->names[i], &why))
			return complain(EX_DATAERR, "--host '%s' %s", host, why.text);
		q->name_count++;
	}
	return EX_OK;
}

/* A v4-mapped address is an IPv4 one. */
static void write_literal(struct question *q)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&q->address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&q->address;
	bool mapped = q->address.ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
	char text[INET6_ADDRSTRLEN];

	if (mapped)
		inet_ntop(AF_INET, in6->sin6_addr.s6_addr + 12, text, sizeof(text));
	else if (q->address.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
	snprintf(q->literal, sizeof(q->literal), "[%s%s]", strchr(text, ':') ? "IPv6:" : "", text);
}

static int read_address(struct question *q, const char *text)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&q->address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&q->address;

	if (!text)
		return EX_OK;
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1)
		q->address.ss_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1)
		q->address.ss_family = AF_INET6;
	else
		return complain(EX_DATAERR,
			"--address '%s' is not an IP address; write 192.0.2.1 or 2001:db8::1, "
			"without port, brackets or zone",
			text);
	q->address_text = text;
	write_literal(q);
	return EX_OK;
}

bool question_connection(
	struct question *q, const char *name, const struct sockaddr *address, const char *text)
{
	size_t size = address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						     : sizeof(struct sockaddr_in);

	free(q->names);
	q->names = calloc(1, sizeof(*q->names));
	if (!q->names)
		return false;
	q->name_count = name != NULL;
	if (name)
		snprintf(q->names[0], sizeof(q->names[0]), "%s", name);
	memcpy(&q->address, address, size);
	q->address_text = text;
	write_literal(q);
	return true;
}

/* No @, or nothing behind it. */
static bool has_no_domain(const char *text)
{
	const char *at = strrchr(text, '@');

	return !at || !at[1] || at[1] == '>';
}

static int read_mailbox(const char *option, const char *text, bool sender, struct mailbox *mailbox)
{
	bool null = strcmp(text, "<>") == 0 || !*text;

	if (has_control(text) || strlen(text) > LINE_MOST)
		return complain(EX_DATAERR, "%s: not a mail address: %s", option,
			strlen(text) > LINE_MOST ? "too long" : "it holds control characters");
	if (null && !sender)
		return complain(EX_DATAERR, "%s '%s': only a sender may be empty", option, text);
	if (!null && !strchr(text, '@') && text[0] != '<')
		return complain(EX_DATAERR,
			"%s '%s' is not a mail address; write user@%s (or <%s>, if the program "
			"gives no domain)",
			option, text, strchr(text, '.') ? text : "example.com", text);
	mailbox->text = text;
	address_of_text(text, sender, &mailbox->domain);
	mailbox->no_domain = mailbox->domain.form == DOMAIN_AMBIGUOUS && has_no_domain(text);
	return EX_OK;
}

static int read_mailboxes(struct question *q, const struct question_words *words)
{
	int code;

	q->recipients = calloc(words->recipient_count + 1, sizeof(*q->recipients));
	if (!q->recipients)
		return complain(EX_OSERR, "out of memory");
	if (words->sender && (code = read_mailbox("--sender", words->sender, true, &q->sender)))
		return code;
	for (unsigned i = 0; i < words->recipient_count; i++) {
		code = read_mailbox("--recipient", words->recipients[i], false, &q->recipients[i]);
		if (code)
			return code;
	}
	q->recipient_count = words->recipient_count ? words->recipient_count : 1;
	return EX_OK;
}

static int put(struct buf *content, const char *bytes, size_t n)
{
	return buf_append(content, bytes, n) ? complain(EX_OSERR, "out of memory") : EX_OK;
}

/* As the dialogue hands content to the scanner: dots stuffed, CRLF behind each line. */
static int put_lines(struct buf *content, const char *text)
{
	int code = text[0] == '.' ? put(content, ".", 1) : EX_OK;

	while (code == EX_OK) {
		size_t length = strcspn(text, "\r\n");

		code = put(content, text, length);
		if (code == EX_OK)
			code = put(content, "\r\n", 2);
		text += length + strspn(text + length, "\r");
		if (*text != '\n')
			break;
		text++;
	}
	return code;
}

/* What a message with this header says. */
static int scan(struct buf *content, struct overrides *overrides, const char **remark)
{
	struct header header;
	size_t taken;
	struct buf out;

	if (put_lines(content, ""))
		return EX_OSERR;
	buf_init(&out, buf_length(content) + HEADER_HELD);
	header_begin(&header);
	header_pass(&header, buf_bytes(content), buf_length(content), &taken, &out);
	header_overrides(&header, overrides);
	*remark = header_remark(&header);
	buf_clear(&out);
	buf_clear(content);
	return EX_OK;
}

/* The name of a field: printable, no blanks (RFC 5322 3.6.8). */
static bool is_field(const char *line)
{
	size_t length = strcspn(line, ":");

	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)line[i] <= ' ' || (unsigned char)line[i] >= 0x7f)
			return false;
	}
	return length > 0 && line[length] == ':';
}

/* What is wrong with the lines of a field, which go on behind a line end with a blank (RFC 5322
 * 2.2.3); NULL where nothing is. */
static const char *fault_of(const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\r\n");

		for (size_t i = 0; i < length; i++) {
			if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f)
				return "it holds control characters";
		}
		if (length > LINE_MOST)
			return "a line is too long";
		text += length;
		if (!*text)
			return NULL;
		text += *text == '\r';
		if (*text++ != '\n')
			return "it holds control characters";
		if (*text != ' ' && *text != '\t')
			return "behind a line end, a field goes on with a blank";
	}
	return NULL;
}

static char *unfold(const char *text)
{
	char *out = malloc(strlen(text) + 1), *to = out;

	for (; out && *text; text++) {
		if (*text != '\r' && *text != '\n')
			*to++ = *text;
	}
	if (out)
		*to = '\0';
	return out;
}

/* Room for the lines, with CRLF for LF, and for a blank line. */
static size_t room_for(const char *text)
{
	return 2 * strlen(text) + 8;
}

static int read_field(const char *text, struct field_line *field)
{
	struct overrides overrides = {FIELD_ABSENT, FIELD_ABSENT};
	const char *remark, *fault = fault_of(text);
	struct buf content;

	if (fault)
		return complain(EX_DATAERR, "--header: not a field of a header: %s", fault);
	if (!is_field(text))
		return complain(EX_DATAERR,
			"--header '%.*s' is not a header field; write 'Name: value', such as "
			"'Mailseal-Require-TLS: yes'",
			(int)strcspn(text, "\r\n"), text);
	buf_init(&content, room_for(text));
	if (put_lines(&content, text) || scan(&content, &overrides, &remark))
		return EX_OSERR;
	field->text = unfold(text);
	if (!field->text)
		return complain(EX_OSERR, "out of memory");
	field->ours = overrides.require_tls != FIELD_ABSENT ||
		      overrides.verify_certificate != FIELD_ABSENT;
	return EX_OK;
}

static int read_fields(struct question *q, const struct question_words *words)
{
	size_t room = 8;
	struct buf content;
	int code = EX_OK;

	q->remark = "";
	q->fields = calloc(words->header_count + 1, sizeof(*q->fields));
	if (!q->fields)
		return complain(EX_OSERR, "out of memory");
	for (unsigned i = 0; i < words->header_count; i++)
		room += room_for(words->headers[i]);
	buf_init(&content, room);
	for (unsigned i = 0; i < words->header_count && code == EX_OK; i++) {
		code = read_field(words->headers[i], &q->fields[i]);
		if (code == EX_OK)
			code = put_lines(&content, words->headers[i]);
		q->field_count++;
	}
	if (code == EX_OK)
		code = scan(&content, &q->overrides, &q->remark);
	buf_clear(&content);
	return code;
}

int question_read(struct question *q, const struct question_words *words)
{
	int code = read_hosts(q, words);

	if (code == EX_OK)
		code = read_address(q, words->address);
	if (code == EX_OK)
		code = read_mailboxes(q, words);
	return code == EX_OK ? read_fields(q, words) : code;
}

void question_clear(struct question *q)
{
	free(q->names);
	free(q->recipients);
	for (unsigned i = 0; i < q->field_count; i++)
		free(q->fields[i].text);
	free(q->fields);
	memset(q, 0, sizeof(*q));
}

const char *question_server(const struct question *q)
{
	if (q->name_count > 0)
		return q->names[0];
	return q->address_text ? q->literal : "the server";
}

void question_policy(const struct question *q, const struct policy_set *set, struct policy *policy)
{
	const char *names[NAMES_MOST];
	unsigned count = q->name_count < NAMES_MOST ? q->name_count : NAMES_MOST;

	if (count == 0 && !q->address_text) {
		meaning_policy_elsewhere(set, false, policy);
		return;
	}
	for (unsigned i = 0; i < count; i++)
		names[i] = q->names[i];
	policy_for_host(set, names, count, (const struct sockaddr *)&q->address, policy);
}
