/* SPDX-License-Identifier: Apache-2.0 */
/* JSON (RFC 8259) read token by token from the payload. Not by json-c: it builds a tree of many
 * times the payload's size before anything can be refused, keeps no digits of a number beyond 64
 * bits or with a point, and takes what is no JSON. Here nothing is allocated but strings that hold
 * escapes. Internal to lwm2m/, but for lwm_json_valid. */
#ifndef LANYARD_LWM2M_JSON_H
#define LANYARD_LWM2M_JSON_H

#include "base/arena.h"
#include "lwm2m/arrived.h"

enum { LWM_JSON_DEPTH_MAX = 16 };

/* The sticky error: ERR_SYNTAX or ERR_NOMEM. */
struct lwm_json {
	struct span in;
	size_t at;
	struct arena *arena; /* for strings with escapes */
	enum err err;
};

/* One JSON text in UTF-8, and nothing else, of at most LWM_JSON_DEPTH_MAX levels. Whoever reads it
 * by json-c asks here first: its strict mode refuses all that is not ASCII in version 0.18, and its
 * other one takes what is no JSON. */
bool lwm_json_valid(struct span text);

struct lwm_json lwm_json_make(struct span in, struct arena *a);
void lwm_json_fail(struct lwm_json *j, enum err e);
/* The first character of the next token; 0 at the end. */
uint8_t lwm_json_peek(struct lwm_json *j);
/* Takes `c`, '[' or '{'; fails if another thing stands there. */
void lwm_json_open(struct lwm_json *j, uint8_t c);
/* True if another element (member) stands in front; takes the comma before it, or the closing
 * bracket `close`. `*n` counts the elements: 0 before the first call. */
bool lwm_json_more(struct lwm_json *j, uint8_t close, size_t *n);
/* A string without its quotes, escapes undone: in the payload or the arena. A lone surrogate fails;
 * bytes that are no UTF-8 are handed on. */
struct span lwm_json_string(struct lwm_json *j);
/* The name of a member, and the colon behind it. */
struct span lwm_json_name(struct lwm_json *j);
/* Any value. Numbers, strings (as text), true and false; the rest is LWM_ARRIVED_OTHER. */
void lwm_json_value(struct lwm_json *j, struct lwm_arrived *out);
/* Any value, with all it holds. */
void lwm_json_skip(struct lwm_json *j);
/* A string becomes bytes: base64 in either alphabet, with or without padding (FMT-23). What is none
 * is LWM_ARRIVED_OTHER. */
void lwm_json_base64(struct lwm_json *j, struct lwm_arrived *v);
/* The closing check: the sticky error, or ERR_SYNTAX if anything but white space is left over. */
MUST_USE enum err lwm_json_end(struct lwm_json *j);

/* A value by its own type; bytes in base64, of the `url` alphabet without padding or the other one
 * with it. LWM_NONE is ERR_UNSUPPORTED. */
void lwm_wr_json_value(struct writer *w, const struct lwm_value *v, bool url);
/* Seconds, whole where they are. */
void lwm_wr_json_seconds(struct writer *w, double s);

#endif
