/*
 * idn: libidn2, opened when the first internationalised name is met. Most configurations and most
 * envelopes have none, and it, with the tables of libunistring, would make every start longer.
 */
#ifndef MAILSEAL_CONFIG_IDN_H
#define MAILSEAL_CONFIG_IDN_H

#include <idn2.h>
#include <stdint.h>

struct idn {
	__typeof__(idn2_lookup_u8) *lookup;
	__typeof__(idn2_strerror) *words;
	__typeof__(idn2_free) *release;
};

/* From any thread. NULL: it cannot be had now, and no such name can be judged. */
const struct idn *idn_get(void);

#endif
