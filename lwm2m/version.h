/* SPDX-License-Identifier: Apache-2.0 */
/* Versions "1.1" as 10 times major plus minor. Internal to lwm2m/. */
#ifndef LANYARD_LWM2M_VERSION_H
#define LANYARD_LWM2M_VERSION_H

#include "base/span.h"

/* Digits, a point, one digit (ATT-10). ERR_SYNTAX; ERR_RANGE for a major number above 24. */
MUST_USE enum err lwm_version_parse(struct span text, uint8_t *out);
void wr_version(struct writer *w, uint8_t version);

#endif
