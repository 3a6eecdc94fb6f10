/* SPDX-License-Identifier: Apache-2.0 */
/* Register, Update, De-register and the end of a lifetime (REG rows of the LwM2M texts). */
#include "base/gateway.h"
#include "server/server_impl.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

void srv_refuse(struct srv *s, struct ep_delivery *d, struct endpoint *e, enum ep_reason why,
	uint8_t code, struct turn *t)
{
	s->count.refusals++;
	ep_refused(s->x, d, e, why, t);
	ep_respond_code(s->x, d, code, t);
}

void srv_reg_heard(struct srv_reg *g, const struct turn *t)
{
	g->awake_ms = t->now_ms;
	g->heard_wall_s = t->wall_ms / 1000;
}

static uint64_t expiry_of(uint32_t lifetime_s, uint64_t now_ms)
{
	return lifetime_s ? now_ms + lifetime_s * UINT64_C(1000) : UINT64_MAX;
}

static bool matches_word(const char *patterns, const char *name)
{
	char word[256];
	for (const char *p = patterns; *p;) {
		size_t n = strcspn(p, " ");
		if (n && n < sizeof(word)) {
			memcpy(word, p, n);
			word[n] = '\0';
			if (!fnmatch(word, name, 0))
				return true;
		}
		p += n + (p[n] == ' ');
	}
	return false;
}

/* May `name` register unprotected? One that has credentials only if it was allowed by itself: else
 * anyone could take its place. */
static bool nosec_allowed(
	const struct srv *s, const struct peer *from, const struct endpoint *e, const char *name)
{
	bool anyone = gateway_is(from) ? ep_listener_at(s->x, from)->nosec
				       : s->opts.nosec_listener[from->listener % EP_LISTENERS_MAX];

	if (e && ep_require_of(e))
		return false;
	if (e && e->allow_nosec)
		return true;
	if (e && (e->contexts || e->damaged || ep_has_credentials(e)))
		return false;
	return anyone || matches_word(s->opts.nosec_endpoints, name);
}

static bool identify_nosec(struct srv *s, struct ep_delivery *d, const struct lwm_reg_params *p,
	struct endpoint **e, struct turn *t)
{
	char name[LWM_EP_MAX + 1];
	if (!p->has_ep || span_to_str(p->ep, name, sizeof(name))) {
		srv_refuse(s, d, NULL, p->has_ep ? EP_REASON_PARAMETERS : EP_REASON_EP_MISSING,
			MSG_BAD_REQUEST, t);
		return false;
	}
	*e = ep_find(s->dir, p->ep);
	if (nosec_allowed(s, &d->from, *e, name))
		return true;
	srv_refuse(s, d, *e, EP_REASON_NOSEC, MSG_UNAUTHORIZED, t);
	return false;
}

/* The endpoint by its credentials (REG-03); false: refused. An unprotected one that is not known
 * yet is NULL: it is made when all of its Register is good. */
static bool identify(struct srv *s, struct ep_delivery *d, const struct lwm_reg_params *p,
	struct endpoint **e, struct turn *t)
{
	if (!d->endpoint)
		return identify_nosec(s, d, p, e, t);
	*e = d->endpoint;
	if (!p->has_ep || span_eq(p->ep, ep_rd_name(d->endpoint)))
		return true;
	srv_refuse(s, d, d->endpoint, EP_REASON_EP_MISMATCH, MSG_BAD_REQUEST, t);
	return false;
}

/* LwM2M 1.1, Transport 6.8.4: what a device behind a LoRaWAN network leaves out (TRN-NIP-5). */
static void lorawan_defaults(const struct ep_delivery *d, struct lwm_reg_params *p)
{
	enum { LIFETIME_S = 2592000, VERSION = 11 };
	if (gateway_kind_at(&d->from) != GATEWAY_LORAWAN)
		return;
	if (!p->has_ep && !d->endpoint) {
		p->has_ep = true;
		p->ep = gateway_address(&d->from); /* the DevEUI */
	}
	if (!p->has_lt)
		p->lifetime_s = LIFETIME_S;
	if (!p->has_lwm2m)
		p->lwm2m = VERSION;
	if (!p->has_b)
		p->binding |= LWM_BIND_N;
	p->queue = true;
}

static bool draw_location(struct srv *s, struct srv_reg *g)
{
	static const char digits[32] = "0123456789abcdefghjkmnpqrstvwxyz";
	for (int tries = 0; tries < 16; tries++) {
		uint64_t v = rng_u64(&s->dir->rng);
		for (int i = 0; i < SRV_LOCATION_CHARS; i++, v >>= 5)
			g->location[i] = digits[v & 31];
		g->location[SRV_LOCATION_CHARS] = '\0';
		if (!map_get(&s->by_location, span_str(g->location)))
			return true;
	}
	return false;
}

static void set_peer(struct srv_reg *g, const struct ep_delivery *d)
{
	if (g->ctx)
		return; /* the context has it */
	if (!g->peer)
		g->peer = malloc(sizeof(*g->peer));
	if (g->peer)
		*g->peer = d->from;
	gateway_keep(g->peer);
}

static struct srv_reg *reg_new(
	struct srv *s, struct ep_delivery *d, const struct lwm_reg_params *p, struct turn *t)
{
	struct srv_reg *g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	g->ctx = d->ctx;
	g->lifetime_s = p->lifetime_s;
	g->lwm2m = p->lwm2m;
	g->binding = p->binding;
	g->queue = p->queue;
	g->registered_wall_s = t->wall_ms / 1000;
	g->expiry_ms = expiry_of(g->lifetime_s, t->now_ms);
	srv_reg_heard(g, t);
	set_peer(g, d);
	if (!draw_location(s, g) || (!g->ctx && !g->peer) ||
		(p->has_sms && !srv_reg_set_sms(g, p->sms))) {
		srv_reg_free(s, g);
		return NULL;
	}
	return g;
}

/* What to refuse with; code 0: nothing. */
struct refusal {
	uint8_t code;
	enum ep_reason why;
};

/* A list without a format is one of links (CT-31). */
static struct refusal check_format(const struct msg *m)
{
	uint32_t format = LWM_CF_LINK;
	msg_get_uint(m, OPT_CONTENT_FORMAT, &format);
	if (format != LWM_CF_LINK)
		return (struct refusal){MSG_BAD_REQUEST, EP_REASON_LIST_FORMAT};
	return (struct refusal){0};
}

/* What a Register must have (REG-02, REG-05). */
static struct refusal check_register(
	const struct msg *m, const struct lwm_reg_params *p, bool may_be_known)
{
	if (p->lwm2m < 10 || p->lwm2m > 12)
		return (struct refusal){MSG_PRECONDITION_FAILED, EP_REASON_VERSION};
	if (p->has_lwm2m && p->lwm2m != 10 && !p->has_lt)
		return (struct refusal){MSG_BAD_REQUEST, EP_REASON_NO_LIFETIME};
	struct refusal no = check_format(m);
	if (no.code || m->payload.n || (p->has_pid && p->lwm2m >= 12) || may_be_known)
		return no;
	if (p->lwm2m >= 12)
		no = (struct refusal){MSG_CONFLICT, EP_REASON_NO_LIST};
	else
		no = (struct refusal){MSG_BAD_REQUEST, EP_REASON_NO_LIST};
	return no;
}

/* A device behind a LoRaWAN network that is registered need not list its objects again (TRN-NIP-5).
 */
static struct refusal take_known_list(
	struct srv *s, const struct endpoint *e, struct lwm_object_list *out)
{
	const struct srv_reg *g = e ? srv_reg_of(e) : NULL;
	struct writer w = wr_make(s->text, sizeof(s->text));
	if (!g || !g->list.inst_n || lwm_object_list_write(&g->list, &w))
		return (struct refusal){MSG_CONFLICT, EP_REASON_NO_LIST};
	enum err err = lwm_object_list_parse(wr_span(&w), out);
	return err ? (struct refusal){MSG_UNAVAILABLE, EP_REASON_OVERLOAD} : (struct refusal){0};
}

static void accept(struct srv *s, struct ep_delivery *d, struct srv_reg *g, struct turn *t)
{
	struct msg m;
	msg_init(&m, MSG_ACK, MSG_CREATED);
	/* "rd" and ten characters always fit. */
	if (msg_add(&m, OPT_LOCATION_PATH, SPAN_LIT("rd")) ||
		msg_add(&m, OPT_LOCATION_PATH, span_str(g->location)))
		m.code = MSG_INTERNAL_ERROR;
	d->changed = true;
	srv_gateway_listed(s, g, t);
	srv_reg_record(s, t, g);
	srv_reg_event(s, t, "registered", g);
	ep_respond(s->x, d, &m, t);
	s->count.registers++;
	srv_woken(s, g, t);
	srv_fw_heard(s, g->endpoint, true, t);
}

/* Reads the list. What could not be told to storage is refused here. */
static struct refusal take_list(struct srv *s, struct span links, struct lwm_object_list *out)
{
	enum err err = lwm_object_list_parse(links, out);
	if (err == ERR_NOMEM)
		return (struct refusal){MSG_UNAVAILABLE, EP_REASON_OVERLOAD};
	if (err == ERR_LIMIT)
		return (struct refusal){MSG_TOO_LARGE, EP_REASON_LIST_TOO_LARGE};
	if (err)
		return (struct refusal){MSG_BAD_REQUEST, EP_REASON_BAD_LIST};
	struct writer w = wr_make(s->text, sizeof(s->text));
	if (!lwm_object_list_write(out, &w))
		return (struct refusal){0};
	lwm_object_list_fini(out);
	return (struct refusal){MSG_TOO_LARGE, EP_REASON_LIST_TOO_LARGE};
}

/* What profiles stand for, and what is listed beside them (PID-03). */
static struct refusal take_both(
	struct srv *s, struct span known, struct span listed, struct lwm_object_list *out)
{
	if (!listed.n)
		return take_list(s, known, out);
	size_t n = known.n + 1 + listed.n;
	uint8_t *both = malloc(n);
	struct writer w = wr_make(both, both ? n : 0);
	if (!both)
		return (struct refusal){MSG_UNAVAILABLE, EP_REASON_OVERLOAD};
	wr_bytes(&w, known);
	wr_u8(&w, ',');
	wr_bytes(&w, listed);
	struct refusal no = take_list(s, wr_span(&w), out);
	free(both);
	return no;
}

/* What a device has, by its list and its profiles. *learn: its list is what they stand for. A list
 * beside profiles that are not known may be a part of what it has, unless it was asked for all; the
 * list of an Update is all of it (REG-16). Nobody can ask who is not known at all. */
static struct refusal take_what_it_has(struct srv *s, struct endpoint *e, const struct msg *m,
	const struct span *pid, bool update, struct lwm_object_list *out, bool *learn)
{
	*learn = false;
	if (!pid)
		return take_list(s, m->payload, out);
	if (!lwm_pid_valid(*pid))
		return (struct refusal){MSG_BAD_REQUEST, EP_REASON_PARAMETERS};
	struct span known = e ? srv_profile_links(s, e, *pid) : SPAN_EMPTY;
	if (known.n)
		return take_both(s, known, m->payload, out);
	*learn = m->payload.n && (!e || srv_profile_asked(s, e, *pid));
	if (*learn || (update && m->payload.n))
		return take_list(s, m->payload, out);
	if (e)
		srv_profile_ask(s, e, *pid);
	return (struct refusal){update ? MSG_BAD_REQUEST : MSG_CONFLICT, EP_REASON_NO_LIST};
}

/* All of it is good: the endpoint gets its registration, in place of what it had (REG-14). */
static bool take_place(struct srv *s, struct srv_reg *g, struct endpoint *e,
	const struct span *name, struct turn *t)
{
	if (!e && ep_ensure(s->dir, *name, t, &e))
		return false;
	g->endpoint = e;
	if (srv_reg_of(e)) {
		srv_gateway_hand_over(srv_reg_of(e), g);
		srv_reg_end(s, srv_reg_of(e), NULL, t);
	}
	if (!srv_reg_insert(s, g))
		return true;
	turn_rec(t, REC_REG_DEL)->del.id = e->id;
	srv_orphan(s, e);
	return false;
}

void srv_register(struct srv *s, struct ep_delivery *d, struct turn *t)
{
	struct lwm_reg_params p;
	struct lwm_object_list list = {0};
	struct endpoint *e = NULL;
	if (lwm_reg_params_parse(d->msg, &p)) {
		srv_refuse(s, d, d->endpoint, EP_REASON_PARAMETERS, MSG_BAD_REQUEST, t);
		return;
	}
	lorawan_defaults(d, &p);
	if (!identify(s, d, &p, &e, t))
		return;
	const struct span *pid = p.has_pid && p.lwm2m >= 12 ? &p.pid : NULL;
	bool known = gateway_kind_at(&d->from) == GATEWAY_LORAWAN && !d->msg->payload.n && !pid;
	struct refusal no = check_register(d->msg, &p, known);
	bool learn = false;
	if (!no.code && known)
		no = take_known_list(s, e, &list);
	else if (!no.code)
		no = take_what_it_has(s, e, d->msg, pid, false, &list, &learn);
	struct srv_reg *g = no.code ? NULL : reg_new(s, d, &p, t);
	if (g)
		g->list = list;
	if (g && take_place(s, g, e, &p.ep, t)) {
		if (learn)
			srv_profile_learn(s, g->endpoint, *pid, &g->list);
		accept(s, d, g, t);
		return;
	}
	if (g)
		srv_reg_free(s, g);
	else
		lwm_object_list_fini(&list);
	if (!no.code)
		no = (struct refusal){MSG_UNAVAILABLE, EP_REASON_OVERLOAD};
	srv_refuse(s, d, e, no.why, no.code, t);
}

/* Made under OSCORE, in a channel, or unprotected: a request changes what is as protected as it is.
 */
static bool may_change(const struct srv *s, const struct srv_reg *g, const struct ep_delivery *d)
{
	if (d->endpoint)
		return g->endpoint == d->endpoint && !g->ctx == !d->ctx &&
		       (g->ctx || srv_reg_in_channel(g));
	return !g->ctx && !srv_reg_in_channel(g) &&
	       nosec_allowed(s, &d->from, g->endpoint, g->endpoint->name);
}

/* The registration a request may change: its own. Others do not exist for it. */
static struct srv_reg *own_registration(
	struct srv *s, struct ep_delivery *d, struct span location, struct turn *t)
{
	struct srv_reg *g = map_get(&s->by_location, location);
	if (g && may_change(s, g, d))
		return g;
	srv_refuse(s, d, d->endpoint, EP_REASON_NO_REGISTRATION, MSG_NOT_FOUND, t);
	return NULL;
}

/* What an Update says (REG-15, REG-16). Where it is refused, nothing has changed. */
static struct refusal apply_update(struct srv *s, struct srv_reg *g, const struct ep_delivery *d,
	const struct lwm_reg_params *p, bool *changed, bool *listed)
{
	struct lwm_object_list list = {0};
	struct refusal no = {0};
	const struct span *pid = p->has_pid && g->lwm2m >= 12 ? &p->pid : NULL;
	bool learn = false;
	*listed = d->msg->payload.n || pid;
	if (d->msg->payload.n)
		no = check_format(d->msg);
	if (*listed && !no.code)
		no = take_what_it_has(s, g->endpoint, d->msg, pid, true, &list, &learn);
	if (no.code)
		return no;
	if (p->has_sms && !srv_reg_set_sms(g, p->sms)) {
		lwm_object_list_fini(&list);
		return (struct refusal){MSG_UNAVAILABLE, EP_REASON_OVERLOAD};
	}
	*changed =
		*listed || p->has_sms || (p->has_lt && p->lifetime_s != g->lifetime_s) || p->has_b;
	if (learn)
		srv_profile_learn(s, g->endpoint, *pid, &list);
	if (*listed) {
		if (!list.formats)
			list.formats = g->list.formats; /* CT-31: an earlier ct stays */
		lwm_object_list_fini(&g->list);
		g->list = list;
	}
	if (p->has_lt)
		g->lifetime_s = p->lifetime_s;
	if (p->has_b) {
		g->binding = p->binding;
		g->queue = p->queue;
	}
	return no;
}

void srv_reg_rekey(struct srv *s, struct srv_reg *g, struct ep_context *now, struct turn *t)
{
	ep_exchange_hold(s->x);
	srv_observations_unsettle(s, g->endpoint->registration, t);
	srv_ops_drop(s, g, "cancelled", "the device changed its keys or address", t);
	ep_exchange_release(s->x, t);
	g->ctx = now;
}

/* The device uses other keys now, or another address. */
static bool follow(struct srv *s, struct srv_reg *g, const struct ep_delivery *d, struct turn *t)
{
	if (g->ctx && g->ctx == d->ctx)
		return d->moved;
	if (!d->ctx && peer_eq(g->peer, &d->from))
		return false;
	/* Unprotected requests and observations are tied to the address they went to. */
	srv_reg_rekey(s, g, d->ctx, t);
	if (!d->ctx)
		srv_reg_move(s, g, &d->from, t);
	return true;
}

/* Makes the new expiry durable: in the log row of a protected request, else by itself. */
static void refresh(struct srv *s, struct srv_reg *g, struct ep_delivery *d, struct turn *t)
{
	g->expiry_ms = expiry_of(g->lifetime_s, t->now_ms);
	srv_reg_arm(s, g);
	d->expiry_ms = g->expiry_ms;
	if (!d->ctx)
		turn_rec(t, REC_REG_TOUCH)->touch = (struct rec_reg_touch){
			.endpoint_id = g->endpoint->id, .expiry_ms = g->expiry_ms};
}

void srv_update(struct srv *s, struct ep_delivery *d, struct span location, struct turn *t)
{
	struct srv_reg *g = own_registration(s, d, location, t);
	struct lwm_reg_params p;
	bool changed = false, listed = false;
	if (!g)
		return;
	struct refusal no = {MSG_BAD_REQUEST, EP_REASON_PARAMETERS};
	if (!lwm_reg_params_parse(d->msg, &p)) {
		lorawan_defaults(d, &p);
		no = apply_update(s, g, d, &p, &changed, &listed);
	}
	if (no.code) {
		srv_refuse(s, d, g->endpoint, no.why, no.code, t);
		return;
	}
	srv_reg_heard(g, t);
	bool moved = follow(s, g, d, t);
	refresh(s, g, d, t);
	if (changed || moved) {
		srv_reg_record(s, t, g);
		srv_reg_event(s, t, "updated", g);
	}
	if (listed)
		srv_gateway_listed(s, g, t);
	else
		srv_gateway_again(g);
	d->changed = true;
	ep_respond_code(s->x, d, MSG_CHANGED, t);
	s->count.updates++;
	srv_woken(s, g, t);
	srv_fw_heard(s, g->endpoint, false, t);
}

void srv_deregister(struct srv *s, struct ep_delivery *d, struct span location, struct turn *t)
{
	struct srv_reg *g = own_registration(s, d, location, t);
	if (!g)
		return;
	srv_reg_end(s, g, "deregistered", t);
	d->changed = true;
	ep_respond_code(s->x, d, MSG_DELETED, t);
	s->count.deregisters++;
}

void srv_recheck(struct srv *s, struct endpoint *e, struct turn *t)
{
	struct srv_reg *g = srv_reg_of(e);
	if (!g || g->ctx)
		return;
	bool good = srv_reg_in_channel(g) ? ep_has_credential(e, REC_ROLE_SERVER) &&
						    !(ep_require_of(e) & EP_REQUIRE_OSCORE)
					  : nosec_allowed(s, g->peer, e, e->name);
	if (!good)
		srv_reg_end(s, g, "deregistered", t);
}

void srv_reg_end(struct srv *s, struct srv_reg *g, const char *event, struct turn *t)
{
	struct srv_endpoint *e = g->endpoint->registration;
	/* What waits behind a request that ends here ends too, and must not go out meanwhile. */
	ep_exchange_hold(s->x);
	srv_observations_unsettle(s, e, t);
	srv_ops_drop(s, g, "cancelled", "the registration ended", t);
	ep_exchange_release(s->x, t);
	if (event) {
		srv_reg_event(s, t, event, g);
		turn_rec(t, REC_REG_DEL)->del.id = g->endpoint->id;
	}
	if (event && !g->ctx)
		srv_orphan(s, g->endpoint);
	srv_reg_free(s, g);
}
