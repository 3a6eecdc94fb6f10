/* SPDX-License-Identifier: Apache-2.0 */
/* Bits of the database file are turned. The daemon refuses to start, or starts and serves; it never
 * crashes. What it took without a word, of keys and of numbers, is counted and told.
 *
 * FLIPS (300) says how many, SEED which. */
#include "tests/unit/fault/scenes.h"

#include <inttypes.h>
#include <time.h>

enum { SEEN_MAX = 16 };

/* What must not change unnoticed. */
struct seen_context {
	uint64_t id, keys, ssn_limit, highest;
};

struct seen {
	struct seen_context v[SEEN_MAX];
	size_t n;
};

static void add(uint64_t *sum, struct span s)
{
	static const uint8_t key[16] = {2};
	*sum = *sum * 31 + siphash24(key, s);
}

static enum err see(void *arg, const struct rec_context *r)
{
	struct seen *t = arg;
	if (t->n == SEEN_MAX)
		return ERR_LIMIT;
	struct seen_context *c = &t->v[t->n++];
	*c = (struct seen_context){.id = r->id,
		.keys = (uint64_t)r->aead,
		.ssn_limit = r->ssn_limit,
		.highest = r->highest};
	add(&c->keys, r->sender_id);
	add(&c->keys, r->recipient_id);
	add(&c->keys, r->id_context);
	add(&c->keys, r->sender_key);
	add(&c->keys, r->recipient_key);
	add(&c->keys, r->common_iv);
	return ERR_OK;
}

/* The store as it is loaded; ERR_CORRUPT and the like: it was refused. */
static enum err look(struct seen *t)
{
	struct store *store;
	struct store_info info;
	struct store_visitor v = {.context = see, .arg = t};
	*t = (struct seen){0};
	enum err e = store_sqlite_open(&rig.opts, core_store_done, NULL, &store, rig.why);
	if (e)
		return e;
	e = store_load(store, &v, &info);
	store_free(store);
	return e;
}

static struct {
	unsigned refused, harmless, keys, numbers, missing;
} found;

/* Lower is what does harm; none is the lowest. */
static bool lower(const struct seen_context *was, const struct seen_context *now)
{
	return now->ssn_limit < was->ssn_limit || now->highest + 1 < was->highest + 1;
}

static void tally(const struct seen *was, const struct seen *now)
{
	bool k = false, n = false;
	for (size_t i = 0; i < was->n && was->n == now->n; i++) {
		k |= was->v[i].id != now->v[i].id || was->v[i].keys != now->v[i].keys;
		n |= lower(&was->v[i], &now->v[i]);
	}
	found.missing += was->n != now->n;
	found.keys += k;
	found.numbers += n && !k;
	found.harmless += was->n == now->n && !k && !n;
}

static void put_back(const char *path, struct span bytes)
{
	FILE *f = fopen(path, "we");
	REQUIRE(f && fwrite(bytes.p, 1, bytes.n, f) == bytes.n && !fclose(f), path);
}

static uint8_t anchor[8192];
static size_t anchor_n;

/* The files as they were, but for one bit. */
static void turn(size_t bit)
{
	char path[128];
	uint8_t *at = &rig.copy[0].bytes[bit / 8];
	*at ^= (uint8_t)(1u << bit % 8);
	rig_set_back();
	*at ^= (uint8_t)(1u << bit % 8);
	snprintf(path, sizeof(path), "%s.anchor/anchor", rig.state);
	put_back(path, span_make(anchor, anchor_n));
}

static void flip(size_t bit, const struct seen *was)
{
	struct seen now;
	turn(bit);
	if (look(&now)) {
		CHECK(true, "it is refused");
		found.refused++;
		return;
	}
	tally(was, &now);
	turn(bit);
	memset(&rig_sim.audit, 0,
		sizeof(rig_sim.audit)); /* this one's numbers are anybody's guess */
	if (rig_start() == ERR_OK)
		sim_run(&rig_sim, 45000);
	rig_drop();
	CHECK(true, "it lives");
}

static void begin(void)
{
	char path[128];
	rig_begin(7);
	scene_registered();
	scene_provisions();
	rig_dm(0, ADM_READ, "/3/0/0");
	CHECK(core_stop(rig_sim.core) == ERR_OK, "a clean stop");
	rig_drop();
	rig_copy();
	snprintf(path, sizeof(path), "%s.anchor/anchor", rig.state);
	FILE *f = fopen(path, "re");
	REQUIRE(f, path);
	anchor_n = fread(anchor, 1, sizeof(anchor), f);
	fclose(f);
}

int main(void)
{
	const char *flips = getenv("FLIPS"), *given = getenv("SEED");
	uint64_t state[4], seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	struct rng rng = rng_test(state, seed);
	struct seen was;
	printf("SEED=%" PRIu64 "\n", seed);
	rig_init();
	begin();
	REQUIRE(look(&was) == ERR_OK && was.n > RIG_MADE, "it is good before");
	for (int n = flips ? atoi(flips) : 300; n; n--)
		flip(rng_u64(&rng) % (rig.copy[0].n * 8), &was);
	printf("refused %u; taken: harmless %u, a context missing %u, other keys %u, lower numbers "
	       "%u\n",
		found.refused, found.harmless, found.missing, found.keys, found.numbers);
	rig_end();
	rig_fini();
	return test_done();
}
