/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of oscore/ share: the little CBOR they write, and options kept in a buffer. */
#ifndef LANYARD_OSCORE_INTERNAL_H
#define LANYARD_OSCORE_INTERNAL_H

#include "coap/msg.h"
#include "oscore/crypto.h"

enum { CBOR_UINT = 0, CBOR_BYTES = 2, CBOR_TEXT = 3, CBOR_ARRAY = 4, CBOR_NULL = 0xf6 };

/* Deterministic head (RFC 8949 section 3); ERR_RANGE in the writer above 255, which nothing here
 * reaches. */
static inline void osc_cbor_head(struct writer *w, uint8_t major, size_t v)
{
	if (v < 24) {
		wr_u8(w, (uint8_t)((size_t)major << 5 | v));
		return;
	}
	wr_u8(w, (uint8_t)(major << 5 | 24));
	wr_uint(w, v, 1);
}

static inline void osc_cbor_bytes(struct writer *w, struct span s)
{
	osc_cbor_head(w, CBOR_BYTES, s.n);
	wr_bytes(w, s);
}

static inline void osc_cbor_text(struct writer *w, const char *s)
{
	struct span text = span_str(s);

	osc_cbor_head(w, CBOR_TEXT, text.n);
	wr_bytes(w, text);
}

/* A token that only we can have made: what it shows, and as much of HMAC(key, said) as the writer
 * has room for. */
MUST_USE static inline enum err osc_token(struct osc_crypto *c, const uint8_t key[static 32],
	struct span said, struct span shown, struct writer *w)
{
	uint8_t mac[OSC_SHA256];
	enum err err = osc_hmac256(c, (struct span){key, 32}, said, mac);

	if (err)
		return err;
	wr_bytes(w, shown);
	wr_bytes(w, span_sub(SPAN_OF(mac), 0, w->cap - w->n));
	return w->err;
}

/* Adds an option whose value is copied into buf, since messages live longer than what they were
 * made from. Errors of the writer and of msg_add. */
MUST_USE static inline enum err osc_keep_option(
	struct msg *m, uint16_t num, struct span val, struct writer *buf)
{
	size_t at = buf->n;

	wr_bytes(buf, val);
	return buf->err ? buf->err : msg_add(m, num, span_sub(wr_span(buf), at, val.n));
}

#endif
