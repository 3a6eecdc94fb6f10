/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that nobody would send, as raw datagrams and inside valid protection. */
#include "tests/unit/device/world.h"

enum { ROUNDS = 20000 };

static struct world w;
static struct heard h;
static uint64_t seed[4];
static struct rng rng;

static size_t below(size_t n)
{
	return (size_t)(rng_u64(&rng) % n);
}

static size_t mutate(uint8_t *p, size_t n, size_t cap)
{
	for (size_t k = 0; k < 1 + below(4); k++) {
		switch (below(4)) {
		case 0:
			p[below(n)] ^= (uint8_t)(1 << below(8));
			break;
		case 1:
			p[below(n)] = (uint8_t)rng_u64(&rng);
			break;
		case 2:
			n = 1 + below(n);
			break;
		default:
			if (n < cap)
				p[n++] = (uint8_t)rng_u64(&rng);
		}
	}
	return n;
}

static size_t valid_request(uint8_t out[W_BYTES])
{
	static const char *const paths[] = {
		"3/0/9", "3303/0/5700", "19/0/0", "1/0", "bs", "21/1", ""};
	static const uint8_t codes[] = {MSG_GET, MSG_PUT, MSG_POST, MSG_DELETE, MSG_FETCH};
	static uint8_t payload[64];
	struct msg m;
	w_msg(&m, codes[below(sizeof(codes))], paths[below(sizeof(paths) / sizeof(paths[0]))]);
	static const uint16_t nums[] = {OPT_OBSERVE, OPT_CONTENT_FORMAT, OPT_ACCEPT};
	static const uint32_t values[] = {0, 40, 42, 11542, 1};
	if (below(2) && msg_add_uint(&m, nums[below(3)], values[below(5)]) != ERR_OK)
		return 0;
	if (below(4) == 0 && block_add(&m, below(2) ? OPT_BLOCK1 : OPT_BLOCK2,
				     (struct block){(uint32_t)below(3), below(2), 0}) != ERR_OK)
		return 0;
	rng_fill(&rng, payload, sizeof(payload));
	m.payload = span_make(payload, below(2) ? below(sizeof(payload)) : 0);
	return w_request(&w, below(2) ? &w.server : &w.bootstrap, &m, &h, out);
}

/* Both contexts are alive: registered after bootstrap would need a script; two devices do. */
static void round_of(bool direct)
{
	static uint8_t out[W_BYTES];
	struct dev_credentials c = w_credentials(direct), other = w_credentials(!direct);
	w_init(&w, &c);
	w_side(&w, direct ? &w.bootstrap : &w.server, &other);
	w.options.lifetime_s = 86400;
	w_open(&w, &c, SPAN_EMPTY);
	REQUIRE(w_hear(&w, 0, direct ? &w.server : &w.bootstrap, &h), "a request");
	if (direct)
		w_reply_register(&w, &h);
	else
		w_reply_code(&w, &w.bootstrap, &h, MSG_CHANGED);
	for (unsigned i = 0; i < ROUNDS; i++) {
		w_forget(&w);
		size_t n = valid_request(out);
		if (!n)
			continue;
		if (below(2))
			n = mutate(out, n, sizeof(out));
		w_in(&w, span_make(out, n));
		if (below(64) == 0)
			w_pass(&w, 1000);
	}
	w_fini(&w);
}

/* Random TLV inside the bootstrap interface, where parsing goes deepest. */
static void bootstrap_bodies(void)
{
	static const char *const valid[] = {"c8001001020304050607 08090a0b0c0d0e0f10c10173c10202",
		"c8000f636f61703a2f2f3139322e302e322e31c10100c10203c10a65c41100150001",
		"c10065c1013cc10600c10755"};
	static const char *const paths[] = {"21/1", "0/1", "1/0", "0", "21", "1", "0/1/0"};
	static uint8_t body[256];
	struct dev_credentials c = w_credentials(false);
	w_init(&w, &c);
	w_open(&w, &c, SPAN_EMPTY);
	REQUIRE(w_hear(&w, 0, &w.bootstrap, &h), "a request");
	w_reply_code(&w, &w.bootstrap, &h, MSG_CHANGED);
	for (unsigned i = 0; i < ROUNDS / 4; i++) {
		struct span s = test_hex(valid[below(3)]);
		memcpy(body, s.p, s.n);
		size_t n = mutate(body, s.n, sizeof(body));
		uint8_t code = w_put(&w, &w.bootstrap, MSG_PUT, paths[below(7)], LWM_CF_TLV,
			span_make(body, n), &h);
		if (code != MSG_CHANGED && code != MSG_BAD_REQUEST)
			CHECK(false, "2.04 or 4.00 and nothing else");
		w_forget(&w);
	}
	w_fini(&w);
}

int main(void)
{
	rng = rng_test(seed, 20240117);
	round_of(true);
	round_of(false);
	bootstrap_bodies();
	CHECK(true, "nothing crashed");
	return test_done();
}
