/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations of the storage thread, and of opening a store, fail, each in its turn: in SQLite, in
 * folding, in loading what is stored. It is as if the disk had failed: no crash, no half-done
 * change, and it works again by itself.
 *
 * FAULT_FULL=1: every allocation; else a choice of them, from SEED. */
#include "tests/unit/fault/mend.h"
#include "tests/unit/fault/sweep.h"

/* Of the allocations since it was armed. */
static struct {
	uint64_t n, fail_at, fail_last;
	bool on;
	pthread_t main;
} heap;

static void heap_arm(uint64_t fail_at, uint64_t calls)
{
	heap.n = 0;
	heap.fail_at = fail_at;
	heap.fail_last = calls ? fail_at + calls - 1 : UINT64_MAX;
	heap.main = pthread_self();
	heap.on = true;
}

#ifdef __SANITIZE_ADDRESS__ /* which has the allocator for itself */
enum { CAN_FAIL = false };
#else
enum { CAN_FAIL = true };
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

static bool fails(void)
{
	if (!heap.on || disk.busy || (pthread_equal(pthread_self(), heap.main) && !rig.opening))
		return false;
	heap.n++;
	return heap.fail_at && heap.n >= heap.fail_at && heap.n <= heap.fail_last;
}

void *malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}
#endif

static uint64_t count(const struct scene *c)
{
	rig_begin(7);
	c->before();
	heap_arm(0, 0);
	c->during();
	heap.on = false;
	rig_end();
	return heap.n;
}

static void play(const struct scene *c, uint64_t at, unsigned way)
{
	static const uint64_t calls[] = {1, 5, 0};
	mend_begin(c);
	disk_arm(0);
	rig.starved = true;
	heap_arm(at, calls[way]);
	c->during();
	heap.on = false;
	mend();
	mend_end();
}

int main(int argc, char **argv)
{
	/* SQLite keeps some memory at hand, how much depends on its version. */
	static const struct sweep sweep = {count, play, 3, 12, true};
	if (CAN_FAIL)
		return sweep_main(&sweep, argc, argv);
	CHECK(true, "nothing to be done here");
	return test_done();
}
