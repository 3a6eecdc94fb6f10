/* SPDX-License-Identifier: Apache-2.0 */
/* Discover (DM-03 to DM-05): links, with what is attached to them. */
#include "device/inner.h"

#include "lwm2m/version.h"

enum { DEPTH_MAX = 3, BODY_MAX = 4096 };

static void list(const struct dev *d, const struct lwm_path *p, const char *more, struct writer *w)
{
	uint8_t version = p->n == 1 ? dev_object_version(p->id[0]) : 0;
	wr_str(w, w->n ? ",<" : "<");
	wr_path(w, p);
	wr_fmt(w, ">%s", more);
	if (version) {
		wr_str(w, ";ver=");
		wr_version(w, version);
	}
	dev_attr_list(d, p, w);
}

/* `below`: how many levels under the target are listed. */
static void list_resource(
	const struct dev *d, struct lwm_path at, bool multiple, unsigned below, struct writer *w)
{
	list(d, &at, multiple ? ";dim=1" : "", w);
	at.n = 4;
	if (multiple && below)
		list(d, &at, "", w);
}

static void list_instance(const struct dev *d, const struct lwm_path *target, uint16_t iid,
	unsigned depth, struct writer *w)
{
	struct lwm_path at = {2, {target->id[0], iid, 0, 0}};
	unsigned used = target->n < 3 ? 3 - target->n : 0; /* levels down to a Resource */
	size_t n;
	const struct dev_resource *table = dev_resource_table(&n);
	if (target->n < 3)
		list(d, &at, "", w);
	if (depth < used)
		return;
	at.n = 3;
	for (size_t i = 0; i < n; i++) {
		if (table[i].oid != at.id[0] || (target->n > 2 && target->id[2] != table[i].rid))
			continue;
		at.id[2] = table[i].rid;
		list_resource(d, at, table[i].multiple, depth - used, w);
	}
}

/* "depth=2"; any other query is nothing to Discover. Without one it is as in 1.1, which knew no
 * depth: nothing below Resources. */
static enum err read_depth(const struct msg *m, const struct lwm_path *p, unsigned *depth)
{
	const struct opt *o = msg_find(m, OPT_URI_QUERY);
	uint64_t v = 3u - p->n;
	enum err e = ERR_OK;
	if (o) {
		e = span_eq_str(span_sub(o->val, 0, 6), "depth=") && !msg_next(m, o)
			    ? span_to_u64(span_sub(o->val, 6, o->val.n), DEPTH_MAX, &v)
			    : ERR_SYNTAX;
	}
	*depth = (unsigned)v;
	return e;
}

uint8_t dev_discover(
	struct dev *d, const struct msg *m, const struct lwm_path *p, struct span *body)
{
	struct writer w = dev_scratch(d->host, BODY_MAX);
	uint16_t iid[DEV_INSTANCES_MAX];
	unsigned depth;
	uint8_t code = dev_check_path(d, &d->accounts, p);
	if (code != MSG_EMPTY)
		return code;
	if (p->n > 3)
		return MSG_METHOD_NOT_ALLOWED;
	if (read_depth(m, p, &depth))
		return MSG_BAD_REQUEST;
	if (p->n == 1)
		list(d, p, "", &w);
	size_t n = p->n > 1 || depth ? dev_instances(d, &d->accounts, p->id[0], iid) : 0;
	for (size_t i = 0; i < n; i++) {
		if (p->n < 2 || p->id[1] == iid[i])
			list_instance(d, p, iid[i], depth, &w);
	}
	*body = wr_span(&w);
	return w.err ? MSG_INTERNAL_ERROR : MSG_CONTENT;
}
