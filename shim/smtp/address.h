/*
 * address: finds the domain in the address of MAIL and RCPT (RFC 5321 4.1.2, RFC 6531 3.3).
 *
 * Quoted local parts and source routes are understood, U-labels become A-labels. What two readers
 * could understand differently is DOMAIN_AMBIGUOUS, and so is an address without a domain, since
 * the server puts one of its own there.
 */
#ifndef MAILSEAL_SMTP_ADDRESS_H
#define MAILSEAL_SMTP_ADDRESS_H

#include "config/domain.h"
#include "shim/smtp/command.h"

/* Of the argument of VERB_MAIL or VERB_RCPT: `FROM:<a@b.example> SIZE=10`. Only MAIL may have <>.
 */
void address_of_command(const struct command *command, struct domain *domain);

/* Of an address by itself, as a person writes it: `a@b.example`, `<a@b.example>`, and `<>` or ""
 * for DOMAIN_NULL where `sender`. */
void address_of_text(const char *text, bool sender, struct domain *domain);

#endif
