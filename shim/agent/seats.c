/*
 * seats: counted by user.
 */
#include "shim/agent/seats.h"

#include <stdlib.h>
#include <sys/resource.h>

#define BUCKETS 256
#define DESCRIPTORS_EACH 4  /* channel, both ends, a fresh connection */
#define DESCRIPTORS_KEPT 32 /* for the agent itself */
#define BARRED_MS 10000
#define BARRED 16 /* users at a time */
#define SEATS_LEAST 2
#define SEATS_MOST 8192 /* memory is not without end either */

struct user {
	struct user *next;
	uid_t uid;
	unsigned taken;
};

struct seats {
	unsigned free;
	struct user *users[BUCKETS];
	struct {
		uid_t uid;
		uint64_t until;
	} barred[BARRED];
	unsigned bars;
};

struct seats *seats_new(unsigned count)
{
	struct seats *seats = calloc(1, sizeof(*seats));

	if (seats)
		seats->free = count;
	return seats;
}

void seats_free(struct seats *seats)
{
	unsigned i;

	if (!seats)
		return;
	for (i = 0; i < BUCKETS; i++)
		while (seats->users[i]) {
			struct user *user = seats->users[i];

			seats->users[i] = user->next;
			free(user);
		}
	free(seats);
}

unsigned seats_for_descriptors(void)
{
	struct rlimit limit = {0, 0};
	rlim_t count = 0;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > DESCRIPTORS_KEPT)
		count = (limit.rlim_cur - DESCRIPTORS_KEPT) / DESCRIPTORS_EACH;
	if (count < SEATS_LEAST)
		return SEATS_LEAST;
	return count < SEATS_MOST ? (unsigned)count : SEATS_MOST;
}

static struct user **find(struct seats *seats, uid_t uid)
{
	struct user **at = &seats->users[uid % BUCKETS];

	while (*at && (*at)->uid != uid)
		at = &(*at)->next;
	return at;
}

static bool is_barred(const struct seats *seats, uid_t uid, uint64_t now)
{
	unsigned i;

	for (i = 0; i < BARRED; i++)
		if (seats->barred[i].uid == uid && seats->barred[i].until > now)
			return true;
	return false;
}

void seats_bar(struct seats *seats, uid_t uid, uint64_t now)
{
	unsigned place;

	if (!seats || is_barred(seats, uid, now))
		return;
	place = seats->bars++ % BARRED;
	seats->barred[place].uid = uid;
	seats->barred[place].until = now + BARRED_MS;
}

bool seats_take(struct seats *seats, uid_t uid, uint64_t now)
{
	struct user **at;

	if (!seats)
		return true;
	if (is_barred(seats, uid, now))
		return false;
	at = find(seats, uid);
	if ((*at ? (*at)->taken : 0) >= seats->free)
		return false;
	if (!*at) {
		*at = calloc(1, sizeof(**at));
		if (!*at)
			return false;
		(*at)->uid = uid;
	}
	(*at)->taken++;
	seats->free--;
	return true;
}

void seats_leave(struct seats *seats, uid_t uid)
{
	struct user **at, *user;

	if (!seats)
		return;
	at = find(seats, uid);
	user = *at;
	if (!user)
		return;
	seats->free++;
	if (--user->taken)
		return;
	*at = user->next;
	free(user);
}
