/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/dtls_head.h"

enum {
	TYPE_FIRST = 20,
	TYPE_ALERT = 21,
	TYPE_HANDSHAKE = 22,
	TYPE_LAST = 24,
	CLIENT_HELLO = 1,
	SEALED_MIN = 16, /* what the nonce and the tag of the shortest suite take */
};

/* Its message header and the start of its body; a later fragment is none. */
static void read_hello(struct reader *r, struct dtls_head *out)
{
	uint8_t type = rd_u8(r);
	rd_bytes(r, 5); /* length and message number */
	struct span offset = rd_bytes(r, 3);
	rd_bytes(r, 3 + 2); /* fragment length, version */
	struct span random = rd_bytes(r, DTLS_RANDOM);
	if (r->err || type != CLIENT_HELLO || offset.p[0] || offset.p[1] || offset.p[2])
		return;
	out->hello = true;
	out->random = random;
}

static void read_record(struct reader *r, bool first, struct dtls_head *out)
{
	uint8_t type = rd_u8(r), major = rd_u8(r), minor = rd_u8(r);
	uint16_t epoch = rd_u16(r);
	rd_bytes(r, 6); /* record number */
	uint16_t length = rd_u16(r);
	struct span body = rd_bytes(r, length);
	bool known = major == 0xfe && (minor == 0xff || minor == 0xfd);
	if (type < TYPE_FIRST || type > TYPE_LAST || !known || (epoch && length < SEALED_MIN))
		rd_fail(r, ERR_SYNTAX);
	if (epoch && (type == TYPE_ALERT || type == TYPE_HANDSHAKE))
		out->sealed++;
	if (r->err || !first)
		return;
	out->epoch = epoch;
	struct reader b = rd_make(body);
	if (type == TYPE_HANDSHAKE && !epoch)
		read_hello(&b, out);
}

enum err dtls_head_read(struct span datagram, struct dtls_head *out)
{
	struct reader r = rd_make(datagram);
	struct dtls_head head = {.hello = false};
	read_record(&r, true, &head);
	while (!r.err && rd_left(&r))
		read_record(&r, false, &head);
	if (r.err)
		return ERR_SYNTAX;
	*out = head;
	return ERR_OK;
}
