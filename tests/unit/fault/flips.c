/* SPDX-License-Identifier: Apache-2.0 */
/* Bits of the database file are turned. The daemon refuses to start, or starts and serves; it never
 * crashes, and takes no other key, no other name and no lower number without a word.
 *
 * FLIPS (300) says how many, SEED which. */
#include "tests/unit/fault/scenes.h"

#include <inttypes.h>
#include <time.h>

enum { SEEN_MAX = 16 };

/* What must not change unnoticed. */
struct seen_row {
	uint64_t id, content, ssn_limit, highest, window;
	bool stale; /* its highest is not believed */
	bool exact; /* its window is */
};

struct seen {
	struct seen_row v[SEEN_MAX]; /* endpoints first */
	size_t n, damaged;
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
	struct seen_row *c = &t->v[t->n++];
	*c = (struct seen_row){.id = r->id,
		.content = (uint64_t)r->aead << 32 | (uint64_t)r->hkdf << 24 |
			   r->endpoint_id << 16 | (uint64_t)r->role << 8 |
			   (r->id_context.p != NULL),
		.ssn_limit = r->ssn_limit,
		.highest = r->highest,
		.window = r->window,
		.stale = r->stale,
		.exact = r->exact};
	add(&c->content, r->sender_id);
	add(&c->content, r->recipient_id);
	add(&c->content, r->id_context);
	add(&c->content, r->sender_key);
	add(&c->content, r->recipient_key);
	add(&c->content, r->common_iv);
	return ERR_OK;
}

static enum err see_endpoint(void *arg, const struct rec_endpoint *r)
{
	struct seen *t = arg;
	if (r->damaged)
		return ERR_OK;
	if (t->n == SEEN_MAX)
		return ERR_LIMIT;
	struct seen_row *e = &t->v[t->n++];
	*e = (struct seen_row){.id = r->id,
		.content = (uint64_t)r->freshness << 16 | (uint64_t)r->allow_nosec << 8};
	add(&e->content, r->name);
	return ERR_OK;
}

static enum err see_damage(void *arg, const struct rec_damage *r)
{
	struct seen *t = arg;
	(void)r;
	t->damaged++;
	return ERR_OK;
}

/* The store as it is loaded; ERR_CORRUPT and the like: it was refused. */
static enum err look(struct seen *t)
{
	struct store *store;
	struct store_info info;
	struct store_visitor v = {
		.endpoint = see_endpoint, .context = see, .damage = see_damage, .arg = t};
	*t = (struct seen){0};
	enum err e = store_sqlite_open(&rig.opts, core_store_done, NULL, &store, rig.why);
	if (e)
		return e;
	e = store_load(store, &v, &info);
	store_free(store);
	return e;
}

static struct {
	unsigned refused, harmless, told;
} found;

/* None is the lowest. A window that is not exact accepts nothing below its highest. */
static bool lower(const struct seen_row *was, const struct seen_row *now)
{
	bool wider = now->exact && now->window != was->window;
	return now->ssn_limit < was->ssn_limit ||
	       ((now->highest + 1 < was->highest + 1 || wider) && !now->stale);
}

/* What of it there was before; NULL: nothing. */
static const struct seen_row *before(const struct seen *was, const struct seen_row *now)
{
	for (size_t i = 0; i < was->n; i++)
		if (was->v[i].id == now->id && was->v[i].content == now->content)
			return &was->v[i];
	return NULL;
}

/* What is left out was told to be damaged; what is there is as it was. */
static void hold(const struct seen *was, const struct seen *now, size_t bit)
{
	char text[64];
	bool same = now->n <= was->n, low = false;
	for (size_t i = 0; i < now->n && same; i++) {
		const struct seen_row *w = before(was, &now->v[i]);
		same = w != NULL;
		low |= w && lower(w, &now->v[i]);
	}
	snprintf(text, sizeof(text), "bit %zu: no other key or name", bit);
	CHECK(same, text);
	snprintf(text, sizeof(text), "bit %zu: no lower number", bit);
	CHECK(!low, text);
	snprintf(text, sizeof(text), "bit %zu: nothing is missing in silence", bit);
	CHECK(now->n == was->n || now->damaged, text);
	found.told += now->damaged > 0;
	found.harmless += !now->damaged;
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
	hold(was, &now, bit);
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
	printf("refused %u; taken: without harm %u, with a row told to be damaged %u\n",
		found.refused, found.harmless, found.told);
	rig_end();
	rig_fini();
	return test_done();
}
