/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wheel.h"

#include <stddef.h>

/* A timer stands on the level of the highest bit in which its due time differs from now, in the
 * slot of its due time's six bits there. Time that passes does not change that until now reaches
 * the slot, whose timers then move down. Hence every timer of a level is due before all of the
 * levels above, and a slot can be found again from a timer's due time alone. The last level turns
 * round: what differs in higher bits waits in its slot for as many turns (2^36 ms each) as it
 * takes. */

enum { SLOT_BITS = 6, LAST = WHEEL_LEVELS - 1 };

_Static_assert(WHEEL_SLOTS == 1 << SLOT_BITS, "one word of bits a level");

struct place {
	unsigned level;
	unsigned slot;
};

static unsigned slot_at(uint64_t time_ms, unsigned level)
{
	return (unsigned)(time_ms >> (SLOT_BITS * level)) & (WHEEL_SLOTS - 1);
}

/* due_ms is after now. */
static struct place place_of(const struct wheel *w, uint64_t due_ms)
{
	unsigned high = 63U - (unsigned)__builtin_clzll(due_ms ^ w->now_ms);
	unsigned level = high / SLOT_BITS < LAST ? high / SLOT_BITS : LAST;

	return (struct place){level, slot_at(due_ms, level)};
}

static void push(struct timer **head, struct timer *t)
{
	t->next = *head;
	t->pprev = head;
	if (t->next)
		t->next->pprev = &t->next;
	*head = t;
}

static void insert(struct wheel *w, struct timer *t)
{
	struct place at;

	if (t->due_ms <= w->now_ms) {
		push(&w->due, t);
		return;
	}
	at = place_of(w, t->due_ms);
	push(&w->slot[at.level][at.slot], t);
	w->used[at.level] |= 1ULL << at.slot;
}

/* The first used slot that time will reach, and when. False if all are empty. */
static bool next_slot(const struct wheel *w, struct place *at, uint64_t *start_ms)
{
	for (unsigned l = 0; l < WHEEL_LEVELS; l++) {
		unsigned shift = SLOT_BITS * l;
		unsigned from = slot_at(w->now_ms, l) + 1; /* the slot of now comes last */
		uint64_t used = w->used[l];
		unsigned ahead;

		if (!used)
			continue;
		if (from < WHEEL_SLOTS)
			used = used >> from | used << (WHEEL_SLOTS - from);
		ahead = from + (unsigned)__builtin_ctzll(used);
		*at = (struct place){l, ahead % WHEEL_SLOTS};
		*start_ms = (w->now_ms >> shift >> SLOT_BITS << SLOT_BITS << shift) +
			    ((uint64_t)ahead << shift);
		return true;
	}
	return false;
}

void wheel_init(struct wheel *w, uint64_t now_ms)
{
	*w = (struct wheel){.now_ms = now_ms};
}

void wheel_add(struct wheel *w, struct timer *t, uint64_t due_ms)
{
	wheel_del(w, t);
	t->due_ms = due_ms > w->now_ms ? due_ms : w->now_ms;
	insert(w, t);
}

void wheel_del(struct wheel *w, struct timer *t)
{
	if (!t->pprev)
		return;
	*t->pprev = t->next;
	if (t->next)
		t->next->pprev = t->pprev;
	t->next = NULL;
	t->pprev = NULL;
	if (t->due_ms > w->now_ms) {
		struct place at = place_of(w, t->due_ms);

		if (!w->slot[at.level][at.slot])
			w->used[at.level] &= ~(1ULL << at.slot);
	}
}

bool timer_armed(const struct timer *t)
{
	return t->pprev != NULL;
}

/* Moves the timers of a slot that begins now to lower levels, or to the expired ones. */
static void cascade(struct wheel *w, struct place at)
{
	struct timer *t = w->slot[at.level][at.slot];

	w->slot[at.level][at.slot] = NULL;
	w->used[at.level] &= ~(1ULL << at.slot);
	while (t) {
		struct timer *next = t->next;

		insert(w, t);
		t = next;
	}
}

/* Stops at each tick that has timers, so that they come in order and the list of expired ones needs
 * no sorting. */
struct timer *wheel_expire(struct wheel *w, uint64_t now_ms)
{
	struct timer *t;

	while (!w->due) {
		struct place at;
		uint64_t start_ms;

		if (!next_slot(w, &at, &start_ms) || start_ms > now_ms) {
			w->now_ms = now_ms > w->now_ms ? now_ms : w->now_ms;
			return NULL;
		}
		w->now_ms = start_ms;
		cascade(w, at);
	}
	t = w->due;
	wheel_del(w, t);
	return t;
}

uint64_t wheel_next_ms(const struct wheel *w)
{
	struct place at;
	uint64_t start_ms;

	if (w->due)
		return w->now_ms;
	return next_slot(w, &at, &start_ms) ? start_ms : UINT64_MAX;
}
