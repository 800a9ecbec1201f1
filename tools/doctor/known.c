/*
 * known: programs that are known to start others in ways that a preload does not survive, or
 * to need a setting of their own. A name proves nothing; so these are notes and warnings.
 */
#include "tools/doctor/doctor.h"

#include <string.h>

static const struct {
	const char *prefix; /* of the name; one that ends in $ is the whole name */
	enum severity severity;
	const char *text, *advice;
} known[] = {
	{"exim", SEVERITY_WARNING, "Exim executes itself anew for deliveries, from a setuid file",
		"A preload reaches it only where the file is not setuid, or by /etc/ld.so.preload"},
	{"master$", SEVERITY_WARNING, "Postfix hands its daemons a cleaned environment",
		"Add LD_PRELOAD and the MAILSEAL_ variables to import_environment in main.cf; "
		"Postfix itself can require TLS, too"},
	{"postfix$", SEVERITY_WARNING, "Postfix hands its daemons a cleaned environment",
		"Add LD_PRELOAD and the MAILSEAL_ variables to import_environment in main.cf; "
		"Postfix itself can require TLS, too"},
	{"smtpd$", SEVERITY_WARNING,
		"OpenSMTPD goes into a chroot and drops root before it connects",
		"It needs the system-wide agent; OpenSMTPD itself can require TLS, too"},
	{"sudo$", SEVERITY_WARNING, "sudo starts programs with a cleaned environment",
		"Write sudo mailseal run -- PROGRAM, not mailseal run -- sudo PROGRAM"},
	{"doas$", SEVERITY_WARNING, "doas starts programs with a cleaned environment",
		"Write doas mailseal run -- PROGRAM"},
	{"su$", SEVERITY_WARNING, "su starts a shell of another user, whose environment is its own",
		"Put mailseal run behind su, not before it"},
	{"runuser$", SEVERITY_NOTE, "runuser -l starts with a cleaned environment",
		"Put mailseal run behind it"},
	{"cron$", SEVERITY_WARNING, "cron starts jobs with an environment of its own",
		"Write LD_PRELOAD=... into the crontab, or mailseal run -- before the command in "
		"it"},
	{"crond$", SEVERITY_WARNING, "cron starts jobs with an environment of its own",
		"Write LD_PRELOAD=... into the crontab, or mailseal run -- before the command in "
		"it"},
	{"anacron$", SEVERITY_NOTE, "anacron hands its environment on, cron does not",
		"Write LD_PRELOAD=... into /etc/anacrontab"},
	{"atd$", SEVERITY_WARNING, "at starts jobs with the environment of whoever queued them",
		"Write mailseal run -- before the command in the job"},
	{"sshd$", SEVERITY_WARNING, "sshd starts sessions with an environment of its own",
		"Examine what is run in the session"},
	{"systemd-run$", SEVERITY_WARNING, "systemd-run has the service manager start the program",
		"Write systemd-run ... mailseal run -- PROGRAM"},
	{"systemctl$", SEVERITY_WARNING, "systemctl starts nothing itself",
		"Examine the unit: mailseal doctor NAME.service"},
	{"docker$", SEVERITY_WARNING, "containers are started by a daemon, in a tree of their own",
		"Put mailseal into the image, and examine the program there"},
	{"podman$", SEVERITY_WARNING, "containers have a tree and an environment of their own",
		"Put mailseal into the image, and examine the program there"},
	{"snap$", SEVERITY_WARNING, "snaps have a tree and an environment of their own",
		"Examine a process of it: mailseal doctor --pid PID"},
	{"flatpak$", SEVERITY_WARNING, "flatpaks have a tree and an environment of their own",
		"Examine a process of it: mailseal doctor --pid PID"},
	{"java$", SEVERITY_NOTE,
		"Java has a TLS of its own, and JavaMail may speak STARTTLS (mail.smtp.starttls)",
		"Leave mail.smtp.starttls.required off where mailseal is to do it"},
	{"node$", SEVERITY_NOTE,
		"Node has a TLS of its own, and nodemailer speaks STARTTLS where it is offered",
		NULL},
	{"php-fpm", SEVERITY_NOTE,
		"php-fpm clears the environment of its workers (clear_env), which keep the "
		"library; what they start has none",
		"Set env[LD_PRELOAD] in the pool where a script runs sendmail"},
};

static bool is_named(const char *base, const char *pattern)
{
	size_t length = strlen(pattern);

	if (length && pattern[length - 1] == '$')
		return strlen(base) == length - 1 && strncmp(base, pattern, length - 1) == 0;
	return strncmp(base, pattern, length) == 0;
}

void doctor_known(struct patient *p, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (is_named(base, known[i].prefix))
			diagnosis_add(&p->found, known[i].severity, "known-program",
				known[i].advice, "%s", known[i].text);
	}
}
