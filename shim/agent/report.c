/*
 * report: one line a transaction, one a connection that had none, one for what was refused.
 */
#include "shim/agent/log.h"
#include "shim/agent/parts.h"
#include "shim/agent/program.h"
#include "shim/smtp/own_tls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAME_LIMIT 255
#define TEXT_LIMIT 300
#define REASON_LIMIT 700

/* Octets of a line that names and addresses leave to what became of it; and, of these, reason, then
 * rules, then the reply to what follows them. */
#define KEPT_FOR_FATE 1900
#define KEPT_FOR_RULE 1300
#define KEPT_FOR_REPLY 550
#define KEPT_FOR_NOTE 250

/* Of one session; one that says more is not what a trace is for. */
#define TRACE_LINES 400
#define TRACE_OCTETS 65536
#define TRACE_TEXT 1200 /* of one line */

/* Callers of an agent of their own are in its control group, by which they found it. */
void report_program(struct session *s)
{
	char exe[256], unit[UNIT_NAME_SIZE];

	program_exe(s->pid, exe, sizeof(exe));
	s->exe = strdup(exe);
	if (!s->lane->agent->options.worker)
		return;
	program_unit(s->pid, unit);
	s->unit = strdup(unit);
}

void report_address(const struct sockaddr_storage *ss, bool port, char *out, size_t size)
{
	const struct sockaddr_in *in = (const void *)ss;
	const struct sockaddr_in6 *in6 = (const void *)ss;
	char text[INET6_ADDRSTRLEN] = "?";
	bool v6 = ss->ss_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
	unsigned number = ntohs(ss->ss_family == AF_INET6 ? in6->sin6_port : in->sin_port);

	if (v6)
		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET,
			ss->ss_family == AF_INET6 ? (const void *)(in6->sin6_addr.s6_addr + 12)
						  : &in->sin_addr,
			text, sizeof(text));
	if (port)
		snprintf(out, size, v6 ? "[%s]:%u" : "%s:%u", text, number);
	else
		snprintf(out, size, "%s", text);
}

static void add_names(
	struct log_line *line, const char *key, const char *const *names, size_t count, size_t all)
{
	char list[1200] = "";
	size_t i, n = 0;

	for (i = 0; i < count && n < sizeof(list); i++)
		n += (size_t)snprintf(
			list + n, sizeof(list) - n, "%s%.320s", i ? "," : "", names[i]);
	if (all > count && n < sizeof(list))
		snprintf(list + n, sizeof(list) - n, ",...");
	line_quoted(line, key, list, sizeof(list));
}

/* What the certificate was compared with. Where no name is known the address is a reference only to
 * a certificate that names it. */
static void add_reference(struct log_line *line, const struct session *s, bool verified)
{
	const char *const *match = s->policy.connection.match;
	size_t n = 0;

	while (match && match[n])
		n++;
	if (s->policy.connection.fingerprints)
		line_word(line, "reference", "fingerprint");
	else if (match)
		add_names(line, "reference", match, n, n);
	else if (s->head.flags & HANDOFF_NAMES_TORN)
		line_word(line, "reference", "unknown");
	else if (!s->name_count && verified)
		line_word(line, "reference", "address");
	else if (s->name_count)
		add_names(line, "reference", (const char *const *)s->names, s->name_count,
			s->name_count);
	else
		line_word(line, "reference", "unknown");
}

static const char *unit_of(const struct session *s)
{
	if (s->lane->agent->options.worker)
		return s->unit ? s->unit : "";
	return program_own_unit();
}

static void add_session(struct log_line *line, const struct session *s)
{
	char id[64];

	snprintf(id, sizeof(id), "%lx.%llu", (long)getpid(), s->number);
	line_word(line, "session", id);
}

static void begin(struct log_line *line, const char *event, const struct session *s)
{
	line_begin(line, event);
	line_keep(line, KEPT_FOR_FATE);
	add_session(line, s);
	line_number(line, "pid", (uint64_t)s->pid);
	line_number(line, "uid", s->uid);
	line_quoted(line, "exe", s->exe ? s->exe : "", TEXT_LIMIT);
	line_quoted(line, "unit", unit_of(s), UNIT_NAME_SIZE);
	line_quoted(line, "host", s->name_count ? s->names[0] : "", NAME_LIMIT);
	if (s->mx_domain)
		line_quoted(line, "mx-domain", s->mx_domain, NAME_LIMIT);
	line_word(line, "addr", s->address);
	line_keep(line, 0);
}

/* Of a kind is what happens to one program with one server for one reason. */
static void send_repeatable(const struct log_line *line, const struct session *s, const char *event,
	const char *reason, const char *note)
{
	const char *const kind[] = {s->name_count ? s->names[0] : "", s->address, reason, note,
		s->exe ? s->exe : "", unit_of(s), NULL};

	repeats_send(line, event, kind, REPEATS_USUAL, loop_now(s->lane->loop));
}

static void add_tls(struct log_line *line, const struct session *s, const struct dialogue_report *r)
{
	bool tls = r->facts.tls == TLS_FACT_ON;

	line_word(line, "reused", s->reused ? "yes" : "no");
	line_word(line, "tls", tls ? "yes" : "no");
	line_word(line, "protocol", tls && *s->tls.protocol ? s->tls.protocol : "-");
	line_word(line, "cipher", tls && *s->tls.cipher ? s->tls.cipher : "-");
	line_word(line, "certificate-verified", !tls ? "-" : r->facts.verified ? "yes" : "no");
	line_word(line, "resumed", !tls ? "-" : s->tls.resumed ? "yes" : "no");
	line_keep(line, KEPT_FOR_RULE);
	line_quoted(line, "reason", r->facts.reason, TEXT_LIMIT);
}

static void add_refused(struct log_line *line, const struct dialogue_report *r)
{
	unsigned kept =
		r->refused_count < DIALOGUE_RECIPIENTS ? r->refused_count : DIALOGUE_RECIPIENTS;

	add_names(line, "refused", r->refused, kept, r->refused_count);
	line_number(line, "refused-count", r->refused_count);
	line_quoted(line, "refused-policy", r->refused_rule, TEXT_LIMIT);
}

/* What the message itself asked for. */
static void add_overrides(struct log_line *line, const struct dialogue_report *r)
{
	static const char *const words[] = {
		[FIELD_ABSENT] = "-", [FIELD_NO] = "no", [FIELD_YES] = "yes"};

	if (r->overrides.require_tls != FIELD_ABSENT)
		line_word(line, "message-require-tls", words[r->overrides.require_tls]);
	if (r->overrides.verify_certificate != FIELD_ABSENT)
		line_word(
			line, "message-verify-certificate", words[r->overrides.verify_certificate]);
	if (*r->remark)
		line_quoted(line, "message-remark", r->remark, TEXT_LIMIT);
}

static const char *event_of(const struct dialogue_report *r)
{
	if (strncmp(r->note, "attack", 6) == 0)
		return "attack";
	return r->transaction ? "transaction" : "connection";
}

/* A connection that broke before anything was to be judged. */
static bool is_mere_failure(const struct dialogue_report *r)
{
	return strcmp(event_of(r), "connection") == 0 && *r->note && !*r->rule && !*r->credentials;
}

void report_dialogue(void *context, const struct dialogue_report *r)
{
	struct session *s = context;
	unsigned kept =
		r->recipient_count < DIALOGUE_RECIPIENTS ? r->recipient_count : DIALOGUE_RECIPIENTS;
	bool judged = *r->rule != '\0';
	struct log_line line;

	if (judged && r->verdict.outcome == OUTCOME_BLOCKED)
		resumption_not_enough(s);
	begin(&line, event_of(r), s);
	line_keep(&line, KEPT_FOR_FATE);
	add_reference(&line, s, r->facts.tls == TLS_FACT_ON && r->facts.verified);
	if (r->transaction) {
		line_quoted(&line, "sender", r->sender, TEXT_LIMIT);
		add_names(&line, "recipients", r->recipients, kept, r->recipient_count);
		line_number(&line, "recipient-count", r->recipient_count);
	}
	if (r->refused_count)
		add_refused(&line, r);
	add_tls(&line, s, r);
	line_keep(&line, KEPT_FOR_REPLY);
	line_quoted(&line, "policy", r->rule, TEXT_LIMIT);
	line_word(&line, "verdict",
		!judged		 ? "-"
		: r->would_block ? "would-block"
				 : outcome_name(r->verdict.outcome));
	add_overrides(&line, r);
	if (*r->credentials)
		line_word(&line, "credentials", r->credentials);
	if (*r->credentials_rule)
		line_quoted(&line, "credentials-policy", r->credentials_rule, TEXT_LIMIT);
	line_keep(&line, KEPT_FOR_NOTE);
	line_quoted(&line, "reply", r->reply, TEXT_LIMIT);
	line_number(&line, "bytes", r->bytes);
	line_keep(&line, 0);
	if (*r->note)
		line_quoted(&line, "note", r->note, TEXT_LIMIT);
	if (is_mere_failure(r))
		send_repeatable(&line, s, event_of(r), r->facts.reason, r->note);
	else
		line_send(&line);
}

/* Who it is about stands in the first line, and whether there is more in the last. */
void report_trace(void *context, const char *direction, const char *text)
{
	struct session *s = context;
	uint64_t now = loop_now(s->lane->loop);
	struct log_line line;

	if (s->traced_lines > TRACE_LINES)
		return;
	if (!s->traced_since) {
		s->traced_since = now;
		begin(&line, "trace", s);
		line_word(&line, "dir", "-");
		line_quoted(&line, "line",
			s->reused ? "[a connection that was kept]" : "[connected]", TRACE_TEXT);
		line_send(&line);
	}
	s->traced_octets += (unsigned)strlen(text);
	if (++s->traced_lines > TRACE_LINES || s->traced_octets > TRACE_OCTETS) {
		s->traced_lines = TRACE_LINES + 1;
		direction = "-";
		text = "[too much: the trace ends here]";
	}
	line_begin(&line, "trace");
	add_session(&line, s);
	line_number(&line, "ms", now - s->traced_since);
	line_word(&line, "dir", direction);
	line_quoted(&line, "line", text, TRACE_TEXT);
	line_send(&line);
}

void report_relay(struct session *s)
{
	struct log_line line;

	begin(&line, "relay", s);
	line_quoted(&line, "policy", "intercept = false", TEXT_LIMIT);
	line_number(&line, "bytes", s->relayed);
	line_send(&line);
}

/* Nothing but the version is known of it, and that only where the server answered. */
void report_own_tls(const struct session *s)
{
	const char *note = s->own.note ? s->own.note : "session ended";
	bool tls = s->own.server_hello && *s->tls.protocol;
	struct own_tls own;
	struct log_line line;
	char rule[320];

	own_tls_judge(&s->policy, tls ? (enum tls_version)s->tls.version : TLS_VERSION_1_3, &own);
	own_tls_rule(&s->policy, &own, rule, sizeof(rule));
	begin(&line, strncmp(note, "attack", 6) == 0 ? "attack" : "application-tls", s);
	line_word(&line, "tls", tls ? "yes" : "no");
	line_word(&line, "protocol", tls ? s->tls.protocol : "-");
	line_word(&line, "certificate-verified", !tls ? "-" : "no");
	line_quoted(&line, "policy", rule, TEXT_LIMIT);
	line_word(&line, "verdict",
		!tls			    ? "-"
		: own.judgement.would_block ? "would-block"
					    : outcome_name(own.judgement.verdict.outcome));
	line_number(&line, "bytes", s->relayed);
	if (*note)
		line_quoted(&line, "note", note, TEXT_LIMIT);
	line_send(&line);
}

void report_caller(
	struct agent *agent, const struct ucred *peer, const struct request *r, const char *why)
{
	struct sockaddr_storage ss = {0};
	const char *host = "";
	char exe[256], unit[UNIT_NAME_SIZE], address[64] = "", uid[16];
	const char *kind[] = {why, exe, uid, address, NULL, NULL};
	struct log_line line;

	line_begin(&line, "connect-refused");
	line_number(&line, "pid", (uint64_t)peer->pid);
	line_number(&line, "uid", peer->uid);
	program_exe(peer->pid, exe, sizeof(exe));
	line_quoted(&line, "exe", exe, TEXT_LIMIT);
	program_unit(peer->pid, unit);
	line_quoted(&line, "unit", unit, UNIT_NAME_SIZE);
	if (r && r->view.head.magic == HANDOFF_MAGIC) {
		handoff_addr_to_sockaddr(&r->view.head.peer, &ss);
		report_address(&ss, true, address, sizeof(address));
		host = r->view.name_count ? r->view.names[0] : "";
		line_quoted(&line, "host", host, NAME_LIMIT);
		line_word(&line, "addr", address);
	}
	line_quoted(&line, "reason", why, REASON_LIMIT);
	snprintf(uid, sizeof(uid), "%u", (unsigned)peer->uid);
	kind[4] = host;
	repeats_send(&line, "connect-refused", kind, REPEATS_USUAL, loop_now(agent->loop));
}

void report_refused(struct session *s, int error, const char *why)
{
	struct log_line line;
	char reason[640];

	snprintf(reason, sizeof(reason), "%s%s%s", *why ? why : strerror(error), *why ? ": " : "",
		*why ? strerror(error) : "");
	begin(&line, "connect-refused", s);
	line_quoted(&line, "reason", reason, sizeof(reason));
	send_repeatable(&line, s, "connect-refused", reason, "");
}
