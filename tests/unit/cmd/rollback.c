/* SPDX-License-Identifier: Apache-2.0 */
/* The database is set back to an older copy, or comes up without its anchor, while the devices go
 * on: no nonce is used twice, nothing old is done, and the devices find their way back. */
#include "tests/unit/cmd/sim_check.h"

static struct sim sim;
static struct sim_result result;

static const char watched[] = "/3303/0/5700";

static void ignore(void *arg, struct batch *b)
{
	(void)arg, (void)b;
}

static struct store *copy_of(struct sim *s)
{
	struct store *copy;
	REQUIRE(store_mem_crash(s->core->store, ignore, NULL, &copy) == ERR_OK, "a copy");
	return copy;
}

/* The next run starts with that copy, beside the anchor or without one. */
static void set_back(struct sim *s, struct store *copy, bool anchor)
{
	struct core *old = s->core, *new;
	struct store *store;
	s->crashes++;
	sim_core_new(s, &new);
	REQUIRE(store_mem_restore(anchor ? old->store : NULL, copy, core_store_done, new, &store) ==
			ERR_OK,
		"a store of the copy");
	old->failed = ERR_IO; /* it is dead: nothing more is told */
	core_free(old);
	s->core = new;
	s->held = false;
	sim_core_start(s, store);
}

/* Everything a request can do but being challenged. */
static uint64_t done_so_far(const struct sim *s)
{
	const struct srv_counters *v = srv_counters(s->core->srv);
	return v->registers + v->updates + v->deregisters + v->refusals +
	       bs_counters(s->core->bs)->requests;
}

/* Everything that was ever answered comes again; now that nothing is known of much of it, it may be
 * challenged once, and no more. */
static void old_requests_do_nothing(struct sim *s)
{
	struct peer thief = sim_peer_of(200, 6666, 0);
	uint64_t before = done_so_far(s), challenges[3];
	for (int round = 0; round < 3; round++) {
		sim_time(s);
		for (size_t i = 0; i < s->audit.request_n; i++) {
			const struct audit_request *r = &s->audit.request[i];
			thief.listener = r->listener;
			if (!r->answered)
				continue;
			core_input(s->core, &thief, span_make(r->bytes, r->n));
			sim_turn(s);
		}
		challenges[round] = ep_exchange_counters(s->core->x)->challenges;
	}
	CHECK(done_so_far(s) == before, "nothing old is done");
	CHECK(challenges[0] == challenges[1] && challenges[1] == challenges[2],
		"replays burn a number once, not each time");
	for (unsigned i = 0; i < s->dev_n; i++) {
		struct srv_view v;
		CHECK(!sim_view(s, i, &v) || !v.peer || v.peer->addr[3] != 200,
			"nor moves an address");
	}
}

static bool none_stale(const struct sim *s)
{
	size_t cursor = 0;
	for (const struct endpoint *e; (e = map_next(&s->core->dir.by_name, &cursor));)
		for (const struct ep_context *c = e->contexts; c; c = c->next_of_endpoint)
			if (c->stale && c->role == REC_ROLE_SERVER)
				return false;
	return true;
}

static bool all_back(const struct sim *s)
{
	return none_stale(s) && sim_all_registered(s);
}

static void all_in_epoch(const struct sim *s, uint32_t rollbacks)
{
	size_t cursor = 0;
	bool good = true;
	for (const struct endpoint *e; (e = map_next(&s->core->dir.by_name, &cursor));)
		for (const struct ep_context *c = e->contexts; c; c = c->next_of_endpoint)
			good &= c->ssn_next >= (uint64_t)rollbacks << STORE_EPOCH_BITS ||
				c->origin == REC_ORIGIN_DRAWN;
	CHECK(good && s->core->dir.rollbacks == rollbacks, "numbers of the next epoch");
}

/* Some traffic both ways. */
static void minutes(struct sim *s, int n)
{
	while (n--) {
		for (unsigned i = 0; i < s->dev_n; i++) {
			struct adm_dm d = sim_dm_of(s, i, ADM_READ, "/3/0");
			sim_dm_begin(s, &d, &result);
			sim_await(s, &result, 10000);
		}
		sim_run(s, 60000);
	}
}

static void goes_on(uint64_t seed, struct sim_net net, uint32_t freshness)
{
	struct sim *s = &sim;
	sim_init(s, seed);
	s->net = net;
	s->commit_us = seed % 2 ? 3000 : 0;
	s->cfg.freshness = freshness;
	s->dev_options.update_interval_ms = 20000;
	sim_open(s);
	for (int n = 0; n < 4; n++)
		sim_provision(s, n < 2 ? DEV_ROLE_SERVER : DEV_ROLE_BOOTSTRAP);
	CHECK(sim_until(s, sim_all_registered, 3600000), "registered");
	minutes(s, 3);
	struct store *copy = copy_of(s);
	for (uint32_t n = 1; n <= 3; n++) {
		minutes(s, 1 + (int)n);
		if (n == 2)
			CHECK(core_stop(s->core) == ERR_OK, "a clean stop changes nothing");
		set_back(s, copy, true);
		CHECK(s->rollbacks == n, "the rollback is told");
		CHECK(s->core->next_event > (uint64_t)n << 40, "no event number comes twice");
		all_in_epoch(s, n);
		if (n != 3)
			old_requests_do_nothing(s);
		CHECK(sim_explains(s, "dev-000000", "rolled-back"), "explain tells it");
		if (n == 2)
			sim_crash(s);
		CHECK(sim_until(s, all_back, 7200000), "devices find their way back");
		CHECK(!sim_explains(s, "dev-000000", "rolled-back"), "which explain tells too");
		CHECK(sim_replays_pass_by(s), "and nothing old is accepted");
	}
	store_free(copy);
	CHECK(!s->audit.reuses && s->audit.use_n > 100, "no key met a nonce twice");
	sim_close(s);
}

/* Keys drawn after the copy was made are gone with it. */
static void lost_keys(void)
{
	struct sim *s = &sim;
	sim_init(s, 20);
	s->dev_options.update_interval_ms = 20000;
	sim_open(s);
	unsigned i = sim_provision(s, DEV_ROLE_BOOTSTRAP);
	CHECK(sim_until(s, sim_all_registered, 60000), "registered");
	struct store *copy = copy_of(s);
	sim_run(s, 61000);
	CHECK(sim_dm(s, i, ADM_EXECUTE, "/1/0/9", &result) == 200, "another bootstrap");
	sim_run(s, 60000);
	CHECK(sim_registered(s, i), "registered with the new keys");
	uint64_t before = bs_counters(s->core->bs)->finished;
	CHECK(before > 0, "bootstrapped");
	set_back(s, copy, true);
	CHECK(sim_until(s, all_back, 3600000), "it bootstraps again");
	CHECK(bs_counters(s->core->bs)->finished == 1, "once");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	store_free(copy);
	sim_close(s);
}

/* What an operator wanted and what is not known any more. */
static void wishes(void)
{
	struct sim *s = &sim;
	sim_init(s, 21);
	s->dev_options.update_interval_ms = 20000;
	sim_open(s);
	unsigned i = sim_provision(s, DEV_ROLE_SERVER);
	CHECK(sim_until(s, sim_all_registered, 60000), "registered");
	CHECK(sim_dm(s, i, ADM_OBSERVE, watched, &result) == 200, "observed");
	struct adm_dm d = sim_dm_of(s, i, ADM_EXECUTE, "/3303/0/5605");
	sim_dm_begin(s, &d, &result);
	struct store *copy = copy_of(s); /* with an operation that is on its way */
	sim_run(s, 120000);
	unsigned executed = s->dev[i].seen[DEV_EVENT_EXECUTE];
	CHECK(executed == 1, "executed");
	set_back(s, copy, true);
	CHECK(!sim_watch(s, i, watched).active, "no observation is believed to run");
	CHECK(sim_until(s, all_back, 3600000), "back");
	sim_run(s, 60000);
	CHECK(sim_watch(s, i, watched).active, "what is wanted is set up again");
	CHECK(s->dev[i].seen[DEV_EVENT_EXECUTE] == executed, "what may have been done is not done");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	store_free(copy);
	sim_close(s);
}

/* An administrator enters keys again that were deleted, or came in, in the forgotten time. */
static void keys_again(bool known, uint32_t freshness)
{
	struct sim *s = &sim;
	sim_init(s, 22);
	s->dev_options.update_interval_ms = 20000;
	s->cfg.freshness = freshness;
	sim_open(s);
	struct store *copy = copy_of(s);
	unsigned i = sim_provision(s, DEV_ROLE_SERVER);
	CHECK(sim_until(s, sim_all_registered, 60000), "registered");
	minutes(s, 2);
	if (known) {
		store_free(copy);
		copy = copy_of(s);
	}
	minutes(s, 2);
	set_back(s, copy, true);
	struct dev_credentials c = sim_credentials(s, i, DEV_ROLE_SERVER);
	struct adm_oscore o = sim_oscore_of(&c, DEV_ROLE_SERVER);
	if (known) {
		struct adm_ops ops = sim_ops(s, &result);
		ops.oscore_delete(ops.arg, SPAN_LIT("dev-000000"), false, sim_on_done, &result);
		CHECK(sim_await(s, &result, 10000) == 204, "deleted");
	}
	CHECK(sim_put_oscore(s, "dev-000000", &o, &result) == 201, "entered again");
	all_in_epoch(s, 1);
	old_requests_do_nothing(s);
	CHECK(sim_until(s, all_back, 3600000), "the device is back");
	CHECK(sim_replays_pass_by(s), "nothing old is accepted");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	store_free(copy);
	sim_close(s);
}

/* While it is sealed only 5.03 leaves. */
static bool only_unavailable(
	struct sim *s, bool up, unsigned dev, uint16_t listener, struct span datagram)
{
	struct msg m;
	(void)dev, (void)listener;
	if (!up && s->core->failed)
		s->tap_n += msg_parse_udp(datagram, &m) || m.code != MSG_UNAVAILABLE ||
			    msg_find(&m, OPT_OSCORE);
	return false;
}

static int unseal(struct sim *s)
{
	struct adm_ops ops = sim_ops(s, &result);
	ops.unseal(ops.arg, sim_on_done, &result);
	return sim_await(s, &result, 1000);
}

static struct adm_status status_of(struct sim *s)
{
	struct adm_status st = {0};
	struct adm_ops ops = sim_ops(s, NULL);
	ops.status(ops.arg, &st);
	return st;
}

struct gauge {
	const char *name;
	uint64_t value;
};

static void on_metric(void *arg, const struct adm_metric *m)
{
	struct gauge *g = arg;
	if (!strcmp(m->name, g->name))
		g->value = m->value;
}

static uint64_t metric(struct sim *s, const char *name)
{
	struct gauge g = {name, UINT64_MAX};
	struct adm_ops ops = sim_ops(s, NULL);
	ops.metrics(ops.arg, on_metric, &g);
	return g.value;
}

static void sealed(uint64_t seed)
{
	struct sim *s = &sim;
	sim_init(s, seed);
	s->dev_options.update_interval_ms = 20000;
	s->tap = only_unavailable;
	sim_open(s);
	for (int n = 0; n < 3; n++)
		sim_provision(s, n ? DEV_ROLE_SERVER : DEV_ROLE_BOOTSTRAP);
	CHECK(sim_until(s, sim_all_registered, 60000), "registered");
	CHECK(unseal(s) == 409 && !strcmp(result.type, "not-sealed"), "a good one is not sealed");
	minutes(s, 2);
	struct store *copy = copy_of(s);
	minutes(s, 2);
	set_back(s, copy, false);
	CHECK(s->storage == ERR_SEALED && s->core->failed == ERR_SEALED, "sealed, and told");
	unsigned sent = s->sent_down;
	sim_run(s, 200000);
	CHECK(s->sent_down > sent && !s->tap_n, "requests get 5.03 and nothing else");
	CHECK(s->core->failed == ERR_SEALED && core_deadline_ms(s->core) == UINT64_MAX,
		"time opens nothing");
	CHECK(sim_dm(s, 0, ADM_READ, "/3/0/0", &result) == 503 && !strcmp(result.type, "sealed"),
		"calls are refused");
	CHECK(status_of(s).sealed && !status_of(s).storage_ok &&
			strstr(status_of(s).storage_text, "anchor is missing"),
		"status says why");
	CHECK(sim_explains(s, "dev-000001", "sealed"), "explain too");
	CHECK(metric(s, "lanyard_sealed") == 1, "a metric too");
	sim_crash(s);
	CHECK(s->core->failed == ERR_SEALED, "a restart opens nothing");
	CHECK(core_stop(s->core) == ERR_OK, "it stops");
	CHECK(unseal(s) == 200 && result.calls == 1, "confirmed");
	CHECK(!s->core->failed && !status_of(s).sealed && metric(s, "lanyard_sealed") == 0, "open");
	CHECK(status_of(s).rollbacks == 16 && metric(s, "lanyard_rollbacks_total") == 16,
		"with a gap");
	CHECK(s->rollbacks == 16, "told");
	all_in_epoch(s, 16);
	old_requests_do_nothing(s);
	CHECK(sim_until(s, all_back, 3600000), "devices find their way back");
	CHECK(unseal(s) == 409, "it is done once");
	sim_crash(s);
	CHECK(!s->core->failed, "and stays so");
	CHECK(sim_until(s, all_back, 3600000), "also after a crash");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	store_free(copy);
	sim_close(s);
}

static bool works(const struct sim *s)
{
	return !s->core->failed;
}

static bool has_failed(const struct sim *s)
{
	return s->core->failed != ERR_OK;
}

/* The anchor cannot be written: as if the commit had failed. */
static void anchor_fails(uint64_t seed)
{
	struct sim *s = &sim;
	sim_init(s, seed);
	s->dev_options.update_interval_ms = 20000;
	s->tap = only_unavailable;
	sim_open(s);
	for (int n = 0; n < 3; n++)
		sim_provision(s, n ? DEV_ROLE_SERVER : DEV_ROLE_BOOTSTRAP);
	CHECK(sim_until(s, sim_all_registered, 60000), "registered");
	for (int n = 0; n < 6; n++) {
		store_mem_anchor_fail(s->core->store, ERR_IO);
		CHECK(sim_until(s, has_failed, 120000), "it is noticed within a minute or two");
		sim_run(s, 5000);
		CHECK(s->core->failed == ERR_IO, "nothing works before it can be written");
		if (n % 2)
			sim_crash(s);
		else
			store_mem_anchor_fail(s->core->store, ERR_OK);
		CHECK(sim_until(s, works, 5000), "then it does");
		CHECK(!s->core->dir.rollbacks, "and it was no rollback");
		minutes(s, 1);
	}
	CHECK(sim_until(s, sim_all_registered, 3600000), "devices find their way back");
	CHECK(!s->tap_n, "only 5.03 left meanwhile");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

int main(void)
{
	static const struct sim_net good = {0}, bad = {.loss = 200, .dup = 50, .reorder = 250};
	for (uint64_t seed = 1; seed <= 6; seed++)
		goes_on(seed, seed % 2 ? good : bad, (uint32_t)seed % 3);
	lost_keys();
	wishes();
	for (uint32_t freshness = 0; freshness < 3; freshness++) {
		keys_again(false, freshness);
		keys_again(true, freshness);
	}
	sealed(30);
	sealed(31);
	anchor_fails(40);
	return test_done();
}
