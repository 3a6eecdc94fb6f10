/* SPDX-License-Identifier: Apache-2.0 */
/* How much a key may do (draft-ietf-core-oscore-key-limits): messages encrypted (q) and messages
 * that failed to verify (v). What has been done is counted or estimated here, and told when a
 * limit comes near or is reached; who renews the keys is not decided here. */
#ifndef LANYARD_ENDPOINT_LIMITS_H
#define LANYARD_ENDPOINT_LIMITS_H

#include "endpoint/endpoint.h"

struct ep_exchange;

enum ep_level {
	EP_LEVEL_FINE,
	EP_LEVEL_NEAR, /* 75 %: an operator is told */
	EP_LEVEL_DUE,  /* the keys are to be renewed: 15/16 of q, so that a device that is there
			  never notices; all of v, which harms nobody */
	EP_LEVEL_OVER, /* of q: requests get a protected error, and none of ours goes out */
};

enum {
	/* Failures are recorded at each of so many: what a crash may forget. */
	EP_FAILURES_STEP = 256,
	/* So many records of them a second, for all: what a flood may write. */
	EP_FAILURES_RECORDS = 64,
	/* At v so many messages a second may fail: from where the device was heard of last, and
	 * from all other addresses. */
	EP_TRIALS_KNOWN = 16,
	EP_TRIALS_OTHER = 4,
	/* So many protected errors after q; then unprotected ones. */
	EP_USE_SLACK = 4096,
	/* From 75 % on so many offers of new keys by B.2; one more when they are due, and then in
	 * turn with what else there is. */
	EP_OFFERS_NEAR = 2,
	EP_OFFERS_MAX = 3,
};

/* Messages encrypted under either key: numbers of ours, those that a rollback left out not counted,
 * and the device's up to its highest. Not less than what was done by far, since a number is taken
 * for a message. */
uint64_t ep_used(const struct ep_context *c);
/* Of encryptions. */
enum ep_level ep_use_level(const struct ep_context *c);
/* Of failed verifications; EP_LEVEL_DUE at most. */
enum ep_level ep_failure_level(const struct ep_context *c);
/* Of either, the higher. */
enum ep_level ep_key_level(const struct ep_context *c);
/* Whether new keys may be made of c's secret by RFC 8613 Appendix B.2 when it comes to its limits:
 * where the setting is b2, or auto and the device has shown by these keys that it knows the
 * procedure. */
bool ep_renewable(const struct ep_directory *d, const struct ep_context *c);
/* Whether nothing of ours may go out under it any more: used up, or (`hard`) attacked too much. */
bool ep_spent(const struct ep_directory *d, const struct ep_context *c);

/* Puts it on the list of what is to be told, if its level was `before` and has risen. */
void ep_use_news(struct ep_directory *d, struct ep_context *c, enum ep_level before);
/* A verified message has come under it: to be told if its keys are due to be renewed, or may be
 * offered new ones. */
void ep_heard_news(struct ep_directory *d, struct ep_context *c);
/* The list is short, and what finds no room is not told.
 * False: there is none. Before contexts are removed, or they are forgotten with them. */
bool ep_take_news(struct ep_directory *d, struct ep_news *out);
void ep_forget_news(struct ep_directory *d, const struct ep_context *c);

/* Whether a message from there may be tried under it now: below v always. */
bool ep_trial_allowed(const struct ep_exchange *x, const struct ep_context *c,
	const struct peer *from, uint64_t now_ms);
/* It was, and failed. */
void ep_trial_failed(
	struct ep_exchange *x, struct ep_context *c, const struct peer *from, struct turn *t);

#endif
