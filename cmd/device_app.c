/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/device_app.h"

#include "base/heap.h"
#include "cmd/device_files.h"
#include "cmd/device_fleet.h"
#include "device/ramp.h"
#include "transport/net.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FLEET_STATE_MAX = 256 };

static uint64_t clock_us(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t device_app_now_us(void)
{
	return clock_us(CLOCK_BOOTTIME);
}

static bool fail(struct device_app *app, int code, const char *what, const char *why)
{
	fprintf(stderr, "lanyard-device: %s: %s\n", what, why);
	app->code = code;
	return false;
}

bool device_app_save(struct device_app *app, struct dev *d, bool clean)
{
	uint8_t text[DEV_STATE_MAX];
	struct writer w = wr_make(text, sizeof(text));
	enum err e = dev_state_write(d, clean, &w);
	if (e == ERR_OK)
		e = device_file_replace(app->o->state, wr_span(&w));
	secret_wipe(text, sizeof(text));
	return e == ERR_OK || fail(app, DEVICE_EXIT_FAILURE, app->o->state, err_text(e));
}

bool device_app_save_limit(struct device_app *app, uint64_t limit)
{
	uint8_t text[FLEET_STATE_MAX];
	struct writer w = wr_make(text, sizeof(text));
	wr_fmt(&w, "lanyard-fleet-state 1\nnext %" PRIu64 "\n", limit);
	enum err e = device_file_replace(app->o->state, wr_span(&w));
	return e == ERR_OK || fail(app, DEVICE_EXIT_FAILURE, app->o->state, err_text(e));
}

static enum err parse_limit(struct span s, uint64_t *limit)
{
	static const struct span head = SPAN_LIT("lanyard-fleet-state 1\nnext ");
	if (!span_eq(span_sub(s, 0, head.n), head) || s.p[s.n - 1] != '\n')
		return ERR_SYNTAX;
	return span_to_u64(span_sub(s, head.n, s.n - head.n - 1), OSC_SSN_MAX + 1, limit);
}

static bool load_limit(struct device_app *app)
{
	struct span text;
	uint64_t limit;
	enum err e = device_file_read(app->o->state, FLEET_STATE_MAX, &text);
	if (e == ERR_NOTFOUND)
		return true;
	if (e == ERR_OK) {
		e = parse_limit(text, &limit);
		free((void *)(uintptr_t)text.p);
	}
	if (e)
		return fail(app, DEVICE_EXIT_FAILURE, app->o->state, err_text(e));
	dev_host_start_at(app->host, limit);
	return true;
}

/* What was clean on disk is clean no longer once datagrams may come in. */
static bool load_state(struct device_app *app)
{
	struct span text;
	struct dev *d = app->devs[0];
	enum err e = device_file_read(app->o->state, DEV_STATE_MAX, &text);
	if (e == ERR_OK) {
		e = dev_state_read(d, text);
		secret_wipe((void *)(uintptr_t)text.p, text.n);
		free((void *)(uintptr_t)text.p);
	} else if (e == ERR_NOTFOUND) {
		e = ERR_OK;
	}
	if (e)
		return fail(app, DEVICE_EXIT_FAILURE, app->o->state, err_text(e));
	return device_app_save(app, d, false);
}

static bool lock_state(struct device_app *app)
{
	enum err e = app->o->state ? device_file_lock(app->o->state) : ERR_OK;
	return e == ERR_OK || fail(app, DEVICE_EXIT_FAILURE, app->o->state, err_text(e));
}

static enum err grow(struct device_app *app)
{
	uint32_t cap = app->cap ? app->cap * 2 : 16;
	struct dev **devs = realloc(app->devs, cap * sizeof(*devs));
	if (!devs)
		return ERR_NOMEM;
	app->devs = devs;
	bool *registered = realloc(app->registered, cap * sizeof(*registered));
	if (!registered)
		return ERR_NOMEM;
	app->registered = registered;
	app->cap = cap;
	return ERR_OK;
}

static bool is_coaps(const struct dev_credentials *c)
{
	return bearer_is_channel(dev_uri_bearer(span_str(c->server_uri))) ||
	       bearer_is_channel(dev_uri_bearer(span_str(c->bootstrap_uri)));
}

static enum err add_device(void *arg, uint32_t index, const struct dev_credentials *c)
{
	struct device_app *app = arg;
	uint8_t local[4];
	heap_grown();
	struct writer w = wr_make(local, sizeof(local));
	if (device_is_fleet(app->o))
		wr_u32(&w, DEVICE_FLEET_FIRST + index);
	if (device_is_fleet(app->o) && is_coaps(c)) {
		fail(app, DEVICE_EXIT_USAGE, c->endpoint, "coaps is for one device, not for many");
		return ERR_UNSUPPORTED;
	}
	memcpy(app->psk_identity, c->psk_identity, sizeof(app->psk_identity));
	app->psk.key_n = c->psk_n;
	memcpy(app->psk.key, c->psk_key, sizeof(app->psk.key));
	enum err e = index < app->cap ? ERR_OK : grow(app);
	if (e == ERR_OK)
		e = dev_new(app->host, index, c, wr_span(&w), &app->devs[index]);
	if (e) {
		fail(app, DEVICE_EXIT_USAGE, c->endpoint, err_text(e));
		return e;
	}
	app->registered[index] = false;
	app->count = index + 1;
	return ERR_OK;
}

/* A fleet is told apart by its IPv4 addresses; for one device a host may have no IPv6. */
static enum err listen_on(struct device_app *app, uint16_t index, char *why)
{
	bool fleet = device_is_fleet(app->o);
	enum err e = fleet ? ERR_UNSUPPORTED : net_listen_udp(app->net, index, "*", 0, why);
	return e ? net_listen_udp(app->net, index, "0.0.0.0", 0, why) : ERR_OK;
}

static bool on_own(void *arg, const struct peer *to, char identity[static CHANNEL_IDENTITY_MAX + 1],
	struct channel_psk *out)
{
	const struct device_app *app = arg;
	(void)to;
	memcpy(identity, app->psk_identity, sizeof(app->psk_identity));
	*out = app->psk;
	return app->psk.key_n > 0;
}

static void on_failed(void *arg, const struct peer *who, const struct channel_failure *f)
{
	(void)arg, (void)who, (void)f;
	fputs("lanyard-device: a DTLS or TLS handshake came to nothing\n", stderr);
}

/* DTLS and TLS, for one device. */
static bool open_channels(struct device_app *app)
{
	enum { IDLE_MS = 86400000, HANDSHAKE_MS = 60000 };
	char why[256] = "";
	net_secure(app->net, &(struct net_secure){.own = on_own,
				     .failed = on_failed,
				     .sessions = 4,
				     .handshakes = 4,
				     .idle_ms = IDLE_MS,
				     .handshake_ms = HANDSHAKE_MS});
	enum err e = net_dial_tls(app->net, DEVICE_TLS_PLACE, why);
	if (!e)
		e = net_dial_dtls(app->net, DEVICE_DTLS_PLACE, "*", why);
	if (e == ERR_IO || e == ERR_NOTFOUND)
		e = net_dial_dtls(app->net, DEVICE_DTLS_PLACE, "0.0.0.0", why);
	return !e || fail(app, DEVICE_EXIT_FAILURE, "socket", why);
}

static bool open_sockets(struct device_app *app)
{
	char why[256];
	app->base = event_base_new();
	if (!app->base)
		return fail(app, DEVICE_EXIT_FAILURE, "event loop", err_text(ERR_NOMEM));
	enum err e = net_new(app->base, device_loop_input, device_loop_turn, app, &app->net);
	if (e)
		return fail(app, DEVICE_EXIT_FAILURE, "socket", err_text(e));
	for (uint32_t i = 0; i < app->o->sockets; i++) {
		if (listen_on(app, (uint16_t)i, why) != ERR_OK)
			return fail(app, DEVICE_EXIT_FAILURE, "socket", why);
	}
	e = net_dial_tcp(app->net, DEVICE_TCP_PLACE);
	if (e)
		return fail(app, DEVICE_EXIT_FAILURE, "socket", err_text(e));
	net_on_closed(app->net, device_loop_closed);
	return device_is_fleet(app->o) || open_channels(app);
}

/* A fleet draws its tokens from a seed: repeatable, and without a system call for each. What its
 * devices keep secret does not come from here. */
static bool open_chance(struct device_app *app, struct rng *rng)
{
	struct rng system = rng_system();
	uint64_t seed = app->o->seed_given ? app->o->seed : rng_u64(&system);
	bool fleet = device_is_fleet(app->o);
	*rng = fleet ? rng_test(app->rng_state, seed) : system;
	if (!dev_impair_wanted(&app->o->impair))
		return true;
	enum err e = dev_impair_new(&app->o->impair, seed, &app->impair);
	return e == ERR_OK || fail(app, DEVICE_EXIT_FAILURE, "network", err_text(e));
}

static bool open_devices(struct device_app *app)
{
	struct dev_options o = app->o->dev;
	struct rng rng;
	if (!open_chance(app, &rng))
		return false;
	if (app->o->update_rate)
		o.update_interval_ms = 1; /* until their number is known */
	app->start_us = device_app_now_us();
	o.wall_offset_ms =
		(int64_t)(clock_us(CLOCK_REALTIME) / 1000) - (int64_t)(app->start_us / 1000);
	enum err e = dev_host_new(&o, &rng, app->start_us, &app->host);
	if (e)
		return fail(app, DEVICE_EXIT_FAILURE, "crypto", err_text(e));
	app->report.base_bytes = device_report_resident();
	if (app->o->state && device_is_fleet(app->o) && !load_limit(app))
		return false;
	if (device_fleet_each(app->o, add_device, app) != ERR_OK) {
		app->code = app->code ? app->code : DEVICE_EXIT_USAGE;
		return false;
	}
	if (app->o->update_rate)
		dev_host_update_interval(
			app->host, dev_ramp_interval_ms(app->count, app->o->update_rate));
	return !app->o->state || device_is_fleet(app->o) || load_state(app);
}

static enum device_report_style style_of(const struct device_options *o)
{
	if (o->json)
		return DEVICE_REPORT_JSON;
	if (o->events)
		return DEVICE_REPORT_EVENTS;
	if (o->quiet || o->json_summary)
		return DEVICE_REPORT_QUIET;
	return device_is_fleet(o) ? DEVICE_REPORT_COUNTS : DEVICE_REPORT_TEXT;
}

bool device_app_open(struct device_app *app, const struct device_options *o)
{
	memset(app, 0, sizeof(*app));
	app->o = o;
	dev_out_init(&app->out);
	app->report.style = style_of(o);
	app->report.json_summary = o->json || o->json_summary;
	app->report.progress = o->progress || (device_is_fleet(o) && !o->quiet && isatty(2));
	app->report.lossy = o->impair.loss_ppm > 0;
	if (!lock_state(app) || !open_devices(app) || !open_sockets(app))
		return false;
	if (o->record && device_record_open(&app->record, o->record) != ERR_OK)
		return fail(app, DEVICE_EXIT_FAILURE, o->record, "cannot be written");
	app->report.start_us = app->start_us;
	app->report.devices = app->count;
	app->report.host = app->host;
	app->report.impair = app->impair;
	return true;
}

void device_app_close(struct device_app *app)
{
	if (device_record_close(&app->record) != ERR_OK)
		fail(app, DEVICE_EXIT_FAILURE, app->o->record, "not written completely");
	for (size_t i = 0; i < 2; i++) {
		if (app->signals[i])
			event_free(app->signals[i]);
	}
	if (app->tick)
		event_free(app->tick);
	if (app->net)
		net_release(app->net);
	net_free(app->net);
	secret_wipe(&app->psk, sizeof(app->psk));
	if (app->base)
		event_base_free(app->base);
	dev_out_fini(&app->out);
	dev_host_free(app->host);
	dev_impair_free(app->impair);
	free(app->devs);
	free(app->registered);
	free(app->connects);
}
