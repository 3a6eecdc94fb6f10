/* SPDX-License-Identifier: Apache-2.0 */
/* A datagram, and the same bytes as what OSCORE encrypts: what parses is encoded, parses again and
 * is the same; judging the options never breaks it. */
#include "coap/msg.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct form {
	enum err (*parse)(struct span in, struct msg *out);
	enum err (*encode)(const struct msg *m, struct writer *w);
};

static const struct form forms[] = {
	{msg_parse_udp, msg_encode_udp},
	{msg_parse_inner, msg_encode_inner},
};

static void require(bool ok)
{
	if (!ok)
		abort();
}

static bool same(const struct msg *a, const struct msg *b)
{
	bool ok = a->type == b->type && a->code == b->code && a->mid == b->mid &&
		  a->token_n == b->token_n && memcmp(a->token, b->token, a->token_n) == 0 &&
		  a->opt_n == b->opt_n && span_eq(a->payload, b->payload);

	for (size_t i = 0; ok && i < a->opt_n; i++)
		ok = a->opt[i].num == b->opt[i].num && span_eq(a->opt[i].val, b->opt[i].val);
	return ok;
}

/* There is one encoding only of a message, and it does not grow when options are taken away. */
static void round_trip(const struct form *form, const struct msg *m, struct span in, bool whole)
{
	uint8_t *buf = malloc(in.n);
	struct writer w = wr_make(buf, in.n);
	struct msg back;

	require(buf != NULL);
	require(form->encode(m, &w) == ERR_OK);
	require(!whole || span_eq(wr_span(&w), in));
	require(form->parse(wr_span(&w), &back) == ERR_OK);
	require(same(m, &back));
	free(buf);
}

static void require_order(const struct msg *m)
{
	for (size_t i = 1; i < m->opt_n; i++)
		require(m->opt[i - 1].num <= m->opt[i].num);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct span in = {data, size};
		struct msg m;
		uint8_t options;
		if (forms[i].parse(in, &m) != ERR_OK)
			continue;
		require(m.opt_n <= MSG_OPTS_MAX && m.token_n <= MSG_TOKEN_MAX);
		require_order(&m);
		round_trip(&forms[i], &m, in, true);
		options = m.opt_n;
		if (msg_check_options(&m) == MSG_OPTIONS_BAD)
			continue;
		require(m.opt_n <= options);
		require_order(&m);
		round_trip(&forms[i], &m, in, false);
		require(msg_check_options(&m) == MSG_OPTIONS_GOOD && m.opt_n <= options);
	}
	return 0;
}
