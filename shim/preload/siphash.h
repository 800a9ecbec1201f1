/*
 * siphash: SipHash-2-4 with a result of 128 bits (Aumasson and Bernstein, 2012; public domain
 * design). Here it only gives a long text a short name: the text itself is compared as well.
 */
#ifndef MAILSEAL_PRELOAD_SIPHASH_H
#define MAILSEAL_PRELOAD_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

void siphash(uint8_t out[16], const uint8_t key[16], const void *bytes, size_t length);

#endif
