/*
 * mailseal policy set and unset: the domains file is read, changed in memory, judged together with
 * the whole configuration as the agent will read it, and only then put in the place of the old one.
 */
#include "config/edit.h"
#include "config/file.h"
#include "config/setting.h"
#include "tools/policy/policy.h"
#include "tools/replace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define DOMAINS_LIMIT (1u << 20) /* as for the loader */

static const char head[] =
	"# Written by `mailseal policy`, which keeps no comments: other lines like this one will "
	"be lost.\n\n";

struct edit {
	struct configuration *configuration;
	const struct policy_words *words;
	bool set; /* else unset */
	enum section_kind kind;
	unsigned changed;  /* 1u << enum setting */
	struct err broken; /* what is wrong with the old configuration, or "" */
	struct err before; /* what OpenSSL does not take of the old configuration, or "" */
	char *text;	   /* the new file */
	size_t length;
};

/* `sender "example.com"` */
static void name_of(const struct edit *e, char *out, size_t size)
{
	snprintf(out, size, "%s \"%s\"", section_kind_name(e->kind), e->words->domain);
}

static int wrong_before(const struct err *err)
{
	complain(EX_CONFIG, "%s", err->text);
	return complain(
		EX_CONFIG, "The configuration has this error already; nothing was changed.");
}

/*
 * The configuration has an error, but not the domains file by itself, and the section to unset
 * stands there: the error may go away with it, as that of a section which stands in both files.
 */
static bool load_domains_alone(struct edit *e)
{
	struct configuration *c = e->configuration;
	struct section *section = NULL;
	struct err err;
	size_t length;
	char *text;

	if (e->set || file_read(c->domains, DOMAINS_LIMIT, &text, &length, NULL, &err))
		return false;
	if (policy_set_parse(c->domains, text, length, &c->set, &err))
		c->set = NULL;
	else
		edit_find(c->set, e->kind, e->words->domain, &section, NULL);
	free(text);
	return section != NULL;
}

static int load(struct edit *e)
{
	struct err err;

	configuration_clear(e->configuration);
	e->changed = 0;
	e->broken.text[0] = '\0';
	e->before.text[0] = '\0';
	if (configuration_load(e->configuration, &err)) {
		if (!load_domains_alone(e))
			return wrong_before(&err);
		e->broken = err;
		return EX_OK;
	}
	configuration_check_tls(e->configuration->set, &e->before);
	return EX_OK;
}

/* *section may become NULL where there is none. */
static int find(const struct edit *e, struct section **section)
{
	const struct configuration *c = e->configuration;
	struct err err;
	char name[400];

	if (edit_find(c->set, e->kind, e->words->domain, section, &err))
		return complain(
			EX_DATAERR, "%s '%s' %s", e->words->kind, e->words->domain, err.text);
	if (!*section || strcmp((*section)->path, c->domains) == 0)
		return EX_OK;
	name_of(e, name, sizeof(name));
	return complain(EX_DATAERR,
		"%s stands in %s:%u already, which `mailseal policy` does not touch; change it "
		"there, or remove it there first",
		name, (*section)->path, (*section)->line);
}

static bool given_before(const struct policy_words *words, unsigned i, size_t length)
{
	for (unsigned k = 0; k < i; k++) {
		if (strncmp(words->settings[k], words->settings[i], length) == 0 &&
			strcspn(words->settings[k], "=") == length)
			return true;
	}
	return false;
}

static int put(struct edit *e, struct section *section, unsigned i)
{
	const struct policy_words *words = e->words;
	const char *argument = words->settings[i], *equals = strchr(argument, '=');
	size_t length = equals ? (size_t)(equals - argument) : 0;
	struct err err;
	char name[64];

	if (length == 0 || length >= sizeof(name))
		return complain(EX_USAGE,
			"'%s' is not SETTING=VALUE; write for example require_tls=true", argument);
	if (given_before(words, i, length))
		return complain(EX_USAGE, "'%s': the setting is given twice", argument);
	memcpy(name, argument, length);
	name[length] = '\0';
	if (edit_put(section, name, equals + 1, &err))
		return complain(EX_DATAERR, "argument '%s': %s", argument, err.text);
	e->changed |= 1u << setting_by_name(name);
	return EX_OK;
}

static int apply_set(struct edit *e)
{
	const struct configuration *c = e->configuration;
	struct section *section;
	struct err err;
	int code = find(e, &section);

	if (code == EX_OK && !section &&
		edit_add(c->set, e->kind, e->words->domain, c->domains, &section, &err))
		return complain(
			EX_DATAERR, "%s '%s' %s", e->words->kind, e->words->domain, err.text);
	for (unsigned i = 0; code == EX_OK && i < e->words->count; i++)
		code = put(e, section, i);
	return code;
}

static int take_out(struct edit *e, struct section *section, const char *name, const char *setting)
{
	enum setting s = setting_by_name(setting);
	struct err err;

	if (s != SETTING_COUNT && !section_sets(section, s))
		return complain(EX_DATAERR, "argument '%s': %s does not set it (%s:%u)", setting,
			name, section->path, section->line);
	if (edit_unset(section, setting, &err))
		return complain(EX_DATAERR, "argument '%s': %s", setting, err.text);
	e->changed |= 1u << s;
	return EX_OK;
}

static int apply_unset(struct edit *e)
{
	const struct configuration *c = e->configuration;
	struct section *section;
	char name[400];
	int code = find(e, &section);

	if (code != EX_OK)
		return code;
	name_of(e, name, sizeof(name));
	if (!section)
		return complain(EX_DATAERR,
			"%s has no section, so there is nothing to unset; 'mailseal policy list' "
			"shows them",
			name);
	for (unsigned i = 0; code == EX_OK && i < e->words->count; i++)
		code = take_out(e, section, name, e->words->settings[i]);
	if (code != EX_OK)
		return code;
	if (e->words->count == 0)
		e->changed = section->set;
	if (e->words->count == 0 || section->set == 0)
		edit_remove(c->set, section);
	return EX_OK;
}

static int write_text(struct edit *e, struct err *err)
{
	FILE *stream;
	int rc;

	free(e->text);
	e->text = NULL;
	stream = open_memstream(&e->text, &e->length);
	if (!stream)
		return err_fail(err, ENOMEM, "out of memory");
	fputs(head, stream);
	rc = edit_write(stream, e->configuration->set, e->configuration->domains, err);
	if (fclose(stream) != 0 && !rc)
		rc = err_fail(err, ENOMEM, "out of memory");
	return rc;
}

/* Without the place in a file that does not exist yet. */
static const char *without_place(const char *text, const char *path)
{
	size_t length = strlen(path);

	if (strncmp(text, path, length) != 0 || text[length] != ':')
		return text;
	text += length + 1;
	text += strspn(text, "0123456789");
	return text + strspn(text, ": ");
}

/* The new text, once the whole configuration was found right with it. The set is the new one then.
 */
static int make_text(struct edit *e)
{
	struct configuration *c = e->configuration;
	struct policy_set *set;
	struct err err;
	char name[400];
	int code = load(e);

	if (code == EX_OK)
		code = e->set ? apply_set(e) : apply_unset(e);
	if (code != EX_OK)
		return code;
	name_of(e, name, sizeof(name));
	if (write_text(e, &err))
		return complain(EX_DATAERR, "%s: %s", name, err.text);
	if (policy_set_load_with(c->path, !c->named, e->text, e->length, &set, &c->seen, &err))
		return e->broken.text[0] ? wrong_before(&e->broken)
					 : complain(EX_DATAERR, "%s: %s; nothing was changed", name,
						   without_place(err.text, c->domains));
	configuration_clear(c);
	c->set = set;
	if (configuration_check_tls(set, &err))
		return e->before.text[0] ? wrong_before(&e->before)
					 : complain(EX_DATAERR, "%s: %s; nothing was changed", name,
						   without_place(err.text, c->domains));
	return EX_OK;
}

static int cannot_write(const struct err *err)
{
	return complain(EX_CANTCREAT, "%s; nothing was changed", err->text);
}

static void warn_if_unsynced(const struct replace *r)
{
	if (r->unsynced)
		complain(EX_OK,
			"warning: %s: %s; the change holds, but may not survive a crash or a power "
			"failure",
			r->directory, strerror(r->unsynced));
}

/* Under the lock the text is made once more: the file may have changed meanwhile. Before it, a
 * mistake must not leave so much as a directory. */
static int change(struct edit *e)
{
	struct replace replace;
	struct err err;
	int code = make_text(e);

	if (code != EX_OK)
		return code;
	if (replace_begin(&replace, e->configuration->domains, &err))
		return cannot_write(&err);
	code = make_text(e);
	if (code == EX_OK) {
		if (replace_write(&replace, e->text, e->length, &err))
			code = cannot_write(&err);
		else
			warn_if_unsynced(&replace);
	}
	replace_end(&replace);
	return code;
}

static int edit(struct configuration *c, const struct policy_words *words, bool set)
{
	struct edit e = {.configuration = c, .words = words, .set = set};
	struct err err;
	int code;

	if (section_kind_parse(words->kind, &e.kind, &err))
		return complain(EX_USAGE, "%s: %s", words->kind, err.text);
	if (e.kind == SECTION_DEFAULT)
		return complain(EX_USAGE,
			"default stands in %s, which `mailseal policy` does not touch; change it "
			"there",
			c->path);
	code = change(&e);
	if (code == EX_OK)
		policy_report(c, e.kind, words->domain, e.changed);
	free(e.text);
	return code;
}

int policy_set_settings(struct configuration *c, const struct policy_words *words)
{
	return edit(c, words, true);
}

int policy_unset_settings(struct configuration *c, const struct policy_words *words)
{
	return edit(c, words, false);
}
