/* SPDX-License-Identifier: Apache-2.0 */
/* What parser and encoder share of RFC 7252 section 3; private to this folder. */
#ifndef LANYARD_COAP_WIRE_H
#define LANYARD_COAP_WIRE_H

enum {
	WIRE_VERSION = 1,
	WIRE_MARKER = 0xff, /* between options and payload */
	WIRE_EXT16_MIN = 269,
};

#endif
