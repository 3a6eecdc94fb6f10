/* SPDX-License-Identifier: Apache-2.0 */
/* The new account: its keys, and how it is written into Objects 0, 1 and 21. */
#include "base/alg.h"
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

static enum err encode(const struct bs_session *s, const struct writing *o, struct writer *w)
{
	struct lwm_path base = {.n = 2, .id = {o->oid, o->iid}};
	return lwm_format(s->format)->encode(o->v, o->n, &base, NULL, w);
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
	return encode(s, &o, w);
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
	return encode(s, &o, w);
}

/* Secret, salt and ids of Object 21 are Strings until its version 2.0. The two types differ in
 * every format but TLV, and only text can be a String there. */
static bool keys_are_text(const struct bs_session *s)
{
	uint8_t version = s->endpoint->oscore_version;
	if (!version)
		version = s->found.oscore_version;
	if (!version) /* what a client that leaves it out means */
		version = lwm_default_version(21, s->found.lwm2m ? s->found.lwm2m : 11);
	return s->format != LWM_CF_TLV && version < 20;
}

/* Ids as the device sees them: what it sends with is what we receive with (OSC-03). Algorithms are
 * left out at their defaults (CT-101). */
enum err bs_write_oscore(const struct bs_session *s, struct writer *w)
{
	struct writing o = {.oid = 21, .iid = s->oscore_iid};
	const struct bs_oscore *p = &s->plan.oscore;
	enum lwm_type type = keys_are_text(s) ? LWM_STRING : LWM_OPAQUE;
	add_bytes(&o, 0, type, span_make(s->secret, s->secret_n));
	add_bytes(&o, 1, type, ep_recipient_id(s->made));
	add_bytes(&o, 2, type, ep_sender_id(s->made));
	if (p->aead != ALG_AES_CCM_16_64_128)
		add_integer(&o, 3, p->aead);
	if (p->hkdf != ALG_HKDF_SHA256)
		add_integer(&o, 4, p->hkdf_number ? p->hkdf : alg_hmac_number(p->hkdf));
	add_bytes(&o, 5, type, SPAN_OF(s->salt));
	if (s->made->has_id_context)
		add_bytes(&o, 6, type, ep_id_context(s->made));
	return encode(s, &o, w);
}

static void draw(struct bs *b, const struct bs_session *s, uint8_t *p, size_t n)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	rng_fill(&b->dir->rng, p, n);
	for (size_t i = 0; keys_are_text(s) && i < n; i++)
		p[i] = (uint8_t)letters[p[i] % 64];
}

/* One byte, unlike every id the device's other accounts use. */
static enum err draw_sender_id(struct bs *b, const struct bs_session *s, struct osc_id *out)
{
	for (int tries = 0; tries < 4096; tries++) {
		struct osc_id id = {.n = 1};
		draw(b, s, id.p, 1);
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

/* As long as the plan or the configuration says, where the nonce has room for it (RFC 8613 section
 * 3.3). Ids that no context has come first; when there are no more, one that is unique together
 * with the ID Context will do. */
static void draw_recipient_id(
	struct bs *b, const struct bs_session *s, int tries, struct osc_id *id)
{
	const struct bs_oscore *p = &s->plan.oscore;
	uint8_t most = (uint8_t)(osc_aead_info(p->aead)->nonce_n - 6);
	id->n = p->recipient_id_bytes ? p->recipient_id_bytes : b->opts.recipient_id_bytes;
	if (id->n > most)
		id->n = most;
	do
		draw(b, s, id->p, id->n);
	while (--tries > 0 && ep_kid_taken(b->dir, osc_id_span(id)));
}

/* ERR_EXISTS, ERR_CONFLICT: the ids were taken, or equal. */
static enum err try_context(struct bs *b, struct bs_session *s, int tries, struct turn *t)
{
	struct osc_id sid, rid;
	uint8_t id_context[BS_ID_CONTEXT_MAX];
	const struct bs_oscore *p = &s->plan.oscore;
	enum err err = draw_sender_id(b, s, &sid);
	if (err)
		return err;
	draw_recipient_id(b, s, tries, &rid);
	draw(b, s, id_context, p->id_context_bytes);
	struct ep_context_input in = {
		.params = {.aead = p->aead,
			.hkdf = p->hkdf,
			.master_secret = span_make(s->secret, s->secret_n),
			.master_salt = SPAN_OF(s->salt),
			.sender_id = osc_id_span(&sid),
			.recipient_id = osc_id_span(&rid),
			.has_id_context = p->id_context_bytes != 0,
			.id_context = span_make(id_context, p->id_context_bytes)},
		.role = REC_ROLE_SERVER,
		.origin = REC_ORIGIN_DRAWN,
		.generation = REC_GEN_WRITTEN,
		.ssid = s->plan.ssid,
		.highest = UINT64_MAX};
	return ep_context_add(b->dir, s->endpoint, &in, t, &s->made);
}

enum err bs_draw_context(struct bs *b, struct bs_session *s, struct turn *t)
{
	enum { TRIES = 64 };
	enum err err = ERR_EXISTS;
	prune(b, s->endpoint, t);
	s->secret_n = keys_are_text(s) ? BS_SECRET_CHARS : BS_SECRET_BYTES;
	draw(b, s, s->secret, s->secret_n);
	draw(b, s, s->salt, sizeof(s->salt));
	for (int i = 0; i < TRIES && (err == ERR_EXISTS || err == ERR_CONFLICT); i++)
		err = try_context(b, s, TRIES, t);
	return err;
}
