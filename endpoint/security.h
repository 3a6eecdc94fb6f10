/* SPDX-License-Identifier: Apache-2.0 */
/* What looks like an attack, as events: counted here, told as one event for a burst, rarely enough
 * that no flood fills the ring of events. Memory is fixed. Plain data; times are the store clock.
 */
#ifndef LANYARD_ENDPOINT_SECURITY_H
#define LANYARD_ENDPOINT_SECURITY_H

#include "base/peer.h"
#include "base/span.h"
#include "endpoint/reason.h"

enum ep_security_kind {
	EP_SECURITY_REPLAY,
	EP_SECURITY_DECRYPTION,  /* told from a burst on */
	EP_SECURITY_UNKNOWN_KID, /* of all peers together: who they are nobody knows */
	EP_SECURITY_ROLLBACK,
	EP_SECURITY_KEY_LIMIT,
	EP_SECURITY_HANDSHAKE, /* of DTLS or TLS, with a known identity: told from a burst on */
	EP_SECURITY_KINDS
};
const char *ep_security_name(enum ep_security_kind k);

enum {
	EP_SECURITY_SLOTS = 32,       /* endpoints that are told apart at a time */
	EP_SECURITY_QUIET_MS = 60000, /* between two events of one slot */
	EP_SECURITY_BURST = 5,        /* decryptions that fail */
	EP_SECURITY_TOKENS = 12,      /* events of a kind at once, and then one in so long: */
	EP_SECURITY_REFILL_MS = 300000,
};

/* What was seen. The endpoint's id may be 0: nobody's. */
struct ep_sighting {
	enum ep_security_kind kind;
	uint64_t endpoint_id;
	struct span name, kid;
	const struct peer *from; /* or NULL */
};

struct ep_security_slot {
	uint8_t kind;
	bool used;
	uint64_t endpoint_id;
	uint8_t name_n, kid_n;
	uint8_t name[255], kid[8]; /* of the last */
	struct peer from;          /* likewise */
	bool has_from;
	uint64_t count; /* not told yet */
	uint64_t first_ms, last_ms, next_ms;
};

struct ep_security {
	struct ep_security_slot slot[EP_SECURITY_SLOTS];
	struct ep_security_slot rest[EP_SECURITY_KINDS]; /* for which there is no slot */
	uint32_t spent[EP_SECURITY_KINDS];               /* tokens */
	uint64_t refill_ms[EP_SECURITY_KINDS];
	uint64_t told[EP_SECURITY_KINDS]; /* events, ever */
};

/* Counts it; an event may be due then. s may be NULL. */
void ep_security_saw(struct ep_security *s, const struct ep_sighting *what, uint64_t now_ms);
/* The kind a refusal counts as; false: it is no matter of security. */
bool ep_security_of(enum ep_reason r, enum ep_security_kind *out);
/* An event that is due, as its JSON; `name` is the endpoint's, or empty, and lives until the next
 * call of any. False: none is. */
bool ep_security_due(
	struct ep_security *s, uint64_t now_ms, struct span *name, struct writer *json);
/* When the next will be; UINT64_MAX: never. */
uint64_t ep_security_deadline_ms(const struct ep_security *s);

#endif
