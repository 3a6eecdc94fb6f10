/* SPDX-License-Identifier: Apache-2.0 */
/* Devices without security: known by their address, which may change, or be another's as well. */
#include "tests/unit/server/rig.h"

#define LINKS "</1/0>,</3/0>"

static uint16_t mid;
static struct msg in; /* answered last */

static void from(unsigned host)
{
	rig.from.listener = RIG_PLAIN;
	rig.from.addr[3] = (uint8_t)host;
}

static struct span encode(const struct msg *m)
{
	static uint8_t bytes[RIG_BYTES];
	struct writer w = wr_make(bytes, sizeof(bytes));
	REQUIRE(msg_encode_udp(m, &w) == ERR_OK, "encode");
	return wr_span(&w);
}

/* The i-th datagram of the turn, as a message; its code or 0. */
static uint8_t sent(size_t i, struct msg *out)
{
	struct span s = rig_sent(&rig, i);
	return s.n && !msg_parse_udp(s, out) ? out->code : 0;
}

/* A request of that host; the code of the answer. */
static uint8_t tell(unsigned host, uint8_t code, const char *path, const char *query)
{
	struct msg m;
	char copy[128];
	rig_turn(&rig, 10);
	from(host);
	snprintf(copy, sizeof(copy), "%s", query);
	rig_plain(&m, code, path);
	m.mid = ++mid;
	add_queries(&m, copy);
	if (!strcmp(path, "rd"))
		m.payload = SPAN_LIT(LINKS);
	if (!strcmp(path, "dp")) {
		REQUIRE(msg_add_uint(&m, OPT_CONTENT_FORMAT, LWM_CF_SENML_JSON) == ERR_OK,
			"format");
		m.payload = SPAN_LIT("[{\"n\":\"/3/0/9\",\"v\":1}]");
		m.type = MSG_NON;
		m.token_n = 0;
	}
	if (rig_in(&rig, encode(&m)) != EP_REQUEST)
		return 0;
	srv_request(srv, &rig.d, &rig.t);
	return sent(0, &in);
}

/* "rd/..." of the answer to a Register; two in turn. */
static const char *told_location(void)
{
	static char text[2][32];
	static unsigned turn;
	char *out = text[turn++ % 2];
	const struct opt *a1 = msg_find(&in, OPT_LOCATION_PATH), *b = a1 ? msg_next(&in, a1) : NULL;
	REQUIRE(b, "a location");
	snprintf(out, sizeof(text[0]), "rd/%.*s", (int)b->val.n, (const char *)b->val.p);
	return out;
}

static struct endpoint *named(const char *name)
{
	struct endpoint *e = ep_find(&rig.dir, span_str(name));
	REQUIRE(e, name);
	return e;
}

/* An operation; true if a request went out, which is then in `out` and in q's bytes. */
static bool start(const char *name, enum srv_dm_kind kind, const char *path, struct rig_msg *out)
{
	struct srv_dm d = {
		.kind = kind, .endpoint = named(name), .content_format = LWM_CF_TEXT, .ticket = 7};
	REQUIRE(lwm_path_parse(span_str(path), &d.path) == ERR_OK, "path");
	rig_turn(&rig, 10);
	srv_dm(srv, &d, &rig.t);
	struct span s = rig_sent(&rig, 0);
	memcpy(out->bytes, s.p ? s.p : out->bytes, out->n = s.n);
	return s.n && !msg_parse_udp(span_make(out->bytes, out->n), &out->outer);
}

/* The host answers; observe below 0: no such option. */
static enum ep_delivery_kind answer(
	unsigned host, const struct rig_msg *to, uint8_t type, int observe)
{
	struct msg m;
	rig_turn(&rig, 10);
	from(host);
	msg_init(&m, type, MSG_CONTENT);
	m.mid = type == MSG_ACK ? to->outer.mid : ++mid;
	m.token_n = to->outer.token_n;
	memcpy(m.token, to->outer.token, sizeof(m.token));
	REQUIRE(observe < 0 || msg_add_uint(&m, OPT_OBSERVE, (uint32_t)observe) == ERR_OK, "o");
	REQUIRE(msg_add_uint(&m, OPT_CONTENT_FORMAT, LWM_CF_TEXT) == ERR_OK, "format");
	m.payload = SPAN_LIT("1");
	enum ep_delivery_kind kind = rig_in(&rig, encode(&m));
	if (kind == EP_NOTHING || kind == EP_REQUEST)
		return kind;
	srv_response(srv, &rig.d, &rig.t);
	ep_delivery_end(rig.x, &rig.d, &rig.t);
	return kind;
}

static unsigned outcomes(int status)
{
	unsigned n = 0;
	for (size_t i = 0; i < rig.t.effect_n; i++)
		n += rig.t.effect[i].kind == EFFECT_DONE && rig.t.effect[i].done.status == status;
	return n;
}

static void count_active(void *arg, const struct srv_observation_view *v)
{
	*(size_t *)arg += v->active;
}

static size_t active(const char *name)
{
	size_t n = 0;
	srv_observations(srv, named(name), count_active, &n);
	return n;
}

/* ---- the device moves */

static void moves(void)
{
	static struct rig_msg old, new;
	struct msg m;
	open_server("");
	CHECK(tell(10, MSG_POST, "rd", "ep=a&lt=60&lwm2m=1.1") == MSG_CREATED, "Register");
	const char *at = told_location();
	CHECK(start("a", SRV_OBSERVE, "/3/0/9", &old) &&
			answer(10, &old, MSG_ACK, 1) == EP_RESPONSE && outcomes(200) == 1 &&
			active("a") == 1,
		"observed");
	CHECK(answer(10, &old, MSG_NON, 2) == EP_NOTIFICATION, "a notification");
	CHECK(answer(11, &old, MSG_NON, 3) == EP_NOTHING && rig_records(&rig, REC_EVENT) == 0,
		"one from elsewhere is none");
	CHECK(tell(11, MSG_POST, at, "") == MSG_CHANGED, "an Update from another address");
	CHECK(sent(1, &m) == MSG_GET && msg_find(&m, OPT_OBSERVE) &&
			rig_sent_to(&rig, 1)->addr[3] == 11 && active("a") == 0,
		"the observation is set up anew, there");
	memcpy(new.bytes, rig_sent(&rig, 1).p, new.n = rig_sent(&rig, 1).n);
	REQUIRE(msg_parse_udp(span_make(new.bytes, new.n), &new.outer) == ERR_OK, "asked");
	CHECK(answer(10, &old, MSG_CON, 4) == EP_NOTHING && rig_sent_n(&rig) == 1 &&
			rig_sent(&rig, 0).p[0] == 0x70 && !rig_records(&rig, REC_EVENT),
		"what the old address still tells gets RST");
	CHECK(answer(11, &new, MSG_ACK, 1) == EP_RESPONSE && !outcomes(200) && active("a") == 1,
		"the new one is active");
	CHECK(answer(11, &new, MSG_NON, 2) == EP_NOTIFICATION && rig_records(&rig, REC_EVENT) == 1,
		"and tells");
	CHECK(tell(11, MSG_POST, at, "") == MSG_CHANGED && rig_sent_n(&rig) == 1,
		"an Update from there changes nothing");
	close_server();
}

/* What is on its way to the old address is told, once. */
static void moves_meanwhile(enum srv_dm_kind first, enum srv_dm_kind second)
{
	static struct rig_msg ask1, ask2;
	open_server("");
	CHECK(tell(10, MSG_POST, "rd", "ep=a&lt=60&lwm2m=1.1") == MSG_CREATED, "Register");
	const char *at = told_location();
	CHECK(start("a", first, "/3/0/9", &ask1), "on its way");
	CHECK(!start("a", second, "/3/0/9", &ask2), "waits behind it");
	CHECK(tell(11, MSG_POST, at, "") == MSG_CHANGED && outcomes(503) == 2 &&
			srv_waiting(srv) == 0,
		"the device moves: both are cancelled");
	struct msg m;
	CHECK(rig_sent_n(&rig) == 2 && sent(1, &m) == MSG_GET &&
			rig_sent_to(&rig, 1)->addr[3] == 11,
		"nothing more goes to the old address");
	CHECK(answer(10, &ask1, MSG_CON, -1) == EP_NOTHING, "whose late answer is nothing");
	close_server();
}

/* ---- two behind one address */

static void neighbours(bool deregister)
{
	static struct rig_msg one, two;
	open_server("");
	CHECK(tell(10, MSG_POST, "rd", "ep=a&lt=60&lwm2m=1.1") == MSG_CREATED, "one");
	const char *at = told_location();
	CHECK(tell(10, MSG_POST, "rd", "ep=b&lt=600&lwm2m=1.1") == MSG_CREATED, "another");
	CHECK(start("a", SRV_READ, "/3/0/9", &one), "one is asked");
	CHECK(!start("a", SRV_READ, "/3/0/1", &two), "once more");
	CHECK(!start("b", SRV_READ, "/3/0/9", &two), "the other waits (NSTART)");
	if (deregister) {
		tell(10, MSG_DELETE, at, "");
	} else {
		rig_turn(&rig, 160000);
		srv_timer(srv, &rig.t);
	}
	CHECK(outcomes(503) == 2 && srv_waiting(srv) == 1, "what one was asked is cancelled");
	size_t i = 0;
	struct msg m;
	while (i < rig_sent_n(&rig) && sent(i, &m) != MSG_GET)
		i++;
	CHECK(rig_sent_n(&rig) == (deregister ? 2u : 1u) && sent(i, &m) == MSG_GET,
		"the other's goes at once");
	memcpy(two.bytes, rig_sent(&rig, i).p, two.n = rig_sent(&rig, i).n);
	REQUIRE(msg_parse_udp(span_make(two.bytes, two.n), &two.outer) == ERR_OK, "asked");
	CHECK(answer(10, &two, MSG_ACK, -1) == EP_RESPONSE && outcomes(200) == 1,
		"and is answered");
	close_server();
}

/* ---- permission is taken away */

static void refused_later(void)
{
	static struct rig_msg asked;
	open_server("");
	CHECK(tell(10, MSG_POST, "rd", "ep=dev&lt=60&lwm2m=1.1") == MSG_UNAUTHORIZED,
		"one that has keys is not taken unprotected");
	rig.e->allow_nosec = true;
	rig.dir.nosec_n++;
	CHECK(tell(10, MSG_POST, "rd", "ep=dev&lt=60&lwm2m=1.1") == MSG_CREATED, "but if allowed");
	const char *at = told_location();
	CHECK(start("dev", SRV_READ, "/3/0/9", &asked), "asked");
	rig.e->allow_nosec = false;
	rig.dir.nosec_n--;
	CHECK(tell(10, MSG_POST, at, "") == MSG_NOT_FOUND && !rig_records(&rig, REC_REG_TOUCH),
		"Update under lost permission: 4.04");
	CHECK(tell(10, MSG_DELETE, at, "") == MSG_NOT_FOUND, "De-register likewise");
	rig_turn(&rig, 10);
	srv_recheck(srv, rig.e, &rig.t);
	CHECK(outcomes(503) == 1 && !view().registered && rig_records(&rig, REC_REG_DEL) == 1,
		"looked at again, the registration ends");
	close_server();
}

/* ---- Send: told apart by the address alone */

static void sends(void)
{
	open_server("");
	CHECK(tell(10, MSG_POST, "dp", "") == MSG_BAD_REQUEST, "a Send of nobody");
	CHECK(tell(10, MSG_POST, "rd", "ep=a&lt=60&lwm2m=1.1") == MSG_CREATED, "Register");
	const char *at = told_location();
	CHECK(tell(10, MSG_POST, "dp", "") == MSG_CHANGED && in.type == MSG_NON && !in.token_n &&
			rig_records(&rig, REC_EVENT) == 1,
		"its Send, NON, with an empty token (CT-70)");
	CHECK(tell(11, MSG_POST, "dp", "") == MSG_BAD_REQUEST, "from elsewhere");
	CHECK(tell(11, MSG_POST, at, "") == MSG_CHANGED, "it moves");
	CHECK(tell(10, MSG_POST, "dp", "") == MSG_BAD_REQUEST &&
			tell(11, MSG_POST, "dp", "") == MSG_CHANGED,
		"and sends from there");
	CHECK(tell(11, MSG_POST, "rd", "ep=b&lt=600&lwm2m=1.1") == MSG_CREATED, "a neighbour");
	at = told_location();
	CHECK(tell(11, MSG_POST, "dp", "") == MSG_BAD_REQUEST, "whose is it?");
	CHECK(tell(11, MSG_DELETE, at, "") == MSG_DELETED &&
			tell(11, MSG_POST, "dp", "") == MSG_CHANGED,
		"alone again");
	close_server();
}

int main(void)
{
	sends();
	moves();
	moves_meanwhile(SRV_READ, SRV_OBSERVE);
	moves_meanwhile(SRV_OBSERVE, SRV_READ);
	neighbours(true);
	neighbours(false);
	refused_later();
	return test_done();
}
