/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as payloads carry them: exact where they are whole and fit 64 bits, else the nearest
 * double. Internal to lwm2m/. */
#ifndef LANYARD_LWM2M_NUMBER_H
#define LANYARD_LWM2M_NUMBER_H

#include "base/span.h"

struct lwm_number {
	bool whole; /* sign and magnitude are its exact value */
	bool minus;
	bool fraction; /* it came as a float, or with a point or an exponent */
	uint64_t magnitude;
	double f; /* the nearest double; infinite beyond its range */
};

struct lwm_number lwm_number_integer(bool minus, uint64_t magnitude);
struct lwm_number lwm_number_double(double f);
/* Magnitude times ten to the exp10th (RFC 8949 section 3.4.4). */
struct lwm_number lwm_number_decimal(bool minus, uint64_t magnitude, int64_t exp10);
/* `text` has the grammar of a JSON number (RFC 8259 section 6). ERR_RANGE: longer than we read. */
MUST_USE enum err lwm_number_parse(struct span text, struct lwm_number *out);
struct lwm_number lwm_number_add(const struct lwm_number *a, const struct lwm_number *b);
/* False if it has no such value. */
bool lwm_number_to_int64(const struct lwm_number *n, int64_t *out);
bool lwm_number_to_uint64(const struct lwm_number *n, uint64_t *out);
/* The fewest digits that read back as the same double, as a JSON number that has a point or an
 * exponent, so that it stays a float. ERR_RANGE for NaN and the infinities. */
void lwm_wr_double(struct writer *w, double f);

#endif
