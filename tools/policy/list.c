/*
 * mailseal policy list: the sections of both files as a table.
 */
#include "config/edit.h"
#include "config/setting.h"
#include "tools/meaning.h"
#include "tools/policy/policy.h"
#include "tools/print.h"
#include "tools/json.h"
#include "tools/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum column { KIND, DOMAIN, REQUIRE_TLS, VERIFY_CERTIFICATE, OTHERS, WHERE, COLUMNS };

#define CELL 600
/* Where other sections have a domain; a dash is what is not set. */
#define OTHERS_LABEL "(others)"

struct line {
	char cell[COLUMNS][CELL];
};

static const struct line heads = {
	{"KIND", "DOMAIN", "REQUIRE_TLS", "VERIFY_CERTIFICATE", "OTHER SETTINGS", "WHERE"}};

static void put_value(char cell[CELL], const struct section *section, enum setting setting)
{
	const char *value = section_written(section, setting, 0);

	snprintf(cell, CELL, "%s", value ? value : "-");
}

static bool continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Of a path the end tells more, of all else the beginning. */
static void cut(char *value, size_t columns)
{
	size_t length = strlen(value), from, to = columns;

	if (length <= columns + 3)
		return;
	if (value[0] != '/') {
		while (to > 0 && continues(value[to]))
			to--;
		memcpy(value + to, "...", 4);
		return;
	}
	for (from = length - columns; continues(value[from]); from++)
		;
	memmove(value + 3, value + from, length - from + 1);
	memcpy(value, "...", 3);
}

/* The value in a few words; --json tells all of it. */
static void put_short(char value[CELL], const struct section *section, enum setting setting)
{
	unsigned count = 0;

	if (setting == SETTING_FINGERPRINTS) {
		while (section_written(section, setting, count))
			count++;
		snprintf(value, CELL, "%s", section_written(section, setting, 0));
		cut(value, 16);
		if (count > 1)
			snprintf(value, CELL, "%u of them", count);
		return;
	}
	meaning_setting(section, setting, value, CELL);
	cut(value, 40);
}

static void put_others(char cell[CELL], const struct section *section)
{
	size_t length = 0;

	snprintf(cell, CELL, "-");
	for (enum setting s = 0; s < SETTING_COUNT && length < CELL; s++) {
		char value[CELL];

		if (!section_sets(section, s) || s == SETTING_REQUIRE_TLS ||
			s == SETTING_VERIFY_CERTIFICATE)
			continue;
		put_short(value, section, s);
		length += (size_t)snprintf(cell + length, CELL - length, "%s%s = %s",
			length ? ", " : "", setting_name(s), value);
	}
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void fill_line(struct line *line, const struct section *section)
{
	snprintf(line->cell[KIND], CELL, "%s", section_kind_name(section->kind));
	snprintf(line->cell[DOMAIN], CELL, "%s", *section->label ? section->label : OTHERS_LABEL);
	put_value(line->cell[REQUIRE_TLS], section, SETTING_REQUIRE_TLS);
	put_value(line->cell[VERIFY_CERTIFICATE], section, SETTING_VERIFY_CERTIFICATE);
	put_others(line->cell[OTHERS], section);
	snprintf(line->cell[WHERE], CELL, "%s:%u", base_name(section->path), section->line);
}

/* What holds where no section says otherwise: never empty. */
static void fill_default(struct line *line, const struct policy_set *set)
{
	const struct section *section = set->by_default;
	const enum setting shown[] = {SETTING_REQUIRE_TLS, SETTING_VERIFY_CERTIFICATE};

	if (section)
		fill_line(line, section);
	else
		*line = (struct line){{"default", OTHERS_LABEL, "", "", "-", "built in"}};
	for (unsigned i = 0; i < 2; i++)
		snprintf(line->cell[REQUIRE_TLS + i], CELL, "%s",
			setting_value_name(
				shown[i], policy_set_default(set, shown[i])->value[shown[i]]));
}

static void print_line(const struct line *line, const unsigned width[COLUMNS])
{
	for (enum column c = 0; c < COLUMNS - 1; c++)
		print_padded(line->cell[c], width[c] + 2);
	print_plain(stdout, line->cell[WHERE]);
	putchar('\n');
}

static void print_table(const struct line *lines, size_t count)
{
	unsigned width[COLUMNS] = {0};

	for (size_t i = 0; i < count; i++) {
		for (enum column c = 0; c < COLUMNS; c++) {
			unsigned n = print_columns(lines[i].cell[c]);

			if (n > width[c])
				width[c] = n;
		}
	}
	for (size_t i = 0; i < count; i++)
		print_line(&lines[i], width);
}

static int list_as_table(const struct configuration *c)
{
	struct line *lines = calloc(c->set->count + 2, sizeof(*lines));
	size_t count = 0;

	if (!lines)
		return complain(EX_OSERR, "out of memory");
	lines[count++] = heads;
	for (size_t i = 0; i < c->set->count; i++) {
		if (c->set->sections[i]->kind != SECTION_DEFAULT)
			fill_line(&lines[count++], c->set->sections[i]);
	}
	fill_default(&lines[count++], c->set);
	print_table(lines, count);
	if (count == 2)
		printf("\nNo domain has a section. To make one, in %s:\n"
		       "  mailseal policy set sender example.com require_tls=true\n",
			c->domains);
	free(lines);
	return EX_OK;
}

static json_t *json_line(const struct section *section)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:i}", "kind", section_kind_name(section->kind),
		"domain", json_text(section->label), "settings", json_settings(section), "file",
		json_text(section->path), "line", (int)section->line);
}

static json_t *json_default(const struct policy_set *set)
{
	json_t *object = json_object();

	for (enum setting s = 0; s < SETTING_CA_FILE; s++)
		json_object_set_new(
			object, setting_name(s), json_setting(policy_set_default(set, s), s));
	return json_pack("{s:o, s:o, s:o}", "settings", object, "file",
		set->by_default ? json_text(set->by_default->path) : json_null(), "line",
		set->by_default ? json_integer(set->by_default->line) : json_null());
}

static int list_as_json(const struct configuration *c)
{
	json_t *sections = json_array();

	for (size_t i = 0; i < c->set->count; i++) {
		if (c->set->sections[i]->kind != SECTION_DEFAULT)
			json_array_append_new(sections, json_line(c->set->sections[i]));
	}
	return json_print(json_pack("{s:o, s:o, s:o, s:o}", "file", json_text(c->path),
		"domains_file", json_text(c->domains), "sections", sections, "default",
		json_default(c->set)));
}

int policy_list(struct configuration *c, bool json)
{
	struct err err;

	if (configuration_load(c, &err))
		return complain(EX_CONFIG, "%s", err.text);
	return json ? list_as_json(c) : list_as_table(c);
}
