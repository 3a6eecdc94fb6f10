/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that fetch all they are given as one document: in blocks, over bad networks, cut off at
 * each datagram, and with a server that loses power meanwhile. */
#include "tests/unit/cmd/sim_check.h"

static struct sim sim;
static struct sim_result result;

/* From the nth datagram at the bootstrap server's listener on, everything is lost. */
static struct {
	bool armed;
	unsigned nth;
} cut;

static bool cutter(struct sim *s, bool up, unsigned dev, uint16_t listener, struct span datagram)
{
	(void)up, (void)dev, (void)datagram;
	return cut.armed && listener == SIM_BOOTSTRAP && s->tap_n++ >= cut.nth;
}

static void open_fleet(struct sim *s, uint64_t seed, uint16_t block_bytes)
{
	cut.armed = false;
	sim_init(s, seed);
	s->tap = cutter;
	s->dev_options.pack = true;
	s->dev_options.block_bytes = block_bytes;
	s->dev_options.update_interval_ms = 20000;
}

static bool settled(const struct sim *s)
{
	return sim_registered(s, 0) && s->dev[0].dev->state == DEV_STATE_REGISTERED;
}

/* Proves: BS-19, BS-20, BS-21, CT-90 */
static void fleet(void)
{
	static const struct {
		const char *what;
		uint16_t block_bytes;
		bool given;
		struct sim_net net;
	} row[] = {
		{"in one message", 1024, true, {0}},
		{"in blocks", 64, true, {0}},
		{"in the smallest blocks, over a bad network", 16, true,
			{.loss = 100, .dup = 100, .reorder = 50}},
		{"none is given: the classic way", 1024, false, {0}},
	};
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct sim *s = &sim;
		open_fleet(s, 70 + i, row[i].block_bytes);
		s->cfg.pack = row[i].given;
		s->net = row[i].net;
		sim_open(s);
		for (int n = 0; n < 4; n++)
			sim_provision(s, DEV_ROLE_BOOTSTRAP);
		CHECK(sim_until(s, sim_all_registered, 600000), row[i].what);
		for (unsigned n = 0; n < 4; n++) {
			const struct sim_dev *d = &s->dev[n];
			CHECK((d->done[DEV_OP_PACK] == 1) == row[i].given &&
					!d->seen[DEV_EVENT_BS_FINISH] == row[i].given,
				"by that way alone");
			CHECK(sim_contexts(s, n, REC_ROLE_SERVER) == 1, "with one set of keys");
		}
		CHECK(bs_counters(s->core->bs)->finished == 4, "all of them finished");
		CHECK(!s->audit.reuses, "no key met a nonce twice");
		sim_close(s);
	}
}

/* Whatever is cut off, the keys in use stay until the new ones are used. */
static void interrupted(void)
{
	struct sim *s = &sim;
	open_fleet(s, 80, 64);
	sim_open(s);
	sim_provision(s, DEV_ROLE_BOOTSTRAP);
	CHECK(sim_until(s, sim_all_registered, 10000), "the first Pack");
	for (unsigned n = 0; n < 14; n++) {
		unsigned before = s->dev[0].done[DEV_OP_REGISTER];
		cut.armed = true;
		cut.nth = n;
		s->tap_n = 0;
		CHECK(sim_dm(s, 0, ADM_EXECUTE, "/1/0/9", &result) == 200, "another is triggered");
		sim_run(s, 5000);
		CHECK(sim_contexts(s, 0, REC_ROLE_SERVER) <= EP_GENERATIONS_MAX,
			"attempts do not pile up");
		sim_run(s, 300000);
		cut.armed = false;
		CHECK(sim_until(s, settled, 600000), "the device registers again");
		CHECK(s->dev[0].done[DEV_OP_REGISTER] > before, "anew");
	}
	CHECK(sim_dm(s, 0, ADM_EXECUTE, "/1/0/9", &result) == 200, "another is triggered");
	sim_run(s, 10000);
	CHECK(sim_until(s, settled, 100000) && sim_contexts(s, 0, REC_ROLE_SERVER) == 1,
		"the use of the last makes older keys go");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

/* Power cuts at any moment of it. */
static void crashes(uint64_t seed)
{
	struct sim *s = &sim;
	open_fleet(s, seed, 64);
	s->net = (struct sim_net){.loss = 50};
	s->commit_us = 3000;
	sim_open(s);
	for (int n = 0; n < 3; n++)
		sim_provision(s, DEV_ROLE_BOOTSTRAP);
	for (int n = 0; n < 25; n++) {
		uint64_t turns = 1 + sim_draw(s, n % 3 ? 40 : 400);
		struct adm_dm d = sim_dm_of(s, (unsigned)n % 3, ADM_EXECUTE, "/1/0/9");
		sim_dm_begin(s, &d, &result);
		while (turns-- && sim_step(s, s->now_us + 60000000))
			;
		sim_crash(s);
		CHECK(sim_replays_pass_by(s), "no answered request is accepted after a crash");
	}
	CHECK(sim_until(s, sim_all_registered, 3600000), "devices find their way back");
	CHECK(!s->audit.reuses && s->audit.use_n > 100, "no key met a nonce twice");
	sim_close(s);
}

int main(void)
{
	fleet();
	interrupted();
	crashes(90);
	crashes(91);
	return test_done();
}
