/* SPDX-License-Identifier: Apache-2.0 */
/* The event stream: server-sent events, resumed from the durable ring.
 *
 * A client that names the last event it saw first catches up from the ring, at its own speed; from
 * then on events go out as they happen. A live client that lets more than SSE_BUFFER_MAX pile up is
 * told so in a last comment and dropped: it can come back with Last-Event-ID. */
#ifndef LANYARD_ADMIN_EVENTS_H
#define LANYARD_ADMIN_EVENTS_H

#include "admin/req.h"

enum { SSE_BUFFER_MAX = 256 * 1024, SSE_HEARTBEAT_S = 15, SSE_STALLED_S = 30 };

MUST_USE enum err events_init(struct adm *a);
void events_fini(struct adm *a);

#endif
