/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LANYARD_CMD_DEVICE_OPTIONS_H
#define LANYARD_CMD_DEVICE_OPTIONS_H

#include "device/device.h"
#include "device/impair.h"

/* Exit codes of lanyard-device. */
enum {
	DEVICE_EXIT_OK = 0,
	DEVICE_EXIT_FAILURE = 1,      /* a socket, a file */
	DEVICE_EXIT_USAGE = 2,        /* options or credentials */
	DEVICE_EXIT_UNREGISTERED = 3, /* an endpoint never got its registration */
	DEVICE_EXIT_UNEXPECTED = 4,   /* a fleet: an answer that should not have come */
};

struct device_options {
	const char *config, *state, *record;
	const char *fleet, *fleet_seed, *prefix;
	const char *server, *bootstrap_server;
	struct dev_credentials credentials; /* from options */
	struct dev_options dev;
	struct dev_impair_options impair;
	uint32_t count, rate, duration_s, block_bytes, update_rate, jitter, sockets;
	uint64_t seed;
	bool count_given, seed_given, deregister, keep, once, print_credentials;
	bool quiet, progress, json, events, json_summary;
};

/* Fills `o`; says on standard error what is wrong. False: exit with *code (help and version end
 * with 0). Strings point into argv. */
bool device_options_parse(int argc, char **argv, struct device_options *o, int *code);
static inline bool device_is_fleet(const struct device_options *o)
{
	return o->fleet || o->fleet_seed;
}

#endif
