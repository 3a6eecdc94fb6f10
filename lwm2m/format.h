/* SPDX-License-Identifier: Apache-2.0 */
/* Content formats behind one table. */
#ifndef LANYARD_LWM2M_FORMAT_H
#define LANYARD_LWM2M_FORMAT_H

#include "lwm2m/model.h"

enum lwm_cf {
	LWM_CF_TEXT = 0,
	LWM_CF_LINK = 40,
	LWM_CF_OPAQUE = 42,
	LWM_CF_CBOR = 60,
	LWM_CF_SENML_JSON = 110,
	LWM_CF_SENML_CBOR = 112,
	LWM_CF_ETCH_JSON = 320,
	LWM_CF_ETCH_CBOR = 322,
	LWM_CF_TLV = 11542,
	LWM_CF_JSON = 11543,
	LWM_CF_LWM2M_CBOR = 11544,
};

/* Overrides the model's type for a Resource while encoding or decoding; return LWM_NONE for "the
 * model's". Object 21 needs it: String in v1, Opaque in v2. */
typedef enum lwm_type lwm_type_fn(void *arg, const struct lwm_path *p);

struct lwm_codec_opts {
	lwm_type_fn *type; /* NULL: the model alone */
	void *arg;
	struct lwm_versions versions; /* which the model's types are for */
	double now_s; /* Unix time that relative times of SenML count from (FMT-25) */
	/* The alternate path ("/lwm2m", empty for none): in front of the names of SenML when
	 * writing; taken off when reading, where names without it are read too (GEN-06). */
	struct span alt;
	/* The prefix of the device behind a gateway that everything is of ("d01"; empty: of the
	 * endpoint itself). When writing it stands before what SenML and LwM2M CBOR name; when
	 * reading it is taken off, and names without it are read too (GW-03, GW-06). */
	struct span behind;
	/* Reading SenML: records of Object Instances outside `base` are taken too if an Object Link
	 * among the records names them (Core TS 7.5.6.3). */
	bool linked;
	/* Reading: a path may begin with the prefix of any device behind a gateway (GW-05, GW-06).
	 */
	bool prefixed;
	/* The body of a FETCH: names without values (FMT-27). */
	bool fetch;
};

struct lwm_format {
	uint16_t cf;
	uint16_t old_cf;  /* the pre-IANA number that is read as this one; 0: none */
	const char *name; /* "text", "senml-cbor", as in ?format= */
	bool single_only; /* one value of one Resource (Instance) */
	bool etch;        /* bodies of FETCH and iPATCH only */
	/* NULL, both, for link format: link.h reads it.
	 * Appends the records of `payload`, which answers a request for `base`. Spans point into
	 * payload or out's arena. ERR_SYNTAX refuses the whole payload, out is then as before. What
	 * fits its format but not its type is LWM_RECORD_BAD, and the rest is kept (DM-20). */
	enum err (*decode)(struct span payload, const struct lwm_path *base,
		const struct lwm_codec_opts *o, struct lwm_records *out);
	/* Records all lie at or below `base`, in any order; a value's own type counts, not the
	 * model's; `o` may be NULL. ERR_UNSUPPORTED if the format cannot carry them, ERR_RANGE
	 * for NaN and the infinities in SenML and CBOR, ERR_SPACE, ERR_NOMEM. */
	enum err (*encode)(const struct lwm_record *v, size_t n, const struct lwm_path *base,
		const struct lwm_codec_opts *o, struct writer *w);
};

/* NULL if we do not do it. Old numbers 1541 to 1543 find their format. */
const struct lwm_format *lwm_format(uint32_t cf);
const struct lwm_format *lwm_format_by_name(struct span name);
/* All rows. */
const struct lwm_format *lwm_format_table(size_t *n);

/* One value as text/plain would carry it, both ways (FMT-40); opaque as base64. `type` LWM_NONE
 * reads as string. ERR_SYNTAX, ERR_RANGE. */
MUST_USE enum err lwm_value_from_text(
	struct span text, enum lwm_type type, struct arena *a, struct lwm_value *out);
/* Sets the writer's error to ERR_RANGE for NaN and the infinities, which have no text. */
void wr_value_text(struct writer *w, const struct lwm_value *v);

#endif
