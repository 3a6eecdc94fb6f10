/* SPDX-License-Identifier: Apache-2.0 */
/* The Master Salt of keys that are drawn here: its first half is random, its second half a mark by
 * which this database knows its own again, whoever brings them. A salt is no secret, and the Master
 * Secret beside it is all random. */
#ifndef LANYARD_ENDPOINT_MARK_H
#define LANYARD_ENDPOINT_MARK_H

#include "endpoint/endpoint.h"

enum { EP_SALT_BYTES = 8 };

/* What keys are made of that have to be text: 64 characters. */
extern const char ep_letters[65];

/* Puts the mark behind what is drawn; `text`: of letters. */
void ep_mark_salt(const struct ep_directory *d, bool text, uint8_t salt[static EP_SALT_BYTES]);
/* Of others' salts of that length one in 2^24 looks so. */
bool ep_salt_is_marked(const struct ep_directory *d, struct span salt);

#endif
