/*
 * examined: what doctor finds in the unit of a sealed service. Its processes, where they are seen,
 * count for more: what is said of a library that they have loaded all the same was a guess.
 */
#include "tools/seal/sealed.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum meaning {
	NO_MAIL,     /* all is refused */
	UNPROTECTED, /* some of it goes past the library, loaded or not */
	UNLOADED,    /* the library is not loaded */
	UNSEEN,	     /* it is not known */
	NO_START,    /* nothing of it can run */
	TOLD	     /* status finds that by itself */
};

/* In what nothing is said of, the library is taken not to be loaded. */
static const struct {
	const char *code;
	enum meaning meaning;
} meanings[] = {
	{"permission", NO_MAIL},
	{"hidden", NO_MAIL},
	{"file-missing", NO_MAIL},
	{"no-exec", NO_MAIL},
	{"address-families", NO_MAIL},
	{"system-call-filter", NO_MAIL},
	{"agent-unfit", NO_MAIL},
	{"agent-library-missing", NO_MAIL},
	{"system-agent-missing", NO_MAIL},
	{"system-agent-silent", NO_MAIL},
	{"system-agent-config", NO_MAIL},
	{"language", UNPROTECTED},
	{"own-connect", UNPROTECTED},
	{"raw-system-call", UNPROTECTED},
	{"RootImage", UNSEEN},
	{"program-unknown", UNSEEN},
	{"specifier", UNSEEN},
	{"program-missing", NO_START},
	{"not-preloaded", TOLD},
	{"ports-malformed", TOLD},
};

static enum meaning meaning_of(const char *code)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++) {
		if (strcmp(meanings[i].code, code) == 0)
			return meanings[i].meaning;
	}
	return UNLOADED;
}

static void take_obstacle(struct sealed *s, const struct finding *f)
{
	enum meaning meaning = meaning_of(f->code);
	bool loaded = s->with && !s->without;
	enum severity severity = SEVERITY_OBSTACLE;

	if (meaning == TOLD || (meaning == UNLOADED && s->unfit))
		return;
	if (meaning == NO_MAIL)
		s->no_mail = true;
	else if (meaning == UNSEEN || meaning == NO_START || (meaning == UNLOADED && loaded))
		severity = SEVERITY_WARNING;
	if ((meaning == UNSEEN || meaning == NO_START) && loaded)
		return;
	s->unknown = s->unknown || meaning == UNSEEN;
	s->past = s->past || (severity == SEVERITY_OBSTACLE && meaning != NO_MAIL);
	diagnosis_add(&s->found, severity, f->code, f->advice, "%s", f->text);
}

/* Of what is no obstacle, only what makes a report or this examination less than it seems. */
static void take(struct sealed *s, const struct finding *f)
{
	if (f->severity == SEVERITY_OBSTACLE) {
		take_obstacle(s, f);
	} else if (strcmp(f->code, "unseen") == 0) {
		s->unknown = true;
		diagnosis_add(&s->found, f->severity, f->code, f->advice, "%s", f->text);
	} else if (f->severity == SEVERITY_WARNING &&
		   (strcmp(f->code, "log-unreachable") == 0 ||
			   strcmp(f->code, "overflow-user") == 0)) {
		diagnosis_add(&s->found, f->severity, f->code, f->advice, "%s", f->text);
	}
}

void sealed_examine(struct sealed *s, const struct view *view)
{
	struct patient p;
	struct err err = {""};

	if (seal_patient(&view->tree, &p) != 0) {
		s->unknown = true;
		return;
	}
	if (doctor_unit(&p, s->name, false, &err)) {
		s->unknown = true;
		diagnosis_add(&s->found, SEVERITY_WARNING, "not-examined",
			"mailseal doctor --unit tells more", "the unit could not be examined: %s",
			err.text);
	}
	for (size_t i = 0; i < p.found.count; i++)
		take(s, &p.found.at[i]);
	s->found.incomplete = s->found.incomplete || p.found.incomplete;
	seal_patient_done(&p);
}
