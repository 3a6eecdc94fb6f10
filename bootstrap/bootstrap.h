/* SPDX-License-Identifier: Apache-2.0 */
/* The bootstrap server engine: gives a device its server account and fresh OSCORE keys, over
 * OSCORE. Sans-IO, like the server engine. */
#ifndef LANYARD_BOOTSTRAP_BOOTSTRAP_H
#define LANYARD_BOOTSTRAP_BOOTSTRAP_H

#include "bootstrap/plan.h"
#include "endpoint/exchange.h"
#include "lwm2m/model.h"

struct bs;

/* Renders what a device was read as the JSON of an object: {"path","code","content_format",
 * "payload_hex","values"...}. The writer's error says that it does not fit. */
typedef void bs_render_fn(void *arg, const struct lwm_path *path, uint8_t code,
	int32_t content_format, struct span payload, struct span alt,
	const struct lwm_versions *versions, struct writer *w);

struct bs_opts {
	struct ep_exchange *exchange;
	uint64_t *next_event;
	struct bs_plan *configured; /* the default plan, of which it takes a reference; or NULL */
	uint8_t recipient_id_bytes;
	uint32_t session_timeout_s;
	bool pack;            /* Bootstrap-Packs are given */
	bool unasked;         /* bs_begin may be used */
	bs_render_fn *render; /* NULL: what is read is not shown */
	void *render_arg;
	uint64_t now_ms;
};

struct bs_counters {
	uint64_t requests, finished, failed, refused;
};

MUST_USE enum err bs_new(const struct bs_opts *o, struct bs **out);
/* Before the exchange is freed. */
void bs_free(struct bs *b);

/* A stored plan; e NULL: the default one, which goes before the configured. */
MUST_USE enum err bs_load_plan(struct bs *b, struct endpoint *e, struct span json);
/* There was one, and it cannot be read any more: until it is given anew there is no plan, neither
 * the default one in its place nor the configured. ERR_NOMEM. */
MUST_USE enum err bs_load_no_plan(struct bs *b, struct endpoint *e);

void bs_request(struct bs *b, struct ep_delivery *d, struct turn *t);
void bs_response(struct bs *b, struct ep_delivery *d, struct turn *t);
/* Begins a bootstrap that the device has not asked for, where it was heard of last under its
 * bootstrap keys (BS-23). ERR_UNSUPPORTED: switched off; ERR_NOTFOUND: it has no such keys,
 * ERR_STATE: or has not been heard of under them; ERR_BUSY: one is under way; ERR_CONFLICT: there
 * is no plan; ERR_NOMEM. */
MUST_USE enum err bs_begin(struct bs *b, struct endpoint *e, struct turn *t);
void bs_timer(struct bs *b, struct turn *t);
uint64_t bs_deadline_ms(const struct bs *b);
/* The first request under it was verified and answered. */
void bs_context_used(struct bs *b, struct ep_context *c, struct turn *t);
/* Before a context is closed and removed. */
void bs_context_gone(struct bs *b, struct ep_context *c, struct turn *t);
/* Whether a plan of some endpoints says when keys are too old. */
bool bs_rotates(const struct bs *b);
bool bs_has_plan(const struct endpoint *e); /* one of its own */
void bs_forget_endpoint(struct bs *b, struct endpoint *e);

/* ERR_SYNTAX with the reason in `no`, ERR_NOMEM. Recorded in the turn. A device that waits after it
 * has refused Finish gets it at once. */
MUST_USE enum err bs_plan_put(
	struct bs *b, struct endpoint *e, struct span json, struct turn *t, struct bs_refusal *no);
/* ERR_NOTFOUND. */
MUST_USE enum err bs_plan_delete(struct bs *b, struct endpoint *e, struct turn *t);

struct bs_view {
	const struct bs_plan *plan; /* in force; NULL: none */
	bool own_plan;
	const char *state; /* "idle", "discover", "read", "delete", "write", "finish", "refused",
			      "packed" */
	const char *last_result; /* "" or how the last session ended */
	int64_t last_wall_s;
	struct span reads; /* what was read: JSON objects with commas between */
};
void bs_view(const struct bs *b, const struct endpoint *e, struct bs_view *out);
const struct bs_counters *bs_counters(const struct bs *b);
size_t bs_sessions(const struct bs *b);

#endif
