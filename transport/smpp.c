/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/smpp.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

enum {
	BACKOFF_FIRST_MS = 1000,
	BACKOFF_MAX_MS = 60000,
	SETTLE_MS = 10000, /* what the rest of us may take over a delivery */
	UNBIND_MS = 2000,
	OUT_BYTES = 32768, /* more than a full window and the answers to a full buffer */
	IN_BYTES = SMPP_PDU_MAX,
};

enum state { CLOSED, BINDING, BOUND, UNBINDING };

/* A submit_sm that is not answered. */
struct slot {
	uint32_t sequence; /* 0: free */
	uint8_t part;
	uint64_t due_ms;
	struct smpp_message *message; /* NULL: it has failed meanwhile */
};

struct delivery {
	uint32_t sequence; /* of theirs */
	bool used;
	uint64_t due_ms;
};

struct smpp {
	struct smpp_opts opts;
	struct sms_box *box;
	enum state state;
	uint32_t sequence, connection;
	uint64_t state_due_ms; /* BINDING, UNBINDING: until then */
	uint64_t enquire_ms;   /* when the link is tried next */
	uint64_t enquired_ms;  /* until when that has to be answered; UINT64_MAX: it was not */
	uint64_t pause_ms;     /* throttled until then */
	uint64_t backoff_ms;
	bool broken, broken_told;
	const char *why;
	struct smpp_message *first, **last;
	uint16_t next_ref;
	struct slot slot[SMPP_WINDOW_MAX];
	uint32_t in_flight;
	struct delivery delivery[SMPP_DELIVERIES_MAX];
	struct smpp_stats stats;
	uint8_t in[IN_BYTES], out[OUT_BYTES];
	size_t in_n, used_n, skip_n, out_n; /* used: of `in`, by what was told last */
};

enum err smpp_new(const struct smpp_opts *o, struct smpp **out)
{
	if (!o->window || o->window > SMPP_WINDOW_MAX)
		return ERR_RANGE;
	struct smpp *s = calloc(1, sizeof(*s));
	if (!s)
		return ERR_NOMEM;
	s->opts = *o;
	s->last = &s->first;
	s->enquired_ms = UINT64_MAX;
	enum err err = sms_box_new(&o->box, &s->box);
	if (err) {
		smpp_free(s);
		return err;
	}
	*out = s;
	return ERR_OK;
}

void smpp_free(struct smpp *s)
{
	if (!s)
		return;
	sms_box_free(s->box);
	secret_wipe(s, sizeof(*s));
	free(s);
}

/* ---- out */

static uint32_t next_sequence(struct smpp *s)
{
	s->sequence = s->sequence >= 0x7fffffff ? 1 : s->sequence + 1;
	return s->sequence;
}

static struct writer writer(struct smpp *s)
{
	struct writer w = wr_make(s->out, sizeof(s->out));
	w.n = s->out_n;
	return w;
}

/* What does not fit is not begun: see has_room. */
static void commit(struct smpp *s, const struct writer *w)
{
	if (!w->err)
		s->out_n = w->n;
	else if (!s->broken) {
		s->broken = true;
		s->why = "it does not read what we send";
	}
}

static void plain(struct smpp *s, uint32_t command, uint32_t status, uint32_t sequence)
{
	struct writer w = writer(s);
	smpp_write_plain(&w, command, status, sequence);
	commit(s, &w);
}

static void deliver_resp(struct smpp *s, uint32_t status, uint32_t sequence)
{
	struct writer w = writer(s);
	smpp_write_deliver_resp(&w, status, sequence);
	commit(s, &w);
}

static bool has_room(const struct smpp *s)
{
	return OUT_BYTES - s->out_n >= SMPP_OUT_MAX;
}

struct span smpp_output(const struct smpp *s)
{
	return span_make(s->out, s->out_n);
}

void smpp_sent(struct smpp *s, size_t n)
{
	n = n < s->out_n ? n : s->out_n;
	memmove(s->out, &s->out[n], s->out_n - n);
	s->out_n -= n;
	secret_wipe(&s->out[s->out_n], n); /* a bind had the password */
}

/* ---- connections */

void smpp_opened(struct smpp *s, uint64_t now_ms)
{
	struct smpp_bind b = {s->opts.system_id, s->opts.password, s->opts.system_type};
	smpp_closed(s);
	s->connection++;
	s->state = BINDING;
	s->state_due_ms = now_ms + s->opts.answer_ms;
	struct writer w = writer(s);
	smpp_write_bind(&w, &b, next_sequence(s));
	commit(s, &w);
}

void smpp_closed(struct smpp *s)
{
	for (struct smpp_message *m = s->first; m; m = m->next)
		m->sent = m->taken;
	memset(s->slot, 0, sizeof(s->slot));
	memset(s->delivery, 0, sizeof(s->delivery));
	s->state = CLOSED;
	s->stats.deliveries = s->in_flight = 0;
	s->broken = s->broken_told = false;
	s->why = NULL;
	s->enquired_ms = UINT64_MAX;
	s->backoff_ms = s->pause_ms = 0;
	secret_wipe(s->out, sizeof(s->out)); /* a bind may be in it */
	s->in_n = s->used_n = s->skip_n = s->out_n = 0;
}

bool smpp_is_bound(const struct smpp *s)
{
	return s->state == BOUND && !s->broken;
}

void smpp_stop(struct smpp *s, uint64_t now_ms)
{
	if (s->state == CLOSED)
		return;
	s->state = UNBINDING;
	s->state_due_ms = now_ms + UNBIND_MS;
	plain(s, SMPP_UNBIND, 0, next_sequence(s));
}

static void fail(struct smpp *s, const char *why)
{
	if (!s->broken)
		s->why = why;
	s->broken = true;
}

/* ---- messages out */

enum err smpp_send(struct smpp *s, struct smpp_message *m)
{
	struct sms_cutting c = {.message = m->bytes, .concat = s->opts.concat};
	m->parts = (uint8_t)sms_parts(&c);
	if (!m->parts)
		return ERR_RANGE;
	m->ref = s->next_ref++;
	m->sent = m->taken = 0;
	m->next = NULL;
	*s->last = m;
	s->last = &m->next;
	return ERR_OK;
}

static void unlink_message(struct smpp *s, struct smpp_message *m)
{
	struct smpp_message **at = &s->first;
	while (*at && *at != m)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = m->next;
	if (!m->next)
		s->last = at;
	m->next = NULL;
	for (size_t i = 0; i < s->opts.window; i++)
		if (s->slot[i].message == m)
			s->slot[i].message = NULL;
}

struct smpp_message *smpp_take_back(struct smpp *s)
{
	struct smpp_message *m = s->first;
	if (m)
		unlink_message(s, m);
	return m;
}

static uint32_t all_of(const struct smpp_message *m)
{
	return (UINT32_C(1) << m->parts) - 1;
}

static void submit(struct smpp *s, struct slot *slot, struct smpp_message *m, uint64_t now_ms)
{
	struct sms_cutting c = {m->bytes, s->opts.concat, m->ref};
	struct sms_cut cut;
	uint8_t part = 0;
	while (m->sent >> part & 1)
		part++;
	if (sms_cut(&c, part + 1U, &cut))
		return;
	struct smpp_submit p = {.source = s->opts.source,
		.destination = m->number,
		.has_header = cut.has_header,
		.validity_s = m->expires_ms > now_ms ? (m->expires_ms - now_ms + 999) / 1000 : 1,
		.user_data = span_make(cut.bytes, cut.n),
		.has_sar = cut.total > 1 && s->opts.concat == SMS_SAR,
		.sar_ref = m->ref,
		.sar_total = cut.total,
		.sar_number = cut.number};
	*slot = (struct slot){next_sequence(s), part, now_ms + s->opts.answer_ms, m};
	struct writer w = writer(s);
	smpp_write_submit(&w, &p, slot->sequence);
	commit(s, &w);
	m->sent |= UINT32_C(1) << part;
	s->in_flight++;
	s->stats.parts++;
}

/* Fills the window. In front there are at most as many that wait for answers alone. */
static void pump(struct smpp *s, uint64_t now_ms)
{
	struct smpp_message *m = s->first;
	for (size_t i = 0; i < s->opts.window && smpp_is_bound(s) && has_room(s); i++) {
		if (now_ms < s->pause_ms)
			return;
		s->pause_ms = 0;
		if (s->slot[i].sequence)
			continue;
		while (m && m->sent == all_of(m))
			m = m->next;
		if (!m)
			return;
		submit(s, &s->slot[i], m, now_ms);
	}
}

static bool told_failed(
	struct smpp *s, struct smpp_message *m, const char *reason, struct smpp_told *out)
{
	unlink_message(s, m);
	out->kind = SMPP_FAILED;
	out->message = m;
	out->reason = reason;
	return true;
}

/* The first that has waited for too long, and no part of which is on its way. */
static bool told_expired(struct smpp *s, uint64_t now_ms, struct smpp_told *out)
{
	struct smpp_message *m = s->first;
	while (m && (m->sent != m->taken || now_ms < m->expires_ms))
		m = m->next;
	return m && told_failed(s, m, "it waited for too long", out);
}

static void throttle(struct smpp *s, struct smpp_message *m, uint8_t part, uint64_t now_ms)
{
	m->sent &= ~(UINT32_C(1) << part);
	s->stats.throttled++;
	if (now_ms < s->pause_ms)
		return; /* one of those that were on their way */
	s->backoff_ms = s->backoff_ms ? s->backoff_ms * 2 : BACKOFF_FIRST_MS;
	if (s->backoff_ms > BACKOFF_MAX_MS)
		s->backoff_ms = BACKOFF_MAX_MS;
	s->pause_ms = now_ms + s->backoff_ms;
}

static bool take_submit_resp(
	struct smpp *s, const struct smpp_head *h, uint64_t now_ms, struct smpp_told *out)
{
	size_t i = 0;
	while (i < s->opts.window && (!s->slot[i].sequence || s->slot[i].sequence != h->sequence))
		i++;
	if (i == s->opts.window)
		return false; /* an answer to nothing */
	struct smpp_message *m = s->slot[i].message;
	uint8_t part = s->slot[i].part;
	s->slot[i] = (struct slot){0};
	s->in_flight--;
	if (!m)
		return false;
	if (h->status == SMPP_THROTTLED || h->status == SMPP_QUEUE_FULL) {
		throttle(s, m, part, now_ms);
		return false;
	}
	if (h->status)
		return told_failed(s, m, smpp_status_text(h->status), out);
	if (now_ms >= s->pause_ms)
		s->backoff_ms = 0;
	m->taken |= UINT32_C(1) << part;
	if (m->taken != all_of(m))
		return false;
	unlink_message(s, m);
	out->kind = SMPP_SENT;
	out->message = m;
	return true;
}

/* ---- messages in */

static struct delivery *free_delivery(struct smpp *s)
{
	for (size_t i = 0; i < SMPP_DELIVERIES_MAX; i++)
		if (!s->delivery[i].used)
			return &s->delivery[i];
	return NULL;
}

void smpp_answer(struct smpp *s, uint64_t delivery, bool safe)
{
	if (delivery >> 32 != s->connection)
		return; /* the message centre delivers it anew */
	for (size_t i = 0; i < SMPP_DELIVERIES_MAX; i++) {
		struct delivery *d = &s->delivery[i];
		if (!d->used || d->sequence != (uint32_t)delivery)
			continue;
		d->used = false;
		s->stats.deliveries--;
		s->stats.deferred += !safe;
		deliver_resp(s, safe ? SMPP_OK : SMPP_TRY_LATER, d->sequence);
		return;
	}
}

static void defer_late(struct smpp *s, uint64_t now_ms)
{
	for (size_t i = 0; s->stats.deliveries && i < SMPP_DELIVERIES_MAX; i++)
		if (s->delivery[i].used && now_ms >= s->delivery[i].due_ms)
			smpp_answer(
				s, (uint64_t)s->connection << 32 | s->delivery[i].sequence, false);
}

static enum err part_of(const struct smpp_deliver *d, struct sms_part *p)
{
	enum { UDHI = 0x40 };
	enum err err = sms_read(d->user_data, d->esm_class & UDHI, p);
	if (err || p->ref_bits || !d->has_sar || d->sar_total <= 1)
		return err;
	if (!d->sar_number || d->sar_number > d->sar_total)
		return ERR_RANGE;
	p->ref_bits = 16;
	p->ref = d->sar_ref;
	p->total = d->sar_total;
	p->number = d->sar_number;
	return ERR_OK;
}

/* One that is nothing to us is acknowledged: to have it again would change nothing. */
static bool take_message(struct smpp *s, const struct smpp_deliver *d, uint32_t sequence,
	uint64_t now_ms, struct smpp_told *out)
{
	struct sms_part p;
	struct delivery *slot = free_delivery(s);
	enum err err = sms_number_read(d->source, out->number);
	if (!err)
		err = part_of(d, &p);
	if (err || !smpp_is_binary(d)) {
		s->stats.ignored++;
		deliver_resp(s, SMPP_OK, sequence);
		return false;
	}
	if (!slot) {
		s->stats.deferred++;
		deliver_resp(s, SMPP_TRY_LATER, sequence);
		return false;
	}
	err = sms_box_add(s->box, out->number, &p, now_ms, &out->bytes);
	if (err) {
		s->stats.ignored += err == ERR_RANGE;
		s->stats.deferred += err == ERR_NOMEM;
		deliver_resp(s, err == ERR_NOMEM ? SMPP_TRY_LATER : SMPP_OK, sequence);
		return false;
	}
	*slot = (struct delivery){sequence, true, now_ms + SETTLE_MS};
	s->stats.deliveries++;
	out->kind = SMPP_MESSAGE;
	out->delivery = (uint64_t)s->connection << 32 | sequence;
	return true;
}

static bool take_deliver(struct smpp *s, const struct smpp_head *h, struct span body,
	uint64_t now_ms, struct smpp_told *out)
{
	struct smpp_deliver d;
	if (s->state != BOUND) {
		deliver_resp(
			s, s->state == UNBINDING ? SMPP_TRY_LATER : SMPP_BAD_STATE, h->sequence);
		return false;
	}
	if (smpp_deliver_read(body, &d)) {
		s->stats.malformed++;
		out->fault = true;
		deliver_resp(s, SMPP_NEVER, h->sequence);
		return false;
	}
	if (!smpp_is_receipt(&d))
		return take_message(s, &d, h->sequence, now_ms, out);
	s->stats.receipts++;
	deliver_resp(s, SMPP_OK, h->sequence);
	return false;
}

/* ---- PDUs */

static bool take_bind_resp(
	struct smpp *s, const struct smpp_head *h, uint64_t now_ms, struct smpp_told *out)
{
	if (s->state != BINDING)
		return false;
	if (h->status) {
		fail(s, smpp_status_text(h->status));
		return false;
	}
	s->state = BOUND;
	s->enquire_ms = now_ms + s->opts.enquire_ms;
	out->kind = SMPP_BOUND;
	return true;
}

/* True: there is something to tell. */
static bool take_pdu(struct smpp *s, const struct smpp_head *h, struct span body, uint64_t now_ms,
	struct smpp_told *out)
{
	switch (h->command) {
	case SMPP_RESPONSE | SMPP_BIND_TRANSCEIVER:
		return take_bind_resp(s, h, now_ms, out);
	case SMPP_RESPONSE | SMPP_SUBMIT_SM:
		return take_submit_resp(s, h, now_ms, out);
	case SMPP_GENERIC_NACK:
		if (s->state == BINDING)
			fail(s, "it does not know a transceiver");
		return h->status && take_submit_resp(s, h, now_ms, out);
	case SMPP_DELIVER_SM:
		return take_deliver(s, h, body, now_ms, out);
	case SMPP_ENQUIRE_LINK:
		plain(s, SMPP_RESPONSE | SMPP_ENQUIRE_LINK, SMPP_OK, h->sequence);
		return false;
	case SMPP_RESPONSE | SMPP_ENQUIRE_LINK:
		return false; /* as any PDU, it has shown that the link is there */
	case SMPP_UNBIND:
		plain(s, SMPP_RESPONSE | SMPP_UNBIND, SMPP_OK, h->sequence);
		fail(s, "it said farewell");
		return false;
	case SMPP_RESPONSE | SMPP_UNBIND:
		if (s->state == UNBINDING)
			fail(s, "stopped");
		return false;
	case SMPP_ALERT_NOTIFICATION:
		return false; /* is never answered */
	}
	if (h->command & SMPP_RESPONSE)
		return false;
	s->stats.malformed++;
	plain(s, SMPP_GENERIC_NACK, SMPP_BAD_COMMAND, h->sequence);
	return false;
}

/* One that is too long to be looked at. What the message centre would deliver for ever is refused
 * for good. */
static void refuse_long(struct smpp *s, const struct smpp_head *h, struct smpp_told *out)
{
	s->stats.oversize++;
	out->fault = true;
	s->skip_n = h->length;
	if (h->command == SMPP_DELIVER_SM)
		deliver_resp(s, SMPP_NEVER, h->sequence);
	else if (!(h->command & SMPP_RESPONSE))
		plain(s, SMPP_GENERIC_NACK, SMPP_BAD_LENGTH, h->sequence);
}

static void drop_used(struct smpp *s)
{
	size_t n = s->skip_n < s->in_n - s->used_n ? s->skip_n : s->in_n - s->used_n;
	s->skip_n -= n;
	n += s->used_n;
	memmove(s->in, &s->in[n], s->in_n - n);
	s->in_n -= n;
	s->used_n = 0;
}

/* False: there is no whole PDU. */
static bool next_pdu(struct smpp *s, uint64_t now_ms, struct smpp_told *out)
{
	struct smpp_head h;
	drop_used(s);
	struct span in = span_make(s->in, s->in_n);
	if (s->skip_n || smpp_head_read(in, &h))
		return false;
	if (h.length < SMPP_HEAD || h.length > SMPP_PDU_SKIP) {
		s->stats.malformed++;
		out->fault = true;
		plain(s, SMPP_GENERIC_NACK, SMPP_BAD_LENGTH, h.sequence);
		fail(s, "what it sends is no SMPP");
		return false;
	}
	if (h.length > SMPP_PDU_MAX) {
		refuse_long(s, &h, out);
		return true;
	}
	if (in.n < h.length)
		return false;
	s->used_n = h.length;
	s->enquired_ms = UINT64_MAX;
	s->enquire_ms = now_ms + s->opts.enquire_ms;
	struct span body = span_sub(in, SMPP_HEAD, h.length - SMPP_HEAD);
	if (!take_pdu(s, &h, body, now_ms, out))
		out->kind = SMPP_NOTHING;
	return true;
}

size_t smpp_feed(struct smpp *s, struct span bytes)
{
	drop_used(s);
	size_t n = sizeof(s->in) - s->in_n;
	n = bytes.n < n ? bytes.n : n;
	if (n)
		memcpy(&s->in[s->in_n], bytes.p, n);
	s->in_n += n;
	return n;
}

/* ---- time */

static void try_link(struct smpp *s, uint64_t now_ms)
{
	if (s->state != BOUND || now_ms < s->enquire_ms || !has_room(s))
		return;
	s->enquire_ms = now_ms + s->opts.enquire_ms;
	if (s->enquired_ms == UINT64_MAX)
		s->enquired_ms = now_ms + s->opts.answer_ms;
	plain(s, SMPP_ENQUIRE_LINK, 0, next_sequence(s));
}

static void check_time(struct smpp *s, uint64_t now_ms)
{
	if ((s->state == BINDING || s->state == UNBINDING) && now_ms >= s->state_due_ms)
		fail(s, s->state == BINDING ? "it does not answer the bind" : "stopped");
	if (s->state == BOUND && now_ms >= s->enquired_ms)
		fail(s, "it does not answer");
	for (size_t i = 0; s->in_flight && i < s->opts.window; i++)
		if (s->slot[i].sequence && now_ms >= s->slot[i].due_ms)
			fail(s, "it does not answer a message");
	defer_late(s, now_ms);
	try_link(s, now_ms);
}

void smpp_next(struct smpp *s, uint64_t now_ms, struct smpp_told *out)
{
	*out = (struct smpp_told){.kind = SMPP_NOTHING};
	sms_box_expire(s->box, now_ms);
	if (s->state == CLOSED) {
		(void)told_expired(s, now_ms, out);
		return;
	}
	while (!s->broken && has_room(s) && next_pdu(s, now_ms, out))
		if (out->kind != SMPP_NOTHING)
			return;
	if (!s->broken)
		check_time(s, now_ms);
	if (!s->broken && told_expired(s, now_ms, out))
		return;
	pump(s, now_ms);
	if (s->broken && !s->broken_told) {
		s->broken_told = true;
		out->kind = SMPP_BROKEN;
		out->reason = s->why;
	}
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* To the second, where a message or a delivery waits for its end. */
uint64_t smpp_deadline_ms(const struct smpp *s)
{
	uint64_t due = UINT64_MAX;
	if (s->state == BINDING || s->state == UNBINDING)
		due = s->state_due_ms;
	if (s->state == BOUND)
		due = smaller(s->enquire_ms, s->enquired_ms);
	for (size_t i = 0; s->in_flight && i < s->opts.window; i++)
		if (s->slot[i].sequence)
			due = smaller(due, s->slot[i].due_ms);
	for (size_t i = 0; s->stats.deliveries && i < SMPP_DELIVERIES_MAX; i++)
		if (s->delivery[i].used)
			due = smaller(due, s->delivery[i].due_ms);
	if (s->state == BOUND && s->first && s->pause_ms)
		due = smaller(due, s->pause_ms);
	for (const struct smpp_message *m = s->first; m; m = m->next)
		if (m->sent == m->taken)
			return smaller(due, m->expires_ms); /* they come in order */
	return due;
}

struct smpp_stats smpp_stats(const struct smpp *s)
{
	struct smpp_stats st = s->stats;
	st.box = sms_box_stats(s->box);
	st.in_flight = s->in_flight;
	return st;
}
