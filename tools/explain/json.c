/*
 * json: an explanation for a script.
 */
#include "tools/explain/explain.h"

#include "tools/json.h"

#include <string.h>

static json_t *json_of(void (*list)(const struct demands *demands, struct values *values),
	const struct demands *demands)
{
	struct values values;
	json_t *json;

	list(demands, &values);
	json = json_values(&values);
	values_clear(&values);
	return json;
}

static const char *domain_form(enum domain_form form)
{
	switch (form) {
	case DOMAIN_UNKNOWN:
		return "unknown";
	case DOMAIN_NULL:
		return "null";
	case DOMAIN_NAME:
		return "name";
	case DOMAIN_LITERAL:
		return "literal";
	case DOMAIN_AMBIGUOUS:
		break;
	}
	return "ambiguous";
}

static json_t *text_or_null(const char *text)
{
	return text ? json_text(text) : json_null();
}

json_t *mailbox_json(const struct mailbox *m)
{
	return json_pack("{s:o, s:s, s:s}", "address", text_or_null(m->text), "form",
		domain_form(m->domain.form), "domain", m->domain.name);
}

static json_t *json_recipients(const struct explain *e)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < e->question.recipient_count; i++) {
		json_t *recipient = mailbox_json(&e->question.recipients[i]);

		json_object_set_new(recipient, "values",
			json_of(values_of_demands, &e->explanation.demands[i]));
		json_array_append_new(array, recipient);
	}
	return array;
}

static const char *field_name(enum field field)
{
	switch (field) {
	case FIELD_ABSENT:
		return "absent";
	case FIELD_NO:
		return "no";
	case FIELD_YES:
		break;
	}
	return "yes";
}

static json_t *json_header(const struct question *q)
{
	json_t *fields = json_array();

	for (unsigned i = 0; i < q->field_count; i++)
		json_array_append_new(
			fields, json_pack("{s:o, s:b}", "field", json_text(q->fields[i].text),
					"effect", q->fields[i].ours));
	return json_pack("{s:o, s:s, s:s, s:s}", "fields", fields, "require_tls",
		field_name(q->overrides.require_tls), "verify_certificate",
		field_name(q->overrides.verify_certificate), "remark", q->remark);
}

static json_t *json_connection(const struct explain *e)
{
	const struct question *q = &e->question;
	const struct policy *p = &e->explanation.policy;
	json_t *names = json_array(), *json;
	struct values values;

	for (unsigned i = 0; i < q->name_count; i++)
		json_array_append_new(names, json_text(q->names[i]));
	values_of_connection(
		e->configuration.set, p, (const struct sockaddr *)&q->address, &values);
	json = json_pack("{s:o, s:o, s:o, s:s?}", "hosts", names, "address",
		text_or_null(q->address_text), "values", json_values(&values), "conflict",
		p->connection.conflict);
	values_clear(&values);
	return json;
}

static const char *stop_name(enum stop stop)
{
	switch (stop) {
	case STOP_NOWHERE:
		return NULL;
	case STOP_MAIL:
		return "MAIL";
	case STOP_RECIPIENT:
	case STOP_SEPARATE:
		return "RCPT";
	case STOP_MESSAGE:
		break;
	}
	return "final dot";
}

static const char *fate_outcome(const struct row *row, const struct fate *fate)
{
	if (fate->stop == STOP_SEPARATE)
		return "send-separately";
	if (fate->stop == STOP_NOWHERE && fate->judgement.would_block)
		return outcome_name(
			row->facts.tls == TLS_FACT_ON ? OUTCOME_TLS_UNVERIFIED : OUTCOME_CLEARTEXT);
	return outcome_name(fate->judgement.verdict.outcome);
}

json_t *fate_json(const struct row *row, const struct fate *fate, const char *recipient)
{
	const struct verdict *v = &fate->judgement.verdict;
	bool rule = fate->stop != STOP_SEPARATE && v->outcome == OUTCOME_BLOCKED;

	return json_pack("{s:o, s:s, s:s?, s:b, s:b, s:s?, s:o, s:o}", "recipient",
		text_or_null(recipient), "outcome", fate_outcome(row, fate), "stops_at",
		stop_name(fate->stop), "held", fate->waits, "would_block",
		fate->judgement.would_block, "rule", rule ? v->rule : NULL, "origin",
		rule ? json_origin(v->origin) : json_null(), "reply",
		fate->reply[0] ? json_text(fate->reply) : json_null());
}

static const char *auth_name(enum credentials_step step)
{
	switch (step) {
	case CREDENTIALS_PASS:
		return "passes";
	case CREDENTIALS_PASS_OBSERVED:
		return "would-block";
	case CREDENTIALS_BLOCKED:
		break;
	}
	return "blocked";
}

json_t *auth_json(const struct row *row)
{
	return json_pack("{s:s, s:o}", "outcome", auth_name(row->auth), "reply",
		row->auth_reply[0] ? json_text(row->auth_reply) : json_null());
}

static const char *server_name(const struct row *row)
{
	switch (row->seen.tls) {
	case TLS_FACT_ON:
		return "starttls";
	case TLS_FACT_NOT_OFFERED:
		return "none";
	case TLS_FACT_REFUSED:
		return "refused";
	case TLS_FACT_HANDSHAKE_FAILED:
	case TLS_FACT_LEFT:
		break;
	}
	return "handshake-failed";
}

static json_t *json_row(const struct explain *e, const struct row *row)
{
	json_t *fates = json_array();

	for (unsigned i = 0; i < e->question.recipient_count; i++)
		json_array_append_new(
			fates, fate_json(row, &row->fates[i], e->question.recipients[i].text));
	return json_pack("{s:s, s:s?, s:s?, s:o, s:o}", "server", server_name(row), "certificate",
		row->certificate, "tls",
		row->seen.tls == TLS_FACT_ON ? tls_version_name(row->seen.version) : NULL,
		"recipients", fates, "auth", auth_json(row));
}

static json_t *json_own_tls(const struct explanation *e)
{
	const struct own_tls *own = &e->own_tls;

	return json_pack("{s:s, s:b, s:o}", "outcome",
		!own->accepted		     ? "blocked"
		: own->judgement.would_block ? "would-block"
					     : "passes",
		"shown", own->offered, "reply",
		e->own_tls_reply[0] ? json_text(e->own_tls_reply) : json_null());
}

json_t *explain_as_json(const struct explain *e)
{
	const struct configuration *c = &e->configuration;
	bool untouched = !e->explanation.policy.connection.intercept;
	json_t *outcomes = json_array();

	for (unsigned i = 0; i < e->explanation.row_count && !untouched; i++)
		json_array_append_new(outcomes, json_row(e, &e->explanation.rows[i]));
	return json_pack("{s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "file",
		json_text(c->path), "domains_file",
		c->seen.domains_present ? json_text(c->domains) : json_null(), "built_in",
		!c->seen.main_present, "connection", json_connection(e), "sender",
		mailbox_json(&e->question.sender), "recipients", json_recipients(e), "header",
		json_header(&e->question), "untouched", untouched, "outcomes", outcomes,
		"own_starttls", untouched ? json_null() : json_own_tls(&e->explanation));
}
