#include "config/edit.h"

#include "config/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A section of that kind and label that belongs to no set. NULL with err: the label is not one. */
static struct section *probe(enum section_kind kind, const char *label, struct err *err)
{
	struct section *s = calloc(1, sizeof(*s));

	if (s) {
		s->kind = kind;
		s->path = "";
		s->label = strdup(label);
	}
	if (!s || !s->label) {
		err_fail(err, ENOMEM, "out of memory");
	} else if (section_take_label(s, err) == 0) {
		return s;
	}
	section_free(s);
	return NULL;
}

int edit_find(const struct policy_set *set, enum section_kind kind, const char *label,
	struct section **section, struct err *err)
{
	struct section *wanted = probe(kind, label, err);

	if (!wanted)
		return -EINVAL;
	*section = NULL;
	for (size_t i = 0; i < set->count && !*section; i++) {
		if (section_compare(set->sections[i], wanted) == 0)
			*section = set->sections[i];
	}
	section_free(wanted);
	return 0;
}

/* The set's own copy of a path, since its sections point to it. */
static const char *own_path(const struct policy_set *set, const char *path)
{
	for (size_t i = 0; i < SET_FILES; i++) {
		if (set->path[i] && strcmp(set->path[i], path) == 0)
			return set->path[i];
	}
	return NULL;
}

int edit_add(struct policy_set *set, enum section_kind kind, const char *label, const char *path,
	struct section **section, struct err *err)
{
	const char *own = own_path(set, path);
	struct section *s = probe(kind, label, err);

	if (!s)
		return -EINVAL;
	section_free(s);
	if (!own)
		return err_fail(err, EINVAL, "%.300s is no file of this configuration", path);
	s = policy_set_add(set, kind, label, own, 0);
	if (!s)
		return err_fail(err, ENOMEM, "out of memory");
	section_take_label(s, NULL);
	*section = s;
	return 0;
}

static int find_setting(
	const struct section *section, const char *name, enum setting *setting, struct err *err)
{
	struct err why;
	int rc = 0;

	*setting = setting_by_name(name);
	if (*setting == SETTING_COUNT) {
		setting_explain_unknown(name, false, &why);
		rc = -EINVAL;
	} else {
		rc = setting_check_place(section, *setting, &why);
	}
	return rc ? err_fail(err, -rc, "%.60s: %s", name, why.text) : 0;
}

static void clear(struct section *section, enum setting setting)
{
	char **text = value_place(section, setting), ***list = value_list(section, setting);

	if (text) {
		free(*text);
		*text = NULL;
	}
	for (char **item = list ? *list : NULL; item && *item; item++)
		free(*item);
	if (list) {
		free(*list);
		*list = NULL;
	}
	section->set &= ~(1u << setting);
}

static int put_list(
	struct section *section, enum setting setting, const char *value, struct err *err)
{
	char *copy = strdup(value), *rest = copy, *item;
	int rc = 0;

	if (!copy)
		return err_fail(err, ENOMEM, "out of memory");
	while (!rc && (item = strsep(&rest, ",")))
		rc = setting_put(section, setting, item + strspn(item, " "), err);
	free(copy);
	return rc;
}

int edit_put(struct section *section, const char *name, const char *value, struct err *err)
{
	enum setting setting;
	struct err why;
	int rc = find_setting(section, name, &setting, err);

	if (rc)
		return rc;
	clear(section, setting);
	rc = setting_is_list(setting) ? put_list(section, setting, value, &why)
				      : setting_put(section, setting, value, &why);
	if (rc)
		return err_fail(err, -rc, "%s: %s", name, why.text);
	section->set |= 1u << setting;
	return 0;
}

int edit_unset(struct section *section, const char *name, struct err *err)
{
	enum setting setting;
	int rc = find_setting(section, name, &setting, err);

	if (!rc)
		clear(section, setting);
	return rc;
}

void edit_remove(struct policy_set *set, struct section *section)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->sections[i] != section)
			continue;
		memmove(set->sections + i, set->sections + i + 1,
			(set->count - i - 1) * sizeof(*set->sections));
		set->count--;
		section_free(section);
		return;
	}
}

const char *section_written(const struct section *section, enum setting setting, unsigned index)
{
	struct section *s = (struct section *)section;
	char **text = value_place(s, setting), ***list = value_list(s, setting);

	if (!section_sets(section, setting))
		return NULL;
	if (list) {
		char **item = *list;

		while (item && *item && index-- > 0)
			item++;
		return item ? *item : NULL;
	}
	if (index > 0)
		return NULL;
	return text ? *text : setting_value_name(setting, section->value[setting]);
}

/* In quotes that the text itself does not have, and without what a string cannot hold. */
static int write_quoted(FILE *stream, const char *text, struct err *err)
{
	char quote = strchr(text, '"') ? '\'' : '"';

	for (const char *c = text; *c; c++) {
		if (*c == quote || *c == '\\' || (unsigned char)*c < ' ' || *c == 0x7f ||
			(c[0] == '$' && c[1] == '{'))
			return err_fail(err, EINVAL,
				"\"%.200s\" cannot stand in a configuration: it has both kinds of "
				"quote, or a backslash, control character or ${",
				text);
	}
	fprintf(stream, "%c%s%c", quote, text, quote);
	return 0;
}

static bool is_bare(const char *value)
{
	return strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
}

static int write_setting(
	FILE *stream, const struct section *section, enum setting setting, struct err *err)
{
	const char *value = section_written(section, setting, 0);
	bool list = setting_is_list(setting);
	int rc = 0;

	fprintf(stream, "\t%s = %s", setting_name(setting), list ? "{ " : "");
	if (value && !setting_is_text(setting) && is_bare(value)) {
		fprintf(stream, "%s\n", value);
		return 0;
	}
	for (unsigned i = 0; !rc && (value = section_written(section, setting, i)); i++) {
		if (i > 0)
			fputs(", ", stream);
		rc = write_quoted(stream, value, err);
	}
	fputs(list ? " }\n" : "\n", stream);
	return rc;
}

static int write_section(FILE *stream, const struct section *section, struct err *err)
{
	int rc = 0;

	fputs(section_kind_name(section->kind), stream);
	if (section->kind != SECTION_DEFAULT) {
		fputc(' ', stream);
		rc = write_quoted(stream, section->label, err);
	}
	fputs(" {\n", stream);
	for (enum setting s = 0; !rc && s < SETTING_COUNT; s++) {
		if (section_sets(section, s))
			rc = write_setting(stream, section, s, err);
	}
	fputs("}\n", stream);
	return rc;
}

int edit_write(FILE *stream, const struct policy_set *set, const char *path, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < set->count; i++) {
		if (strcmp(set->sections[i]->path, path) == 0)
			rc = write_section(stream, set->sections[i], err);
	}
	if (!rc && ferror(stream))
		return err_fail(err, EIO, "cannot be written");
	return rc;
}
