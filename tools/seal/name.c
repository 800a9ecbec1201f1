/*
 * name: which service is meant, and what to say where it is none.
 */
#include "tools/seal/seal.h"

#include "config/nearest.h"
#include "tools/doctor/unit_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#define NEAREST_MOST 3

static const char *ending_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot : "";
}

int seal_name(const char *given, char name[UNIT_NAME_SIZE])
{
	char whole[UNIT_NAME_SIZE + 16];

	if (strchr(given, '/'))
		return complain(EX_USAGE,
			"%s: a path; write the name of a unit, such as billing.service", given);
	if (*given && unit_name_is_valid(given) && *given != '.') {
		memcpy(name, given, strlen(given) + 1);
		return EX_OK;
	}
	snprintf(whole, sizeof(whole), "%.256s.service", given);
	if (!*given || *given == '.' || strlen(given) > UNIT_NAME_SIZE ||
		!unit_name_is_valid(whole))
		return complain(
			EX_USAGE, "'%s' is not the name of a unit, such as billing.service", given);
	memcpy(name, whole, UNIT_NAME_SIZE);
	return EX_OK;
}

struct nearest {
	const char *wanted;
	char words[NEAREST_MOST][UNIT_NAME_SIZE];
	size_t distances[NEAREST_MOST];
};

static bool is_listed(const struct nearest *n, const char *name)
{
	for (unsigned i = 0; i < NEAREST_MOST; i++) {
		if (strcmp(n->words[i], name) == 0)
			return true;
	}
	return false;
}

/* Names without ".service": then longer ones fit. What begins alike is near, too. */
static void compare(void *context, const char *name)
{
	struct nearest *n = context;
	char word[UNIT_NAME_SIZE];
	size_t length = strlen(n->wanted), distance = length < 6 ? 1 + length / 3 : 3;
	size_t most = distance++;
	const char *best = NULL;

	if (strcmp(ending_of(name), ".service") != 0)
		return;
	snprintf(word, sizeof(word), "%.*s", (int)(strlen(name) - strlen(".service")), name);
	nearest_word(n->wanted, word, &best, &distance);
	if (length > 2 && strncmp(word, n->wanted, length) == 0 && distance > most)
		distance = most;
	if (distance > most || is_listed(n, name))
		return;
	for (unsigned i = 0; i < NEAREST_MOST; i++) {
		if (n->words[i][0] && n->distances[i] <= distance)
			continue;
		for (unsigned j = NEAREST_MOST - 1; j > i; j--) {
			memcpy(n->words[j], n->words[j - 1], UNIT_NAME_SIZE);
			n->distances[j] = n->distances[j - 1];
		}
		memcpy(n->words[i], name, strlen(name) + 1);
		n->distances[i] = distance;
		return;
	}
}

/* A script of init: its unit is generated. */
static bool has_script(const struct patient *p, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "/etc/init.d/%s", name);
	return patient_stat(p, path, &st) == 0 && S_ISREG(st.st_mode);
}

static int unknown(const struct seal_tree *t, const struct patient *p, const char *name)
{
	char wanted[UNIT_NAME_SIZE];
	struct nearest n = {.wanted = wanted};

	snprintf(wanted, sizeof(wanted), "%.*s", (int)(strlen(name) - strlen(ending_of(name))),
		name);
	unit_each(p, compare, &n);
	if (has_script(p, wanted))
		return complain(EX_NOINPUT,
			"there is no unit %s%s%s, but %s/etc/init.d/%s: systemd makes a unit of it "
			"when it starts there; seal it then",
			name, t->shown[0] ? " in " : "", t->shown, t->shown, wanted);
	if (!n.words[0][0])
		return complain(EX_NOINPUT, "there is no unit %s%s%s", name,
			t->shown[0] ? " in " : "", t->shown);
	return complain(EX_NOINPUT, "there is no unit %s%s%s; there is %s%s%s%s%s", name,
		t->shown[0] ? " in " : "", t->shown, n.words[0], n.words[1][0] ? ", " : "",
		n.words[1], n.words[2][0] ? ", " : "", n.words[2]);
}

/* What a timer, socket or path starts. */
static void started_by(const struct unit *u, const char *name, char out[UNIT_NAME_SIZE + 16])
{
	const char *ending = ending_of(name), *named = NULL, *accept;
	size_t length = (size_t)(ending - name);
	bool each = false;

	if (strcmp(ending, ".timer") == 0)
		named = unit_value_in(u, "Timer", "Unit");
	else if (strcmp(ending, ".path") == 0)
		named = unit_value_in(u, "Path", "Unit");
	else if (strcmp(ending, ".socket") == 0) {
		named = unit_value_in(u, "Socket", "Service");
		accept = unit_value_in(u, "Socket", "Accept");
		each = accept &&
		       (strcasecmp(accept, "yes") == 0 || strcasecmp(accept, "true") == 0 ||
			       strcasecmp(accept, "on") == 0 || strcmp(accept, "1") == 0);
	} else
		length = 0;
	out[0] = '\0';
	if (named)
		snprintf(out, UNIT_NAME_SIZE, "%.255s", named);
	else if (length)
		snprintf(out, UNIT_NAME_SIZE + 16, "%.*s%s.service", (int)length, name,
			each ? "@" : "");
}

static int no_service(const struct patient *p, const char *name)
{
	char started[UNIT_NAME_SIZE + 16] = "";
	struct unit u;

	if (unit_load_other(&u, p, name, NULL) == 0)
		started_by(&u, u.name, started);
	unit_clear(&u);
	if (started[0])
		return complain(EX_USAGE,
			"%s is no service; it starts %s, which is what can be sealed", name,
			started);
	return complain(EX_USAGE, "%s is no service, so there is no program to seal", name);
}

int seal_find(const struct seal_tree *t, const char *name, struct unit_found *found)
{
	struct patient p;
	struct err err;
	int code = seal_patient(t, &p), rc;

	if (code != EX_OK)
		return code;
	rc = unit_find(&p, name, found, &err);
	if (rc == -ENOENT)
		code = unknown(t, &p, name);
	else if (rc)
		code = complain(EX_NOINPUT, "%s", err.text);
	else if (strcmp(ending_of(name), ".service") != 0)
		code = no_service(&p, name);
	seal_patient_done(&p);
	return code;
}
