/* SPDX-License-Identifier: Apache-2.0 */
/* A captured message in the clear, for an administrator. Keys stay here; no counter moves. */
#include "cmd/core_impl.h"

#include "oscore/inspect.h"

#include <string.h>

static enum osc_inspected try_context(
	struct core *c, const struct ep_context *x, const struct osc_inspect *in, struct writer *w)
{
	struct osc_inspect_context k = {
		.id_context = ep_id_context(x), .mask = x->role == REC_ROLE_BOOTSTRAP};

	ep_keys(x, &k.keys);
	enum osc_inspected got = osc_inspect(c->dir.crypto, in, &k, w);
	secret_wipe(&k, sizeof(k));
	return got;
}

enum err core_oscore_decode(
	void *arg, struct span name, const struct adm_decode *d, struct span *json)
{
	static uint8_t best[OSC_INSPECT_JSON], next[OSC_INSPECT_JSON];
	struct core *c = arg;
	struct endpoint *e = core_find(c, name);
	struct osc_inspect in = {d->message, d->request, d->has_kid, d->kid, d->piv};
	struct writer w = wr_make(best, sizeof(best));

	if (!e)
		return core_not_found(c);
	enum osc_inspected got = osc_inspect(c->dir.crypto, &in, NULL, &w);
	/* Several generations may have the same ids: the one that opens it counts. */
	for (const struct ep_context *x = e->contexts; x && got != OSC_INSPECT_OPENED;
		x = x->next_of_endpoint) {
		struct writer v = wr_make(next, sizeof(next));
		enum osc_inspected this = try_context(c, x, &in, &v);
		if (this <= got)
			continue;
		got = this;
		memcpy(best, next, v.n);
		w.n = v.n;
		w.err = v.err;
	}
	*json = wr_span(&w);
	return w.err;
}
