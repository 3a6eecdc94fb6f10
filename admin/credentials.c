/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/body.h"
#include "admin/etag.h"
#include "admin/routes.h"
#include "base/text.h"

/* What stays as it was put. */
static void fixed_out(struct jo *o, const struct adm_context_view *v)
{
	jo_u64(o, "id", v->id);
	jo_str(o, "role", v->role);
	jo_str(o, "origin", v->origin);
	jo_hex(o, "sender_id", v->sender_id);
	jo_hex(o, "recipient_id", v->recipient_id);
	if (v->id_context.p)
		jo_hex(o, "id_context", v->id_context);
	else
		jo_null(o, "id_context");
	jo_i64(o, "aead", v->aead);
	jo_i64(o, "hkdf", v->hkdf);
}

static void context_out(void *cb_arg, const struct adm_context_view *v)
{
	struct jo *o = cb_arg;

	jo_object(o, NULL);
	fixed_out(o, v);
	jo_str(o, "generation", v->generation);
	jo_u64(o, "sender_next", v->sender_next);
	jo_u64(o, "sender_limit", v->sender_limit);
	if (v->received_any)
		jo_u64(o, "highest", v->highest);
	else
		jo_null(o, "highest");
	jo_bool(o, "fresh", v->fresh);
	jo_bool(o, "stale", v->stale);
	jo_u64(o, "replays", v->replays);
	jo_u64(o, "auth_failures", v->auth_failures);
	jo_u64(o, "auth_failures_limit", v->auth_failures_limit);
	jo_u64(o, "encryptions", v->encryptions);
	jo_u64(o, "encryptions_limit", v->encryptions_limit);
	jo_time(o, "created", v->created_wall_s);
	jo_time(o, "rotation", v->rotation_wall_s);
	jo_end_object(o);
}

static void tag_row(void *cb_arg, const struct adm_context_view *v)
{
	jo_object(cb_arg, NULL);
	fixed_out(cb_arg, v);
	jo_end_object(cb_arg);
}

/* They are there when there is one of either role. */
bool credentials_tag(struct adm_req *r, uint64_t *tag)
{
	struct jo o = {0};
	enum err e = r->adm->ops.context_list(r->adm->ops.arg, r->endpoint, tag_row, &o);
	bool exists = e == ERR_OK && o.n;

	*tag = etag_hash(r->adm, span_make(o.p, o.n));
	jo_free(&o);
	return exists;
}

void credentials_get(struct adm_req *r)
{
	struct jo o = {0};
	enum err e;

	req_list_begin(r, &o, "contexts");
	e = r->adm->ops.context_list(r->adm->ops.arg, r->endpoint, context_out, &o);
	req_list_end(r, &o, e);
}

/* The secrets are in r's arena, as the body is; both go with the request. */
void credentials_put(struct adm_req *r)
{
	struct adm_oscore o;

	if (!body_oscore(r->body, &r->arena, &o, &r->fail))
		req_fail(r);
	else
		r->adm->ops.oscore_put(r->adm->ops.arg, r->endpoint, &o, req_done, r);
}

/* The role that a deletion names; false: another word. */
static bool role_param(struct adm_req *r, bool *bootstrap)
{
	const struct span *role = url_param(&r->url, "role");

	*bootstrap = role && span_eq_str(*role, "bootstrap");
	if (!role || *bootstrap || span_eq_str(*role, "server"))
		return true;
	adm_fail_set(&r->fail, 400, "bad-request", "role", "role must be server or bootstrap");
	req_fail(r);
	return false;
}

void credentials_delete(struct adm_req *r)
{
	bool bootstrap;

	if (role_param(r, &bootstrap))
		r->adm->ops.oscore_delete(r->adm->ops.arg, r->endpoint, bootstrap, req_done, r);
}

/* ---- pre-shared keys of DTLS */

static void psk_out(void *cb_arg, const struct adm_psk_view *v)
{
	struct jo *o = cb_arg;

	jo_object(o, NULL);
	jo_str(o, "role", v->role);
	if (utf8_valid(v->identity))
		jo_text(o, "identity", v->identity);
	else
		jo_null(o, "identity");
	jo_hex(o, "identity_hex", v->identity);
	jo_end_object(o);
}

void psks_get(struct adm_req *r)
{
	struct jo o = {0};
	enum err e;

	req_list_begin(r, &o, "psks");
	e = r->adm->ops.psk_list(r->adm->ops.arg, r->endpoint, psk_out, &o);
	req_list_end(r, &o, e);
}

void psk_put(struct adm_req *r)
{
	struct adm_psk p;

	if (!body_psk(r->body, &r->arena, &p, &r->fail))
		req_fail(r);
	else
		r->adm->ops.psk_put(r->adm->ops.arg, r->endpoint, &p, req_done, r);
}

void psk_delete(struct adm_req *r)
{
	bool bootstrap;

	if (role_param(r, &bootstrap))
		r->adm->ops.psk_delete(r->adm->ops.arg, r->endpoint, bootstrap, req_done, r);
}

/* ---- certificates and raw public keys */

static void peer_out(void *cb_arg, const struct adm_peer_view *v)
{
	static const char *const member[] = {[ADM_PEER_SHA256] = "sha256",
		[ADM_PEER_SUBJECT] = "subject",
		[ADM_PEER_NAME] = "name",
		[ADM_PEER_RAW_KEY] = "public_key"};
	struct jo *o = cb_arg;

	jo_object(o, NULL);
	jo_str(o, "role", v->role);
	if (v->by == ADM_PEER_SHA256 || v->by == ADM_PEER_RAW_KEY)
		jo_hex(o, member[v->by], v->value);
	else
		jo_text(o, member[v->by], v->value);
	jo_end_object(o);
}

static void peers_get(struct adm_req *r, bool raw_key)
{
	struct jo o = {0};
	enum err e;

	req_list_begin(r, &o, raw_key ? "public_keys" : "certificates");
	e = r->adm->ops.peer_list(r->adm->ops.arg, r->endpoint, raw_key, peer_out, &o);
	req_list_end(r, &o, e);
}

static void peer_put(struct adm_req *r, bool raw_key)
{
	struct adm_peer p;

	if (!body_peer(r->body, raw_key, &r->arena, &p, &r->fail))
		req_fail(r);
	else
		r->adm->ops.peer_put(r->adm->ops.arg, r->endpoint, &p, req_done, r);
}

static void peer_delete(struct adm_req *r, bool raw_key)
{
	bool bootstrap;

	if (role_param(r, &bootstrap))
		r->adm->ops.peer_delete(
			r->adm->ops.arg, r->endpoint, raw_key, bootstrap, req_done, r);
}

void x509_get(struct adm_req *r)
{
	peers_get(r, false);
}

void x509_put(struct adm_req *r)
{
	peer_put(r, false);
}

void x509_delete(struct adm_req *r)
{
	peer_delete(r, false);
}

void rpk_get(struct adm_req *r)
{
	peers_get(r, true);
}

void rpk_put(struct adm_req *r)
{
	peer_put(r, true);
}

void rpk_delete(struct adm_req *r)
{
	peer_delete(r, true);
}

void oscore_decode_post(struct adm_req *r)
{
	struct adm_decode d;
	struct span json;
	struct jo o = {0};
	enum err e;

	if (!body_decode(r->body, &r->arena, &d, &r->fail)) {
		req_fail(r);
		return;
	}
	e = r->adm->ops.oscore_decode(r->adm->ops.arg, r->endpoint, &d, &json);
	if (e) {
		req_err(r, e);
		return;
	}
	jo_object(&o, NULL);
	jo_text(&o, "endpoint", r->endpoint);
	jo_json(&o, "message", json);
	jo_end_object(&o);
	req_json(r, 200, &o);
}
