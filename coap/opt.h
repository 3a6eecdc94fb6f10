/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of CoAP options: one row per registered number. */
#ifndef LANYARD_COAP_OPT_H
#define LANYARD_COAP_OPT_H

#include "base/span.h"

enum opt_format { OPT_FORMAT_EMPTY, OPT_FORMAT_OPAQUE, OPT_FORMAT_UINT, OPT_FORMAT_STRING };

/* RFC 8613 section 4.1: where OSCORE puts an option. */
enum opt_class {
	OPT_CLASS_E = 1,                            /* encrypted */
	OPT_CLASS_U = 2,                            /* outside only */
	OPT_CLASS_BOTH = OPT_CLASS_E | OPT_CLASS_U, /* inner and outer have meanings of their own */
};

struct opt_info {
	uint16_t num;
	const char *name; /* "Uri-Path" */
	enum opt_format format;
	enum opt_class oscore;
	bool repeatable;
	uint16_t min, max; /* bytes */
};

/* NULL for numbers that are not registered; those are class E (RFC 8613 section 4.1). */
const struct opt_info *opt_info(uint16_t num);
static inline bool opt_is_critical(uint16_t num)
{
	return num & 1;
}
/* All rows, for tests and documentation. */
const struct opt_info *opt_table(size_t *count);

#endif
