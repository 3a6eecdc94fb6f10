/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of new accounts. */
#include "base/alg.h"
#include "bootstrap/session.h"

#include <string.h>

static const uint8_t role_of[BS_KEYS] = {
	[BS_KEYS_SERVER] = REC_ROLE_SERVER, [BS_KEYS_BOOTSTRAP] = REC_ROLE_BOOTSTRAP};

static void draw(struct bs *b, const struct bs_session *s, uint8_t *p, size_t n)
{
	rng_fill(&b->dir->rng, p, n);
	for (size_t i = 0; bs_keys_are_text(s) && i < n; i++)
		p[i] = (uint8_t)ep_letters[p[i] % 64];
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
static void prune(struct bs *b, struct endpoint *e, uint8_t role, struct turn *t)
{
	size_t n = 0;
	struct ep_context *oldest = NULL, *spare = NULL;
	bool acknowledged = false;
	/* The list has the newest first. */
	for (struct ep_context *c = e->contexts; c; c = c->next_of_endpoint) {
		if (c->role != role)
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
	struct bs_endpoint *be = e->session;
	if (be->packed == spare)
		be->packed = NULL;
	ep_context_close(b->x, spare);
	ep_context_remove(b->dir, spare, t);
}

/* As long as the plan or the configuration says, where the nonce has room for it (RFC 8613 section
 * 3.3). Ids that no context has come first; when there are no more, one that is unique together
 * with the ID Context will do. */
static void draw_recipient_id(struct bs *b, const struct bs_session *s, const struct bs_oscore *p,
	int tries, struct osc_id *id)
{
	uint8_t most = (uint8_t)(osc_aead_info(p->aead)->nonce_n - 6);
	id->n = p->recipient_id_bytes ? p->recipient_id_bytes : b->opts.recipient_id_bytes;
	if (id->n > most)
		id->n = most;
	do
		draw(b, s, id->p, id->n);
	while (--tries > 0 && ep_kid_taken(b->dir, osc_id_span(id)));
}

/* ERR_EXISTS, ERR_CONFLICT: the ids were taken, or equal. */
static enum err try_context(
	struct bs *b, struct bs_session *s, int which, int tries, struct turn *t)
{
	struct osc_id sid, rid;
	uint8_t id_context[BS_ID_CONTEXT_MAX];
	struct bs_keys *k = &s->keys[which];
	const struct bs_oscore *p = k->params;
	enum err err = draw_sender_id(b, s, &sid);
	if (err)
		return err;
	draw_recipient_id(b, s, p, tries, &rid);
	draw(b, s, id_context, p->id_context_bytes);
	struct ep_context_input in = {
		.params = {.aead = p->aead,
			.hkdf = p->hkdf,
			.master_secret = span_make(k->secret, k->secret_n),
			.master_salt = SPAN_OF(k->salt),
			.sender_id = osc_id_span(&sid),
			.recipient_id = osc_id_span(&rid),
			.has_id_context = p->id_context_bytes != 0,
			.id_context = span_make(id_context, p->id_context_bytes)},
		.role = role_of[which],
		.origin = REC_ORIGIN_DRAWN,
		.generation = REC_GEN_WRITTEN,
		.ssid = which == BS_KEYS_SERVER ? s->drawn->ssid : 0,
		.highest = UINT64_MAX};
	return ep_context_add(b->dir, s->endpoint, &in, t, &k->made);
}

static enum err draw_context(struct bs *b, struct bs_session *s, int which, struct turn *t)
{
	enum { TRIES = 64 };
	struct bs_keys *k = &s->keys[which];
	enum err err = ERR_EXISTS;
	k->made = NULL;
	prune(b, s->endpoint, role_of[which], t);
	k->secret_n = bs_keys_are_text(s) ? BS_SECRET_CHARS : BS_SECRET_BYTES;
	draw(b, s, k->secret, k->secret_n);
	draw(b, s, k->salt, sizeof(k->salt));
	ep_mark_salt(b->dir, bs_keys_are_text(s), k->salt);
	for (int i = 0; i < TRIES && (err == ERR_EXISTS || err == ERR_CONFLICT); i++)
		err = try_context(b, s, which, TRIES, t);
	return err;
}

enum err bs_draw_contexts(struct bs *b, struct bs_session *s, struct turn *t)
{
	enum err err = ERR_OK;
	for (int which = 0; which < BS_KEYS && !err; which++)
		if (s->keys[which].params)
			err = draw_context(b, s, which, t);
	return err;
}
