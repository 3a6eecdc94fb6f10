/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of a peer that has the keys and no manners: any option value, any plaintext. */
#ifndef LANYARD_TESTS_UNIT_ENDPOINT_CRAFT_H
#define LANYARD_TESTS_UNIT_ENDPOINT_CRAFT_H

#include "tests/unit/endpoint/rig.h"

/* As hex. NULL: none. */
struct crafted {
	const char *option, *second; /* of option 9 */
	const char *piv;             /* of the nonce and, in a request, of the AAD */
	const char *inner;           /* the plaintext; NULL: no payload at all */
	uint8_t code;                /* outside */
	uint16_t stray;              /* an option more outside, or 0 */
	const char *stray_value;
};

static RIG_UNUSED struct osc_piv craft_piv(const char *hex)
{
	struct span s = test_hex(hex);
	struct osc_piv piv = {.n = (uint8_t)s.n};
	memcpy(piv.p, s.p, s.n);
	return piv;
}

/* An option of any length, where it belongs. */
static void craft_add(struct msg *m, uint16_t num, struct span value)
{
	struct opt *last = &m->opt[m->opt_n++], *at = m->opt;
	while (at < last && at->num <= num)
		at++;
	memmove(at + 1, at, (size_t)(last - at) * sizeof(*at));
	*at = (struct opt){num, value};
}

/* `b` makes the AAD, `owner` and `piv` the nonce. */
static RIG_UNUSED struct span craft_seal(struct rig *r, const struct crafted *c,
	const struct osc_binding *b, const struct osc_id *owner, const struct osc_piv *piv,
	struct msg *m, struct rig_msg *out)
{
	const struct osc_keys *k = &r->device[RIG_SERVER];
	uint8_t nonce[OSC_NONCE_MAX], aad_buf[64];
	struct writer aad = wr_make(aad_buf, sizeof(aad_buf)),
		      w = wr_make(out->bytes, sizeof(out->bytes));
	struct span inner = test_hex(c->inner ? c->inner : "");
	osc_nonce(k, owner, piv, nonce);
	osc_aad(k, b, &aad);
	REQUIRE(osc_seal(r->crypto, osc_aead_info(10), k->sender_key, nonce, wr_span(&aad), inner,
			out->work) == ERR_OK,
		"sealed");
	if (c->option)
		craft_add(m, OPT_OSCORE, test_hex(c->option));
	if (c->second)
		craft_add(m, OPT_OSCORE, test_hex(c->second));
	if (c->stray)
		craft_add(m, c->stray, test_hex(c->stray_value));
	m->payload = c->inner ? span_make(out->work, inner.n + 8) : SPAN_EMPTY;
	REQUIRE(msg_encode_udp(m, &w) == ERR_OK, "encoded");
	out->binding = *b;
	out->n = w.n;
	return wr_span(&w);
}

/* A request of the device. */
static RIG_UNUSED struct span craft_request(
	struct rig *r, const struct crafted *c, struct rig_msg *out)
{
	const struct osc_id *kid = &r->device[RIG_SERVER].sender_id;
	struct osc_piv piv = craft_piv(c->piv ? c->piv : "");
	struct osc_binding b = {.kid = *kid, .piv = piv};
	struct msg m;
	msg_init(&m, MSG_CON, c->code);
	m.mid = r->mid++;
	m.token_n = 2;
	m.token[0] = 0xbb;
	m.token[1] = r->token++;
	return craft_seal(r, c, &b, kid, &piv, &m, out);
}

/* The device's answer to `q`; without piv under its nonce. */
static RIG_UNUSED struct span craft_response(struct rig *r, const struct crafted *c,
	const struct rig_msg *q, enum msg_type type, struct rig_msg *out)
{
	struct osc_piv piv = c->piv ? craft_piv(c->piv) : q->binding.piv;
	struct msg m;
	msg_init(&m, type, c->code);
	m.mid = type == MSG_ACK ? q->outer.mid : r->mid++;
	m.token_n = q->outer.token_n;
	memcpy(m.token, q->outer.token, sizeof(m.token));
	return craft_seal(r, c, &q->binding,
		c->piv ? &r->device[RIG_SERVER].sender_id : &q->binding.kid, &piv, &m, out);
}

#endif
