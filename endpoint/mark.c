/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint/mark.h"

#include <string.h>

enum { HALF = EP_SALT_BYTES / 2 };

const char ep_letters[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void mark_of(
	const struct ep_directory *d, bool text, const uint8_t *drawn, uint8_t out[static HALF])
{
	uint8_t buf[16];
	struct writer w = wr_make(buf, sizeof(buf));
	wr_str(&w, "salt");
	wr_bytes(&w, span_make(drawn, HALF));
	uint64_t h = siphash24(d->mark_key, wr_span(&w));
	for (int i = 0; i < HALF; i++, h >>= 8)
		out[i] = text ? (uint8_t)ep_letters[h % 64] : (uint8_t)h;
}

void ep_mark_salt(const struct ep_directory *d, bool text, uint8_t salt[static EP_SALT_BYTES])
{
	mark_of(d, text, salt, salt + HALF);
}

bool ep_salt_is_marked(const struct ep_directory *d, struct span salt)
{
	uint8_t bytes[HALF], letters[HALF];
	if (salt.n != EP_SALT_BYTES)
		return false;
	mark_of(d, false, salt.p, bytes);
	mark_of(d, true, salt.p, letters);
	struct span mark = span_sub(salt, HALF, HALF);
	return span_eq(mark, SPAN_OF(bytes)) || span_eq(mark, SPAN_OF(letters));
}
