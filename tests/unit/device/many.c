/* SPDX-License-Identifier: Apache-2.0 */
/* Many devices of one host: how many speak at a time, and how soon they speak again. */
#include "device/device.h"
#include "tests/unit/test.h"

#include <string.h>

enum { DEVICES = 5, SECOND_US = 1000000 };

static struct {
	struct dev_host *host;
	struct dev *dev[DEVICES];
	struct dev_out out;
	uint64_t state[4], now_us;
	size_t sent, failed, stopped;
	uint64_t first_us[8]; /* when the first datagrams left */
} f;

/* Counts what came out, and tells each device that asks where its server is. */
static void take(void)
{
	struct peer to = {.bearer = BEARER_UDP, .addr_n = 6, .addr = {192, 0, 2, 1}};
	bool again = true;
	while (again) {
		struct dev *connect[DEVICES];
		size_t n = 0;
		for (struct dev_datagram *g = f.out.datagrams; g; g = g->next) {
			if (f.sent < 8)
				f.first_us[f.sent] = f.now_us;
			f.sent++;
		}
		for (struct dev_event *e = f.out.events; e; e = e->next) {
			if (e->kind == DEV_EVENT_CONNECT && n < DEVICES)
				connect[n++] = e->dev;
			f.failed += e->kind == DEV_EVENT_FAILED;
			f.stopped += e->kind == DEV_EVENT_STOPPED;
		}
		dev_out_reset(&f.out);
		for (size_t i = 0; i < n; i++)
			dev_connect(connect[i], &to, f.now_us, &f.out);
		again = n > 0;
	}
}

static void pass(uint64_t us)
{
	uint64_t until = f.now_us + us;
	for (uint64_t next; (next = dev_next_us(f.host)) <= until;) {
		f.now_us = next > f.now_us ? next : f.now_us;
		dev_tick(f.host, f.now_us, &f.out);
		take();
	}
	f.now_us = until;
}

static void start(uint32_t in_flight_max, uint32_t ack_timeout_ms)
{
	struct dev_options o;
	struct osc_crypto *crypto;
	memset(&f, 0, sizeof(f));
	f.now_us = SECOND_US;
	struct rng rng = rng_test(f.state, 1);
	dev_options_default(&o);
	o.in_flight_max = in_flight_max;
	o.ack_timeout_ms = ack_timeout_ms;
	o.retry_ms = 60000;
	dev_out_init(&f.out);
	REQUIRE(!osc_crypto_new(&crypto) && !dev_host_new(&o, &rng, f.now_us, &f.host), "a host");
	for (uint32_t i = 0; i < DEVICES; i++) {
		struct dev_credentials c;
		uint8_t local[4] = {127, 1, 0, (uint8_t)(i + 1)};
		REQUIRE(!dev_credentials_derive(
				crypto, "many", SPAN_LIT("seed"), i, DEV_ROLE_SERVER, &c) &&
				!dev_credentials_set(
					&c, SPAN_LIT("server_uri"), SPAN_LIT("coap://192.0.2.1")) &&
				!dev_new(f.host, i, &c, SPAN_OF(local), &f.dev[i]),
			"a device");
		dev_start(f.dev[i], f.now_us, &f.out);
	}
	take();
	osc_crypto_free(crypto);
}

static void end(void)
{
	dev_out_fini(&f.out);
	dev_host_free(f.host);
}

static void test_in_flight(void)
{
	static const struct {
		const char *what;
		uint32_t max, flying, queued;
	} rows[] = {
		{"no bound", 0, 5, 0},
		{"one at a time", 1, 1, 4},
		{"two", 2, 2, 3},
		{"exactly all", 5, 5, 0},
		{"more than there are", 6, 5, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start(rows[i].max, 100);
		const struct dev_host_stats *s = dev_host_stats(f.host);
		CHECK(f.sent == rows[i].flying && s->in_flight == rows[i].flying &&
				s->queued == rows[i].queued,
			rows[i].what);
		pass(59 * (uint64_t)SECOND_US); /* until each has had its five transmissions */
		CHECK(f.failed == DEVICES && s->lost == DEVICES && s->in_flight == 0, rows[i].what);
		CHECK(f.sent == 5 * DEVICES && s->retransmitted == 4 * DEVICES, rows[i].what);
		end();
	}
}

/* RFC 7252 section 4.2: the first wait is ACK_TIMEOUT to one and a half of it, then each doubles.
 */
static void test_ack_timeout(void)
{
	static const struct {
		const char *what;
		uint32_t ack_timeout_ms;
		uint64_t least_us;
	} rows[] = {
		{"the usual one", 0, 2000000},
		{"a short one", 100, 100000},
		{"a long one", 10000, 10000000},
		{"the shortest", 1, 1000},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start(1, rows[i].ack_timeout_ms);
		pass(rows[i].least_us * 8);
		uint64_t first = f.first_us[1] - f.first_us[0],
			 next = f.first_us[2] - f.first_us[1];
		CHECK(first >= rows[i].least_us && first <= rows[i].least_us * 3 / 2 + 1000,
			rows[i].what);
		CHECK(next == 2 * first, rows[i].what);
		end();
	}
}

/* Those that wait need no answer to stop. */
static void test_stop(void)
{
	start(1, 100);
	for (size_t i = 0; i < DEVICES; i++)
		dev_stop(f.dev[i], true, f.now_us, &f.out);
	take();
	const struct dev_host_stats *s = dev_host_stats(f.host);
	CHECK(f.stopped == DEVICES && s->in_flight == 0 && s->registered == 0, "all have stopped");
	dev_tick(f.host, f.now_us, &f.out);
	take();
	CHECK(f.sent == 1 && s->queued == 0, "and none of them speaks");
	end();
}

int main(void)
{
	test_in_flight();
	test_ack_timeout();
	test_stop();
	return test_done();
}
