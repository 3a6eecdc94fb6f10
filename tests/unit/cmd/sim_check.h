/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold after a power cut or a failure of storage. */
#ifndef LANYARD_TESTS_UNIT_CMD_SIM_CHECK_H
#define LANYARD_TESTS_UNIT_CMD_SIM_CHECK_H

#include "tests/unit/cmd/sim_admin.h"

/* What a device was told before the power cut. */
struct sim_told {
	bool registered, settled;
	char location[DEV_LOCATION_MAX + 1];
};

static SIM_UNUSED void sim_note(const struct sim *s, struct sim_told *t)
{
	for (unsigned i = 0; i < s->dev_n; i++) {
		const struct dev *d = s->dev[i].dev;
		t[i].registered = d->registered && d->req.op != DEV_OP_DEREGISTER;
		/* With a request under way the server may be ahead of what the device knows. */
		t[i].settled = d->registered && d->state == DEV_STATE_REGISTERED;
		memcpy(t[i].location, d->location, sizeof(t[i].location));
	}
}

/* How many registrations that a device was told of are not there. */
static SIM_UNUSED unsigned sim_lost(const struct sim *s, const struct sim_told *t)
{
	unsigned n = 0;
	for (unsigned i = 0; i < s->dev_n; i++) {
		struct srv_view v;
		if (!t[i].registered)
			continue;
		bool there = sim_view(s, i, &v);
		n += !there || (t[i].settled && !span_eq_str(v.location, t[i].location + 3));
	}
	return n;
}

/* Sums of what only an accepted request can change. */
static uint64_t sim_accepted(const struct sim *s)
{
	const struct srv_counters *v = srv_counters(s->core->srv);
	uint64_t n = v->registers + v->updates + v->deregisters + v->refusals +
		     bs_counters(s->core->bs)->requests +
		     ep_exchange_counters(s->core->x)->challenges;
	size_t cursor = 0;
	for (const struct endpoint *e; (e = map_next(&s->core->dir.by_name, &cursor));)
		for (const struct ep_context *c = e->contexts; c; c = c->next_of_endpoint)
			n += c->window.any ? c->window.highest + 1 : 0;
	return n;
}

/* Everything that was ever answered comes again, from somewhere else. False if any of it did
 * something. */
static SIM_UNUSED bool sim_replays_pass_by(struct sim *s)
{
	struct peer thief = sim_peer_of(200, 6666, 0);
	sim_time(s);
	uint64_t before = sim_accepted(s);
	for (size_t i = 0; i < s->audit.request_n; i++) {
		const struct audit_request *r = &s->audit.request[i];
		thief.listener = r->listener;
		if (!r->answered)
			continue;
		core_input(s->core, &thief, span_make(r->bytes, r->n));
		sim_turn(s);
	}
	for (unsigned i = 0; i < s->dev_n; i++) {
		struct srv_view v;
		if (sim_view(s, i, &v) && v.peer && v.peer->addr[3] == 200)
			return false;
	}
	return sim_accepted(s) == before;
}

#endif
