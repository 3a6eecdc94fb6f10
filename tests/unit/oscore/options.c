/* SPDX-License-Identifier: Apache-2.0 */
/* Every option of the registry of CoAP options, by its class (RFC 8613 section 4.1): where it
 * travels, and what one outside is worth, in requests and in responses. */
#include "coap/opt.h"
#include "oscore/protect.h"
#include "tests/unit/oscore/trip.h"

enum { E = OPT_CLASS_E, U = OPT_CLASS_U, EU = OPT_CLASS_BOTH };

/* The classes are those of figure 5 or of the document that registers the option. OSCORE, Observe
 * and Proxy-Uri go ways of their own: see below. */
static const struct {
	const char *what;
	uint16_t num;
	uint8_t class;
	const char *value, *stray; /* the value, and another one that somebody puts outside */
} options[] = {
	{"If-Match", 1, E, "aabb", "cc"},
	{"Uri-Host", 3, U, "68", "69"},
	{"ETag", 4, E, "0102", "03"},
	{"If-None-Match", 5, E, "", ""},
	{"Uri-Port", 7, U, "1633", "16"},
	{"Location-Path", 8, E, "7264", "72"},
	{"Uri-Path", 11, E, "33", "34"},
	{"Content-Format", 12, E, "28", "29"},
	{"Max-Age", 14, EU, "3c", ""},
	{"Uri-Query", 15, E, "65703d61", "65703d62"},
	{"Hop-Limit: RFC 8768 does not say, so inside", 16, E, "10", "0f"},
	{"Accept", 17, E, "2d16", "2a"},
	{"Q-Block1 (RFC 9177)", 19, EU, "06", "0e"},
	{"Location-Query", 20, E, "61", "62"},
	{"EDHOC (RFC 9668)", 21, U, "", ""},
	{"Block2", 23, EU, "06", "16"},
	{"Block1", 27, EU, "0e", "1e"},
	{"Size2", 28, EU, "0400", "08"},
	{"Q-Block2 (RFC 9177)", 31, EU, "06", "0e"},
	{"Proxy-Scheme", 39, U, "636f6170", "636f617073"},
	{"Size1", 60, EU, "0400", "08"},
	{"Echo (RFC 9175)", 252, EU, "0102030405060708", "01"},
	{"No-Response", 258, EU, "1a", "02"},
	{"Request-Tag (RFC 9175)", 292, EU, "07", "08"},
	{"OCF-Accept-Content-Format-Version", 2049, E, "0800", "08"},
	{"OCF-Content-Format-Version", 2053, E, "0800", "08"},
	{"not registered, critical", 65001, E, "0102", "03"},
	{"not registered, elective", 65000, E, "0102", "03"},
	{"not registered, critical, unsafe, below 256", 103, E, "", "01"},
};

enum { ROWS = sizeof(options) / sizeof(options[0]) };

/* A request or a response with the option, there and back; `t` ends as it arrived. */
static void travel(struct trip *t, bool request, size_t i, bool with, const char *stray)
{
	struct msg m = fx_msg(request ? MSG_PUT : MSG_CREATED);
	struct osc_binding b = a_binding(false);

	if (with)
		fx_add(&m, options[i].num, test_hex(options[i].value));
	m.payload = SPAN_LIT("payload");
	if (request)
		send_request(t, &m);
	else
		send_response(t, &b, NULL, &m);
	if (stray)
		fx_add(&t->outer, options[i].num, test_hex(stray));
	CHECK((request ? take_request(t) : take_response(t)) == ERR_OK, options[i].what);
	CHECK(t->got.code == m.code && span_eq(t->got.payload, m.payload), options[i].what);
	CHECK(with || stray || t->got.opt_n == 0, options[i].what);
	CHECK(!with || stray || (fx_same(&m, &t->got) && same_head(&m, &t->got)), options[i].what);
}

/* Proves: OSC-07 8613-4-1 8613-4-3 8613-4.1-1 8613-4.1.1-1 8613-4.1.2-1 8613-4.1.3.1-1
 * 8613-4.1.3.1-3 8613-4.1.3.4.1-1 8613-4.1.3.6-1 8613-4.1.3.6-2 8613-4.1.3.6-3 8613-4.2-1
 * 8613-4.2-3 8613-4.2-5 8613-4.2-6 */
static void test_classes(void)
{
	for (size_t i = 0; i < ROWS; i++) {
		for (int request = 0; request <= 1; request++) {
			struct trip t;
			travel(&t, request, i, true, NULL);
			CHECK((msg_find(&t.outer, options[i].num) != NULL) ==
					(options[i].class == U),
				options[i].what);
			CHECK(t.outer.opt_n == (options[i].class == U ? 2 : 1), options[i].what);
			CHECK(t.outer.code == (request ? MSG_POST : MSG_CHANGED),
				"4.2: outer code POST, 2.04");
			CHECK(same_head(&t.sent, &t.outer),
				"4.2: the header is that of the message");
		}
	}
}

/* What stands outside counts where it is of class U alone; inside, its own counts more.
 * Proves: 8613-4.1.3.6-4 8613-8.2-1 8613-8.4-1 8613-8.2-7 8613-8.4-6 */
static void test_strays(void)
{
	for (size_t i = 0; i < ROWS; i++) {
		for (int request = 0; request <= 1; request++) {
			struct trip t;
			travel(&t, request, i, false, options[i].stray);
			const struct opt *o = msg_find(&t.got, options[i].num);
			CHECK((o != NULL) == (options[i].class == U), options[i].what);
			CHECK(!o || span_eq(o->val, test_hex(options[i].stray)), options[i].what);
			CHECK(!msg_find(&t.got, OPT_OSCORE), "the OSCORE option is gone");
			if (options[i].class == U)
				continue;
			travel(&t, request, i, true, options[i].stray);
			o = msg_find(&t.got, options[i].num);
			CHECK(o && !msg_next(&t.got, o) &&
					span_eq(o->val, test_hex(options[i].value)),
				"what is inside counts, and nothing is added");
		}
	}
}

/* The table of coap/ says the same; what it leaves out is class E. */
static void test_registry(void)
{
	size_t n, met = 0;
	const struct opt_info *info = opt_table(&n);

	for (size_t i = 0; i < ROWS; i++) {
		const struct opt_info *o = opt_info(options[i].num);
		CHECK(o ? o->oscore == options[i].class : options[i].class == E, options[i].what);
		met += o != NULL;
	}
	CHECK(opt_info(OPT_OBSERVE)->oscore == OPT_CLASS_BOTH, "Observe");
	CHECK(opt_info(OPT_OSCORE)->oscore == OPT_CLASS_U, "OSCORE");
	CHECK(opt_info(OPT_PROXY_URI)->oscore == OPT_CLASS_U, "Proxy-Uri");
	CHECK(info && met + 3 == n, "every row of the registry was looked at");
}

/* Proxy-Uri names a path and a query, which belong inside: it is never sent as it is. */
static void test_proxy_uri(void)
{
	struct msg m = fx_msg(MSG_GET), r = fx_msg(MSG_CONTENT);
	struct osc_binding b = a_binding(false);
	struct trip t;

	fx_add(&m, OPT_PROXY_URI, SPAN_LIT("coap://h/p?q"));
	fx_add(&r, OPT_PROXY_URI, SPAN_LIT("coap://h/p?q"));
	trip_init(&t);
	CHECK(osc_protect_request(crypto, &client, 1, NULL, &m, &t.buf, &t.sent, &t.asked) ==
			ERR_UNSUPPORTED,
		"in a request");
	CHECK(osc_protect_response(crypto, &server, &b, NULL, &r, &t.buf, &t.sent) ==
			ERR_UNSUPPORTED,
		"in a response");
	CHECK(t.buf.n == 0, "and nothing leaks");
}

int main(void)
{
	crypto = fx_crypto();
	client = fx_keys(crypto, &fx_c1, true);
	server = fx_keys(crypto, &fx_c1, false);
	test_classes();
	test_strays();
	test_registry();
	test_proxy_uri();
	osc_crypto_free(crypto);
	return test_done();
}
