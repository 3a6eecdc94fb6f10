/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/group.h"

#include <string.h>

/* RFC 8613 section 6.1: 000hknnn; 0x20 is the Group Flag of RFC 10021 */
enum {
	FLAG_RESERVED = 0xe0,
	FLAG_GROUP = 0x20,
	FLAG_KID_CONTEXT = 0x10,
	FLAG_KID = 0x08,
	FLAG_PIV_N = 0x07
};

enum { OPTION_MAX = 255 };

void osc_piv_set(struct osc_piv *piv, uint64_t number)
{
	*piv = (struct osc_piv){.n = 1};
	while (piv->n < OSC_PIV_MAX && number >> 8 * piv->n)
		piv->n++;
	for (size_t i = piv->n; i > 0; i--, number >>= 8)
		piv->p[i - 1] = (uint8_t)number;
}

uint64_t osc_piv_number(const struct osc_piv *piv)
{
	uint64_t number = 0;

	for (size_t i = 0; i < piv->n && i < OSC_PIV_MAX; i++)
		number = number << 8 | piv->p[i];
	return number;
}

/* Two spellings of one number would be two AADs and one place in the window. */
static bool piv_minimal(const struct osc_piv *piv)
{
	return piv->n <= 1 || piv->p[0] != 0;
}

static void parse_piv(struct reader *r, size_t n, struct osc_piv *piv)
{
	if (n > OSC_PIV_MAX) {
		rd_fail(r, ERR_SYNTAX);
		return;
	}
	struct span bytes = rd_bytes(r, n);
	piv->n = (uint8_t)bytes.n;
	if (bytes.n)
		memcpy(piv->p, bytes.p, bytes.n);
	if (!piv_minimal(piv))
		rd_fail(r, ERR_SYNTAX);
}

static enum err parse(struct span value, uint8_t reserved, struct osc_option *out)
{
	struct reader r = rd_make(value);
	struct osc_option o = {.piv = {.n = 0}};

	*out = o;
	if (value.n == 0)
		return ERR_OK;
	uint8_t flags = rd_u8(&r);
	if (value.n > OPTION_MAX || flags & reserved)
		return ERR_SYNTAX;
	parse_piv(&r, flags & FLAG_PIV_N, &o.piv);
	o.has_kid_context = flags & FLAG_KID_CONTEXT;
	if (o.has_kid_context)
		o.kid_context = rd_bytes(&r, rd_u8(&r));
	o.has_kid = flags & FLAG_KID;
	if (o.has_kid)
		o.kid = rd_rest(&r);
	if (rd_end(&r))
		return ERR_SYNTAX;
	*out = o;
	return ERR_OK;
}

enum err osc_option_parse(struct span value, struct osc_option *out)
{
	return parse(value, FLAG_RESERVED, out);
}

static enum err option_of(const struct msg *m, uint8_t reserved, struct osc_option *out)
{
	const struct opt *found = msg_find(m, OPT_OSCORE);
	struct osc_option o;

	*out = (struct osc_option){.piv = {.n = 0}};
	if (!found)
		return ERR_NOTFOUND;
	if (msg_next(m, found) || m->payload.n == 0)
		return ERR_SYNTAX;
	enum err err = parse(found->val, reserved, &o);
	if (err)
		return err;
	if (msg_code_is_request(m->code) && (!o.has_kid || o.piv.n == 0))
		return ERR_SYNTAX;
	*out = o;
	return ERR_OK;
}

enum err osc_option_of(const struct msg *m, struct osc_option *out)
{
	return option_of(m, FLAG_RESERVED, out);
}

enum err osc_group_option_of(const struct msg *m, struct osc_group_option *out)
{
	enum err err = option_of(m, FLAG_RESERVED & ~FLAG_GROUP, &out->parts);

	out->value = SPAN_EMPTY;
	out->group = false;
	if (!err && msg_code_is_request(m->code) && !out->parts.has_kid_context)
		err = ERR_SYNTAX;
	if (err) {
		out->parts = (struct osc_option){.piv = {.n = 0}};
		return err;
	}
	out->value = msg_find(m, OPT_OSCORE)->val;
	out->group = out->value.n && out->value.p[0] & FLAG_GROUP;
	return ERR_OK;
}

void osc_group_option_encode(const struct osc_option *o, bool group, struct writer *w)
{
	size_t at = w->n;

	osc_option_encode(o, w);
	if (!group || w->err)
		return;
	if (w->n == at)
		wr_u8(w, 0);
	if (!w->err)
		w->p[at] |= FLAG_GROUP;
}

void osc_option_encode(const struct osc_option *o, struct writer *w)
{
	uint8_t flags = o->piv.n;

	if (o->has_kid_context)
		flags |= FLAG_KID_CONTEXT;
	if (o->has_kid)
		flags |= FLAG_KID;
	if (!flags)
		return;
	wr_u8(w, flags);
	wr_bytes(w, (struct span){o->piv.p, o->piv.n});
	if (o->has_kid_context) {
		wr_uint(w, o->kid_context.n, 1);
		wr_bytes(w, o->kid_context);
	}
	if (o->has_kid)
		wr_bytes(w, o->kid);
}
