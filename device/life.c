/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a device: bootstrap, registration, updates, failures. */
#include "device/inner.h"
#include "device/ramp.h"

#include <stdlib.h>
#include <string.h>

enum {
	REGISTER_TRIES = 5,             /* then bootstrap again (REG-22) */
	BACKOFF_MAX = 6,                /* doublings */
	BOOTSTRAP_WAIT_MS = 247 * 1000, /* BS-15 */
	STOP_WAIT_MS = 5000,
	UPDATE_MARGIN_S = 93,
};

static void life_at(struct dev *d, uint64_t due_ms)
{
	wheel_add(&d->host->wheel, &d->life.timer, due_ms);
}

static void life_never(struct dev *d)
{
	wheel_del(&d->host->wheel, &d->life.timer);
}

bool dev_life_board(struct dev *d)
{
	struct dev_host *h = d->host;
	if (d->flying)
		return true;
	if (h->o.in_flight_max && h->stats.in_flight >= h->o.in_flight_max)
		return false;
	d->flying = true;
	h->stats.in_flight++;
	return true;
}

static void land(struct dev *d)
{
	d->host->stats.in_flight -= d->flying;
	d->flying = false;
}

/* A device that leaves the queue for another reason stays in the list until its turn. */
void dev_life_queue(struct dev *d, enum dev_op op)
{
	struct dev_host *h = d->host;
	d->state = DEV_STATE_QUEUED;
	d->op = op;
	life_never(d);
	if (d->queued)
		return;
	d->queued = true;
	d->next_queued = NULL;
	*h->queue_end = d;
	h->queue_end = &d->next_queued;
	h->stats.queued++;
}

static struct dev *queue_take(struct dev_host *h)
{
	struct dev *d = h->queue;
	h->queue = d->next_queued;
	if (!h->queue)
		h->queue_end = &h->queue;
	d->queued = false;
	h->stats.queued--;
	return d;
}

void dev_life_admit(struct dev_host *h)
{
	while (h->queue && (!h->o.in_flight_max || h->stats.in_flight < h->o.in_flight_max)) {
		struct dev *d = queue_take(h);
		if (d->state != DEV_STATE_QUEUED)
			continue;
		dev_request_send(d, d->op);
		if (d->stopping && d->state == DEV_STATE_REQUESTING)
			life_at(d, dev_now_ms(d) + STOP_WAIT_MS);
	}
}

static void set_registered(struct dev *d, bool registered)
{
	d->host->stats.registered += registered;
	d->host->stats.registered -= d->registered;
	d->registered = registered;
}

static void stopped(struct dev *d)
{
	life_never(d);
	land(d);
	dev_request_stop(d);
	dev_observe_clear(d);
	d->state = DEV_STATE_STOPPED;
	set_registered(d, false);
	dev_event_add(d, DEV_EVENT_STOPPED);
}

/* Turns a URI into a peer with the caller's help, then sends op. */
static void connect_for(struct dev *d, enum dev_op op)
{
	enum dev_role role = dev_role_of(op);
	const struct dev_security *s = dev_security_of(&d->accounts, role);
	dev_request_stop(d);
	life_never(d);
	if (!s) {
		dev_life_failed(d, 0, "no account", 0);
		return;
	}
	d->state = DEV_STATE_CONNECTING;
	d->op = op;
	if (op == DEV_OP_REGISTER) {
		dev_observe_clear(d); /* IR-06 */
		set_registered(d, false);
	}
	struct dev_event *e = dev_event_add(d, DEV_EVENT_CONNECT);
	e->op = op;
	dev_event_text(d, e, span_str(s->uri));
}

/* The time of a bootstrap account ends (BS-18). */
static void expire_account(struct dev *d)
{
	const struct dev_security *s = dev_security_of(&d->accounts, DEV_ROLE_BOOTSTRAP);
	if (!s || !s->timeout_s || !d->accounts.bootstrapped_s ||
		dev_wall_s(d) - d->accounts.bootstrapped_s < (int64_t)s->timeout_s)
		return;
	if (dev_context_drop(d, DEV_ROLE_BOOTSTRAP) != ERR_OK)
		return;
	dev_accounts_no_bootstrap(&d->accounts);
	dev_mark_dirty(d);
}

/* How long it is to wait before it asks for a bootstrap by itself (BS-18). */
static uint64_t hold_off_ms(const struct dev *d)
{
	const struct dev_security *s = dev_security_of(&d->accounts, DEV_ROLE_BOOTSTRAP);
	return s ? s->hold_off_s * UINT64_C(1000) : 0;
}

static void start(struct dev *d)
{
	expire_account(d);
	bool account = dev_accounts_check(d->host, &d->accounts) == ERR_OK;
	bool bootstrap = dev_security_of(&d->accounts, DEV_ROLE_BOOTSTRAP) != NULL;
	enum dev_op op = bootstrap && (!account || d->host->o.bootstrap_anew) ? DEV_OP_BOOTSTRAP
									      : DEV_OP_REGISTER;
	if (op == DEV_OP_BOOTSTRAP && hold_off_ms(d)) {
		d->state = DEV_STATE_WAITING;
		d->op = op;
		life_at(d, dev_now_ms(d) + hold_off_ms(d));
		return;
	}
	connect_for(d, op);
}

void dev_start(struct dev *d, uint64_t now_us, struct dev_out *out)
{
	dev_enter(d->host, now_us, out);
	if (d->state == DEV_STATE_NEW)
		start(d);
	d->host->out = NULL;
}

void dev_connect(struct dev *d, const struct peer *to, uint64_t now_us, struct dev_out *out)
{
	dev_enter(d->host, now_us, out);
	if (d->state != DEV_STATE_CONNECTING)
		goto out;
	if (!to) {
		dev_life_failed(d, 0, "the address cannot be used", 0);
		goto out;
	}
	dev_known_peer(d, to, &d->peer[dev_role_of(d->op)]);
	if (d->op == DEV_OP_BOOTSTRAP && d->host->o.pack && !d->pack_refused)
		d->op = DEV_OP_PACK;
	dev_request_send(d, d->op);
out:
	d->host->out = NULL;
}

/* Updates come early enough to survive a few lost ones. */
static uint64_t update_wait_ms(const struct dev *d)
{
	if (d->host->o.update_interval_ms)
		return d->host->o.update_interval_ms;
	uint64_t lt = d->lt_told_s;
	return 1000 * (lt > 2 * UPDATE_MARGIN_S ? lt - UPDATE_MARGIN_S : lt / 2);
}

static void await_update(struct dev *d)
{
	uint64_t wait_ms = update_wait_ms(d);
	d->state = DEV_STATE_REGISTERED;
	set_registered(d, true);
	land(d);
	d->failures = 0;
	if (d->host->o.update_interval_ms) {
		wait_ms = dev_ramp_wait_ms(wait_ms, d->host->o.update_jitter_permille,
			!d->has_phase && d->host->o.update_spread, rng_u64(&d->host->rng));
		d->has_phase = true;
	}
	if (dev_lifetime_s(d) != d->lt_told_s)
		wait_ms = 1; /* written while the last request was under way (REG-06) */
	if (wait_ms)
		life_at(d, dev_now_ms(d) + wait_ms);
	else
		life_never(d); /* lifetime 0 does not end */
}

static bool take_location(struct dev *d, const struct msg *m)
{
	struct writer w = wr_make(d->location, DEV_LOCATION_MAX);
	for (const struct opt *o = msg_find(m, OPT_LOCATION_PATH); o; o = msg_next(m, o)) {
		if (w.n)
			wr_u8(&w, '/');
		wr_bytes(&w, o->val);
	}
	d->location[w.n] = 0;
	return w.n > 0 && !w.err && memchr(d->location, 0, w.n) == NULL;
}

void dev_life_event_done(struct dev *d, enum dev_op op, uint8_t code)
{
	struct dev_event *e = dev_event_add(d, DEV_EVENT_DONE);
	e->op = op;
	e->code = code;
	e->latency_us = d->host->now_us - d->req.started_us;
}

static void succeed(struct dev *d, enum dev_op op, uint8_t code)
{
	dev_life_event_done(d, op, code);
	dev_request_stop(d);
	switch (op) {
	case DEV_OP_NONE:
	case DEV_OP_PACK:
		break;
	case DEV_OP_BOOTSTRAP:
		dev_life_bootstrap(d);
		break;
	case DEV_OP_REGISTER:
	case DEV_OP_UPDATE:
		await_update(d);
		break;
	case DEV_OP_DEREGISTER:
		land(d);
		set_registered(d, false);
		d->state = DEV_STATE_WAITING;
		d->op = DEV_OP_REGISTER;
		if (d->stopping)
			stopped(d);
		else
			life_at(d, dev_now_ms(d) + d->stay_away_ms);
		break;
	}
}

void dev_life_done(struct dev *d, const struct msg *response)
{
	static const uint8_t good[] = {
		[DEV_OP_BOOTSTRAP] = MSG_CHANGED,
		[DEV_OP_REGISTER] = MSG_CREATED,
		[DEV_OP_UPDATE] = MSG_CHANGED,
		[DEV_OP_DEREGISTER] = MSG_DELETED,
	};
	enum dev_op op = d->req.op;
	uint32_t wait_s = 0;
	if (op == DEV_OP_PACK) {
		dev_pack_response(d, response);
		return;
	}
	if (response->code != good[op]) {
		if (response->code == MSG_UNAVAILABLE)
			msg_get_uint(response, OPT_MAX_AGE, &wait_s);
		dev_life_failed(d, response->code, "refused by the server", wait_s);
	} else if (op == DEV_OP_REGISTER && !take_location(d, response)) {
		dev_life_failed(d, response->code, "no usable Location-Path", 0);
	} else {
		succeed(d, op, response->code);
	}
}

static uint64_t backoff_ms(struct dev *d)
{
	uint32_t doublings = d->failures - 1 < BACKOFF_MAX ? d->failures - 1 : BACKOFF_MAX;
	uint64_t wait = (uint64_t)(d->host->o.retry_ms ? d->host->o.retry_ms : 1) << doublings;
	return wait + rng_u64(&d->host->rng) % (wait / 4 + 1);
}

/* A device that has an account does not give it up because bootstrap failed (BS-15), and asks for
 * bootstrap when the account seems to be of no use (REG-22). */
static enum dev_op next_try(struct dev *d, enum dev_op failed)
{
	if (!dev_security_of(&d->accounts, DEV_ROLE_BOOTSTRAP))
		return DEV_OP_REGISTER;
	if (dev_role_of(failed) != DEV_ROLE_BOOTSTRAP)
		return d->failures % REGISTER_TRIES ? DEV_OP_REGISTER : DEV_OP_BOOTSTRAP;
	bool account = dev_accounts_check(d->host, &d->accounts) == ERR_OK;
	return account && !d->host->o.bootstrap_anew ? DEV_OP_REGISTER : DEV_OP_BOOTSTRAP;
}

void dev_life_failed(struct dev *d, uint8_t code, const char *why, uint32_t wait_s)
{
	enum dev_op op = d->req.op != DEV_OP_NONE ? d->req.op : d->op;
	struct dev_event *e = dev_event_add(d, DEV_EVENT_FAILED);
	e->op = op;
	e->code = code;
	dev_event_text(d, e, span_str(why));
	dev_request_stop(d);
	land(d);
	if (d->stopping) {
		stopped(d);
		return;
	}
	d->failures++;
	d->state = DEV_STATE_WAITING;
	set_registered(d, false);
	expire_account(d);
	d->op = next_try(d, op);
	/* The registration is gone: a new one need not wait. */
	bool at_once = op == DEV_OP_UPDATE && code == MSG_NOT_FOUND;
	uint64_t wait_ms = wait_s ? wait_s * UINT64_C(1000) : at_once ? 0 : backoff_ms(d);
	if (d->op == DEV_OP_BOOTSTRAP && wait_ms < hold_off_ms(d))
		wait_ms = hold_off_ms(d);
	life_at(d, dev_now_ms(d) + wait_ms);
}

/* A registration outlives its connection: an Update over a new one tells where the device is
 * (TRN-TCP-5). */
static void update_anew(struct dev *d)
{
	dev_request_stop(d);
	land(d);
	d->failures++;
	d->state = DEV_STATE_REGISTERED;
	life_at(d, dev_now_ms(d) + backoff_ms(d));
}

void dev_life_closed(struct dev *d, enum dev_role role)
{
	bool asking = d->state == DEV_STATE_REQUESTING && d->req.role == role;
	if (asking && d->req.op == DEV_OP_UPDATE && d->failures < REGISTER_TRIES)
		update_anew(d);
	else if (asking || (d->state == DEV_STATE_BOOTSTRAP && role == DEV_ROLE_BOOTSTRAP))
		dev_life_failed(d, 0, "the connection was lost", 0);
	else if (d->state == DEV_STATE_REGISTERED && role == DEV_ROLE_SERVER)
		update_anew(d);
}

static void draft_drop(struct dev *d)
{
	if (d->draft)
		secret_wipe(d->draft, sizeof(*d->draft));
	free(d->draft);
	d->draft = NULL;
}

void dev_life_bootstrap(struct dev *d)
{
	if (d->state != DEV_STATE_BOOTSTRAP) {
		draft_drop(d);
		d->draft = malloc(sizeof(*d->draft));
		if (!d->draft) {
			d->host->out->err = ERR_NOMEM;
			dev_life_failed(d, 0, err_text(ERR_NOMEM), 0);
			return;
		}
		*d->draft = d->accounts;
		dev_request_stop(d);
		d->state = DEV_STATE_BOOTSTRAP;
		set_registered(d, false);
		d->finished = false;
	}
	life_at(d, dev_now_ms(d) + BOOTSTRAP_WAIT_MS);
}

void dev_life_bootstrapped(struct dev *d)
{
	enum err e = ERR_OK;
	dev_observe_clear(d); /* they belong to the registration, and to its keys */
	d->accounts = *d->draft;
	d->accounts.bootstrapped_s = dev_wall_s(d);
	draft_drop(d);
	for (int r = DEV_ROLE_BOOTSTRAP; r <= DEV_ROLE_SERVER; r++) {
		const struct dev_oscore *o = dev_oscore_of(&d->accounts, (enum dev_role)r);
		if (o && e == ERR_OK)
			e = dev_context_adopt(d, (enum dev_role)r, o);
	}
	dev_mark_dirty(d);
	land(d);
	d->finished = true;
	d->pack_refused = false;
	d->failures = 0;
	d->op = DEV_OP_REGISTER;
	d->state = DEV_STATE_WAITING;
	if (e)
		dev_life_failed(d, 0, err_text(e), 0);
	else
		life_at(d, dev_now_ms(d));
}

void dev_life_timer(struct dev *d)
{
	switch (d->state) {
	case DEV_STATE_NEW:
	case DEV_STATE_CONNECTING:
	case DEV_STATE_QUEUED:
	case DEV_STATE_STOPPED:
		break;
	case DEV_STATE_REQUESTING:
		if (d->stopping)
			stopped(d);
		break;
	case DEV_STATE_BOOTSTRAP:
		draft_drop(d);
		d->op = DEV_OP_BOOTSTRAP;
		dev_life_failed(d, 0, "no Bootstrap-Finish", 0);
		break;
	case DEV_STATE_REGISTERED:
		dev_request_send(d, DEV_OP_UPDATE);
		break;
	case DEV_STATE_WAITING:
		connect_for(d, d->op);
		break;
	}
}

void dev_life_todo(struct dev *d)
{
	enum dev_todo todo = d->todo;
	d->todo = DEV_TODO_NONE;
	if (todo == DEV_TODO_NONE || d->stopping || d->state == DEV_STATE_STOPPED)
		return;
	switch (todo) {
	case DEV_TODO_NONE:
		break;
	case DEV_TODO_REGISTER:
		dev_event_add(d, DEV_EVENT_REBOOT);
		connect_for(d, DEV_OP_REGISTER);
		break;
	case DEV_TODO_UPDATE:
		if (d->state == DEV_STATE_REGISTERED)
			dev_request_send(d, DEV_OP_UPDATE);
		break;
	case DEV_TODO_BOOTSTRAP:
		expire_account(d);
		connect_for(d, DEV_OP_BOOTSTRAP);
		break;
	case DEV_TODO_DISABLE:
		if (d->state == DEV_STATE_REGISTERED)
			dev_request_send(d, DEV_OP_DEREGISTER);
		break;
	}
}

void dev_stop(struct dev *d, bool deregister, uint64_t now_us, struct dev_out *out)
{
	dev_enter(d->host, now_us, out);
	if (d->state != DEV_STATE_STOPPED) {
		d->stopping = true;
		if (deregister && d->registered) {
			dev_request_send(d, DEV_OP_DEREGISTER);
			if (d->state == DEV_STATE_REQUESTING)
				life_at(d, dev_now_ms(d) + STOP_WAIT_MS);
		} else {
			stopped(d);
		}
	}
	d->host->out = NULL;
}
