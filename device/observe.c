/* SPDX-License-Identifier: Apache-2.0 */
/* Observations and their notifications (RFC 7641; RFC 8613 section 4.1.3.5). */
#include "device/inner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SEQ_MASK = 0xffffff, SEQ_FIRST = 2 };

struct dev_watch *dev_watch_need(struct dev *d)
{
	struct dev_watch *w = d->watch;
	if (w)
		return w;
	w = d->watch = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->notify.dev = w->beat.dev = d;
	w->notify.notify = w->beat.notify = true;
	return w;
}

void dev_watch_free(struct dev *d)
{
	dev_observe_clear(d);
	if (d->watch)
		free(d->watch->attr);
	free(d->watch);
	d->watch = NULL;
}

static struct dev_observation *first(const struct dev *d)
{
	return d->watch ? d->watch->observations : NULL;
}

static size_t count(const struct dev *d)
{
	size_t n = 0;
	for (const struct dev_observation *o = first(d); o; o = o->next)
		n++;
	return n;
}

/* Takes out the first that matches path or, with p NULL, is `which`. Composites have no path of
 * their own: p is not the root. */
static bool drop(struct dev *d, const struct lwm_path *p, const struct dev_observation *which)
{
	if (!d->watch)
		return false;
	for (struct dev_observation **at = &d->watch->observations; *at; at = &(*at)->next) {
		struct dev_observation *o = *at;
		if (p ? !lwm_path_eq(&o->path, p) || o->at != d->at : o != which)
			continue;
		*at = o->next;
		if (d->watch->notifying == o)
			d->watch->notifying = NULL;
		free(o->names);
		free(o);
		return true;
	}
	return false;
}

static void end(struct dev *d, struct dev_observation *o)
{
	dev_event_add(d, DEV_EVENT_OBSERVE_END)->path = o->path;
	drop(d, NULL, o);
}

static void arm(struct dev *d)
{
	uint32_t interval = d->host->o.notify_interval_ms;
	if (first(d) && interval && !timer_armed(&d->watch->beat.timer))
		wheel_add(&d->host->wheel, &d->watch->beat.timer, dev_now_ms(d) + interval);
}

/* NULL: an answer without Observe, nothing was established. */
static struct dev_observation *start(
	struct dev_call *c, const struct lwm_path *p, uint16_t cf, struct msg *reply)
{
	struct dev *d = c->d;
	if (count(d) >= DEV_OBSERVATIONS_MAX || !dev_watch_need(d))
		return NULL;
	struct dev_observation *o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	o->at = d->at;
	o->path = *p;
	dev_known_peer(d, c->from, &o->peer);
	o->binding = c->binding;
	o->cf = cf;
	o->token_n = c->outer->token_n;
	memcpy(o->token, c->outer->token, o->token_n);
	o->seq = SEQ_FIRST;
	o->last_ms = dev_now_ms(d);
	o->last = dev_number(d, p);
	if (msg_add_uint(reply, OPT_OBSERVE, o->seq++) != ERR_OK) {
		free(o);
		return NULL;
	}
	o->next = d->watch->observations;
	d->watch->observations = o;
	dev_event_add(d, DEV_EVENT_OBSERVE)->path = *p;
	arm(d);
	return o;
}

void dev_observe_start(struct dev_call *c, const struct lwm_path *p, uint16_t cf, struct msg *reply)
{
	drop(c->d, p, NULL); /* one observation of a path and server (CT-67) */
	(void)start(c, p, cf, reply);
}

static bool same_names(const struct dev_observation *o, const struct dev_name *names, size_t n)
{
	for (size_t i = 0; i < n && o->name_n == n; i++)
		if (o->names[i].at != names[i].at ||
			!lwm_path_eq(&o->names[i].path, &names[i].path))
			return false;
	return o->name_n == n;
}

void dev_observe_names(
	struct dev_call *c, const struct dev_name *names, size_t n, uint16_t cf, struct msg *reply)
{
	const struct lwm_path root = {0};
	struct dev_name *copy = calloc(n + 1, sizeof(*copy));
	struct dev_observation *o = first(c->d);
	if (!copy)
		return;
	memcpy(copy, names, n * sizeof(*copy));
	while (o && (o->path.n || !same_names(o, names, n)))
		o = o->next;
	if (o)
		drop(c->d, NULL, o);
	o = start(c, &root, cf, reply);
	if (!o) {
		free(copy);
		return;
	}
	o->names = copy;
	o->name_n = n;
}

void dev_observe_cancel(struct dev_call *c, const struct lwm_path *p)
{
	for (struct dev_observation *o = first(c->d); o; o = o->next) {
		if (lwm_path_eq(&o->path, p) && o->at == c->d->at &&
			o->token_n == c->outer->token_n &&
			memcmp(o->token, c->outer->token, o->token_n) == 0) {
			end(c->d, o);
			return;
		}
	}
}

static enum err build(struct dev *d, struct dev_observation *o, struct msg *m)
{
	struct span body = SPAN_EMPTY;
	bool con = d->host->o.confirmable && !bearer_timing(o->peer.bearer)->reliable;
	msg_init(m, con ? MSG_CON : MSG_NON, MSG_CONTENT);
	uint8_t code = o->names ? dev_composite_body(d, o->names, o->name_n, o->cf, &body)
				: dev_read_body(d, &d->accounts, &o->path, o->cf, &body);
	m->mid = d->mid++;
	m->token_n = o->token_n;
	memcpy(m->token, o->token, o->token_n);
	if (code != MSG_CONTENT) {
		m->code = code;
		return ERR_OK;
	}
	enum err e = msg_add_uint(m, OPT_OBSERVE, o->seq++ & SEQ_MASK);
	dev_reply_body(d, m, o->cf, body, NULL);
	return e;
}

static void notify(struct dev *d, struct dev_observation *o)
{
	struct dev_host *h = d->host;
	struct dev_context *c = d->ctx[DEV_ROLE_SERVER];
	struct msg plain, out;
	struct span datagram;
	uint64_t number;
	enum err e = build(d, o, &plain);
	struct writer buf = dev_scratch(h, dev_msg_bytes(&plain));
	if (e == ERR_OK)
		e = buf.err ? buf.err : dev_context_number(d, c, &number);
	if (e == ERR_OK)
		e = osc_protect_response(
			h->crypto, &c->keys, &o->binding, &number, &plain, &buf, &out);
	if (e == ERR_OK)
		e = dev_encode(h, &out, &datagram);
	if (e == ERR_OK && out.type == MSG_CON)
		e = dev_exch_start(&d->watch->notify, &o->peer, &out, datagram, false);
	if (e) {
		end(d, o);
		return;
	}
	if (out.type == MSG_CON) {
		d->watch->notifying = o;
		d->watch->notified_us = h->now_us;
	}
	o->due = false;
	o->last = dev_number(d, &o->path);
	o->last_ms = dev_now_ms(d);
	o->last_mid = out.mid;
	o->has_mid = true;
	dev_emit(d, &o->peer, datagram);
	dev_event_add(d, DEV_EVENT_NOTIFY)->path = o->path;
	if (plain.code != MSG_CONTENT) /* an error ends it (IR-05) */
		end(d, o);
}

/* ATT-05: a limit was crossed, or the value moved by the step, since the last notification. */
static bool worth_telling(struct dev *d, const struct dev_observation *o, const struct lwm_attrs *a)
{
	const double *v = a->value;
	bool gt = a->set & LWM_ATTR_BIT(LWM_ATTR_GT), lt = a->set & LWM_ATTR_BIT(LWM_ATTR_LT);
	bool st = a->set & LWM_ATTR_BIT(LWM_ATTR_ST);
	double now = gt || lt || st ? dev_number(d, &o->path) : NAN;
	if (isnan(now) || isnan(o->last))
		return true;
	return (gt && (o->last > v[LWM_ATTR_GT]) != (now > v[LWM_ATTR_GT])) ||
	       (lt && (o->last < v[LWM_ATTR_LT]) != (now < v[LWM_ATTR_LT])) ||
	       (st && fabs(now - o->last) >= v[LWM_ATTR_ST]);
}

static void notify_if_due(struct dev *d, struct dev_observation *o)
{
	struct lwm_attrs a;
	dev_attr_effective(d, &o->path, &a);
	double pmin_s = a.value[LWM_ATTR_PMIN], pmax_s = a.value[LWM_ATTR_PMAX];
	double age_s = (double)(dev_now_ms(d) - o->last_ms) / 1000;
	bool late = pmax_s > 0 && pmax_s >= pmin_s && age_s >= pmax_s; /* ATT-04 */
	if (late || (o->due && age_s >= pmin_s && worth_telling(d, o, &a)))
		notify(d, o);
}

/* One confirmable notification at a time (NSTART); the others wait their turn. */
static void notify_due(struct dev *d)
{
	for (struct dev_observation *o = first(d), *next; o; o = next) {
		next = o->next;
		if (d->watch->notify.x.bytes)
			return;
		uint16_t at = d->at; /* a write to one of them may have it all told */
		dev_behind_leave(d);
		dev_behind_enter(d, o->at);
		notify_if_due(d, o);
		dev_behind_leave(d);
		dev_behind_enter(d, at);
	}
}

/* What is observed: its path, or one of its names. */
static bool concerns(const struct dev_observation *o,
	bool (*fn)(const struct dev_name *arg, const struct dev_name *name),
	const struct dev_name *arg)
{
	const struct dev_name own = {o->at, o->path};
	bool any = !o->names && fn(arg, &own);
	for (size_t i = 0; i < o->name_n; i++)
		any |= fn(arg, &o->names[i]);
	return any;
}

static bool changing(const struct dev_name *arg, const struct dev_name *name)
{
	(void)arg;
	return dev_things_changing(&name->path);
}

static bool touched(const struct dev_name *arg, const struct dev_name *name)
{
	return arg->at == name->at &&
	       (lwm_path_under(&arg->path, &name->path) || lwm_path_under(&name->path, &arg->path));
}

void dev_observe_timer(struct dev *d)
{
	for (struct dev_observation *o = first(d); o; o = o->next)
		o->due |= concerns(o, changing, NULL);
	notify_due(d);
	arm(d);
}

void dev_observe_touch(struct dev *d, const struct lwm_path *p)
{
	const struct dev_name name = {d->at, *p};
	for (struct dev_observation *o = first(d); o; o = o->next)
		o->due |= concerns(o, touched, &name);
}

void dev_observe_acked(struct dev *d)
{
	dev_event_add(d, DEV_EVENT_NOTIFY_ACKED)->latency_us =
		d->host->now_us - d->watch->notified_us;
	d->watch->notifying = NULL;
	notify_due(d);
}

/* RFC 7641 section 4.5: nobody listens. */
void dev_observe_timeout(struct dev *d)
{
	struct dev_observation *o = d->watch->notifying;
	d->watch->notifying = NULL;
	if (o)
		end(d, o);
	notify_due(d);
}

void dev_observe_reset(struct dev *d, uint16_t mid)
{
	for (struct dev_observation *o = first(d); o; o = o->next) {
		if (o->has_mid && o->last_mid == mid) {
			end(d, o);
			return;
		}
	}
}

void dev_observe_closed(struct dev *d, const struct peer *who)
{
	for (struct dev_observation *o = first(d), *next; o; o = next) {
		next = o->next;
		if (peer_eq(&o->peer, who))
			end(d, o);
	}
}

void dev_observe_clear(struct dev *d)
{
	if (!d->watch)
		return;
	exch_stop(&d->host->exchanges, &d->watch->notify.x);
	wheel_del(&d->host->wheel, &d->watch->beat.timer);
	d->watch->notifying = NULL;
	while (first(d))
		drop(d, NULL, first(d));
}
