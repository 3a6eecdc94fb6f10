/* SPDX-License-Identifier: Apache-2.0 */
/* The object model: what a Resource is. A table of the OMA registry's core objects is built in. */
#ifndef LANYARD_LWM2M_MODEL_H
#define LANYARD_LWM2M_MODEL_H

#include "lwm2m/value.h"

enum { LWM_OP_R = 1, LWM_OP_W = 2, LWM_OP_E = 4 };

struct lwm_resource {
	uint16_t oid, rid;
	const char *name;
	uint8_t ops; /* 0: bootstrap only */
	bool multiple, mandatory;
	enum lwm_type type;
};

struct lwm_object {
	uint16_t oid;
	const char *name;
	const char *version; /* "1.2" */
	bool multiple, mandatory;
	const struct lwm_resource *resources;
	size_t resource_n;
};

/* NULL if unknown: nothing may fail because of that (GEN-02). */
const struct lwm_object *lwm_object(uint16_t oid);
const struct lwm_resource *lwm_resource(uint16_t oid, uint16_t rid);
/* The type to read a value at `p` as; LWM_NONE if the model does not know. */
enum lwm_type lwm_type_at(const struct lwm_path *p);
/* The version a client of LwM2M `lwm2m` (10, 11, 12) means when it leaves `ver` out, as 10 times
 * major plus minor; 10 for objects outside the enabler. */
uint8_t lwm_default_version(uint16_t oid, uint8_t lwm2m);

#endif
