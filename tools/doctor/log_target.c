/*
 * log_target: whether the lines of the log arrive. Where nobody takes them, mail goes on, and none
 * of it is ever reported.
 */
#include "tools/doctor/doctor.h"

#include <stdio.h>
#include <string.h>

const char *const log_advice =
	"Bind them into it (BindReadOnlyPaths=, as mailseal enable does), or name a file "
	"(MAILSEAL_LOG): nothing of its mail is reported else";

static bool is_alive(const struct patient *p, const char *path)
{
	return patient_knock(p, path, SOCK_DGRAM) == 0;
}

/* Is the journal asked directly: because that was wanted, or because it is who reads /dev/log? */
static bool asks_journal(const struct patient *p, const char *target)
{
	struct stat journals, given;

	if (target && strcmp(target, "journal") == 0)
		return true;
	return patient_stat(p, JOURNAL_DEV_LOG, &journals) == 0 &&
	       (patient_stat(p, DEV_LOG, &given) ||
		       (given.st_dev == journals.st_dev && given.st_ino == journals.st_ino));
}

static bool arrives(const struct patient *p, const char *target)
{
	return (asks_journal(p, target) && is_alive(p, JOURNAL_SOCKET)) || is_alive(p, DEV_LOG);
}

void doctor_log_target(struct patient *p, const char *target)
{
	const struct patient here = {.root = -1};
	const char *where = p->root_name && *p->root_name ? p->root_name : NULL;

	if ((target && (*target == '/' || strcmp(target, "stderr") == 0)) || arrives(p, target))
		return;
	/* where no such daemon runs now, one may when the service does */
	if (!p->is_process && !arrives(&here, target))
		diagnosis_add(&p->found, SEVERITY_NOTE, "log-absent",
			"Without it nothing of its mail is reported, unless the log is a file "
			"(MAILSEAL_LOG)",
			"no journal and no syslog runs on this machine now");
	else
		diagnosis_add(&p->found, SEVERITY_WARNING, "log-unreachable", log_advice,
			"the log is reached neither at %s nor at %s%s%s", JOURNAL_SOCKET, DEV_LOG,
			where ? " in " : "", where ? where : "");
}
