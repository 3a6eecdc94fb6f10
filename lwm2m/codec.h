/* SPDX-License-Identifier: Apache-2.0 */
/* What the content formats share, and their entries for format.c's table. Internal to lwm2m/. */
#ifndef LANYARD_LWM2M_CODEC_H
#define LANYARD_LWM2M_CODEC_H

#include "lwm2m/format.h"

/* The type that `o` (may be NULL) or else the model gives the value at `p`. */
enum lwm_type lwm_codec_type(const struct lwm_codec_opts *o, const struct lwm_path *p);
/* The same of a record of another device than `o` is about, if `prefix` is not empty. */
enum lwm_type lwm_codec_type_of(
	const struct lwm_codec_opts *o, struct span prefix, const struct lwm_path *p);
/* Turns a record into LWM_RECORD_BAD: value.type stays what was asked for. */
void lwm_record_bad(struct lwm_record *r, enum lwm_type wanted, struct span raw);
/* "o:i", both 0 to 65535. ERR_SYNTAX, ERR_RANGE. */
MUST_USE enum err lwm_objlnk_parse(struct span text, struct lwm_value *out);
/* True for the one record that a single-value format carries: a value at a Resource or Resource
 * Instance, without a time. */
bool lwm_is_single(const struct lwm_record *v, size_t n);
/* A payload without any record: what was asked for exists and is empty. One of `no_bytes` may stand
 * for a Resource only where the model knows it to be multiple. ERR_SYNTAX, ERR_NOMEM. */
MUST_USE enum err lwm_codec_empty(
	const struct lwm_path *base, struct lwm_records *out, bool no_bytes);
/* By the prefixes of gateways, then by paths. */
int lwm_record_cmp(const struct lwm_record *a, const struct lwm_record *b);

enum err lwm_text_decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct lwm_records *out);
enum err lwm_text_encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct writer *w);
enum err lwm_opaque_decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct lwm_records *out);
enum err lwm_opaque_encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct writer *w);
enum err lwm_tlv_decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct lwm_records *out);
enum err lwm_tlv_encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct writer *w);
enum err lwm_cbor_decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct lwm_records *out);
enum err lwm_cbor_encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct writer *w);
enum err lwm_senml_json_decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct lwm_records *out);
enum err lwm_senml_json_encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct writer *w);
enum err lwm_senml_cbor_decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct lwm_records *out);
enum err lwm_senml_cbor_encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct writer *w);
enum err lwm_etch_json_decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct lwm_records *out);
enum err lwm_etch_json_encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct writer *w);
enum err lwm_etch_cbor_decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct lwm_records *out);
enum err lwm_etch_cbor_encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct writer *w);
enum err lwm_oma_json_decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct lwm_records *out);
enum err lwm_oma_json_encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct writer *w);
enum err lwm_lwm2m_cbor_decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct lwm_records *out);
enum err lwm_lwm2m_cbor_encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct writer *w);

#endif
