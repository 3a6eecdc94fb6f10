/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of unprotected peers to a simulated daemon, made by hand. */
#ifndef LANYARD_TESTS_UNIT_CMD_SIM_PLAIN_H
#define LANYARD_TESTS_UNIT_CMD_SIM_PLAIN_H

#include "coap/block.h"
#include "tests/unit/cmd/sim.h"

struct plain {
	unsigned host;
	uint16_t listener;
	uint8_t code;
	const char *path, *query;
	struct span payload; /* with Content-Format 40, unless it is empty */
	const struct block *block1;
	bool channel;  /* by DTLS, */
	uint64_t mark; /* opened with this credential */
};

/* The code of the answer, or 0. */
static SIM_UNUSED uint8_t plain_send(struct sim *s, const struct plain *r, struct msg *answer)
{
	static uint16_t mid;
	uint8_t bytes[2048];
	struct writer w = wr_make(bytes, sizeof(bytes));
	struct peer from = sim_peer_of(100 + r->host, 5683, r->listener);
	if (r->channel) {
		from.bearer = BEARER_DTLS;
		from.connection = 1;
	}
	struct msg m;
	char copy[128], *at = copy;
	msg_init(&m, MSG_CON, r->code);
	m.mid = ++mid;
	REQUIRE(msg_add_path(&m, OPT_URI_PATH, r->path) == ERR_OK, "path");
	snprintf(copy, sizeof(copy), "%s", r->query);
	for (char *q; (q = strsep(&at, "&")) && *q;)
		REQUIRE(msg_add(&m, OPT_URI_QUERY, span_str(q)) == ERR_OK, "query");
	REQUIRE(!r->payload.n || msg_add_uint(&m, OPT_CONTENT_FORMAT, LWM_CF_LINK) == ERR_OK,
		"format");
	REQUIRE(!r->block1 || block_add(&m, OPT_BLOCK1, *r->block1) == ERR_OK, "block");
	m.payload = r->payload;
	REQUIRE(msg_encode_udp(&m, &w) == ERR_OK, "encode");
	return sim_inject_by(s, &from, r->mark, wr_span(&w), answer) ? answer->code : 0;
}

/* The same; a Register has a list of objects. */
static SIM_UNUSED uint8_t plain_ask(struct sim *s, unsigned host, uint16_t listener, uint8_t code,
	const char *path, const char *query, struct msg *answer)
{
	struct plain r = {
		.host = host, .listener = listener, .code = code, .path = path, .query = query};
	if (code == MSG_POST && !strcmp(path, "rd"))
		r.payload = SPAN_LIT("</1/0>,</3/0>");
	return plain_send(s, &r, answer);
}

#endif
