/* SPDX-License-Identifier: Apache-2.0 */
/* A text as a value of each type: what is read is written in a form that reads and writes as
 * itself. And as a path. */
#include "lwm2m/format.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void try_type(struct span text, enum lwm_type type, uint8_t *buf, size_t cap)
{
	struct writer w = wr_make(buf, cap), again;
	struct lwm_value v, back;
	struct arena a;

	arena_init(&a, 0);
	if (lwm_value_from_text(text, type, &a, &v) == ERR_OK) {
		require(v.type == (type == LWM_NONE ? LWM_STRING : type));
		wr_value_text(&w, &v);
		require(!w.err);
		require(lwm_value_from_text(wr_span(&w), type, &a, &back) == ERR_OK);
		again = wr_make(wr_room(&w, w.n), w.n);
		wr_value_text(&again, &back);
		require(!again.err);
		require(span_eq(wr_span(&again), (struct span){buf, again.n}));
		require(2 * again.n == w.n);
	}
	arena_fini(&a);
}

static void try_path(struct span text)
{
	char buf[LWM_PATH_TEXT_MAX];
	struct writer w = wr_make(buf, sizeof(buf));
	struct lwm_path p, back;

	if (lwm_path_parse(text, &p))
		return;
	wr_path(&w, &p);
	require(!w.err);
	require(lwm_path_parse(wr_span(&w), &back) == ERR_OK && lwm_path_eq(&p, &back));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t cap = 4 * size + 2048;
	uint8_t *buf = malloc(cap);

	require(buf != NULL);
	for (int t = LWM_NONE; t <= LWM_CORELNK; t++)
		try_type((struct span){data, size}, (enum lwm_type)t, buf, cap);
	try_path((struct span){data, size});
	free(buf);
	return 0;
}
