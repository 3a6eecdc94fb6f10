/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gateway.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

enum { GATEWAY = 25, ROUTING = 26, ACCESS = 2, NAMED_MAX = 4 };

/* ---- what is known */

static const struct srv_device *device_of(const struct srv_gateway *k, struct span prefix)
{
	for (size_t i = 0; k && prefix.n && i < k->now.n; i++)
		if (span_eq(lwm_prefix_span(&k->now.v[i].prefix), prefix))
			return &k->now.v[i];
	return NULL;
}

const struct lwm_object_list *srv_list_of(const struct srv_reg *g, struct span prefix)
{
	const struct srv_device *d = device_of(srv_gateway_of(g), prefix);
	if (!prefix.n)
		return &g->list;
	return d ? &d->list : NULL;
}

uint8_t srv_device_version(const struct srv_reg *g, struct span prefix, uint16_t oid)
{
	const struct srv_device *d = device_of(srv_gateway_of(g), prefix);
	return d ? lwm_object_list_version(&d->list, oid, g->lwm2m) : 0;
}

static bool no(struct srv_refusal *why, int status, const char *type, struct writer *w)
{
	why->status = status;
	why->type = type;
	why->detail[w->n] = '\0';
	return false;
}

/* Names those that there are, a few of them. */
static bool no_device(const struct srv_gateway *k, struct span prefix, struct srv_refusal *why)
{
	struct writer w = wr_make(why->detail, sizeof(why->detail) - 1);
	size_t named = 0, usable = 0;
	wr_fmt(&w, "no device behind it has the prefix %.*s", (int)prefix.n,
		(const char *)prefix.p);
	for (size_t i = 0; i < k->now.n; i++) {
		struct span p = lwm_prefix_span(&k->now.v[i].prefix);
		usable += p.n > 0;
		if (!p.n || named == NAMED_MAX || w.n + p.n + 24 > sizeof(why->detail))
			continue;
		wr_str(&w, named++ ? ", " : "; it has ");
		wr_bytes(&w, p);
	}
	if (usable > named)
		wr_str(&w, ", ...");
	return no(why, 404, "unknown-device", &w);
}

bool srv_gateway_knows(const struct srv_reg *g, struct span prefix, const struct lwm_path *p,
	struct srv_refusal *why)
{
	struct writer w = wr_make(why->detail, sizeof(why->detail) - 1);
	const struct srv_gateway *k = srv_gateway_of(g);
	if (!prefix.n)
		return true;
	if (lwm_prefix_fault(prefix)) {
		wr_fmt(&w, "the prefix %s", lwm_prefix_fault(prefix));
		return no(why, 422, "invalid", &w);
	}
	if (!k) {
		wr_str(&w, "it is no gateway, for it lists no Object 25: no device is behind it");
		return no(why, 404, "unknown-device", &w);
	}
	if (p->n && p->id[0] == ACCESS) {
		wr_str(&w, "a device behind a gateway has no access control (Object 2): every "
			   "server has all rights there");
		return no(why, 422, "invalid", &w);
	}
	/* Before its list was read, and while it may have changed, the gateway itself says 4.04. */
	if (k->state != SRV_GATEWAY_KNOWN || k->stale || k->op || k->now.left_out ||
		device_of(k, prefix))
		return true;
	return no_device(k, prefix, why);
}

static struct srv_device *of_prefix(struct srv_reg *g, const struct lwm_prefix *prefix)
{
	struct srv_gateway *k = srv_gateway_of(g);
	for (size_t i = 0; k && i < k->now.n; i++)
		if (lwm_prefix_eq(&k->now.v[i].prefix, prefix))
			return &k->now.v[i];
	return NULL;
}

void srv_gateway_made(
	struct srv_reg *g, const struct lwm_prefix *prefix, uint16_t oid, uint16_t iid)
{
	struct srv_device *d = of_prefix(g, prefix);
	bool changed;
	/* A list that is full stays as it is: the gateway tells it anew. */
	if (d && lwm_object_list_add(&d->list, oid, iid, &changed))
		return;
}

void srv_gateway_unmade(
	struct srv_reg *g, const struct lwm_prefix *prefix, const struct lwm_path *p)
{
	struct srv_device *d = of_prefix(g, prefix);
	if (d && p->n == 2)
		(void)lwm_object_list_remove(&d->list, p->id[0], p->id[1]);
}

/* ---- what is told */

static void tell(
	const struct srv_gateway *k, const char *state, const struct srv_device *d, struct turn *t)
{
	struct srv *s = k->srv;
	struct writer w = wr_make(s->event, SRV_EVENT_MAX);
	wr_fmt(&w, "{\"state\":\"%s\",\"instance\":%u,\"device_id\":", state, d->iid);
	wr_json_string(&w, srv_device_id(d));
	wr_str(&w, ",\"prefix\":");
	wr_json_string(&w, srv_device_told(d));
	if (d->fault)
		wr_fmt(&w, ",\"problem\":\"its prefix %s\"", d->fault);
	wr_str(&w, "}");
	ep_event(t, s->opts.next_event, "device", ep_name(k->reg->endpoint), wr_span(&w));
}

static bool same_device(const struct srv_device *a, const struct srv_device *b)
{
	return span_eq(srv_device_id(a), srv_device_id(b)) &&
	       span_eq(srv_device_told(a), srv_device_told(b)) && !a->fault == !b->fault;
}

static bool same_list(
	struct srv *s, const struct lwm_object_list *a, const struct lwm_object_list *b)
{
	struct writer w = wr_make(s->text, sizeof(s->text)),
		      x = wr_make(s->event, sizeof(s->event));
	bool good = !lwm_object_list_write(a, &w) && !lwm_object_list_write(b, &x);
	return good && span_eq(wr_span(&w), wr_span(&x));
}

struct change {
	const struct srv_device *old, *now; /* one of them may be NULL */
};

/* The next pair by instance; false: there is none. */
static bool next_pair(const struct srv_devices *old, const struct srv_devices *now, size_t *i,
	size_t *j, struct change *out)
{
	const struct srv_device *a = *i < old->n ? &old->v[*i] : NULL;
	const struct srv_device *b = *j < now->n ? &now->v[*j] : NULL;
	bool both = a && b && a->iid == b->iid && same_device(a, b);
	if (!a && !b)
		return false;
	if (both)
		*out = (struct change){a, b};
	else if (!b || (a && a->iid <= b->iid))
		*out = (struct change){a, NULL};
	else
		*out = (struct change){NULL, b};
	*i += out->old != NULL;
	*j += out->now != NULL;
	return true;
}

static void tell_number(const struct srv_gateway *k, size_t changes, struct turn *t)
{
	uint8_t text[96];
	struct writer w = wr_make(text, sizeof(text));
	wr_fmt(&w, "{\"state\":\"read\",\"devices\":%zu,\"changes\":%zu}", k->next.n, changes);
	ep_event(t, k->srv->opts.next_event, "device", ep_name(k->reg->endpoint), wr_span(&w));
}

/* Who has come, who has gone. Observations of what is gone are to be set up when it is back. */
static size_t compare(struct srv_gateway *k, bool aloud, struct turn *t)
{
	struct change c;
	size_t i = 0, j = 0, n = 0;
	while (next_pair(&k->now, &k->next, &i, &j, &c)) {
		const char *state = !c.now ? "gone" : !c.old ? "appeared" : "changed";
		if (c.old && c.now && same_list(k->srv, &c.old->list, &c.now->list))
			continue;
		n++;
		if (aloud)
			tell(k, state, c.now ? c.now : c.old, t);
		else if (!c.now && c.old->prefix.n)
			srv_observations_leave(
				k->srv, k->reg->endpoint->registration, &c.old->prefix, t);
	}
	return n;
}

/* ---- reading */

/* What is being read counts from its first byte, like what is known: a gateway that tells of many
 * devices and then nothing more holds no memory that nobody counts. */
static void drop(struct srv_gateway *k, struct srv_devices *all)
{
	k->srv->device_bytes -= all->bytes;
	srv_devices_fini(all);
}

static void ask(struct srv_gateway *k, uint16_t oid, struct turn *t)
{
	const struct srv_dm d = {.kind = SRV_READ,
		.endpoint = k->reg->endpoint,
		.path = {1, {oid}},
		.content_format = -1,
		.depth = -1,
		.gateway = k};
	k->stale = false;
	srv_dm(k->srv, &d, t);
	if (!k->op)
		k->stale = true; /* it could not leave */
}

void srv_gateway_ask(struct srv_reg *g, struct turn *t)
{
	struct srv_gateway *k = srv_gateway_of(g);
	if (k->op || k->tries >= SRV_GATEWAY_TRIES)
		return;
	if (k->routing)
		ask(k, ROUTING, t);
	else if (k->stale)
		ask(k, GATEWAY, t);
}

void srv_gateway_again(struct srv_reg *g)
{
	struct srv_gateway *k = srv_gateway_of(g);
	if (k && k->tries == SRV_GATEWAY_TRIES)
		k->tries--;
}

void srv_gateway_asks(struct srv_gateway *k, struct srv_op *op)
{
	k->op = op;
}

/* All of it is there. */
static void take(struct srv_gateway *k, struct turn *t)
{
	size_t changes = compare(k, false, t);
	bool aloud = !k->quiet && changes <= SRV_DEVICE_EVENTS_MAX;
	if (aloud)
		(void)compare(k, true, t);
	else
		tell_number(k, changes, t);
	drop(k, &k->now);
	k->now = k->next;
	k->next = (struct srv_devices){0};
	k->state = SRV_GATEWAY_KNOWN;
	k->quiet = k->routing = false;
	k->read_wall_s = t->wall_ms / 1000;
	if (changes) /* what is wanted of a device that is back is asked for */
		k->reg->settled = false;
}

static void fail(struct srv_gateway *k, uint8_t code)
{
	k->state = SRV_GATEWAY_FAILED;
	k->code = code;
	k->routing = false;
	drop(k, &k->next);
}

/* For what is read: that of its own which it takes the place of does not count. */
static size_t room(const struct srv_gateway *k)
{
	size_t others = k->srv->device_bytes - k->now.bytes - k->next.bytes;
	size_t left = others < SRV_DEVICE_BYTES_TOTAL ? SRV_DEVICE_BYTES_TOTAL - others : 0;
	return left < SRV_DEVICE_BYTES_MAX ? left : SRV_DEVICE_BYTES_MAX;
}

void srv_gateway_answered(
	struct srv_gateway *k, const struct srv_op *op, const struct msg *m, struct turn *t)
{
	(void)op;
	k->tries = 0;
	if (k->routing) {
		size_t before = k->next.bytes;
		/* What is not told in /26 is not known: the devices are there all the same. */
		if (msg_code_class(m->code) == 2 &&
			srv_devices_route(k->reg, m, room(k), &k->next) == ERR_NOMEM)
			k->stale = true;
		k->srv->device_bytes = k->srv->device_bytes - before + k->next.bytes;
		take(k, t);
		return;
	}
	drop(k, &k->next);
	enum err err = ERR_SYNTAX;
	if (msg_code_class(m->code) == 2)
		err = srv_devices_read(k->reg, m, room(k), &k->next);
	k->srv->device_bytes += k->next.bytes;
	if (err)
		fail(k, msg_code_class(m->code) == 2 ? 0 : m->code);
	else if (srv_devices_routed(&k->next) &&
		 lwm_object_list_has(&k->reg->list, ROUTING, LWM_ID_NONE))
		k->routing = true; /* at the sign of life that this answer is */
	else
		take(k, t);
}

void srv_gateway_unanswered(struct srv_gateway *k)
{
	if (k->tries < SRV_GATEWAY_TRIES)
		k->tries++;
	if (k->tries == SRV_GATEWAY_TRIES && k->state != SRV_GATEWAY_KNOWN)
		fail(k, 0);
	if (!k->routing)
		k->stale = true;
}

/* ---- its life */

void srv_gateway_free(struct srv_gateway *k)
{
	if (!k)
		return;
	drop(k, &k->now);
	drop(k, &k->next);
	free(k);
}

void srv_gateway_hand_over(struct srv_reg *from, struct srv_reg *to)
{
	struct srv_gateway *k = srv_gateway_of(from);
	if (!k || !srv_reg_rare(to))
		return; /* it is read anew */
	from->rare->gateway = NULL;
	to->rare->gateway = k;
	k->reg = to;
}

/* It is no gateway any more. */
static void end(struct srv_reg *g, struct turn *t)
{
	struct srv_gateway *k = srv_gateway_of(g);
	for (struct srv_op *op = g->ops; op; op = op->next)
		if (op->gateway == k)
			op->gateway = NULL;
	drop(k, &k->next);
	if (t && k->now.n <= SRV_DEVICE_EVENTS_MAX)
		(void)compare(k, true, t);
	else if (t)
		tell_number(k, k->now.n, t);
	if (t)
		(void)compare(k, false, t);
	srv_gateway_free(k);
	g->rare->gateway = NULL;
}

void srv_gateway_listed(struct srv *s, struct srv_reg *g, struct turn *t)
{
	bool gateway = lwm_object_list_has(&g->list, GATEWAY, LWM_ID_NONE);
	struct srv_gateway *k = srv_gateway_of(g);
	if (k && !gateway)
		end(g, t);
	if (!gateway || !srv_reg_rare(g))
		return;
	if (!k) {
		k = g->rare->gateway = calloc(1, sizeof(*k));
		if (!k)
			return; /* the next Update tries again */
		k->srv = s;
		k->reg = g;
		k->quiet = !t;
	}
	k->stale = true;
	k->tries = 0;
}

void srv_gateway_notified(struct srv_reg *g, const struct lwm_path *p)
{
	struct srv_gateway *k = srv_gateway_of(g);
	if (k && p->n && (p->id[0] == GATEWAY || p->id[0] == ROUTING))
		k->stale = true;
}

/* ---- the administrator's side */

static const char *state_of(const struct srv_gateway *k)
{
	static const char *const names[] = {[SRV_GATEWAY_UNREAD] = "unread",
		[SRV_GATEWAY_KNOWN] = "known",
		[SRV_GATEWAY_FAILED] = "failed"};
	return k->op || k->routing ? "reading" : names[k->state];
}

bool srv_devices(const struct srv *s, const struct endpoint *e, struct srv_gateway_view *out,
	srv_device_fn *fn, void *arg)
{
	const struct srv_reg *g = srv_reg_of(e);
	const struct srv_gateway *k = g ? srv_gateway_of(g) : NULL;
	(void)s;
	if (!k)
		return false;
	*out = (struct srv_gateway_view){.state = state_of(k),
		.code = k->state == SRV_GATEWAY_FAILED ? k->code : 0,
		.left_out = k->now.left_out,
		.read_wall_s = k->read_wall_s};
	for (size_t i = 0; i < k->now.n; i++) {
		const struct srv_device *d = &k->now.v[i];
		struct srv_device_view v = {.instance = d->iid,
			.id = srv_device_id(d),
			.prefix = srv_device_told(d),
			.fault = d->fault,
			.links_bad = d->links_bad,
			.list = &d->list};
		fn(arg, &v);
	}
	return true;
}

uint8_t srv_object_version(const struct endpoint *e, struct span prefix, uint16_t oid)
{
	const struct srv_reg *g = srv_reg_of(e);
	if (!g)
		return 0;
	return prefix.n ? srv_device_version(g, prefix, oid)
			: lwm_object_list_version(&g->list, oid, g->lwm2m);
}
