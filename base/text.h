/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LANYARD_BASE_TEXT_H
#define LANYARD_BASE_TEXT_H

#include "base/span.h"

/* Lower-case hex of s, without NUL. */
void wr_hex(struct writer *w, struct span s);
/* Accepts both cases; an even number of digits and nothing else. Appends to w. Constant time in the
 * digits' values, since keys come this way. ERR_SYNTAX, or ERR_SPACE; nothing is appended then. */
MUST_USE enum err hex_decode(struct span text, struct writer *w);

/* RFC 4648 base64: the standard alphabet with padding, or the URL alphabet without. */
void wr_base64(struct writer *w, struct span s);
void wr_base64url(struct writer *w, struct span s);
/* Reads both alphabets, with or without padding; non-zero left-over bits are ERR_SYNTAX. */
MUST_USE enum err base64_decode(struct span text, struct writer *w);

/* Bytes of a peer, safe for a log line or a terminal: printable ASCII and well-formed printable
 * UTF-8 as they are, backslash, quote and everything else as \xNN. */
void wr_escaped(struct writer *w, struct span s);
/* As a JSON string with its quotes. What is not well-formed UTF-8 becomes U+FFFD, byte by byte. */
void wr_json_string(struct writer *w, struct span s);
/* How long ago: "just now" (also of what is still to come), "5 s ago", "3 min ago", "47 h ago",
 * "2 days ago". */
void wr_ago(struct writer *w, int64_t seconds);
/* Well-formed UTF-8 (RFC 3629) without NUL. */
bool utf8_valid(struct span s);

#endif
