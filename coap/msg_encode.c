/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/msg.h"
#include "coap/wire.h"

#include <assert.h>
#include <coap3/coap.h>

/* What an extended length can say. */
enum { VALUE_MAX = UINT16_MAX + WIRE_EXT16_MIN };

static void encode_option(struct writer *w, uint16_t delta, struct span val)
{
	size_t size = coap_opt_encode_size(delta, val.n);
	uint8_t *room = val.n <= VALUE_MAX ? wr_room(w, size) : NULL;

	if (room)
		coap_opt_encode(room, size, delta, val.p, val.n);
	else
		w->err = ERR_SPACE;
}

static void encode_body(struct writer *w, const struct msg *m)
{
	uint16_t last = 0;

	for (size_t i = 0; i < m->opt_n && w->err == ERR_OK; i++) {
		assert(m->opt[i].num >= last);
		encode_option(w, (uint16_t)(m->opt[i].num - last), m->opt[i].val);
		last = m->opt[i].num;
	}
	if (m->payload.n == 0)
		return;
	wr_u8(w, WIRE_MARKER);
	wr_bytes(w, m->payload);
}

/* Takes back what was written since `start` if there was an error. */
static enum err finish(struct writer *w, size_t start)
{
	if (w->err != ERR_OK)
		w->n = start;
	return w->err;
}

enum err msg_encode_udp(const struct msg *m, struct writer *w)
{
	size_t start = w->n;
	uint8_t *head = wr_room(w, 4);

	assert(m->token_n <= MSG_TOKEN_MAX);
	if (!head)
		return w->err;
	bool empty = m->code == MSG_EMPTY;
	head[0] = (uint8_t)(WIRE_VERSION << 6 | (m->type & 3) << 4 | (empty ? 0 : m->token_n));
	head[1] = m->code;
	head[2] = (uint8_t)(m->mid >> 8);
	head[3] = (uint8_t)m->mid;
	if (empty)
		return ERR_OK;
	wr_bytes(w, (struct span){m->token, m->token_n});
	encode_body(w, m);
	return finish(w, start);
}

enum err msg_encode_inner(const struct msg *m, struct writer *w)
{
	size_t start = w->n;

	wr_u8(w, m->code);
	encode_body(w, m);
	return finish(w, start);
}

void wr_code(struct writer *w, uint8_t code)
{
	unsigned detail = code & 31;

	wr_u8(w, (uint8_t)('0' + msg_code_class(code)));
	wr_u8(w, '.');
	wr_u8(w, (uint8_t)('0' + detail / 10));
	wr_u8(w, (uint8_t)('0' + detail % 10));
}
