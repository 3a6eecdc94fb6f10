/* SPDX-License-Identifier: Apache-2.0 */
/* The object model: what a Resource is. A table of the OMA registry's core objects is built in;
 * lwm2m/models.h adds others from registry files. Several versions of an object stand side by side.
 *
 * The pure functions here read the table in use. It is swapped as a whole, between two turns, and
 * what they return lives until then: nobody keeps it longer. */
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
	bool ranged; /* min to max, both of them included; of strings and opaque the bytes (OBJ-03)
		      */
	double min, max;
};

struct lwm_object {
	uint16_t oid;
	const char *name;
	uint8_t version; /* 10 times major plus minor */
	bool multiple, mandatory;
	const struct lwm_resource *resources; /* sorted by id */
	size_t resource_n;
	const char *source; /* the file's name; NULL: built in */
};

/* All that is known, sorted by id, the newest version first. */
const struct lwm_object *lwm_object_table(size_t *n);

/* The newest version. NULL if unknown: nothing may fail because of that (GEN-02). */
const struct lwm_object *lwm_object(uint16_t oid);
/* Of the newest version that has it. */
const struct lwm_resource *lwm_resource(uint16_t oid, uint16_t rid);
/* The type to read a value at `p` as; LWM_NONE if the model does not know. */
enum lwm_type lwm_type_at(const struct lwm_path *p);

/* Which versions of the objects a device has. `of` gives 0 where that is not known; NULL: of none.
 * It is asked about the device behind a gateway that has `prefix`; empty: the endpoint itself. */
struct lwm_versions {
	uint8_t (*of)(void *arg, struct span prefix, uint16_t oid);
	void *arg;
	struct span prefix;
};
/* Those of the device that a record is of: the one named by `prefix`, unless that is empty. */
struct lwm_versions lwm_versions_of(const struct lwm_versions *v, struct span prefix);
/* For the version that the device has; else the next one of the same major number, for minor ones
 * only add; else whatever there is, as a hint (OBJ-02). `v` may be NULL. */
const struct lwm_object *lwm_object_of(const struct lwm_versions *v, uint16_t oid);
const struct lwm_resource *lwm_resource_of(const struct lwm_versions *v, const struct lwm_path *p);

/* Whether a value of the resource's type is in its range; one of another type is. */
bool lwm_in_range(const struct lwm_resource *r, const struct lwm_value *v);
/* "0 to 100", "0 to 255 bytes". The resource has a range. */
void wr_range(struct writer *w, const struct lwm_resource *r);

/* The version a client of LwM2M `lwm2m` (10, 11, 12) means when it leaves `ver` out, as 10 times
 * major plus minor; 10 for objects outside the enabler. */
uint8_t lwm_default_version(uint16_t oid, uint8_t lwm2m);
/* "1.2" */
void wr_object_version(struct writer *w, uint8_t version);

#endif
