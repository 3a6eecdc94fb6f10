/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LANYARD_LWM2M_DATETIME_H
#define LANYARD_LWM2M_DATETIME_H

#include "base/span.h"

/* "2013-03-21T20:04:00Z" (RFC 3339, any offset, "-00:00" too) as Unix seconds. A fraction must be
 * zero, since times are whole seconds; a leap second is the first second of the next minute.
 * ERR_SYNTAX, ERR_RANGE (a day that is not). */
MUST_USE enum err lwm_datetime_parse(struct span text, int64_t *out_s);

#endif
