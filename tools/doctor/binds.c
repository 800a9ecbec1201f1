/*
 * binds: what BindPaths= and BindReadOnlyPaths= put into the tree that a service sees. Links are
 * followed here, part by part: what is bound stands behind none of the kernel's.
 */
#include "tools/doctor/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Calls for each bind: source and target as they stand there. */
static int each_bind(const struct unit *u,
	int (*take)(void *context, const char *source, const char *target), void *context)
{
	static const char *const keys[] = {"BindPaths", "BindReadOnlyPaths"};
	int rc = 0;

	for (size_t i = 0; i < 2; i++) {
		const char *value;
		char word[PATH_MAX];
		size_t at = 0;

		while ((value = unit_next(u, keys[i], &at))) {
			while (!rc && unit_word(&value, word, sizeof(word))) {
				char *source = word + strspn(word, "-"), *target;

				target = strchr(source, ':');
				if (target)
					*target++ = '\0';
				else
					target = source;
				target[strcspn(target, ":")] = '\0';
				rc = take(context, source, target);
			}
		}
	}
	return rc;
}

struct search {
	const struct unit *u;
	const char *path;
	char *out; /* NULL: it is enough that there is one */
	size_t length;
	bool found;
};

static int look_for(void *context, const char *source, const char *target)
{
	struct search *s = context;
	char expanded[PATH_MAX];
	size_t length;

	unit_expand(s->u, target, expanded, sizeof(expanded));
	length = strlen(expanded);
	while (length > 1 && expanded[length - 1] == '/')
		length--;
	if (!path_is_beneath(s->path, expanded) || (s->found && length < s->length))
		return 0;
	s->found = true;
	s->length = length;
	if (s->out)
		snprintf(s->out, PATH_MAX, "%s%s", strcmp(source, "/") == 0 ? "" : source,
			length == 1 ? s->path : s->path + length);
	return 0;
}

bool unit_is_bound(const struct unit *u, const char *path)
{
	struct search s = {.u = u, .path = path};

	each_bind(u, look_for, &s);
	return s.found;
}

bool unit_bind_source(const struct unit *u, const char *path, char out[PATH_MAX])
{
	struct search s = {.u = u, .path = path, .out = out};

	each_bind(u, look_for, &s);
	return s.found;
}

/* --- for the patient --- */

struct taking {
	const struct unit *u;
	struct patient *p;
};

static int take_bind(void *context, const char *source, const char *target)
{
	struct taking *t = context;
	struct patient *p = t->p;
	struct bind *grown = reallocarray(p->binds, p->bind_count + 1, sizeof(*grown));
	char from[PATH_MAX], to[PATH_MAX];

	if (!grown)
		return -ENOMEM;
	p->binds = grown;
	if (!unit_expand(t->u, source, from, sizeof(from)) ||
		!unit_expand(t->u, target, to, sizeof(to)) || *from != '/' || *to != '/')
		return 0;
	grown[p->bind_count] = (struct bind){strdup(from), strdup(to)};
	if (!grown[p->bind_count].source || !grown[p->bind_count].target) {
		free(grown[p->bind_count].source);
		free(grown[p->bind_count].target);
		return -ENOMEM;
	}
	p->bind_count++;
	return 0;
}

int service_binds(const struct service *s, struct patient *p)
{
	struct taking t = {&s->unit, p};

	p->outside = p->root < 0 ? -1 : fcntl(p->root, F_DUPFD_CLOEXEC, 0);
	return each_bind(&s->unit, take_bind, &t);
}

void service_binds_clear(struct patient *p)
{
	for (size_t i = 0; i < p->bind_count; i++) {
		free(p->binds[i].source);
		free(p->binds[i].target);
	}
	free(p->binds);
	if (p->outside >= 0)
		close(p->outside);
	p->binds = NULL;
	p->bind_count = 0;
	p->outside = -1;
}
