/* SPDX-License-Identifier: Apache-2.0 */
/* Values of options as text and back. Private to config/. */
#ifndef LANYARD_CONFIG_VALUE_H
#define LANYARD_CONFIG_VALUE_H

#include "config/config.h"

enum { CFG_WHY = 256, CFG_OPTIONS_MAX = 128, CFG_BOOTSTRAP_PORT = 5783 };

/* Sections of which there may be several, each with a name. */
enum cfg_named { CFG_NAMED_NONE, CFG_NAMED_LISTEN, CFG_NAMED_GATEWAY };
enum { CFG_NAMED_MAX = CFG_LISTEN_MAX > CFG_GATEWAY_MAX ? CFG_LISTEN_MAX : CFG_GATEWAY_MAX };
/* Whether the option is one of each such section, and of which. */
enum cfg_named cfg_named(const struct cfg_option *o);
const char *cfg_named_title(enum cfg_named named); /* "listen" */
/* How many there are, may be, and the name of one. */
size_t cfg_named_n(const struct cfg *c, enum cfg_named named);
size_t cfg_named_max(enum cfg_named named);
const char *cfg_named_name(const struct cfg *c, enum cfg_named named, size_t at);
/* One more, with its defaults. There is room. */
void cfg_named_add(struct cfg *c, enum cfg_named named, const char *name);
/* The structure an option's offset counts from: the configuration, or number `at` of the listeners
 * or gateways. */
void *cfg_home(const struct cfg_option *o, struct cfg *c, size_t at);
const void *cfg_home_const(const struct cfg_option *o, const struct cfg *c, size_t at);
/* The one type of gateway that has the option, or none: not a gateway's, or every type has it. */
enum cfg_gateway_type cfg_only(const struct cfg_option *o);
/* Whether the option counts there: one of another type of gateway does not. */
bool cfg_counts(const struct cfg_option *o, const void *home);
/* Sets a value of the structure `home` from its text. ERR_SYNTAX or ERR_RANGE with what is allowed
 * in `why`; nothing is changed then. */
MUST_USE enum err cfg_value_set(
	const struct cfg_option *o, void *home, const char *text, char why[static CFG_WHY]);
/* The text that cfg_value_set reads back to the same value. */
void cfg_value_text(const struct cfg_option *o, const void *home, char out[static CFG_TEXT_MAX]);
bool cfg_value_eq(const struct cfg_option *o, const void *a, const void *b);
/* What listens if no [listen] section is given. */
void cfg_listen_presets(struct cfg *c);
/* The allowed values: "32 to 64", "yes or no", `auto, echo or none`. */
void cfg_value_allowed(const struct cfg_option *o, struct writer *w);

/* The one of `names` that is most like `text`, or NULL if none comes close. */
const char *cfg_suggest(const char *text, const char *const *names, size_t n);

#endif
