/*
 * starttls: the application issues STARTTLS itself. Where policy accepts that, the server is asked
 * on a fresh connection, where nothing was said inside TLS; from its 220 on, the octets of both
 * sides are for the session to relay, and the dialogue is done.
 *
 *   OPEN, ALONE -> OWN_RECONNECT -> OWN_GREETING -> OWN_EHLO -> OWN_STARTTLS -> OWN_TLS
 *
 * Where the server does not do it after all, the application is told, and the fresh connection is
 * judged as one to a server without TLS: it goes on in the clear, or alone.
 */
#include "shim/smtp/inside.h"

#include "shim/smtp/own_tls.h"

static bool in_transaction(const struct dialogue *d)
{
	return d->envelope.state != ENVELOPE_NONE && d->envelope.state != ENVELOPE_REFUSED;
}

/* What the order of commands forbids (RFC 3207 4); NULL: nothing. */
static const char *misplaced(const struct dialogue *d, const struct command *command)
{
	if (command->argument_length > 0)
		return "501 5.5.4 mailseal: STARTTLS takes no argument";
	if (d->phase == PHASE_READY)
		return "503 5.5.1 mailseal: EHLO comes before STARTTLS";
	if (in_transaction(d))
		return "503 5.5.1 mailseal: STARTTLS inside a transaction";
	if (d->credentials)
		return "503 5.5.1 mailseal: STARTTLS after AUTH";
	if (!d->judged)
		return "503 5.5.1 mailseal: the server refused the connection";
	return NULL;
}

static bool is_accepted(const struct dialogue *d, struct own_tls *own)
{
	own_tls_judge(d->settings.policy, TLS_VERSION_1_3, own);
	return own->accepted;
}

/* The server has it: TLS stands by it, or it was tried in vain. */
static bool server_offered(const struct dialogue *d)
{
	return d->facts.tls != TLS_FACT_NOT_OFFERED;
}

/* What comes now must stand on a connection that knows nothing of what was said before. */
static void begin(struct dialogue *d)
{
	transaction_over(d);
	warm_over(d);
	d->wishes &= ~(DIALOGUE_CLOSE_SERVER | DIALOGUE_ABORT_SERVER);
	enter_phase(d, PHASE_OWN_RECONNECT);
}

bool starttls_take(struct dialogue *d, const struct command *command)
{
	const char *why = misplaced(d, command);
	char words[VERDICT_SIZE];
	struct own_tls own;

	if (why) {
		answer_own(d, false, "%s", why);
	} else if (!is_accepted(d, &own)) {
		own_tls_words(&own, words);
		answer_own(d, false, "%s", words);
	} else if (!server_offered(d)) {
		answer_own(d, false, "502 5.5.1 mailseal: %s does not offer STARTTLS",
			d->settings.server_name);
	} else if (pending_first(&d->pending) != AWAITED_NOTHING) {
		return false;
	} else {
		begin(d);
	}
	return true;
}

bool starttls_may_come(const struct dialogue *d)
{
	struct own_tls own;

	return d->phase == PHASE_ALONE && d->judged && server_offered(d) && is_accepted(d, &own);
}

bool starttls_under_way(const struct dialogue *d)
{
	return d->phase == PHASE_OWN_RECONNECT || d->phase == PHASE_OWN_GREETING ||
	       d->phase == PHASE_OWN_EHLO || d->phase == PHASE_OWN_STARTTLS ||
	       d->phase == PHASE_OWN_TLS;
}

/* Commands behind STARTTLS would be heard in the clear by one side, and inside TLS by the other. */
bool starttls_step(struct dialogue *d)
{
	if (buf_length(&d->client_in) == 0)
		return false;
	end_attack(d, "octets of the application behind STARTTLS");
	return true;
}

bool starttls_shown(const struct dialogue *d, const struct reply *reply)
{
	bool has_it = d->facts.tls == TLS_FACT_ON ||
		      (d->facts.tls != TLS_FACT_REFUSED &&
			      ehlo_offers(buf_bytes(&d->server_in), reply, "STARTTLS"));
	struct own_tls own;

	return has_it && !d->credentials && is_accepted(d, &own) && own.offered;
}

bool starttls_shown_alone(const struct dialogue *d)
{
	bool has_it = server_offered(d) && d->facts.tls != TLS_FACT_REFUSED;
	struct own_tls own;

	return has_it && is_accepted(d, &own) && own.offered;
}

/* The server serves nobody on the fresh connection; its words are the answer to STARTTLS. */
static void give_up(struct dialogue *d, const struct reply *reply)
{
	if (reply->code < 400) {
		end_protocol_error(d, "unexpected reply before STARTTLS");
		return;
	}
	relay(d, reply);
	end_after_client_out(d);
}

/* Answered already. The application was greeted before, and is not again. */
static void go_on_without(struct dialogue *d)
{
	d->greeter = GREETER_OURS;
	upgrade_judge(d);
}

static void greeting_replied(struct dialogue *d, const struct reply *reply)
{
	if (reply->code != 220) {
		give_up(d, reply);
		return;
	}
	send_command(d, "EHLO", d->hello);
	enter_phase(d, PHASE_OWN_EHLO);
}

static void ehlo_replied(struct dialogue *d, const struct reply *reply)
{
	const char *bytes = buf_bytes(&d->server_in);

	if (reply->code != 250) {
		give_up(d, reply);
		return;
	}
	early_learn(d, reply);
	buf_clear(&d->shown);
	if (ehlo_copy(bytes, reply, false, NULL, &d->shown) < 0) {
		end(d, DIALOGUE_ABORT_SERVER);
		return;
	}
	if (ehlo_offers(bytes, reply, "STARTTLS")) {
		send_command(d, "STARTTLS", "");
		enter_phase(d, PHASE_OWN_STARTTLS);
		return;
	}
	answer_own(d, false, "454 4.7.0 mailseal: %s does not offer STARTTLS now",
		d->settings.server_name);
	d->facts = (struct facts){.tls = TLS_FACT_NOT_OFFERED, .reason = "STARTTLS is not offered"};
	go_on_without(d);
}

static void starttls_replied(struct dialogue *d, const struct reply *reply)
{
	if (reply->code < 400 && reply->code != 220) {
		end_protocol_error(d, "unexpected reply to STARTTLS");
		return;
	}
	if (reply->code == 421) {
		give_up(d, reply);
		return;
	}
	relay(d, reply);
	if (reply->code == 220) {
		buf_clear(&d->shown);
		trace_note(d, "-", "[the application's own TLS: nothing more is seen]");
		enter_phase(d, PHASE_OWN_TLS);
		return;
	}
	d->facts = (struct facts){.tls = TLS_FACT_REFUSED};
	reply_text(buf_bytes(&d->server_in), d->facts.reason, sizeof(d->facts.reason));
	go_on_without(d);
}

void starttls_reply(struct dialogue *d, const struct reply *reply)
{
	if (d->phase == PHASE_OWN_GREETING)
		greeting_replied(d, reply);
	else if (d->phase == PHASE_OWN_EHLO)
		ehlo_replied(d, reply);
	else
		starttls_replied(d, reply);
}
