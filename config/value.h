/*
 * value: settings whose value is a text: files, names of hosts, fingerprints, ciphers.
 */
#ifndef MAILSEAL_CONFIG_VALUE_H
#define MAILSEAL_CONFIG_VALUE_H

#include "config/set.h"

/*
 * Puts one written value into the section: the value, or for match and fingerprints one more. 0,
 * -ENOMEM, or -EINVAL with err telling what is wrong with it and what to write. Reads the file that
 * ca_file, client_certificate or client_key names.
 */
int value_put(struct section *section, enum setting setting, const char *value, struct err *err);

/* Where `value` of a file's setting was found good already; 0 or -ENOMEM. */
int value_put_known(struct section *section, enum setting setting, const char *value);

/* The place of a text in the section, NULL for settings that are none or a list. */
char **value_place(struct section *section, enum setting setting);

/* The place of a list in the section, NULL for other settings. */
char ***value_list(struct section *section, enum setting setting);

#endif
