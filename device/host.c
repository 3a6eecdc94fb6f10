/* SPDX-License-Identifier: Apache-2.0 */
#include "device/inner.h"

#include <stdlib.h>
#include <string.h>

void dev_options_default(struct dev_options *o)
{
	*o = (struct dev_options){
		.numbers = DEV_NUMBERS_FORGET,
		.lifetime_s = 300,
		.notify_interval_ms = 5000,
		.retry_ms = 2000,
		.awake_ms = 93000,
		.sensors = 1,
		.blob_bytes = 4096,
		.body_limit_bytes = 1 << 20,
		.block_bytes = 1024,
		.firmware_update_ms = 1000,
		.firmware_delivery = 2,
		.firmware_result = 1,
	};
}

enum err dev_host_new(
	const struct dev_options *o, const struct rng *rng, uint64_t now_us, struct dev_host **out)
{
	struct dev_host *h = calloc(1, sizeof(*h));
	if (!h)
		return ERR_NOMEM;
	enum err e = osc_crypto_new(&h->crypto);
	if (e) {
		free(h);
		return e;
	}
	h->o = *o;
	h->rng = *rng;
	h->now_us = now_us;
	h->budget.limit_bytes = (size_t)64 << 20;
	h->budget.per_peer = PACE_NSTART_MAX; /* a server may ask for so much at once */
	rng_fill(&h->rng, h->seed, sizeof(h->seed));
	rng_fill(&h->rng, h->echo_key, sizeof(h->echo_key));
	wheel_init(&h->wheel, now_us / 1000);
	wheel_init(&h->exch_wheel, now_us / 1000);
	exch_table_init(&h->exchanges, &h->exch_wheel, h->seed);
	arena_init(&h->scratch, 0);
	dev_texts_init(&h->texts, h->seed);
	h->queue_end = &h->queue;
	*out = h;
	return ERR_OK;
}

static void dev_free(struct dev *d)
{
	struct dev_host *h = d->host;
	dev_watch_free(d);
	dev_firmware_free(d);
	exch_stop(&h->exchanges, &d->req.e.x);
	dev_pack_drop(d);
	wheel_del(&h->wheel, &d->life.timer);
	dedup_clear(&d->dedup, &h->budget);
	block_rx_reset(&d->rx);
	if (d->draft)
		secret_wipe(d->draft, sizeof(*d->draft));
	free(d->draft);
	for (size_t i = 0; i < 2; i++) {
		if (d->ctx[i])
			secret_wipe(d->ctx[i], sizeof(*d->ctx[i]));
		free(d->ctx[i]);
	}
	free(d->past);
	free(d->things.blob);
	free(d->sensors);
	dev_behind_free(d);
	free(d->endpoint);
	secret_wipe(d, sizeof(*d));
	free(d);
}

void dev_host_free(struct dev_host *h)
{
	if (!h)
		return;
	while (h->devs) {
		struct dev *d = h->devs;
		h->devs = d->next;
		dev_free(d);
	}
	exch_table_fini(&h->exchanges);
	dev_texts_fini(&h->texts);
	arena_fini(&h->scratch);
	osc_crypto_free(h->crypto);
	secret_wipe(h, sizeof(*h));
	free(h);
}

uint64_t dev_host_limit(const struct dev_host *h)
{
	return h->limit;
}

void dev_host_start_at(struct dev_host *h, uint64_t number)
{
	h->start_at = number;
	h->limit = number;
}

void dev_host_update_interval(struct dev_host *h, uint32_t interval_ms)
{
	h->o.update_interval_ms = interval_ms;
}

uint64_t dev_host_unused(const struct dev_host *h)
{
	uint64_t n = h->start_at;
	for (const struct dev *d = h->devs; d; d = d->next) {
		for (size_t i = 0; i < 2; i++) {
			if (d->ctx[i] && d->ctx[i]->at.next > n)
				n = d->ctx[i]->at.next;
		}
		for (size_t i = 0; i < d->past_n; i++) {
			if (d->past[i].next > n)
				n = d->past[i].next;
		}
	}
	return n;
}

static enum err dev_setup(struct dev *d, const struct dev_credentials *c, struct span local)
{
	struct dev_host *h = d->host;
	if (local.n > sizeof(d->local))
		return ERR_RANGE;
	d->local_n = (uint8_t)local.n;
	memcpy(d->local, local.p ? local.p : d->local, local.n);
	d->endpoint = strdup(c->endpoint);
	if (!d->endpoint)
		return ERR_NOMEM;
	enum err e = dev_accounts_from(&d->accounts, &h->texts, c, h->o.lifetime_s);
	for (int r = DEV_ROLE_BOOTSTRAP; r <= DEV_ROLE_SERVER; r++) {
		const struct dev_oscore *o = dev_oscore_of(&d->accounts, (enum dev_role)r);
		if (o && e == ERR_OK)
			e = dev_context_adopt(d, (enum dev_role)r, o);
	}
	const struct dev_context *boot = d->ctx[DEV_ROLE_BOOTSTRAP];
	if (boot && e == ERR_OK) {
		d->origin = (struct dev_origin){.any = true,
			.sender_id = boot->at.sender_id,
			.recipient_id = boot->at.recipient_id};
		memcpy(d->origin.ikm, boot->at.ikm, sizeof(d->origin.ikm));
	}
	return e;
}

enum err dev_new(struct dev_host *h, uint32_t index, const struct dev_credentials *c,
	struct span local, struct dev **out)
{
	struct dev *d = calloc(1, sizeof(*d));
	if (!d)
		return ERR_NOMEM;
	d->host = h;
	d->index = index;
	d->req.e.dev = d->life.dev = d;
	d->mid = (uint16_t)rng_u64(&h->rng);
	d->things.high = INT16_MIN;
	d->things.low = INT16_MAX;
	dev_things_step(d);
	block_rx_init(&d->rx, h->o.body_limit_bytes);
	enum err e = dev_setup(d, c, local);
	if (e == ERR_OK && h->o.sensors > 1)
		e = dev_sensors_add(d, h->o.sensors);
	if (e == ERR_OK && h->o.gateway)
		e = dev_behind_add(d, (uint16_t)h->o.gateway);
	if (e) {
		dev_free(d);
		return e;
	}
	d->next = h->devs;
	h->devs = d;
	*out = d;
	return ERR_OK;
}

const char *dev_endpoint(const struct dev *d)
{
	return d->endpoint;
}

uint32_t dev_index(const struct dev *d)
{
	return d->index;
}

const struct dev_host_stats *dev_host_stats(const struct dev_host *h)
{
	return &h->stats;
}

bool dev_registered(const struct dev *d)
{
	return d->registered;
}

bool dev_stopped(const struct dev *d)
{
	return d->state == DEV_STATE_STOPPED;
}

static void exchange_due(struct dev_host *h, struct dev_exch *x)
{
	if (exch_timer(&h->exchanges, &x->x, h->now_us / 1000) == EXCH_RETRANSMIT) {
		struct peer to;
		exch_peer(&x->x, &to);
		dev_emit(x->dev, &to, span_make(x->x.bytes, x->x.n));
		h->stats.retransmitted++;
		return;
	}
	exch_stop(&h->exchanges, &x->x);
	h->stats.lost++;
	if (x->notify)
		dev_observe_timeout(x->dev);
	else if (x->firmware)
		dev_firmware_lost(x->dev);
	else
		dev_life_failed(x->dev, 0, "no answer", 0);
}

void dev_tick(struct dev_host *h, uint64_t now_us, struct dev_out *out)
{
	dev_enter(h, now_us, out);
	uint64_t now_ms = h->now_us / 1000;
	for (struct timer *t; (t = wheel_expire(&h->exch_wheel, now_ms));)
		exchange_due(h, (struct dev_exch *)exch_of_timer(t));
	for (struct timer *t; (t = wheel_expire(&h->wheel, now_ms));) {
		struct dev_timer *dt = (struct dev_timer *)t;
		if (dt->notify)
			dev_observe_timer(dt->dev);
		else if (dt->firmware)
			dev_firmware_timer(dt->dev);
		else
			dev_life_timer(dt->dev);
	}
	dev_life_admit(h);
	h->out = NULL;
}

uint64_t dev_next_us(const struct dev_host *h)
{
	uint64_t a = wheel_next_ms(&h->wheel), b = wheel_next_ms(&h->exch_wheel);
	uint64_t next = a < b ? a : b;
	return next > UINT64_MAX / 1000 ? UINT64_MAX : next * 1000;
}

/* ACK or RST to one of our messages. */
static void empty_in(struct dev *d, const struct peer *from, const struct msg *m)
{
	struct exch_table *t = &d->host->exchanges;
	struct exch *x = exch_by_mid(t, from, m->mid);
	struct dev_exch *dx = (struct dev_exch *)x;
	if (m->type == MSG_RESET)
		dev_observe_reset(d, m->mid);
	if (!x || dx->dev != d)
		return;
	if (m->type == MSG_ACK && !dx->notify) {
		exch_acked(t, x, dev_now_ms(d));
		return;
	}
	exch_stop(t, x);
	if (dx->notify)
		dev_observe_acked(d);
	else if (dx->firmware)
		dev_firmware_lost(d);
	else
		dev_life_failed(d, 0, "reset by the server", 0);
}

static void message_in(struct dev *d, const struct peer *from, struct span datagram)
{
	struct msg m;
	enum err e = msg_parse_udp(datagram, &m);
	bool request = e == ERR_OK && msg_code_is_request(m.code);
	bool response = e == ERR_OK && msg_code_is_response(m.code);
	struct peer known;
	dev_known_peer(d, from, &known);
	if (e && datagram.n < 4)
		return;
	if (e == ERR_OK && m.code == MSG_EMPTY && (m.type == MSG_ACK || m.type == MSG_RESET))
		empty_in(d, &known, &m);
	else if (request && (m.type == MSG_CON || m.type == MSG_NON))
		dev_serve(d, from, datagram, &m);
	else if (response && m.type != MSG_RESET)
		dev_client_response(d, &known, &m);
	else if (m.type == MSG_CON)
		dev_emit_empty(d, from, MSG_RESET, m.mid);
}

/* Its radio is off between what it has to say, if it has said so (QM-01). */
static bool asleep(const struct dev *d)
{
	return d->host->o.queue && d->state == DEV_STATE_REGISTERED &&
	       dev_now_ms(d) > d->awake_until_ms;
}

void dev_closed(struct dev *d, const struct peer *who, uint64_t now_us, struct dev_out *out)
{
	dev_enter(d->host, now_us, out);
	if (d->state != DEV_STATE_STOPPED) {
		dev_observe_closed(d, who);
		for (int r = DEV_ROLE_BOOTSTRAP; r <= DEV_ROLE_SERVER; r++)
			if (peer_eq(&d->peer[r], who))
				dev_life_closed(d, (enum dev_role)r);
	}
	d->host->out = NULL;
}

static void hear(struct dev *d, const struct peer *from, struct span datagram)
{
	d->awake_until_ms = dev_now_ms(d) + d->host->o.awake_ms;
	message_in(d, from, datagram);
}

void dev_input(struct dev *d, const struct peer *from, struct span datagram, uint64_t now_us,
	struct dev_out *out)
{
	dev_enter(d->host, now_us, out);
	if (asleep(d))
		dev_event_add(d, DEV_EVENT_MISSED);
	else if (d->state != DEV_STATE_STOPPED)
		hear(d, from, datagram);
	dev_life_todo(d);
	dev_life_admit(d->host);
	d->host->out = NULL;
}
