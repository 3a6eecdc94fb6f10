/* SPDX-License-Identifier: Apache-2.0 */
/* A request on its way to its answer. */
#ifndef LANYARD_ADMIN_REQ_H
#define LANYARD_ADMIN_REQ_H

#include "admin/admin.h"
#include "admin/json.h"
#include "admin/url.h"
#include "base/local.h"

#include <sys/socket.h>

struct evhttp;
struct evhttp_request;
struct event;

enum { ADM_BODY_MAX = 1024 * 1024, ADM_PENDING_MAX = 1024 };

struct operation;
struct operations { /* the oldest first */
	struct operation *first, **last;
	size_t n, bytes;
};

struct idem;
struct idems { /* the oldest first */
	struct idem *first, **last;
	size_t n;
};

struct adm {
	struct event_base *base;
	struct evhttp *http;
	struct adm_ops ops;
	struct rng rng;
	uint32_t wait_default_s, wait_max_s, operation_keep_s;
	uint32_t idempotency_keep_s;
	struct operations operations;
	struct idems idem;
	uint8_t tag_key[16], idem_key[32]; /* drawn at start */
	struct adm_req *requests;          /* not answered yet */
	size_t request_n;
	struct sse *clients; /* of the event stream */
	size_t client_n, client_max;
	struct event *beat;
	struct local_file socket;
};

struct adm_req;
/* Writes the members of a good answer. */
typedef void adm_answer_fn(const struct lwm_path *path, const struct adm_result *res, struct jo *o);

/* Lives until it is answered, even when its client has gone or the whole interface: the callback
 * of an operation frees it then. The arena is wiped. */
struct adm_req {
	struct adm *adm; /* NULL once adm_free was called */
	struct adm_req *next, **pprev;
	struct evhttp_request *http; /* NULL: there is nobody to answer */
	struct arena arena;
	struct ucred peer;
	const char *method;
	struct span uri;    /* as it was sent */
	struct span target; /* its path, for the log */
	struct url url;
	struct span body;
	struct span endpoint; /* from the path; empty where the route has none */
	struct span rest;     /* what a trailing * of the route took, "3/0/9" */
	struct adm_fail fail;
	struct lwm_prefix prefix; /* in front of the path: of a device behind the endpoint */
	struct lwm_path path;
	uint32_t wait_s;
	bool waits; /* it said so */
	uint32_t expires_s;
	struct idem *idem; /* what waits for its answer, or NULL */
	bool tagged;       /* it is about something with an entity tag: */
	uint64_t tag;      /* of what a PUT would replace */
	char location[48]; /* of the answer; "": none */
};

/* Takes over the evhttp request. NULL (and the request is answered) without memory. */
struct adm_req *req_new(struct adm *a, struct evhttp_request *http);

/* Each of these answers and ends the request: do not touch it afterwards. */
void req_json(struct adm_req *r, int status, struct jo *o);
void req_text(struct adm_req *r, const char *content_type, struct jo *o);
void req_problem(struct adm_req *r, int status, const char *type, const char *detail);
/* What r->fail says. */
void req_fail(struct adm_req *r);
/* The way to answer ERR_NOTFOUND and its kin of a synchronous operation. */
void req_err(struct adm_req *r, enum err e);
/* An adm_done_fn: `done_arg` is the request. A good answer has no member but "endpoint". */
void req_done(void *done_arg, const struct adm_result *res);
/* The body as it stands. */
void req_answer(struct adm_req *r, int status, const char *content_type, struct jo *o);
/* Of the objects of the endpoint that is asked for; the result refers to `r`. */
struct lwm_versions req_versions(struct adm_req *r);
/* What outcome_out made of a result. */
void req_reply(struct adm_req *r, int status, const struct jo *o);
/* The body of an answer, good or problem, without a line end; returns its status. `members`
 * may be NULL. */
int outcome_out(struct jo *o, struct span endpoint, const struct lwm_path *path,
	adm_answer_fn *members, const struct adm_result *res);
/* Tells 405 with its Allow header. */
void req_not_allowed(struct adm_req *r, const char *allow);
/* Ends the request and hands its evhttp request over, for a stream. */
struct evhttp_request *req_release(struct adm_req *r, int status);
/* Whether somebody is there to take an answer; one who will say no more counts as gone. */
bool req_heard(const struct adm_req *r);
/* A header of the request; p is NULL if there is none. Lives as long as the request. */
struct span req_input_header(const struct adm_req *r, const char *name);
/* A header of the answer: `value` behind `prefix`. Neither holds a line end. */
void req_header(struct adm_req *r, const char *name, const char *prefix, const char *value);
/* For adm_free: 503 at once, past the event loop, and nobody to answer later. */
void req_abandon(struct adm_req *r);
/* Frees one that was abandoned and that no operation refers to. */
void req_drop(struct adm_req *r);

/* What the body is: by its Content-Type, JSON if that says nothing that we know (curl says
 * "application/x-www-form-urlencoded" to everything). */
enum req_media { REQ_JSON, REQ_TEXT, REQ_OCTETS };
enum req_media req_media(const struct adm_req *r);
/* Refuses a body that is no JSON. */
MUST_USE bool req_json_only(struct adm_req *r);
/* A Location header: where in r->endpoint's data `p` is. */
void req_location(struct adm_req *r, const struct lwm_path *p);
/* The parameters `wait` and `expires`. */
MUST_USE bool req_wait(struct adm_req *r);
/* r->rest as an LwM2M path of min to max ids, into r->path; a prefix before it into r->prefix. */
MUST_USE bool req_path(struct adm_req *r, uint8_t min, uint8_t max);
/* Around the elements of {"endpoint":...,"NAME":[...]}; the end is a refusal if `e` says so. */
void req_list_begin(const struct adm_req *r, struct jo *o, const char *name);
void req_list_end(struct adm_req *r, struct jo *o, enum err e);

#endif
