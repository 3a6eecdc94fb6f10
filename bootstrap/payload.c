/* SPDX-License-Identifier: Apache-2.0 */
/* How accounts and rights are written into Objects 0, 1, 2 and 21. */
#include "base/alg.h"
#include "bootstrap/session.h"
#include "lwm2m/format.h"

#include <stdlib.h>
#include <string.h>

enum { RESOURCES_MAX = 16 };

/* Resources of one Object Instance, on their way to a payload. */
struct writing {
	uint16_t oid, iid;
	struct lwm_record v[RESOURCES_MAX];
	size_t n;
};

static struct lwm_value *add(struct writing *o, uint16_t rid, enum lwm_type type)
{
	struct lwm_record *r = &o->v[o->n++];
	*r = (struct lwm_record){.kind = LWM_RECORD_VALUE,
		.path = {.n = 3, .id = {o->oid, o->iid, rid}},
		.value = {.type = type}};
	return &r->value;
}

static void add_integer(struct writing *o, uint16_t rid, int64_t i)
{
	add(o, rid, LWM_INTEGER)->i = i;
}

static void add_unsigned(struct writing *o, uint16_t rid, uint64_t u)
{
	add(o, rid, LWM_UNSIGNED)->u = u;
}

static void add_boolean(struct writing *o, uint16_t rid, bool b)
{
	add(o, rid, LWM_BOOLEAN)->b = b;
}

static void add_bytes(struct writing *o, uint16_t rid, enum lwm_type type, struct span s)
{
	add(o, rid, type)->bytes = s;
}

/* To its instance of Object 21. */
static void add_link(struct writing *o, const struct bs_keys *k)
{
	struct lwm_value *link = add(o, 17, LWM_OBJLNK);
	link->link.oid = 21;
	link->link.iid = k->iid;
}

/* What the mode does not use is left out (BS-26). */
static void security(const struct bs_session *s, size_t at, struct writing *o)
{
	const struct bs_account *a = &s->plan->account[at];
	add_bytes(o, 0, LWM_STRING, span_str(a->uri));
	add_boolean(o, 1, false);
	add_integer(o, 2, a->mode); /* OSCORE alone: NoSec and a link to Object 21 (OSC-01) */
	if (a->identity.n)
		add_bytes(o, 3, LWM_OPAQUE, a->identity);
	if (a->server_key.n)
		add_bytes(o, 4, LWM_OPAQUE, a->server_key);
	if (a->secret.n)
		add_bytes(o, 5, LWM_OPAQUE, a->secret);
	add_integer(o, 10, a->ssid);
	if (a->matching_type >= 0)
		add_unsigned(o, 13, (uint64_t)a->matching_type);
	if (a->sni)
		add_bytes(o, 14, LWM_STRING, span_str(a->sni));
	if (a->certificate_usage >= 0)
		add_unsigned(o, 15, (uint64_t)a->certificate_usage);
	if (a != s->drawn)
		return;
	add_link(o, &s->keys[BS_KEYS_SERVER]);
}

/* Without a Short Server ID: it is none of a server (BS-25). */
static void bootstrap(const struct bs_session *s, struct writing *o)
{
	const struct bs_renewal *r = s->plan->renewal;
	add_bytes(o, 0, LWM_STRING, span_str(r->uri));
	add_boolean(o, 1, true);
	add_integer(o, 2, BS_MODE_NOSEC);
	if (r->hold_off_s)
		add_integer(o, 11, r->hold_off_s);
	if (r->timeout_s)
		add_integer(o, 12, r->timeout_s);
	add_link(o, &s->keys[BS_KEYS_BOOTSTRAP]);
}

static void server(const struct bs_session *s, size_t at, struct writing *o)
{
	const struct bs_account *a = &s->plan->account[at];
	add_integer(o, 0, a->ssid);
	add_integer(o, 1, a->lifetime_s);
	if (a->pmin_s)
		add_integer(o, 2, a->pmin_s);
	if (a->pmax_s)
		add_integer(o, 3, a->pmax_s);
	add_boolean(o, 6, a->notification_storing);
	add_bytes(o, 7, LWM_STRING, span_str(a->binding));
	for (unsigned i = 0, n = 0; i < BS_LWM2M_N; i++) {
		if (!(a->lwm2m >> i & 1))
			continue;
		add_bytes(o, 25, LWM_STRING, span_str(bs_lwm2m_versions[i]));
		o->v[o->n - 1].path.n = 4;
		o->v[o->n - 1].path.id[3] = (uint16_t)n++;
	}
	if (a->profile_hash)
		add_unsigned(o, 27, a->profile_hash);
}

/* Where rights are given at all, each server owns its own account, which nobody else is shown. */
static void own_account(const struct bs_session *s, size_t at, struct writing *o)
{
	add_integer(o, 0, 1);
	add_integer(o, 1, s->server_iid[at]);
	add_integer(o, 3, s->plan->account[at].ssid);
}

static void access_entry(const struct bs_access *a, struct writing *o)
{
	add_integer(o, 0, a->oid);
	add_integer(o, 1, a->iid);
	for (size_t i = 0; i < a->right_n; i++) {
		add_integer(o, 2, a->right[i].rights);
		struct lwm_path *p = &o->v[o->n - 1].path;
		p->n = 4;
		p->id[3] = a->right[i].ssid;
	}
	add_integer(o, 3, a->owner);
}

/* The accounts' own come first, but for those that the plan has entries for. */
static bool is_given(const struct bs_session *s, size_t account)
{
	for (size_t i = 0; i < s->plan->access_n; i++)
		if (s->plan->access[i].oid == 1 && s->plan->access[i].iid == s->server_iid[account])
			return true;
	return false;
}

static void access_at(const struct bs_session *s, size_t at, struct writing *o)
{
	for (size_t k = 0; k < s->plan->account_n; k++) {
		if (is_given(s, k))
			continue;
		if (!at--) {
			own_account(s, k, o);
			return;
		}
	}
	access_entry(&s->plan->access[at], o);
}

static size_t access_count(const struct bs_session *s)
{
	size_t n = s->plan->access_n;
	for (size_t k = 0; s->plan->access_n && k < s->plan->account_n; k++)
		n += !is_given(s, k);
	return n;
}

bool bs_gives_rights(const struct bs_session *s, uint16_t oid, uint16_t target)
{
	for (size_t i = 0; i < s->plan->access_n; i++)
		if (s->plan->access[i].oid == oid && s->plan->access[i].iid == target)
			return true;
	for (size_t k = 0; s->plan->access_n && k < s->plan->account_n; k++)
		if (oid == 1 && s->server_iid[k] == target)
			return true;
	return false;
}

bool bs_keys_are_text(const struct bs_session *s)
{
	uint8_t version = s->endpoint->oscore_version;
	if (!version)
		version = s->found.oscore_version;
	if (!version) /* what a client that leaves it out means */
		version = lwm_default_version(21, s->found.lwm2m ? s->found.lwm2m : 11);
	return s->format != LWM_CF_TLV && version < 20;
}

/* A type that Object 21 was not told to have may be another one. Only text can be told as both. */
static bool type_is_guessed(const struct bs_session *s)
{
	return bs_keys_are_text(s) && !s->endpoint->oscore_version && !s->found.oscore_version;
}

bool bs_respell(struct bs_session *s)
{
	bool other = false;
	for (size_t i = 0; i < BS_KEYS; i++)
		other |= s->keys[i].params &&
			 (s->keys[i].params->hkdf != ALG_HKDF_SHA256 || type_is_guessed(s));
	other &= !s->respelt;
	s->respelt |= other;
	return other;
}

/* Ids as the device sees them: what it sends with is what we receive with (OSC-03). Algorithms are
 * left out at their defaults (CT-101). */
static void oscore(const struct bs_session *s, const struct bs_keys *k, struct writing *o)
{
	const struct bs_oscore *p = k->params;
	bool text = bs_keys_are_text(s) && !(s->respelt && type_is_guessed(s));
	enum lwm_type type = text ? LWM_STRING : LWM_OPAQUE;
	add_bytes(o, 0, type, span_make(k->secret, k->secret_n));
	add_bytes(o, 1, type, ep_recipient_id(k->made));
	add_bytes(o, 2, type, ep_sender_id(k->made));
	if (p->aead != ALG_AES_CCM_16_64_128)
		add_integer(o, 3, p->aead);
	if (p->hkdf != ALG_HKDF_SHA256)
		add_integer(
			o, 4, p->hkdf_number != s->respelt ? p->hkdf : alg_hmac_number(p->hkdf));
	add_bytes(o, 5, type, SPAN_OF(k->salt));
	if (k->made->has_id_context)
		add_bytes(o, 6, type, ep_id_context(k->made));
}

size_t bs_write_count(const struct bs_session *s, enum bs_step step)
{
	switch (step) {
	case BS_WRITE_SECURITY:
	case BS_WRITE_SERVER:
		return s->plan->account_n;
	case BS_WRITE_ACCESS:
		return access_count(s);
	case BS_WRITE_OSCORE:
		return (s->keys[BS_KEYS_SERVER].params ? 1u : 0u) +
		       (s->keys[BS_KEYS_BOOTSTRAP].params ? 1u : 0u);
	case BS_WRITE_BOOTSTRAP:
		return s->plan->renewal ? 1 : 0;
	case BS_DISCOVER:
	case BS_READ:
	case BS_DELETE:
	case BS_FINISH:
	case BS_REFUSED:
		break;
	}
	return 0;
}

static const struct bs_keys *keys_at(const struct bs_session *s, size_t at)
{
	return &s->keys[s->keys[BS_KEYS_SERVER].params && !at ? BS_KEYS_SERVER : BS_KEYS_BOOTSTRAP];
}

static void collect(const struct bs_session *s, struct writing *o)
{
	const struct bs_keys *k;
	switch (s->step) {
	case BS_WRITE_SECURITY:
		*o = (struct writing){.oid = 0, .iid = s->security_iid[s->at]};
		security(s, s->at, o);
		return;
	case BS_WRITE_SERVER:
		*o = (struct writing){.oid = 1, .iid = s->server_iid[s->at]};
		server(s, s->at, o);
		return;
	case BS_WRITE_ACCESS:
		*o = (struct writing){.oid = 2, .iid = bs_access_instance(s, s->at)};
		access_at(s, s->at, o);
		return;
	case BS_WRITE_OSCORE:
		k = keys_at(s, s->at);
		*o = (struct writing){.oid = 21, .iid = k->iid};
		oscore(s, k, o);
		return;
	case BS_WRITE_BOOTSTRAP:
		*o = (struct writing){.iid = s->security_iid[s->plan->account_n]};
		bootstrap(s, o);
		return;
	case BS_DISCOVER:
	case BS_READ:
	case BS_DELETE:
	case BS_FINISH:
	case BS_REFUSED:
		break;
	}
}

enum err bs_write_all(struct bs_session *s, struct writer *w)
{
	size_t n = 0, cap = 0;
	for (s->step = BS_WRITE_SECURITY; s->step < BS_FINISH; s->step++)
		cap += RESOURCES_MAX * bs_write_count(s, s->step);
	struct lwm_record *v = calloc(cap + 1, sizeof(*v));
	if (!v)
		return ERR_NOMEM;
	for (s->step = BS_WRITE_SECURITY; s->step < BS_FINISH; s->step++)
		for (s->at = 0; s->at < bs_write_count(s, s->step); s->at++) {
			struct writing o = {0};
			collect(s, &o);
			memcpy(&v[n], o.v, o.n * sizeof(*v));
			n += o.n;
		}
	enum err err = lwm_format(s->format)->encode(v, n, &(struct lwm_path){0}, NULL, w);
	free(v);
	return err;
}

enum err bs_write_one(const struct bs_session *s, struct lwm_path *path, struct writer *w)
{
	struct writing o = {0};
	collect(s, &o);
	*path = (struct lwm_path){.n = 2, .id = {o.oid, o.iid}};
	return lwm_format(s->format)->encode(o.v, o.n, path, NULL, w);
}
