/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints and their credentials, as an administrator brings them. */
#include "cmd/core_impl.h"

#include <stdio.h>
#include <string.h>

/* What one call, or one line of an import, brings. */
struct bringing {
	struct span endpoint;
	const struct adm_settings *settings; /* NULL: none */
	const struct adm_oscore *oscore;
	size_t oscore_n;
	struct span plan; /* empty: none */
	bool replace;
	bool made;            /* a context is new */
	const char *field;    /* at fault */
	struct bs_refusal no; /* ERR_SYNTAX: what is wrong with the plan */
};

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

static bool has_others(const struct ep_context *than)
{
	const struct ep_context *x = than->endpoint->contexts;
	while (x && (x == than || x->role != than->role))
		x = x->next_of_endpoint;
	return x != NULL;
}

/* Finds or makes the context; *made is the new one, or NULL. */
static enum err add_context(struct core *c, struct endpoint *e, const struct adm_oscore *o,
	bool replace, struct turn *t, struct ep_context **made)
{
	struct ep_context *x;
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
		.replaces = replace,
		.ssn_start = o->sender_seq,
		.highest = o->has_recipient_seq ? o->recipient_seq : UINT64_MAX};
	size_t before = c->dir.context_n;
	*made = NULL;
	enum err err = ep_context_add(&c->dir, e, &in, t, &x);
	if (err || c->dir.context_n == before)
		return err;
	*made = x;
	return !replace && has_others(x) ? ERR_STATE : ERR_OK;
}

/* All contexts or none. */
static enum err add_contexts(struct core *c, struct endpoint *e, struct bringing *b, struct turn *t)
{
	struct ep_context *made[ADM_IMPORT_CONTEXTS] = {NULL};
	enum err err = ERR_OK;
	size_t n = 0;
	for (; n < b->oscore_n && !err; n++)
		err = add_context(c, e, &b->oscore[n], b->replace, t, &made[n]);
	for (size_t i = 0; i < n; i++) {
		if (!made[i])
			continue;
		b->made = true;
		if (err)
			ep_context_take_back(&c->dir, made[i], t);
		else
			replace_others(c, made[i], t);
	}
	if (err)
		b->field = "credentials.oscore";
	return err;
}

static enum err apply_pace(struct endpoint *e, const struct adm_settings *s)
{
	struct pace p = ep_pace(e);
	if (s->has_block_size)
		p.block_bytes = s->pace.block_bytes;
	if (s->has_message_size)
		p.message_bytes = s->pace.message_bytes;
	if (s->has_ack_timeout)
		p.ack_timeout_ms = s->pace.ack_timeout_ms;
	if (s->has_max_retransmit)
		p.max_retransmit = s->pace.max_retransmit;
	if (s->has_nstart)
		p.nstart = s->pace.nstart;
	return ep_set_pace(e, &p);
}

static enum err apply_settings(
	struct core *c, struct endpoint *e, const struct adm_settings *s, struct turn *t)
{
	enum err err = ERR_OK;
	if (s->has_bs_ep)
		err = ep_set_bs_ep(e, s->bs_ep);
	if (!err && s->has_rd_ep)
		err = ep_set_rd_ep(e, s->rd_ep);
	if (!err)
		err = apply_pace(e, s);
	if (err)
		return err;
	if (s->has_freshness)
		e->freshness = (uint8_t)s->freshness;
	if (s->has_require && (err = ep_set_require(e, s->require)))
		return err;
	if (s->has_oscore_version)
		e->oscore_version = s->oscore_version;
	if (s->has_nosec && s->nosec != e->allow_nosec) {
		e->allow_nosec = s->nosec;
		c->dir.nosec_n += s->nosec ? 1 : (size_t)-1;
	}
	ep_record(t, e);
	return ERR_OK;
}

static bool bad_alias(bool has, struct span s)
{
	return has && (s.n > 255 || (s.n && memchr(s.p, 0, s.n)));
}

/* What can be refused without a look at the directory comes first. */
static enum err check(struct bringing *b)
{
	const struct adm_settings *s = b->settings;
	struct bs_plan *plan = NULL;
	if (s && (bad_alias(s->has_bs_ep, s->bs_ep) || bad_alias(s->has_rd_ep, s->rd_ep)))
		return ERR_RANGE;
	enum err err = b->plan.n ? bs_plan_parse(b->plan, BS_PLAN_OWN, &plan, &b->no) : ERR_OK;
	bs_plan_unref(plan);
	if (err)
		b->field = "plan";
	return err;
}

/* Done whole or, on an error, not at all. Out of memory it may be half done in memory, and the turn
 * fails: what is stored is loaded afresh. */
static enum err bring(struct core *c, struct bringing *b, struct turn *t)
{
	struct endpoint *e;
	bool known_before = ep_find(&c->dir, b->endpoint) != NULL;
	enum err err = check(b);
	if (!err)
		err = ep_ensure(&c->dir, b->endpoint, t, &e);
	if (!err && e->damaged == EP_DAMAGE_ROW)
		err = ERR_CORRUPT;
	if (err)
		return err;
	err = add_contexts(c, e, b, t);
	if (err && !known_before) {
		turn_rec(t, REC_ENDPOINT_DEL)->del.id = e->id;
		ep_forget(&c->dir, e);
	}
	if (err)
		return err;
	if (b->settings)
		err = apply_settings(c, e, b->settings, t);
	if (!err && b->plan.n)
		err = bs_plan_put(c->bs, e, b->plan, t, &b->no);
	if (err && !t->err)
		t->err = err;
	if (b->settings || b->made)
		srv_recheck(c->srv, e, t);
	return err;
}

static void run(struct core *c, struct bringing *b, adm_done_fn *done, void *done_arg)
{
	uint64_t ticket;
	struct turn *t = core_cur(c);
	if (!core_call_begin(c, done, done_arg, &ticket))
		return;
	enum err err = bring(c, b, t);
	if (err)
		core_refuse_err(c, ticket, err);
	else
		turn_done(t, ticket, b->made ? 201 : 200, NULL, NULL);
}

void core_endpoint_put(void *arg, struct span name, const struct adm_settings *s, adm_done_fn *done,
	void *done_arg)
{
	struct bringing b = {.endpoint = name, .settings = s};
	run(arg, &b, done, done_arg);
}

void core_oscore_put(
	void *arg, struct span name, const struct adm_oscore *o, adm_done_fn *done, void *done_arg)
{
	struct bringing b = {.endpoint = name, .oscore = o, .oscore_n = 1, .replace = true};
	run(arg, &b, done, done_arg);
}

/* ---- many at once */

static bool wants_settings(const struct adm_settings *s)
{
	return s->has_bs_ep || s->has_rd_ep || s->has_freshness || s->has_nosec ||
	       s->has_oscore_version || s->has_require || s->has_block_size ||
	       s->has_message_size || s->has_ack_timeout || s->has_max_retransmit || s->has_nstart;
}

static void import_line(struct core *c, struct adm_import *l, bool replace, struct turn *t)
{
	bool known_before = ep_find(&c->dir, l->endpoint) != NULL;
	struct bringing b = {.endpoint = l->endpoint,
		.settings = wants_settings(&l->settings) ? &l->settings : NULL,
		.oscore = l->oscore,
		.oscore_n = l->oscore_n,
		.plan = l->plan,
		.replace = replace};
	enum err err = bring(c, &b, t);
	if (!err) {
		l->status = b.made || b.settings || b.plan.n || !known_before ? 201 : 200;
		return;
	}
	struct core_refusal r = core_refusal_of(err);
	if (err == ERR_SYNTAX)
		r = (struct core_refusal){422, "invalid", b.no.text};
	l->status = r.status;
	l->type = r.type;
	snprintf(l->detail, sizeof(l->detail), "%s", r.detail);
	snprintf(l->field, sizeof(l->field), "%s%s%.50s", b.field ? b.field : "",
		*b.no.field ? "." : "", b.no.field);
}

void core_import(void *arg, struct adm_import *lines, size_t n, bool replace, adm_done_fn *done,
	void *done_arg)
{
	struct core *c = arg;
	uint64_t ticket;
	struct turn *t = core_cur(c);
	if (!core_call_begin(c, done, done_arg, &ticket))
		return;
	for (size_t i = 0; i < n && !t->err; i++)
		if (!lines[i].status)
			import_line(c, &lines[i], replace, t);
	turn_done(t, ticket, 200, NULL, NULL);
}
