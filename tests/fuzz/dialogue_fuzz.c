/*
 * The dialogue under arbitrary bytes and events, held against what must always be true:
 *   - under require_tls nothing but EHLO, HELO, NOOP, RSET, STARTTLS and QUIT goes out before TLS stands with a valid certificate;
 *   - no octet goes to the server between STARTTLS and the handshake's end;
 *   - buffers stay bounded, every run ends.
 * Each record of the input is one octet of kind, one of length, and that many octets.
 */
#include "shim/smtp/dialogue.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct origin rule = {.kind = SECTION_HOST, .label = "h", .file = "f", .line = 1};

struct world {
	struct dialogue *d;
	bool required, verified_tls, handshaking;
	struct buf line; /* the command line to the server that is not over yet */
};

static void may_pass_in_the_clear(const char *line, size_t n)
{
	static const char *const verbs[] = {"EHLO", "HELO", "NOOP", "RSET", "STARTTLS", "QUIT"};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		size_t length = strlen(verbs[i]);

		if (n >= length && strncasecmp(line, verbs[i], length) == 0 && (n == length || line[length] == ' ' || line[length] == '\r'))
			return;
	}
	fprintf(stderr, "leaked: %.*s\n", (int)n, line);
	abort();
}

/* The session's part: takes what goes to the server, and looks at it as someone on the wire would. */
static void drain_server(struct world *w)
{
	struct buf *out = dialogue_server_out(w->d);
	const char *bytes = buf_bytes(out);
	size_t n = buf_length(out);

	if (n > 65536)
		abort();
	if (n > 0 && w->handshaking)
		abort();
	for (size_t i = 0; i < n && w->required && !w->verified_tls; i++) {
		if (bytes[i] == '\n') {
			may_pass_in_the_clear(buf_bytes(&w->line), buf_length(&w->line));
			buf_clear(&w->line);
		} else if (buf_room(&w->line)) {
			buf_append(&w->line, bytes + i, 1);
		}
	}
	buf_consume(out, n);
}

static void run(struct world *w)
{
	for (int i = 0; i < 2; i++) {
		dialogue_run(w->d);
		drain_server(w);
		w->handshaking = dialogue_wishes(w->d) & DIALOGUE_START_TLS;
		if (buf_length(dialogue_client_out(w->d)) > 65536)
			abort();
		buf_consume(dialogue_client_out(w->d), buf_length(dialogue_client_out(w->d)));
	}
}

static void handshake(struct world *w, bool valid)
{
	struct facts facts = {.tls = TLS_FACT_ON, .version = TLS_VERSION_1_3, .verified = valid, .reason = "why"};

	if (!(dialogue_wishes(w->d) & DIALOGUE_START_TLS))
		return;
	w->handshaking = false;
	w->verified_tls = valid;
	dialogue_tls_up(w->d, &facts);
}

static void event(struct world *w, uint8_t kind)
{
	switch (kind) {
	case 2:
		handshake(w, true);
		break;
	case 3:
		handshake(w, false);
		break;
	case 4:
		w->handshaking = false;
		dialogue_tls_failed(w->d, "failed");
		break;
	case 5:
		if (dialogue_wishes(w->d) & DIALOGUE_RECONNECT) {
			w->verified_tls = false;
			buf_clear(&w->line);
		}
		dialogue_reconnected(w->d);
		break;
	case 6:
		dialogue_client_eof(w->d);
		break;
	case 7:
		dialogue_server_eof(w->d);
		break;
	case 8:
		dialogue_timeout(w->d);
		break;
	case 9:
		dialogue_stop(w->d);
		break;
	default:
		dialogue_reconnect_failed(w->d, "refused");
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy policy = {
		.demands = {.verify_certificate = true, .min_tls = TLS_VERSION_1_2, .mode = MODE_ENFORCE},
		.connection = {.protect_credentials = true, .intercept = true},
	};
	struct dialogue_settings settings = {.policy = &policy, .server_name = "mx", .own_name = "[192.0.2.1]"};
	struct world w = {0};
	size_t at = 1;

	if (size < 1)
		return 0;
	for (int i = 0; i < DEMAND_COUNT; i++)
		policy.demands.origin[i] = &rule;
	policy.connection.on_bad_certificate_origin = policy.connection.protect_credentials_origin = &rule;
	w.required = policy.demands.require_tls = data[0] & 1;
	policy.connection.on_bad_certificate = (data[0] >> 1) % 3;
	buf_init(&w.line, 64);
	w.d = dialogue_new(&settings);
	while (w.d && at + 2 <= size) {
		uint8_t kind = data[at] % 11, length = data[at + 1];
		struct buf *in = kind == 0 ? dialogue_client_in(w.d) : dialogue_server_in(w.d);

		at += 2;
		if (kind <= 1) {
			if (length > size - at)
				length = (uint8_t)(size - at);
			if (dialogue_wishes(w.d) & (kind == 0 ? DIALOGUE_READ_CLIENT : DIALOGUE_READ_SERVER))
				buf_append(in, data + at, length);
			at += length;
		} else {
			event(&w, kind);
		}
		run(&w);
	}
	dialogue_free(w.d);
	buf_clear(&w.line);
	return 0;
}
