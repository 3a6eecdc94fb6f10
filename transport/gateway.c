/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/gateway.h"

#include "base/log.h"
#include "base/map.h"
#include "base/secret.h"
#include "transport/gateway_impl.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COAP_HEAD = 4, COAP_VERSION = 1 };

uint64_t gateway_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t gateway_now_ms(void)
{
	return gateway_now_us() / 1000;
}

/* ---- rates */

struct gateway_rate gateway_rate_of(uint32_t n, uint64_t span_us)
{
	uint64_t period_us = n ? span_us / n : 0;

	if (n && !period_us)
		period_us = 1;
	return (struct gateway_rate){period_us, n ? period_us * (n - 1) : 0};
}

size_t gateway_rate_room(const struct gateway_rate *r, uint64_t due_us, uint64_t now_us)
{
	if (!r->period_us)
		return SIZE_MAX;
	if (due_us < now_us)
		due_us = now_us;
	uint64_t used_us = due_us - now_us;
	return used_us > r->burst_us ? 0 : (size_t)((r->burst_us - used_us) / r->period_us + 1);
}

bool gateway_rate_pass(const struct gateway_rate *r, uint64_t *due_us, uint64_t now_us)
{
	if (!gateway_rate_room(r, *due_us, now_us))
		return false;
	*due_us = (*due_us < now_us ? now_us : *due_us) + r->period_us;
	return true;
}

static uint64_t hash_of(const struct gateway *g, const struct peer *p)
{
	uint8_t text[GATEWAY_ADDRESS_MAX + 1];
	struct writer w = wr_make(text, sizeof(text));

	wr_u8(&w, p->flags);
	wr_bytes(&w, gateway_address(p));
	return siphash24(g->hash_key, wr_span(&w));
}

void gateway_places(const struct gateway *g, const struct peer *p, uint32_t out[static 2])
{
	uint64_t h = hash_of(g, p);

	out[0] = (uint32_t)h % GATEWAY_SLOTS;
	out[1] = (uint32_t)(h >> 32) % GATEWAY_SLOTS;
	if (out[0] == out[1])
		out[1] = (out[1] + 1) % GATEWAY_SLOTS;
}

/* An address is refused where both of its places are used up, so that no other alone can do that to
 * it. */
static bool address_passes(struct gateway *g, const struct peer *p, uint64_t now_us)
{
	uint32_t place[2];
	bool a, b;

	if (!g->address_due_us)
		return true;
	gateway_places(g, p, place);
	a = gateway_rate_pass(&g->address_rate, &g->address_due_us[place[0]], now_us);
	b = gateway_rate_pass(&g->address_rate, &g->address_due_us[place[1]], now_us);
	return a || b;
}

/* ---- all of them */

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct gateways *all = arg;

	(void)fd;
	(void)what;
	all->host.turn(all->host.arg);
}

/* Behind all events of this pass of the loop. */
static void turn_follows(struct gateways *all)
{
	event_active(all->turn_event, EV_READ, 0);
}

enum err gateways_new(
	struct event_base *base, const struct gateway_host *host, struct gateways **out)
{
	struct gateways *all = calloc(1, sizeof(*all));

	if (!all)
		return ERR_NOMEM;
	all->base = base;
	all->host = *host;
	all->turn_event = event_new(base, -1, 0, on_turn, all);
	if (!all->turn_event) {
		free(all);
		return ERR_NOMEM;
	}
	*out = all;
	return ERR_OK;
}

static void gateway_free(struct gateway *g)
{
	if (!g)
		return;
	if (g->table)
		g->table->free(g->driver);
	free(g->address_due_us);
	free(g->heard);
	free(g);
}

void gateways_free(struct gateways *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < all->n; i++)
		gateway_free(all->gateway[i]);
	event_free(all->turn_event);
	free(all);
}

static struct gateway *find(const struct gateways *all, uint16_t number)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->gateway[i]->number == number)
			return all->gateway[i];
	return NULL;
}

static enum err fill(struct gateway *g, const struct gateway_opts *o)
{
	struct rng rng = rng_system();

	strcpy(g->name, o->name);
	g->type = o->type;
	g->opts = *o;
	g->opts.name = g->name;
	g->since_ms = gateway_now_ms();
	g->rate = gateway_rate_of(o->rate_per_s, 1000000);
	g->address_rate = gateway_rate_of(o->address_rate_per_min, 60 * UINT64_C(1000000));
	rng_fill(&rng, g->hash_key, sizeof(g->hash_key));
	if (!o->address_rate_per_min)
		return ERR_OK;
	g->address_due_us = calloc(GATEWAY_SLOTS, sizeof(*g->address_due_us));
	return g->address_due_us ? ERR_OK : ERR_NOMEM;
}

enum err gateway_new(struct gateways *all, const struct gateway_opts *o, struct gateway **out)
{
	struct gateway *g;
	enum err err;

	if (!o->name[0] || strlen(o->name) > GATEWAY_NAME_MAX)
		return ERR_RANGE;
	if (find(all, gateway_number(o->name)))
		return ERR_EXISTS;
	if (all->n == GATEWAYS_MAX)
		return ERR_LIMIT;
	g = calloc(1, sizeof(*g));
	if (!g)
		return ERR_NOMEM;
	g->all = all;
	g->number = gateway_number(o->name);
	err = fill(g, o);
	if (!err)
		err = gateway_timings_add(&g->timings, g->number, &o->pace);
	if (err) {
		gateway_free(g);
		return err;
	}
	all->gateway[all->n++] = g;
	*out = g;
	return ERR_OK;
}

void gateway_attach(struct gateway *g, const struct gateway_driver *table, void *driver)
{
	g->table = table;
	g->driver = driver;
}

/* ---- out */

static void count_refused(struct gateway *g, enum err err)
{
	struct gateway_stats *s = &g->stats;

	if (err == ERR_RANGE)
		s->refused_long++;
	else if (err == ERR_LIMIT || err == ERR_NOMEM)
		s->refused_full++;
	else
		s->refused_down++;
}

static enum err try_send(struct gateway *g, const struct peer *to, struct span datagram)
{
	if (!gateway_address(to).n)
		return ERR_NOTFOUND;
	if (datagram.n > gateway_timing(&g->timings, to)->mtu_bytes)
		return ERR_RANGE;
	return g->table && g->up ? g->table->send(g->driver, to, datagram) : ERR_STATE;
}

enum err gateways_send(struct gateways *all, const struct peer *to, struct span datagram)
{
	struct gateway *g = gateway_is(to) ? find(all, to->listener) : NULL;
	enum err err;

	if (!g)
		return ERR_NOTFOUND;
	err = try_send(g, to, datagram);
	if (err) {
		count_refused(g, err);
		return err;
	}
	g->stats.sent++;
	g->stats.sent_bytes += datagram.n;
	g->stats.cost += g->opts.cost;
	return ERR_OK;
}

void gateways_flush(struct gateways *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->gateway[i]->table && all->gateway[i]->table->flush)
			all->gateway[i]->table->flush(all->gateway[i]->driver);
}

void gateways_pause(struct gateways *all)
{
	all->paused = true;
	for (size_t i = 0; i < all->n; i++)
		if (all->gateway[i]->table)
			all->gateway[i]->table->pause(all->gateway[i]->driver);
}

bool gateways_view(const struct gateways *all, size_t *cursor, struct gateway_view *out)
{
	const struct gateway *g;

	if (*cursor >= all->n)
		return false;
	g = all->gateway[(*cursor)++];
	*out = (struct gateway_view){.name = g->name,
		.type = g->type,
		.number = g->number,
		.up = g->up,
		.reason = g->reason,
		.since_ms = g->since_ms,
		.links = g->links,
		.stats = g->stats};
	return true;
}

/* ---- for drivers */

struct event_base *gateway_base(const struct gateway *g)
{
	return g->all->base;
}

uint16_t gateway_number_of(const struct gateway *g)
{
	return g->number;
}

const char *gateway_name(const struct gateway *g)
{
	return g->name;
}

uint32_t gateway_mtu_of(const struct gateway *g, enum gateway_kind kind)
{
	return g->timings.gateway[0].kind[kind].mtu_bytes;
}

void gateway_spend(struct gateway *g)
{
	(void)gateway_rate_pass(&g->rate, &g->due_us, gateway_now_us());
}

size_t gateway_room(struct gateway *g, uint64_t *wait_ms)
{
	uint64_t now_us = gateway_now_us();
	size_t n = gateway_rate_room(&g->rate, g->due_us, now_us);

	*wait_ms = n ? 0 : (g->due_us - now_us - g->rate.burst_us) / 1000 + 1;
	return n;
}

/* A place for each address, which goes to the one that was heard of last. */
static struct gateway_heard *heard_of(const struct gateway *g, const struct peer *p, uint32_t *tag)
{
	uint64_t h = hash_of(g, p);

	*tag = (uint32_t)(h >> 32);
	return &g->heard[h % GATEWAY_HEARD];
}

/* Without memory for it any way will do. */
static void remember_way(struct gateway *g, const struct peer *p, uint8_t way)
{
	uint32_t tag;

	if (way && !g->heard)
		g->heard = calloc(GATEWAY_HEARD, sizeof(*g->heard));
	if (!g->heard)
		return;
	struct gateway_heard *at = heard_of(g, p, &tag);
	*at = (struct gateway_heard){tag, way};
}

uint8_t gateway_way(const struct gateway *g, const struct peer *p)
{
	uint32_t tag;

	if (!g->heard)
		return 0;
	const struct gateway_heard *at = heard_of(g, p, &tag);
	return at->tag == tag ? at->way : 0;
}

/* What is no CoAP at all is not worth the way through the message layer. */
static bool is_good(struct span datagram)
{
	return datagram.n >= COAP_HEAD && datagram.n <= GATEWAY_DATAGRAM_MAX &&
	       datagram.p[0] >> 6 == COAP_VERSION;
}

void gateway_input(struct gateway *g, enum gateway_kind kind, struct span address, uint8_t way,
	struct span datagram)
{
	uint64_t now_us = gateway_now_us();
	struct peer from;

	if (g->all->paused)
		return;
	if (!gateway_rate_pass(&g->rate, &g->due_us, now_us)) {
		g->stats.limited++;
		return;
	}
	if (!is_good(datagram) || gateway_peer(g->number, kind, address, &from)) {
		g->stats.malformed++;
		return;
	}
	if (!address_passes(g, &from, now_us)) {
		g->stats.limited++;
		return;
	}
	remember_way(g, &from, way);
	g->stats.received++;
	g->stats.received_bytes += datagram.n;
	g->all->host.input(g->all->host.arg, &from, datagram);
	turn_follows(g->all);
}

/* A link that goes up and down all the time does not fill the log. */
static void log_link(const struct gateway *g)
{
	static struct log_rate rate = {.interval_ms = 1000, .burst = 20, .tokens = 20};

	if (!log_rate_pass(&rate, gateway_now_ms()))
		return;
	log_fields(g->up ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING,
		g->up ? "gateway is up" : "gateway is down", log_word("name", g->name),
		log_word("type", g->type), log_text("reason", span_str(g->reason)));
}

void gateway_link(struct gateway *g, bool up, unsigned links, const char *reason)
{
	bool changed = g->up != up;

	g->links = links;
	snprintf(g->reason, sizeof(g->reason), "%s", reason);
	if (!changed)
		return;
	g->up = up;
	g->since_ms = gateway_now_ms();
	*(up ? &g->stats.ups : &g->stats.downs) += 1;
	log_link(g);
	g->all->host.link(g->all->host.arg, g, up);
	turn_follows(g->all);
}

void gateway_unsent(struct gateway *g, const struct peer *to, struct span datagram)
{
	g->stats.undelivered++;
	if (datagram.n)
		g->all->host.unsent(g->all->host.arg, to, datagram);
	turn_follows(g->all);
}

void gateway_mtu(struct gateway *g, const struct peer *to, uint32_t bytes)
{
	g->all->host.mtu(g->all->host.arg, to, bytes);
}

void gateway_fault(struct gateway *g)
{
	g->stats.faults++;
}
