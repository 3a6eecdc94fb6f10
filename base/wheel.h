/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LANYARD_BASE_WHEEL_H
#define LANYARD_BASE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

/* A hierarchical timer wheel, one-millisecond ticks, intrusive. A timer fires at or after its due
 * time, never before. Add and remove are O(1); no allocation. */
struct timer {
	struct timer *next;
	struct timer **pprev; /* NULL: not armed */
	uint64_t due_ms;
};

enum { WHEEL_LEVELS = 6, WHEEL_SLOTS = 64 };

struct wheel {
	uint64_t now_ms;
	uint64_t used[WHEEL_LEVELS]; /* a bit for each non-empty slot */
	struct timer *due;           /* expired, not yet taken */
	/* The last level also holds what lies beyond it. */
	struct timer *slot[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, uint64_t now_ms);
/* Arms or re-arms. A due time in the past becomes now and fires at the next wheel_expire. */
void wheel_add(struct wheel *w, struct timer *t, uint64_t due_ms);
/* Harmless on a timer that is not armed. */
void wheel_del(struct wheel *w, struct timer *t);
bool timer_armed(const struct timer *t);
/* Moves time on to now_ms (never back) and returns one expired timer, disarmed, or NULL when there
 * is none left. Call until NULL. Timers come in order of their due time within a call's tick. */
struct timer *wheel_expire(struct wheel *w, uint64_t now_ms);
/* No timer fires before this; UINT64_MAX if none is armed. May be early, by less than the distance
 * to the next cascade, never late. */
uint64_t wheel_next_ms(const struct wheel *w);

#endif
