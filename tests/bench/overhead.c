/* SPDX-License-Identifier: Apache-2.0 */
/* What OSCORE adds to each operation of LwM2M, in bytes of a datagram: the messages as they are
 * plain, and as oscore/ protects them. Held against what RFC 8613 needs, so a byte more is told.
 *
 *     overhead */
#include "lwm2m/format.h"
#include "oscore/protect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 2048, TOKEN_BYTES = 8, CF_NONE = -1 };

struct side {
	const char *kid; /* of the device */
	size_t kid_n;
	uint64_t number; /* of the request */
};

/* The smallest there can be; as bootstrap gives them out; long in use. */
static const struct side sides[] = {{"", 0, 0}, {"\1\2\3\4\5", 5, 200}, {"\1\2\3\4\5", 5, 70000}};
enum { SIDES = sizeof(sides) / sizeof(sides[0]) };

struct half {
	uint8_t code;
	const char *path, *query;
	int cf, accept, observe;
	size_t payload_n;
};

static const struct row {
	const char *what;
	bool from_device;
	struct half request, response;
	bool notification; /* the response has a number of its own */
} rows[] = {
	{"Bootstrap-Request", true, {MSG_POST, "bs", "ep=urn:dev:os:1", CF_NONE, CF_NONE, -1, 0},
		{MSG_CHANGED, "", "", CF_NONE, CF_NONE, -1, 0}, false},
	{"Bootstrap-Discover", false, {MSG_GET, "", "", CF_NONE, LWM_CF_LINK, -1, 0},
		{MSG_CONTENT, "", "", LWM_CF_LINK, CF_NONE, -1, 120}, false},
	{"Bootstrap-Delete", false, {MSG_DELETE, "1", "", CF_NONE, CF_NONE, -1, 0},
		{MSG_CODE(2, 2), "", "", CF_NONE, CF_NONE, -1, 0}, false},
	{"Bootstrap-Write", false, {MSG_PUT, "0/1", "", LWM_CF_TLV, CF_NONE, -1, 45},
		{MSG_CHANGED, "", "", CF_NONE, CF_NONE, -1, 0}, false},
	{"Bootstrap-Finish", false, {MSG_POST, "bs", "", CF_NONE, CF_NONE, -1, 0},
		{MSG_CHANGED, "", "", CF_NONE, CF_NONE, -1, 0}, false},
	{"Register", true,
		{MSG_POST, "rd", "ep=urn:dev:os:1&lt=86400&lwm2m=1.1&b=U", LWM_CF_LINK, CF_NONE, -1,
			60},
		{MSG_CREATED, "rd/abcdefghij", "", CF_NONE, CF_NONE, -1, 0}, false},
	{"Update", true, {MSG_POST, "rd/abcdefghij", "", CF_NONE, CF_NONE, -1, 0},
		{MSG_CHANGED, "", "", CF_NONE, CF_NONE, -1, 0}, false},
	{"De-register", true, {MSG_DELETE, "rd/abcdefghij", "", CF_NONE, CF_NONE, -1, 0},
		{MSG_CODE(2, 2), "", "", CF_NONE, CF_NONE, -1, 0}, false},
	{"Read", false, {MSG_GET, "3303/0/5700", "", CF_NONE, LWM_CF_TEXT, -1, 0},
		{MSG_CONTENT, "", "", LWM_CF_TEXT, CF_NONE, -1, 4}, false},
	{"Write", false, {MSG_PUT, "3/0/14", "", LWM_CF_TEXT, CF_NONE, -1, 6},
		{MSG_CHANGED, "", "", CF_NONE, CF_NONE, -1, 0}, false},
	{"Execute", false, {MSG_POST, "3/0/4", "", CF_NONE, CF_NONE, -1, 0},
		{MSG_CHANGED, "", "", CF_NONE, CF_NONE, -1, 0}, false},
	{"Observe", false, {MSG_GET, "3303/0/5700", "", CF_NONE, LWM_CF_TEXT, 0, 0},
		{MSG_CONTENT, "", "", LWM_CF_TEXT, CF_NONE, 1, 4}, false},
	{"Notify", false, {MSG_GET, "3303/0/5700", "", CF_NONE, LWM_CF_TEXT, 0, 0},
		{MSG_CONTENT, "", "", LWM_CF_TEXT, CF_NONE, 1, 4}, true},
};

static void need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "overhead: %s\n", what);
	exit(1);
}

static void add_words(struct msg *m, uint16_t num, const char *text, char sep)
{
	while (*text) {
		const char *end = strchr(text, sep);
		size_t n = end ? (size_t)(end - text) : strlen(text);
		need(!msg_add(m, num, span_make((const uint8_t *)text, n)), "an option");
		text += n + (end != NULL);
	}
}

static void make(struct msg *m, const struct half *h, uint8_t type)
{
	static const uint8_t payload[BYTES];
	bool response = msg_code_is_response(h->code);
	msg_init(m, type, h->code);
	m->token_n = TOKEN_BYTES;
	memset(m->token, 7, sizeof(m->token));
	add_words(m, response ? OPT_LOCATION_PATH : OPT_URI_PATH, h->path, '/');
	add_words(m, OPT_URI_QUERY, h->query, '&');
	need(h->cf == CF_NONE || !msg_add_uint(m, OPT_CONTENT_FORMAT, (uint32_t)h->cf), "format");
	need(h->accept == CF_NONE || !msg_add_uint(m, OPT_ACCEPT, (uint32_t)h->accept), "accept");
	need(h->observe < 0 || !msg_add_uint(m, OPT_OBSERVE, (uint32_t)h->observe), "observe");
	m->payload = span_make(payload, h->payload_n);
}

static size_t encoded(const struct msg *m)
{
	uint8_t out[BYTES];
	struct writer w = wr_make(out, sizeof(out));
	need(!msg_encode_udp(m, &w), "encoding");
	return w.n;
}

static struct osc_keys keys_of(struct osc_crypto *c, const struct side *s, bool device)
{
	struct osc_params p = {.aead = ALG_AES_CCM_16_64_128,
		.hkdf = ALG_HKDF_SHA256,
		.master_secret = SPAN_LIT("sixteen bytes of"),
		.sender_id = span_make((const uint8_t *)s->kid, s->kid_n),
		.recipient_id = SPAN_LIT("\x01")};
	struct span other = p.sender_id;
	struct osc_keys k;
	if (!device) {
		p.sender_id = p.recipient_id;
		p.recipient_id = other;
	}
	need(!osc_derive(c, &p, &k), "keys");
	return k;
}

/* Bytes that protection adds to request and response. */
static void added(struct osc_crypto *c, const struct row *r, const struct side *s, size_t out[2])
{
	uint8_t bytes[BYTES];
	struct osc_keys asks = keys_of(c, s, r->from_device),
			answers = keys_of(c, s, !r->from_device);
	struct osc_binding b;
	struct msg m, sealed;
	struct writer w = wr_make(bytes, sizeof(bytes));
	make(&m, &r->request, MSG_CON);
	need(!osc_protect_request(c, &asks, s->number, NULL, &m, &w, &sealed, &b), "request");
	out[0] = encoded(&sealed) - encoded(&m);
	w = wr_make(bytes, sizeof(bytes));
	make(&m, &r->response, r->notification ? MSG_CON : MSG_ACK);
	need(!osc_protect_response(
		     c, &answers, &b, r->notification ? &s->number : NULL, &m, &w, &sealed),
		"response");
	out[1] = encoded(&sealed) - encoded(&m);
}

int main(void)
{
	struct osc_crypto *c;
	size_t n[2];
	need(!osc_crypto_new(&c), "crypto");
	printf("bytes of each message over UDP, plain, and what OSCORE adds "
	       "(AES-CCM-16-64-128):\n");
	printf("%-20s %14s %14s %14s %14s\n", "", "plain", "no id, n 0", "5 bytes, n 200",
		"5 bytes, n 70000");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct msg m, a;
		char text[32];
		make(&m, &rows[i].request, MSG_CON);
		make(&a, &rows[i].response, MSG_ACK);
		snprintf(text, sizeof(text), "%zu / %zu", encoded(&m), encoded(&a));
		printf("%-20s %14s", rows[i].what, text);
		for (size_t k = 0; k < SIDES; k++) {
			added(c, &rows[i], &sides[k], n);
			snprintf(text, sizeof(text), "+%zu / +%zu", n[0], n[1]);
			printf(" %14s", text);
			need(k || !rows[i].from_device || n[0] <= 13, "more than RFC 8613 needs");
		}
		printf("\n");
	}
	osc_crypto_free(c);
	return 0;
}
