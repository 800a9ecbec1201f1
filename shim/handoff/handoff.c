/*
 * handoff: what preload and agent say to each other, as bytes.
 * It does no I/O, keeps nothing, and allocates nothing; what comes in is checked whole before a
 * field is believed.
 */
#include "shim/handoff/handoff.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "shim/handoff/text.h"

#define SIN6_LEN_RFC2133 24 /* the kernel takes a sockaddr_in6 without scope id */

_Static_assert(sizeof(struct handoff_request) == 72 && sizeof(struct handoff_reply) == 40 &&
		       sizeof(struct handoff_addr) == 28,
	"the same for 32 and 64 bit");

static const char name_mark[] = "\0mailseal"; /* the first NUL makes it abstract */
#define NAME_MARK_SIZE (sizeof(name_mark) - 1)

static bool name_fits(const char *name)
{
	return *name && strnlen(name, HANDOFF_NAME_SIZE) < HANDOFF_NAME_SIZE;
}

static char *put_name(char *at, const char *name)
{
	size_t size = strlen(name) + 1;

	memcpy(at, name, size);
	return at + size;
}

long handoff_request_encode(void *out, const struct handoff_request *head,
	const struct handoff_names *names, const char *identity, size_t identity_length)
{
	struct handoff_request *request = out;
	char *at = (char *)out + sizeof(*request);

	if (names->count > HANDOFF_NAMES || identity_length >= HANDOFF_IDENTITY_SIZE)
		return -EINVAL;
	for (unsigned i = 0; i < names->count; i++)
		if (!name_fits(names->list[i]))
			return -EINVAL;
	if (names->mx_domain && !name_fits(names->mx_domain))
		return -EINVAL;
	memcpy(request, head, sizeof(*request));
	request->magic = HANDOFF_MAGIC;
	request->version = HANDOFF_VERSION;
	request->name_count = (uint16_t)names->count;
	request->identity_length = (uint16_t)identity_length;
	memset(request->padding, 0, sizeof(request->padding));
	for (unsigned i = 0; i < names->count; i++)
		at = put_name(at, names->list[i]);
	request->flags &= (uint16_t)~HANDOFF_MX_DOMAIN;
	if (names->mx_domain) {
		request->flags |= HANDOFF_MX_DOMAIN;
		at = put_name(at, names->mx_domain);
	}
	memcpy(at, identity, identity_length);
	return at + identity_length - (char *)out;
}

static bool addr_valid(const struct handoff_addr *a)
{
	return a->family == AF_INET || a->family == AF_INET6;
}

/* The name at *at, which then stands behind it; NULL if there is none that is whole. */
static const char *take_name(const char **at, const char *end)
{
	const char *name = *at, *nul = memchr(name, '\0', (size_t)(end - name));

	if (!nul || nul == name || nul - name >= HANDOFF_NAME_SIZE)
		return NULL;
	*at = nul + 1;
	return name;
}

int handoff_request_decode(const void *bytes, size_t length, struct handoff_request_view *view)
{
	struct handoff_request_view v = {0};
	const char *at = (const char *)bytes + sizeof(v.head), *end = (const char *)bytes + length;

	if (length < sizeof(v.head))
		return -EPROTO;
	memcpy(&v.head, bytes, sizeof(v.head));
	if (v.head.magic != HANDOFF_MAGIC)
		return -EPROTO;
	if (v.head.version != HANDOFF_VERSION)
		return -EPROTONOSUPPORT;
	if (v.head.name_count > HANDOFF_NAMES || v.head.identity_length >= HANDOFF_IDENTITY_SIZE ||
		!addr_valid(&v.head.peer))
		return -EPROTO;
	for (; v.name_count < v.head.name_count; v.name_count++) {
		v.names[v.name_count] = take_name(&at, end);
		if (!v.names[v.name_count])
			return -EPROTO;
	}
	if (v.head.flags & HANDOFF_MX_DOMAIN) {
		v.mx_domain = take_name(&at, end);
		if (!v.mx_domain)
			return -EPROTO;
	}
	if ((size_t)(end - at) != v.head.identity_length)
		return -EPROTO;
	v.identity = at;
	v.identity_length = v.head.identity_length;
	*view = v;
	return 0;
}

int handoff_reply_decode(const void *bytes, size_t length, struct handoff_reply *reply)
{
	struct handoff_reply r = {0};

	memcpy(&r, bytes, length < sizeof(r) ? length : sizeof(r));
	if (r.magic != HANDOFF_MAGIC)
		return -EPROTO;
	if (r.version != HANDOFF_VERSION)
		return -EPROTONOSUPPORT;
	if (length != sizeof(r) || r.error < 0 || r.error > 4095)
		return -EPROTO;
	if (r.stage < HANDOFF_ACK || r.stage > HANDOFF_STALE)
		return -EPROTO;
	*reply = r;
	return 0;
}

int handoff_addr_from_sockaddr(struct handoff_addr *a, const struct sockaddr *sa, socklen_t length)
{
	struct handoff_addr result = {0};
	struct sockaddr_in in;
	struct sockaddr_in6 in6 = {0};

	if (length < sizeof(sa->sa_family))
		return -EAFNOSUPPORT;
	memcpy(&result.family, sa, sizeof(result.family));
	if (result.family == AF_INET && length >= sizeof(in)) {
		memcpy(&in, sa, sizeof(in));
		result.port = ntohs(in.sin_port);
		memcpy(result.addr, &in.sin_addr, sizeof(in.sin_addr));
	} else if (result.family == AF_INET6 && length >= SIN6_LEN_RFC2133) {
		memcpy(&in6, sa, length < sizeof(in6) ? length : sizeof(in6));
		result.port = ntohs(in6.sin6_port);
		result.scope_id = in6.sin6_scope_id;
		result.flowinfo = in6.sin6_flowinfo;
		memcpy(result.addr, &in6.sin6_addr, sizeof(in6.sin6_addr));
	} else {
		return -EAFNOSUPPORT;
	}
	*a = result;
	return 0;
}

socklen_t handoff_addr_to_sockaddr(const struct handoff_addr *a, struct sockaddr_storage *ss)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	memset(ss, 0, sizeof(*ss));
	if (a->family == AF_INET) {
		in.sin_port = htons(a->port);
		memcpy(&in.sin_addr, a->addr, sizeof(in.sin_addr));
		memcpy(ss, &in, sizeof(in));
		return sizeof(in);
	}
	if (a->family == AF_INET6) {
		in6.sin6_port = htons(a->port);
		in6.sin6_scope_id = a->scope_id;
		in6.sin6_flowinfo = a->flowinfo;
		memcpy(&in6.sin6_addr, a->addr, sizeof(in6.sin6_addr));
		memcpy(ss, &in6, sizeof(in6));
		return sizeof(in6);
	}
	return sizeof(ss->ss_family);
}

/* What follows mark, face and nonce; 0 for a face that does not exist. */
static size_t name_payload_size(enum handoff_face face)
{
	switch (face) {
	case HANDOFF_FACE_APPLICATION:
		return 2 * sizeof(struct handoff_addr);
	case HANDOFF_FACE_PEER:
		return sizeof(struct handoff_addr);
	case HANDOFF_FACE_ERROR:
		return sizeof(int32_t);
	}
	return 0;
}

_Static_assert(NAME_MARK_SIZE + 1 + HANDOFF_NONCE_SIZE + 2 * sizeof(struct handoff_addr) <=
		       sizeof(((struct sockaddr_un *)0)->sun_path),
	"the longest name fits");

socklen_t handoff_name_encode(const struct handoff_name *name, struct sockaddr_un *sun)
{
	char *at = sun->sun_path;

	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	memcpy(at, name_mark, NAME_MARK_SIZE);
	at += NAME_MARK_SIZE;
	*at++ = (char)name->face;
	memcpy(at, name->nonce, sizeof(name->nonce));
	at += sizeof(name->nonce);
	switch (name->face) {
	case HANDOFF_FACE_APPLICATION:
		memcpy(at, &name->local, sizeof(name->local));
		memcpy(at + sizeof(name->local), &name->peer, sizeof(name->peer));
		break;
	case HANDOFF_FACE_PEER:
		memcpy(at, &name->peer, sizeof(name->peer));
		break;
	case HANDOFF_FACE_ERROR:
		memcpy(at, &name->error, sizeof(name->error));
		break;
	}
	return (socklen_t)(at - (char *)sun + (ptrdiff_t)name_payload_size(name->face));
}

#define NAME_HEAD (offsetof(struct sockaddr_un, sun_path) + NAME_MARK_SIZE + 1 + HANDOFF_NONCE_SIZE)

bool handoff_name_may_be(socklen_t length)
{
	static const enum handoff_face faces[] = {
		HANDOFF_FACE_APPLICATION, HANDOFF_FACE_PEER, HANDOFF_FACE_ERROR};

	for (size_t i = 0; i < sizeof(faces) / sizeof(faces[0]); i++)
		if (length == NAME_HEAD + name_payload_size(faces[i]))
			return true;
	return false;
}

int handoff_name_decode(const struct sockaddr_un *sun, socklen_t length, struct handoff_name *name)
{
	const char *at = sun->sun_path + NAME_MARK_SIZE;
	struct handoff_name n = {0};

	if (length <= NAME_HEAD || sun->sun_family != AF_UNIX ||
		memcmp(sun->sun_path, name_mark, NAME_MARK_SIZE) != 0)
		return -EINVAL;
	n.face = (enum handoff_face)(unsigned char)*at++;
	if (!name_payload_size(n.face) || length != NAME_HEAD + name_payload_size(n.face))
		return -EINVAL;
	memcpy(n.nonce, at, sizeof(n.nonce));
	at += sizeof(n.nonce);
	switch (n.face) {
	case HANDOFF_FACE_APPLICATION:
		memcpy(&n.local, at, sizeof(n.local));
		memcpy(&n.peer, at + sizeof(n.local), sizeof(n.peer));
		break;
	case HANDOFF_FACE_PEER:
		memcpy(&n.peer, at, sizeof(n.peer));
		break;
	case HANDOFF_FACE_ERROR:
		memcpy(&n.error, at, sizeof(n.error));
		break;
	}
	*name = n;
	return 0;
}

uint64_t handoff_nanoseconds(const struct timespec *t)
{
	return (uint64_t)(unsigned long)t->tv_sec * 1000000000u + (uint64_t)t->tv_nsec;
}

int handoff_config_line(char *out, size_t size, const char *path, const struct stat *st)
{
	struct text t;

	text_init(&t, out, size);
	text_add(&t, "config=");
	text_add(&t, path);
	if (st) {
		text_add(&t, ":");
		text_add_number(&t, st->st_dev);
		text_add(&t, ":");
		text_add_number(&t, st->st_ino);
		text_add(&t, ":");
		text_add_number(&t, (uint64_t)st->st_size);
		text_add(&t, ":");
		text_add_number(&t, handoff_nanoseconds(&st->st_ctim));
	} else {
		text_add(&t, ":absent");
	}
	text_add(&t, "\n");
	return t.overflow ? -ENAMETOOLONG : (int)t.length;
}
