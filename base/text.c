/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "base/secret.h"

/* 0xff.. if lo <= c <= hi, else 0; without a branch. c, lo and hi are bytes. */
static inline unsigned in_range(unsigned c, unsigned lo, unsigned hi)
{
	return (((c - lo) | (hi - c)) >> 31) - 1U;
}

void wr_hex(struct writer *w, struct span s)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t *p = wr_room(w, 2 * s.n);

	for (size_t i = 0; p && i < s.n; i++) {
		p[2 * i] = (uint8_t)digits[s.p[i] >> 4];
		p[2 * i + 1] = (uint8_t)digits[s.p[i] & 15];
	}
}

/* 0 to 15, or with bit 8 set: not a digit. */
static unsigned hex_value(unsigned c)
{
	unsigned digit = in_range(c, '0', '9');
	unsigned lower = in_range(c, 'a', 'f');
	unsigned upper = in_range(c, 'A', 'F');

	return (digit & (c - '0')) | (lower & (c - 'a' + 10)) | (upper & (c - 'A' + 10)) |
	       (~(digit | lower | upper) & 0x100);
}

/* Takes back the last n bytes: they may be part of a key. */
static enum err reject(struct writer *w, uint8_t *p, size_t n)
{
	secret_wipe(p, n);
	w->n -= n;
	return ERR_SYNTAX;
}

enum err hex_decode(struct span text, struct writer *w)
{
	size_t n = text.n / 2;
	unsigned bad = 0;
	uint8_t *p;

	if (text.n % 2)
		return ERR_SYNTAX;
	p = wr_room(w, n);
	if (w->err)
		return w->err;
	for (size_t i = 0; i < n; i++) {
		unsigned hi = hex_value(text.p[2 * i]);
		unsigned lo = hex_value(text.p[2 * i + 1]);

		bad |= hi | lo;
		p[i] = (uint8_t)(hi << 4 | lo);
	}
	return bad & 0x100 ? reject(w, p, n) : ERR_OK;
}

static void encode64(struct writer *w, struct span s, const char *alphabet, bool pad)
{
	size_t tail = s.n % 3 ? s.n % 3 + 1 : 0;
	uint8_t *p = wr_room(w, s.n / 3 * 4 + (pad && tail ? 4 : tail));

	for (size_t i = 0; p && i < s.n; i += 3) {
		size_t n = s.n - i < 3 ? s.n - i : 3;
		uint32_t v = (uint32_t)s.p[i] << 16;

		v |= n > 1 ? (uint32_t)s.p[i + 1] << 8 : 0;
		v |= n > 2 ? s.p[i + 2] : 0;
		for (size_t k = 0; k < 4; k++) {
			if (k <= n)
				*p++ = (uint8_t)alphabet[v >> (18 - 6 * k) & 63];
			else if (pad)
				*p++ = '=';
		}
	}
}

void wr_base64(struct writer *w, struct span s)
{
	encode64(w, s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true);
}

void wr_base64url(struct writer *w, struct span s)
{
	encode64(w, s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false);
}

/* 0 to 63, or with bit 8 set: in neither alphabet. */
static unsigned value64(unsigned c)
{
	unsigned upper = in_range(c, 'A', 'Z');
	unsigned lower = in_range(c, 'a', 'z');
	unsigned digit = in_range(c, '0', '9');
	unsigned c62 = in_range(c, '+', '+') | in_range(c, '-', '-');
	unsigned c63 = in_range(c, '/', '/') | in_range(c, '_', '_');

	return (upper & (c - 'A')) | (lower & (c - 'a' + 26)) | (digit & (c - '0' + 52)) |
	       (c62 & 62) | (c63 & 63) | (~(upper | lower | digit | c62 | c63) & 0x100);
}

/* The number of characters before the padding, or SIZE_MAX if text of that length cannot be. */
static size_t chars64(struct span text)
{
	size_t n = text.n;

	while (n > 0 && text.n - n < 2 && text.p[n - 1] == '=')
		n--;
	if (n % 4 == 1 || (n < text.n && text.n % 4))
		return SIZE_MAX;
	return n;
}

enum err base64_decode(struct span text, struct writer *w)
{
	size_t chars = chars64(text), n;
	unsigned bad = 0, bits = 0, held = 0;
	uint8_t *p, *out;

	if (chars == SIZE_MAX)
		return ERR_SYNTAX;
	n = chars / 4 * 3 + chars % 4 * 3 / 4;
	out = p = wr_room(w, n);
	if (w->err)
		return w->err;
	for (size_t i = 0; i < chars; i++) {
		unsigned v = value64(text.p[i]);

		bad |= v & 0x100;
		held = held << 6 | (v & 63);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			*out++ = (uint8_t)(held >> bits);
			held &= (1U << bits) - 1;
		}
	}
	return bad | held ? reject(w, p, n) : ERR_OK;
}

/* Decodes the first character. Its length, or 0 if it is not well-formed (RFC 3629 section 4). */
static size_t utf8_first(struct span s, uint32_t *cp)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s.p[0] < 0x80   ? 1
		   : s.p[0] < 0xc0 ? 0
		   : s.p[0] < 0xe0 ? 2
		   : s.p[0] < 0xf0 ? 3
				   : 4;
	uint32_t v = n == 1 ? s.p[0] : s.p[0] & (0x7fU >> n);

	if (n == 0 || s.p[0] > 0xf4 || n > s.n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s.p[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (s.p[i] & 0x3f);
	}
	if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return 0;
	*cp = v;
	return n;
}

/* Controls, and what can be invisible or turn the line around. */
static bool printable(uint32_t cp)
{
	static const uint32_t ranges[][2] = {
		{0x00, 0x1f},
		{0x7f, 0x9f},
		{0xad, 0xad},
		{0x61c, 0x61c},
		{0x180b, 0x180f},
		{0x200b, 0x200f},
		{0x2028, 0x202e},
		{0x2060, 0x206f},
		{0xe000, 0xf8ff},
		{0xfe00, 0xfe0f},
		{0xfeff, 0xfeff},
		{0xfff0, 0xfffb},
		{0xe0000, 0x10ffff},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (cp >= ranges[i][0] && cp <= ranges[i][1])
			return false;
	return (cp & 0xfffe) != 0xfffe;
}

void wr_escaped(struct writer *w, struct span s)
{
	for (size_t i = 0, n; i < s.n; i += n) {
		struct span rest = span_sub(s, i, s.n);
		uint32_t cp = 0;

		n = utf8_first(rest, &cp);
		if (n && cp != '\\' && cp != '"' && printable(cp)) {
			wr_bytes(w, span_sub(rest, 0, n));
			continue;
		}
		n = 1; /* the bytes behind it, if they belong to it, fail as well */
		wr_str(w, "\\x");
		wr_hex(w, span_sub(rest, 0, 1));
	}
}

/* Terminals act on control characters and on those that turn the direction of text: these go out as
 * escapes wherever they come from. */
static void wr_json_escape(struct writer *w, uint32_t cp)
{
	if (cp < 0x10000)
		wr_fmt(w, "\\u%04x", (unsigned)cp);
	else
		wr_fmt(w, "\\u%04x\\u%04x", (unsigned)(0xd800 + ((cp - 0x10000) >> 10)),
			(unsigned)(0xdc00 + ((cp - 0x10000) & 0x3ff)));
}

void wr_json_string(struct writer *w, struct span s)
{
	wr_u8(w, '"');
	for (size_t i = 0, n; i < s.n; i += n) {
		struct span rest = span_sub(s, i, s.n);
		uint32_t cp = 0;

		n = utf8_first(rest, &cp);
		if (!n) {
			wr_str(w, "\\ufffd");
			n = 1;
		} else if (cp == '"' || cp == '\\') {
			wr_u8(w, '\\');
			wr_u8(w, (uint8_t)cp);
		} else if (!printable(cp)) {
			wr_json_escape(w, cp);
		} else {
			wr_bytes(w, span_sub(rest, 0, n));
		}
	}
	wr_u8(w, '"');
}

void wr_ago(struct writer *w, int64_t seconds)
{
	enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

	if (seconds <= 0)
		wr_str(w, "just now");
	else if (seconds < MINUTE)
		wr_fmt(w, "%d s ago", (int)seconds);
	else if (seconds < HOUR)
		wr_fmt(w, "%d min ago", (int)(seconds / MINUTE));
	else if (seconds < 2 * DAY)
		wr_fmt(w, "%d h ago", (int)(seconds / HOUR));
	else
		wr_fmt(w, "%lld days ago", (long long)(seconds / DAY));
}

bool utf8_valid(struct span s)
{
	for (size_t i = 0; i < s.n;) {
		uint32_t cp = 0;
		size_t n;

		while (i < s.n && s.p[i] && s.p[i] < 0x80)
			i++;
		if (i == s.n)
			break;
		n = utf8_first(span_sub(s, i, s.n), &cp);
		if (n == 0 || cp == 0)
			return false;
		i += n;
	}
	return true;
}
