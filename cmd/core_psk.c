/* SPDX-License-Identifier: Apache-2.0 */
/* Pre-shared keys of DTLS, as an administrator brings and takes them. */
#include "cmd/core_impl.h"

static enum err list(const struct core *c, const struct endpoint *e, adm_psk_fn *fn, void *cb_arg)
{
	static const uint8_t roles[] = {REC_ROLE_BOOTSTRAP, REC_ROLE_SERVER};
	(void)c;
	for (size_t i = 0; i < sizeof(roles); i++) {
		const struct ep_credential *k = ep_psk_of(e, roles[i]);
		if (k)
			fn(cb_arg, &(struct adm_psk_view){.role = roles[i] == REC_ROLE_BOOTSTRAP
									  ? "bootstrap"
									  : "server",
					   .identity = ep_credential_identity(k)});
	}
	return ERR_OK;
}

enum err core_psk_list(void *arg, struct span name, adm_psk_fn *fn, void *cb_arg)
{
	struct core *c = arg;
	const struct endpoint *e = core_find(c, name);
	return e ? list(c, e, fn, cb_arg) : core_not_found(c);
}

/* An endpoint that only this call would have made goes again. */
static enum err put(
	struct core *c, struct span name, const struct adm_psk *p, struct turn *t, bool *changed)
{
	struct endpoint *e;
	bool known = ep_find(&c->dir, name) != NULL;
	enum err err = ep_ensure(&c->dir, name, t, &e);
	if (!err && e->damaged == EP_DAMAGE_ROW)
		err = ERR_CORRUPT;
	if (err)
		return err;
	err = ep_psk_put(&c->dir, e, p->bootstrap ? REC_ROLE_BOOTSTRAP : REC_ROLE_SERVER,
		p->identity, p->key, t, changed);
	if (err && !known) {
		turn_rec(t, REC_ENDPOINT_DEL)->del.id = e->id;
		ep_forget(&c->dir, e);
	} else if (!err && *changed) {
		srv_recheck(c->srv, e, t);
	}
	return err;
}

void core_psk_put(
	void *arg, struct span name, const struct adm_psk *p, adm_done_fn *done, void *done_arg)
{
	struct core *c = arg;
	uint64_t ticket;
	bool changed = false;
	if (!core_call_begin(c, done, done_arg, &ticket))
		return;
	enum err err = put(c, name, p, core_cur(c), &changed);
	if (err == ERR_EXISTS)
		core_refuse(c, ticket, 409, "conflict",
			"another endpoint has this identity in this role");
	else if (err)
		core_refuse_err(c, ticket, err);
	else
		turn_done(core_cur(c), ticket, changed ? 201 : 200, NULL, NULL);
}

void core_psk_delete(void *arg, struct span name, bool bootstrap, adm_done_fn *done, void *done_arg)
{
	struct core *c = arg;
	uint64_t ticket;
	if (!core_call_begin(c, done, done_arg, &ticket))
		return;
	struct turn *t = core_cur(c);
	struct endpoint *e = core_known(c, name, ticket);
	if (!e)
		return;
	if (ep_psk_remove(&c->dir, e, bootstrap ? REC_ROLE_BOOTSTRAP : REC_ROLE_SERVER, t)) {
		core_refuse(
			c, ticket, 404, "no-credentials", "the endpoint has no PSK of that role");
		return;
	}
	srv_recheck(c->srv, e, t);
	turn_done(t, ticket, 204, NULL, NULL);
}
