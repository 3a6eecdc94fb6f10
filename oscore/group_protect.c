/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/group_internal.h"
#include "oscore/internal.h"

#include "base/secret.h"

#include <string.h>

enum { OPTION_MAX = 255 };

/* Signature, hidden, behind the ciphertext. */
static enum err append_signature(const struct osc_group_message *x, struct writer *body)
{
	uint8_t keystream[OSC_SIGNATURE], signature[OSC_SIGNATURE];
	struct span ciphertext = wr_span(body);

	enum err err = osc_group_keystream(x, keystream);
	if (!err)
		err = osc_group_sign(x, ciphertext, signature);
	for (size_t i = 0; !err && i < OSC_SIGNATURE; i++)
		wr_u8(body, signature[i] ^ keystream[i]);
	secret_wipe(keystream, sizeof(keystream));
	return err ? err : body->err;
}

/* Encodes `inner` behind what buf holds, and encrypts and signs it there. */
static enum err seal_inner(const struct osc_group_message *x, const struct msg *inner,
	struct writer *buf, struct span *out)
{
	const struct osc_aead_info *a = osc_group_alg(x->g, x->group);

	if (buf->err || buf->n == buf->cap)
		return ERR_SPACE;
	struct writer body = wr_make(&buf->p[buf->n], buf->cap - buf->n);
	enum err err = msg_encode_inner(inner, &body);
	if (err)
		return err;
	struct span plaintext = wr_span(&body);
	if (plaintext.n + a->tag_n > osc_limits_of(a->cose).message_bytes)
		return ERR_RANGE;
	if (a->tag_n && !wr_room(&body, a->tag_n))
		return ERR_SPACE;
	err = osc_group_seal(x, plaintext, body.p);
	if (!err && x->group)
		err = append_signature(x, &body);
	if (err)
		return err;
	buf->n += body.n;
	*out = wr_span(&body);
	return ERR_OK;
}

static enum err protect_parts(struct osc_group_message *x, const struct osc_option *o,
	const struct msg *plain, struct writer *buf, struct msg *out)
{
	uint8_t value[OPTION_MAX];
	struct writer option = wr_make(value, sizeof(value));
	struct msg inner;

	msg_init(&inner, plain->type, plain->code);
	inner.payload = plain->payload;
	enum err err = osc_split_options(plain, &inner, out, buf);
	if (err)
		return err;
	osc_group_option_encode(o, x->group, &option);
	if (option.err)
		return ERR_RANGE;
	x->option = wr_span(&option);
	err = osc_keep_option(out, OPT_OSCORE, x->option, buf);
	return err ? err : seal_inner(x, &inner, buf, &out->payload);
}

static enum err protect(struct osc_group_message *x, const struct osc_option *o,
	const struct msg *plain, struct writer *buf, struct msg *out)
{
	struct writer before = *buf;

	osc_outer_begin(plain, out);
	enum err err = x->group ? ERR_OK : osc_group_pair(x->c, x->g, x->m);
	if (!err)
		err = protect_parts(x, o, plain, buf, out);
	if (err) {
		*buf = before;
		msg_init(out, plain->type, MSG_EMPTY);
	}
	return err;
}

/* Whether the group has the mode and we may send in it. */
static enum err may_send(const struct osc_group *g, bool group)
{
	if (!g->own)
		return ERR_STATE;
	return osc_group_alg(g, group) ? ERR_OK : ERR_UNSUPPORTED;
}

enum err osc_group_protect_request(struct osc_crypto *c, struct osc_group *g, struct osc_member *to,
	uint64_t number, const struct msg *plain, struct writer *buf, struct msg *out,
	struct osc_group_binding *binding)
{
	struct osc_group_binding b = {.kid = g->sender_id, .gid_n = g->gid_n, .group = !to};
	uint32_t observe;

	msg_init(out, plain->type, MSG_EMPTY);
	enum err err = may_send(g, b.group);
	if (err)
		return err;
	if (number > OSC_SSN_MAX)
		return ERR_RANGE;
	if (!msg_code_is_request(plain->code))
		return ERR_UNSUPPORTED;
	if (b.group && osc_group_has_pairwise(g) && msg_find(plain, OPT_ECHO))
		return ERR_STATE;
	memcpy(b.gid, g->gid, g->gid_n);
	if (to)
		b.server = to->id;
	osc_piv_set(&b.piv, number);
	b.observe = msg_get_uint(plain, OPT_OBSERVE, &observe) && observe == 0;
	struct osc_option o = {
		.piv = b.piv,
		.has_kid = true,
		.kid = osc_id_span(&g->sender_id),
		.has_kid_context = true,
		.kid_context = osc_group_gid(g),
	};
	struct osc_group_message x = {.c = c,
		.g = g,
		.m = to,
		.binding = &b,
		.piv_owner = &b.kid,
		.piv = &b.piv,
		.sender_cred = g->sender_cred,
		.group = b.group,
		.request = true};
	err = protect(&x, &o, plain, buf, out);
	if (!err)
		*binding = b;
	return err;
}

/* What a client needs to know that it could not guess (sections 3.2, 7.3 and 8.5). */
static struct osc_option reply_option(const struct osc_group *g, const struct osc_group_reply *how,
	const struct osc_group_binding *b, bool moved)
{
	bool renamed = !span_eq(osc_id_span(&b->server), osc_id_span(&g->sender_id));
	struct osc_option o = {.has_kid = b->group || renamed || how->with_kid,
		.kid = osc_id_span(&g->sender_id),
		.has_kid_context = moved,
		.kid_context = osc_group_gid(g)};

	if (how->number)
		osc_piv_set(&o.piv, *how->number);
	return o;
}

enum err osc_group_protect_response(struct osc_crypto *c, struct osc_group *g,
	const struct osc_group_reply *how, const struct osc_group_binding *binding,
	const struct msg *plain, struct writer *buf, struct msg *out)
{
	bool moved = !span_eq(span_make(binding->gid, binding->gid_n), osc_group_gid(g));

	msg_init(out, plain->type, MSG_EMPTY);
	enum err err = may_send(g, !how->to);
	if (err)
		return err;
	if (how->number && *how->number > OSC_SSN_MAX)
		return ERR_RANGE;
	if (!msg_code_is_response(plain->code))
		return ERR_UNSUPPORTED;
	if (!binding->observe && msg_find(plain, OPT_OBSERVE))
		return ERR_STATE;
	struct osc_option o = reply_option(g, how, binding, moved);
	bool same = !moved && span_eq(osc_id_span(&binding->server), osc_id_span(&g->sender_id));
	if (!how->number && !same)
		return ERR_STATE;
	struct osc_group_message x = {.c = c,
		.g = g,
		.m = how->to,
		.binding = binding,
		.piv_owner = how->number ? &g->sender_id : &binding->kid,
		.piv = how->number ? &o.piv : &binding->piv,
		.sender_cred = g->sender_cred,
		.group = !how->to};
	return protect(&x, &o, plain, buf, out);
}
