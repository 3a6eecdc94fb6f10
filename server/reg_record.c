/* SPDX-License-Identifier: Apache-2.0 */
/* A registration as a record, as an event, in its indexes. */
#include "server/server_impl.h"

#include "base/gateway.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* The object list as text, in the work space. */
static struct span links_text(struct srv *s, struct turn *t, const struct srv_reg *g)
{
	struct writer w = wr_make(s->text, sizeof(s->text));
	enum err err = lwm_object_list_write(&g->list, &w);
	if (err)
		t->err = err;
	return wr_span(&w);
}

static const struct peer *reg_peer(const struct srv_reg *g)
{
	if (!g->ctx)
		return g->peer;
	return g->ctx->peer ? &g->ctx->peer->peer : NULL;
}

static struct span packed_peer(struct turn *t, const struct srv_reg *g)
{
	uint8_t buf[PEER_PACKED_MAX];
	struct writer w = wr_make(buf, sizeof(buf));
	const struct peer *p = reg_peer(g);
	if (p)
		wr_peer_packed(&w, p);
	return turn_dup(t, wr_span(&w));
}

void srv_reg_record(struct srv *s, struct turn *t, const struct srv_reg *g)
{
	struct span links = turn_dup(t, links_text(s, t, g)), peer = packed_peer(t, g);
	struct rec_reg *r = &turn_rec(t, REC_REG_PUT)->reg;
	*r = (struct rec_reg){.endpoint_id = g->endpoint->id,
		.context_id = g->ctx ? g->ctx->id : 0,
		.location = turn_dup(t, span_str(g->location)),
		.lifetime_s = g->lifetime_s,
		.lwm2m = g->lwm2m,
		.binding = g->binding,
		.queue = g->queue,
		.sms = turn_dup(t, span_str(g->rare ? g->rare->sms : NULL)),
		.links = links,
		.peer = peer,
		.registered_wall_s = g->registered_wall_s,
		.expiry_ms = g->expiry_ms};
}

void srv_reg_event(struct srv *s, struct turn *t, const char *type, const struct srv_reg *g)
{
	struct span links = links_text(s, t, g);
	struct writer w = wr_make(s->event, sizeof(s->event));
	uint8_t text[PEER_TEXT_MAX];
	struct writer a = wr_make(text, sizeof(text));
	if (reg_peer(g))
		wr_peer(&a, reg_peer(g));
	wr_fmt(&w,
		"{\"location\":\"%s\",\"lifetime_s\":%u,\"lwm2m\":\"%u.%u\",\"security\":\"%s\",",
		g->location, (unsigned)g->lifetime_s, g->lwm2m / 10u, g->lwm2m % 10u,
		ep_security_text(g->ctx, reg_peer(g)));
	wr_str(&w, "\"address\":");
	wr_json_string(&w, wr_span(&a));
	wr_str(&w, ",\"links\":");
	wr_json_string(&w, links);
	wr_str(&w, "}");
	ep_event(t, s->opts.next_event, type, ep_name(g->endpoint), wr_span(&w));
}

void srv_reg_arm(struct srv *s, struct srv_reg *g)
{
	if (g->expiry_ms == UINT64_MAX)
		wheel_del(&s->reg_wheel, &g->timer);
	else
		wheel_add(
			&s->reg_wheel, &g->timer, g->expiry_ms + s->opts.grace_s * UINT64_C(1000));
}

void srv_reg_free(struct srv *s, struct srv_reg *g)
{
	wheel_del(&s->reg_wheel, &g->timer);
	if (g->endpoint && srv_reg_of(g->endpoint) == g) {
		map_del(&s->by_location, span_str(g->location));
		if (!g->ctx)
			map_remove(&s->by_peer, g);
		((struct srv_endpoint *)g->endpoint->registration)->reg = NULL;
	}
	srv_gateway_free(srv_gateway_of(g));
	lwm_object_list_fini(&g->list);
	if (g->rare)
		free(g->rare->sms);
	free(g->rare);
	gateway_drop(g->peer);
	free(g->peer);
	free(g);
}

struct srv_rare *srv_reg_rare(struct srv_reg *g)
{
	if (!g->rare)
		g->rare = calloc(1, sizeof(*g->rare));
	return g->rare;
}

bool srv_reg_set_sms(struct srv_reg *g, struct span sms)
{
	struct srv_rare *rare = srv_reg_rare(g);
	char *copy = rare ? strndup((const char *)sms.p, sms.n) : NULL;
	if (!copy)
		return false;
	free(rare->sms);
	rare->sms = copy;
	return true;
}

enum err srv_reg_insert(struct srv *s, struct srv_reg *g)
{
	struct srv_endpoint *e = srv_of(g->endpoint);
	if (!e)
		return ERR_NOMEM;
	enum err err = map_put(&s->by_location, g);
	if (err)
		return err;
	if (!g->ctx && (err = map_add(&s->by_peer, g))) {
		map_del(&s->by_location, span_str(g->location));
		return err;
	}
	e->reg = g;
	srv_reg_arm(s, g);
	return ERR_OK;
}

void srv_reg_move(struct srv *s, struct srv_reg *g, const struct peer *to, struct turn *t)
{
	map_remove(&s->by_peer, g);
	gateway_keep(to);
	gateway_drop(g->peer);
	*g->peer = *to;
	enum err err = map_add(&s->by_peer, g);
	if (err)
		t->err = err;
}
