/* SPDX-License-Identifier: Apache-2.0 */
#include "base/peer.h"

#include "base/gateway.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <string.h>

_Static_assert(sizeof(struct peer) == 52, "peers are compared as bytes");

enum { BEARERS = BEARER_TLS + 1 };

static const char *const bearer_names[BEARERS] = {
	"none", "udp", "tcp", "sms", "nonip", "dtls", "tls"};

/* Lifetimes follow from the rest by RFC 7252 section 4.8.2: the transmit span, two MAX_LATENCY of
 * 100 s and a PROCESSING_DELAY of one ACK_TIMEOUT. */
static const struct bearer_timing timings[BEARERS] = {
	[BEARER_UDP] = {.ack_timeout_ms = 2000,
		.ack_random_permille = 1500,
		.max_retransmit = 4,
		.exchange_lifetime_ms = 247000,
		.response_wait_ms = 247000,
		.mtu_bytes = 1280,
		.nstart = 1},
	/* RFC 8323: the stream repeats and orders; 1152 is the Max-Message-Size before a CSM. */
	[BEARER_TCP] = {.ack_timeout_ms = 2000,
		.ack_random_permille = 1000,
		.exchange_lifetime_ms = 247000,
		.response_wait_ms = 247000,
		.mtu_bytes = 1152,
		.nstart = 1,
		.reliable = true},
	/* A message centre stores and repeats by itself, for up to a day. */
	[BEARER_SMS] = {.ack_timeout_ms = 600 * 1000,
		.ack_random_permille = 1000,
		.exchange_lifetime_ms = 24 * 3600 * 1000,
		.response_wait_ms = 3600 * 1000,
		.mtu_bytes = 140,
		.nstart = 1},
	/* 10 s * 15 * 1.5 + 200 s + 10 s. The gateway's section narrows the MTU. */
	[BEARER_NONIP] = {.ack_timeout_ms = 10000,
		.ack_random_permille = 1500,
		.max_retransmit = 4,
		.exchange_lifetime_ms = 435000,
		.response_wait_ms = 435000,
		.mtu_bytes = 1280,
		.nstart = 1},
	/* As UDP, but for what the longest record of our suites takes: 13 bytes of header, 16 of
	 * IV, up to 16 of padding, 32 of MAC. */
	[BEARER_DTLS] = {.ack_timeout_ms = 2000,
		.ack_random_permille = 1500,
		.max_retransmit = 4,
		.exchange_lifetime_ms = 247000,
		.response_wait_ms = 247000,
		.mtu_bytes = 1280 - 77,
		.nstart = 1},
	[BEARER_TLS] = {.ack_timeout_ms = 2000,
		.ack_random_permille = 1000,
		.exchange_lifetime_ms = 247000,
		.response_wait_ms = 247000,
		.mtu_bytes = 1152,
		.nstart = 16,
		.reliable = true},
};

bool bearer_is_ip(enum bearer b)
{
	return b == BEARER_UDP || b == BEARER_TCP || bearer_is_channel(b);
}

bool bearer_is_channel(enum bearer b)
{
	return b == BEARER_DTLS || b == BEARER_TLS;
}

const struct bearer_timing *bearer_timing(enum bearer b)
{
	return &timings[(unsigned)b < BEARERS ? b : BEARER_NONE];
}

bool peer_eq(const struct peer *a, const struct peer *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static struct span addr_span(const struct peer *p)
{
	return span_sub(SPAN_OF(p->addr), 0, p->addr_n);
}

/* False, and nothing is written, if the length is not that of an IP address with port. */
static bool wr_ip(struct writer *w, const struct peer *p)
{
	struct reader r = rd_make(addr_span(p));
	bool v6 = p->addr_n != 6;
	struct span ip = rd_bytes(&r, v6 ? 16 : 4);
	uint16_t port = rd_u16(&r);
	uint32_t scope = rd_left(&r) ? rd_u32(&r) : 0;
	char text[INET6_ADDRSTRLEN];

	if (rd_end(&r) || !inet_ntop(v6 ? AF_INET6 : AF_INET, ip.p, text, sizeof(text)))
		return false;
	wr_fmt(w, v6 ? "[%s" : "%s", text);
	if (scope)
		wr_fmt(w, "%%%u", scope);
	wr_fmt(w, v6 ? "]:%u" : ":%u", port);
	return true;
}

void wr_peer(struct writer *w, const struct peer *p)
{
	enum gateway_kind kind = gateway_kind_at(p);

	if (kind)
		wr_str(w, gateway_kind_name(kind));
	else
		wr_str(w, p->bearer < BEARERS ? bearer_names[p->bearer] : "unknown");
	if (p->bearer == BEARER_NONE)
		return;
	wr_u8(w, ' ');
	if (bearer_is_ip(p->bearer) && wr_ip(w, p))
		return;
	if (gateway_is(p))
		wr_escaped(w, gateway_address(p));
	else
		wr_hex(w, addr_span(p));
}

static enum err may_pack(const struct peer *p, struct span address)
{
	bool bad = (!gateway_is(p) && p->addr_n > sizeof(p->addr)) || p->local_n > sizeof(p->local);

	if (bad)
		return ERR_RANGE;
	return p->addr_n && !address.n ? ERR_NOTFOUND : ERR_OK;
}

void wr_peer_packed(struct writer *w, const struct peer *p)
{
	struct span address = gateway_address(p);
	enum err err = may_pack(p, address);

	if (err) {
		w->err = w->err ? w->err : err;
		return;
	}
	wr_u8(w, p->bearer);
	wr_u8(w, p->flags);
	wr_u16(w, p->listener);
	wr_u8(w, (uint8_t)address.n);
	wr_bytes(w, address);
	wr_u8(w, p->local_n);
	wr_bytes(w, span_sub(SPAN_OF(p->local), 0, p->local_n));
}

/* A byte that counts the bytes behind it. */
static uint8_t read_counted(struct reader *r, uint8_t *out, size_t cap)
{
	uint8_t n = rd_u8(r);
	struct span s;

	if (n > cap)
		rd_fail(r, ERR_RANGE);
	s = rd_bytes(r, n);
	if (s.n)
		memcpy(out, s.p, s.n);
	return (uint8_t)s.n;
}

/* What is behind a gateway; `r` is at its address. */
static enum err unpack_gateway(struct reader *r, struct peer *p)
{
	struct span address = rd_bytes(r, rd_u8(r));

	if (rd_u8(r))
		rd_fail(r, ERR_RANGE); /* it has no local address */
	enum err err = rd_end(r);
	return err ? err : gateway_peer(p->listener, (enum gateway_kind)p->flags, address, p);
}

enum err peer_unpack(struct span s, struct peer *out)
{
	struct reader r = rd_make(s);
	struct peer p = {0};
	enum err err;

	p.bearer = rd_u8(&r);
	if (p.bearer >= BEARERS)
		rd_fail(&r, ERR_RANGE);
	p.flags = rd_u8(&r);
	p.listener = rd_u16(&r);
	if (gateway_is(&p)) {
		err = unpack_gateway(&r, &p);
	} else {
		p.addr_n = read_counted(&r, p.addr, sizeof(p.addr));
		p.local_n = read_counted(&r, p.local, sizeof(p.local));
		err = rd_end(&r);
	}
	if (err == ERR_OK)
		*out = p;
	return err;
}

static bool within(uint32_t v, uint32_t min, uint32_t max)
{
	return !v || (v >= min && v <= max);
}

const char *pace_fault(const struct pace *p)
{
	if (!within(p->block_bytes, PACE_BLOCK_MIN, PACE_BLOCK_MAX) ||
		(p->block_bytes & (p->block_bytes - 1)))
		return "block_size";
	if (!within(p->message_bytes, PACE_MESSAGE_MIN, PACE_MESSAGE_MAX))
		return "message_size";
	if (!within(p->ack_timeout_ms, PACE_ACK_TIMEOUT_MIN, PACE_ACK_TIMEOUT_MAX))
		return "ack_timeout_ms";
	if (p->max_retransmit > PACE_RETRANSMIT_MAX)
		return "max_retransmit";
	return p->nstart > PACE_NSTART_MAX ? "nstart" : NULL;
}

struct pace pace_of(const struct pace *over, const struct pace *under)
{
	struct pace p = *under;
	if (over->ack_timeout_ms)
		p.ack_timeout_ms = over->ack_timeout_ms;
	if (over->block_bytes)
		p.block_bytes = over->block_bytes;
	if (over->message_bytes)
		p.message_bytes = over->message_bytes;
	if (over->max_retransmit)
		p.max_retransmit = over->max_retransmit;
	if (over->nstart)
		p.nstart = over->nstart;
	return p;
}
