/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the server engine: shared by its files, for nobody else. */
#ifndef LANYARD_SERVER_SERVER_IMPL_H
#define LANYARD_SERVER_SERVER_IMPL_H

#include "lwm2m/format.h"
#include "lwm2m/regparam.h"
#include "server/firmware.h"
#include "server/server.h"

enum {
	SRV_LOCATION_CHARS = 10,
	SRV_OPS_MAX = 64,
	SRV_OBSERVATIONS_MAX = 256,
	SRV_FORMATS_MAX = 6,
	SRV_PARAMETERS_MAX = 512, /* bytes of an Observe's parameters */
	SRV_ATTEMPTS_MAX = SRV_FORMATS_MAX + 1,
	SRV_TEXT_MAX = 96 << 10,     /* an object list of LWM_LIST_MAX links and more */
	SRV_EVENT_MAX = 16 << 10,    /* a notification's event */
	SRV_EVENT_PAYLOAD_MAX = 2048 /* bytes of payload shown in it */
};

/* Something an endpoint is asked for, until its outcome is told. */
struct srv_op {
	struct srv_op *next;
	struct srv_reg *reg;
	struct endpoint *endpoint;
	struct srv_queued *queued;  /* its place in a queue, which is told; or NULL */
	struct ep_request *request; /* NULL for SRV_OBSERVE and SRV_CANCEL: the observation's */
	enum srv_dm_kind kind;
	struct lwm_prefix prefix; /* of a device behind it, or of none */
	struct lwm_path path;
	uint64_t id;         /* of its record; 0: none */
	uint64_t ticket;     /* 0: nobody waits any more */
	uint32_t lifetime_s; /* a Write of /1/x/1: what it becomes */
	bool sets_lifetime;
	bool renews;
	struct srv_fw *fw;           /* it is a step of this one, until it was told the outcome */
	struct srv_gateway *gateway; /* likewise: it asks for the devices behind it */
	struct ep_source source;     /* the value, if it is not in an attempt */
	int8_t depth;                /* of a Discover; -1: none */
	uint16_t iid;                /* of a Create; LWM_ID_NONE: the device chooses */
	char location[LWM_PATH_TEXT_MAX]; /* of what a Create made; "" not known */
	struct srv_attempt {              /* ways to put it, best first */
		uint16_t cf;
		uint16_t accept;  /* SRV_READ_COMPOSITE: what the answer is to be */
		bool at_instance; /* asked of the Object Instance, not of its Resource (CT-45) */
		uint8_t *payload; /* SRV_ATTRIBUTES: their text */
		size_t n;
	} attempt[SRV_ATTEMPTS_MAX];
	uint8_t attempt_n, attempt_at;
	bool wants_format;       /* the administrator said which */
	struct srv_parts *parts; /* NULL: it is asked whole */
};

/* What a composite is about, sorted, each once. */
struct srv_names {
	struct lwm_target v[SRV_NAMES_MAX];
	size_t n;
};
enum { SRV_NAMES_BODY_MAX = 64 + SRV_NAMES_MAX * (LWM_TARGET_TEXT_MAX + LWM_ALT_PATH_MAX + 8) };

struct srv_observation {
	struct srv_observation *next;
	struct srv_reg *reg; /* NULL: wanted, but not registered now */
	struct endpoint *endpoint;
	struct ep_request *request; /* NULL: not asked for, or not yet. Its `user` is this */
	struct srv_op *op;          /* who waits for it to be set up, or cancelled */
	struct lwm_prefix prefix;   /* of a device behind it, or of none */
	struct lwm_path path;
	struct srv_names *names; /* of a composite, whose path is the root; else NULL */
	char *attributes;        /* "pmin=10&gt=5": its parameters (ATT-07); NULL: none */
	int32_t content_format;  /* asked for by the administrator; -1: ours to choose */
	uint16_t asked;          /* the format asked for last */
	uint8_t tried;           /* srv_format_bit of what was refused, in this try */
	bool active;
	uint64_t id; /* of its record */
	uint64_t notifications;
	int64_t last_wall_s;
};

/* What few registrations have: others pay for a pointer alone. */
struct srv_rare {
	char *sms;                   /* NULL: none */
	struct srv_gateway *gateway; /* NULL: it lists no Object 25 */
};

struct srv_reg {
	struct timer timer; /* first: the end of its lifetime and grace */
	struct endpoint *endpoint;
	struct ep_context *ctx; /* NULL: unprotected */
	struct peer *peer;      /* of an unprotected one */
	struct srv_op *ops;
	uint64_t expiry_ms; /* UINT64_MAX: never */
	uint64_t awake_ms;  /* the last message from it or to it (QM-03) */
	int64_t registered_wall_s, heard_wall_s;
	uint32_t lifetime_s;
	uint8_t lwm2m, binding;
	/* What its refusals taught: bits of srv_format_bit. */
	uint8_t reads_not, writes_not;
	bool at_instance;  /* takes no partial Write of a Resource */
	bool no_composite; /* refuses composites, or never answers them (CT-08) */
	bool queue;
	bool settled; /* observations were set up since the start or the last Register */
	char location[SRV_LOCATION_CHARS + 1];
	struct srv_rare *rare; /* NULL: nothing of it */
	struct lwm_object_list list;
};

static inline struct srv_gateway *srv_gateway_of(const struct srv_reg *g)
{
	return g->rare ? g->rare->gateway : NULL;
}

/* Not under OSCORE, but in a DTLS or TLS channel of its own. */
static inline bool srv_reg_in_channel(const struct srv_reg *g)
{
	return !g->ctx && g->peer && bearer_is_channel(g->peer->bearer);
}

/* What an endpoint is to the server: hangs off struct endpoint's `registration`. */
struct srv_endpoint {
	struct srv_reg *reg;
	struct srv_observation *observations; /* wanted ones */
	bool orphan;
};

/* What is to be asked of a device next, for its firmware. */
enum srv_fw_ask {
	SRV_FW_ASK_NOTHING,
	SRV_FW_ASK_DELIVERY,  /* /5/0/9 */
	SRV_FW_ASK_PROTOCOLS, /* /5/0/8 */
	SRV_FW_ASK_AUTO,      /* /5/0/14 */
	SRV_FW_ASK_OBSERVE,   /* of /5/0/3 */
	SRV_FW_ASK_STATE,     /* /5/0/3 */
	SRV_FW_ASK_RESULT,    /* /5/0/5 */
	SRV_FW_ASK_CANCEL,    /* Execute /5/0/10 */
	SRV_FW_ASK_EMPTY,     /* write nothing to /5/0/0, or to /5/0/1 */
	SRV_FW_ASK_SEND,      /* write /5/0/0, or /5/0/1 */
	SRV_FW_ASK_UPDATE,    /* Execute /5/0/2 */
};

/* A firmware update. */
struct srv_fw {
	struct timer timer; /* first: when to go on, or to give up */
	struct srv *srv;
	struct endpoint *endpoint;
	struct srv_image *image; /* NULL: none of ours */
	struct srv_op *op;       /* the question under way */
	enum srv_fw_method method;
	enum srv_fw_step step;
	enum srv_fw_outcome outcome;
	enum srv_fw_ask next, asked;
	bool executed, observing;
	bool automatic; /* the device updates by itself when it has downloaded */
	bool waiting;   /* for the device to be heard of */
	bool busy;      /* it was in another state than idle since the package was sent */
	uint8_t state, result, result_before; /* of the device */
	uint8_t refusal;                      /* its answer to the last write */
	uint8_t sends, executes, misses, idles;
	uint8_t told; /* tenths of the image, by events */
	uint64_t progress_ms, sent, noted;
	int64_t created_wall_s, changed_wall_s;
	char image_name[SRV_IMAGE_NAME_MAX + 1];
	char detail[SRV_FW_DETAIL_MAX];
	char uri[SRV_URI_MAX + 1];
};

struct srv_firmware {
	struct wheel wheel;
	struct map by_endpoint; /* struct srv_fw */
	struct srv_image *images;
	struct srv_fw_counters count;
};

/* profile.c */
enum {
	SRV_PROFILES_MAX = 16384,     /* endpoints */
	SRV_PROFILE_MAX = 8 << 10,    /* bytes of a list */
	SRV_PROFILES_BYTES = 8 << 20, /* of all */
};
struct srv_profiles {
	uint8_t seed[16];
	struct srv_profile *oldest, *newest;
	struct map by_endpoint; /* struct srv_profile: few devices have one */
	size_t bytes;
};

struct srv {
	struct srv_opts opts;
	struct ep_exchange *x;
	struct ep_directory *dir;
	struct wheel reg_wheel;
	struct map by_location;
	struct map by_peer;        /* of unprotected ones, where several may be */
	struct map queues, by_ref; /* queue.h */
	struct wheel queue_wheel;
	size_t queued_n, queue_bytes; /* waiting; and with outcomes */
	struct srv_queued *outcomes, *last_outcome;
	size_t outcome_n, outcome_bytes;
	struct srv_counters count;
	struct srv_firmware firmware;
	struct srv_profiles profiles;
	size_t device_bytes; /* what is known of devices behind gateways */
	size_t observation_n, op_n;
	struct endpoint **orphans; /* came unprotected and are gone */
	size_t orphan_n, orphan_cap;
	uint8_t text[SRV_TEXT_MAX], event[2 * SRV_TEXT_MAX]; /* work space for lists and events */
};

struct srv_endpoint *srv_of(struct endpoint *e);      /* makes it; NULL: no memory */
struct srv_reg *srv_reg_of(const struct endpoint *e); /* NULL: not registered */

/* server.c: nothing of the endpoint is left here but its name, unless something else needs it. */
void srv_orphan(struct srv *s, struct endpoint *e);

/* server.c: a sign of life has been dealt with: what waits for one may go. */
void srv_woken(struct srv *s, struct srv_reg *g, struct turn *t);

/* registration.c */
void srv_register(struct srv *s, struct ep_delivery *d, struct turn *t);
void srv_update(struct srv *s, struct ep_delivery *d, struct span location, struct turn *t);
void srv_deregister(struct srv *s, struct ep_delivery *d, struct span location, struct turn *t);
/* Takes the registration away, with everything that runs over it. `event` NULL: replaced, no event.
 */
void srv_reg_end(struct srv *s, struct srv_reg *g, const char *event, struct turn *t);
/* It goes on under other keys, or from another address: what was asked under the old ones ends. */
void srv_reg_rekey(struct srv *s, struct srv_reg *g, struct ep_context *now, struct turn *t);
void srv_reg_heard(struct srv_reg *g, const struct turn *t);
void srv_refuse(struct srv *s, struct ep_delivery *d, struct endpoint *e, enum ep_reason why,
	uint8_t code, struct turn *t);

/* profile.c: what profiles stand for is learned of each device (PID-04). */
void srv_profiles_init(struct srv *s);
void srv_profiles_fini(struct srv *s);
/* The list, as text; empty: it is not known. It lives until the endpoint uses another. */
struct span srv_profile_links(const struct srv *s, const struct endpoint *e, struct span pid);
/* It gets 4.09 for that: what it sends next with it is the whole list. */
void srv_profile_ask(struct srv *s, struct endpoint *e, struct span pid);
bool srv_profile_asked(const struct srv *s, const struct endpoint *e, struct span pid);
void srv_profile_learn(
	struct srv *s, struct endpoint *e, struct span pid, const struct lwm_object_list *l);
void srv_profile_forget(struct srv *s, struct endpoint *e);

/* send.c */
void srv_send(struct srv *s, struct ep_delivery *d, struct turn *t);

/* reg_record.c */
void srv_reg_record(struct srv *s, struct turn *t, const struct srv_reg *g);
void srv_reg_event(struct srv *s, struct turn *t, const char *type, const struct srv_reg *g);
void srv_reg_arm(struct srv *s, struct srv_reg *g);
void srv_reg_free(struct srv *s, struct srv_reg *g);
/* Makes it; NULL: no memory. */
struct srv_rare *srv_reg_rare(struct srv_reg *g);
/* False: no memory. */
bool srv_reg_set_sms(struct srv_reg *g, struct span sms);
/* An unprotected one speaks from another address now. */
void srv_reg_move(struct srv *s, struct srv_reg *g, const struct peer *to, struct turn *t);
enum err srv_reg_insert(struct srv *s, struct srv_reg *g);

/* formats.c */
/* Of the objects the device registered, or of those of a device behind it; the result refers to
 * both. */
struct lwm_versions srv_versions(const struct srv_reg *g, const struct lwm_prefix *prefix);
/* Of records whose prefixes tell. */
struct lwm_versions srv_versions_of_all(const struct srv_reg *g);
/* What a payload is to be. */
enum srv_use {
	SRV_USE_NONE,
	SRV_USE_READ,    /* answers, notifications */
	SRV_USE_WRITE,   /* values that replace */
	SRV_USE_PARTIAL, /* what is POSTed: only formats that name what they carry (DM-07) */
};
/* Content formats to try for values at `p`, best first; `wanted` (not below 0) alone, if given. */
size_t srv_formats(const struct srv_reg *g, const struct lwm_target *at, enum srv_use use,
	int32_t wanted, uint16_t out[static SRV_FORMATS_MAX]);
/* 0: not a format one could choose. */
uint8_t srv_format_bit(uint32_t cf);
/* A format was taken, after those in `refused` (bits) were not. */
void srv_formats_learn(struct srv_reg *g, enum srv_use use, uint16_t cf, uint8_t refused);

/* op_build.c */
const char *srv_op_name(enum srv_dm_kind kind);
/* Recorded before it is sent: a crash must not hide that it may have happened. */
bool srv_op_kept(enum srv_dm_kind kind);
enum srv_use srv_op_use(enum srv_dm_kind kind);
/* Whether it may be sent to that device at all; else why not. */
struct srv_refusal {
	int status; /* 422, or 404 */
	const char *type;
	char detail[192];
};
bool srv_op_allowed(const struct srv_reg *g, const struct srv_dm *d, struct srv_refusal *why);
/* Puts the ways to ask into op->attempt. ERR_UNSUPPORTED (no format carries the values), ERR_SPACE,
 * ERR_NOMEM. */
MUST_USE enum err srv_op_prepare(struct srv *s, struct srv_op *op, const struct srv_dm *d);
/* Sends the attempt at attempt_at. */
MUST_USE enum err srv_op_send(struct srv *s, struct srv_op *op, struct turn *t);

/* dm.c */
/* Nothing can go out under its keys. */
#define SRV_USED_UP                                                                                \
	"its keys, or our numbers under them, are used up: it has to bootstrap, or needs new "     \
	"credentials; see explain"
/* In the list of its registration. NULL: too many, or no memory. */
struct srv_op *srv_op_new(struct srv *s, const struct srv_dm *d, struct srv_reg *g);
void srv_op_start(struct srv *s, struct srv_op *op, const struct srv_dm *d, struct turn *t);
void srv_op_refuse(uint64_t ticket, enum err err, struct turn *t);
/* A request's `user` is an observation if it has `observe` set, else an operation. */
void srv_ops_drop(
	struct srv *s, struct srv_reg *g, const char *type, const char *why, struct turn *t);
void srv_op_delivery(struct srv *s, struct srv_op *op, struct ep_delivery *d, struct turn *t);
void srv_op_finish(struct srv *s, struct srv_op *op, struct turn *t);
void srv_op_done(
	struct srv_op *op, int status, const char *type, const char *detail, struct turn *t);
/* A response as an outcome: payload and code go along. */
void srv_op_answer(struct srv_op *op, const struct msg *m, struct turn *t);
MUST_USE enum err srv_ask(struct srv *s, struct srv_reg *g, struct msg *m, bool observe, void *user,
	struct turn *t, struct ep_request **out);

/* What its attempts hold is wiped. */
void srv_op_clear(struct srv_op *op);

/* gateway.c: the devices behind a gateway (GW) */
/* A registration has come, or its list has changed: it is read again, if it lists Object 25. */
void srv_gateway_listed(struct srv *s, struct srv_reg *g, struct turn *t);
/* Heard of: asks, if there is something to ask. */
void srv_gateway_ask(struct srv_reg *g, struct turn *t);
/* An Update has come without a list: one more try, if it never answered. */
void srv_gateway_again(struct srv_reg *g);
/* It goes with its registration; all of its operations are gone. */
void srv_gateway_free(struct srv_gateway *k);
/* A newer registration of the same device takes over what is known. */
void srv_gateway_hand_over(struct srv_reg *from, struct srv_reg *to);
/* The operation that asks; NULL: it has ended. */
void srv_gateway_asks(struct srv_gateway *k, struct srv_op *op);
void srv_gateway_answered(
	struct srv_gateway *k, const struct srv_op *op, const struct msg *m, struct turn *t);
void srv_gateway_unanswered(struct srv_gateway *k);
/* Something came of an observation of the endpoint itself. */
void srv_gateway_notified(struct srv_reg *g, const struct lwm_path *p);
/* A Create or Delete of ours, at a device behind it. */
void srv_gateway_made(
	struct srv_reg *g, const struct lwm_prefix *prefix, uint16_t oid, uint16_t iid);
void srv_gateway_unmade(
	struct srv_reg *g, const struct lwm_prefix *prefix, const struct lwm_path *p);
/* Whether a device with that prefix (empty: the endpoint itself) may be asked for `p`. */
bool srv_gateway_knows(const struct srv_reg *g, struct span prefix, const struct lwm_path *p,
	struct srv_refusal *why);
/* What it has; of the endpoint itself if the prefix is empty. NULL: not known. */
const struct lwm_object_list *srv_list_of(const struct srv_reg *g, struct span prefix);
/* 0: not known. */
uint8_t srv_device_version(const struct srv_reg *g, struct span prefix, uint16_t oid);

/* parts.c */
void srv_parts_free(struct srv_parts *k);
bool srv_parts_active(const struct srv_op *op);
/* Remembers the paths of a Read-Composite. ERR_NOMEM. */
MUST_USE enum err srv_parts_note(struct srv *s, struct srv_op *op, const struct srv_dm *d);
/* Asks for them one by one. */
void srv_parts_start(struct srv *s, struct srv_op *op, struct turn *t);
/* An answer that needs no other format: true if the operation goes on in parts. */
bool srv_parts_begin(struct srv *s, struct srv_op *op, struct ep_delivery *d, struct turn *t);
/* One to a part. */
void srv_parts_answered(struct srv *s, struct srv_op *op, struct ep_delivery *d, struct turn *t);
/* What an end says of the device. */
void srv_parts_learn(struct srv_op *op, const struct ep_delivery *d);

/* firmware.c */
void srv_fw_init(struct srv *s);
void srv_fw_fini(struct srv *s);
struct srv_fw *srv_fw_of(const struct srv *s, const struct endpoint *e); /* NULL: none */
void srv_fw_record(struct srv_fw *f, struct turn *t);
void srv_fw_event(struct srv_fw *f, struct turn *t);
/* The endpoint is forgotten. */
void srv_fw_forget(struct srv *s, struct endpoint *e, struct turn *t);
/* It has its outcome. */
void srv_fw_over(struct srv_fw *f, enum srv_fw_outcome outcome, const char *detail, struct turn *t);

/* firmware_run.c */
void srv_fw_begin(struct srv_fw *f, struct turn *t);
/* At start: where it was when the last run ended. */
void srv_fw_resume(struct srv_fw *f);
void srv_fw_timer(struct srv *s, struct turn *t);
/* firmware_answer.c. The outcome of a question: the device's answer; or none, `type` is as of
 * srv_op_done. */
void srv_fw_answered(
	struct srv_fw *f, const struct srv_op *op, const struct msg *m, struct turn *t);
void srv_fw_unanswered(struct srv_fw *f, const char *type, struct turn *t);
/* The endpoint has spoken; `anew`: with a Register. */
void srv_fw_heard(struct srv *s, const struct endpoint *e, bool anew, struct turn *t);
/* A notification came for this path. */
void srv_fw_notified(
	struct srv *s, const struct endpoint *e, const struct lwm_path *p, struct turn *t);
/* A device has fetched so much. */
void srv_fw_fetched(struct srv_fw *f, uint64_t end, struct turn *t);
/* On the way to SRV_FW_CANCEL, from before it was executed. */
void srv_fw_cancel(struct srv_fw *f, struct turn *t);

/* firmware_serve.c: GET /fw/NAME */
void srv_fw_serve(struct srv *s, struct ep_delivery *d, struct span name, struct turn *t);

/* observe_names.c: the records' paths. False if there are none, or too many. */
bool srv_names_of(const struct srv_dm *d, struct srv_names *out);
/* NULL is equal to NULL alone. */
bool srv_names_eq(const struct srv_names *a, const struct srv_names *b);
/* As it is stored: paths with spaces between them. */
void srv_names_write(const struct srv_names *names, struct writer *w);
bool srv_names_parse(struct span text, struct srv_names *out);
/* Body and formats of a FETCH; `buf` holds the body. */
MUST_USE enum err srv_names_request(const struct srv_names *names, struct span alt, uint16_t accept,
	uint8_t buf[static SRV_NAMES_BODY_MAX], struct msg *m);

/* observe.c */
void srv_observe(struct srv *s, struct srv_op *op, const struct srv_dm *d, struct turn *t);
void srv_cancel(struct srv *s, const struct srv_dm *d, struct turn *t);
/* Takes back what has not left: the device sleeps. While the exchange is held. */
void srv_observations_hold(struct srv *s, struct srv_reg *g, struct turn *t);
void srv_observations_settle(struct srv *s, struct srv_reg *g, struct turn *t);
/* Their requests are gone: the registration, or its context. They stay wanted. */
void srv_observations_unsettle(struct srv *s, struct srv_endpoint *e, struct turn *t);
void srv_observation_delivery(
	struct srv *s, struct srv_observation *o, struct ep_delivery *d, struct turn *t);
void srv_observations_free(struct srv *s, struct srv_endpoint *e, struct turn *t);
/* A device behind the endpoint is gone: nobody would say so of what is observed there. They stay
 * wanted. */
void srv_observations_leave(
	struct srv *s, struct srv_endpoint *e, const struct lwm_prefix *prefix, struct turn *t);

#endif
