/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LANYARD_TESTS_UNIT_CONFIG_TELL_H
#define LANYARD_TESTS_UNIT_CONFIG_TELL_H

#include "config/config.h"

/* A cfg_error_fn: a line "file:line: text" for the FILE that is its argument. */
static void tell_file(void *arg, const char *file, uint32_t line, const char *text)
{
	if (line)
		fprintf(arg, "%s:%u: %s\n", file, line, text);
	else
		fprintf(arg, "%s: %s\n", file, text);
}

#endif
