/* SPDX-License-Identifier: Apache-2.0 */
/* The administrator of a simulated daemon, through the table that the REST interface uses. */
#ifndef LANYARD_TESTS_UNIT_CMD_SIM_ADMIN_H
#define LANYARD_TESTS_UNIT_CMD_SIM_ADMIN_H

#include "tests/unit/cmd/sim.h"

struct sim_result {
	bool done;
	unsigned calls;
	int status;
	char type[40];
	uint8_t code;
	int32_t content_format;
	char location[16];
	size_t n;
	uint8_t payload[8192];
};

static void sim_on_done(void *arg, const struct adm_result *r)
{
	struct sim_result *out = arg;
	out->done = true;
	out->calls++;
	out->status = r->status;
	out->code = r->has_response ? r->code : 0;
	out->content_format = r->content_format;
	if (span_to_str(r->location, out->location, sizeof(out->location)))
		out->location[0] = '\0';
	snprintf(out->type, sizeof(out->type), "%s", r->type ? r->type : "");
	out->n = r->payload.n < sizeof(out->payload) ? r->payload.n : sizeof(out->payload);
	memcpy(out->payload, r->payload.p ? r->payload.p : out->payload, out->n);
}

static struct adm_ops sim_ops(struct sim *s, struct sim_result *r)
{
	struct adm_ops ops;
	if (r)
		memset(r, 0, sizeof(*r));
	sim_time(s);
	core_admin_ops(s->core, &ops);
	return ops;
}

static struct span sim_name(const struct sim *s, unsigned i)
{
	return span_str(dev_endpoint(s->dev[i].dev));
}

/* Runs until the call is answered, at most so long. Its status, or 0. */
static int sim_await(struct sim *s, struct sim_result *r, uint64_t limit_ms)
{
	uint64_t end_us = s->now_us + limit_ms * 1000;
	sim_turn(s);
	while (!r->done && sim_step(s, end_us))
		;
	return r->done ? r->status : 0;
}

static struct adm_oscore sim_oscore_of(const struct dev_credentials *c, enum dev_role role)
{
	return (struct adm_oscore){.bootstrap = role == DEV_ROLE_BOOTSTRAP,
		.master_secret = span_make(c->master_secret, c->secret_n),
		.master_salt = span_make(c->master_salt, c->salt_n),
		.sender_id = osc_id_span(&c->recipient_id),
		.recipient_id = osc_id_span(&c->sender_id),
		.aead = ALG_AES_CCM_16_64_128,
		.hkdf = ALG_HKDF_SHA256};
}

static SIM_UNUSED int sim_put_oscore(
	struct sim *s, const char *name, const struct adm_oscore *o, struct sim_result *r)
{
	struct adm_ops ops = sim_ops(s, r);
	ops.oscore_put(ops.arg, span_str(name), o, sim_on_done, r);
	return sim_await(s, r, 10000);
}

static struct dev_credentials sim_credentials(struct sim *s, uint32_t i, enum dev_role role)
{
	struct dev_credentials c;
	REQUIRE(dev_credentials_derive(s->crypto, "dev-", SPAN_LIT("seed"), i, role, &c) == ERR_OK,
		"credentials");
	snprintf(role == DEV_ROLE_BOOTSTRAP ? c.bootstrap_uri : c.server_uri, sizeof(c.server_uri),
		"coap://192.0.2.1:%u",
		sim_ports[role == DEV_ROLE_BOOTSTRAP ? SIM_BOOTSTRAP : SIM_SERVER]);
	return c;
}

/* Makes a device that has these credentials; provisions nothing. */
static unsigned sim_device(struct sim *s, const struct dev_credentials *c)
{
	unsigned i = s->dev_n++;
	uint8_t local[4] = {10, 0, 0, (uint8_t)i};
	REQUIRE(i < SIM_DEVICES_MAX, "room for a device");
	s->dev[i].port = (uint16_t)(40000 + i);
	REQUIRE(dev_new(s->host, i, c, SPAN_OF(local), &s->dev[i].dev) == ERR_OK, "device");
	return i;
}

static void sim_begin(struct sim *s, unsigned i)
{
	dev_start(s->dev[i].dev, s->now_us, &s->out);
	sim_take(s);
}

/* A device and its credentials on both sides, started. */
static SIM_UNUSED unsigned sim_provision(struct sim *s, enum dev_role role)
{
	static struct sim_result r;
	struct dev_credentials c = sim_credentials(s, s->dev_n, role);
	struct adm_oscore o = sim_oscore_of(&c, role);
	unsigned i = sim_device(s, &c);
	REQUIRE(sim_put_oscore(s, c.endpoint, &o, &r) == 201, "provisioned");
	sim_begin(s, i);
	return i;
}

static struct adm_dm sim_dm_of(struct sim *s, unsigned i, enum adm_dm_kind kind, const char *path)
{
	struct adm_dm d = {.kind = kind, .endpoint = sim_name(s, i), .content_format = -1};
	REQUIRE(lwm_path_parse(span_str(path), &d.path) == ERR_OK, "path");
	return d;
}

static void sim_dm_begin(struct sim *s, const struct adm_dm *d, struct sim_result *r)
{
	struct adm_ops ops = sim_ops(s, r);
	ops.dm(ops.arg, d, sim_on_done, r);
	sim_turn(s);
}

static SIM_UNUSED int sim_dm(
	struct sim *s, unsigned i, enum adm_dm_kind kind, const char *path, struct sim_result *r)
{
	struct adm_dm d = sim_dm_of(s, i, kind, path);
	sim_dm_begin(s, &d, r);
	return sim_await(s, r, 130000);
}

static SIM_UNUSED int sim_write(struct sim *s, unsigned i, const char *path,
	const struct lwm_value *v, struct sim_result *r)
{
	struct adm_dm d = sim_dm_of(s, i, ADM_WRITE, path);
	struct lwm_record rec = {.kind = LWM_RECORD_VALUE, .path = d.path, .value = *v};
	d.records = &rec;
	d.record_n = 1;
	sim_dm_begin(s, &d, r);
	return sim_await(s, r, 130000);
}

static bool sim_view(const struct sim *s, unsigned i, struct srv_view *v)
{
	const struct endpoint *e = s->core->up ? ep_find(&s->core->dir, sim_name(s, i)) : NULL;
	*v = (struct srv_view){0};
	if (e)
		srv_view(s->core->srv, e, core_now_ms(s->core), v);
	return v->registered;
}

/* Both sides agree that device i is registered, at one location. */
static SIM_UNUSED bool sim_registered(const struct sim *s, unsigned i)
{
	struct srv_view v;
	const char *l = s->dev[i].dev->location;
	return dev_registered(s->dev[i].dev) && sim_view(s, i, &v) && !strncmp(l, "rd/", 3) &&
	       span_eq_str(v.location, l + 3);
}

static SIM_UNUSED bool sim_all_registered(const struct sim *s)
{
	for (unsigned i = 0; i < s->dev_n; i++)
		if (!sim_registered(s, i))
			return false;
	return true;
}

static SIM_UNUSED const struct endpoint *sim_endpoint(const struct sim *s, unsigned i)
{
	return ep_find(&s->core->dir, sim_name(s, i));
}

static SIM_UNUSED unsigned sim_contexts(const struct sim *s, unsigned i, uint8_t role)
{
	unsigned n = 0;
	const struct endpoint *e = sim_endpoint(s, i);
	for (const struct ep_context *c = e ? e->contexts : NULL; c; c = c->next_of_endpoint)
		n += c->role == role;
	return n;
}

/* Does `explain` give that reason for the endpoint? */
static SIM_UNUSED bool sim_explains(struct sim *s, const char *name, const char *code)
{
	struct adm_explanation e;
	struct adm_ops ops = sim_ops(s, NULL);
	if (ops.explain(ops.arg, span_str(name), &e))
		return false;
	for (size_t i = 0; i < e.reason_n; i++)
		if (!strcmp(e.reasons[i].code, code))
			return true;
	return false;
}

struct sim_watched {
	const char *path;
	bool found, active;
	uint64_t notifications;
};

static void sim_on_observation(void *arg, const struct adm_observation_view *v)
{
	struct sim_watched *w = arg;
	struct lwm_path p;
	if (lwm_path_parse(span_str(w->path), &p) || !lwm_path_eq(&p, &v->path))
		return;
	w->found = true;
	w->active = !strcmp(v->state, "active");
	w->notifications = v->notifications;
}

static SIM_UNUSED struct sim_watched sim_watch(struct sim *s, unsigned i, const char *path)
{
	struct sim_watched w = {.path = path};
	struct adm_ops ops = sim_ops(s, NULL);
	if (ops.observation_list(ops.arg, sim_name(s, i), sim_on_observation, &w))
		w.found = false;
	return w;
}

#endif
