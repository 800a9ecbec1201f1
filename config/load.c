/*
 * load: libconfuse reads the text, this file takes each value as it comes and remembers its line.
 * What libconfuse does behind one's back is kept from it by text.c. libconfuse keeps its scanner in
 * global variables, and so does this file with the load that is under way: one load at a time.
 */
#include "config/load.h"

#include "config/file.h"
#include "config/set.h"
#include "config/setting.h"
#include "config/text.h"

#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT (1u << 20)

struct load {
	const char *path;
	struct policy_set *set;
	struct section *open; /* the section that is being read, or NULL */
	size_t opened;	      /* sections begun so far */
	struct text_sections sections;
	struct err *err;
	int rc; /* 0, or the code of the first error, which is the one told */
};

static struct load *current;

/* file:line: subject: what is wrong. Only the first error counts. Long paths and subjects lose
 * their middle. */
static int fail(struct load *load, int code, unsigned line, const char *subject, const char *what)
{
	size_t length = strlen(load->path);
	bool cut = length > 160;

	if (load->rc)
		return load->rc;
	load->rc = err_fail(load->err, code, "%s%s:%u: %.120s%s%s", cut ? "..." : "",
		load->path + (cut ? length - 160 : 0), line, subject, *subject ? ": " : "", what);
	return load->rc;
}

static int fail_memory(struct load *load, unsigned line)
{
	return fail(load, ENOMEM, line, "", "out of memory");
}

/* `host "label"`, as errors name a section. */
static const char *subject_of(const cfg_t *section, char out[160])
{
	const char *title = cfg_title((cfg_t *)section);

	if (title)
		snprintf(out, 160, "%s \"%.100s\"", cfg_name((cfg_t *)section), title);
	else
		snprintf(out, 160, "%s", cfg_name((cfg_t *)section));
	return out;
}

static const struct section *find_equal(const struct policy_set *set, const struct section *section)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct section *s = set->sections[i];

		if (s != section && s->kind == section->kind &&
			host_equal(&s->host, &section->host))
			return s;
	}
	return NULL;
}

static int fail_duplicate(struct load *load, unsigned line, const char *subject, unsigned earlier)
{
	struct err what;

	err_fail(&what, EINVAL, "second section for the same; the first is on line %u: join them",
		earlier);
	return fail(load, EINVAL, line, subject, what.text);
}

/* Begins a section when its first value, or its end, is seen. */
static int open_section(struct load *load, cfg_t *cfg)
{
	unsigned line =
		load->opened < load->sections.count ? load->sections.lines[load->opened] : 0;
	bool host = strcmp(cfg_name(cfg), "host") == 0;
	const char *label = host ? cfg_title(cfg) : "";
	const struct section *earlier;
	struct section *section;
	struct err why;
	char subject[160];

	if (load->open)
		return 0;
	section = policy_set_add(load->set, host ? SECTION_HOST : SECTION_DEFAULT, label, line);
	if (!section)
		return fail_memory(load, line);
	load->opened++;
	load->open = section;
	if (host && host_parse(label, &section->host, &why))
		return fail(load, EINVAL, line, subject_of(cfg, subject), why.text);
	earlier = find_equal(load->set, section);
	if (earlier)
		return fail_duplicate(load, line, subject_of(cfg, subject), earlier->line);
	if (!host)
		load->set->by_default = section;
	else if (section->host.form != HOST_ADDRESS)
		load->set->named++;
	return 0;
}

static bool intercept_has_place(const struct section *section)
{
	return section->kind == SECTION_DEFAULT || section->host.form == HOST_ADDRESS;
}

/* The same file in many sections is read once. */
static bool ca_file_is_known(const struct policy_set *set, const char *path)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->sections[i]->ca_file && strcmp(set->sections[i]->ca_file, path) == 0)
			return true;
	}
	return false;
}

static int put(struct load *load, struct section *section, enum setting setting, const char *value,
	unsigned line)
{
	const char *name = setting_name(setting);
	struct err why;
	int rc;

	if (setting == SETTING_INTERCEPT && !intercept_has_place(section))
		return fail(load, EINVAL, line, name,
			"stands in default and in host sections for addresses only; write the "
			"address or network");
	if (setting == SETTING_CA_FILE && ca_file_is_known(load->set, value)) {
		section->ca_file = strdup(value);
		return section->ca_file ? 0 : fail_memory(load, line);
	}
	rc = setting_put(section, setting, value, &why);
	return rc ? fail(load, -rc, line, name, why.text) : 0;
}

/* libconfuse read one value; for match, one of its list. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct load *load = current;
	enum setting setting = setting_by_name(cfg_opt_name(opt));
	unsigned line = (unsigned)cfg->line;
	struct section *section;

	if (strcmp(cfg_name(cfg), "root") == 0 || setting == SETTING_COUNT)
		return fail(load, EINVAL, line, cfg_opt_name(opt), "stands outside a section");
	if (open_section(load, cfg))
		return load->rc;
	section = load->open;
	/* A list that is assigned anew begins with its first value again. */
	if (section_sets(section, setting) && (setting != SETTING_MATCH || cfg_opt_size(opt) <= 1))
		return fail(load, EINVAL, line, setting_name(setting),
			"is set a second time in this section; keep one");
	if (put(load, section, setting, value, line))
		return load->rc;
	if (!section_sets(section, setting))
		section->origin[setting] =
			(struct origin){section->kind, section->label, load->set->file, line};
	section->set |= 1u << setting;
	*(const char **)result = "";
	return 0;
}

/* libconfuse read the closing brace of a section. */
static int on_section_end(cfg_t *root, cfg_opt_t *opt)
{
	struct load *load = current;
	cfg_t *cfg = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	cfg_opt_t *match = cfg_getopt(cfg, "match");

	(void)root;
	if (open_section(load, cfg))
		return load->rc;
	if (match->flags & CFGF_MODIFIED && cfg_opt_size(match) == 0)
		return fail(load, EINVAL, load->open->line, "match",
			"list is empty; write at least one name, or remove it");
	load->open = NULL;
	return 0;
}

/* If `text` is `format` with one quoted word for %s: that word. */
static bool quoted_word(const char *text, const char *before, char *word, size_t size)
{
	size_t length = strlen(before);
	const char *end;

	if (strncmp(text, before, length) != 0 || text[length] != '\'')
		return false;
	text += length + 1;
	end = strrchr(text, '\'');
	if (!end)
		return false;
	snprintf(word, size, "%.*s", (int)(end - text), text);
	return true;
}

static void fail_unknown(struct load *load, const cfg_t *cfg, unsigned line, const char *word)
{
	struct err what;

	setting_explain_unknown(word, strcmp(cfg_name((cfg_t *)cfg), "root") == 0, &what);
	fail(load, EINVAL, line, word, what.text);
}

static void fail_second_title(struct load *load, const char *title)
{
	char subject[160];
	unsigned line =
		load->opened < load->sections.count ? load->sections.lines[load->opened] : 0;

	snprintf(subject, sizeof(subject), "host \"%.100s\"", title);
	for (size_t i = 0; i < load->set->count; i++) {
		if (strcmp(load->set->sections[i]->label, title) == 0 &&
			load->set->sections[i]->kind == SECTION_HOST) {
			fail_duplicate(load, line, subject, load->set->sections[i]->line);
			return;
		}
	}
	fail(load, EINVAL, line, subject, "second section for the same");
}

/* libconfuse has something to say. */
static void on_error(cfg_t *cfg, const char *format, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void on_error(cfg_t *cfg, const char *format, va_list ap)
{
	struct load *load = current;
	unsigned line = cfg->line > 0 ? (unsigned)cfg->line : 0;
	char text[400], word[100];

	vsnprintf(text, sizeof(text), format, ap);
	if (quoted_word(text, "no such option ", word, sizeof(word)))
		fail_unknown(load, cfg, line, word);
	else if (quoted_word(text, "found duplicate title ", word, sizeof(word)))
		fail_second_title(load, word);
	else
		fail(load, EINVAL, line, "syntax", text);
}

#define VALUE(name) CFG_STR_CB(name, NULL, CFGF_NODEFAULT, on_value)
#define VALUES(name) CFG_STR_LIST_CB(name, NULL, CFGF_NODEFAULT, on_value)

static cfg_t *make_parser(void)
{
	cfg_opt_t settings[] = {
		VALUE("require_tls"),
		VALUE("verify_certificate"),
		VALUE("min_tls"),
		VALUE("violation"),
		VALUE("mode"),
		VALUE("on_bad_certificate"),
		VALUE("protect_credentials"),
		VALUE("intercept"),
		VALUE("ca_file"),
		VALUES("match"),
		VALUE("servername"),
		CFG_END(),
	};
	cfg_opt_t root[] = {
		CFG_SEC("default", settings, CFGF_MULTI),
		CFG_SEC("host", settings, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_END(),
	};
	cfg_t *cfg = cfg_init(root, CFGF_NONE);

	if (!cfg)
		return NULL;
	cfg_set_error_function(cfg, on_error);
	cfg_set_validate_func(cfg, "default", on_section_end);
	cfg_set_validate_func(cfg, "host", on_section_end);
	return cfg;
}

static int parse(struct load *load, char *text, size_t length)
{
	FILE *stream = fmemopen(text, length, "r");
	cfg_t *cfg = make_parser();

	if (!stream || !cfg) {
		fail_memory(load, 1);
	} else {
		current = load;
		/* The two scanners must have seen the same sections, or the lines would be wrong.
		 */
		if (cfg_parse_fp(cfg, stream) != CFG_SUCCESS ||
			load->opened != load->sections.count)
			fail(load, EINVAL, cfg->line > 0 ? (unsigned)cfg->line : 0, "syntax",
				"cannot be read");
		current = NULL;
	}
	if (stream)
		fclose(stream);
	if (cfg)
		cfg_free(cfg);
	return load->rc;
}

static int prepare(struct load *load, char *text, size_t length)
{
	struct text_problem problem;
	int rc = text_prepare(text, length, &load->sections, &problem);

	return rc ? fail(load, -rc, problem.line, "syntax", problem.err.text) : 0;
}

static struct policy_set *new_set(const char *path)
{
	struct policy_set *set = policy_set_builtin();
	const char *slash = strrchr(path, '/');
	char *file = strdup(slash ? slash + 1 : path);

	if (!set || !file) {
		free(file);
		policy_set_free(set);
		return NULL;
	}
	free(set->file);
	set->file = file;
	return set;
}

/* `text` is changed. */
static int load_text(
	const char *path, char *text, size_t length, struct policy_set **set, struct err *err)
{
	struct load load = {.path = path, .err = err, .set = new_set(path)};
	int rc = load.set ? prepare(&load, text, length) : fail_memory(&load, 1);

	if (!rc && length > 0)
		rc = parse(&load, text, length);
	text_sections_clear(&load.sections);
	if (rc)
		policy_set_free(load.set);
	else
		*set = load.set;
	return rc;
}

int policy_set_parse(
	const char *path, const char *text, size_t length, struct policy_set **set, struct err *err)
{
	char *copy = malloc(length + 1);
	int rc;

	if (!copy)
		return err_fail(err, ENOMEM, "%s: out of memory", path);
	memcpy(copy, text, length);
	rc = load_text(path, copy, length, set, err);
	free(copy);
	return rc;
}

int policy_set_load(const char *path, struct policy_set **set, struct stat *seen, struct err *err)
{
	struct err why;
	struct stat st;
	size_t length;
	char *text;
	int rc = file_read(path, FILE_LIMIT, &text, &length, &st, &why);

	if (rc)
		return err_fail(err, -rc, "%.300s: %s", path, why.text);
	rc = load_text(path, text, length, set, err);
	free(text);
	if (!rc && seen)
		*seen = st;
	return rc;
}
