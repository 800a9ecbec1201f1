/* Programs that ask the DNS themselves, through libresolv, and connect to what they were told. */
#include "tests/preload/client/client.h"

#include <arpa/nameser.h>
#include <dlfcn.h>
#include <netdb.h>
#include <resolv.h>
#include <unistd.h>

static unsigned char answer[4096];

static int type_of(const char *text)
{
	return strcmp(text, "MX") == 0	   ? ns_t_mx
	       : strcmp(text, "AAAA") == 0 ? ns_t_aaaa
	       : strcmp(text, "SRV") == 0  ? ns_t_srv
					   : ns_t_a;
}

static int ask_sending(const char *name, int type, bool with_state)
{
	unsigned char query[512];
	int length =
		res_mkquery(ns_o_query, name, ns_c_in, type, NULL, 0, NULL, query, sizeof(query));

	check(length > 0);
#ifdef __GLIBC__
	if (with_state)
		return res_nsend(&_res, query, length, answer, sizeof(answer));
#endif
	(void)with_state;
	return res_send(query, length, answer, sizeof(answer));
}

#if defined(__GLIBC__) && defined(__x86_64__) && defined(__LP64__)
/* As a program knows it that was linked with glibc before 2.34. */
int old_search(const char *, int, int, unsigned char *, int);
__asm__(".symver old_search, __res_search@GLIBC_2.2.5");
#else
#define old_search res_search
#endif

static int ask(const char *how, const char *name, int type)
{
	int size = sizeof(answer);

	if (strcmp(how, "query") == 0)
		return res_query(name, ns_c_in, type, answer, size);
	if (strcmp(how, "search") == 0)
		return res_search(name, ns_c_in, type, answer, size);
	if (strcmp(how, "old_search") == 0)
		return old_search(name, ns_c_in, type, answer, size);
	if (strcmp(how, "querydomain") == 0)
		return res_querydomain(name, "inner.test", ns_c_in, type, answer, size);
	if (strcmp(how, "send") == 0)
		return ask_sending(name, type, false);
#ifdef __GLIBC__
	if (strcmp(how, "nquery") == 0)
		return res_nquery(&_res, name, ns_c_in, type, answer, size);
	if (strcmp(how, "nsearch") == 0)
		return res_nsearch(&_res, name, ns_c_in, type, answer, size);
	if (strcmp(how, "nquerydomain") == 0)
		return res_nquerydomain(&_res, name, "inner.test", ns_c_in, type, answer, size);
	if (strcmp(how, "nsend") == 0)
		return ask_sending(name, type, true);
#endif
	check(!"a function of this libc");
	return -1;
}

/* ASK: what is asked before 127.0.0.8 is connected to, "FUNCTION NAME TYPE" after one another; with
 * FUNCTION "getaddrinfo" the type says nothing. */
static void asks(void)
{
	char text[512], *save, *how;
	struct addrinfo *result;
	int fd;

	res_init();
	snprintf(text, sizeof(text), "%s", getenv("ASK"));
	for (how = strtok_r(text, " ", &save); how; how = strtok_r(NULL, " ", &save)) {
		const char *name = strtok_r(NULL, " ", &save), *type = strtok_r(NULL, " ", &save);

		errno = 0;
		if (strcmp(how, "getaddrinfo") == 0)
			check(getaddrinfo(name, NULL, NULL, &result) == 0);
		else
			check(ask(how, name, type_of(type)) > 0);
		check(errno == 0);
	}
	aim("127.0.0.8", 25);
	fd = tcp(0);
	check(dial(fd) == 0);
	talk(fd);
}

/* What goes wrong goes wrong as ever. */
static void asks_in_vain(void)
{
	res_init();
	h_errno = 0;
	check(res_query("nobody.test", ns_c_in, ns_t_a, answer, sizeof(answer)) == -1);
	check(h_errno == HOST_NOT_FOUND);
	h_errno = 0;
	check(res_query("plain.test", ns_c_in, ns_t_mx, answer, sizeof(answer)) == -1);
	check(h_errno == NO_DATA);
	check(res_query("plain.test", ns_c_in, ns_t_a, answer, sizeof(answer)) == 44);
}

const struct client_case asking_cases[] = {
	{"asks", asks},
	{"asks_in_vain", asks_in_vain},
	{NULL, NULL},
};
