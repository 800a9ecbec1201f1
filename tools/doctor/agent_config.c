/*
 * agent_config: the configuration of the system agent, by its unit, and whether a program that
 * names one of its own would be served: it is only where both are the same file.
 */
#include "tools/doctor/unit_file.h"
#include "tools/doctor/unit_names.h"

#include <stdio.h>
#include <string.h>

static const char agent_unit[] = "mailseal-agent.service";

/* The value of --config or --default-config, where `word` is one of them. */
static const char *option_value(const char *word, const char **rest, char *room, size_t size)
{
	static const char *const names[] = {"--config", "--default-config"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t length = strlen(names[i]);

		if (strncmp(word, names[i], length) != 0)
			continue;
		if (word[length] == '=')
			return word + length + 1;
		if (!word[length] && unit_word(rest, room, size))
			return room;
	}
	return NULL;
}

static void take_command(const struct unit *u, const char *command, char out[PATH_MAX])
{
	char word[PATH_MAX], next[PATH_MAX], path[PATH_MAX];
	const char *value;

	while (unit_word(&command, word, sizeof(word))) {
		value = option_value(word, &command, next, sizeof(next));
		if (value && unit_expand(u, value, path, sizeof(path)))
			snprintf(out, PATH_MAX, "%s%.4000s", *path == '/' ? "" : "/", path);
	}
}

bool system_agent_config(const struct patient *machine, char out[PATH_MAX])
{
	struct patient p = *machine;
	struct unit u = {0};
	const char *command;
	int rc;

	p.found = (struct diagnosis){0};
	p.overlays = NULL;
	p.user_manager = false;
	p.unit_places = unit_places_system;
	rc = unit_load(&u, &p, agent_unit, false, NULL);
	command = rc ? NULL : unit_value(&u, "ExecStart");
	snprintf(out, PATH_MAX, "%s", MAILSEAL_CONFIG_DEFAULT);
	if (command)
		take_command(&u, command, out);
	unit_clear(&u);
	diagnosis_clear(&p.found);
	return command != NULL;
}

bool doctor_agent_config(struct diagnosis *found, const struct patient *machine, const char *socket,
	const char *config)
{
	bool is_ours = strcmp(socket, MAILSEAL_SOCKET_DEFAULT) == 0;
	char its[PATH_MAX];

	if (strcmp(socket, "none") == 0)
		return false;
	if (!is_ours || !system_agent_config(machine, its)) {
		diagnosis_add(found, SEVERITY_WARNING, "system-agent-config",
			"See that it is started with the same one",
			"MAILSEAL_CONFIG=%s: a system agent that has another configuration refuses "
			"the program",
			config);
		return false;
	}
	if (strcmp(config, its) == 0)
		return false;
	diagnosis_add(found, SEVERITY_OBSTACLE, "system-agent-config",
		"Take MAILSEAL_CONFIG away, or give it an agent of its own: MAILSEAL_SOCKET=none",
		"MAILSEAL_CONFIG=%s: the system agent has %s, and refuses who names another: no "
		"mail passes",
		config, its);
	return true;
}
