/* SPDX-License-Identifier: Apache-2.0 */
/* What a device behind a LoRaWAN network need not say (LwM2M 1.1, Transport 6.8.4). */
#include "endpoint/exchange_impl.h"
#include "tests/unit/server/rig.h"

#define EUI   "0004a30b001c0530"
#define LINKS "</1/0>,</3/0>"

static struct gateway_timings timings;

static void open_behind(enum gateway_kind kind, bool nosec)
{
	static const struct gateway_pace usual = {0};
	open_server("");
	timings.n = 0;
	REQUIRE(!gateway_timings_add(&timings, gateway_number("lora"), &usual), "a gateway");
	rig.x->opts.gateways = &timings;
	rig.x->exch.gateways = &timings;
	rig.x->opts.gateway[0] = (struct ep_listener){.role = REC_ROLE_SERVER, .nosec = nosec};
	REQUIRE(!gateway_peer(gateway_number("lora"), kind, SPAN_LIT(EUI), &rig.from), "a peer");
}

/* A Register without security; the code of the answer. */
static uint8_t tell(const char *query, const char *links)
{
	static uint16_t mid;
	static uint8_t bytes[RIG_BYTES];
	struct writer w = wr_make(bytes, sizeof(bytes));
	struct msg m;
	char copy[128];
	rig_turn(&rig, 10);
	snprintf(copy, sizeof(copy), "%s", query);
	rig_plain(&m, MSG_POST, "rd");
	m.mid = ++mid;
	add_queries(&m, copy);
	m.payload = span_str(links);
	REQUIRE(!msg_encode_udp(&m, &w), "encode");
	if (rig_in(&rig, wr_span(&w)) == EP_REQUEST)
		srv_request(srv, &rig.d, &rig.t);
	struct span s = rig_sent(&rig, 0);
	return s.n && !msg_parse_udp(s, &m) ? m.code : 0;
}

/* Proves: TRN-NIP-5 */
static void defaults(void)
{
	static const struct {
		const char *what, *query;
		uint32_t lifetime_s;
		uint8_t lwm2m;
	} rows[] = {
		{"nothing said", "", 2592000, 11},
		{"a lifetime", "lt=600", 600, 11},
		{"no end", "lt=0", 0, 11},
		{"a version", "lwm2m=1.0", 2592000, 10},
		{"version 1.1 without a lifetime is told so elsewhere", "lt=86400&lwm2m=1.1", 86400,
			11},
		{"a binding without Q", "b=U", 2592000, 11},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		open_behind(GATEWAY_LORAWAN, false);
		CHECK(ask(MSG_POST, "rd", rows[i].query, LWM_CF_LINK, LINKS) == MSG_CREATED,
			rows[i].what);
		CHECK(view().lifetime_s == rows[i].lifetime_s && view().lwm2m == rows[i].lwm2m &&
				view().queue,
			rows[i].what);
		CHECK(ask(MSG_POST, location(), "b=U", -1, "") == MSG_CHANGED && view().queue,
			"an Update does not end queue mode");
		close_server();
	}
	open_behind(GATEWAY_NIDD, false);
	CHECK(ask(MSG_POST, "rd", "", LWM_CF_LINK, LINKS) == MSG_CREATED, "by another network");
	CHECK(view().lifetime_s == 86400 && view().lwm2m == 10 && !view().queue, "as ever");
	close_server();
}

/* Proves: TRN-NIP-5 */
static void lists(void)
{
	open_behind(GATEWAY_LORAWAN, false);
	CHECK(ask(MSG_POST, "rd", "", -1, "") == MSG_CONFLICT, "no list, and none is known");
	CHECK(!view().registered, "it is not registered");
	CHECK(ask(MSG_POST, "rd", "", LWM_CF_LINK, LINKS) == MSG_CREATED, "with one");
	CHECK(ask(MSG_POST, "rd", "", -1, "") == MSG_CREATED, "again without");
	CHECK(view().list->inst_n == 2, "it is the one that is known");
	CHECK(ask(MSG_DELETE, location(), "", -1, "") == MSG_DELETED, "it leaves");
	CHECK(ask(MSG_POST, "rd", "", -1, "") == MSG_CONFLICT, "and begins anew");
	close_server();
	open_behind(GATEWAY_NIDD, false);
	CHECK(ask(MSG_POST, "rd", "", LWM_CF_LINK, LINKS) == MSG_CREATED, "by another network");
	CHECK(ask(MSG_POST, "rd", "", -1, "") == MSG_BAD_REQUEST, "a list is needed each time");
	close_server();
}

/* Proves: TRN-NIP-4, TRN-NIP-5 */
static void names(void)
{
	open_behind(GATEWAY_LORAWAN, true);
	CHECK(tell("", LINKS) == MSG_CREATED, "without security, its name is its DevEUI");
	struct endpoint *e = ep_find(&rig.dir, SPAN_LIT(EUI));
	struct srv_view v = {0};
	CHECK(e != NULL, "known by it");
	if (e)
		srv_view(srv, e, rig.now_ms, &v);
	CHECK(v.registered && v.lifetime_s == 2592000 && v.lwm2m == 11 && v.queue,
		"as it should be");
	CHECK(tell("", "") == MSG_CREATED, "and again without a list");
	CHECK(tell("ep=other", LINKS) == MSG_CREATED && ep_find(&rig.dir, SPAN_LIT("other")),
		"or the name it says");
	close_server();
	open_behind(GATEWAY_LORAWAN, false);
	CHECK(tell("", LINKS) == MSG_UNAUTHORIZED, "where that is not allowed it is refused");
	close_server();
	open_behind(GATEWAY_OTHER, true);
	CHECK(tell("", LINKS) == MSG_BAD_REQUEST, "by another network it needs a name");
	close_server();
}

int main(void)
{
	defaults();
	lists();
	names();
	return test_done();
}
