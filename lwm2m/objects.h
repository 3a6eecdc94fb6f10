/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in object tables; only model.c reads them. */
#ifndef LANYARD_LWM2M_OBJECTS_H
#define LANYARD_LWM2M_OBJECTS_H

#include "lwm2m/model.h"

extern const struct lwm_object lwm_objects[]; /* sorted by id */
extern const size_t lwm_objects_n;

#endif
