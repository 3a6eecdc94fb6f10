/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of frames as it may come: each frame is within the limit, is told by its head alone, and
 * comes back from its datagram in its shortest form; signalling messages are read. */
#include "coap/stream.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 4096 };

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void read_signal(struct span datagram)
{
	struct stream_csm csm = stream_csm_default();
	struct msg m;
	uint16_t bad = 0;

	if (msg_parse_udp(datagram, &m))
		return;
	if (stream_csm_take(&m, &csm, &bad) == ERR_UNSUPPORTED)
		require(bad & 1);
	require((stream_signal_check(&m, &bad) == ERR_OK) == !(bad & 1));
	(void)stream_has_custody(&m);
}

static void one_frame(struct span frame, const struct stream_frame *f)
{
	uint8_t datagram[LIMIT + 4], again[LIMIT + STREAM_HEAD_MAX];
	struct writer d = wr_make(datagram, sizeof(datagram)), b = wr_make(again, sizeof(again));
	struct stream_frame g;

	require(f->n <= LIMIT && f->head_n + f->token_n <= f->n);
	require(stream_to_datagram(frame, 1, &d) == ERR_OK);
	require(stream_from_datagram(wr_span(&d), &b) == ERR_OK);
	/* Each length has one form. */
	require(span_eq(wr_span(&b), frame));
	require(stream_peek(wr_span(&b), LIMIT, &g) == ERR_OK && g.n == f->n);
	if (stream_is_signal(f->code))
		read_signal(wr_span(&d));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = {data, size};
	struct stream_frame f, g;

	while (stream_peek(rest, LIMIT, &f) == ERR_OK && f.n <= rest.n) {
		struct span frame = span_sub(rest, 0, f.n);
		require(stream_peek(span_sub(frame, 0, f.head_n), LIMIT, &g) == ERR_OK);
		require(g.n == f.n && g.code == f.code && g.token_n == f.token_n);
		one_frame(frame, &f);
		rest = span_sub(rest, f.n, rest.n);
	}
	return 0;
}
