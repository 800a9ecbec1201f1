/*
 * options: what `mailseal report` was asked for.
 */
#ifndef MAILSEAL_TOOLS_REPORT_OPTIONS_H
#define MAILSEAL_TOOLS_REPORT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum form { FORM_TEXT, FORM_JSON, FORM_CSV, FORM_HTML };

struct options {
	enum form form;
	int64_t since, until; /* 0 and INT64_MAX where nothing is asked */
	unsigned by, only;    /* as in struct tally */
	bool by_told;	      /* `by` is what was asked for */
	unsigned fail_on;     /* 1u << enum tally_outcome */
	bool fail_on_doubt;
	char **units; /* patterns, up to NULL; NULL: all. Owned */
	size_t unit_count;
	size_t rows; /* of the text, at most; reasons too */
	bool rows_told;
	bool rotated, journal;
	const char *directory; /* of the journal */
	char **files;	       /* into argv */
	size_t file_count;
};

/* Reads the command line; ends the process where that is wrong. 0 or -ENOMEM. */
int options_read(struct options *o, int argc, char **argv);
void options_clear(struct options *o);

#endif
