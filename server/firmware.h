/* SPDX-License-Identifier: Apache-2.0 */
/* Firmware updates (Object 5; Core TS E.6): images that are kept, and for each endpoint one update
 * that goes on by itself until the device has told its result, whatever restarts meanwhile. */
#ifndef LANYARD_SERVER_FIRMWARE_H
#define LANYARD_SERVER_FIRMWARE_H

#include "server/server.h"

enum { SRV_IMAGE_NAME_MAX = 64, SRV_URI_MAX = 255, SRV_FW_DETAIL_MAX = 160 };

struct srv_image {
	struct srv_image *next;
	struct srv *srv;
	uint64_t id, bytes;
	int64_t created_wall_s;
	size_t uses; /* by updates that are not over */
	bool once;   /* it goes with the last of them */
	uint8_t sha256[SRV_SHA256];
	char name[SRV_IMAGE_NAME_MAX + 1];
};

/* Letters, digits, dots, dashes and underscores, so that it stands in a URI as it is. */
bool srv_image_name_good(struct span name);
/* The newest first. */
const struct srv_image *srv_images(const struct srv *s);
const struct srv_image *srv_image_find(const struct srv *s, struct span name);
/* Whether any image has these bytes. */
bool srv_image_wanted(const struct srv *s, const uint8_t sha256[static SRV_SHA256]);
/* Its file is there. Replaces one of that name. ERR_BUSY: that is in use; ERR_NOMEM. */
MUST_USE enum err srv_image_put(struct srv *s, struct span name,
	const uint8_t sha256[static SRV_SHA256], uint64_t bytes, bool once, struct turn *t);
/* ERR_NOTFOUND, ERR_BUSY. Its file goes when that is durable (EFFECT_IMAGE_GONE). */
MUST_USE enum err srv_image_delete(struct srv *s, struct span name, struct turn *t);

enum srv_fw_method { SRV_FW_PUSH = 1, SRV_FW_PULL = 2 };

/* What the device is brought to now. Stored: never renumber. */
enum srv_fw_step {
	SRV_FW_CHECK = 0,    /* what it can, and what state it is in */
	SRV_FW_RESET = 1,    /* an earlier package is being taken from it */
	SRV_FW_SEND = 2,     /* the package, or its URI, is being written */
	SRV_FW_DOWNLOAD = 3, /* it fetches, or looks at, what it was given */
	SRV_FW_UPDATE = 4,   /* it is told to update, or does */
	SRV_FW_CANCEL = 5,   /* an administrator has cancelled; the device is to forget it */
	SRV_FW_OVER = 6,
};
enum srv_fw_outcome {
	SRV_FW_NONE = 0,
	SRV_FW_SUCCEEDED = 1,
	SRV_FW_FAILED = 2,
	SRV_FW_CANCELLED = 3,
	SRV_FW_UNKNOWN = 4, /* it was told to update, and never said what became of it */
};

struct srv_fw_view {
	const struct endpoint *endpoint;
	enum srv_fw_method method;
	enum srv_fw_step step;
	enum srv_fw_outcome outcome;
	const char *state; /* "checking", "sending", ..., "succeeded", ... */
	const char *image; /* "": none of ours */
	const char *uri;   /* "": it was pushed */
	const char *detail;
	bool waiting;            /* for the device to be heard of */
	uint64_t sent, bytes;    /* of the image, as far as this run knows */
	uint8_t device_result;   /* Update Result */
	const char *result_text; /* "" if there is none */
	int64_t created_wall_s, changed_wall_s;
};

struct srv_fw_request {
	struct endpoint *endpoint;
	enum srv_fw_method method;
	struct span image; /* name; empty: `uri` */
	struct span uri;
	uint64_t ticket;
};
/* Ends with EFFECT_DONE: 201 when the update is stored. */
void srv_firmware_start(struct srv *s, const struct srv_fw_request *r, struct turn *t);
/* Likewise: 202 if the device is to be told first, 204 if there is nothing left. One that is over
 * is forgotten. */
void srv_firmware_cancel(struct srv *s, struct endpoint *e, uint64_t ticket, struct turn *t);
/* False: there is none. */
bool srv_firmware_view(const struct srv *s, const struct endpoint *e, struct srv_fw_view *out);
/* Each, in no order; *cursor 0 at first. False: no more. */
bool srv_firmware_next(const struct srv *s, size_t *cursor, struct srv_fw_view *out);

struct srv_fw_counters {
	uint64_t outcomes[5];   /* by enum srv_fw_outcome */
	uint64_t blocks_served; /* of images that devices fetch */
};
const struct srv_fw_counters *srv_fw_counters(const struct srv *s);

/* At start, after the endpoints and registrations; images first. */
MUST_USE enum err srv_load_image(struct srv *s, const struct rec_image *r);
MUST_USE enum err srv_load_firmware(
	struct srv *s, struct endpoint *e, const struct rec_firmware *r);

/* What an Update Result means; "" for 0 and unknown ones. */
const char *srv_fw_result_text(uint8_t result);

#endif
