/* SPDX-License-Identifier: Apache-2.0 */
/* GET /fw/NAME: what devices fetch by blocks (RFC 7959 section 2.4), any block at any time. A
 * device with keys gets the image that its update tells it to fetch, and no other; unprotected,
 * whoever asks gets any, if that is allowed at all. */
#include "server/server_impl.h"

#include <string.h>

enum { ETAG_BYTES = 8, OVERHEAD_BYTES = 96 };

static bool may_have(struct srv *s, const struct ep_delivery *d, const struct srv_image *i)
{
	const struct srv_fw *f = d->endpoint ? srv_fw_of(s, d->endpoint) : NULL;
	if (!d->endpoint)
		return s->opts.firmware_nosec;
	return f && f->method == SRV_FW_PULL && f->image == i &&
	       (f->step == SRV_FW_SEND || f->step == SRV_FW_DOWNLOAD);
}

/* What was asked for, in blocks no larger than ours: the same offset, counted in smaller ones. */
static bool wanted_block(
	struct srv *s, const struct ep_delivery *d, const struct srv_image *i, struct block *b)
{
	struct pace pace = ep_pace_of(s->x, d->endpoint, &d->from);
	size_t room = pace.message_bytes > OVERHEAD_BYTES ? pace.message_bytes - OVERHEAD_BYTES : 0;
	uint8_t szx = block_szx_for(room < pace.block_bytes ? room : pace.block_bytes);
	enum err err = block_get(d->msg, OPT_BLOCK2, b);
	if (err == ERR_NOTFOUND)
		*b = (struct block){.szx = szx};
	else if (err)
		return false;
	if (b->szx > szx) {
		b->num <<= b->szx - szx;
		b->szx = szx;
	}
	return !b->num || (uint64_t)b->num * block_size(b->szx) < i->bytes;
}

static enum err add_options(const struct ep_delivery *d, const struct srv_image *i,
	const struct block *b, struct msg *m)
{
	uint32_t v;
	enum err err = msg_add(m, OPT_ETAG, span_make(i->sha256, ETAG_BYTES));
	if (!err)
		err = msg_add_uint(m, OPT_CONTENT_FORMAT, LWM_CF_OPAQUE);
	if (!err)
		err = block_add(m, OPT_BLOCK2, *b);
	if (!err && (!b->num || msg_get_uint(d->msg, OPT_SIZE2, &v)))
		err = msg_add_uint(m, OPT_SIZE2, (uint32_t)i->bytes);
	return err;
}

static bool has_it(const struct ep_delivery *d, const struct srv_image *i)
{
	for (const struct opt *o = msg_find(d->msg, OPT_ETAG); o; o = msg_next(d->msg, o))
		if (span_eq(o->val, span_make(i->sha256, ETAG_BYTES)))
			return true;
	return false;
}

/* The block; true if the answer is good. */
static uint8_t serve(struct srv *s, const struct ep_delivery *d, const struct srv_image *i,
	uint8_t buf[static PACE_BLOCK_MAX], struct msg *m, uint64_t *end)
{
	struct block b;
	if (!wanted_block(s, d, i, &b))
		return MSG_BAD_REQUEST;
	if (has_it(d, i))
		return msg_add(m, OPT_ETAG, span_make(i->sha256, ETAG_BYTES)) ? MSG_INTERNAL_ERROR
									      : MSG_VALID;
	uint64_t at = (uint64_t)b.num * block_size(b.szx), left = i->bytes - at;
	size_t n = left < block_size(b.szx) ? (size_t)left : block_size(b.szx);
	b.more = n < left;
	const struct srv_image_files *files = &s->opts.files;
	if (!files->read || files->read(files->arg, i->sha256, at, buf, n))
		return MSG_UNAVAILABLE;
	m->payload = span_make(buf, n);
	*end = at + n;
	return add_options(d, i, &b, m) ? MSG_INTERNAL_ERROR : MSG_CONTENT;
}

void srv_fw_serve(struct srv *s, struct ep_delivery *d, struct span name, struct turn *t)
{
	const struct srv_image *i = srv_image_find(s, name);
	uint8_t buf[PACE_BLOCK_MAX];
	uint64_t end = 0;
	struct msg m;
	if (!i || !may_have(s, d, i)) {
		srv_refuse(s, d, d->endpoint, EP_REASON_NO_PATH, MSG_NOT_FOUND, t);
		return;
	}
	if (d->msg->code != MSG_GET) {
		srv_refuse(s, d, d->endpoint, EP_REASON_METHOD, MSG_METHOD_NOT_ALLOWED, t);
		return;
	}
	msg_init(&m, MSG_ACK, MSG_INTERNAL_ERROR);
	m.code = serve(s, d, i, buf, &m, &end);
	if (msg_code_class(m.code) != 2) {
		m.payload = SPAN_EMPTY;
		msg_init(&m, MSG_ACK, m.code);
	}
	s->firmware.count.blocks_served += end != 0;
	struct srv_fw *f = d->endpoint ? srv_fw_of(s, d->endpoint) : NULL;
	if (f && end)
		srv_fw_fetched(f, end, t);
	ep_respond(s->x, d, &m, t);
}
