/* SPDX-License-Identifier: Apache-2.0 */
/* How an update goes on. One question at a time; its answer decides what is asked next, and when.
 * Questions are asked by the timer, never from within an answer.
 *
 *   CHECK ──► SEND ──► DOWNLOAD ──► UPDATE ──► over
 *     └► RESET ─┘ ◄── it lost the package ┘
 *
 * Nothing is flashed twice: Update is executed only while the device says that it has downloaded
 * and not begun (State 2, Update Result 0), which is stored before it is sent. After that the
 * package is never sent again. Where the device then forgets what became of it, nobody knows. */
#include "server/server_impl.h"

#include <stdio.h>
#include <string.h>

enum {
	STATE_IDLE = 0,
	STATE_DOWNLOADING = 1,
	STATE_DOWNLOADED = 2,
	STATE_UPDATING = 3,
	RESULT_INITIAL = 0,
	RESULT_SUCCESS = 1,
	RESULT_DEFERRED = 11,
	POLL_MS = 2000,
	POLL_MAX_MS = 60000,
	RETRY_MS = 10000,
	RETRY_MAX_MS = 600000,
	TICK_MS = 5000, /* how often the progress of a push is looked at */
	SENDS_MAX = 5,
	EXECUTES_MAX = 3,
	MISSES_MAX = 10, /* errors to what is only read */
	IDLES_MAX = 3,
};

static uint64_t patience_ms(const struct srv_fw *f)
{
	return f->srv->opts.firmware_timeout_s * UINT64_C(1000);
}

static void at(struct srv_fw *f, uint64_t due_ms)
{
	uint64_t last_ms = f->progress_ms + patience_ms(f);
	wheel_add(&f->srv->firmware.wheel, &f->timer, due_ms < last_ms ? due_ms : last_ms);
}

static void ask_at(struct srv_fw *f, enum srv_fw_ask what, uint64_t due_ms)
{
	f->next = what;
	at(f, due_ms);
}

static uint64_t backoff(uint64_t first_ms, uint64_t most_ms, uint8_t doublings)
{
	uint64_t ms = first_ms << (doublings < 8 ? doublings : 8);
	return ms < most_ms ? ms : most_ms;
}

static void progress(struct srv_fw *f, const struct turn *t)
{
	f->progress_ms = t->now_ms;
	f->misses = 0;
}

static void go_to(struct srv_fw *f, enum srv_fw_step step, struct turn *t)
{
	bool told = f->step != step;
	f->step = step;
	f->idles = 0;
	progress(f, t);
	srv_fw_record(f, t);
	if (told)
		srv_fw_event(f, t);
}

static void fail(struct srv_fw *f, const char *why, struct turn *t)
{
	srv_fw_over(f, SRV_FW_FAILED, why, t);
}

static void fail_code(struct srv_fw *f, const char *what, uint8_t code, struct turn *t)
{
	char text[SRV_FW_DETAIL_MAX];
	snprintf(text, sizeof(text), "the device answered %u.%02u to %s", code >> 5, code & 31,
		what);
	fail(f, text, t);
}

static void fail_result(struct srv_fw *f, struct turn *t)
{
	char text[SRV_FW_DETAIL_MAX];
	const char *means = srv_fw_result_text(f->result);
	snprintf(text, sizeof(text), "the device told result %u: %s", f->result,
		*means ? means : "not one of LwM2M 1.2");
	fail(f, text, t);
}

void srv_fw_begin(struct srv_fw *f, struct turn *t)
{
	progress(f, t);
	srv_fw_record(f, t);
	srv_fw_event(f, t);
	ask_at(f, SRV_FW_ASK_DELIVERY, t->now_ms);
}

/* What was not finished before the package was with the device begins anew, which harms nothing. */
void srv_fw_resume(struct srv_fw *f)
{
	f->progress_ms = f->srv->opts.now_ms;
	if (f->step < SRV_FW_DOWNLOAD)
		f->step = SRV_FW_CHECK;
	f->next = f->step == SRV_FW_CHECK    ? SRV_FW_ASK_DELIVERY
		  : f->step == SRV_FW_CANCEL ? SRV_FW_ASK_CANCEL
					     : SRV_FW_ASK_AUTO;
	f->busy = f->step == SRV_FW_UPDATE;
	if (f->step == SRV_FW_UPDATE)
		f->refusal = MSG_GATEWAY_TIMEOUT; /* it may never have been sent */
	at(f, f->srv->opts.now_ms);
}

/* ---- asking */

static uint8_t object_version(const struct srv_reg *g)
{
	return lwm_object_list_version(&g->list, 5, g->lwm2m);
}

static void start(struct srv_fw *f, struct srv_dm *d, uint16_t rid, struct turn *t)
{
	d->endpoint = f->endpoint;
	d->path = (struct lwm_path){3, {5, 0, rid, 0}};
	d->content_format = -1;
	d->depth = -1;
	d->fw = f;
	srv_dm(f->srv, d, t);
}

static enum err read_image(void *arg, size_t from, uint8_t *buf, size_t n)
{
	struct srv_fw *f = arg;
	const struct srv_image_files *files = &f->srv->opts.files;
	f->sent = from;
	return files->read ? files->read(files->arg, f->image->sha256, from, buf, n) : ERR_NOTFOUND;
}

static void send_package(struct srv_fw *f, struct turn *t)
{
	struct ep_source source = {f->image->bytes, read_image, f};
	struct srv_dm d = {.kind = SRV_WRITE, .source = &source};
	f->sent = f->noted = 0;
	f->told = 0;
	start(f, &d, 0, t);
}

static void write_value(struct srv_fw *f, uint16_t rid, struct lwm_value v, struct turn *t)
{
	struct lwm_record r = {.kind = LWM_RECORD_VALUE, .path = {3, {5, 0, rid, 0}}, .value = v};
	struct srv_dm d = {.kind = SRV_WRITE, .records = &r, .record_n = 1};
	start(f, &d, rid, t);
}

static struct lwm_value text_value(const char *text)
{
	return (struct lwm_value){.type = LWM_STRING, .bytes = span_str(text)};
}

static void write_empty(struct srv_fw *f, struct turn *t)
{
	static const uint8_t none[1];
	struct lwm_value v = {.type = LWM_OPAQUE, .bytes = {none, 0}};
	if (f->method == SRV_FW_PUSH)
		write_value(f, 0, v, t);
	else
		write_value(f, 1, text_value(""), t);
}

static void ask(struct srv_fw *f, struct turn *t)
{
	struct srv_dm d = {.kind = SRV_READ};
	f->asked = f->next;
	f->next = SRV_FW_ASK_NOTHING;
	switch (f->asked) {
	case SRV_FW_ASK_NOTHING:
		return;
	case SRV_FW_ASK_DELIVERY:
		start(f, &d, 9, t);
		return;
	case SRV_FW_ASK_PROTOCOLS:
		start(f, &d, 8, t);
		return;
	case SRV_FW_ASK_AUTO:
		start(f, &d, 14, t);
		return;
	case SRV_FW_ASK_OBSERVE:
		d.kind = SRV_OBSERVE;
		start(f, &d, 3, t);
		return;
	case SRV_FW_ASK_STATE:
		start(f, &d, 3, t);
		return;
	case SRV_FW_ASK_RESULT:
		start(f, &d, 5, t);
		return;
	case SRV_FW_ASK_CANCEL:
		d.kind = SRV_EXECUTE;
		start(f, &d, 10, t);
		return;
	case SRV_FW_ASK_EMPTY:
		write_empty(f, t);
		return;
	case SRV_FW_ASK_SEND:
		f->refusal = 0;
		f->sends++;
		if (f->method == SRV_FW_PUSH)
			send_package(f, t);
		else
			write_value(f, 1, text_value(f->uri), t);
		return;
	case SRV_FW_ASK_UPDATE:
		f->executed = true;
		f->executes++;
		go_to(f, SRV_FW_UPDATE, t); /* in the batch of the request */
		d.kind = SRV_EXECUTE;
		start(f, &d, 2, t);
		return;
	}
}

/* No answer came. Where it may only have been lost, the device is asked how it is before anything
 * is repeated. */
static void ask_again(struct srv_fw *f, const struct turn *t)
{
	enum srv_fw_ask again = f->asked;
	if (f->asked == SRV_FW_ASK_OBSERVE || f->asked == SRV_FW_ASK_SEND ||
		f->asked == SRV_FW_ASK_UPDATE)
		again = SRV_FW_ASK_STATE;
	if (f->asked == SRV_FW_ASK_UPDATE)
		f->refusal = MSG_GATEWAY_TIMEOUT; /* it may not have heard of it */
	f->waiting = true;                        /* at the next sign of life, or: */
	ask_at(f, again, t->now_ms + backoff(RETRY_MS, RETRY_MAX_MS, f->misses));
	if (f->misses < UINT8_MAX)
		f->misses++;
}

/* The device has to be heard of before it can be asked. */
static bool reachable(const struct srv_fw *f, const struct turn *t)
{
	struct srv_view v;
	srv_view(f->srv, f->endpoint, t->now_ms, &v);
	return v.registered && !v.asleep;
}

static bool was_observed(struct srv_fw *f)
{
	const struct srv_endpoint *e = f->endpoint->registration;
	for (const struct srv_observation *o = e ? e->observations : NULL; o; o = o->next)
		if (!o->names && o->path.n == 3 && o->path.id[0] == 5 && o->path.id[1] == 0 &&
			o->path.id[2] == 3)
			return true;
	return false;
}

static void go_on(struct srv_fw *f, struct turn *t)
{
	f->waiting = !reachable(f, t);
	if (f->waiting) {
		at(f, UINT64_MAX);
		return;
	}
	if (f->step == SRV_FW_CHECK && !lwm_object_list_has(&srv_reg_of(f->endpoint)->list, 5, 0)) {
		fail(f, "the device has not registered /5/0, the Firmware Update object", t);
		return;
	}
	if (f->image_name[0] && !f->image && f->step < SRV_FW_DOWNLOAD) {
		fail(f, "the image is gone", t);
		return;
	}
	if (f->next == SRV_FW_ASK_OBSERVE && was_observed(f))
		f->next = SRV_FW_ASK_STATE;
	ask(f, t);
	if (f->op) /* until it is answered, or nothing moves for too long */
		at(f, t->now_ms + TICK_MS);
	else if (f->step != SRV_FW_OVER && !timer_armed(&f->timer))
		ask_again(f, t); /* it could not be asked */
}

static void give_up(struct srv_fw *f, struct turn *t)
{
	char text[SRV_FW_DETAIL_MAX];
	snprintf(text, sizeof(text), "nothing was heard of it, or nothing moved, for %u s",
		f->srv->opts.firmware_timeout_s);
	srv_fw_over(f,
		f->executed                ? SRV_FW_UNKNOWN
		: f->step == SRV_FW_CANCEL ? SRV_FW_CANCELLED
					   : SRV_FW_FAILED,
		text, t);
}

/* Tells of each tenth. */
static void note_sent(struct srv_fw *f, struct turn *t)
{
	if (!f->image || f->sent == f->noted)
		return;
	f->noted = f->sent;
	progress(f, t);
	uint8_t tenths = (uint8_t)(f->sent * 10 / f->image->bytes);
	if (tenths > f->told) {
		f->told = tenths;
		srv_fw_event(f, t);
	}
}

void srv_fw_timer(struct srv *s, struct turn *t)
{
	for (struct timer *due; (due = wheel_expire(&s->firmware.wheel, t->now_ms));) {
		struct srv_fw *f = (struct srv_fw *)due;
		if (f->op)
			note_sent(f, t);
		if (t->now_ms - f->progress_ms >= patience_ms(f))
			give_up(f, t);
		else if (f->op)
			at(f, t->now_ms + TICK_MS);
		else
			go_on(f, t);
	}
}

void srv_fw_fetched(struct srv_fw *f, uint64_t end, struct turn *t)
{
	if (end > f->sent)
		f->sent = end;
	f->busy = true;
	note_sent(f, t);
}

/* ---- what the device says */

/* Looks again after a while that grows. */
static void poll(struct srv_fw *f, const struct turn *t)
{
	ask_at(f, SRV_FW_ASK_STATE, t->now_ms + backoff(POLL_MS, POLL_MAX_MS, f->misses));
	if (f->misses < UINT8_MAX)
		f->misses++;
}

/* It updates by itself, and perhaps has: the package must not reach it a second time. */
static bool may_have_updated(const struct srv_fw *f)
{
	bool all = f->method == SRV_FW_PULL || f->sent + PACE_BLOCK_MAX >= f->image->bytes;
	return f->automatic && all;
}

static void send_again(struct srv_fw *f, const char *why, struct turn *t)
{
	if (may_have_updated(f)) {
		srv_fw_over(f, SRV_FW_UNKNOWN,
			"the device updates by itself, and does not tell whether it has", t);
		return;
	}
	if (f->sends >= SENDS_MAX) {
		fail(f, why, t);
		return;
	}
	if (f->step != SRV_FW_SEND)
		go_to(f, SRV_FW_SEND, t);
	ask_at(f, SRV_FW_ASK_SEND, t->now_ms + backoff(RETRY_MS, RETRY_MAX_MS, f->sends));
}

static void update(struct srv_fw *f, struct turn *t)
{
	if (f->automatic) {
		f->executed = true; /* not by us */
		if (f->step != SRV_FW_UPDATE)
			go_to(f, SRV_FW_UPDATE, t);
		poll(f, t);
		return;
	}
	ask_at(f, SRV_FW_ASK_UPDATE, t->now_ms);
}

static void reset(struct srv_fw *f, struct turn *t)
{
	bool v11 = object_version(srv_reg_of(f->endpoint)) >= 11;
	if (f->step == SRV_FW_RESET) {
		fail(f, "an earlier package cannot be taken from the device", t);
		return;
	}
	go_to(f, SRV_FW_RESET, t);
	ask_at(f, v11 ? SRV_FW_ASK_CANCEL : SRV_FW_ASK_EMPTY, t->now_ms);
}

static void decide_before(struct srv_fw *f, struct turn *t)
{
	f->result_before = f->result;
	f->busy = false;
	switch (f->state) {
	case STATE_IDLE:
		go_to(f, SRV_FW_SEND, t);
		ask_at(f, SRV_FW_ASK_SEND, t->now_ms);
		break;
	case STATE_DOWNLOADING:
	case STATE_DOWNLOADED:
		reset(f, t);
		break;
	default:
		fail(f, "the device is updating already", t);
		break;
	}
}

/* It is idle although it was given something: it is done, or could not, or has lost it. */
static void decide_idle(struct srv_fw *f, struct turn *t)
{
	bool old = f->result == f->result_before && !f->busy;
	if (f->result == RESULT_SUCCESS && !old)
		srv_fw_over(f, SRV_FW_SUCCEEDED, "", t);
	else if (f->result != RESULT_INITIAL && !old)
		fail_result(f, t);
	else if (f->step == SRV_FW_DOWNLOAD && ++f->idles < IDLES_MAX)
		poll(f, t);
	else
		send_again(f, "the device loses the package, or never begins to fetch it", t);
}

/* The write was refused, or its answer was lost, or it is past that. */
static void decide_sent(struct srv_fw *f, struct turn *t)
{
	if (f->state != STATE_IDLE)
		f->busy = true;
	if (f->state == STATE_DOWNLOADED || f->state == STATE_UPDATING) {
		f->automatic |= f->state == STATE_UPDATING;
		update(f, t);
	} else if (f->state == STATE_IDLE && f->refusal && f->result == f->result_before) {
		fail_code(f, f->method == SRV_FW_PUSH ? "the package" : "the URI of the package",
			f->refusal, t);
	} else if (f->state == STATE_IDLE) {
		decide_idle(f, t);
	} else if (f->step == SRV_FW_SEND && f->method == SRV_FW_PUSH) {
		send_again(f, "the package could not be sent", t);
	} else {
		if (f->step == SRV_FW_SEND)
			go_to(f, SRV_FW_DOWNLOAD, t);
		poll(f, t);
	}
}

static void decide_updated(struct srv_fw *f, struct turn *t)
{
	if (f->state == STATE_UPDATING || f->result == RESULT_DEFERRED) {
		poll(f, t);
	} else if (f->state == STATE_IDLE && f->result == RESULT_SUCCESS) {
		srv_fw_over(f, SRV_FW_SUCCEEDED, "", t);
	} else if (f->result != RESULT_INITIAL) {
		fail_result(f, t);
	} else if (f->state == STATE_IDLE) {
		srv_fw_over(f, SRV_FW_UNKNOWN,
			"the device is idle again and tells no result: see its firmware version "
			"(/3/0/3)",
			t);
	} else if (f->state == STATE_DOWNLOADED && !f->automatic && f->refusal &&
		   f->executes >= EXECUTES_MAX) {
		fail_code(f, "Update", f->refusal, t);
	} else if (f->state == STATE_DOWNLOADED && !f->automatic && f->refusal &&
		   f->executes < EXECUTES_MAX) {
		/* It did not begin, as it says itself. */
		ask_at(f, SRV_FW_ASK_UPDATE,
			t->now_ms + backoff(RETRY_MS, RETRY_MAX_MS, f->executes));
	} else {
		poll(f, t);
	}
}

/* State and result are known. */
static void decide(struct srv_fw *f, struct turn *t)
{
	switch (f->step) {
	case SRV_FW_CHECK:
	case SRV_FW_RESET:
		decide_before(f, t);
		break;
	case SRV_FW_SEND:
	case SRV_FW_DOWNLOAD:
		decide_sent(f, t);
		break;
	case SRV_FW_UPDATE:
		decide_updated(f, t);
		break;
	case SRV_FW_CANCEL:
	case SRV_FW_OVER:
		break;
	}
}

/* ---- answers */

enum { NO_NUMBER = -1, NUMBERS_MAX = 8 };

/* The whole numbers of an answer, those of Resource Instances too; false: it cannot be read. */
static bool numbers(
	struct srv_fw *f, const struct srv_op *op, const struct msg *m, int64_t *v, size_t *n)
{
	const struct srv_reg *g = srv_reg_of(f->endpoint);
	uint32_t cf = LWM_CF_TEXT;
	msg_get_uint(m, OPT_CONTENT_FORMAT, &cf);
	const struct lwm_format *format = lwm_format(cf);
	struct lwm_codec_opts o = {.versions = srv_versions(g), .alt = span_str(g->list.alt)};
	struct lwm_records r;
	struct arena arena;
	arena_init(&arena, 64 << 10);
	lwm_records_init(&r, &arena);
	bool good = format && format->decode && !format->decode(m->payload, &op->path, &o, &r) &&
		    !r.err;
	*n = 0;
	for (size_t i = 0; good && i < r.n && *n < NUMBERS_MAX; i++) {
		const struct lwm_value *x = &r.v[i].value;
		if (r.v[i].kind == LWM_RECORD_MULTIPLE)
			continue;
		good = r.v[i].kind == LWM_RECORD_VALUE &&
		       (x->type == LWM_INTEGER || x->type == LWM_UNSIGNED ||
			       x->type == LWM_BOOLEAN);
		if (good)
			v[(*n)++] = x->type == LWM_BOOLEAN ? x->b : x->i;
	}
	arena_fini(&arena);
	return good;
}

/* Pull: the protocol of the URI, as Resource 8 numbers it; NO_NUMBER: none of them. */
static int scheme_of(const char *uri)
{
	static const char *const schemes[] = {
		"coap:", "coaps:", "http:", "https:", "coap+tcp:", "coaps+tcp:"};
	for (int i = 0; i < 6; i++)
		if (!strncmp(uri, schemes[i], strlen(schemes[i])))
			return i;
	return NO_NUMBER;
}

static void take_delivery(struct srv_fw *f, int64_t how, struct turn *t)
{
	bool push = how == 1 || how == 2, pull = how == 0 || how == 2;
	bool v12 = object_version(srv_reg_of(f->endpoint)) >= 12;
	progress(f, t);
	if (f->method == SRV_FW_PUSH ? !push : !pull)
		fail(f,
			push   ? "the device takes a package by push only"
			: pull ? "the device takes a package by pull only"
			       : "the device does not say how it takes a package",
			t);
	else
		ask_at(f,
			f->method == SRV_FW_PULL ? SRV_FW_ASK_PROTOCOLS
			: v12                    ? SRV_FW_ASK_AUTO
						 : SRV_FW_ASK_OBSERVE,
			t->now_ms);
}

/* None told means CoAP; those that are not known are ignored (OBJ-05). */
static void take_protocols(struct srv_fw *f, const int64_t *v, size_t n, struct turn *t)
{
	int scheme = scheme_of(f->uri);
	bool has = !n && scheme == 0;
	for (size_t i = 0; i < n; i++)
		has |= v[i] == scheme;
	if (!has) {
		fail(f, "the device does not fetch by the protocol of that URI", t);
		return;
	}
	bool v12 = object_version(srv_reg_of(f->endpoint)) >= 12;
	ask_at(f, v12 ? SRV_FW_ASK_AUTO : SRV_FW_ASK_OBSERVE, t->now_ms);
}

static void take_state(struct srv_fw *f, int64_t v, struct turn *t)
{
	if (v < STATE_IDLE || v > STATE_UPDATING) {
		fail(f, "the device tells a state that LwM2M does not have", t);
		return;
	}
	if (f->state != v) {
		f->state = (uint8_t)v;
		progress(f, t);
	}
	ask_at(f, SRV_FW_ASK_RESULT, t->now_ms);
}

static void take_value(
	struct srv_fw *f, const struct srv_op *op, const struct msg *m, struct turn *t)
{
	int64_t v[NUMBERS_MAX] = {0};
	size_t n;
	if (!numbers(f, op, m, v, &n) || (!n && f->asked != SRV_FW_ASK_PROTOCOLS)) {
		fail(f, "an answer of the device cannot be read", t);
		return;
	}
	switch (f->asked) {
	case SRV_FW_ASK_DELIVERY:
		take_delivery(f, v[0], t);
		break;
	case SRV_FW_ASK_PROTOCOLS:
		take_protocols(f, v, n, t);
		break;
	case SRV_FW_ASK_AUTO:
		f->automatic = v[0] != 0;
		ask_at(f, SRV_FW_ASK_OBSERVE, t->now_ms);
		break;
	case SRV_FW_ASK_STATE:
		take_state(f, v[0], t);
		break;
	default:
		f->result = v[0] >= 0 && v[0] <= UINT8_MAX ? (uint8_t)v[0] : UINT8_MAX;
		decide(f, t);
		break;
	}
}

/* A question that was only to read was refused. */
static void not_told(struct srv_fw *f, uint8_t code, struct turn *t)
{
	bool optional = f->asked == SRV_FW_ASK_PROTOCOLS || f->asked == SRV_FW_ASK_AUTO;
	if (optional && msg_code_class(code) == 4) {
		if (f->asked == SRV_FW_ASK_PROTOCOLS)
			take_protocols(f, NULL, 0, t);
		else
			ask_at(f, SRV_FW_ASK_OBSERVE, t->now_ms);
	} else if (msg_code_class(code) == 4 || ++f->misses >= MISSES_MAX) {
		fail_code(f,
			f->asked == SRV_FW_ASK_DELIVERY ? "what it can (/5/0/9)"
			: f->asked == SRV_FW_ASK_STATE  ? "its state (/5/0/3)"
							: "its result (/5/0/5)",
			code, t);
	} else {
		ask_at(f, f->asked, t->now_ms + backoff(RETRY_MS, RETRY_MAX_MS, f->misses));
	}
}

static void cancelled(struct srv_fw *f, bool good, struct turn *t)
{
	if (f->asked == SRV_FW_ASK_CANCEL && !good)
		ask_at(f, SRV_FW_ASK_EMPTY, t->now_ms);
	else if (f->step == SRV_FW_CANCEL)
		srv_fw_over(f, SRV_FW_CANCELLED, good ? "" : "the device keeps what it has", t);
	else
		ask_at(f, SRV_FW_ASK_STATE, t->now_ms);
}

static void sent(struct srv_fw *f, uint8_t code, struct turn *t)
{
	bool good = msg_code_class(code) == 2;
	progress(f, t);
	if (good) {
		f->sent = f->image && f->method == SRV_FW_PUSH ? f->image->bytes : f->sent;
		go_to(f, SRV_FW_DOWNLOAD, t);
	} else if (msg_code_class(code) == 4 && code != MSG_REQUEST_ENTITY_INCOMPLETE) {
		f->refusal = code; /* its result may say more */
	}
	ask_at(f, SRV_FW_ASK_STATE, t->now_ms + (good ? 0 : POLL_MS));
}

void srv_fw_answered(struct srv_fw *f, const struct srv_op *op, const struct msg *m, struct turn *t)
{
	uint8_t code = m->code;
	bool good = msg_code_class(code) == 2;
	f->op->fw = NULL;
	f->op = NULL;
	f->waiting = false;
	switch (f->asked) {
	case SRV_FW_ASK_NOTHING:
		break;
	case SRV_FW_ASK_DELIVERY:
	case SRV_FW_ASK_PROTOCOLS:
	case SRV_FW_ASK_AUTO:
	case SRV_FW_ASK_STATE:
	case SRV_FW_ASK_RESULT:
		if (good)
			take_value(f, op, m, t);
		else
			not_told(f, code, t);
		break;
	case SRV_FW_ASK_OBSERVE: /* nice to have */
		f->observing |= good;
		ask_at(f, SRV_FW_ASK_STATE, t->now_ms);
		break;
	case SRV_FW_ASK_CANCEL:
	case SRV_FW_ASK_EMPTY:
		cancelled(f, good, t);
		break;
	case SRV_FW_ASK_SEND:
		sent(f, code, t);
		break;
	case SRV_FW_ASK_UPDATE:
		f->refusal = good ? 0 : code;
		ask_at(f, SRV_FW_ASK_STATE, t->now_ms + POLL_MS);
		break;
	}
}

void srv_fw_unanswered(struct srv_fw *f, const char *type, struct turn *t)
{
	f->op->fw = NULL;
	f->op = NULL;
	if (f->asked == SRV_FW_ASK_OBSERVE && !type) { /* somebody else does already */
		f->waiting = false;
		ask_at(f, SRV_FW_ASK_STATE, t->now_ms);
	} else if (f->step != SRV_FW_OVER) {
		ask_again(f, t);
	}
}

/* ---- what happens beside it */

void srv_fw_heard(struct srv *s, const struct endpoint *e, bool anew, struct turn *t)
{
	struct srv_fw *f = srv_fw_of(s, e);
	if (!f || f->op || f->step == SRV_FW_OVER || f->next == SRV_FW_ASK_NOTHING)
		return;
	bool looks = anew && (f->step == SRV_FW_DOWNLOAD || f->step == SRV_FW_UPDATE);
	if (f->waiting || looks)
		at(f, t->now_ms);
	f->waiting = false;
}

void srv_fw_notified(
	struct srv *s, const struct endpoint *e, const struct lwm_path *p, struct turn *t)
{
	struct srv_fw *f = srv_fw_of(s, e);
	bool about = p->n && p->id[0] == 5 && (p->n < 3 || p->id[2] == 3 || p->id[2] == 5);
	bool waits = f && (f->step == SRV_FW_DOWNLOAD || f->step == SRV_FW_UPDATE);
	if (about && waits && !f->op && f->next == SRV_FW_ASK_STATE)
		at(f, t->now_ms);
}

void srv_fw_cancel(struct srv_fw *f, struct turn *t)
{
	const struct srv_reg *g = srv_reg_of(f->endpoint);
	go_to(f, SRV_FW_CANCEL, t);
	ask_at(f, g && object_version(g) >= 11 ? SRV_FW_ASK_CANCEL : SRV_FW_ASK_EMPTY, t->now_ms);
}
