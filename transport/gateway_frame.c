/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/gateway_frame.h"

#include <string.h>

static bool is_name(struct span s)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";

	for (size_t i = 0; i < s.n; i++)
		if (!s.p[i] || !strchr(allowed, s.p[i]))
			return false;
	return true;
}

static bool is_text(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] >= 0x7f)
			return false;
	return true;
}

static void fail_unless(struct reader *r, bool good, enum err e)
{
	if (!good)
		rd_fail(r, e);
}

static void read_hello(struct reader *r, struct frame *f)
{
	fail_unless(r, f->kind != GATEWAY_NONE && f->address.n, ERR_RANGE);
	fail_unless(r, f->address.n <= GATEWAY_NAME_MAX, ERR_RANGE);
	fail_unless(r, is_name(f->address), ERR_SYNTAX);
}

/* The datagram is the rest, and may be missing where that means something. */
static void read_datagram(struct reader *r, struct frame *f, bool needed)
{
	f->datagram = rd_bytes(r, rd_left(r));
	fail_unless(r, f->kind != GATEWAY_NONE && f->address.n, ERR_RANGE);
	fail_unless(r, f->datagram.n <= GATEWAY_DATAGRAM_MAX, ERR_RANGE);
	fail_unless(r, f->datagram.n || !needed, ERR_SHORT);
}

static void read_link(struct reader *r, struct frame *f)
{
	uint8_t state = rd_u8(r);

	f->text = rd_bytes(r, rd_left(r));
	f->link = state <= FRAME_LINK_BUSY ? (enum frame_link)state : FRAME_LINK_DOWN;
	fail_unless(r, state <= FRAME_LINK_BUSY && f->kind == GATEWAY_NONE, ERR_RANGE);
	fail_unless(r, !f->address.n && f->text.n <= FRAME_TEXT_MAX, ERR_RANGE);
	fail_unless(r, is_text(f->text), ERR_SYNTAX);
}

static void read_body(struct reader *r, struct frame *f)
{
	switch (f->type) {
	case FRAME_HELLO:
		read_hello(r, f);
		return;
	case FRAME_DATAGRAM:
		read_datagram(r, f, true);
		return;
	case FRAME_UNDELIVERED:
		read_datagram(r, f, false);
		return;
	case FRAME_MTU:
		f->mtu_bytes = rd_u16(r);
		fail_unless(r, f->kind != GATEWAY_NONE && f->address.n, ERR_RANGE);
		return;
	case FRAME_LINK:
		read_link(r, f);
		return;
	case FRAME_ERROR:
		break;
	}
	rd_fail(r, ERR_UNSUPPORTED);
}

enum err frame_parse(struct span packet, struct frame *out)
{
	struct reader r = rd_make(packet);
	struct frame f = {0};
	uint8_t version = rd_u8(&r), type = rd_u8(&r), kind = rd_u8(&r), n = rd_u8(&r);
	enum err err;

	*out = f;
	if (packet.n && version != FRAME_VERSION)
		return ERR_NEWER;
	fail_unless(&r, type >= FRAME_HELLO && type <= FRAME_ERROR, ERR_UNSUPPORTED);
	fail_unless(&r, kind < GATEWAY_KINDS, ERR_RANGE);
	f.type = (enum frame_type)type;
	f.kind = (enum gateway_kind)kind;
	f.address = rd_bytes(&r, n);
	if (!r.err)
		read_body(&r, &f);
	err = rd_end(&r);
	if (!err)
		*out = f;
	return err;
}

enum err frame_write(const struct frame *f, struct writer *w)
{
	if (f->address.n > GATEWAY_ADDRESS_MAX)
		return ERR_RANGE;
	wr_u8(w, FRAME_VERSION);
	wr_u8(w, (uint8_t)f->type);
	wr_u8(w, (uint8_t)f->kind);
	wr_u8(w, (uint8_t)f->address.n);
	wr_bytes(w, f->address);
	if (f->type == FRAME_HELLO || f->type == FRAME_MTU)
		wr_u16(w, f->mtu_bytes);
	if (f->type == FRAME_LINK)
		wr_u8(w, (uint8_t)f->link);
	wr_bytes(w, f->datagram);
	wr_bytes(w, f->text);
	return w->err;
}

const char *frame_fault(enum err e)
{
	switch ((int)e) {
	case ERR_NEWER:
		return "a frame is not of version 1";
	case ERR_UNSUPPORTED:
		return "a frame of a type that no bridge sends";
	case ERR_SHORT:
		return "a frame that ends too early";
	case ERR_RANGE:
		return "a frame with a kind, or a length, out of range";
	}
	return "a malformed frame";
}
