/*
 * values: what holds, setting by setting, with the section that decided it, for words and JSON
 * alike.
 */
#ifndef MAILSEAL_TOOLS_VALUES_H
#define MAILSEAL_TOOLS_VALUES_H

#include "config/set.h"

#include <jansson.h>

struct value {
	const char *name;	     /* of the setting; static */
	json_t *json;		     /* a boolean, a string, or an array of strings; owned */
	const struct origin *origin; /* NULL where no one section decided */
};

#define VALUES_MOST 20

struct values {
	struct value at[VALUES_MOST];
	unsigned count;
};

void values_of_demands(const struct demands *demands, struct values *values);

/* What is not set is left out. Pointers go into `set`, to which `policy` belongs; `address`: of the
 * connection. */
void values_of_connection(const struct policy_set *set, const struct policy *policy,
	const struct sockaddr *address, struct values *values);

void values_clear(struct values *values);

/* As one writes it, lists separated by commas. */
void value_describe(const struct value *value, char *out, size_t size);

json_t *json_origin(const struct origin *origin);

/* { "require_tls": { "value": true, "origin": { ... } }, ... } */
json_t *json_values(const struct values *values);

/* What the section sets it to, else null. */
json_t *json_setting(const struct section *section, enum setting setting);

/* All that it sets, by name. */
json_t *json_settings(const struct section *section);

#endif
