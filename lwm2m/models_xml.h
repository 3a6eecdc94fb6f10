/* SPDX-License-Identifier: Apache-2.0 */
/* A registry file read into objects. Internal to lwm2m/. */
#ifndef LANYARD_LWM2M_MODELS_XML_H
#define LANYARD_LWM2M_MODELS_XML_H

#include "lwm2m/models.h"

enum { LWM_MODEL_OBJECTS_MAX = 64 }; /* in a file */

struct lwm_model_file {
	struct lwm_object object[LWM_MODEL_OBJECTS_MAX];
	uint32_t line[LWM_MODEL_OBJECTS_MAX]; /* where it ends */
	size_t n;
	char why[200]; /* of an error */
	uint32_t why_line;
};

/* Names and rows lie in `a`. ERR_SYNTAX, ERR_LIMIT, ERR_NOMEM; `out` then says why. */
MUST_USE enum err lwm_model_file_read(
	struct span text, struct arena *a, struct lwm_model_file *out);

#endif
