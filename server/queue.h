/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the server engine: the queues of devices in queue mode (QM). Everything such a device is
 * asked for goes through its queue: stored, in order, while it is awake as many at a time as its
 * nstart says, which is one unless somebody set it. Its record
 * says that it is sent before it leaves, so what may have been done is never asked twice. */
#ifndef LANYARD_SERVER_QUEUE_H
#define LANYARD_SERVER_QUEUE_H

#include "server/server_impl.h"

/* As stored in rec_op.state; 0 is an operation that was never in a queue. */
enum srv_queued_state { SRV_QUEUED = 1, SRV_QUEUED_SENT = 2, SRV_QUEUED_DONE = 3 };

struct srv_queued {
	struct timer timer; /* first: when it expires, or its outcome does */
	struct srv_queue *queue;
	struct srv_queued *next;          /* behind it */
	struct srv_queued *older, *newer; /* outcomes, in the order they came */
	struct srv_op *op;                /* on its way */
	uint64_t id, ref, ticket, expiry_ms;
	struct lwm_prefix prefix; /* of a device behind the endpoint */
	struct lwm_path path;
	enum srv_dm_kind kind;
	uint8_t state;
	int64_t created_wall_s, ended_wall_s;
	uint8_t *data; /* packed: what is asked for; of one that is done, the outcome */
	size_t n;
};

struct srv_queue {
	uint64_t endpoint_id; /* the key */
	struct srv *srv;
	struct endpoint *endpoint;
	struct srv_queued *first;
	uint32_t waiting_n; /* not done */
};

struct srv_outcome {
	struct effect_done done;
	int64_t ended_wall_s;
	char type[40]; /* done.type points here */
};

/* queue.c */
/* Takes an operation in, and sends it at once if it can go. It is allowed. */
void srv_queue_take(struct srv *s, struct srv_reg *g, const struct srv_dm *d, struct turn *t);
/* The device is awake: the next may go. At most nstart requests leave. */
void srv_queue_next(struct srv *s, struct srv_reg *g, struct turn *t);
/* It did not answer: all wait for its next sign of life, also what has not left yet. */
void srv_queue_sleep(struct srv *s, struct srv_reg *g, struct turn *t);
/* Its operation has ended so. */
void srv_queue_result(struct srv_queued *q, const struct effect_done *e, struct turn *t);
/* The operation goes before it was answered. True: the device may be asked again, and will. False:
 * an outcome has to be told. */
bool srv_queue_back(struct srv_op *op, struct turn *t);
bool srv_queue_waits(const struct srv *s, const struct endpoint *e);
/* Something waits, or an outcome is kept. */
bool srv_queue_holds(const struct srv *s, const struct endpoint *e);
/* With everything in it. t NULL: the engine goes down. */
void srv_queue_free(struct srv *s, struct endpoint *e, struct turn *t);
MUST_USE enum err srv_queue_load(
	struct srv *s, struct endpoint *e, const struct rec_op *r, struct turn *t);
void srv_queue_timer(struct srv *s, struct turn *t);
bool srv_asleep(const struct srv *s, const struct srv_reg *g, uint64_t now_ms);

/* queue_record.c */
/* malloc'd; may hold secrets. ERR_NOMEM. */
MUST_USE enum err srv_queue_pack(const struct srv_dm *d, uint8_t **out, size_t *out_n);
/* All but kind, endpoint, path and ticket. Spans point into `s`; *records is malloc'd or NULL.
 * ERR_CORRUPT, ERR_NOMEM. */
MUST_USE enum err srv_queue_unpack(struct span s, struct srv_dm *d, struct lwm_record **records);
MUST_USE enum err srv_queue_pack_outcome(
	const struct effect_done *e, int64_t ended_wall_s, uint8_t **out, size_t *out_n);
/* Spans point into `s`. ERR_CORRUPT. */
MUST_USE enum err srv_queue_unpack_outcome(struct span s, struct srv_outcome *out);

#endif
