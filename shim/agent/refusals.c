/*
 * refusals: one process for several channels.
 */
#include "shim/agent/refusals.h"

#include "shim/agent/handover.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIFE_US 200000

/* Should a descriptor of a request make us wait, death ends that. Who got no answer by then asks
 * again. */
static void set_death(void)
{
	const struct itimerval life = {.it_value = {0, LIFE_US}};
	sigset_t set;

	signal(SIGALRM, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	setitimer(ITIMER_REAL, &life, NULL);
}

/* Not before the dispatcher has closed its copies: `gate` ends then. */
static void answer_all(struct refusals *r, int gate)
{
	struct request request;
	char octet;
	unsigned i;

	prctl(PR_SET_NAME, "seal-refuse", 0, 0, 0);
	r->disown(r->context);
	while (read(gate, &octet, 1) > 0)
		;
	set_death();
	for (i = 0; i < r->count; i++) {
		request_receive(r->waiting[i].channel, &request); /* or the answer is not read */
		handover_reply(
			r->waiting[i].channel, r->waiting[i].stage, r->waiting[i].error, NULL);
	}
	_exit(0);
}

static pid_t *free_place(struct refusals *r)
{
	unsigned i;

	for (i = 0; i < REFUSALS_PROCESSES; i++)
		if (!r->processes[i])
			return &r->processes[i];
	return NULL;
}

void refusals_flush(struct refusals *r)
{
	pid_t *place = free_place(r), pid = -1;
	int gate[2];

	if (!r->count)
		return;
	if (place && pipe2(gate, 0) == 0) {
		pid = fork();
		if (pid == 0) {
			close(gate[1]);
			answer_all(r, gate[0]);
		}
		if (pid > 0)
			*place = pid;
		close(gate[0]);
	} else {
		gate[1] = -1;
	}
	/* Without such a process they are closed here: rather a wait than no descriptors. */
	while (r->count)
		close(r->waiting[--r->count].channel);
	if (gate[1] >= 0)
		close(gate[1]);
}

void refusals_add(struct refusals *r, int channel, enum handoff_stage stage, int error)
{
	r->waiting[r->count++] = (struct refusal){channel, stage, error};
	if (r->count == REFUSALS_AT_ONCE)
		refusals_flush(r);
}

void refusals_reap(struct refusals *r)
{
	unsigned i;

	for (i = 0; i < REFUSALS_PROCESSES; i++)
		if (r->processes[i] && waitpid(r->processes[i], NULL, WNOHANG) == r->processes[i])
			r->processes[i] = 0;
}
