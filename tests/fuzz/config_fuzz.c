/* Configuration texts: loading stays in bounds, a broken one leaves nothing behind, a loaded one
 * answers soundly. */
#include "config/load.h"

#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct policy_set *set, const char *name, uint32_t address)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
	struct facts facts = {.tls = TLS_FACT_NOT_OFFERED};
	struct verdict verdict;
	struct policy policy, nobody;
	char text[600];

	policy_for_host(set, &name, name ? 1 : 0, (struct sockaddr *)&sin, &policy);
	for (enum demand d = 0; d < DEMAND_COUNT; d++) {
		if (!policy.demands.origin[d])
			abort();
		origin_describe(policy.demands.origin[d], text, sizeof(text));
	}
	policy_judge(&policy.demands, &policy.connection, &facts, &verdict);
	if (policy.demands.require_tls != (verdict.outcome == OUTCOME_BLOCKED))
		abort();
	/* Without a name, and without a section for the address, nothing is weaker than with any
	 * name. */
	sin.sin_family = AF_UNSPEC;
	policy_for_host(set, &name, name ? 1 : 0, (struct sockaddr *)&sin, &policy);
	policy_for_host(set, NULL, 0, (struct sockaddr *)&sin, &nobody);
	if (policy.demands.require_tls > nobody.demands.require_tls ||
		policy.demands.min_tls > nobody.demands.min_tls ||
		policy.demands.verify_certificate > nobody.demands.verify_certificate ||
		policy.connection.intercept > nobody.connection.intercept)
		abort();
}

/* The text of the domain is a part of the input. No envelope leaves the bounds told before it. */
static void send_mail(const struct policy_set *set, const char *text, size_t length)
{
	static const char name[] = "mail.example.com";
	const char *names[] = {name};
	struct domain sender, recipient = {.form = DOMAIN_NULL};
	struct demands weak, strict, demands;
	struct policy policy;

	domain_parse(text, length, &sender);
	if ((sender.form == DOMAIN_NAME || sender.form == DOMAIN_LITERAL) != (sender.name[0] != 0))
		abort();
	if (sender.form == DOMAIN_NAME || sender.form == DOMAIN_LITERAL) {
		domain_parse(sender.name, strlen(sender.name), &recipient);
		if (recipient.form != sender.form || strcmp(recipient.name, sender.name) != 0)
			abort();
	}
	policy_for_host(set, names, 1, NULL, &policy);
	policy_weakest(&policy, &sender, &weak);
	policy_strictest(&policy, &strict);
	policy_for_envelope(&policy, &sender, &recipient, &demands);
	if (demands.require_tls < weak.require_tls || demands.require_tls > strict.require_tls ||
		demands.min_tls < weak.min_tls || demands.min_tls > strict.min_tls ||
		demands.relax > weak.relax || demands.relax < strict.relax)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char plain[] = "default { match = a.b }";
	struct policy_set *set = NULL;
	struct err err = {""};

	if (policy_set_parse("/etc/mailseal.conf", (const char *)data, size, &set, &err) == 0) {
		ask(set, "a.b", 0x7f000001);
		ask(set, "mail.example.com", 0x0a010203);
		ask(set, NULL, 0x0a010203);
		send_mail(set, (const char *)data, size < 40 ? size : 40);
		send_mail(set, "a.b", 3);
	} else if (set || !err.text[0] || strncmp(err.text, "/etc/mailseal.conf:", 19) != 0) {
		abort();
	}
	policy_set_free(set);
	set = NULL;
	if (policy_set_parse("x", plain, sizeof(plain) - 1, &set, &err) != 0)
		abort();
	policy_set_free(set);
	return 0;
}
