/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/cbor.h"

#include <cbor.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { HEAD_MAX = 9, HALF = 0xf9 };

void lwm_wr_cbor_uint(struct writer *w, uint64_t u)
{
	uint8_t head[HEAD_MAX];

	wr_bytes(w, span_make(head, cbor_encode_uint(u, head, sizeof(head))));
}

void lwm_wr_cbor_int(struct writer *w, int64_t i)
{
	uint8_t head[HEAD_MAX];

	if (i >= 0)
		lwm_wr_cbor_uint(w, (uint64_t)i);
	else
		wr_bytes(w, span_make(head, cbor_encode_negint(~(uint64_t)i, head, sizeof(head))));
}

void lwm_wr_cbor_array(struct writer *w, size_t n)
{
	uint8_t head[HEAD_MAX];

	wr_bytes(w, span_make(head, cbor_encode_array_start(n, head, sizeof(head))));
}

void lwm_wr_cbor_map(struct writer *w, size_t n)
{
	uint8_t head[HEAD_MAX];

	wr_bytes(w, span_make(head, cbor_encode_map_start(n, head, sizeof(head))));
}

void lwm_wr_cbor_text(struct writer *w, struct span s)
{
	uint8_t head[HEAD_MAX];

	wr_bytes(w, span_make(head, cbor_encode_string_start(s.n, head, sizeof(head))));
	wr_bytes(w, s);
}

void lwm_wr_cbor_bytes(struct writer *w, struct span s)
{
	uint8_t head[HEAD_MAX];

	wr_bytes(w, span_make(head, cbor_encode_bytestring_start(s.n, head, sizeof(head))));
	wr_bytes(w, s);
}

void lwm_wr_cbor_bool(struct writer *w, bool b)
{
	uint8_t head[HEAD_MAX];

	wr_bytes(w, span_make(head, cbor_encode_bool(b, head, sizeof(head))));
}

void lwm_wr_cbor_null(struct writer *w)
{
	uint8_t head[HEAD_MAX];

	wr_bytes(w, span_make(head, cbor_encode_null(head, sizeof(head))));
}

/* The half-precision form of the single-precision number `bits`, if that is exact. Ours, since
 * libcbor rounds without a word. */
static bool half_of(uint32_t bits, uint16_t *out)
{
	uint32_t sign = bits >> 16 & 0x8000, mantissa = bits & 0x7fffff;
	int exponent = (int)(bits >> 23 & 0xff) - 127, cut;

	if (exponent == -127 && mantissa == 0) {
		*out = (uint16_t)sign;
		return true;
	}
	if (exponent < -24 || exponent > 15)
		return false;
	cut = exponent < -14 ? -1 - exponent : 13; /* subnormal: the leading 1 moves in */
	if (exponent < -14)
		mantissa |= 0x800000;
	if (mantissa & ((UINT32_C(1) << cut) - 1))
		return false;
	*out = (uint16_t)(sign | mantissa >> cut |
			  (exponent < -14 ? 0 : (uint32_t)(exponent + 15) << 10));
	return true;
}

void lwm_wr_cbor_float(struct writer *w, double f, bool shortest)
{
	uint8_t head[HEAD_MAX];
	float single = fabs(f) <= 3.4028234663852886e38 ? (float)f : 0;
	uint32_t bits;
	uint16_t half;

	if (!isfinite(f)) {
		w->err = w->err ? w->err : ERR_RANGE;
		return;
	}
	memcpy(&bits, &single, sizeof(bits));
	if (!shortest || (double)single != f) {
		wr_bytes(w, span_make(head, cbor_encode_double(f, head, sizeof(head))));
	} else if (half_of(bits, &half)) {
		wr_u8(w, HALF);
		wr_u16(w, half);
	} else {
		wr_bytes(w, span_make(head, cbor_encode_single(single, head, sizeof(head))));
	}
}

void lwm_wr_cbor_value(struct writer *w, const struct lwm_value *v, bool shortest)
{
	char link[16];
	struct writer text = wr_make(link, sizeof(link));

	switch (v->type) {
	case LWM_NONE:
		w->err = w->err ? w->err : ERR_UNSUPPORTED;
		break;
	case LWM_STRING:
	case LWM_CORELNK:
		lwm_wr_cbor_text(w, v->bytes);
		break;
	case LWM_INTEGER:
	case LWM_TIME:
		lwm_wr_cbor_int(w, v->i);
		break;
	case LWM_UNSIGNED:
		lwm_wr_cbor_uint(w, v->u);
		break;
	case LWM_FLOAT:
		lwm_wr_cbor_float(w, v->f, shortest);
		break;
	case LWM_BOOLEAN:
		lwm_wr_cbor_bool(w, v->b);
		break;
	case LWM_OPAQUE:
		lwm_wr_cbor_bytes(w, v->bytes);
		break;
	case LWM_OBJLNK:
		wr_fmt(&text, "%u:%u", v->link.oid, v->link.iid);
		lwm_wr_cbor_text(w, wr_span(&text));
		break;
	}
}
