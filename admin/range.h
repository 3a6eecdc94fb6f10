/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LANYARD_ADMIN_RANGE_H
#define LANYARD_ADMIN_RANGE_H

#include "base/span.h"

/* Content-Range of a PUT of a part, "bytes 0-1023/5000" (RFC 9110 sections 14.4 and 14.5): where
 * the part's bytes begin, and how many the whole has. False: it is something else, or does not fit
 * a part of part_bytes; nothing is set then. */
bool range_read(struct span header, size_t part_bytes, uint64_t *at, uint64_t *total);

#endif
