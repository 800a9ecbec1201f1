/*
 * ld_cache: /etc/ld.so.cache, the index of libraries that glibc's loader looks into.
 */
#ifndef MAILSEAL_TOOLS_LD_CACHE_H
#define MAILSEAL_TOOLS_LD_CACHE_H

#include "tools/doctor/doctor.h"

struct ld_cache {
	char *bytes; /* NULL: none */
	size_t length, header;
	unsigned count;
};

/* Loads that of the patient's tree. Without one, or with one that is not understood, it is empty.
 */
void ld_cache_load(struct ld_cache *cache, const struct patient *p);
void ld_cache_parse(struct ld_cache *cache, char *bytes, size_t length); /* takes the bytes */
void ld_cache_clear(struct ld_cache *cache);

/* The n-th path for the name, of whatever kind; NULL if there are no more. */
const char *ld_cache_find(const struct ld_cache *cache, const char *name, unsigned n);

#endif
