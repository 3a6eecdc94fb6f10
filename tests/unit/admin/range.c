/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/range.h"

#include "tests/unit/test.h"

static const struct {
	const char *header;
	size_t part;
	bool good;
	uint64_t at, total;
} rows[] = {
	{"bytes 0-1023/5000", 1024, true, 0, 5000},
	{"bytes 4999-4999/5000", 1, true, 4999, 5000},
	{"bytes 0-4294967294/4294967295", 4294967295, true, 0, 4294967295},
	{"bytes 0-1023/5000", 1023, false, 0, 0},
	{"bytes 0-5000/5000", 5001, false, 0, 0},
	{"bytes 1-0/5000", 0, false, 0, 0},
	{"bytes 2-0/5000", SIZE_MAX, false, 0, 0},
	{"bytes 0-0/4294967296", 1, false, 0, 0},
	{"bytes 0-0/18446744073709551617", 1, false, 0, 0},
	{"bytes 0-0/*", 1, false, 0, 0},
	{"bytes */5000", 1, false, 0, 0},
	{"bytes 0-/5000", 1, false, 0, 0},
	{"bytes -0/5000", 1, false, 0, 0},
	{"bytes 0-0/", 1, false, 0, 0},
	{"bytes 0-0", 1, false, 0, 0},
	{"bytes 0-0/1 ", 1, false, 0, 0},
	{"bytes  0-0/1", 1, false, 0, 0},
	{"items 0-0/1", 1, false, 0, 0},
	{"bytes", 1, false, 0, 0},
	{"", 1, false, 0, 0},
};

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t at = 7, total = 8;
		bool good = range_read(span_str(rows[i].header), rows[i].part, &at, &total);
		CHECK(good == rows[i].good, rows[i].header);
		CHECK(at == (good ? rows[i].at : 7) && total == (good ? rows[i].total : 8),
			rows[i].header);
	}
	return test_done();
}
