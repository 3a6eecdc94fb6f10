/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/echo.h"

#include "base/secret.h"
#include "oscore/internal.h"

#include <string.h>

enum { TICK_MS = 100, LABEL_BYTES = 4, TIME_BYTES = 4 };

/* time | HMAC(label, time, context), cut off. The label keeps other uses of the key apart. */
static enum err echo_value(struct osc_crypto *c, const uint8_t *key, uint64_t context_id,
	uint32_t tick, uint8_t out[static OSC_ECHO_BYTES])
{
	uint8_t buf[16];
	struct writer in = wr_make(buf, sizeof(buf)), w = wr_make(out, OSC_ECHO_BYTES);

	wr_str(&in, "echo");
	wr_u32(&in, tick);
	wr_u64(&in, context_id);
	if (in.err)
		return in.err;
	struct span shown = span_sub(wr_span(&in), LABEL_BYTES, LABEL_BYTES + TIME_BYTES);
	return osc_token(c, key, wr_span(&in), shown, &w);
}

enum err osc_echo_make(struct osc_crypto *c, const uint8_t key[static 32], uint64_t context_id,
	uint64_t now_ms, uint8_t out[static OSC_ECHO_BYTES])
{
	return echo_value(c, key, context_id, (uint32_t)(now_ms / TICK_MS), out);
}

enum err osc_echo_check(struct osc_crypto *c, const uint8_t key[static 32], uint64_t context_id,
	uint64_t now_ms, uint64_t max_age_ms, struct span value)
{
	uint8_t want[OSC_ECHO_BYTES];
	struct reader r = rd_make(value);
	uint32_t tick = rd_u32(&r);

	enum err err = echo_value(c, key, context_id, tick, want);
	if (err)
		return err;
	if (!secret_eq(value, SPAN_OF(want)))
		return ERR_AUTH;
	/* modulo 2^32 ticks, which is 13 years: one from the future is very old */
	uint32_t age = (uint32_t)(now_ms / TICK_MS) - tick;
	return age > max_age_ms / TICK_MS ? ERR_AUTH : ERR_OK;
}
