/* SPDX-License-Identifier: Apache-2.0 */
/* The bootstrap account that a plan gives (BS-17, BS-18). Its keys are drawn at each bootstrap. */
#include "bootstrap/plan_impl.h"

#include "base/alg.h"

#include <stdlib.h>

static enum err members(struct plan_in *in, struct json_object *o, struct bs_renewal *r)
{
	static const char *const known[] = {"uri", "hold_off_s", "timeout_s", "oscore", NULL};
	struct json_object *v;
	int64_t hold_off = 0, timeout = 0;
	if (!json_object_is_type(o, json_type_object))
		return bs_complain(in->no, "", "bootstrap_account must be an object");
	enum err err = bs_known_members(o, known, in->no);
	if (!err)
		err = bs_string_member(in, o, "uri", BS_URI_MAX, &r->uri);
	if (!err && !r->uri)
		err = bs_complain(in->no, "uri",
			"uri must be there: where the device is to ask for its bootstraps");
	if (!err)
		err = bs_uri_check(r->uri, false, in->no);
	if (!err)
		err = bs_number_member(o, "hold_off_s", 0, INT32_MAX, &hold_off, in->no);
	if (!err)
		err = bs_number_member(o, "timeout_s", 0, INT32_MAX, &timeout, in->no);
	if (!err && json_object_object_get_ex(o, "oscore", &v))
		err = bs_within(in->no, "oscore", bs_oscore_parse(v, &r->oscore, in->no));
	r->hold_off_s = (uint32_t)hold_off;
	r->timeout_s = (uint32_t)timeout;
	return err;
}

enum err bs_renewal_parse(struct plan_in *in, struct json_object *o, struct bs_plan *p)
{
	p->renewal = calloc(1, sizeof(*p->renewal));
	if (!p->renewal)
		return ERR_NOMEM;
	p->renewal->oscore =
		(struct bs_oscore){.aead = ALG_AES_CCM_16_64_128, .hkdf = ALG_HKDF_SHA256};
	return members(in, o, p->renewal);
}
