/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the server engine: the devices behind a gateway, as its Object 25 tells them (GW-01,
 * GW-02). They are read when a registration has come or its list has changed, and after a start
 * when the gateway is heard of; nothing of it is stored. */
#ifndef LANYARD_SERVER_GATEWAY_H
#define LANYARD_SERVER_GATEWAY_H

#include "server/server_impl.h"

enum {
	SRV_DEVICES_MAX = 1024,            /* behind one gateway */
	SRV_DEVICE_BYTES_MAX = 256 << 10,  /* of what one gateway tells of them */
	SRV_DEVICE_BYTES_TOTAL = 16 << 20, /* of all gateways */
	SRV_DEVICE_TEXT_MAX = 255,         /* of an id or a prefix that is shown */
	SRV_DEVICE_ROUTES_MAX = 64,        /* instances of /26 that a device of v1.0 names */
	SRV_DEVICE_EVENTS_MAX = 64,        /* for one answer; more are told as a number */
	SRV_GATEWAY_TRIES = 3,             /* without an answer, until it registers again */
	SRV_GATEWAY_V2 = 20,               /* the version of Object 25 with links in it */
};

struct srv_device {
	uint16_t iid;             /* of /25 */
	bool links_bad;           /* its list is no link format, or too long */
	bool linked;              /* it has told a list in /25 (v2.0) */
	const char *fault;        /* why it cannot be asked; NULL: it can */
	struct lwm_prefix prefix; /* empty if it has a fault */
	char *text;               /* its id, then its prefix as it was told */
	uint16_t id_n, told_n;
	struct lwm_object_list list;
	uint16_t *routes; /* instances of /26, until that is read */
	uint16_t route_n;
};

struct srv_devices {
	struct srv_device *v; /* sorted by instance */
	size_t n, cap, bytes, left_out;
};

enum srv_gateway_state { SRV_GATEWAY_UNREAD, SRV_GATEWAY_KNOWN, SRV_GATEWAY_FAILED };

struct srv_gateway {
	struct srv *srv;
	struct srv_reg *reg;
	struct srv_op *op;       /* that asks */
	struct srv_devices now;  /* what is known */
	struct srv_devices next; /* what /25 has told, while /26 is asked for */
	enum srv_gateway_state state;
	bool stale;   /* to be read (again) */
	bool routing; /* /26 is asked for */
	bool quiet;   /* since the start nothing was read: nothing is new */
	uint8_t tries;
	uint8_t code; /* of a refusal; 0: it could not be read */
	int64_t read_wall_s;
};

/* gateway_read.c */
void srv_devices_fini(struct srv_devices *all);
struct span srv_device_id(const struct srv_device *d);
struct span srv_device_told(const struct srv_device *d); /* the prefix, whatever it is */
/* What an answer to a Read of /25 tells. ERR_SYNTAX: it cannot be read; ERR_NOMEM. `out` is then
 * empty. `room_bytes`: what all of it may take; what is more is left out, and counted. */
MUST_USE enum err srv_devices_read(
	const struct srv_reg *g, const struct msg *m, size_t room_bytes, struct srv_devices *out);
/* Whether some of them say in /26 what they have. */
bool srv_devices_routed(const struct srv_devices *all);
/* What an answer to a Read of /26 tells of them. */
MUST_USE enum err srv_devices_route(
	const struct srv_reg *g, const struct msg *m, size_t room_bytes, struct srv_devices *all);

#endif
