/* SPDX-License-Identifier: Apache-2.0 */
/* lanyardd: the object models of `[server] models_dir`. */
#ifndef LANYARD_CMD_LANYARDD_MODELS_H
#define LANYARD_CMD_LANYARDD_MODELS_H

#include <stdbool.h>

/* Reads the directory ("": none) and puts what it holds, and what is built in, in the place of the
 * models in use; between two turns, for nobody then holds one. Files that are wrong are logged and
 * left out. If the directory cannot be read the models in use stay. False if anything was wrong. */
bool daemon_models_load(const char *dir);
/* Back to what is built in. */
void daemon_models_free(void);

#endif
