/*
 * print: text for a person on a terminal, broken between words.
 */
#ifndef MAILSEAL_TOOLS_PRINT_H
#define MAILSEAL_TOOLS_PRINT_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Prints `text` from column `at`, where the cursor stands, up to `width` columns; further lines
 * begin at column `indent`. A line end closes it.
 */
void print_wrapped(const char *text, unsigned at, unsigned indent, unsigned width);

/* Is it UTF-8, and of characters that stand for something? */
bool is_utf8(const char *text);

/* The columns that a text in UTF-8 takes. */
unsigned print_columns(const char *text);

/* Prints `text` and blanks behind it up to `width` columns, at least one. */
void print_padded(const char *text, unsigned width);

/* `text`, tabs as blanks, other control characters and what is no UTF-8 as question marks: a
 * terminal obeys none. */
void print_plain(FILE *to, const char *text);

/* The same, line by line. */
void print_plain_lines(FILE *to, const char *text);

#endif
