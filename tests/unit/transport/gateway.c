/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/gateway.h"
#include "transport/gateway_impl.h"

#include "tests/unit/test.h"

#include <event2/event.h>

/* What the host was told. */
struct world {
	struct event_base *base;
	struct gateways *all;
	unsigned inputs, turns, links, unsents, mtus;
	struct peer last;
	bool up;
	/* what the driver does, and was given */
	enum err answer;
	unsigned sends, flushes, pauses, frees;
};

static void on_input(void *arg, const struct peer *from, struct span datagram)
{
	struct world *w = arg;

	w->inputs += datagram.n > 0;
	w->last = *from;
}

static void on_turn(void *arg)
{
	((struct world *)arg)->turns++;
}

static void on_link(void *arg, const struct gateway *g, bool up)
{
	struct world *w = arg;

	(void)g;
	w->links++;
	w->up = up;
}

static void on_unsent(void *arg, const struct peer *to, struct span datagram)
{
	struct world *w = arg;

	(void)datagram;
	w->unsents++;
	w->last = *to;
}

static void on_mtu(void *arg, const struct peer *to, uint32_t bytes)
{
	struct world *w = arg;

	w->mtus += bytes;
	w->last = *to;
}

static enum err fake_send(void *driver, const struct peer *to, struct span datagram)
{
	struct world *w = driver;

	(void)to;
	(void)datagram;
	w->sends++;
	return w->answer;
}

static void fake_flush(void *driver)
{
	((struct world *)driver)->flushes++;
}

static void fake_pause(void *driver)
{
	((struct world *)driver)->pauses++;
}

static void fake_free(void *driver)
{
	((struct world *)driver)->frees++;
}

static const struct gateway_driver fake = {fake_send, fake_flush, fake_pause, fake_free};

static const struct gateway_opts usual = {.name = "main",
	.type = "fake",
	.queue_max = 10,
	.queue_bytes = 1000,
	.queue_address_max = 3,
	.cost = 7};

static void world_init(struct world *w)
{
	struct gateway_host host = {on_input, on_turn, on_link, on_unsent, on_mtu, w};

	*w = (struct world){.base = event_base_new()};
	REQUIRE(w->base && !gateways_new(w->base, &host, &w->all), "gateways");
}

static void world_fini(struct world *w)
{
	gateways_free(w->all);
	event_base_free(w->base);
}

static struct gateway *add(struct world *w, const struct gateway_opts *o)
{
	struct gateway *g = NULL;

	REQUIRE(gateway_new(w->all, o, &g) == ERR_OK, "a gateway");
	gateway_attach(g, &fake, w);
	return g;
}

static struct gateway_view view(const struct world *w)
{
	struct gateway_view v = {0};
	size_t cursor = 0;

	CHECK(gateways_view(w->all, &cursor, &v), "there is one");
	return v;
}

static struct peer to(const struct gateway *g, enum gateway_kind kind, const char *address)
{
	struct peer p = {0};

	CHECK(gateway_peer(gateway_number_of(g), kind, span_str(address), &p) == ERR_OK, address);
	return p;
}

static void test_rate(void)
{
	struct gateway_rate r = gateway_rate_of(4, 1000), any = gateway_rate_of(0, 1000);
	uint64_t due = 0, now = 50000;
	unsigned passed = 0;

	CHECK(gateway_rate_room(&r, due, now) == 4, "all at once");
	for (int i = 0; i < 10; i++)
		passed += gateway_rate_pass(&r, &due, now);
	CHECK(passed == 4 && gateway_rate_room(&r, due, now) == 0, "and no more");
	CHECK(!gateway_rate_pass(&r, &due, now + 249), "a moment too early");
	CHECK(gateway_rate_pass(&r, &due, now + 250), "one comes back");
	CHECK(!gateway_rate_pass(&r, &due, now + 251), "one only");
	passed = 0;
	for (uint64_t t = now + 10000; t < now + 20000; t++)
		passed += gateway_rate_pass(&r, &due, t);
	CHECK(passed == 4 + 39, "as many as the rate says, over time");
	CHECK(gateway_rate_room(&r, due, now + 1000000) == 4, "quiet gives no more than that");
	for (int i = 0; i < 1000; i++)
		passed += gateway_rate_pass(&any, &due, now);
	CHECK(passed == 1043, "any number");
	r = gateway_rate_of(1000000, 1000);
	CHECK(r.period_us == 1, "as fast as the clock");
}

static void test_names(void)
{
	static const struct {
		const char *what, *name;
		enum err err;
	} rows[] = {
		{"one", "main", ERR_OK},
		{"the same", "main", ERR_EXISTS},
		{"without a name", "", ERR_RANGE},
		{"too long", "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", ERR_RANGE},
		{"the longest", "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", ERR_OK},
		{"one", "g122", ERR_OK},
		{"of the same number", "g215", ERR_EXISTS},
	};
	struct world w;
	struct gateway *g;
	unsigned n = 3;

	world_init(&w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gateway_opts o = usual;
		o.name = rows[i].name;
		CHECK(gateway_new(w.all, &o, &g) == rows[i].err, rows[i].what);
	}
	for (; n < GATEWAYS_MAX; n++) {
		struct gateway_opts o = usual;
		char name[8];
		snprintf(name, sizeof(name), "x%u", n);
		o.name = name;
		CHECK(gateway_new(w.all, &o, &g) == ERR_OK, "room");
	}
	struct gateway_opts o = usual;
	o.name = "more";
	CHECK(gateway_new(w.all, &o, &g) == ERR_LIMIT, "sixteen at most");
	world_fini(&w);
}

static void test_send(void)
{
	static const uint8_t bytes[1280] = {0x40};
	struct world w;
	struct gateway_view v;

	world_init(&w);
	struct gateway *g = add(&w, &usual);
	struct peer p = to(g, GATEWAY_SMS, "491701234567"), other = p, ip = {.bearer = BEARER_UDP};
	CHECK(gateways_send(w.all, &p, SPAN_LIT("aaaa")) == ERR_STATE && !w.sends, "no link");
	gateway_link(g, true, 1, "bound");
	gateway_link(g, true, 2, "bound twice");
	CHECK(w.links == 1 && w.up, "told once");
	CHECK(gateways_send(w.all, &p, span_make(bytes, 140)) == ERR_OK, "as long as it may be");
	CHECK(gateways_send(w.all, &p, span_make(bytes, 141)) == ERR_RANGE && w.sends == 1,
		"a byte more than the MTU never goes out");
	other.listener++;
	CHECK(gateways_send(w.all, &other, SPAN_LIT("aaaa")) == ERR_NOTFOUND, "no such gateway");
	CHECK(gateways_send(w.all, &ip, SPAN_LIT("aaaa")) == ERR_NOTFOUND, "no gateway's");
	other = p;
	other.addr_n = 255;
	CHECK(gateways_send(w.all, &other, SPAN_LIT("aaaa")) == ERR_NOTFOUND, "forgotten");
	w.answer = ERR_LIMIT;
	CHECK(gateways_send(w.all, &p, SPAN_LIT("aaaa")) == ERR_LIMIT, "its queue is full");
	gateways_flush(w.all);
	gateways_pause(w.all);
	CHECK(w.flushes == 1 && w.pauses == 1, "passed on");
	v = view(&w);
	CHECK(v.stats.sent == 1 && v.stats.sent_bytes == 140 && v.stats.cost == 7, "counted");
	CHECK(v.stats.refused_down == 2 && v.stats.refused_long == 1 && v.stats.refused_full == 1,
		"what was refused, too");
	CHECK(v.up && v.links == 2 && !strcmp(v.reason, "bound twice") && v.stats.ups == 1 &&
			v.stats.downs == 0,
		"its state");
	world_fini(&w);
	CHECK(w.frees == 1, "the driver goes with it");
}

static void test_input(void)
{
	static const uint8_t good[GATEWAY_DATAGRAM_MAX + 1] = {0x40, 1, 0, 1};
	static const struct {
		const char *what, *address;
		enum gateway_kind kind;
		size_t n;
		uint8_t first;
		bool taken;
	} rows[] = {
		{"the shortest", "1", GATEWAY_SMS, 4, 0x40, true},
		{"the longest", "1", GATEWAY_NIDD, GATEWAY_DATAGRAM_MAX, 0x40, true},
		{"too long", "1", GATEWAY_NIDD, GATEWAY_DATAGRAM_MAX + 1, 0x40, false},
		{"too short", "1", GATEWAY_NIDD, 3, 0x40, false},
		{"nothing", "1", GATEWAY_NIDD, 0, 0x40, false},
		{"of another version", "1", GATEWAY_NIDD, 4, 0x80, false},
		{"from no address", "", GATEWAY_NIDD, 4, 0x40, false},
		{"from a bad address", "a\nb", GATEWAY_NIDD, 4, 0x40, false},
		{"of no kind", "1", GATEWAY_NONE, 4, 0x40, false},
	};
	uint8_t bytes[sizeof(good)];
	struct world w;
	unsigned taken = 0, refused = 0;

	world_init(&w);
	struct gateway *g = add(&w, &usual);
	memcpy(bytes, good, sizeof(good));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bytes[0] = rows[i].first;
		gateway_input(
			g, rows[i].kind, span_str(rows[i].address), 3, span_make(bytes, rows[i].n));
		*(rows[i].taken ? &taken : &refused) += 1;
		CHECK(w.inputs == taken && view(&w).stats.malformed == refused, rows[i].what);
	}
	CHECK(w.last.listener == gateway_number("main"), "from there");
	struct peer one = to(g, GATEWAY_SMS, "1"), two = to(g, GATEWAY_SMS, "2");
	CHECK(gateway_way(g, &one) == 3 && gateway_way(g, &two) == 0, "its way is remembered");
	CHECK(w.turns == 0, "the turn comes later");
	event_base_loop(w.base, EVLOOP_NONBLOCK);
	CHECK(w.turns == 1, "once");
	gateways_pause(w.all);
	gateway_input(g, GATEWAY_SMS, SPAN_LIT("1"), 0, span_make(good, 4));
	CHECK(w.inputs == taken, "nothing after a pause");
	world_fini(&w);
}

static void test_limits(void)
{
	static const uint8_t good[4] = {0x40, 1, 0, 1};
	struct gateway_opts o = usual;
	struct world w;
	uint64_t wait_ms = 0;

	world_init(&w);
	o.rate_per_s = 1;
	struct gateway *g = add(&w, &o);
	CHECK(gateway_room(g, &wait_ms) == 1 && wait_ms == 0, "room for one");
	gateway_input(g, GATEWAY_SMS, SPAN_LIT("1"), 0, SPAN_OF(good));
	CHECK(gateway_room(g, &wait_ms) == 0 && wait_ms > 0 && wait_ms <= 1001, "and then not");
	gateway_input(g, GATEWAY_SMS, SPAN_LIT("1"), 0, SPAN_OF(good));
	CHECK(w.inputs == 1 && view(&w).stats.limited == 1, "dropped and counted");
	world_fini(&w);

	world_init(&w);
	o = usual;
	o.address_rate_per_min = 5;
	g = add(&w, &o);
	for (int i = 0; i < 20; i++)
		gateway_input(g, GATEWAY_SMS, SPAN_LIT("1"), 0, SPAN_OF(good));
	CHECK(w.inputs == 5 && view(&w).stats.limited == 15, "one that floods");
	gateway_input(g, GATEWAY_SMS, SPAN_LIT("2"), 0, SPAN_OF(good));
	gateway_input(g, GATEWAY_NIDD, SPAN_LIT("1"), 0, SPAN_OF(good));
	CHECK(w.inputs == 7, "does not disturb others");
	world_fini(&w);
}

static void test_queue(void)
{
	struct world w;
	struct gateway_queue q, r;
	struct gateway_view v;

	world_init(&w);
	struct gateway *g = add(&w, &usual);
	struct peer a = to(g, GATEWAY_NIDD, "an.external.identifier.of.length@example.com");
	struct peer b = to(g, GATEWAY_NIDD, "b");
	gateway_queue_init(&q, g);
	gateway_queue_init(&r, g);
	for (int i = 0; i < 3; i++)
		CHECK(gateway_queue_put(&q, &a, SPAN_LIT("one")) == ERR_OK, "room");
	CHECK(gateway_addresses().kept == 1, "its address stays");
	CHECK(gateway_queue_put(&r, &a, SPAN_LIT("one")) == ERR_LIMIT, "three to an address");
	CHECK(gateway_queue_put(&r, &b, SPAN_LIT("other")) == ERR_OK, "another has room");
	v = view(&w);
	CHECK(v.stats.queued == 4 && v.stats.queued_bytes == 14, "counted");
	static const uint8_t big[1000];
	CHECK(gateway_queue_put(&r, &b, span_make(big, 987)) == ERR_LIMIT, "too many bytes");
	CHECK(gateway_queue_put(&r, &b, span_make(big, 986)) == ERR_OK, "just as many");
	gateway_queue_move(&q, &r);
	CHECK(q.n == 5 && r.n == 0 && !r.first, "moved");
	gateway_queue_move(&q, &r);
	CHECK(q.n == 5 && q.first->n == 3 && peer_eq(&q.first->to, &a), "in their order");
	for (int i = 0; i < 4; i++)
		gateway_queue_drop(&q);
	CHECK(q.n == 1 && q.first->n == 986 && gateway_addresses().kept == 0,
		"first in, first out");
	gateway_queue_drop(&q);
	for (char c = 'c'; c < 'c' + 10; c++) {
		struct peer p = to(g, GATEWAY_NIDD, (char[]){c, 0});
		CHECK(gateway_queue_put(&q, &p, SPAN_LIT("x")) == ERR_OK, "room for ten");
	}
	CHECK(gateway_queue_put(&q, &b, SPAN_LIT("x")) == ERR_LIMIT, "not for eleven");
	gateway_queue_fini(&q);
	v = view(&w);
	CHECK(v.stats.queued == 0 && v.stats.queued_bytes == 0, "nothing is left");
	CHECK(gateway_queue_put(&q, &a, SPAN_LIT("x")) == ERR_OK, "and there is room again");
	gateway_queue_fini(&q);
	world_fini(&w);
}

static void test_told(void)
{
	char reason[300];
	struct world w;

	world_init(&w);
	struct gateway *g = add(&w, &usual);
	struct peer p = to(g, GATEWAY_SMS, "1");
	memset(reason, 'r', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	gateway_link(g, false, 0, reason);
	CHECK(w.links == 0 && strlen(view(&w).reason) == GATEWAY_REASON_MAX, "cut");
	gateway_unsent(g, &p, SPAN_EMPTY);
	gateway_unsent(g, &p, SPAN_LIT("\x40\1\1\1"));
	gateway_mtu(g, &p, 51);
	gateway_fault(g);
	CHECK(w.unsents == 1 && w.mtus == 51 && peer_eq(&w.last, &p), "told");
	CHECK(view(&w).stats.undelivered == 2 && view(&w).stats.faults == 1, "and counted");
	gateway_link(g, true, 1, "");
	gateway_link(g, false, 0, "gone");
	CHECK(w.links == 2 && !w.up && view(&w).stats.ups == 1 && view(&w).stats.downs == 1,
		"up and down");
	event_base_loop(w.base, EVLOOP_NONBLOCK);
	CHECK(w.turns == 1, "a turn follows");
	world_fini(&w);
}

int main(void)
{
	test_rate();
	test_names();
	test_send();
	test_input();
	test_limits();
	test_queue();
	test_told();
	return test_done();
}
