/* SPDX-License-Identifier: Apache-2.0 */
/* Values of options as text and back. Private to config/. */
#ifndef LANYARD_CONFIG_VALUE_H
#define LANYARD_CONFIG_VALUE_H

#include "config/config.h"

enum { CFG_WHY = 256, CFG_OPTIONS_MAX = 64, CFG_BOOTSTRAP_PORT = 5783 };

/* Whether the option is one of each [listen NAME]. */
bool cfg_in_listen(const struct cfg_option *o);
/* The structure an option's offset counts from: the configuration, or its listener number `at`. */
void *cfg_home(const struct cfg_option *o, struct cfg *c, size_t at);
/* Sets a value of the structure `home` from its text. ERR_SYNTAX or ERR_RANGE with what is allowed
 * in `why`; nothing is changed then. */
MUST_USE enum err cfg_value_set(
	const struct cfg_option *o, void *home, const char *text, char why[static CFG_WHY]);
/* The text that cfg_value_set reads back to the same value. */
void cfg_value_text(const struct cfg_option *o, const void *home, char out[static CFG_TEXT_MAX]);
bool cfg_value_eq(const struct cfg_option *o, const void *a, const void *b);
void cfg_listen_defaults(struct cfg_listen *l, const char *name);
/* What listens if no [listen] section is given. */
void cfg_listen_presets(struct cfg *c);
/* The allowed values: "32 to 64", "yes or no", `auto, echo or none`. */
void cfg_value_allowed(const struct cfg_option *o, struct writer *w);

/* The one of `names` that is most like `text`, or NULL if none comes close. */
const char *cfg_suggest(const char *text, const char *const *names, size_t n);

#endif
