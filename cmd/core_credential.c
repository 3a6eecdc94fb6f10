/* SPDX-License-Identifier: Apache-2.0 */
/* What certificates, raw public keys and pre-shared keys have in common when an administrator
 * brings or takes them. */
#include "cmd/core_impl.h"

uint8_t core_role(bool bootstrap)
{
	return bootstrap ? REC_ROLE_BOOTSTRAP : REC_ROLE_SERVER;
}

const char *core_role_name(const struct ep_credential *k)
{
	return ep_credential_role(k) == REC_ROLE_BOOTSTRAP ? "bootstrap" : "server";
}

static enum err put(struct core *c, struct span name, const struct core_credential *k,
	struct turn *t, bool *changed)
{
	struct endpoint *e;
	uint8_t role = core_role(k->bootstrap);
	bool known = ep_find(&c->dir, name) != NULL;
	enum err err = ep_ensure(&c->dir, name, t, &e);
	if (!err && e->damaged == EP_DAMAGE_ROW)
		err = ERR_CORRUPT;
	if (err)
		return err;
	err = k->kind == EP_CREDENTIAL_PSK
		      ? ep_psk_put(&c->dir, e, role, k->identity, k->key, t, changed)
		      : ep_credential_put(&c->dir, e, k->kind, role, k->identity, t, changed);
	if (err && !known) { /* an endpoint that only this call would have made goes again */
		turn_rec(t, REC_ENDPOINT_DEL)->del.id = e->id;
		ep_forget(&c->dir, e);
	} else if (!err && *changed) {
		srv_recheck(c->srv, e, t);
	}
	return err;
}

void core_credential_put(struct core *c, struct span name, const struct core_credential *k,
	adm_done_fn *done, void *done_arg)
{
	uint64_t ticket;
	bool changed = false;
	if (!core_call_begin(c, done, done_arg, &ticket))
		return;
	enum err err = put(c, name, k, core_cur(c), &changed);
	if (err == ERR_EXISTS)
		core_refuse(c, ticket, 409, "conflict", "another endpoint has it in this role");
	else if (err)
		core_refuse_err(c, ticket, err);
	else
		turn_done(core_cur(c), ticket, changed ? 201 : 200, NULL, NULL);
}

void core_credential_delete(struct core *c, struct span name, uint8_t kind, bool bootstrap,
	adm_done_fn *done, void *done_arg)
{
	uint64_t ticket;
	if (!core_call_begin(c, done, done_arg, &ticket))
		return;
	struct turn *t = core_cur(c);
	struct endpoint *e = core_known(c, name, ticket);
	if (!e)
		return;
	if (ep_credential_remove(&c->dir, e, kind, core_role(bootstrap), t)) {
		core_refuse(c, ticket, 404, "no-credentials",
			"the endpoint has none of that kind and role");
		return;
	}
	srv_recheck(c->srv, e, t);
	turn_done(t, ticket, 204, NULL, NULL);
}
