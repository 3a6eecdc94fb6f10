/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/echo.h"

#include "tests/unit/oscore/fixture.h"

enum { MADE_MS = 1000000, MAX_AGE_MS = 5000 };

static const struct row {
	const char *what;
	uint64_t context, now_ms, max_age_ms;
	enum err want;
} rows[] = {
	{"at once", 7, MADE_MS, MAX_AGE_MS, ERR_OK},
	{"within its time", 7, MADE_MS + 3000, MAX_AGE_MS, ERR_OK},
	{"at the end of its time", 7, MADE_MS + MAX_AGE_MS, MAX_AGE_MS, ERR_OK},
	{"100 ms too old", 7, MADE_MS + MAX_AGE_MS + 100, MAX_AGE_MS, ERR_AUTH},
	{"an hour too old", 7, MADE_MS + 3600000, MAX_AGE_MS, ERR_AUTH},
	{"from the future", 7, MADE_MS - 100, MAX_AGE_MS, ERR_AUTH},
	{"from the far future", 7, 0, MAX_AGE_MS, ERR_AUTH},
	{"another context", 8, MADE_MS, MAX_AGE_MS, ERR_AUTH},
	{"another context, far away", 7 + (UINT64_C(1) << 40), MADE_MS, MAX_AGE_MS, ERR_AUTH},
	{"no age allowed, in the same tick", 7, MADE_MS + 99, 0, ERR_OK},
	{"no age allowed, in the next tick", 7, MADE_MS + 100, 0, ERR_AUTH},
	{"any age allowed", 7, MADE_MS + 3600000, UINT64_MAX, ERR_OK},
};

int main(void)
{
	struct osc_crypto *c = fx_crypto();
	uint8_t key[32] = {1, 2, 3}, other[32] = {1, 2, 4};
	uint8_t value[OSC_ECHO_BYTES], again[OSC_ECHO_BYTES], longer[OSC_ECHO_BYTES + 1] = {0};

	REQUIRE(osc_echo_make(c, key, 7, MADE_MS, value) == ERR_OK, "osc_echo_make");
	struct span good = SPAN_OF(value);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		CHECK(osc_echo_check(c, key, r->context, r->now_ms, r->max_age_ms, good) == r->want,
			r->what);
	}
	CHECK(osc_echo_check(c, other, 7, MADE_MS, MAX_AGE_MS, good) == ERR_AUTH, "another key");
	for (size_t n = 0; n < sizeof(value); n++)
		CHECK(osc_echo_check(c, key, 7, MADE_MS, MAX_AGE_MS, span_sub(good, 0, n)) ==
				ERR_AUTH,
			"each truncation");
	memcpy(longer, value, sizeof(value));
	CHECK(osc_echo_check(c, key, 7, MADE_MS, MAX_AGE_MS, SPAN_OF(longer)) == ERR_AUTH,
		"a trailing byte");
	for (size_t bit = 0; bit < 8 * sizeof(value); bit++) {
		memcpy(again, value, sizeof(value));
		again[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK(osc_echo_check(c, key, 7, MADE_MS, UINT64_MAX, SPAN_OF(again)) == ERR_AUTH,
			"each bit flipped");
	}
	CHECK(osc_echo_make(c, key, 7, MADE_MS + 99, again) == ERR_OK, "osc_echo_make");
	CHECK_BYTES(SPAN_OF(again), good, "the same tick gives the same value");
	CHECK(osc_echo_make(c, key, 7, MADE_MS + 100, again) == ERR_OK &&
			!span_eq(SPAN_OF(again), good),
		"the next tick another");
	osc_crypto_free(c);
	return test_done();
}
