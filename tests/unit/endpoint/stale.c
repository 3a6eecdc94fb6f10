/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts whose window is that of an older copy of the database: nothing is done under them before
 * the device has answered an Echo challenge, whatever is configured. */
#include "tests/unit/endpoint/rig.h"

static struct rig rig;
static struct rig_msg q, q2, a;

/* As a rollback leaves it: numbers of the next epoch, a highest that the device is far beyond. */
static void set_back(struct rig *r, struct ep_context *c, uint64_t highest)
{
	c->stale = true;
	c->fresh = false;
	c->ssn_next = r->dir.ssn_floor;
	c->ssn_left = 0;
	osc_window_seal(&c->window, highest);
	c->sealed = true;
}

static void begin(struct rig *r, uint8_t freshness)
{
	rig_init_after(r, true, 1);
	r->dir.freshness = freshness;
	set_back(r, r->server, 10);
	set_back(r, r->bootstrap, 10);
	r->piv = 50;
}

static bool challenged(struct rig *r, int which, const struct rig_msg *asked)
{
	return r->d.kind == EP_NOTHING && rig_sent_n(r) == 1 &&
	       rig_answer(r, which, asked, rig_sent(r, 0), &a) &&
	       a.plain.code == MSG_UNAUTHORIZED && msg_find(&a.plain, OPT_ECHO) &&
	       a.number >= r->dir.ssn_floor && a.number < r->dir.ssn_end;
}

/* The challenged request again, with what the challenge in `a` holds. */
static struct span repeat(struct rig *r, int which, struct rig_msg *out)
{
	struct msg m;
	struct span echo = msg_find(&a.plain, OPT_ECHO)->val;
	rig_plain(&m, MSG_GET, "rd/x");
	REQUIRE(msg_add(&m, OPT_ECHO, echo) == ERR_OK, "Echo");
	return rig_protect(r, which, &m, out);
}

static void policy(const char *what, uint8_t freshness)
{
	struct rig *r = &rig;
	begin(r, freshness);
	for (int which = 0; which < 2; which++) {
		struct ep_context *c = which == RIG_SERVER ? r->server : r->bootstrap;
		struct peer at = r->from;
		uint64_t first;
		at.listener = which == RIG_SERVER ? 0 : 1;
		r->from = at;
		rig_turn(r, 1);
		(void)rig_in(r, rig_get(r, which, &q));
		CHECK(challenged(r, which, &q), what);
		first = a.number;
		CHECK(!c->peer, "its address is not believed yet");
		const struct rec *seen = rig_record(r, REC_SEEN);
		CHECK(seen && !seen->seen.fresh && !seen->seen.executed,
			"the challenged number is remembered");
		/* a copy of it, and the next one without Echo */
		struct span sent = rig_sent(r, 0);
		static uint8_t was[RIG_BYTES];
		size_t was_n = sent.n;
		memcpy(was, sent.p, sent.n);
		rig_turn(r, 1);
		CHECK(rig_in(r, span_make(q.bytes, q.n)) == EP_NOTHING &&
				span_eq(rig_sent(r, 0), span_make(was, was_n)) && !r->t.batch.n,
			"a copy gets the same bytes and uses no number");
		rig_turn(r, 1);
		(void)rig_in(r, rig_get(r, which, &q2));
		CHECK(challenged(r, which, &q2) && a.number > first, "without Echo: once more");
		/* with it */
		rig_turn(r, 1);
		CHECK(rig_in(r, repeat(r, which, &q)) == EP_REQUEST,
			"with Echo it is delivered (GEN-10)");
		CHECK(!c->stale && c->fresh && c->peer, "and believed");
		ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
		seen = rig_record(r, REC_SEEN);
		CHECK(seen && seen->seen.fresh, "durably");
		CHECK(rig_answer(r, which, &q, rig_sent(r, 0), &a) && a.number == UINT64_MAX,
			"its answer needs no number of its own");
	}
	rig_fini(r);
}

/* What the device had sent in the time that is forgotten, within the window's width too.
 * Proves: 8613-7.5-2 8613-B.1.2-4 */
static void old_requests(void)
{
	struct rig *r = &rig;
	static struct rig_msg forgotten[8];
	begin(r, EP_FRESH_NONE);
	for (size_t i = 0; i < 8; i++) {
		rig_turn(r, 1);
		(void)rig_get(r, RIG_SERVER, &forgotten[i]);
	}
	rig_turn(r, 1);
	(void)rig_in(r, span_make(forgotten[3].bytes, forgotten[3].n));
	CHECK(challenged(r, RIG_SERVER, &forgotten[3]), "an old one is challenged, not done");
	rig_turn(r, 1);
	(void)rig_in(r, rig_get(r, RIG_SERVER, &q));
	CHECK(challenged(r, RIG_SERVER, &q), "so is the device");
	rig_turn(r, 1);
	CHECK(rig_in(r, repeat(r, RIG_SERVER, &q2)) == EP_REQUEST, "which answers");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	uint64_t next = r->server->ssn_next;
	for (size_t i = 0; i < 8; i++) {
		rig_turn(r, 1);
		bool copy = i == 3;
		CHECK(rig_in(r, span_make(forgotten[i].bytes, forgotten[i].n)) == EP_NOTHING &&
				(copy || r->d.refused) && !rig_records(r, REC_SEEN),
			"afterwards no old one passes");
	}
	CHECK(r->server->ssn_next == next, "nor uses a number");
	rig_turn(r, 1);
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_REQUEST, "the device goes on");
	rig_fini(r);
}

/* Copies of many old requests, in any order: the device's last one is still answered as before. */
static void crowd(void)
{
	enum { N = 12 };
	struct rig *r = &rig;
	static struct rig_msg old[N];
	static uint8_t was[RIG_BYTES];
	size_t was_n;
	begin(r, EP_FRESH_AUTO);
	for (size_t i = 0; i < N; i++) {
		rig_turn(r, 1);
		(void)rig_get(r, RIG_SERVER, &old[i]);
	}
	rig_turn(r, 1);
	(void)rig_in(r, span_make(old[N - 1].bytes, old[N - 1].n));
	CHECK(challenged(r, RIG_SERVER, &old[N - 1]), "the last one is challenged");
	was_n = rig_sent(r, 0).n;
	memcpy(was, rig_sent(r, 0).p, was_n);
	uint64_t next = r->server->ssn_next;
	for (size_t i = 0; i < N - 1; i++) {
		rig_turn(r, 1);
		CHECK(rig_in(r, span_make(old[i].bytes, old[i].n)) == EP_NOTHING &&
				!rig_sent_n(r) && !r->t.batch.n,
			"those before it get silence");
	}
	CHECK(r->server->ssn_next == next, "and use no numbers");
	rig_turn(r, 1);
	CHECK(rig_in(r, span_make(old[N - 1].bytes, old[N - 1].n)) == EP_NOTHING &&
			span_eq(rig_sent(r, 0), span_make(was, was_n)),
		"a copy of the last one gets its challenge again");
	rig_fini(r);
}

/* The numbers that are known to be used get silence, as after a crash. */
static void below_highest(void)
{
	struct rig *r = &rig;
	begin(r, EP_FRESH_AUTO);
	r->piv = 10;
	rig_turn(r, 1);
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_NOTHING && !rig_sent_n(r) &&
			!r->t.batch.n,
		"silence");
	rig_fini(r);
}

/* Keys that were made after the copy, whose numbers begin at 0: the kid is that of the old ones. */
static void other_keys(void)
{
	static const struct {
		const char *what;
		bool stale;
		uint8_t code;
	} rows[] = {{"after a rollback the device is told", true, MSG_BAD_REQUEST},
		{"after a crash there are no others: silence", false, MSG_EMPTY}};
	struct rig *r = &rig;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin(r, EP_FRESH_AUTO);
		r->server->stale = rows[i].stale;
		r->piv = 3;
		rig_turn(r, 1);
		(void)rig_get(r, RIG_SERVER, &q);
		q.bytes[q.n - 1] ^= 1;
		CHECK(rig_in(r, span_make(q.bytes, q.n)) == EP_NOTHING && r->d.refused &&
				rig_sent_n(r) == (rows[i].code != MSG_EMPTY) && !r->t.batch.n,
			rows[i].what);
		CHECK(r->d.reason == (rows[i].code ? EP_REASON_DECRYPT : EP_REASON_OLD_NUMBER) &&
				(!rows[i].code || rig_sent(r, 0).p[1] == rows[i].code),
			rows[i].what);
		CHECK(r->server->window.highest == 10 && r->server->sealed, "nothing moves");
		r->piv = 3;
		rig_turn(r, 1);
		CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_NOTHING && !rig_sent_n(r),
			"the number under the keys themselves: silence");
		rig_fini(r);
	}
}

/* Keys drawn here that were never used, as far as the copy tells: they may have been since. */
static void drawn(void)
{
	struct rig *r = &rig;
	begin(r, EP_FRESH_AUTO);
	r->server->origin = REC_ORIGIN_DRAWN;
	for (int i = 0; i < 4; i++) {
		rig_turn(r, 1);
		(void)rig_in(r, rig_get(r, RIG_SERVER, &q));
		CHECK(challenged(r, RIG_SERVER, &q), "no repeat without Echo passes");
	}
	rig_fini(r);
}

/* Every protected answer under an invalid window has a number of its own. */
static void errors(void)
{
	struct rig *r = &rig;
	begin(r, EP_FRESH_AUTO);
	rig_turn(r, 1);
	r->from.listener = 1; /* the bootstrap server's */
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_NOTHING &&
			rig_answer(r, RIG_SERVER, &q, rig_sent(r, 0), &a) &&
			a.plain.code == MSG_UNAUTHORIZED && a.number >= r->dir.ssn_floor &&
			a.number != UINT64_MAX,
		"the wrong role");
	CHECK(r->server->stale, "proves nothing");
	rig_fini(r);
}

/* Contexts that come in after a rollback. */
static void imports(void)
{
	static const struct {
		const char *what;
		uint8_t origin;
		uint32_t rollbacks;
		uint64_t start, highest;
		enum err err;
		uint64_t next;
		bool stale;
	} rows[] = {
		{"never rolled back", REC_ORIGIN_IMPORTED, 0, 5, UINT64_MAX, ERR_OK, 5, false},
		{"the last number there is", REC_ORIGIN_IMPORTED, 0, (1 << 20) - 1, UINT64_MAX,
			ERR_OK, (1 << 20) - 1, false},
		{"none left", REC_ORIGIN_IMPORTED, 0, 1 << 20, UINT64_MAX, ERR_FULL, 0, false},
		{"far beyond", REC_ORIGIN_IMPORTED, 0, OSC_SSN_MAX, UINT64_MAX, ERR_FULL, 0, false},
		{"after a rollback", REC_ORIGIN_IMPORTED, 1, 5, UINT64_MAX, ERR_OK, 1 << 20, true},
		{"with a higher start", REC_ORIGIN_IMPORTED, 1, (1 << 20) + 9, UINT64_MAX, ERR_OK,
			(1 << 20) + 9, true},
		{"with a highest", REC_ORIGIN_IMPORTED, 1, 5, 77, ERR_OK, 1 << 20, false},
		{"after the last epoch", REC_ORIGIN_IMPORTED, 2048, 5, UINT64_MAX, ERR_FULL, 0,
			false},
		{"drawn after a rollback", REC_ORIGIN_DRAWN, 1, 0, UINT64_MAX, ERR_OK, 0, false},
	};
	struct rig *r = &rig;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ep_context *c;
		rig_init_after(r, true, rows[i].rollbacks < 2048 ? rows[i].rollbacks : 0);
		if (rows[i].rollbacks == 2048)
			r->dir.ssn_floor = r->dir.ssn_end = EP_SSN_END_MAX;
		struct ep_context_input in = {.params = {.aead = ALG_AES_CCM_16_64_128,
						      .hkdf = ALG_HKDF_SHA256,
						      .master_secret = SPAN_LIT("another secret!!"),
						      .sender_id = SPAN_LIT("\x01"),
						      .recipient_id = SPAN_LIT("t")},
			.role = REC_ROLE_SERVER,
			.origin = rows[i].origin,
			.generation = REC_GEN_USED,
			.ssn_start = rows[i].start,
			.highest = rows[i].highest};
		rig_turn(r, 1);
		enum err err = ep_context_add(&r->dir, r->e, &in, &r->t, &c);
		CHECK(err == rows[i].err, rows[i].what);
		if (!err) {
			const struct rec_context *rec = &rig_record(r, REC_CONTEXT_PUT)->context;
			CHECK(c->ssn_next == rows[i].next && c->stale == rows[i].stale &&
					rec->stale == rows[i].stale &&
					rec->ssn_limit == rows[i].next,
				rows[i].what);
		}
		rig_fini(r);
	}
}

/* A key whose tombstone is from before the rollback, or of one that was stale when it went. */
static void tombstones(void)
{
	struct rig *r = &rig;
	begin(r, EP_FRESH_NONE);
	ep_context_close(r->x, r->server);
	ep_context_remove(&r->dir, r->server, &r->t);
	struct ep_context *c = rig_context(r, REC_ROLE_SERVER, true);
	CHECK(c->stale && !c->fresh && c->ssn_next == r->dir.ssn_floor && c->window.highest == 10,
		"deleted and entered again it is as it was");
	ep_context_remove(&r->dir, c, &r->t);
	struct ep_context_input in = {.params = {.aead = ALG_AES_CCM_16_64_128,
					      .hkdf = ALG_HKDF_SHA256,
					      .master_secret = SPAN_LIT("server secret!!!"),
					      .sender_id = SPAN_LIT("\x01"),
					      .recipient_id = SPAN_LIT("s")},
		.role = REC_ROLE_SERVER,
		.origin = REC_ORIGIN_IMPORTED,
		.generation = REC_GEN_USED,
		.highest = 20};
	REQUIRE(ep_context_add(&r->dir, r->e, &in, &r->t, &c) == ERR_OK, "again");
	CHECK(c->stale, "whatever number is said to be the highest");
	r->server = c;
	rig_fini(r);
}

/* What a load makes of the record. */
static void loads(void)
{
	struct rig *r = &rig;
	struct ep_context *c;
	rig_init_after(r, true, 1);
	struct rec_context rec = {.id = 99,
		.endpoint_id = r->e->id,
		.role = REC_ROLE_SERVER,
		.origin = REC_ORIGIN_DRAWN,
		.generation = REC_GEN_USED,
		.aead = 10,
		.hkdf = -10,
		.sender_id = SPAN_LIT("\x02"),
		.recipient_id = SPAN_LIT("t"),
		.sender_key = SPAN_LIT("0123456789abcdef"),
		.recipient_key = SPAN_LIT("fedcba9876543210"),
		.common_iv = SPAN_LIT("0123456789abc"),
		.ikm_fingerprint = SPAN_LIT("0123456789abcdef"),
		.ssn_limit = 1 << 20,
		.highest = 7,
		.stale = true};
	CHECK(!ep_load_context(&r->dir, r->e, &rec, &c) && c->stale && c->sealed, "stale");
	rec.recipient_id = SPAN_LIT("u");
	rec.fresh = true;
	CHECK(!ep_load_context(&r->dir, r->e, &rec, &c) && !c->stale && c->fresh, "proved since");
	rig_fini(r);
}

int main(void)
{
	policy("auto: challenged", EP_FRESH_AUTO);
	policy("echo: challenged", EP_FRESH_ECHO);
	policy("none: challenged all the same", EP_FRESH_NONE);
	old_requests();
	crowd();
	below_highest();
	other_keys();
	drawn();
	errors();
	imports();
	tombstones();
	loads();
	return test_done();
}
