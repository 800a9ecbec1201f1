/*
 * wirecheck: judges what a listener on the wire saw.
 *
 *     wirecheck COMMAND FILE.pcap [MARKER ...]
 *
 *     starttls   each connection: greeting, EHLO or HELO, STARTTLS (RSET, QUIT), then TLS
 *                records; no MARKER anywhere. Exit 1 and the reason if not.
 *     quiet      the same, but TLS need not have begun
 *     absent     no MARKER anywhere, whatever else there is
 *     present    every MARKER somewhere (is the test itself alive?)
 *     show       what a reader of the capture makes of it
 *
 * Reads the classic pcap format with Ethernet frames (as tcpdump writes on lo), IPv4 and IPv6, the
 * mail server being the lower port. Reassembles each direction by sequence number.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define STREAMS 512
#define LIMIT (64u << 20) /* of one direction, bytes */

struct stream {
	uint8_t src[16], dst[16];
	uint16_t sport, dport;
	uint32_t base; /* sequence number of the first byte */
	int begun;     /* its SYN was seen */
	unsigned char *data;
	size_t len, room;
};

static struct stream streams[STREAMS];
static size_t count;
static int failed;
static int need_tls;

static void complain(const struct stream *s, const char *what)
{
	printf("%u -> %u: %s\n", s->sport, s->dport, what);
	failed = 1;
}

static struct stream *stream_of(
	const uint8_t *src, const uint8_t *dst, size_t alen, uint16_t sport, uint16_t dport)
{
	struct stream *s;

	for (size_t i = count; i-- > 0;) {
		s = &streams[i];
		if (s->sport == sport && s->dport == dport && !memcmp(s->src, src, alen) &&
			!memcmp(s->dst, dst, alen))
			return s;
	}
	if (count == STREAMS) {
		fputs("wirecheck: too many connections\n", stderr);
		exit(70);
	}
	s = &streams[count++];
	memcpy(s->src, src, alen);
	memcpy(s->dst, dst, alen);
	s->sport = sport;
	s->dport = dport;
	return s;
}

static void place(struct stream *s, uint32_t seq, const uint8_t *bytes, size_t len)
{
	size_t at = (uint32_t)(seq - s->base);

	if (!len || at > LIMIT || len > LIMIT)
		return;
	if (at + len > s->room) {
		size_t room = (at + len) * 2;
		unsigned char *grown = realloc(s->data, room);

		if (!grown)
			exit(71);
		memset(grown + s->room, 0, room - s->room);
		s->data = grown;
		s->room = room;
	}
	if (at > s->len)
		complain(s, "a packet is missing: the capture proves nothing");
	memcpy(s->data + at, bytes, len);
	if (at + len > s->len)
		s->len = at + len;
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void tcp(const uint8_t *src, const uint8_t *dst, size_t alen, const uint8_t *p, size_t len)
{
	struct stream *s;
	size_t header;
	uint32_t seq;

	if (len < 20)
		return;
	header = (size_t)(p[12] >> 4) * 4;
	if (header < 20 || header > len)
		return;
	s = stream_of(src, dst, alen, be16(p), be16(p + 2));
	seq = be32(p + 4);
	if (p[13] & 2) {
		seq++;
		s->base = seq;
		s->begun = 1;
	}
	if (!s->begun) {
		s->base = seq;
		s->begun = 1;
	}
	place(s, seq, p + header, len - header);
}

static void frame(const uint8_t *p, size_t len)
{
	if (len < 14 + 40)
		return;
	if (be16(p + 12) == 0x0800) {
		const uint8_t *ip = p + 14;
		size_t ihl = (size_t)(ip[0] & 15) * 4, total = be16(ip + 2);

		/* Length 0: segmentation offload of more than 64 kB. */
		if (!total || total > len - 14)
			total = len - 14;
		if (ip[9] == 6 && ihl >= 20 && ihl <= total)
			tcp(ip + 12, ip + 16, 4, ip + ihl, total - ihl);
	} else if (be16(p + 12) == 0x86dd && p[14 + 6] == 6) {
		size_t total = be16(p + 14 + 4);

		if (!total || total > len - 54)
			total = len - 54;
		tcp(p + 14 + 8, p + 14 + 24, 16, p + 54, total);
	}
}

static void load(const char *path)
{
	FILE *f = fopen(path, "re");
	uint32_t head[6], rec[4];
	uint8_t *buf;

	if (!f || fread(head, sizeof(head), 1, f) != 1 ||
		(head[0] != 0xa1b2c3d4 && head[0] != 0xa1b23c4d) || head[5] != 1) {
		fprintf(stderr, "wirecheck: %s: not a capture of Ethernet frames\n", path);
		exit(65);
	}
	buf = malloc(1u << 20);
	while (buf && fread(rec, sizeof(rec), 1, f) == 1) {
		if (rec[2] > 1u << 20 || fread(buf, 1, rec[2], f) != rec[2])
			break;
		frame(buf, rec[2]);
	}
	free(buf);
	fclose(f);
}

/* Length of the line at `from` with its LF, 0 if there is none. */
static size_t line_at(const struct stream *s, size_t from)
{
	const unsigned char *lf;

	if (from >= s->len)
		return 0;
	lf = memchr(s->data + from, '\n', s->len - from);
	return lf ? (size_t)(lf + 1 - (s->data + from)) : 0;
}

static int looks_tls(const struct stream *s, size_t at)
{
	return s->len - at >= 5 && s->data[at] >= 20 && s->data[at] <= 23 && s->data[at + 1] == 3 &&
	       s->data[at + 2] <= 4;
}

/* TLS records from `at` on; their number, or -1 when something else is among them. */
static long tls_records(const struct stream *s, size_t at)
{
	long n = 0;

	while (at < s->len) {
		size_t len;

		if (!looks_tls(s, at))
			return s->len - at < 5 ? n : -1;
		len = be16(s->data + at + 3);
		if (len > 16384 + 2048)
			return -1;
		at += 5 + len;
		n++;
	}
	return n;
}

static int from_client(const struct stream *s)
{
	return s->sport > s->dport;
}

static int word(const struct stream *s, size_t at, size_t len, const char *w)
{
	size_t n = strlen(w);

	return len >= n && !strncasecmp((const char *)s->data + at, w, n);
}

static void check_client(const struct stream *s)
{
	size_t at = 0, len;

	while (!looks_tls(s, at) && (len = line_at(s, at))) {
		if (!word(s, at, len, "EHLO ") && !word(s, at, len, "HELO ") &&
			!word(s, at, len, "STARTTLS\r\n") && !word(s, at, len, "QUIT\r\n") &&
			!word(s, at, len, "RSET\r\n")) {
			complain(s, "a command other than EHLO, STARTTLS, RSET and QUIT in the "
				    "clear");
			return;
		}
		at += len;
	}
	if (at < s->len && tls_records(s, at) < 0)
		complain(s, "something else than TLS records after STARTTLS");
	else if (need_tls && at == s->len)
		complain(s, "TLS never began");
}

static void check_server(const struct stream *s)
{
	size_t at = 0, len;

	while (!looks_tls(s, at) && (len = line_at(s, at))) {
		if (!isdigit(s->data[at])) {
			complain(s, "no reply line in the clear");
			return;
		}
		at += len;
	}
	if (at < s->len && tls_records(s, at) < 0)
		complain(s, "something else than TLS records after the reply to STARTTLS");
}

static int contains(const struct stream *s, const char *marker)
{
	return s->len && memmem(s->data, s->len, marker, strlen(marker)) != NULL;
}

static void absent(char **markers)
{
	for (; *markers; markers++)
		for (size_t i = 0; i < count; i++)
			if (contains(&streams[i], *markers)) {
				printf("marker: %s\n", *markers);
				complain(&streams[i], "a marker is readable");
			}
}

static void present(char **markers)
{
	for (; *markers; markers++) {
		int found = 0;

		for (size_t i = 0; i < count; i++)
			found |= contains(&streams[i], *markers);
		if (!found) {
			printf("not seen: %s\n", *markers);
			failed = 1;
		}
	}
}

static void show_line(char who, const unsigned char *p, size_t len)
{
	printf("  %c: ", who);
	for (size_t i = 0; i < len; i++)
		if (p[i] != '\r' && p[i] != '\n')
			putchar(isprint(p[i]) ? p[i] : '.');
	putchar('\n');
}

/* Both directions of a dialogue, alternating as SMTP does: replies, then the next command. */
static void show_pair(const struct stream *c, const struct stream *s)
{
	size_t ca = 0, sa = 0, len;
	int more = 1, data = 0;

	while (more) {
		more = 0;
		while (!looks_tls(s, sa) && (len = line_at(s, sa))) {
			int last = len > 3 && s->data[sa + 3] != '-';

			data = !strncmp((const char *)s->data + sa, "354", 3);
			show_line('S', s->data + sa, len);
			sa += len;
			more = 1;
			if (last)
				break;
		}
		while (!looks_tls(c, ca) && (len = line_at(c, ca))) {
			int dot = len <= 3 && c->data[ca] == '.';

			show_line('C', c->data + ca, len);
			ca += len;
			more = 1;
			if (!data || dot)
				break;
		}
	}
	if (ca < c->len)
		printf("  C: [%zu bytes in %ld TLS records, unreadable]\n", c->len - ca,
			tls_records(c, ca));
	if (sa < s->len)
		printf("  S: [%zu bytes in %ld TLS records, unreadable]\n", s->len - sa,
			tls_records(s, sa));
}

static void show(void)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; from_client(&streams[i]) && j < count; j++)
			if (streams[i].sport == streams[j].dport &&
				streams[i].dport == streams[j].sport &&
				!memcmp(streams[i].src, streams[j].dst, 16) &&
				!memcmp(streams[i].dst, streams[j].src, 16))
				show_pair(&streams[i], &streams[j]);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fputs("usage: wirecheck starttls|quiet|absent|present|show FILE.pcap [MARKER "
		      "...]\n",
			stderr);
		return 64;
	}
	load(argv[2]);
	if (!strcmp(argv[1], "show")) {
		show();
		return 0;
	}
	if (!count) {
		puts("the capture is empty");
		return 1;
	}
	if (!strcmp(argv[1], "present")) {
		present(argv + 3);
		return failed;
	}
	absent(argv + 3);
	need_tls = !strcmp(argv[1], "starttls");
	if (need_tls || !strcmp(argv[1], "quiet"))
		for (size_t i = 0; i < count; i++) {
			if (from_client(&streams[i]))
				check_client(&streams[i]);
			else
				check_server(&streams[i]);
		}
	return failed;
}
