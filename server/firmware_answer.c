/* SPDX-License-Identifier: Apache-2.0 */
/* What the device answers to the questions of an update, and what follows from it. */
#include "server/firmware_impl.h"

#include <string.h>

enum { MISSES_MAX = 10 }; /* errors to what is only read */

enum { NO_NUMBER = -1, NUMBERS_MAX = 8 };

/* The whole numbers of an answer, those of Resource Instances too; false: it cannot be read. */
static bool numbers(
	struct srv_fw *f, const struct srv_op *op, const struct msg *m, int64_t *v, size_t *n)
{
	const struct srv_reg *g = srv_reg_of(f->endpoint);
	uint32_t cf = LWM_CF_TEXT;
	msg_get_uint(m, OPT_CONTENT_FORMAT, &cf);
	const struct lwm_format *format = lwm_format(cf);
	struct lwm_codec_opts o = {
		.versions = srv_versions_of_all(g), .alt = span_str(g->list.alt)};
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
	bool v12 = srv_fw_object_version(srv_reg_of(f->endpoint)) >= 12;
	srv_fw_progress(f, t);
	if (f->method == SRV_FW_PUSH ? !push : !pull)
		srv_fw_fail(f,
			push   ? "the device takes a package by push only"
			: pull ? "the device takes a package by pull only"
			       : "the device does not say how it takes a package",
			t);
	else
		srv_fw_ask_at(f,
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
		srv_fw_fail(f, "the device does not fetch by the protocol of that URI", t);
		return;
	}
	bool v12 = srv_fw_object_version(srv_reg_of(f->endpoint)) >= 12;
	srv_fw_ask_at(f, v12 ? SRV_FW_ASK_AUTO : SRV_FW_ASK_OBSERVE, t->now_ms);
}

static void take_state(struct srv_fw *f, int64_t v, struct turn *t)
{
	if (v < SRV_FW_STATE_IDLE || v > SRV_FW_STATE_UPDATING) {
		srv_fw_fail(f, "the device tells a state that LwM2M does not have", t);
		return;
	}
	if (f->state != v) {
		f->state = (uint8_t)v;
		srv_fw_progress(f, t);
	}
	srv_fw_ask_at(f, SRV_FW_ASK_RESULT, t->now_ms);
}

static void take_value(
	struct srv_fw *f, const struct srv_op *op, const struct msg *m, struct turn *t)
{
	int64_t v[NUMBERS_MAX] = {0};
	size_t n;
	if (!numbers(f, op, m, v, &n) || (!n && f->asked != SRV_FW_ASK_PROTOCOLS)) {
		srv_fw_fail(f, "an answer of the device cannot be read", t);
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
		srv_fw_ask_at(f, SRV_FW_ASK_OBSERVE, t->now_ms);
		break;
	case SRV_FW_ASK_STATE:
		take_state(f, v[0], t);
		break;
	default:
		f->result = v[0] >= 0 && v[0] <= UINT8_MAX ? (uint8_t)v[0] : UINT8_MAX;
		srv_fw_decide(f, t);
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
			srv_fw_ask_at(f, SRV_FW_ASK_OBSERVE, t->now_ms);
	} else if (msg_code_class(code) == 4 || ++f->misses >= MISSES_MAX) {
		srv_fw_fail_code(f,
			f->asked == SRV_FW_ASK_DELIVERY ? "what it can (/5/0/9)"
			: f->asked == SRV_FW_ASK_STATE  ? "its state (/5/0/3)"
							: "its result (/5/0/5)",
			code, t);
	} else {
		srv_fw_ask_at(f, f->asked,
			t->now_ms +
				srv_fw_backoff(SRV_FW_RETRY_MS, SRV_FW_RETRY_MAX_MS, f->misses));
	}
}

static void cancelled(struct srv_fw *f, bool good, struct turn *t)
{
	if (f->asked == SRV_FW_ASK_CANCEL && !good)
		srv_fw_ask_at(f, SRV_FW_ASK_EMPTY, t->now_ms);
	else if (f->step == SRV_FW_CANCEL)
		srv_fw_over(f, SRV_FW_CANCELLED, good ? "" : "the device keeps what it has", t);
	else
		srv_fw_ask_at(f, SRV_FW_ASK_STATE, t->now_ms);
}

static void sent(struct srv_fw *f, uint8_t code, struct turn *t)
{
	bool good = msg_code_class(code) == 2;
	srv_fw_progress(f, t);
	if (good) {
		f->sent = f->image && f->method == SRV_FW_PUSH ? f->image->bytes : f->sent;
		srv_fw_go_to(f, SRV_FW_DOWNLOAD, t);
	} else if (msg_code_class(code) == 4 && code != MSG_REQUEST_ENTITY_INCOMPLETE) {
		f->refusal = code; /* its result may say more */
	}
	srv_fw_ask_at(f, SRV_FW_ASK_STATE, t->now_ms + (good ? 0 : SRV_FW_POLL_MS));
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
		srv_fw_ask_at(f, SRV_FW_ASK_STATE, t->now_ms);
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
		srv_fw_ask_at(f, SRV_FW_ASK_STATE, t->now_ms + SRV_FW_POLL_MS);
		break;
	}
}

void srv_fw_unanswered(struct srv_fw *f, const char *type, struct turn *t)
{
	f->op->fw = NULL;
	f->op = NULL;
	if (f->asked == SRV_FW_ASK_OBSERVE && !type) { /* somebody else does already */
		f->waiting = false;
		srv_fw_ask_at(f, SRV_FW_ASK_STATE, t->now_ms);
	} else if (f->step != SRV_FW_OVER) {
		srv_fw_ask_again(f, t);
	}
}
