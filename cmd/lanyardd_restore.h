/* SPDX-License-Identifier: Apache-2.0 */
/* lanyardd --restore. */
#ifndef LANYARD_CMD_LANYARDD_RESTORE_H
#define LANYARD_CMD_LANYARDD_RESTORE_H

#include "config/config.h"

/* Puts a copy of the database in its place, and says so. An exit status. */
int daemon_restore(const struct cfg *cfg, const char *file);

#endif
