/* SPDX-License-Identifier: Apache-2.0 */
/* From what is stored to engines that run: at start, and after storage has failed. */
#include "cmd/core_impl.h"

#include "admin/render.h"
#include "base/heap.h"

#include <stdlib.h>
#include <string.h>

enum { DEDUP_BYTES = 256 << 20, NOSEC_PEERS = 65536 };

/* Rows name endpoints and contexts by id; only loading needs to find them so. By rising id, as a
 * store tells them, and most often asked for in that order too. */
struct by_id {
	uint64_t id;
	void *item;
};

struct ids {
	struct by_id *v;
	size_t n, cap;
	size_t at; /* where the last search ended */
};

struct loading {
	struct core *c;
	struct ids endpoints, contexts;
	struct store_info info; /* filled before the first row comes */
	uint64_t astray;        /* of the endpoints that are not there: the last that was told */
	struct turn *t;
};

/* The first that is not below `id`. */
static size_t lower_bound(const struct ids *s, uint64_t id)
{
	size_t from = 0, n = s->n;
	while (n) {
		size_t half = n / 2;
		if (s->v[from + half].id < id) {
			from += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return from;
}

static void *find(struct ids *s, uint64_t id)
{
	for (size_t at = s->at; at < s->n && at < s->at + 2; at++) {
		if (s->v[at].id == id)
			return s->v[s->at = at].item;
	}
	size_t at = lower_bound(s, id);
	if (at == s->n || s->v[at].id != id)
		return NULL;
	return s->v[s->at = at].item;
}

static enum err keep(struct ids *s, uint64_t id, void *item)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 1024;
		struct by_id *v = realloc(s->v, cap * sizeof(*v));
		if (!v)
			return ERR_NOMEM;
		s->v = v;
		s->cap = cap;
	}
	size_t at = s->n && s->v[s->n - 1].id >= id ? lower_bound(s, id) : s->n;
	if (at < s->n && s->v[at].id == id)
		return ERR_CORRUPT;
	memmove(&s->v[at + 1], &s->v[at], (s->n - at) * sizeof(*s->v));
	s->v[at] = (struct by_id){id, item};
	s->n++;
	return ERR_OK;
}

static enum err new_engines(struct core *c, const struct store_info *info);

/* The engines, made when the first row needs them. */
static enum err engines(struct loading *l)
{
	return l->c->up ? ERR_OK : new_engines(l->c, &l->info);
}

static enum err on_endpoint(void *arg, const struct rec_endpoint *r)
{
	struct loading *l = arg;
	struct endpoint *e;
	enum err err = engines(l);
	if (err)
		return err;
	heap_grown();
	err = ep_load_endpoint(&l->c->dir, r, &e);
	if (err && err != ERR_NOMEM && r->damaged)
		return ERR_OK; /* no name, or another's */
	return err ? err : keep(&l->endpoints, r->id, e);
}

/* Whoever it concerns is not served; the others are. */
static enum err on_damage(void *arg, const struct rec_damage *r)
{
	struct loading *l = arg;
	struct core *c = l->c;
	struct endpoint *e = find(&l->endpoints, r->endpoint_id);
	enum err err = engines(l);
	if (err)
		return err;
	c->damaged += !r->deleted && !r->mended;
	ep_load_lost(&c->dir, r->ssn_limit);
	if (c->opts.io.damaged)
		c->opts.io.damaged(c->opts.io.arg, r, e ? ep_name(e) : SPAN_EMPTY);
	if (!strcmp(r->table, "plans") && (e || !r->endpoint_id))
		return bs_load_no_plan(c->bs, e);
	bool keys = !strcmp(r->table, "contexts") || !strcmp(r->table, "hot") ||
		    !strcmp(r->table, "credentials");
	if (keys && e && !e->damaged)
		e->damaged = EP_DAMAGE_KEYS;
	return ERR_OK;
}

/* The endpoint of a row is lost, or has another id: told once. */
static enum err astray(struct loading *l, uint64_t endpoint_id)
{
	const struct rec_damage r = {
		.table = "endpoints", .row = endpoint_id, .endpoint_id = endpoint_id};
	if (l->astray == endpoint_id)
		return ERR_OK;
	l->astray = endpoint_id;
	return on_damage(l, &r);
}

static enum err on_context(void *arg, const struct rec_context *r)
{
	struct loading *l = arg;
	struct endpoint *e = find(&l->endpoints, r->endpoint_id);
	struct ep_context *x;
	enum err err = engines(l);
	if (err)
		return err;
	if (!e)
		err = astray(l, r->endpoint_id);
	if (err)
		return err;
	if (!e || e->damaged == EP_DAMAGE_ROW)
		return ep_load_withheld(&l->c->dir, r);
	heap_grown();
	err = ep_load_context(&l->c->dir, e, r, &x);
	return err ? err : keep(&l->contexts, r->id, x);
}

static enum err on_credential(void *arg, const struct rec_credential *r)
{
	struct loading *l = arg;
	struct endpoint *e = find(&l->endpoints, r->endpoint_id);
	if (!e)
		return astray(l, r->endpoint_id);
	if (e->damaged == EP_DAMAGE_ROW)
		return ERR_OK;
	heap_grown();
	return ep_load_credential(&l->c->dir, e, r);
}

static enum err on_registration(void *arg, const struct rec_reg *r)
{
	struct loading *l = arg;
	struct endpoint *e = find(&l->endpoints, r->endpoint_id);
	struct ep_context *x = find(&l->contexts, r->context_id);
	if (!e)
		return astray(l, r->endpoint_id);
	if (e->damaged == EP_DAMAGE_ROW || (r->context_id && !x))
		return ERR_OK; /* it has to register again */
	heap_grown();
	return srv_load_registration(l->c->srv, e, x, r);
}

static enum err on_seen(void *arg, const struct rec_seen *r)
{
	struct loading *l = arg;
	struct ep_context *x = find(&l->contexts, r->context_id);
	heap_grown();
	if (x) /* rows of a context that is gone are folded away later */
		ep_load_seen(l->c->x, x, r, core_now_ms(l->c));
	return ERR_OK;
}

static enum err on_plan(void *arg, const struct rec_plan *r)
{
	struct loading *l = arg;
	struct endpoint *e = find(&l->endpoints, r->endpoint_id);
	if (r->endpoint_id && !e)
		return astray(l, r->endpoint_id);
	enum err err = engines(l);
	return err ? err : bs_load_plan(l->c->bs, e, r->json);
}

static enum err on_op(void *arg, const struct rec_op *r)
{
	struct loading *l = arg;
	struct endpoint *e = find(&l->endpoints, r->endpoint_id);
	return e ? srv_load_op(l->c->srv, e, r, l->t) : astray(l, r->endpoint_id);
}

static enum err on_tombstone(void *arg, const struct rec_tombstone *r)
{
	struct loading *l = arg;
	enum err err = engines(l);
	return err ? err : ep_load_tombstone(&l->c->dir, r);
}

static enum err on_image(void *arg, const struct rec_image *r)
{
	struct loading *l = arg;
	enum err err = engines(l);
	return err ? err : srv_load_image(l->c->srv, r);
}

static enum err on_firmware(void *arg, const struct rec_firmware *r)
{
	struct loading *l = arg;
	struct endpoint *e = find(&l->endpoints, r->endpoint_id);
	return e ? srv_load_firmware(l->c->srv, e, r) : astray(l, r->endpoint_id);
}

/* A notification, for its event. Without memory the writer gets an error, and the engine says less.
 */
static void render(void *arg, const struct lwm_path *path, uint8_t code, int32_t content_format,
	struct span payload, struct span alt, const struct lwm_versions *versions, struct writer *w)
{
	const struct core *c = arg;
	const struct lwm_codec_opts opts = {.now_s = (double)c->wall_ms / 1000,
		.alt = alt,
		.behind = versions->prefix,
		.versions = *versions};
	char *json;
	if (adm_render_notification(path, code, content_format, payload, &opts, &json)) {
		w->err = ERR_NOMEM;
		return;
	}
	wr_str(w, json);
	free(json);
}

static void render_send(void *arg, int32_t content_format, const struct lwm_record *v, size_t n,
	const struct lwm_versions *versions, struct writer *w)
{
	char *json;
	(void)arg;
	if (adm_render_send(content_format, v, n, versions, &json)) {
		w->err = ERR_NOMEM;
		return;
	}
	wr_str(w, json);
	free(json);
}

static enum err new_directory(struct core *c, const struct store_info *info)
{
	uint8_t seed[16];
	const struct cfg *g = c->opts.cfg;
	static const uint8_t freshness[] = {
		EP_FRESH_AUTO, EP_FRESH_ECHO, EP_FRESH_NONE, EP_FRESH_B2};
	rng_fill(&c->opts.rng, seed, sizeof(seed));
	struct ep_directory_opts o = {.rng = c->opts.rng,
		.seed = seed,
		.mark_key = c->secret + sizeof(c->secret) - sizeof(c->dir.mark_key),
		.credential_key = c->secret,
		.endpoints_max = g->endpoints_max,
		.window_width = (uint8_t)g->window,
		.ssn_block = (uint16_t)g->ssn_block,
		.freshness = freshness[g->freshness % 4],
		.rollbacks = info->rollbacks,
		.ssn_forgotten = info->ssn_forgotten,
		.tally = &c->tally,
		.security = &c->security,
		.failures_stop = g->key_limit_stop};
	return ep_directory_init(&c->dir, &o);
}

static enum err set_gateway(struct core *c, const struct cfg_gateway *g, struct ep_exchange_opts *o)
{
	struct gateway_pace pace = cfg_gateway_pace(g);
	size_t at = c->timings.n;
	enum err err = gateway_timings_add(&c->timings, gateway_number(g->name), &pace);
	if (err)
		return err;
	o->gateway[at].role = g->role == CFG_ROLE_BOOTSTRAP ? REC_ROLE_BOOTSTRAP : REC_ROLE_SERVER;
	o->gateway[at].nosec = g->nosec;
	return ERR_OK;
}

static enum err new_exchange(struct core *c, uint64_t now_ms)
{
	const struct cfg *g = c->opts.cfg;
	struct ep_exchange_opts o = {.directory = &c->dir,
		.secret = c->secret,
		.nosec_names = g->nosec_endpoints[0],
		.body_limit_bytes = g->body_limit_bytes,
		.pace = {.ack_timeout_ms = g->ack_timeout_ms,
			.block_bytes = (uint16_t)(block_size(block_szx_for(g->block_bytes))),
			.message_bytes = (uint16_t)g->message_bytes,
			.max_retransmit = (uint8_t)g->max_retransmit,
			.nstart = (uint8_t)g->nstart},
		.echo_max_age_ms = g->echo_max_age_s * 1000,
		.dedup_limit_bytes = DEDUP_BYTES,
		.nosec_peers_max = NOSEC_PEERS,
		.now_ms = now_ms};
	for (size_t i = 0; i < g->listen_n; i++) {
		bool bootstrap = g->listen[i].role == CFG_ROLE_BOOTSTRAP;
		o.listener[i].role = bootstrap ? REC_ROLE_BOOTSTRAP : REC_ROLE_SERVER;
		o.listener[i].nosec = g->listen[i].nosec;
		o.listener[i].require = (uint8_t)g->listen[i].require;
	}
	c->timings.n = 0;
	o.gateways = &c->timings;
	for (size_t i = 0; i < g->gateway_n; i++) {
		enum err err = set_gateway(c, &g->gateway[i], &o);
		if (err)
			return err;
	}
	return ep_exchange_new(&o, &c->x);
}

/* Since the last time it was told. */
static bool rolled_back(struct core *c)
{
	struct store_stats st;
	store_stats(c->store, &st);
	return st.rolled_back && st.rollbacks != c->rollbacks_told;
}

static enum err new_server(struct core *c, uint64_t now_ms)
{
	const struct cfg *g = c->opts.cfg;
	uint8_t seed[16];
	rng_fill(&c->opts.rng, seed, sizeof(seed));
	struct srv_opts o = {.exchange = c->x,
		.next_event = &c->next_event,
		.grace_s = g->grace_s,
		.awake_s = g->awake_s,
		.queue_expiry_s = g->queue_expiry_s,
		.queue_limit = g->queue_limit,
		.queue_total = g->queue_total,
		.queue_bytes = g->queue_bytes,
		.rolled_back = rolled_back(c),
		.files = core_image_files(c),
		.firmware_timeout_s = g->firmware_timeout_s,
		.firmware_uri = core_firmware_uri(g),
		.firmware_nosec = g->firmware_nosec,
		.nosec_endpoints = g->nosec_endpoints,
		.seed = seed,
		.now_ms = now_ms,
		.render = render,
		.render_send = render_send,
		.render_arg = c};
	for (size_t i = 0; i < g->listen_n; i++)
		o.nosec_listener[i] = g->listen[i].nosec;
	return srv_new(&o, &c->srv);
}

static enum err new_bootstrap(struct core *c, uint64_t now_ms)
{
	const struct cfg *g = c->opts.cfg;
	struct bs_account a;
	struct bs_plan *configured = NULL;
	bs_account_defaults(&a);
	a.uri = g->uri;
	a.ssid = (uint16_t)g->ssid;
	a.lifetime_s = g->lifetime_s;
	_Static_assert(sizeof(a.binding) >= sizeof(g->binding), "a binding fits an account");
	memcpy(a.binding, g->binding, sizeof(g->binding));
	enum err err = g->uri[0] ? bs_plan_one(&a, &configured) : ERR_OK;
	if (err)
		return err;
	struct bs_opts o = {.exchange = c->x,
		.next_event = &c->next_event,
		.configured = configured,
		.recipient_id_bytes = (uint8_t)g->recipient_id_bytes,
		.session_timeout_s = g->session_timeout_s,
		.pack = g->pack,
		.unasked = g->unasked,
		.render = render,
		.render_arg = c,
		.now_ms = now_ms};
	err = bs_new(&o, &c->bs);
	bs_plan_unref(configured);
	return err;
}

static enum err new_engines(struct core *c, const struct store_info *info)
{
	memcpy(c->secret, info->secret, sizeof(c->secret));
	c->next_event = info->next_event;
	/* The clock goes on where it stopped; while we run it is ahead of what is stored. */
	if (!c->clock_base_ms || core_now_ms(c) < info->now_ms) {
		c->clock_base_ms = info->now_ms + 1;
		c->boot_start_ms = c->boot_ms;
	}
	uint64_t now_ms = core_now_ms(c);
	turn_begin(core_cur(c), now_ms, c->wall_ms);
	enum err err = new_directory(c, info);
	if (err)
		return err;
	c->dir.next_id = info->next_id;
	c->up = true;
	if (!err)
		err = new_exchange(c, now_ms);
	if (!err)
		err = new_server(c, now_ms);
	if (!err)
		err = new_bootstrap(c, now_ms);
	return err;
}

enum err core_load(struct core *c)
{
	struct loading l = {.c = c, .t = core_cur(c)};
	struct store_visitor v = {.endpoint = on_endpoint,
		.context = on_context,
		.registration = on_registration,
		.seen = on_seen,
		.plan = on_plan,
		.op = on_op,
		.tombstone = on_tombstone,
		.damage = on_damage,
		.image = on_image,
		.firmware = on_firmware,
		.credential = on_credential,
		.arg = &l};
	c->damaged = 0;
	enum err err = store_load(c->store, &v, &l.info);
	if (!err)
		err = engines(&l); /* with nothing in store */
	free(l.endpoints.v);
	free(l.contexts.v);
	if (err)
		core_unload(c);
	return err;
}

void core_unload(struct core *c)
{
	if (!c->up)
		return;
	srv_free(c->srv);
	bs_free(c->bs);
	ep_exchange_free(c->x);
	ep_directory_fini(&c->dir);
	c->srv = NULL;
	c->bs = NULL;
	c->x = NULL;
	c->up = false;
}
