/* SPDX-License-Identifier: Apache-2.0 */
/* Long bodies from the administrator to a device and back, over good and bad networks, through
 * power cuts: what arrives is whole, or nothing arrives. */
#include "tests/unit/cmd/sim_admin.h"

enum { LONG = 100000, LIMIT = 256 << 10 };

static struct sim sim;
static struct sim_result result;
static uint8_t body[LIMIT + 1];

/* What a Read gave, whole. */
static struct {
	unsigned calls;
	int status;
	int32_t cf;
	size_t n;
	uint8_t bytes[LIMIT];
} got;

static void on_read(void *arg, const struct adm_result *r)
{
	(void)arg;
	got.calls++;
	got.status = r->status;
	got.cf = r->content_format;
	got.n = r->payload.n < sizeof(got.bytes) ? r->payload.n : 0;
	memcpy(got.bytes, r->payload.p ? r->payload.p : got.bytes, got.n);
}

static void begin_write(struct sim *s, const char *path, size_t n, struct sim_result *r)
{
	struct adm_dm d = sim_dm_of(s, 0, ADM_WRITE, path);
	struct lwm_record rec = {.kind = LWM_RECORD_VALUE,
		.path = d.path,
		.value = {.type = LWM_OPAQUE, .bytes = span_make(body, n)}};
	d.records = &rec;
	d.record_n = 1;
	sim_dm_begin(s, &d, r);
}

static int write_to(struct sim *s, const char *path, size_t n)
{
	begin_write(s, path, n, &result);
	return sim_await(s, &result, 600000);
}

/* The opaque bytes of /19/0/0/0. */
static bool read_back(struct sim *s, size_t n)
{
	struct adm_ops ops = sim_ops(s, NULL);
	struct adm_dm d = sim_dm_of(s, 0, ADM_READ, "/19/0/0/0");
	d.content_format = LWM_CF_OPAQUE;
	memset(&got, 0, sizeof(got));
	ops.dm(ops.arg, &d, on_read, NULL);
	sim_turn(s);
	for (int i = 0; !got.calls && i < 600; i++)
		sim_run(s, 1000);
	return got.calls == 1 && got.status == 200 && got.cf == LWM_CF_OPAQUE && got.n == n &&
	       !memcmp(got.bytes, body, n);
}

static bool has(const struct sim *s, size_t n)
{
	const struct dev_things *t = &s->dev[0].dev->things;
	return t->blob && t->blob_n == n && !memcmp(t->blob, body, n);
}

static void open_device(struct sim *s, uint64_t seed, uint16_t block_bytes)
{
	sim_init(s, seed);
	s->dev_options.block_bytes = block_bytes;
	s->dev_options.body_limit_bytes = LIMIT;
	s->cfg.body_limit_bytes = LIMIT;
	sim_open(s);
	sim_provision(s, DEV_ROLE_SERVER);
	CHECK(sim_until(s, sim_all_registered, 10000), "registered");
}

static void close_device(struct sim *s)
{
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

/* The first n bytes of the body have come to it as firmware, and wait. */
static bool package_is(const struct dev *d, size_t n)
{
	const struct dev_firmware *f = d->firmware;
	uint8_t sum[OSC_SHA256];
	void *digest = osc_sha256_begin();
	osc_sha256_add(digest, span_make(body, n));
	return !osc_sha256_end(digest, sum) && f && f->bytes == n && f->state == 2 &&
	       !memcmp(f->sum, sum, sizeof(sum));
}

/* ---- the network is good, or it is not */

static void there_and_back(uint64_t seed, struct sim_net net, uint16_t block_bytes, size_t n)
{
	struct sim *s = &sim;
	open_device(s, seed, block_bytes);
	s->net = net;
	CHECK(write_to(s, "/19/0/0/0", n) == 200 && result.calls == 1 && result.code == MSG_CHANGED,
		"a long Write succeeds");
	CHECK(has(s, n) && s->dev[0].seen[DEV_EVENT_WRITE] == 1, "byte for byte, once");
	CHECK(read_back(s, n), "and is read back");
	CHECK(write_to(s, "/5/0/0", n) == 200 && package_is(s->dev[0].dev, n),
		"a firmware package, too (BLK-06)");
	close_device(s);
}

static void limits(void)
{
	struct sim *s = &sim;
	open_device(s, 3, 1024);
	CHECK(write_to(s, "/5/0/0", LIMIT) == 200 && package_is(s->dev[0].dev, LIMIT),
		"as long as the limit");
	CHECK(write_to(s, "/5/0/0", LIMIT + 1) == 413 && s->dev[0].seen[DEV_EVENT_WRITE] == 1,
		"longer: 413, and nothing is sent");
	close_device(s);
	sim_init(s, 4);
	s->dev_options.body_limit_bytes = 50000;
	sim_open(s);
	sim_provision(s, DEV_ROLE_SERVER);
	CHECK(sim_until(s, sim_all_registered, 10000), "registered");
	unsigned sent = s->sent_down;
	CHECK(write_to(s, "/5/0/0", 50001) == 502 && result.code == MSG_TOO_LARGE &&
			s->sent_down == sent + 1 && !s->dev[0].seen[DEV_EVENT_WRITE],
		"longer than the device takes: its 4.13 to the first block");
	CHECK(write_to(s, "/3303/0/5700", 3000) != 200, "to what cannot be written: an error");
	close_device(s);
}

/* ---- power cuts */

static unsigned taken, not_taken;

static void crashes(uint64_t seed, struct sim_net net)
{
	struct sim *s = &sim;
	static struct sim_result cut;
	uint8_t old[4];
	open_device(s, seed, 1024);
	s->net = net;
	memcpy(old, body, sizeof(old));
	CHECK(write_to(s, "/19/0/0/0", 3000) == 200 && has(s, 3000), "what is there before");
	for (unsigned n = 0; n < 12; n++) {
		unsigned before = s->dev[0].seen[DEV_EVENT_WRITE];
		uint64_t steps = sim_draw(s, n % 4 ? 300 : 20);
		body[0] = (uint8_t)(n + 1);
		begin_write(s, "/19/0/0/0", LONG, &cut);
		while (steps-- && sim_step(s, s->now_us + 60000000))
			;
		sim_crash(s);
		sim_run(s, 100000);
		unsigned did = s->dev[0].seen[DEV_EVENT_WRITE] - before;
		taken += did;
		not_taken += !did;
		CHECK(cut.calls == 1 && (cut.status == 200 || cut.status == 503),
			"who waited is told, once");
		CHECK(did <= 1 && (cut.status != 200 || did == 1),
			"the device took it whole or not at all, and is not asked again");
		CHECK(!did || has(s, LONG), "what it took is whole");
		CHECK(sim_until(s, sim_all_registered, 600000), "the device is there");
	}
	body[0] = old[0];
	CHECK(write_to(s, "/19/0/0/0", LONG) == 200 && has(s, LONG), "then a Write goes through");
	close_device(s);
}

/* The device begins anew in the middle of it. */
static void device_forgets(void)
{
	struct sim *s = &sim;
	open_device(s, 9, 1024);
	begin_write(s, "/19/0/0/0", LONG, &result);
	sim_run(s, 500);
	CHECK(!result.done && s->dev[0].dev->rx.active, "on its way");
	block_rx_reset(&s->dev[0].dev->rx);
	CHECK(sim_await(s, &result, 60000) == 200 && has(s, LONG) &&
			s->dev[0].seen[DEV_EVENT_WRITE] == 1,
		"4.08: it is sent again, and taken once");
	close_device(s);
}

/* A device that takes 64 bytes at a time, over a link that takes 160: all of its life, bootstrap
 * too, goes in blocks; and what was set outlives a crash. */
static void small(void)
{
	static const struct sim_net bad = {.loss = 100, .dup = 100, .reorder = 250};
	struct sim *s = &sim;
	struct adm_settings set = {.has_block_size = true,
		.has_message_size = true,
		.has_ack_timeout = true,
		.pace = {.block_bytes = 64, .message_bytes = 160, .ack_timeout_ms = 500}};
	sim_init(s, 77);
	s->net = bad;
	s->cfg.block_bytes = 32; /* until it is set for that one */
	s->dev_options.block_bytes = 64;
	sim_open(s);
	sim_provision(s, DEV_ROLE_BOOTSTRAP);
	CHECK(sim_until(s, sim_all_registered, 300000), "bootstrapped in blocks of 32, registered");
	struct adm_ops ops = sim_ops(s, &result);
	ops.endpoint_put(
		ops.arg, span_str(dev_endpoint(s->dev[0].dev)), &set, sim_on_done, &result);
	CHECK(sim_await(s, &result, 10000) < 300, "set");
	s->longest = 0;
	CHECK(write_to(s, "/19/0/0/0", 3000) == 200 && has(s, 3000) && read_back(s, 3000),
		"written and read");
	CHECK(s->longest > 64 && s->longest <= 160, "no datagram of ours is longer");
	sim_crash(s);
	CHECK(sim_until(s, sim_all_registered, 300000), "after a crash");
	const struct endpoint *e = ep_find(&s->core->dir, span_str(dev_endpoint(s->dev[0].dev)));
	REQUIRE(e, "the endpoint");
	struct pace pace = ep_pace(e);
	CHECK(pace.block_bytes == 64 && pace.message_bytes == 160 && pace.ack_timeout_ms == 500 &&
			!pace.max_retransmit,
		"it is still set");
	close_device(s);
}

int main(void)
{
	small();

	static const struct sim_net good = {0}, bad = {.loss = 100, .dup = 100, .reorder = 250};
	static const uint16_t sizes[] = {1024, 512, 64, 16};
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * 7 + i / 253 + i / 65521);
	for (size_t i = 0; i < 4; i++)
		there_and_back(20 + i, good, sizes[i], i < 2 ? LONG : 5000);
	for (uint64_t seed = 30; seed < 34; seed++)
		there_and_back(seed, bad, seed % 2 ? 1024 : 256, LONG / 4);
	there_and_back(40, bad, 1024, LONG);
	limits();
	for (uint64_t seed = 1; seed <= 4; seed++)
		crashes(seed, seed % 2 ? good : bad);
	CHECK(taken > 3 && not_taken > 3, "power cuts came before the end, and behind it");
	device_forgets();
	return test_done();
}
