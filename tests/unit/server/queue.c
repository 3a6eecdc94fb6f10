/* SPDX-License-Identifier: Apache-2.0 */
/* Queue mode (QM): what a sleeping device is asked for waits, in order, and is asked once. */
#include "server/queue.h"
#include "tests/unit/server/asking.h"

#define LINKS "</1/0>,</3/0>,</3303/0>"

/* What storage holds: the operations' records of all turns, put together. */
enum { ROWS = 16 };
static struct {
	struct rec_op op;
	uint8_t kind[24], path[32], body[512];
} row[ROWS];

static size_t find_row(uint64_t id)
{
	size_t i = 0;
	while (i < ROWS && row[i].op.id != id)
		i++;
	return i;
}

static struct span keep(uint8_t *at, size_t cap, struct span s)
{
	REQUIRE(s.n <= cap, "room for a span");
	if (s.n)
		memcpy(at, s.p, s.n);
	return span_make(at, s.n);
}

static void store_op(const struct rec_op *r)
{
	size_t i = find_row(r->id);
	if (i == ROWS)
		i = find_row(0);
	REQUIRE(i < ROWS, "room for a row");
	row[i].op = *r;
	row[i].op.kind = keep(row[i].kind, sizeof(row[i].kind), r->kind);
	row[i].op.path = keep(row[i].path, sizeof(row[i].path), r->path);
	row[i].op.body = keep(row[i].body, sizeof(row[i].body), r->body);
}

/* Commits the turn. */
static void commit(void)
{
	for (size_t i = 0; i < rig.t.batch.n; i++) {
		const struct rec *r = &rig.t.rec[i];
		if (r->type == REC_OP_PUT)
			store_op(&r->op);
		if (r->type == REC_OP_STATE && find_row(r->op_state.id) < ROWS)
			row[find_row(r->op_state.id)].op.state = r->op_state.state;
		if (r->type == REC_OP_DEL && find_row(r->del.id) < ROWS)
			row[find_row(r->del.id)].op.id = 0;
	}
}

static unsigned rows_in(uint8_t state)
{
	unsigned n = 0;
	for (size_t i = 0; i < ROWS; i++)
		n += row[i].op.id && row[i].op.state == state;
	return n;
}

static void open_queue(void)
{
	memset(row, 0, sizeof(row));
	open_server("");
	register_device("ep=dev&lt=6000&lwm2m=1.1&Q", LINKS);
}

static void sleep_now(void)
{
	rig_turn(&rig, 93100);
	srv_timer(srv, &rig.t);
	commit();
}

/* Asks, and commits; the status of the call, 0: it waits for an answer that is on its way. */
static int want(enum srv_dm_kind kind, const char *path, const char *text, uint64_t ref)
{
	static struct lwm_record rec;
	struct srv_dm d = {.kind = kind,
		.endpoint = rig.e,
		.content_format = -1,
		.depth = -1,
		.ticket = 7,
		.ref = ref};
	REQUIRE(lwm_path_parse(span_str(path), &d.path) == ERR_OK, "path");
	if (kind == SRV_WRITE) {
		rec = (struct lwm_record){
			.path = d.path, .value = {.type = LWM_STRING, .bytes = span_str(text)}};
		d.records = &rec;
		d.record_n = 1;
	}
	rig_turn(&rig, 10);
	srv_dm(srv, &d, &rig.t);
	commit();
	return outcome() ? outcome()->status : 0;
}

/* An Update; what is asked then, if anything, is in q. */
static bool wake(void)
{
	REQUIRE(ask(MSG_POST, location(), "", -1, "") == MSG_CHANGED, "an Update");
	commit();
	return rig_sent_n(&rig) > 1 && rig_asked(&rig, RIG_SERVER, rig_sent(&rig, 1), &q);
}

static bool reply(uint8_t code, int cf, const char *payload)
{
	q.n = 0;
	bool good = answer(code, cf, payload, -1);
	commit();
	return good;
}

/* The last event of the turn that has `part`. */
static bool event(const char *part)
{
	for (size_t i = 0; i < rig.t.batch.n; i++) {
		const struct rec *r = &rig.t.rec[i];
		char text[512];
		if (r->type == REC_EVENT && span_eq_str(r->event.type, "operation") &&
			!span_to_str(r->event.json, text, sizeof(text)) && strstr(text, part))
			return true;
	}
	return false;
}

static struct {
	unsigned n;
	uint64_t ref[ROWS];
	char state[16];
	int status;
	char type[32];
} seen;

static void on_queued(void *arg, const struct srv_queued_view *v)
{
	(void)arg;
	seen.ref[seen.n++ % ROWS] = v->ref;
	snprintf(seen.state, sizeof(seen.state), "%s", v->state ? v->state : "ended");
	seen.status = v->outcome ? v->outcome->status : 0;
	snprintf(seen.type, sizeof(seen.type), "%s",
		v->outcome && v->outcome->type ? v->outcome->type : "");
}

static const char *state_of(uint64_t ref)
{
	memset(&seen, 0, sizeof(seen));
	return srv_queued_get(srv, ref, rig.now_ms, on_queued, NULL) ? seen.state : "";
}

/* ---- in order, one at a time, once */

static void in_order(void)
{
	open_queue();
	sleep_now();
	CHECK(want(SRV_WRITE, "/3/0/15", "UTC", 1) == 202 && !rig_sent_n(&rig) &&
			!strcmp(outcome()->type, "asleep") && rows_in(SRV_QUEUED) == 1,
		"stored before the call is answered (QM-02)");
	CHECK(want(SRV_EXECUTE, "/3/0/4", "", 2) == 202, "another");
	CHECK(want(SRV_READ, "/3/0/9", "", 3) == 202 && rows_in(SRV_QUEUED) == 3, "and a Read");
	memset(&seen, 0, sizeof(seen));
	srv_queued_list(srv, rig.e, rig.now_ms, on_queued, NULL);
	CHECK(seen.n == 3 && seen.ref[0] == 1 && seen.ref[1] == 2 && seen.ref[2] == 3, "listed");
	CHECK(wake() && asked(MSG_PUT, "/3/0/15", -1, LWM_CF_TEXT, SPAN_LIT("UTC")) &&
			rig_sent_n(&rig) == 2,
		"the first goes when the device is heard of, alone");
	CHECK(rows_in(SRV_QUEUED_SENT) == 1 && rig_records(&rig, REC_OP_STATE) == 1 &&
			!strcmp(state_of(1), "running"),
		"recorded as sent with it");
	CHECK(reply(MSG_CHANGED, -1, "") && event("\"id\":\"0000000000000001\"") &&
			event("\"outcome\":\"done\",\"status\":200"),
		"its outcome is told");
	CHECK(asked(MSG_POST, "/3/0/4", -1, -1, SPAN_EMPTY), "the answer lets the second go");
	CHECK(reply(MSG_METHOD_NOT_ALLOWED, -1, "") &&
			event("\"outcome\":\"failed\",\"status\":502"),
		"which is refused");
	CHECK(asked(MSG_GET, "/3/0/9", LWM_CF_TEXT, -1, SPAN_EMPTY) && rows_in(SRV_QUEUED) == 1 &&
			rows_in(SRV_QUEUED_SENT) == 0,
		"the third; that a Read was sent need not be known");
	CHECK(reply(MSG_CONTENT, LWM_CF_TEXT, "80") && rows_in(SRV_QUEUED_DONE) == 3 &&
			!srv_queued_count(srv),
		"all are done");
	CHECK(!strcmp(state_of(3), "ended") && seen.status == 200, "and kept");
	CHECK(!wake(), "and asked no more");
	CHECK(want(SRV_READ, "/3/0/9", "", 4) == 0 && rig_sent_n(&rig) == 1, "awake: at once");
	rig_turn(&rig, 3600 * 1000 + 10);
	srv_timer(srv, &rig.t);
	commit();
	CHECK(rows_in(SRV_QUEUED_DONE) <= 1 && !strcmp(state_of(1), ""), "outcomes expire");
	close_server();
}

/* ---- an end before it is sent */

static void ends(void)
{
	open_queue();
	sleep_now();
	CHECK(want(SRV_WRITE, "/3/0/15", "UTC", 1) == 202, "one");
	CHECK(want(SRV_EXECUTE, "/3/0/4", "", 2) == 202, "two");
	rig_turn(&rig, 10);
	CHECK(srv_queued_cancel(srv, 1, &rig.t) == ERR_OK && event("\"problem\":\"cancelled\""),
		"cancelled");
	commit();
	CHECK(srv_queued_cancel(srv, 1, &rig.t) == ERR_STATE, "not twice");
	CHECK(srv_queued_cancel(srv, 9, &rig.t) == ERR_NOTFOUND, "nor what never was");
	rig_turn(&rig, 10);
	CHECK(srv_queued_follow(srv, 2, 8, &rig.t) == ERR_OK && !outcome(), "followed");
	CHECK(wake() && asked(MSG_POST, "/3/0/4", -1, -1, SPAN_EMPTY), "the other goes");
	CHECK(srv_queued_cancel(srv, 2, &rig.t) == ERR_STATE, "too late: it may have been done");
	CHECK(reply(MSG_CHANGED, -1, "") && outcome() && outcome()->ticket == 8 &&
			outcome()->status == 200,
		"who follows it is told");
	rig_turn(&rig, 10);
	CHECK(srv_queued_follow(srv, 2, 9, &rig.t) == ERR_OK && outcome()->ticket == 9 &&
			outcome()->status == 200,
		"or asks later");
	sleep_now();
	CHECK(want(SRV_READ, "/3/0/9", "", 3) == 202, "a third");
	rig_turn(&rig, 3600 * 1000);
	srv_timer(srv, &rig.t);
	commit();
	CHECK(!strcmp(state_of(3), "ended") && !strcmp(seen.type, "expired"), "expires");
	CHECK(!wake(), "and is not asked");
	close_server();
}

/* ---- bounds */

static void bounds(void)
{
	static char large[5000];
	open_queue();
	sleep_now();
	memset(large, 'x', sizeof(large) - 1);
	CHECK(want(SRV_WRITE, "/3/0/15", large, 9) == 503, "more bytes than may wait");
	for (uint64_t i = 1; i <= 4; i++)
		CHECK(want(SRV_READ, "/3/0/9", "", i) == 202, "as many as may wait");
	CHECK(want(SRV_READ, "/3/0/9", "", 5) == 503 && rows_in(SRV_QUEUED) == 4, "one too many");
	CHECK(want(SRV_EXECUTE, "/3/0", "", 5) == 422, "what is never allowed is refused at once");
	CHECK(wake() && reply(MSG_CONTENT, LWM_CF_TEXT, "1"), "one goes");
	CHECK(want(SRV_READ, "/3/0/9", "", 6) == 202 && !strcmp(outcome()->type, "busy"),
		"there is room again, behind the others");
	close_server();
}

/* ---- silence: what was on its way is told, the rest waits. Proves: QM-04 */

static void silence(void)
{
	struct ep_delivery d;
	open_queue();
	sleep_now();
	CHECK(want(SRV_EXECUTE, "/3/0/4", "", 1) == 202, "one");
	CHECK(want(SRV_READ, "/3/0/9", "", 2) == 202 && wake(), "two; awake");
	unsigned left = 0;
	for (int i = 0; i < 100 && srv_queued_count(srv) == 2; i++) {
		rig_turn(&rig, 3000);
		for (ep_timer(rig.x, &rig.t, &d); d.kind != EP_NOTHING;
			ep_timer(rig.x, &rig.t, &d)) {
			srv_response(srv, &d, &rig.t);
			ep_delivery_end(rig.x, &d, &rig.t);
			left += event("\"problem\":\"timeout\"");
		}
		commit();
	}
	CHECK(left == 1 && !strcmp(state_of(1), "ended"), "no answer: reported");
	CHECK(!strcmp(state_of(2), "queued") && view().asleep,
		"the other waits, the device sleeps");
	CHECK(wake() && asked(MSG_GET, "/3/0/9", LWM_CF_TEXT, -1, SPAN_EMPTY),
		"until the next sign of life; the first is not repeated");
	close_server();
}

/* ---- any message opens the window, and who speaks without Q is always awake */

static void any_word(void)
{
	open_queue();
	sleep_now();
	CHECK(want(SRV_READ, "/3/0/9", "", 1) == 202 && want(SRV_READ, "/3/0/13", "", 2) == 202 &&
			want(SRV_EXECUTE, "/3/0/4", "", 3) == 202,
		"three");
	CHECK(want(SRV_READ, "/3/0/9", "", 1) == 503, "another of a name that is taken");
	CHECK(ask(MSG_POST, "dp", "", 0, "x") == MSG_BAD_REQUEST && rig_sent_n(&rig) == 2 &&
			rig_asked(&rig, RIG_SERVER, rig_sent(&rig, 1), &q) &&
			asked(MSG_GET, "/3/0/9", LWM_CF_TEXT, -1, SPAN_EMPTY),
		"a Send that is refused is a sign of life too");
	rig_turn(&rig, 10);
	CHECK(srv_queued_cancel(srv, 1, &rig.t) == ERR_OK && rig_sent_n(&rig) == 1 &&
			rig_asked(&rig, RIG_SERVER, rig_sent(&rig, 0), &q) &&
			asked(MSG_GET, "/3/0/13", LWM_CF_TEXT, -1, SPAN_EMPTY),
		"where a Read is given up the next goes");
	commit();
	CHECK(ask(MSG_POST, "rd", "ep=dev&lt=6000&lwm2m=1.1", LWM_CF_LINK, LINKS) == MSG_CREATED &&
			!view().queue && rig_sent_n(&rig) == 2,
		"the device registers without Q: the Read goes again");
	REQUIRE(rig_asked(&rig, RIG_SERVER, rig_sent(&rig, 1), &q), "it");
	commit();
	CHECK(want(SRV_READ, "/3/0/1", "", 4) == 202 && !strcmp(outcome()->type, "busy"),
		"what comes later stays behind what waits");
	CHECK(reply(MSG_CONTENT, LWM_CF_TEXT, "1") && asked(MSG_POST, "/3/0/4", -1, -1, SPAN_EMPTY),
		"in order");
	CHECK(reply(MSG_CHANGED, -1, "") && reply(MSG_CONTENT, LWM_CF_TEXT, "x") &&
			!srv_queued_count(srv),
		"all");
	CHECK(want(SRV_READ, "/3/0/9", "", 5) == 0 && !srv_queued_count(srv),
		"then there is no queue any more");
	close_server();
}

/* ---- an operation that expires on its way, or behind one that is never answered */

static void late(void)
{
	open_queue();
	sleep_now();
	CHECK(want(SRV_READ, "/3/0/9", "", 1) == 202 && wake(), "a Read is on its way");
	rig_turn(&rig, 3600 * 1000);
	srv_timer(srv, &rig.t);
	commit();
	CHECK(!strcmp(state_of(1), "running"), "its time is over, and its answer may come yet");
	CHECK(ask(MSG_POST, "rd", "ep=dev&lt=6000&lwm2m=1.1&Q", LWM_CF_LINK, LINKS) ==
				MSG_CREATED &&
			rig_sent_n(&rig) == 1 && event("\"problem\":\"expired\""),
		"after a Register it is not asked again");
	commit();
	CHECK(!strcmp(state_of(1), "ended") && !strcmp(seen.type, "expired"), "it has expired");
	close_server();
}

/* An observation is set up first; as long as that is not answered, nothing behind it has left. */
static void behind(void)
{
	struct ep_delivery d;
	open_queue();
	CHECK(want(SRV_OBSERVE, "/3/0/9", "", 2) == 0 &&
			rig_asked(&rig, RIG_SERVER, rig_sent(&rig, 0), &q),
		"an observation is asked for at once");
	q.n = 0;
	REQUIRE(answer(MSG_CONTENT, LWM_CF_TEXT, "80", 5) && outcome()->status == 200, "observed");
	commit();
	sleep_now();
	CHECK(want(SRV_EXECUTE, "/3/0/4", "", 3) == 202, "an Execute waits");
	CHECK(ask(MSG_POST, "rd", "ep=dev&lt=6000&lwm2m=1.1&Q", LWM_CF_LINK, LINKS) ==
				MSG_CREATED &&
			rig_sent_n(&rig) == 2 &&
			rig_asked(&rig, RIG_SERVER, rig_sent(&rig, 1), &q) &&
			asked(MSG_GET, "/3/0/9", LWM_CF_TEXT, -1, SPAN_EMPTY),
		"a Register: the observation is asked for, alone");
	commit();
	unsigned executed = 0;
	for (int i = 0; i < 100 && !view().asleep; i++) {
		rig_turn(&rig, 3000);
		for (ep_timer(rig.x, &rig.t, &d); d.kind != EP_NOTHING;
			ep_timer(rig.x, &rig.t, &d)) {
			srv_response(srv, &d, &rig.t);
			ep_delivery_end(rig.x, &d, &rig.t);
		}
		for (size_t n = 0; n < rig_sent_n(&rig); n++)
			executed += rig_asked(&rig, RIG_SERVER, rig_sent(&rig, n), &q) &&
				    q.plain.code == MSG_POST;
		commit();
	}
	CHECK(!executed && !strcmp(state_of(3), "queued") && rows_in(SRV_QUEUED) == 1,
		"silence: what stood behind it has not left, and waits");
	close_server();
}

/* The daemon is started anew, over what is stored. */

static void restart(bool older)
{
	static const uint8_t seed[16] = {8};
	struct srv_opts o = {.exchange = rig.x,
		.next_event = &next_event,
		.grace_s = 93,
		.awake_s = 93,
		.queue_expiry_s = 3600,
		.queue_limit = 4,
		.queue_total = 6,
		.queue_bytes = 4096,
		.rolled_back = older,
		.seed = seed,
		.now_ms = rig.now_ms,
		.render_send = render_send};
	struct rec_reg r = {.location = SPAN_LIT("abcdefghjk"),
		.lifetime_s = 6000,
		.lwm2m = 11,
		.binding = 1,
		.queue = true,
		.links = SPAN_LIT(LINKS),
		.expiry_ms = UINT64_MAX};
	for (struct srv_op *op = srv_reg_of(rig.e)->ops; op; op = op->next)
		if (op->request)
			ep_request_end(rig.x, op->request, &rig.t); /* gone with the exchange */
	srv_free(srv);
	rig_turn(&rig, 10);
	REQUIRE(srv_new(&o, &srv) == ERR_OK, "server");
	REQUIRE(srv_load_registration(srv, rig.e, rig.server, &r) == ERR_OK, "registered");
	for (size_t i = 0; i < ROWS; i++)
		if (row[i].op.id)
			REQUIRE(srv_load_op(srv, rig.e, &row[i].op, &rig.t) == ERR_OK, "a row");
	commit();
}

/* ---- more than one at a time, if that was said */

static struct rig_msg second;

static void open_two(void)
{
	struct pace two = {.nstart = 2};
	open_queue();
	REQUIRE(!ep_set_pace(rig.e, &two), "nstart");
	sleep_now();
}

/* An Update lets two go: q and second. */
static bool wake_two(void)
{
	return wake() && rig_sent_n(&rig) == 3 &&
	       rig_asked(&rig, RIG_SERVER, rig_sent(&rig, 2), &second);
}

static void together(void)
{
	open_two();
	CHECK(want(SRV_WRITE, "/3/0/15", "UTC", 1) == 202 &&
			want(SRV_EXECUTE, "/3/0/4", "", 2) == 202 &&
			want(SRV_READ, "/3/0/9", "", 3) == 202,
		"three wait");
	CHECK(wake_two() && asked(MSG_PUT, "/3/0/15", -1, LWM_CF_TEXT, SPAN_LIT("UTC")) &&
			second.plain.code == MSG_POST && rows_in(SRV_QUEUED_SENT) == 2,
		"two go, in their order, and are recorded as sent");
	CHECK(!strcmp(state_of(1), "running") && !strcmp(state_of(2), "running") &&
			!strcmp(state_of(3), "queued"),
		"as one can see");
	struct rig_msg first = q;
	q = second;
	CHECK(reply(MSG_CHANGED, -1, "") && event("\"id\":\"0000000000000002\"") &&
			!event("\"id\":\"0000000000000001\"") && !rig_sent_n(&rig),
		"the second is answered first");
	q = first;
	CHECK(reply(MSG_FORBIDDEN, -1, "") && event("\"id\":\"0000000000000001\"") &&
			event("\"outcome\":\"failed\"") &&
			asked(MSG_GET, "/3/0/9", LWM_CF_TEXT, -1, SPAN_EMPTY),
		"the first is refused, and the third goes");
	CHECK(reply(MSG_CONTENT, LWM_CF_TEXT, "80") && !srv_queued_count(srv), "all are done");
	CHECK(want(SRV_READ, "/3/0/9", "", 4) == 0 && want(SRV_READ, "/3/0/1", "", 5) == 0 &&
			rig_sent_n(&rig) == 1,
		"awake, two wait for their answers");
	CHECK(want(SRV_READ, "/3/0/2", "", 6) == 202 && !strcmp(outcome()->type, "busy"),
		"a third learns that it is stored");
	rig_turn(&rig, 10);
	CHECK(srv_queued_cancel(srv, 4, &rig.t) == ERR_OK && rig_sent_n(&rig) == 1 &&
			!strcmp(state_of(6), "running"),
		"one is given up, and it goes");
	commit();
	close_server();
}

/* All that left is told of, each in its time; what has not left waits. */
static void together_silent(void)
{
	struct ep_delivery d;
	unsigned told = 0;
	open_two();
	CHECK(want(SRV_EXECUTE, "/3/0/4", "", 1) == 202 && want(SRV_READ, "/3/0/9", "", 2) == 202 &&
			want(SRV_READ, "/3/0/1", "", 3) == 202 && wake_two(),
		"two of three");
	for (int i = 0; i < 100 && told < 2; i++) {
		rig_turn(&rig, 3000);
		for (ep_timer(rig.x, &rig.t, &d); d.kind != EP_NOTHING;
			ep_timer(rig.x, &rig.t, &d)) {
			srv_response(srv, &d, &rig.t);
			ep_delivery_end(rig.x, &d, &rig.t);
			told += d.kind == EP_TIMEOUT;
		}
		commit();
		CHECK(strcmp(state_of(3), "running"), "nothing goes to who is silent");
	}
	CHECK(told == 2 && !strcmp(state_of(1), "ended") && !strcmp(state_of(2), "ended") &&
			!strcmp(state_of(3), "queued") && view().asleep,
		"both end, the third waits");
	CHECK(wake() && rig_sent_n(&rig) == 2 &&
			asked(MSG_GET, "/3/0/1", LWM_CF_TEXT, -1, SPAN_EMPTY),
		"for the next sign of life");
	close_server();
}

/* One of them stands behind a body in blocks and has not left: it is taken back. */
static void together_behind(void)
{
	struct pace two = {.nstart = 3, .block_bytes = 16};
	struct ep_delivery d;
	unsigned told = 0;
	open_two();
	REQUIRE(!ep_set_pace(rig.e, &two), "small blocks");
	CHECK(want(SRV_WRITE, "/3/0/15", "a text longer than a block", 1) == 202 &&
			want(SRV_WRITE, "/3/0/14", "+01:00", 2) == 202 &&
			want(SRV_READ, "/3/0/9", "", 3) == 202 && wake() && rig_sent_n(&rig) == 2,
		"one leaves, in blocks; another body behind it does not");
	for (int i = 0; i < 100 && !told; i++) {
		rig_turn(&rig, 3000);
		for (ep_timer(rig.x, &rig.t, &d); d.kind != EP_NOTHING;
			ep_timer(rig.x, &rig.t, &d)) {
			srv_response(srv, &d, &rig.t);
			ep_delivery_end(rig.x, &d, &rig.t);
			told += d.kind == EP_TIMEOUT;
		}
		commit();
	}
	CHECK(!strcmp(state_of(1), "ended") && !strcmp(state_of(2), "queued") &&
			!strcmp(state_of(3), "queued") && rows_in(SRV_QUEUED) == 2,
		"silence: what has not left waits, also in what is stored");
	CHECK(wake() && rig_sent_n(&rig) == 3 &&
			asked(MSG_PUT, "/3/0/14", -1, LWM_CF_TEXT, SPAN_LIT("+01:00")),
		"and goes when the device is heard of");
	close_server();
}

/* The registration, or the daemon, ends meanwhile. */
static void together_ended(bool crashed)
{
	open_two();
	CHECK(want(SRV_EXECUTE, "/3/0/4", "", 1) == 202 &&
			want(SRV_WRITE, "/3/0/15", "UTC", 2) == 202 &&
			want(SRV_EXECUTE, "/3/0/4", "", 3) == 202 && wake_two(),
		"two of three");
	if (crashed)
		restart(false);
	else
		REQUIRE(ask(MSG_POST, "rd", "ep=dev&lt=6000&lwm2m=1.1&Q", LWM_CF_LINK, LINKS) ==
				MSG_CREATED,
			"a Register");
	commit();
	size_t sent = rig_sent_n(&rig);
	for (uint64_t ref = 1; ref <= 2; ref++)
		CHECK(!strcmp(state_of(ref), "ended") && !strcmp(seen.type, "outcome-unknown"),
			"what may have been done is never asked again");
	if (crashed) {
		CHECK(!strcmp(state_of(3), "queued") && wake(), "what has not left goes now");
		sent = rig_sent_n(&rig);
	}
	CHECK(sent == 2 && rig_asked(&rig, RIG_SERVER, rig_sent(&rig, 1), &q) &&
			asked(MSG_POST, "/3/0/4", -1, -1, SPAN_EMPTY),
		"alone");
	close_server();
}

/* ---- the registration ends meanwhile */

static void anew(enum srv_dm_kind kind, const char *path, bool again)
{
	open_queue();
	sleep_now();
	CHECK(want(kind, path, "", 1) == 202 && wake(), "on its way");
	CHECK(ask(MSG_POST, "rd", "ep=dev&lt=6000&lwm2m=1.1&Q", LWM_CF_LINK, LINKS) == MSG_CREATED,
		"a Register");
	CHECK(event("\"outcome\":\"unknown\"") == !again, "what may have been done is told so");
	commit();
	CHECK((rig_sent_n(&rig) > 1) == again, "only what may be is asked again");
	close_server();
}

/* ---- a restart at each step */

static const struct {
	const char *what;
	enum srv_dm_kind kind;
	const char *path;
	int steps; /* 0: asleep, 1: sent, 2: answered */
	bool older, asked;
	const char *state, *type;
} crashes[] = {
	{"a Write that waits", SRV_WRITE, "/3/0/15", 0, false, true, "queued", ""},
	{"one that was sent", SRV_WRITE, "/3/0/15", 1, false, false, "ended", "outcome-unknown"},
	{"one that was answered", SRV_WRITE, "/3/0/15", 2, false, false, "ended", ""},
	{"a Read that waits", SRV_READ, "/3/0/9", 0, false, true, "queued", ""},
	{"one that was sent is asked again", SRV_READ, "/3/0/9", 1, false, true, "queued", ""},
	{"one that was answered", SRV_READ, "/3/0/9", 2, false, false, "ended", ""},
	{"an Execute of an older copy", SRV_EXECUTE, "/3/0/4", 0, true, false, "ended",
		"outcome-unknown"},
	{"a Read of an older copy", SRV_READ, "/3/0/9", 0, true, true, "queued", ""},
};

static void crash(void)
{
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) {
		open_queue();
		sleep_now();
		REQUIRE(want(crashes[i].kind, crashes[i].path, "UTC", 5) == 202, "queued");
		if (crashes[i].steps > 0)
			REQUIRE(wake(), "sent");
		if (crashes[i].steps > 1)
			REQUIRE(crashes[i].kind == SRV_READ ? reply(MSG_CONTENT, LWM_CF_TEXT, "80")
							    : reply(MSG_CHANGED, -1, ""),
				"answered");
		restart(crashes[i].older);
		CHECK(!strcmp(state_of(5), crashes[i].state) && !strcmp(seen.type, crashes[i].type),
			crashes[i].what);
		CHECK(wake() == crashes[i].asked, crashes[i].what);
		close_server();
	}
}

/* ---- what is stored says all that was asked for */

static void packed(void)
{
	static const struct lwm_record records[] = {
		{LWM_RECORD_VALUE, {3, {3, 0, 15}},
			.value = {LWM_STRING, .bytes = SPAN_LIT("UTC")}},
		{LWM_RECORD_VALUE, {4, {3, 0, 11, 2}}, .value = {LWM_INTEGER, .i = INT64_MIN}},
		{LWM_RECORD_VALUE, {3, {9, 0, 1}}, .value = {LWM_UNSIGNED, .u = UINT64_MAX}},
		{LWM_RECORD_VALUE, {3, {3303, 0, 5700}}, .value = {LWM_FLOAT, .f = -1.5}},
		{LWM_RECORD_VALUE, {3, {1, 0, 6}}, .value = {LWM_BOOLEAN, .b = true}},
		{LWM_RECORD_VALUE, {3, {5, 0, 0}},
			.value = {LWM_OPAQUE, .bytes = SPAN_LIT("\0\1")}},
		{LWM_RECORD_VALUE, {3, {2, 0, 0}}, .value = {LWM_OBJLNK, .link = {7, 65535}}},
		{LWM_RECORD_VALUE, {3, {3, 0, 13}}, .value = {LWM_TIME, .i = -1}},
		{LWM_RECORD_INSTANCE, {2, {3303, LWM_ID_NONE}}, .value = {LWM_NONE}},
		{LWM_RECORD_DELETE, {4, {3, 0, 11, 1}}, .value = {LWM_NONE}},
	};
	struct srv_dm d = {.content_format = 112,
		.depth = 3,
		.arguments = SPAN_LIT("0='x'"),
		.attributes = SPAN_LIT("pmin=1"),
		.records = records,
		.record_n = sizeof(records) / sizeof(records[0])};
	struct srv_dm got = {0};
	struct lwm_record *v;
	uint8_t *bytes, *again;
	size_t n, again_n;
	REQUIRE(srv_queue_pack(&d, &bytes, &n) == ERR_OK, "packed");
	REQUIRE(srv_queue_unpack(span_make(bytes, n), &got, &v) == ERR_OK, "unpacked");
	CHECK(got.content_format == 112 && got.depth == 3 && got.record_n == d.record_n &&
			span_eq(got.arguments, d.arguments) &&
			span_eq(got.attributes, d.attributes),
		"its parts");
	REQUIRE(srv_queue_pack(&got, &again, &again_n) == ERR_OK, "packed again");
	CHECK_BYTES(span_make(again, again_n), span_make(bytes, n), "the same");
	free(v);
	free(again);
	for (size_t cut = 0; cut < n; cut++) {
		bool bad = srv_queue_unpack(span_make(bytes, cut), &got, &v) != ERR_OK;
		CHECK(bad && !v, "cut short");
		free(v);
	}
	bytes[0] = 99;
	CHECK(srv_queue_unpack(span_make(bytes, n), &got, &v) == ERR_CORRUPT, "another version");
	free(bytes);
}

int main(void)
{
	in_order();
	ends();
	bounds();
	silence();
	any_word();
	late();
	behind();
	together();
	together_silent();
	together_behind();
	together_ended(true);
	together_ended(false);
	anew(SRV_EXECUTE, "/3/0/4", false);
	anew(SRV_READ, "/3/0/9", true);
	crash();
	packed();
	return test_done();
}
