/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that come to their limits are renewed by RFC 8613 Appendix B.2, in a whole daemon: before
 * anything is refused where the device is there, at its first word where it comes too late, and by
 * a bootstrap where it does not take them. */
#include "endpoint/limits.h"
#include "oscore/recover.h"
#include "tests/unit/cmd/sim_check.h"
#include "tests/unit/cmd/sim_craft.h"

enum { Q = 1 << 20, V = 1 << 14, AUTO = 0, ECHO = 1, B2 = 3 };

static struct sim sim;
static struct sim_result result;
static struct craft craft;

/* ---- what the network loses of our offers */

static struct {
	bool requests_1, requests_2;
	unsigned lost, offers; /* request 1 of ours */
} net;

/* Our requests of the procedure have a wrapped kid context: ID1, or the R2 of a simulated device,
 * of as many bytes, with R3. */
static bool tap(struct sim *s, bool up, unsigned dev, uint16_t listener, struct span datagram)
{
	struct msg m;
	struct osc_option o;
	struct span value;
	(void)s, (void)dev, (void)listener;
	if (up || msg_parse_udp(datagram, &m) || !msg_code_is_request(m.code) ||
		osc_option_of(&m, &o) || !o.has_kid_context || osc_unwrap(o.kid_context, &value))
		return false;
	bool first = value.n == OSC_PART_BYTES;
	bool lose = first ? net.requests_1 : net.requests_2;
	net.offers += first;
	net.lost += lose;
	return lose;
}

/* ---- looking at it */

static struct ep_context *newest(const struct sim *s)
{
	const struct endpoint *e = ep_find(&s->core->dir, sim_name(s, 0));
	return ep_context_newest(e, REC_ROLE_SERVER, 0);
}

/* Those that a message of the device was verified under first. */
static struct ep_context *oldest(const struct sim *s)
{
	struct ep_context *c = newest(s), *older;
	while ((older = ep_context_older(c)))
		c = older;
	return c;
}

static uint64_t told_metric;

static void on_metric(void *arg, const struct adm_metric *a)
{
	if (!strcmp(a->name, "lanyard_key_renewals_total") && !strcmp(a->label_value, arg))
		told_metric = a->value;
}

static uint64_t renewals(struct sim *s, char *by)
{
	struct adm_ops ops = sim_ops(s, NULL);
	told_metric = UINT64_MAX;
	ops.metrics(ops.arg, on_metric, by);
	return told_metric;
}

/* The device's next request is number n. */
static void age(struct sim *s, uint64_t n)
{
	struct dev_counters *at = &s->dev[0].dev->ctx[DEV_ROLE_SERVER]->at;
	at->next = at->limit = n;
	osc_window_seal(&oldest(s)->window, n - 1);
}

static bool settled(const struct sim *s)
{
	return sim_registered(s, 0) && s->dev[0].dev->state == DEV_STATE_REGISTERED;
}

static bool renewed(const struct sim *s)
{
	return settled(s) && sim_contexts(s, 0, REC_ROLE_SERVER) == 1 &&
	       ep_key_level(newest(s)) == EP_LEVEL_FINE;
}

static bool refused(const struct sim *s)
{
	return s->dev[0].failed[DEV_OP_UPDATE] || s->dev[0].failed[DEV_OP_REGISTER];
}

static void open_with(
	struct sim *s, uint64_t seed, enum dev_recover device, uint32_t freshness, unsigned role)
{
	sim_init(s, seed);
	memset(&net, 0, sizeof(net));
	s->tap = tap;
	s->cfg.freshness = freshness;
	s->dev_options.recover = device;
	s->dev_options.update_interval_ms = 20000;
	sim_open(s);
	sim_provision(s, role == REC_ROLE_SERVER ? DEV_ROLE_SERVER : DEV_ROLE_BOOTSTRAP);
	REQUIRE(sim_until(s, settled, 60000), "registered");
	sim_run(s, 25000);
	REQUIRE(sim_contexts(s, 0, REC_ROLE_SERVER) == 1, "one pair of keys");
}

static void close_with(struct sim *s, const char *what)
{
	CHECK(sim_dm(s, 0, ADM_READ, "/3/0/0", &result) == 200, what);
	CHECK(sim_replays_pass_by(s), what);
	sim_crash(s);
	CHECK(sim_contexts(s, 0, REC_ROLE_SERVER) == 1 && ep_key_level(newest(s)) == EP_LEVEL_FINE,
		what);
	CHECK(sim_dm(s, 0, ADM_READ, "/3/0/0", &result) == 200, what);
	CHECK(!s->audit.reuses, what);
	sim_close(s);
}

/* ---- in time */

static void in_time_row(const char *what, enum dev_recover device, uint32_t freshness, bool by_us)
{
	struct sim *s = &sim;
	open_with(s, 500, device, freshness, REC_ROLE_SERVER);
	uint64_t id = newest(s)->id;
	CHECK(sim_dm(s, 0, ADM_OBSERVE, "/3303/0/5700", &result) == 200, what);
	age(s, Q / 4 * 3 - 50);
	sim_run(s, 60000);
	CHECK(newest(s)->id == id && !net.offers, "below 75 percent nothing is done");
	age(s, Q / 4 * 3);
	sim_run(s, 60000);
	CHECK(renewed(s) == by_us && (newest(s)->id != id) == by_us, what);
	CHECK(renewals(s, "b2") == by_us && renewals(s, "bootstrap") == 0, what);
	CHECK(net.offers == by_us && !refused(s), what);
	if (by_us) {
		CHECK(!sim_explains(s, "dev-000000", "keys-used"), "explain has nothing to tell");
		close_with(s, what);
	} else {
		CHECK(!s->audit.reuses, what);
		sim_close(s);
	}
}

/* Proves: 8613-7.2.1-3 */
static void in_time(void)
{
	in_time_row("b2", DEV_RECOVER_ANSWER, B2, true);
	in_time_row("b2, the device began", DEV_RECOVER_BEGIN, B2, true);
	in_time_row("auto, the device has shown that it knows it", DEV_RECOVER_BEGIN, AUTO, true);
	in_time_row("auto, nothing is known of the device", DEV_RECOVER_ANSWER, AUTO, false);
	in_time_row("echo", DEV_RECOVER_BEGIN, ECHO, false);
}

/* So are keys that are attacked, when the device is heard of. */
static void attacked(void)
{
	struct sim *s = &sim;
	struct peer from = sim_peer_of(66, 4444, SIM_SERVER);
	struct msg m, none;
	open_with(s, 510, DEV_RECOVER_ANSWER, B2, REC_ROLE_SERVER);
	newest(s)->auth_failures = V / 4 * 3 - 1;
	craft_keys(&craft, s, "dev-000000", REC_ROLE_SERVER);
	craft.piv = 1000;
	craft_register(&m, "lt=60&lwm2m=1.1", "</1/0>,</3/0>");
	struct span in = craft_seal(&craft, &m, NULL);
	craft.bytes[in.n - 1] ^= 1;
	sim_inject(s, &from, in, &none);
	CHECK(sim_until(s, renewed, 60000) && !newest(s)->auth_failures && renewals(s, "b2") == 1,
		"keys that are attacked are renewed");
	close_with(s, "and all is well");
}

/* ---- too late */

/* Its ordinary request is answered with the offer, under other keys; nothing else passes. */
static void too_late(enum dev_recover device, uint32_t freshness)
{
	struct sim *s = &sim;
	open_with(s, 520, device, freshness, REC_ROLE_SERVER);
	uint64_t id = newest(s)->id;
	age(s, Q + 3);
	CHECK(sim_dm(s, 0, ADM_READ, "/3/0/0", &result) == 503 && !strcmp(result.type, "key-limit"),
		"nothing of ours goes out");
	uint64_t number = newest(s)->ssn_next;
	unsigned seen = s->dev[0].seen[DEV_EVENT_RECOVERED];
	while (newest(s)->id == id && sim_step(s, s->now_us + 60000000))
		;
	CHECK(sim_contexts(s, 0, REC_ROLE_SERVER) == 2 && oldest(s)->ssn_next == number,
		"no number is used under keys that are used up");
	CHECK(sim_until(s, renewed, 60000) && !refused(s), "the device gets through at once");
	CHECK(s->dev[0].seen[DEV_EVENT_RECOVERED] == seen + 1 && !net.offers, "by our answer");
	CHECK(sim_explains(s, "dev-000000", "key-limit") || !refused(s), "which is told");
	close_with(s, "and all is well");
}

/* It begins itself, from keys that are used up. */
static void device_begins(void)
{
	struct sim *s = &sim;
	open_with(s, 530, DEV_RECOVER_BEGIN, AUTO, REC_ROLE_SERVER);
	age(s, Q + 4 * EP_USE_SLACK);
	s->dev[0].dev->ctx[DEV_ROLE_SERVER]->step = DEV_STEP_NONE;
	CHECK(sim_until(s, renewed, 60000) && !refused(s) && !net.offers,
		"a device that begins gets through, however far its keys were used");
	close_with(s, "and all is well");
}

/* ---- not taken */

static bool bootstrapped(const struct sim *s)
{
	return bs_counters(s->core->bs)->finished >= 2 && renewed(s);
}

/* Offers are few while there is time; when it is due there is one more, and then a bootstrap. */
static void not_taken(void)
{
	struct sim *s = &sim;
	open_with(s, 540, DEV_RECOVER_BEGIN, B2, REC_ROLE_BOOTSTRAP);
	net.requests_1 = true;
	age(s, Q / 4 * 3);
	sim_run(s, 1800000);
	CHECK(renewals(s, "b2") == EP_OFFERS_NEAR && renewals(s, "bootstrap") == 0 && !refused(s),
		"two offers in half an hour");
	age(s, Q / 16 * 15);
	CHECK(sim_until(s, bootstrapped, 600000) && !refused(s), "in the end a bootstrap");
	CHECK(renewals(s, "b2") == EP_OFFERS_MAX && renewals(s, "bootstrap") == 1,
		"after one more offer");
	close_with(s, "and all is well");
}

/* Without bootstrap keys it is offered on and on, now and then. */
static void no_other_way(void)
{
	struct sim *s = &sim;
	open_with(s, 550, DEV_RECOVER_ANSWER, B2, REC_ROLE_SERVER);
	net.requests_1 = true;
	age(s, Q / 16 * 15);
	sim_run(s, 1800000);
	CHECK(renewals(s, "b2") >= 4 && renewals(s, "b2") <= 7 && !refused(s),
		"about every five minutes");
	net.requests_1 = false;
	CHECK(sim_until(s, renewed, 600000), "until one arrives");
	close_with(s, "and all is well");
}

/* Its second half is lost: the old keys go on, to their end, and from there the device still gets
 * new ones. */
static void half_taken(void)
{
	struct sim *s = &sim;
	open_with(s, 560, DEV_RECOVER_ANSWER, B2, REC_ROLE_SERVER);
	uint64_t id = newest(s)->id;
	unsigned updates = s->dev[0].done[DEV_OP_UPDATE];
	net.requests_2 = true;
	age(s, Q / 4 * 3);
	sim_run(s, 240000);
	CHECK(net.lost && sim_contexts(s, 0, REC_ROLE_SERVER) == 2 && oldest(s)->id == id,
		"new keys that the device has not got");
	CHECK(s->dev[0].done[DEV_OP_UPDATE] > updates + 5 && !refused(s) &&
			sim_dm(s, 0, ADM_READ, "/3/0/0", &result) == 200,
		"the old ones serve");
	age(s, Q + 3);
	CHECK(sim_until(s, renewed, 60000) && !refused(s), "to their end, and others follow");
	close_with(s, "and all is well");
}

/* The power fails while the new keys are not confirmed. */
static void crash(void)
{
	struct sim *s = &sim;
	open_with(s, 570, DEV_RECOVER_ANSWER, B2, REC_ROLE_SERVER);
	unsigned seen = s->dev[0].seen[DEV_EVENT_RECOVERED];
	age(s, Q / 4 * 3);
	while (s->dev[0].seen[DEV_EVENT_RECOVERED] == seen && sim_step(s, s->now_us + 60000000))
		;
	sim_crash(s);
	CHECK(sim_contexts(s, 0, REC_ROLE_SERVER) == 2, "a crash before response 2 leaves both");
	CHECK(sim_until(s, renewed, 60000) && !refused(s), "and the device's next word ends one");
	close_with(s, "and all is well");
}

/* ---- a device that is asleep */

static void asleep(void)
{
	struct sim *s = &sim;
	struct srv_view v;
	sim_init(s, 580);
	memset(&net, 0, sizeof(net));
	s->tap = tap;
	s->cfg.freshness = B2;
	s->dev_options.recover = DEV_RECOVER_ANSWER;
	s->dev_options.queue = true;
	s->dev_options.update_interval_ms = 600000;
	sim_open(s);
	sim_provision(s, DEV_ROLE_SERVER);
	REQUIRE(sim_until(s, settled, 60000), "registered");
	sim_run(s, 300000);
	REQUIRE(sim_view(s, 0, &v) && v.asleep, "asleep");
	newest(s)->auth_failures = V / 4 * 3;
	s->core->dir.news[s->core->dir.news_n++] = (struct ep_news){newest(s), EP_NEWS_FAILURES};
	sim_turn(s);
	sim_run(s, 10000);
	CHECK(!net.offers && renewals(s, "b2") == 0, "nobody is asked who sleeps");
	CHECK(sim_until(s, renewed, 900000) && net.offers == 1, "but when it is awake");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

int main(void)
{
	in_time();
	attacked();
	too_late(DEV_RECOVER_ANSWER, B2);
	too_late(DEV_RECOVER_BEGIN, AUTO);
	device_begins();
	not_taken();
	no_other_way();
	half_taken();
	crash();
	asleep();
	return test_done();
}
