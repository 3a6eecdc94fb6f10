/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon: sockets, clocks, signals and systemd around the core. */
#include "admin/admin.h"
#include "base/heap.h"
#include "base/secret.h"
#include "base/text.h"
#include "cmd/core.h"
#include "cmd/lanyardd_gateway.h"
#include "cmd/lanyardd_identity.h"
#include "cmd/lanyardd_models.h"
#include "cmd/lanyardd_restore.h"
#include "cmd/lanyardd_store.h"
#include "oscore/crypto.h"
#include "storage/sqlite.h"
#include "transport/net.h"

#include <event2/event.h>
#include <getopt.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_CONFIG "/etc/lanyard/lanyard.conf"

enum {
	EXIT_USAGE = 2,
	WHY_MAX = 256,
	EXCHANGE_LIFETIME_MS = 247000,
	HANDSHAKE_MS = 60000,
	SPARED_MS = 2000,
	SESSIONS_EACH = 16
};

struct daemon {
	struct cfg cfg;
	const char *config; /* NULL: the default path, which may be missing */
	struct event_base *base;
	struct event *timer, *store_event, *images_event, *wake_event, *watchdog, *sig[3];
	struct net *net;
	struct gateways *gateways;
	struct adm *adm;
	struct core *core;
	struct store_images *images;
	struct core_images image_ops;
	uint64_t armed_ms; /* what the timer is set to; UINT64_MAX: nothing */
	uint64_t watchdog_us;
	struct daemon_inherited inherited;
	bool in_turn;
	bool started; /* the database is loaded, its clean-stop marker cleared */
};

/* ---- clocks */

static uint64_t boot_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static int64_t wall_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- the log */

static void apply_log(const struct cfg *c)
{
	log_set_level((enum log_level)c->log_level);
	log_set_json(c->log_format ? wall_ms : NULL);
}

static void begin_turn(struct daemon *d)
{
	if (d->in_turn)
		return;
	d->in_turn = true;
	core_time(d->core, boot_ms(), wall_ms());
}

static void arm_timer(struct daemon *d)
{
	uint64_t due = core_deadline_ms(d->core), now = boot_ms();
	if (due == d->armed_ms)
		return;
	d->armed_ms = due;
	if (due == UINT64_MAX) {
		evtimer_del(d->timer);
		return;
	}
	uint64_t wait = due > now ? due - now : 0;
	if (wait > 3600000)
		wait = 3600000;
	struct timeval tv = {(time_t)(wait / 1000), (suseconds_t)(wait % 1000 * 1000)};
	evtimer_add(d->timer, &tv);
}

static void end_turn(struct daemon *d)
{
	core_turn_end(d->core);
	net_flush(d->net);
	if (d->gateways)
		gateways_flush(d->gateways);
	d->in_turn = false;
	arm_timer(d);
}

/* ---- what the loop calls */

static void on_input(void *arg, const struct peer *from, struct span datagram)
{
	struct daemon *d = arg;
	begin_turn(d);
	core_input_by(d->core, from, net_mark(d->net, from), datagram);
}

static void on_expect(void *arg, const struct span *datagrams, size_t n)
{
	struct daemon *d = arg;
	core_expect(d->core, datagrams, n);
}

static void on_closed(void *arg, const struct peer *who)
{
	struct daemon *d = arg;
	begin_turn(d);
	core_closed(d->core, who);
}

static void on_message(void *arg, const struct peer *from, struct span datagram)
{
	struct daemon *d = arg;
	begin_turn(d);
	core_input(d->core, from, datagram);
}

static void on_link(void *arg, const struct gateway *g, bool up)
{
	struct daemon *d = arg;
	begin_turn(d);
	if (up)
		core_link_up(d->core, gateway_number_of(g));
}

static void on_unsent(void *arg, const struct peer *to, struct span datagram)
{
	struct daemon *d = arg;
	begin_turn(d);
	core_unsent(d->core, to, datagram);
}

static void on_mtu(void *arg, const struct peer *to, uint32_t bytes)
{
	struct daemon *d = arg;
	begin_turn(d);
	core_mtu(d->core, to, bytes);
}

static bool on_psk(void *arg, uint16_t listener, struct span identity, struct channel_psk *out)
{
	struct daemon *d = arg;
	return core_psk(d->core, listener, identity, out);
}

static bool on_known(void *arg, uint16_t listener, uint64_t mark)
{
	struct daemon *d = arg;
	return core_credential_known(d->core, listener, mark);
}

static enum channel_fault on_peer(
	void *arg, uint16_t listener, const struct channel_peer *peer, struct channel_owner *out)
{
	struct daemon *d = arg;
	begin_turn(d);
	return core_channel_peer(d->core, listener, peer, out);
}

static void on_failed(void *arg, const struct peer *who, const struct channel_failure *f)
{
	struct daemon *d = arg;
	begin_turn(d);
	daemon_tell_failed(core_channel_failed(d->core, who, f), f, who, boot_ms());
}

static void on_reads_over(void *arg)
{
	end_turn(arg);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	(void)fd, (void)what;
	d->armed_ms = UINT64_MAX;
	begin_turn(d);
	core_timers(d->core);
	end_turn(d);
}

static void on_store(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	(void)fd, (void)what;
	begin_turn(d);
	core_store_poll(d->core);
	end_turn(d);
}

static void on_images(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	(void)fd, (void)what;
	begin_turn(d);
	store_images_poll(d->images);
	end_turn(d);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	(void)fd, (void)what;
	begin_turn(d);
	end_turn(d);
}

/* ---- what the core says */

static void say_send(void *arg, const struct peer *to, struct span bytes)
{
	struct daemon *d = arg;
	enum err err = ERR_STATE;
	if (gateway_is(to) && d->gateways)
		err = gateways_send(d->gateways, to, bytes);
	else if (d->net)
		err = net_send(d->net, to, bytes);
	if (!err)
		return;
	log_fields(
		LOG_LEVEL_DEBUG, "datagram not sent", log_text("reason", span_str(err_text(err))));
	core_unsent(d->core, to, bytes);
}

/* Peers cause events: their lines are limited, not the events. */
static void log_event(const struct rec_event *e)
{
	static struct log_rate rate = {.interval_ms = 10, .burst = 200, .tokens = 200};
	bool chatty = span_eq_str(e->type, "notification") || span_eq_str(e->type, "updated") ||
		      span_eq_str(e->type, "send");
	if (span_eq_str(e->type, "trace")) /* for those who asked, not for a file that stays */
		return;
	char type[64];
	struct writer w = wr_make(type, sizeof(type) - 1);
	enum log_level level = chatty ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
	uint64_t dropped = rate.dropped;
	if (span_eq_str(e->type, "key-limit"))
		level = LOG_LEVEL_WARNING;
	if (!log_enabled(level) || !log_rate_pass(&rate, boot_ms()))
		return;
	if (dropped)
		log_fields(LOG_LEVEL_NOTICE, "events not logged",
			log_number("count", (int64_t)dropped));
	wr_bytes(&w, span_sub(e->type, 0, sizeof(type) - 1));
	type[w.n] = '\0';
	log_fields(level, type, log_text("endpoint", e->endpoint), log_raw_json("data", e->json));
}

static void say_event(void *arg, const struct rec_event *e)
{
	struct daemon *d = arg;
	struct adm_event out = {.seq = e->seq,
		.wall_ms = e->wall_ms,
		.type = e->type,
		.endpoint = e->endpoint,
		.json = e->json};
	if (d->adm)
		adm_event_emit(d->adm, &out);
	log_event(e);
}

static void say_refused(void *arg, const struct ep_delivery *d)
{
	static struct log_rate rate = {.interval_ms = 100, .burst = 20, .tokens = 20};
	char peer[PEER_TEXT_MAX + 1];
	struct writer p = wr_make(peer, sizeof(peer) - 1);
	uint64_t dropped = rate.dropped;
	(void)arg;
	if (!log_enabled(LOG_LEVEL_INFO) || !log_rate_pass(&rate, boot_ms()))
		return;
	wr_peer(&p, &d->from);
	log_fields(LOG_LEVEL_INFO, "request refused",
		log_word("reason", ep_reason_info(d->reason)->code),
		log_text("endpoint", d->endpoint ? ep_name(d->endpoint) : SPAN_EMPTY),
		log_hex("kid", osc_id_span(&d->kid)), log_text("peer", wr_span(&p)),
		log_number("not_logged", (int64_t)dropped));
}

static void say_metrics(void *arg, adm_metric_fn *fn, void *cb_arg)
{
	const struct daemon *d = arg;
	daemon_net_metrics(d->net, fn, cb_arg);
	daemon_gateway_metrics(d->gateways, fn, cb_arg);
}

static void say_gateways(void *arg, struct adm_status *out)
{
	const struct daemon *d = arg;
	daemon_gateway_status(d->gateways, &d->cfg, out);
}

static void say_wake(void *arg)
{
	struct daemon *d = arg;
	/* Admin calls run outside turns: their time is now. */
	begin_turn(d);
	event_active(d->wake_event, 0, 0);
}

/* ---- signals */

static void on_stop(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;
	(void)what;
	log_fields(
		LOG_LEVEL_NOTICE, "stopping", log_word("signal", sig == SIGTERM ? "TERM" : "INT"));
	sd_notify(0, "STOPPING=1");
	event_base_loopbreak(d->base);
}

static const char *config_path(const struct daemon *d)
{
	return d->config ? d->config : DEFAULT_CONFIG;
}

static void say_config_error(void *arg, const char *file, uint32_t line, const char *text)
{
	struct log_field at[] = {log_word("file", file), log_number("line", line)};
	char message[1300], number[16];
	(void)arg;
	snprintf(number, sizeof(number), ":%u", line);
	snprintf(message, sizeof(message), "%s%s: %s", file, line ? number : "", text);
	at[0].json_only = at[1].json_only = true;
	log_entry(LOG_LEVEL_ERROR, message, at, line ? 2 : 1);
}

static struct daemon_identity identity_of(const struct daemon *d)
{
	return (struct daemon_identity){&d->cfg, config_path(d), say_config_error};
}

static void on_reload(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;
	struct cfg fresh;
	char refused[512] = "";
	(void)sig, (void)what;
	sd_notify(0, "RELOADING=1");
	enum err err = cfg_load(config_path(d), &fresh, say_config_error, NULL);
	if (err) {
		log_fields(LOG_LEVEL_ERROR, "configuration not reloaded, the old one stays",
			log_word("file", config_path(d)),
			log_text("reason", span_str(err_text(err))));
	} else {
		cfg_reload(&d->cfg, &fresh, refused, sizeof(refused));
		apply_log(&d->cfg);
		log_fields(LOG_LEVEL_NOTICE, "configuration reloaded",
			log_word("file", config_path(d)));
		(void)daemon_models_load(d->cfg.models_dir);
		struct daemon_identity id = identity_of(d);
		daemon_identity_reload(&id, d->net);
		if (refused[0])
			log_fields(LOG_LEVEL_WARNING, "some changes need a restart",
				log_text("options", span_str(refused)));
	}
	sd_notify(0, "READY=1");
}

static void on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	char text[160];
	struct writer w = wr_make(text, sizeof(text) - 1);
	(void)fd, (void)what;
	core_status_text(d->core, &w);
	text[w.n] = '\0';
	sd_notifyf(0, "WATCHDOG=1\nSTATUS=%s", text);
}

/* ---- starting and stopping */

static bool open_events(struct daemon *d)
{
	static const int signals[3] = {SIGTERM, SIGINT, SIGHUP};
	d->timer = evtimer_new(d->base, on_timer, d);
	d->wake_event = event_new(d->base, -1, 0, on_wake, d);
	for (size_t i = 0; i < 3; i++) {
		d->sig[i] = evsignal_new(d->base, signals[i], i < 2 ? on_stop : on_reload, d);
		if (!d->sig[i] || event_add(d->sig[i], NULL))
			return false;
	}
	uint64_t usec = 0;
	d->watchdog = event_new(d->base, -1, EV_PERSIST, on_watchdog, d);
	if (!d->timer || !d->wake_event || !d->watchdog)
		return false;
	bool watched = sd_watchdog_enabled(0, &usec) > 0 && usec;
	uint64_t interval = watched ? usec / 2 : 10000000;
	struct timeval tv = {(time_t)(interval / 1000000), (suseconds_t)(interval % 1000000)};
	return !event_add(d->watchdog, &tv);
}

/* Beside the database, whose directory is there and locked by now. */
static bool open_images(struct daemon *d, char *why)
{
	static const struct store_digest sha256 = {
		osc_sha256_begin, osc_sha256_add, osc_sha256_end};
	char dir[CFG_TEXT_MAX + 16];
	snprintf(dir, sizeof(dir), "%s/firmware", d->cfg.dir);
	enum err err = store_images_open(dir, &sha256, &d->images, why);
	if (err) {
		log_error("cannot start: %s", why[0] ? why : err_text(err));
		return false;
	}
	d->image_ops = daemon_image_ops(d->images);
	d->images_event =
		event_new(d->base, store_images_fd(d->images), EV_READ | EV_PERSIST, on_images, d);
	return d->images_event && !event_add(d->images_event, NULL);
}

static bool open_core(struct daemon *d)
{
	char why[WHY_MAX] = "";
	struct store *store = NULL;
	struct core_opts o = {.cfg = &d->cfg,
		.images = &d->image_ops,
		.rng = rng_system(),
		.io = {.send = say_send,
			.event = say_event,
			.refused = say_refused,
			.wake = say_wake,
			.storage = daemon_say_storage,
			.rolled_back = daemon_say_rolled_back,
			.damaged = daemon_say_damaged,
			.metrics = say_metrics,
			.gateways = say_gateways,
			.arg = d}};
	enum err err = core_new(&o, &d->core);
	if (err) {
		log_fields(LOG_LEVEL_ERROR, "cannot start",
			log_text("reason", span_str(err_text(err))));
		return false;
	}
	struct store_sqlite_opts so = {.dir = d->cfg.dir,
		.anchor = d->cfg.anchor,
		.exchange_lifetime_ms = EXCHANGE_LIFETIME_MS,
		.log_rows_max = d->cfg.log_rows,
		.event_ring = d->cfg.event_ring};
	err = store_sqlite_open(&so, core_store_done, d->core, &store, why);
	if (err) {
		log_error("cannot start: %s", why[0] ? why : err_text(err));
		return false;
	}
	why[0] = '\0';
	if (!open_images(d, why)) {
		store_free(store);
		return false;
	}
	err = core_start(d->core, store, boot_ms(), wall_ms());
	if (err) {
		log_fields(LOG_LEVEL_ERROR, "cannot load the database", log_word("dir", d->cfg.dir),
			log_text("reason", span_str(err_text(err))));
		return false;
	}
	d->started = true;
	d->store_event =
		event_new(d->base, core_store_fd(d->core), EV_READ | EV_PERSIST, on_store, d);
	return d->store_event && !event_add(d->store_event, NULL);
}

static bool open_listeners(struct daemon *d)
{
	char why[WHY_MAX];
	struct daemon_identity id = identity_of(d);
	if (net_new(d->base, on_input, on_reads_over, d, &d->net)) {
		log_error("cannot start the network: out of memory");
		return false;
	}
	net_on_closed(d->net, on_closed);
	net_expect(d->net, on_expect);
	net_secure(d->net, &(struct net_secure){.psk = on_psk,
				   .known = on_known,
				   .peer = on_peer,
				   .failed = on_failed,
				   .sessions = d->cfg.dtls_sessions,
				   .sessions_each = SESSIONS_EACH,
				   .handshakes = d->cfg.dtls_handshakes,
				   .handshakes_each = d->cfg.dtls_handshakes_per_address,
				   .spared_ms = SPARED_MS,
				   .idle_ms = d->cfg.dtls_idle_s * UINT64_C(1000),
				   .handshake_ms = HANDSHAKE_MS});
	for (size_t i = 0; i < d->cfg.listen_n; i++) {
		const struct cfg_listen *l = &d->cfg.listen[i];
		why[0] = '\0';
		if (!daemon_identity_load(&id, d->net, i))
			return false;
		if (daemon_listen(d->net, &d->cfg, i, &d->inherited, why)) {
			log_fields(LOG_LEVEL_ERROR, why, log_word("name", l->name));
			return false;
		}
		core_listener_port(d->core, i, net_port(d->net, (uint16_t)i));
		log_fields(LOG_LEVEL_NOTICE, "listening", log_word("name", l->name),
			log_word("role", l->role == CFG_ROLE_BOOTSTRAP ? "bootstrap" : "server"),
			log_word("transport", cfg_transport_name(l->transport)),
			log_word("address", l->address),
			log_number("port", net_port(d->net, (uint16_t)i)),
			l->nosec ? log_word("nosec", "yes") : (struct log_field){0});
	}
	return true;
}

static bool open_gateways(struct daemon *d)
{
	struct gateway_host host = {.input = on_message,
		.turn = on_reads_over,
		.link = on_link,
		.unsent = on_unsent,
		.mtu = on_mtu,
		.arg = d};
	if (!gateways_new(d->base, &host, &d->gateways))
		return daemon_gateways(d->gateways, &d->cfg, &d->inherited);
	log_error("cannot open gateways: out of memory");
	return false;
}

static bool open_admin(struct daemon *d)
{
	char why[WHY_MAX] = "";
	struct adm_ops ops;
	const char *group = d->cfg.socket_group;
	if (d->inherited.admin < 0 && group[0] && !getgrnam(group)) {
		log_fields(LOG_LEVEL_WARNING, "no such group, the admin socket keeps its owner's",
			log_word("group", group));
		group = "";
	}
	core_admin_ops(d->core, &ops);
	struct adm_opts o = {.socket = d->cfg.socket,
		.mode = d->cfg.socket_mode,
		.group = group,
		.fd = d->inherited.admin,
		.wait_default_s = 60,
		.wait_max_s = 600,
		.operation_keep_s = 3600,
		.idempotency_keep_s = 24 * 3600,
		.rng = rng_system(),
		.event_clients_max = 64};
	if (adm_new(d->base, &ops, &o, &d->adm, why)) {
		log_error("cannot open the admin socket: %s", why);
		return false;
	}
	return true;
}

static int close_all(struct daemon *d)
{
	int status = EXIT_SUCCESS;
	sigset_t all;
	/* A second signal must not cut the stop short; it waits until there is nobody to kill. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	/* Sockets first: nothing may arrive behind the exact windows. */
	if (d->net)
		net_pause(d->net);
	if (d->gateways)
		gateways_pause(d->gateways);
	adm_free(d->adm);
	d->adm = NULL;
	if (d->images_event)
		event_free(d->images_event);
	store_images_close(d->images);
	d->images = NULL;
	if (d->started) {
		core_time(d->core, boot_ms(), wall_ms());
		enum err err = core_stop(d->core);
		if (d->net) {
			net_flush(d->net);
			net_release(d->net);
		}
		if (d->gateways)
			gateways_flush(d->gateways);
		if (err) {
			log_fields(LOG_LEVEL_ERROR,
				"not stopped cleanly, the next start treats it as a crash",
				log_text("reason", span_str(err_text(err))));
			if (err ==
				ERR_IO) /* a commit hangs: waiting for its thread might never end */
				_exit(EXIT_FAILURE);
			status = EXIT_FAILURE;
		} else {
			log_notice("stopped");
		}
	}
	if (d->store_event)
		event_free(d->store_event);
	core_free(d->core);
	daemon_models_free();
	net_free(d->net);
	gateways_free(d->gateways);
	for (size_t i = 0; i < 3; i++)
		if (d->sig[i])
			event_free(d->sig[i]);
	struct event *own[] = {d->timer, d->wake_event, d->watchdog};
	for (size_t i = 0; i < 3; i++)
		if (own[i])
			event_free(own[i]);
	if (d->base)
		event_base_free(d->base);
	return status;
}

static int run(struct daemon *d)
{
	d->armed_ms = UINT64_MAX;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN); /* until there is something to reload */
	if (secret_harden_process())
		log_warning("core dumps could not be switched off");
	/* What is wrong with a file is no reason to leave the devices alone. */
	(void)daemon_models_load(d->cfg.models_dir);
	d->base = event_base_new();
	if (!d->base || !daemon_inherit(&d->cfg, &d->inherited) || !open_events(d) ||
		!open_core(d) || !open_listeners(d) || !open_gateways(d) || !open_admin(d)) {
		close_all(d);
		return EXIT_FAILURE;
	}
	log_fields(LOG_LEVEL_NOTICE, "ready", log_word("version", LANYARD_VERSION),
		log_word("dir", d->cfg.dir),
		log_word("socket", d->inherited.admin < 0 ? d->cfg.socket : "inherited"));
	sd_notify(0, "READY=1");
	begin_turn(d);
	end_turn(d);
	event_base_dispatch(d->base);
	return close_all(d);
}

/* ---- the command line */

static void usage(FILE *out)
{
	fputs("Usage: lanyardd [OPTION]...\n"
	      "LwM2M server and bootstrap server for devices secured by OSCORE.\n\n"
	      "  -c, --config FILE      configuration (default " DEFAULT_CONFIG "),\n"
	      "                         with conf.d/*.conf beside it\n"
	      "      --check-config     read the configuration, say what is wrong, and exit\n"
	      "      --print-config     print the effective values as an INI file, and exit\n"
	      "      --restore FILE     put a copy of the database (lanyardctl backup) in its\n"
	      "                         place, and exit; no daemon may run on it\n"
	      "      --print-example    print every option with its default, and exit\n"
	      "  -V, --version          print the version, and exit\n"
	      "  -h, --help             print this, and exit\n\n"
	      "SIGTERM stops cleanly; SIGHUP reads the configuration and\n"
	      "the object models again.\n"
	      "Exit status: 0 stopped cleanly, 1 could not start or stop, 2 usage or\n"
	      "configuration.\n\nOptions of the configuration file:\n",
		out);
	size_t n;
	const struct cfg_option *o = cfg_schema(&n);
	for (size_t i = 0; i < n; i++) {
		char name[64];
		snprintf(name, sizeof(name), "[%s] %s", o[i].section, o[i].key);
		fprintf(out, "  %-32s %s%s%s (default %s)\n", name, o[i].help,
			o[i].unit[0] ? ", " : "", o[i].unit,
			o[i].preset[0] ? o[i].preset : "empty");
	}
}

enum mode { MODE_RUN, MODE_CHECK, MODE_PRINT, MODE_RESTORE };

static bool load_config(struct daemon *d)
{
	enum err err = cfg_load(config_path(d), &d->cfg, say_config_error, NULL);
	if (err == ERR_NOTFOUND && !d->config) {
		cfg_defaults(&d->cfg);
		log_fields(LOG_LEVEL_NOTICE, "no configuration file, defaults are used",
			log_word("file", DEFAULT_CONFIG));
		return true;
	}
	if (err == ERR_NOTFOUND)
		say_config_error(NULL, d->config, 0, "no such file");
	return !err;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
		{"check-config", no_argument, NULL, 1}, {"print-config", no_argument, NULL, 2},
		{"print-example", no_argument, NULL, 3}, {"print-mdoc", no_argument, NULL, 5},
		{"restore", required_argument, NULL, 4}, {"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'}, {0}};
	static struct daemon d;
	enum mode mode = MODE_RUN;
	const char *copy = NULL;
	heap_tune();
	for (int c; (c = getopt_long(argc, argv, "c:Vh", options, NULL)) != -1;) {
		switch (c) {
		case 'c':
			d.config = optarg;
			break;
		case 1:
			mode = MODE_CHECK;
			break;
		case 2:
			mode = MODE_PRINT;
			break;
		case 3:
			cfg_print_example(stdout);
			return EXIT_SUCCESS;
		case 5: /* for those who write the manual */
			cfg_print_mdoc(stdout);
			return EXIT_SUCCESS;
		case 4:
			mode = MODE_RESTORE;
			copy = optarg;
			break;
		case 'V':
			puts("lanyardd " LANYARD_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		default:
			fputs("Try 'lanyardd --help'.\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "lanyardd: unexpected argument: %s\nTry 'lanyardd --help'.\n",
			argv[optind]);
		return EXIT_USAGE;
	}
	if (!load_config(&d))
		return EXIT_USAGE;
	apply_log(&d.cfg);
	struct daemon_identity id = identity_of(&d);
	if (!daemon_identity_possible(&id))
		return EXIT_USAGE;
	if (mode == MODE_PRINT)
		cfg_print(&d.cfg, stdout);
	if (mode == MODE_RESTORE)
		return daemon_restore(&d.cfg, copy);
	if (mode == MODE_CHECK &&
		(!daemon_models_load(d.cfg.models_dir) || !daemon_identity_check(&id)))
		return EXIT_USAGE;
	return mode == MODE_RUN ? run(&d) : EXIT_SUCCESS;
}
