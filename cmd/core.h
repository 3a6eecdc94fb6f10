/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon without sockets and clocks: directory, exchange, both engines and the store, turn by
 * turn. lanyardd gives it datagrams and time; tests give it whatever they like. */
#ifndef LANYARD_CMD_CORE_H
#define LANYARD_CMD_CORE_H

#include "admin/ops.h"
#include "bootstrap/bootstrap.h"
#include "cmd/core_firmware.h"
#include "config/config.h"
#include "server/server.h"
#include "storage/store.h"

/* What leaves the core, when it may leave. */
struct core_io {
	void (*send)(void *arg, const struct peer *to, struct span bytes);
	void (*event)(void *arg, const struct rec_event *e);
	/* A request was refused: to be logged, some of them. */
	void (*refused)(void *arg, const struct ep_delivery *d);
	/* An administrator's call left something in the turn: call core_turn_end soon, not now. */
	void (*wake)(void *arg);
	/* Storage failed, works again or is sealed (ERR_SEALED): to be logged. */
	void (*storage)(void *arg, enum err e);
	/* The database was rolled back: to be logged. */
	void (*rolled_back)(void *arg, uint32_t rollbacks);
	/* A row of the database contradicts itself: to be logged. `endpoint` is empty where it is
	 * nobody's, or not known whose. May be NULL. */
	void (*damaged)(void *arg, const struct rec_damage *r, struct span endpoint);
	/* What sockets and sessions have to tell, beside the core's metrics. May be NULL. */
	void (*metrics)(void *arg, adm_metric_fn *fn, void *cb_arg);
	/* Likewise of gateways, into `out->gateways`. May be NULL. */
	void (*gateways)(void *arg, struct adm_status *out);
	void *arg;
};

struct core_opts {
	const struct cfg *cfg;
	struct core_io io;
	struct rng rng;
	const struct core_images *images; /* outlives the core; NULL: there is no place for any */
};

struct core;

/* The store's done function, with the core as its argument: open the store with both, then
 * core_start. */
MUST_USE enum err core_new(const struct core_opts *o, struct core **out);
void core_store_done(void *core, struct batch *b);
/* Loads everything and makes the first commit; a sealed store is left alone, and requests get 5.03
 * until an administrator opens it. boot_ms is a clock that never jumps and counts sleep
 * (CLOCK_BOOTTIME); wall_ms is for people. Takes the store. */
MUST_USE enum err core_start(struct core *c, struct store *s, uint64_t boot_ms, int64_t wall_ms);
/* Ends without a word, like a crash, after core_stop or without it. */
void core_free(struct core *c);

/* Time of the turn that begins. Call before the calls below, once for each pass of the loop. */
void core_time(struct core *c, uint64_t boot_ms, int64_t wall_ms);
void core_input(struct core *c, const struct peer *from, struct span datagram);
/* These datagrams come next. Changes nothing; it makes many at once faster. */
void core_expect(const struct core *c, const struct span *datagrams, size_t n);
/* The same by DTLS; `mark` is that of the credential the session was opened with. */
void core_input_by(struct core *c, const struct peer *from, uint64_t mark, struct span datagram);
/* For handshakes at that listener, at any time. False: nobody has that PSK identity there. */
bool core_psk(const struct core *c, size_t listener, struct span identity, struct channel_psk *out);
/* Is there a credential of that mark, for that listener's role? */
bool core_credential_known(const struct core *c, size_t listener, uint64_t mark);
/* Whose a certificate or raw public key is at that listener, as net_secure's `peer` has it. In a
 * turn, if it is proven: then the credential of an endpoint that a trusted certificate names, and
 * with "certificates = any" that endpoint, are made where they are not there. */
enum channel_fault core_channel_peer(struct core *c, size_t listener,
	const struct channel_peer *peer, struct channel_owner *out);
/* A handshake came to nothing; why, for an operator (NULL: it is not counted now). In a turn. */
const char *core_channel_failed(
	struct core *c, const struct peer *from, const struct channel_failure *f);
/* A connection has ended. In a turn. */
void core_closed(struct core *c, const struct peer *who);
/* What io.send was given did not leave: there is no such connection, or the gateway's link is down.
 * From within it too. */
void core_unsent(struct core *c, const struct peer *to, struct span datagram);
/* The link of a gateway has come up. In a turn. */
void core_link_up(struct core *c, uint16_t gateway);
/* A device behind a gateway takes at most that long messages; 0: what its gateway takes. In a turn.
 */
void core_mtu(struct core *c, const struct peer *p, uint32_t bytes);
/* What is due by now. */
void core_timers(struct core *c);
/* The end of a turn: records are submitted; effects leave, now or when they may. */
void core_turn_end(struct core *c);
/* store_fd is readable. */
void core_store_poll(struct core *c);
int core_store_fd(const struct core *c);
/* In the clock of boot_ms; UINT64_MAX: nothing is due. */
uint64_t core_deadline_ms(const struct core *c);
/* Clean stop: waits for what is under way, then stores exact windows. No input afterwards. */
MUST_USE enum err core_stop(struct core *c);

/* The REST interface's table. Outcomes never come before the call that asked has returned. */
void core_admin_ops(struct core *c, struct adm_ops *out);
void core_listener_port(struct core *c, size_t index, uint16_t port);
/* One line for sd_notify's STATUS. */
void core_status_text(const struct core *c, struct writer *w);

#endif
