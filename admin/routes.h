/* SPDX-License-Identifier: Apache-2.0 */
/* Which handler answers which method and path. A handler ends the request or passes it on to an
 * operation, whose callback ends it; either may have happened when it returns. */
#ifndef LANYARD_ADMIN_ROUTES_H
#define LANYARD_ADMIN_ROUTES_H

#include "admin/req.h"

typedef void adm_handler_fn(struct adm_req *r);

/* Whether what the request is about is there, and the tag of what a PUT would replace. */
typedef bool adm_tag_fn(struct adm_req *r, uint64_t *tag);

struct adm_route {
	const char *method, *pattern;
	adm_handler_fn *handler;
	const char *params; /* of the query, separated by spaces */
};
const struct adm_route *routes_table(size_t *n);
void routes_dispatch(struct adm_req *r);

adm_handler_fn openapi_get, status_get, metrics_get, models_get, events_get, trace_get, unseal_post,
	backup_post;
adm_handler_fn endpoints_list, endpoint_get, endpoint_put, endpoint_delete, explain_get;
adm_handler_fn x509_get, x509_put, x509_delete, rpk_get, rpk_put, rpk_delete;
adm_handler_fn credentials_get, credentials_put, credentials_delete, psks_get, psk_put, psk_delete,
	oscore_decode_post, import_post;
adm_handler_fn devices_get, data_get, data_put, data_post, data_delete, execute_post;
adm_handler_fn read_composite_post, write_composite_post;
adm_handler_fn discover_get, attributes_put;
adm_handler_fn observe_composite_put, observe_composite_delete;
adm_handler_fn observations_list, observation_put, observation_delete;
adm_handler_fn images_list, image_get, image_put, image_delete;
adm_handler_fn firmware_list, firmware_get, firmware_put, firmware_delete;
adm_handler_fn operations_list, operation_get, operation_delete;
adm_handler_fn bootstrap_get, bootstrap_put, bootstrap_delete, bootstrap_trigger_post,
	bootstrap_start_post;
/* What the answer to an operation of that kind holds. */
adm_answer_fn *data_answer(enum adm_dm_kind kind);
/* A reason as a member of an array. */
void explain_reason(struct jo *o, const struct adm_reason *v);
adm_tag_fn openapi_tag, endpoint_tag, credentials_tag, bootstrap_tag;

#endif
