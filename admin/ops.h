/* SPDX-License-Identifier: Apache-2.0 */
/* What the REST interface asks of the daemon. cmd/ fills the table; admin/ knows nothing of
 * engines. Views are filled by the callee; their strings and spans live until the call returns (or
 * until the callback does). Every result that depends on storage or a device comes later, through
 * `done`, exactly once. */
#ifndef LANYARD_ADMIN_OPS_H
#define LANYARD_ADMIN_OPS_H

#include "base/arena.h"
#include "base/peer.h"
#include "base/span.h"
#include "lwm2m/format.h"
#include "lwm2m/link.h"
#include "lwm2m/target.h"

/* The outcome of an operation. Good: status 200, 201 or 204. Else `type` is the last part of
 * the problem type ("asleep", "unknown-endpoint", "storage-unavailable", "conflict", "invalid",
 * "timeout", "device-error", ...). */
struct adm_result {
	int status;
	const char *type, *detail;
	const char *field; /* of the request body, or NULL */
	/* what the device answered, where it did */
	bool has_response, in_parts; /* in_parts: put together from several answers */
	uint8_t code;                /* CoAP */
	int32_t content_format;      /* -1: none */
	struct span payload;
	struct span location; /* of a Create: "3303/1", as the device told it or, without its word,
				 as we gave it; empty if nobody knows. Of a backup: its path */
	uint64_t bytes;       /* of a backup */
	struct span alt;      /* what stands before the paths in the payload: "/lwm2m", or empty */
	struct lwm_versions versions; /* of the objects there; admin/ fills it in, and */
	struct span prefix;           /* that of the device behind a gateway that was asked */
};
typedef void adm_done_fn(void *done_arg, const struct adm_result *r);

struct adm_reason {
	const char *code; /* "replay", "no-context", "ep-mismatch", "nosec-refused", ... */
	const char *text; /* a sentence for the operator, with what to do */
	int64_t wall_s;   /* when last; 0: it is a standing fact */
	uint64_t count;
};

struct adm_status {
	const char *version;
	uint64_t uptime_s;
	uint64_t endpoints, registered, contexts, observations, operations_waiting,
		bootstrap_sessions;
	bool storage_ok;
	const char *storage_text;
	bool sealed; /* storage_text says why */
	uint64_t rollbacks;
	uint64_t damaged; /* rows of the database */
	struct adm_listener {
		const char *name, *role, *transport, *address, *require;
		uint16_t port;
		bool nosec;
	} listeners[16];
	size_t listener_n;
	struct adm_gateway {
		const char *name, *type, *role;
		bool nosec, up;
		const char *reason; /* why it is down, or what there is to say of it */
		uint64_t since_s;   /* in that state */
		uint64_t links, queued, received, sent, refused, undelivered, faults;
	} gateways[16];
	size_t gateway_n;
	/* Refused messages that belong to no endpoint that is known, since the start; newest
	 * first. They live until the next call. */
	const struct adm_reason *refusals;
	size_t refusal_n;
};

struct adm_context_view { /* no secrets, ever */
	uint64_t id;
	const char *role;       /* "bootstrap" | "server" */
	const char *origin;     /* "imported" | "drawn" | "recovered" */
	const char *generation; /* "written" | "acknowledged" | "used" | "provisioned" */
	struct span sender_id, recipient_id,
		id_context; /* as we see them; id_context.p NULL: none */
	int aead, hkdf;
	uint64_t sender_next, sender_limit;
	bool received_any;
	uint64_t highest;
	bool fresh, stale;
	uint64_t replays, auth_failures, auth_failures_limit;
	uint64_t encryptions, encryptions_limit; /* estimated */
	int64_t created_wall_s;                  /* its secret; 0: not known */
	int64_t rotation_wall_s;                 /* when it is too old; 0: never */
};

struct adm_endpoint_view {
	struct span name, bs_ep, rd_ep;
	const char *freshness;      /* "auto" | "echo" | "none" | "b2" | "default" */
	const char *oscore_version; /* "discover" | "1.0" | "1.1" | "2.0" */
	bool nosec_allowed;
	struct pace pace; /* 0: as configured */
	bool registered, asleep, queue;
	struct span location;
	uint32_t lifetime_s;
	int64_t expires_in_s; /* below 0: in grace; INT64_MAX: never */
	uint8_t lwm2m;        /* 10, 11, 12 */
	const char *binding;
	const char *security; /* "oscore" | "dtls" | "oscore+dtls" | "nosec" */
	const char *require;  /* "any" | "oscore" | "dtls" | "oscore+dtls" */
	const char *address;
	struct span links;                              /* link format */
	int64_t registered_wall_s, last_contact_wall_s; /* 0: never */
	size_t context_n;
};
typedef void adm_endpoint_fn(void *cb_arg, const struct adm_endpoint_view *v);
typedef void adm_context_fn(void *cb_arg, const struct adm_context_view *v);

struct adm_settings { /* has_*: given in the request */
	bool has_bs_ep, has_rd_ep, has_freshness, has_nosec, has_oscore_version, has_require;
	struct span bs_ep, rd_ep;
	int freshness; /* 0 default, 1 auto, 2 echo, 3 none, 4 b2 */
	bool nosec;
	uint8_t oscore_version; /* 0, 10, 11, 20 */
	uint8_t require;        /* 1 OSCORE, 2 DTLS, as bits */
	bool has_block_size, has_message_size, has_ack_timeout, has_max_retransmit, has_nstart;
	struct pace pace;
};

struct adm_oscore {     /* PUT credentials/oscore */
	bool bootstrap; /* role; else server */
	struct span master_secret, master_salt, sender_id, recipient_id;
	bool has_id_context;
	struct span id_context;
	int aead, hkdf;
	uint64_t sender_seq;    /* first number we may use */
	bool has_recipient_seq; /* the device has used numbers up to it */
	uint64_t recipient_seq;
};

struct adm_psk {        /* PUT credentials/psk */
	bool bootstrap; /* role; else server */
	struct span identity, key;
};

struct adm_psk_view { /* no key, ever */
	const char *role;
	struct span identity;
};
typedef void adm_psk_fn(void *cb_arg, const struct adm_psk_view *v);

/* By what an endpoint is known to DTLS and TLS beside a PSK. */
enum adm_peer_by {
	ADM_PEER_SHA256,  /* of its certificate: 32 bytes */
	ADM_PEER_SUBJECT, /* of its certificate, as RFC 2253 writes it */
	ADM_PEER_NAME,    /* in its certificate */
	ADM_PEER_RAW_KEY, /* SubjectPublicKeyInfo */
};

struct adm_peer {       /* PUT credentials/x509 and credentials/rpk */
	bool bootstrap; /* role; else server */
	enum adm_peer_by by;
	struct span value;
};

struct adm_peer_view {
	const char *role;
	enum adm_peer_by by;
	struct span value;
};
typedef void adm_peer_fn(void *cb_arg, const struct adm_peer_view *v);

enum { ADM_IMPORT_MAX = 1000, ADM_IMPORT_CONTEXTS = 2 };

/* A line of an import: an endpoint with what belongs to it, done whole or not at all. */
struct adm_import {
	struct span endpoint;
	struct adm_settings settings;
	struct adm_oscore oscore[ADM_IMPORT_CONTEXTS];
	size_t oscore_n;
	struct span plan; /* JSON; empty: none */
	/* What became of it. 0: to be done; 201: something was new; 200: all was there already;
	 * else a refusal, which the caller of `import` may have set itself. */
	int status;
	const char *type;
	char field[64], detail[256];
};

/* POST oscore/decode */
struct adm_decode {
	struct span message, request;
	bool has_kid;
	struct span kid, piv;
};

enum adm_dm_kind {
	ADM_READ,
	ADM_WRITE,         /* replaces (PUT) */
	ADM_WRITE_PARTIAL, /* adds and overwrites (POST) */
	ADM_CREATE,
	ADM_DELETE,
	ADM_EXECUTE,
	ADM_DISCOVER,
	ADM_ATTRIBUTES, /* Write-Attributes */
	ADM_OBSERVE,
	ADM_CANCEL,
	ADM_READ_COMPOSITE, /* of the root: `records` are names */
	ADM_OBSERVE_COMPOSITE,
	ADM_CANCEL_COMPOSITE,
	ADM_WRITE_COMPOSITE, /* of the root: values and removals */
};

struct adm_dm {
	enum adm_dm_kind kind;
	struct span endpoint;
	struct lwm_prefix prefix; /* of the device behind it that the path is of */
	struct lwm_path path;
	int32_t content_format;           /* of payload, or Accept to ask for; -1: we choose */
	const struct lwm_record *records; /* ADM_WRITE*, ADM_CREATE, composites: encoded in
					     the format that suits */
	size_t record_n;
	struct span arguments;  /* ADM_EXECUTE */
	struct span attributes; /* ADM_ATTRIBUTES, ADM_OBSERVE: "pmin=10&gt=", checked */
	int8_t depth;           /* ADM_DISCOVER: 0 to 3; -1: the device's default */
	uint64_t id;            /* what it is called if it has to wait in a queue; not 0 */
	uint32_t expires_s;     /* how long there; 0: the configured time */
};

/* Of a device in queue mode. */
struct adm_queued_view {
	uint64_t id;
	struct span endpoint;
	enum adm_dm_kind kind;
	struct lwm_prefix prefix;
	struct lwm_path path;
	const char *state;                /* "queued" | "running"; NULL: it has ended, */
	const struct adm_result *outcome; /* with this */
	int64_t created_wall_s, ended_wall_s, expires_in_s;
};
typedef void adm_queued_fn(void *cb_arg, const struct adm_queued_view *v);

struct adm_observation_view {
	struct lwm_prefix prefix; /* of a device behind the endpoint */
	struct lwm_path path;
	const struct lwm_target *paths; /* of a composite, whose path is the root */
	size_t path_n;
	struct span attributes; /* its parameters, "pmin=10&gt=5" */
	const char *state;      /* "requested" | "active" */
	uint64_t notifications;
	int64_t last_wall_s;
};
typedef void adm_observation_fn(void *cb_arg, const struct adm_observation_view *v);

/* A device behind a gateway. */
struct adm_device_view {
	uint16_t instance; /* of Object 25 */
	struct span id, prefix;
	const char *fault; /* "is empty": why its prefix cannot be used; NULL: it can */
	bool links_bad;    /* its object list could not be read */
	const struct lwm_object_list *list;
};
typedef void adm_device_fn(void *cb_arg, const struct adm_device_view *v);
struct adm_gateway_view {
	const char *state; /* "none" (it is no gateway) | "unread" | "reading" | "known" | "failed"
			    */
	uint8_t code;      /* of its refusal; 0: none */
	size_t left_out;   /* devices above the limits */
	int64_t read_wall_s;
};

struct adm_event {
	uint64_t seq;
	int64_t wall_ms;
	struct span type, endpoint, json;
};
typedef void adm_event_fn(void *cb_arg, const struct adm_event *e);

struct adm_context_state { /* no secrets, ever */
	uint64_t id;
	const char *role; /* "bootstrap" | "server" */
	struct span recipient_id;
	const char *window;          /* "fresh" | "to-be-challenged" | "stale" | "sealed" */
	int64_t last_success_wall_s; /* 0: none since the start */
	const struct adm_reason *last_refusal; /* NULL: none */
	uint64_t replays, auth_failures;
	uint64_t numbers_used, numbers_limit;    /* of ours, under these keys */
	int64_t created_wall_s, rotation_wall_s; /* 0: not known; never */
};

enum { ADM_SIMILAR_MAX = 3 };

struct adm_explanation {
	const char *code;                      /* "connected", "refused", ... */
	const char *text;                      /* one sentence */
	int64_t last_contact_wall_s;           /* 0: none since the start */
	const struct adm_reason *last_refusal; /* NULL: none */
	const struct adm_reason *reasons;      /* what stands, then what happened, newest first */
	size_t reason_n;
	const struct adm_context_state *contexts;
	size_t context_n;
	/* Of an unknown one: names that look like it. */
	struct span similar[ADM_SIMILAR_MAX];
	size_t similar_n;
};

struct adm_bootstrap_view {
	struct span plan_json; /* the endpoint's own, or the default; empty: none */
	bool own_plan;
	const char *state;       /* "idle", "discover", "read", "delete", "write", "finish" */
	const char *last_result; /* "" | "finished" | why it ended */
	struct span reads;       /* JSON objects with commas between */
	int64_t last_wall_s;
};

struct adm_image_view {
	const char *name;
	struct span sha256;
	uint64_t bytes;
	int64_t created_wall_s;
	uint64_t uses; /* by updates that are not over */
	bool once;
};
typedef void adm_image_fn(void *cb_arg, const struct adm_image_view *v);

/* A piece of an image, or all of it. */
struct adm_image_piece {
	struct span name;
	uint64_t at, total; /* bytes */
	struct span bytes;
	bool once; /* it goes with the last update that uses it */
};

struct adm_firmware {
	bool pull;
	struct span image, uri; /* one of them */
};

struct adm_firmware_view {
	struct span endpoint;
	const char *state, *method, *image, *uri, *detail, *result_text;
	bool waiting, over;
	uint64_t sent, bytes;
	uint8_t result;
	int64_t created_wall_s, changed_wall_s;
};
typedef void adm_firmware_fn(void *cb_arg, const struct adm_firmware_view *v);

struct adm_metric {
	const char *name, *help;
	bool counter;                    /* else a gauge */
	const char *label, *label_value; /* or NULL */
	uint64_t value;
};
typedef void adm_metric_fn(void *cb_arg, const struct adm_metric *m);

struct adm_ops {
	void *arg;
	void (*status)(void *arg, struct adm_status *out);
	/* Registered or provisioned endpoints with name > after, in byte order, at most limit;
	 * `match` is an fnmatch pattern or empty. Returns true if there are more. */
	bool (*endpoint_list)(void *arg, struct span after, size_t limit, struct span match,
		adm_endpoint_fn *fn, void *cb_arg);
	/* ERR_NOTFOUND. */
	enum err (*endpoint_get)(void *arg, struct span name, adm_endpoint_fn *fn, void *cb_arg);
	void (*endpoint_put)(void *arg, struct span name, const struct adm_settings *s,
		adm_done_fn *done, void *done_arg);
	void (*endpoint_delete)(void *arg, struct span name, adm_done_fn *done, void *done_arg);
	/* The version of an object that an endpoint registered (lwm_object_list_version), or that
	 * the device behind it has which is named by `prefix`; 0 if it is not registered, or
	 * nothing is known. */
	uint8_t (*object_version)(void *arg, struct span name, struct span prefix, uint16_t oid);
	/* The devices behind it, by instance. ERR_NOTFOUND. */
	enum err (*device_list)(void *arg, struct span name, struct adm_gateway_view *out,
		adm_device_fn *fn, void *cb_arg);
	enum err (*context_list)(void *arg, struct span name, adm_context_fn *fn, void *cb_arg);
	void (*oscore_put)(void *arg, struct span name, const struct adm_oscore *o,
		adm_done_fn *done, void *done_arg);
	/* What a captured message says, as JSON (oscore/inspect.h) that lives until the next call.
	 * ERR_NOTFOUND. */
	enum err (*oscore_decode)(
		void *arg, struct span name, const struct adm_decode *d, struct span *json);
	/* Fills in what becomes of each line before it returns; it counts once `done` says 200. The
	 * lines live until then. Without `replace` credentials that an endpoint has stay, and other
	 * ones are refused. */
	void (*import)(void *arg, struct adm_import *lines, size_t n, bool replace,
		adm_done_fn *done, void *done_arg);
	void (*oscore_delete)(
		void *arg, struct span name, bool bootstrap, adm_done_fn *done, void *done_arg);
	/* For DTLS. ERR_NOTFOUND. */
	enum err (*psk_list)(void *arg, struct span name, adm_psk_fn *fn, void *cb_arg);
	void (*psk_put)(void *arg, struct span name, const struct adm_psk *p, adm_done_fn *done,
		void *done_arg);
	void (*psk_delete)(
		void *arg, struct span name, bool bootstrap, adm_done_fn *done, void *done_arg);
	/* Certificates or raw public keys. ERR_NOTFOUND. */
	enum err (*peer_list)(
		void *arg, struct span name, bool raw_key, adm_peer_fn *fn, void *cb_arg);
	void (*peer_put)(void *arg, struct span name, const struct adm_peer *p, adm_done_fn *done,
		void *done_arg);
	void (*peer_delete)(void *arg, struct span name, bool raw_key, bool bootstrap,
		adm_done_fn *done, void *done_arg);
	/* Ends when the device has answered or time has run out; what `d` points to may go when
	 * this returns. Or with 202: it is stored, and waits in the queue of the device that is
	 * asleep (type "asleep") or is asked for something else ("busy"). Returns what names the
	 * operation for dm_cancel. */
	uint64_t (*dm)(void *arg, const struct adm_dm *d, adm_done_fn *done, void *done_arg);
	/* ERR_OK: its `done` comes soon and says "cancelled". ERR_STATE: the device may have done
	 * it already. ERR_NOTFOUND: it has ended. */
	enum err (*dm_cancel)(void *arg, struct span endpoint, uint64_t operation);
	/* What was stored in queues, and what came of it. Empty endpoint: all. */
	void (*queued_list)(void *arg, struct span endpoint, adm_queued_fn *fn, void *cb_arg);
	bool (*queued_get)(void *arg, uint64_t id, adm_queued_fn *fn, void *cb_arg);
	/* As dm_cancel. */
	enum err (*queued_cancel)(void *arg, uint64_t id);
	/* `done` tells what comes of it; 503 while nothing can be stored, and it still waits. */
	void (*queued_follow)(void *arg, uint64_t id, adm_done_fn *done, void *done_arg);
	enum err (*observation_list)(
		void *arg, struct span name, adm_observation_fn *fn, void *cb_arg);
	enum err (*bootstrap_get)(void *arg, struct span name, struct adm_bootstrap_view *out);
	/* The JSON is checked by the bootstrap engine. An empty name stands for the default plan.
	 */
	void (*plan_put)(
		void *arg, struct span name, struct span json, adm_done_fn *done, void *done_arg);
	void (*plan_delete)(void *arg, struct span name, adm_done_fn *done, void *done_arg);
	/* A bootstrap that the device has not asked for. */
	void (*bootstrap_start)(void *arg, struct span name, adm_done_fn *done, void *done_arg);
	/* What it points to lives until the next call. ERR_NOTFOUND: `similar` is filled. */
	enum err (*explain)(void *arg, struct span name, struct adm_explanation *out);
	/* From now on the messages of the endpoint come as events of the type "trace", or no more.
	 * ERR_NOTFOUND. */
	enum err (*trace)(void *arg, struct span name, bool on);
	/* Stored events after `after`; ERR_NOTFOUND, and none, if `after` has left the ring
	 * (*first: the oldest). */
	enum err (*events)(void *arg, uint64_t after, size_t max, adm_event_fn *fn, void *cb_arg,
		uint64_t *first);
	void (*metrics)(void *arg, adm_metric_fn *fn, void *cb_arg);
	/* The operator has confirmed that a sealed database is the only copy. */
	void (*unseal)(void *arg, adm_done_fn *done, void *done_arg);
	/* Takes a piece of an image. 202 with `bytes`: so many are here; 201: that was the last,
	 * and the image is durable. A piece at 0 begins anew. */
	void (*image_add)(
		void *arg, const struct adm_image_piece *p, adm_done_fn *done, void *done_arg);
	void (*image_delete)(void *arg, struct span name, adm_done_fn *done, void *done_arg);
	/* Of one name, or of all if it is empty. ERR_NOTFOUND. */
	enum err (*image_list)(void *arg, struct span name, adm_image_fn *fn, void *cb_arg);
	/* The firmware update of an endpoint. ERR_NOTFOUND: no such endpoint; ERR_STATE: it has
	 * none. Of all endpoints if the name is empty. */
	enum err (*firmware_list)(void *arg, struct span name, adm_firmware_fn *fn, void *cb_arg);
	void (*firmware_start)(void *arg, struct span name, const struct adm_firmware *f,
		adm_done_fn *done, void *done_arg);
	void (*firmware_cancel)(void *arg, struct span name, adm_done_fn *done, void *done_arg);
	/* Makes a copy of the database beside it: 201 with `location` and `bytes`. */
	void (*backup)(void *arg, adm_done_fn *done, void *done_arg);
};

#endif
