/* SPDX-License-Identifier: Apache-2.0 */
#include "config/value.h"

#include <string.h>

enum { WORD_MAX = 32, PART_MIN = 4, FAR = WORD_MAX };

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein's, with one row. */
static size_t distance(const char *a, const char *b)
{
	size_t an = strlen(a), bn = strlen(b);
	size_t row[WORD_MAX + 1];

	if (an > WORD_MAX || bn > WORD_MAX)
		return FAR;
	for (size_t j = 0; j <= bn; j++)
		row[j] = j;
	for (size_t i = 1; i <= an; i++) {
		size_t corner = row[0];
		row[0] = i;
		for (size_t j = 1; j <= bn; j++) {
			size_t above = row[j];
			row[j] = min3(above + 1, row[j - 1] + 1, corner + (a[i - 1] != b[j - 1]));
			corner = above;
		}
	}
	return row[bn];
}

/* Whether one is a part of the other: "timeout" for "session_timeout". */
static bool is_part(const char *a, const char *b)
{
	if (strlen(a) < PART_MIN || strlen(b) < PART_MIN)
		return false;
	return strstr(a, b) || strstr(b, a);
}

const char *cfg_suggest(const char *text, const char *const *names, size_t n)
{
	size_t best = 2 + strlen(text) / 4; /* one more than may be wrong */
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(text, names[i]);
		if (d < best && d < strlen(names[i])) {
			best = d;
			found = names[i];
		}
	}
	for (size_t i = 0; i < n && !found; i++)
		if (is_part(text, names[i]))
			found = names[i];
	return found;
}
