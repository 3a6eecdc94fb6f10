/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/smpp_pdu.h"

#include "base/secret.h"

enum {
	VERSION = 0x34,
	TON_INTERNATIONAL = 1,
	NPI_E164 = 1,
	UDHI = 0x40,
	CODING_OCTETS = 2,
	CODING_BINARY = 4,
	TAG_SAR_REF = 0x020c,
	TAG_SAR_TOTAL = 0x020e,
	TAG_SAR_NUMBER = 0x020f,
	TAG_PAYLOAD = 0x0424,
	/* with the NUL, of what comes in */
	SERVICE_MAX = 6,
	ADDRESS_MAX = 65, /* 21, but for those who write data_sm's */
	TIME_MAX = 17,
};

const char *smpp_status_text(uint32_t status)
{
	static const struct {
		uint32_t status;
		const char *text;
	} known[] = {
		{SMPP_OK, "ok"},
		{0x01, "message too long"},
		{SMPP_BAD_LENGTH, "bad length"},
		{SMPP_BAD_COMMAND, "bad command"},
		{SMPP_BAD_STATE, "not in this state"},
		{0x05, "bound already"},
		{0x08, "system error"},
		{0x0a, "bad source address"},
		{0x0b, "bad destination address"},
		{0x0d, "bind failed"},
		{0x0e, "wrong password"},
		{0x0f, "wrong system id"},
		{SMPP_QUEUE_FULL, "queue full"},
		{0x45, "submit failed"},
		{SMPP_THROTTLED, "throttled"},
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].status == status)
			return known[i].text;
	return "refused";
}

enum err smpp_head_read(struct span s, struct smpp_head *out)
{
	struct reader r = rd_make(s);
	struct smpp_head h = {.length = rd_u32(&r)};
	h.command = rd_u32(&r);
	h.status = rd_u32(&r);
	h.sequence = rd_u32(&r);
	if (!r.err)
		*out = h;
	return r.err;
}

/* Up to a NUL, which has to be among the first `max` bytes. */
static struct span read_string(struct reader *r, size_t max)
{
	struct reader ahead = *r;
	size_t n = 0;
	while (n < max && rd_u8(&ahead) && !ahead.err)
		n++;
	if (n == max || ahead.err)
		rd_fail(r, n == max ? ERR_SYNTAX : ERR_SHORT);
	struct span s = rd_bytes(r, n);
	rd_u8(r);
	return s;
}

static uint64_t number_of(struct reader *r, struct span value, size_t n)
{
	struct reader v = rd_make(value);
	uint64_t x = rd_uint(&v, n);
	enum err err = rd_end(&v);
	if (err)
		rd_fail(r, ERR_SYNTAX);
	return x;
}

enum { HAS_REF = 1, HAS_TOTAL = 2, HAS_NUMBER = 4, HAS_ALL = 7 };

static void read_parameter(
	struct reader *r, struct smpp_deliver *d, struct span *payload, unsigned *has)
{
	uint16_t tag = rd_u16(r), n = rd_u16(r);
	struct span value = rd_bytes(r, n);
	if (r->err)
		return;
	switch (tag) {
	case TAG_SAR_REF:
		d->sar_ref = (uint16_t)number_of(r, value, 2);
		*has |= HAS_REF;
		break;
	case TAG_SAR_TOTAL:
		d->sar_total = (uint8_t)number_of(r, value, 1);
		*has |= HAS_TOTAL;
		break;
	case TAG_SAR_NUMBER:
		d->sar_number = (uint8_t)number_of(r, value, 1);
		*has |= HAS_NUMBER;
		break;
	case TAG_PAYLOAD:
		*payload = value;
		break;
	}
}

enum err smpp_deliver_read(struct span body, struct smpp_deliver *out)
{
	struct reader r = rd_make(body);
	struct smpp_deliver d = {.has_sar = false};
	struct span payload = SPAN_EMPTY;
	unsigned has = 0;
	read_string(&r, SERVICE_MAX);
	rd_bytes(&r, 2); /* type and plan of the number: digits are digits */
	d.source = read_string(&r, ADDRESS_MAX);
	rd_bytes(&r, 2);
	read_string(&r, ADDRESS_MAX);
	d.esm_class = rd_u8(&r);
	rd_bytes(&r, 2); /* protocol id, priority */
	read_string(&r, TIME_MAX);
	read_string(&r, TIME_MAX);
	rd_bytes(&r, 2); /* registered delivery, replace if present */
	d.data_coding = rd_u8(&r);
	rd_u8(&r); /* predefined message */
	uint8_t n = rd_u8(&r);
	d.user_data = rd_bytes(&r, n);
	while (rd_left(&r) && !r.err)
		read_parameter(&r, &d, &payload, &has);
	if (r.err)
		return r.err;
	if (!d.user_data.n)
		d.user_data = payload;
	d.has_sar = has == HAS_ALL;
	*out = d;
	return ERR_OK;
}

/* 3GPP TS 23.038 section 4: of 8 bits, with a class (1111x1xx) or without; or octets, of SMPP. */
bool smpp_is_binary(const struct smpp_deliver *d)
{
	uint8_t c = d->data_coding;
	return c == CODING_OCTETS || c == CODING_BINARY || (c & 0xf4) == 0xf4 || (c & 0xec) == 0x04;
}

static void write_head(
	struct writer *w, size_t body_n, uint32_t command, uint32_t status, uint32_t sequence)
{
	wr_u32(w, (uint32_t)(SMPP_HEAD + body_n));
	wr_u32(w, command);
	wr_u32(w, status);
	wr_u32(w, sequence);
}

void smpp_write_plain(struct writer *w, uint32_t command, uint32_t status, uint32_t sequence)
{
	write_head(w, 0, command, status, sequence);
}

static void write_string(struct writer *w, const char *s)
{
	wr_str(w, s);
	wr_u8(w, 0);
}

void smpp_write_deliver_resp(struct writer *w, uint32_t status, uint32_t sequence)
{
	write_head(w, 1, SMPP_RESPONSE | SMPP_DELIVER_SM, status, sequence);
	write_string(w, ""); /* the message id, which is unused */
}

void smpp_write_bind(struct writer *w, const struct smpp_bind *b, uint32_t sequence)
{
	uint8_t body[64];
	struct writer x = wr_make(body, sizeof(body));
	write_string(&x, b->system_id);
	write_string(&x, b->password);
	write_string(&x, b->system_type);
	wr_u8(&x, VERSION);
	wr_u8(&x, TON_INTERNATIONAL);
	wr_u8(&x, NPI_E164);
	write_string(&x, ""); /* address range: as the account has it */
	write_head(w, x.n, SMPP_BIND_TRANSCEIVER, 0, sequence);
	wr_bytes(w, wr_span(&x));
	w->err = w->err ? w->err : x.err;
	secret_wipe(body, sizeof(body));
}

static void write_address(struct writer *w, const char *digits)
{
	wr_u8(w, digits[0] ? TON_INTERNATIONAL : 0);
	wr_u8(w, digits[0] ? NPI_E164 : 0);
	write_string(w, digits);
}

/* Section 7.1.1: relative, to the second. */
static void write_validity(struct writer *w, uint64_t s)
{
	enum { DAY = 86400, DAYS_MAX = 30 };
	if (s > (uint64_t)DAY * DAYS_MAX)
		s = (uint64_t)DAY * DAYS_MAX;
	unsigned t = (unsigned)s;
	wr_fmt(w, "0000%02u%02u%02u%02u000R", t / DAY, t / 3600 % 24, t / 60 % 60, t % 60);
	wr_u8(w, 0);
}

static void write_number(struct writer *w, uint16_t tag, uint64_t v, uint16_t n)
{
	wr_u16(w, tag);
	wr_u16(w, n);
	wr_uint(w, v, n);
}

void smpp_write_submit(struct writer *w, const struct smpp_submit *s, uint32_t sequence)
{
	uint8_t body[SMPP_OUT_MAX - SMPP_HEAD];
	struct writer x = wr_make(body, sizeof(body));
	write_string(&x, ""); /* service type */
	write_address(&x, s->source);
	write_address(&x, s->destination);
	wr_u8(&x, s->has_header ? UDHI : 0);
	wr_u8(&x, 0); /* protocol id */
	wr_u8(&x, 0); /* priority */
	write_string(&x, "");
	write_validity(&x, s->validity_s);
	wr_u8(&x, 0); /* no receipt */
	wr_u8(&x, 0); /* replace nothing */
	wr_u8(&x, CODING_BINARY);
	wr_u8(&x, 0);
	wr_u8(&x, (uint8_t)s->user_data.n);
	wr_bytes(&x, s->user_data);
	if (s->has_sar) {
		write_number(&x, TAG_SAR_REF, s->sar_ref, 2);
		write_number(&x, TAG_SAR_TOTAL, s->sar_total, 1);
		write_number(&x, TAG_SAR_NUMBER, s->sar_number, 1);
	}
	write_head(w, x.n, SMPP_SUBMIT_SM, 0, sequence);
	wr_bytes(w, wr_span(&x));
	w->err = w->err ? w->err : x.err;
}
