/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/block.h"
#include "base/peer.h"
#include "tests/unit/coap/failing.h"
#include "tests/unit/test.h"

enum { LIMIT = 100, LIFETIME_MS = 247000 };

/* One block: its value, how much of the pattern it carries, what is to come of it. */
struct step {
	uint32_t num;
	bool more;
	uint8_t szx;
	size_t n;
	enum block_step want;
};

struct rx_row {
	const char *what;
	struct step step[8]; /* ends with n = 0 and num = 0 */
	size_t body;         /* bytes at the end */
};

static const struct rx_row rx_rows[] = {
	{"one block, section 2.2", {{0, false, 0, 5, BLOCK_DONE}}, 5},
	{"three in order",
		{{0, true, 0, 16, BLOCK_MORE}, {1, true, 0, 16, BLOCK_MORE},
			{2, false, 0, 3, BLOCK_DONE}},
		35},
	{"last block full", {{0, true, 0, 16, BLOCK_MORE}, {1, false, 0, 16, BLOCK_DONE}}, 32},
	{"last block empty", {{0, true, 0, 16, BLOCK_MORE}, {1, false, 0, 0, BLOCK_DONE}}, 16},
	{"gap", {{0, true, 0, 16, BLOCK_MORE}, {2, true, 0, 16, BLOCK_INCOMPLETE}}, 0},
	{"nothing goes on after a gap",
		{{0, true, 0, 16, BLOCK_MORE}, {2, true, 0, 16, BLOCK_INCOMPLETE},
			{1, true, 0, 16, BLOCK_INCOMPLETE}},
		0},
	{"starts in the middle", {{1, false, 0, 5, BLOCK_INCOMPLETE}}, 0},
	{"a new start after a gap",
		{{1, false, 0, 5, BLOCK_INCOMPLETE}, {0, false, 0, 5, BLOCK_DONE}}, 5},
	{"repeat of the first",
		{{0, true, 0, 16, BLOCK_MORE}, {0, true, 0, 16, BLOCK_MORE},
			{1, false, 0, 2, BLOCK_DONE}},
		18},
	{"repeat of the block before",
		{{0, true, 0, 16, BLOCK_MORE}, {1, true, 0, 16, BLOCK_MORE},
			{1, true, 0, 16, BLOCK_MORE}, {2, false, 0, 2, BLOCK_DONE}},
		34},
	{"repeat of the last",
		{{0, true, 0, 16, BLOCK_MORE}, {1, false, 0, 2, BLOCK_DONE},
			{1, false, 0, 2, BLOCK_DONE}},
		18},
	{"repeat of an empty last block",
		{{0, true, 0, 16, BLOCK_MORE}, {1, false, 0, 0, BLOCK_DONE},
			{1, false, 0, 0, BLOCK_DONE}},
		16},
	{"a block from before the last one",
		{{0, true, 0, 16, BLOCK_MORE}, {1, true, 0, 16, BLOCK_MORE},
			{2, true, 0, 16, BLOCK_MORE}, {1, true, 0, 16, BLOCK_INCOMPLETE}},
		0},
	{"repeat that ends what went on",
		{{0, true, 0, 16, BLOCK_MORE}, {1, true, 0, 16, BLOCK_MORE},
			{1, false, 0, 16, BLOCK_INCOMPLETE}},
		0},
	{"a block behind the last",
		{{0, true, 0, 16, BLOCK_MORE}, {1, false, 0, 16, BLOCK_DONE},
			{2, false, 0, 1, BLOCK_INCOMPLETE}},
		0},
	{"smaller size at the same offset, section 2.3",
		{{0, true, 2, 64, BLOCK_MORE}, {4, true, 0, 16, BLOCK_MORE},
			{5, false, 0, 1, BLOCK_DONE}},
		81},
	{"smaller size at another offset",
		{{0, true, 2, 64, BLOCK_MORE}, {1, true, 0, 16, BLOCK_INCOMPLETE}}, 0},
	{"larger size at the same offset",
		{{0, true, 0, 16, BLOCK_MORE}, {1, true, 0, 16, BLOCK_MORE},
			{1, false, 1, 32, BLOCK_DONE}},
		64},
	{"restart with a smaller size",
		{{0, true, 2, 64, BLOCK_MORE}, {0, true, 0, 16, BLOCK_MORE},
			{1, false, 0, 1, BLOCK_DONE}},
		17},
	{"restart in the middle",
		{{0, true, 0, 16, BLOCK_MORE}, {1, true, 0, 16, BLOCK_MORE},
			{0, true, 0, 16, BLOCK_MORE}, {1, false, 0, 1, BLOCK_DONE}},
		17},
	{"restart after the end",
		{{0, true, 0, 16, BLOCK_MORE}, {1, false, 0, 16, BLOCK_DONE},
			{0, true, 0, 16, BLOCK_MORE}, {1, false, 0, 1, BLOCK_DONE}},
		17},
	{"too short for one with more", {{0, true, 0, 15, BLOCK_INCOMPLETE}}, 0},
	{"too long", {{0, false, 0, 17, BLOCK_INCOMPLETE}}, 0},
	{"longer than its size with more", {{0, true, 0, 17, BLOCK_INCOMPLETE}}, 0},
	{"reserved size", {{0, false, 7, 16, BLOCK_INCOMPLETE}}, 0},
	{"as large as the limit",
		{{0, true, 2, 64, BLOCK_MORE}, {2, true, 1, 32, BLOCK_MORE},
			{6, false, 0, 4, BLOCK_DONE}},
		LIMIT},
	{"above the limit in the first block", {{0, false, 3, 101, BLOCK_TOO_LARGE}}, 0},
	{"above the limit later",
		{{0, true, 2, 64, BLOCK_MORE}, {2, true, 1, 32, BLOCK_MORE},
			{6, false, 0, 5, BLOCK_TOO_LARGE}},
		0},
	{"above the limit with nothing dangling behind it",
		{{0, true, 2, 64, BLOCK_MORE}, {1, true, 2, 64, BLOCK_TOO_LARGE},
			{1, false, 2, 1, BLOCK_INCOMPLETE}},
		0},
	{"largest number", {{1048575, false, 6, 1, BLOCK_INCOMPLETE}}, 0},
};

static const uint8_t *pattern(void)
{
	static uint8_t out[256];

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + 1);
	return out;
}

static bool take_all(struct block_rx *rx, const struct step *step)
{
	const uint8_t *body = pattern();
	size_t i = 0;

	do {
		size_t at = ((size_t)step[i].num << (step[i].szx + 4)) & 127;
		struct block b = {step[i].num, step[i].more, step[i].szx};
		enum block_step got = block_rx_take(rx, b, (struct span){&body[at], step[i].n}, 0);
		if (got != step[i].want) {
			printf("  step %zu: got %d, want %d\n", i, got, step[i].want);
			return false;
		}
		i++;
	} while (i < 8 && (step[i].n > 0 || step[i].num > 0));
	return true;
}

static void test_rx(void)
{
	for (size_t i = 0; i < sizeof(rx_rows) / sizeof(rx_rows[0]); i++) {
		const struct rx_row *row = &rx_rows[i];
		struct block_rx rx;
		block_rx_init(&rx, LIMIT);
		bool ok = take_all(&rx, row->step);
		CHECK(ok && rx.n == row->body && rx.active == (rx.body != NULL) &&
				(rx.n == 0 || memcmp(rx.body, pattern(), rx.n) == 0) &&
				rx.cap <= LIMIT,
			row->what);
		block_rx_reset(&rx);
	}
}

static void test_rx_empty_body(void)
{
	struct block_rx rx;

	block_rx_init(&rx, 0);
	CHECK(block_rx_take(&rx, (struct block){0, false, 0}, SPAN_EMPTY, 0) == BLOCK_DONE &&
			rx.n == 0,
		"an empty body within a limit of nothing");
	CHECK(block_rx_take(&rx, (struct block){0, false, 0}, SPAN_LIT("x"), 0) == BLOCK_TOO_LARGE,
		"a byte is too many for it");
	block_rx_reset(&rx);
	block_rx_reset(&rx);
	CHECK(!rx.active && !rx.body, "resetting an idle one");
}

static void test_rx_time(void)
{
	struct span part = {pattern(), 16};
	struct block_rx rx;

	block_rx_init(&rx, LIMIT);
	CHECK(block_rx_take(&rx, (struct block){0, true, 0}, part, 1000) == BLOCK_MORE &&
			rx.expires_ms == 1000 + LIFETIME_MS,
		"a body expires EXCHANGE_LIFETIME after its last block");
	CHECK(block_rx_take(&rx, (struct block){1, true, 0}, part, 1000 + LIFETIME_MS - 1) ==
				BLOCK_MORE &&
			rx.expires_ms == 1000 + 2 * LIFETIME_MS - 1,
		"a block in time prolongs it");
	CHECK(block_rx_take(&rx, (struct block){2, true, 0}, part, 1000 + 2 * LIFETIME_MS - 1) ==
				BLOCK_INCOMPLETE &&
			!rx.active,
		"a block too late finds nothing");
	CHECK(block_rx_take(&rx, (struct block){0, false, 0}, part, 9000000) == BLOCK_DONE &&
			rx.n == 16,
		"the limit survives the drop");
	block_rx_reset(&rx);
}

static void test_rx_memory(void)
{
	struct span part = {pattern(), 16};
	struct block_rx rx;

	block_rx_init(&rx, LIMIT);
	if (!failing_malloc(false))
		return;
	failing_malloc(true);
	enum block_step first = block_rx_take(&rx, (struct block){0, true, 0}, part, 0);
	failing_malloc(false);
	CHECK(first == BLOCK_NOMEM && !rx.active && !rx.body, "no memory for the first block");
	CHECK(block_rx_take(&rx, (struct block){0, true, 0}, part, 0) == BLOCK_MORE, "a new start");
	failing_malloc(true);
	enum block_step second = block_rx_take(&rx, (struct block){1, true, 0}, part, 0);
	failing_malloc(false);
	CHECK(second == BLOCK_NOMEM && !rx.active && !rx.body, "no memory to grow");
}

struct value_row {
	const char *what, *hex;
	enum err err;
	struct block b;
};

static const struct value_row value_rows[] = {
	{"empty value, section 2.2", "", ERR_OK, {0, false, 0}},
	{"one byte", "0e", ERR_OK, {0, true, 6}},
	{"number 15", "f6", ERR_OK, {15, false, 6}},
	{"number 16 in two bytes", "0108", ERR_OK, {16, true, 0}},
	{"largest number", "fffff6", ERR_OK, {1048575, false, 6}},
	{"reserved size", "07", ERR_SYNTAX, {0}},
	{"reserved size with more", "0f", ERR_SYNTAX, {0}},
	{"four bytes", "00000000", ERR_SYNTAX, {0}},
};

static void test_values(void)
{
	for (size_t i = 0; i < sizeof(value_rows) / sizeof(value_rows[0]); i++) {
		const struct value_row *row = &value_rows[i];
		struct block b = {0};
		struct msg m;
		msg_init(&m, MSG_CON, MSG_PUT);
		m.opt[m.opt_n++] = (struct opt){OPT_BLOCK1, test_hex(row->hex)};
		CHECK(block_get(&m, OPT_BLOCK1, &b) == row->err && b.num == row->b.num &&
				b.more == row->b.more && b.szx == row->b.szx,
			row->what);
		CHECK(block_get(&m, OPT_BLOCK2, &b) == ERR_NOTFOUND, "the other block option");
		if (row->err != ERR_OK)
			continue;
		CHECK(block_add(&m, OPT_BLOCK2, row->b) == ERR_OK, row->what);
		CHECK_BYTES(m.opt[0].val, test_hex(row->hex), row->what);
	}
}

static void test_value_limits(void)
{
	static const struct {
		size_t bytes;
		uint8_t szx;
	} rows[] = {{0, 0}, {15, 0}, {16, 0}, {31, 0}, {32, 1}, {1023, 5}, {1024, 6}, {99999, 6}};
	struct msg m;

	msg_init(&m, MSG_CON, MSG_PUT);
	CHECK(block_add(&m, OPT_BLOCK1, (struct block){1 << 20, false, 0}) == ERR_RANGE &&
			block_add(&m, OPT_BLOCK1, (struct block){0, false, 7}) == ERR_RANGE &&
			m.opt_n == 0,
		"a number or a size out of range");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK(block_szx_for(rows[i].bytes) == rows[i].szx, "largest size that fits");
}

struct cut_row {
	const char *what;
	size_t body;
	uint32_t num;
	uint8_t szx;
	enum err err;
	size_t at, n;
	bool more;
};

static const struct cut_row cut_rows[] = {
	{"empty body", 0, 0, 6, ERR_OK, 0, 0, false},
	{"beyond an empty body", 0, 1, 6, ERR_RANGE, 0, 0, false},
	{"short body", 10, 0, 0, ERR_OK, 0, 10, false},
	{"exactly one block", 16, 0, 0, ERR_OK, 0, 16, false},
	{"behind exactly one block", 16, 1, 0, ERR_RANGE, 0, 0, false},
	{"first of two", 17, 0, 0, ERR_OK, 0, 16, true},
	{"second of two", 17, 1, 0, ERR_OK, 16, 1, false},
	{"middle of three", 40, 1, 0, ERR_OK, 16, 16, true},
	{"smaller size midway", 80, 4, 0, ERR_OK, 64, 16, false},
	{"far beyond", 80, 1048575, 6, ERR_RANGE, 0, 0, false},
	{"reserved size", 80, 0, 7, ERR_RANGE, 0, 0, false},
};

static void test_cut(void)
{
	for (size_t i = 0; i < sizeof(cut_rows) / sizeof(cut_rows[0]); i++) {
		const struct cut_row *row = &cut_rows[i];
		struct block b = {.num = row->num, .szx = row->szx};
		struct span part = SPAN_EMPTY, body = {pattern(), row->body};
		enum err err = block_cut(body, &b, &part);
		CHECK(err == row->err && b.more == row->more && part.n == row->n &&
				span_eq(part, span_sub(body, row->at, row->n)),
			row->what);
	}
}

int main(void)
{
	test_rx();
	test_rx_empty_body();
	test_rx_time();
	test_rx_memory();
	test_values();
	test_value_limits();
	test_cut();
	return test_done();
}
