/*
 * err: one error, told in words, for whoever can show it.
 * Rooms that do not log fill it in; agent and tools print it.
 */
#ifndef MAILSEAL_BASE_ERR_H
#define MAILSEAL_BASE_ERR_H

struct err {
	char text[512]; /* "" where nothing failed; truncated, always terminated */
};

/*
 * Writes the formatted text and returns -code, so that a failing function ends in
 * `return err_fail(err, EINVAL, "…")`. `err` may be NULL: then only the code is kept.
 */
int err_fail(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
