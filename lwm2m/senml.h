/* SPDX-License-Identifier: Apache-2.0 */
/* What SenML is in JSON and in CBOR alike (RFC 8428; lwm2m.md FMT-20 to FMT-29). Internal to
 * lwm2m/. */
#ifndef LANYARD_LWM2M_SENML_H
#define LANYARD_LWM2M_SENML_H

#include "lwm2m/arrived.h"
#include "lwm2m/format.h"

/* A name as long as we read or write it: an alternate path and four ids. */
enum { LWM_SENML_NAME_MAX = 256, LWM_SENML_UNIX_TIME = 1 << 28 };

enum lwm_senml_label {
	LWM_SENML_BVER,
	LWM_SENML_BN,
	LWM_SENML_BT,
	LWM_SENML_BV,
	LWM_SENML_N,
	LWM_SENML_T,
	LWM_SENML_V,
	LWM_SENML_VS,
	LWM_SENML_VB,
	LWM_SENML_VD,
	LWM_SENML_VLO,
	LWM_SENML_USED,
	LWM_SENML_UNUSED = LWM_SENML_USED, /* known, of no meaning here: bu, bs, u, s, ut */
	LWM_SENML_UNKNOWN,
};

/* The fields of one record. Start with `seen` 0: only what that names is there. */
struct lwm_senml_fields {
	uint32_t seen;              /* bits by label */
	enum lwm_senml_label value; /* the label of the value, if there is one */
	struct lwm_arrived v[LWM_SENML_USED];
};

struct lwm_senml_reader {
	const struct lwm_path *base;
	const struct lwm_codec_opts *opts; /* may be NULL */
	struct lwm_records *out;
	size_t before; /* records that were there already */
	bool outside;  /* a record lies outside `base` */
	bool absolute; /* small times are none from now, but what they say */
	bool etch;     /* null takes a Resource Instance away (FMT-28) */
	/* What holds until it is replaced. */
	struct span bn;
	bool bn_is_path; /* bn is a path and a slash: `prefix` */
	struct lwm_path prefix;
	bool has_bt, has_bv;
	struct lwm_number bt, bv;
};

struct lwm_senml_reader lwm_senml_start(const struct lwm_path *base, const struct lwm_codec_opts *o,
	bool etch, struct lwm_records *out);
/* Where the value of a field goes that is neither unused nor unknown; NULL for a key that comes
 * twice in a record, and for a second value: the payload is refused. Call lwm_senml_check when it
 * is there: ERR_SYNTAX for a base, name or time field of a wrong type. */
struct lwm_arrived *lwm_senml_field(struct lwm_senml_fields *f, enum lwm_senml_label label);
MUST_USE enum err lwm_senml_check(struct lwm_senml_fields *f, enum lwm_senml_label label);
/* Keys we do not know are skipped, but for those that ask to be understood: ERR_SYNTAX. */
MUST_USE enum err lwm_senml_unknown(struct span key);
/* One record. ERR_SYNTAX, ERR_NOMEM, ERR_LIMIT. */
MUST_USE enum err lwm_senml_record(struct lwm_senml_reader *r, const struct lwm_senml_fields *f);
/* After the last record, or for an empty payload (`nothing`); `e` is what has gone wrong so far.
 * On an error the records are as they were before. */
MUST_USE enum err lwm_senml_finish(struct lwm_senml_reader *r, enum err e);

/* How records are written. */
struct lwm_senml_plan {
	struct span alt;    /* starts with a slash, or is empty */
	struct span behind; /* the prefix that all of them have, or empty */
	double now_s;
	const struct lwm_record *v;
	size_t n; /* records to write; 0: the empty array */
	bool bn;  /* names are relative to `prefix` */
	bool bt;  /* all have the time of the first */
	bool etch, fetch;
	struct lwm_path prefix;
};

/* `bn_cost`: the bytes that a base name takes beside itself. `etch`: removals too. ERR_UNSUPPORTED,
 * ERR_RANGE (a number that is not finite), ERR_NOMEM. */
MUST_USE enum err lwm_senml_plan(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, size_t bn_cost, bool etch, struct lwm_senml_plan *out);
/* The base name. */
void lwm_senml_wr_base(const struct lwm_senml_plan *p, struct writer *w);
/* The name of a record, relative to the base name; nothing if that is all of it. */
void lwm_senml_wr_name(
	const struct lwm_senml_plan *p, const struct lwm_record *r, struct writer *w);
/* Seconds as t or bt say them: from 2^28 on they are Unix time, below it relative to now. */
double lwm_senml_seconds(const struct lwm_senml_plan *p, double time_s);
enum lwm_senml_label lwm_senml_label_of(enum lwm_type t);

/* True if no path comes twice with the same time (FMT-26). ERR_SYNTAX if one does, ERR_NOMEM. */
MUST_USE enum err lwm_senml_unique(const struct lwm_record *v, size_t n, double now_s);

#endif
