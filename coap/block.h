/* SPDX-License-Identifier: Apache-2.0 */
/* Block-wise transfer (RFC 7959): the option value, putting bodies together, cutting them up. */
#ifndef LANYARD_COAP_BLOCK_H
#define LANYARD_COAP_BLOCK_H

#include "coap/msg.h"

struct block {
	uint32_t num; /* below 2^20 */
	bool more;
	uint8_t szx; /* 0 to 6: 16 to 1024 bytes */
};

static inline size_t block_size(uint8_t szx)
{
	return (size_t)16 << szx;
}

/* Reads Block1 or Block2. ERR_NOTFOUND if absent, ERR_SYNTAX for SZX 7 or more than 3 bytes. */
MUST_USE enum err block_get(const struct msg *m, uint16_t num, struct block *out);
MUST_USE enum err block_add(struct msg *m, uint16_t num, struct block b);
/* The largest szx whose block is at most `bytes` (16 at least). */
uint8_t block_szx_for(size_t bytes);

/* A body on its way in. Owned by whoever started it; one per direction and partner. */
struct block_rx {
	uint8_t *body;
	size_t n, cap;
	size_t last;         /* where the last block began */
	size_t limit_bytes;  /* of the body */
	uint64_t expires_ms; /* EXCHANGE_LIFETIME after the last block */
	uint8_t key[16]; /* siphash of the request's identity: path, query, Request-Tag, method */
	uint8_t etag[8];
	uint8_t etag_n;
	uint8_t szx;
	bool active;
	bool complete; /* the last block is here; the body waits to be taken and reset */
};

enum block_step {
	BLOCK_MORE,       /* taken; ask for, or acknowledge and wait for, the next */
	BLOCK_DONE,       /* body and n hold it all */
	BLOCK_INCOMPLETE, /* a gap: 4.08; the transfer is dropped */
	BLOCK_TOO_LARGE,  /* above the limit: 4.13; dropped */
	BLOCK_NOMEM,      /* 5.03; dropped */
};

void block_rx_init(struct block_rx *rx, size_t limit_bytes);
/* Wipes and frees the body; the limit stays. Harmless on an idle one. */
void block_rx_reset(struct block_rx *rx);
/* Takes the block `b` with its payload. Number 0 starts anew (RFC 7959 section 2.5); a repeat of
 * the last block is taken again without harm. A payload shorter than the block size with `more`
 * set, or longer, is BLOCK_INCOMPLETE. The sender may change the size where the byte offset fits.
 */
enum block_step block_rx_take(
	struct block_rx *rx, struct block b, struct span payload, uint64_t now_ms);

/* The part of `body` for block `b` (its szx); sets more. ERR_RANGE if num lies beyond the end (4.02
 * or 4.00 is the caller's choice). An empty body has block 0. */
MUST_USE enum err block_cut(struct span body, struct block *b, struct span *part);

#endif
