/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/range.h"

bool range_read(struct span s, size_t part_bytes, uint64_t *at, uint64_t *total)
{
	static const struct span unit = SPAN_LIT("bytes ");
	uint64_t v[3]; /* first-last/total */
	size_t pos = unit.n;

	if (!span_eq(span_sub(s, 0, unit.n), unit))
		return false;
	for (int i = 0; i < 3; i++) {
		size_t n = 0;
		while (pos + n < s.n && s.p[pos + n] >= '0' && s.p[pos + n] <= '9')
			n++;
		if (span_to_u64(span_sub(s, pos, n), UINT32_MAX, &v[i]))
			return false;
		pos += n;
		if (i < 2 && (pos >= s.n || s.p[pos++] != "-/"[i]))
			return false;
	}
	if (pos != s.n || v[1] >= v[2] || v[1] < v[0] || v[1] - v[0] + 1 != part_bytes)
		return false;
	*at = v[0];
	*total = v[2];
	return true;
}
