/* SPDX-License-Identifier: Apache-2.0 */
/* The kid context of our requests (RFC 8613 section 5.2): needed only where the device could not
 * tell otherwise whom a request is for. After a recovery it is 24 bytes, in every request. A device
 * whose own requests come without it has the keys at hand under kid alone, or so it seems: ours
 * leave it out too, until one of them is not understood. Whether a device does not understand or
 * is not there nobody can tell, so one that has answered such requests before is given another
 * chance, and one that has not is not: at most one request of each context is lost by trying. */
#include "endpoint/exchange_impl.h"

bool ep_named(const struct ep_context *c)
{
	return c->has_id_context && (c->naming == EP_NAMING_FULL || c->naming == EP_NAMING_NEEDED);
}

void ep_naming_heard(struct ep_context *c, bool named)
{
	if (c->has_id_context && !named && c->naming == EP_NAMING_FULL)
		c->naming = EP_NAMING_TRIED;
}

void ep_naming_answered(struct ep_request *r)
{
	struct ep_context *c = r->conv->ctx;
	if (r->brief && c && c->naming == EP_NAMING_TRIED)
		c->naming = EP_NAMING_SHORT;
	r->brief = false;
}

bool ep_naming_failed(struct ep_request *r)
{
	struct ep_context *c = r->conv ? r->conv->ctx : NULL;
	if (!c || !r->brief)
		return false;
	r->brief = false;
	if (c->naming == EP_NAMING_TRIED)
		c->naming = EP_NAMING_NEEDED;
	else if (c->naming == EP_NAMING_SHORT)
		c->naming = EP_NAMING_FULL;
	return true;
}
