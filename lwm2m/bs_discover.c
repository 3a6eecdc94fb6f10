/* SPDX-License-Identifier: Apache-2.0 */
/* What Bootstrap-Discover told (BS-10 to BS-12). */
#include "lwm2m/link.h"
#include "lwm2m/version.h"

enum { SECURITY_OID = 0, SERVER_OID = 1, ACCESS_OID = 2, OSCORE_OID = 21 };

static uint8_t version_attr(const struct lwm_link *l, const char *name)
{
	const struct lwm_link_attr *a = lwm_link_attr(l, name);
	uint8_t v;

	return a && lwm_version_parse(a->value, &v) == ERR_OK ? v : 0;
}

/* LWM_ID_NONE for what is no Short Server ID: such an instance is not the bootstrap account, which
 * is known by having none at all (CT-93). */
static uint16_t ssid_attr(const struct lwm_link *l)
{
	const struct lwm_link_attr *a = lwm_link_attr(l, "ssid");
	uint64_t v;

	if (!a)
		return 0;
	if (span_to_u64(a->value, LWM_ID_NONE - 1, &v) || v == 0)
		return LWM_ID_NONE;
	return (uint16_t)v;
}

/* Only instances that belong to an account are kept: what is missed of these would be overwritten.
 */
static enum err take_instance(struct lwm_bs_discover *d, struct lwm_bs_instance i)
{
	bool server = i.oid == SERVER_OID;

	d->access = d->access || i.oid == ACCESS_OID;
	if (!server && i.oid != SECURITY_OID && i.oid != OSCORE_OID)
		return ERR_OK;
	if (server ? d->server_n == LWM_BS_SERVERS_MAX : d->inst_n == LWM_BS_INSTANCES_MAX)
		return ERR_LIMIT;
	if (server)
		d->server[d->server_n++] = i;
	else
		d->inst[d->inst_n++] = i;
	return ERR_OK;
}

static enum err take_link(const struct lwm_link *l, struct lwm_bs_discover *d)
{
	struct lwm_path p = {0};
	uint8_t lwm2m = version_attr(l, "lwm2m");

	if (lwm2m >= 10 && lwm2m <= 12)
		d->lwm2m = lwm2m;
	if (!l->target.p || l->target.p[0] != '/' || lwm_path_parse(l->target, &p))
		return ERR_OK;
	if ((p.n == 1 || p.n == 2) && p.id[0] == OSCORE_OID && !d->oscore_version)
		d->oscore_version = version_attr(l, "ver");
	if (p.n != 2)
		return ERR_OK;
	return take_instance(d, (struct lwm_bs_instance){p.id[0], p.id[1], ssid_attr(l)});
}

enum err lwm_bs_discover_parse(struct span payload, struct lwm_bs_discover *out)
{
	struct lwm_bs_discover d = {0};
	struct lwm_link l;
	enum err e;
	bool first = true;

	while ((e = lwm_link_next(&payload, &l)) == ERR_OK) {
		if (!l.target.p && !first)
			return ERR_SYNTAX;
		e = take_link(&l, &d);
		if (e)
			return e;
		first = false;
	}
	if (e != ERR_NOTFOUND)
		return e;
	*out = d;
	return ERR_OK;
}
