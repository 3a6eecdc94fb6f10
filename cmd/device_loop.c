/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: what comes in goes to a device; what devices leave behind is made durable, then sent.
 */
#include "cmd/device_app.h"
#include "device/ramp.h"
#include "transport/net.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECOND_US = 1000000, PER_TICK = 256 };

/* Nothing may leave that the next run could contradict. */
static bool save(struct device_app *app)
{
	for (struct dev *d; (d = dev_out_dirty(&app->out));) {
		if (!device_app_save(app, d, false))
			return false;
	}
	return !app->out.limit_raised || device_app_save_limit(app, dev_host_limit(app->host));
}

static const char *endpoint_of(const struct device_app *app, const struct peer *p)
{
	struct reader r = rd_make(span_make(p->local, p->local_n));
	uint32_t index = device_is_fleet(app->o) ? rd_u32(&r) - DEVICE_FLEET_FIRST : 0;
	return index < app->count ? dev_endpoint(app->devs[index]) : "";
}

static struct span local_of(const struct device_app *app, const struct peer *p)
{
	return p->local_n ? span_make(p->local, p->local_n) : span_make(app->here, app->here_n);
}

static void record(
	struct device_app *app, bool out, const struct peer *p, const char *endpoint, struct span s)
{
	if (!app->record.file)
		return;
	app->record.port = net_port(app->net, p->listener);
	device_record_add(&app->record, out, endpoint, local_of(app, p), p, s);
}

static void send_one(struct device_app *app, const struct peer *to, struct span bytes)
{
	record(app, true, to, app->record.file ? endpoint_of(app, to) : "", bytes);
	/* What does not fit into the queue is lost like any datagram. */
	if (net_send(app->net, to, bytes) == ERR_NOTFOUND)
		fprintf(stderr, "lanyard-device: no socket to send from\n");
}

static unsigned copies(
	struct device_app *app, bool out, const struct peer *p, struct span s, uint64_t now_us)
{
	bool stream = bearer_timing(p->bearer)->reliable; /* which loses nothing */
	return app->impair && !stream ? dev_impair_take(app->impair, out, p, s, now_us / 1000) : 1;
}

static void send_all(struct device_app *app, uint64_t now_us)
{
	for (struct dev_datagram *g = app->out.datagrams; g; g = g->next) {
		for (unsigned n = copies(app, true, &g->to, g->bytes, now_us); n; n--)
			send_one(app, &g->to, g->bytes);
	}
}

static uint16_t place_of(const struct device_app *app, uint8_t bearer, uint32_t index)
{
	switch ((enum bearer)bearer) {
	case BEARER_TCP:
		return DEVICE_TCP_PLACE;
	case BEARER_TLS:
		return DEVICE_TLS_PLACE;
	case BEARER_DTLS:
		return DEVICE_DTLS_PLACE;
	case BEARER_NONE:
	case BEARER_UDP:
	case BEARER_SMS:
	case BEARER_NONIP:
		break;
	}
	return (uint16_t)(index % app->o->sockets);
}

static void connect_later(struct device_app *app, const struct dev_event *e)
{
	if (app->connect_n == app->connect_cap) {
		size_t cap = app->connect_cap ? app->connect_cap * 2 : 64;
		struct device_connect *c = realloc(app->connects, cap * sizeof(*c));
		if (!c)
			return; /* the device stays where it is; the summary counts it */
		app->connects = c;
		app->connect_cap = cap;
	}
	struct device_connect *c = &app->connects[app->connect_n++];
	c->dev = e->dev;
	c->good = device_resolve(app, e->text, &c->to);
	c->to.listener = place_of(app, c->to.bearer, dev_index(e->dev));
	net_hang_up(app->net, &c->to); /* of whose end we may not know */
}

static void take_events(struct device_app *app, uint64_t now_us)
{
	for (const struct dev_event *e = app->out.events; e; e = e->next) {
		uint32_t index = dev_index(e->dev);
		bool registered = e->kind == DEV_EVENT_DONE && e->op == DEV_OP_REGISTER;
		if (registered && !app->registered[index]) {
			app->registered[index] = true;
			app->report.registered_ever++;
			if (app->report.registered_ever == app->count)
				app->report.all_registered_us = now_us;
		}
		device_report_event(&app->report, e, now_us);
		if (e->kind == DEV_EVENT_CONNECT)
			connect_later(app, e);
		else if (e->kind == DEV_EVENT_STOPPED)
			app->stopped++;
	}
}

static void give_up(struct device_app *app, int code)
{
	app->code = code;
	event_base_loopbreak(app->base);
}

/* Empties app->out until nothing new comes of it. */
static void flush(struct device_app *app, uint64_t now_us)
{
	do {
		if (app->out.err)
			fprintf(stderr, "lanyard-device: %s\n", err_text(app->out.err));
		if (!save(app)) {
			give_up(app, DEVICE_EXIT_FAILURE);
			return;
		}
		send_all(app, now_us);
		take_events(app, now_us);
		dev_out_reset(&app->out);
		for (size_t i = 0; i < app->connect_n; i++) {
			struct device_connect *c = &app->connects[i];
			dev_connect(c->dev, c->good ? &c->to : NULL, now_us, &app->out);
		}
		app->connect_n = 0;
	} while (app->out.events);
	net_flush(app->net);
	device_record_flush(&app->record);
	fflush(stdout);
}

/* How many of the fleet are due by now, at --rate. */
static uint32_t due(const struct device_app *app, uint64_t since_us, uint64_t now_us)
{
	return dev_ramp_due(app->count, app->o->rate, now_us - since_us);
}

static void stop_all(struct device_app *app, bool deregister, uint64_t now_us)
{
	if (app->stopping)
		return;
	app->stopping = true;
	app->deregister = deregister;
	app->stop_us = now_us;
}

static void start_and_stop(struct device_app *app, uint64_t now_us)
{
	const struct device_options *o = app->o;
	uint32_t n = 0;
	if (!app->stopping) {
		uint32_t end = due(app, app->start_us, now_us);
		while (app->started < end && n++ < PER_TICK)
			dev_start(app->devs[app->started++], now_us, &app->out);
		if (o->duration_s && now_us - app->start_us >= o->duration_s * (uint64_t)SECOND_US)
			stop_all(app, o->deregister, now_us);
		if (o->once && app->report.registered_ever == app->count)
			stop_all(app, o->deregister, now_us);
	}
	if (app->stopping) {
		uint32_t end = app->deregister ? due(app, app->stop_us, now_us) : app->count;
		while (app->stop_asked < end)
			dev_stop(app->devs[app->stop_asked++], app->deregister, now_us, &app->out);
	}
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void arm(struct device_app *app, uint64_t now_us)
{
	const struct device_options *o = app->o;
	uint64_t next = dev_next_us(app->host);
	if (app->started < app->count && !app->stopping)
		next = earlier(next, app->start_us + dev_ramp_at_us(o->rate, app->started));
	if (app->stopping && app->stop_asked < app->count)
		next = earlier(next, app->stop_us + dev_ramp_at_us(o->rate, app->stop_asked));
	if (app->impair && dev_impair_next_ms(app->impair) != UINT64_MAX)
		next = earlier(next, dev_impair_next_ms(app->impair) * 1000);
	if (o->duration_s && !app->stopping)
		next = earlier(next, app->start_us + o->duration_s * (uint64_t)SECOND_US);
	next = earlier(next, app->progress_us);
	next = next > now_us ? next - now_us : 0;
	struct timeval tv = {(time_t)(next / SECOND_US), (suseconds_t)(next % SECOND_US)};
	evtimer_add(app->tick, &tv);
}

static struct dev *device_of(struct device_app *app, const struct peer *from)
{
	if (!device_is_fleet(app->o))
		return app->devs[0];
	struct reader r = rd_make(span_make(from->local, from->local_n));
	uint32_t index = rd_u32(&r) - DEVICE_FLEET_FIRST;
	return from->local_n == 4 && index < app->started ? app->devs[index] : NULL;
}

static void receive_one(
	struct device_app *app, const struct peer *from, struct span datagram, uint64_t now_us)
{
	struct dev *d = device_of(app, from);
	record(app, false, from, d ? dev_endpoint(d) : "", datagram);
	if (d)
		dev_input(d, from, datagram, now_us, &app->out);
}

/* What the bad network held back until now. */
static void arrivals(struct device_app *app, uint64_t now_us)
{
	struct dev_impair_datagram d;
	while (app->impair && dev_impair_due(app->impair, now_us / 1000, &d)) {
		if (d.out)
			send_one(app, &d.peer, d.bytes);
		else
			receive_one(app, &d.peer, d.bytes, now_us);
	}
}

static void work(struct device_app *app)
{
	uint64_t now_us = device_app_now_us();
	arrivals(app, now_us);
	start_and_stop(app, now_us);
	dev_tick(app->host, now_us, &app->out);
	flush(app, now_us);
	if (app->o->once && app->report.registered_ever == app->count && !app->stopping) {
		start_and_stop(app, now_us);
		flush(app, now_us);
	}
	if (now_us >= app->progress_us) {
		device_report_progress(&app->report, now_us);
		app->progress_us = now_us + SECOND_US;
	}
	if (app->stopped == app->count)
		event_base_loopbreak(app->base);
	else
		arm(app, now_us);
}

void device_loop_input(void *arg, const struct peer *from, struct span datagram)
{
	struct device_app *app = arg;
	uint64_t now_us = device_app_now_us();
	for (unsigned n = copies(app, false, from, datagram, now_us); n; n--)
		receive_one(app, from, datagram, now_us);
}

void device_loop_closed(void *arg, const struct peer *who)
{
	struct device_app *app = arg;
	struct dev *d = device_of(app, who);
	if (d)
		dev_closed(d, who, device_app_now_us(), &app->out);
}

void device_loop_turn(void *arg)
{
	work(arg);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	work(arg);
}

/* The second signal does not wait for answers. */
static void on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct device_app *app = arg;
	(void)fd;
	(void)what;
	if (app->stopping) {
		event_base_loopbreak(app->base);
		return;
	}
	const struct device_options *o = app->o;
	bool deregister = o->deregister || (device_is_fleet(o) && !o->keep);
	stop_all(app, deregister, device_app_now_us());
	work(app);
}

bool device_loop_run(struct device_app *app)
{
	static const int numbers[2] = {SIGTERM, SIGINT};
	signal(SIGPIPE, SIG_IGN);
	app->tick = evtimer_new(app->base, on_tick, app);
	for (size_t i = 0; i < 2; i++) {
		app->signals[i] = evsignal_new(app->base, numbers[i], on_signal, app);
		if (!app->signals[i] || evsignal_add(app->signals[i], NULL) != 0)
			return false;
	}
	if (!app->tick)
		return false;
	work(app);
	if (!event_base_got_break(app->base))
		event_base_dispatch(app->base);
	return true;
}
