/* SPDX-License-Identifier: Apache-2.0 */
/* One bootstrap of one device: the commands it gets, in order (BS-07). */
#ifndef LANYARD_BOOTSTRAP_SESSION_H
#define LANYARD_BOOTSTRAP_SESSION_H

#include "bootstrap/bootstrap.h"
#include "lwm2m/link.h"

/* Bytes of a secret; characters where it has to be text, of six random bits each. */
enum { BS_SECRET_BYTES = 16, BS_SECRET_CHARS = 24, BS_SALT_BYTES = 8 };

enum bs_step {
	BS_DISCOVER,
	BS_DELETE,
	BS_WRITE_SECURITY,
	BS_WRITE_SERVER,
	BS_WRITE_OSCORE,
	BS_FINISH,
};

struct bs_session {
	struct timer timer; /* first: the device has been silent for too long */
	struct endpoint *endpoint;
	struct ep_context *ctx;     /* it runs under */
	struct ep_context *made;    /* the new server context; NULL before the first Write */
	struct ep_request *request; /* the command on its way */
	enum bs_step step;
	struct bs_plan plan;
	struct lwm_bs_discover found;
	size_t delete_at; /* in found.inst; 0 stands for the whole Server object, n + 1 for the end
			   */
	uint16_t security_iid, oscore_iid; /* the instances to write */
	const char *failure;               /* why Finish comes early; NULL: it does not */
	uint16_t format;                   /* what the device takes Writes in (BS-03) */
	uint8_t secret_n;
	uint8_t secret[BS_SECRET_CHARS], salt[BS_SALT_BYTES];
};

/* What an endpoint is to the bootstrap server: hangs off struct endpoint's `session`. */
struct bs_endpoint {
	struct bs_plan *own; /* NULL: the default plan */
	struct bs_session *session;
	const char *last_result;
	int64_t last_wall_s;
};

struct bs {
	struct bs_opts opts;
	struct ep_exchange *x;
	struct ep_directory *dir;
	struct wheel wheel;
	struct bs_plan *stored; /* the stored default plan, or NULL */
	struct bs_counters count;
	size_t session_n;
};

struct bs_endpoint *bs_of(struct endpoint *e); /* makes it; NULL: no memory */

/* Begins with the first command; the Bootstrap-Request has been answered in this turn. */
MUST_USE enum err bs_session_start(struct bs *b, struct endpoint *e, struct ep_context *ctx,
	const struct bs_plan *p, uint16_t format, struct turn *t);
/* Ends it: `result` is static text, NULL is success. */
void bs_session_end(struct bs *b, struct bs_session *s, const char *result, struct turn *t);
void bs_session_delivery(struct bs *b, struct bs_session *s, struct ep_delivery *d, struct turn *t);
void bs_session_free(struct bs *b, struct bs_session *s);

/* account.c: payloads of the three Writes, in the session's format. */
MUST_USE enum err bs_write_security(const struct bs_session *s, struct writer *w);
MUST_USE enum err bs_write_server(const struct bs_session *s, struct writer *w);
MUST_USE enum err bs_write_oscore(const struct bs_session *s, struct writer *w);
/* Draws keys and ids and makes the context they belong to (spec: new keys for each attempt). */
MUST_USE enum err bs_draw_context(struct bs *b, struct bs_session *s, struct turn *t);

#endif
