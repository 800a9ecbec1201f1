/*
 * handoff: what preload and agent say to each other.
 * All fields are fixed-width and in the host's byte order: both ends run on one machine, but one
 * may be a 32-bit program. The preload shares this room, so it uses nothing but system calls and
 * memory: no malloc, no stdio, no locks.
 *
 * The channel is an AF_UNIX SOCK_SEQPACKET socket, one for each connect(). The preload sends one
 * request with two descriptors (SCM_RIGHTS): first the unconnected TCP socket, then the agent's end
 * of the plaintext socketpair (SOCK_STREAM). The agent answers with one acknowledgement and, unless
 * that carried an error, one outcome. An acknowledgement with an error is a promise: the agent has
 * closed its copy of the TCP socket and will not connect it. A request socket that ends without an
 * answer says the same. An outcome with an error brings the TCP socket back, unconnected: while
 * the preload waits for it, it keeps no copy, so that a program which jumps out of connect() holds
 * none either. The preload closes its end after the acknowledgement where nobody waits for the
 * outcome: that is no event. If it closes before (the acknowledgement cannot be sent), the caller
 * has given up: the agent drops both descriptors. The agent gives its end of the plaintext socket
 * its name before it discards the junk (connected) or closes (failed), so that whoever wakes up
 * finds the name. A fork in the application may hold a copy of either descriptor for a while: the
 * agent says shutdown() before close() where the other side must notice.
 */
#ifndef MAILSEAL_HANDOFF_H
#define MAILSEAL_HANDOFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define HANDOFF_MAGIC 0x4c534d31u
#define HANDOFF_VERSION 2
#define HANDOFF_NAMES                                                                              \
	128			   /* most names that one request carries: a mail provider's hosts \
				      have one for each customer */
#define HANDOFF_NAME_SIZE 256	   /* a host name with its NUL: RFC 1035 2.3.4 */
#define HANDOFF_IDENTITY_SIZE 6144 /* the identity text with its NUL */
#define HANDOFF_NONCE_SIZE 16
#define HANDOFF_AGENT_FD 3 /* where a started agent finds its listener (or its private channel) */

/*
 * What /etc/ld.so.preload names is loaded into the agent as well, whose own connections must not be
 * handed over. The agent's program exports a symbol of this name; where the preload finds it,
 * nothing is a mail port.
 */
#define HANDOFF_AGENT_MARK mailseal_agent_program

struct handoff_addr {
	uint16_t family; /* AF_INET or AF_INET6 (v4-mapped stays AF_INET6), 0 if unknown */
	uint16_t port;	 /* host byte order */
	uint32_t scope_id;
	uint32_t flowinfo;
	uint8_t addr[16]; /* network byte order; IPv4 in the first four */
};

#define HANDOFF_NAMES_TORN                                                                         \
	0x1u /* a remembered name may be missing from the list: count the host as unverified */
#define HANDOFF_MX_DOMAIN 0x2u /* a domain stands behind the names */

struct handoff_request {
	uint32_t magic;
	uint16_t version;
	uint16_t flags; /* HANDOFF_NAMES_TORN, HANDOFF_MX_DOMAIN */
	uint64_t junk;	/* bytes before the application's own on the plaintext socket: the agent
			   discards exactly these */
	struct handoff_addr peer;
	uint8_t nonce[HANDOFF_NONCE_SIZE];
	uint16_t name_count;
	uint16_t identity_length; /* without NUL */
	uint32_t padding[2]; /* to a multiple of 8: the size is the same where uint64_t aligns to 4
			      */
	/* then name_count NUL-terminated names, the domain likewise, and identity_length bytes of
	 * the identity text */
};

#define HANDOFF_REQUEST_MAX                                                                        \
	(sizeof(struct handoff_request) + (HANDOFF_NAMES + 1) * HANDOFF_NAME_SIZE +                \
		HANDOFF_IDENTITY_SIZE)

enum handoff_stage {
	HANDOFF_ACK = 1, /* error 0: taken, connect() was begun (EINPROGRESS); `local` is the bound
			    address */
	HANDOFF_OUTCOME = 2, /* error 0: connected */
	HANDOFF_STALE = 3,   /* this agent is not the one the request means, or is leaving: nothing
				was done; try again */
};

struct handoff_reply {
	uint32_t magic;
	uint16_t version;
	uint16_t stage; /* enum handoff_stage */
	int32_t error;	/* errno, 0 for none */
	struct handoff_addr local;
};

/* What a request says, taken apart. Pointers go into the received bytes. */
struct handoff_request_view {
	struct handoff_request head;
	const char *names[HANDOFF_NAMES];
	unsigned name_count;
	const char *mx_domain; /* NULL if none */
	const char *identity;
	size_t identity_length;
};

/*
 * The names that the application looked up for the address, the last one first; and the domain
 * whose MX or SRV records name the first of them, or NULL: for display only, it came from unsigned
 * DNS.
 */
struct handoff_names {
	const char *const *list;
	unsigned count;
	const char *mx_domain;
};

/*
 * Writes a request into `out` (HANDOFF_REQUEST_MAX bytes). `head` gives everything but name_count,
 * HANDOFF_MX_DOMAIN and identity_length. Returns its length, or -EINVAL if a name or the identity
 * is too long or there are too many.
 */
long handoff_request_encode(void *out, const struct handoff_request *head,
	const struct handoff_names *names, const char *identity, size_t identity_length);

/* Takes a received request apart; every length is checked. 0, -EPROTO (malformed) or
 * -EPROTONOSUPPORT (version). */
int handoff_request_decode(const void *bytes, size_t length, struct handoff_request_view *view);

/* 0, -EPROTO or -EPROTONOSUPPORT (version). */
int handoff_reply_decode(const void *bytes, size_t length, struct handoff_reply *reply);

/* Between the kernel's form and ours. from_sockaddr: 0 or -EAFNOSUPPORT. to_sockaddr returns the
 * length used. */
int handoff_addr_from_sockaddr(struct handoff_addr *a, const struct sockaddr *sa, socklen_t length);
socklen_t handoff_addr_to_sockaddr(const struct handoff_addr *a, struct sockaddr_storage *ss);

/*
 * The names that both ends of the plaintext socketpair are bound to (abstract AF_UNIX: first byte
 * NUL). They are how getpeername(), getsockname(), SO_ERROR and a repeated connect() know what the
 * socket stands for, without a table. The agent's end has no name while the connection is being
 * made. Display only: never trusted for policy.
 */
enum handoff_face {
	HANDOFF_FACE_APPLICATION = 'A', /* on the application's end: local and peer address */
	HANDOFF_FACE_PEER = 'P',	/* on the agent's end: connected; peer address */
	HANDOFF_FACE_ERROR = 'E',	/* on the agent's end: failed; errno */
};

struct handoff_name {
	enum handoff_face face;
	uint8_t nonce[HANDOFF_NONCE_SIZE]; /* the same on both ends, or neither counts */
	struct handoff_addr local;	   /* APPLICATION */
	struct handoff_addr peer;	   /* APPLICATION, PEER */
	int32_t error;			   /* ERROR */
};

struct sockaddr_un;
struct stat;
struct timespec;

/* Writes the socket name; returns its address length. */
socklen_t handoff_name_encode(const struct handoff_name *name, struct sockaddr_un *sun);

/* Can an address of this length be such a name? */
bool handoff_name_may_be(socklen_t length);

/* 0, or -EINVAL if this is not such a name. */
int handoff_name_decode(const struct sockaddr_un *sun, socklen_t length, struct handoff_name *name);

/* A file's time as it stands in the identity text: the same on both sides until 2106, also where
 * time_t has 32 bits and has overflowed. */
uint64_t handoff_nanoseconds(const struct timespec *t);

/*
 * The line of the identity text that stands for the configuration file:
 * "config=PATH:DEV:INO:SIZE:CTIME\n" in decimal (st_ctim in nanoseconds), or "config=PATH:absent\n"
 * where st is NULL. The agent writes it again from the file that it really read. Returns its length
 * without the NUL, or -ENAMETOOLONG if it does not fit `size` bytes.
 */
int handoff_config_line(char *out, size_t size, const char *path, const struct stat *st);

#endif
