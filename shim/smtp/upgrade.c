/*
 * upgrade: from the server's greeting to the decision how this connection goes on.
 *
 *   READY -> EHLO -> STARTTLS -> HANDSHAKE -> HELLO -> OPEN       the server can do TLS
 *                \-> OPEN (in the clear)      \-> RECONNECT -> REGREETING -> HELLO
 *                 \-> ALONE (policy blocks)    \-> ALONE
 *
 * A handshake that failed by our own fault is made up for once: RECONNECT -> REGREETING -> EHLO.
 */
#include "shim/smtp/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say_hello(struct dialogue *d, bool helo)
{
	send_command(d, helo ? "HELO" : "EHLO", d->hello);
}

static void no_starttls(struct dialogue *d)
{
	d->facts = (struct facts){.tls = TLS_FACT_NOT_OFFERED, .reason = "STARTTLS is not offered"};
}

bool upgrade_keep_hello(struct dialogue *d, const char *argument, size_t length)
{
	free(d->hello);
	d->hello = malloc(length + 1);
	if (d->hello)
		line_sanitize(d->hello, length + 1, argument, length, false);
	else
		end(d, DIALOGUE_ABORT_SERVER);
	return d->hello;
}

void upgrade_begin(struct dialogue *d, enum greeter greeter, const char *argument, size_t length)
{
	if (!upgrade_keep_hello(d, argument, length))
		return;
	d->greeter = greeter;
	buf_clear(&d->shown);
	if (greeter == GREETER_HELO && d->no_esmtp) {
		/* the application heard that there is no EHLO; a native client would not ask again
		 * either */
		no_starttls(d);
		upgrade_judge(d);
		return;
	}
	say_hello(d, false);
	enter_phase(d, PHASE_EHLO);
}

/* The application's greeting has its reply; a MAIL that waited is read again from client_in. */
static void greeted(struct dialogue *d, enum phase phase)
{
	d->greeter = GREETER_NONE;
	enter_phase(d, phase);
}

/* The server refused the greeting: its words are the answer to what the application said. */
static void relay_refusal(struct dialogue *d, const struct reply *reply, enum phase phase)
{
	if (reply->code < 400) {
		end_protocol_error(d, "unexpected reply to a greeting");
		return;
	}
	if (d->greeter == GREETER_OURS) {
		/* the command that made us greet is answered by the refusal of our greeting */
		struct line line;

		if (line_scan(buf_bytes(&d->client_in), buf_length(&d->client_in), AUTH_LINE_MAX,
			    &line) == LINE_WHOLE)
			buf_consume(&d->client_in, line.octets);
	}
	relay(d, reply);
	greeted(d, phase);
	if (reply->code == 421)
		end_after_client_out(d);
}

/* Policy blocks: the server gets a QUIT if it can still be talked to, the application a greeting
 * of our own. */
static void go_alone(struct dialogue *d)
{
	if (d->facts.tls != TLS_FACT_HANDSHAKE_FAILED) {
		send_command(d, "QUIT", "");
		d->wishes |= DIALOGUE_CLOSE_SERVER;
	} else {
		d->wishes |= DIALOGUE_ABORT_SERVER;
	}
	if (d->greeter != GREETER_OURS)
		answer_alone_hello(d, d->greeter == GREETER_EHLO);
	greeted(d, PHASE_ALONE);
}

/* True, and the end, where the way from a handshake that failed to the clear is barred. */
static bool credentials_bar(struct dialogue *d)
{
	if (d->credentials)
		end_with_reply(d, "4.7.0", "no cleartext connection after credentials were sent");
	return d->credentials;
}

static void go_clear_afresh(struct dialogue *d)
{
	if (!credentials_bar(d))
		enter_phase(d, PHASE_RECONNECT);
}

/* No TLS on this connection, and none is required: what EHLO said in the clear is what the
 * application sees. */
static void go_clear_here(struct dialogue *d)
{
	if (d->tried_again && credentials_bar(d))
		return;
	if (buf_length(&d->shown) == 0) {
		say_hello(d, true); /* the server knows no EHLO */
		enter_phase(d, PHASE_HELLO);
		return;
	}
	if (d->greeter != GREETER_OURS)
		put_client(d, buf_bytes(&d->shown), buf_length(&d->shown));
	buf_clear(&d->shown);
	greeted(d, PHASE_OPEN);
}

/* What will be asked of every envelope and message from now on. */
static void know_connection(struct dialogue *d)
{
	const struct policy *policy = d->settings.policy;

	judge_here(policy, &policy->demands, &d->facts, &d->judgement);
	d->judged = true;
	d->watched = !is_good_for_all(policy, &d->facts, false);
	d->obeys = !is_good_for_all(policy, &d->facts, true);
	envelope_init(&d->envelope, policy, &d->facts);
}

bool upgrade_again(struct dialogue *d, const struct facts *facts)
{
	if (facts->tls != TLS_FACT_ON || route_of(d->settings.policy, facts) != ROUTE_STAY)
		return false;
	d->facts = *facts;
	know_connection(d);
	return true;
}

/* The facts are known: one judgement decides how the connection goes on. */
void upgrade_judge(struct dialogue *d)
{
	enum route route = route_of(d->settings.policy, &d->facts);

	if (route == ROUTE_AFRESH)
		facts_in_clear(&d->facts);
	know_connection(d);
	switch (route) {
	case ROUTE_AFRESH:
		go_clear_afresh(d);
		return;
	case ROUTE_STAY:
		if (d->facts.tls != TLS_FACT_ON) {
			go_clear_here(d);
			return;
		}
		say_hello(d, d->greeter == GREETER_HELO);
		enter_phase(d, PHASE_HELLO);
		return;
	case ROUTE_ALONE:
		break;
	}
	go_alone(d);
}

static void ehlo_accepted(struct dialogue *d, bool starttls)
{
	if (starttls) {
		send_command(d, "STARTTLS", "");
		enter_phase(d, PHASE_STARTTLS);
	} else {
		no_starttls(d);
		upgrade_judge(d);
	}
}

static void ehlo_replied(struct dialogue *d, const struct reply *reply)
{
	const char *bytes = buf_bytes(&d->server_in);
	bool no_esmtp = reply->code == 500 || reply->code == 502 || reply->code == 504;

	if (no_esmtp && d->greeter == GREETER_EHLO) {
		/* the application will try HELO; upgrade_begin() goes on from there */
		d->no_esmtp = true;
		relay_refusal(d, reply, PHASE_READY);
	} else if (no_esmtp) {
		no_starttls(d);
		upgrade_judge(d);
	} else if (reply->code != 250) {
		relay_refusal(d, reply, PHASE_READY);
	} else if (ehlo_copy(bytes, reply, d->greeter == GREETER_HELO, NULL, &d->shown) < 0) {
		end(d, DIALOGUE_ABORT_SERVER);
	} else {
		early_learn(d, reply);
		ehlo_accepted(d, ehlo_offers(bytes, reply, "STARTTLS"));
	}
}

static void starttls_replied(struct dialogue *d, const struct reply *reply)
{
	if (reply->code == 220) {
		buf_clear(&d->shown); /* nothing learnt in the clear survives */
		d->pipelining = false;
		enter_phase(d, PHASE_HANDSHAKE);
	} else if (reply->code == 421) {
		relay_refusal(d, reply, PHASE_READY);
	} else if (reply->code >= 400) {
		d->facts.tls = TLS_FACT_REFUSED;
		reply_text(buf_bytes(&d->server_in), d->facts.reason, sizeof(d->facts.reason));
		upgrade_judge(d);
	} else {
		end_protocol_error(d, "unexpected reply to STARTTLS");
	}
}

/* The reply to the greeting that counts: inside TLS, or in the clear for good. */
static void hello_replied(struct dialogue *d, const struct reply *reply)
{
	if (reply->code != 250) {
		relay_refusal(d, reply, PHASE_OPEN);
		return;
	}
	early_learn(d, reply);
	if (d->greeter != GREETER_OURS) {
		warm_keep_hello(d, reply);
		relay_hello(d, reply, d->greeter == GREETER_HELO);
	}
	greeted(d, PHASE_OPEN);
}

static void greeting_replied(struct dialogue *d, const struct reply *reply)
{
	if (reply->code < 400 && reply->code != 220) {
		end_protocol_error(d, "unexpected greeting");
		return;
	}
	relay(d, reply);
	if (reply->code == 220) {
		warm_keep_greeting(d, reply);
		enter_phase(d, PHASE_READY);
		return;
	}
	/* a server that serves nobody: the application may only take its leave (RFC 5321 3.1) */
	note_set(d, "the server refused the connection", "");
	if (reply->code == 421) {
		end_after_client_out(d);
	} else {
		send_command(d, "QUIT", "");
		d->wishes |= DIALOGUE_CLOSE_SERVER;
		enter_phase(d, PHASE_ALONE);
	}
}

static void regreeting_replied(struct dialogue *d, const struct reply *reply)
{
	if (reply->code == 220 && d->again) {
		d->again = false;
		say_hello(d, false);
		enter_phase(d, PHASE_EHLO);
		return;
	}
	if (reply->code == 220) {
		say_hello(d, d->greeter == GREETER_HELO);
		enter_phase(d, PHASE_HELLO);
		return;
	}
	if (reply->code < 400) {
		end_protocol_error(d, "unexpected greeting");
		return;
	}
	relay_refusal(d, reply, PHASE_OVER);
	end_after_client_out(d);
}

/* A reply in one of the phases before commands pass. Takes it from server_in. */
void upgrade_reply(struct dialogue *d, const struct reply *reply)
{
	size_t octets = reply->octets;
	bool more = buf_length(&d->server_in) > octets;

	/* Whatever follows a reply to which the next command is still to come was not asked for. */
	if (more && (d->phase == PHASE_STARTTLS || d->phase == PHASE_OWN_STARTTLS) &&
		reply->code == 220) {
		end_attack(d, "octets after the 220 to STARTTLS");
		return;
	}
	if (more && d->phase != PHASE_GREETING && d->phase != PHASE_READY) {
		end_protocol_error(d, "reply without a command");
		return;
	}
	if (warm_reply(d, reply)) {
		if (buf_length(&d->server_in) >= octets)
			buf_consume(&d->server_in, octets);
		return;
	}
	switch (d->phase) {
	case PHASE_GREETING:
		greeting_replied(d, reply);
		break;
	case PHASE_EHLO:
		ehlo_replied(d, reply);
		break;
	case PHASE_STARTTLS:
		starttls_replied(d, reply);
		break;
	case PHASE_REGREETING:
		regreeting_replied(d, reply);
		break;
	case PHASE_HELLO:
		hello_replied(d, reply);
		break;
	case PHASE_OWN_GREETING:
	case PHASE_OWN_EHLO:
	case PHASE_OWN_STARTTLS:
		starttls_reply(d, reply);
		break;
	case PHASE_READY:
	case PHASE_HANDSHAKE:
	case PHASE_RECONNECT:
	case PHASE_OPEN:
	case PHASE_ALONE:
	case PHASE_OWN_RECONNECT:
	case PHASE_OWN_TLS:
	case PHASE_OVER:
		end_protocol_error(d, "reply without a command");
		break;
	}
	if (buf_length(&d->server_in) >= octets)
		buf_consume(&d->server_in, octets);
}
