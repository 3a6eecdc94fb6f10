/* SPDX-License-Identifier: Apache-2.0 */
/* Why a message was refused or an endpoint does not connect: what `explain` tells. */
#ifndef LANYARD_ENDPOINT_REASON_H
#define LANYARD_ENDPOINT_REASON_H

#include "base/span.h"

enum ep_reason {
	/* any message */
	EP_REASON_MALFORMED,      /* no CoAP message */
	EP_REASON_PROXY,          /* Proxy-Uri or Proxy-Scheme: 5.05 */
	EP_REASON_UNKNOWN_OPTION, /* a critical option that is unknown or ill-sized: 4.02 */
	EP_REASON_BAD_BLOCK,
	EP_REASON_BODY_INCOMPLETE, /* 4.08 */
	EP_REASON_BODY_TOO_LARGE,  /* 4.13 */
	EP_REASON_NO_PATH,         /* 4.04 */
	EP_REASON_METHOD,          /* 4.05 */
	/* OSCORE */
	EP_REASON_OSCORE_OPTION, /* option 9 malformed */
	EP_REASON_OUTER_BLOCKS,  /* what a proxy cut does not fit together: 4.08, 4.13 */
	EP_REASON_NO_CONTEXT,    /* kid unknown */
	EP_REASON_ID_CONTEXT,    /* kid known, with another ID Context */
	EP_REASON_REPLAY,
	EP_REASON_OLD_NUMBER, /* a number from before an unclean stop: silence */
	EP_REASON_DECRYPT,
	EP_REASON_FORGERIES,  /* not tried: too much failed to decrypt under these keys */
	EP_REASON_KEY_LIMIT,  /* the keys have encrypted as many messages as they may */
	EP_REASON_PLAINTEXT,  /* it decrypted to no request */
	EP_REASON_ROLE,       /* a bootstrap context at the server, or the reverse */
	EP_REASON_CHALLENGED, /* asked for Echo */
	EP_REASON_RECOVERING, /* new keys were offered (RFC 8613 Appendix B.2), and not taken yet */
	EP_REASON_NO_ECHO,    /* accepted without Echo: the device does not know it */
	/* no OSCORE */
	EP_REASON_NOSEC, /* came unprotected where that is not allowed */
	/* DTLS and TLS */
	EP_REASON_PSK_IDENTITY, /* of a handshake, which nobody has */
	EP_REASON_PSK_KEY,      /* a handshake with a known identity did not end */
	EP_REASON_HANDSHAKE,    /* nothing in common, or malformed */
	EP_REASON_CERTIFICATE_MISSING,
	EP_REASON_CERTIFICATE_ISSUER, /* no trusted CA vouches for it */
	EP_REASON_CERTIFICATE_TIME,   /* expired, or not valid yet */
	EP_REASON_CERTIFICATE_REVOKED,
	EP_REASON_CERTIFICATE_CRL,   /* whether it is revoked cannot be known */
	EP_REASON_CERTIFICATE_WEAK,  /* a key or signature that is too weak */
	EP_REASON_CERTIFICATE_NAME,  /* it names no endpoint that may come so */
	EP_REASON_CERTIFICATE_OTHER, /* the endpoint it names has another one */
	EP_REASON_RAW_KEY,           /* nobody has that raw public key */
	EP_REASON_CREDENTIAL_GONE,   /* the channel was opened with what counts no more: 4.01 */
	EP_REASON_WEAK,              /* less protection than is required: 4.01 */
	/* Register, Update, De-register */
	EP_REASON_EP_MISMATCH, /* ep is not the credential's */
	EP_REASON_EP_MISSING,
	EP_REASON_PARAMETERS, /* the query is malformed */
	EP_REASON_VERSION,    /* LwM2M version not served: 4.12 */
	EP_REASON_NO_LIFETIME,
	EP_REASON_LIST_FORMAT,
	EP_REASON_NO_LIST,
	EP_REASON_BAD_LIST,
	EP_REASON_LIST_TOO_LARGE,
	EP_REASON_NO_REGISTRATION, /* for one that is gone: 4.04 */
	/* Send */
	EP_REASON_SEND_UNREGISTERED, /* 4.00 */
	EP_REASON_SEND_PAYLOAD,      /* it cannot be read, 4.00, or shown, 4.13 */
	EP_REASON_SEND_UNKNOWN,      /* of an Object Instance that is not registered: 4.04 */
	/* ours */
	EP_REASON_STORAGE,  /* 5.03: cannot store */
	EP_REASON_SEALED,   /* 5.03: the database may be a copy */
	EP_REASON_OVERLOAD, /* 5.03: a bound was reached */
	/* bootstrap */
	EP_REASON_NO_PLAN,
	EP_REASON_PLAN_FORMAT, /* 4.15: no format of ours that holds a plan */
	EP_REASON_NO_PACK,     /* 5.01, 4.05 or 4.06 to a Bootstrap-Pack; /bs serves */
	EP_REASON_BOOTSTRAP_FAILED,
	/* answers to our requests */
	EP_REASON_UNPROTECTED_ANSWER, /* an unprotected answer to our protected request */
	EP_REASON_ANSWER_DECRYPT,     /* an answer that did not decrypt */
	EP_REASON_ANSWER_OPTION,
	EP_REASON_ANSWER_BLOCKS,  /* what a proxy cut does not fit together */
	EP_REASON_ANSWER_ADDRESS, /* unprotected, from elsewhere */
	EP_REASON_NO_ANSWER,      /* our request timed out */
	EP_REASON_EXHAUSTED,      /* sender numbers are used up */
	EP_REASON_TOO_LONG,       /* a message of ours does not fit those the device takes */
	EP_REASON_COUNT
};

struct ep_reason_info {
	const char *code; /* "replay" */
	const char *text; /* a sentence for an operator, and what to do */
	bool harmless;    /* it keeps nobody from connecting */
};

const struct ep_reason_info *ep_reason_info(enum ep_reason r);

/* What happened to one endpoint, the newest first: a slot for each reason under each context. */
enum { EP_NOTES_MAX = 16 };
struct ep_note {
	struct ep_note *next;
	uint32_t count;
	uint32_t wall_s;  /* the last time, since 1970 */
	uint32_t context; /* the low bits of its id; 0: none */
	uint8_t reason;   /* enum ep_reason */
};

/* Since the start, of whomever; what belongs to no endpoint that is known also by itself. */
struct ep_tally {
	struct ep_tally_row {
		uint64_t all, strays;
		int64_t stray_wall_ms; /* the last of the strays */
	} row[EP_REASON_COUNT];
};

/* t may be NULL. */
void ep_tally_count(struct ep_tally *t, enum ep_reason r, bool stray, int64_t wall_ms);

#endif
