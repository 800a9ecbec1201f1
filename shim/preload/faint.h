/*
 * faint: pairs of address and name of which only hashes are kept, far more of them than of names in
 * full. They tell that an address had another name within the last hour (no longer do programs hold
 * on to addresses), not which. Safe as a ring is; the newest push out the oldest.
 */
#ifndef MAILSEAL_PRELOAD_FAINT_H
#define MAILSEAL_PRELOAD_FAINT_H

#include <stdbool.h>
#include <stdint.h>

#define FAINT_MOST 16384
#define FAINT_KEY 16 /* an address */

void faint_remember(const uint8_t address[FAINT_KEY], const char *name);

/* Has the address a name that is none of these? */
bool faint_other(const uint8_t address[FAINT_KEY], const char *const *names, unsigned count);

#endif
