/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/recover.h"

#include "base/secret.h"
#include "oscore/internal.h"

#include <string.h>

enum { TICK_MS = 100, SHOWN_BYTES = 8, BSTR = 0x40, BSTR_1 = 0x58 };

enum err osc_unwrap(struct span kid_context, struct span *value)
{
	struct reader r = rd_make(kid_context);
	uint8_t head = rd_u8(&r);
	size_t n = head & 0x1f;

	*value = SPAN_EMPTY;
	if (head == BSTR_1)
		n = rd_u8(&r);
	else if (head < BSTR || head >= BSTR_1)
		return ERR_SYNTAX;
	struct span found = rd_bytes(&r, n);
	if (rd_end(&r))
		return ERR_SYNTAX;
	*value = found;
	return ERR_OK;
}

void osc_wrap(struct span value, struct writer *w)
{
	osc_cbor_bytes(w, value);
}

/* time | count | HMAC(label, time, count, kid, context), cut off. The label keeps other uses of the
 * key apart. */
static enum err r2_value(struct osc_crypto *c, const uint8_t *key, struct span kid,
	uint64_t context_id, struct span shown, uint8_t out[static OSC_R2_BYTES])
{
	uint8_t buf[64];
	struct writer in = wr_make(buf, sizeof(buf)), w = wr_make(out, OSC_R2_BYTES);

	wr_str(&in, "b2");
	wr_bytes(&in, shown);
	wr_u64(&in, context_id);
	wr_bytes(&in, kid);
	if (in.err)
		return in.err;
	return osc_token(c, key, wr_span(&in), shown, &w);
}

enum err osc_r2_make(struct osc_crypto *c, const uint8_t key[static 32], struct span kid,
	uint64_t context_id, uint64_t now_ms, uint32_t count, uint8_t out[static OSC_R2_BYTES])
{
	uint8_t shown[SHOWN_BYTES];
	struct writer w = wr_make(shown, sizeof(shown));

	wr_u32(&w, (uint32_t)(now_ms / TICK_MS));
	wr_u32(&w, count);
	return r2_value(c, key, kid, context_id, wr_span(&w), out);
}

enum err osc_r2_check(struct osc_crypto *c, const uint8_t key[static 32], struct span kid,
	uint64_t context_id, uint64_t now_ms, uint64_t max_age_ms, struct span value)
{
	uint8_t want[OSC_R2_BYTES];
	struct reader r = rd_make(value);
	uint32_t tick = rd_u32(&r);

	if (value.n != OSC_R2_BYTES)
		return ERR_AUTH;
	enum err err = r2_value(c, key, kid, context_id, span_sub(value, 0, SHOWN_BYTES), want);
	if (err)
		return err;
	if (!secret_eq(value, SPAN_OF(want)))
		return ERR_AUTH;
	/* modulo 2^32 ticks, which is 13 years: one from the future is very old */
	uint32_t age = (uint32_t)(now_ms / TICK_MS) - tick;
	return age > max_age_ms / TICK_MS ? ERR_AUTH : ERR_OK;
}

enum err osc_response_1_r2(const struct msg *outer, struct span *r2)
{
	struct osc_option o;

	*r2 = SPAN_EMPTY;
	if (!msg_code_is_response(outer->code) || osc_option_of(outer, &o) || !o.has_kid_context)
		return ERR_NOTFOUND;
	return osc_unwrap(o.kid_context, r2) ? ERR_NOTFOUND : ERR_OK;
}
