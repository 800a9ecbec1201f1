/*
 * json: the report for a script. Its keys stand in mailseal(1).
 */
#include "tools/json.h"
#include "tools/meaning.h"
#include "tools/probe/probe.h"

#include <stdlib.h>
#include <string.h>

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_text(text) : json_null();
}

static json_t *json_saying(const struct saying *s, bool keywords)
{
	unsigned first = keywords && s->code == 250 ? 1 : 0;
	json_t *lines = json_array();

	if (s->code == 0) {
		json_decref(lines);
		return json_null();
	}
	for (unsigned i = first; i < s->count; i++)
		json_array_append_new(lines, json_text(s->lines[i]));
	return json_pack("{s:i, s:o}", "code", s->code, keywords ? "keywords" : "lines", lines);
}

static json_t *json_certificate(const struct tls_certificate *c)
{
	json_t *names = json_array();

	for (unsigned i = 0; i < c->name_count; i++)
		json_array_append_new(names, json_text(c->names[i]));
	return json_pack("{s:o, s:o, s:o, s:o, s:i, s:o, s:i, s:o, s:o, s:o, s:o, s:b, s:b}",
		"subject", json_text(c->subject), "issuer", json_text(c->issuer), "not_before",
		text_or_null(c->from), "not_after", text_or_null(c->until), "days_left",
		c->days_left, "names", names, "names_in_total", (int)c->names_in_total, "key",
		json_text(c->key), "signature", json_text(c->signature), "sha256",
		text_or_null(c->sha256), "public_key_sha256", text_or_null(c->public_key), "sent",
		c->sent, "used", c->used);
}

static json_t *json_identity(const struct probe *p, const struct meeting *m)
{
	if (m->match)
		return json_strings(m->match);
	return json_pack("[o]", json_text(p->target.name ? p->target.name : m->at.text));
}

static json_t *json_chain(const struct probe *p, const struct meeting *m)
{
	const struct talk *t = &m->talk;
	json_t *chain = json_array();

	if (!t->shaken || !t->served) {
		json_decref(chain);
		return json_null();
	}
	for (unsigned i = 0; i < t->peer.count; i++)
		json_array_append_new(chain, json_certificate(&t->peer.chain[i]));
	return json_pack("{s:b, s:o, s:o, s:o, s:o}", "verified", t->tls.verified, "reason",
		text_or_null(t->tls.reason), "reference", json_identity(p, m), "authorities",
		text_or_null(m->authorities), "chain", chain);
}

static const char *tls_state(const struct talk *t)
{
	if (t->shaken)
		return "on";
	if (!t->served)
		return "unknown";
	switch (t->facts.tls) {
	case TLS_FACT_NOT_OFFERED:
		return "not-offered";
	case TLS_FACT_REFUSED:
		return "refused";
	case TLS_FACT_HANDSHAKE_FAILED:
	case TLS_FACT_LEFT:
	case TLS_FACT_ON:
		break;
	}
	return "handshake-failed";
}

static json_t *json_resumption(const struct meeting *m)
{
	static const char *const names[] = {"unknown", "yes", "no"};

	return json_pack("{s:s, s:o, s:i}", "works", names[m->resumes], "reason",
		text_or_null(m->resumes_why), "tickets", (int)m->talk.tickets);
}

static json_t *json_tls(const struct meeting *m)
{
	const struct talk *t = &m->talk;

	if (!t->shaken)
		return json_pack("{s:s, s:o}", "state", tls_state(t), "reason",
			t->served ? text_or_null(t->facts.reason) : json_null());
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "state", "on", "protocol",
		t->tls.protocol, "cipher", t->tls.cipher, "key_exchange",
		text_or_null(t->peer.key_exchange), "signature", text_or_null(t->peer.signature),
		"resumption", json_resumption(m));
}

static json_t *json_fate_with_rule(const struct row *row, const struct fate *fate, const char *to)
{
	json_t *json = fate_json(row, fate, to);
	char rule[320];

	judge_rule(fate, rule, sizeof(rule));
	json_object_set_new(json, "decided_by", text_or_null(rule));
	return json;
}

static json_t *json_mail(const struct probe *p, const struct row *row)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < p->question.recipient_count; i++)
		json_array_append_new(array,
			json_fate_with_rule(row, &row->fates[i], p->question.recipients[i].text));
	return array;
}

static json_t *json_section(
	const struct probe *p, const struct meeting *m, const struct section *section)
{
	struct explanation e;
	json_t *json = NULL;

	if (judge(p, m, section, &e)) {
		json = json_fate_with_rule(&e.rows[0], &e.rows[0].fates[0], NULL);
		json_object_del(json, "recipient");
		json_object_set_new(json, "kind",
			json_string(section->kind == SECTION_SENDER ? "sender" : "recipient"));
		json_object_set_new(json, "label", json_text(section->label));
		json_object_set_new(json, "line", json_integer(section->line));
	}
	explanation_clear(&e);
	return json;
}

static json_t *json_sections(const struct probe *p, const struct meeting *m)
{
	const struct policy_set *set = p->configuration.set;
	json_t *array = json_array();

	for (size_t i = 0; i < set->count; i++) {
		if (judge_speaks_of(set->sections[i]))
			json_array_append_new(array, json_section(p, m, set->sections[i]));
	}
	return array;
}

static json_t *json_policy(const struct probe *p, const struct meeting *m)
{
	const struct row *row = &m->explanation.rows[0];

	if (!m->talk.served)
		return json_null();
	return json_pack("{s:b, s:o, s:o, s:o, s:o}", "untouched", m->untouched, "sender",
		mailbox_json(&p->question.sender), "mail",
		m->untouched ? json_array() : json_mail(p, row), "sections",
		m->untouched ? json_array() : json_sections(p, m), "auth",
		m->untouched ? json_null() : auth_json(row));
}

const char *probe_status_name(int status)
{
	switch (status) {
	case PROBE_FINE:
		return "fine";
	case PROBE_BLOCKED:
		return "blocked";
	}
	return "unreachable";
}

static json_t *json_meeting(const struct probe *p, const struct meeting *m)
{
	const struct talk *t = &m->talk;
	const struct saying *said = t->heard.said;
	int days = 0;
	bool known = judge_days_left(m, &days);

	return json_pack("{s:o, s:s, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "address",
		json_text(m->at.text), "status", probe_status_name(m->status), "summary",
		json_text(m->summary), "attack", t->attack, "trouble", text_or_null(t->trouble),
		"greeting", json_saying(&said[MOMENT_GREETING], false), "before_tls",
		json_saying(&said[MOMENT_EHLO], true), "inside_tls",
		json_saying(&said[MOMENT_EHLO_INSIDE], true), "tls", json_tls(m), "certificate",
		json_chain(p, m), "days_left", known ? json_integer(days) : json_null(), "policy",
		json_policy(p, m));
}

json_t *probe_as_json(const struct probe *p)
{
	const struct configuration *c = &p->configuration;
	json_t *servers = json_array();

	for (unsigned i = 0; i < p->count; i++)
		json_array_append_new(servers, json_meeting(p, &p->meetings[i]));
	return json_pack("{s:o, s:o, s:i, s:o, s:o, s:b, s:s, s:i, s:o, s:o}", "host",
		json_text(p->target.host), "name", text_or_null(p->target.name), "port",
		(int)strtol(p->target.port, NULL, 10), "file", json_text(c->path), "domains_file",
		c->seen.domains_present ? json_text(c->domains) : json_null(), "built_in",
		!c->seen.main_present, "status", probe_status_name(p->status), "exit_status",
		p->status, "trouble", text_or_null(p->trouble), "servers", servers);
}
