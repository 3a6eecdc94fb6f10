/* SPDX-License-Identifier: Apache-2.0 */
/* One bootstrap of one device: the commands it gets, in order (BS-07). */
#ifndef LANYARD_BOOTSTRAP_SESSION_H
#define LANYARD_BOOTSTRAP_SESSION_H

#include "bootstrap/bootstrap.h"
#include "endpoint/mark.h"
#include "lwm2m/bs_read.h"
#include "lwm2m/regparam.h"

/* Bytes of a secret; characters where it has to be text, of six random bits each. */
enum { BS_SECRET_BYTES = 16, BS_SECRET_CHARS = 24 };

/* An instance may be longer than a message: it goes out in blocks then. */
enum { BS_PAYLOAD_MAX = 8192 };

enum bs_step {
	BS_DISCOVER,
	BS_READ,
	BS_DELETE,
	BS_WRITE_SECURITY,
	BS_WRITE_SERVER,
	BS_WRITE_ACCESS,
	BS_WRITE_OSCORE,
	BS_WRITE_BOOTSTRAP, /* the account, after its keys */
	BS_FINISH,
	BS_REFUSED, /* Finish was, with 4.06: a corrected plan is waited for (BS-14) */
};

/* Keys that are drawn for an account: the server's, and a new bootstrap account's. */
enum { BS_KEYS_SERVER, BS_KEYS_BOOTSTRAP, BS_KEYS };
struct bs_keys {
	const struct bs_oscore *params; /* NULL: none are drawn */
	struct ep_context *made;        /* NULL before the first Write */
	uint16_t iid;                   /* of Object 21 */
	uint8_t secret_n;
	uint8_t secret[BS_SECRET_CHARS], salt[EP_SALT_BYTES];
};

/* By which a device is spoken to: its OSCORE context, or else the DTLS or TLS channel it asked by.
 */
struct bs_way {
	struct ep_context *ctx; /* or NULL */
	struct peer peer;
};

struct bs_session {
	struct timer timer; /* first: the device has been silent for too long */
	struct endpoint *endpoint;
	struct ep_context *ctx;     /* it runs under; NULL: in a channel, */
	struct peer peer;           /* this one */
	struct ep_request *request; /* the command on its way */
	enum bs_step step;
	size_t at;      /* of the commands of this step */
	size_t sent_at; /* where the command on its way began */
	bool again;     /* it was sent anew: nothing acknowledged it (CT-13) */
	struct bs_plan *plan;
	const struct bs_account *drawn; /* of the plan: whose keys are drawn; NULL: nobody's */
	struct lwm_bs_discover found;
	struct lwm_bs_rights rights; /* Object 2, if it is to be merged */
	struct lwm_path read[BS_READS_MAX + 2];
	uint8_t read_n, read_try; /* read_try: of the formats to ask for */
	/* Of each account; behind them that of bootstrap. */
	uint16_t security_iid[BS_SERVERS_MAX + 1], server_iid[BS_SERVERS_MAX];
	struct bs_keys keys[BS_KEYS];
	const char *failure; /* why Finish comes early, or was refused; NULL: it does not */
	uint16_t format;     /* what the device takes Writes in (BS-03) */
	bool respelt;        /* Object 21 was refused in the first spelling */
};

/* What an endpoint is to the bootstrap server: hangs off struct endpoint's `session`. */
struct bs_endpoint {
	struct bs_plan *own; /* NULL: the default plan */
	struct bs_session *session;
	struct ep_context *packed; /* of the last Pack, whose use is not seen yet; or NULL */
	const char *last_result;
	int64_t last_wall_s;
	char *reads; /* of the last bootstrap: JSON objects with commas between; or NULL */
	size_t reads_n;
};

struct bs {
	struct bs_opts opts;
	struct ep_exchange *x;
	struct ep_directory *dir;
	struct wheel wheel;
	struct bs_plan *stored; /* the stored default plan, or NULL */
	bool stored_lost;       /* there was one: the configured one does not take its place */
	struct bs_counters count;
	size_t session_n;
	size_t reads_bytes; /* that endpoints keep */
	bool rotates;       /* there is, or was, a plan that says when keys are too old */
};

struct bs_endpoint *bs_of(struct endpoint *e); /* makes it; NULL: no memory */
/* Answers with an error, and tells why. */
void bs_refuse(
	struct bs *b, struct ep_delivery *d, enum ep_reason why, uint8_t code, struct turn *t);
/* pack.c: the answer to a Pack-Request of a device that has this plan. */
void bs_pack(struct bs *b, struct ep_delivery *d, const struct lwm_reg_params *p,
	struct bs_plan *plan, struct turn *t);

/* Begins with the first command; the Bootstrap-Request has been answered in this turn. */
MUST_USE enum err bs_session_start(struct bs *b, struct endpoint *e, const struct bs_way *way,
	struct bs_plan *p, uint16_t format, struct turn *t);
/* What is drawn is as the plan says; the caller has the reference. */
void bs_session_follow(struct bs_session *s, struct bs_plan *p);
/* Of a device whose Finish was refused: all over again, as this plan says. */
void bs_session_correct(struct bs *b, struct bs_session *s, struct bs_plan *p, struct turn *t);
/* Ends it: `result` is static text, NULL is success. */
void bs_session_end(struct bs *b, struct bs_session *s, const char *result, struct turn *t);
void bs_session_delivery(struct bs *b, struct bs_session *s, struct ep_delivery *d, struct turn *t);
void bs_session_free(struct bs *b, struct bs_session *s);

/* instances.c: what Discover found, and what is to become of it. */
/* The `at`-th thing to delete. What belongs to the bootstrap account, or may belong to it, has no
 * Short Server ID (BS-11) and is never named. False: nothing is left. */
bool bs_next_delete(const struct bs_session *s, size_t *at, struct lwm_path *p);
/* Free instances for all that is to be written. ERR_LIMIT: there are not so many. */
MUST_USE enum err bs_choose_instances(struct bs_session *s);

/* The instance for the at-th of the entries of Object 2. */
uint16_t bs_access_instance(const struct bs_session *s, size_t at);

/* read.c: Bootstrap-Read (BS-13) */
/* What a bootstrap leaves of its Reads: for one endpoint, and for all. */
enum { BS_READ_TEXT_MAX = 8192, BS_READS_BYTES_MAX = 4 << 20 };
/* What is to be read of the device that answered Bootstrap-Discover. */
void bs_reads_choose(struct bs *b, struct bs_session *s);
/* The Accept of the Read that is due; false: there is no format more to ask in. */
bool bs_read_format(const struct bs_session *s, uint16_t *cf);
/* Its answer. Told as an event, and kept for bs_view. */
void bs_read_taken(struct bs *b, struct bs_session *s, const struct msg *m, struct turn *t);
void bs_reads_forget(struct bs *b, struct bs_endpoint *e);

/* payload.c: the Writes, in the session's format. */
/* How many Writes a step has. */
size_t bs_write_count(const struct bs_session *s, enum bs_step step);
/* Whether the plan has an entry of Object 2 for that, or writes one of its own. */
bool bs_gives_rights(const struct bs_session *s, uint16_t oid, uint16_t target);
/* The path and payload of the session's step and `at`. */
MUST_USE enum err bs_write_one(const struct bs_session *s, struct lwm_path *path, struct writer *w);
/* All of them as one document; the step of s changes. */
MUST_USE enum err bs_write_all(struct bs_session *s, struct writer *w);
/* Whether Object 21 can be told in another way, and then in that one from now on (CT-101). */
bool bs_respell(struct bs_session *s);
/* Secret, salt and ids of Object 21 are Strings until its version 2.0. The two types differ in
 * every format but TLV, and only text can be a String there. */
bool bs_keys_are_text(const struct bs_session *s);

/* account.c */
/* Draws the keys and ids that are to be drawn, new ones for each attempt, and makes the contexts
 * they belong to. */
MUST_USE enum err bs_draw_contexts(struct bs *b, struct bs_session *s, struct turn *t);

#endif
