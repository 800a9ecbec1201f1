/*
 * sessions: the cache. Each entry is one session; those of one key stand in one bucket, the newest
 * first; all stand in one list, the newest first, by whose end room is made. An entry without a
 * session says that none of its key shall be kept for a while.
 */
#include "shim/tls/internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ENTRIES 1024	     /* sessions, bans among them */
#define ENTRIES_OF_ONE 64    /* of one key: as many handshakes may begin at once */
#define OCTETS (4096 * 1024) /* of all */
#define BUCKETS 256
#define BAN_S 600

struct entry {
	struct tls_session_key key;
	struct kept kept;
	struct entry *below;	     /* in the bucket */
	struct entry *newer, *older; /* of all */
};

struct tls_sessions {
	pthread_mutex_t lock;
	void (*clock)(struct moment *now);
	struct entry *bucket[BUCKETS];
	struct entry *newest, *oldest;
	unsigned count;
	size_t octets;
};

static void read_clocks(struct moment *now)
{
	struct timespec boot, wall;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &wall);
	*now = (struct moment){boot.tv_sec, wall.tv_sec};
}

struct tls_sessions *tls_sessions_new(void)
{
	struct tls_sessions *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	if (pthread_mutex_init(&s->lock, NULL) != 0) {
		free(s);
		return NULL;
	}
	s->clock = read_clocks;
	return s;
}

void sessions_now(const struct tls_sessions *s, struct moment *now)
{
	s->clock(now);
}

void sessions_set_clock(struct tls_sessions *s, void (*clock)(struct moment *now))
{
	s->clock = clock;
}

void kept_clear(struct kept *k)
{
	SSL_SESSION_free(k->session);
	free(k->reason);
	*k = (struct kept){0};
}

static struct entry **bucket_of(struct tls_sessions *s, const struct tls_session_key *key)
{
	return &s->bucket[key->digest[0] % BUCKETS];
}

/* The next entry of that key from `at` on: where it hangs, or NULL. */
static struct entry **find(struct entry **at, const struct tls_session_key *key)
{
	for (; *at; at = &(*at)->below)
		if (memcmp(&(*at)->key, key, sizeof(*key)) == 0)
			return at;
	return NULL;
}

/* Out of bucket and list; still the caller's to free. */
static struct entry *unhook(struct tls_sessions *s, struct entry **at)
{
	struct entry *e = *at;

	*at = e->below;
	*(e->newer ? &e->newer->older : &s->newest) = e->older;
	*(e->older ? &e->older->newer : &s->oldest) = e->newer;
	s->count--;
	s->octets -= e->kept.octets;
	return e;
}

static void discard(struct tls_sessions *s, struct entry **at)
{
	struct entry *e = unhook(s, at);

	kept_clear(&e->kept);
	free(e);
}

static void discard_all(struct tls_sessions *s, const struct tls_session_key *key)
{
	struct entry **at = bucket_of(s, key);

	while ((at = find(at, key)))
		discard(s, at);
}

static void discard_oldest(struct tls_sessions *s)
{
	struct entry **at = bucket_of(s, &s->oldest->key);

	while (*at != s->oldest)
		at = &(*at)->below;
	discard(s, at);
}

static void hook(struct tls_sessions *s, struct entry *e)
{
	struct entry **at = bucket_of(s, &e->key);

	e->below = *at;
	*at = e;
	e->older = s->newest;
	*(e->older ? &e->older->newer : &s->oldest) = e;
	s->newest = e;
	s->count++;
	s->octets += e->kept.octets;
}

static void make_room(struct tls_sessions *s, const struct tls_session_key *key, size_t octets)
{
	struct entry **at = bucket_of(s, key);
	unsigned n = 0;

	while ((at = find(at, key))) {
		if (++n >= ENTRIES_OF_ONE)
			discard(s, at);
		else
			at = &(*at)->below;
	}
	while (s->count && (s->count >= ENTRIES || s->octets + octets > OCTETS))
		discard_oldest(s);
}

/* Whether none of that key shall be kept now. */
static bool is_banned(struct tls_sessions *s, const struct tls_session_key *key)
{
	struct entry **at = find(bucket_of(s, key), key);
	struct moment now;

	if (!at || (*at)->kept.session)
		return false;
	s->clock(&now);
	if (now.boot - (*at)->kept.since < BAN_S)
		return true;
	discard(s, at);
	return false;
}

static bool add(struct tls_sessions *s, const struct tls_session_key *key, const struct kept *kept)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return false;
	e->key = *key;
	e->kept = *kept;
	make_room(s, key, kept->octets);
	hook(s, e);
	return true;
}

bool sessions_take(struct tls_sessions *s, const struct tls_session_key *key, struct kept *kept)
{
	struct entry **at, *e = NULL;

	pthread_mutex_lock(&s->lock);
	at = is_banned(s, key) ? NULL : find(bucket_of(s, key), key);
	if (at)
		e = unhook(s, at);
	pthread_mutex_unlock(&s->lock);
	if (!e)
		return false;
	*kept = e->kept;
	free(e);
	return true;
}

void sessions_put(struct tls_sessions *s, const struct tls_session_key *key, struct kept *kept)
{
	bool put;

	pthread_mutex_lock(&s->lock);
	put = !is_banned(s, key) && add(s, key, kept);
	pthread_mutex_unlock(&s->lock);
	if (!put)
		kept_clear(kept);
	*kept = (struct kept){0};
}

void sessions_ban(struct tls_sessions *s, const struct tls_session_key *key)
{
	struct kept none = {0};
	struct moment now;

	s->clock(&now);
	none.since = now.boot;
	pthread_mutex_lock(&s->lock);
	discard_all(s, key);
	add(s, key, &none);
	pthread_mutex_unlock(&s->lock);
}

void tls_sessions_forget(struct tls_sessions *s, const struct tls_session_key *key)
{
	pthread_mutex_lock(&s->lock);
	if (!is_banned(s, key))
		discard_all(s, key);
	pthread_mutex_unlock(&s->lock);
}

void tls_sessions_clear(struct tls_sessions *s)
{
	pthread_mutex_lock(&s->lock);
	while (s->count)
		discard_oldest(s);
	pthread_mutex_unlock(&s->lock);
}

void tls_sessions_free(struct tls_sessions *s)
{
	if (!s)
		return;
	tls_sessions_clear(s);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
