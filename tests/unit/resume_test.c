/*
 * resume: which TLS sessions are offered, to whom, for how long, and what a resumed connection says
 * of the server. Servers of the same process at the ends of socketpairs; the clock of the cache is
 * ours.
 */
#include "tests/unit/tls_pair.h"

#include <pthread.h>

#define HOUR (60L * 60)

static const char *const mx[] = {"mx.b.example"};
static const struct tls_identity for_mx = {
	.servername = "mx.b.example", .names = mx, .name_count = 1};

static int64_t later; /* seconds by which the cache's clocks are ahead */
static int64_t wall_only;

static void our_clock(struct moment *now)
{
	*now = (struct moment){1000000 + later, time(NULL) + later + wall_only};
}

/* What client and server know from one connection to the next. */
struct world {
	SSL_CTX *server;
	struct tls_context *context;
	struct tls_sessions *sessions;
	int version;
	bool verified; /* what the client demands of sessions */
	int min_version;
	const char *scope;
	struct tls_session_key key;
};

/* One connection of it. */
struct meeting {
	int fd[2];
	SSL *server;
	struct tls *client;
	bool offered;
};

static struct tls_context *context_new(void)
{
	const struct tls_settings settings = {.ca_file = ca_file, .min_version = 12};
	struct tls_context *context;
	struct err err = {""};

	assert_int_equal(tls_context_new(&context, &settings, &err), 0);
	return context;
}

static SSL_CTX *server_new(X509 *cert, int version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	SSL_CTX_use_certificate(ctx, cert);
	SSL_CTX_use_PrivateKey(ctx, leaf_key);
	SSL_CTX_set_max_proto_version(ctx, version);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"x", 1);
	return ctx;
}

static void replace_server(struct world *w, const struct cert_wish *wish)
{
	X509 *cert = make_cert(wish, leaf_key, false);

	SSL_CTX_free(w->server);
	w->server = server_new(cert, w->version);
	X509_free(cert);
}

static void world_open(struct world *w, const struct cert_wish *wish, int version)
{
	*w = (struct world){.version = version, .scope = "1"};
	replace_server(w, wish);
	w->context = context_new();
	w->sessions = tls_sessions_new();
	sessions_set_clock(w->sessions, our_clock);
	later = wall_only = 0;
}

static void world_close(struct world *w)
{
	SSL_CTX_free(w->server);
	tls_context_free(w->context);
	tls_sessions_free(w->sessions);
}

static void meet(struct world *w, const struct tls_identity *id, struct meeting *m)
{
	const struct tls_resumption r = {.sessions = w->sessions,
		.scope = w->scope,
		.scope_length = strlen(w->scope),
		.verified = w->verified,
		.min_version = w->min_version};
	struct err err = {""};

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, m->fd), 0);
	nonblocking(m->fd[0]);
	nonblocking(m->fd[1]);
	m->server = SSL_new(w->server);
	SSL_set_fd(m->server, m->fd[1]);
	SSL_set_accept_state(m->server);
	assert_int_equal(tls_new(&m->client, w->context, m->fd[0], id, &err), 0);
	tls_resume(m->client, &r, &w->key);
	m->offered = m->client->resumption.offered.session != NULL;
}

static int shake_hands(struct meeting *m)
{
	struct pair p = {.client = m->client, .server = m->server};
	struct err err = {""};

	return shake(&p, &err);
}

/* The server speaks, so that the client reads what came before: tickets. */
static ssize_t hear(struct meeting *m)
{
	struct err err = {""};
	char bytes[100];
	short want;

	SSL_write(m->server, "220 x\r\n", 7);
	return tls_read(m->client, bytes, sizeof(bytes), &want, &err);
}

/* The server's OpenSSL forgets what it does not end well. The client just goes. */
static void part(struct meeting *m)
{
	SSL_shutdown(m->server);
	tls_free(m->client);
	SSL_free(m->server);
	close(m->fd[0]);
	close(m->fd[1]);
	ERR_clear_error();
}

/* A whole connection; whether the server resumed, and what the client says of it. */
static bool connection(struct world *w, const struct tls_identity *id, struct tls_facts *facts)
{
	struct meeting m;
	bool resumed;

	meet(w, id, &m);
	assert_int_equal(shake_hands(&m), 0);
	assert_int_equal(hear(&m), 7);
	resumed = SSL_session_reused(m.server) == 1;
	assert_int_equal(tls_facts(m.client)->resumed, resumed);
	if (facts)
		*facts = *tls_facts(m.client);
	part(&m);
	return resumed;
}

static const struct cert_wish good = {"DNS:mx.b.example", "x", -DAY, DAY, NULL, NULL};

static struct cert_wish signed_good(void)
{
	struct cert_wish w = good;

	w.issuer = ca;
	w.issuer_key = ca_key;
	return w;
}

static void expect_same_facts(int version, long options)
{
	struct cert_wish wish = signed_good();
	struct tls_facts first, second;
	struct world w;

	world_open(&w, &wish, version);
	SSL_CTX_set_options(w.server, options);
	w.verified = true;
	assert_false(connection(&w, &for_mx, &first));
	assert_true(first.verified);
	assert_true(connection(&w, &for_mx, &second));
	assert_true(second.verified);
	assert_string_equal(second.reason, "");
	assert_int_equal(second.version, first.version);
	assert_string_equal(second.protocol, first.protocol);
	assert_string_equal(second.cipher, first.cipher);
	assert_true(connection(&w, &for_mx, NULL));
	world_close(&w);
}

static void resumed_connection_says_what_the_full_handshake_said(void **state)
{
	(void)state;
	expect_same_facts(TLS1_3_VERSION, 0);
	expect_same_facts(TLS1_3_VERSION, SSL_OP_NO_TICKET); /* the server keeps them itself */
	expect_same_facts(TLS1_2_VERSION, 0);
	expect_same_facts(TLS1_2_VERSION, SSL_OP_NO_TICKET);
}

static void without_resumption_nothing_is_kept(void **state)
{
	struct cert_wish wish = signed_good();
	struct meeting m;
	struct world w;

	(void)state;
	world_open(&w, &wish, TLS1_3_VERSION);
	meet(&w, &for_mx, &m);
	m.client->resumption = (struct resumption){0}; /* as if tls_resume() was never called */
	assert_int_equal(shake_hands(&m), 0);
	assert_int_equal(hear(&m), 7);
	part(&m);
	meet(&w, &for_mx, &m);
	assert_false(m.offered);
	part(&m);
	world_close(&w);
}

static void tickets_of_tls13_are_used_once(void **state)
{
	struct cert_wish wish = signed_good();
	struct meeting a, b;
	struct world w;

	(void)state;
	world_open(&w, &wish, TLS1_3_VERSION);
	SSL_CTX_set_num_tickets(w.server, 1);
	assert_false(connection(&w, &for_mx, NULL));
	meet(&w, &for_mx, &a);
	meet(&w, &for_mx, &b);
	assert_true(a.offered);
	assert_false(b.offered);
	part(&a); /* an attempt is a use */
	part(&b);
	meet(&w, &for_mx, &a);
	assert_false(a.offered);
	part(&a);
	world_close(&w);
}

static void sessions_of_tls12_serve_again(void **state)
{
	struct cert_wish wish = signed_good();
	struct meeting a, b;
	struct world w;

	(void)state;
	world_open(&w, &wish, TLS1_2_VERSION);
	assert_false(connection(&w, &for_mx, NULL));
	meet(&w, &for_mx, &a);
	meet(&w, &for_mx, &b);
	assert_true(a.offered && b.offered);
	assert_int_equal(shake_hands(&a), 0);
	assert_int_equal(shake_hands(&b), 0);
	assert_true(tls_facts(a.client)->resumed && tls_facts(b.client)->resumed);
	part(&a);
	part(&b);
	assert_true(connection(&w, &for_mx, NULL));
	world_close(&w);
}

static void expect_offer(struct world *w, const struct tls_identity *id, bool expected)
{
	struct meeting m;

	meet(w, id, &m);
	assert_int_equal(m.offered, expected);
	part(&m);
}

/* The certificate is good for all of these names: it is not the names' fault. */
static void session_is_never_offered_elsewhere(void **state)
{
	struct cert_wish wish = signed_good();
	static const char *const a[] = {"a.test"}, *const b[] = {"b.test"},
				 *const both[] = {"a.test", "b.test"},
				 *const mixed[] = {"b.test", "a.test"};
	static const char *const fingerprint[] = {
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", NULL};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)},
			   other_in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct tls_identity base = {.servername = "a.test",
		.names = a,
		.name_count = 1,
		.address = (struct sockaddr *)&in};
	struct tls_identity other[9];
	struct tls_context *context, *saved;
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < 9; i++)
		other[i] = base;
	other[0].names = b;
	other[1].servername = "b.test";
	other[2].servername = NULL;
	other[3].names = both, other[3].name_count = 2;
	other[4].names = mixed, other[4].name_count = 2;
	other[5].any_name = true;
	other[6].fingerprints = fingerprint;
	other[7].address = (struct sockaddr *)&other_in;
	other[8].address = (struct sockaddr *)&in6;
	wish.san = "DNS:a.test,DNS:b.test";
	world_open(&w, &wish, TLS1_2_VERSION);
	assert_false(connection(&w, &base, NULL));
	for (i = 0; i < 9; i++)
		expect_offer(&w, &other[i], false);
	for (i = 0; i < 3; i++) {
		w.scope = (const char *[]){"", "2", "11"}[i];
		expect_offer(&w, &base, false);
	}
	w.scope = "1";
	context = context_new();
	saved = w.context;
	w.context = context;
	expect_offer(&w, &base, false);
	w.context = saved;
	tls_context_free(context);
	expect_offer(&w, &base, true);
	tls_sessions_clear(w.sessions);
	expect_offer(&w, &base, false);
	world_close(&w);
}

/* Memory is used again, numbers are not. */
static void context_made_where_another_was_is_another(void **state)
{
	struct cert_wish wish = signed_good();
	struct world w;
	uint64_t before;

	(void)state;
	world_open(&w, &wish, TLS1_2_VERSION);
	assert_false(connection(&w, &for_mx, NULL));
	expect_offer(&w, &for_mx, true);
	before = w.context->serial;
	tls_context_free(w.context);
	w.context = context_new();
	assert_int_not_equal(w.context->serial, before);
	expect_offer(&w, &for_mx, false);
	world_close(&w);
}

static void expect_dates_to_count(const struct cert_wish *wish)
{
	struct world w;

	world_open(&w, wish, TLS1_2_VERSION);
	assert_false(connection(&w, &for_mx, NULL));
	later = 1000;
	expect_offer(&w, &for_mx, true);
	wall_only = -3 * DAY;
	expect_offer(&w, &for_mx, false);
	assert_false(connection(&w, &for_mx, NULL)); /* OpenSSL's own clock is right */
	wall_only = 0;
	expect_offer(&w, &for_mx, true);
	later = 2500;
	expect_offer(&w, &for_mx, false);
	world_close(&w);
}

static void certificate_that_ran_out_means_a_full_handshake(void **state)
{
	const struct cert_wish short_root = {NULL, "Test Root", -DAY, 2000, NULL, NULL};
	struct cert_wish wish = signed_good();
	X509 *root = make_cert(&short_root, ca_key, true);
	FILE *f;

	(void)state;
	wish.until = 2000;
	expect_dates_to_count(&wish);
	/* the authority's, which the server need not even send */
	wish = signed_good();
	f = fopen(ca_file, "w");
	PEM_write_X509(f, root);
	fclose(f);
	expect_dates_to_count(&wish);
	f = fopen(ca_file, "w");
	PEM_write_X509(f, ca);
	fclose(f);
	X509_free(root);
}

/* From ticket to ticket, or by the same session again. */
static void an_hour_after_the_full_handshake_comes_another(void **state)
{
	struct cert_wish wish = signed_good();
	struct world w;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		world_open(&w, &wish, i ? TLS1_2_VERSION : TLS1_3_VERSION);
		assert_false(connection(&w, &for_mx, NULL));
		for (later = 0; later < HOUR; later += 599)
			assert_true(connection(&w, &for_mx, NULL));
		later = HOUR;
		assert_false(connection(&w, &for_mx, NULL));
		later = HOUR + 1000;
		assert_true(connection(&w, &for_mx, NULL));
		later = HOUR - 1; /* a clock that goes back */
		expect_offer(&w, &for_mx, false);
		world_close(&w);
	}
}

static void lifetime_that_the_server_gave_counts(void **state)
{
	struct cert_wish wish = signed_good();
	struct world w;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		world_open(&w, &wish, i ? TLS1_2_VERSION : TLS1_3_VERSION);
		SSL_CTX_set_timeout(w.server, 100);
		assert_false(connection(&w, &for_mx, NULL));
		later = 99;
		assert_true(connection(&w, &for_mx, NULL));
		later = i ? 101 : 199;
		expect_offer(&w, &for_mx, false);
		world_close(&w);
	}
}

static void bad_certificate_is_resumed_only_where_nobody_minds(void **state)
{
	struct cert_wish wish = signed_good();
	struct tls_facts first, second;
	struct world w;

	(void)state;
	wish.san = "DNS:other.example";
	world_open(&w, &wish, TLS1_3_VERSION);
	assert_false(connection(&w, &for_mx, &first));
	assert_true(connection(&w, &for_mx, &second));
	assert_false(second.verified);
	assert_string_equal(second.reason, "name mismatch: certificate is for other.example");
	assert_string_equal(second.reason, first.reason);
	w.verified = true;
	expect_offer(&w, &for_mx, false);
	/* and the server's better certificate counts at once */
	w.verified = false;
	assert_false(connection(&w, &for_mx, NULL));
	w.verified = true;
	wish = signed_good();
	replace_server(&w, &wish);
	assert_false(connection(&w, &for_mx, &first));
	assert_true(first.verified);
	world_close(&w);
}

/* What the server shows when it does not resume is all that counts. */
static void declined_session_gives_facts_of_the_full_handshake(void **state)
{
	struct cert_wish wish = signed_good(), bad = signed_good();
	struct tls_facts facts;
	struct world w;
	int i;

	(void)state;
	bad.san = "DNS:other.example";
	for (i = 0; i < 2; i++) {
		world_open(&w, &wish, i ? TLS1_2_VERSION : TLS1_3_VERSION);
		assert_false(connection(&w, &for_mx, NULL));
		expect_offer(&w, &for_mx, true);
		replace_server(&w, &bad); /* with other keys for its tickets */
		assert_false(connection(&w, &for_mx, &facts));
		assert_false(facts.verified);
		assert_string_equal(
			facts.reason, "name mismatch: certificate is for other.example");
		w.verified = true;
		expect_offer(&w, &for_mx, false); /* the old ones went */
		world_close(&w);
	}
}

static void fingerprint_decides_for_resumed_sessions_too(void **state)
{
	const struct cert_wish expired = {"DNS:x", "x", -2 * DAY, -DAY, NULL, NULL};
	X509 *cert = make_cert(&expired, leaf_key, false);
	unsigned char digest[32];
	char hex[65];
	const char *const list[] = {hex, NULL};
	struct tls_identity id = for_mx;
	struct tls_facts facts;
	struct world w;
	int i;

	(void)state;
	X509_digest(cert, EVP_sha256(), digest, NULL);
	for (i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	id.fingerprints = list;
	world_open(&w, &expired, TLS1_3_VERSION);
	SSL_CTX_free(w.server);
	w.server = server_new(cert, TLS1_3_VERSION);
	w.verified = true;
	assert_false(connection(&w, &id, &facts));
	assert_true(facts.verified);
	assert_true(connection(&w, &id, &facts));
	assert_true(facts.verified);
	world_close(&w);
	X509_free(cert);
}

static void older_version_than_wanted_is_not_resumed(void **state)
{
	struct cert_wish wish = signed_good();
	struct tls_facts facts;
	struct world w;

	(void)state;
	world_open(&w, &wish, TLS1_2_VERSION);
	assert_false(connection(&w, &for_mx, NULL));
	/* the server learns TLS 1.3: it is found out although its session is offered */
	SSL_CTX_set_max_proto_version(w.server, TLS1_3_VERSION);
	w.min_version = 13;
	expect_offer(&w, &for_mx, false);
	assert_false(connection(&w, &for_mx, &facts));
	assert_int_equal(facts.version, 13);
	assert_true(connection(&w, &for_mx, &facts));
	assert_int_equal(facts.version, 13);
	world_close(&w);
}

static void tls12_without_extended_master_secret_is_not_kept(void **state)
{
	struct cert_wish wish = signed_good();
	struct world w;

	(void)state;
	world_open(&w, &wish, TLS1_2_VERSION);
	SSL_CTX_set_options(w.server, SSL_OP_NO_EXTENDED_MASTER_SECRET);
	assert_false(connection(&w, &for_mx, NULL));
	expect_offer(&w, &for_mx, false);
	world_close(&w);
}

static void failed_handshake_ends_resumption_for_a_while(void **state)
{
	static const unsigned char alert[] = {0x15, 3, 3, 0, 2, 2, 40};
	struct cert_wish wish = signed_good();
	struct meeting m;
	struct world w;

	(void)state;
	world_open(&w, &wish, TLS1_3_VERSION);
	meet(&w, &for_mx, &m);
	assert_int_equal(write(m.fd[1], alert, sizeof(alert)), sizeof(alert));
	assert_int_equal(shake_hands(&m), -EPROTO);
	assert_false(tls_blame_resumption(m.client)); /* nothing was offered */
	part(&m);
	assert_false(connection(&w, &for_mx, NULL));
	meet(&w, &for_mx, &m);
	assert_true(m.offered);
	assert_int_equal(write(m.fd[1], alert, sizeof(alert)), sizeof(alert));
	assert_int_equal(shake_hands(&m), -EPROTO);
	assert_true(tls_blame_resumption(m.client));
	part(&m);
	assert_false(connection(&w, &for_mx, NULL));
	assert_false(connection(&w, &for_mx, NULL)); /* the last one's tickets were not kept */
	later = 599;
	assert_false(connection(&w, &for_mx, NULL));
	later = 600;
	assert_false(connection(&w, &for_mx, NULL));
	assert_true(connection(&w, &for_mx, NULL));
	world_close(&w);
}

static void forgotten_session_is_not_offered(void **state)
{
	struct cert_wish wish = signed_good();
	struct world w;

	(void)state;
	world_open(&w, &wish, TLS1_3_VERSION);
	assert_false(connection(&w, &for_mx, NULL));
	tls_sessions_forget(w.sessions, &w.key);
	assert_false(connection(&w, &for_mx, NULL));
	assert_true(connection(&w, &for_mx, NULL));
	world_close(&w);
}

static void broken_protocol_takes_the_sessions_along(void **state)
{
	struct cert_wish wish = signed_good();
	struct meeting m;
	struct world w;

	(void)state;
	world_open(&w, &wish, TLS1_3_VERSION);
	meet(&w, &for_mx, &m);
	assert_int_equal(shake_hands(&m), 0);
	assert_int_equal(hear(&m), 7);
	assert_int_equal(
		write(m.fd[1], "\x17\x03\x03\x00\x20zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", 37), 37);
	assert_int_equal(hear(&m), -EPROTO);
	part(&m);
	expect_offer(&w, &for_mx, false);
	world_close(&w);
}

static void flood_of_tickets_is_bounded(void **state)
{
	struct cert_wish wish = signed_good();
	struct meeting m;
	struct world w;
	struct kept k;
	int i, n = 0;
	ssize_t rc = 7;

	(void)state;
	world_open(&w, &wish, TLS1_3_VERSION);
	meet(&w, &for_mx, &m);
	assert_int_equal(shake_hands(&m), 0);
	for (i = 0; i < 1000 && rc == 7; i++) {
		assert_int_equal(SSL_new_session_ticket(m.server), 1);
		rc = hear(&m);
	}
	assert_int_equal(rc, 7);
	while (sessions_take(w.sessions, &w.key, &k)) {
		kept_clear(&k);
		n++;
	}
	assert_int_equal(n, 8);
	/* without data between them they end the connection */
	for (i = 0; i < 1000; i++)
		if (SSL_new_session_ticket(m.server) == 1)
			SSL_do_handshake(m.server);
	assert_int_equal(hear(&m), -EPROTO);
	part(&m);
	expect_offer(&w, &for_mx, false);
	world_close(&w);
}

static int big_ticket(SSL *ssl, void *size)
{
	static unsigned char octets[30000];

	return SSL_SESSION_set1_ticket_appdata(SSL_get0_session(ssl), octets, *(size_t *)size);
}

static void ticket_of_absurd_size_is_not_kept(void **state)
{
	struct cert_wish wish = signed_good();
	struct world w;
	size_t size = 3000;

	(void)state;
	world_open(&w, &wish, TLS1_3_VERSION);
	SSL_CTX_set_num_tickets(w.server, 1);
	SSL_CTX_set_session_ticket_cb(w.server, big_ticket, NULL, &size);
	assert_false(connection(&w, &for_mx, NULL));
	assert_true(connection(&w, &for_mx, NULL));
	size = 30000;
	assert_true(connection(&w, &for_mx, NULL));
	expect_offer(&w, &for_mx, false);
	world_close(&w);
}

static void put_sized(struct tls_sessions *sessions, unsigned number, size_t octets)
{
	struct tls_session_key key = {{(unsigned char)number, (unsigned char)(number >> 8)}};
	struct kept kept = {.session = SSL_SESSION_new(), .octets = octets};

	sessions_put(sessions, &key, &kept);
}

static void put(struct tls_sessions *sessions, unsigned number)
{
	put_sized(sessions, number, 0);
}

static bool take(struct tls_sessions *sessions, unsigned number)
{
	struct tls_session_key key = {{(unsigned char)number, (unsigned char)(number >> 8)}};
	struct kept kept;
	bool taken = sessions_take(sessions, &key, &kept);

	if (taken)
		kept_clear(&kept);
	return taken;
}

static unsigned take_all(struct tls_sessions *s, unsigned numbers)
{
	unsigned i, n = 0;

	for (i = 0; i < numbers; i++)
		while (take(s, i))
			n++;
	return n;
}

static void cache_keeps_the_newest_and_is_bounded(void **state)
{
	struct tls_sessions *s = tls_sessions_new();
	unsigned i;

	(void)state;
	for (i = 0; i < 2000; i++)
		put(s, i);
	assert_false(take(s, 2000 - 1024 - 1));
	assert_true(take(s, 2000 - 1024));
	assert_true(take(s, 1999));
	assert_int_equal(take_all(s, 2000), 1022);
	/* of one key */
	put(s, 8);
	for (i = 0; i < 200; i++)
		put(s, 7);
	assert_int_equal(take_all(s, 8), 64);
	assert_true(take(s, 8));
	/* by size */
	for (i = 0; i < 1000; i++)
		put_sized(s, i, 20000);
	assert_true(take(s, 999));
	assert_int_equal(take_all(s, 1000), 4096 * 1024 / 20000 - 1);
	tls_sessions_free(s);
}

static void *hammer(void *context)
{
	struct tls_sessions *s = context;
	struct tls_session_key key = {{3}};
	unsigned i;

	for (i = 0; i < 20000; i++) {
		put(s, i % 700);
		take(s, (i * 7) % 700);
		if (i % 500 == 0)
			sessions_ban(s, &key);
		if (i % 3000 == 0)
			tls_sessions_clear(s);
	}
	return NULL;
}

static void threads_share_a_cache(void **state)
{
	struct tls_sessions *s = tls_sessions_new();
	pthread_t thread[3];
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, hammer, s), 0);
	for (i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	put(s, 5);
	assert_true(take(s, 5));
	tls_sessions_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resumed_connection_says_what_the_full_handshake_said),
		cmocka_unit_test(without_resumption_nothing_is_kept),
		cmocka_unit_test(tickets_of_tls13_are_used_once),
		cmocka_unit_test(sessions_of_tls12_serve_again),
		cmocka_unit_test(session_is_never_offered_elsewhere),
		cmocka_unit_test(context_made_where_another_was_is_another),
		cmocka_unit_test(certificate_that_ran_out_means_a_full_handshake),
		cmocka_unit_test(an_hour_after_the_full_handshake_comes_another),
		cmocka_unit_test(lifetime_that_the_server_gave_counts),
		cmocka_unit_test(bad_certificate_is_resumed_only_where_nobody_minds),
		cmocka_unit_test(declined_session_gives_facts_of_the_full_handshake),
		cmocka_unit_test(fingerprint_decides_for_resumed_sessions_too),
		cmocka_unit_test(older_version_than_wanted_is_not_resumed),
		cmocka_unit_test(tls12_without_extended_master_secret_is_not_kept),
		cmocka_unit_test(failed_handshake_ends_resumption_for_a_while),
		cmocka_unit_test(forgotten_session_is_not_offered),
		cmocka_unit_test(broken_protocol_takes_the_sessions_along),
		cmocka_unit_test(flood_of_tickets_is_bounded),
		cmocka_unit_test(ticket_of_absurd_size_is_not_kept),
		cmocka_unit_test(cache_keeps_the_newest_and_is_bounded),
		cmocka_unit_test(threads_share_a_cache),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
