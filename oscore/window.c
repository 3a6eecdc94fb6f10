/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/context.h"

enum { WIDTH_DEFAULT = 32, WIDTH_MAX = 64 };

void osc_window_init(struct osc_window *w, uint8_t width)
{
	*w = (struct osc_window){.width = width};
	if (width == 0)
		w->width = WIDTH_DEFAULT;
	if (width > WIDTH_MAX)
		w->width = WIDTH_MAX;
}

void osc_window_seal(struct osc_window *w, uint64_t highest)
{
	if (!w->any || highest > w->highest)
		w->highest = highest & OSC_SSN_MAX;
	w->any = true;
	w->seen = UINT64_MAX;
}

enum err osc_window_check(const struct osc_window *w, uint64_t piv)
{
	if (piv > OSC_SSN_MAX)
		return ERR_RANGE;
	if (!w->any || piv > w->highest)
		return ERR_OK;
	uint64_t back = w->highest - piv;
	if (back >= w->width)
		return ERR_REPLAY;
	return w->seen >> back & 1 ? ERR_REPLAY : ERR_OK;
}

bool osc_window_update(struct osc_window *w, uint64_t piv)
{
	if (piv > OSC_SSN_MAX)
		return false;
	if (w->any && piv <= w->highest) {
		uint64_t back = w->highest - piv;
		if (back < WIDTH_MAX)
			w->seen |= UINT64_C(1) << back;
		return false;
	}
	uint64_t shift = w->any ? piv - w->highest : WIDTH_MAX;
	w->seen = shift < WIDTH_MAX ? w->seen << shift : 0;
	w->seen |= 1;
	w->highest = piv & OSC_SSN_MAX;
	w->any = true;
	return true;
}
