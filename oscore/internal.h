/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of oscore/ share: the little CBOR they write, and options kept in a buffer. */
#ifndef LANYARD_OSCORE_INTERNAL_H
#define LANYARD_OSCORE_INTERNAL_H

#include "coap/msg.h"
#include "oscore/protect.h"

#include <string.h>

enum {
	CBOR_UINT = 0,
	CBOR_NEGATIVE = 1,
	CBOR_BYTES = 2,
	CBOR_TEXT = 3,
	CBOR_ARRAY = 4,
	CBOR_FALSE = 0xf4,
	CBOR_TRUE = 0xf5,
	CBOR_NULL = 0xf6,
};

/* Deterministic head (RFC 8949 section 3); ERR_RANGE in the writer above 65535, which nothing here
 * reaches. */
static inline void osc_cbor_head(struct writer *w, uint8_t major, size_t v)
{
	if (v < 24) {
		wr_u8(w, (uint8_t)((size_t)major << 5 | v));
		return;
	}
	size_t n = v < 256 ? 1u : 2u;
	wr_u8(w, (uint8_t)((size_t)major << 5 | (23 + n)));
	wr_uint(w, v, n);
}

static inline void osc_cbor_int(struct writer *w, int v)
{
	if (v < 0)
		osc_cbor_head(w, CBOR_NEGATIVE, (size_t)(-1 - v));
	else
		osc_cbor_head(w, CBOR_UINT, (size_t)v);
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

/* RFC 8613 section 5.2 over the first n bytes of the Common IV; the rest of `out` is zeros. */
static inline void osc_make_nonce(const uint8_t *common_iv, size_t n,
	const struct osc_id *piv_owner, const struct osc_piv *piv,
	uint8_t out[static OSC_NONCE_MAX])
{
	size_t id_max = n - OSC_PIV_MAX - 1;
	size_t id_n = piv_owner->n < id_max ? piv_owner->n : id_max;

	memset(out, 0, OSC_NONCE_MAX);
	out[0] = (uint8_t)id_n;
	memcpy(&out[1 + id_max - id_n], piv_owner->p, id_n);
	memcpy(&out[n - piv->n], piv->p, piv->n);
	for (size_t i = 0; i < n; i++)
		out[i] ^= common_iv[i];
}

/* One output of HKDF: info = [id, id_context, alg, type, L] (RFC 8613 section 3.2.1). */
MUST_USE enum err osc_derive_one(struct osc_crypto *c, const struct osc_params *p, struct span id,
	const char *type, uint8_t *out, size_t out_n);

/* What goes inside and what outside; errors of osc_protect_request. */
MUST_USE enum err osc_split_options(
	const struct msg *plain, struct msg *inner, struct msg *outer, struct writer *buf);
/* The outer message's type, code, MID and Token (RFC 8613 section 4.2). */
void osc_outer_begin(const struct msg *plain, struct msg *out);
/* The other way round: `plain` of what was decrypted and of `outer`. What was authentic but is not
 * acceptable is ERR_SYNTAX, whatever the reason. */
MUST_USE enum err osc_read_inner(struct span plaintext, const struct msg *outer, struct writer *buf,
	struct msg *plain, bool want_request);
/* A notification is ordered by its Partial IV, not by what stands outside (section 4.1.3.5.2).
 * `asked`: the request carried Observe 0. */
MUST_USE enum err osc_set_observe(
	bool asked, const struct osc_piv *piv, const struct msg *outer, struct msg *plain);
/* On error the buffer is as it was before and plain empty. */
MUST_USE enum err osc_unprotect_end(
	enum err err, const struct writer *before, struct writer *buf, struct msg *plain);

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
