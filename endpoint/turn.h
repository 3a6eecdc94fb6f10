/* SPDX-License-Identifier: Apache-2.0 */
/* A turn of the loop: what it wants stored and what it wants to say. The effects leave only after
 * the records are durable, and after every earlier turn's. */
#ifndef LANYARD_ENDPOINT_TURN_H
#define LANYARD_ENDPOINT_TURN_H

#include "base/arena.h"
#include "base/peer.h"
#include "storage/store.h"

enum effect_kind {
	EFFECT_SEND,       /* a datagram */
	EFFECT_EVENT,      /* for those who listen to events */
	EFFECT_DONE,       /* an administrator's call is answered */
	EFFECT_IMAGE_GONE, /* no image has these bytes any more: their file may go */
	EFFECT_INPUTS,     /* what a context is derived from is asked of storage: ep_inputs_told */
};

/* The outcome of something an administrator asked for; ticket is the asker's. */
struct effect_done {
	uint64_t ticket;
	int status;         /* as in HTTP: 200, 404, 504 ... */
	const char *type;   /* static; NULL when good */
	struct span detail; /* a sentence, or empty */
	struct span field;  /* the member of the request's body at fault, or empty */
	bool has_response;
	bool in_parts;          /* the payload was put together from several answers */
	uint8_t code;           /* of the device's response */
	int32_t content_format; /* -1: none */
	struct span payload;
	struct span location; /* its Location-Path, "3303/1"; the path of a backup; or empty */
	uint64_t bytes;       /* of a backup */
	struct span alt;      /* the device's alternate path, "/lwm2m"; or empty */
};

struct effect {
	enum effect_kind kind;
	union {
		struct {
			struct peer to;
			struct span bytes;
		} send;
		struct rec_event event; /* seq 0: live only, not stored */
		struct effect_done done;
		uint64_t context_id;
		uint8_t sha256[32];
	};
};

struct turn {
	struct batch batch; /* first: the store gives this back */
	struct arena arena; /* of all spans below */
	struct rec *rec;
	size_t rec_cap; /* rec_n is batch.n */
	struct effect *effect;
	size_t effect_n, effect_cap;
	uint64_t now_ms; /* the store clock */
	int64_t wall_ms;
	enum err err; /* sticky. A turn with an error is treated as one whose batch failed. */
	struct turn *next;
};

void turn_init(struct turn *t);
void turn_fini(struct turn *t);
/* Wipes it for the next use and sets its time. */
void turn_begin(struct turn *t, uint64_t now_ms, int64_t wall_ms);
bool turn_empty(const struct turn *t);

/* A zeroed record of that type to fill, or a scratch one nobody reads when memory is out (t->err).
 */
struct rec *turn_rec(struct turn *t, enum rec_type type);
struct effect *turn_effect(struct turn *t, enum effect_kind kind);
/* A copy that lives as long as the turn; empty on error. */
struct span turn_dup(struct turn *t, struct span s);
/* `bytes` must live as long as the turn. */
void turn_send(struct turn *t, const struct peer *to, struct span bytes);
/* Good: type NULL. `detail` is copied. */
void turn_done(struct turn *t, uint64_t ticket, int status, const char *type, const char *detail);
/* Bad, for a member of the body. `field` and `detail` are copied. */
void turn_refuse(struct turn *t, uint64_t ticket, int status, const char *type, const char *field,
	const char *detail);

#endif
