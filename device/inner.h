/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share; nobody else includes it. */
#ifndef LANYARD_DEVICE_INNER_H
#define LANYARD_DEVICE_INNER_H

#include "coap/block.h"
#include "coap/exch.h"
#include "device/device.h"
#include "lwm2m/attrs.h"
#include "lwm2m/format.h"
#include "oscore/recover.h"

enum {
	DEV_SECURITY_MAX = 3,
	DEV_SERVERS_MAX = 2,
	DEV_OSCORE_MAX = 3,
	DEV_PAST_MAX = 8,
	DEV_ATTRS_MAX = 16,
	DEV_SENSORS_MAX = 40, /* instances of /3303 */
	DEV_CREATED_MAX = 16, /* as long as a server may create more */
	DEV_INSTANCES_MAX = DEV_SENSORS_MAX,
	DEV_OBSERVATIONS_MAX = 16,
	DEV_ECHO_MAX = 40, /* RFC 9175 section 2.2.1 */
	DEV_LOCATION_MAX = 63,
	DEV_RESERVE = 64, /* numbers a write to the state file makes usable */
	DEV_RESERVE_SHARED = 4096,
};

/* Texts that many devices share; they live as long as the host. */
struct dev_texts {
	struct map map;
};

/* Instances of Objects 0, 1 and 21. */
struct dev_security {
	uint16_t iid, ssid, oscore_iid; /* LWM_ID_NONE: no link */
	uint8_t mode;
	bool bootstrap;
	uint32_t hold_off_s, timeout_s; /* of bootstrap (BS-18); 0: none */
	const char *uri;                /* of dev_texts, or "" */
};
struct dev_server {
	uint16_t iid, ssid;
	uint32_t lifetime_s, pmin_s, pmax_s, disable_s;
	bool storing;
	char binding[8];
};
struct dev_oscore {
	uint16_t iid;
	int16_t aead, hkdf;
	uint8_t secret_n, salt_n, id_context_n;
	bool has_id_context;
	struct osc_id sender_id, recipient_id;
	uint8_t secret[DEV_SECRET_MAX], salt[DEV_SECRET_MAX], id_context[OSC_ID_CONTEXT_MAX];
};
struct dev_accounts {
	struct dev_texts *texts;
	struct dev_security security[DEV_SECURITY_MAX];
	struct dev_server server[DEV_SERVERS_MAX];
	struct dev_oscore oscore[DEV_OSCORE_MAX];
	uint8_t security_n, server_n, oscore_n;
	int64_t bootstrapped_s; /* wall clock of the last bootstrap; 0: none */
};

/* The bootstrap account that the configuration gives: a state is of use with that one alone. */
struct dev_origin {
	bool any;
	uint8_t ikm[16]; /* osc_ikm_fingerprint */
	struct osc_id sender_id, recipient_id;
};

/* Counters belong to keys: this is what stays of a context when it goes. */
struct dev_counters {
	uint8_t ikm[16]; /* osc_ikm_fingerprint */
	struct osc_id sender_id, recipient_id;
	uint64_t next, limit; /* numbers below limit may be used: it is what the state says */
	struct osc_window window;
};
/* How far keys have come by B.2. */
enum dev_step { DEV_STEP_NONE, DEV_STEP_REQUEST_1, DEV_STEP_REQUEST_2, DEV_STEP_DONE };
struct dev_context {
	uint8_t step;   /* enum dev_step; not NONE: their numbers are younger than any state */
	bool challenge; /* the next request has to bring an Echo */
	bool has_id_context;
	uint8_t id_context_n;
	uint8_t id_context[OSC_ID_CONTEXT_MAX];
	struct osc_keys keys;
	struct dev_counters at;
};

struct dev_exch {
	struct exch x; /* first: a timer leads to it */
	struct dev *dev;
	bool notify, firmware;
};
/* The server's Echo (RFC 9175 section 2.3), which the next request carries. */
struct dev_challenge {
	uint8_t n, tries;
	uint8_t echo[DEV_ECHO_MAX];
};
struct dev_request {
	struct dev_exch e;
	enum dev_op op;
	enum dev_role role;
	struct dev_challenge challenge;
	struct osc_binding binding;
	uint64_t started_us;
};

struct dev_timer {
	struct timer timer; /* first */
	struct dev *dev;
	bool notify, firmware;
};

/* What only a device needs that was given firmware. */
struct dev_firmware {
	struct dev_timer timer;
	struct dev_exch fetch; /* a GET under way */
	struct dev_challenge challenge;
	struct osc_binding binding;
	void *digest;         /* of the package so far, or NULL */
	uint64_t bytes, last; /* of it; where its last block began */
	uint8_t sum[32];      /* SHA-256 of the last one that came whole */
	uint8_t state, result;
	bool automatic;
	uint8_t szx, tries, restarts, etag_n, etag[8];
	char uri[256];
};

struct dev_attr {
	uint16_t at; /* of a device behind it; 0: of itself */
	struct lwm_path path;
	struct lwm_attrs attrs;
};

/* A path of a device behind it; `at` 0: of itself. */
struct dev_name {
	uint16_t at;
	struct lwm_path path;
};
struct dev_observation {
	struct dev_observation *next;
	uint16_t at;            /* of a device behind it; 0: of itself */
	struct lwm_path path;   /* the root of a composite */
	struct dev_name *names; /* of a composite */
	size_t name_n;
	struct peer peer;
	struct osc_binding binding;
	uint16_t cf, last_mid;
	uint8_t token_n, token[MSG_TOKEN_MAX];
	bool has_mid; /* last_mid is that of a notification */
	bool due;     /* its value has changed since the last notification */
	uint32_t seq;
	uint64_t last_ms;
	double last; /* the number in the last notification; NaN: none */
};

enum dev_state {
	DEV_STATE_NEW,
	DEV_STATE_CONNECTING, /* waits for dev_connect; op tells where to */
	DEV_STATE_QUEUED,     /* too many others have a request under way; op is to be sent */
	DEV_STATE_REQUESTING, /* a request of ours is under way */
	DEV_STATE_BOOTSTRAP,  /* the bootstrap server has the word */
	DEV_STATE_REGISTERED, /* until the next Update */
	DEV_STATE_WAITING,    /* after a failure, or disabled */
	DEV_STATE_STOPPED,
};

/* What a request of the server makes the device do once it is answered. */
enum dev_todo {
	DEV_TODO_NONE,
	DEV_TODO_REGISTER,
	DEV_TODO_UPDATE,
	DEV_TODO_BOOTSTRAP,
	DEV_TODO_DISABLE
};

/* What only a device needs that is observed or has attributes. */
struct dev_watch {
	struct dev_exch notify;
	uint64_t notified_us;
	struct dev_observation *notifying; /* whose CON is under way; NULL if it is gone */
	struct dev_timer beat;
	struct dev_observation *observations;
	struct dev_attr *attr; /* NULL until one is written */
	uint8_t attr_n;
};

/* The simulated hardware. */
struct dev_things {
	uint32_t step;     /* how often the values have changed */
	int16_t low, high; /* tenths of a degree */
	int64_t time_offset_s;
	char utc_offset[8], timezone[32];
	uint32_t fw_version;
	uint8_t *blob; /* NULL: the made-up one */
	size_t blob_n;
};

/* An instance of /3303. */
struct dev_sensor {
	uint16_t iid;
	int16_t low, high;
	char use[32];
};
/* What the server has made of them; until then there is instance 0 alone. */
struct dev_sensors {
	struct dev_sensor at[DEV_SENSORS_MAX]; /* in the order of ids */
	size_t n;
};

/* A device behind a gateway. */
struct dev_behind {
	struct dev_things things;
	struct dev_sensors *sensors;
};

struct dev {
	struct dev_host *host;
	struct dev *next, *next_dirty, *next_queued;
	char *endpoint;
	uint32_t index;
	enum dev_state state;
	enum dev_op op; /* what CONNECTING and WAITING lead to */
	enum dev_todo todo;
	bool dirty, stopping, registered, finished;
	bool pack_refused;                /* no Pack is to be had: /bs has to serve */
	uint8_t r2_n, r2[OSC_PART_BYTES]; /* of our last response 1; good once */
	bool queued;                      /* in the list of the host */
	bool flying;                      /* counts as in flight */
	bool has_phase;                   /* has its place within the interval of Updates */
	uint8_t local_n, local[16];
	uint16_t mid;
	uint16_t acked_mid; /* of the last separate response */
	bool has_acked_mid;
	uint32_t failures, lt_told_s;
	uint64_t stay_away_ms;      /* of Disable */
	uint64_t awake_until_ms;    /* in queue mode */
	struct peer peer[2];        /* by enum dev_role */
	struct dev_context *ctx[2]; /* NULL: none */
	struct dev_counters *past;
	uint8_t past_n;
	struct dev_origin origin;
	struct dev_accounts accounts;
	struct dev_accounts *draft; /* while bootstrap is under way */
	struct dev_pack *pack;      /* on its way in; or NULL */
	struct dev_request req;
	struct dev_timer life;
	struct dev_watch *watch;       /* NULL: nothing */
	struct dev_firmware *firmware; /* NULL: nothing */
	struct dev_sensors *sensors;   /* NULL until one is made, deleted or written */
	struct dedup dedup;
	struct block_rx rx;
	struct dev_things things;
	struct dev_behind *behind; /* of a gateway */
	uint16_t behind_n, at;     /* at: whose `things` and `sensors` these are now; 0: its own */
	char location[DEV_LOCATION_MAX + 1];
};

struct dev_host {
	struct dev_options o;
	struct rng rng;
	struct osc_crypto *crypto;
	struct wheel exch_wheel, wheel;
	struct exch_table exchanges;
	struct dedup_budget budget;
	struct arena scratch; /* of one call */
	uint8_t seed[16];
	uint8_t echo_key[32];
	uint64_t start_at, limit; /* DEV_NUMBERS_SHARED */
	struct dev *devs;
	struct dev_texts texts;
	struct dev *queue, **queue_end; /* waiting for others to finish, in order */
	struct dev_host_stats stats;
	/* Of the call under way. */
	uint64_t now_us;
	struct dev_out *out;
};

static inline enum dev_role dev_role_of(enum dev_op op)
{
	return op == DEV_OP_BOOTSTRAP || op == DEV_OP_PACK ? DEV_ROLE_BOOTSTRAP : DEV_ROLE_SERVER;
}

static inline uint64_t dev_now_ms(const struct dev *d)
{
	return d->host->now_us / 1000;
}

static inline int64_t dev_wall_s(const struct dev *d)
{
	return ((int64_t)dev_now_ms(d) + d->host->o.wall_offset_ms) / 1000;
}

/* A request of the server being answered. */
struct dev_call {
	struct dev *d;
	const struct peer *from;
	const struct msg *outer;
	struct msg plain;
	struct dev_context *ctx;
	struct osc_binding binding;
	uint64_t hash;
	struct span body; /* payload, or all blocks of it */
	bool pushed;      /* it was a package, which is not in `body` */
	bool has_block1;
	struct block block1;
};

/* out.c */
void dev_enter(struct dev_host *h, uint64_t now_us, struct dev_out *out);
void dev_emit(struct dev *d, const struct peer *to, struct span datagram);
/* The peer as our exchanges know it: with the local address the device was given, not with the one
 * the system reports. */
void dev_known_peer(const struct dev *d, const struct peer *from, struct peer *out);
/* Never NULL. */
struct dev_event *dev_event_add(struct dev *d, enum dev_event_kind kind);
void dev_event_text(struct dev *d, struct dev_event *e, struct span text);
void dev_mark_dirty(struct dev *d);
/* printf into the scratch arena, cut at 320 bytes; empty without memory. */
struct span dev_fmt(struct dev_host *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Into the scratch arena. */
MUST_USE enum err dev_encode(struct dev_host *h, const struct msg *m, struct span *datagram);
/* An Empty message that answers `mid`. */
void dev_emit_empty(struct dev *d, const struct peer *to, enum msg_type type, uint16_t mid);
/* exch_start, with the host's own ACK_TIMEOUT. */
MUST_USE enum err dev_exch_start(struct dev_exch *x, const struct peer *to, const struct msg *m,
	struct span datagram, bool wants_reply);
/* A writer over n bytes of scratch; without memory its error is ERR_NOMEM. */
struct writer dev_scratch(struct dev_host *h, size_t n);
/* Room that protecting, or encoding, m needs. */
size_t dev_msg_bytes(const struct msg *m);

/* texts.c */
void dev_texts_init(struct dev_texts *t, const uint8_t seed[static 16]);
void dev_texts_fini(struct dev_texts *t);
/* The one copy of `s`. ERR_RANGE: more than `max` bytes, or one of them NUL; ERR_LIMIT, ERR_NOMEM.
 */
MUST_USE enum err dev_texts_take(struct dev_texts *t, struct span s, size_t max, const char **out);

/* context.c */
/* Derives the context of that account. Numbers of equal keys go on where they were. */
MUST_USE enum err dev_context_adopt(struct dev *d, enum dev_role role, const struct dev_oscore *o);
/* Whether a context can be made of it. */
MUST_USE enum err dev_context_try(struct dev_host *h, const struct dev_oscore *o);
/* Forgets it, but for its numbers. */
MUST_USE enum err dev_context_drop(struct dev *d, enum dev_role role);
/* The next sender number; marks the state dirty when the reservation grows. ERR_LIMIT: none left.
 */
MUST_USE enum err dev_context_number(struct dev *d, struct dev_context *c, uint64_t *number);
/* A request with that number was verified. */
void dev_context_seen(struct dev *d, struct dev_context *c, uint64_t number);
/* Puts counters read from a state into the contexts that have these keys, or keeps them. */
MUST_USE enum err dev_context_restore(struct dev *d, const struct dev_counters *c);

/* recover.c */
/* Before a request: keys of an ID1 of its own, if that is to be. Errors of osc_derive; ERR_STATE.
 */
MUST_USE enum err dev_recover_begin(struct dev *d, enum dev_role role);
/* What was begun, or reached, counts no more. */
void dev_recover_again(struct dev *d, enum dev_role role);
/* Response 1 to the request under way: its keys are those of request 2 now. False: it is none. */
bool dev_recover_response(struct dev *d, const struct msg *outer);
/* A response under these keys was verified. */
void dev_recover_done(struct dev *d, struct dev_context *c);
/* Protected requests that name keys we do not have: the first or second of a recovery that the
 * server has begun. */
enum dev_recovered {
	DEV_RECOVERED_NOT,     /* neither */
	DEV_RECOVERED_OFFERED, /* response 1 is on its way */
	DEV_RECOVERED_OPENED,  /* request 2 is verified, its keys are in use, and it is to be
				  answered */
};
enum dev_recovered dev_recover_serve(struct dev_call *c, const struct osc_option *o);
/* The kid context of a request; false: none. */
bool dev_recover_kid_context(const struct dev_context *c, struct writer *w, struct span *out);

/* account.c */
/* ERR_NOMEM, ERR_LIMIT. */
MUST_USE enum err dev_accounts_from(struct dev_accounts *a, struct dev_texts *t,
	const struct dev_credentials *c, uint32_t lifetime_s);
struct dev_security *dev_security_find(struct dev_accounts *a, uint16_t iid);
const struct dev_security *dev_security_of(const struct dev_accounts *a, enum dev_role role);
const struct dev_oscore *dev_oscore_find(const struct dev_accounts *a, uint16_t iid);
const struct dev_oscore *dev_oscore_of(const struct dev_accounts *a, enum dev_role role);
const struct dev_server *dev_server_of(const struct dev_accounts *a);
/* Finds or makes the instance, with defaults; `reset` puts defaults into an old one. ERR_LIMIT;
 * ERR_UNSUPPORTED for another object than 0, 1 and 21. */
MUST_USE enum err dev_accounts_instance(
	struct dev_accounts *a, uint16_t oid, uint16_t iid, bool reset);
/* Sets a Resource of an instance that is there. Unknown ones are skipped. ERR_RANGE. */
MUST_USE enum err dev_accounts_set(
	struct dev_accounts *a, const struct lwm_path *p, const struct lwm_value *v);
/* Removes what is at or below p, save the bootstrap account (BS-08). */
void dev_accounts_delete(struct dev_accounts *a, const struct lwm_path *p);
/* Of a bootstrap account that was there before and a new one, the new one stays (BS-17). */
void dev_accounts_renew(struct dev_accounts *a, const struct dev_accounts *before);
/* Removes the bootstrap account. */
void dev_accounts_no_bootstrap(struct dev_accounts *a);
/* BS-16 and the links of BS-07. ERR_CONFLICT. */
MUST_USE enum err dev_accounts_check(struct dev_host *h, const struct dev_accounts *a);

/* client.c */
/* The lifetime of the server account as it is now; the server may have written it. */
uint32_t dev_lifetime_s(const struct dev *d);
/* Sends that request; what was under way is dropped. */
void dev_request_send(struct dev *d, enum dev_op op);
void dev_request_stop(struct dev *d);
/* Sends what is under way anew: another block of it is wanted. */
void dev_request_again(struct dev *d);
/* Of a verified response: whether it is a challenge, and to be answered. */
bool dev_challenge_take(struct dev_challenge *c, const struct msg *m);
MUST_USE enum err dev_challenge_answer(const struct dev_challenge *c, struct msg *m);
void dev_client_response(struct dev *d, const struct peer *from, const struct msg *outer);

/* pack.c */
/* Options of a Pack-Request, for the block that is due. */
MUST_USE enum err dev_pack_build(struct dev *d, struct msg *m);
/* An answer to it. */
void dev_pack_response(struct dev *d, const struct msg *m);
void dev_pack_drop(struct dev *d);

/* life.c */
/* The request under way succeeded. */
void dev_life_event_done(struct dev *d, enum dev_op op, uint8_t code);
void dev_life_timer(struct dev *d);
/* Whether that device may have a request under way now; it then counts as in flight until it is at
 * rest. */
bool dev_life_board(struct dev *d);
/* Not now: d sends op when its turn comes. */
void dev_life_queue(struct dev *d, enum dev_op op);
/* Sends for those whose turn has come. */
void dev_life_admit(struct dev_host *h);
/* The request under way came to its end. */
void dev_life_done(struct dev *d, const struct msg *response);
/* The connection to the server of that role is gone. */
void dev_life_closed(struct dev *d, enum dev_role role);
void dev_life_failed(struct dev *d, uint8_t code, const char *why, uint32_t wait_s);
/* Does what the last request asked for. */
void dev_life_todo(struct dev *d);
/* The bootstrap server has spoken, or has finished. */
void dev_life_bootstrap(struct dev *d);
void dev_life_bootstrapped(struct dev *d);

/* serve.c */
/* Type, MID and token of an answer. */
void dev_answer_head(struct dev *d, const struct msg *outer, struct msg *reply);
/* Sends a protected answer, and keeps it for copies of the request. */
void dev_answer_sealed(struct dev_call *c, const struct msg *sealed);
void dev_serve(
	struct dev *d, const struct peer *from, struct span datagram, const struct msg *outer);

/* bootstrap.c: fills `reply`, whose code is its whole answer on error. */
void dev_bootstrap_request(struct dev_call *c, struct msg *reply);

/* attributes.c */
/* Write-Attributes (DM-10): the queries of the request, for the path p. The response code. */
uint8_t dev_attr_write(struct dev *d, const struct msg *m, const struct lwm_path *p);
/* ";pmin=..." as attached to exactly that path. */
void dev_attr_list(const struct dev *d, const struct lwm_path *p, struct writer *w);
/* What is in force at p: the nearest level wins, then the defaults of /1 (ATT-03). */
void dev_attr_effective(const struct dev *d, const struct lwm_path *p, struct lwm_attrs *out);
/* Forgets what is attached at or below p. */
void dev_attr_drop(struct dev *d, const struct lwm_path *p);

/* discover.c */
/* The links at and below p, down to the depth asked for (DM-03, DM-04). The code is 2.05 or an
 * error. */
uint8_t dev_discover(
	struct dev *d, const struct msg *m, const struct lwm_path *p, struct span *body);

/* instances.c */
/* POST on an object: makes an instance of the records; its id goes to *iid, `chosen` if it was left
 * to us (DM-13). The response code. */
uint8_t dev_create(struct dev *d, uint16_t oid, const struct lwm_record *v, size_t n, uint16_t *iid,
	bool *chosen);
uint8_t dev_delete(struct dev *d, const struct lwm_path *p);
/* Instances 0 to n - 1, at the start. ERR_NOMEM. */
MUST_USE enum err dev_sensors_add(struct dev *d, uint32_t n);
/* A sensor to change something in; NULL: no memory, or no such instance. */
struct dev_sensor *dev_sensor_change(struct dev *d, uint16_t iid);
/* NULL: it is instance 0, untouched, or is not there. */
const struct dev_sensor *dev_sensor(const struct dev *d, uint16_t iid);
bool dev_has_instance(
	const struct dev *d, const struct dev_accounts *a, uint16_t oid, uint16_t iid);
/* Instances of that object; at most DEV_INSTANCES_MAX. */
size_t dev_instances(const struct dev *d, const struct dev_accounts *a, uint16_t oid,
	uint16_t iid[DEV_INSTANCES_MAX]);

/* composite.c: FETCH and iPATCH of the root. */
void dev_composite_request(struct dev_call *c, struct msg *reply);
/* The values at these paths in format cf, in the scratch arena; the code is 2.05 or an error. */
uint8_t dev_composite_body(
	struct dev *d, const struct dev_name *names, size_t n, uint16_t cf, struct span *body);

/* behind.c: devices behind it, which are numbered from 1 on. */
/* ERR_NOMEM. */
MUST_USE enum err dev_behind_add(struct dev *d, uint16_t n);
void dev_behind_free(struct dev *d);
/* From here to dev_behind_leave `d` has the hardware of that one; 0: its own. Strings that were
 * read meanwhile may be of its memory: they are to be copied before it is left. */
void dev_behind_enter(struct dev *d, uint16_t at);
void dev_behind_leave(struct dev *d);
/* Of the one that was entered; empty: none was. In the scratch arena. */
struct span dev_behind_prefix(const struct dev *d);
/* Empty: itself. False: there is none. */
bool dev_behind_find(const struct dev *d, struct span prefix, uint16_t *at);
struct dev_view;
void dev_get_behind_id(const struct dev_view *v, struct lwm_value *out);
void dev_get_behind_prefix(const struct dev_view *v, struct lwm_value *out);
void dev_get_behind_links(const struct dev_view *v, struct lwm_value *out);

/* manage.c */
void dev_manage_request(struct dev_call *c, struct msg *reply);
/* The values at or below `p`, which is a path there is. */
void dev_collect(struct dev *d, const struct dev_accounts *a, const struct lwm_path *p,
	struct lwm_records *out);
/* Enough room for them in any format. */
size_t dev_value_bytes(const struct lwm_records *r);
/* The values of a request for `p`. ERR_SYNTAX, ERR_NOMEM, ERR_LIMIT. */
MUST_USE enum err dev_decode(struct dev_call *c, const struct lwm_path *p,
	const struct lwm_format *f, struct lwm_records *out);
/* Takes them, all or none: MSG_CHANGED, or why not. */
uint8_t dev_store(struct dev *d, const struct lwm_record *v, size_t n);
/* Reads p in format cf into the scratch arena; the code is 2.05 or an error. */
uint8_t dev_read_body(struct dev *d, const struct dev_accounts *a, const struct lwm_path *p,
	uint16_t cf, struct span *body);
/* Adds Content-Format and the body, or the block of it that `want` asks for (NULL: the first). */
void dev_reply_body(
	struct dev *d, struct msg *reply, uint16_t cf, struct span body, const struct block *want);
/* The Accept of a request, or `fallback`. */
uint16_t dev_accept(const struct msg *m, uint16_t fallback);
/* MSG_EMPTY if p names something, else the code to refuse with. */
uint8_t dev_check_path(const struct dev *d, const struct dev_accounts *a, const struct lwm_path *p);
/* Whether it can be written: MSG_EMPTY, or the code to refuse with. */
uint8_t dev_check_record(const struct lwm_record *v);
/* NULL if the device does not speak it. */
const struct lwm_format *dev_format(const struct dev *d, uint32_t cf);

/* model.c */
enum dev_action {
	DEV_ACTION_NONE,
	DEV_ACTION_REBOOT,
	DEV_ACTION_UPDATE,
	DEV_ACTION_BOOTSTRAP,
	DEV_ACTION_DISABLE,
	DEV_ACTION_RESET,
	DEV_ACTION_FIRMWARE,
	DEV_ACTION_FIRMWARE_CANCEL,
	DEV_ACTION_NOTHING,
};
struct dev_view {
	const struct dev *d;
	const struct dev_accounts *accounts;
	struct arena *arena;
	uint16_t iid;
};
struct dev_resource {
	uint16_t oid, rid;
	uint8_t ops; /* LWM_OP_* */
	bool multiple;
	enum lwm_type type;
	void (*get)(const struct dev_view *v, struct lwm_value *out);
	/* The response code. */
	uint8_t (*set)(struct dev *d, uint16_t iid, const struct lwm_value *v);
	enum dev_action action;
	const char *text; /* a value that never changes, without `get` */
	int64_t number;
};
const struct dev_resource *dev_resource_table(size_t *n);
const struct dev_resource *dev_resource(uint16_t oid, uint16_t rid);
/* The objects there are: of a registration /1, /3, /5, /19, /25 of a gateway, /3303; of a device
 * behind it /3 and /3303. */
const uint16_t *dev_objects(const struct dev *d, size_t *n);
/* The version of the object, as 10 times major plus minor; 0: the default of the enabler. */
uint8_t dev_object_version(uint16_t oid);
void dev_value(const struct dev_resource *r, const struct dev_view *v, struct lwm_value *out);
/* The number that p names, or NaN. */
double dev_number(struct dev *d, const struct lwm_path *p);
/* Moves the values on to the current time. */
void dev_things_step(struct dev *d);
/* Forgets the extremes of a sensor. */
void dev_things_reset(struct dev *d, uint16_t iid);
/* Whether that path changes from step to step. */
bool dev_things_changing(const struct lwm_path *p);

/* firmware.c */
/* NULL without memory. */
struct dev_firmware *dev_firmware_need(struct dev *d);
void dev_firmware_free(struct dev *d);
/* A Write of the package, as it comes. */
bool dev_firmware_is_push(const struct msg *m);
/* MSG_EMPTY, or why not now. */
uint8_t dev_firmware_may_push(const struct dev *d);
enum block_step dev_firmware_block(struct dev *d, struct block b, struct span payload);
/* That was the last block. The response code, like those below. */
uint8_t dev_firmware_pushed(struct dev *d);
uint8_t dev_firmware_package(struct dev *d, uint16_t iid, const struct lwm_value *v);
uint8_t dev_firmware_uri(struct dev *d, uint16_t iid, const struct lwm_value *v);
uint8_t dev_firmware_update(struct dev *d);
uint8_t dev_firmware_cancel(struct dev *d);
void dev_firmware_response(struct dev *d, const struct peer *from, const struct msg *outer);
/* The GET under way was never answered. */
void dev_firmware_lost(struct dev *d);
void dev_firmware_timer(struct dev *d);

/* observe.c */
/* d->watch, made if need be; NULL without memory. */
struct dev_watch *dev_watch_need(struct dev *d);
void dev_watch_free(struct dev *d);
/* Starts or replaces; the reply becomes the first notification. */
void dev_observe_start(
	struct dev_call *c, const struct lwm_path *p, uint16_t cf, struct msg *reply);
/* Of a composite; the names are copied. */
void dev_observe_names(
	struct dev_call *c, const struct dev_name *names, size_t n, uint16_t cf, struct msg *reply);
void dev_observe_cancel(struct dev_call *c, const struct lwm_path *p);
/* A RST came for that message. */
void dev_observe_reset(struct dev *d, uint16_t mid);
void dev_observe_acked(struct dev *d);
void dev_observe_timeout(struct dev *d);
/* Those that began over that connection end with it. */
void dev_observe_closed(struct dev *d, const struct peer *who);
void dev_observe_clear(struct dev *d);
/* A value at or below p was written. */
void dev_observe_touch(struct dev *d, const struct lwm_path *p);
void dev_observe_timer(struct dev *d);

#endif
