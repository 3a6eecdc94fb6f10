/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LANYARD_CMD_CORE_IMPL_H
#define LANYARD_CMD_CORE_IMPL_H

#include "cmd/core.h"
#include "server/firmware.h"

enum {
	CORE_RENEW_SLOTS = 1024,
	CORE_ROTATE_SLOTS = 8192,
	CORE_TURNS_MAX = 64,
	CORE_TURNS_APART = CORE_TURNS_MAX / 2, /* with that many in flight, the next goes on */
	CORE_TURNS_IDLE = 8,                   /* more are not kept for later */
	CORE_GATHER_MAX = 1024,                /* until it has so many records or effects */
	CORE_RECOVER_MS = 1000
};

/* How keys are renewed that come to their limits. */
enum core_renewal { CORE_RENEW_NOT, CORE_RENEW_B2, CORE_RENEW_BOOTSTRAP, CORE_RENEWALS };

/* An administrator's call that waits for its outcome. */
struct core_ticket {
	struct core_ticket *next;
	uint64_t id;
	adm_done_fn *done;
	void *done_arg;
};

/* A turn in flight: its effects wait for it and for all before it. */
struct core_turn {
	struct turn turn; /* first; and in it first the batch */
	struct core_turn *next;
	bool durable;
};

enum { CORE_UPLOADS_MAX = 8 };

/* A firmware image on its way in. */
struct core_upload {
	struct store_image_seal seal; /* first: found from it */
	struct core *core;
	uint64_t id;       /* 0: free */
	uint64_t n, bytes; /* so far, and in all */
	uint64_t last_ms;  /* boot clock */
	uint64_t ticket;   /* of the call that waits for its end; 0: none */
	bool once, sealing;
	char name[SRV_IMAGE_NAME_MAX + 1];
};

struct core {
	struct core_opts opts;
	struct store *store;
	struct ep_directory dir;
	struct ep_exchange *x;
	struct srv *srv;
	struct bs *bs;
	bool up;             /* engines are there */
	enum err failed;     /* why nothing can be stored; ERR_OK: it can; ERR_SEALED: it may not */
	uint64_t recover_ms; /* next try, in the boot clock */
	uint64_t next_event;
	uint8_t secret[32];
	/* the store clock: base + (boot - boot_start), so that downtime does not count */
	uint64_t clock_base_ms, boot_start_ms, boot_ms, started_boot_ms;
	int64_t wall_ms;
	struct core_turn *cur;
	struct core_turn *first, **last; /* in flight, oldest first */
	size_t flight_n;
	struct core_turn *idle;
	size_t idle_n;
	struct core_ticket *tickets;
	uint64_t next_ticket;
	struct ep_counters lost; /* while nothing can be stored */
	uint16_t port[CFG_LISTEN_MAX];
	struct gateway_timings timings;
	uint64_t recoveries;
	uint64_t damaged; /* rows of the database that contradict themselves, when it was loaded */
	struct core_upload upload[CORE_UPLOADS_MAX];
	uint64_t next_upload;
	/* core_limits.c */
	uint64_t limits_told[2][4];       /* of encryptions and of failures, by level */
	uint64_t renewals[CORE_RENEWALS]; /* by enum core_renewal */
	uint64_t renew_after_ms[CORE_RENEW_SLOTS];
	uint32_t rollbacks_told;
	/* core_rotate.c */
	uint64_t rotations, rotate_ms; /* begun, ever; when to look next */
	size_t rotate_at;              /* which endpoint is next */
	uint32_t rotate_after_s[CORE_ROTATE_SLOTS];
	struct ep_tally tally; /* of refusals */
	struct ep_security security;
};

static inline uint64_t core_now_ms(const struct core *c)
{
	return c->clock_base_ms + (c->boot_ms - c->boot_start_ms);
}

/* core_load.c: engines from what is stored, and their end. */
MUST_USE enum err core_load(struct core *c);
void core_unload(struct core *c);
/* The first commit, and what is to be told of how the store came up. */
MUST_USE enum err core_begin(struct core *c, bool unsealed);

/* core.c */
/* Everything of an endpoint goes, here and in storage. */
void core_forget_endpoint(struct core *c, struct endpoint *e, struct turn *t);
/* Endpoints that only an unprotected registration had brought. */
void core_forget_orphans(struct core *c, struct turn *t);
void core_deliver(struct core *c, struct ep_delivery *d);
void core_tell_refused(const struct core *c, const struct ep_delivery *d);

/* core_turn.c */
struct turn *core_cur(struct core *c);
void core_fail(struct core *c, enum err e);
uint64_t core_ticket(struct core *c, adm_done_fn *done, void *done_arg); /* 0: no memory */
void core_answer(struct core *c, const struct effect_done *e);
/* As the REST interface takes it; spans and the type are those of `e`. */
struct core_result {
	struct adm_result result;
	char detail[256], field[64];
};
void core_result_of(const struct effect_done *e, struct core_result *out);
/* While nothing can be stored, a turn holds refusals of administrators' calls and nothing else. */
void core_speak_refusals(struct core *c);
/* A context goes: every engine lets go of it first. */
void core_remove_context(struct core *c, struct ep_context *ctx, struct turn *t);

/* core_recover.c */
/* What a context is derived from is asked of storage, and told to the exchange. */
void core_ask_inputs(struct core *c, uint64_t context_id);
/* A message under recovered keys was verified: what older keys of the same secret leave to them. */
void core_recovered(struct core *c, const struct ep_delivery *d, struct turn *t);

/* core_call.c: calls whose outcome comes later */
/* Takes a ticket; false: the outcome is told already. */
bool core_call(struct core *c, adm_done_fn *done, void *done_arg, uint64_t *ticket);
/* The same, and nothing can be done while nothing can be stored. */
bool core_call_begin(struct core *c, adm_done_fn *done, void *done_arg, uint64_t *ticket);
void core_refuse(struct core *c, uint64_t ticket, int status, const char *type, const char *detail);
/* What an error of the directory means to whoever asked. */
struct core_refusal {
	int status;
	const char *type, *detail;
};
struct core_refusal core_refusal_of(enum err err);
void core_refuse_err(struct core *c, uint64_t ticket, enum err err);
/* NULL if there is none, or nothing is loaded now. */
struct endpoint *core_find(struct core *c, struct span name);
/* The endpoint of that name; NULL: the call is refused. */
struct endpoint *core_known(struct core *c, struct span name, uint64_t ticket);

/* core_admin.c */
/* A call that only looks runs outside turns as well: its time is now, not that of the last turn. */
uint64_t core_view_ms(struct core *c);
/* While it is sealed nobody's name is known. */
enum err core_not_found(const struct core *c);

/* core_limits.c */
/* Tells what the turn has to tell of keys near their limits, and has them renewed. */
void core_limits(struct core *c);
/* Whether keys of it have come to 75 % of a limit: that of failed verifications, or of encryptions.
 */
bool core_near_limit(const struct endpoint *e, bool failures);

/* Has the device get new keys in place of those of x: a registered one is told to bootstrap. False:
 * that cannot be now. */
bool core_renew(struct core *c, const struct ep_context *x, struct turn *t);

/* core_rotate.c: keys that have become too old. */
/* When x is to be replaced, since 1970; 0: never. */
int64_t core_rotation_s(const struct core *c, const struct ep_context *x);
void core_rotate(struct core *c);
/* When to look again, in the store clock; UINT64_MAX: never. */
uint64_t core_rotate_deadline_ms(const struct core *c);

/* core_explain.c */
enum err core_explain(void *arg, struct span name, struct adm_explanation *out);
void core_refusals(const struct core *c, struct adm_status *out);

/* core_security.c: tells what is due as events, into the turn. */
void core_security(struct core *c);

/* core_similar.c */
void core_similar(const struct core *c, struct span name, struct adm_explanation *out);

/* core_decode.c */
enum err core_oscore_decode(
	void *arg, struct span name, const struct adm_decode *d, struct span *json);

/* core_dm.c */
uint64_t core_dm(void *arg, const struct adm_dm *d, adm_done_fn *done, void *done_arg);
enum err core_dm_cancel(void *arg, struct span endpoint, uint64_t operation);
void core_queued_list(void *arg, struct span endpoint, adm_queued_fn *fn, void *cb_arg);
bool core_queued_get(void *arg, uint64_t id, adm_queued_fn *fn, void *cb_arg);
enum err core_queued_cancel(void *arg, uint64_t id);
void core_queued_follow(void *arg, uint64_t id, adm_done_fn *done, void *done_arg);

enum err core_device_list(
	void *arg, struct span name, struct adm_gateway_view *out, adm_device_fn *fn, void *cb_arg);

/* core_provision.c */
void core_endpoint_put(void *arg, struct span name, const struct adm_settings *s, adm_done_fn *done,
	void *done_arg);
void core_oscore_put(
	void *arg, struct span name, const struct adm_oscore *o, adm_done_fn *done, void *done_arg);

/* core_credential.c */
struct core_credential {
	uint8_t kind; /* EP_CREDENTIAL_... */
	bool bootstrap;
	struct span identity, key; /* a key has a PSK alone */
};
uint8_t core_role(bool bootstrap);
const char *core_role_name(const struct ep_credential *k);
/* Answer with 201, 200 if it is there already, 409 if it is another's; 204, 404. */
void core_credential_put(struct core *c, struct span name, const struct core_credential *k,
	adm_done_fn *done, void *done_arg);
void core_credential_delete(struct core *c, struct span name, uint8_t kind, bool bootstrap,
	adm_done_fn *done, void *done_arg);

/* core_psk.c */
enum err core_psk_list(void *arg, struct span name, adm_psk_fn *fn, void *cb_arg);
void core_psk_put(
	void *arg, struct span name, const struct adm_psk *p, adm_done_fn *done, void *done_arg);
void core_psk_delete(
	void *arg, struct span name, bool bootstrap, adm_done_fn *done, void *done_arg);

/* core_peer.c */
enum err core_peer_list(void *arg, struct span name, bool raw_key, adm_peer_fn *fn, void *cb_arg);
void core_peer_put(
	void *arg, struct span name, const struct adm_peer *p, adm_done_fn *done, void *done_arg);
void core_peer_delete(void *arg, struct span name, bool raw_key, bool bootstrap, adm_done_fn *done,
	void *done_arg);

void core_import(void *arg, struct adm_import *lines, size_t n, bool replace, adm_done_fn *done,
	void *done_arg);

/* core_safe.c */
void core_unseal(void *arg, adm_done_fn *done, void *done_arg);
void core_backup(void *arg, adm_done_fn *done, void *done_arg);

/* core_firmware.c */
struct srv_image_files core_image_files(struct core *c);
/* What no image has any more goes. */
void core_image_gone(struct core *c, const uint8_t sha256[static STORE_SHA256]);
void core_images_sweep(struct core *c);
/* Where devices fetch images from; "" if nobody knows. */
const char *core_firmware_uri(const struct cfg *g);
/* The table's entries. */
void core_firmware_ops(struct adm_ops *out);

/* core_metrics.c */
void core_metrics(void *arg, adm_metric_fn *fn, void *cb_arg);

#endif
