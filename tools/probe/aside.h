/*
 * aside: calls that wait for a resolver and cannot be told for how long, on a thread of their own.
 */
#ifndef MAILSEAL_TOOLS_PROBE_ASIDE_H
#define MAILSEAL_TOOLS_PROBE_ASIDE_H

/*
 * Runs work(context), for at most `ms` milliseconds. 0: it is done. -ETIMEDOUT: it goes on by
 * itself, and `context` is its own: it ends with release(context), or with the process. Other
 * -errno: it was not begun.
 */
int aside(void (*work)(void *), void (*release)(void *), void *context, long long ms);

#endif
