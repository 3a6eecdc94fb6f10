/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's core over the memory store, simulated devices, and a network between them that
 * loses, doubles and reorders: one virtual clock, everything from a seed. */
#ifndef LANYARD_TESTS_UNIT_CMD_SIM_H
#define LANYARD_TESTS_UNIT_CMD_SIM_H

#include "cmd/core_impl.h"
#include "device/device.h"
#include "device/inner.h"
#include "endpoint/exchange_impl.h"
#include "tests/unit/cmd/sim_audit.h"

#include <poll.h>

enum { SIM_DEVICES_MAX = 32, SIM_SERVER = 0, SIM_BOOTSTRAP = 1, SIM_PORTS = 2 };
static const uint16_t sim_ports[SIM_PORTS] = {5683, 5783};
#define SIM_NEVER UINT64_MAX

struct sim_net {
	uint32_t loss, dup, reorder; /* permille */
};

struct sim_packet {
	struct sim_packet *next;
	uint64_t at_us;
	bool up;
	unsigned dev;
	uint16_t listener, port; /* port: the device's, as the network sees it */
	size_t n;
	uint8_t bytes[];
};

struct sim_dev {
	struct dev *dev;
	uint16_t port; /* changes when a NAT forgets */
	unsigned seen[DEV_EVENT_STOPPED + 1];
	unsigned done[DEV_OP_DEREGISTER + 1], failed[DEV_OP_DEREGISTER + 1];
	uint8_t failed_code;
};

struct sim {
	struct cfg cfg;
	struct sim_net net;
	bool trace; /* what the devices do, to look at a failure: SIM_TRACE=1 */
	uint64_t seed;
	uint64_t net_state[4], dev_state[4], core_state[4];
	struct rng net_rng, core_rng;
	uint64_t now_us;
	struct core *core;
	struct dev_options dev_options;
	struct dev_host *host;
	struct osc_crypto *crypto;
	struct dev_out out;
	struct sim_dev dev[SIM_DEVICES_MAX];
	unsigned dev_n;
	struct sim_packet *packets;
	uint32_t commit_us; /* how long a commit takes, at most; 0: none is ever pending */
	uint64_t commit_at_us;
	bool held;
	bool threaded;      /* the store has a thread of its own; commits are waited for */
	bool (*over)(void); /* no more happens, if it says so; or NULL */
	enum err storage;   /* as io.storage told last */
	uint32_t rollbacks; /* as told last */
	unsigned storage_told, events, sent_down, crashes;
	/* May eat a datagram. */
	bool (*tap)(struct sim *s, bool up, unsigned dev, uint16_t listener, struct span datagram);
	unsigned tap_n;
	size_t longest;               /* datagram of the core's */
	uint8_t last[AUDIT_DATAGRAM]; /* what the core sent last, to whomever */
	size_t last_n;
	struct audit audit;
};

static uint64_t sim_draw(struct sim *s, uint64_t below)
{
	return below ? rng_u64(&s->net_rng) % below : 0;
}

/* ---- the network */

static void sim_enqueue(struct sim *s, bool up, unsigned dev, uint16_t listener, uint16_t port,
	struct span bytes, uint64_t at_us)
{
	struct sim_packet *p = malloc(sizeof(*p) + bytes.n), **at = &s->packets;
	REQUIRE(p, "memory");
	*p = (struct sim_packet){.at_us = at_us,
		.up = up,
		.dev = dev,
		.listener = listener,
		.port = port,
		.n = bytes.n};
	memcpy(p->bytes, bytes.p, bytes.n);
	while (*at && (*at)->at_us <= at_us)
		at = &(*at)->next;
	p->next = *at;
	*at = p;
}

static void sim_send(
	struct sim *s, bool up, unsigned dev, uint16_t listener, uint16_t port, struct span bytes)
{
	const struct ep_directory *d = &s->core->dir;
	const struct dev_context *c =
		s->dev[dev]
			.dev->ctx[listener == SIM_BOOTSTRAP ? DEV_ROLE_BOOTSTRAP : DEV_ROLE_SERVER];
	if (s->core->up)
		audit_sent(&s->audit, d, ep_find(d, span_str(dev_endpoint(s->dev[dev].dev))), up,
			dev, listener, bytes, c && c->step ? &c->keys : NULL);
	if (s->tap && s->tap(s, up, dev, listener, bytes))
		return;
	unsigned copies = sim_draw(s, 1000) < s->net.dup ? 2 : 1;
	for (; copies; copies--) {
		uint64_t delay_us = 5000 + sim_draw(s, 5000);
		if (sim_draw(s, 1000) < s->net.reorder)
			delay_us += sim_draw(s, 400000);
		if (sim_draw(s, 1000) >= s->net.loss)
			sim_enqueue(s, up, dev, listener, port, bytes, s->now_us + delay_us);
	}
}

static struct peer sim_peer_of(unsigned dev, uint16_t port, uint16_t listener)
{
	return (struct peer){.bearer = BEARER_UDP,
		.addr_n = 6,
		.local_n = 4,
		.listener = listener,
		.addr = {10, 0, 0, (uint8_t)dev, (uint8_t)(port >> 8), (uint8_t)port},
		.local = {192, 0, 2, 1}};
}

/* `local` is what a device's datagrams are told apart by. */
static struct peer sim_server_peer(uint16_t listener, unsigned dev)
{
	uint16_t port = sim_ports[listener];
	return (struct peer){.bearer = BEARER_UDP,
		.addr_n = 6,
		.local_n = 4,
		.local = {10, 0, 0, (uint8_t)dev},
		.addr = {192, 0, 2, 1, (uint8_t)(port >> 8), (uint8_t)port}};
}

/* ---- the devices' side */

static void sim_take(struct sim *s);

static void sim_connect(struct sim *s, struct dev *d, struct span uri)
{
	struct span host;
	uint16_t port, listener = 0;
	REQUIRE(dev_uri_parse(uri, &host, &port) == ERR_OK, "a URI that was written is usable");
	while (listener < SIM_PORTS && sim_ports[listener] != port)
		listener++;
	struct peer to = sim_server_peer(listener % SIM_PORTS, dev_index(d));
	dev_connect(d, listener < SIM_PORTS ? &to : NULL, s->now_us, &s->out);
	sim_take(s);
}

static void sim_event(struct sim *s, const struct dev_event *e)
{
	struct sim_dev *d = &s->dev[dev_index(e->dev)];
	if (s->trace)
		printf("%8.3f dev%u %s %x %u/%u/%u %.*s\n", (double)s->now_us / 1e6,
			dev_index(e->dev), dev_event_name(e->kind, e->op), e->code, e->path.id[0],
			e->path.id[1], e->path.id[2], (int)e->text.n, (const char *)e->text.p);
	d->seen[e->kind]++;
	if (e->kind == DEV_EVENT_DONE)
		d->done[e->op]++;
	if (e->kind != DEV_EVENT_FAILED)
		return;
	d->failed[e->op]++;
	d->failed_code = e->code;
}

/* What a call of device/ left: datagrams out, URIs answered. */
static void sim_take(struct sim *s)
{
	struct {
		struct dev *dev;
		char uri[DEV_URI_MAX + 1];
	} connect[SIM_DEVICES_MAX];
	size_t n = 0;
	for (struct dev_datagram *g = s->out.datagrams; g; g = g->next) {
		unsigned dev = g->to.local[3];
		uint16_t port = (uint16_t)(g->to.addr[4] << 8 | g->to.addr[5]);
		sim_send(s, true, dev, port == sim_ports[SIM_BOOTSTRAP] ? 1 : 0, s->dev[dev].port,
			g->bytes);
	}
	for (struct dev_event *e = s->out.events; e; e = e->next) {
		sim_event(s, e);
		if (e->kind != DEV_EVENT_CONNECT)
			continue;
		REQUIRE(n < SIM_DEVICES_MAX &&
				!span_to_str(e->text, connect[n].uri, sizeof(connect[n].uri)),
			"room for a URI");
		connect[n++].dev = e->dev;
	}
	REQUIRE(!s->out.err, "devices have memory");
	dev_out_reset(&s->out);
	for (size_t i = 0; i < n; i++)
		sim_connect(s, connect[i].dev, span_str(connect[i].uri));
}

/* ---- the core's side */

static void sim_io_send(void *arg, const struct peer *to, struct span bytes)
{
	struct sim *s = arg;
	unsigned dev = to->addr[3];
	s->sent_down++;
	if (s->longest < bytes.n)
		s->longest = bytes.n;
	s->last_n = bytes.n < sizeof(s->last) ? bytes.n : sizeof(s->last);
	memcpy(s->last, bytes.p, s->last_n);
	if (dev < s->dev_n && to->addr[0] == 10)
		sim_send(s, false, dev, to->listener, (uint16_t)(to->addr[4] << 8 | to->addr[5]),
			bytes);
}

static void sim_io_event(void *arg, const struct rec_event *e)
{
	(void)e;
	((struct sim *)arg)->events++;
}

static void sim_io_rolled_back(void *arg, uint32_t rollbacks)
{
	((struct sim *)arg)->rollbacks = rollbacks;
}

static void sim_io_storage(void *arg, enum err e)
{
	struct sim *s = arg;
	s->storage = e;
	s->storage_told++;
}

static int64_t sim_wall_ms(const struct sim *s)
{
	return INT64_C(1700000000000) + (int64_t)(s->now_us / 1000);
}

static void sim_time(struct sim *s)
{
	core_time(s->core, s->now_us / 1000, sim_wall_ms(s));
}

/* As the daemon does it; sim_turn follows every call. */
static void sim_io_wake(void *arg)
{
	sim_time(arg);
}

static void sim_commit(struct sim *s)
{
	s->commit_at_us = SIM_NEVER;
	sim_time(s);
	do {
		struct pollfd p = {.fd = core_store_fd(s->core), .events = POLLIN};
		if (s->threaded && store_pending(s->core->store))
			poll(&p, 1, -1);
		core_store_poll(s->core);
	} while (s->threaded && store_pending(s->core->store));
}

static bool sim_store_ready(const struct sim *s)
{
	struct pollfd p = {.fd = store_fd(s->core->store), .events = POLLIN};
	return poll(&p, 1, 0) == 1;
}

/* A secret is being read. */
static bool sim_reads(const struct sim *s)
{
	struct ep_exchange *x = s->core->up ? s->core->x : NULL;
	bool reads = false;
	for (size_t i = 0; x && i < EP_HELD_MAX; i++)
		reads |= x->recovery.held[i].bytes && !x->recovery.held[i].ready;
	for (size_t i = 0; x && i < EP_BEGIN_MAX; i++)
		reads |= x->recovery.begin[i] && !x->recovery.begin_ready &&
			 !ep_recover_inputs(x, x->recovery.begin[i]->ctx->id);
	return reads;
}

/* The end of a turn; what it asked of the store is done now or some time later. */
static void sim_turn(struct sim *s)
{
	core_turn_end(s->core);
	if (s->threaded && sim_reads(s)) { /* no time passes meanwhile */
		struct pollfd p = {.fd = core_store_fd(s->core), .events = POLLIN};
		poll(&p, 1, 1000);
	}
	bool asked = store_pending(s->core->store) || sim_store_ready(s);
	if (s->held || s->commit_at_us != SIM_NEVER || !asked)
		return;
	if (s->commit_us)
		s->commit_at_us = s->now_us + sim_draw(s, s->commit_us);
	else
		sim_commit(s);
}

static void sim_core_new(struct sim *s, struct core **out)
{
	s->core_rng = rng_test(s->core_state, s->seed * 1000 + s->crashes);
	struct core_opts o = {.cfg = &s->cfg,
		.rng = s->core_rng,
		.io = {.send = sim_io_send,
			.event = sim_io_event,
			.wake = sim_io_wake,
			.storage = sim_io_storage,
			.rolled_back = sim_io_rolled_back,
			.arg = s}};
	REQUIRE(core_new(&o, out) == ERR_OK, "core");
}

static void sim_core_start(struct sim *s, struct store *store)
{
	REQUIRE(core_start(s->core, store, s->now_us / 1000, sim_wall_ms(s)) == ERR_OK,
		"the core starts with what is stored");
	s->commit_at_us = SIM_NEVER;
	sim_time(s);
	sim_turn(s);
}

/* A power cut: what is durable now is all that the next run has. */
static SIM_UNUSED void sim_crash(struct sim *s)
{
	struct core *old = s->core, *new;
	struct store *store;
	s->crashes++;
	sim_core_new(s, &new);
	REQUIRE(store_mem_crash(old->store, core_store_done, new, &store) == ERR_OK, "power cut");
	old->failed = ERR_IO; /* it is dead: nothing more is told */
	core_free(old);
	s->core = new;
	s->held = false;
	sim_core_start(s, store);
}

/* A clean stop and a start. */
static SIM_UNUSED void sim_restart(struct sim *s)
{
	REQUIRE(core_stop(s->core) == ERR_OK, "clean stop");
	sim_crash(s);
}

/* ---- time passes */

static uint64_t sim_core_due_us(const struct sim *s)
{
	uint64_t ms = core_deadline_ms(s->core);
	if (s->core->failed && store_pending(s->core->store))
		return SIM_NEVER; /* it waits for the store, not for time */
	return ms > UINT64_MAX / 1000 ? SIM_NEVER : ms * 1000;
}

static uint64_t sim_least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Gives the core a datagram from anywhere; true if it answered with a message, which is then in
 * `answer`. */
static SIM_UNUSED bool sim_inject_by(struct sim *s, const struct peer *from, uint64_t mark,
	struct span datagram, struct msg *answer)
{
	s->last_n = 0;
	sim_time(s);
	core_input_by(s->core, from, mark, datagram);
	sim_turn(s);
	return s->last_n && !msg_parse_udp(span_make(s->last, s->last_n), answer);
}

static SIM_UNUSED bool sim_inject(
	struct sim *s, const struct peer *from, struct span datagram, struct msg *answer)
{
	return sim_inject_by(s, from, 0, datagram, answer);
}

static void sim_arrive(struct sim *s)
{
	struct sim_packet *p = s->packets;
	struct span bytes = span_make(p->bytes, p->n);
	s->packets = p->next;
	if (p->up) {
		struct peer from = sim_peer_of(p->dev, p->port, p->listener);
		sim_time(s);
		core_input(s->core, &from, bytes);
		sim_turn(s);
	} else if (p->port == s->dev[p->dev].port) { /* else the NAT has forgotten it */
		struct peer from = sim_server_peer(p->listener, p->dev);
		dev_input(s->dev[p->dev].dev, &from, bytes, s->now_us, &s->out);
		sim_take(s);
	}
	free(p);
}

/* One thing that happens next; false if nothing does before `end_us`. */
static bool sim_step(struct sim *s, uint64_t end_us)
{
	if (s->over && s->over())
		return false;
	uint64_t packet = s->packets ? s->packets->at_us : SIM_NEVER, core = sim_core_due_us(s);
	uint64_t next = sim_least(
		sim_least(packet, core), sim_least(s->commit_at_us, dev_next_us(s->host)));
	if (next > end_us) {
		s->now_us = end_us;
		return false;
	}
	if (next > s->now_us)
		s->now_us = next;
	if (s->commit_at_us <= s->now_us) {
		sim_commit(s);
	} else if (packet <= s->now_us) {
		sim_arrive(s);
	} else if (core <= s->now_us) {
		sim_time(s);
		core_timers(s->core);
		sim_turn(s);
	} else {
		dev_tick(s->host, s->now_us, &s->out);
		sim_take(s);
	}
	return true;
}

static SIM_UNUSED void sim_run(struct sim *s, uint64_t ms)
{
	uint64_t end_us = s->now_us + ms * 1000;
	while (sim_step(s, end_us))
		;
	sim_time(s);
}

typedef bool sim_condition(const struct sim *s);

/* False if it did not come true within so many milliseconds. */
static SIM_UNUSED bool sim_until(struct sim *s, sim_condition *good, uint64_t limit_ms)
{
	uint64_t end_us = s->now_us + limit_ms * 1000;
	while (!good(s))
		if (!sim_step(s, end_us))
			return good(s);
	return true;
}

static SIM_UNUSED void sim_hold(struct sim *s, bool hold)
{
	s->held = hold;
	store_mem_hold(s->core->store, hold);
	if (!hold)
		sim_commit(s);
}

/* ---- beginning and end */

static SIM_UNUSED void sim_init(struct sim *s, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->seed = seed;
	s->trace = getenv("SIM_TRACE") != NULL;
	s->now_us = 1000000;
	s->commit_at_us = SIM_NEVER;
	s->net_rng = rng_test(s->net_state, seed);
	cfg_defaults(&s->cfg);
	snprintf(s->cfg.uri, sizeof(s->cfg.uri), "coap://192.0.2.1:5683");
	s->cfg.lifetime_s = 300;
	s->cfg.listen_n = SIM_PORTS;
	s->cfg.listen[SIM_SERVER] = (struct cfg_listen){.name = "server", .role = CFG_ROLE_SERVER};
	s->cfg.listen[SIM_BOOTSTRAP] =
		(struct cfg_listen){.name = "bootstrap", .role = CFG_ROLE_BOOTSTRAP};
	dev_options_default(&s->dev_options);
	s->dev_options.confirmable = true;
	dev_out_init(&s->out);
	REQUIRE(osc_crypto_new(&s->crypto) == ERR_OK, "crypto");
}

static void sim_open_devices(struct sim *s)
{
	struct rng rng = rng_test(s->dev_state, s->seed + 77);
	REQUIRE(dev_host_new(&s->dev_options, &rng, s->now_us, &s->host) == ERR_OK, "host");
}

/* After the options have been set. */
static SIM_UNUSED void sim_open(struct sim *s)
{
	struct store *store;
	struct store_mem_opts o = {.exchange_lifetime_ms = 247000, .secret = {7}};
	sim_open_devices(s);
	sim_core_new(s, &s->core);
	REQUIRE(store_mem_open(&o, core_store_done, s->core, &store) == ERR_OK, "store");
	sim_core_start(s, store);
}

static SIM_UNUSED void sim_close(struct sim *s)
{
	core_free(s->core);
	dev_host_free(s->host);
	dev_out_fini(&s->out);
	osc_crypto_free(s->crypto);
	while (s->packets) {
		struct sim_packet *p = s->packets;
		s->packets = p->next;
		free(p);
	}
}

#endif
