/* SPDX-License-Identifier: Apache-2.0 */
/* The running program: one host of devices, one socket, one loop. */
#ifndef LANYARD_CMD_DEVICE_APP_H
#define LANYARD_CMD_DEVICE_APP_H

#include "cmd/device_options.h"
#include "cmd/device_record.h"
#include "cmd/device_report.h"

struct event;
struct event_base;
struct net;

/* 127.1.0.1: where device 0 of a fleet sends from; the others follow. */
enum { DEVICE_FLEET_FIRST = 0x7f010001 };
/* Among the sockets: where connections and DTLS sessions belong. */
enum { DEVICE_TCP_PLACE = 15, DEVICE_TLS_PLACE = 14, DEVICE_DTLS_PLACE = 13 };

/* A device that wants to know where its server is. */
struct device_connect {
	struct dev *dev;
	struct peer to;
	bool good;
};

struct device_app {
	const struct device_options *o;
	struct event_base *base;
	struct net *net;
	struct event *tick, *signals[2];
	struct dev_impair *impair; /* NULL: the network as it is */
	uint64_t rng_state[4];
	struct dev_host *host;
	struct dev_out out;
	struct dev **devs;
	bool *registered; /* ever, by index */
	uint32_t count, cap;
	struct device_connect *connects;
	size_t connect_n, connect_cap;
	char uri[DEV_URI_MAX + 1]; /* the last one resolved, and to what */
	struct peer uri_peer;
	bool uri_good;
	uint8_t here[16]; /* one device: the address its datagrams leave from, for the record */
	uint8_t here_n;
	char psk_identity[CHANNEL_IDENTITY_MAX + 1]; /* of one device, for coaps */
	struct channel_psk psk;
	struct device_record record;
	struct device_report report;
	uint64_t start_us, stop_us, progress_us;
	uint32_t started, stop_asked, stopped;
	bool stopping, deregister;
	int code; /* the exit code so far */
};

/* device_app.c */
/* Says on standard error what went wrong; then app->code is set and device_app_close is due. */
bool device_app_open(struct device_app *app, const struct device_options *o);
void device_app_close(struct device_app *app);
bool device_app_save(struct device_app *app, struct dev *d, bool clean);
bool device_app_save_limit(struct device_app *app, uint64_t limit);
uint64_t device_app_now_us(void);

/* device_loop.c */
void device_loop_input(void *arg, const struct peer *from, struct span datagram);
void device_loop_closed(void *arg, const struct peer *who);
void device_loop_turn(void *arg);
/* Until every device has stopped. */
bool device_loop_run(struct device_app *app);

/* device_resolve.c */
/* Where a coap URI leads. IPv4 only for a fleet. False: nowhere. */
bool device_resolve(struct device_app *app, struct span uri, struct peer *out);

#endif
