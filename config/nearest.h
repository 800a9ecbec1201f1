/*
 * nearest: the valid word that a misspelt one may have been meant for.
 */
#ifndef MAILSEAL_CONFIG_NEAREST_H
#define MAILSEAL_CONFIG_NEAREST_H

#include <stddef.h>

/*
 * Begin with *best NULL and *distance the number of slips (letters to insert, drop or change) that
 * are one too many; then for each valid word, at most 31 letters long. Case does not matter.
 */
void nearest_word(const char *word, const char *valid, const char **best, size_t *distance);

#endif
