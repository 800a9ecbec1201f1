/*
 * combination: settings of one section that each may stand in it, but not together.
 */
#ifndef MAILSEAL_CONFIG_COMBINATION_H
#define MAILSEAL_CONFIG_COMBINATION_H

#include "config/set.h"

/*
 * Looks at a section that was read to its end. 0; -EINVAL with the setting to blame in *at, which
 * the section sets, and err telling what to do; -ENOMEM likewise.
 */
int combination_check(const struct section *section, enum setting *at, struct err *err);

#endif
