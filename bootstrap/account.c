/* SPDX-License-Identifier: Apache-2.0 */
/* The new account: its keys, and how it is written into Objects 0, 1 and 21. */
#include "bootstrap/session.h"
#include "lwm2m/format.h"

#include <string.h>

enum { RESOURCES_MAX = 8, SECURITY_NOSEC = 3 };

/* Resources of one Object Instance, on their way to a payload. */
struct writing {
	uint16_t oid, iid;
	struct lwm_record v[RESOURCES_MAX];
	size_t n;
};

static struct lwm_value *add(struct writing *o, uint16_t rid, enum lwm_type type)
{
	struct lwm_record *r = &o->v[o->n++];
	*r = (struct lwm_record){.kind = LWM_RECORD_VALUE,
		.path = {.n = 3, .id = {o->oid, o->iid, rid}},
		.value = {.type = type}};
	return &r->value;
}

static void add_integer(struct writing *o, uint16_t rid, int64_t i)
{
	add(o, rid, LWM_INTEGER)->i = i;
}

static void add_boolean(struct writing *o, uint16_t rid, bool b)
{
	add(o, rid, LWM_BOOLEAN)->b = b;
}

static void add_bytes(struct writing *o, uint16_t rid, enum lwm_type type, struct span s)
{
	add(o, rid, type)->bytes = s;
}

static enum err encode(const struct writing *o, struct writer *w)
{
	struct lwm_path base = {.n = 2, .id = {o->oid, o->iid}};
	return lwm_format(LWM_CF_TLV)->encode(o->v, o->n, &base, NULL, w);
}

enum err bs_write_security(const struct bs_session *s, struct writer *w)
{
	struct writing o = {.oid = 0, .iid = s->security_iid};
	add_bytes(&o, 0, LWM_STRING, span_str(s->plan.uri));
	add_boolean(&o, 1, false);
	add_integer(
		&o, 2, SECURITY_NOSEC); /* OSCORE alone: NoSec and a link to Object 21 (OSC-01) */
	add_integer(&o, 10, s->plan.ssid);
	struct lwm_value *link = add(&o, 17, LWM_OBJLNK);
	link->link.oid = 21;
	link->link.iid = s->oscore_iid;
	return encode(&o, w);
}

enum err bs_write_server(const struct bs_session *s, struct writer *w)
{
	struct writing o = {.oid = 1, .iid = 0};
	add_integer(&o, 0, s->plan.ssid);
	add_integer(&o, 1, s->plan.lifetime_s);
	if (s->plan.pmin_s)
		add_integer(&o, 2, s->plan.pmin_s);
	if (s->plan.pmax_s)
		add_integer(&o, 3, s->plan.pmax_s);
	add_boolean(&o, 6, s->plan.notification_storing);
	add_bytes(&o, 7, LWM_STRING, span_str(s->plan.binding));
	return encode(&o, w);
}

/* Ids as the device sees them: what it sends with is what we receive with (OSC-03). In TLV String
 * and Opaque are the same bytes, so the version of Object 21 makes no difference. Algorithms are
 * left out at their defaults (CT-101). */
enum err bs_write_oscore(const struct bs_session *s, struct writer *w)
{
	struct writing o = {.oid = 21, .iid = s->oscore_iid};
	add_bytes(&o, 0, LWM_OPAQUE, SPAN_OF(s->secret));
	add_bytes(&o, 1, LWM_OPAQUE, ep_recipient_id(s->made));
	add_bytes(&o, 2, LWM_OPAQUE, ep_sender_id(s->made));
	add_bytes(&o, 5, LWM_OPAQUE, SPAN_OF(s->salt));
	return encode(&o, w);
}

/* One byte, unlike every id the device's other accounts use. */
static enum err draw_sender_id(struct bs *b, const struct bs_session *s, struct osc_id *out)
{
	for (int tries = 0; tries < 4096; tries++) {
		struct osc_id id = {.n = 1};
		rng_fill(&b->dir->rng, id.p, 1);
		const struct ep_context *c = s->endpoint->contexts;
		while (c && !span_eq(ep_sender_id(c), osc_id_span(&id)) &&
			!span_eq(ep_recipient_id(c), osc_id_span(&id)))
			c = c->next_of_endpoint;
		if (!c) {
			*out = id;
			return ERR_OK;
		}
	}
	return ERR_LIMIT;
}

/* Attempts that never came to anything leave contexts behind. Only some are kept: what the device
 * uses, what it acknowledged last, and the last attempt, whose Finish may have reached it. */
static void prune(struct bs *b, struct endpoint *e, struct turn *t)
{
	size_t n = 0;
	struct ep_context *oldest = NULL, *spare = NULL;
	bool acknowledged = false;
	/* The list has the newest first. */
	for (struct ep_context *c = e->contexts; c; c = c->next_of_endpoint) {
		if (c->role != REC_ROLE_SERVER)
			continue;
		n++;
		if (c->generation == REC_GEN_USED)
			continue;
		if (oldest && (acknowledged || c->generation == REC_GEN_WRITTEN))
			spare = c;
		acknowledged |= c->generation == REC_GEN_ACKNOWLEDGED;
		oldest = c;
	}
	if (!spare)
		spare = oldest;
	if (n < EP_GENERATIONS_MAX || !spare)
		return;
	ep_context_close(b->x, spare);
	ep_context_remove(b->dir, spare, t);
}

enum err bs_draw_context(struct bs *b, struct bs_session *s, struct turn *t)
{
	struct osc_id sid, rid;
	prune(b, s->endpoint, t);
	rng_fill(&b->dir->rng, s->secret, sizeof(s->secret));
	rng_fill(&b->dir->rng, s->salt, sizeof(s->salt));
	enum err err = draw_sender_id(b, s, &sid);
	/* An id of one byte may be the one we just drew for ourselves. */
	for (int tries = 0; !err && tries < 16; tries++) {
		err = ep_draw_recipient_id(b->dir, b->opts.recipient_id_bytes, &rid);
		if (!span_eq(osc_id_span(&sid), osc_id_span(&rid)))
			break;
	}
	if (err)
		return err;
	struct ep_context_input in = {.params = {.aead = OSC_AEAD_AES_CCM_16_64_128,
					      .hkdf = OSC_HKDF_SHA256,
					      .master_secret = SPAN_OF(s->secret),
					      .master_salt = SPAN_OF(s->salt),
					      .sender_id = osc_id_span(&sid),
					      .recipient_id = osc_id_span(&rid)},
		.role = REC_ROLE_SERVER,
		.origin = REC_ORIGIN_DRAWN,
		.generation = REC_GEN_WRITTEN,
		.ssid = s->plan.ssid,
		.highest = UINT64_MAX};
	return ep_context_add(b->dir, s->endpoint, &in, t, &s->made);
}
