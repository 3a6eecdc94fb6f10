/* SPDX-License-Identifier: Apache-2.0 */
/* Bootstrap-Pack, seen from the device (lwm2m.md BS-19 to BS-21): one document, block by block.
 * What does not come to a good end leads on to the Bootstrap-Request. */
#include "device/inner.h"

#include <stdlib.h>
#include <string.h>

enum { PACK_BYTES_MAX = 64 << 10 };

struct dev_pack {
	struct block_rx rx;
	struct block next; /* num 0: none has come */
};

void dev_pack_drop(struct dev *d)
{
	if (d->pack)
		block_rx_reset(&d->pack->rx);
	free(d->pack);
	d->pack = NULL;
}

/* Where the bootstrap account is, so that the Pack leaves its Object Instances alone. */
static struct span account(struct dev *d)
{
	const struct dev_security *s = dev_security_of(&d->accounts, DEV_ROLE_BOOTSTRAP);
	if (!s)
		return SPAN_EMPTY;
	if (s->oscore_iid == LWM_ID_NONE)
		return dev_fmt(d->host, "acc=</0/%u>", s->iid);
	return dev_fmt(d->host, "acc=</0/%u>,</21/%u>", s->iid, s->oscore_iid);
}

enum err dev_pack_build(struct dev *d, struct msg *m)
{
	enum err e = msg_add(m, OPT_URI_PATH, SPAN_LIT("bspack"));
	if (!e)
		e = msg_add(m, OPT_URI_QUERY, dev_fmt(d->host, "ep=%s", d->endpoint));
	if (!e)
		e = msg_add(m, OPT_URI_QUERY, account(d));
	if (!e)
		e = msg_add_uint(m, OPT_ACCEPT, LWM_CF_SENML_CBOR);
	if (!e && d->pack)
		e = block_add(m, OPT_BLOCK2, d->pack->next);
	else if (!e && d->host->o.block_bytes < 1024)
		e = block_add(m, OPT_BLOCK2,
			(struct block){.szx = block_szx_for(d->host->o.block_bytes)});
	return e;
}

/* Without a Pack the classic way remains (BS-20, CT-90). */
static void classic(struct dev *d, uint8_t code, const char *why)
{
	struct dev_event *e = dev_event_add(d, DEV_EVENT_FAILED);
	e->op = DEV_OP_PACK;
	e->code = code;
	dev_event_text(d, e, span_str(why));
	d->pack_refused = true;
	dev_request_send(d, DEV_OP_BOOTSTRAP);
}

static bool is_kept_here(uint16_t oid)
{
	return oid == 0 || oid == 1 || oid == 21;
}

static enum err take(struct dev_accounts *a, const struct lwm_record *r)
{
	const struct dev_security *bs = dev_security_of(a, DEV_ROLE_BOOTSTRAP);
	const uint16_t *id = r->path.id;
	if (r->path.n < 3 || !is_kept_here(id[0])) /* objects that this device does not have */
		return ERR_OK;
	if (r->kind != LWM_RECORD_VALUE)
		return ERR_RANGE;
	if (bs && ((id[0] == 0 && id[1] == bs->iid) || (id[0] == 21 && id[1] == bs->oscore_iid)))
		return ERR_CONFLICT;
	enum err e = dev_accounts_instance(a, id[0], id[1], false);
	return e ? e : dev_accounts_set(a, &r->path, &r->value);
}

/* All instances of each object in it make room for what it holds (BS-21). */
static enum err apply(struct dev *d, struct span document)
{
	struct lwm_codec_opts o = {0};
	struct lwm_records r;
	lwm_records_init(&r, &d->host->scratch);
	enum err e = lwm_format(LWM_CF_SENML_CBOR)->decode(document, &(struct lwm_path){0}, &o, &r);
	if (!e)
		e = r.err;
	for (size_t i = 0; i < r.n && !e; i++)
		if (is_kept_here(r.v[i].path.id[0]))
			dev_accounts_delete(
				d->draft, &(struct lwm_path){.n = 1, .id = {r.v[i].path.id[0]}});
	for (size_t i = 0; i < r.n && !e; i++)
		e = take(d->draft, &r.v[i]);
	return e ? e : dev_accounts_check(d->host, d->draft);
}

static void whole(struct dev *d, struct span document)
{
	struct dev_pack *k = d->pack; /* which goes with the request */
	d->pack = NULL;
	dev_life_event_done(d, DEV_OP_PACK, MSG_CONTENT);
	dev_life_bootstrap(d);
	enum err e = d->draft ? apply(d, document) : ERR_NOMEM;
	if (!e)
		dev_life_bootstrapped(d);
	else if (d->draft)
		classic(d, 0, "the Pack cannot be used");
	d->pack = k;
	dev_pack_drop(d);
}

/* Blocks of another document than the one begun are of no use. */
static bool same_etag(struct dev_pack *k, const struct msg *m)
{
	const struct opt *o = msg_find(m, OPT_ETAG);
	struct span tag = o ? o->val : SPAN_EMPTY;
	if (tag.n > sizeof(k->rx.etag))
		return false;
	if (k->next.num)
		return span_eq(tag, span_make(k->rx.etag, k->rx.etag_n));
	k->rx.etag_n = (uint8_t)tag.n;
	memcpy(k->rx.etag, tag.p ? tag.p : k->rx.etag, tag.n);
	return true;
}

static void take_block(struct dev *d, const struct msg *m, struct block b)
{
	if (!d->pack && (d->pack = calloc(1, sizeof(*d->pack))))
		block_rx_init(&d->pack->rx, PACK_BYTES_MAX);
	struct dev_pack *k = d->pack;
	if (!k || b.num != k->next.num || !same_etag(k, m)) {
		classic(d, m->code, "blocks that do not fit together");
		return;
	}
	switch (block_rx_take(&k->rx, b, m->payload, dev_now_ms(d))) {
	case BLOCK_MORE:
		k->next = (struct block){.num = b.num + 1, .szx = b.szx};
		dev_request_again(d);
		break;
	case BLOCK_DONE:
		whole(d, span_make(k->rx.body, k->rx.n));
		break;
	case BLOCK_INCOMPLETE:
	case BLOCK_TOO_LARGE:
	case BLOCK_NOMEM:
		classic(d, m->code, "blocks that do not fit together");
		break;
	}
}

void dev_pack_response(struct dev *d, const struct msg *m)
{
	struct block b;
	uint32_t cf = 0;
	if (m->code != MSG_CONTENT) {
		classic(d, m->code, "refused by the server");
		return;
	}
	msg_get_uint(m, OPT_CONTENT_FORMAT, &cf);
	if (cf != LWM_CF_SENML_CBOR) {
		classic(d, m->code, "a format that was not asked for");
		return;
	}
	enum err e = block_get(m, OPT_BLOCK2, &b);
	if (e == ERR_NOTFOUND)
		whole(d, m->payload);
	else if (e)
		classic(d, m->code, "blocks that do not fit together");
	else
		take_block(d, m, b);
}
