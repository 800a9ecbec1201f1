#include "config/nearest.h"

#include <string.h>

#define WORD_SIZE 32

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Letters to insert, drop or change between the two (Levenshtein); `b` is shorter than WORD_SIZE.
 */
static size_t distance_between(const char *a, const char *b)
{
	size_t row[WORD_SIZE], length = strlen(b);

	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= length; j++) {
			size_t change = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));

			diagonal = row[j];
			row[j] = least(change, least(row[j], row[j - 1]) + 1);
		}
	}
	return row[length];
}

void nearest_word(const char *word, const char *valid, const char **best, size_t *distance)
{
	size_t d;

	if (strlen(word) >= WORD_SIZE || strlen(valid) >= WORD_SIZE)
		return;
	d = distance_between(word, valid);
	if (d < *distance) {
		*distance = d;
		*best = valid;
	}
}
