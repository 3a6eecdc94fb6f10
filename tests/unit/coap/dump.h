/* SPDX-License-Identifier: Apache-2.0 */
/* A message as one line of text, for the tables of these tests. */
#ifndef LANYARD_TESTS_UNIT_COAP_DUMP_H
#define LANYARD_TESTS_UNIT_COAP_DUMP_H

#include "base/text.h"
#include "coap/msg.h"
#include "tests/unit/test.h"

/* "11=7264 60=" */
__attribute__((unused)) static void dump_options(struct writer *w, const struct msg *m)
{
	for (size_t i = 0; i < m->opt_n; i++) {
		wr_fmt(w, " %u=", (unsigned)m->opt[i].num);
		wr_hex(w, m->opt[i].val);
	}
}

/* "CON 0.01 1234 t=0a 11=7264 p=ff"; static storage, until the next call. */
__attribute__((unused)) static const char *dump(const struct msg *m)
{
	static const char *const types[] = {"CON", "NON", "ACK", "RST"};
	static char text[16384];
	struct writer w = wr_make(text, sizeof(text) - 1);

	wr_fmt(&w, "%s ", types[m->type & 3]);
	wr_code(&w, m->code);
	wr_fmt(&w, " %04x t=", (unsigned)m->mid);
	wr_hex(&w, (struct span){m->token, m->token_n});
	dump_options(&w, m);
	wr_str(&w, " p=");
	wr_hex(&w, m->payload);
	text[w.n] = '\0';
	return w.err == ERR_OK ? text : "too long";
}

/* A copy in memory of exactly its size, so that a read past the end is noticed. Free it. */
__attribute__((unused)) static struct span exact(struct span s)
{
	uint8_t *p = malloc(s.n);

	if (s.n > 0 && !p)
		abort();
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (struct span){p, s.n};
}

/* Pseudo-random, the same in every run: xorshift64*. */
__attribute__((unused)) static uint64_t chance(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1d;
}

__attribute__((unused)) static size_t below(uint64_t *state, size_t bound)
{
	return (size_t)((chance(state) >> 16) % bound);
}

#endif
