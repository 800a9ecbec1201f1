#include "tools/doctor/unit_file.h"

#include "tools/print.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t\r"

static char *trim(char *text)
{
	size_t length;

	text += strspn(text, BLANKS);
	length = strlen(text);
	while (length && strchr(BLANKS, text[length - 1]))
		text[--length] = '\0';
	return text;
}

static bool is_comment(const char *line)
{
	line += strspn(line, BLANKS);
	return *line == '#' || *line == ';';
}

/* LF, CR, or both together end a line. */
static char *cut_line(char **text)
{
	char *line = *text, *end;

	if (!line || !*line)
		return NULL;
	end = line + strcspn(line, "\r\n");
	if (*end && end[1] != *end && (end[1] == '\r' || end[1] == '\n'))
		*end++ = '\0';
	*text = *end ? end + 1 : NULL;
	*end = '\0';
	return line;
}

/* Is its last octet a backslash that no other one takes the meaning of? */
static bool is_continued(const char *line)
{
	bool escaped = false;

	for (; *line; line++)
		escaped = !escaped && *line == '\\';
	return escaped;
}

/* The next line with those that continue it (joined by a blank; comments among them are passed
 * over), at the place where it stood. */
static char *next_line(char **text, unsigned *number, unsigned *first)
{
	char *line = cut_line(text), *next;
	size_t length;

	*first = ++*number;
	while (line && !is_comment(line) && is_continued(line)) {
		length = strlen(line);
		line[length - 1] = ' ';
		do {
			next = cut_line(text);
			++*number;
		} while (next && is_comment(next));
		if (!next)
			break;
		memmove(line + length, next, strlen(next) + 1);
	}
	return line;
}

static int add_setting(
	struct unit *u, const char *section, const char *key, const char *value, unsigned line)
{
	struct unit_setting *grown =
		reallocarray(u->settings, u->setting_count + 1, sizeof(*u->settings));
	struct unit_setting s = {
		strdup(section), strdup(key), strdup(value), u->file_count - 1, line};

	if (grown)
		u->settings = grown;
	if (!grown || !s.section || !s.key || !s.value) {
		free(s.section);
		free(s.key);
		free(s.value);
		return -ENOMEM;
	}
	u->settings[u->setting_count++] = s;
	return 0;
}

static int add_file(struct unit *u, const char *path)
{
	char **grown = reallocarray(u->files, u->file_count + 1, sizeof(*u->files));

	if (!grown)
		return -ENOMEM;
	u->files = grown;
	u->files[u->file_count] = strdup(path);
	if (!u->files[u->file_count])
		return -ENOMEM;
	u->file_count++;
	return 0;
}

/* systemd reads a file only up to what it takes for damage; a unit does not start then, a drop-in
 * counts as far as it was read. */
static bool is_damaged(const char *line)
{
	return !is_utf8(line) || (*line == '[' && line[strlen(line) - 1] != ']');
}

int unit_parse(struct unit *u, const char *path, char *text)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	unsigned number = 0, first;
	const char *section = "";
	char *line;
	int rc = add_file(u, path);

	if (strncmp(text, byte_order_mark, 3) == 0)
		text += 3;
	while (!rc && (line = next_line(&text, &number, &first))) {
		char *equals;

		line = trim(line);
		if (!*line || is_comment(line))
			continue;
		if (is_damaged(line))
			break;
		if (*line == '[') {
			line[strcspn(line, "]")] = '\0';
			section = line + 1;
			continue;
		}
		equals = strchr(line, '=');
		if (!equals)
			continue; /* systemd passes it over, too */
		*equals = '\0';
		rc = add_setting(u, section, trim(line), trim(equals + 1), first);
	}
	return rc;
}

void unit_clear(struct unit *u)
{
	for (size_t i = 0; i < u->setting_count; i++) {
		free(u->settings[i].section);
		free(u->settings[i].key);
		free(u->settings[i].value);
	}
	for (unsigned i = 0; i < u->file_count; i++)
		free(u->files[i]);
	free(u->settings);
	free(u->files);
	*u = (struct unit){0};
}

static bool is_setting(const struct unit_setting *s, const char *section, const char *key)
{
	return strcmp(s->section, section) == 0 && strcmp(s->key, key) == 0;
}

const char *unit_value_in(const struct unit *u, const char *section, const char *key)
{
	for (size_t i = u->setting_count; i-- > 0;) {
		if (is_setting(&u->settings[i], section, key))
			return *u->settings[i].value ? u->settings[i].value : NULL;
	}
	return NULL;
}

const char *unit_value(const struct unit *u, const char *key)
{
	return unit_value_in(u, "Service", key);
}

bool unit_is_on(const struct unit *u, const char *key, bool otherwise)
{
	static const char *const yes[] = {"1", "yes", "y", "true", "t", "on"};
	static const char *const no[] = {"0", "no", "n", "false", "f", "off"};
	const char *value = unit_value(u, key);

	for (size_t i = 0; value && i < sizeof(yes) / sizeof(*yes); i++) {
		if (strcasecmp(value, yes[i]) == 0)
			return true;
		if (strcasecmp(value, no[i]) == 0)
			return false;
	}
	return otherwise;
}

const char *unit_next_in(const struct unit *u, const char *section, const char *key, size_t *at)
{
	size_t reset = 0;

	for (size_t i = 0; *at == 0 && i < u->setting_count; i++) {
		if (is_setting(&u->settings[i], section, key) && !*u->settings[i].value)
			reset = i + 1;
	}
	for (size_t i = *at ? *at : reset; i < u->setting_count; i++) {
		if (is_setting(&u->settings[i], section, key)) {
			*at = i + 1;
			return u->settings[i].value;
		}
	}
	return NULL;
}

const char *unit_next(const struct unit *u, const char *key, size_t *at)
{
	return unit_next_in(u, "Service", key, at);
}

/* The octet that two hexadecimal or three octal digits stand for; they are passed over. 0: there
 * are none. */
static char octet(const char **at, const char *valid, size_t count, int base)
{
	char digits[4] = "";

	if (strspn(*at, valid) < count)
		return 0;
	memcpy(digits, *at, count);
	*at += count;
	return (char)strtoul(digits, NULL, base);
}

/* What stands behind a backslash; it is passed over. */
static char unescape(const char **at)
{
	static const char letters[] = "abfnrtvs", meant[] = "\a\b\f\n\r\t\v ";
	const char *known = strchr(letters, **at), *digits = *at + 1;
	char c = 0;

	if (**at == 'x')
		c = octet(&digits, "0123456789abcdefABCDEF", 2, 16);
	else if (**at >= '0' && **at <= '3' && digits--)
		c = octet(&digits, "01234567", 3, 8);
	if (c) {
		*at = digits;
		return c;
	}
	c = known ? meant[known - letters] : **at;
	++*at;
	return c;
}

bool unit_word(const char **value, char *out, size_t size)
{
	const char *at = *value + strspn(*value, " \t\n");
	size_t n = 0;
	char quote = 0;

	if (!*at)
		return false;
	while (*at && (quote || !strchr(" \t\n", *at))) {
		char c = *at++;

		if (quote ? c == quote : (c == '"' || c == '\'')) {
			quote = quote ? 0 : c;
			continue;
		}
		if (c == '\\' && *at)
			c = unescape(&at);
		if (n + 1 < size)
			out[n++] = c;
	}
	out[n] = '\0';
	*value = at;
	return !quote;
}

/* The same for all units of the manager. */
static const char *of_manager(const struct unit *u, char c)
{
	static const char *const system[][2] = {{"h", "/root"}, {"t", "/run"}, {"S", "/var/lib"},
		{"C", "/var/cache"}, {"L", "/var/log"}, {"E", "/etc"}, {"T", "/tmp"},
		{"V", "/var/tmp"}, {"u", "root"}, {"U", "0"}, {"g", "root"}, {"G", "0"}};

	if (u->of_user)
		return c == 'h' ? getenv("HOME") : c == 't' ? getenv("XDG_RUNTIME_DIR") : NULL;
	for (size_t i = 0; i < sizeof(system) / sizeof(*system); i++) {
		if (*system[i][0] == c)
			return system[i][1];
	}
	return NULL;
}

/* What the specifier stands for: `length` octets at the result; NULL if it is not known. */
static const char *specifier(const struct unit *u, char c, size_t *length)
{
	const char *dot = strrchr(u->name, '.'), *at = strchr(u->name, '@');
	size_t whole = dot ? (size_t)(dot - u->name) : strlen(u->name);
	const char *known;

	switch (c) {
	case '%':
		*length = 1;
		return "%";
	case 'n':
		*length = strlen(u->name);
		return u->name;
	case 'N':
		*length = whole;
		return u->name;
	case 'p':
		*length = at ? (size_t)(at - u->name) : whole;
		return u->name;
	case 'i':
	case 'I':
		*length = at ? whole - (size_t)(at + 1 - u->name) : 0;
		return at ? at + 1 : "";
	default:
		known = of_manager(u, c);
		*length = known ? strlen(known) : 0;
		return known;
	}
}

bool unit_expand(const struct unit *u, const char *text, char *out, size_t size)
{
	bool known = true;
	size_t n = 0;

	for (; *text; text++) {
		const char *put = text;
		size_t length = 1;

		if (*text == '%' && text[1]) {
			put = specifier(u, text[1], &length);
			known = known && put;
			if (put)
				text++;
			else
				put = text, length = 1;
		}
		if (n + length >= size)
			return false;
		memcpy(out + n, put, length);
		n += length;
	}
	out[n] = '\0';
	return known;
}
