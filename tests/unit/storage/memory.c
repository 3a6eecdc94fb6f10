/* SPDX-License-Identifier: Apache-2.0 */
/* What the memory engine offers to other tests: failures, holding back, power cuts. */
#include "tests/unit/storage/rig.h"

static struct rec plan_of(uint64_t id)
{
	return (struct rec){.type = REC_PLAN_PUT, .plan = {id, SPAN_LIT("P")}};
}

static void test_fail_nth(void)
{
	struct rig r;
	rig_open(&r, false);
	store_mem_fail(r.s, 3, ERR_FULL, false);
	CHECK(!rig_put(&r, plan_of(1)), "the first commit");
	CHECK(!rig_put(&r, plan_of(2)), "the second commit");
	CHECK(rig_put(&r, plan_of(3)) == ERR_FULL, "the third fails");
	CHECK(rig_put(&r, plan_of(4)) == ERR_FULL, "and all that follow");
	CHECK(store_recover(r.s) == ERR_FULL, "recovery fails as long as commits do");
	store_mem_fail(r.s, 0, ERR_OK, false);
	CHECK(rig_put(&r, plan_of(5)) == ERR_FULL, "the end of the cause is not yet recovery");
	CHECK(!store_recover(r.s), "recovery");
	CHECK(!rig_put(&r, plan_of(6)), "works again");
	CHECK(rig_has(&r, "plan 1 50\nplan 2 50\nplan 6 50\n"), "what was told is what is there");
	store_mem_fail(r.s, 1, ERR_IO, false);
	CHECK(store_begin(r.s) == ERR_IO, "begin fails too");
	store_mem_fail(r.s, 0, ERR_OK, false);
	CHECK(!store_recover(r.s), "recovery again");
	store_mem_fail(r.s, 1, ERR_IO, false);
	CHECK(store_stop(r.s, NULL, 0, 9) == ERR_IO, "and stop");
	store_mem_fail(r.s, 0, ERR_OK, false);
	CHECK(!store_recover(r.s) && rig_has(&r, "clean=0"), "a failed stop is not clean");
	rig_close(&r);
}

static void test_fail_committed(void)
{
	struct rig r;
	struct rec recs[] = {plan_of(1), plan_of(2)};
	struct batch b[] = {{.recs = &recs[0], .n = 1}, {.recs = &recs[1], .n = 1}};
	rig_open(&r, false);
	store_mem_fail(r.s, 1, ERR_IO, true);
	store_submit(r.s, &b[0]);
	store_submit(r.s, &b[1]);
	rig_wait(&r);
	CHECK(b[0].result == ERR_IO && b[1].result == ERR_IO, "both fail");
	store_mem_fail(r.s, 0, ERR_OK, false);
	CHECK(!store_recover(r.s), "recovery");
	CHECK(rig_has(&r, "plan 1") && rig_lacks(&r, "plan 2"), "the lost answer was a success");
	rig_close(&r);
}

static void test_hold(void)
{
	struct rig r;
	struct rec recs[] = {plan_of(1), plan_of(2)};
	struct batch b[] = {{.recs = &recs[0], .n = 1}, {.recs = &recs[1], .n = 1}};
	struct pollfd p;
	rig_open(&r, false);
	store_mem_hold(r.s, true);
	store_submit(r.s, &b[0]);
	store_submit(r.s, &b[1]);
	store_poll(r.s);
	p = (struct pollfd){.fd = store_fd(r.s), .events = POLLIN};
	CHECK(!r.done_n && store_pending(r.s) == 2, "nothing is done while held");
	CHECK(poll(&p, 1, 0) == 0, "nothing to poll for");
	struct store *cut;
	REQUIRE(!store_mem_crash(r.s, rig_done, &r, &cut), "a power cut");
	struct store *was = r.s;
	r.s = cut;
	CHECK(rig_lacks(&r, "plan"), "what is held is not durable");
	store_free(cut);
	r.s = was;
	store_mem_hold(r.s, false);
	CHECK(poll(&p, 1, 0) == 1, "released: something to poll for");
	rig_wait(&r);
	CHECK(r.done_n == 2 && !b[0].result && !b[1].result, "both are done");
	CHECK(rig_has(&r, "plan 1 50\nplan 2 50"), "and there");
	rig_close(&r);
}

int main(void)
{
	test_fail_nth();
	test_fail_committed();
	test_hold();
	return test_done();
}
