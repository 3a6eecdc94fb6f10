/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/protect.h"

#include "coap/opt.h"
#include "oscore/internal.h"
#include "oscore/recover.h"

#include <string.h>

enum { AAD_MAX = 40 };

/* Decrypts the payload of `outer` into buf. Without room for a code and a tag nothing can be
 * authentic. */
static enum err open_payload(struct osc_crypto *c, const struct osc_keys *k, const uint8_t *nonce,
	const struct osc_binding *b, const struct msg *outer, struct writer *buf,
	struct span *plaintext)
{
	const struct osc_aead_info *a = osc_aead_info(k->aead);
	uint8_t aad_buf[AAD_MAX];
	struct writer aad = wr_make(aad_buf, sizeof(aad_buf));

	if (!a)
		return ERR_UNSUPPORTED;
	if (outer->payload.n <= a->tag_n)
		return ERR_AUTH;
	if (outer->payload.n > osc_limits_of(a->cose).message_bytes)
		return ERR_RANGE;
	size_t n = outer->payload.n - a->tag_n;
	uint8_t *room = wr_room(buf, n);
	if (!room)
		return ERR_SPACE;
	osc_aad(k, b, &aad);
	*plaintext = (struct span){room, n};
	return osc_open(c, a, k->recipient_key, nonce, wr_span(&aad), outer->payload, room);
}

/* Outer options of class U join the inner message, whose own word counts more: it is
 * authenticated. All others outside mean nothing (RFC 8613 section 8.2 step 1). */
static enum err join_outer(const struct msg *outer, struct writer *buf, struct msg *plain)
{
	enum err err = ERR_OK;

	for (size_t i = 0; !err && i < outer->opt_n; i++) {
		const struct opt *o = &outer->opt[i];
		const struct opt_info *info = opt_info(o->num);
		bool stays = info && info->oscore == OPT_CLASS_U && o->num != OPT_OSCORE;
		if (stays && !msg_find(plain, o->num))
			err = osc_keep_option(plain, o->num, o->val, buf);
	}
	return err;
}

enum err osc_read_inner(struct span plaintext, const struct msg *outer, struct writer *buf,
	struct msg *plain, bool want_request)
{
	if (msg_parse_inner(plaintext, plain))
		return ERR_SYNTAX;
	if (want_request ? !msg_code_is_request(plain->code) : !msg_code_is_response(plain->code))
		return ERR_SYNTAX;
	if (msg_find(plain, OPT_OSCORE))
		return ERR_SYNTAX;
	plain->type = outer->type;
	plain->mid = outer->mid;
	plain->token_n = outer->token_n;
	memcpy(plain->token, outer->token, sizeof(plain->token));
	enum err err = join_outer(outer, buf, plain);
	return err && err != ERR_SPACE ? ERR_SYNTAX : err;
}

enum err osc_unprotect_end(
	enum err err, const struct writer *before, struct writer *buf, struct msg *plain)
{
	if (err) {
		*buf = *before;
		msg_init(plain, MSG_NON, MSG_EMPTY);
	}
	return err;
}

enum err osc_unprotect_request(struct osc_crypto *c, const struct osc_keys *k,
	const struct osc_option *opt, const struct msg *outer, struct writer *buf,
	struct msg *plain, struct osc_binding *binding)
{
	struct osc_binding b = {.kid = k->recipient_id, .piv = opt->piv};
	struct writer before = *buf;
	uint8_t nonce[OSC_NONCE_MAX];
	struct span plaintext;
	uint32_t observe;

	if (!opt->has_kid || opt->piv.n == 0 || !span_eq(opt->kid, osc_id_span(&k->recipient_id)))
		return osc_unprotect_end(ERR_AUTH, &before, buf, plain);
	osc_nonce(k, &b.kid, &b.piv, nonce);
	enum err err = open_payload(c, k, nonce, &b, outer, buf, &plaintext);
	if (err)
		return osc_unprotect_end(err, &before, buf, plain);
	err = osc_read_inner(plaintext, outer, buf, plain, true);
	if (!err)
		b.observe = msg_get_uint(plain, OPT_OBSERVE, &observe) && observe == 0;
	if (!err || err == ERR_SYNTAX)
		*binding = b;
	return osc_unprotect_end(err, &before, buf, plain);
}

enum err osc_set_observe(
	bool asked, const struct osc_piv *piv, const struct msg *outer, struct msg *plain)
{
	uint32_t value = 0;

	if (!msg_find(plain, OPT_OBSERVE))
		return ERR_OK;
	if (!asked)
		return ERR_SYNTAX;
	if (piv->n)
		value = (uint32_t)osc_piv_number(piv);
	else if (!msg_get_uint(outer, OPT_OBSERVE, &value))
		value = 0;
	msg_remove(plain, OPT_OBSERVE);
	return msg_add_uint(plain, OPT_OBSERVE, value & 0xffffff);
}

/* `request_keys`: those of the request, whose nonce an answer without a Partial IV uses. */
static enum err open_response(struct osc_crypto *c, const struct osc_keys *k,
	const struct osc_keys *request_keys, const struct osc_binding *binding,
	const struct msg *outer, struct writer *buf, struct msg *plain, struct osc_option *opt)
{
	uint8_t nonce[OSC_NONCE_MAX];
	struct span plaintext;

	enum err err = osc_option_of(outer, opt);
	if (!err && !msg_code_is_response(outer->code))
		err = ERR_SYNTAX;
	if (err)
		return err;
	if (opt->piv.n)
		osc_nonce(k, &k->recipient_id, &opt->piv, nonce);
	else
		osc_nonce(request_keys, &binding->kid, &binding->piv, nonce);
	err = open_payload(c, k, nonce, binding, outer, buf, &plaintext);
	return err ? err : osc_read_inner(plaintext, outer, buf, plain, false);
}

enum err osc_unprotect_response(struct osc_crypto *c, const struct osc_keys *k,
	const struct osc_binding *binding, const struct msg *outer, struct writer *buf,
	struct msg *plain, uint64_t *number)
{
	struct writer before = *buf;
	struct osc_option opt;

	*number = UINT64_MAX;
	enum err err = open_response(c, k, k, binding, outer, buf, plain, &opt);
	if (!err)
		err = osc_set_observe(binding->observe, &opt.piv, outer, plain);
	if (!err && opt.piv.n)
		*number = osc_piv_number(&opt.piv);
	return osc_unprotect_end(err, &before, buf, plain);
}

enum err osc_unprotect_response_1(struct osc_crypto *c, const struct osc_keys *k,
	const struct osc_keys *request_keys, const struct osc_binding *binding,
	const struct msg *outer, struct writer *buf, struct msg *plain)
{
	struct writer before = *buf;
	struct osc_option opt;

	enum err err = open_response(c, k, request_keys, binding, outer, buf, plain, &opt);
	if (!err && msg_find(plain, OPT_OBSERVE))
		err = ERR_SYNTAX;
	return osc_unprotect_end(err, &before, buf, plain);
}
