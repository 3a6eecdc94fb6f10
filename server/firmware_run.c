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
#include "server/firmware_impl.h"

#include <stdio.h>
#include <string.h>

enum {
	TICK_MS = 5000, /* how often the progress of a push is looked at */
	SENDS_MAX = 5,
	EXECUTES_MAX = 3,
	IDLES_MAX = 3,
};

static uint64_t patience_ms(const struct srv_fw *f)
{
	return f->srv->opts.firmware_timeout_s * UINT64_C(1000);
}

void srv_fw_at(struct srv_fw *f, uint64_t due_ms)
{
	uint64_t last_ms = f->progress_ms + patience_ms(f);
	wheel_add(&f->srv->firmware.wheel, &f->timer, due_ms < last_ms ? due_ms : last_ms);
}

void srv_fw_ask_at(struct srv_fw *f, enum srv_fw_ask what, uint64_t due_ms)
{
	f->next = what;
	srv_fw_at(f, due_ms);
}

uint64_t srv_fw_backoff(uint64_t first_ms, uint64_t most_ms, uint8_t doublings)
{
	uint64_t ms = first_ms << (doublings < 8 ? doublings : 8);
	return ms < most_ms ? ms : most_ms;
}

void srv_fw_progress(struct srv_fw *f, const struct turn *t)
{
	f->progress_ms = t->now_ms;
	f->misses = 0;
}

void srv_fw_go_to(struct srv_fw *f, enum srv_fw_step step, struct turn *t)
{
	bool told = f->step != step;
	f->step = step;
	f->idles = 0;
	srv_fw_progress(f, t);
	srv_fw_record(f, t);
	if (told)
		srv_fw_event(f, t);
}

void srv_fw_fail(struct srv_fw *f, const char *why, struct turn *t)
{
	srv_fw_over(f, SRV_FW_FAILED, why, t);
}

void srv_fw_fail_code(struct srv_fw *f, const char *what, uint8_t code, struct turn *t)
{
	char text[SRV_FW_DETAIL_MAX];
	snprintf(text, sizeof(text), "the device answered %u.%02u to %s", code >> 5, code & 31,
		what);
	srv_fw_fail(f, text, t);
}

static void fail_result(struct srv_fw *f, struct turn *t)
{
	char text[SRV_FW_DETAIL_MAX];
	const char *means = srv_fw_result_text(f->result);
	snprintf(text, sizeof(text), "the device told result %u: %s", f->result,
		*means ? means : "not one of LwM2M 1.2");
	srv_fw_fail(f, text, t);
}

void srv_fw_begin(struct srv_fw *f, struct turn *t)
{
	srv_fw_progress(f, t);
	srv_fw_record(f, t);
	srv_fw_event(f, t);
	srv_fw_ask_at(f, SRV_FW_ASK_DELIVERY, t->now_ms);
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
	srv_fw_at(f, f->srv->opts.now_ms);
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
		srv_fw_at(f, UINT64_MAX);
		return;
	}
	if (f->step == SRV_FW_CHECK && !lwm_object_list_has(&srv_reg_of(f->endpoint)->list, 5, 0)) {
		srv_fw_fail(f, "the device has not registered /5/0, the Firmware Update object", t);
		return;
	}
	if (f->image_name[0] && !f->image && f->step < SRV_FW_DOWNLOAD) {
		srv_fw_fail(f, "the image is gone", t);
		return;
	}
	if (f->next == SRV_FW_ASK_OBSERVE && was_observed(f))
		f->next = SRV_FW_ASK_STATE;
	srv_fw_ask(f, t);
	if (f->op) /* until it is answered, or nothing moves for too long */
		srv_fw_at(f, t->now_ms + TICK_MS);
	else if (f->step != SRV_FW_OVER && !timer_armed(&f->timer))
		srv_fw_ask_again(f, t); /* it could not be asked */
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
	srv_fw_progress(f, t);
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
			srv_fw_at(f, t->now_ms + TICK_MS);
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
	srv_fw_ask_at(f, SRV_FW_ASK_STATE,
		t->now_ms + srv_fw_backoff(SRV_FW_POLL_MS, SRV_FW_POLL_MAX_MS, f->misses));
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
		srv_fw_fail(f, why, t);
		return;
	}
	if (f->step != SRV_FW_SEND)
		srv_fw_go_to(f, SRV_FW_SEND, t);
	srv_fw_ask_at(f, SRV_FW_ASK_SEND,
		t->now_ms + srv_fw_backoff(SRV_FW_RETRY_MS, SRV_FW_RETRY_MAX_MS, f->sends));
}

static void update(struct srv_fw *f, struct turn *t)
{
	if (f->automatic) {
		f->executed = true; /* not by us */
		if (f->step != SRV_FW_UPDATE)
			srv_fw_go_to(f, SRV_FW_UPDATE, t);
		poll(f, t);
		return;
	}
	srv_fw_ask_at(f, SRV_FW_ASK_UPDATE, t->now_ms);
}

static void reset(struct srv_fw *f, struct turn *t)
{
	bool v11 = srv_fw_object_version(srv_reg_of(f->endpoint)) >= 11;
	if (f->step == SRV_FW_RESET) {
		srv_fw_fail(f, "an earlier package cannot be taken from the device", t);
		return;
	}
	srv_fw_go_to(f, SRV_FW_RESET, t);
	srv_fw_ask_at(f, v11 ? SRV_FW_ASK_CANCEL : SRV_FW_ASK_EMPTY, t->now_ms);
}

static void decide_before(struct srv_fw *f, struct turn *t)
{
	f->result_before = f->result;
	f->busy = false;
	switch (f->state) {
	case SRV_FW_STATE_IDLE:
		srv_fw_go_to(f, SRV_FW_SEND, t);
		srv_fw_ask_at(f, SRV_FW_ASK_SEND, t->now_ms);
		break;
	case SRV_FW_STATE_DOWNLOADING:
	case SRV_FW_STATE_DOWNLOADED:
		reset(f, t);
		break;
	default:
		srv_fw_fail(f, "the device is updating already", t);
		break;
	}
}

/* It is idle although it was given something: it is done, or could not, or has lost it. */
static void decide_idle(struct srv_fw *f, struct turn *t)
{
	bool old = f->result == f->result_before && !f->busy;
	if (f->result == SRV_FW_RESULT_SUCCESS && !old)
		srv_fw_over(f, SRV_FW_SUCCEEDED, "", t);
	else if (f->result != SRV_FW_RESULT_INITIAL && !old)
		fail_result(f, t);
	else if (f->step == SRV_FW_DOWNLOAD && ++f->idles < IDLES_MAX)
		poll(f, t);
	else
		send_again(f, "the device loses the package, or never begins to fetch it", t);
}

/* The write was refused, or its answer was lost, or it is past that. */
static void decide_sent(struct srv_fw *f, struct turn *t)
{
	if (f->state != SRV_FW_STATE_IDLE)
		f->busy = true;
	if (f->state == SRV_FW_STATE_DOWNLOADED || f->state == SRV_FW_STATE_UPDATING) {
		f->automatic |= f->state == SRV_FW_STATE_UPDATING;
		update(f, t);
	} else if (f->state == SRV_FW_STATE_IDLE && f->refusal && f->result == f->result_before) {
		srv_fw_fail_code(f,
			f->method == SRV_FW_PUSH ? "the package" : "the URI of the package",
			f->refusal, t);
	} else if (f->state == SRV_FW_STATE_IDLE) {
		decide_idle(f, t);
	} else if (f->step == SRV_FW_SEND && f->method == SRV_FW_PUSH) {
		send_again(f, "the package could not be sent", t);
	} else {
		if (f->step == SRV_FW_SEND)
			srv_fw_go_to(f, SRV_FW_DOWNLOAD, t);
		poll(f, t);
	}
}

static void decide_updated(struct srv_fw *f, struct turn *t)
{
	if (f->state == SRV_FW_STATE_UPDATING || f->result == SRV_FW_RESULT_DEFERRED) {
		poll(f, t);
	} else if (f->state == SRV_FW_STATE_IDLE && f->result == SRV_FW_RESULT_SUCCESS) {
		srv_fw_over(f, SRV_FW_SUCCEEDED, "", t);
	} else if (f->result != SRV_FW_RESULT_INITIAL) {
		fail_result(f, t);
	} else if (f->state == SRV_FW_STATE_IDLE) {
		srv_fw_over(f, SRV_FW_UNKNOWN,
			"the device is idle again and tells no result: see its firmware version "
			"(/3/0/3)",
			t);
	} else if (f->state == SRV_FW_STATE_DOWNLOADED && !f->automatic && f->refusal &&
		   f->executes >= EXECUTES_MAX) {
		srv_fw_fail_code(f, "Update", f->refusal, t);
	} else if (f->state == SRV_FW_STATE_DOWNLOADED && !f->automatic && f->refusal &&
		   f->executes < EXECUTES_MAX) {
		/* It did not begin, as it says itself. */
		srv_fw_ask_at(f, SRV_FW_ASK_UPDATE,
			t->now_ms +
				srv_fw_backoff(SRV_FW_RETRY_MS, SRV_FW_RETRY_MAX_MS, f->executes));
	} else {
		poll(f, t);
	}
}

/* State and result are known. */
void srv_fw_decide(struct srv_fw *f, struct turn *t)
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

/* ---- what happens beside it */

void srv_fw_heard(struct srv *s, const struct endpoint *e, bool anew, struct turn *t)
{
	struct srv_fw *f = srv_fw_of(s, e);
	if (!f || f->op || f->step == SRV_FW_OVER || f->next == SRV_FW_ASK_NOTHING)
		return;
	bool looks = anew && (f->step == SRV_FW_DOWNLOAD || f->step == SRV_FW_UPDATE);
	if (f->waiting || looks)
		srv_fw_at(f, t->now_ms);
	f->waiting = false;
}

void srv_fw_notified(
	struct srv *s, const struct endpoint *e, const struct lwm_path *p, struct turn *t)
{
	struct srv_fw *f = srv_fw_of(s, e);
	bool about = p->n && p->id[0] == 5 && (p->n < 3 || p->id[2] == 3 || p->id[2] == 5);
	bool waits = f && (f->step == SRV_FW_DOWNLOAD || f->step == SRV_FW_UPDATE);
	if (about && waits && !f->op && f->next == SRV_FW_ASK_STATE)
		srv_fw_at(f, t->now_ms);
}

void srv_fw_cancel(struct srv_fw *f, struct turn *t)
{
	const struct srv_reg *g = srv_reg_of(f->endpoint);
	srv_fw_go_to(f, SRV_FW_CANCEL, t);
	srv_fw_ask_at(f, g && srv_fw_object_version(g) >= 11 ? SRV_FW_ASK_CANCEL : SRV_FW_ASK_EMPTY,
		t->now_ms);
}
