/* SPDX-License-Identifier: Apache-2.0 */
/* New keys by RFC 8613 Appendix B.2 through the whole daemon: lost, doubled, late and forged
 * messages of it, power cuts between its steps, and what an old request may do afterwards: nothing.
 */
#include "tests/unit/cmd/sim_check.h"

#include "oscore/recover.h"

static struct sim sim;
static struct sim_result result;

/* ---- which message of the procedure a datagram is */

enum step { STEP_NONE, STEP_REQUEST_1, STEP_RESPONSE_1, STEP_REQUEST_2, STEP_RESPONSE_2 };

/* Told by lengths: ID1 and R3 of the device have 8 bytes, R2 of the server 16. */
static enum step step_of(bool up, struct span datagram, bool wrapped_before)
{
	struct msg m;
	struct osc_option o;
	struct span value;
	if (msg_parse_udp(datagram, &m) || osc_option_of(&m, &o))
		return STEP_NONE;
	if (!up && msg_code_is_response(m.code))
		return o.has_kid_context ? STEP_RESPONSE_1
		       : wrapped_before  ? STEP_RESPONSE_2
					 : STEP_NONE;
	if (!up || !o.has_kid_context || osc_unwrap(o.kid_context, &value))
		return STEP_NONE;
	return value.n == OSC_PART_BYTES ? STEP_REQUEST_1 : STEP_REQUEST_2;
}

static struct watch {
	enum step last_up;
	unsigned seen[STEP_RESPONSE_2 + 1];
	enum step drop; /* so many of that kind are lost */
	unsigned drops;
	enum step crash_at; /* the power fails when that is sent */
	bool crash_now;
	uint8_t kept[STEP_RESPONSE_2 + 1][AUDIT_DATAGRAM];
	size_t kept_n[STEP_RESPONSE_2 + 1];
} watch;

static bool tap(struct sim *s, bool up, unsigned dev, uint16_t listener, struct span datagram)
{
	(void)s, (void)dev, (void)listener;
	enum step k = step_of(up, datagram, watch.last_up == STEP_REQUEST_2);
	if (up)
		watch.last_up = k;
	watch.seen[k]++;
	if (datagram.n <= AUDIT_DATAGRAM) {
		memcpy(watch.kept[k], datagram.p, datagram.n);
		watch.kept_n[k] = datagram.n;
	}
	if (k && k == watch.crash_at) {
		watch.crash_at = STEP_NONE;
		watch.crash_now = true;
		return true;
	}
	if (!k || k != watch.drop || !watch.drops)
		return false;
	watch.drops--;
	return true;
}

static struct span kept(enum step k)
{
	return span_make(watch.kept[k], watch.kept_n[k]);
}

static void begin(struct sim *s, uint64_t seed)
{
	sim_init(s, seed);
	memset(&watch, 0, sizeof(watch));
	s->tap = tap;
	s->dev_options.recover = DEV_RECOVER_BEGIN;
	s->dev_options.update_interval_ms = 20000;
}

static const struct ep_context *newest(const struct sim *s, unsigned i)
{
	const struct endpoint *e = ep_find(&s->core->dir, sim_name(s, i));
	return e ? ep_context_newest(e, REC_ROLE_SERVER, 0) : NULL;
}

static size_t contexts(const struct sim *s, unsigned i)
{
	size_t n = 0;
	const struct endpoint *e = ep_find(&s->core->dir, sim_name(s, i));
	for (const struct ep_context *c = e ? e->contexts : NULL; c; c = c->next_of_endpoint)
		n++;
	return n;
}

static const struct ep_counters *counters(const struct sim *s)
{
	return ep_exchange_counters(s->core->x);
}

/* ---- the good way */

/* Proves: 8613-B.2-1 8613-B.2-3 8613-B.2-5 */
static void plain_way(void)
{
	struct sim *s = &sim;
	begin(s, 1);
	sim_open(s);
	unsigned i = sim_provision(s, DEV_ROLE_SERVER);
	uint64_t old = newest(s, i)->id;
	CHECK(sim_until(s, sim_all_registered, 10000), "registers by way of B.2");
	const struct ep_context *c = newest(s, i);
	CHECK(s->dev[i].seen[DEV_EVENT_RECOVERED] == 1 && s->dev[i].seen[DEV_EVENT_CHALLENGED] == 0,
		"in two exchanges, without an Echo challenge");
	CHECK(watch.seen[STEP_REQUEST_1] == 1 && watch.seen[STEP_RESPONSE_1] == 1 &&
			watch.seen[STEP_REQUEST_2] == 1,
		"one message of each kind");
	CHECK(c->id != old && c->origin == REC_ORIGIN_RECOVERED && c->fresh &&
			c->id_context_n == OSC_R2_BYTES + OSC_PART_BYTES,
		"the context in use has the ID Context R2 | R3 and is proved fresh");
	CHECK(contexts(s, i) == 2, "the old one stays: response 2 may be lost");
	CHECK(sim_dm(s, i, ADM_READ, "/3/0/0", &result) == 200,
		"an operation goes under the new one");
	CHECK(contexts(s, i) == 1, "its answer ends the old one");
	CHECK(sim_dm(s, i, ADM_OBSERVE, "/3303/0/5700", &result) == 200, "observed");
	sim_run(s, 50000);
	CHECK(s->dev[i].done[DEV_OP_UPDATE] >= 2 && !s->dev[i].failed[DEV_OP_UPDATE], "Updates");
	CHECK(counters(s)->recoveries_begun == 1 && counters(s)->recoveries_done == 1, "counted");
	CHECK(sim_replays_pass_by(s), "what was answered comes again and does nothing");
	sim_crash(s);
	CHECK(newest(s, i)->origin == REC_ORIGIN_RECOVERED && contexts(s, i) == 1,
		"a crash leaves the new context alone");
	CHECK(sim_replays_pass_by(s), "and refuses what was answered before it");
	unsigned before = s->dev[i].done[DEV_OP_UPDATE];
	sim_run(s, 50000);
	CHECK(s->dev[i].done[DEV_OP_UPDATE] > before && !s->dev[i].failed[DEV_OP_UPDATE],
		"the device goes on under it");
	CHECK(!s->audit.reuses && s->audit.use_n > 10, "no key met a nonce twice");
	sim_close(s);
}

/* Again and again: what is kept of them does not grow, and none of the requests is taken twice. */
static void for_ever(void)
{
	enum { TIMES = 12 };
	struct sim *s = &sim;
	static uint8_t copies[TIMES][AUDIT_DATAGRAM];
	size_t n[TIMES], graves = 0;
	begin(s, 3);
	sim_open(s);
	unsigned i = sim_provision(s, DEV_ROLE_SERVER);
	CHECK(sim_until(s, sim_all_registered, 10000), "registered");
	for (size_t k = 0; k < TIMES; k++) {
		sim_run(s, 25000);
		memcpy(copies[k], kept(STEP_REQUEST_2).p, kept(STEP_REQUEST_2).n);
		n[k] = kept(STEP_REQUEST_2).n;
		if (k == 1)
			graves = s->core->dir.graves.count;
		s->dev[i].dev->ctx[DEV_ROLE_SERVER]->step = DEV_STEP_NONE;
	}
	sim_run(s, 60000);
	CHECK(s->dev[i].seen[DEV_EVENT_RECOVERED] == TIMES + 1, "recovered each time");
	CHECK(graves && s->core->dir.graves.count == graves && contexts(s, i) == 1,
		"but no more is remembered than after the first");
	CHECK(s->core->dir.ssn_forgotten > 0, "than how far their keys were used");
	for (int crash = 0; crash < 2; crash++) {
		uint64_t now = newest(s, i)->id, done = counters(s)->recoveries_done;
		struct peer thief = sim_peer_of(200, 6666, 0);
		struct msg m;
		for (size_t k = 0; k < TIMES; k++) {
			sim_inject(s, &thief, span_make(copies[k], n[k]), &m);
			sim_run(s, 1000);
		}
		CHECK(newest(s, i)->id == now && counters(s)->recoveries_done == done &&
				contexts(s, i) == 1,
			"no request 2 is taken again");
		CHECK(sim_replays_pass_by(s), "nothing old is accepted");
		sim_crash(s);
		CHECK(s->core->dir.graves.count == graves && s->core->dir.ssn_forgotten > 0,
			"nor after a crash");
	}
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

/* The device begins anew: a second recovery from the first one's keys.
 * Proves: 8613-B.2-4 8613-B.2-6 8613-B.2.1-1 */
static void again(void)
{
	struct sim *s = &sim;
	begin(s, 2);
	sim_open(s);
	unsigned i = sim_provision(s, DEV_ROLE_SERVER);
	CHECK(sim_until(s, sim_all_registered, 10000), "registered");
	sim_run(s, 25000);
	uint64_t first = newest(s, i)->id;
	struct span old_1 = kept(STEP_REQUEST_1), old_2 = kept(STEP_REQUEST_2);
	uint8_t copy_1[AUDIT_DATAGRAM], copy_2[AUDIT_DATAGRAM];
	memcpy(copy_1, old_1.p, old_1.n);
	memcpy(copy_2, old_2.p, old_2.n);
	s->dev[i].dev->ctx[DEV_ROLE_SERVER]->step = DEV_STEP_NONE; /* it has lost its memory */
	sim_run(s, 25000);
	CHECK(newest(s, i)->id != first && s->dev[i].seen[DEV_EVENT_RECOVERED] == 2,
		"new keys once more");
	sim_run(s, 25000);
	CHECK(contexts(s, i) == 1, "the older ones are gone");
	uint64_t now = newest(s, i)->id;
	struct peer thief = sim_peer_of(200, 6666, 0);
	struct msg m;
	uint64_t done = counters(s)->recoveries_done;
	sim_inject(s, &thief, span_make(copy_2, old_2.n), &m);
	sim_run(s, 1000);
	CHECK(newest(s, i)->id == now && counters(s)->recoveries_done == done,
		"request 2 of the first is not taken again");
	for (int crash = 0; crash < 2; crash++) {
		uint64_t answers = counters(s)->recoveries_begun;
		sim_inject(s, &thief, span_make(copy_1, old_1.n), &m);
		sim_run(s, 10); /* the secret may have to be read */
		CHECK(counters(s)->recoveries_begun == answers + 1,
			"request 1 of the first gets an answer");
		sim_run(s, 1000);
		CHECK(newest(s, i)->id == now && contexts(s, i) == 1,
			"which changes nothing: it may be years old");
		CHECK(sim_replays_pass_by(s), "nothing old is accepted");
		sim_crash(s);
	}
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

/* ---- what the freshness setting makes of it */

static void policy_row(const char *what, enum dev_recover device, uint32_t freshness, int of_one,
	bool registers, unsigned recovered, unsigned challenged)
{
	struct sim *s = &sim;
	begin(s, 20);
	s->dev_options.recover = device;
	s->cfg.freshness = freshness;
	sim_open(s);
	unsigned i = sim_provision(s, DEV_ROLE_SERVER);
	if (of_one >= 0) {
		struct adm_settings set = {.has_freshness = true, .freshness = of_one};
		struct adm_ops ops = sim_ops(s, &result);
		ops.endpoint_put(ops.arg, sim_name(s, i), &set, sim_on_done, &result);
		CHECK(sim_await(s, &result, 1000) == 200, "its own setting");
	}
	CHECK(sim_until(s, sim_all_registered, 60000) == registers, what);
	sim_run(s, 45000);
	CHECK(s->dev[i].seen[DEV_EVENT_RECOVERED] == recovered, what);
	CHECK(!recovered == (newest(s, i)->origin != REC_ORIGIN_RECOVERED), what);
	CHECK((s->dev[i].seen[DEV_EVENT_CHALLENGED] != 0) == challenged, what);
	CHECK(!registers || contexts(s, i) == 1, what);
	CHECK(sim_replays_pass_by(s), what);
	CHECK(!s->audit.reuses, what);
	sim_close(s);
}

static void policies(void)
{
	enum { AUTO, ECHO, NONE, B2 };
	policy_row("auto, B.2 unknown to the device: Echo", DEV_RECOVER_NONE, AUTO, -1, true, 0, 1);
	policy_row("auto, the device would take an offer: Echo", DEV_RECOVER_ANSWER, AUTO, -1, true,
		0, 1);
	policy_row("echo, the device begins", DEV_RECOVER_BEGIN, ECHO, -1, true, 1, 0);
	policy_row("none, the device begins", DEV_RECOVER_BEGIN, NONE, -1, true, 1, 0);
	policy_row("b2, the device begins", DEV_RECOVER_BEGIN, B2, -1, true, 1, 0);
	policy_row("b2, we begin", DEV_RECOVER_ANSWER, B2, -1, true, 1, 0);
	policy_row(
		"b2, B.2 unknown to the device: no further", DEV_RECOVER_NONE, B2, -1, false, 0, 0);
	policy_row("its own b2, we begin", DEV_RECOVER_ANSWER, AUTO, EP_FRESH_B2, true, 1, 0);
	policy_row("its own echo against b2", DEV_RECOVER_ANSWER, B2, EP_FRESH_ECHO, true, 0, 1);
}

static void ignore_done(void *arg, struct batch *b)
{
	(void)arg, (void)b;
}

/* After a rollback a window means nothing: under b2 new keys take its place. */
static void after_rollback(void)
{
	struct sim *s = &sim;
	begin(s, 21);
	s->dev_options.recover = DEV_RECOVER_ANSWER;
	s->cfg.freshness = 3;
	sim_open(s);
	unsigned i = sim_provision(s, DEV_ROLE_SERVER);
	CHECK(sim_until(s, sim_all_registered, 10000), "registered");
	sim_run(s, 25000);
	struct store *copy, *store;
	REQUIRE(store_mem_crash(s->core->store, ignore_done, NULL, &copy) == ERR_OK, "a copy");
	sim_run(s, 130000); /* the generation rises */
	struct core *late = s->core, *back;
	sim_core_new(s, &back);
	REQUIRE(store_mem_restore(late->store, copy, core_store_done, back, &store) == ERR_OK,
		"is put back");
	store_free(copy);
	late->failed = ERR_IO; /* it is dead: nothing more is told */
	core_free(late);
	s->core = back;
	sim_core_start(s, store);
	CHECK(s->rollbacks == 1 && newest(s, i)->stale, "its window means nothing");
	uint64_t id = newest(s, i)->id;
	sim_run(s, 60000);
	CHECK(newest(s, i)->id != id && newest(s, i)->fresh && !newest(s, i)->stale &&
			contexts(s, i) == 1,
		"new keys have taken the place of the stale ones");
	CHECK(s->dev[i].seen[DEV_EVENT_RECOVERED] == 2 && !s->dev[i].seen[DEV_EVENT_CHALLENGED],
		"without Echo");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

/* ---- a device that has lost its keys without a word */

static void we_begin_row(
	const char *what, enum dev_recover device, uint32_t freshness, bool good, enum step drop)
{
	struct sim *s = &sim;
	begin(s, 70);
	s->dev_options.recover = device;
	s->cfg.freshness = freshness;
	sim_open(s);
	unsigned i = sim_provision(s, DEV_ROLE_SERVER);
	CHECK(sim_until(s, sim_all_registered, 10000), what);
	sim_run(s, 5000);
	uint64_t id = newest(s, i)->id;
	s->dev[i].dev->ctx[DEV_ROLE_SERVER]->keys.recipient_key[3] ^= 1;
	watch.drop = drop;
	watch.drops = 1;
	struct adm_dm d = sim_dm_of(s, i, ADM_READ, "/3/0/0");
	sim_dm_begin(s, &d, &result);
	sim_await(s, &result, 9000);
	CHECK((newest(s, i)->id != id) == good, what);
	CHECK(result.status != 200, what);
	CHECK(!good || (contexts(s, i) == 1 && newest(s, i)->origin == REC_ORIGIN_RECOVERED), what);
	CHECK((s->dev[i].seen[DEV_EVENT_RECOVERED] != 0) == good, what);
	if (good) {
		CHECK(sim_dm(s, i, ADM_READ, "/3/0/0", &result) == 200, what);
		sim_run(s, 45000);
		CHECK(s->dev[i].done[DEV_OP_UPDATE] >= 2 && !s->dev[i].failed[DEV_OP_UPDATE], what);
		sim_crash(s);
		CHECK(sim_dm(s, i, ADM_READ, "/3/0/0", &result) == 200, what);
	}
	CHECK(sim_replays_pass_by(s), what);
	CHECK(!s->audit.reuses, what);
	sim_close(s);
}

/* Proves: 8613-B.2-7 */
static void we_begin(void)
{
	enum { AUTO, ECHO, NONE };
	we_begin_row("we offer new keys to a device that cannot read us", DEV_RECOVER_ANSWER, AUTO,
		true, STEP_NONE);
	we_begin_row(
		"... not to one that does not take them", DEV_RECOVER_NONE, AUTO, false, STEP_NONE);
	we_begin_row("... not under echo", DEV_RECOVER_ANSWER, ECHO, false, STEP_NONE);
	we_begin_row("... not under none", DEV_RECOVER_ANSWER, NONE, false, STEP_NONE);
}

/* The power fails between our request 2 and its response: both contexts are there, and the device
 * has the new one. */
static void we_begin_and_crash(void)
{
	struct sim *s = &sim;
	begin(s, 71);
	s->dev_options.recover = DEV_RECOVER_ANSWER;
	sim_open(s);
	unsigned i = sim_provision(s, DEV_ROLE_SERVER);
	CHECK(sim_until(s, sim_all_registered, 10000), "registered");
	sim_run(s, 5000);
	s->dev[i].dev->ctx[DEV_ROLE_SERVER]->keys.recipient_key[3] ^= 1;
	struct adm_dm d = sim_dm_of(s, i, ADM_READ, "/3/0/0");
	sim_dm_begin(s, &d, &result);
	sim_turn(s);
	while (!s->dev[i].seen[DEV_EVENT_RECOVERED] && sim_step(s, s->now_us + 60000000))
		;
	sim_crash(s);
	CHECK(contexts(s, i) == 2, "a crash before response 2 leaves both");
	sim_run(s, 45000);
	CHECK(contexts(s, i) == 1 && newest(s, i)->origin == REC_ORIGIN_RECOVERED &&
			!s->dev[i].failed[DEV_OP_UPDATE],
		"the device's next Update, under the new one, ends the old one");
	CHECK(sim_dm(s, i, ADM_READ, "/3/0/0", &result) == 200, "and operations go on");
	CHECK(sim_replays_pass_by(s), "nothing old is accepted");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

/* ---- a bad network */

static void lost_row(const char *what, enum step k, unsigned n, unsigned at_least)
{
	struct sim *s = &sim;
	begin(s, 3 + k);
	watch.drop = k;
	watch.drops = n;
	sim_open(s);
	unsigned i = sim_provision(s, DEV_ROLE_SERVER);
	CHECK(sim_until(s, sim_all_registered, 300000), what);
	sim_run(s, 45000);
	CHECK(watch.seen[k] >= at_least && s->dev[i].done[DEV_OP_UPDATE] >= 1, what);
	CHECK(contexts(s, i) == 1 && newest(s, i)->origin == REC_ORIGIN_RECOVERED, what);
	CHECK(sim_replays_pass_by(s), what);
	CHECK(!s->audit.reuses, what);
	sim_close(s);
}

static void bad_network(uint64_t seed, struct sim_net net, uint32_t commit_us)
{
	struct sim *s = &sim;
	begin(s, seed);
	s->net = net;
	s->commit_us = commit_us;
	sim_open(s);
	for (int n = 0; n < 6; n++)
		sim_provision(s, n % 2 ? DEV_ROLE_SERVER : DEV_ROLE_BOOTSTRAP);
	CHECK(sim_until(s, sim_all_registered, 3600000), "all register by way of B.2");
	for (int n = 0; n < 12; n++) {
		struct dev_context *c = s->dev[sim_draw(s, 6)].dev->ctx[DEV_ROLE_SERVER];
		if (c)
			c->step = DEV_STEP_NONE;
		sim_run(s, sim_draw(s, 40000));
		if (n % 3 == 0)
			sim_crash(s);
		CHECK(sim_replays_pass_by(s), "nothing old is accepted");
	}
	CHECK(sim_until(s, sim_all_registered, 3600000), "all find their way back");
	CHECK(!s->audit.reuses && s->audit.use_n > 100, "no key met a nonce twice");
	sim_close(s);
}

/* ---- power cuts between the steps */

static void crash_row(const char *what, enum step k)
{
	struct sim *s = &sim;
	begin(s, 30 + k);
	watch.crash_at = k;
	s->commit_us = 3000;
	sim_open(s);
	unsigned i = sim_provision(s, DEV_ROLE_SERVER);
	while (!watch.crash_now && sim_step(s, s->now_us + 60000000))
		;
	CHECK(watch.crash_now, what);
	sim_crash(s);
	CHECK(sim_until(s, sim_all_registered, 300000), what);
	sim_run(s, 45000);
	CHECK(contexts(s, i) == 1 && newest(s, i)->origin == REC_ORIGIN_RECOVERED, what);
	CHECK(sim_replays_pass_by(s), what);
	CHECK(!s->audit.reuses, what);
	sim_close(s);
}

/* Request 2 has come and its commit has not: nothing may have been said. */
static void crash_in_commit(void)
{
	struct sim *s = &sim;
	begin(s, 40);
	sim_open(s);
	unsigned i = sim_provision(s, DEV_ROLE_SERVER);
	while (!watch.seen[STEP_REQUEST_2] && sim_step(s, s->now_us + 60000000))
		;
	sim_hold(s, true);
	unsigned before = s->sent_down;
	while (s->packets && s->packets->up)
		sim_step(s, s->now_us + 60000000);
	CHECK(contexts(s, i) == 2 && s->sent_down == before,
		"the new context is there, and response 2 waits for it to be durable");
	sim_crash(s);
	CHECK(contexts(s, i) == 1 && newest(s, i)->origin == REC_ORIGIN_IMPORTED,
		"the power cut leaves the old context");
	CHECK(sim_until(s, sim_all_registered, 300000), "and the device finds its way");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

/* ---- forgeries */

/* Openings of strangers for a device's kid, under ID1s of their own. */
static void flood(void)
{
	enum { FORGED = 20000 };
	struct sim *s = &sim;
	struct msg m;
	begin(s, 50);
	sim_open(s);
	unsigned i = sim_provision(s, DEV_ROLE_SERVER);
	CHECK(sim_until(s, sim_all_registered, 10000), "registered");
	sim_run(s, 25000);
	uint64_t id = newest(s, i)->id;
	unsigned refused = 0, tried = 0;
	struct span opening = kept(STEP_REQUEST_1);
	for (unsigned n = 0; n < FORGED; n++) {
		uint8_t forged[AUDIT_DATAGRAM];
		memcpy(forged, opening.p, opening.n);
		forged[opening.n - 1 - n % 8] ^= (uint8_t)(1 + n % 255);
		forged[2] = (uint8_t)(n >> 8);
		forged[3] = (uint8_t)n;
		struct peer thief = sim_peer_of((unsigned)(100 + n % 100), (uint16_t)n, 0);
		thief.addr[1] = (uint8_t)(n >> 4);
		if (sim_inject(s, &thief, span_make(forged, opening.n), &m)) {
			refused += m.code == MSG_UNAVAILABLE;
			tried += m.code == MSG_BAD_REQUEST;
		}
	}
	CHECK(tried && tried < FORGED / 10 && refused > FORGED / 2,
		"most of a flood is refused before anything is derived");
	CHECK(newest(s, i)->id == id && contexts(s, i) == 1 && !newest(s, i)->auth_failures,
		"the context in use is untouched by it");
	unsigned before = s->dev[i].done[DEV_OP_UPDATE];
	sim_run(s, 25000);
	CHECK(s->dev[i].done[DEV_OP_UPDATE] > before && !s->dev[i].failed[DEV_OP_UPDATE],
		"and goes on");
	s->dev[i].dev->ctx[DEV_ROLE_SERVER]->step = DEV_STEP_NONE;
	for (unsigned n = 0; n < 400; n++) {
		uint8_t forged[AUDIT_DATAGRAM];
		memcpy(forged, opening.p, opening.n);
		forged[opening.n - 1] ^= (uint8_t)(1 + n % 255);
		struct peer thief = sim_peer_of(100, (uint16_t)n, 0);
		thief.addr[1] = (uint8_t)n;
		sim_inject(s, &thief, span_make(forged, opening.n), &m);
		sim_run(s, 50);
	}
	sim_run(s, 5000);
	CHECK(newest(s, i)->id != id && s->dev[i].seen[DEV_EVENT_RECOVERED] == 2,
		"a device that speaks from its address gets through under a flood");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

/* Every bit of request 1 and of request 2, changed. Proves: 8613-B.2-8 */
static void bits(enum step k, const char *what)
{
	struct sim *s = &sim;
	struct msg m;
	begin(s, 60 + k);
	watch.drop = k;
	watch.drops = 1;
	sim_open(s);
	unsigned i = sim_provision(s, DEV_ROLE_SERVER);
	while (watch.drops && sim_step(s, s->now_us + 60000000))
		;
	uint64_t id = newest(s, i)->id;
	size_t n = watch.kept_n[k];
	uint8_t whole[AUDIT_DATAGRAM];
	memcpy(whole, watch.kept[k], n);
	struct peer from = sim_peer_of(i, s->dev[i].port, 0);
	for (size_t bit = 4 * 8; bit < 8 * n; bit++) {
		uint8_t changed[AUDIT_DATAGRAM];
		memcpy(changed, whole, n);
		changed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		from.addr[0] = (uint8_t)bit; /* each from a source of its own */
		sim_inject(s, &from, span_make(changed, n), &m);
		if (bit % 64 == 0)
			s->now_us += 300000;
	}
	/* The token and an outer option that means nothing are not protected. */
	bool alone = newest(s, i)->id == id || k == STEP_REQUEST_2;
	CHECK(alone && contexts(s, i) <= 2, what);
	CHECK(!counters(s)->recoveries_done || k == STEP_REQUEST_2, what);
	sim_close(s);
}

int main(void)
{
	static const struct sim_net good = {0, 0, 0}, bad = {150, 150, 150},
				    doubled = {0, 500, 500};
	plain_way();
	again();
	for_ever();
	policies();
	after_rollback();
	we_begin();
	we_begin_and_crash();
	lost_row("request 1 is lost", STEP_REQUEST_1, 2, 3);
	lost_row("response 1 is lost", STEP_RESPONSE_1, 2, 3);
	lost_row("request 2 is lost", STEP_REQUEST_2, 2, 3);
	lost_row("response 2 is lost", STEP_RESPONSE_2, 2, 3);
	lost_row("response 2 is lost each time, and the device begins anew", STEP_RESPONSE_2, 5, 5);
	for (uint64_t seed = 1; seed <= 4; seed++) {
		bad_network(100 + seed, good, 0);
		bad_network(200 + seed, bad, 5000);
		bad_network(300 + seed, doubled, 20000);
	}
	crash_row("the power fails at request 1", STEP_REQUEST_1);
	crash_row("the power fails at response 1", STEP_RESPONSE_1);
	crash_row("the power fails at request 2", STEP_REQUEST_2);
	crash_row("the power fails at response 2", STEP_RESPONSE_2);
	crash_in_commit();
	flood();
	bits(STEP_REQUEST_1, "no changed bit of request 1 does anything");
	bits(STEP_REQUEST_2, "no changed bit of request 2 makes more than one context");
	return test_done();
}
