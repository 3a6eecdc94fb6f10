/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers over crashes: whatever was durable when a datagram left covers it. */
#include "tests/unit/device/world.h"

static struct world w;
static struct heard h;

/* One run: registers, updates `updates` times, and dies. Returns false if a number came again. */
static bool run(uint64_t *highest, const uint8_t *state, size_t n, unsigned updates)
{
	struct dev_credentials c = w_credentials(true);
	bool fresh = true;
	w_forget(&w);
	w_open(&w, &c, span_make(state, n));
	for (unsigned i = 0; i <= updates; i++) {
		if (!w_hear(&w, 0, &w.server, &h))
			return false;
		fresh &= *highest == UINT64_MAX || h.number > *highest;
		*highest = h.number;
		if (i == 0)
			w_reply_register(&w, &h);
		else
			w_reply_code(&w, &w.server, &h, MSG_CHANGED);
		w_forget(&w);
		w_pass(&w, 250 * 1000);
	}
	return fresh;
}

static void check_crashes(void)
{
	static uint8_t state[DEV_STATE_MAX];
	static const unsigned updates[] = {0, 1, 62, 63, 64, 200};
	struct dev_credentials c = w_credentials(true);
	uint64_t highest = UINT64_MAX;
	bool fresh = true;
	w_init(&w, &c);
	for (size_t i = 0; i < sizeof(updates) / sizeof(updates[0]); i++) {
		size_t n = w.state_bytes;
		memcpy(state, w.state, n);
		fresh &= run(&highest, state, n, updates[i]);
		dev_host_free(w.host);
		w.host = NULL;
	}
	CHECK(fresh, "no number twice over six crashes (OSC-12)");
	w_fini(&w);
}

static void check_clean(void)
{
	static uint8_t state[DEV_STATE_MAX];
	struct dev_credentials c = w_credentials(true);
	struct writer s = wr_make(state, sizeof(state));
	uint64_t highest = UINT64_MAX;
	w_init(&w, &c);
	CHECK(run(&highest, NULL, 0, 3), "a run");
	dev_stop(w.dev, false, w.now_us, &w.out);
	w_take(&w);
	REQUIRE(dev_state_write(w.dev, true, &s) == ERR_OK, "state");
	uint64_t last = highest;
	dev_host_free(w.host);
	CHECK(run(&highest, state, s.n, 0), "another");
	CHECK(highest == last + 2, "a clean stop wastes no number (one Update was under way)");
	w_fini(&w);
}

static void check_mode_shared(void)
{
	struct dev_credentials c = w_credentials(true);
	w_init(&w, &c);
	w.options.numbers = DEV_NUMBERS_SHARED;
	struct rng rng = rng_test(w.seed, 5);
	REQUIRE(dev_host_new(&w.options, &rng, w.now_us, &w.host) == ERR_OK, "host");
	dev_host_start_at(w.host, 4096);
	REQUIRE(dev_new(w.host, 0, &c, SPAN_EMPTY, &w.dev) == ERR_OK, "device");
	dev_start(w.dev, w.now_us, &w.out);
	dev_connect(w.dev, &w.peer, w.now_us, &w.out);
	CHECK(w.out.limit_raised && dev_host_limit(w.host) > 4096, "the limit goes first");
	w_take(&w);
	REQUIRE(w_hear(&w, 0, &w.server, &h), "Register");
	CHECK(h.number == 4096 && dev_host_unused(w.host) == 4097, "from where the last run ended");
	w_fini(&w);
}

static enum err reread(struct span text)
{
	struct dev_credentials c = w_credentials(true);
	struct rng rng = rng_test(w.seed, 9);
	struct dev_host *host;
	struct dev *d;
	REQUIRE(dev_host_new(&w.options, &rng, 0, &host) == ERR_OK, "host");
	REQUIRE(dev_new(host, 0, &c, SPAN_EMPTY, &d) == ERR_OK, "device");
	enum err e = dev_state_read(d, text);
	dev_host_free(host);
	return e;
}

static void check_broken(void)
{
	static uint8_t text[DEV_STATE_MAX];
	struct dev_credentials c = w_credentials(true);
	w_init(&w, &c);
	w_registered(&w);
	size_t n = w.state_bytes;
	bool refused = true;
	CHECK(reread(span_make(w.state, n)) == ERR_OK, "whole");
	for (size_t i = 0; i < n; i++)
		refused &= reread(span_make(w.state, i)) != ERR_OK;
	CHECK(refused, "every truncation is refused");
	for (size_t i = 0; i < 2000; i++) {
		memcpy(text, w.state, n);
		for (size_t k = 0; k < 1 + i % 3; k++)
			text[(i * 7919 + k * 104729) % n] = (uint8_t)(i * 31 + k);
		if (reread(span_make(text, n)) == ERR_NOMEM)
			CHECK(false, "no memory");
	}
	CHECK(reread(SPAN_LIT("lanyard-device-state 3\nend\n")) == ERR_NEWER, "a newer version");
	CHECK(reread(SPAN_LIT("lanyard-device-state 1\nendpoint 61\nend\n")) == ERR_CONFLICT,
		"another endpoint");
	CHECK(reread(SPAN_LIT("lanyard-device-state 1\nend\nend\n")) == ERR_SYNTAX,
		"trailing lines");
	w_fini(&w);
}

int main(void)
{
	check_crashes();
	check_clean();
	check_mode_shared();
	check_broken();
	return test_done();
}
