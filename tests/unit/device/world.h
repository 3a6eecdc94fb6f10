/* SPDX-License-Identifier: Apache-2.0 */
/* A device, a virtual clock, and a tiny server made of oscore/ and coap/ functions. */
#ifndef LANYARD_TESTS_UNIT_DEVICE_WORLD_H
#define LANYARD_TESTS_UNIT_DEVICE_WORLD_H

#include "base/text.h"
#include "coap/block.h"
#include "device/device.h"
#include "lwm2m/format.h"
#include "oscore/protect.h"
#include "tests/unit/test.h"

#define W_UNUSED __attribute__((unused))

enum { W_SENT = 64, W_BYTES = 2048 };

/* The server's side of a context. */
struct side {
	struct osc_keys keys;
	uint64_t number;
};

struct world {
	struct dev_options options;
	struct dev_host *host;
	struct dev *dev;
	struct dev_out out;
	struct osc_crypto *crypto;
	uint64_t seed[4];
	uint64_t now_us;
	struct peer peer;
	uint8_t sent[W_SENT][W_BYTES]; /* what the device sent since the last w_forget */
	size_t sent_bytes[W_SENT], sent_n;
	char state[DEV_STATE_MAX]; /* what is durable */
	size_t state_bytes;
	unsigned seen[64]; /* how often each kind of event came */
	uint8_t last_code; /* of the last event that had one */
	struct side bootstrap, server;
	uint16_t mid;
	uint8_t token;
};

/* A message the server received or sent, with what it needs. */
struct heard {
	uint8_t raw[W_BYTES], buf[W_BYTES];
	size_t raw_n;
	struct msg outer, plain;
	struct osc_binding binding;
	uint64_t number;
};

static W_UNUSED struct dev_credentials w_credentials(bool direct)
{
	struct dev_credentials c;
	char why[DEV_REASON_MAX];
	const char *text = direct ? "endpoint=urn:test:1\nserver_uri=coap://192.0.2.1\n"
				    "master_secret=0102030405060708090a0b0c0d0e0f10\n"
				    "master_salt=9e7ca92223786340\nsender_id=73\nrecipient_id=02\n"
				  : "endpoint=urn:test:1\nbootstrap_uri=coap://192.0.2.1:5783\n"
				    "master_secret=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
				    "sender_id=62\nrecipient_id=01\n";
	REQUIRE(dev_credentials_parse(span_str(text), &c, why) == ERR_OK, "credentials");
	return c;
}

static W_UNUSED void w_side(struct world *w, struct side *s, const struct dev_credentials *c)
{
	struct osc_params p = {.aead = 10,
		.hkdf = ALG_HKDF_SHA256,
		.master_secret = span_make(c->master_secret, c->secret_n),
		.master_salt = span_make(c->master_salt, c->salt_n),
		.sender_id = osc_id_span(&c->recipient_id),
		.recipient_id = osc_id_span(&c->sender_id)};
	REQUIRE(osc_derive(w->crypto, &p, &s->keys) == ERR_OK, "server side of the context");
}

/* Takes what a call left behind, as a driver does: state first, then datagrams. */
static W_UNUSED void w_take(struct world *w)
{
	bool connect = false;
	for (struct dev *d; (d = dev_out_dirty(&w->out));) {
		struct writer s = wr_make(w->state, sizeof(w->state));
		REQUIRE(dev_state_write(d, false, &s) == ERR_OK, "state fits");
		w->state_bytes = s.n;
	}
	for (struct dev_datagram *g = w->out.datagrams; g; g = g->next) {
		REQUIRE(w->sent_n < W_SENT && g->bytes.n <= W_BYTES, "room for what is sent");
		memcpy(w->sent[w->sent_n], g->bytes.p, g->bytes.n);
		w->sent_bytes[w->sent_n++] = g->bytes.n;
	}
	for (struct dev_event *e = w->out.events; e; e = e->next) {
		w->seen[e->kind]++;
		connect |= e->kind == DEV_EVENT_CONNECT;
		if (e->code)
			w->last_code = e->code;
	}
	dev_out_reset(&w->out);
	if (connect) {
		dev_connect(w->dev, &w->peer, w->now_us, &w->out);
		w_take(w);
	}
}

static W_UNUSED void w_forget(struct world *w)
{
	w->sent_n = 0;
}

static W_UNUSED void w_open(struct world *w, const struct dev_credentials *c, struct span state)
{
	struct rng rng = rng_test(w->seed, 1 + w->now_us);
	w->options.retry_ms = 1000;
	REQUIRE(dev_host_new(&w->options, &rng, w->now_us, &w->host) == ERR_OK, "host");
	REQUIRE(dev_new(w->host, 0, c, SPAN_EMPTY, &w->dev) == ERR_OK, "device");
	if (state.n)
		REQUIRE(dev_state_read(w->dev, state) == ERR_OK, "state is read");
	dev_start(w->dev, w->now_us, &w->out);
	w_take(w);
}

static W_UNUSED void w_init(struct world *w, const struct dev_credentials *c)
{
	static const uint8_t address[6] = {192, 0, 2, 1, 0x16, 0x33};
	memset(w, 0, sizeof(*w));
	w->now_us = 1000000;
	dev_options_default(&w->options);
	w->options.numbers = DEV_NUMBERS_OWN;
	w->peer = (struct peer){.bearer = BEARER_UDP, .addr_n = 6};
	memcpy(w->peer.addr, address, sizeof(address));
	dev_out_init(&w->out);
	REQUIRE(osc_crypto_new(&w->crypto) == ERR_OK, "crypto");
	w_side(w, c->server_uri[0] ? &w->server : &w->bootstrap, c);
	w->mid = 1000;
}

static W_UNUSED void w_fini(struct world *w)
{
	dev_host_free(w->host);
	dev_out_fini(&w->out);
	osc_crypto_free(w->crypto);
}

static W_UNUSED void w_in(struct world *w, struct span datagram)
{
	dev_input(w->dev, &w->peer, datagram, w->now_us, &w->out);
	w_take(w);
}

static W_UNUSED void w_pass(struct world *w, uint64_t ms)
{
	uint64_t end = w->now_us + ms * 1000;
	while (dev_next_us(w->host) <= end) {
		uint64_t next = dev_next_us(w->host);
		w->now_us = next > w->now_us ? next : w->now_us;
		dev_tick(w->host, w->now_us, &w->out);
		w_take(w);
	}
	w->now_us = end;
	dev_tick(w->host, w->now_us, &w->out);
	w_take(w);
}

/* The i-th datagram of the device as a request, unprotected. */
static W_UNUSED bool w_hear(struct world *w, size_t i, const struct side *s, struct heard *h)
{
	struct osc_option o;
	struct writer buf = wr_make(h->buf, sizeof(h->buf));
	if (i >= w->sent_n)
		return false;
	memcpy(h->raw, w->sent[i], h->raw_n = w->sent_bytes[i]);
	if (msg_parse_udp(span_make(h->raw, h->raw_n), &h->outer) != ERR_OK)
		return false;
	const struct opt *v = msg_find(&h->outer, OPT_OSCORE);
	if (!v || osc_option_parse(v->val, &o) != ERR_OK)
		return false;
	h->number = osc_piv_number(&o.piv);
	return osc_unprotect_request(
		       w->crypto, &s->keys, &o, &h->outer, &buf, &h->plain, &h->binding) == ERR_OK;
}

/* The answer to a request of the device, protected; `reply` has code, options, payload. */
static W_UNUSED size_t w_protect_reply(struct world *w, struct side *s, const struct heard *h,
	struct msg *reply, bool own_number, uint8_t out[W_BYTES])
{
	uint8_t tmp[W_BYTES];
	struct writer buf = wr_make(tmp, sizeof(tmp)), dg = wr_make(out, W_BYTES);
	struct msg m;
	uint64_t number = own_number ? s->number++ : 0;
	reply->mid = reply->type == MSG_ACK ? h->outer.mid : w->mid++;
	reply->token_n = h->outer.token_n;
	memcpy(reply->token, h->outer.token, reply->token_n);
	REQUIRE(osc_protect_response(w->crypto, &s->keys, &h->binding, own_number ? &number : NULL,
			reply, &buf, &m) == ERR_OK,
		"protect a response");
	REQUIRE(msg_encode_udp(&m, &dg) == ERR_OK, "encode a response");
	return dg.n;
}

static W_UNUSED void w_reply(
	struct world *w, struct side *s, const struct heard *h, struct msg *reply)
{
	uint8_t out[W_BYTES];
	size_t n = w_protect_reply(w, s, h, reply, false, out);
	w_in(w, span_make(out, n));
}

static W_UNUSED void w_reply_code(
	struct world *w, struct side *s, const struct heard *h, uint8_t code)
{
	struct msg m;
	msg_init(&m, MSG_ACK, code);
	w_reply(w, s, h, &m);
}

static W_UNUSED void w_reply_register(struct world *w, const struct heard *h)
{
	struct msg m;
	msg_init(&m, MSG_ACK, MSG_CREATED);
	REQUIRE(msg_add_path(&m, OPT_LOCATION_PATH, "rd/5a7f") == ERR_OK, "location");
	w_reply(w, &w->server, h, &m);
}

/* A request of the server, protected, as bytes. `q` must outlive the binding's use. */
static W_UNUSED size_t w_request(
	struct world *w, struct side *s, struct msg *q, struct heard *h, uint8_t out[W_BYTES])
{
	uint8_t tmp[W_BYTES];
	struct writer buf = wr_make(tmp, sizeof(tmp)), dg = wr_make(out, W_BYTES);
	struct msg m;
	q->mid = w->mid++;
	q->token_n = 1;
	q->token[0] = w->token++;
	h->number = s->number++;
	REQUIRE(osc_protect_request(
			w->crypto, &s->keys, h->number, NULL, q, &buf, &m, &h->binding) == ERR_OK,
		"protect a request");
	REQUIRE(msg_encode_udp(&m, &dg) == ERR_OK, "encode a request");
	return dg.n;
}

/* The i-th datagram of the device as a response to the request of h. */
static W_UNUSED bool w_answer(struct world *w, size_t i, const struct side *s, struct heard *h)
{
	struct writer buf = wr_make(h->buf, sizeof(h->buf));
	if (i >= w->sent_n)
		return false;
	memcpy(h->raw, w->sent[i], h->raw_n = w->sent_bytes[i]);
	return msg_parse_udp(span_make(h->raw, h->raw_n), &h->outer) == ERR_OK &&
	       msg_find(&h->outer, OPT_OSCORE) &&
	       osc_unprotect_response(w->crypto, &s->keys, &h->binding, &h->outer, &buf, &h->plain,
		       &h->number) == ERR_OK;
}

/* Asks and returns the response code; MSG_EMPTY if none came that verifies. */
static W_UNUSED uint8_t w_ask(struct world *w, struct side *s, struct msg *q, struct heard *h)
{
	uint8_t out[W_BYTES];
	size_t n = w_request(w, s, q, h, out);
	w_forget(w);
	w_in(w, span_make(out, n));
	return w_answer(w, 0, s, h) ? h->plain.code : MSG_EMPTY;
}

static W_UNUSED void w_msg(struct msg *m, uint8_t code, const char *path)
{
	msg_init(m, MSG_CON, code);
	REQUIRE(msg_add_path(m, OPT_URI_PATH, path) == ERR_OK, "path");
}

static W_UNUSED uint8_t w_get(struct world *w, const char *path, uint32_t accept, struct heard *h)
{
	struct msg m;
	w_msg(&m, MSG_GET, path);
	REQUIRE(msg_add_uint(&m, OPT_ACCEPT, accept) == ERR_OK, "accept");
	return w_ask(w, &w->server, &m, h);
}

static W_UNUSED uint8_t w_put(struct world *w, struct side *s, uint8_t code, const char *path,
	uint32_t cf, struct span body, struct heard *h)
{
	struct msg m;
	w_msg(&m, code, path);
	REQUIRE(msg_add_uint(&m, OPT_CONTENT_FORMAT, cf) == ERR_OK, "content format");
	m.payload = body;
	return w_ask(w, s, &m, h);
}

/* A device that is registered directly. */
static W_UNUSED void w_registered(struct world *w)
{
	static struct heard h;
	struct dev_credentials c = w_credentials(true);
	w_open(w, &c, SPAN_EMPTY);
	REQUIRE(w_hear(w, 0, &w->server, &h), "a Register came");
	w_reply_register(w, &h);
	REQUIRE(dev_registered(w->dev), "registered");
	w_forget(w);
}

#endif
