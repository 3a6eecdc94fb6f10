/* SPDX-License-Identifier: Apache-2.0 */
/* Instances of LwM2M Security (0), Server (1) and OSCORE (21). */
#include "device/inner.h"

#include <string.h>

enum { MODE_NOSEC = 3, SSID_DEFAULT = 1 };

/* One row for each object kept here: where its instances are, so that finding, making and removing
 * is written once. Every instance begins with its id. */
struct shelf {
	uint8_t *first;
	size_t size, max;
	uint8_t *n;
};

static bool shelf_of(struct dev_accounts *a, uint16_t oid, struct shelf *s)
{
	switch (oid) {
	case 0:
		*s = (struct shelf){(uint8_t *)a->security, sizeof(a->security[0]),
			DEV_SECURITY_MAX, &a->security_n};
		return true;
	case 1:
		*s = (struct shelf){
			(uint8_t *)a->server, sizeof(a->server[0]), DEV_SERVERS_MAX, &a->server_n};
		return true;
	case 21:
		*s = (struct shelf){
			(uint8_t *)a->oscore, sizeof(a->oscore[0]), DEV_OSCORE_MAX, &a->oscore_n};
		return true;
	default:
		return false;
	}
}

static uint8_t *shelf_at(const struct shelf *s, size_t i)
{
	return s->first + i * s->size;
}

static uint16_t shelf_iid(const struct shelf *s, size_t i)
{
	uint16_t iid;
	memcpy(&iid, shelf_at(s, i), sizeof(iid));
	return iid;
}

static uint8_t *shelf_find(const struct shelf *s, uint16_t iid)
{
	for (size_t i = 0; i < *s->n; i++) {
		if (shelf_iid(s, i) == iid)
			return shelf_at(s, i);
	}
	return NULL;
}

static void set_defaults(uint8_t *item, uint16_t oid, uint16_t iid)
{
	if (oid == 0) {
		struct dev_security v = {
			.iid = iid, .mode = MODE_NOSEC, .oscore_iid = LWM_ID_NONE, .uri = ""};
		memcpy(item, &v, sizeof(v));
	} else if (oid == 1) {
		struct dev_server v = {.iid = iid,
			.ssid = SSID_DEFAULT,
			.lifetime_s = 86400,
			.disable_s = 86400,
			.storing = true,
			.binding = "U"};
		memcpy(item, &v, sizeof(v));
	} else {
		struct dev_oscore v = {
			.iid = iid, .aead = ALG_AES_CCM_16_64_128, .hkdf = ALG_HKDF_SHA256};
		memcpy(item, &v, sizeof(v));
	}
}

enum err dev_accounts_instance(struct dev_accounts *a, uint16_t oid, uint16_t iid, bool reset)
{
	struct shelf s;
	if (!shelf_of(a, oid, &s))
		return ERR_UNSUPPORTED;
	uint8_t *item = shelf_find(&s, iid);
	if (item) {
		if (reset)
			set_defaults(item, oid, iid);
		return ERR_OK;
	}
	if (*s.n == s.max)
		return ERR_LIMIT;
	set_defaults(shelf_at(&s, (*s.n)++), oid, iid);
	return ERR_OK;
}

struct dev_security *dev_security_find(struct dev_accounts *a, uint16_t iid)
{
	for (size_t i = 0; i < a->security_n; i++) {
		if (a->security[i].iid == iid)
			return &a->security[i];
	}
	return NULL;
}

const struct dev_security *dev_security_of(const struct dev_accounts *a, enum dev_role role)
{
	for (size_t i = 0; i < a->security_n; i++) {
		if (a->security[i].bootstrap == (role == DEV_ROLE_BOOTSTRAP))
			return &a->security[i];
	}
	return NULL;
}

const struct dev_oscore *dev_oscore_find(const struct dev_accounts *a, uint16_t iid)
{
	for (size_t i = 0; i < a->oscore_n; i++) {
		if (a->oscore[i].iid == iid)
			return &a->oscore[i];
	}
	return NULL;
}

const struct dev_oscore *dev_oscore_of(const struct dev_accounts *a, enum dev_role role)
{
	const struct dev_security *s = dev_security_of(a, role);
	return s ? dev_oscore_find(a, s->oscore_iid) : NULL;
}

const struct dev_server *dev_server_of(const struct dev_accounts *a)
{
	const struct dev_security *s = dev_security_of(a, DEV_ROLE_SERVER);
	for (size_t i = 0; s && i < a->server_n; i++) {
		if (a->server[i].ssid == s->ssid)
			return &a->server[i];
	}
	return NULL;
}

static bool set_bytes(struct span v, uint8_t *to, size_t cap, uint8_t *n)
{
	if (v.n > cap)
		return false;
	memcpy(to, v.p ? v.p : to, v.n);
	*n = (uint8_t)v.n;
	return true;
}

static bool set_u16(const struct lwm_value *v, int64_t min, int64_t max, uint16_t *out)
{
	int64_t i = v->type == LWM_UNSIGNED && v->u <= INT64_MAX ? (int64_t)v->u : v->i;
	if (i < min || i > max)
		return false;
	*out = (uint16_t)i;
	return true;
}

static bool set_u32(const struct lwm_value *v, uint32_t *out)
{
	if (v->i < 0 || v->i > UINT32_MAX)
		return false;
	*out = (uint32_t)v->i;
	return true;
}

static bool set_security(
	struct dev_accounts *a, struct dev_security *s, uint16_t rid, const struct lwm_value *v)
{
	uint16_t mode;
	switch (rid) {
	case 0:
		return dev_texts_take(a->texts, v->bytes, DEV_URI_MAX, &s->uri) == ERR_OK;
	case 1:
		s->bootstrap = v->b;
		return true;
	case 2:
		if (!set_u16(v, 0, 4, &mode))
			return false;
		s->mode = (uint8_t)mode;
		return true;
	case 10:
		return set_u16(v, 1, 65534, &s->ssid);
	case 11:
		return set_u32(v, &s->hold_off_s);
	case 12:
		return set_u32(v, &s->timeout_s);
	case 17:
		if (v->link.oid != 21 && v->link.oid != LWM_ID_NONE)
			return false;
		s->oscore_iid = v->link.oid == 21 ? v->link.iid : LWM_ID_NONE;
		return true;
	default:
		return true;
	}
}

static bool set_server(struct dev_server *s, uint16_t rid, const struct lwm_value *v)
{
	switch (rid) {
	case 0:
		return set_u16(v, 1, 65534, &s->ssid);
	case 1:
		return set_u32(v, &s->lifetime_s);
	case 2:
		return set_u32(v, &s->pmin_s);
	case 3:
		return set_u32(v, &s->pmax_s);
	case 5:
		return set_u32(v, &s->disable_s);
	case 6:
		s->storing = v->b;
		return true;
	case 7:
		return v->bytes.n > 0 &&
		       span_to_str(v->bytes, s->binding, sizeof(s->binding)) == ERR_OK;
	default:
		return true;
	}
}

static bool set_hkdf(struct dev_oscore *o, int64_t v)
{
	int hkdf;
	if (!alg_hkdf_read(v, &hkdf))
		return false;
	o->hkdf = (int16_t)hkdf;
	return true;
}

static bool set_oscore(struct dev_oscore *o, uint16_t rid, const struct lwm_value *v)
{
	switch (rid) {
	case 0:
		return set_bytes(v->bytes, o->secret, sizeof(o->secret), &o->secret_n);
	case 1:
		return osc_id_set(&o->sender_id, v->bytes) == ERR_OK;
	case 2:
		return osc_id_set(&o->recipient_id, v->bytes) == ERR_OK;
	case 3:
		if (v->i < INT16_MIN || v->i > INT16_MAX)
			return false;
		o->aead = (int16_t)v->i;
		return true;
	case 4:
		return set_hkdf(o, v->i);
	case 5:
		return set_bytes(v->bytes, o->salt, sizeof(o->salt), &o->salt_n);
	case 6:
		o->has_id_context = true;
		return set_bytes(v->bytes, o->id_context, sizeof(o->id_context), &o->id_context_n);
	default:
		return true;
	}
}

/* The union of a value is only read as the type it was decoded as. */
static bool typed_as(const struct lwm_value *v, uint16_t oid, uint16_t rid)
{
	const struct lwm_resource *r = lwm_resource(oid, rid);
	if (!r)
		return false;
	bool bytes = r->type == LWM_STRING || r->type == LWM_OPAQUE;
	bool got_bytes = v->type == LWM_STRING || v->type == LWM_OPAQUE;
	return v->type == r->type || (bytes && got_bytes);
}

enum err dev_accounts_set(
	struct dev_accounts *a, const struct lwm_path *p, const struct lwm_value *v)
{
	struct shelf s;
	if (p->n < 3 || !shelf_of(a, p->id[0], &s))
		return ERR_UNSUPPORTED;
	void *item = shelf_find(&s, p->id[1]);
	if (!item)
		return ERR_NOTFOUND;
	if (!lwm_resource(p->id[0], p->id[2]))
		return ERR_OK;
	if (!typed_as(v, p->id[0], p->id[2]))
		return ERR_RANGE;
	bool good = p->id[0] == 0   ? set_security(a, item, p->id[2], v)
		    : p->id[0] == 1 ? set_server(item, p->id[2], v)
				    : set_oscore(item, p->id[2], v);
	return good ? ERR_OK : ERR_RANGE;
}

static bool spared(const struct dev_accounts *a, uint16_t oid, uint16_t iid)
{
	const struct dev_security *bs = dev_security_of(a, DEV_ROLE_BOOTSTRAP);
	return bs && ((oid == 0 && iid == bs->iid) || (oid == 21 && iid == bs->oscore_iid));
}

static void remove_instance(struct dev_accounts *a, uint16_t oid, uint16_t iid)
{
	struct shelf s;
	uint8_t *item = shelf_of(a, oid, &s) ? shelf_find(&s, iid) : NULL;
	if (!item)
		return;
	size_t at = (size_t)(item - s.first) / s.size;
	secret_wipe(item, s.size);
	(*s.n)--;
	memmove(shelf_at(&s, at), shelf_at(&s, at + 1), (*s.n - at) * s.size);
}

void dev_accounts_no_bootstrap(struct dev_accounts *a)
{
	const struct dev_security *s = dev_security_of(a, DEV_ROLE_BOOTSTRAP);
	if (!s)
		return;
	uint16_t iid = s->iid, oscore_iid = s->oscore_iid;
	remove_instance(a, 0, iid);
	for (size_t i = 0; i < a->security_n; i++) {
		if (a->security[i].oscore_iid == oscore_iid)
			return;
	}
	remove_instance(a, 21, oscore_iid);
}

/* The old one comes first, for it was there before. */
void dev_accounts_renew(struct dev_accounts *a, const struct dev_accounts *before)
{
	const struct dev_security *old = dev_security_of(before, DEV_ROLE_BOOTSTRAP);
	const struct dev_security *first = dev_security_of(a, DEV_ROLE_BOOTSTRAP);
	size_t n = 0;
	for (size_t i = 0; i < a->security_n; i++)
		n += a->security[i].bootstrap;
	if (n == 2 && old && first->iid == old->iid)
		dev_accounts_no_bootstrap(a);
}

static void delete_from(struct dev_accounts *a, uint16_t oid, const struct lwm_path *p)
{
	struct shelf s;
	if (!shelf_of(a, oid, &s))
		return;
	for (size_t i = 0; i < *s.n;) {
		uint16_t iid = shelf_iid(&s, i);
		if (spared(a, oid, iid) || (p->n > 1 && p->id[1] != iid)) {
			i++;
			continue;
		}
		remove_instance(a, oid, iid);
	}
}

void dev_accounts_delete(struct dev_accounts *a, const struct lwm_path *p)
{
	static const uint16_t oids[] = {1, 21, 0};
	for (size_t i = 0; i < sizeof(oids) / sizeof(oids[0]); i++) {
		if (p->n == 0 || p->id[0] == oids[i])
			delete_from(a, oids[i], p);
	}
}

enum err dev_accounts_check(struct dev_host *h, const struct dev_accounts *a)
{
	size_t bootstraps = 0;
	for (size_t i = 0; i < a->security_n; i++)
		bootstraps += a->security[i].bootstrap;
	const struct dev_security *s = dev_security_of(a, DEV_ROLE_SERVER);
	const struct dev_oscore *o = dev_oscore_of(a, DEV_ROLE_SERVER);
	struct span host;
	uint16_t port;
	if (bootstraps > 1 || !s || !o || !dev_server_of(a) || s->mode != MODE_NOSEC ||
		bearer_is_channel(dev_uri_bearer(span_str(s->uri))) ||
		dev_uri_parse(span_str(s->uri), &host, &port) != ERR_OK)
		return ERR_CONFLICT;
	const struct dev_oscore *b = dev_oscore_of(a, DEV_ROLE_BOOTSTRAP);
	if (bootstraps && (!b || dev_context_try(h, b) != ERR_OK))
		return ERR_CONFLICT;
	return dev_context_try(h, o) == ERR_OK ? ERR_OK : ERR_CONFLICT;
}

enum err dev_accounts_from(struct dev_accounts *a, struct dev_texts *t,
	const struct dev_credentials *c, uint32_t lifetime_s)
{
	bool direct = c->server_uri[0] != 0;
	*a = (struct dev_accounts){
		.texts = t, .security_n = 1, .oscore_n = 1, .server_n = direct ? 1 : 0};
	struct dev_security *s = &a->security[0];
	struct dev_oscore *o = &a->oscore[0];
	set_defaults((uint8_t *)s, 0, 0);
	set_defaults((uint8_t *)o, 21, 0);
	set_defaults((uint8_t *)&a->server[0], 1, 0);
	a->server[0].lifetime_s = lifetime_s;
	s->bootstrap = !direct;
	s->ssid = direct ? SSID_DEFAULT : 0;
	s->oscore_iid = 0;
	memcpy(o->secret, c->master_secret, o->secret_n = c->secret_n);
	memcpy(o->salt, c->master_salt, o->salt_n = c->salt_n);
	memcpy(o->id_context, c->id_context, o->id_context_n = c->id_context_n);
	o->has_id_context = c->has_id_context;
	if (c->aead)
		o->aead = c->aead;
	if (c->hkdf)
		o->hkdf = c->hkdf;
	o->sender_id = c->sender_id;
	o->recipient_id = c->recipient_id;
	return dev_texts_take(
		t, span_str(direct ? c->server_uri : c->bootstrap_uri), DEV_URI_MAX, &s->uri);
}
