#include "shim/smtp/regular.h"

#include <stdint.h>
#include <string.h>

#define WINDOW 1024 /* octets; RFC 5321 4.5.3.1.6 allows lines of 1000 */
#define BLOCK 64

#ifdef __SSE2__
#include <emmintrin.h>

/* A bit for each octet of a block that is `c`. */
static uint64_t where(const char *block, char c)
{
	const __m128i wanted = _mm_set1_epi8(c);
	uint64_t bits = 0;

	for (int i = 0; i < BLOCK; i += 16) {
		__m128i octets = _mm_loadu_si128((const __m128i *)(const void *)(block + i));
		unsigned found = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(octets, wanted));

		bits |= (uint64_t)found << i;
	}
	return bits;
}

/* Whole blocks that are regular: each LF behind a CR, each CR before an LF, no dot behind an LF. */
static size_t whole_blocks(const char *bytes, size_t n, bool *line_start)
{
	uint64_t cr, lf, starts, behind_cr = 0, behind_lf = *line_start;
	size_t at;

	for (at = 0; n - at >= BLOCK; at += BLOCK) {
		cr = where(bytes + at, '\r');
		lf = where(bytes + at, '\n');
		starts = lf << 1 | behind_lf;
		if (lf != (cr << 1 | behind_cr) || (starts && starts & where(bytes + at, '.')))
			break;
		behind_cr = cr >> (BLOCK - 1);
		behind_lf = lf >> (BLOCK - 1);
	}
	if (at == 0)
		return 0;
	/* a CR whose LF is not in sight stays behind what is taken */
	*line_start = behind_cr ? bytes[at - 2] == '\n' : behind_lf;
	return at - (size_t)behind_cr;
}
#else
static size_t whole_blocks(const char *bytes, size_t n, bool *line_start)
{
	(void)bytes;
	(void)n;
	(void)line_start;
	return 0;
}
#endif

/* Line by line. It looks a window ahead only, so that what is full of bare line ends costs no more
 * than its length. */
static size_t lines(const char *bytes, size_t n, bool *line_start)
{
	size_t at = 0, length;
	const char *line, *lf, *cr;

	while (at < n && !(*line_start && bytes[at] == '.')) {
		line = bytes + at;
		length = n - at < WINDOW ? n - at : WINDOW;
		lf = memchr(line, '\n', length);
		if (lf)
			length = (size_t)(lf - line);
		cr = memchr(line, '\r', length);
		if (lf && cr == lf - 1) {
			at += length + 1;
			*line_start = true;
			continue;
		}
		if (cr)
			length = (size_t)(cr - line);
		at += length;
		*line_start = *line_start && length == 0;
		if (lf || cr)
			break;
	}
	return at;
}

size_t regular_octets(const char *bytes, size_t n, bool *line_start)
{
	size_t at = whole_blocks(bytes, n, line_start);

	return at + lines(bytes + at, n - at, line_start);
}
