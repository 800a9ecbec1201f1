#include "config/parse.h"

#include "config/combination.h"
#include "config/place.h"
#include "config/setting.h"
#include "config/text.h"
#include "config/value.h"

#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct load {
	const struct parse_file *file;
	struct policy_set *set;
	size_t first;	      /* of the set's sections that stands in this file */
	struct section *open; /* the section that is being read, or NULL */
	size_t opened;	      /* sections begun so far */
	struct text_sections sections;
	struct err *err;
	int rc; /* 0, or the code of the first error, which is the one told */
};

static struct load *current;

/* Only the first error counts. */
static int fail(struct load *load, int code, unsigned line, const char *subject, const char *what)
{
	if (!load->rc)
		load->rc = place_fail(load->err, code, load->file->path, line, subject, what);
	return load->rc;
}

static int fail_memory(struct load *load, unsigned line)
{
	return fail(load, ENOMEM, line, "", "out of memory");
}

static unsigned line_of_next(const struct load *load)
{
	return load->opened < load->sections.count ? load->sections.at[load->opened].line : 0;
}

/* What follows from kind and label. */
static int take_label(struct load *load, struct section *section)
{
	struct err what = {""};
	char subject[SUBJECT_SIZE];
	int rc = section_take_label(section, &what);

	if (!rc && section->kind == SECTION_DEFAULT && load->file->main)
		rc = err_fail(&what, EINVAL,
			"stands in the main configuration only; put its settings into default of "
			"%.200s",
			load->file->main);
	return rc ? fail(load, -rc, section->line,
			    place_subject(
				    section_kind_name(section->kind), section->label, subject),
			    what.text)
		  : 0;
}

/* Begins a section when its first value, or its end, is seen. */
static int open_section(struct load *load, cfg_t *cfg)
{
	unsigned line = line_of_next(load);
	const char *title = cfg_title(cfg);
	enum section_kind kind;
	struct section *section;

	if (load->open)
		return 0;
	if (section_kind_parse(cfg_name(cfg), &kind, NULL))
		return fail(load, EINVAL, line, cfg_name(cfg), "unknown section");
	section = policy_set_add(load->set, kind, title ? title : "", load->file->path, line);
	if (!section)
		return fail_memory(load, line);
	load->opened++;
	load->open = section;
	return take_label(load, section);
}

/* The same file in many sections is read once. */
static bool file_is_known(const struct load *load, enum setting setting, const char *path)
{
	if (setting != SETTING_CA_FILE && setting != SETTING_CLIENT_CERTIFICATE &&
		setting != SETTING_CLIENT_KEY)
		return false;
	for (size_t i = 0; i < load->set->count; i++) {
		char **place = value_place(load->set->sections[i], setting);

		if (*place && strcmp(*place, path) == 0)
			return true;
	}
	return false;
}

static int put(struct load *load, struct section *section, enum setting setting, const char *value,
	unsigned line)
{
	struct err why = {"out of memory"};
	int rc = setting_check_place(section, setting, &why);

	if (!rc && file_is_known(load, setting, value))
		rc = value_put_known(section, setting, value);
	else if (!rc)
		rc = setting_put(section, setting, value, &why);
	return rc ? fail(load, -rc, line, setting_name(setting), why.text) : 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Replies are ASCII: there, and so everywhere, an internationalised label is told by its A-labels.
 */
static const char *shown_label(const struct section *section)
{
	for (const char *c = section->label; *c; c++) {
		if ((unsigned char)*c >= 0x80)
			return section->kind == SECTION_HOST ? section->host.name
							     : section->pattern.name;
	}
	return section->label;
}

/* libconfuse read one value; of a list, one more. */
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
	if (section_sets(section, setting) && (!setting_is_list(setting) || cfg_opt_size(opt) <= 1))
		return fail(load, EINVAL, line, setting_name(setting),
			"is set a second time in this section; keep one");
	if (put(load, section, setting, value, line))
		return load->rc;
	if (!section_sets(section, setting))
		section->origin[setting] = (struct origin){
			section->kind, shown_label(section), base_name(section->path), line};
	section->set |= 1u << setting;
	*(const char **)result = "";
	return 0;
}

static int check_lists(struct load *load, cfg_t *cfg)
{
	bool known = load->opened <= load->sections.count;
	unsigned line = known ? load->sections.at[load->opened - 1].empty_list : 0;

	for (enum setting s = 0; s < SETTING_COUNT; s++) {
		cfg_opt_t *opt = setting_is_list(s) ? cfg_getopt(cfg, setting_name(s)) : NULL;

		if (opt && opt->flags & CFGF_MODIFIED && cfg_opt_size(opt) == 0)
			return fail(load, EINVAL, line ? line : load->open->line, setting_name(s),
				"list is empty; write at least one, or remove it");
	}
	return 0;
}

static int check_combination(struct load *load, const struct section *s)
{
	enum setting at = SETTING_COUNT;
	struct err why;
	int rc = combination_check(s, &at, &why);

	return rc ? fail(load, -rc, s->origin[at].line, setting_name(at), why.text) : 0;
}

/* libconfuse read the closing brace of a section. */
static int on_section_end(cfg_t *root, cfg_opt_t *opt)
{
	struct load *load = current;
	cfg_t *cfg = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);

	(void)root;
	if (open_section(load, cfg) || check_lists(load, cfg) ||
		check_combination(load, load->open))
		return load->rc;
	load->open = NULL;
	/* All of it is known. libconfuse would compare the title of each section to come with it.
	 */
	cfg_opt_rmnsec(opt, cfg_opt_size(opt) - 1);
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

/* What stands between the kind of a section and its brace. */
static void fail_label(struct load *load, const char *kind, unsigned line)
{
	struct err what;

	if (strcmp(kind, "default") == 0)
		err_fail(&what, EINVAL, "takes no name; write default { ... }");
	else if (strcmp(kind, "host") == 0)
		err_fail(&what, EINVAL,
			"the server is missing, or the brace behind it; write host "
			"\"mail.example.com\" { ... }");
	else
		err_fail(&what, EINVAL,
			"the domain is missing, or the brace behind it; write %s \"example.com\" { "
			"... }",
			kind);
	fail(load, EINVAL, line, kind, what.text);
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
	else if (quoted_word(text, "missing title for section ", word, sizeof(word)) ||
		 quoted_word(text, "missing opening brace for section ", word, sizeof(word)))
		fail_label(load, word, line);
	else
		fail(load, EINVAL, line, "syntax", text);
}

#define VALUE(name) CFG_STR_CB(name, NULL, CFGF_NODEFAULT, on_value)
#define LABELLED (CFGF_MULTI | CFGF_TITLE)
#define VALUES(name) CFG_STR_LIST_CB(name, NULL, CFGF_NODEFAULT, on_value)

static cfg_t *make_parser(void)
{
	cfg_opt_t settings[] = {
		VALUE("require_tls"),
		VALUE("verify_certificate"),
		VALUE("min_tls"),
		VALUE("violation"),
		VALUE("mode"),
		VALUE("message_override"),
		VALUE("on_bad_certificate"),
		VALUE("protect_credentials"),
		VALUE("application_tls"),
		VALUE("session_resumption"),
		VALUE("early_replies"),
		VALUE("connection_reuse"),
		VALUE("intercept"),
		VALUE("ca_file"),
		VALUES("match"),
		VALUE("servername"),
		VALUES("fingerprints"),
		VALUE("client_certificate"),
		VALUE("client_key"),
		VALUE("ciphers"),
		VALUE("ciphersuites"),
		VALUES("trace"),
		CFG_END(),
	};
	cfg_opt_t root[] = {
		CFG_SEC("default", settings, CFGF_MULTI),
		CFG_SEC("host", settings, LABELLED),
		CFG_SEC("sender", settings, LABELLED),
		CFG_SEC("recipient", settings, LABELLED),
		CFG_END(),
	};
	cfg_t *cfg = cfg_init(root, CFGF_NONE);

	if (!cfg)
		return NULL;
	cfg_set_error_function(cfg, on_error);
	cfg_set_validate_func(cfg, "default", on_section_end);
	cfg_set_validate_func(cfg, "host", on_section_end);
	cfg_set_validate_func(cfg, "sender", on_section_end);
	cfg_set_validate_func(cfg, "recipient", on_section_end);
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

int parse_text(struct policy_set *set, const struct parse_file *file, char *text, size_t length,
	struct err *err)
{
	struct load load = {.file = file, .set = set, .first = set->count, .err = err};
	int rc = prepare(&load, text, length);

	if (!rc && length > 0)
		rc = parse(&load, text, length);
	text_sections_clear(&load.sections);
	return rc;
}
