/*
 * look: what a process has to do with the library, however early it is looked at. Between exec and
 * the loader's work a process has nothing loaded yet: that is no finding, so it is waited for.
 */
#include "tools/doctor/process.h"

#include "tools/doctor/loader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOKS 20 /* at a process that is just being started */
#define LOOK_MS 10

static bool is_systemd(pid_t pid)
{
	static const char place[] = "/lib/systemd/";
	char program[PATH_MAX];
	const char *name = process_program(pid, program) ? NULL : strstr(program, place);

	if (!name)
		return false;
	name += sizeof(place) - 1;
	return strcmp(name, "systemd") == 0 || strcmp(name, "systemd-executor") == 0;
}

static void look(struct look *l, pid_t pid)
{
	char program[PATH_MAX];

	*l = (struct look){
		.p = {.root = -1, .root_name = "", .is_process = true}, .x = {.pid = pid}};
	process_path(l->x.root, pid, "root");
	patient_enter(&l->p, l->x.root);
	/* asked first: if it is then another program, what is seen is that */
	l->is_systemd = is_systemd(pid);
	process_started(&l->p, &l->x, NULL);
	l->rc = doctor_maps(&l->p, pid, NULL);
	/* what has ended has nothing loaded any more */
	if (!l->rc && process_program(pid, program) == -ENOENT)
		l->rc = -ENOENT;
}

void process_look_away(struct look *l)
{
	doctor_maps_clear(&l->p);
	diagnosis_clear(&l->p.found);
	free(l->x.environment);
	if (l->p.root >= 0)
		close(l->p.root);
}

static bool may_yet_load(const struct look *l)
{
	if (l->rc || l->p.loaded)
		return false;
	/* within exec there is no environment for a moment */
	return l->is_systemd || l->x.environment_length == 0 ||
	       (l->p.preload && names_library(l->p.preload));
}

void process_look(struct look *l, pid_t pid)
{
	static const struct timespec while_it_starts = {0, LOOK_MS * 1000000L};

	look(l, pid);
	for (int i = 0; i < LOOKS && may_yet_load(l); i++) {
		process_look_away(l);
		nanosleep(&while_it_starts, NULL);
		look(l, pid);
	}
}
