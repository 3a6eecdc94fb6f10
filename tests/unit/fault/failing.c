/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that change the disk fail, each in its turn: once, for some time, or until it is mended; as
 * full, as broken, as read-only. Meanwhile only 5.03 in the clear leaves; afterwards it works by
 * itself, nothing acknowledged is lost, and the store is not sealed. Power may be cut on top.
 *
 * FAULT_FULL=1: every call in every way; else a choice of them, from SEED. */
#include "tests/unit/fault/mend.h"
#include "tests/unit/fault/sweep.h"

static const struct way {
	int no;
	uint64_t calls; /* 0: until it is mended */
	bool cut;       /* power, once it works again */
} ways[] = {
	{ENOSPC, 1, false},
	{ENOSPC, 0, true},
	{EIO, 1, true},
	{EIO, 1, false},
	{EIO, 3, false},
	{EIO, 0, false},
	{EROFS, 0, false},
};

enum { WAYS = sizeof(ways) / sizeof(*ways) };

static uint64_t count(const struct scene *c)
{
	rig_begin(7);
	c->before();
	disk_arm(0);
	c->during();
	uint64_t n = disk.calls;
	rig_end();
	return n;
}

static void play(const struct scene *c, uint64_t at, unsigned way)
{
	mend_begin(c);
	disk_fail(at, ways[way].calls, ways[way].no);
	c->during();
	disk_arm(0);
	mend();
	if (ways[way].cut && !rig_sim.core->failed)
		mend_cut_power(at);
	mend_end();
}

int main(int argc, char **argv)
{
	static const struct sweep sweep = {count, play, WAYS, 12, false};
	return sweep_main(&sweep, argc, argv);
}
