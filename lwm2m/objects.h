/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in object tables, and which ones are in use. Internal to lwm2m/. */
#ifndef LANYARD_LWM2M_OBJECTS_H
#define LANYARD_LWM2M_OBJECTS_H

#include "lwm2m/model.h"

extern const struct lwm_object lwm_objects[]; /* sorted by id, the newest version first */
extern const size_t lwm_objects_n;

/* NULL: these. What is given is kept by reference. */
void lwm_objects_use(const struct lwm_object *v, size_t n);

#endif
