/* SPDX-License-Identifier: Apache-2.0 */
/* The document of all routes: admin/openapi.json as it was at the build, which makes a source of
 * it.
 */
#ifndef LANYARD_ADMIN_OPENAPI_H
#define LANYARD_ADMIN_OPENAPI_H

#include "base/span.h"

extern const uint8_t adm_openapi_text[];
extern const size_t adm_openapi_n;

#endif
