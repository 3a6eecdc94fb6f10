/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/opt.h"
#include "coap/msg.h"

#include <coap3/coap.h>

/* The names are ours, the numbers are libcoap's. */
_Static_assert((int)OPT_IF_MATCH == COAP_OPTION_IF_MATCH, "If-Match");
_Static_assert((int)OPT_OBSERVE == COAP_OPTION_OBSERVE, "Observe");
_Static_assert((int)OPT_OSCORE == COAP_OPTION_OSCORE, "OSCORE");
_Static_assert((int)OPT_URI_PATH == COAP_OPTION_URI_PATH, "Uri-Path");
_Static_assert((int)OPT_CONTENT_FORMAT == COAP_OPTION_CONTENT_FORMAT, "Content-Format");
_Static_assert((int)OPT_MAX_AGE == COAP_OPTION_MAXAGE, "Max-Age");
_Static_assert((int)OPT_URI_QUERY == COAP_OPTION_URI_QUERY, "Uri-Query");
_Static_assert((int)OPT_ACCEPT == COAP_OPTION_ACCEPT, "Accept");
_Static_assert((int)OPT_BLOCK2 == COAP_OPTION_BLOCK2, "Block2");
_Static_assert((int)OPT_BLOCK1 == COAP_OPTION_BLOCK1, "Block1");
_Static_assert((int)OPT_ECHO == COAP_OPTION_ECHO, "Echo");
_Static_assert((int)OPT_NO_RESPONSE == COAP_OPTION_NORESPONSE, "No-Response");
_Static_assert((int)OPT_REQUEST_TAG == COAP_OPTION_RTAG, "Request-Tag");

#define EMPTY  OPT_FORMAT_EMPTY
#define OPAQUE OPT_FORMAT_OPAQUE
#define UINT   OPT_FORMAT_UINT
#define STRING OPT_FORMAT_STRING
#define E      OPT_CLASS_E
#define U      OPT_CLASS_U
#define EU     OPT_CLASS_BOTH
#define SINGLE false
#define REPEAT true

/* In ascending order of number. Hop-Limit is E because RFC 8768 does not say otherwise. */
static const struct opt_info table[] = {
	{OPT_IF_MATCH, "If-Match", OPAQUE, E, REPEAT, 0, 8},               /* RFC 7252 */
	{OPT_URI_HOST, "Uri-Host", STRING, U, SINGLE, 1, 255},             /* RFC 7252 */
	{OPT_ETAG, "ETag", OPAQUE, E, REPEAT, 1, 8},                       /* RFC 7252 */
	{OPT_IF_NONE_MATCH, "If-None-Match", EMPTY, E, SINGLE, 0, 0},      /* RFC 7252 */
	{OPT_OBSERVE, "Observe", UINT, EU, SINGLE, 0, 3},                  /* RFC 7641 */
	{OPT_URI_PORT, "Uri-Port", UINT, U, SINGLE, 0, 2},                 /* RFC 7252 */
	{OPT_LOCATION_PATH, "Location-Path", STRING, E, REPEAT, 0, 255},   /* RFC 7252 */
	{OPT_OSCORE, "OSCORE", OPAQUE, U, SINGLE, 0, 255},                 /* RFC 8613 */
	{OPT_URI_PATH, "Uri-Path", STRING, E, REPEAT, 0, 255},             /* RFC 7252 */
	{OPT_CONTENT_FORMAT, "Content-Format", UINT, E, SINGLE, 0, 2},     /* RFC 7252 */
	{OPT_MAX_AGE, "Max-Age", UINT, EU, SINGLE, 0, 4},                  /* RFC 7252 */
	{OPT_URI_QUERY, "Uri-Query", STRING, E, REPEAT, 0, 255},           /* RFC 7252 */
	{OPT_HOP_LIMIT, "Hop-Limit", UINT, E, SINGLE, 1, 1},               /* RFC 8768 */
	{OPT_ACCEPT, "Accept", UINT, E, SINGLE, 0, 2},                     /* RFC 7252 */
	{OPT_Q_BLOCK1, "Q-Block1", UINT, EU, SINGLE, 0, 3},                /* RFC 9177 */
	{OPT_LOCATION_QUERY, "Location-Query", STRING, E, REPEAT, 0, 255}, /* RFC 7252 */
	{OPT_EDHOC, "EDHOC", EMPTY, U, SINGLE, 0, 0},                      /* RFC 9668 */
	{OPT_BLOCK2, "Block2", UINT, EU, SINGLE, 0, 3},                    /* RFC 7959 */
	{OPT_BLOCK1, "Block1", UINT, EU, SINGLE, 0, 3},                    /* RFC 7959 */
	{OPT_SIZE2, "Size2", UINT, EU, SINGLE, 0, 4},                      /* RFC 7959 */
	{OPT_Q_BLOCK2, "Q-Block2", UINT, EU, REPEAT, 0, 3},                /* RFC 9177 */
	{OPT_PROXY_URI, "Proxy-Uri", STRING, U, SINGLE, 1, 1034},          /* RFC 7252 */
	{OPT_PROXY_SCHEME, "Proxy-Scheme", STRING, U, SINGLE, 1, 255},     /* RFC 7252 */
	{OPT_SIZE1, "Size1", UINT, EU, SINGLE, 0, 4},                      /* RFC 7252 */
	{OPT_ECHO, "Echo", OPAQUE, EU, SINGLE, 1, 40},                     /* RFC 9175 */
	{OPT_NO_RESPONSE, "No-Response", UINT, EU, SINGLE, 0, 1},          /* RFC 7967 */
	{OPT_REQUEST_TAG, "Request-Tag", OPAQUE, EU, REPEAT, 0, 8},        /* RFC 9175 */
};

enum { ROWS = sizeof(table) / sizeof(table[0]) };

const struct opt_info *opt_info(uint16_t num)
{
	size_t low = 0, high = ROWS;

	while (low < high) {
		size_t mid = (low + high) / 2;
		if (table[mid].num < num)
			low = mid + 1;
		else
			high = mid;
	}
	return low < ROWS && table[low].num == num ? &table[low] : NULL;
}

const struct opt_info *opt_table(size_t *count)
{
	*count = ROWS;
	return table;
}
