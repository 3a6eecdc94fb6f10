/* SPDX-License-Identifier: Apache-2.0 */
/* Watches every protected datagram that is sent, lost ones too, and says whether a key ever met one
 * nonce with two different messages. It knows which requests were answered, for replaying them. */
#ifndef LANYARD_TESTS_UNIT_CMD_SIM_AUDIT_H
#define LANYARD_TESTS_UNIT_CMD_SIM_AUDIT_H

#include "base/map.h"
#include "endpoint/endpoint.h"
#include "oscore/recover.h"
#include "tests/unit/test.h"

#define SIM_UNUSED __attribute__((unused))

/* Of short runs, many times over, a small one is enough. */
#ifdef AUDIT_SMALL
enum { AUDIT_USES = 1 << 13, AUDIT_TOKENS = 256, AUDIT_REQUESTS = 512 };
#else
enum { AUDIT_USES = 1 << 17, AUDIT_TOKENS = 4096, AUDIT_REQUESTS = 8192 };
#endif

enum {
	AUDIT_DATAGRAM = 1500,
};

/* A key with a nonce, and what was encrypted under them. */
struct audit_use {
	uint8_t key[16], nonce[OSC_NONCE_MAX];
	uint64_t digest;
	bool used;
};

/* A request on its way: what its response may be encrypted with. */
struct audit_token {
	bool up; /* from a device */
	unsigned dev;
	uint8_t token[MSG_TOKEN_MAX];
	struct osc_keys keys; /* the server's view */
	struct osc_id kid;
	struct osc_piv piv;
	size_t request; /* in `request`; up only */
};

struct audit_request {
	unsigned dev;
	uint16_t listener;
	bool answered; /* a protected response was released */
	size_t n;
	uint8_t bytes[AUDIT_DATAGRAM];
};

struct audit {
	struct audit_use use[AUDIT_USES];
	struct audit_token token[AUDIT_TOKENS];
	struct audit_request request[AUDIT_REQUESTS];
	size_t use_n, token_n, request_n;
	size_t reuses, unknown;
};

static void audit_nonce(struct audit *a, const uint8_t key[16], const struct osc_keys *k,
	const struct osc_id *owner, const struct osc_piv *piv, struct span payload)
{
	static const uint8_t seed[16] = {1};
	struct audit_use u = {.used = true};
	memcpy(u.key, key, sizeof(u.key));
	osc_nonce(k, owner, piv, u.nonce);
	u.digest = siphash24(seed, payload);
	REQUIRE(a->use_n < AUDIT_USES / 2, "room for the audit");
	size_t at = siphash24(seed, span_make(u.key, sizeof(u.key) + sizeof(u.nonce)));
	for (at %= AUDIT_USES; a->use[at].used; at = (at + 1) % AUDIT_USES) {
		if (memcmp(a->use[at].key, u.key, sizeof(u.key) + sizeof(u.nonce)))
			continue;
		a->reuses += a->use[at].digest != u.digest;
		return;
	}
	a->use[at] = u;
	a->use_n++;
}

static struct audit_token *audit_find(struct audit *a, bool up, unsigned dev, const struct msg *m)
{
	size_t first = a->token_n > AUDIT_TOKENS ? a->token_n - AUDIT_TOKENS : 0;
	for (size_t i = a->token_n; i-- > first;) {
		struct audit_token *t = &a->token[i % AUDIT_TOKENS];
		if (t->up == up && t->dev == dev && m->token_n == MSG_TOKEN_MAX &&
			!memcmp(t->token, m->token, MSG_TOKEN_MAX))
			return t;
	}
	return NULL;
}

/* The other side's view of keys. */
static void audit_swap(const struct osc_keys *in, struct osc_keys *out)
{
	*out = *in;
	memcpy(out->sender_key, in->recipient_key, sizeof(out->sender_key));
	memcpy(out->recipient_key, in->sender_key, sizeof(out->recipient_key));
	out->sender_id = in->recipient_id;
	out->recipient_id = in->sender_id;
}

static bool audit_is_under(const struct ep_directory *d, const struct ep_context *c,
	const struct msg *m, const struct osc_option *o)
{
	static uint8_t work[4096];
	struct writer w = wr_make(work, sizeof(work));
	struct osc_keys keys, device;
	struct osc_binding b;
	struct msg plain;
	ep_keys(c, &keys);
	audit_swap(&keys, &device);
	return osc_unprotect_request(d->crypto, &device, o, m, &w, &plain, &b) == ERR_OK;
}

/* The request's context as the server has it. Its own requests name a Sender ID; keys before and
 * after a recovery have the same. */
static const struct ep_context *audit_context(const struct ep_directory *d,
	const struct endpoint *e, bool up, const struct msg *m, const struct osc_option *o)
{
	struct peer from = {.bearer = BEARER_UDP};
	struct ep_context *found[EP_TRIALS];
	if (up)
		return ep_context_find(
			       d, o->kid, o->has_kid_context ? &o->kid_context : NULL, &from, found)
			       ? found[0]
			       : NULL;
	struct span id_context = o->kid_context;
	bool wrapped = o->has_kid_context && !osc_unwrap(o->kid_context, &id_context);
	const struct ep_context *first = NULL;
	for (const struct ep_context *c = e ? e->contexts : NULL; c; c = c->next_of_endpoint) {
		if (!span_eq(ep_sender_id(c), o->kid) ||
			(wrapped && !span_eq(ep_id_context(c), id_context)))
			continue;
		if (audit_is_under(d, c, m, o))
			return c;
		if (!first)
			first = c;
	}
	return first;
}

static size_t audit_remember(struct audit *a, unsigned dev, uint16_t listener, struct span datagram)
{
	for (size_t i = 0; i < a->request_n; i++)
		if (a->request[i].dev == dev &&
			span_eq(span_make(a->request[i].bytes, a->request[i].n), datagram))
			return i;
	REQUIRE(a->request_n < AUDIT_REQUESTS && datagram.n <= AUDIT_DATAGRAM, "room for requests");
	struct audit_request *r = &a->request[a->request_n];
	*r = (struct audit_request){.dev = dev, .listener = listener, .n = datagram.n};
	memcpy(r->bytes, datagram.p, datagram.n);
	return a->request_n++;
}

static void audit_request(struct audit *a, const struct ep_context *c,
	const struct osc_keys *device, bool up, unsigned dev, uint16_t listener,
	struct span datagram, const struct msg *m, const struct osc_option *o)
{
	struct osc_keys keys = {.aead = ALG_AES_CCM_16_64_128};
	if (!up && !c && o->has_kid_context) { /* request 1: its ID1 stands for its keys */
		memcpy(keys.sender_key, o->kid_context.p,
			o->kid_context.n < 16 ? o->kid_context.n : 16);
		memcpy(keys.recipient_key, keys.sender_key, 16);
	} else if (up && device) {
		audit_swap(device, &keys);
	} else if (c) {
		ep_keys(c, &keys);
	} else {
		a->unknown++;
		return;
	}
	const struct osc_id *kid = up ? &keys.recipient_id : &keys.sender_id;
	audit_nonce(a, up ? keys.recipient_key : keys.sender_key, &keys, kid, &o->piv, m->payload);
	struct audit_token *t = audit_find(a, up, dev, m);
	if (!t)
		t = &a->token[a->token_n++ % AUDIT_TOKENS];
	*t = (struct audit_token){.up = up, .dev = dev, .keys = keys, .kid = *kid, .piv = o->piv};
	memcpy(t->token, m->token, sizeof(t->token));
	if (up)
		t->request = audit_remember(a, dev, listener, datagram);
}

/* Every datagram as it is sent. `device`: its keys, where the server may not have them yet. */
static SIM_UNUSED void audit_sent(struct audit *a, const struct ep_directory *d,
	const struct endpoint *e, bool up, unsigned dev, uint16_t listener, struct span datagram,
	const struct osc_keys *device)
{
	uint8_t r2[64] = {0};
	struct msg m;
	struct osc_option o;
	if (msg_parse_udp(datagram, &m) || !msg_find(&m, OPT_OSCORE) ||
		osc_option_parse(msg_find(&m, OPT_OSCORE)->val, &o))
		return;
	if (msg_code_is_request(m.code)) {
		audit_request(a, audit_context(d, e, up, &m, &o), device, up, dev, listener,
			datagram, &m, &o);
		return;
	}
	const struct audit_token *t = audit_find(a, !up, dev, &m);
	if (!t) {
		a->unknown++;
		return;
	}
	if (o.has_kid_context) { /* keys that come of its R2, and the nonce of the request */
		memcpy(r2, o.kid_context.p, o.kid_context.n < 64 ? o.kid_context.n : 64);
		audit_nonce(a, r2 + 1, &t->keys, &t->kid, &t->piv, m.payload);
		return;
	}
	const struct osc_id *self = up ? &t->keys.recipient_id : &t->keys.sender_id;
	audit_nonce(a, up ? t->keys.recipient_key : t->keys.sender_key, &t->keys,
		o.piv.n ? self : &t->kid, o.piv.n ? &o.piv : &t->piv, m.payload);
	if (!up)
		a->request[t->request].answered = true;
}

#endif
