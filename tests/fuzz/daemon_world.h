/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's core over the memory store on a virtual clock, with everything a fuzz program knows
 * about it: the keys of its devices, what it asked them, what it encrypted under which nonce. */
#ifndef LANYARD_TESTS_FUZZ_DAEMON_WORLD_H
#define LANYARD_TESTS_FUZZ_DAEMON_WORLD_H

#include "base/map.h"
#include "cmd/core_impl.h"
#include "coap/block.h"
#include "endpoint/exchange_impl.h"
#include "oscore/recover.h"
#include "server/server_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	KEYS_MAX = 64,
	SENT_MAX = 1024,
	ASKED_MAX = 16,
	COPIES_MAX = 16,
	USES_MAX = 4096,
	CALLS_MAX = 512,
	UPLOADS_MAX = 16,
	NAMES = 4,
	DATAGRAM_MAX = 1500,
};
enum { LISTEN_NOSEC, LISTEN_SERVER, LISTEN_BOOTSTRAP, LISTENERS };

/* The first three are provisioned: a and c with a server context, b with a bootstrap context. */
static const char *const world_names[NAMES] = {"a", "b", "c", "n"};

/* Of a registration: what is behind rd/. */
struct place {
	uint8_t n, name[16];
};

/* A body that the daemon sends in blocks: its length, the last block. */
struct coming {
	size_t body_n, at, end;
};

/* A context as its device has it. */
struct key {
	struct osc_keys dev; /* the device's view */
	uint8_t role, id_context_n;
	uint8_t id_context[OSC_ID_CONTEXT_MAX];
	uint64_t next;                        /* the device's sender number */
	uint8_t r2[OSC_ID_CONTEXT_MAX], r2_n; /* of the last response 1 */
	uint8_t echo[40], echo_n;
	bool proves;  /* it has repeated an Echo value */
	bool trusted; /* at some time its endpoint had to prove nothing */
	struct place place;
	struct coming coming;
};

/* A protected request to the daemon; its token names its place. */
struct sent {
	size_t key, base; /* base: the key it was recovered from, or itself; the first three have
			     secrets that are known */
	struct osc_binding binding;
	bool answered;
};

/* A request of the daemon. */
struct asked {
	bool is_protected, observe;
	bool begins; /* under an ID1: a recovery of the daemon's */
	size_t key, base;
	struct osc_binding binding;
	struct peer to;
	uint16_t mid, accept;
	uint8_t code, token_n, token[MSG_TOKEN_MAX];
	bool has_path, has_block1, has_block2;
	struct block block1, block2;
};

struct copy {
	struct peer from;
	size_t n;
	uint8_t bytes[DATAGRAM_MAX];
};

/* A nonce under a key, and what the daemon encrypted with them. */
struct use {
	uint8_t key[16], nonce[OSC_NONCE_MAX];
	uint64_t run, digest;
};

struct world {
	struct cfg cfg;
	struct osc_crypto *crypto;
	struct store *provisioned; /* what every run starts with */
	uint64_t run, rng_state[4], now_ms, generation;
	struct core *core;
	bool held, armed, may_fail; /* storage: waits; fails from some commit on; may have failed */
	struct key key[KEYS_MAX];
	struct sent sent[SENT_MAX];
	struct asked asked[ASKED_MAX];
	struct copy copy[COPIES_MAX];
	size_t key_n, sent_n, asked_n, copy_n, use_n;
	struct use use[USES_MAX];
	unsigned calls[CALLS_MAX]; /* how often an administrator's call was answered */
	size_t call_n;
	uint16_t mid;         /* of the devices */
	struct span datagram; /* that the daemon sends */
	bool asking;          /* it speaks because of: */
	struct msg in;
	size_t in_n;
	struct place bare; /* of the last unprotected registration */
	struct world_disk {
		uint64_t upload[UPLOADS_MAX], bytes[UPLOADS_MAX]; /* some of the first */
		size_t n;
		struct store_image_seal *sealing[UPLOADS_MAX];
		size_t sealing_n;
	} disk; /* for images */
};

static void require(bool cond, const char *what)
{
	if (cond)
		return;
	fprintf(stderr, "violated: %s\n", what);
	abort();
}

/* ---- keys */

/* NULL: more keys than are kept. */
static struct key *world_key_of(struct world *w, const struct ep_context *c)
{
	struct osc_keys k;
	ep_keys(c, &k);
	for (size_t i = 0; i < w->key_n; i++)
		if (!memcmp(w->key[i].dev.recipient_key, k.sender_key, 16) &&
			span_eq(osc_id_span(&w->key[i].dev.recipient_id),
				osc_id_span(&k.sender_id)))
			return &w->key[i];
	return NULL;
}

/* The context of a device's key; NULL: it is gone. */
static const struct ep_context *world_context_of(struct world *w, const struct key *k)
{
	struct map_cursor cursor = {0};
	for (const struct ep_context *c;
		(c = map_each(&w->core->dir.by_kid, osc_id_span(&k->dev.sender_id), &cursor));)
		if (world_key_of(w, c) == k)
			return c;
	return NULL;
}

static void world_learn_context(struct world *w, const struct ep_context *c)
{
	struct key *known = world_key_of(w, c);
	if (!known && w->key_n == KEYS_MAX)
		return;
	if (!known) {
		struct osc_keys k;
		struct span id_context = ep_id_context(c);
		ep_keys(c, &k);
		known = &w->key[w->key_n++];
		*known = (struct key){
			.dev = k, .role = c->role, .id_context_n = (uint8_t)id_context.n};
		memcpy(known->dev.sender_key, k.recipient_key, sizeof(k.recipient_key));
		memcpy(known->dev.recipient_key, k.sender_key, sizeof(k.sender_key));
		known->dev.sender_id = k.recipient_id;
		known->dev.recipient_id = k.sender_id;
		if (id_context.n)
			memcpy(known->id_context, id_context.p, id_context.n);
	}
	known->trusted |= ep_freshness_of(&w->core->dir, c->endpoint) == EP_FRESH_NONE;
}

/* Keys of a provisioned device under another ID Context; false: there are none. */
static bool world_key_under(struct world *w, size_t base, struct span id_context, struct key *out)
{
	uint8_t secret[16] = {(uint8_t)base, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
	const struct osc_keys *dev = &w->key[base].dev;
	struct osc_params p = {.aead = ALG_AES_CCM_16_64_128,
		.hkdf = ALG_HKDF_SHA256,
		.master_secret = SPAN_OF(secret),
		.sender_id = osc_id_span(&dev->sender_id),
		.recipient_id = osc_id_span(&dev->recipient_id),
		.has_id_context = true,
		.id_context = id_context};
	*out = (struct key){.role = w->key[base].role};
	if (base > 2 || id_context.n > sizeof(out->id_context) ||
		osc_derive(w->crypto, &p, &out->dev))
		return false;
	out->id_context_n = (uint8_t)id_context.n;
	if (id_context.n)
		memcpy(out->id_context, id_context.p, id_context.n);
	return true;
}

/* Its place among the keys, where it may be already. */
static size_t world_keep(struct world *w, size_t base, const struct key *k)
{
	for (size_t i = 0; i < w->key_n; i++)
		if (!memcmp(&w->key[i].dev, &k->dev, sizeof(k->dev)))
			return i;
	(void)base;
	w->key[w->key_n] = *k;
	return w->key_n++;
}

/* What an administrator brought or a bootstrap wrote, the devices have too. */
static void world_learn(struct world *w)
{
	for (size_t i = 0; w->core->up && i < NAMES; i++) {
		const struct endpoint *e = ep_find(&w->core->dir, span_str(world_names[i]));
		for (const struct ep_context *c = e ? e->contexts : NULL; c;
			c = c->next_of_endpoint)
			world_learn_context(w, c);
	}
}

/* ---- what the daemon sends */

/* One nonce, one datagram: what is repeated is repeated byte for byte. */
static void world_audit_as(struct world *w, const struct osc_keys *dev,
	const struct osc_keys *nonce_of, const struct osc_id *owner, const struct osc_piv *piv)
{
	static const uint8_t seed[16] = {1};
	struct use u = {.run = w->run, .digest = siphash24(seed, w->datagram)};
	memcpy(u.key, dev->recipient_key, sizeof(u.key));
	osc_nonce(nonce_of, owner, piv, u.nonce);
	size_t at = siphash24(seed, span_make(u.key, sizeof(u.key) + sizeof(u.nonce)));
	for (at %= USES_MAX; w->use[at].run == w->run; at = (at + 1) % USES_MAX) {
		if (memcmp(w->use[at].key, u.key, sizeof(u.key) + sizeof(u.nonce)))
			continue;
		require(w->use[at].digest == u.digest, "one nonce for two messages");
		return;
	}
	if (w->use_n == USES_MAX - 1)
		return;
	w->use[at] = u;
	w->use_n++;
}

static void world_audit(struct world *w, const struct osc_keys *dev, const struct osc_id *owner,
	const struct osc_piv *piv)
{
	world_audit_as(w, dev, dev, owner, piv);
}

/* Blocks come in order, each of them as it was told in the first, and never past the end. */
static void world_block(const struct world *w, struct coming *c, const struct msg *m)
{
	struct block b;
	uint32_t size;
	if (block_get(m, OPT_BLOCK1, &b))
		return;
	size_t at = b.num * block_size(b.szx);
	bool told = msg_get_uint(m, OPT_SIZE1, &size);
	require(told == !at && m->payload.n, "the first block tells the size of the body");
	if (told)
		*c = (struct coming){.body_n = size, .end = m->payload.n};
	require(at == c->at || at == c->end, "a block is the same once more, or the next");
	c->at = at;
	c->end = at + m->payload.n;
	require(c->body_n <= w->cfg.body_limit_bytes, "a body keeps to its limit");
	require(b.more ? m->payload.n == block_size(b.szx) && c->end < c->body_n
		       : c->end == c->body_n,
		"blocks are full, and the last ends the body");
}

static void world_blocks_of(struct asked *a, const struct msg *m)
{
	a->has_block1 = !block_get(m, OPT_BLOCK1, &a->block1);
	a->has_block2 = !block_get(m, OPT_BLOCK2, &a->block2);
}

static bool world_open_request(
	struct world *w, const struct osc_option *o, const struct msg *m, struct asked *a)
{
	uint8_t buf[DATAGRAM_MAX];
	struct msg plain;
	for (size_t i = 0; i < w->key_n; i++) {
		struct writer work = wr_make(buf, sizeof(buf));
		const struct osc_keys *dev = &w->key[i].dev;
		uint32_t v;
		if (!span_eq(osc_id_span(&dev->recipient_id), o->kid) ||
			osc_unprotect_request(w->crypto, dev, o, m, &work, &plain, &a->binding))
			continue;
		world_audit(w, dev, &dev->recipient_id, &o->piv);
		a->is_protected = true;
		a->key = i;
		a->code = plain.code;
		a->observe = msg_get_uint(&plain, OPT_OBSERVE, &v) && !v;
		a->has_path = msg_find(&plain, OPT_URI_PATH);
		world_blocks_of(a, &plain);
		world_block(w, &w->key[i].coming, &plain);
		a->accept = msg_get_uint(&plain, OPT_ACCEPT, &v) ? (uint16_t)v : 0;
		return true;
	}
	return false;
}

/* Request 1 of a recovery that the daemon begins. */
static bool world_begun(
	struct world *w, const struct osc_option *o, const struct msg *m, struct asked *a)
{
	struct span id1;
	struct key k;
	if (!o->has_kid_context || osc_unwrap(o->kid_context, &id1))
		return false;
	for (size_t base = 0; base < 3 && w->key_n < KEYS_MAX; base++) {
		if (!world_key_under(w, base, id1, &k))
			continue;
		w->key[w->key_n++] = k;
		if (world_open_request(w, o, m, a)) {
			a->begins = true;
			a->base = base;
			return true;
		}
		w->key_n--;
	}
	return w->key_n == KEYS_MAX;
}

static void world_asked(struct world *w, const struct peer *to, const struct msg *m)
{
	struct asked a = {
		.to = *to, .mid = m->mid, .code = m->code, .token_n = m->token_n, .key = KEYS_MAX};
	const struct opt *raw = msg_find(m, OPT_OSCORE);
	struct osc_option o;
	uint32_t v;
	memcpy(a.token, m->token, sizeof(a.token));
	if (raw) {
		require(osc_option_parse(raw->val, &o) == ERR_OK, "a request's option");
		require(world_open_request(w, &o, m, &a) || world_begun(w, &o, m, &a) ||
				w->key_n == KEYS_MAX,
			"a request can be opened by its device");
	} else {
		a.observe = msg_get_uint(m, OPT_OBSERVE, &v) && !v;
		a.has_path = msg_find(m, OPT_URI_PATH);
		world_blocks_of(&a, m);
		a.accept = msg_get_uint(m, OPT_ACCEPT, &v) ? (uint16_t)v : 0;
	}
	for (size_t i = 0; i < w->asked_n && i < ASKED_MAX; i++)
		if (w->asked[i].mid == m->mid && !memcmp(w->asked[i].token, m->token, m->token_n))
			return;
	w->asked[w->asked_n++ % ASKED_MAX] = a;
}

static void world_learn_place(struct place *p, const struct msg *m)
{
	const struct opt *o = msg_find(m, OPT_LOCATION_PATH);
	o = o ? msg_next(m, o) : NULL;
	if (m->code != MSG_CREATED || !o || o->val.n > sizeof(p->name))
		return;
	p->n = (uint8_t)o->val.n;
	memcpy(p->name, o->val.p, o->val.n);
}

/* One number, one request, whatever the nonce of its answer. */
static void world_accepted(struct world *w, size_t at)
{
	uint64_t number = osc_piv_number(&w->sent[at].binding.piv);
	w->sent[at].answered = true;
	for (size_t i = 0; i < w->sent_n; i++)
		require(i == at || !w->sent[i].answered || w->sent[i].key != w->sent[at].key ||
				osc_piv_number(&w->sent[i].binding.piv) != number,
			"a number is accepted once");
}

/* Who has not proved to be alive may have been answered before, under the request's own nonce. */
static void world_nonce_free(
	struct world *w, const struct key *k, const struct osc_option *o, const struct msg *plain)
{
	const struct ep_context *c = w->core->up ? world_context_of(w, k) : NULL;
	bool challenge = plain->code == MSG_UNAUTHORIZED && msg_find(plain, OPT_ECHO);
	require(o->piv.n || (!challenge && (!c || c->fresh)),
		"a number of its own where the request may be old");
}

/* Response 1 of RFC 8613 Appendix B.2: keys that are used once. */
static void world_offered(struct world *w, const struct sent *s, const struct msg *m)
{
	uint8_t buf[DATAGRAM_MAX], both[300];
	struct writer work = wr_make(buf, sizeof(buf)), id = wr_make(both, sizeof(both));
	const struct key *k = &w->key[s->key];
	size_t base = s->base;
	struct span r2;
	struct key under;
	struct msg plain;
	require(osc_response_1_r2(m, &r2) == ERR_OK, "a response with a kid context offers keys");
	wr_bytes(&id, r2);
	wr_bytes(&id, span_make(k->id_context, k->id_context_n));
	if (!world_key_under(w, base, wr_span(&id), &under))
		return; /* brought later, or of a bootstrap: its secret is not known */
	require(osc_unprotect_response_1(
			w->crypto, &under.dev, &k->dev, &s->binding, m, &work, &plain) == ERR_OK &&
			plain.code == MSG_UNAUTHORIZED,
		"response 1 can be opened by its device");
	world_audit_as(w, &under.dev, &k->dev, &s->binding.kid, &s->binding.piv);
	w->key[base].r2_n = (uint8_t)r2.n;
	memcpy(w->key[base].r2, r2.p, r2.n);
}

static void world_answered(struct world *w, const struct msg *m)
{
	uint8_t buf[DATAGRAM_MAX];
	struct writer work = wr_make(buf, sizeof(buf));
	struct osc_option o;
	struct msg plain;
	uint64_t number;
	size_t at = (size_t)m->token[0] << 8 | m->token[1];
	const struct opt *raw = msg_find(m, OPT_OSCORE);
	require(m->token_n == 2 && at < w->sent_n, "a protected response belongs to a request");
	const struct sent *s = &w->sent[at];
	struct key *k = &w->key[s->key];
	require(osc_option_parse(raw->val, &o) == ERR_OK, "a response's option");
	if (o.has_kid_context) {
		world_offered(w, s, m);
		return;
	}
	require(!osc_unprotect_response(w->crypto, &k->dev, &s->binding, m, &work, &plain, &number),
		"a response can be opened by its device");
	world_audit(w, &k->dev, o.piv.n ? &k->dev.recipient_id : &s->binding.kid,
		o.piv.n ? &o.piv : &s->binding.piv);
	world_accepted(w, at);
	world_nonce_free(w, k, &o, &plain);
	world_learn_place(&k->place, &plain);
	const struct opt *echo = msg_find(&plain, OPT_ECHO);
	if (!echo || echo->val.n > sizeof(k->echo))
		return;
	k->echo_n = (uint8_t)echo->val.n;
	memcpy(k->echo, echo->val.p, echo->val.n);
}

static void world_send(void *arg, const struct peer *to, struct span bytes)
{
	struct world *w = arg;
	struct msg m;
	require(msg_parse_udp(bytes, &m) == ERR_OK, "what is sent is CoAP");
	require(bytes.n <= bearer_timing(BEARER_UDP)->mtu_bytes, "a datagram fits");
	require(to->bearer == BEARER_UDP && to->listener < LISTENERS, "it goes to a known peer");
	bool sealed = msg_find(&m, OPT_OSCORE);
	require(!w->held || !store_pending(w->core->store) ||
			(!sealed && m.code == MSG_UNAVAILABLE),
		"nothing leaves before it is durable");
	require(!w->core->failed || (!sealed && m.code == MSG_UNAVAILABLE),
		"5.03 is all that is said while nothing can be stored");
	require(!w->asking || !msg_code_is_response(m.code) ||
			span_eq(span_make(m.token, m.token_n),
				span_make(w->in.token, w->in.token_n)),
		"an answer goes to who asked");
	require(!w->asking || sealed || msg_code_class(m.code) < 4 || bytes.n <= 3 * w->in_n,
		"an error makes nobody's flood larger");
	world_learn(w);
	w->datagram = bytes;
	if (msg_code_is_request(m.code))
		world_asked(w, to, &m);
	else if (sealed)
		world_answered(w, &m);
	else
		world_learn_place(&w->bare, &m);
}

static void world_event(void *arg, const struct rec_event *e)
{
	struct world *w = arg;
	require(!w->held || !store_pending(w->core->store) || !e->seq,
		"no event before it is durable");
}

static void world_storage(void *arg, enum err e)
{
	struct world *w = arg;
	if (e)
		require(w->may_fail, "storage fails only when it was made to");
	else if (!w->armed)
		w->may_fail = false;
}

static void world_refused(void *arg, const struct ep_delivery *d)
{
	(void)arg;
	require(ep_reason_info(d->reason)->code != NULL, "a refusal has its reason");
}

static void world_rolled_back(void *arg, uint32_t rollbacks)
{
	(void)arg, (void)rollbacks;
	require(false, "no database of this world is set back");
}

static int64_t world_wall_ms(const struct world *w)
{
	return INT64_C(1700000000000) + (int64_t)w->now_ms;
}

static void world_time(struct world *w)
{
	core_time(w->core, w->now_ms, world_wall_ms(w));
}

static void world_wake(void *arg)
{
	world_time(arg);
}

/* ---- images: their bytes are their length's */

static enum err disk_add(void *arg, uint64_t upload, uint64_t at, struct span bytes)
{
	struct world_disk *d = &((struct world *)arg)->disk;
	size_t i = 0;
	while (i < d->n && d->upload[i] != upload)
		i++;
	if (i == UPLOADS_MAX)
		return ERR_FULL;
	d->n += i == d->n;
	d->upload[i] = upload;
	require(!at || d->bytes[i] == at, "the parts of an upload follow each other");
	d->bytes[i] = at + bytes.n;
	return ERR_OK;
}

static void disk_drop(void *arg, uint64_t upload)
{
	(void)arg, (void)upload;
}

static void disk_seal(void *arg, struct store_image_seal *s)
{
	struct world_disk *d = &((struct world *)arg)->disk;
	require(d->sealing_n < UPLOADS_MAX, "few uploads are sealed at once");
	d->sealing[d->sealing_n++] = s;
}

/* As the real one, from the loop. */
static void disk_poll(struct world *w)
{
	struct world_disk *d = &w->disk;
	while (d->sealing_n) {
		struct store_image_seal *s = d->sealing[--d->sealing_n];
		s->result = ERR_NOTFOUND;
		for (size_t i = 0; i < d->n; i++) {
			if (d->upload[i] != s->upload)
				continue;
			s->result = ERR_OK;
			s->bytes = d->bytes[i];
			memset(s->sha256, 0, sizeof(s->sha256));
			memcpy(s->sha256, &s->bytes, sizeof(s->bytes));
		}
		s->done(s);
	}
}

static enum err disk_read(
	void *arg, const uint8_t sha256[static STORE_SHA256], uint64_t at, uint8_t *buf, size_t n)
{
	uint64_t bytes;
	(void)arg;
	memcpy(&bytes, sha256, sizeof(bytes));
	require(at <= bytes && n <= bytes - at, "what is read of an image lies in it");
	memset(buf, (int)bytes, n);
	return ERR_OK;
}

static void disk_remove(void *arg, const uint8_t sha256[static STORE_SHA256])
{
	(void)arg, (void)sha256;
}

static void disk_sweep(void *arg, store_images_keep_fn *keep, void *keep_arg)
{
	(void)arg, (void)keep, (void)keep_arg;
}

/* ---- beginning and end */

static struct core *world_core(struct world *w)
{
	struct core *c;
	static struct core_images images = {
		disk_add, disk_drop, disk_seal, disk_read, disk_remove, disk_sweep, NULL};
	images.arg = w;
	struct core_opts o = {.cfg = &w->cfg,
		.images = &images,
		.rng = rng_test(w->rng_state, ++w->generation),
		.io = {.send = world_send,
			.event = world_event,
			.refused = world_refused,
			.wake = world_wake,
			.storage = world_storage,
			.rolled_back = world_rolled_back,
			.arg = w}};
	require(core_new(&o, &c) == ERR_OK, "core");
	return c;
}

static void world_start(struct world *w, struct store *s)
{
	w->held = w->armed = w->may_fail = false;
	require(core_start(w->core, s, w->now_ms, world_wall_ms(w)) == ERR_OK,
		"the core starts with what is stored");
	world_time(w);
}

/* A power cut. */
static void world_crash(struct world *w)
{
	w->asking = false;
	w->disk.n = w->disk.sealing_n = 0;
	struct core *old = w->core;
	struct store *s;
	struct core *new = world_core(w);
	require(store_mem_crash(old->store, core_store_done, new, &s) == ERR_OK, "power cut");
	old->failed = ERR_IO; /* it is dead: nothing more is told */
	core_free(old);
	w->core = new;
	world_start(w, s);
}

static void world_stop(struct world *w)
{
	if (!w->held)
		require(core_stop(w->core) == ERR_OK || w->may_fail, "a clean stop");
	world_crash(w);
}

#endif
