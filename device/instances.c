/* SPDX-License-Identifier: Apache-2.0 */
/* Which instances there are, and those of /3303 that the server makes and deletes. The asking
 * server knows of them: no Update follows, but the next list that is sent has them. */
#include "device/inner.h"

#include <stdlib.h>
#include <string.h>

enum { GATEWAY = 25, SENSOR = 3303 };

size_t dev_instances(const struct dev *d, const struct dev_accounts *a, uint16_t oid,
	uint16_t iid[DEV_INSTANCES_MAX])
{
	if (oid == 1) {
		for (size_t i = 0; i < a->server_n; i++)
			iid[i] = a->server[i].iid;
		return a->server_n;
	}
	if (oid == SENSOR && d->sensors) {
		for (size_t i = 0; i < d->sensors->n; i++)
			iid[i] = d->sensors->at[i].iid;
		return d->sensors->n;
	}
	if (oid == GATEWAY) {
		for (uint16_t i = 0; i < d->behind_n; i++)
			iid[i] = i;
		return d->behind_n;
	}
	iid[0] = 0;
	return 1;
}

bool dev_has_instance(const struct dev *d, const struct dev_accounts *a, uint16_t oid, uint16_t iid)
{
	uint16_t iids[DEV_INSTANCES_MAX];
	size_t n = dev_instances(d, a, oid, iids);
	for (size_t i = 0; i < n; i++) {
		if (iids[i] == iid)
			return true;
	}
	return false;
}

static struct dev_sensor *find(const struct dev *d, uint16_t iid)
{
	for (size_t i = 0; d->sensors && i < d->sensors->n; i++) {
		if (d->sensors->at[i].iid == iid)
			return &d->sensors->at[i];
	}
	return NULL;
}

const struct dev_sensor *dev_sensor(const struct dev *d, uint16_t iid)
{
	return find(d, iid);
}

/* From the one sensor that is not written down to a list. */
static bool write_down(struct dev *d)
{
	if (d->sensors)
		return true;
	d->sensors = calloc(1, sizeof(*d->sensors));
	if (!d->sensors)
		return false;
	d->sensors->n = 1;
	d->sensors->at[0].low = d->things.low;
	d->sensors->at[0].high = d->things.high;
	return true;
}

struct dev_sensor *dev_sensor_change(struct dev *d, uint16_t iid)
{
	return write_down(d) ? find(d, iid) : NULL;
}

static struct dev_sensor *insert(struct dev *d, uint16_t iid)
{
	struct dev_sensors *s = d->sensors;
	size_t at = 0;
	while (at < s->n && s->at[at].iid < iid)
		at++;
	memmove(&s->at[at + 1], &s->at[at], (s->n++ - at) * sizeof(s->at[0]));
	s->at[at] = (struct dev_sensor){.iid = iid, .low = INT16_MAX, .high = INT16_MIN};
	return &s->at[at];
}

/* What is read-only or unknown is skipped (DM-14); a value that cannot be is refused. */
static bool skipped(const struct lwm_record *v)
{
	const struct dev_resource *r = v->path.n > 2 ? dev_resource(SENSOR, v->path.id[2]) : NULL;
	return !r || !(r->ops & LWM_OP_W);
}

/* The id that all records name, LWM_ID_NONE if they name none; false: they differ. */
static bool wanted_id(const struct lwm_record *v, size_t n, uint16_t *iid)
{
	*iid = n ? v[0].path.id[1] : LWM_ID_NONE;
	for (size_t i = 0; i < n; i++) {
		if (v[i].path.n < 2 || v[i].path.id[1] != *iid)
			return false;
	}
	return true;
}

static uint16_t free_id(const struct dev *d)
{
	uint16_t iid = 0;
	while (find(d, iid))
		iid++;
	return iid;
}

uint8_t dev_create(struct dev *d, uint16_t oid, const struct lwm_record *v, size_t n, uint16_t *iid,
	bool *chosen)
{
	uint8_t code = MSG_EMPTY;
	if (oid != SENSOR)
		return MSG_METHOD_NOT_ALLOWED;
	if (!wanted_id(v, n, iid))
		return MSG_BAD_REQUEST;
	for (size_t i = 0; i < n && code == MSG_EMPTY; i++) {
		if (!skipped(&v[i]))
			code = dev_check_record(&v[i]);
	}
	if (code != MSG_EMPTY)
		return code;
	if (!write_down(d) || d->sensors->n >= DEV_CREATED_MAX)
		return MSG_INTERNAL_ERROR;
	*chosen = *iid == LWM_ID_NONE;
	if (*chosen)
		*iid = free_id(d);
	if (find(d, *iid))
		return MSG_BAD_REQUEST;
	insert(d, *iid);
	for (size_t i = 0; i < n && (code == MSG_EMPTY || code == MSG_CHANGED); i++) {
		if (v[i].kind == LWM_RECORD_VALUE && !skipped(&v[i]))
			code = dev_resource(SENSOR, v[i].path.id[2])->set(d, *iid, &v[i].value);
	}
	struct lwm_path made = {2, {SENSOR, *iid, 0, 0}};
	if (code != MSG_EMPTY && code != MSG_CHANGED) {
		dev_delete(d, &made);
		return code;
	}
	dev_observe_touch(d, &made);
	return MSG_CREATED;
}

enum err dev_sensors_add(struct dev *d, uint32_t n)
{
	if (!write_down(d))
		return ERR_NOMEM;
	for (uint16_t i = 1; i < n && i < DEV_SENSORS_MAX; i++)
		insert(d, i);
	return ERR_OK;
}

uint8_t dev_delete(struct dev *d, const struct lwm_path *p)
{
	if (p->n != 2 || p->id[0] != SENSOR)
		return MSG_METHOD_NOT_ALLOWED;
	struct dev_sensor *s = dev_sensor_change(d, p->id[1]);
	if (!s)
		return MSG_INTERNAL_ERROR;
	size_t at = (size_t)(s - d->sensors->at);
	memmove(s, s + 1, (--d->sensors->n - at) * sizeof(*s));
	dev_attr_drop(d, p);
	dev_observe_touch(d, p); /* an observation of it ends with 4.04 */
	return MSG_DELETED;
}
