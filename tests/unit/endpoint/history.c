/* SPDX-License-Identifier: Apache-2.0 */
/* Counters belong to keys, wherever a secret came from: a drawn one is in the device, and in every
 * copy of the database, so an administrator can bring it again. */
#include "endpoint/mark.h"
#include "tests/unit/test.h"

static struct ep_directory dir;
static struct turn turn;
static struct endpoint *dev, *other;
static uint64_t rng_state[4];

static const uint8_t secret[16] = {7}, salt[8] = {8};

static void open_directory(void)
{
	static const uint8_t seed[16] = {1};
	struct ep_directory_opts o = {.rng = rng_test(rng_state, 5),
		.seed = seed,
		.mark_key = seed,
		.endpoints_max = 10,
		.window_width = 32,
		.ssn_block = 64,
		.freshness = EP_FRESH_AUTO};
	REQUIRE(!ep_directory_init(&dir, &o), "directory");
	turn_init(&turn);
	turn_begin(&turn, 1, 1);
	REQUIRE(!ep_ensure(&dir, SPAN_LIT("dev"), &turn, &dev) &&
			!ep_ensure(&dir, SPAN_LIT("other"), &turn, &other),
		"endpoints");
}

static void close_directory(void)
{
	ep_directory_fini(&dir);
	turn_fini(&turn);
}

static enum err add(struct endpoint *e, uint8_t origin, struct span sender_id,
	struct span recipient_id, struct ep_context **out)
{
	struct ep_context_input in = {.params = {.aead = ALG_AES_CCM_16_64_128,
					      .hkdf = ALG_HKDF_SHA256,
					      .master_secret = SPAN_OF(secret),
					      .master_salt = SPAN_OF(salt),
					      .sender_id = sender_id,
					      .recipient_id = recipient_id},
		.role = REC_ROLE_SERVER,
		.origin = origin,
		.generation = REC_GEN_WRITTEN,
		.replaces = origin == REC_ORIGIN_IMPORTED,
		.highest = UINT64_MAX};
	return ep_context_add(&dir, e, &in, &turn, out);
}

#define OURS   SPAN_LIT("S")
#define THEIRS SPAN_LIT("RRRRR")

/* Ten numbers of ours, one of the device's. */
static void use(struct ep_context *c)
{
	uint64_t n;
	for (int i = 0; i < 10; i++)
		REQUIRE(!ep_take_number(&dir, c, &turn, &n), "a number");
	osc_window_update(&c->window, 500);
}

static const struct row {
	const char *what;
	bool same_endpoint;
	struct span sender_id, recipient_id;
	enum err live,
		gone; /* what an import gets while the drawn context is there, and afterwards */
} rows[] = {
	{"the same ids", true, {(const uint8_t *)"S", 1}, {(const uint8_t *)"RRRRR", 5}, ERR_OK,
		ERR_OK},
	{"at another endpoint", false, {(const uint8_t *)"S", 1}, {(const uint8_t *)"RRRRR", 5},
		ERR_EXISTS, ERR_OK},
	{"swapped ids", true, {(const uint8_t *)"RRRRR", 5}, {(const uint8_t *)"S", 1},
		ERR_CONFLICT, ERR_CONFLICT},
	{"its sending key to receive with", true, {(const uint8_t *)"x", 1},
		{(const uint8_t *)"S", 1}, ERR_CONFLICT, ERR_CONFLICT},
	{"its receiving key to send with", true, {(const uint8_t *)"RRRRR", 5},
		{(const uint8_t *)"x", 1}, ERR_CONFLICT, ERR_CONFLICT},
	{"its sending key alone", true, {(const uint8_t *)"S", 1}, {(const uint8_t *)"x", 1},
		ERR_CONFLICT, ERR_OK},
};

static void imported(const struct row *r, bool gone)
{
	struct ep_context *drawn, *c = NULL;
	open_directory();
	REQUIRE(!add(dev, REC_ORIGIN_DRAWN, OURS, THEIRS, &drawn), "drawn");
	use(drawn);
	if (gone)
		ep_context_remove(&dir, drawn, &turn);
	enum err want = gone ? r->gone : r->live;
	enum err got = add(r->same_endpoint ? dev : other, REC_ORIGIN_IMPORTED, r->sender_id,
		r->recipient_id, &c);
	CHECK(got == want, r->what);
	uint64_t n = 0;
	if (!got) {
		CHECK(!ep_take_number(&dir, c, &turn, &n) && n >= 10, "no number of ours again");
		if (span_eq(r->recipient_id, THEIRS))
			CHECK(osc_window_check(&c->window, 500) == ERR_REPLAY,
				"none of the device's");
	}
	close_directory();
}

static size_t deletes(bool unused)
{
	size_t n = 0;
	for (size_t i = 0; i < turn.batch.n; i++)
		n += turn.rec[i].type == REC_CONTEXT_DEL && turn.rec[i].del.unused == unused;
	return n;
}

/* An attempt that came to nothing leaves nothing: bootstraps in a loop must not fill the memory. */
static void unused(void)
{
	struct ep_context *c;
	uint64_t n;
	open_directory();
	REQUIRE(!add(dev, REC_ORIGIN_DRAWN, OURS, THEIRS, &c), "drawn");
	ep_context_remove(&dir, c, &turn);
	CHECK(dir.graves.count == 0 && deletes(true) == 1, "never used: nothing is kept");
	REQUIRE(!add(dev, REC_ORIGIN_DRAWN, OURS, THEIRS, &c) &&
			!ep_take_number(&dir, c, &turn, &n),
		"one number");
	ep_context_remove(&dir, c, &turn);
	CHECK(dir.graves.count == 2 && deletes(false) == 1, "one number used: both keys are");
	close_directory();
	open_directory();
	REQUIRE(!add(dev, REC_ORIGIN_DRAWN, OURS, THEIRS, &c), "drawn");
	osc_window_update(&c->window, 0);
	ep_context_remove(&dir, c, &turn);
	CHECK(dir.graves.count == 2 && deletes(false) == 1, "one request seen: both keys are");
	close_directory();
	open_directory();
	REQUIRE(!add(dev, REC_ORIGIN_IMPORTED, OURS, THEIRS, &c), "imported");
	ep_context_remove(&dir, c, &turn);
	CHECK(dir.graves.count == 2, "an imported one may have been used elsewhere");
	close_directory();
}

/* Keys of recoveries leave no tombstones when newer ones have come, but imports start above them:
 * with an ID Context, they may be the same. */
static void forgotten(void)
{
	static const struct {
		const char *what;
		size_t id_context_n;
		uint64_t start;
		bool above;
	} cases[] = {
		{"R2 | R3", 24, 0, true},
		{"the shortest that it may be", 9, 0, true},
		{"no number is set back by it", 24, 1000, false},
		{"one that cannot be", 8, 0, false},
		{"none", 0, 0, false},
	};
	static const uint8_t ids[2][24] = {{1}, {2}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ep_context_input in = {.params = {.aead = ALG_AES_CCM_16_64_128,
						      .hkdf = ALG_HKDF_SHA256,
						      .master_secret = SPAN_OF(secret),
						      .sender_id = OURS,
						      .recipient_id = THEIRS,
						      .has_id_context = true,
						      .id_context = SPAN_OF(ids[0])},
			.role = REC_ROLE_SERVER,
			.origin = REC_ORIGIN_RECOVERED,
			.highest = UINT64_MAX};
		struct ep_context *first, *second, *c;
		uint64_t n;
		open_directory();
		REQUIRE(!ep_context_add(&dir, dev, &in, &turn, &first), "the first");
		use(first);
		in.params.id_context = SPAN_OF(ids[1]);
		REQUIRE(!ep_context_add(&dir, dev, &in, &turn, &second), "the second");
		ep_context_remove(&dir, first, &turn);
		CHECK(!dir.graves.count && dir.ssn_forgotten >= 10, "the first is forgotten");
		ep_context_remove(&dir, second, &turn);
		CHECK(dir.graves.count == 2, "the last is not: nothing took its place");
		in.origin = REC_ORIGIN_IMPORTED;
		in.ssn_start = cases[i].start;
		in.params.id_context = span_make(ids[0], cases[i].id_context_n);
		in.params.has_id_context = cases[i].id_context_n > 0;
		CHECK(!ep_context_add(&dir, other, &in, &turn, &c) &&
				!ep_take_number(&dir, c, &turn, &n),
			cases[i].what);
		CHECK(n == (cases[i].above ? dir.ssn_forgotten : cases[i].start), cases[i].what);
		CHECK(c->stale == (cases[i].id_context_n > 8), cases[i].what);
		close_directory();
	}
}

/* ---- keys that a bootstrap drew and another has replaced */

static enum err put(struct endpoint *e, uint8_t origin, struct span master_salt, uint8_t first,
	struct span ids, struct ep_context **out)
{
	const uint8_t drawn[16] = {first};
	struct ep_context_input in = {.params = {.aead = ALG_AES_CCM_16_64_128,
					      .hkdf = ALG_HKDF_SHA256,
					      .master_secret = SPAN_OF(drawn),
					      .master_salt = master_salt,
					      .sender_id = span_sub(ids, 0, 1),
					      .recipient_id = span_sub(ids, 1, SIZE_MAX)},
		.role = REC_ROLE_SERVER,
		.origin = origin,
		.generation = REC_GEN_WRITTEN,
		.highest = UINT64_MAX};
	return ep_context_add(&dir, e, &in, &turn, out);
}

static void marks(void)
{
	uint8_t salts[2][EP_SALT_BYTES] = {{1, 2, 3, 4}, "abcd"};
	open_directory();
	for (int text = 0; text < 2; text++) {
		size_t wrong = 0;
		ep_mark_salt(&dir, text, salts[text]);
		CHECK(ep_salt_is_marked(&dir, SPAN_OF(salts[text])), "a mark is known again");
		for (int i = 4; text && i < EP_SALT_BYTES; i++)
			CHECK(strchr(ep_letters, salts[text][i]), "of letters where it has to be");
		for (size_t bit = 0; bit < 8 * sizeof(salts[0]); bit++) {
			uint8_t near[EP_SALT_BYTES];
			memcpy(near, salts[text], sizeof(near));
			near[bit / 8] ^= (uint8_t)(1 << bit % 8);
			wrong += ep_salt_is_marked(&dir, SPAN_OF(near));
		}
		CHECK(!wrong, "no other salt has it");
		for (size_t n = 0; n < EP_SALT_BYTES; n++)
			CHECK(!ep_salt_is_marked(&dir, span_make(salts[text], n)), "nor a part");
		dir.mark_key[0] ^= 1;
		CHECK(!ep_salt_is_marked(&dir, SPAN_OF(salts[text])), "nor another database");
		dir.mark_key[0] ^= 1;
	}
	close_directory();
}

static uint8_t marked_salt[EP_SALT_BYTES];

/* The first keys of a device, used up to those numbers, and others that take their place. */
static struct ep_context *drawn_and_replaced(
	bool marked, uint64_t ours, uint64_t theirs, uint32_t failures)
{
	struct ep_context *first, *second;
	open_directory();
	memcpy(marked_salt, "1234", 4);
	ep_mark_salt(&dir, false, marked_salt);
	marked_salt[7] ^= !marked;
	REQUIRE(!put(dev, REC_ORIGIN_DRAWN, SPAN_OF(marked_salt), 1, SPAN_LIT("SRRRRR"), &first) &&
			!put(dev, REC_ORIGIN_DRAWN, SPAN_OF(marked_salt), 2, SPAN_LIT("TQQQQQ"),
				&second),
		"drawn");
	first->ssn_next = ours;
	osc_window_seal(&first->window, theirs);
	first->auth_failures = failures;
	ep_context_remove(&dir, first, &turn);
	return second;
}

static void replaced(void)
{
	static const struct {
		const char *what;
		bool marked;
		uint64_t ours, theirs;
		uint32_t failures;
		uint64_t forgotten; /* 0: they have tombstones */
	} keys[] = {
		{"used by us", true, 100, 3, 0, 101},
		{"used by the device", true, 10, 900, 0, 902},
		{"without a mark", false, 100, 3, 0, 0},
		{"used much", true, EP_FORGET_MAX, 3, 0, EP_FORGET_MAX + 1},
		{"used too much", true, EP_FORGET_MAX + 1, 3, 0, 0},
		{"used too much by the device", true, 10, EP_FORGET_MAX, 0, 0},
		{"attacked", true, 100, 3, 255, 101},
		{"attacked too much", true, 100, 3, 256, 0},
	};
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		struct ep_context *last = drawn_and_replaced(
			keys[i].marked, keys[i].ours, keys[i].theirs, keys[i].failures);
		const struct rec_id *del = &turn.rec[turn.batch.n - 1].del;
		CHECK(dir.ssn_forgotten == keys[i].forgotten &&
				dir.graves.count == (keys[i].forgotten ? 0 : 2),
			keys[i].what);
		CHECK(del->forgotten == !!keys[i].forgotten && del->above == keys[i].forgotten,
			keys[i].what);
		last->ssn_next = 5;
		ep_context_remove(&dir, last, &turn);
		CHECK(dir.graves.count == (keys[i].forgotten ? 2 : 4),
			"the last ones leave theirs: nothing took their place");
		close_directory();
	}
}

/* Whoever brings them again, any which way, meets no number of theirs. */
static void brought_again(void)
{
	static const struct {
		const char *what, *ids;
		uint8_t salt_byte; /* turned */
		bool above;
	} cases[] = {
		{"the same ids", "SRRRRR", 0, true},
		{"the other way round", "RS", 0, true},
		{"its sending key alone", "Sx", 0, true},
		{"other ids", "yz", 0, true},
		{"another salt", "SRRRRR", 1, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ep_context *c;
		uint64_t n;
		drawn_and_replaced(true, 100, 700, 0);
		uint8_t other_salt[EP_SALT_BYTES];
		memcpy(other_salt, marked_salt, sizeof(other_salt));
		other_salt[0] ^= cases[i].salt_byte;
		REQUIRE(!put(other, REC_ORIGIN_IMPORTED, SPAN_OF(other_salt), 1,
				span_str(cases[i].ids), &c) &&
				!ep_take_number(&dir, c, &turn, &n),
			cases[i].what);
		CHECK(n == (cases[i].above ? 702 : 0) && c->stale == cases[i].above, cases[i].what);
		close_directory();
	}
}

/* Bootstraps for ever. */
static void for_ever(void)
{
	struct ep_context *c, *before = NULL;
	drawn_and_replaced(true, 100, 3, 0);
	for (int i = 3; i < 200; i++) {
		const uint8_t ids[] = {'S', 'R', (uint8_t)i, 1};
		REQUIRE(!put(dev, REC_ORIGIN_DRAWN, SPAN_OF(marked_salt), (uint8_t)i, SPAN_OF(ids),
				&c),
			"drawn");
		use(c);
		if (before)
			ep_context_remove(&dir, before, &turn);
		before = c;
	}
	CHECK(!dir.graves.count && dir.ssn_forgotten == 502, "leave nothing but a number");
	close_directory();
}

/* Keys before a recovery, those it made, and those of another that was given up: a request without
 * an ID Context may be under any of them. */
static void test_several(void)
{
	static const uint8_t id[4][16] = {{1}, {2}, {3}, {4}};
	struct ep_context *c[5], *found[EP_TRIALS];
	struct peer here = {.addr_n = 4, .addr = {192, 0, 2, 1}}, there = {0};
	bool moved;
	struct ep_context_input in = {.params = {.aead = ALG_AES_CCM_16_64_128,
					      .hkdf = ALG_HKDF_SHA256,
					      .master_secret = SPAN_OF(secret),
					      .master_salt = SPAN_OF(salt),
					      .sender_id = OURS,
					      .recipient_id = THEIRS,
					      .has_id_context = true},
		.role = REC_ROLE_SERVER,
		.origin = REC_ORIGIN_RECOVERED,
		.generation = REC_GEN_WRITTEN,
		.unheard_of = true,
		.highest = UINT64_MAX};
	open_directory();
	REQUIRE(!add(dev, REC_ORIGIN_IMPORTED, OURS, THEIRS, &c[0]), "the first keys");
	ep_context_heard(c[0], &here, 0, &moved);
	for (size_t i = 1; i < 5; i++) {
		in.params.id_context = SPAN_OF(id[i - 1]);
		REQUIRE(!ep_context_add(&dir, dev, &in, &turn, &c[i]), "keys of a recovery");
		size_t n = ep_context_find(&dir, THEIRS, NULL, &here, found);
		CHECK(n == (i < 2 ? i + 1 : EP_TRIALS), "all, as far as there is room");
		CHECK(found[0] == c[0] && found[1] == c[i] && (i < 2 || found[2] == c[i - 1]),
			"those heard at the address first, then the newest");
		n = ep_context_find(&dir, THEIRS, NULL, &there, found);
		CHECK(found[0] == c[i] && found[n - 1] == c[i < 2 ? 0 : i - 2],
			"from elsewhere the newest first");
	}
	close_directory();
}

int main(void)
{
	test_several();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		imported(&rows[i], false);
		imported(&rows[i], true);
	}
	unused();
	forgotten();
	marks();
	replaced();
	brought_again();
	for_ever();
	return test_done();
}
