/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the gateway socket. */
#ifndef LANYARD_TRANSPORT_GATEWAY_SOCKET_IMPL_H
#define LANYARD_TRANSPORT_GATEWAY_SOCKET_IMPL_H

#include "base/local.h"
#include "transport/gateway_frame.h"
#include "transport/gateway_socket.h"

#include <sys/types.h>

enum {
	SOCKET_HELLO_MS = 10000, /* for a bridge to say who it is */
	SOCKET_BATCH = 32,       /* packets of a read */
	SOCKET_ROUNDS = 2,       /* such reads of a bridge in a turn */
	SOCKET_DEAF_MS = 60000,  /* for a bridge that is no longer busy to take anything */
};

/* A place for a bridge. */
struct bridge {
	struct gateway_socket *socket;
	const char *name; /* one of the socket's; "": it has not said hello */
	uint8_t way;      /* the number of that name; 0 */
	int fd;           /* -1: none is connected */
	pid_t pid;
	uid_t uid;
	uint32_t kinds; /* bits of enum gateway_kind */
	enum frame_link link;
	bool ending; /* it is to be closed, from the loop */
	char why[GATEWAY_REASON_MAX + 1];
	uint64_t since_ms; /* connected */
	uint64_t deaf_ms;  /* since when it takes nothing; 0: it does */
	struct event *readable, *writable;
	struct gateway_queue queue;
};

struct gateway_socket {
	struct gateway *gateway;
	struct local_file file;
	int fd;
	uid_t user;
	bool any_user, paused, throttled;
	uint32_t bridges;
	size_t turn; /* who reads first when there is room again */
	struct event *accepting, *tick;
	struct bridge bridge[GATEWAY_BRIDGES_MAX];
	/* Names of bridges that are here or were. Their numbers, from 1, are the ways by which
	 * addresses were heard of: so a bridge that comes again is the way it was. */
	char name[GATEWAY_BRIDGES_MAX][GATEWAY_NAME_MAX + 1];
};

/* gateway_bridge.c */
/* A bridge connects; the descriptor is taken. */
void bridge_connect(struct gateway_socket *s, int fd);
/* Whether messages of that kind may go to it, now or when it is no longer busy. */
bool bridge_reaches(const struct bridge *b, enum gateway_kind kind);
bool bridge_is_up(const struct bridge *b);
/* ERR_STATE: it is gone, and will be closed; ERR_LIMIT: too much waits. */
MUST_USE enum err bridge_send(struct bridge *b, const struct peer *to, struct span datagram);
/* Takes at most `max` packets. */
void bridge_read(struct bridge *b, size_t max);
/* Ends the connection; `why` is told to the bridge, and logged. What waited goes to another, or is
 * undelivered. */
void bridge_close(struct bridge *b, const char *why);
/* What time brings: no hello, or nothing taken for too long. */
void bridge_tick(struct bridge *b, uint64_t now_ms);
void bridge_free(struct bridge *b);
/* The one of that way, if it is connected. */
struct bridge *bridge_of_way(struct gateway_socket *s, uint8_t way);

/* gateway_socket.c */
/* Tells the gateway how many are there, and why none is. */
void socket_tell(struct gateway_socket *s);
/* Another bridge for that kind than `but`; NULL: there is none. */
struct bridge *socket_bridge_for(
	struct gateway_socket *s, enum gateway_kind kind, const struct bridge *but);
/* More has come than the rate allows: all wait. */
void socket_throttle(struct gateway_socket *s, uint64_t wait_ms);
/* Has ending bridges closed from the loop, soon. */
void socket_wake(struct gateway_socket *s);

#endif
