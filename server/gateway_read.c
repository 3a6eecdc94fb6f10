/* SPDX-License-Identifier: Apache-2.0 */
/* What Objects 25 and 26 say of the devices behind a gateway. All of it is hostile until it fits:
 * what cannot be used is shown with the reason. */
#include "server/gateway.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { OBJECT = 25, DEVICE_ID = 0, PREFIX = 1, ROUTES = 2, LINKS = 3 };
enum { ROUTING = 26, ROUTED_OBJECT = 0 };
enum { ARENA_LIMIT = 16 << 20, LINK_MAX = sizeof("</65534>,") };

static void device_fini(struct srv_device *d)
{
	lwm_object_list_fini(&d->list);
	free(d->text);
	free(d->routes);
}

void srv_devices_fini(struct srv_devices *all)
{
	for (size_t i = 0; i < all->n; i++)
		device_fini(&all->v[i]);
	free(all->v);
	*all = (struct srv_devices){0};
}

struct span srv_device_id(const struct srv_device *d)
{
	return span_make(d->text, d->id_n);
}

struct span srv_device_told(const struct srv_device *d)
{
	return span_sub(span_make(d->text, (size_t)d->id_n + d->told_n), d->id_n, d->told_n);
}

/* ---- an answer as records, sorted by path */

struct answer {
	struct arena arena;
	struct lwm_records rec;
	const struct lwm_record **v;
	size_t n;
};

static int by_path(const void *a, const void *b)
{
	const struct lwm_record *const *x = a, *const *y = b;
	return lwm_path_cmp(&(*x)->path, &(*y)->path);
}

static void answer_fini(struct answer *a)
{
	free(a->v);
	arena_fini(&a->arena);
}

static enum err answer_read(
	const struct srv_reg *g, const struct msg *m, uint16_t oid, struct answer *a)
{
	uint32_t cf = LWM_CF_TEXT;
	msg_get_uint(m, OPT_CONTENT_FORMAT, &cf);
	const struct lwm_format *f = lwm_format(cf);
	const struct lwm_path base = {1, {oid}};
	const struct lwm_codec_opts o = {
		.alt = span_str(g->list.alt), .linked = true, .versions = srv_versions_of_all(g)};
	*a = (struct answer){.v = NULL};
	arena_init(&a->arena, ARENA_LIMIT);
	lwm_records_init(&a->rec, &a->arena);
	enum err err = f && f->decode ? f->decode(m->payload, &base, &o, &a->rec) : ERR_SYNTAX;
	err = err ? err : a->rec.err;
	a->v = err ? NULL : malloc((a->rec.n + 1) * sizeof(*a->v));
	for (size_t i = 0; a->v && i < a->rec.n; i++)
		if (a->rec.v[i].path.n >= 3 && a->rec.v[i].path.id[0] == oid)
			a->v[a->n++] = &a->rec.v[i];
	if (a->n)
		qsort(a->v, a->n, sizeof(a->v[0]), by_path);
	return !err && !a->v ? ERR_NOMEM : err;
}

/* How many at the front are of one instance. */
static size_t instance_end(const struct answer *a, size_t from)
{
	size_t to = from;
	while (to < a->n && a->v[to]->path.id[1] == a->v[from]->path.id[1])
		to++;
	return to;
}

/* ---- one device */

static struct span text_of(const struct lwm_record *r)
{
	bool text = r->kind == LWM_RECORD_VALUE &&
		    (r->value.type == LWM_STRING || r->value.type == LWM_CORELNK);
	return text && utf8_valid(r->value.bytes) ? r->value.bytes : SPAN_EMPTY;
}

static bool put_texts(struct srv_device *d, struct span id, struct span prefix)
{
	id = span_sub(id, 0, SRV_DEVICE_TEXT_MAX);
	while (id.n && !utf8_valid(id)) /* it may have been cut inside a character */
		id.n--;
	struct span told = span_sub(prefix, 0, SRV_DEVICE_TEXT_MAX);
	while (told.n && !utf8_valid(told))
		told.n--;
	d->text = malloc(id.n + told.n + 1);
	if (!d->text)
		return false;
	struct writer w = wr_make(d->text, id.n + told.n + 1);
	wr_bytes(&w, id);
	wr_bytes(&w, told);
	d->id_n = (uint16_t)id.n;
	d->told_n = (uint16_t)told.n;
	d->fault = lwm_prefix_fault(prefix);
	return d->fault || !lwm_prefix_set(prefix, &d->prefix);
}

/* The list is that of the device: an alternate path would be none of it. */
static enum err put_list(struct srv_device *d, struct span links)
{
	struct lwm_object_list list;
	enum err err = lwm_object_list_parse(links, &list);
	if (err == ERR_NOMEM)
		return err;
	d->links_bad = err != ERR_OK;
	if (err)
		return ERR_OK;
	lwm_object_list_fini(&d->list);
	list.alt[0] = '\0';
	list.formats = 0;
	d->list = list;
	return ERR_OK;
}

static void add_route(struct srv_device *d, const struct lwm_record *r)
{
	if (r->kind != LWM_RECORD_VALUE || r->value.type != LWM_OBJLNK ||
		r->value.link.oid != ROUTING || r->value.link.iid == LWM_ID_NONE)
		return;
	if (!d->routes)
		d->routes = calloc(SRV_DEVICE_ROUTES_MAX, sizeof(d->routes[0]));
	if (d->routes && d->route_n < SRV_DEVICE_ROUTES_MAX)
		d->routes[d->route_n++] = r->value.link.iid;
}

static size_t bytes_of(const struct srv_device *d)
{
	return sizeof(*d) + d->id_n + d->told_n + d->list.inst_n * sizeof(d->list.inst[0]) +
	       d->list.ver_n * sizeof(d->list.ver[0]);
}

/* v2.0 has its links in it; where a gateway of v1.0 has them too, that is what it leaves `ver` out
 * for. */
static enum err device_read(
	const struct lwm_record *const *v, size_t n, bool v2, struct srv_device *d)
{
	struct span id = SPAN_EMPTY, prefix = SPAN_EMPTY;
	enum err err = ERR_OK;
	*d = (struct srv_device){.iid = v[0]->path.id[1]};
	for (size_t i = 0; i < n && !err; i++) {
		uint16_t rid = v[i]->path.id[2];
		if (rid == DEVICE_ID)
			id = text_of(v[i]);
		else if (rid == PREFIX)
			prefix = text_of(v[i]);
		else if (rid == ROUTES && !v2)
			add_route(d, v[i]);
		else if (rid == LINKS) {
			d->linked = true;
			err = put_list(d, text_of(v[i]));
			d->links_bad = d->links_bad || v[i]->kind != LWM_RECORD_VALUE;
		}
	}
	if (!err && !put_texts(d, id, prefix))
		err = ERR_NOMEM;
	if (err)
		device_fini(d);
	return err;
}

/* ---- all of them */

/* Nobody could tell which of them a path is of. */
static void refuse_twins(struct srv_devices *all)
{
	for (size_t i = 0; i < all->n; i++)
		for (size_t k = 0; k < i && all->v[i].prefix.n; k++)
			if (lwm_prefix_eq(&all->v[i].prefix, &all->v[k].prefix))
				all->v[i].fault = all->v[k].fault = "is that of another device too";
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].fault)
			all->v[i].prefix.n = 0;
}

static enum err append(struct srv_devices *all, struct srv_device *d, size_t room_bytes)
{
	size_t bytes = bytes_of(d);
	if (all->n == SRV_DEVICES_MAX || all->bytes + bytes > room_bytes) {
		all->left_out++;
		device_fini(d);
		return ERR_OK;
	}
	if (all->n == all->cap) {
		size_t cap = all->cap ? 2 * all->cap : 8;
		struct srv_device *more = reallocarray(all->v, cap, sizeof(*more));
		if (!more) {
			device_fini(d);
			return ERR_NOMEM;
		}
		all->v = more;
		all->cap = cap;
	}
	all->v[all->n++] = *d;
	all->bytes += bytes;
	return ERR_OK;
}

enum err srv_devices_read(
	const struct srv_reg *g, const struct msg *m, size_t room_bytes, struct srv_devices *out)
{
	bool v2 = lwm_object_list_version(&g->list, OBJECT, g->lwm2m) >= SRV_GATEWAY_V2;
	struct answer a;
	*out = (struct srv_devices){0};
	enum err err = answer_read(g, m, OBJECT, &a);
	for (size_t i = 0, end; i < a.n && !err; i = end) {
		struct srv_device d;
		end = instance_end(&a, i);
		err = device_read(&a.v[i], end - i, v2, &d);
		if (!err)
			err = append(out, &d, room_bytes);
	}
	answer_fini(&a);
	if (err)
		srv_devices_fini(out);
	else
		refuse_twins(out);
	return err;
}

bool srv_devices_routed(const struct srv_devices *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].route_n && !all->v[i].linked)
			return true;
	return false;
}

/* The Object that an instance of /26 is about; LWM_ID_NONE: it does not say. */
static uint16_t routed_object(const struct answer *a, uint16_t iid)
{
	const struct lwm_record want = {.path = {3, {ROUTING, iid, ROUTED_OBJECT}}}, *key = &want;
	const struct lwm_record *const *at =
		a->n ? bsearch(&key, a->v, a->n, sizeof(a->v[0]), by_path) : NULL;
	const struct lwm_value *v = at ? &(*at)->value : NULL;
	if (!at || (*at)->kind != LWM_RECORD_VALUE)
		return LWM_ID_NONE;
	if (v->type == LWM_UNSIGNED && v->u < LWM_ID_NONE)
		return (uint16_t)v->u;
	return v->type == LWM_INTEGER && v->i >= 0 && v->i < LWM_ID_NONE ? (uint16_t)v->i
									 : LWM_ID_NONE;
}

static enum err route(const struct answer *a, struct srv_device *d)
{
	uint8_t text[SRV_DEVICE_ROUTES_MAX * LINK_MAX];
	struct writer w = wr_make(text, sizeof(text));
	for (uint16_t i = 0; i < d->route_n; i++) {
		uint16_t oid = routed_object(a, d->routes[i]);
		if (oid != LWM_ID_NONE)
			wr_fmt(&w, "%s</%u>", w.n ? "," : "", oid);
	}
	return w.err ? w.err : put_list(d, wr_span(&w));
}

enum err srv_devices_route(
	const struct srv_reg *g, const struct msg *m, size_t room_bytes, struct srv_devices *all)
{
	struct answer a;
	enum err err = answer_read(g, m, ROUTING, &a);
	for (size_t i = 0; i < all->n && !err; i++) {
		struct srv_device *d = &all->v[i];
		if (!d->route_n || d->linked)
			continue;
		all->bytes -= bytes_of(d);
		err = route(&a, d);
		if (!err && all->bytes + bytes_of(d) > room_bytes) {
			lwm_object_list_fini(&d->list);
			d->links_bad = true;
		}
		all->bytes += bytes_of(d);
	}
	answer_fini(&a);
	return err;
}
