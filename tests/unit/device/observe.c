/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/device/world.h"

static struct world w;
static struct heard o, h;

static void begin(bool confirmable)
{
	struct dev_credentials c = w_credentials(true);
	w_init(&w, &c);
	w.options.confirmable = confirmable;
	w.options.notify_interval_ms = 1000;
	w.options.lifetime_s = 86400;
	w_registered(&w);
}

static uint8_t observe(const char *path, uint32_t value, struct heard *out)
{
	struct msg m;
	w_msg(&m, MSG_GET, path);
	REQUIRE(msg_add_uint(&m, OPT_OBSERVE, value) == ERR_OK, "observe");
	REQUIRE(msg_add_uint(&m, OPT_ACCEPT, 0) == ERR_OK, "accept");
	return w_ask(&w, &w.server, &m, out);
}

static void ack(const struct msg *m, uint8_t type)
{
	uint8_t raw[4] = {(uint8_t)(0x40 | type << 4), 0, (uint8_t)(m->mid >> 8), (uint8_t)m->mid};
	w_in(&w, SPAN_OF(raw));
}

/* Proves: 8613-4.1.3.5-3 8613-4.1.3.5.2-1 8613-8.3.1-1 */
static void check_notifications(void)
{
	uint32_t first, v;
	uint64_t number;
	static uint8_t value[16];
	begin(false);
	CHECK(observe("3303/0/5700", 0, &o) == MSG_CONTENT, "Observe");
	REQUIRE(msg_get_uint(&o.outer, OPT_OBSERVE, &first), "established (IR-01)");
	memcpy(value, o.plain.payload.p, 4);
	w_forget(&w);
	w_pass(&w, 1000);
	REQUIRE(w_answer(&w, 0, &w.server, &o), "a notification");
	CHECK(o.number != UINT64_MAX, "a Partial IV of its own");
	CHECK(o.outer.type == MSG_NON && o.outer.code == MSG_CONTENT, "NON, outer 2.05");
	CHECK(msg_get_uint(&o.outer, OPT_OBSERVE, &v) && v > first, "in order");
	CHECK(o.plain.payload.n && memcmp(value, o.plain.payload.p, 4) != 0, "another value");
	number = o.number;
	w_forget(&w);
	w_pass(&w, 1000);
	REQUIRE(w_answer(&w, 0, &w.server, &o), "the next");
	CHECK(o.number > number, "numbers rise");
	ack(&o.outer, MSG_RESET);
	w_forget(&w);
	w_pass(&w, 5000);
	CHECK(w.sent_n == 0, "IR-02: RST ends it");
	w_fini(&w);
}

static void check_confirmable(void)
{
	begin(true);
	CHECK(observe("3/0/9", 0, &o) == MSG_CONTENT, "Observe");
	CHECK(observe("3/0/13", 0, &h) == MSG_CONTENT, "Observe another");
	w_forget(&w);
	w_pass(&w, 1000);
	CHECK(w.sent_n == 1, "one CON at a time (NSTART)");
	REQUIRE(w_answer(&w, 0, &w.server, &o) || w_answer(&w, 0, &w.server, &h), "a notification");
	struct msg m;
	REQUIRE(msg_parse_udp(span_make(w.sent[0], w.sent_bytes[0]), &m) == ERR_OK, "parse");
	CHECK(m.type == MSG_CON, "CON");
	ack(&m, MSG_ACK);
	CHECK(w.sent_n == 2, "then the other");
	w_forget(&w);
	w_pass(&w, 100 * 1000);
	CHECK(w.seen[DEV_EVENT_OBSERVE_END] > 0, "RFC 7641 section 4.5: without ACK it ends");
	w_fini(&w);
}

/* Proves: 8613-4.1.3.5-4 8613-4.1.3.5-5 */
static void check_cancel(void)
{
	begin(false);
	CHECK(observe("3303/0/5700", 0, &o) == MSG_CONTENT, "Observe");
	w.token--; /* the token of the observation */
	CHECK(observe("3303/0/5701", 1, &h) == MSG_CONTENT, "the token with another path");
	w_forget(&w);
	w_pass(&w, 1000);
	CHECK(w.sent_n == 1, "does not cancel");
	w.token--;
	CHECK(observe("3303/0/5700", 1, &h) == MSG_CONTENT, "the token with its path");
	CHECK(!msg_find(&h.outer, OPT_OBSERVE), "an answer without Observe");
	w_forget(&w);
	w_pass(&w, 3000);
	CHECK(w.sent_n == 0, "cancels");
	w_fini(&w);
}

static void check_pmin_and_register(void)
{
	struct msg m;
	begin(false);
	w_msg(&m, MSG_PUT, "3303/0/5700");
	REQUIRE(msg_add(&m, OPT_URI_QUERY, SPAN_LIT("pmin=10")) == ERR_OK, "query");
	CHECK(w_ask(&w, &w.server, &m, &h) == MSG_CHANGED, "pmin");
	CHECK(observe("3303/0/5700", 0, &o) == MSG_CONTENT, "Observe");
	w_forget(&w);
	w_pass(&w, 30 * 1000);
	CHECK(w.sent_n >= 2 && w.sent_n <= 3, "ATT-05: one in ten seconds");
	w_msg(&m, MSG_POST, "3/0/4");
	CHECK(w_ask(&w, &w.server, &m, &h) == MSG_CHANGED, "Reboot");
	REQUIRE(w_hear(&w, 1, &w.server, &h), "Register");
	w_reply_register(&w, &h);
	w_forget(&w);
	w_pass(&w, 30 * 1000);
	CHECK(w.sent_n == 0, "IR-06: a Register ends observations");
	w_fini(&w);
}

int main(void)
{
	check_notifications();
	check_confirmable();
	check_cancel();
	check_pmin_and_register();
	return test_done();
}
