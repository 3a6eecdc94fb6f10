/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/bs_read.h"

#include "lwm2m/format.h"

enum { SERVER_OID = 1, ACCESS_OID = 2, ARENA_LIMIT = 1 << 20 };

bool lwm_bs_readable(const struct lwm_path *p)
{
	return (p->n == 1 || p->n == 2) && (p->id[0] == SERVER_OID || p->id[0] == ACCESS_OID);
}

/* The integer at rid of its instance. */
static bool is_number(const struct lwm_record *r, uint16_t rid, uint16_t *out)
{
	if (r->kind != LWM_RECORD_VALUE || r->path.n != 3 || r->path.id[2] != rid ||
		r->value.type != LWM_INTEGER || r->value.i < 0 || r->value.i > LWM_ID_NONE)
		return false;
	*out = (uint16_t)r->value.i;
	return true;
}

/* An instance that Bootstrap-Discover did not show is one all the same, if there is room. */
static void take_server(struct lwm_bs_discover *d, uint16_t iid, uint16_t ssid)
{
	uint8_t i = 0;

	while (i < d->server_n && d->server[i].iid != iid)
		i++;
	if (i == d->server_n && i < LWM_BS_SERVERS_MAX)
		d->server[d->server_n++] = (struct lwm_bs_instance){SERVER_OID, iid, 0};
	if (i < d->server_n && !d->server[i].ssid)
		d->server[i].ssid = ssid;
}

static void take_servers(const struct lwm_records *r, struct lwm_bs_discover *d)
{
	uint16_t ssid;

	for (size_t i = 0; i < r->n; i++)
		if (is_number(&r->v[i], 0, &ssid) && ssid && ssid != LWM_ID_NONE)
			take_server(d, r->v[i].path.id[1], ssid);
}

/* NULL: there are too many. */
static struct lwm_bs_right *right_of(struct lwm_bs_rights *out, uint16_t iid)
{
	uint8_t i = 0;

	while (i < out->n && out->v[i].iid != iid)
		i++;
	if (i == LWM_BS_RIGHTS_MAX)
		return NULL;
	if (i == out->n)
		out->v[out->n++] = (struct lwm_bs_right){.iid = iid};
	return &out->v[i];
}

static void take_rights(const struct lwm_records *r, struct lwm_bs_rights *out)
{
	bool has_target[LWM_BS_RIGHTS_MAX] = {false};

	*out = (struct lwm_bs_rights){.known = true};
	for (size_t i = 0; i < r->n; i++) {
		struct lwm_bs_right *one = right_of(out, r->v[i].path.id[1]);
		out->known &= one != NULL;
		if (one && !is_number(&r->v[i], 0, &one->oid))
			has_target[one - out->v] |= is_number(&r->v[i], 1, &one->target);
	}
	for (uint8_t i = 0; i < out->n; i++)
		out->known &= out->v[i].oid && has_target[i];
}

static enum err decode(
	uint32_t cf, struct span payload, const struct lwm_path *base, struct lwm_records *out)
{
	const struct lwm_format *f = lwm_format(cf);
	struct lwm_codec_opts o = {0};

	if (!f || !f->decode || f->single_only || f->etch)
		return ERR_UNSUPPORTED;
	enum err e = f->decode(payload, base, &o, out);
	if (!e)
		e = out->err;
	for (size_t i = 0; i < out->n && !e; i++)
		if (out->v[i].prefix.n || out->v[i].path.n < 2 ||
			!lwm_path_under(&out->v[i].path, base))
			e = ERR_SYNTAX;
	return e;
}

enum err lwm_bs_read(uint32_t cf, struct span payload, const struct lwm_path *base,
	struct lwm_bs_discover *d, struct lwm_bs_rights *rights)
{
	struct lwm_records r;
	struct arena a;

	arena_init(&a, ARENA_LIMIT);
	lwm_records_init(&r, &a);
	enum err e = lwm_bs_readable(base) ? decode(cf, payload, base, &r) : ERR_UNSUPPORTED;
	if (!e && base->id[0] == SERVER_OID)
		take_servers(&r, d);
	else if (!e && base->n == 1)
		take_rights(&r, rights);
	arena_fini(&a);
	return e;
}
