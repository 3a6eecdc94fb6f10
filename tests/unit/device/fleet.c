/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a fleet: histogram, ramp, and the bad network. */
#include "device/histogram.h"
#include "device/impair.h"
#include "device/ramp.h"
#include "tests/unit/test.h"

#include <string.h>

/* "row: aspect" */
static const char *of(const char *row, const char *aspect)
{
	static char text[96];
	snprintf(text, sizeof(text), "%s: %s", row, aspect);
	return text;
}

/* ---- histogram */

static struct dev_histogram hist;

static void test_percentiles(void)
{
	static const struct {
		const char *what;
		uint64_t from, to; /* one sample of each value */
		unsigned permille;
		uint64_t least, most;
	} rows[] = {
		{"one sample", 7, 7, 500, 7, 7},
		{"one sample, p999", 7, 7, 999, 7, 7},
		{"zero", 0, 0, 990, 0, 0},
		{"small values are exact", 1, 20, 500, 10, 10},
		{"the median of a thousand", 1, 1000, 500, 500 - 500 / 16, 500},
		{"p90", 1, 1000, 900, 900 - 900 / 16, 900},
		{"p99", 1, 1000, 990, 990 - 990 / 16, 990},
		{"p999", 1, 1000, 999, 999 - 999 / 16, 999},
		{"the largest is exact", 1, 1000, 1000, 1000, 1000},
		{"seconds", 5000000, 5000100, 500, 5000000 - 5000000 / 16, 5000050},
		{"beyond the last step", UINT64_MAX, UINT64_MAX, 1000, UINT64_MAX, UINT64_MAX},
		{"beyond it, by its step", UINT64_MAX, UINT64_MAX, 500, UINT64_C(1) << 39,
			UINT64_MAX},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&hist, 0, sizeof(hist));
		for (uint64_t v = rows[i].from;; v++) {
			dev_histogram_add(&hist, v);
			if (v == rows[i].to)
				break;
		}
		uint64_t got = dev_histogram_us(&hist, rows[i].permille);
		CHECK(got >= rows[i].least && got <= rows[i].most, rows[i].what);
		CHECK(hist.count == rows[i].to - rows[i].from + 1, of(rows[i].what, "count"));
	}
	memset(&hist, 0, sizeof(hist));
	CHECK(dev_histogram_us(&hist, 500) == 0, "without samples");
}

/* Every power of two and its neighbours, one at a time: told a sixteenth too small at most. */
static void test_steps(void)
{
	bool good = true;
	for (unsigned k = 0; k < 40; k++) {
		for (uint64_t d = 0; d < 3; d++) {
			uint64_t v = (UINT64_C(1) << k) + d - 1;
			memset(&hist, 0, sizeof(hist));
			dev_histogram_add(&hist, v);
			dev_histogram_add(&hist, UINT64_C(1) << 41);
			uint64_t got = dev_histogram_us(&hist, 500);
			good &= got <= v && got >= v - v / 16;
		}
	}
	CHECK(good, "no step is wider than a sixteenth");
}

/* ---- ramp */

static void test_ramp(void)
{
	static const struct {
		const char *what;
		uint32_t count, rate;
		uint64_t elapsed_us;
		uint32_t due;
	} rows[] = {
		{"the first at once", 10, 1, 0, 1},
		{"the second not early", 10, 1, 999999, 1},
		{"the second", 10, 1, 1000000, 2},
		{"the last but one", 10, 1, 8999999, 9},
		{"the last", 10, 1, 9000000, 10},
		{"long after", 10, 1, 9000000000, 10},
		{"twenty thousand a second", 100000, 20000, 1000000, 20001},
		{"between two of them, late", 100000, 20000, 50, 2},
		{"between two of them, early", 100000, 20000, 49, 1},
		{"all in a tenth of a second", 100000, 1000000, 99999, 100000},
		{"the largest numbers", 16777216, 1000000, UINT64_MAX, 16777216},
		{"a fleet of one", 1, 1, 0, 1},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK(dev_ramp_due(rows[i].count, rows[i].rate, rows[i].elapsed_us) == rows[i].due,
			rows[i].what);
	bool good = true;
	for (uint32_t rate = 1; rate < 3000; rate += 7) {
		for (uint32_t n = 1; n < 300; n += 13) {
			uint64_t at = dev_ramp_at_us(rate, n);
			good &= dev_ramp_due(1000, rate, at) > n &&
				dev_ramp_due(1000, rate, at - 1) <= n;
		}
	}
	CHECK(good, "each begins when it is due, and not before");
}

static void test_waits(void)
{
	static const struct {
		const char *what;
		uint64_t interval_ms;
		uint32_t jitter;
		bool first;
		uint64_t chance, want;
	} rows[] = {
		{"no jitter", 60000, 0, false, 12345, 60000},
		{"a tenth, earliest", 60000, 100, 0, 0, 54000},
		{"a tenth, latest", 60000, 100, 0, 12000, 66000},
		{"a tenth, around", 60000, 100, 0, 12001, 54000},
		{"all of it, never 0", 1000, 1000, 0, 0, 1},
		{"the first, at once", 60000, 0, 1, 0, 1},
		{"the first, at the end", 60000, 0, 1, 60000, 60000},
		{"the shortest", 1, 0, 0, 9, 1},
		{"an interval without thousands", 500, 100, 0, 0, 450},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK(dev_ramp_wait_ms(rows[i].interval_ms, rows[i].jitter, rows[i].first,
			      rows[i].chance) == rows[i].want,
			rows[i].what);
	CHECK(dev_ramp_interval_ms(100000, 10000) == 10000, "100,000 at 10,000/s");
	CHECK(dev_ramp_interval_ms(10, 1000000) == 1, "never 0");
	CHECK(dev_ramp_interval_ms(UINT32_MAX, 1) == UINT32_MAX, "never too long");
}

/* ---- the bad network */

enum { DATAGRAMS = 20000, HELD = 1 << 16 };

struct fate {
	uint64_t hash; /* of what arrived, when, in order */
	uint64_t arrived, overtaken, early, late, changed;
	uint32_t last;
	struct dev_impair_stats stats;
};

static void arrive(struct fate *f, uint32_t number, uint64_t now_ms, uint64_t sent_ms)
{
	f->hash = (f->hash ^ number ^ now_ms << 32) * UINT64_C(0x100000001b3);
	f->arrived++;
	f->overtaken += number < f->last;
	f->last = number;
	f->late += now_ms - sent_ms > 50 + DEV_IMPAIR_REORDER_MS;
	f->early += now_ms < sent_ms + 10;
}

static uint32_t number_of(struct span s)
{
	struct reader r = rd_make(s);
	return rd_u32(&r);
}

static void deliver(struct dev_impair *m, uint64_t now_ms, struct fate *f)
{
	struct dev_impair_datagram d;
	while (dev_impair_due(m, now_ms, &d)) {
		uint32_t n = number_of(d.bytes);
		f->changed +=
			d.bytes.n != 4 || d.out != (n % 2 == 0) || d.peer.addr[0] != (n & 0xff);
		arrive(f, n, now_ms, n / 2);
	}
}

/* One datagram each half millisecond, now this way, now that. */
static struct fate send_all(const struct dev_impair_options *o, uint64_t seed)
{
	struct fate f = {0};
	struct dev_impair *m;
	REQUIRE(dev_impair_new(o, seed, &m) == ERR_OK, "memory");
	for (uint32_t n = 0; n < DATAGRAMS; n++) {
		uint8_t bytes[4];
		struct writer w = wr_make(bytes, sizeof(bytes));
		struct peer p = {.addr = {n & 0xff}};
		wr_u32(&w, n);
		deliver(m, n / 2, &f);
		unsigned copies = dev_impair_take(m, n % 2 == 0, &p, wr_span(&w), n / 2);
		while (copies--)
			arrive(&f, n, n / 2, n / 2);
	}
	while (dev_impair_next_ms(m) != UINT64_MAX)
		deliver(m, dev_impair_next_ms(m), &f);
	f.stats = *dev_impair_stats(m);
	dev_impair_free(m);
	return f;
}

static bool near(uint64_t n, uint32_t ppm)
{
	uint64_t want = (uint64_t)DATAGRAMS * ppm / 1000000;
	return n >= want - want / 5 && n <= want + want / 5;
}

static void test_impair(void)
{
	static const struct {
		const char *what;
		struct dev_impair_options o;
	} rows[] = {
		{"nothing", {.held_max = HELD}},
		{"loss", {.loss_ppm = 100000, .held_max = HELD}},
		{"all lost", {.loss_ppm = 1000000, .held_max = HELD}},
		{"duplicates", {.duplicate_ppm = 50000, .held_max = HELD}},
		{"all twice", {.duplicate_ppm = 1000000, .held_max = HELD}},
		{"reordering", {.reorder_ppm = 100000, .held_max = HELD}},
		{"all of it", {.loss_ppm = 100000,
				      .duplicate_ppm = 50000,
				      .reorder_ppm = 100000,
				      .delay_min_ms = 10,
				      .delay_max_ms = 50,
				      .held_max = HELD}},
		{"a delay", {.delay_min_ms = 10, .delay_max_ms = 10, .held_max = HELD}},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct dev_impair_options *o = &rows[i].o;
		struct fate f = send_all(o, 1), same = send_all(o, 1), other = send_all(o, 2);
		bool fixed = !o->loss_ppm && !o->duplicate_ppm && !o->reorder_ppm;
		fixed |= o->loss_ppm == 1000000 || o->duplicate_ppm == 1000000;
		CHECK(near(f.stats.lost, o->loss_ppm), of(rows[i].what, "lost"));
		CHECK(f.arrived == DATAGRAMS - f.stats.lost + f.stats.duplicated,
			of(rows[i].what, "arrived"));
		CHECK(near(f.stats.duplicated * 1000 / (1000 - o->loss_ppm / 1001),
			      o->duplicate_ppm),
			of(rows[i].what, "duplicated"));
		CHECK((f.overtaken > 0) == (o->reorder_ppm > 0), of(rows[i].what, "overtaken"));
		CHECK(!f.late && (!o->delay_min_ms || !f.early), of(rows[i].what, "in time"));
		CHECK(!f.changed, of(rows[i].what, "unchanged"));
		CHECK(same.hash == f.hash, of(rows[i].what, "the same again"));
		CHECK((other.hash == f.hash) == fixed, of(rows[i].what, "another seed"));
		CHECK(dev_impair_wanted(o) == (i > 0), of(rows[i].what, "wanted"));
	}
}

static void test_held(void)
{
	struct dev_impair_options o = {.delay_min_ms = 50, .delay_max_ms = 50, .held_max = 10};
	struct fate f = send_all(&o, 1);
	CHECK(f.stats.overflowed > 0 && f.stats.lost == f.stats.overflowed,
		"more than fit are lost");
	CHECK(f.arrived + f.stats.lost == DATAGRAMS, "and nothing else is");
}

int main(void)
{
	test_percentiles();
	test_steps();
	test_ramp();
	test_waits();
	test_impair();
	test_held();
	return test_done();
}
