/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/datetime.h"

/* n digits, then one of the characters of `behind` (none if empty). */
static int64_t field(struct reader *r, size_t n, const char *behind, int64_t least, int64_t most)
{
	uint64_t v = 0;

	if (span_to_u64(rd_bytes(r, n), UINT64_MAX, &v))
		rd_fail(r, ERR_SYNTAX);
	if (!r->err && ((int64_t)v < least || (int64_t)v > most))
		rd_fail(r, ERR_RANGE);
	if (*behind) {
		uint8_t c = rd_u8(r);
		bool found = false;

		for (; *behind; behind++)
			found |= c == (uint8_t)*behind;
		if (!found)
			rd_fail(r, ERR_SYNTAX);
	}
	return (int64_t)v;
}

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t days_of_month(int64_t year, int64_t month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970-01-01, in the proleptic Gregorian calendar; the year is 0 to 9999. */
static int64_t day_number(int64_t year, int64_t month, int64_t day)
{
	/* The leap days before this year, year 0 being one; 719528 days lie before 1970. */
	int64_t before = year ? (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 + 1 : 0;
	int64_t n = 365 * year + before + day - 1 - 719528;

	for (int64_t m = 1; m < month; m++)
		n += days_of_month(year, m);
	return n;
}

/* What lies between the seconds and the offset: nothing, or a fraction of zeros. */
static uint8_t skip_fraction(struct reader *r)
{
	uint8_t c = rd_u8(r);
	size_t digits = 0;

	if (c != '.')
		return c;
	while ((c = rd_u8(r)) == '0')
		digits++;
	if (digits == 0)
		rd_fail(r, ERR_SYNTAX);
	return c;
}

static int64_t offset_s(struct reader *r, uint8_t sign)
{
	int64_t s;

	if (sign == 'Z' || sign == 'z')
		return 0;
	if (sign != '+' && sign != '-')
		rd_fail(r, ERR_SYNTAX);
	s = 3600 * field(r, 2, ":", 0, 23);
	s += 60 * field(r, 2, "", 0, 59);
	return sign == '-' ? -s : s;
}

enum err lwm_datetime_parse(struct span text, int64_t *out_s)
{
	struct reader r = rd_make(text);
	int64_t year = field(&r, 4, "-", 0, 9999);
	int64_t month = field(&r, 2, "-", 1, 12);
	int64_t day = field(&r, 2, "Tt ", 1, 31);
	int64_t s = 3600 * field(&r, 2, ":", 0, 23);

	s += 60 * field(&r, 2, ":", 0, 59);
	s += field(&r, 2, "", 0, 60);
	s -= offset_s(&r, skip_fraction(&r));
	if (rd_end(&r))
		return r.err == ERR_RANGE ? ERR_RANGE : ERR_SYNTAX;
	if (day > days_of_month(year, month))
		return ERR_RANGE;
	*out_s = 86400 * day_number(year, month, day) + s;
	return ERR_OK;
}
