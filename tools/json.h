/*
 * json: what the commands share that print JSON.
 */
#ifndef MAILSEAL_TOOLS_JSON_H
#define MAILSEAL_TOOLS_JSON_H

#include <jansson.h>

/* A string; octets that are no text in UTF-8 become question marks. */
json_t *json_text(const char *text);

/* An array of strings from a list that ends with NULL; null for NULL. */
json_t *json_strings(const char *const *list);

/* Prints it and a line end on standard output, and drops it. An exit code. */
int json_print(json_t *result);

#endif
