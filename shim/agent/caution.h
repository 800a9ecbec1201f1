/*
 * caution: next hops that refused a MAIL for which the application had its 250 already. For a while
 * they are spoken to without early replies. What is remembered is bounded: where there is no place,
 * the oldest is forgotten. Safe to use from several threads.
 */
#ifndef MAILSEAL_AGENT_CAUTION_H
#define MAILSEAL_AGENT_CAUTION_H

#include <stdbool.h>
#include <stdint.h>

#define CAUTION_PLACES 64

/* `address`: numeric, with the port; `name`: the server's, as far as it is known; `until` and `now`
 * in milliseconds of one clock. */
void caution_note(const char *address, const char *name, uint64_t until);
bool caution_stands(const char *address, const char *name, uint64_t now);

#endif
