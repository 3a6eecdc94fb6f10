/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/value.h"

#include <string.h>

const char *lwm_type_name(enum lwm_type t)
{
	switch (t) {
	case LWM_NONE:
		return "none";
	case LWM_STRING:
		return "string";
	case LWM_INTEGER:
		return "integer";
	case LWM_UNSIGNED:
		return "unsigned";
	case LWM_FLOAT:
		return "float";
	case LWM_BOOLEAN:
		return "boolean";
	case LWM_OPAQUE:
		return "opaque";
	case LWM_TIME:
		return "time";
	case LWM_OBJLNK:
		return "objlnk";
	case LWM_CORELNK:
		return "corelnk";
	}
	return "none";
}

void lwm_records_init(struct lwm_records *r, struct arena *a)
{
	*r = (struct lwm_records){.arena = a};
}

/* Doubles; the old array stays in the arena, which costs as much again and no more. */
static bool grow(struct lwm_records *r)
{
	size_t cap = r->cap ? 2 * r->cap : 16;
	struct lwm_record *v = arena_alloc(r->arena, cap * sizeof(*v));

	if (!v) {
		r->err = ERR_NOMEM;
		return false;
	}
	if (r->n)
		memcpy(v, r->v, r->n * sizeof(*v));
	r->v = v;
	r->cap = cap;
	return true;
}

struct lwm_record *lwm_records_add(struct lwm_records *r)
{
	if (r->err)
		return NULL;
	if (r->n == LWM_RECORDS_MAX) {
		r->err = ERR_LIMIT;
		return NULL;
	}
	if (r->n == r->cap && !grow(r))
		return NULL;
	r->v[r->n] = (struct lwm_record){0};
	return &r->v[r->n++];
}
