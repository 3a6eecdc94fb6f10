/* SPDX-License-Identifier: Apache-2.0 */
/* Values and the records that payloads are made of. */
#ifndef LANYARD_LWM2M_VALUE_H
#define LANYARD_LWM2M_VALUE_H

#include "base/arena.h"
#include "lwm2m/path.h"

enum lwm_type {
	LWM_NONE, /* executable, or unknown to the model */
	LWM_STRING,
	LWM_INTEGER,
	LWM_UNSIGNED,
	LWM_FLOAT,
	LWM_BOOLEAN,
	LWM_OPAQUE,
	LWM_TIME, /* signed seconds since 1970 */
	LWM_OBJLNK,
	LWM_CORELNK,
};

const char *lwm_type_name(enum lwm_type t); /* "string", "integer", ... */

struct lwm_value {
	enum lwm_type type;
	union {
		struct span bytes; /* string, corelnk, opaque */
		int64_t i;         /* integer, time */
		uint64_t u;
		double f;
		bool b;
		struct {
			uint16_t oid, iid;
		} link;
	};
};

enum lwm_record_kind {
	LWM_RECORD_VALUE,
	LWM_RECORD_INSTANCE, /* an Object Instance that exists and is empty */
	LWM_RECORD_MULTIPLE, /* a multiple Resource that exists and is empty */
	LWM_RECORD_NAME,     /* what a FETCH asks for: a path, and no value */
	LWM_RECORD_DELETE,   /* an iPATCH takes this Resource Instance away */
	LWM_RECORD_BAD, /* a value that does not fit its type: reported, the rest is kept (DM-20);
			   value.type is the type wanted, value.bytes its raw bytes */
};

/* One leaf of a payload: always a full path from the root. In a Create that leaves the choice of
 * the Object Instance to the receiver its id is LWM_ID_NONE (DM-13). */
struct lwm_record {
	enum lwm_record_kind kind;
	struct lwm_path path;
	struct span prefix; /* of a device behind a gateway ("d01"); empty: none */
	struct lwm_value value;
	bool has_time;
	double time_s; /* Unix seconds */
};

/* Grows inside an arena; `err` is sticky (ERR_NOMEM, or ERR_LIMIT beyond LWM_RECORDS_MAX). */
enum { LWM_RECORDS_MAX = 65536 };
struct lwm_records {
	struct arena *arena;
	struct lwm_record *v;
	size_t n, cap;
	enum err err;
};

void lwm_records_init(struct lwm_records *r, struct arena *a);
struct lwm_record *lwm_records_add(struct lwm_records *r); /* zeroed; NULL on error */

#endif
