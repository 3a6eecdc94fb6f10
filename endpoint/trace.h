/* SPDX-License-Identifier: Apache-2.0 */
/* What a traced endpoint says and is told, in the clear: live events of type "trace", never stored.
 * Their data:
 *   {"direction":"in"|"out","peer":"udp 192.0.2.1:5683","protected":true,"partial_iv":7,
 *    "type":"CON","mid":1,"token":"hex","code":"0.02","options":[{"number":11,"name":"Uri-Path",
 *    "value":"rd"}],"payload_bytes":3,"payload_hex":"...","note":"..."}
 * A payload that holds credentials is left out, and "masked" is true. */
#ifndef LANYARD_ENDPOINT_TRACE_H
#define LANYARD_ENDPOINT_TRACE_H

#include "base/peer.h"
#include "coap/msg.h"
#include "endpoint/turn.h"

struct endpoint;

enum { EP_TRACE_PAYLOAD_MAX = 1024 }; /* bytes of payload that are shown */

struct ep_trace {
	bool out;         /* from us */
	bool sealed;      /* it travels under OSCORE; `msg` is what is inside */
	bool credentials; /* it may carry keys: the bootstrap interface's */
	const struct peer *peer;
	const struct msg *msg;   /* NULL: it could not be read */
	const struct msg *outer; /* whose type, MID and token count; NULL: those of msg */
	uint64_t partial_iv;     /* UINT64_MAX: none */
	const char *note;        /* static; NULL: none */
};

/* Adds the event to the turn, if the endpoint is traced; `e` may be NULL. Out of memory the trace
 * has a gap, and nothing else happens. */
void ep_trace(const struct endpoint *e, const struct ep_trace *what, struct turn *t);

#endif
