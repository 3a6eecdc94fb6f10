/* SPDX-License-Identifier: Apache-2.0 */
/* The LwM2M server engine: registrations, device management, observations. Sans-IO: it takes
 * verified requests and responses, and gives records and effects to the turn. */
#ifndef LANYARD_SERVER_SERVER_H
#define LANYARD_SERVER_SERVER_H

#include "endpoint/exchange.h"
#include "lwm2m/link.h"
#include "lwm2m/model.h"
#include "lwm2m/target.h"
#include "lwm2m/value.h"

struct srv;

/* Renders a notification as the JSON of its event: {"path","code","content_format","payload_hex",
 * "values"...}; `alt` is the device's alternate path, `versions` are those of its objects, and name
 * the device behind it (their `prefix`) that all of it is of. The writer's error says that it does
 * not fit. */
typedef void srv_render_fn(void *arg, const struct lwm_path *path, uint8_t code,
	int32_t content_format, struct span payload, struct span alt,
	const struct lwm_versions *versions, struct writer *w);

/* The records of a Send as the JSON of an event: {"content_format","values"}. ERR_SPACE in the
 * writer: they do not fit. */
typedef void srv_render_send_fn(void *arg, int32_t content_format, const struct lwm_record *v,
	size_t n, const struct lwm_versions *versions, struct writer *w);

enum { SRV_SHA256 = 32 };

/* Where the bytes of firmware images are. */
struct srv_image_files {
	/* Fills n bytes, which are there, without waiting for a disk if that can be helped. */
	enum err (*read)(void *arg, const uint8_t sha256[static SRV_SHA256], uint64_t at,
		uint8_t *buf, size_t n);
	void *arg;
};

struct srv_opts {
	struct ep_exchange *exchange;
	uint64_t *next_event;
	uint32_t grace_s, awake_s;
	/* Of devices in queue mode: what waits, for one and for all. */
	uint32_t queue_expiry_s, queue_limit, queue_total;
	size_t queue_bytes;
	bool rolled_back;             /* the rows are those of an older copy */
	struct srv_image_files files; /* read NULL: there are no images */
	uint32_t firmware_timeout_s;  /* an update without progress for so long is over */
	const char *firmware_uri;     /* "coap://HOST[:PORT]" devices fetch from; "": unknown */
	bool firmware_nosec;          /* images are served to anyone */
	bool nosec_listener[EP_LISTENERS_MAX]; /* anyone may register there unprotected */
	const char *nosec_endpoints;           /* fnmatch patterns, separated by spaces */
	const uint8_t *seed;                   /* 16 bytes */
	uint64_t now_ms;
	srv_render_fn *render;
	srv_render_send_fn *render_send;
	void *render_arg;
};

struct srv_counters {
	uint64_t registers, updates, deregisters, expiries, refusals, notifications, operations,
		sends;
};

MUST_USE enum err srv_new(const struct srv_opts *o, struct srv **out);
/* Before the exchange is freed. */
void srv_free(struct srv *s);

/* Storage's rows at start. Nothing expires before now plus grace. `c` is NULL for an unprotected
 * one. */
MUST_USE enum err srv_load_registration(
	struct srv *s, struct endpoint *e, struct ep_context *c, const struct rec_reg *r);
/* An operation of the last run: an observation that is wanted, or something whose outcome nobody
 * knows. */
MUST_USE enum err srv_load_op(
	struct srv *s, struct endpoint *e, const struct rec_op *r, struct turn *t);

/* EP_REQUEST for the server role: answers it. */
void srv_request(struct srv *s, struct ep_delivery *d, struct turn *t);
/* All other deliveries of the server role; ends their requests. */
void srv_response(struct srv *s, struct ep_delivery *d, struct turn *t);
void srv_timer(struct srv *s, struct turn *t);
uint64_t srv_deadline_ms(const struct srv *s);
/* Before a context is closed and removed: nothing here points to it afterwards. */
void srv_context_gone(struct srv *s, struct ep_context *c, struct turn *t);
/* The same device has newer keys: its registration goes with them. Operations under way end, and
 * observations are set up again at the next sign of life. */
void srv_context_replaced(
	struct srv *s, struct ep_context *old, struct ep_context *now, struct turn *t);
/* An endpoint whose unprotected registration ended, with nothing left here but its name; NULL:
 * none. The caller forgets it if nothing else needs it: strangers must not fill the directory. */
struct endpoint *srv_take_orphan(struct srv *s);
/* Its credentials or permissions changed: an unprotected registration that would not be accepted
 * any more ends. */
void srv_recheck(struct srv *s, struct endpoint *e, struct turn *t);
/* Removes the registration, with its record and event; for an administrator. */
void srv_forget_endpoint(struct srv *s, struct endpoint *e, struct turn *t);

enum { SRV_NAMES_MAX = 32 };

enum srv_dm_kind {
	SRV_READ,
	SRV_WRITE,         /* replaces (PUT) */
	SRV_WRITE_PARTIAL, /* adds and overwrites (POST) */
	SRV_CREATE,
	SRV_DELETE,
	SRV_EXECUTE,
	SRV_DISCOVER,
	SRV_ATTRIBUTES, /* Write-Attributes */
	SRV_OBSERVE,
	SRV_CANCEL,
	SRV_READ_COMPOSITE,    /* of the root; `records` are names */
	SRV_WRITE_COMPOSITE,   /* of the root; values of any Object, and removals */
	SRV_OBSERVE_COMPOSITE, /* of the root; `records` are names, SRV_NAMES_MAX at most */
	SRV_CANCEL_COMPOSITE,
};

struct srv_fw;      /* a firmware update */
struct srv_gateway; /* an endpoint with devices behind it */
struct srv_dm {
	enum srv_dm_kind kind;
	struct endpoint *endpoint;
	struct lwm_prefix prefix; /* of the device behind it that the path is of */
	struct lwm_path path;
	int32_t content_format; /* Accept, or of the payload; -1: we choose and try the next if
				   refused */
	const struct lwm_record *records; /* SRV_WRITE, SRV_WRITE_PARTIAL, SRV_CREATE, composites */
	size_t record_n;
	struct span arguments;  /* SRV_EXECUTE */
	struct span attributes; /* SRV_ATTRIBUTES: "pmin=10&gt="; SRV_OBSERVE: its parameters */
	int8_t depth;           /* SRV_DISCOVER: -1: none given */
	bool renews; /* it has the device's keys renewed: it goes out although they are used up */
	struct srv_fw *fw;              /* it is a step of this one, which remembers it */
	struct srv_gateway *gateway;    /* it asks for the devices behind this one */
	const struct ep_source *source; /* SRV_WRITE of an opaque Resource: the value; or NULL */
	uint64_t ticket;
	uint64_t ref;       /* what an administrator calls it, in a queue; 0: drawn here */
	uint32_t expires_s; /* likewise; 0: queue_expiry_s */
};
/* Starts an operation; its end is an EFFECT_DONE with that ticket, in this turn or a later one.
 * To a device in queue mode it goes through its queue. If it cannot leave at once, that end is a
 * 202
 * ("asleep", or "busy": others are before it) and the operation stays, known by its ref. */
void srv_dm(struct srv *s, const struct srv_dm *d, struct turn *t);
/* Gives up the operation with that ticket: its outcome is "cancelled". ERR_NOTFOUND: it has ended.
 * ERR_STATE: it may have been done already (a Write or the like that was sent), or it sets up an
 * observation, which has a cancellation of its own. */
MUST_USE enum err srv_dm_cancel(struct srv *s, struct endpoint *e, uint64_t ticket, struct turn *t);

/* Tells the device that is registered under c to bootstrap (/1/x/9), unless it was told and has
 * not answered yet. False: it is not, it is asleep, or it lists no server account. */
bool srv_rebootstrap(struct srv *s, const struct ep_context *c, struct turn *t);

/* What is in a queue, or came of it. Strings and spans live until the call returns. */
struct srv_queued_view {
	uint64_t ref;
	struct span endpoint;
	enum srv_dm_kind kind;
	struct lwm_prefix prefix;
	struct lwm_path path;
	const char *state; /* "queued" | "running"; NULL: */
	const struct effect_done *outcome;
	int64_t created_wall_s, ended_wall_s, expires_in_s;
};
typedef void srv_queued_fn(void *arg, const struct srv_queued_view *v);
/* e NULL: of all endpoints. */
void srv_queued_list(const struct srv *s, const struct endpoint *e, uint64_t now_ms,
	srv_queued_fn *fn, void *arg);
/* False: there is none. */
bool srv_queued_get(
	const struct srv *s, uint64_t ref, uint64_t now_ms, srv_queued_fn *fn, void *arg);
/* As srv_dm_cancel. */
MUST_USE enum err srv_queued_cancel(struct srv *s, uint64_t ref, struct turn *t);
/* Its end will be an EFFECT_DONE with that ticket. ERR_NOTFOUND. */
MUST_USE enum err srv_queued_follow(struct srv *s, uint64_t ref, uint64_t ticket, struct turn *t);
size_t srv_queued_count(const struct srv *s);

/* What is known of an endpoint's registration. */
struct srv_view {
	bool registered, asleep, queue;
	struct span location;
	uint32_t lifetime_s;
	int64_t expires_in_s; /* negative: in grace; INT64_MAX: never */
	uint8_t lwm2m, binding;
	const struct ep_context *ctx;
	const struct peer *peer; /* NULL: unknown */
	int64_t registered_wall_s, last_contact_wall_s;
	const struct lwm_object_list *list;
};
void srv_view(const struct srv *s, const struct endpoint *e, uint64_t now_ms, struct srv_view *out);

struct srv_observation_view {
	struct lwm_prefix prefix;       /* of a device behind the endpoint */
	struct lwm_path path;           /* the root of a composite */
	const struct lwm_target *paths; /* of a composite; sorted */
	size_t path_n;
	struct span attributes; /* its parameters, "pmin=10&gt=5" */
	bool active;
	uint64_t notifications;
	int64_t last_wall_s;
};
typedef void srv_observation_fn(void *arg, const struct srv_observation_view *v);
void srv_observations(
	const struct srv *s, const struct endpoint *e, srv_observation_fn *fn, void *arg);

/* A device behind a gateway (GW-01). */
struct srv_device_view {
	uint16_t instance;      /* of Object 25 */
	struct span id, prefix; /* as the gateway told them */
	const char *fault;      /* why it cannot be asked: "is empty"; NULL: it can */
	bool links_bad;         /* what it has could not be read */
	const struct lwm_object_list *list;
};
typedef void srv_device_fn(void *arg, const struct srv_device_view *v);
struct srv_gateway_view {
	const char *state; /* "unread" | "reading" | "known" | "failed" */
	uint8_t code;      /* of a gateway that refused */
	size_t left_out;   /* devices above what is kept */
	int64_t read_wall_s;
};
/* False: it is no gateway, or not registered. Views live until the callback returns. */
bool srv_devices(const struct srv *s, const struct endpoint *e, struct srv_gateway_view *out,
	srv_device_fn *fn, void *arg);
/* The version of an Object of an endpoint, or of a device behind it; 0: not known. */
uint8_t srv_object_version(const struct endpoint *e, struct span prefix, uint16_t oid);

const struct srv_counters *srv_counters(const struct srv *s);
size_t srv_registered(const struct srv *s);
size_t srv_observation_count(const struct srv *s);
size_t srv_waiting(const struct srv *s);

#endif
