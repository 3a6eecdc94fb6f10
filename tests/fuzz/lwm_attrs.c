/* SPDX-License-Identifier: Apache-2.0 */
/* A text of attributes: what is accepted can be sent, read again, and shown. */
#include "lwm2m/attrs.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct lwm_path targets[] = {{1, {3}}, {3, {3, 0, 9}}, {3, {1, 0, 6}}};
	struct span text = span_sub((struct span){data, size}, 1, size);
	const struct lwm_path *at = size ? &targets[data[0] % 3] : NULL;
	struct lwm_attrs a = {0}, again = {0};
	struct lwm_attr_why why = {SPAN_EMPTY, NULL};
	uint8_t buf[4096];
	struct writer w = wr_make(buf, sizeof(buf));
	struct msg m;

	if (lwm_attrs_parse(text, at, 0, &a, &why)) {
		wr_attr_why(&w, &why);
		require(w.n > 0 && why.text);
		return 0;
	}
	msg_init(&m, MSG_CON, MSG_PUT);
	require((a.set | a.unset) && !(a.set & a.unset));
	require(lwm_attrs_consistent(&a, NULL) == ERR_OK);
	require(lwm_attrs_to_options(text, 0xffff, &m) == ERR_OK);
	require(lwm_attrs_from_options(&m, at, 0, &again, NULL) == ERR_OK);
	require(again.set == a.set && again.unset == a.unset);
	wr_attrs(&w, &a);
	require(!w.err);
	return 0;
}
