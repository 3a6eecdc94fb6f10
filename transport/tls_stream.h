/* SPDX-License-Identifier: Apache-2.0 */
/* TLS 1.2 and 1.3 for a connection of tcp.h: what its bytes are in. Private to transport/. */
#ifndef LANYARD_TRANSPORT_TLS_STREAM_H
#define LANYARD_TRANSPORT_TLS_STREAM_H

#include "transport/tcp.h"
#include "transport/tls.h"

struct tls_stream;

extern const struct tcp_bytes tls_stream_bytes;
/* For a connection that came in at that listener, or that we have opened `to` (which outlives it)
 * if that is not NULL; NULL: no memory. `t` outlives it. */
struct tls_stream *tls_stream_new(struct tls *t, uint16_t listener, const struct peer *to);
/* Of a handshake that is over; 0 before. */
uint64_t tls_stream_mark(const struct tls_stream *s);
/* Of one that failed: tells who asked for keys. */
void tls_stream_failed(const struct tls_stream *s, const struct peer *who);

#endif
