/* SPDX-License-Identifier: Apache-2.0 */
/* Object models from the XML files of the OMA registry, beside those that are built in. */
#ifndef LANYARD_LWM2M_MODELS_H
#define LANYARD_LWM2M_MODELS_H

#include "lwm2m/model.h"

enum {
	LWM_MODEL_FILE_MAX = 1 << 20, /* bytes */
	LWM_MODEL_FILES_MAX = 4096,   /* in a directory */
	LWM_MODEL_RESOURCES_MAX = 2048,
	LWM_MODEL_TEXT_MAX = 255, /* of a name */
	LWM_MODEL_MEMORY_MAX = 64 << 20
};

struct lwm_models;

/* What is wrong with a file; line 0: with it as a whole. */
typedef void lwm_models_fn(void *arg, const char *file, uint32_t line, const char *what);

/* Holds what is built in. ERR_NOMEM. */
MUST_USE enum err lwm_models_new(struct lwm_models **out);
/* It must not be in use. */
void lwm_models_free(struct lwm_models *m);
/* The objects of a registry file (OMA LwM2M Core appendix D.1), of which `text` is the content and
 * `file` the name. All of them or none: ERR_SYNTAX, ERR_LIMIT, ERR_NOMEM; ERR_CONFLICT if another
 * file has one of them already; each is told. A file's version of an object takes the place of the
 * built-in one, but for Objects 0, 21 and 23, which bootstrap relies on. A document type, and with
 * it every entity of its own, is refused. */
MUST_USE enum err lwm_models_add(
	struct lwm_models *m, const char *file, struct span text, lwm_models_fn *tell, void *arg);
/* Every *.xml of a directory, in byte order; what is wrong with one is told, and it is left out.
 * *skipped counts those. ERR_IO or ERR_LIMIT (told) if the directory cannot be read or has too many
 * of them; ERR_NOMEM. */
MUST_USE enum err lwm_models_add_dir(
	struct lwm_models *m, const char *dir, lwm_models_fn *tell, void *arg, size_t *skipped);
/* From now on the functions of model.h read this table; NULL: the built-in one. The one before may
 * then be freed. */
void lwm_models_use(const struct lwm_models *m);

#endif
