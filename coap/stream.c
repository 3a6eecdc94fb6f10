/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/stream.h"

#include "coap/opt.h"
#include "coap/wire.h"

#include <assert.h>

/* RFC 8323 section 3.2: what the length nibble says, how many bytes follow and what is added. */
enum { LEN_EXT8 = 13, LEN_EXT16 = 14, LEN_EXT32 = 15 };
enum { EXT8_MIN = 13, EXT16_MIN = 269, EXT32_MIN = 65805 };

enum { DATAGRAM_HEAD = 4, CODE_BYTES = 1, TEXT_MAX = 40 };

/* Sections 5.3 to 5.6. */
enum {
	OPT_MAX_MESSAGE = 2,
	OPT_BLOCK_WISE = 4,
	OPT_CUSTODY = 2,
	OPT_HOLD_OFF = 4,
	OPT_BAD_CSM = 2
};

static size_t ext_bytes(unsigned nibble)
{
	static const uint8_t bytes[] = {[LEN_EXT8] = 1, [LEN_EXT16] = 2, [LEN_EXT32] = 4};

	return nibble < LEN_EXT8 ? 0 : bytes[nibble];
}

static uint64_t ext_base(unsigned nibble)
{
	static const uint32_t base[] = {
		[LEN_EXT8] = EXT8_MIN, [LEN_EXT16] = EXT16_MIN, [LEN_EXT32] = EXT32_MIN};

	return nibble < LEN_EXT8 ? nibble : base[nibble];
}

enum err stream_peek(struct span have, size_t limit, struct stream_frame *out)
{
	struct reader r = rd_make(have);
	uint8_t first = rd_u8(&r);
	unsigned nibble = first >> 4;
	size_t token_n = first & 15;
	size_t ext_n = ext_bytes(nibble);

	if (r.err)
		return ERR_SHORT;
	if (token_n > MSG_TOKEN_MAX)
		return ERR_SYNTAX;
	uint64_t body_n = rd_uint(&r, ext_n);
	if (r.err)
		return ERR_SHORT;
	body_n += ext_base(nibble);
	size_t head_n = 1 + ext_n + CODE_BYTES;
	if (body_n + head_n + token_n > limit)
		return ERR_LIMIT;
	uint8_t code = rd_u8(&r);
	if (r.err)
		return ERR_SHORT;
	*out = (struct stream_frame){.n = head_n + token_n + (size_t)body_n,
		.head_n = head_n,
		.token_n = (uint8_t)token_n,
		.code = code};
	return ERR_OK;
}

enum err stream_to_datagram(struct span frame, uint16_t mid, struct writer *w)
{
	struct stream_frame f;
	size_t start = w->n;

	if (stream_peek(frame, frame.n, &f) || f.n != frame.n)
		return ERR_SYNTAX;
	wr_u8(w, (uint8_t)(WIRE_VERSION << 6 | MSG_CON << 4 | f.token_n));
	wr_u8(w, f.code);
	wr_u16(w, mid);
	wr_bytes(w, span_sub(frame, f.head_n, frame.n));
	if (w->err)
		w->n = start;
	return w->err;
}

/* Length nibble, token length and extended length. */
static void write_length(struct writer *w, uint64_t n, size_t token_n)
{
	unsigned nibble = n < EXT8_MIN    ? (unsigned)n
			  : n < EXT16_MIN ? LEN_EXT8
			  : n < EXT32_MIN ? LEN_EXT16
					  : LEN_EXT32;

	wr_u8(w, (uint8_t)(nibble << 4 | token_n));
	if (nibble >= LEN_EXT8)
		wr_uint(w, n - ext_base(nibble), ext_bytes(nibble));
}

enum err stream_from_datagram(struct span datagram, struct writer *w)
{
	struct reader r = rd_make(datagram);
	size_t start = w->n;
	uint8_t first = rd_u8(&r);
	size_t token_n = first & 15;
	uint8_t code = rd_u8(&r);

	(void)rd_u16(&r);
	if (r.err || first >> 6 != WIRE_VERSION || token_n > MSG_TOKEN_MAX || rd_left(&r) < token_n)
		return ERR_SYNTAX;
	write_length(w, rd_left(&r) - token_n, token_n);
	wr_u8(w, code);
	wr_bytes(w, rd_rest(&r));
	if (w->err)
		w->n = start;
	return w->err;
}

struct stream_csm stream_csm_default(void)
{
	return (struct stream_csm){.max_message_bytes = STREAM_MESSAGE_BASE};
}

/* No option of a signalling message that is known here is critical. */
enum err stream_signal_check(const struct msg *m, uint16_t *bad)
{
	for (size_t i = 0; i < m->opt_n; i++)
		if (opt_is_critical(m->opt[i].num)) {
			*bad = m->opt[i].num;
			return ERR_UNSUPPORTED;
		}
	return ERR_OK;
}

enum err stream_csm_take(const struct msg *m, struct stream_csm *csm, uint16_t *bad)
{
	enum err err = stream_signal_check(m, bad);
	uint32_t n;

	if (err)
		return err;
	if (msg_get_uint(m, OPT_MAX_MESSAGE, &n))
		csm->max_message_bytes = n;
	if (msg_find(m, OPT_BLOCK_WISE))
		csm->blocks = true;
	return ERR_OK;
}

bool stream_has_custody(const struct msg *m)
{
	return msg_find(m, OPT_CUSTODY) != NULL;
}

/* An option below 13 with a short value. The registry of other messages does not count here. */
static void write_option(struct writer *w, unsigned delta, struct span val)
{
	assert(delta < LEN_EXT8 && val.n < LEN_EXT8);
	wr_u8(w, (uint8_t)(delta << 4 | val.n));
	wr_bytes(w, val);
}

static void write_uint_option(struct writer *w, unsigned delta, uint32_t v)
{
	uint8_t buf[4];
	struct writer val = wr_make(buf, sizeof(buf));
	size_t n = 0;

	while (n < sizeof(v) && v >> 8 * n)
		n++;
	wr_uint(&val, v, n);
	write_option(w, delta, wr_span(&val));
}

static void write_signal(struct writer *w, uint8_t code, struct span token, struct span body)
{
	assert(token.n <= MSG_TOKEN_MAX);
	write_length(w, body.n, token.n);
	wr_u8(w, code);
	wr_bytes(w, token);
	wr_bytes(w, body);
}

void stream_write_csm(struct writer *w, uint32_t max_message_bytes)
{
	uint8_t buf[STREAM_SIGNAL_MAX];
	struct writer body = wr_make(buf, sizeof(buf));

	write_uint_option(&body, OPT_MAX_MESSAGE, max_message_bytes);
	write_option(&body, OPT_BLOCK_WISE - OPT_MAX_MESSAGE, SPAN_EMPTY);
	write_signal(w, STREAM_CSM, SPAN_EMPTY, wr_span(&body));
}

void stream_write_ping(struct writer *w, struct span token)
{
	write_signal(w, STREAM_PING, token, SPAN_EMPTY);
}

void stream_write_pong(struct writer *w, struct span token, bool custody)
{
	uint8_t buf[1];
	struct writer body = wr_make(buf, sizeof(buf));

	if (custody)
		write_option(&body, OPT_CUSTODY, SPAN_EMPTY);
	write_signal(w, STREAM_PONG, token, wr_span(&body));
}

void stream_write_release(struct writer *w, uint32_t hold_off_s)
{
	uint8_t buf[8];
	struct writer body = wr_make(buf, sizeof(buf));

	if (hold_off_s)
		write_uint_option(&body, OPT_HOLD_OFF, hold_off_s);
	write_signal(w, STREAM_RELEASE, SPAN_EMPTY, wr_span(&body));
}

void stream_write_abort(struct writer *w, uint16_t bad_option, const char *text)
{
	uint8_t buf[STREAM_SIGNAL_MAX];
	struct writer body = wr_make(buf, sizeof(buf));

	if (bad_option)
		write_uint_option(&body, OPT_BAD_CSM, bad_option);
	if (text[0])
		wr_u8(&body, WIRE_MARKER);
	wr_bytes(&body, span_sub(span_str(text), 0, TEXT_MAX));
	write_signal(w, STREAM_ABORT, SPAN_EMPTY, wr_span(&body));
}
