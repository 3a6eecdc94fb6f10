/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and raw public keys of DTLS and TLS, as an administrator brings and takes them. */
#include "cmd/core_impl.h"

static const struct {
	uint8_t by;
	enum adm_peer_by as;
} forms[] = {{EP_X509_SHA256, ADM_PEER_SHA256}, {EP_X509_SUBJECT, ADM_PEER_SUBJECT},
	{EP_X509_NAME, ADM_PEER_NAME}};

enum { FORMS = sizeof(forms) / sizeof(*forms) };

static uint8_t kind_of(bool raw_key)
{
	return raw_key ? EP_CREDENTIAL_RAW_KEY : EP_CREDENTIAL_X509;
}

static uint8_t role_of(bool bootstrap)
{
	return bootstrap ? REC_ROLE_BOOTSTRAP : REC_ROLE_SERVER;
}

static struct adm_peer_view view(const struct ep_credential *k, bool raw_key)
{
	struct span s = ep_credential_identity(k);
	struct adm_peer_view v = {
		.role = ep_credential_role(k) == REC_ROLE_BOOTSTRAP ? "bootstrap" : "server",
		.by = ADM_PEER_RAW_KEY,
		.value = raw_key ? s : span_sub(s, 1, s.n)};
	for (size_t i = 0; i < FORMS && !raw_key; i++)
		if (forms[i].by == s.p[0])
			v.by = forms[i].as;
	return v;
}

enum err core_peer_list(void *arg, struct span name, bool raw_key, adm_peer_fn *fn, void *cb_arg)
{
	struct core *c = arg;
	const struct endpoint *e = core_find(c, name);
	if (!e)
		return core_not_found(c);
	for (int bootstrap = 1; bootstrap >= 0; bootstrap--) {
		const struct ep_credential *k =
			ep_credential_of(e, kind_of(raw_key), role_of(bootstrap));
		struct adm_peer_view v;
		if (!k)
			continue;
		v = view(k, raw_key);
		fn(cb_arg, &v);
	}
	return ERR_OK;
}

static struct span identity_of(const struct adm_peer *p, struct writer *w)
{
	for (size_t i = 0; i < FORMS; i++)
		if (forms[i].as == p->by)
			wr_u8(w, forms[i].by);
	wr_bytes(w, p->value);
	return w->err ? SPAN_EMPTY : wr_span(w);
}

/* An endpoint that only this call would have made goes again. */
static enum err put(
	struct core *c, struct span name, const struct adm_peer *p, struct turn *t, bool *changed)
{
	uint8_t text[EP_CREDENTIAL_ID_MAX];
	struct writer w = wr_make(text, sizeof(text));
	struct endpoint *e;
	bool known = ep_find(&c->dir, name) != NULL;
	enum err err = ep_ensure(&c->dir, name, t, &e);
	if (!err && e->damaged == EP_DAMAGE_ROW)
		err = ERR_CORRUPT;
	if (err)
		return err;
	err = ep_credential_put(&c->dir, e, kind_of(p->by == ADM_PEER_RAW_KEY),
		role_of(p->bootstrap), identity_of(p, &w), t, changed);
	if (err && !known) {
		turn_rec(t, REC_ENDPOINT_DEL)->del.id = e->id;
		ep_forget(&c->dir, e);
	} else if (!err && *changed) {
		srv_recheck(c->srv, e, t);
	}
	return err;
}

void core_peer_put(
	void *arg, struct span name, const struct adm_peer *p, adm_done_fn *done, void *done_arg)
{
	struct core *c = arg;
	uint64_t ticket;
	bool changed = false;
	if (!core_call_begin(c, done, done_arg, &ticket))
		return;
	enum err err = put(c, name, p, core_cur(c), &changed);
	if (err == ERR_EXISTS)
		core_refuse(c, ticket, 409, "conflict", "another endpoint has it in this role");
	else if (err)
		core_refuse_err(c, ticket, err);
	else
		turn_done(core_cur(c), ticket, changed ? 201 : 200, NULL, NULL);
}

void core_peer_delete(void *arg, struct span name, bool raw_key, bool bootstrap, adm_done_fn *done,
	void *done_arg)
{
	struct core *c = arg;
	uint64_t ticket;
	if (!core_call_begin(c, done, done_arg, &ticket))
		return;
	struct turn *t = core_cur(c);
	struct endpoint *e = core_known(c, name, ticket);
	if (!e)
		return;
	if (ep_credential_remove(&c->dir, e, kind_of(raw_key), role_of(bootstrap), t)) {
		core_refuse(c, ticket, 404, "no-credentials", "the endpoint has none of that role");
		return;
	}
	srv_recheck(c->srv, e, t);
	turn_done(t, ticket, 204, NULL, NULL);
}
