/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"
#include "cmd/device_app.h"
#include "cmd/device_fleet.h"
#include "transport/net.h"

#include <stdio.h>

/* Exact numbers and windows, so that the next run wastes none. */
static bool save_clean(struct device_app *app)
{
	if (!app->o->state)
		return true;
	if (!device_is_fleet(app->o))
		return device_app_save(app, app->devs[0], true);
	return device_app_save_limit(app, dev_host_unused(app->host));
}

static void count_datagrams(struct device_app *app)
{
	struct net_stats n = {0};
	if (app->net)
		net_stats(app->net, &n);
	app->report.received = n.received;
	app->report.sent = n.sent;
	app->report.dropped = n.dropped;
}

static int run(const struct device_options *o)
{
	static struct device_app app;
	if (!device_app_open(&app, o))
		goto out;
	if (!device_loop_run(&app)) {
		fprintf(stderr, "lanyard-device: the event loop failed\n");
		app.code = DEVICE_EXIT_FAILURE;
	}
	if (app.code == DEVICE_EXIT_OK && save_clean(&app) &&
		app.report.registered_ever < app.count)
		app.code = DEVICE_EXIT_UNREGISTERED;
	if (app.code == DEVICE_EXIT_OK && device_is_fleet(o) && app.report.unexpected)
		app.code = DEVICE_EXIT_UNEXPECTED;
	count_datagrams(&app);
	device_report_summary(&app.report, device_app_now_us());
out:
	device_app_close(&app);
	return app.code;
}

int main(int argc, char **argv)
{
	static struct device_options o;
	int code;
	heap_tune();
	if (!device_options_parse(argc, argv, &o, &code))
		return code;
	if (secret_harden_process())
		fputs("lanyard-device: core dumps cannot be switched off\n", stderr);
	if (o.print_credentials)
		return device_fleet_print(&o) == ERR_OK ? DEVICE_EXIT_OK : DEVICE_EXIT_USAGE;
	return run(&o);
}
