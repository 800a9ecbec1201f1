/*
 * seats: how many connections the users of one agent may have at a time, so that none of them
 * starves the others: nobody may hold more seats than are still free. One user alone gets half of
 * them, two a third each, and whoever comes new finds one.
 */
#ifndef MAILSEAL_AGENT_SEATS_H
#define MAILSEAL_AGENT_SEATS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct seats;

/* NULL without memory. */
struct seats *seats_new(unsigned count);
void seats_free(struct seats *seats);

/* As many as the descriptors of this process allow. */
unsigned seats_for_descriptors(void);

/*
 * A seat for this user, who owes seats_leave(). False: he has his part, all are taken, he is kept
 * out, or there is no memory. `seats` NULL: there is no limit. `now` as loop_now().
 */
bool seats_take(struct seats *seats, uid_t user, uint64_t now);
void seats_leave(struct seats *seats, uid_t user);

/* Lets this user take no more seats for a while: he disturbs the others. */
void seats_bar(struct seats *seats, uid_t user, uint64_t now);

#endif
