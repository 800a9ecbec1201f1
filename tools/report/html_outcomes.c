#include "tools/report/html_outcomes.h"

const enum tally_outcome html_stack[TALLY_OUTCOMES] = {TALLY_VERIFIED, TALLY_OWN_TLS,
	TALLY_UNVERIFIED, TALLY_RELAYED, TALLY_WOULD_BLOCK, TALLY_CLEARTEXT, TALLY_BLOCKED,
	TALLY_ATTACK, TALLY_FAILED, TALLY_UNDECIDED, TALLY_NO_MAIL};

static const struct {
	const char *title, *meaning, *class;
} outcomes[TALLY_OUTCOMES] = {
	[TALLY_VERIFIED] = {"TLS, verified", "encrypted, and the server's certificate is good",
		"o0"},
	[TALLY_UNVERIFIED] = {"TLS, unverified", "encrypted, but nobody vouched for the server",
		"o1"},
	[TALLY_CLEARTEXT] = {"Cleartext, allowed", "not encrypted, as the policy allows", "o2"},
	[TALLY_BLOCKED] = {"Blocked", "refused by the policy; nothing was sent", "o3"},
	[TALLY_WOULD_BLOCK] = {"Would be blocked",
		"passed in observe mode, encrypted or not; enforcing "
		"would have refused it",
		"o4"},
	[TALLY_UNDECIDED] = {"Undecided",
		"given up, or refused by the server, before anything was "
		"decided",
		"o5"},
	[TALLY_ATTACK] = {"Attack", "ended, because something was slipped in", "o6"},
	[TALLY_FAILED] = {"Failed", "no connection, or it broke before a message", "o7"},
	[TALLY_RELAYED] = {"Not intercepted",
		"passed untouched by intercept = false; whether it was "
		"encrypted is not known",
		"o8"},
	[TALLY_OWN_TLS] = {"The program's own TLS",
		"encrypted by the program itself; what was sent is "
		"not known",
		"o9"},
	[TALLY_NO_MAIL] = {"No mail", "connections without a message", "o10"},
};

const char *html_outcome_title(enum tally_outcome outcome)
{
	return outcomes[outcome].title;
}

const char *html_outcome_meaning(enum tally_outcome outcome)
{
	return outcomes[outcome].meaning;
}

const char *html_outcome_class(enum tally_outcome outcome)
{
	return outcomes[outcome].class;
}

bool html_outcome_drawn(enum tally_outcome outcome)
{
	return outcome != TALLY_NO_MAIL;
}
