/*
 * patience: how long what is awaited may take.
 */
#include "shim/smtp/inside.h"

/* RFC 5321 4.5.3.2, by what is awaited; what it leaves open is ours. */
static unsigned patience_open(const struct dialogue *d)
{
	switch (pending_first(&d->pending)) {
	case AWAITED_DATA:
	case AWAITED_HELD_DATA:
		return 120;
	case AWAITED_END_OF_DATA:
		return 600;
	case AWAITED_QUIT:
		return 60;
	case AWAITED_HELLO:
	case AWAITED_HELO:
	case AWAITED_MAIL:
	case AWAITED_RCPT:
	case AWAITED_AUTH:
	case AWAITED_OTHER:
	case AWAITED_HELD_MAIL:
	case AWAITED_REFUSED_RCPT:
	case AWAITED_REPLAY:
		return 300;
	case AWAITED_RESET: /* a fresh connection is there sooner */
		return d->warm.state == WARM_OFFERED ? 5 : 300;
	case AWAITED_NOTHING:
	case AWAITED_NO_SERVER:
		break;
	}
	/* the application's turn; a server that takes nothing more gets the time of a data block */
	return buf_length(&d->server_out) > 0 ? 180 : 3600;
}

unsigned dialogue_patience(const struct dialogue *d)
{
	switch (d->phase) {
	case PHASE_GREETING:
	case PHASE_REGREETING:
	case PHASE_EHLO:
	case PHASE_STARTTLS:
	case PHASE_HELLO:
	case PHASE_ALONE:
	case PHASE_OWN_GREETING:
	case PHASE_OWN_EHLO:
	case PHASE_OWN_STARTTLS:
		return 300;
	case PHASE_HANDSHAKE:
	case PHASE_RECONNECT:
	case PHASE_OWN_RECONNECT:
	case PHASE_OWN_TLS:
		return 120;
	case PHASE_READY:
	case PHASE_OPEN:
		return patience_open(d);
	case PHASE_OVER:
		return 60;
	}
	return 60;
}
