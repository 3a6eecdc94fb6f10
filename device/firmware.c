/* SPDX-License-Identifier: Apache-2.0 */
/* Firmware Update (Object 5; lwm2m.md OBJ-04, OBJ-05): packages that come by push or are fetched by
 * pull. They are hashed as they come and kept nowhere, so that their size is no matter. */
#include "device/inner.h"

#include "base/text.h"
#include "oscore/crypto.h"

#include <stdlib.h>
#include <string.h>

enum {
	IDLE = 0,
	DOWNLOADING = 1,
	DOWNLOADED = 2,
	UPDATING = 3,
	RESULT_NONE = 0,
	RESULT_GOOD = 1,
	RESULT_LOST = 4,
	RESULT_URI = 7,
	RESULT_FAILED = 8,
	RESULT_PROTOCOL = 9,
	RESULT_CANCELLED = 10,
	RESULT_DEFERRED = 11,
	PULL_ONLY = 0,
	PUSH_ONLY = 1,
	TRIES_MAX = 3,
	RETRY_MS = 3000,
};

struct dev_firmware *dev_firmware_need(struct dev *d)
{
	struct dev_firmware *f = d->firmware;
	if (f)
		return f;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->timer.dev = f->fetch.dev = d;
	f->timer.firmware = f->fetch.firmware = true;
	f->automatic = d->host->o.firmware_auto;
	return d->firmware = f;
}

static void digest_drop(struct dev_firmware *f)
{
	enum err e = f->digest ? osc_sha256_end(f->digest, NULL) : ERR_OK;
	f->digest = NULL;
	(void)e; /* nobody wants it */
}

static void stop(struct dev *d)
{
	struct dev_firmware *f = d->firmware;
	exch_stop(&d->host->exchanges, &f->fetch.x);
	wheel_del(&d->host->wheel, &f->timer.timer);
	digest_drop(f);
}

void dev_firmware_free(struct dev *d)
{
	if (!d->firmware)
		return;
	stop(d);
	free(d->firmware);
	d->firmware = NULL;
}

static void wait_ms(struct dev *d, uint64_t ms)
{
	wheel_add(&d->host->wheel, &d->firmware->timer.timer, dev_now_ms(d) + ms);
}

static void enter(struct dev *d, uint8_t state, uint8_t result)
{
	static const struct lwm_path paths[] = {{3, {5, 0, 3, 0}}, {3, {5, 0, 5, 0}}};
	struct dev_firmware *f = d->firmware;
	f->state = state;
	f->result = result;
	for (size_t i = 0; i < 2; i++)
		dev_observe_touch(d, &paths[i]);
}

static void begin(struct dev_firmware *f)
{
	digest_drop(f);
	f->digest = osc_sha256_begin();
	f->bytes = f->last = 0;
	f->tries = 0;
}

static void add(struct dev_firmware *f, struct span s)
{
	if (f->digest)
		osc_sha256_add(f->digest, s);
	f->last = f->bytes;
	f->bytes += s.n;
}

static void update(struct dev *d)
{
	enter(d, UPDATING, RESULT_NONE);
	wait_ms(d, d->host->o.firmware_update_ms);
}

/* All of it is here: what is wrong with it, if anything is to be, shows now or when it updates. */
static void downloaded(struct dev *d)
{
	struct dev_firmware *f = d->firmware;
	uint8_t result = d->host->o.firmware_result;
	struct writer w = dev_scratch(d->host, 160);
	enum err e = f->digest ? osc_sha256_end(f->digest, f->sum) : ERR_NOMEM;
	f->digest = NULL;
	if (e) {
		enter(d, IDLE, 3);
		return;
	}
	wr_fmt(&w, "%llu bytes, SHA-256 ", (unsigned long long)f->bytes);
	wr_hex(&w, SPAN_OF(f->sum));
	dev_event_text(d, dev_event_add(d, DEV_EVENT_FIRMWARE), wr_span(&w));
	if (result > RESULT_GOOD && result != RESULT_FAILED && result != RESULT_DEFERRED)
		enter(d, IDLE, result);
	else if (f->automatic)
		update(d);
	else
		enter(d, DOWNLOADED, RESULT_NONE);
}

/* ---- push */

bool dev_firmware_is_push(const struct msg *m)
{
	struct lwm_path p;
	uint32_t cf = LWM_CF_OPAQUE;
	msg_get_uint(m, OPT_CONTENT_FORMAT, &cf);
	return m->code == MSG_PUT && cf == LWM_CF_OPAQUE && !lwm_path_from_options(m, 0, &p) &&
	       p.n == 3 && p.id[0] == 5 && p.id[1] == 0 && p.id[2] == 0;
}

enum block_step dev_firmware_block(struct dev *d, struct block b, struct span payload)
{
	struct dev_firmware *f = dev_firmware_need(d);
	size_t at = b.num * block_size(b.szx);
	if (!f)
		return BLOCK_NOMEM;
	if (b.more && payload.n != block_size(b.szx))
		return BLOCK_INCOMPLETE;
	if (!b.num) {
		stop(d);
		begin(f);
		enter(d, DOWNLOADING, RESULT_NONE);
	} else if (f->state != DOWNLOADING || (at != f->bytes && at != f->last)) {
		return BLOCK_INCOMPLETE;
	}
	if (at == f->bytes)
		add(f, payload);
	return b.more ? BLOCK_MORE : BLOCK_DONE;
}

static bool takes_push(const struct dev *d)
{
	const struct dev_firmware *f = d->firmware;
	return d->host->o.firmware_delivery != PULL_ONLY && (!f || f->state != UPDATING);
}

uint8_t dev_firmware_may_push(const struct dev *d)
{
	return takes_push(d) ? MSG_EMPTY : MSG_METHOD_NOT_ALLOWED;
}

uint8_t dev_firmware_pushed(struct dev *d)
{
	downloaded(d);
	return MSG_CHANGED;
}

/* An empty package, or a single NUL, puts the state machine back. */
uint8_t dev_firmware_package(struct dev *d, uint16_t iid, const struct lwm_value *v)
{
	struct dev_firmware *f = dev_firmware_need(d);
	bool reset = v->bytes.n == 0 || (v->bytes.n == 1 && v->bytes.p[0] == 0);
	(void)iid;
	if (!f)
		return MSG_INTERNAL_ERROR;
	if (!takes_push(d))
		return MSG_METHOD_NOT_ALLOWED;
	stop(d);
	if (reset) {
		enter(d, IDLE, RESULT_NONE);
		return MSG_CHANGED;
	}
	begin(f);
	add(f, v->bytes);
	downloaded(d);
	return MSG_CHANGED;
}

/* ---- pull */

/* Of our own server alone: "coap://HOST:PORT/PATH". */
static bool own_path(const struct dev *d, struct span uri, struct span *path)
{
	static const size_t scheme = sizeof("coap://") - 1;
	const struct dev_security *s = dev_security_of(&d->accounts, DEV_ROLE_SERVER);
	struct span host, own_host;
	uint16_t port, own_port;
	size_t n = scheme;
	while (n < uri.n && uri.p[n] != '/')
		n++;
	*path = span_sub(uri, n + 1, uri.n);
	return s && path->n && !dev_uri_parse(span_sub(uri, 0, n), &host, &port) &&
	       !dev_uri_parse(span_str(s->uri), &own_host, &own_port) && port == own_port &&
	       span_eq(host, own_host);
}

uint8_t dev_firmware_uri(struct dev *d, uint16_t iid, const struct lwm_value *v)
{
	static const struct span coap = SPAN_LIT("coap://");
	struct dev_firmware *f = dev_firmware_need(d);
	struct span path;
	(void)iid;
	if (!f)
		return MSG_INTERNAL_ERROR;
	if (f->state == UPDATING)
		return MSG_METHOD_NOT_ALLOWED;
	if (span_to_str(v->bytes, f->uri, sizeof(f->uri)))
		return MSG_BAD_REQUEST;
	stop(d);
	if (!v->bytes.n) {
		enter(d, IDLE, RESULT_NONE);
	} else if (d->host->o.firmware_delivery == PUSH_ONLY ||
		   !span_eq(span_sub(v->bytes, 0, coap.n), coap)) {
		enter(d, IDLE, RESULT_PROTOCOL);
	} else if (!own_path(d, v->bytes, &path)) {
		enter(d, IDLE, RESULT_URI);
	} else {
		begin(f);
		f->restarts = f->tries = f->etag_n = 0;
		f->challenge = (struct dev_challenge){0};
		enter(d, DOWNLOADING, RESULT_NONE);
		wait_ms(d, 0); /* behind the answer */
	}
	return MSG_CHANGED;
}

static enum err build(struct dev *d, struct msg *m)
{
	struct dev_firmware *f = d->firmware;
	struct span path;
	uint8_t szx = f->bytes ? f->szx : block_szx_for(d->host->o.block_bytes);
	struct block b = {(uint32_t)(f->bytes / block_size(szx)), false, szx};
	char text[256];
	if (!own_path(d, span_str(f->uri), &path) || span_to_str(path, text, sizeof(text)))
		return ERR_SYNTAX;
	msg_init(m, MSG_CON, MSG_GET);
	char *rest = text;
	enum err e = ERR_OK;
	for (char *one; !e && (one = strsep(&rest, "/"));)
		e = msg_add(m, OPT_URI_PATH, dev_fmt(d->host, "%s", one));
	if (!e)
		e = block_add(m, OPT_BLOCK2, b);
	return e ? e : dev_challenge_answer(&f->challenge, m);
}

/* The next block, under the keys of the server account. */
static enum err fetch(struct dev *d)
{
	struct dev_host *h = d->host;
	struct dev_firmware *f = d->firmware;
	struct dev_context *c = d->ctx[DEV_ROLE_SERVER];
	struct msg m, out;
	struct span datagram, kid_context;
	uint64_t number;
	enum err e = c ? build(d, &m) : ERR_STATE;
	if (e)
		return e;
	struct writer buf = dev_scratch(h, dev_msg_bytes(&m)), wrapped = dev_scratch(h, 72);
	bool with = dev_recover_kid_context(c, &wrapped, &kid_context);
	m.mid = d->mid++;
	m.token_n = MSG_TOKEN_MAX;
	rng_fill(&h->rng, m.token, MSG_TOKEN_MAX);
	e = buf.err ? buf.err : wrapped.err;
	if (!e)
		e = dev_context_number(d, c, &number);
	if (!e)
		e = osc_protect_request(h->crypto, &c->keys, number, with ? &kid_context : NULL, &m,
			&buf, &out, &f->binding);
	if (!e)
		e = dev_encode(h, &out, &datagram);
	if (!e)
		e = dev_exch_start(&f->fetch, &d->peer[DEV_ROLE_SERVER], &out, datagram, true);
	if (!e)
		dev_emit(d, &d->peer[DEV_ROLE_SERVER], datagram);
	return e;
}

static void fetch_next(struct dev *d)
{
	if (fetch(d))
		enter(d, IDLE, RESULT_LOST);
}

void dev_firmware_lost(struct dev *d)
{
	struct dev_firmware *f = d->firmware;
	exch_stop(&d->host->exchanges, &f->fetch.x);
	if (++f->tries < TRIES_MAX)
		wait_ms(d, RETRY_MS);
	else
		enter(d, IDLE, RESULT_LOST);
}

/* All blocks are of one package, which its ETag tells. */
static bool same_etag(struct dev_firmware *f, const struct msg *m)
{
	const struct opt *o = msg_find(m, OPT_ETAG);
	struct span etag = o ? o->val : SPAN_EMPTY;
	if (f->bytes)
		return span_eq(etag, span_make(f->etag, f->etag_n));
	if (etag.n > sizeof(f->etag))
		return false;
	f->etag_n = (uint8_t)etag.n;
	memcpy(f->etag, etag.p ? etag.p : f->etag, etag.n);
	return true;
}

static void take_block(struct dev *d, const struct msg *m)
{
	struct dev_firmware *f = d->firmware;
	struct block b = {0};
	enum err e = block_get(m, OPT_BLOCK2, &b);
	if (dev_challenge_take(&f->challenge, m)) {
		fetch_next(d);
		return;
	}
	f->challenge = (struct dev_challenge){0};
	if (m->code != MSG_CONTENT || (e && e != ERR_NOTFOUND)) {
		enter(d, IDLE, m->code == MSG_NOT_FOUND ? RESULT_URI : RESULT_LOST);
		return;
	}
	if (!same_etag(f, m) && ++f->restarts < TRIES_MAX) {
		begin(f);
		fetch_next(d);
		return;
	}
	if (b.num * block_size(b.szx) != f->bytes) {
		enter(d, IDLE, RESULT_LOST);
		return;
	}
	f->szx = b.szx;
	f->tries = 0;
	add(f, m->payload);
	if (b.more)
		fetch_next(d);
	else
		downloaded(d);
}

void dev_firmware_response(struct dev *d, const struct peer *from, const struct msg *outer)
{
	struct dev_host *h = d->host;
	struct dev_firmware *f = d->firmware;
	struct writer buf = dev_scratch(h, dev_msg_bytes(outer));
	struct msg plain;
	uint64_t number;
	if (!msg_find(outer, OPT_OSCORE) && !msg_code_is_request(outer->code) &&
		outer->code >= MSG_BAD_REQUEST) {
		/* In the clear, so that it may be forged: the server did not take the message (it
		 * was killed after it had recorded it, say). The block is asked for anew, later. */
		if (outer->type == MSG_CON)
			dev_emit_empty(d, from, MSG_ACK, outer->mid);
		dev_firmware_lost(d);
		return;
	}
	if (!msg_find(outer, OPT_OSCORE) || !d->ctx[DEV_ROLE_SERVER] || buf.err ||
		osc_unprotect_response(h->crypto, &d->ctx[DEV_ROLE_SERVER]->keys, &f->binding,
			outer, &buf, &plain, &number) != ERR_OK)
		return;
	if (outer->type == MSG_CON)
		dev_emit_empty(d, from, MSG_ACK, outer->mid);
	exch_stop(&h->exchanges, &f->fetch.x);
	if (f->state == DOWNLOADING)
		take_block(d, &plain);
}

/* ---- update */

static void updated(struct dev *d)
{
	uint8_t result = d->host->o.firmware_result;
	if (result == RESULT_FAILED) {
		enter(d, DOWNLOADED, RESULT_FAILED);
		return;
	}
	enter(d, IDLE, RESULT_GOOD);
	d->things.fw_version++;
	d->todo = DEV_TODO_REGISTER;
	dev_life_todo(d);
}

uint8_t dev_firmware_update(struct dev *d)
{
	struct dev_firmware *f = d->firmware;
	if (!f || f->state != DOWNLOADED)
		return MSG_METHOD_NOT_ALLOWED;
	if (d->host->o.firmware_result == RESULT_DEFERRED && f->result != RESULT_DEFERRED) {
		enter(d, DOWNLOADED, RESULT_DEFERRED);
		wait_ms(d, d->host->o.firmware_update_ms);
	} else {
		update(d);
	}
	return MSG_CHANGED;
}

uint8_t dev_firmware_cancel(struct dev *d)
{
	struct dev_firmware *f = d->firmware;
	if (!f || f->state == IDLE || f->state == UPDATING)
		return MSG_METHOD_NOT_ALLOWED;
	stop(d);
	enter(d, IDLE, RESULT_CANCELLED);
	return MSG_CHANGED;
}

void dev_firmware_timer(struct dev *d)
{
	struct dev_firmware *f = d->firmware;
	if (d->state == DEV_STATE_STOPPED)
		return;
	if (f->state == DOWNLOADING)
		fetch_next(d);
	else if (f->state == DOWNLOADED && f->result == RESULT_DEFERRED)
		update(d);
	else if (f->state == UPDATING)
		updated(d);
}
