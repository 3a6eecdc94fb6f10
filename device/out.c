/* SPDX-License-Identifier: Apache-2.0 */
#include "device/inner.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void dev_out_init(struct dev_out *o)
{
	memset(o, 0, sizeof(*o));
	arena_init(&o->arena, 0);
	o->datagrams_end = &o->datagrams;
	o->events_end = &o->events;
}

void dev_out_fini(struct dev_out *o)
{
	dev_out_reset(o);
	arena_fini(&o->arena);
}

void dev_out_reset(struct dev_out *o)
{
	while (dev_out_dirty(o))
		;
	arena_reset(&o->arena);
	o->datagrams = NULL;
	o->datagrams_end = &o->datagrams;
	o->events = NULL;
	o->events_end = &o->events;
	o->limit_raised = false;
	o->err = ERR_OK;
}

struct dev *dev_out_dirty(struct dev_out *o)
{
	struct dev *d = o->dirty;
	if (d) {
		o->dirty = d->next_dirty;
		d->next_dirty = NULL;
		d->dirty = false;
	}
	return d;
}

void dev_enter(struct dev_host *h, uint64_t now_us, struct dev_out *out)
{
	arena_reset(&h->scratch);
	if (now_us > h->now_us)
		h->now_us = now_us;
	h->out = out;
}

void dev_mark_dirty(struct dev *d)
{
	if (d->dirty || d->host->o.numbers != DEV_NUMBERS_OWN)
		return;
	d->dirty = true;
	d->next_dirty = d->host->out->dirty;
	d->host->out->dirty = d;
}

void dev_emit(struct dev *d, const struct peer *to, struct span datagram)
{
	struct dev_out *o = d->host->out;
	d->awake_until_ms = dev_now_ms(d) + d->host->o.awake_ms;
	struct dev_datagram *g = arena_alloc(&o->arena, sizeof(*g));
	if (!g) {
		o->err = ERR_NOMEM;
		return;
	}
	enum err e = ERR_OK;
	g->to = *to;
	g->bytes = arena_dup(&o->arena, datagram, &e);
	if (e) {
		o->err = e;
		return;
	}
	*o->datagrams_end = g;
	o->datagrams_end = &g->next;
}

struct dev_event *dev_event_add(struct dev *d, enum dev_event_kind kind)
{
	struct dev_out *o = d->host->out;
	struct dev_event *e = arena_alloc(&o->arena, sizeof(*e));
	if (e) {
		*o->events_end = e;
		o->events_end = &e->next;
	} else {
		o->err = ERR_NOMEM;
		e = &o->dud;
		memset(e, 0, sizeof(*e));
	}
	e->dev = d;
	e->kind = kind;
	return e;
}

void dev_event_text(struct dev *d, struct dev_event *e, struct span text)
{
	e->text = arena_dup(&d->host->out->arena, text, &d->host->out->err);
}

struct span dev_fmt(struct dev_host *h, const char *fmt, ...)
{
	enum { CAP = 320 };
	char *text = arena_alloc(&h->scratch, CAP);
	if (!text)
		return SPAN_EMPTY;
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, CAP, fmt, ap);
	va_end(ap);
	if (n < 0)
		return SPAN_EMPTY;
	return span_make(text, n < CAP ? (size_t)n : CAP - 1);
}

struct writer dev_scratch(struct dev_host *h, size_t n)
{
	void *room = arena_alloc(&h->scratch, n);
	struct writer w = wr_make(room, room ? n : 0);
	if (!room)
		w.err = ERR_NOMEM;
	return w;
}

enum err dev_exch_start(struct dev_exch *x, const struct peer *to, const struct msg *m,
	struct span datagram, bool wants_reply)
{
	struct dev_host *h = x->dev->host;
	uint64_t now_ms = dev_now_ms(x->dev);
	enum err e =
		exch_start(&h->exchanges, &x->x, to, m, datagram, wants_reply, now_ms, &h->rng);
	if (!e)
		exch_pace(&h->exchanges, &x->x, h->o.ack_timeout_ms, 0, now_ms);
	return e;
}

size_t dev_msg_bytes(const struct msg *m)
{
	size_t n = 16 + sizeof(m->token) + m->payload.n;
	for (size_t i = 0; i < m->opt_n; i++)
		n += 5 + m->opt[i].val.n;
	return n + 104;
}

enum err dev_encode(struct dev_host *h, const struct msg *m, struct span *datagram)
{
	struct writer w = dev_scratch(h, dev_msg_bytes(m));
	if (w.err)
		return w.err;
	enum err e = msg_encode_udp(m, &w);
	if (e == ERR_OK)
		*datagram = wr_span(&w);
	return e;
}

void dev_known_peer(const struct dev *d, const struct peer *from, struct peer *out)
{
	*out = *from;
	out->local_n = d->local_n;
	memset(out->local, 0, sizeof(out->local));
	memcpy(out->local, d->local, d->local_n);
}

void dev_emit_empty(struct dev *d, const struct peer *to, enum msg_type type, uint16_t mid)
{
	uint8_t buf[4];
	struct writer w = wr_make(buf, sizeof(buf));
	struct msg m;
	if (bearer_timing(to->bearer)->reliable) /* RFC 8323 section 3.4 */
		return;
	msg_init(&m, type, MSG_EMPTY);
	m.mid = mid;
	if (msg_encode_udp(&m, &w) == ERR_OK)
		dev_emit(d, to, wr_span(&w));
}

const char *dev_op_name(enum dev_op op)
{
	switch (op) {
	case DEV_OP_NONE:
		return "none";
	case DEV_OP_BOOTSTRAP:
		return "bootstrap";
	case DEV_OP_PACK:
		return "pack";
	case DEV_OP_REGISTER:
		return "register";
	case DEV_OP_UPDATE:
		return "update";
	case DEV_OP_DEREGISTER:
		return "deregister";
	}
	return "?";
}

static const char *done_name(enum dev_op op)
{
	switch (op) {
	case DEV_OP_NONE:
		break;
	case DEV_OP_BOOTSTRAP:
		return "bootstrap-started";
	case DEV_OP_PACK:
		return "packed";
	case DEV_OP_REGISTER:
		return "registered";
	case DEV_OP_UPDATE:
		return "updated";
	case DEV_OP_DEREGISTER:
		return "deregistered";
	}
	return "done";
}

const char *dev_event_name(enum dev_event_kind kind, enum dev_op op)
{
	static const char *const names[] = {
		[DEV_EVENT_CONNECT] = "connect",
		[DEV_EVENT_SENT] = "sent",
		[DEV_EVENT_CHALLENGED] = "challenged",
		[DEV_EVENT_FAILED] = "failed",
		[DEV_EVENT_BS_DISCOVER] = "bootstrap-discover",
		[DEV_EVENT_BS_READ] = "bootstrap-read",
		[DEV_EVENT_BS_DELETE] = "bootstrap-delete",
		[DEV_EVENT_BS_WRITE] = "bootstrap-write",
		[DEV_EVENT_BS_FINISH] = "bootstrap-finish",
		[DEV_EVENT_READ] = "read",
		[DEV_EVENT_WRITE] = "write",
		[DEV_EVENT_EXECUTE] = "execute",
		[DEV_EVENT_DISCOVER] = "discover",
		[DEV_EVENT_ATTRIBUTES] = "write-attributes",
		[DEV_EVENT_CREATE] = "create",
		[DEV_EVENT_DELETE] = "delete",
		[DEV_EVENT_OBSERVE] = "observe",
		[DEV_EVENT_OBSERVE_END] = "observe-end",
		[DEV_EVENT_NOTIFY] = "notify",
		[DEV_EVENT_NOTIFY_ACKED] = "notify-acked",
		[DEV_EVENT_REBOOT] = "reboot",
		[DEV_EVENT_REFUSED] = "refused",
		[DEV_EVENT_DUPLICATE] = "duplicate",
		[DEV_EVENT_CHALLENGE] = "challenge",
		[DEV_EVENT_RECOVERED] = "recovered",
		[DEV_EVENT_MISSED] = "missed",
		[DEV_EVENT_FIRMWARE] = "firmware",
		[DEV_EVENT_STOPPED] = "stopped",
	};
	return kind == DEV_EVENT_DONE ? done_name(op) : names[kind];
}
