/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/context.h"

#include "tests/unit/test.h"

#define MAX OSC_SSN_MAX

/* Numbers that arrive one after the other; each is checked, and taken if it may be. */
struct row {
	const char *what;
	uint8_t width;
	struct {
		uint64_t piv;
		enum err want;
	} step[8];
	size_t steps;
};

static const struct row rows[] = {
	{"zero first, then again", 32, {{0, ERR_OK}, {0, ERR_REPLAY}}, 2},
	{"in order", 32, {{0, ERR_OK}, {1, ERR_OK}, {2, ERR_OK}, {1, ERR_REPLAY}}, 4},
	{"out of order within the window", 32,
		{{20, ERR_OK}, {5, ERR_OK}, {19, ERR_OK}, {5, ERR_REPLAY}, {19, ERR_REPLAY},
			{20, ERR_REPLAY}, {6, ERR_OK}},
		7},
	{"a gap and the numbers around it are replays still", 32,
		{{5, ERR_OK}, {7, ERR_OK}, {5, ERR_REPLAY}, {7, ERR_REPLAY}, {6, ERR_OK},
			{6, ERR_REPLAY}},
		6},
	{"width 32: 31 behind fits, 32 behind is too old", 32,
		{{100, ERR_OK}, {69, ERR_OK}, {68, ERR_REPLAY}, {69, ERR_REPLAY}}, 4},
	{"width 64: 63 behind fits, 64 behind is too old", 64,
		{{100, ERR_OK}, {37, ERR_OK}, {36, ERR_REPLAY}, {37, ERR_REPLAY}}, 4},
	{"width 1: only newer ones", 1, {{9, ERR_OK}, {8, ERR_REPLAY}, {10, ERR_OK}}, 3},
	{"width 0 is the default", 0, {{100, ERR_OK}, {69, ERR_OK}, {68, ERR_REPLAY}}, 3},
	{"width 65 is 64", 65, {{100, ERR_OK}, {37, ERR_OK}, {36, ERR_REPLAY}}, 3},
	{"a shift of width - 1 keeps the oldest", 32,
		{{0, ERR_OK}, {31, ERR_OK}, {0, ERR_REPLAY}, {1, ERR_OK}}, 4},
	{"a shift of the width clears", 32,
		{{0, ERR_OK}, {32, ERR_OK}, {0, ERR_REPLAY}, {1, ERR_OK}, {31, ERR_OK}}, 5},
	{"a shift of 63 at width 64", 64, {{0, ERR_OK}, {63, ERR_OK}, {0, ERR_REPLAY}, {1, ERR_OK}},
		4},
	{"a shift of 64 at width 64", 64,
		{{0, ERR_OK}, {64, ERR_OK}, {0, ERR_REPLAY}, {1, ERR_OK}, {63, ERR_OK}}, 5},
	{"a shift far beyond 64 bits", 64,
		{{3, ERR_OK}, {1000003, ERR_OK}, {1000002, ERR_OK}, {3, ERR_REPLAY},
			{999939, ERR_REPLAY}, {999940, ERR_OK}},
		6},
	{"2^40-1 is valid, and the last", 32,
		{{MAX - 1, ERR_OK}, {MAX, ERR_OK}, {MAX, ERR_REPLAY}, {MAX + 1, ERR_RANGE},
			{MAX - 2, ERR_OK}},
		5},
	{"2^40 is refused by an empty window too", 32,
		{{MAX + 1, ERR_RANGE}, {UINT64_MAX, ERR_RANGE}, {1, ERR_OK}}, 3},
};

/* Proves: 8613-7.4-1 8613-7.2.1-1 */
static void test_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct osc_window w;
		osc_window_init(&w, row->width);
		bool ok = true;
		for (size_t s = 0; s < row->steps; s++) {
			uint64_t piv = row->step[s].piv;
			bool raises = !w.any || piv > w.highest;
			enum err got = osc_window_check(&w, piv);
			ok = ok && got == row->step[s].want;
			if (got == ERR_OK)
				ok = osc_window_update(&w, piv) == raises && ok;
		}
		CHECK(ok, row->what);
	}
}

static void test_never_backwards(void)
{
	struct osc_window w, before;

	osc_window_init(&w, 32);
	CHECK(osc_window_update(&w, 500), "the first number raises the highest");
	before = w;
	CHECK(!osc_window_update(&w, 400) && w.highest == 500 && w.seen == before.seen,
		"an update far behind moves nothing");
	CHECK(!osc_window_update(&w, MAX + 1) && w.highest == 500,
		"an update above 2^40-1 moves nothing");
	CHECK(!osc_window_update(&w, 490) && w.highest == 500, "an older number does not raise it");
	CHECK(osc_window_update(&w, 501) && w.highest == 501, "the next number does");
}

static void test_seal(void)
{
	struct osc_window w;

	osc_window_init(&w, 64);
	osc_window_seal(&w, 1000);
	bool all = true;
	for (uint64_t piv = 0; piv <= 1000; piv++)
		all = all && osc_window_check(&w, piv) == ERR_REPLAY;
	CHECK(all, "sealed: everything up to the highest was seen");
	CHECK(osc_window_check(&w, 1001) == ERR_OK, "sealed: the next number is good");
	CHECK(osc_window_update(&w, 1005), "sealed: a newer number raises the highest");
	CHECK(osc_window_check(&w, 1000) == ERR_REPLAY, "sealed: still seen after a shift");
	CHECK(osc_window_check(&w, 1001) == ERR_OK, "sealed: numbers above the seal are free");
	osc_window_seal(&w, 900);
	CHECK(w.highest == 1005 && osc_window_check(&w, 1001) == ERR_REPLAY,
		"a seal below the highest does not move it back");
	osc_window_init(&w, 32);
	osc_window_seal(&w, 0);
	CHECK(osc_window_check(&w, 0) == ERR_REPLAY && osc_window_check(&w, 1) == ERR_OK,
		"sealed at zero");
	osc_window_seal(&w, MAX);
	CHECK(osc_window_check(&w, MAX) == ERR_REPLAY, "sealed at the end: the context is dead");
}

enum { MODEL_NUMBERS = 100000, MODEL_MAX = 1 << 22 };

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Mostly at or behind the edge, sometimes the next ones, now and then a leap. */
static uint64_t pick(uint64_t *state, uint64_t highest)
{
	uint64_t r = next_random(state), back = (r >> 8) % 80;

	if (r % 64 == 0)
		return highest + (r >> 16) % 256;
	if (r % 4 == 0)
		return highest + (r >> 16) % 3;
	return highest > back ? highest - back : back;
}

static void test_model(uint8_t width, const char *what)
{
	static bool seen[MODEL_MAX];
	uint64_t state = 88172645463325252u + width, highest = 0;
	struct osc_window w;
	size_t wrong = 0, accepted = 0, any = 0;

	memset(seen, 0, sizeof(seen));
	osc_window_init(&w, width);
	for (size_t i = 0; i < MODEL_NUMBERS; i++) {
		uint64_t piv = pick(&state, highest);
		bool old = any && piv <= highest && highest - piv >= width;
		bool fresh = piv < MODEL_MAX && !old && !seen[piv];
		wrong += (osc_window_check(&w, piv) == ERR_OK) != fresh;
		if (!fresh)
			continue;
		(void)osc_window_update(&w, piv);
		seen[piv] = true;
		any = true;
		accepted++;
		highest = piv > highest ? piv : highest;
		wrong += w.highest != highest;
	}
	CHECK(wrong == 0, what);
	CHECK(accepted > MODEL_NUMBERS / 10 && accepted < MODEL_NUMBERS, "the model saw both");
}

int main(void)
{
	test_rows();
	test_never_backwards();
	test_seal();
	test_model(32, "100k random numbers against a naive set, width 32");
	test_model(64, "100k random numbers against a naive set, width 64");
	test_model(1, "100k random numbers against a naive set, width 1");
	return test_done();
}
