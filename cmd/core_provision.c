/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints and their credentials, as an administrator brings them. */
#include "cmd/core_impl.h"

/* The role's other contexts make room once the new one stands: a provisioned credential replaces.
 */
static void replace_others(struct core *c, struct ep_context *keep, struct turn *t)
{
	for (struct ep_context *x = keep->endpoint->contexts, *next; x; x = next) {
		next = x->next_of_endpoint;
		if (x != keep && x->role == keep->role)
			core_remove_context(c, x, t);
	}
}

void core_endpoint_put(void *arg, struct span name, const struct adm_settings *s, adm_done_fn *done,
	void *done_arg)
{
	struct core *c = arg;
	uint64_t ticket;
	struct endpoint *e;
	struct turn *t = core_cur(c);
	if (!core_call_begin(c, done, done_arg, &ticket))
		return;
	/* A refused call changes nothing: what can fail comes first. */
	enum err err = s->has_bs_ep && s->bs_ep.n > 255 ? ERR_RANGE : ERR_OK;
	if (s->has_rd_ep && s->rd_ep.n > 255)
		err = ERR_RANGE;
	if (!err)
		err = ep_ensure(&c->dir, name, t, &e);
	if (!err && s->has_bs_ep)
		err = ep_set_alias(&e->bs_ep, e, s->bs_ep);
	if (!err && s->has_rd_ep)
		err = ep_set_alias(&e->rd_ep, e, s->rd_ep);
	if (err) {
		core_refuse_err(c, ticket, err);
		return;
	}
	if (s->has_freshness)
		e->freshness = (uint8_t)s->freshness;
	if (s->has_oscore_version)
		e->oscore_version = s->oscore_version;
	if (s->has_nosec && s->nosec != e->allow_nosec) {
		e->allow_nosec = s->nosec;
		c->dir.nosec_n += s->nosec ? 1 : (size_t)-1;
	}
	ep_record(t, e);
	srv_recheck(c->srv, e, t);
	turn_done(t, ticket, 200, NULL, NULL);
}

void core_oscore_put(
	void *arg, struct span name, const struct adm_oscore *o, adm_done_fn *done, void *done_arg)
{
	struct core *c = arg;
	uint64_t ticket;
	struct endpoint *e;
	struct ep_context *x;
	struct turn *t = core_cur(c);
	if (!core_call_begin(c, done, done_arg, &ticket))
		return;
	struct ep_context_input in = {.params = {.aead = o->aead,
					      .hkdf = o->hkdf,
					      .master_secret = o->master_secret,
					      .master_salt = o->master_salt,
					      .sender_id = o->sender_id,
					      .recipient_id = o->recipient_id,
					      .has_id_context = o->has_id_context,
					      .id_context = o->id_context},
		.role = o->bootstrap ? REC_ROLE_BOOTSTRAP : REC_ROLE_SERVER,
		.origin = REC_ORIGIN_IMPORTED,
		.generation = REC_GEN_USED,
		.replaces = true,
		.ssn_start = o->sender_seq,
		.highest = o->has_recipient_seq ? o->recipient_seq : UINT64_MAX};
	size_t before = c->dir.context_n;
	bool known_before = ep_find(&c->dir, name) != NULL;
	enum err err = ep_ensure(&c->dir, name, t, &e);
	if (err) {
		core_refuse_err(c, ticket, err);
		return;
	}
	err = ep_context_add(&c->dir, e, &in, t, &x);
	if (err && !known_before) { /* a refused call changes nothing */
		turn_rec(t, REC_ENDPOINT_DEL)->del.id = e->id;
		ep_forget(&c->dir, e);
	}
	if (err) {
		core_refuse_err(c, ticket, err);
		return;
	}
	bool made = c->dir.context_n > before;
	if (made) {
		replace_others(c, x, t);
		srv_recheck(c->srv, e, t);
	}
	turn_done(t, ticket, made ? 201 : 200, NULL, NULL);
}
