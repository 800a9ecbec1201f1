#include "tools/question.h"

#include "shim/base/buf.h"
#include "shim/smtp/address.h"
#include "shim/smtp/header.h"
#include "tools/mailseal.h"
#include "tools/meaning.h"

#include <arpa/inet.h>
#include <netinet/in.h>
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
	return EX_OK;
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

/* As the dialogue hands content to the scanner: dots stuffed, CRLF behind each line. */
static int put_line(struct buf *content, const char *line)
{
	return (line[0] == '.' && buf_append_text(content, ".")) ||
			       buf_append_text(content, line) || buf_append_text(content, "\r\n")
		       ? complain(EX_OSERR, "out of memory")
		       : EX_OK;
}

/* What a message with this header says. */
static int scan(struct buf *content, struct overrides *overrides, const char **remark)
{
	struct header header;
	size_t taken;
	struct buf out;

	if (put_line(content, ""))
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

static int read_field(const char *line, struct field_line *field)
{
	struct overrides overrides = {FIELD_ABSENT, FIELD_ABSENT};
	const char *remark;
	struct buf content;

	if (has_control(line) || strlen(line) > LINE_MOST)
		return complain(EX_DATAERR, "--header: not one line of a header: %s",
			strlen(line) > LINE_MOST ? "too long" : "it holds control characters");
	if (!is_field(line))
		return complain(EX_DATAERR,
			"--header '%s' is not a header field; write 'Name: value', such as "
			"'Mailseal-Require-TLS: yes'",
			line);
	buf_init(&content, 2 * LINE_MOST);
	if (put_line(&content, line) || scan(&content, &overrides, &remark))
		return EX_OSERR;
	field->text = line;
	field->ours = overrides.require_tls != FIELD_ABSENT ||
		      overrides.verify_certificate != FIELD_ABSENT;
	return EX_OK;
}

static int read_fields(struct question *q, const struct question_words *words)
{
	struct buf content;
	int code = EX_OK;

	q->remark = "";
	q->fields = calloc(words->header_count + 1, sizeof(*q->fields));
	if (!q->fields)
		return complain(EX_OSERR, "out of memory");
	buf_init(&content, (size_t)(words->header_count + 1) * (LINE_MOST + 4));
	for (unsigned i = 0; i < words->header_count && code == EX_OK; i++) {
		code = read_field(words->headers[i], &q->fields[i]);
		if (code == EX_OK)
			code = put_line(&content, words->headers[i]);
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
	free(q->fields);
	memset(q, 0, sizeof(*q));
}

const char *question_server(const struct question *q)
{
	if (q->name_count > 0)
		return q->names[0];
	return q->address_text ? q->address_text : "the server";
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
