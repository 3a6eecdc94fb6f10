/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/arrived.h"

#include "base/text.h"
#include "lwm2m/codec.h"

#include <math.h>

static enum lwm_type type_of(const struct lwm_arrived *a)
{
	int64_t i;

	switch (a->kind) {
	case LWM_ARRIVED_OTHER:
		return LWM_NONE;
	case LWM_ARRIVED_NUMBER:
		if (a->number.fraction || !a->number.whole)
			return LWM_FLOAT;
		return lwm_number_to_int64(&a->number, &i) ? LWM_INTEGER : LWM_UNSIGNED;
	case LWM_ARRIVED_TIME:
		return LWM_TIME;
	case LWM_ARRIVED_TEXT:
		return LWM_STRING;
	case LWM_ARRIVED_LINK:
		return LWM_OBJLNK;
	case LWM_ARRIVED_BYTES:
		return LWM_OPAQUE;
	case LWM_ARRIVED_BOOL:
		return LWM_BOOLEAN;
	}
	return LWM_NONE;
}

static bool read_link(struct span text, struct lwm_value *out)
{
	if (text.n && text.p[text.n - 1] == '\0')
		text = span_sub(text, 0, text.n - 1);
	if (span_eq_str(text, "FFFF:FFFF"))
		text = SPAN_LIT("65535:65535");
	return lwm_objlnk_parse(text, out) == ERR_OK;
}

bool lwm_arrived_fit(const struct lwm_arrived *a, enum lwm_type wanted, struct lwm_value *out)
{
	bool number = a->kind == LWM_ARRIVED_NUMBER;
	bool text = a->kind == LWM_ARRIVED_TEXT;

	*out = (struct lwm_value){.type = wanted == LWM_NONE ? type_of(a) : wanted};
	switch (out->type) {
	case LWM_NONE:
		return false;
	case LWM_STRING:
	case LWM_CORELNK:
		if (!text)
			return false;
		out->bytes = a->bytes;
		return utf8_valid(a->bytes);
	case LWM_INTEGER:
		return number && lwm_number_to_int64(&a->number, &out->i);
	case LWM_TIME:
		number |= a->kind == LWM_ARRIVED_TIME;
		return number && lwm_number_to_int64(&a->number, &out->i);
	case LWM_UNSIGNED:
		return number && lwm_number_to_uint64(&a->number, &out->u);
	case LWM_FLOAT:
		out->f = number ? a->number.f : 0;
		return number && isfinite(out->f);
	case LWM_BOOLEAN:
		out->b = a->kind == LWM_ARRIVED_BOOL && a->b;
		return a->kind == LWM_ARRIVED_BOOL;
	case LWM_OPAQUE:
		if (a->kind != LWM_ARRIVED_BYTES)
			return false;
		out->bytes = a->bytes;
		return true;
	case LWM_OBJLNK:
		return (text || a->kind == LWM_ARRIVED_LINK) && read_link(a->bytes, out);
	}
	return false;
}
