/* SPDX-License-Identifier: Apache-2.0 */
/* What store.h promises, tried on every engine. */
#include "tests/unit/storage/rig.h"

static char name[128]; /* of the engine and the check */
static const char *engine;

static const char *in(const char *what)
{
	snprintf(name, sizeof(name), "%s: %s", engine, what);
	return name;
}

#define OK(cond, what) CHECK((cond), in(what))

#define COMMIT(r, ...)                                                                             \
	rig_commit(r, (struct rec[]){__VA_ARGS__},                                                 \
		sizeof((struct rec[]){__VA_ARGS__}) / sizeof(struct rec))
#define COMMIT_AT(r, now, ...)                                                                     \
	rig_commit_at(r, now, (struct rec[]){__VA_ARGS__},                                         \
		sizeof((struct rec[]){__VA_ARGS__}) / sizeof(struct rec))

static struct rec full_context(void)
{
	struct rec c = rec_context_of(7, 1);
	c.context.id_context = SPAN_LIT("id context");
	c.context.master_salt = SPAN_LIT("salt");
	c.context.ssid = 65535;
	c.context.ssn_limit = (UINT64_C(1) << 40) - 1;
	c.context.highest = (UINT64_C(1) << 40) - 1;
	c.context.fresh = c.context.executed = true;
	return c;
}

/* Each record type, as extreme as it gets, is told again as it was given. */
static void case_round_trip(struct rig *r)
{
	struct rec e = rec_endpoint_of(1, "name \xc3\xa9");
	e.endpoint.bs_ep = SPAN_LIT("bs");
	e.endpoint.rd_ep = SPAN_LIT("rd");
	e.endpoint.freshness = 3;
	e.endpoint.allow_nosec = true;
	e.endpoint.oscore_version = 20;
	e.endpoint.require = 3;
	e.endpoint.pace = (struct pace){UINT32_MAX, 1024, 1280, 255, 255};
	struct rec c = full_context(), absent = rec_context_of(8, 1), empty = rec_context_of(9, 1);
	empty.context.id_context = (struct span){(const uint8_t *)"", 0};
	empty.context.sender_id = SPAN_EMPTY;
	struct rec reg = rec_reg_of(1, UINT64_MAX);
	reg.reg.lifetime_s = UINT32_MAX;
	reg.reg.lwm2m = 12;
	reg.reg.binding = 255;
	reg.reg.queue = true;
	reg.reg.sms = SPAN_LIT("+491234");
	reg.reg.registered_wall_s = INT64_C(-5);
	struct rec seen = rec_seen_of(7, (UINT64_C(1) << 40) - 1, 1);
	seen.seen.hash = UINT64_MAX - 1;
	seen.seen.response = SPAN_LIT("\x00response\xff");
	struct rec op = {.type = REC_OP_PUT,
		.op = {12, 1, SPAN_LIT("execute"), SPAN_LIT("/3/0/4"), 9, 1700000000,
			SPAN_LIT("{\"a\":1}"), UINT64_MAX - 1, UINT64_C(1) << 50,
			SPAN_LIT("\0\xff")}};
	struct rec bare = {.type = REC_OP_PUT, .op = {.id = 13}};
	struct rec plan = {.type = REC_PLAN_PUT, .plan = {0, SPAN_LIT("{\"plan\":[]}")}};
	struct rec image = {.type = REC_IMAGE_PUT,
		.image = {14, SPAN_LIT("v2.bin"), SPAN_LIT("0123456789abcdef0123456789abcdef"),
			UINT32_MAX, -5, true}};
	struct rec firmware = {.type = REC_FIRMWARE_PUT,
		.firmware = {1, 2, 6, 4, 255, true, true, 14, SPAN_LIT("v2.bin"),
			SPAN_LIT("coap://h/fw/v2.bin"), SPAN_LIT("why"), 1700000000, 1700000001}};
	struct rec psk = {.type = REC_CREDENTIAL_PUT,
		.credential = {1, 1, 2, SPAN_LIT("identity\xff"), SPAN_LIT("\0key\xff")}};
	struct rec bootstrap = psk, gone = psk;
	bootstrap.credential.role = 1;
	gone.credential.kind = 2;
	struct rec del = {
		.type = REC_CREDENTIAL_DEL, .credential = {.endpoint_id = 1, .kind = 2, .role = 2}};
	struct rec all[] = {e, c, absent, empty, reg, seen, op, bare, plan, rec_event_of(1), image,
		firmware, psk, bootstrap, gone, del};
	struct text want = {0};
	text_add(&want, "store\n");
	(void)dump_endpoint(&want, &e.endpoint);
	(void)dump_context(&want, &c.context);
	(void)dump_context(&want, &absent.context);
	(void)dump_context(&want, &empty.context);
	(void)dump_credential(&want, &bootstrap.credential);
	(void)dump_credential(&want, &psk.credential);
	(void)dump_registration(&want, &reg.reg);
	(void)dump_seen(&want, &seen.seen);
	(void)dump_plan(&want, &plan.plan);
	(void)dump_op(&want, &op.op);
	(void)dump_op(&want, &bare.op);
	(void)dump_image(&want, &image.image);
	(void)dump_firmware(&want, &firmware.firmware);
	(void)dump_event(&want, &all[9].event);
	text_add(&want, "clock=5 id=15 event=2 first=1 clean=0\n");
	OK(!rig_commit_at(r, 5, all, sizeof(all) / sizeof(*all)), "all types are committed");
	char *got = rig_dump(r);
	OK(got && !strcmp(got, want.p), "all types come back");
	if (got && strcmp(got, want.p))
		printf("got %swant %s", got, want.p);
	rig_crash(r);
	char *again = rig_dump(r);
	OK(again && !strcmp(again, want.p), "all types come back after a crash");
	free(got);
	free(again);
	free(want.p);
}

static void case_new_store(struct rig *r)
{
	OK(rig_has(r, "store\nclock=0 id=1 event=1 first=0 clean=0\n"), "a new store is empty");
	uint8_t secret[32];
	memcpy(secret, r->info.secret, sizeof(secret));
	rig_reopen(r);
	OK(rig_has(r, "store\nclock=0 id=1"), "it still is when opened again");
	OK(!memcmp(secret, r->info.secret, sizeof(secret)), "the secret stays");
}

static void case_atomic(struct rig *r)
{
	struct rec plan = {.type = REC_PLAN_PUT, .plan = {0, SPAN_LIT("{}")}};
	OK(!COMMIT(r, rec_endpoint_of(1, "a"), rec_context_of(2, 1)), "before");
	char *before = rig_dump(r);
	enum err e = COMMIT_AT(r, 99, rec_endpoint_of(50, "b"), rec_endpoint_of(1, "renamed"),
		rec_seen_of(2, 5, 99), rec_reg_of(1, 5), plan, rec_event_of(1),
		rec_context_of(60, 50), rec_del_of(REC_CONTEXT_DEL, 2), rec_ssn_of(60, 1, 1));
	OK(e == ERR_CONFLICT, "the last record fails the batch");
	OK(!store_recover(r->s), "recover");
	char *after = rig_dump(r);
	OK(after && !strcmp(before, after), "nothing of the batch was kept");
	free(before);
	free(after);
}

static void case_order(struct rig *r)
{
	enum { N = 200 };
	static struct rec recs[N];
	static struct batch b[N];
	bool ordered = true;
	memset(b, 0, sizeof(b));
	for (size_t i = 0; i < N; i++) {
		recs[i] = rec_endpoint_of(i + 1, "x");
		recs[i].endpoint.name = span_make(&recs[i].endpoint.id, 1);
		b[i] = (struct batch){.recs = &recs[i], .n = 1, .now_ms = i};
		store_submit(r->s, &b[i]);
		if (i % 50 == 0)
			store_poll(r->s);
	}
	OK(store_pending(r->s) + r->done_n == N, "pending counts what is not told");
	rig_wait(r);
	OK(r->done_n == N, "every batch is told once");
	for (size_t i = 0; i < N && r->done_n == N; i++)
		ordered = ordered && r->done[i] == &b[i] && b[i].result == ERR_OK;
	OK(ordered, "in the order of submission");
	OK(rig_has(r, "clock=199 id=201"), "all are there");
	struct store_stats st;
	store_stats(r->s, &st);
	OK(st.records == N && st.commits > 0 && st.commits <= N && !st.failures && !st.health,
		"statistics");
}

static void case_failure(struct rig *r)
{
	struct rec good = rec_endpoint_of(1, "good"), late = rec_endpoint_of(2, "late");
	struct rec bad[] = {rec_event_of(1), rec_ssn_of(77, 0, 1)};
	struct batch b[] = {{.recs = bad, .n = 2}, {.recs = &late, .n = 1}, {.n = 0}};
	struct text events = {0};
	uint64_t first;
	OK(!rig_commit(r, &good, 1), "before");
	for (size_t i = 0; i < 3; i++)
		store_submit(r->s, &b[i]);
	rig_wait(r);
	OK(b[0].result == ERR_CONFLICT, "its own error");
	OK(b[1].result == ERR_CONFLICT && b[2].result == ERR_CONFLICT, "all behind fail with it");
	OK(rig_commit(r, &late, 1) == ERR_CONFLICT, "and all that come later");
	OK(store_begin(r->s) == ERR_CONFLICT && store_stop(r->s, NULL, 0, 1) == ERR_CONFLICT,
		"a failed store neither begins nor stops");
	OK(!store_events(r->s, 0, 9, dump_event, &events, &first) && !events.n && !first,
		"events are still read, and none of what failed");
	struct store_stats st;
	store_stats(r->s, &st);
	OK(st.health == ERR_CONFLICT && st.health_text[0] && st.failures >= 1, "health");
	OK(!store_recover(r->s), "recover");
	store_stats(r->s, &st);
	OK(!st.health && !st.health_text[0], "healthy again");
	OK(rig_lacks(r, "endpoint 2"), "what failed is not there");
	OK(!rig_commit(r, &late, 1), "commits work again");
	OK(rig_has(r, "endpoint 1") && rig_has(r, "endpoint 2"), "before and after");
}

static void case_reserve(struct rig *r)
{
	OK(!COMMIT(r, rec_context_of(3, 1), rec_ssn_of(3, 0, 64), rec_ssn_of(3, 64, 128)),
		"twice in a batch");
	OK(rig_has(r, "limit=192"), "both count");
	OK(rig_put(r, rec_ssn_of(3, 64, 64)) == ERR_CONFLICT, "an expectation that is too low");
	OK(!store_recover(r->s), "recover");
	OK(rig_put(r, rec_ssn_of(3, 193, 64)) == ERR_CONFLICT, "one that is too high");
	OK(!store_recover(r->s), "recover again");
	OK(rig_put(r, rec_ssn_of(4, 0, 64)) == ERR_CONFLICT, "no such context");
	OK(!store_recover(r->s), "recover a third time");
	rig_crash(r);
	OK(rig_has(r, "limit=192"), "the limit survives");
	OK(!COMMIT(r, rec_del_of(REC_CONTEXT_DEL, 3)), "delete");
	OK(rig_put(r, rec_ssn_of(3, 192, 64)) == ERR_CONFLICT, "no numbers of a deleted context");
	OK(!store_recover(r->s), "recover at last");
}

static void case_put_keeps_higher(struct rig *r)
{
	struct rec c = rec_context_of(3, 1);
	c.context.ssn_limit = 100;
	c.context.highest = 10;
	OK(!COMMIT(r, c, rec_seen_of(3, 50, 1)), "first");
	c.context.ssn_limit = 5;
	c.context.highest = UINT64_MAX;
	c.context.generation = REC_GEN_ACKNOWLEDGED;
	OK(!COMMIT(r, c), "lower ones");
	OK(rig_has(r, "limit=100 highest=50 fresh=0"), "the higher ones stay");
	OK(rig_has(r, "context 3 1 2 1 2 10"), "the rest is new");
	c.context.ssn_limit = 200;
	c.context.highest = 60;
	OK(!COMMIT(r, c), "higher ones");
	OK(rig_has(r, "limit=200 highest=60"), "are taken");
}

static struct rec failures_of(uint64_t id, uint64_t n)
{
	return (struct rec){
		.type = REC_CONTEXT_FAILURES, .context_failures = {.id = id, .failures = n}};
}

/* Nothing but a new key makes a count of failures smaller. */
static void case_failures(struct rig *r)
{
	struct rec c = rec_context_of(3, 1);
	c.context.failures = 5;
	c.context.ssn_gap = 700;
	c.context.ssn_limit = 1000;
	OK(!COMMIT(r, c, rec_context_of(4, 1)), "put");
	OK(rig_has(r, "executed=0 gap=700 failures=5\n"), "as it was put");
	c.context.failures = 2;
	c.context.ssn_gap = 900;
	OK(!COMMIT(r, c, failures_of(4, 256)), "put again with lower ones");
	OK(rig_has(r, "gap=700 failures=5\n") && rig_has(r, "executed=0 failures=256\n"),
		"more failures and less of a gap stay");
	OK(!COMMIT(r, failures_of(4, 255), failures_of(77, 9)), "fewer, and of nobody");
	rig_crash(r);
	OK(rig_has(r, "executed=0 failures=256\n"), "change nothing");
	struct rec_context exact[] = {c.context, rec_context_of(4, 1).context};
	exact[1].failures = 300;
	OK(!store_stop(r->s, exact, 2, 60), "stop");
	rig_reopen(r);
	OK(rig_has(r, "failures=5\n") && rig_has(r, "failures=300\n"), "a stop takes the higher");
	OK(!COMMIT(r, rec_del_of(REC_CONTEXT_DEL, 3), rec_del_of(REC_CONTEXT_DEL, 4)), "delete");
	OK(!COMMIT(r, failures_of(4, 512)), "a late one");
	rig_crash(r);
	OK(rig_has(r, " 53 1 1000 aside=700\n") && rig_has(r, " 0 -1 aside=5\n") &&
			rig_has(r, " 0 -1 aside=512\n"),
		"tombstones keep all of it");
}

static void case_context_state(struct rig *r)
{
	struct rec set = {.type = REC_CONTEXT_STATE,
		.context_state = {.id = 3, .generation = 1, .fresh = true, .executed = true}};
	OK(!COMMIT(r, rec_context_of(3, 1), rec_seen_of(3, 9, 1), set), "set");
	OK(rig_has(r, "context 3 1 2 1 1") && rig_has(r, "highest=9 fresh=1 executed=1"), "flags");
	set.context_state.fresh = set.context_state.executed = false;
	struct rec seen = rec_seen_of(3, 10, 1);
	seen.seen.fresh = seen.seen.executed = true;
	OK(!COMMIT(r, seen, set), "clear");
	OK(rig_has(r, "highest=10 fresh=0 executed=0"), "the newest word on flags holds");
	seen.seen.piv = 11;
	OK(!COMMIT(r, seen), "seen");
	OK(rig_has(r, "highest=11 fresh=1 executed=1"), "a seen row sets them again");
	seen = rec_seen_of(3, 12, 1);
	OK(!COMMIT(r, seen), "seen without flags");
	OK(rig_has(r, "highest=12 fresh=1 executed=1"), "and never clears them");
	set.context_state.id = 99;
	OK(!COMMIT(r, set), "a context that is gone is no error");
}

static void case_seen(struct rig *r)
{
	static uint8_t big[STORE_RESPONSE_MAX + 1];
	struct rec fits = rec_seen_of(3, 5, 100), too_big = rec_seen_of(3, 6, 101);
	fits.seen.response = (struct span){big, STORE_RESPONSE_MAX};
	too_big.seen.response = SPAN_OF(big);
	OK(!COMMIT_AT(r, 101, rec_context_of(3, 1), rec_context_of(4, 1), rec_seen_of(3, 7, 100),
		   fits, too_big, rec_seen_of(4, 0, 101), rec_seen_of(9, 5, 101)),
		"seen");
	OK(rig_has(r, "seen 3 7 100 15 0 0 0 -\nseen 3 5 100 f 0 0 0 0000"), "oldest first");
	OK(rig_has(r, "seen 3 6 101 12 0 0 0 -\nseen 4 0 101 0 0 0 0 -\nclock"),
		"a response too long is dropped, a row without context is not told");
	OK(rig_has(r, "highest=7") && rig_has(r, "highest=0"), "the largest number, not the last");
	OK(!COMMIT_AT(r, 1100, rec_seen_of(3, 8, 1100)), "later");
	OK(rig_lacks(r, "seen 3 7 100") && rig_has(r, "seen 4 0 101"),
		"the exchange lifetime ends");
	OK(!COMMIT_AT(r, 1100, rec_del_of(REC_CONTEXT_DEL, 3)), "delete");
	OK(rig_lacks(r, "seen 3") && rig_has(r, "seen 4"), "nothing of a deleted context");
}

static void case_clock(struct rig *r)
{
	OK(!COMMIT_AT(r, 500, rec_context_of(3, 1)), "at 500");
	OK(!COMMIT_AT(r, 700, rec_seen_of(3, 1, 700)), "at 700");
	rig_crash(r);
	OK(rig_has(r, "clock=700 "), "the time of a row");
	OK(!COMMIT_AT(r, 750, rec_seen_of(3, 2, 720)), "a turn that ends later");
	rig_crash(r);
	OK(rig_has(r, "clock=750 "), "the end of the turn");
	OK(!COMMIT_AT(r, 600, rec_seen_of(3, 3, 600)), "a clock set back");
	rig_crash(r);
	OK(rig_has(r, "clock=750 "), "never goes back");
	OK(!rig_commit_at(r, 800, NULL, 0), "a batch of nothing");
	rig_crash(r);
	OK(rig_has(r, "clock=800 "), "moves it too");
}

static void case_expiry(struct rig *r)
{
	struct rec seen = rec_seen_of(3, 1, 1),
		   touch = {.type = REC_REG_TOUCH, .touch = {.endpoint_id = 1, .expiry_ms = 900}};
	seen.seen.expiry_ms = 111;
	OK(!COMMIT(r, rec_context_of(3, 1), seen, rec_reg_of(1, 500)), "older row, newer PUT");
	OK(rig_has(r, "expiry=500"), "the PUT holds");
	seen.seen.expiry_ms = 400;
	OK(!COMMIT(r, seen, rec_seen_of(3, 3, 1)), "newer row");
	OK(rig_has(r, "expiry=400"), "the row holds, even when lower");
	OK(!COMMIT(r, touch), "touch");
	OK(rig_has(r, "expiry=900"), "the touch holds");
	seen.seen.expiry_ms = UINT64_MAX;
	OK(!COMMIT(r, seen), "never");
	OK(rig_has(r, "expiry=-1"), "never");
	seen.seen.expiry_ms = 950;
	OK(!COMMIT(r, seen, rec_del_of(REC_CONTEXT_DEL, 3)), "its context is deleted");
	OK(rig_has(r, "expiry=950"), "the endpoint's expiry stays");
	touch.touch = (struct rec_reg_touch){1, 0, SPAN_LIT("elsewhere")};
	OK(!COMMIT(r, touch), "a new address");
	OK(rig_has(r, "656c73657768657265 0 expiry=950"), "only the address");
	OK(!COMMIT(r, rec_del_of(REC_REG_DEL, 1)), "delete");
	OK(rig_lacks(r, "registration"), "gone");
	OK(!COMMIT(r, touch), "a touch of what is gone is no error");
	OK(rig_lacks(r, "registration"), "and brings nothing back");
	OK(!COMMIT(r, rec_reg_of(1, 77)), "again");
	OK(rig_has(r, "expiry=77"), "old rows say nothing of the new registration");
}

static void case_context_del(struct rig *r)
{
	struct rec c = rec_context_of(3, 1);
	c.context.ssn_limit = 64;
	OK(!COMMIT(r, c, rec_context_of(4, 1), rec_seen_of(3, 17, 1)), "put");
	OK(!COMMIT(r, rec_del_of(REC_CONTEXT_DEL, 3), rec_del_of(REC_CONTEXT_DEL, 4)), "delete");
	OK(rig_has(r, "tombstone 66696e6765727072696e742e2e2e2e2e 53 1 64\n"
		      "tombstone 66696e6765727072696e742e2e2e2e2e 5252525252 0 17\n"
		      "tombstone 66696e6765727072696e742e2e2e2e2e 53 1 0\n"
		      "tombstone 66696e6765727072696e742e2e2e2e2e 5252525252 0 -1\n"),
		"both keys of both, with what the log said");
	OK(rig_lacks(r, "context"), "the contexts are gone");
	OK(rig_put(r, rec_context_of(3, 1)) == ERR_CONFLICT, "an id is never used again");
	OK(!store_recover(r->s), "recover");
	OK(!COMMIT(r, rec_del_of(REC_CONTEXT_DEL, 3)), "deleting it again is no error");
	rig_crash(r);
	OK(rig_has(r, "0 17\n") && rig_has(r, "id=5 "), "tombstones and ids survive");
	struct rec drawn = rec_context_of(9, 1), never = rec_context_of(10, 1);
	struct rec gone = rec_del_of(REC_CONTEXT_DEL, 10);
	drawn.context.origin = never.context.origin = REC_ORIGIN_DRAWN;
	drawn.context.recipient_id = SPAN_LIT("DDDDD");
	never.context.recipient_id = SPAN_LIT("NNNNN");
	gone.del.unused = true;
	OK(!COMMIT(r, drawn, never, rec_seen_of(9, 3, 100)), "drawn ones");
	OK(!COMMIT(r, rec_del_of(REC_CONTEXT_DEL, 9), gone), "go");
	rig_crash(r);
	OK(rig_has(r, "4444444444 0 3\n"), "the one that was used leaves its numbers");
	OK(rig_lacks(r, "4e4e4e4e4e") && rig_has(r, "id=11 "), "the other nothing but its id");
	struct rec recovered = rec_context_of(11, 1), last = rec_del_of(REC_CONTEXT_DEL, 11);
	recovered.context.recipient_id = SPAN_LIT("FFFFF");
	recovered.context.ssn_limit = 70;
	last.del.forgotten = true;
	OK(!COMMIT(r, recovered, rec_seen_of(11, 3, 100)), "one of a recovery");
	OK(!COMMIT(r, last), "is forgotten");
	rig_crash(r);
	OK(rig_lacks(r, "4646464646") && r->info.ssn_forgotten == 71 && rig_has(r, "id=12 "),
		"and how far it was used is not");
	struct rec drawn2 = rec_context_of(12, 1), last2 = rec_del_of(REC_CONTEXT_DEL, 12);
	drawn2.context.recipient_id = SPAN_LIT("GGGGG");
	last2.del.forgotten = true;
	last2.del.above = 500;
	OK(!COMMIT(r, drawn2, last2), "one that its device has used further");
	rig_crash(r);
	OK(rig_lacks(r, "4747474747") && r->info.ssn_forgotten == 500, "likewise");
}

static void case_endpoint_del(struct rig *r)
{
	struct rec op = {.type = REC_OP_PUT, .op = {.id = 5, .endpoint_id = 1}}, op2 = op;
	struct rec plan = {.type = REC_PLAN_PUT, .plan = {1, SPAN_LIT("{}")}}, plan2 = plan;
	op2.op.id = 6;
	op2.op.endpoint_id = plan2.plan.endpoint_id = 2;
	OK(!COMMIT(r, rec_endpoint_of(1, "a"), rec_endpoint_of(2, "b"), rec_context_of(3, 1),
		   rec_context_of(4, 1), rec_context_of(7, 2), rec_reg_of(1, 5), rec_reg_of(2, 5),
		   op, op2, plan, plan2),
		"two endpoints");
	OK(!COMMIT(r, rec_del_of(REC_ENDPOINT_DEL, 1)), "delete one");
	OK(rig_lacks(r, "endpoint 1") && rig_lacks(r, "context 3") && rig_lacks(r, "context 4") &&
			rig_lacks(r, "registration 1") && rig_lacks(r, "op 5") &&
			rig_lacks(r, "plan 1"),
		"all of it is gone");
	OK(rig_has(r, "endpoint 2") && rig_has(r, "context 7") && rig_has(r, "registration 2") &&
			rig_has(r, "op 6") && rig_has(r, "plan 2"),
		"all of the other stays");
	OK(rig_has(r, "0 -1\ntombstone"), "two contexts' tombstones");
	OK(!COMMIT(r, rec_endpoint_of(9, "a")), "the name is free again");
	OK(rig_put(r, rec_endpoint_of(10, "a")) == ERR_CONFLICT, "a name is unique");
	OK(!store_recover(r->s), "recover");
	OK(!COMMIT(r, rec_endpoint_of(9, "c"), rec_endpoint_of(10, "a")), "renaming frees it");
}

static void case_ops_plans(struct rig *r)
{
	struct rec op = {.type = REC_OP_PUT, .op = {.id = 5, .endpoint_id = 1, .state = 1}};
	struct rec plan = {.type = REC_PLAN_PUT, .plan = {1, SPAN_LIT("A")}};
	OK(!COMMIT(r, op, plan), "put");
	op.op.state = 2;
	op.op.result = SPAN_LIT("R");
	plan.plan.json = SPAN_LIT("B");
	OK(!COMMIT(r, op, plan), "put again");
	OK(rig_has(r, "plan 1 42\nop 5 1 - - 2 0 52\n"), "the newest");
	struct rec state = {.type = REC_OP_STATE, .op_state = {5, 3}}, none = state;
	none.op_state.id = 4711;
	OK(!COMMIT(r, state, none), "another state");
	OK(rig_has(r, "op 5 1 - - 3 0 52\n") && rig_lacks(r, "op 4711"), "of what is there");
	OK(!COMMIT(r, rec_del_of(REC_OP_DEL, 5), rec_del_of(REC_PLAN_DEL, 1)), "delete");
	OK(rig_lacks(r, "plan") && rig_lacks(r, "op 5") && rig_has(r, "id=6"), "gone");
}

static void case_events(struct rig *r)
{
	struct text t = {0};
	uint64_t first = 9;
	OK(!store_events(r->s, 0, 10, dump_event, &t, &first) && !first && !t.n, "none");
	for (uint64_t i = 1; i <= 100; i++)
		if (COMMIT(r, rec_event_of(i)))
			OK(false, "event");
	OK(!store_events(r->s, 0, 3, dump_event, &t, &first) && first == 93, "the ring holds 8");
	OK(t.p && strstr(t.p, "event 93 1700000000093 ") && strstr(t.p, "event 95") &&
			!strstr(t.p, "event 96") && !strstr(t.p, "event 92"),
		"at most three, oldest first");
	free(t.p);
	t = (struct text){0};
	OK(!store_events(r->s, 98, 10, dump_event, &t, &first), "after 98");
	OK(t.p && !strncmp(t.p, "event 99", 8) && strstr(t.p, "event 100"), "99 and 100");
	free(t.p);
	t = (struct text){0};
	OK(!store_events(r->s, 100, 10, dump_event, &t, &first) && !t.n, "after the last: none");
	OK(!store_events(r->s, UINT64_MAX, 10, dump_event, &t, &first) && !t.n, "far after it");
	rig_crash(r);
	OK(rig_has(r, "event=101 first=93"), "numbers go on");
	OK(rig_put(r, rec_event_of(100)) == ERR_CONFLICT, "a number is never used again");
	OK(!store_recover(r->s), "recover");
}

static enum err refuse_event(void *arg, const struct rec_event *e)
{
	(void)arg;
	(void)e;
	return ERR_LIMIT;
}

static enum err refuse_context(void *arg, const struct rec_context *c)
{
	(void)arg;
	(void)c;
	return ERR_LIMIT;
}

static void case_visitors(struct rig *r)
{
	struct store_visitor none = {0}, refuses = {.context = refuse_context};
	struct store_info info;
	uint64_t first;
	OK(!COMMIT(r, rec_context_of(3, 1), rec_event_of(1)), "put");
	OK(!store_load(r->s, &none, &info) && info.next_id == 4, "visitors may be NULL");
	OK(store_load(r->s, &refuses, &info) == ERR_LIMIT, "a visitor's error ends the load");
	OK(store_events(r->s, 0, 1, refuse_event, NULL, &first) == ERR_LIMIT, "and the events");
	struct batch b = {.n = 0};
	store_submit(r->s, &b);
	OK(store_load(r->s, &none, &info) == ERR_STATE, "no load while something is pending");
	OK(store_stop(r->s, NULL, 0, 1) == ERR_STATE, "nor a stop");
	rig_wait(r);
}

static void case_stop(struct rig *r)
{
	struct rec a = rec_context_of(3, 1), b = rec_context_of(4, 1);
	a.context.ssn_limit = b.context.ssn_limit = 64;
	struct rec seen = rec_seen_of(3, 40, 50);
	seen.seen.expiry_ms = 600;
	seen.seen.fresh = true;
	OK(!store_begin(r->s), "begin");
	OK(!COMMIT_AT(r, 50, a, b, rec_reg_of(1, 10), seen), "work");
	struct rec_context exact[] = {a.context, b.context};
	exact[0].ssn_limit = 11;
	exact[0].highest = 40;
	exact[0].window = UINT64_C(0xf000000000000005);
	OK(!store_stop(r->s, exact, 2, 60), "stop");
	rig_reopen(r);
	OK(rig_has(r, "limit=11 highest=40 window=f000000000000005 fresh=1"), "exact");
	OK(rig_has(r, "limit=64 highest=-1 window=0 fresh=0"), "exact, and never used");
	OK(rig_has(r, "clock=60 ") && rig_has(r, "clean=1"), "the marker and the clock");
	OK(rig_has(r, "expiry=600") && rig_has(r, "seen 3 40 50"), "the log still counts");
	OK(!store_begin(r->s), "begin");
	OK(rig_has(r, "clean=0") && rig_lacks(r, "window="), "begin clears both");
	OK(rig_has(r, "limit=11 highest=40"), "the numbers stay");
	rig_crash(r);
	OK(rig_has(r, "clean=0") && rig_lacks(r, "window="), "for good");
	OK(!COMMIT_AT(r, 70, rec_ssn_of(3, 11, 64), rec_seen_of(3, 41, 70)), "work");
	exact[0].ssn_limit = 12;
	exact[0].highest = 41;
	OK(!store_stop(r->s, exact, 1, 5000), "stop with one context only");
	rig_reopen(r);
	OK(rig_has(r, "limit=12 highest=41 window="), "the one is exact");
	OK(rig_has(r, "limit=64 highest=-1 fresh"), "the other is not");
	OK(rig_lacks(r, "seen"), "the log is too old");
	OK(!COMMIT_AT(r, 5001, rec_seen_of(3, 42, 5001)), "a batch before begin");
	OK(rig_has(r, "clean=0") && rig_lacks(r, "window="), "is as good as begin");
	OK(!store_stop(r->s, exact, 1, 5002), "stop with a window below what was seen");
	OK(rig_has(r, "highest=42 fresh") && rig_lacks(r, "window="), "is not believed");
}

static struct store_stats stats_of(struct rig *r)
{
	struct store_stats st;
	store_stats(r->s, &st);
	return st;
}

static struct rec_context fresh_context(uint64_t id, uint64_t limit, uint64_t highest)
{
	struct rec_context c = rec_context_of(id, 1).context;
	c.ssn_limit = limit;
	c.highest = highest;
	c.fresh = true;
	return c;
}

/* An older copy beside its anchor. */
static void case_rollback(struct rig *r)
{
	struct rec a = {.type = REC_CONTEXT_PUT, .context = fresh_context(3, 64, 10)};
	struct rec b = {.type = REC_CONTEXT_PUT, .context = fresh_context(4, 5 << 20, UINT64_MAX)};
	struct rec seen = rec_seen_of(3, 20, 50);
	struct rig_copy c = {0};
	seen.seen.fresh = true;
	seen.seen.response = SPAN_LIT("answer");
	seen.seen.expiry_ms = 900;
	OK(!store_begin(r->s) &&
			!COMMIT_AT(r, 50, rec_endpoint_of(1, "a"), a, b, rec_reg_of(1, 10), seen,
				rec_context_of(5, 1), rec_del_of(REC_CONTEXT_DEL, 5)),
		"work");
	rig_copy(r, &c);
	OK(!COMMIT_AT(r, 60, rec_ssn_of(3, 64, 64), rec_seen_of(3, 30, 60)), "more work");
	rig_restore(r, &c, true);
	OK(stats_of(r).rolled_back && stats_of(r).rollbacks == 1 && !stats_of(r).seal,
		"it is found out");
	OK(rig_has(r, "limit=1048576 highest=20 fresh=0 executed=0 stale gap=1048512\n") &&
			r->info.rollbacks == 1,
		"numbers of the next epoch, nothing believed of the window, what the log said "
		"kept");
	OK(rig_has(r, "limit=5242880 highest=-1 fresh=0 executed=0 stale\n"),
		"none ever goes back, and then there is no gap");
	OK(rig_lacks(r, "seen "), "no stored answer is left");
	OK(rig_has(r, "registration 1") && rig_has(r, "expiry=900"), "registrations stay");
	OK(rig_has(r, " 1 1048576 aside=1048576\n"), "tombstones' numbers are raised too");
	OK(!store_begin(r->s) && !COMMIT_AT(r, 70, rec_ssn_of(3, 1 << 20, 64)), "work goes on");
	seen = rec_seen_of(3, 40, 80);
	seen.seen.fresh = true;
	OK(!COMMIT_AT(r, 80, seen), "the device has proved itself");
	rig_crash(r);
	OK(rig_has(r, "limit=1048640 highest=40 fresh=1 executed=0 gap=1048512\n"),
		"and is believed");
	OK(rig_has(r, "limit=5242880 highest=-1 fresh=0 executed=0 stale"), "the other is not");
	OK(!stats_of(r).rolled_back && stats_of(r).rollbacks == 1, "a crash is no rollback");
	rig_restore(r, &c, true);
	OK(rig_has(r, "limit=2097152 highest=20 fresh=0 executed=0 stale") &&
			stats_of(r).rollbacks == 2,
		"the same copy again is another rollback");
	rig_copy_end(&c);
}

/* A copy without an anchor does nothing until somebody confirms. */
static void case_sealed(struct rig *r)
{
	struct rec a = {.type = REC_CONTEXT_PUT, .context = fresh_context(3, 64, 10)};
	struct rig_copy c = {0};
	struct store_visitor none = {0};
	struct store_info info;
	OK(store_unseal(r->s) == ERR_STATE, "a good one cannot be unsealed");
	OK(!store_begin(r->s) && !COMMIT_AT(r, 50, a), "work");
	rig_copy(r, &c);
	rig_restore(r, &c, false);
	OK(stats_of(r).seal == STORE_SEAL_MISSING && stats_of(r).health == ERR_SEALED &&
			strstr(stats_of(r).health_text, "sealed: its anchor is missing"),
		"sealed, and why");
	OK(store_load(r->s, &none, &info) == ERR_SEALED && store_begin(r->s) == ERR_SEALED &&
			store_recover(r->s) == ERR_SEALED &&
			store_stop(r->s, NULL, 0, 1) == ERR_SEALED,
		"nothing works");
	OK(COMMIT_AT(r, 60, rec_endpoint_of(9, "x")) == ERR_SEALED, "nothing is committed");
	OK(stats_of(r).health == ERR_SEALED, "and it stays so");
	rig_crash(r);
	OK(stats_of(r).seal == STORE_SEAL_MISSING, "also when started again");
	OK(!store_unseal(r->s), "unseal");
	OK(!stats_of(r).seal && !stats_of(r).health && stats_of(r).rolled_back, "it is open");
	OK(rig_has(r, "limit=16777216 highest=10 fresh=0 executed=0 stale"),
		"like a rollback, with a gap for those that nobody remembers");
	OK(store_unseal(r->s) == ERR_STATE, "once is enough");
	OK(!store_begin(r->s) && !COMMIT_AT(r, 70, rec_ssn_of(3, 16 << 20, 64)), "work");
	rig_crash(r);
	OK(!stats_of(r).seal && rig_has(r, "limit=16777280"), "now it has an anchor");
	rig_copy_end(&c);
}

static uint64_t syncs(struct rig *r)
{
	return stats_of(r).anchor_syncs;
}

/* When the anchor is written: at a start, with reservations, and each minute. */
static void case_generation(struct rig *r)
{
	struct rig_copy c = {0};
	uint64_t n = syncs(r);
	OK(!store_begin(r->s) && syncs(r) == n + 1, "at a start");
	OK(!COMMIT_AT(r, 1000, rec_context_of(3, 1)) && syncs(r) == n + 1, "not at any commit");
	OK(!COMMIT_AT(r, 1000, rec_ssn_of(3, 0, 64)) && syncs(r) == n + 2, "with a reservation");
	OK(!COMMIT_AT(r, 60999, rec_seen_of(3, 1, 1)) && syncs(r) == n + 2, "not within a minute");
	OK(!COMMIT_AT(r, 61000, rec_seen_of(3, 2, 1)) && syncs(r) == n + 3, "after a minute");
	OK(!COMMIT_AT(r, 61001, rec_seen_of(3, 3, 1)) && syncs(r) == n + 3, "once");
	rig_copy(r, &c);
	OK(!COMMIT_AT(r, 61002, rec_seen_of(3, 4, 1)), "within that minute");
	rig_restore(r, &c, true);
	OK(!stats_of(r).rolled_back, "a copy so young is not found out");
	rig_copy_end(&c);
	c = (struct rig_copy){0};
	OK(!store_begin(r->s), "begin");
	rig_copy(r, &c);
	OK(!store_stop(r->s, NULL, 0, 61003), "stop");
	rig_restore(r, &c, true);
	OK(stats_of(r).rolled_back, "one of before a stop is");
	rig_copy_end(&c);
}

static void told(struct store_inputs *q)
{
	++*(unsigned *)q->arg;
}

static void wait_told(struct rig *r, const unsigned *n, unsigned want)
{
	for (int tries = 0; *n < want && tries < 50; tries++) {
		struct pollfd p = {.fd = store_fd(r->s), .events = POLLIN};
		REQUIRE(poll(&p, 1, 2000) >= 0, "poll");
		store_poll(r->s);
	}
}

static void case_inputs(struct rig *r)
{
	unsigned n = 0;
	struct store_inputs q[3] = {{.context_id = 3, .done = told, .arg = &n},
		{.context_id = 4, .done = told, .arg = &n}, {.context_id = 3}};
	struct rec recs[2] = {rec_endpoint_of(1, "a"), rec_context_of(3, 1)};
	struct span secret = recs[1].context.master_secret, salt = recs[1].context.master_salt;
	struct batch b = {.recs = recs, .n = 2, .now_ms = 1000};
	store_submit(r->s, &b);
	store_inputs(r->s, &q[0]);
	store_inputs(r->s, &q[1]);
	OK(!n, "not before the poll");
	wait_told(r, &n, 2);
	OK(n == 2 && r->done_n == 1, "told, behind the batch that was submitted before");
	OK(!q[0].result && span_eq(span_make(q[0].secret, q[0].secret_n), secret) &&
			span_eq(span_make(q[0].salt, q[0].salt_n), salt),
		"Master Secret and Master Salt");
	OK(q[1].result == ERR_NOTFOUND, "of a context that is not there");
	OK(!COMMIT(r, rec_del_of(REC_CONTEXT_DEL, 3)), "deleted");
	store_inputs(r->s, &q[0]);
	wait_told(r, &n, 3);
	OK(q[0].result == ERR_NOTFOUND, "of a deleted one");
	q[2].done = told;
	q[2].arg = &n;
	store_inputs(r->s, &q[2]);
	store_free(r->s);
	OK(n == 4, "all come back");
	r->s = NULL;
}

static void case_free_pending(struct rig *r)
{
	struct rec e = rec_endpoint_of(1, "a");
	struct batch b[3] = {{.recs = &e, .n = 1, .result = ERR_OK}, {.n = 0}, {.n = 0}};
	for (size_t i = 0; i < 3; i++)
		store_submit(r->s, &b[i]);
	store_free(r->s);
	OK(r->done_n == 3 && r->done[0] == &b[0] && r->done[2] == &b[2], "all come back");
	r->s = NULL;
}

static const struct {
	const char *name;
	void (*run)(struct rig *r);
} cases[] = {
	{"new store", case_new_store},
	{"round trip", case_round_trip},
	{"atomic", case_atomic},
	{"order", case_order},
	{"failure", case_failure},
	{"reserve", case_reserve},
	{"put keeps higher", case_put_keeps_higher},
	{"context state", case_context_state},
	{"failures", case_failures},
	{"seen", case_seen},
	{"clock", case_clock},
	{"expiry", case_expiry},
	{"context del", case_context_del},
	{"endpoint del", case_endpoint_del},
	{"operations and plans", case_ops_plans},
	{"events", case_events},
	{"visitors", case_visitors},
	{"stop", case_stop},
	{"rollback", case_rollback},
	{"sealed", case_sealed},
	{"generation", case_generation},
	{"inputs", case_inputs},
	{"free pending", case_free_pending},
};

int main(void)
{
	for (int sqlite = 0; sqlite < 2; sqlite++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			struct rig r;
			char both[64];
			snprintf(both, sizeof(both), "%s, %s", sqlite ? "sqlite" : "memory",
				cases[i].name);
			engine = both;
			rig_open(&r, sqlite);
			cases[i].run(&r);
			rig_close(&r);
		}
	}
	return test_done();
}
