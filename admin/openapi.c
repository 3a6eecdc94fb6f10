/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/openapi.h"

#include "admin/etag.h"
#include "admin/routes.h"

bool openapi_tag(struct adm_req *r, uint64_t *tag)
{
	*tag = etag_hash(r->adm, span_make(adm_openapi_text, adm_openapi_n));
	return true;
}

void openapi_get(struct adm_req *r)
{
	struct jo o = {0};

	jo_raw(&o, span_make(adm_openapi_text, adm_openapi_n));
	req_json(r, 200, &o);
}
