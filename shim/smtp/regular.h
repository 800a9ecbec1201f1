/*
 * regular: how far content can pass as it is: most of a message, as fast as memory is read.
 */
#ifndef MAILSEAL_SMTP_REGULAR_H
#define MAILSEAL_SMTP_REGULAR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * How many octets, from the start of a line or from within one, make whole lines that end in CRLF
 * and begin with no dot, and the beginning of another: up to the first octet that must be looked at
 * by itself, which is a CR at the very end as well. *line_start: whether the next octet begins a
 * line; before, and then after those octets.
 */
size_t regular_octets(const char *bytes, size_t n, bool *line_start);

#endif
