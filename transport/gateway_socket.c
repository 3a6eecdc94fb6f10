/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/gateway_socket_impl.h"

#include "base/log.h"

#include <errno.h>
#include <event2/event.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPTS = 16, TICK_MS = 1000 };

void socket_tell(struct gateway_socket *s)
{
	char reason[GATEWAY_REASON_MAX + 1] = "no bridge is connected";
	unsigned up = 0, connected = 0;

	for (size_t i = 0; i < GATEWAY_BRIDGES_MAX; i++) {
		const struct bridge *b = &s->bridge[i];

		if (bridge_is_up(b)) {
			if (!up++)
				snprintf(reason, sizeof(reason), "%s%s%s%s", b->name,
					b->link == FRAME_LINK_BUSY ? " (busy)" : "",
					b->why[0] ? ": " : "", b->why);
		} else if (b->fd >= 0 && b->kinds && !b->ending && !connected++ && !up) {
			snprintf(reason, sizeof(reason), "%s has no network%s%s", b->name,
				b->why[0] ? ": " : "", b->why);
		}
	}
	if (up > 1)
		snprintf(reason, sizeof(reason), "%u bridges", up);
	gateway_link(s->gateway, up > 0, up, reason);
}

struct bridge *socket_bridge_for(
	struct gateway_socket *s, enum gateway_kind kind, const struct bridge *but)
{
	struct bridge *busy = NULL;

	for (size_t i = 0; i < GATEWAY_BRIDGES_MAX; i++) {
		struct bridge *b = &s->bridge[i];

		if (b == but || !bridge_reaches(b, kind))
			continue;
		if (b->link == FRAME_LINK_UP)
			return b;
		busy = busy ? busy : b;
	}
	return busy;
}

/* By the bridge that the address was heard by last, if it is there; each bridge of a gateway
 * reaches every address of its kind. */
static enum err driver_send(void *driver, const struct peer *to, struct span datagram)
{
	struct gateway_socket *s = driver;
	struct bridge *b = bridge_of_way(s, gateway_way(s->gateway, to));

	if (!b || !bridge_reaches(b, gateway_kind_at(to)))
		b = socket_bridge_for(s, gateway_kind_at(to), NULL);
	return b ? bridge_send(b, to, datagram) : ERR_STATE;
}

/* ---- rates */

static void watch(struct gateway_socket *s, bool on)
{
	for (size_t i = 0; i < GATEWAY_BRIDGES_MAX; i++) {
		struct bridge *b = &s->bridge[i];

		if (b->fd < 0 || !b->readable)
			continue;
		if (!on)
			event_del(b->readable);
		else if (event_add(b->readable, NULL))
			bridge_close(b, "out of memory");
	}
}

static void arm_tick(struct gateway_socket *s, uint64_t wait_ms)
{
	struct timeval tv = {(time_t)(wait_ms / 1000), (suseconds_t)(wait_ms % 1000 * 1000)};

	event_add(s->tick, &tv);
}

void socket_throttle(struct gateway_socket *s, uint64_t wait_ms)
{
	if (!s->throttled)
		watch(s, false);
	s->throttled = true;
	arm_tick(s, wait_ms < TICK_MS ? wait_ms : TICK_MS);
}

void socket_wake(struct gateway_socket *s)
{
	event_active(s->tick, EV_TIMEOUT, 0);
}

/* Each in its turn, and each as much as the others: one that floods delays itself. */
static void read_fairly(struct gateway_socket *s)
{
	uint64_t wait_ms;
	size_t room = gateway_room(s->gateway, &wait_ms), n = 0, share;

	for (size_t i = 0; i < GATEWAY_BRIDGES_MAX; i++)
		n += s->bridge[i].fd >= 0;
	share = n && room > n ? room / n : 1;
	for (size_t i = 0; i < GATEWAY_BRIDGES_MAX && room; i++) {
		struct bridge *b = &s->bridge[(s->turn + i) % GATEWAY_BRIDGES_MAX];

		if (b->fd >= 0)
			bridge_read(b, share < SOCKET_BATCH ? share : SOCKET_BATCH);
		room = gateway_room(s->gateway, &wait_ms);
	}
	s->turn = (s->turn + 1) % GATEWAY_BRIDGES_MAX;
	if (room) {
		s->throttled = false;
		watch(s, true);
	} else {
		arm_tick(s, wait_ms < TICK_MS ? wait_ms : TICK_MS);
	}
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct gateway_socket *s = arg;
	uint64_t now_ms = gateway_now_ms();

	(void)fd;
	(void)what;
	for (size_t i = 0; i < GATEWAY_BRIDGES_MAX; i++)
		bridge_tick(&s->bridge[i], now_ms);
	if (s->throttled && !s->paused)
		read_fairly(s);
	if (!event_pending(s->tick, EV_TIMEOUT, NULL))
		arm_tick(s, TICK_MS);
}

/* ---- beginning and end */

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct gateway_socket *s = arg;

	(void)what;
	for (int i = 0; i < ACCEPTS; i++) {
		int c = accept4((int)fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (c < 0)
			return;
		bridge_connect(s, c);
	}
}

static void driver_pause(void *driver)
{
	struct gateway_socket *s = driver;

	s->paused = true;
	event_del(s->accepting);
	watch(s, false);
}

static void driver_free(void *driver)
{
	struct gateway_socket *s = driver;

	if (s->accepting)
		event_free(s->accepting);
	s->paused = true;
	for (size_t i = 0; i < GATEWAY_BRIDGES_MAX; i++)
		bridge_free(&s->bridge[i]);
	if (s->tick)
		event_free(s->tick);
	if (s->fd >= 0)
		close(s->fd);
	local_remove(&s->file);
	free(s);
}

static const struct gateway_driver table = {
	.send = driver_send, .pause = driver_pause, .free = driver_free};

static enum err find_user(struct gateway_socket *s, const char *name, char *why)
{
	const struct passwd *p;

	s->any_user = name[0] == '\0';
	if (s->any_user)
		return ERR_OK;
	p = getpwnam(name);
	if (!p) {
		snprintf(why, GATEWAY_WHY, "there is no user %s", name);
		return ERR_NOTFOUND;
	}
	s->user = p->pw_uid;
	return ERR_OK;
}

static enum err start(struct gateway_socket *s, const struct gateway_socket_opts *o, char *why)
{
	struct event_base *base = gateway_base(s->gateway);
	struct local_opts l = {.what = "gateway",
		.type = SOCK_SEQPACKET,
		.path = o->path,
		.mode = o->mode,
		.group = o->group,
		.fd = o->fd};
	enum err err = find_user(s, o->user, why);

	if (!err)
		err = local_listen(&l, &s->fd, &s->file, why);
	if (err) {
		s->fd = -1;
		return err;
	}
	s->accepting = event_new(base, s->fd, EV_READ | EV_PERSIST, on_accept, s);
	s->tick = evtimer_new(base, on_tick, s);
	if (!s->accepting || !s->tick || event_add(s->accepting, NULL))
		return ERR_NOMEM;
	arm_tick(s, TICK_MS);
	return ERR_OK;
}

enum err gateway_socket_open(struct gateway *g, const struct gateway_socket_opts *o, char *why)
{
	struct gateway_socket *s = calloc(1, sizeof(*s));
	enum err err = s ? ERR_OK : ERR_NOMEM;

	why[0] = '\0';
	if (s) {
		s->gateway = g;
		s->fd = -1;
		for (size_t i = 0; i < GATEWAY_BRIDGES_MAX; i++)
			s->bridge[i] = (struct bridge){.socket = s, .name = "", .fd = -1};
		s->bridges = o->bridges < GATEWAY_BRIDGES_MAX ? o->bridges : GATEWAY_BRIDGES_MAX;
		err = start(s, o, why);
	}
	if (err) {
		if (!why[0])
			snprintf(why, GATEWAY_WHY, "cannot open %s: %s", o->path, err_text(err));
		if (o->fd >= 0 && (!s || s->fd != o->fd))
			close(o->fd);
		if (s)
			driver_free(s);
		return err;
	}
	gateway_attach(g, &table, s);
	socket_tell(s);
	return ERR_OK;
}
