/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon: sockets, clocks, signals and systemd around the core. */
#include "admin/admin.h"
#include "base/heap.h"
#include "base/secret.h"
#include "base/text.h"
#include "cmd/core.h"
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

enum { EXIT_USAGE = 2, WHY_MAX = 256, EXCHANGE_LIFETIME_MS = 247000 };

struct daemon {
	struct cfg cfg;
	const char *config; /* NULL: the default path, which may be missing */
	struct event_base *base;
	struct event *timer, *store_event, *wake_event, *watchdog, *sig[3];
	struct net *net;
	struct adm *adm;
	struct core *core;
	uint64_t armed_ms; /* what the timer is set to; UINT64_MAX: nothing */
	uint64_t watchdog_us;
	int admin_fd; /* inherited from systemd, or -1 */
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

/* [log] format = json: a line is an object. */
static void json_line(void *arg, enum log_level level, const char *line)
{
	char out[8192]; /* a line of 1 KiB, every byte of it escaped */
	struct writer w = wr_make(out, sizeof(out) - 1);
	(void)arg;
	wr_fmt(&w, "{\"time_ms\":%lld,\"level\":\"%s\",\"message\":", (long long)wall_ms(),
		log_level_name(level));
	wr_json_string(&w, span_str(line));
	wr_str(&w, "}");
	out[w.n] = '\0';
	fprintf(stderr, "%s\n", out);
}

static void apply_log(const struct cfg *c)
{
	log_set_level((enum log_level)c->log_level);
	log_set_sink(c->log_format ? json_line : NULL, NULL);
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
	d->in_turn = false;
	arm_timer(d);
}

/* ---- what the loop calls */

static void on_input(void *arg, const struct peer *from, struct span datagram)
{
	struct daemon *d = arg;
	begin_turn(d);
	core_input(d->core, from, datagram);
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
	enum err err = d->net ? net_send(d->net, to, bytes) : ERR_STATE;
	if (err)
		log_debug("datagram not sent reason=\"%s\"", err_text(err));
}

/* Peers cause events: their lines are limited, not the events. */
static void log_event(const struct rec_event *e)
{
	static struct log_rate rate = {.interval_ms = 10, .burst = 200, .tokens = 200};
	bool chatty = span_eq_str(e->type, "notification") || span_eq_str(e->type, "updated");
	if (span_eq_str(e->type, "trace")) /* for those who asked, not for a file that stays */
		return;
	char name[600];
	struct writer w = wr_make(name, sizeof(name) - 1);
	uint64_t dropped = rate.dropped;
	if (!log_enabled(chatty ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO) ||
		!log_rate_pass(&rate, boot_ms()))
		return;
	if (dropped)
		log_notice("events not logged count=%llu", (unsigned long long)dropped);
	wr_escaped(&w, e->endpoint);
	name[w.n] = '\0';
	log_line(chatty ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "%.*s endpoint=\"%s\" data=%.*s",
		(int)e->type.n, (const char *)e->type.p, name, (int)e->json.n,
		(const char *)e->json.p);
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
	char name[600], kid[2 * OSC_ID_MAX + 1], peer[96];
	struct writer n = wr_make(name, sizeof(name) - 1), k = wr_make(kid, sizeof(kid) - 1),
		      p = wr_make(peer, sizeof(peer) - 1);
	uint64_t dropped = rate.dropped;
	(void)arg;
	if (!log_enabled(LOG_LEVEL_INFO) || !log_rate_pass(&rate, boot_ms()))
		return;
	if (d->endpoint)
		wr_escaped(&n, ep_name(d->endpoint));
	wr_hex(&k, osc_id_span(&d->kid));
	wr_peer(&p, &d->from);
	name[n.n] = kid[k.n] = peer[p.n] = '\0';
	log_info("request refused reason=%s endpoint=\"%s\" kid=%s peer=\"%s\" not_logged=%llu",
		ep_reason_info(d->reason)->code, name, kid, peer, (unsigned long long)dropped);
}

static void say_storage(void *arg, enum err e)
{
	(void)arg;
	if (e == ERR_SEALED)
		log_error("the database is sealed, requests get 5.03 until 'lanyardctl unseal': it "
			  "may be a copy; 'lanyardctl status' says why");
	else if (e)
		log_error("nothing can be stored, requests get 5.03 until it can reason=\"%s\"",
			err_text(e));
	else
		log_notice("storage works again");
}

static void say_rolled_back(void *arg, uint32_t rollbacks)
{
	(void)arg;
	log_warning(
		"the database is an older copy than its anchor: sender numbers start in the "
		"next range, every device has to answer an Echo challenge, and keys drawn after "
		"the copy was made are lost rollbacks=%u",
		rollbacks);
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
	log_notice("stopping signal=%s", sig == SIGTERM ? "TERM" : "INT");
	sd_notify(0, "STOPPING=1");
	event_base_loopbreak(d->base);
}

static const char *config_path(const struct daemon *d)
{
	return d->config ? d->config : DEFAULT_CONFIG;
}

static void on_reload(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;
	struct cfg fresh;
	char refused[512] = "";
	(void)sig, (void)what;
	sd_notify(0, "RELOADING=1");
	if (cfg_load(config_path(d), &fresh, stderr)) {
		log_error("configuration not reloaded, the old one stays file=%s", config_path(d));
	} else {
		cfg_reload(&d->cfg, &fresh, refused, sizeof(refused));
		apply_log(&d->cfg);
		log_notice("configuration reloaded file=%s", config_path(d));
		if (refused[0])
			log_warning("some changes need a restart options=\"%s\"", refused);
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

static bool open_core(struct daemon *d)
{
	char why[WHY_MAX] = "";
	struct store *store = NULL;
	struct core_opts o = {.cfg = &d->cfg,
		.rng = rng_system(),
		.io = {.send = say_send,
			.event = say_event,
			.refused = say_refused,
			.wake = say_wake,
			.storage = say_storage,
			.rolled_back = say_rolled_back,
			.arg = d}};
	enum err err = core_new(&o, &d->core);
	if (err) {
		log_error("cannot start reason=\"%s\"", err_text(err));
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
	err = core_start(d->core, store, boot_ms(), wall_ms());
	if (err) {
		log_error(
			"cannot load the database dir=%s reason=\"%s\"", d->cfg.dir, err_text(err));
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
	if (net_new(d->base, on_input, on_reads_over, d, &d->net)) {
		log_error("cannot start the network: out of memory");
		return false;
	}
	for (size_t i = 0; i < d->cfg.listen_n; i++) {
		const struct cfg_listen *l = &d->cfg.listen[i];
		why[0] = '\0';
		if (net_listen_udp(d->net, (uint16_t)i, l->address, (uint16_t)l->port, why)) {
			log_error("%s name=%s", why, l->name);
			return false;
		}
		core_listener_port(d->core, i, net_port(d->net, (uint16_t)i));
		log_notice("listening name=%s role=%s address=%s port=%u%s", l->name,
			l->role == CFG_ROLE_BOOTSTRAP ? "bootstrap" : "server", l->address,
			(unsigned)net_port(d->net, (uint16_t)i), l->nosec ? " nosec=yes" : "");
	}
	return true;
}

/* What a socket unit hands over is known by its FileDescriptorName=. */
static bool take_inherited(struct daemon *d)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);
	bool good = n >= 0;
	d->admin_fd = -1;
	if (n < 0)
		log_error("cannot take the inherited sockets reason=\"%s\"", strerror(-n));
	for (int i = 0; i < n; i++) {
		if (good && strcmp(names[i], "admin") != 0) {
			log_error("cannot start: inherited socket %d is named \"%s\", only "
				  "\"admin\" is known (FileDescriptorName= of the socket unit)",
				i + 1, names[i]);
			good = false;
		} else if (good && d->admin_fd >= 0) {
			log_error("cannot start: two inherited sockets are named \"admin\"");
			good = false;
		}
		d->admin_fd = SD_LISTEN_FDS_START + i;
		free(names[i]);
	}
	free(names);
	return good;
}

static bool open_admin(struct daemon *d)
{
	char why[WHY_MAX] = "";
	struct adm_ops ops;
	const char *group = d->cfg.socket_group;
	if (d->admin_fd < 0 && group[0] && !getgrnam(group)) {
		log_warning("no such group, the admin socket keeps its owner's group=%s", group);
		group = "";
	}
	core_admin_ops(d->core, &ops);
	struct adm_opts o = {.socket = d->cfg.socket,
		.mode = d->cfg.socket_mode,
		.group = group,
		.fd = d->admin_fd,
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
	adm_free(d->adm);
	d->adm = NULL;
	if (d->started) {
		core_time(d->core, boot_ms(), wall_ms());
		enum err err = core_stop(d->core);
		if (d->net)
			net_flush(d->net);
		if (err) {
			log_error("not stopped cleanly, the next start treats it as a crash "
				  "reason=\"%s\"",
				err_text(err));
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
	net_free(d->net);
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
	d->base = event_base_new();
	if (!d->base || !take_inherited(d) || !open_events(d) || !open_core(d) ||
		!open_listeners(d) || !open_admin(d)) {
		close_all(d);
		return EXIT_FAILURE;
	}
	log_notice("ready version=%s dir=%s socket=%s", LANYARD_VERSION, d->cfg.dir,
		d->admin_fd < 0 ? d->cfg.socket : "inherited");
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
	      "SIGTERM stops cleanly; SIGHUP reads the configuration again.\n"
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

/* What was done and what comes, for an operator. */
static void tell_restored(const struct store_restore *r, const char *file)
{
	printf("%s is now the database in %s.\n", file, r->dir);
	if (r->aside[0])
		printf("The one that was there is %s.\n", r->aside);
	if (r->seal)
		printf("At its next start it is sealed until 'lanyardctl unseal --only-copy', "
		       "because "
		       "%s.\n",
			store_seal_text(r->seal));
	puts("Sender numbers will start in a later range, every device has to answer an Echo "
	     "challenge,\nand those whose keys were drawn after the copy was made have to "
	     "bootstrap "
	     "again.");
}

static int restore(const struct cfg *cfg, const char *file)
{
	static struct store_restore r;
	char why[WHY_MAX], when[32];
	time_t now = time(NULL);
	struct tm tm;
	if (!gmtime_r(&now, &tm) || !strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm))
		return EXIT_FAILURE;
	r = (struct store_restore){
		.dir = cfg->dir, .anchor = cfg->anchor, .file = file, .when = when};
	enum err err = store_sqlite_restore(&r, why);
	if (err) {
		fprintf(stderr, "lanyardd: not restored: %s\n", why[0] ? why : err_text(err));
		return EXIT_FAILURE;
	}
	tell_restored(&r, file);
	return EXIT_SUCCESS;
}

static bool load_config(struct daemon *d)
{
	enum err err = cfg_load(config_path(d), &d->cfg, stderr);
	if (err == ERR_NOTFOUND && !d->config) {
		cfg_defaults(&d->cfg);
		log_notice("no configuration file, defaults are used file=%s", DEFAULT_CONFIG);
		return true;
	}
	if (err == ERR_NOTFOUND)
		fprintf(stderr, "lanyardd: %s: no such file\n", d->config);
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
	if (mode == MODE_PRINT)
		cfg_print(&d.cfg, stdout);
	if (mode == MODE_RESTORE)
		return restore(&d.cfg, copy);
	return mode == MODE_RUN ? run(&d) : EXIT_SUCCESS;
}
