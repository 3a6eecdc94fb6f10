/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/msg.h"
#include "coap/wire.h"

#include <coap3/coap.h>
#include <string.h>

enum {
	NIBBLE_EXT16 = 14, /* two more bytes, above WIRE_EXT16_MIN */
	NIBBLE_RESERVED = 15,
	EXT16_MAX = UINT16_MAX - WIRE_EXT16_MIN,
};

/* What coap_opt_parse must not see: libcoap 4.3.1 sums an extended delta in 16 bits, so that it can
 * wrap. Reserved nibbles are caught here too, since it tells no reasons. */
static enum err check_head(const struct reader *r)
{
	uint8_t head = r->p[0];

	if (head >> 4 == NIBBLE_RESERVED || (head & 15) == NIBBLE_RESERVED)
		return ERR_SYNTAX;
	if (head >> 4 == NIBBLE_EXT16 && r->n > 2 && (r->p[1] << 8 | r->p[2]) > EXT16_MAX)
		return ERR_SYNTAX;
	return ERR_OK;
}

static enum err parse_options(struct reader *r, struct msg *m)
{
	uint32_t num = 0;

	while (r->n > 0 && r->p[0] != WIRE_MARKER) {
		coap_option_t o;
		enum err err = check_head(r);
		if (err != ERR_OK)
			return err;
		size_t used = coap_opt_parse(r->p, r->n, &o);
		if (used == 0)
			return ERR_SHORT;
		num += o.delta;
		if (num > UINT16_MAX)
			return ERR_SYNTAX;
		if (m->opt_n == MSG_OPTS_MAX)
			return ERR_LIMIT;
		m->opt[m->opt_n++] = (struct opt){(uint16_t)num, {o.value, o.length}};
		(void)rd_bytes(r, used);
	}
	return ERR_OK;
}

static enum err parse_body(struct reader *r, struct msg *m)
{
	if (m->code == MSG_EMPTY)
		return m->token_n == 0 ? rd_end(r) : ERR_SYNTAX;
	enum err err = parse_options(r, m);
	if (err != ERR_OK || r->n == 0)
		return err;
	(void)rd_u8(r);
	m->payload = rd_rest(r);
	return m->payload.n > 0 ? ERR_OK : ERR_SYNTAX;
}

enum err msg_parse_udp(struct span datagram, struct msg *out)
{
	struct reader r = rd_make(datagram);
	uint8_t head = rd_u8(&r);
	uint8_t code = rd_u8(&r);
	uint16_t mid = rd_u16(&r);
	size_t token_n = head & 15;

	msg_init(out, MSG_NON, MSG_EMPTY);
	if (r.err != ERR_OK)
		return r.err;
	if (head >> 6 != WIRE_VERSION)
		return ERR_SYNTAX;
	out->type = head >> 4 & 3;
	out->code = code;
	out->mid = mid;
	if (token_n > MSG_TOKEN_MAX)
		return ERR_SYNTAX;
	struct span token = rd_bytes(&r, token_n);
	if (r.err != ERR_OK)
		return r.err;
	out->token_n = (uint8_t)token_n;
	if (token_n > 0)
		memcpy(out->token, token.p, token_n);
	return parse_body(&r, out);
}

enum err msg_parse_inner(struct span plaintext, struct msg *out)
{
	struct reader r = rd_make(plaintext);
	uint8_t code = rd_u8(&r);

	msg_init(out, MSG_NON, code);
	return r.err != ERR_OK ? r.err : parse_body(&r, out);
}
