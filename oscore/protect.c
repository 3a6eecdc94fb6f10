/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/protect.h"

#include "coap/opt.h"
#include "oscore/internal.h"
#include "oscore/recover.h"

#include <string.h>

enum { AAD_MAX = 40, OPTION_MAX = 255 };

void osc_nonce(const struct osc_keys *k, const struct osc_id *piv_owner, const struct osc_piv *piv,
	uint8_t out[static OSC_NONCE_MAX])
{
	const struct osc_aead_info *a = osc_aead_info(k->aead);

	osc_make_nonce(k->common_iv, a ? a->nonce_n : OSC_NONCE_MAX, piv_owner, piv, out);
}

void osc_aad(const struct osc_keys *k, const struct osc_binding *b, struct writer *w)
{
	uint8_t buf[AAD_MAX];
	struct writer ext = wr_make(buf, sizeof(buf));

	osc_cbor_head(&ext, CBOR_ARRAY, 5);
	osc_cbor_head(&ext, CBOR_UINT, 1); /* oscore_version */
	osc_cbor_head(&ext, CBOR_ARRAY, 1);
	osc_cbor_head(&ext, CBOR_UINT, k->aead);
	osc_cbor_bytes(&ext, osc_id_span(&b->kid));
	osc_cbor_bytes(&ext, (struct span){b->piv.p, b->piv.n});
	osc_cbor_bytes(&ext, SPAN_EMPTY); /* class I options: there are none */

	osc_cbor_head(w, CBOR_ARRAY, 3);
	osc_cbor_text(w, "Encrypt0");
	osc_cbor_bytes(w, SPAN_EMPTY);
	osc_cbor_bytes(w, wr_span(&ext));
}

/* A message on its way out. `nonce_id` and `nonce_piv` make the nonce; `option` goes outside. */
struct sealing {
	struct osc_crypto *c;
	const struct osc_keys *k;
	const struct osc_binding *binding;
	const struct osc_id *nonce_id;
	const struct osc_piv *nonce_piv;
	const struct osc_option *option;
	const uint8_t *nonce; /* instead of one that is made; NULL: none */
};

static void push(struct msg *m, uint16_t num, struct span val)
{
	m->opt[m->opt_n++] = (struct opt){num, val};
}

/* Class E and "both" go inside, class U outside. Observe is the one that goes to both places
 * (RFC 8613 section 4.1.3.5). Neither side gets more options than plain has. */
enum err osc_split_options(
	const struct msg *plain, struct msg *inner, struct msg *outer, struct writer *buf)
{
	bool response = msg_code_is_response(plain->code);

	for (size_t i = 0; i < plain->opt_n; i++) {
		const struct opt *o = &plain->opt[i];
		const struct opt_info *info = opt_info(o->num);
		bool outside = o->num == OPT_OBSERVE || (info && info->oscore == OPT_CLASS_U);
		if (o->num == OPT_OSCORE || o->num == OPT_PROXY_URI)
			return ERR_UNSUPPORTED;
		if (o->num == OPT_OBSERVE)
			push(inner, o->num, response ? SPAN_EMPTY : o->val);
		else if (!outside)
			push(inner, o->num, o->val);
		enum err err = outside ? osc_keep_option(outer, o->num, o->val, buf) : ERR_OK;
		if (err)
			return err;
	}
	return ERR_OK;
}

/* Encodes `inner` behind what buf holds and encrypts it there. */
static enum err seal_inner(
	const struct sealing *s, const struct msg *inner, struct writer *buf, struct span *out)
{
	const struct osc_aead_info *a = osc_aead_info(s->k->aead);
	uint8_t nonce[OSC_NONCE_MAX], aad_buf[AAD_MAX];
	struct writer aad = wr_make(aad_buf, sizeof(aad_buf));

	if (buf->err || buf->n == buf->cap)
		return ERR_SPACE;
	if (!a)
		return ERR_UNSUPPORTED;
	struct writer body = wr_make(&buf->p[buf->n], buf->cap - buf->n);
	enum err err = msg_encode_inner(inner, &body);
	if (err)
		return err;
	struct span plaintext = wr_span(&body);
	if (plaintext.n + a->tag_n > osc_limits_of(a->cose).message_bytes)
		return ERR_RANGE;
	if (!wr_room(&body, a->tag_n))
		return ERR_SPACE;
	if (!s->nonce)
		osc_nonce(s->k, s->nonce_id, s->nonce_piv, nonce);
	osc_aad(s->k, s->binding, &aad);
	err = osc_seal(s->c, a, s->k->sender_key, s->nonce ? s->nonce : nonce, wr_span(&aad),
		plaintext, body.p);
	if (err)
		return err;
	buf->n += body.n;
	*out = wr_span(&body);
	return ERR_OK;
}

static uint8_t outer_code(const struct msg *plain)
{
	bool observe = msg_find(plain, OPT_OBSERVE);

	if (msg_code_is_request(plain->code))
		return observe ? MSG_FETCH : MSG_POST;
	return observe ? MSG_CONTENT : MSG_CHANGED;
}

void osc_outer_begin(const struct msg *plain, struct msg *out)
{
	msg_init(out, plain->type, outer_code(plain));
	out->mid = plain->mid;
	out->token_n = plain->token_n;
	memcpy(out->token, plain->token, sizeof(out->token));
}

static enum err protect_parts(
	const struct sealing *s, const struct msg *plain, struct writer *buf, struct msg *out)
{
	uint8_t value[OPTION_MAX];
	struct writer option = wr_make(value, sizeof(value));
	struct msg inner;

	msg_init(&inner, plain->type, plain->code);
	inner.payload = plain->payload;
	enum err err = osc_split_options(plain, &inner, out, buf);
	if (err)
		return err;
	osc_option_encode(s->option, &option);
	if (option.err)
		return ERR_RANGE;
	err = osc_keep_option(out, OPT_OSCORE, wr_span(&option), buf);
	if (err)
		return err;
	return seal_inner(s, &inner, buf, &out->payload);
}

static enum err protect(
	const struct sealing *s, const struct msg *plain, struct writer *buf, struct msg *out)
{
	struct writer before = *buf;

	osc_outer_begin(plain, out);
	enum err err = protect_parts(s, plain, buf, out);
	if (err) {
		*buf = before;
		msg_init(out, plain->type, MSG_EMPTY);
	}
	return err;
}

enum err osc_protect_request(struct osc_crypto *c, const struct osc_keys *k, uint64_t number,
	const struct span *kid_context, const struct msg *plain, struct writer *buf,
	struct msg *out, struct osc_binding *binding)
{
	struct osc_binding b = {.kid = k->sender_id};
	uint32_t observe;

	msg_init(out, plain->type, MSG_EMPTY);
	if (number > OSC_SSN_MAX)
		return ERR_RANGE;
	if (!msg_code_is_request(plain->code))
		return ERR_UNSUPPORTED;
	osc_piv_set(&b.piv, number);
	b.observe = msg_get_uint(plain, OPT_OBSERVE, &observe) && observe == 0;
	struct osc_option o = {
		.piv = b.piv,
		.has_kid = true,
		.kid = osc_id_span(&k->sender_id),
		.has_kid_context = kid_context != NULL,
		.kid_context = kid_context ? *kid_context : SPAN_EMPTY,
	};
	struct sealing s = {c, k, &b, &b.kid, &b.piv, &o, NULL};
	enum err err = protect(&s, plain, buf, out);
	if (!err)
		*binding = b;
	return err;
}

enum err osc_protect_response(struct osc_crypto *c, const struct osc_keys *k,
	const struct osc_binding *binding, const uint64_t *number, const struct msg *plain,
	struct writer *buf, struct msg *out)
{
	struct osc_option o = {.has_kid = false};
	struct sealing s = {c, k, binding, &binding->kid, &binding->piv, &o, NULL};

	msg_init(out, plain->type, MSG_EMPTY);
	if (number && *number > OSC_SSN_MAX)
		return ERR_RANGE;
	if (!msg_code_is_response(plain->code))
		return ERR_UNSUPPORTED;
	if (!binding->observe && msg_find(plain, OPT_OBSERVE))
		return ERR_STATE;
	if (number) {
		osc_piv_set(&o.piv, *number);
		s.nonce_id = &k->sender_id;
		s.nonce_piv = &o.piv;
	}
	return protect(&s, plain, buf, out);
}

enum err osc_protect_response_1(struct osc_crypto *c, const struct osc_keys *k,
	const struct osc_keys *request_keys, const struct osc_binding *binding, struct span r2,
	const struct msg *plain, struct writer *buf, struct msg *out)
{
	uint8_t nonce[OSC_NONCE_MAX], wrapped[OSC_WRAPPED_MAX];
	struct writer w = wr_make(wrapped, sizeof(wrapped));
	struct osc_option o = {.has_kid_context = true};
	struct sealing s = {c, k, binding, NULL, NULL, &o, nonce};

	msg_init(out, plain->type, MSG_EMPTY);
	if (!msg_code_is_response(plain->code))
		return ERR_UNSUPPORTED;
	if (msg_find(plain, OPT_OBSERVE))
		return ERR_STATE;
	osc_wrap(r2, &w);
	if (w.err)
		return ERR_RANGE;
	o.kid_context = wr_span(&w);
	osc_nonce(request_keys, &binding->kid, &binding->piv, nonce);
	return protect(&s, plain, buf, out);
}
