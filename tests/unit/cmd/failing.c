/* SPDX-License-Identifier: Apache-2.0 */
/* Storage that fails, comes back, or takes its time: commit, then speak (D3). */
#include "tests/unit/cmd/sim_check.h"

static struct sim sim;
static struct sim_result result;

/* While nothing can be stored, only 5.03 in the clear leaves. */
static bool only_unavailable(
	struct sim *s, bool up, unsigned dev, uint16_t listener, struct span datagram)
{
	struct msg m;
	uint32_t age;
	(void)dev, (void)listener;
	if (!up && s->core->failed)
		s->tap_n += msg_parse_udp(datagram, &m) || m.code != MSG_UNAVAILABLE ||
			    msg_find(&m, OPT_OSCORE) || !msg_get_uint(&m, OPT_MAX_AGE, &age);
	return false;
}

static void open_fleet(struct sim *s, uint64_t seed, uint32_t commit_us, int n)
{
	sim_init(s, seed);
	s->commit_us = commit_us;
	s->dev_options.update_interval_ms = 20000;
	s->tap = only_unavailable;
	sim_open(s);
	while (n--)
		sim_provision(s, n == 0 ? DEV_ROLE_SERVER : DEV_ROLE_BOOTSTRAP);
}

static bool has_failed(const struct sim *s)
{
	return s->core->failed != ERR_OK;
}

static bool works(const struct sim *s)
{
	return !s->core->failed;
}

static void one_failure(struct sim *s, uint64_t nth, bool committed)
{
	struct sim_told told[SIM_DEVICES_MAX];
	unsigned calls = s->storage_told;
	struct lwm_value v = {.type = LWM_STRING, .bytes = SPAN_LIT("x")};
	store_mem_fail(s->core->store, nth, ERR_FULL, committed);
	CHECK(sim_until(s, has_failed, 900000), "a failed commit is noticed");
	sim_run(s, 1000 + sim_draw(s, 8000));
	CHECK(s->core->failed == ERR_FULL, "it cannot work again while storage fails");
	CHECK(sim_write(s, 0, "/3/0/15", &v, &result) == 503 &&
			!strcmp(result.type, "storage-unavailable"),
		"administrators are told");
	sim_note(s, told);
	store_mem_fail(s->core->store, 0, ERR_OK, false);
	CHECK(sim_until(s, works, 5000), "it recovers alone");
	CHECK(s->storage_told == calls + 2, "failure and recovery are told once each");
	CHECK(sim_lost(s, told) == 0, "what was acknowledged is there");
	CHECK(sim_replays_pass_by(s), "what was answered is not accepted again");
}

static void failures(uint64_t seed, uint32_t commit_us)
{
	struct sim *s = &sim;
	open_fleet(s, seed, commit_us, 4);
	for (int n = 0; n < 12; n++) {
		one_failure(s, 1 + sim_draw(s, 12), n % 2);
		sim_run(s, sim_draw(s, 60000));
	}
	CHECK(sim_until(s, sim_all_registered, 3600000), "devices find their way back");
	CHECK(s->tap_n == 0, "only 5.03 in the clear left meanwhile");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	CHECK(s->core->recoveries == 12, "every failure was recovered from");
	sim_close(s);
}

/* The last commit fails, whether its data were kept or not: the device's own retry settles it. */
static void register_fails(bool committed)
{
	struct sim *s = &sim;
	struct srv_view v;
	open_fleet(s, 3 + committed, 0, 1);
	store_mem_fail(s->core->store, 2, ERR_FULL, committed); /* the challenge is the first */
	CHECK(sim_until(s, has_failed, 1000) && !dev_registered(s->dev[0].dev),
		"nothing is acknowledged");
	store_mem_fail(s->core->store, 0, ERR_OK, false);
	CHECK(sim_until(s, works, 5000), "recovered");
	CHECK(sim_view(s, 0, &v) == committed, "it goes on with what is stored");
	CHECK(sim_until(s, sim_all_registered, 40000), "the device gets its answer");
	CHECK(s->dev[0].failed[DEV_OP_REGISTER] <= 1, "without more than one failure");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

/* Batches that hang: nothing leaves before they are durable. */
static void hold(void)
{
	struct sim *s = &sim;
	struct srv_view v;
	open_fleet(s, 8, 0, 1);
	sim_hold(s, true);
	unsigned sent = s->sent_down, events = s->events;
	sim_run(s, 1500);
	CHECK(s->sent_down == sent && s->events == events && s->core->flight_n,
		"no effect leaves before its records are durable");
	struct peer from = sim_peer_of(201, 5, 0);
	static const uint8_t ping[] = {0x40, 0, 0x12, 0x34};
	struct msg m;
	CHECK(!sim_inject(s, &from, SPAN_OF(ping), &m), "not even a turn without records");
	struct adm_dm d = sim_dm_of(s, 0, ADM_READ, "/3/0/0");
	sim_dm_begin(s, &d, &result);
	CHECK(!result.done, "nor the outcome of a call");
	sim_hold(s, false);
	CHECK(result.done && result.status == 404, "afterwards all of it does");
	CHECK(s->sent_down > sent, "answers too");
	CHECK(sim_until(s, sim_all_registered, 10000) && sim_view(s, 0, &v), "and life goes on");
	sim_close(s);
}

static unsigned order[200], order_n;

static void on_done(void *arg, const struct adm_result *r)
{
	(void)r;
	order[order_n++] = *(unsigned *)arg;
}

/* Effects leave in the order of their turns. While storage is behind, turns become one; when that
 * is too much, too, requests are refused. */
static void order_kept(void)
{
	struct sim *s = &sim;
	static unsigned id[200];
	struct adm_settings settings = {0};
	struct peer from = sim_peer_of(201, 5, 0);
	struct msg m;
	/* GET with option 9 of an unknown kid: 4.01, without a record */
	static const uint8_t stranger[] = {0x40, 2, 0, 1, 0x93, 0x09, 0x01, 'x', 0xff, 1};
	open_fleet(s, 9, 0, 0);
	sim_hold(s, true);
	order_n = 0;
	for (unsigned n = 0; n < 40; n++) {
		char name[16];
		struct adm_ops ops = sim_ops(s, NULL);
		snprintf(name, sizeof(name), "e%u", n);
		id[n] = n;
		ops.endpoint_put(ops.arg, span_str(name), &settings, on_done, &id[n]);
		sim_turn(s);
	}
	CHECK(order_n == 0 && s->core->flight_n == CORE_TURNS_APART &&
			core_cur(s->core)->effect_n >= 40 - CORE_TURNS_APART,
		"forty outcomes wait, those of the last in one turn");
	size_t waiting = 0;
	while (waiting < 2 * CORE_TURNS_MAX * CORE_GATHER_MAX &&
		!sim_inject(s, &from, SPAN_OF(stranger), &m))
		waiting++;
	CHECK(waiting > (CORE_TURNS_APART - 1) * CORE_GATHER_MAX &&
			waiting < CORE_TURNS_MAX * CORE_GATHER_MAX,
		"many behind wait, too");
	CHECK(m.code == MSG_UNAVAILABLE && s->core->flight_n == CORE_TURNS_MAX,
		"beyond the limit 5.03");
	sim_hold(s, false);
	sim_turn(s); /* what gathered goes, and comes back */
	bool ascending = order_n == 40;
	for (unsigned n = 0; n < order_n; n++)
		ascending = ascending && order[n] == n;
	CHECK(ascending, "outcomes come in order");
	CHECK(sim_inject(s, &from, SPAN_OF(stranger), &m) && m.code == MSG_UNAUTHORIZED,
		"then it is as before");
	sim_close(s);
}

/* A call comes in the very pass of the loop in which storage works again. */
static void call_meets_recovery(bool still_failing)
{
	struct sim *s = &sim;
	struct adm_settings set = {0};
	struct sim_result r;
	sim_init(s, 70);
	sim_open(s);
	struct adm_ops ops = sim_ops(s, &result);
	store_mem_fail(s->core->store, 1, ERR_FULL, false);
	ops.endpoint_put(ops.arg, SPAN_LIT("a"), &set, sim_on_done, &result);
	CHECK(sim_await(s, &result, 900) == 503 && has_failed(s), "storage fails");
	if (!still_failing)
		store_mem_fail(s->core->store, 0, ERR_OK, false);
	s->now_us += 5000000;
	sim_time(s);
	ops = sim_ops(s, &r);
	ops.endpoint_put(ops.arg, SPAN_LIT("b"), &set, sim_on_done, &r);
	core_timers(s->core); /* before the loop comes to the end of the call's turn */
	core_turn_end(s->core);
	CHECK(sim_await(s, &r, 1000) == 503, "it is answered, and once");
	CHECK(s->core->tickets == NULL, "nobody is left waiting");
	store_mem_fail(s->core->store, 0, ERR_OK, false);
	CHECK(sim_until(s, works, 5000), "and storage works");
	sim_close(s);
}

int main(void)
{
	for (uint64_t seed = 1; seed <= 4; seed++)
		failures(seed, seed % 2 ? 0 : 50000);
	register_fails(false);
	register_fails(true);
	hold();
	order_kept();
	call_meets_recovery(false);
	call_meets_recovery(true);
	return test_done();
}
