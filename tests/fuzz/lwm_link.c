/* SPDX-License-Identifier: Apache-2.0 */
/* Link format as the three that read it do: the links one by one, an object list (whose own
 * spelling reads and writes as itself), a Bootstrap-Discover. They agree on what is well-formed. */
#include "lwm2m/link.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static bool inside(struct span part, struct span whole)
{
	return part.n == 0 || ((uintptr_t)part.p >= (uintptr_t)whole.p &&
				      (uintptr_t)part.p + part.n <= (uintptr_t)whole.p + whole.n);
}

static enum err walk(struct span all)
{
	struct span rest = all;
	struct lwm_link l;
	enum err e;

	while ((e = lwm_link_next(&rest, &l)) == ERR_OK) {
		require(l.attr_n <= LWM_LINK_ATTRS_MAX && inside(l.target, all));
		require(l.target.p || l.attr_n);
		for (uint8_t i = 0; i < l.attr_n; i++)
			require(l.attr[i].name.n && inside(l.attr[i].name, all) &&
				inside(l.attr[i].value, all));
	}
	return e;
}

/* In the plain spelling a link "</1>" may become "</1>;ver=1.0,": nothing grows more than that. */
static void round_trip(const struct lwm_object_list *l, size_t cap)
{
	uint8_t *first = malloc(cap), *second = malloc(cap);
	struct writer w = wr_make(first, cap), again = wr_make(second, cap);
	struct lwm_object_list back;

	require(first && second);
	require(lwm_object_list_write(l, &w) == ERR_OK);
	require(lwm_object_list_parse(wr_span(&w), &back) == ERR_OK);
	require(back.inst_n == l->inst_n && back.ver_n == l->ver_n && back.formats == l->formats);
	require(lwm_object_list_write(&back, &again) == ERR_OK);
	require(span_eq(wr_span(&w), wr_span(&again)));
	for (uint16_t i = 0; i < l->inst_n; i++)
		require(lwm_object_list_has(&back, l->inst[i].oid, l->inst[i].iid));
	lwm_object_list_fini(&back);
	free(first);
	free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = {data, size};
	struct lwm_object_list l;
	struct lwm_bs_discover d;
	bool good = walk(s) == ERR_NOTFOUND;
	enum err e = lwm_object_list_parse(s, &l);

	require(good || e);
	if (e)
		require(!l.inst && !l.ver);
	else
		round_trip(&l, 4 * size + 256);
	lwm_object_list_fini(&l);
	e = lwm_bs_discover_parse(s, &d);
	require(good || e);
	require(e || d.inst_n <= LWM_BS_INSTANCES_MAX);
	return 0;
}
