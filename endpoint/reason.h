/* SPDX-License-Identifier: Apache-2.0 */
/* Why a message was refused or an endpoint does not connect: what `explain` tells. */
#ifndef LANYARD_ENDPOINT_REASON_H
#define LANYARD_ENDPOINT_REASON_H

#include "base/span.h"

enum ep_reason {
	EP_REASON_MALFORMED,  /* no CoAP message */
	EP_REASON_BAD_OPTION, /* option 9 malformed, or an unknown critical option */
	EP_REASON_NO_CONTEXT, /* kid unknown */
	EP_REASON_REPLAY,
	EP_REASON_SEALED, /* a number from before an unclean stop: silence */
	EP_REASON_DECRYPT,
	EP_REASON_ROLE,        /* a bootstrap context at the server, or the reverse */
	EP_REASON_CHALLENGED,  /* asked for Echo */
	EP_REASON_NO_ECHO,     /* accepted without Echo: the device does not know it */
	EP_REASON_NOSEC,       /* came unprotected where that is not allowed */
	EP_REASON_EP_MISMATCH, /* ep is not the credential's */
	EP_REASON_EP_UNKNOWN,
	EP_REASON_VERSION,         /* LwM2M version not served: 4.12 */
	EP_REASON_BAD_REQUEST,     /* parameters or object list malformed */
	EP_REASON_NO_REGISTRATION, /* Update or De-register for one that is gone: 4.04 */
	EP_REASON_STORAGE,         /* 5.03: cannot store */
	EP_REASON_OVERLOAD,        /* 5.03: a bound was reached */
	EP_REASON_NO_PLAN,         /* bootstrap without a plan */
	EP_REASON_BOOTSTRAP_FAILED,
	EP_REASON_UNPROTECTED_ANSWER, /* an unprotected answer to our protected request */
	EP_REASON_ANSWER_DECRYPT,     /* an answer that did not decrypt */
	EP_REASON_NO_ANSWER,          /* our request timed out */
	EP_REASON_EXHAUSTED,          /* sender numbers are used up */
	EP_REASON_COUNT
};

struct ep_reason_info {
	const char *code; /* "replay" */
	const char *text; /* a sentence for an operator, and what to do */
};

const struct ep_reason_info *ep_reason_info(enum ep_reason r);

/* What happened to one endpoint, a slot for each reason that ever did. */
struct ep_note {
	struct ep_note *next;
	enum ep_reason reason;
	uint32_t count;
	int64_t wall_ms; /* the last time */
};

#endif
