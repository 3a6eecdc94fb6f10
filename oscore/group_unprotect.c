/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/group_internal.h"
#include "oscore/internal.h"

#include "base/secret.h"

#include <string.h>

/* Before anything is decrypted. */
static enum err check_signature(
	const struct osc_group_message *x, struct span ciphertext, struct span hidden)
{
	uint8_t signature[OSC_SIGNATURE];

	enum err err = osc_group_keystream(x, signature);
	if (err)
		return err;
	for (size_t i = 0; i < OSC_SIGNATURE; i++)
		signature[i] ^= hidden.p[i];
	return osc_group_verify(x, ciphertext, signature);
}

/* Without room for a code, a tag and a signature nothing can be authentic. */
static enum err open_payload(const struct osc_group_message *x, const struct msg *outer,
	struct writer *buf, struct span *plaintext)
{
	const struct osc_aead_info *a = osc_group_alg(x->g, x->group);
	size_t signature_n = x->group ? OSC_SIGNATURE : 0;

	if (!a)
		return ERR_UNSUPPORTED;
	if (outer->payload.n <= a->tag_n + signature_n)
		return ERR_AUTH;
	struct span ciphertext = span_sub(outer->payload, 0, outer->payload.n - signature_n);
	if (ciphertext.n > osc_limits_of(a->cose).message_bytes)
		return ERR_RANGE;
	enum err err = x->group ? check_signature(x, ciphertext,
					  span_sub(outer->payload, ciphertext.n, signature_n))
				: osc_group_pair(x->c, x->g, x->m);
	if (err)
		return err;
	size_t n = ciphertext.n - a->tag_n;
	uint8_t *room = wr_room(buf, n);
	if (!room)
		return ERR_SPACE;
	*plaintext = span_make(room, n);
	return osc_group_open(x, ciphertext, room);
}

enum err osc_group_unprotect_request(struct osc_crypto *c, struct osc_group *g,
	struct osc_member *m, const struct osc_group_option *opt, const struct msg *outer,
	struct writer *buf, struct msg *plain, struct osc_group_binding *binding)
{
	const struct osc_option *o = &opt->parts;
	struct osc_group_binding b = {.kid = m->id,
		.piv = o->piv,
		.server = g->sender_id,
		.gid_n = g->gid_n,
		.group = opt->group};
	struct writer before = *buf;
	struct span plaintext;
	uint32_t observe;

	if (!o->has_kid || o->piv.n == 0 || !span_eq(o->kid, osc_id_span(&m->id)) ||
		!o->has_kid_context || !span_eq(o->kid_context, osc_group_gid(g)))
		return osc_unprotect_end(ERR_AUTH, &before, buf, plain);
	memcpy(b.gid, g->gid, g->gid_n);
	struct osc_group_message x = {.c = c,
		.g = g,
		.m = m,
		.binding = &b,
		.piv_owner = &b.kid,
		.piv = &b.piv,
		.option = opt->value,
		.sender_cred = m->cred,
		.group = opt->group,
		.request = true};
	enum err err = open_payload(&x, outer, buf, &plaintext);
	if (err)
		return osc_unprotect_end(err, &before, buf, plain);
	err = osc_read_inner(plaintext, outer, buf, plain, true);
	if (!err)
		b.observe = msg_get_uint(plain, OPT_OBSERVE, &observe) && observe == 0;
	if (!err || err == ERR_SYNTAX)
		*binding = b;
	return osc_unprotect_end(err, &before, buf, plain);
}

enum err osc_group_responder(const struct osc_group_binding *binding,
	const struct osc_group_option *opt, struct span *id)
{
	*id = SPAN_EMPTY;
	if (!opt->parts.has_kid && binding->group)
		return ERR_SYNTAX;
	*id = opt->parts.has_kid ? opt->parts.kid : osc_id_span(&binding->server);
	return ERR_OK;
}

/* Whether `m` may answer this request with such an option, under this group. */
static enum err check_response(const struct osc_group *g, const struct osc_member *m,
	const struct osc_group_binding *b, const struct osc_group_option *opt)
{
	const struct osc_option *o = &opt->parts;
	struct span id;

	enum err err = osc_group_responder(b, opt, &id);
	if (err)
		return err;
	if (!span_eq(id, osc_id_span(&m->id)))
		return ERR_AUTH;
	if (!b->group && !span_eq(id, osc_id_span(&b->server)))
		return ERR_AUTH;
	if (o->has_kid_context && !span_eq(o->kid_context, osc_group_gid(g)))
		return ERR_AUTH;
	bool moved = !span_eq(span_make(b->gid, b->gid_n), osc_group_gid(g));
	return moved && o->piv.n == 0 ? ERR_AUTH : ERR_OK;
}

static enum err open_response(struct osc_group_message *x, const struct msg *outer,
	struct writer *buf, struct msg *plain, struct osc_group_option *opt)
{
	struct span plaintext;

	enum err err = osc_group_option_of(outer, opt);
	if (!err && !msg_code_is_response(outer->code))
		err = ERR_SYNTAX;
	if (!err)
		err = check_response(x->g, x->m, x->binding, opt);
	if (err)
		return err;
	x->group = opt->group;
	x->option = opt->value;
	if (opt->parts.piv.n) {
		x->piv_owner = &x->m->id;
		x->piv = &opt->parts.piv;
	}
	err = open_payload(x, outer, buf, &plaintext);
	if (!err)
		err = osc_read_inner(plaintext, outer, buf, plain, false);
	return err ? err : osc_set_observe(x->binding->observe, &opt->parts.piv, outer, plain);
}

enum err osc_group_unprotect_response(struct osc_crypto *c, struct osc_group *g,
	struct osc_member *m, const struct osc_group_binding *binding, const struct msg *outer,
	struct writer *buf, struct msg *plain, uint64_t *number)
{
	struct osc_group_message x = {.c = c,
		.g = g,
		.m = m,
		.binding = binding,
		.piv_owner = &binding->kid,
		.piv = &binding->piv,
		.sender_cred = m->cred};
	struct writer before = *buf;
	struct osc_group_option opt;

	*number = UINT64_MAX;
	enum err err = open_response(&x, outer, buf, plain, &opt);
	if (!err)
		m->heard = ++g->clock;
	if (!err && opt.parts.piv.n)
		*number = osc_piv_number(&opt.parts.piv);
	return osc_unprotect_end(err, &before, buf, plain);
}
