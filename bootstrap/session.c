/* SPDX-License-Identifier: Apache-2.0 */
#include "bootstrap/session.h"

#include "base/gateway.h"
#include "base/text.h"
#include "lwm2m/format.h"

#include <stdlib.h>
#include <string.h>

static const char refused_text[] = "the device refused Bootstrap-Finish: it finds what it was "
				   "given inconsistent (4.06)";

static void next_command(struct bs *b, struct bs_session *s, struct turn *t);

void bs_session_free(struct bs *b, struct bs_session *s)
{
	struct bs_endpoint *e = s->endpoint->session;
	wheel_del(&b->wheel, &s->timer);
	e->session = NULL;
	b->session_n--;
	bs_plan_unref(s->plan);
	gateway_drop(&s->peer);
	secret_wipe(s, sizeof(*s));
	free(s);
}

/* "finished", "failed" or "refused". */
static void tell(struct bs *b, const struct bs_session *s, const char *how, const char *reason,
	struct turn *t)
{
	struct bs_endpoint *e = s->endpoint->session;
	uint8_t text[512];
	struct writer w = wr_make(text, sizeof(text));
	e->last_result = reason ? reason : how;
	e->last_wall_s = t->wall_ms / 1000;
	wr_fmt(&w, "{\"result\":\"%s\",\"ssid\":%u", how,
		s->plan->account_n ? (unsigned)s->plan->account[0].ssid : 0);
	if (reason) {
		wr_str(&w, ",\"reason\":");
		wr_json_string(&w, span_str(reason));
	}
	wr_str(&w, "}");
	ep_event(t, b->opts.next_event, "bootstrap", ep_name(s->endpoint), wr_span(&w));
}

void bs_session_end(struct bs *b, struct bs_session *s, const char *result, struct turn *t)
{
	if (s->request)
		ep_request_end(b->x, s->request, t);
	if (result && s->step == BS_REFUSED) /* that it ends now is not the reason */
		result = refused_text;
	if (result) {
		ep_note(b->dir, s->endpoint, EP_REASON_BOOTSTRAP_FAILED, t->wall_ms);
		b->count.failed++;
	} else {
		b->count.finished++;
	}
	tell(b, s, result ? "failed" : "finished", result, t);
	bs_session_free(b, s);
}

static void wait_for(struct bs *b, struct bs_session *s, const struct turn *t)
{
	wheel_add(&b->wheel, &s->timer, t->now_ms + b->opts.session_timeout_s * UINT64_C(1000));
}

/* One command at a time, so that order is kept (BS-04). */
static enum err command(struct bs *b, struct bs_session *s, struct msg *m, struct turn *t)
{
	struct ep_request_opts o = {.endpoint = s->endpoint,
		.ctx = s->ctx,
		.peer = s->ctx ? NULL : &s->peer,
		.msg = m,
		.role = REC_ROLE_BOOTSTRAP,
		.user = s};
	wait_for(b, s, t);
	return ep_request_start(b->x, &o, t, &s->request);
}

static enum err send_discover(struct bs *b, struct bs_session *s, struct turn *t)
{
	struct msg m;
	msg_init(&m, MSG_CON, MSG_GET);
	enum err err = msg_add_uint(&m, OPT_ACCEPT, LWM_CF_LINK);
	return err ? err : command(b, s, &m, t);
}

static enum err send_read(struct bs *b, struct bs_session *s, struct turn *t)
{
	char text[LWM_PATH_TEXT_MAX];
	uint16_t cf;
	struct msg m;
	msg_init(&m, MSG_CON, MSG_GET);
	enum err err = bs_read_format(s, &cf) ? ERR_OK : ERR_STATE;
	if (!err)
		err = lwm_path_to_options(&s->read[s->at], SPAN_EMPTY, &m, text, sizeof(text));
	if (!err)
		err = msg_add_uint(&m, OPT_ACCEPT, cf);
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
	struct lwm_path p;
	char text[LWM_PATH_TEXT_MAX];
	uint8_t payload[BS_PAYLOAD_MAX];
	struct writer w = wr_make(payload, sizeof(payload));
	struct msg m;
	msg_init(&m, MSG_CON, MSG_PUT);
	enum err err = bs_write_one(s, &p, &w);
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

/* The step that has the next command; p: what is to be deleted. */
static void advance(struct bs_session *s, struct lwm_path *p)
{
	if (s->step == BS_DELETE && !bs_next_delete(s, &s->at, p)) {
		s->step = BS_WRITE_SECURITY;
		s->at = 0;
	}
	while (s->step > BS_DELETE && s->step < BS_FINISH && s->at >= bs_write_count(s, s->step)) {
		s->step++;
		s->at = 0;
	}
}

static void next_command(struct bs *b, struct bs_session *s, struct turn *t)
{
	struct lwm_path p;
	enum err err = ERR_STATE;
	s->sent_at = s->at;
	advance(s, &p);
	switch (s->step) {
	case BS_DISCOVER:
		err = send_discover(b, s, t);
		break;
	case BS_READ:
		err = send_read(b, s, t);
		break;
	case BS_DELETE:
		err = send_delete(b, s, &p, t);
		break;
	case BS_WRITE_SECURITY:
	case BS_WRITE_SERVER:
	case BS_WRITE_ACCESS:
	case BS_WRITE_OSCORE:
	case BS_WRITE_BOOTSTRAP:
		err = send_write(b, s, t);
		break;
	case BS_FINISH:
		err = send_finish(b, s, t);
		break;
	case BS_REFUSED:
		break;
	}
	if (err)
		bs_session_end(b, s, "a command could not be sent", t);
}

void bs_session_follow(struct bs_session *s, struct bs_plan *p)
{
	s->plan = p;
	s->drawn = bs_plan_oscore(p);
	s->keys[BS_KEYS_SERVER].params = s->drawn ? &s->drawn->oscore : NULL;
	s->keys[BS_KEYS_BOOTSTRAP].params = p->renewal ? &p->renewal->oscore : NULL;
}

static void begin(struct bs_session *s, struct bs_plan *p)
{
	bs_session_follow(s, bs_plan_ref(p));
	s->step = BS_DISCOVER;
	s->at = 0;
	s->respelt = false;
	s->failure = NULL;
}

enum err bs_session_start(struct bs *b, struct endpoint *e, const struct bs_way *way,
	struct bs_plan *p, uint16_t format, struct turn *t)
{
	struct bs_endpoint *be = bs_of(e);
	struct bs_session *s = be ? calloc(1, sizeof(*s)) : NULL;
	if (!s)
		return ERR_NOMEM;
	s->endpoint = e;
	s->ctx = way->ctx;
	s->peer = way->peer;
	gateway_keep(&s->peer);
	s->format = format;
	begin(s, p);
	be->session = s;
	b->session_n++;
	next_command(b, s, t);
	return ERR_OK;
}

void bs_session_correct(struct bs *b, struct bs_session *s, struct bs_plan *p, struct turn *t)
{
	struct bs_plan *old = s->plan;
	if (s->step != BS_REFUSED)
		return;
	begin(s, p);
	bs_plan_unref(old);
	next_command(b, s, t);
}

/* What it has is known: nothing is taken from it before all that it gets can be made. */
static void prepare(struct bs *b, struct bs_session *s, struct turn *t)
{
	if (bs_choose_instances(s))
		fail(b, s, "the device has no room for the accounts", t);
	else if (bs_draw_contexts(b, s, t))
		fail(b, s, "no keys could be drawn", t);
	else {
		s->step = BS_DELETE;
		s->at = 0;
		next_command(b, s, t);
	}
}

static void read_on(struct bs *b, struct bs_session *s, struct turn *t)
{
	if (s->at < s->read_n)
		next_command(b, s, t);
	else
		prepare(b, s, t);
}

static void discovered(struct bs *b, struct bs_session *s, const struct msg *m, struct turn *t)
{
	if (m->code != MSG_CONTENT || lwm_bs_discover_parse(m->payload, &s->found))
		fail(b, s, "the device did not answer Bootstrap-Discover", t);
	else {
		bs_reads_choose(b, s);
		s->step = BS_READ;
		read_on(b, s, t);
	}
}

/* The next format, or the next Read. */
static void has_read(struct bs *b, struct bs_session *s, const struct msg *m, struct turn *t)
{
	uint16_t cf;
	bool other = m->code == MSG_NOT_ACCEPTABLE || m->code == MSG_UNSUPPORTED_FORMAT;
	s->read_try++;
	if (!other || !bs_read_format(s, &cf)) {
		bs_read_taken(b, s, m, t);
		s->at++;
		s->read_try = 0;
	}
	read_on(b, s, t);
}

/* 4.06 says that what was written does not fit together (BS-14). Object 21 may be to blame, which
 * devices read in two ways; else somebody has to correct the plan while the device waits. */
static void refused(struct bs *b, struct bs_session *s, struct turn *t)
{
	if (bs_respell(s)) {
		s->step = BS_WRITE_OSCORE;
		s->at = 0;
		next_command(b, s, t);
		return;
	}
	s->step = BS_REFUSED;
	wait_for(b, s, t);
	tell(b, s, "refused", refused_text, t);
}

static void acknowledged(struct ep_context *made, struct turn *t)
{
	if (!made || made->generation != REC_GEN_WRITTEN)
		return;
	made->generation = REC_GEN_ACKNOWLEDGED;
	ep_context_record_state(t, made);
}

static void finished(struct bs *b, struct bs_session *s, const struct msg *m, struct turn *t)
{
	if (m->code == MSG_NOT_ACCEPTABLE && !s->failure) {
		refused(b, s, t);
		return;
	}
	if (m->code != MSG_CHANGED) {
		fail(b, s, "the device refused Bootstrap-Finish", t);
		return;
	}
	for (size_t i = 0; i < BS_KEYS && !s->failure; i++)
		acknowledged(s->keys[i].made, t);
	bs_session_end(b, s, s->failure, t);
}

/* What to do after the answer to a command. */
static void answered(struct bs *b, struct bs_session *s, const struct msg *m, struct turn *t)
{
	switch (s->step) {
	case BS_DISCOVER:
		discovered(b, s, m, t);
		return;
	case BS_READ:
		has_read(b, s, m, t);
		return;
	case BS_DELETE: /* what cannot be deleted was not there, or will be overwritten */
		break;
	case BS_WRITE_SECURITY:
	case BS_WRITE_SERVER:
	case BS_WRITE_ACCESS:
	case BS_WRITE_OSCORE:
	case BS_WRITE_BOOTSTRAP:
		if (m->code != MSG_CHANGED) {
			fail(b, s, "the device refused a Bootstrap-Write", t);
			return;
		}
		s->at++;
		break;
	case BS_FINISH:
		finished(b, s, m, t);
		return;
	case BS_REFUSED: /* nothing is on its way then */
		return;
	}
	next_command(b, s, t);
}

/* A command may have been lost for good, and some devices never answer a copy of one (CT-13): it is
 * sent anew, once, under a new Message ID. All of them do no harm twice. */
static bool send_anew(
	struct bs *b, struct bs_session *s, const struct ep_request *r, struct turn *t)
{
	if (s->again || r->lost || r->unsent || r->spent)
		return false;
	s->again = true;
	if (s->step == BS_DELETE) /* the others go on when they are answered */
		s->at = s->sent_at;
	next_command(b, s, t);
	return true;
}

void bs_session_delivery(struct bs *b, struct bs_session *s, struct ep_delivery *d, struct turn *t)
{
	struct ep_request *r = d->request;
	s->request = NULL;
	if (d->kind == EP_RESPONSE) {
		s->again = false;
		answered(b, s, d->msg, t);
	} else if (d->kind != EP_TIMEOUT)
		bs_session_end(b, s, "a command was rejected or could not be sent", t);
	else if (!send_anew(b, s, r, t))
		bs_session_end(b, s, "the device did not answer a command", t);
	ep_request_end(b->x, r, t);
}
