/*
 * domain: each mail server of a domain, the most preferred first; the worst decides.
 */
#include "tools/json.h"
#include "tools/print.h"
#include "tools/probe/mx.h"
#include "tools/probe/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct domain_report {
	const struct probe *asked; /* the domain is its target */
	struct mx_list list;
	struct probe host[MX_MOST]; /* they share its options and configuration */
	unsigned count;
	unsigned with_status[3];
	int status;
	char trouble[300];
};

static int meet_host(struct domain_report *d, const struct mx_host *mx)
{
	struct probe *p = &d->host[d->count++];
	struct err err = {""};
	int code;

	p->options = d->asked->options;
	p->configuration = d->asked->configuration;
	code = target_take(&p->target, mx->name, d->asked->target.port, &err);
	if (code == -ENOMEM)
		return complain(EX_OSERR, "%s", err.text);
	if (code < 0) {
		snprintf(p->trouble, sizeof(p->trouble), "the DNS says that %.250s", err.text);
		p->status = PROBE_UNREACHABLE;
		code = EX_OK;
	} else {
		code = host_probe(p);
	}
	d->with_status[p->status]++;
	if (p->status > d->status)
		d->status = p->status;
	return code;
}

static int find(struct domain_report *d)
{
	struct err err = {""};
	int rc = mx_find(d->asked->target.name, 1000LL * d->asked->options.timeout, &d->list, &err);

	if (rc == -ENOMEM || rc == -EAGAIN)
		return complain(EX_OSERR, "%s", err.text);
	if (rc < 0)
		snprintf(d->trouble, sizeof(d->trouble), "%.290s", err.text);
	else if (d->list.count == 0)
		snprintf(d->trouble, sizeof(d->trouble),
			"the domain takes no mail, says the DNS (null MX)");
	if (*d->trouble)
		d->status = PROBE_UNREACHABLE;
	return EX_OK;
}

static void in_words(const struct domain_report *d)
{
	char line[700];

	if (*d->trouble)
		snprintf(line, sizeof(line), "%.254s: unreachable: %s", d->asked->target.host,
			d->trouble);
	else
		snprintf(line, sizeof(line),
			"%.254s: %u mail server%s: %u fine, %u blocked, %u unreachable%s",
			d->asked->target.host, d->count, d->count == 1 ? "" : "s",
			d->with_status[PROBE_FINE], d->with_status[PROBE_BLOCKED],
			d->with_status[PROBE_UNREACHABLE],
			d->list.total > d->count ? "; more were not looked at" : "");
	print_plain(stdout, line);
	putchar('\n');
	for (unsigned i = 0; i < d->count; i++) {
		putchar('\n');
		probe_in_words(&d->host[i]);
	}
}

static json_t *as_json(const struct domain_report *d)
{
	json_t *hosts = json_array();

	for (unsigned i = 0; i < d->count; i++) {
		json_t *host = probe_as_json(&d->host[i]);

		json_object_set_new(host, "preference", json_integer(d->list.at[i].preference));
		json_array_append_new(hosts, host);
	}
	return json_pack("{s:o, s:o, s:i, s:o, s:i, s:o}", "domain",
		json_text(d->asked->target.host), "status", json_text(probe_status_name(d->status)),
		"exit_status", d->status, "trouble",
		*d->trouble ? json_text(d->trouble) : json_null(), "mail_servers_in_total",
		(int)d->list.total, "mail_servers", hosts);
}

static int report(const struct domain_report *d)
{
	int code = EX_OK;

	if (d->asked->options.json)
		code = json_print(as_json(d));
	else
		in_words(d);
	return code == EX_OK ? d->status : code;
}

int domain_probe(struct probe *p)
{
	struct domain_report *d = calloc(1, sizeof(*d));
	int code;

	if (!d)
		return complain(EX_OSERR, "out of memory");
	d->asked = p;
	code = find(d);
	for (unsigned i = 0; i < d->list.count && code == EX_OK; i++)
		code = meet_host(d, &d->list.at[i]);
	if (code == EX_OK)
		code = report(d);
	for (unsigned i = 0; i < d->count; i++)
		host_clear(&d->host[i]);
	free(d);
	return code;
}
