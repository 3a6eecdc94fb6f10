/* SPDX-License-Identifier: Apache-2.0 */
#include "bootstrap/session.h"

#include "base/text.h"
#include "lwm2m/format.h"

#include <stdlib.h>
#include <string.h>

/* An instance may be longer than a message: it goes out in blocks then. */
enum { PAYLOAD_MAX = 8192, FAR_INSTANCE = 32 };

static void next_command(struct bs *b, struct bs_session *s, struct turn *t);

void bs_session_free(struct bs *b, struct bs_session *s)
{
	struct bs_endpoint *e = s->endpoint->session;
	wheel_del(&b->wheel, &s->timer);
	e->session = NULL;
	b->session_n--;
	secret_wipe(s, sizeof(*s));
	free(s);
}

void bs_session_end(struct bs *b, struct bs_session *s, const char *result, struct turn *t)
{
	struct bs_endpoint *e = s->endpoint->session;
	uint8_t text[512];
	struct writer w = wr_make(text, sizeof(text));
	if (s->request)
		ep_request_end(b->x, s->request, t);
	e->last_result = result ? result : "finished";
	e->last_wall_s = t->wall_ms / 1000;
	wr_fmt(&w, "{\"result\":\"%s\",\"ssid\":%u", result ? "failed" : "finished",
		(unsigned)s->plan.ssid);
	if (result) {
		wr_str(&w, ",\"reason\":");
		wr_json_string(&w, span_str(result));
		ep_note(b->dir, s->endpoint, EP_REASON_BOOTSTRAP_FAILED, t->wall_ms);
		b->count.failed++;
	} else {
		b->count.finished++;
	}
	wr_str(&w, "}");
	ep_event(t, b->opts.next_event, "bootstrap", ep_name(s->endpoint), wr_span(&w));
	bs_session_free(b, s);
}

/* One command at a time, so that order is kept (BS-04). */
static enum err command(struct bs *b, struct bs_session *s, struct msg *m, struct turn *t)
{
	struct ep_request_opts o = {.endpoint = s->endpoint,
		.ctx = s->ctx,
		.msg = m,
		.role = REC_ROLE_BOOTSTRAP,
		.user = s};
	wheel_add(&b->wheel, &s->timer, t->now_ms + b->opts.session_timeout_s * UINT64_C(1000));
	return ep_request_start(b->x, &o, t, &s->request);
}

static enum err send_discover(struct bs *b, struct bs_session *s, struct turn *t)
{
	struct msg m;
	msg_init(&m, MSG_CON, MSG_GET);
	enum err err = msg_add_uint(&m, OPT_ACCEPT, LWM_CF_LINK);
	return err ? err : command(b, s, &m, t);
}

static enum err send_delete(
	struct bs *b, struct bs_session *s, const struct lwm_path *p, struct turn *t)
{
	char text[LWM_PATH_TEXT_MAX];
	struct msg m;
	msg_init(&m, MSG_CON, MSG_DELETE);
	enum err err = lwm_path_to_options(p, SPAN_EMPTY, &m, text, sizeof(text));
	return err ? err : command(b, s, &m, t);
}

static enum err send_write(struct bs *b, struct bs_session *s, struct turn *t)
{
	static enum err (*const body[])(const struct bs_session *, struct writer *) = {
		[BS_WRITE_SECURITY] = bs_write_security,
		[BS_WRITE_SERVER] = bs_write_server,
		[BS_WRITE_OSCORE] = bs_write_oscore};
	struct lwm_path p = {.n = 2};
	if (s->step == BS_WRITE_SECURITY)
		p.id[1] = s->security_iid;
	if (s->step == BS_WRITE_SERVER)
		p.id[0] = 1;
	if (s->step == BS_WRITE_OSCORE) {
		p.id[0] = 21;
		p.id[1] = s->oscore_iid;
	}
	char text[LWM_PATH_TEXT_MAX];
	uint8_t payload[PAYLOAD_MAX];
	struct writer w = wr_make(payload, sizeof(payload));
	struct msg m;
	msg_init(&m, MSG_CON, MSG_PUT);
	enum err err = body[s->step](s, &w);
	if (!err)
		err = lwm_path_to_options(&p, SPAN_EMPTY, &m, text, sizeof(text));
	if (!err)
		err = msg_add_uint(&m, OPT_CONTENT_FORMAT, s->format);
	m.payload = wr_span(&w);
	if (!err)
		err = command(b, s, &m, t);
	secret_wipe(payload, sizeof(payload));
	return err;
}

static enum err send_finish(struct bs *b, struct bs_session *s, struct turn *t)
{
	struct msg m;
	msg_init(&m, MSG_CON, MSG_POST);
	enum err err = msg_add(&m, OPT_URI_PATH, SPAN_LIT("bs"));
	return err ? err : command(b, s, &m, t);
}

static bool is_server_account(const struct lwm_bs_instance *i)
{
	return i->ssid && i->ssid != LWM_ID_NONE;
}

/* The next thing to delete. What belongs to the bootstrap account, or may belong to it, has no
 * Short Server ID (BS-11) and is never named. False: nothing is left. */
static bool next_delete(struct bs_session *s, struct lwm_path *p)
{
	if (s->delete_at == 0) {
		*p = (struct lwm_path){.n = 1, .id = {1}}; /* every Server Object Instance */
		s->delete_at = 1;
		return true;
	}
	for (; s->delete_at <= s->found.inst_n; s->delete_at++) {
		const struct lwm_bs_instance *i = &s->found.inst[s->delete_at - 1];
		if ((i->oid == 0 || i->oid == 21) && i->iid != LWM_ID_NONE &&
			is_server_account(i)) {
			*p = (struct lwm_path){.n = 2, .id = {i->oid, i->iid}};
			s->delete_at++;
			return true;
		}
	}
	return false;
}

/* The lowest instance id that no instance of the bootstrap account has. A device that does not show
 * which instance its own is, gets one far from where that may be. */
static uint16_t free_instance(const struct bs_session *s, uint16_t oid)
{
	bool taken[LWM_BS_INSTANCES_MAX + 1] = {false}, shown = false;
	for (size_t k = 0; k < s->found.inst_n; k++) {
		const struct lwm_bs_instance *i = &s->found.inst[k];
		if (i->oid != oid || is_server_account(i))
			continue;
		shown = shown || !i->ssid;
		if (i->iid <= LWM_BS_INSTANCES_MAX)
			taken[i->iid] = true;
	}
	uint16_t iid = shown ? 0 : FAR_INSTANCE;
	while (iid < LWM_BS_INSTANCES_MAX && taken[iid])
		iid++;
	return iid;
}

static void fail(struct bs *b, struct bs_session *s, const char *why, struct turn *t)
{
	/* Finish also when it stops early (BS-14), unless it was Finish that failed. */
	if (s->step == BS_FINISH) {
		bs_session_end(b, s, s->failure ? s->failure : why, t);
		return;
	}
	s->failure = why;
	s->step = BS_FINISH;
	next_command(b, s, t);
}

static void next_command(struct bs *b, struct bs_session *s, struct turn *t)
{
	struct lwm_path p;
	enum err err = ERR_STATE;
	switch (s->step) {
	case BS_DISCOVER:
		err = send_discover(b, s, t);
		break;
	case BS_DELETE:
		if (next_delete(s, &p)) {
			err = send_delete(b, s, &p, t);
			break;
		}
		s->step = BS_WRITE_SECURITY;
		err = send_write(b, s, t);
		break;
	case BS_WRITE_SECURITY:
	case BS_WRITE_SERVER:
	case BS_WRITE_OSCORE:
		err = send_write(b, s, t);
		break;
	case BS_FINISH:
		err = send_finish(b, s, t);
		break;
	}
	if (err)
		bs_session_end(b, s, "a command could not be sent", t);
}

enum err bs_session_start(struct bs *b, struct endpoint *e, struct ep_context *ctx,
	const struct bs_plan *p, uint16_t format, struct turn *t)
{
	struct bs_endpoint *be = bs_of(e);
	struct bs_session *s = be ? calloc(1, sizeof(*s)) : NULL;
	if (!s)
		return ERR_NOMEM;
	s->endpoint = e;
	s->ctx = ctx;
	s->plan = *p;
	s->format = format;
	s->step = BS_DISCOVER;
	be->session = s;
	b->session_n++;
	next_command(b, s, t);
	return ERR_OK;
}

/* What to do after the answer to a command. */
static void answered(struct bs *b, struct bs_session *s, const struct msg *m, struct turn *t)
{
	switch (s->step) {
	case BS_DISCOVER:
		if (m->code != MSG_CONTENT || lwm_bs_discover_parse(m->payload, &s->found)) {
			fail(b, s, "the device did not answer Bootstrap-Discover", t);
			return;
		}
		s->security_iid = free_instance(s, 0);
		s->oscore_iid = free_instance(s, 21);
		/* Before anything is taken from the device. */
		if (bs_draw_context(b, s, t)) {
			fail(b, s, "no keys could be drawn", t);
			return;
		}
		s->step = BS_DELETE;
		break;
	case BS_DELETE: /* what cannot be deleted was not there, or will be overwritten */
		break;
	case BS_WRITE_SECURITY:
	case BS_WRITE_SERVER:
	case BS_WRITE_OSCORE:
		if (m->code != MSG_CHANGED) {
			fail(b, s, "the device refused a Bootstrap-Write", t);
			return;
		}
		s->step++;
		break;
	case BS_FINISH:
		if (m->code != MSG_CHANGED) {
			fail(b, s, "the device refused Bootstrap-Finish", t);
			return;
		}
		if (s->made && !s->failure && s->made->generation == REC_GEN_WRITTEN) {
			s->made->generation = REC_GEN_ACKNOWLEDGED;
			ep_context_record_state(t, s->made);
		}
		bs_session_end(b, s, s->failure, t);
		return;
	}
	next_command(b, s, t);
}

void bs_session_delivery(struct bs *b, struct bs_session *s, struct ep_delivery *d, struct turn *t)
{
	struct ep_request *r = d->request;
	s->request = NULL;
	if (d->kind == EP_RESPONSE)
		answered(b, s, d->msg, t);
	else if (d->kind == EP_TIMEOUT)
		bs_session_end(b, s, "the device did not answer a command", t);
	else
		bs_session_end(b, s, "a command was rejected or could not be sent", t);
	ep_request_end(b->x, r, t);
}
