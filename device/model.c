/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated hardware: one table row a Resource. A multiple Resource has the one instance 0. */
#include "device/inner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct dev_server *server_at(const struct dev_view *v)
{
	for (size_t i = 0; i < v->accounts->server_n; i++) {
		if (v->accounts->server[i].iid == v->iid)
			return &v->accounts->server[i];
	}
	return NULL;
}

#define SERVER_GETTER(name, member, assign)                                                        \
	static void name(const struct dev_view *v, struct lwm_value *out)                          \
	{                                                                                          \
		const struct dev_server *s = server_at(v);                                         \
		if (s)                                                                             \
			out->member = assign;                                                      \
	}
SERVER_GETTER(get_ssid, i, s->ssid)
SERVER_GETTER(get_lifetime, i, s->lifetime_s)
SERVER_GETTER(get_pmin, i, s->pmin_s)
SERVER_GETTER(get_pmax, i, s->pmax_s)
SERVER_GETTER(get_disable, i, s->disable_s)
SERVER_GETTER(get_storing, b, s->storing)
SERVER_GETTER(get_binding, bytes, span_str(s->binding))

/* A Write to /1 goes through the same checks as bootstrap. */
static uint8_t set_server(struct dev *d, uint16_t iid, uint16_t rid, const struct lwm_value *v)
{
	struct lwm_path p = {3, {1, iid, rid, 0}};
	if (dev_accounts_set(&d->accounts, &p, v) != ERR_OK)
		return MSG_BAD_REQUEST;
	dev_mark_dirty(d);
	return MSG_CHANGED;
}

static uint8_t set_lifetime(struct dev *d, uint16_t iid, const struct lwm_value *v)
{
	d->todo = DEV_TODO_UPDATE; /* the server is to know (REG-06) */
	return set_server(d, iid, 1, v);
}

static uint8_t set_pmin(struct dev *d, uint16_t iid, const struct lwm_value *v)
{
	return set_server(d, iid, 2, v);
}

static uint8_t set_pmax(struct dev *d, uint16_t iid, const struct lwm_value *v)
{
	return set_server(d, iid, 3, v);
}

static uint8_t set_disable(struct dev *d, uint16_t iid, const struct lwm_value *v)
{
	return set_server(d, iid, 5, v);
}

static uint8_t set_storing(struct dev *d, uint16_t iid, const struct lwm_value *v)
{
	return set_server(d, iid, 6, v);
}

static uint8_t set_binding(struct dev *d, uint16_t iid, const struct lwm_value *v)
{
	return set_server(d, iid, 7, v);
}

static void get_endpoint(const struct dev_view *v, struct lwm_value *out)
{
	if (v->d->at)
		out->bytes = dev_fmt(v->d->host, "%s-%u", v->d->endpoint, v->d->at);
	else
		out->bytes = span_str(v->d->endpoint);
}

static void get_fw_version(const struct dev_view *v, struct lwm_value *out)
{
	out->bytes = dev_fmt(v->d->host, "1.%u", v->d->things.fw_version);
}

static void get_battery(const struct dev_view *v, struct lwm_value *out)
{
	out->i = 100 - (int64_t)(v->d->things.step % 90);
}

static void get_time(const struct dev_view *v, struct lwm_value *out)
{
	out->i = dev_wall_s(v->d) + v->d->things.time_offset_s;
}

static uint8_t set_time(struct dev *d, uint16_t iid, const struct lwm_value *v)
{
	(void)iid;
	if (v->i < 0 || v->i > UINT32_MAX)
		return MSG_BAD_REQUEST;
	d->things.time_offset_s = v->i - dev_wall_s(d);
	return MSG_CHANGED;
}

static void get_utc_offset(const struct dev_view *v, struct lwm_value *out)
{
	out->bytes = span_str(v->d->things.utc_offset);
}

static uint8_t set_text(struct span v, char *out, size_t cap)
{
	return span_to_str(v, out, cap) == ERR_OK ? MSG_CHANGED : MSG_BAD_REQUEST;
}

static uint8_t set_utc_offset(struct dev *d, uint16_t iid, const struct lwm_value *v)
{
	(void)iid;
	return set_text(v->bytes, d->things.utc_offset, sizeof(d->things.utc_offset));
}

static void get_timezone(const struct dev_view *v, struct lwm_value *out)
{
	out->bytes = span_str(v->d->things.timezone);
}

static uint8_t set_timezone(struct dev *d, uint16_t iid, const struct lwm_value *v)
{
	(void)iid;
	return set_text(v->bytes, d->things.timezone, sizeof(d->things.timezone));
}

static void get_fw_uri(const struct dev_view *v, struct lwm_value *out)
{
	out->bytes = span_str(v->d->firmware ? v->d->firmware->uri : "");
}

static void get_fw_delivery(const struct dev_view *v, struct lwm_value *out)
{
	out->i = v->d->host->o.firmware_delivery;
}

static void get_fw_auto(const struct dev_view *v, struct lwm_value *out)
{
	out->b = v->d->firmware ? v->d->firmware->automatic : v->d->host->o.firmware_auto;
}

static uint8_t set_fw_auto(struct dev *d, uint16_t iid, const struct lwm_value *v)
{
	struct dev_firmware *f = dev_firmware_need(d);
	(void)iid;
	if (!f)
		return MSG_INTERNAL_ERROR;
	f->automatic = v->b;
	return MSG_CHANGED;
}

static void get_fw_state(const struct dev_view *v, struct lwm_value *out)
{
	out->i = v->d->firmware ? v->d->firmware->state : 0;
}

static void get_fw_result(const struct dev_view *v, struct lwm_value *out)
{
	out->i = v->d->firmware ? v->d->firmware->result : 0;
}

static void get_blob(const struct dev_view *v, struct lwm_value *out)
{
	const struct dev *d = v->d;
	if (d->things.blob) {
		out->bytes = span_make(d->things.blob, d->things.blob_n);
		return;
	}
	size_t n = d->host->o.blob_bytes;
	uint8_t *p = arena_alloc(v->arena, n ? n : 1);
	for (size_t i = 0; p && i < n; i++)
		p[i] = (uint8_t)(i * 31 + (i >> 8) + d->index);
	out->bytes = span_make(p, p ? n : 0);
}

static uint8_t set_blob(struct dev *d, uint16_t iid, const struct lwm_value *v)
{
	(void)iid;
	uint8_t *p = malloc(v->bytes.n ? v->bytes.n : 1);
	if (!p)
		return MSG_UNAVAILABLE;
	if (v->bytes.n)
		memcpy(p, v->bytes.p, v->bytes.n);
	free(d->things.blob);
	d->things.blob = p;
	d->things.blob_n = v->bytes.n;
	return MSG_CHANGED;
}

static int16_t tenths(const struct dev *d, uint16_t iid)
{
	return (int16_t)(180 + (d->things.step * 7 + d->index * 3 + iid * 11u + d->at * 13u) % 100);
}

static void get_temperature(const struct dev_view *v, struct lwm_value *out)
{
	out->f = tenths(v->d, v->iid) / 10.0;
}

static void get_low(const struct dev_view *v, struct lwm_value *out)
{
	const struct dev_sensor *s = dev_sensor(v->d, v->iid);
	int16_t now = tenths(v->d, v->iid), low = s ? s->low : v->d->things.low;
	out->f = (low < now ? low : now) / 10.0;
}

static void get_high(const struct dev_view *v, struct lwm_value *out)
{
	const struct dev_sensor *s = dev_sensor(v->d, v->iid);
	int16_t now = tenths(v->d, v->iid), high = s ? s->high : v->d->things.high;
	out->f = (high > now ? high : now) / 10.0;
}

static void get_use(const struct dev_view *v, struct lwm_value *out)
{
	const struct dev_sensor *s = dev_sensor(v->d, v->iid);
	out->bytes = s ? span_str(s->use) : SPAN_EMPTY;
}

static uint8_t set_use(struct dev *d, uint16_t iid, const struct lwm_value *v)
{
	if (!v->bytes.n && !dev_sensor(d, iid))
		return MSG_CHANGED; /* it is empty, and takes no memory */
	struct dev_sensor *s = dev_sensor_change(d, iid);
	return s ? set_text(v->bytes, s->use, sizeof(s->use)) : MSG_UNAVAILABLE;
}

static void widen(int16_t now, int16_t *low, int16_t *high)
{
	if (now < *low)
		*low = now;
	if (now > *high)
		*high = now;
}

void dev_things_step(struct dev *d)
{
	struct dev_things *t = &d->things;
	uint32_t interval = d->host->o.notify_interval_ms;
	t->step = interval ? (uint32_t)(dev_now_ms(d) / interval) : 0;
	widen(tenths(d, 0), &t->low, &t->high);
	for (size_t i = 0; d->sensors && i < d->sensors->n; i++) {
		struct dev_sensor *s = &d->sensors->at[i];
		widen(tenths(d, s->iid), &s->low, &s->high);
	}
}

void dev_things_reset(struct dev *d, uint16_t iid)
{
	struct dev_sensor *s = dev_sensor(d, iid) ? dev_sensor_change(d, iid) : NULL;
	*(s ? &s->low : &d->things.low) = INT16_MAX;
	*(s ? &s->high : &d->things.high) = INT16_MIN;
}

bool dev_things_changing(const struct lwm_path *p)
{
	struct lwm_path changing[] = {
		{3, {3303, 0, 5700, 0}}, {3, {3, 0, 9, 0}}, {3, {3, 0, 13, 0}}};
	for (size_t i = 0; i < sizeof(changing) / sizeof(changing[0]); i++) {
		if (p->n > 1 && p->id[0] == 3303)
			changing[0].id[1] = p->id[1]; /* any sensor */
		if (lwm_path_under(&changing[i], p) || lwm_path_under(p, &changing[i]))
			return true;
	}
	return false;
}

enum { R = LWM_OP_R, W = LWM_OP_W, E = LWM_OP_E, RW = LWM_OP_R | LWM_OP_W };

/* In the order of paths, as readers like it. */
static const struct dev_resource table[] = {
	{1, 0, R, false, LWM_INTEGER, get_ssid, NULL, 0, NULL, 0},
	{1, 1, RW, false, LWM_INTEGER, get_lifetime, set_lifetime, 0, NULL, 0},
	{1, 2, RW, false, LWM_INTEGER, get_pmin, set_pmin, 0, NULL, 0},
	{1, 3, RW, false, LWM_INTEGER, get_pmax, set_pmax, 0, NULL, 0},
	{1, 4, E, false, LWM_NONE, NULL, NULL, DEV_ACTION_DISABLE, NULL, 0},
	{1, 5, RW, false, LWM_INTEGER, get_disable, set_disable, 0, NULL, 0},
	{1, 6, RW, false, LWM_BOOLEAN, get_storing, set_storing, 0, NULL, 0},
	{1, 7, RW, false, LWM_STRING, get_binding, set_binding, 0, NULL, 0},
	{1, 8, E, false, LWM_NONE, NULL, NULL, DEV_ACTION_UPDATE, NULL, 0},
	{1, 9, E, false, LWM_NONE, NULL, NULL, DEV_ACTION_BOOTSTRAP, NULL, 0},
	{3, 0, R, false, LWM_STRING, NULL, NULL, 0, "Lanyard", 0},
	{3, 1, R, false, LWM_STRING, NULL, NULL, 0, "lanyard-device", 0},
	{3, 2, R, false, LWM_STRING, get_endpoint, NULL, 0, NULL, 0},
	{3, 3, R, false, LWM_STRING, get_fw_version, NULL, 0, NULL, 0},
	{3, 4, E, false, LWM_NONE, NULL, NULL, DEV_ACTION_REBOOT, NULL, 0},
	{3, 6, R, true, LWM_INTEGER, NULL, NULL, 0, NULL, 1},
	{3, 7, R, true, LWM_INTEGER, NULL, NULL, 0, NULL, 3800},
	{3, 8, R, true, LWM_INTEGER, NULL, NULL, 0, NULL, 125},
	{3, 9, R, false, LWM_INTEGER, get_battery, NULL, 0, NULL, 0},
	{3, 10, R, false, LWM_INTEGER, NULL, NULL, 0, NULL, 64},
	{3, 11, R, true, LWM_INTEGER, NULL, NULL, 0, NULL, 0},
	{3, 12, E, false, LWM_NONE, NULL, NULL, DEV_ACTION_NOTHING, NULL, 0},
	{3, 13, RW, false, LWM_TIME, get_time, set_time, 0, NULL, 0},
	{3, 14, RW, false, LWM_STRING, get_utc_offset, set_utc_offset, 0, NULL, 0},
	{3, 15, RW, false, LWM_STRING, get_timezone, set_timezone, 0, NULL, 0},
	{3, 16, R, false, LWM_STRING, NULL, NULL, 0, "U", 0},
	{3, 17, R, false, LWM_STRING, NULL, NULL, 0, "simulated sensor", 0},
	{3, 18, R, false, LWM_STRING, NULL, NULL, 0, "1.0", 0},
	{3, 19, R, false, LWM_STRING, NULL, NULL, 0, LANYARD_VERSION, 0},
	{3, 21, R, false, LWM_INTEGER, NULL, NULL, 0, NULL, 256},
	{5, 0, W, false, LWM_OPAQUE, NULL, dev_firmware_package, 0, NULL, 0},
	{5, 1, RW, false, LWM_STRING, get_fw_uri, dev_firmware_uri, 0, NULL, 0},
	{5, 2, E, false, LWM_NONE, NULL, NULL, DEV_ACTION_FIRMWARE, NULL, 0},
	{5, 3, R, false, LWM_INTEGER, get_fw_state, NULL, 0, NULL, 0},
	{5, 5, R, false, LWM_INTEGER, get_fw_result, NULL, 0, NULL, 0},
	{5, 8, R, true, LWM_INTEGER, NULL, NULL, 0, NULL, 0},
	{5, 9, R, false, LWM_INTEGER, get_fw_delivery, NULL, 0, NULL, 0},
	{5, 10, E, false, LWM_NONE, NULL, NULL, DEV_ACTION_FIRMWARE_CANCEL, NULL, 0},
	{5, 14, RW, false, LWM_BOOLEAN, get_fw_auto, set_fw_auto, 0, NULL, 0},
	{19, 0, RW, true, LWM_OPAQUE, get_blob, set_blob, 0, NULL, 0},
	{25, 0, R, false, LWM_STRING, dev_get_behind_id, NULL, 0, NULL, 0},
	{25, 1, R, false, LWM_STRING, dev_get_behind_prefix, NULL, 0, NULL, 0},
	{25, 3, R, false, LWM_CORELNK, dev_get_behind_links, NULL, 0, NULL, 0},
	{3303, 5601, R, false, LWM_FLOAT, get_low, NULL, 0, NULL, 0},
	{3303, 5602, R, false, LWM_FLOAT, get_high, NULL, 0, NULL, 0},
	{3303, 5605, E, false, LWM_NONE, NULL, NULL, DEV_ACTION_RESET, NULL, 0},
	{3303, 5700, R, false, LWM_FLOAT, get_temperature, NULL, 0, NULL, 0},
	{3303, 5701, R, false, LWM_STRING, NULL, NULL, 0, "Cel", 0},
	{3303, 5750, RW, false, LWM_STRING, get_use, set_use, 0, NULL, 0},
};

const struct dev_resource *dev_resource_table(size_t *n)
{
	*n = sizeof(table) / sizeof(table[0]);
	return table;
}

const struct dev_resource *dev_resource(uint16_t oid, uint16_t rid)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].oid == oid && table[i].rid == rid)
			return &table[i];
	}
	return NULL;
}

const uint16_t *dev_objects(const struct dev *d, size_t *n)
{
	static const uint16_t own[] = {1, 3, 5, 19, 3303}, gateway[] = {1, 3, 5, 19, 25, 3303},
			      behind[] = {3, 3303};
	*n = d->at         ? sizeof(behind) / sizeof(behind[0])
	     : d->behind_n ? sizeof(gateway) / sizeof(gateway[0])
			   : sizeof(own) / sizeof(own[0]);
	return d->at ? behind : d->behind_n ? gateway : own;
}

uint8_t dev_object_version(uint16_t oid)
{
	switch (oid) {
	case 5:
		return 12;
	case 25:
		return 20;
	case 3303:
		return 11; /* for its Application Type */
	default:
		return 0;
	}
}

void dev_value(const struct dev_resource *r, const struct dev_view *v, struct lwm_value *out)
{
	*out = (struct lwm_value){.type = r->type};
	if (r->get)
		r->get(v, out);
	else if (r->text)
		out->bytes = span_str(r->text);
	else
		out->i = r->number;
}

double dev_number(struct dev *d, const struct lwm_path *p)
{
	const struct dev_resource *r = p->n > 2 ? dev_resource(p->id[0], p->id[2]) : NULL;
	struct dev_view view = {d, &d->accounts, &d->host->scratch, p->id[1]};
	struct lwm_value v;
	if (!r || !(r->ops & LWM_OP_R) || !dev_has_instance(d, &d->accounts, p->id[0], p->id[1]))
		return NAN;
	dev_things_step(d);
	dev_value(r, &view, &v);
	if (v.type == LWM_FLOAT)
		return v.f;
	return v.type == LWM_INTEGER || v.type == LWM_TIME ? (double)v.i : NAN;
}
