/*
 * script: scenario files, a line a step.
 *
 *     # comment
 *     connection               what follows is for the next connection (the last one repeats)
 *     send TEXT                TEXT and CRLF; escapes \r \n \t \0 \\ \xHH
 *     sendraw TEXT             TEXT alone
 *     fill N TEXT              TEXT, N times over
 *     garbage N                N pseudo-random bytes
 *     expect GLOB              one line from the client; no match: noted, connection closed
 *     readdata                 content up to CRLF.CRLF, stored
 *     readsome N               at least N bytes
 *     readall                  to the end of the stream
 *     sleep MS                 milliseconds
 *     stall                    reads nothing and says nothing until the client leaves
 *     keywords A|B C|D         what `serve` offers in reply to EHLO (default: none)
 *     cert NAME                certificate for the handshake (NAME.pem, NAME.key; default good)
 *     protocols MIN MAX        1.0 to 1.3 (default 1.2 1.3)
 *     ciphers LIST             OpenSSL's lists, for TLS up to 1.2 and
 *     ciphersuites LIST        for TLS 1.3 (default: its own)
 *     client NAME              the client must show a certificate by the authority NAME.pem
 *     ticketkey N              servers with the same one resume each other's sessions (default: with the same cert)
 *     tickets N [SIZE]         session tickets of TLS 1.3, each with SIZE octets of padding
 * (default 2) offered WORD             to a hello that offers a session: alert, garbage, close or
 * stall (default: resume) starttls                 the server's side of the handshake reply VERB
 * TEXT          what `serve` says to VERB ('.' is the end of data) silent VERB              `serve`
 * says nothing to VERB serve [VERB]             an ordinary server, until VERB came (which is left
 * unanswered) repeat N ... end         the steps between, N times shutdown                 end of
 * our direction only close                    close_notify, FIN, and the rest of what the client
 * sends cut                      FIN at once rst                      reset
 */
#ifndef TESTS_HOSTILE_SCRIPT_H
#define TESTS_HOSTILE_SCRIPT_H

#include <stddef.h>

enum verb {
	STEP_CONNECTION,
	STEP_SEND,
	STEP_SENDRAW,
	STEP_FILL,
	STEP_GARBAGE,
	STEP_EXPECT,
	STEP_READDATA,
	STEP_READSOME,
	STEP_READALL,
	STEP_SLEEP,
	STEP_STALL,
	STEP_KEYWORDS,
	STEP_CERT,
	STEP_PROTOCOLS,
	STEP_CIPHERS,
	STEP_CIPHERSUITES,
	STEP_CLIENT,
	STEP_TICKETKEY,
	STEP_TICKETS,
	STEP_OFFERED,
	STEP_STARTTLS,
	STEP_REPLY,
	STEP_SILENT,
	STEP_SERVE,
	STEP_REPEAT,
	STEP_END,
	STEP_SHUTDOWN,
	STEP_CLOSE,
	STEP_CUT,
	STEP_RST
};

struct step {
	enum verb verb;
	int line;
	unsigned long number; /* N or MS */
	char *word;	      /* VERB, NAME, MIN, GLOB, or the keywords; never NULL */
	char *text;	      /* TEXT unescaped, or MAX; never NULL */
	size_t len;	      /* of text */
};

struct script {
	struct step *steps;
	size_t count;
	int connections;
};

/* Reads a scenario; prints file:line: what is wrong. 0 or -1. */
int script_load(struct script *s, const char *path);

/* The first step for connection `number` (from 1 on); the last connection's script repeats. */
size_t script_start(const struct script *s, int number);

#endif
