/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/sms.h"

/* 3GPP TS 23.040 section 9.2.3.24: elements of a user data header. */
enum { IE_CONCAT8 = 0x00, IE_PORTS16 = 0x05, IE_CONCAT16 = 0x08 };

/* From port 49154 to 2948 of WDP. */
static const uint8_t push_ports[] = {0x06, IE_PORTS16, 0x04, 0x0b, 0x84, 0xc0, 0x02};
/* WSP: transaction 1, a push with three bytes of head: its content type, X-Wap-Application-Id 0x9A.
 */
static const uint8_t push_wsp[] = {0x01, 0x06, 0x03, 0xc4, 0xaf, 0x9a};

void sms_push_begin(struct writer *w)
{
	wr_bytes(w, SPAN_OF(push_wsp));
}

bool sms_is_push(struct span message)
{
	return span_eq(span_sub(message, 0, sizeof(push_wsp)), SPAN_OF(push_wsp));
}

enum err sms_number_read(struct span text, char out[static SMS_NUMBER_MAX + 1])
{
	struct span s = text.n && text.p[0] == '+' ? span_sub(text, 1, text.n) : text;
	out[0] = '\0';
	if (!s.n || s.n > SMS_NUMBER_MAX)
		return ERR_SYNTAX;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return ERR_SYNTAX;
	return span_to_str(s, out, SMS_NUMBER_MAX + 1);
}

static void read_element(struct reader *h, struct sms_part *p)
{
	uint8_t kind = rd_u8(h), n = rd_u8(h);
	struct reader r = rd_make(rd_bytes(h, n));
	bool wide = kind == IE_CONCAT16;
	if (h->err || (kind != IE_CONCAT8 && !wide))
		return;
	p->ref = wide ? rd_u16(&r) : rd_u8(&r);
	p->total = rd_u8(&r);
	p->number = rd_u8(&r);
	p->ref_bits = wide ? 16 : 8;
	if (rd_end(&r))
		rd_fail(h, ERR_SYNTAX);
}

enum err sms_read(struct span user_data, bool has_header, struct sms_part *out)
{
	struct sms_part p = {.data = user_data};
	if (has_header) {
		struct reader r = rd_make(user_data);
		uint8_t n = rd_u8(&r);
		struct reader h = rd_make(rd_bytes(&r, n));
		if (r.err)
			return r.err;
		while (rd_left(&h) && !h.err)
			read_element(&h, &p);
		enum err err = rd_end(&h);
		if (err)
			return err;
		p.data = rd_rest(&r);
	}
	if (p.ref_bits && (!p.number || p.number > p.total))
		return ERR_RANGE;
	*out = p;
	return ERR_OK;
}

/* What a part of several holds. */
static size_t room(enum sms_concat c)
{
	switch (c) {
	case SMS_UDH8:
		return SMS_BYTES - 6;
	case SMS_UDH16:
		return SMS_BYTES - 7;
	case SMS_SAR:
		break;
	}
	return SMS_BYTES;
}

size_t sms_parts(const struct sms_cutting *c)
{
	bool push = sms_is_push(c->message);
	if (c->message.n + (push ? sizeof(push_ports) : 0) <= SMS_BYTES)
		return 1;
	size_t each = room(c->concat), n = (c->message.n + each - 1) / each;
	return push || n > SMS_PARTS_MAX ? 0 : n;
}

static void write_reference(
	struct writer *w, const struct sms_cutting *c, const struct sms_cut *cut)
{
	bool wide = c->concat == SMS_UDH16;
	wr_u8(w, wide ? 6 : 5);
	wr_u8(w, wide ? IE_CONCAT16 : IE_CONCAT8);
	wr_u8(w, wide ? 4 : 3);
	if (wide)
		wr_u16(w, c->ref);
	else
		wr_u8(w, (uint8_t)c->ref);
	wr_u8(w, cut->total);
	wr_u8(w, cut->number);
}

enum err sms_cut(const struct sms_cutting *c, size_t number, struct sms_cut *out)
{
	size_t total = sms_parts(c), each = total > 1 ? room(c->concat) : SMS_BYTES;
	struct writer w = wr_make(out->bytes, sizeof(out->bytes));
	if (!number || number > total)
		return ERR_RANGE;
	out->total = (uint8_t)total;
	out->number = (uint8_t)number;
	bool push = sms_is_push(c->message);
	out->has_header = push || (total > 1 && c->concat != SMS_SAR);
	if (push)
		wr_bytes(&w, SPAN_OF(push_ports));
	else if (out->has_header)
		write_reference(&w, c, out);
	wr_bytes(&w, span_sub(c->message, (number - 1) * each, each));
	out->n = (uint8_t)w.n;
	return w.err;
}
