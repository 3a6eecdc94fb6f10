/* SPDX-License-Identifier: Apache-2.0 */
/* Bootstrap that is interrupted, repeated, lost at its end, or robbed of its credentials. */
#include "tests/unit/cmd/sim_check.h"

static struct sim sim;
static struct sim_result result;

/* What is cut off: from the nth datagram of that direction and listener on, everything. */
static struct {
	bool armed, up;
	unsigned nth;
} cut;

static bool cutter(struct sim *s, bool up, unsigned dev, uint16_t listener, struct span datagram)
{
	(void)dev, (void)datagram;
	if (!cut.armed || listener != SIM_BOOTSTRAP)
		return false;
	s->tap_n += up == cut.up;
	return s->tap_n > cut.nth;
}

static void open_one(struct sim *s, uint64_t seed)
{
	cut.armed = false;
	sim_init(s, seed);
	s->tap = cutter;
	s->dev_options.update_interval_ms = 20000;
	s->cfg.session_timeout_s = 200;
	sim_open(s);
	sim_provision(s, DEV_ROLE_BOOTSTRAP);
	CHECK(sim_until(s, sim_all_registered, 10000), "the first bootstrap");
	CHECK(sim_contexts(s, 0, REC_ROLE_SERVER) == 1, "gives it one server context");
}

static bool idle(const struct sim *s)
{
	return !bs_sessions(s->core->bs);
}

/* Registered on both sides, with nothing under way. */
static bool settled(const struct sim *s)
{
	return sim_registered(s, 0) && s->dev[0].dev->state == DEV_STATE_REGISTERED;
}

/* Asks a registered device to bootstrap again (BS-22). */
static void bootstrap_again(struct sim *s)
{
	CHECK(sim_dm(s, 0, ADM_EXECUTE, "/1/0/9", &result) == 200, "bootstrap is triggered");
}

/* Is every live Recipient ID and key one that was never seen before this attempt, or the old? */
static bool newest_is_new(const struct sim *s, struct osc_keys *seen, size_t *seen_n)
{
	const struct ep_context *c =
		ep_context_newest(sim_endpoint(s, 0), REC_ROLE_SERVER, REC_GEN_WRITTEN);
	struct osc_keys keys;
	ep_keys(c, &keys);
	for (size_t i = 0; i < *seen_n; i++)
		if (!memcmp(seen[i].sender_key, keys.sender_key, 16) ||
			!memcmp(seen[i].recipient_key, keys.recipient_key, 16) ||
			span_eq(osc_id_span(&seen[i].recipient_id), ep_recipient_id(c)))
			return false;
	seen[(*seen_n)++] = keys;
	return true;
}

static void interrupted(bool up)
{
	struct sim *s = &sim;
	static struct osc_keys seen[32];
	size_t seen_n = 0;
	open_one(s, 20 + up);
	CHECK(newest_is_new(s, seen, &seen_n), "keys");
	for (unsigned n = 0; n < 9; n++) {
		unsigned writes = s->dev[0].seen[DEV_EVENT_BS_WRITE];
		unsigned before = s->dev[0].done[DEV_OP_REGISTER];
		cut.armed = true;
		cut.up = up;
		cut.nth = n;
		s->tap_n = 0;
		bootstrap_again(s);
		sim_run(s, 5000);
		if (s->dev[0].seen[DEV_EVENT_BS_WRITE] > writes)
			CHECK(newest_is_new(s, seen, &seen_n), "every attempt has new keys");
		CHECK(sim_contexts(s, 0, REC_ROLE_SERVER) <= EP_GENERATIONS_MAX,
			"attempts do not pile up");
		CHECK(sim_until(s, idle, 300000), "a session that stands still ends");
		cut.armed = false;
		CHECK(sim_until(s, settled, 600000), "the device registers again (BS-09)");
		CHECK(s->dev[0].done[DEV_OP_REGISTER] > before, "anew");
	}
	bootstrap_again(s);
	sim_run(s, 5000);
	CHECK(sim_until(s, sim_all_registered, 10000), "a whole bootstrap");
	CHECK(sim_contexts(s, 0, REC_ROLE_SERVER) == 1, "its use makes older keys go");
	CHECK(seen_n > 3, "attempts that wrote were looked at");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

/* The answer to Finish is lost: the device uses its new keys, and that is good. */
static bool eat_finish_answer(
	struct sim *s, bool up, unsigned dev, uint16_t listener, struct span datagram)
{
	(void)datagram;
	return up && listener == SIM_BOOTSTRAP && s->dev[dev].seen[DEV_EVENT_BS_FINISH] > 1;
}

static bool finished_again(const struct sim *s)
{
	return s->dev[0].seen[DEV_EVENT_BS_FINISH] > 1;
}

static void finish_lost(bool crash)
{
	struct sim *s = &sim;
	open_one(s, 30);
	s->tap = eat_finish_answer;
	uint64_t old = sim_endpoint(s, 0)->contexts->id;
	bootstrap_again(s);
	CHECK(sim_until(s, finished_again, 10000), "Finish reaches the device");
	if (crash)
		sim_crash(s);
	CHECK(sim_until(s, settled, 300000), "registered under the new keys");
	struct srv_view v;
	CHECK(sim_view(s, 0, &v) && v.ctx->id != old, "which it was not told of");
	CHECK(v.ctx && v.ctx->generation == REC_GEN_USED, "they count as used");
	CHECK(sim_until(s, idle, 300000), "the session ends");
	sim_run(s, 100000);
	CHECK(sim_registered(s, 0) && sim_contexts(s, 0, REC_ROLE_SERVER) <= 2, "and life goes on");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

/* Bootstraps that finish, and a server that cannot be reached: no heap of contexts. */
static bool no_server(struct sim *s, bool up, unsigned dev, uint16_t listener, struct span datagram)
{
	(void)s, (void)up, (void)dev, (void)datagram;
	return listener == SIM_SERVER;
}

static void never_used(void)
{
	struct sim *s = &sim;
	unsigned most = 0;
	open_one(s, 40);
	bootstrap_again(s);
	s->tap = no_server;
	for (int n = 0; n < 400; n++) {
		unsigned now = sim_contexts(s, 0, REC_ROLE_SERVER);
		most = now > most ? now : most;
		sim_run(s, 30000);
	}
	CHECK(s->dev[0].seen[DEV_EVENT_BS_FINISH] > 5, "it bootstraps again and again");
	CHECK(most <= EP_GENERATIONS_MAX, "generations are bounded");
	s->tap = NULL;
	CHECK(sim_until(s, sim_all_registered, 3600000), "its newest keys are good");
	CHECK(sim_contexts(s, 0, REC_ROLE_SERVER) == 1, "their use makes older keys go");
	sim_close(s);
}

/* Credentials, or the whole endpoint, go while commands are under way. */
static void robbed(unsigned commands, bool endpoint)
{
	struct sim *s = &sim;
	open_one(s, 50 + commands);
	cut.armed = true;
	cut.up = false;
	cut.nth = commands;
	s->tap_n = 0;
	bootstrap_again(s);
	sim_run(s, 1000);
	struct adm_ops ops = sim_ops(s, &result);
	if (endpoint)
		ops.endpoint_delete(ops.arg, sim_name(s, 0), sim_on_done, &result);
	else
		ops.oscore_delete(ops.arg, sim_name(s, 0), true, sim_on_done, &result);
	CHECK(sim_await(s, &result, 1000) == 204, "deleted");
	CHECK(idle(s), "its session ends");
	CHECK(endpoint ? !sim_endpoint(s, 0) : !sim_contexts(s, 0, REC_ROLE_BOOTSTRAP), "gone");
	cut.armed = false;
	sim_run(s, 300000);
	sim_crash(s);
	sim_run(s, 300000);
	CHECK(endpoint ? !sim_endpoint(s, 0) : sim_registered(s, 0), "and stays so after a crash");
	sim_close(s);
}

int main(void)
{
	interrupted(false);
	interrupted(true);
	finish_lost(false);
	finish_lost(true);
	never_used();
	for (unsigned n = 1; n < 9; n++)
		robbed(n, n % 2);
	return test_done();
}
