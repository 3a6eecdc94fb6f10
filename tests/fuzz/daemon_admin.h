/* SPDX-License-Identifier: Apache-2.0 */
/* An administrator of the fuzzed daemon: its calls with operands of the program, few enough that
 * they meet again. */
#ifndef LANYARD_TESTS_FUZZ_DAEMON_ADMIN_H
#define LANYARD_TESTS_FUZZ_DAEMON_ADMIN_H

#include "tests/fuzz/daemon_world.h"

static struct span counted(struct reader *r)
{
	size_t n = rd_u8(r);
	return rd_bytes(r, n < rd_left(r) ? n : rd_left(r));
}

static void on_done(void *arg, const struct adm_result *r)
{
	unsigned *calls = arg;
	require(r->status >= 200 && r->status < 600, "an outcome has a status");
	require(r->status == 202 || !r->type == (r->status < 300),
		"and a type if it is a problem, or waits");
	++*calls;
	require(*calls == 1, "a call is answered once");
}

static void on_endpoint(void *arg, const struct adm_endpoint_view *v)
{
	++*(size_t *)arg;
	require(v->name.n && v->binding && v->security, "a view is filled in");
}

static void on_context(void *arg, const struct adm_context_view *v)
{
	++*(size_t *)arg;
	require(v->sender_next <= v->sender_limit, "numbers are reserved before they are used");
}

static void on_observation(void *arg, const struct adm_observation_view *v)
{
	++*(size_t *)arg;
	require(v->state != NULL, "a view is filled in");
}

static void on_event(void *arg, const struct adm_event *e)
{
	uint64_t *last = arg;
	require(e->seq > *last, "events come in order");
	*last = e->seq;
}

static bool explains(const struct adm_ops *o, struct span name)
{
	struct adm_explanation e;
	if (o->explain(o->arg, name, &e)) {
		require(e.similar_n <= ADM_SIMILAR_MAX, "some names like it");
		return false;
	}
	require(e.code && e.text && *e.text, "it is told in a sentence");
	for (size_t i = 0; i < e.reason_n; i++)
		require(e.reasons[i].code && e.reasons[i].text, "a reason has its sentence");
	for (size_t i = 0; i < e.context_n; i++)
		require(e.contexts[i].numbers_used <= e.contexts[i].numbers_limit,
			"no number is used beyond the limit");
	return true;
}

static void on_metric(void *arg, const struct adm_metric *m)
{
	++*(size_t *)arg;
	require(m->name && m->help, "a metric has its name");
}

/* All that only looks. */
static void look(const struct adm_ops *o, struct span name)
{
	struct adm_status status;
	struct adm_bootstrap_view bs;
	size_t n = 0;
	uint64_t last = 0, first;
	o->status(o->arg, &status);
	(void)o->endpoint_list(o->arg, SPAN_EMPTY, 2, SPAN_LIT("*"), on_endpoint, &n);
	require(n <= 2, "a page is as long as was asked for");
	bool there = o->endpoint_get(o->arg, name, on_endpoint, &n) == ERR_OK;
	require(there == (o->context_list(o->arg, name, on_context, &n) == ERR_OK) &&
			there ==
				(o->observation_list(o->arg, name, on_observation, &n) == ERR_OK) &&
			there == explains(o, name),
		"an endpoint is there or it is not");
	(void)o->bootstrap_get(o->arg, name, &bs);
	if (o->events(o->arg, 0, 100, on_event, &last, &first) == ERR_OK)
		require(first <= 1, "the oldest event");
	o->metrics(o->arg, on_metric, &n);
}

static struct lwm_path path_of(struct reader *r)
{
	static const struct lwm_path paths[] = {{.n = 0}, {1, {3}}, {2, {3, 0}}, {3, {3, 0, 1}},
		{3, {1, 0, 1}}, {3, {3303, 0, 5700}}, {3, {3, 0, 4}}, {4, {3, 0, 11, 0}},
		{3, {5, 0, 0}}, {3, {33000, 1, 2}}, {2, {1, 0}}, {3, {3, 0, 13}}};
	uint8_t which = rd_u8(r);
	struct lwm_path p = {.n = (uint8_t)((which & 7) % 5)};
	if (which < 128)
		return paths[which % (sizeof(paths) / sizeof(*paths))];
	for (size_t i = 0; i < p.n; i++)
		p.id[i] = rd_u16(r) % LWM_ID_NONE;
	return p;
}

/* With its highest bit the type asks for many bytes: more than a message holds, or a body may. */
static struct lwm_value value_of(struct reader *r)
{
	static uint8_t many[16 * 255];
	uint8_t type = rd_u8(r);
	struct lwm_value v = {.type = (enum lwm_type)((type & 127) % (LWM_CORELNK + 1))};
	struct span bytes = counted(r);
	for (size_t i = 0; type & 128 && i < sizeof(many); i++)
		many[i] = (uint8_t)('a' + i % 29);
	struct reader in = rd_make(bytes);
	switch (v.type) {
	case LWM_STRING:
	case LWM_CORELNK:
	case LWM_OPAQUE:
	case LWM_NONE:
		v.bytes = type & 128 ? span_make(many, bytes.n * 16) : bytes;
		break;
	case LWM_FLOAT:
		v.f = (double)bytes.n / 3;
		break;
	case LWM_BOOLEAN:
		v.b = bytes.n & 1;
		break;
	case LWM_OBJLNK:
		v.link.oid = rd_u16(&in);
		v.link.iid = rd_u16(&in);
		break;
	case LWM_INTEGER:
	case LWM_TIME:
	case LWM_UNSIGNED:
		v.u = rd_uint(&in, bytes.n < 8 ? bytes.n : 8);
		break;
	}
	return v;
}

static const char *const some_attributes[] = {
	"pmin=1", "pmax=60&gt=5&lt=", "pmin=2&epmin=", "pmin&con=1"};

/* A Resource of the Instance to be made. */
static struct lwm_path made_below(struct lwm_path object, uint8_t how)
{
	object.n = 3;
	object.id[1] = how & 8 ? LWM_ID_NONE : how & 3;
	object.id[2] = 15;
	return object;
}

static void call_dm(const struct adm_ops *o, enum adm_dm_kind kind, struct span name,
	struct reader *r, unsigned *calls)
{
	struct adm_dm d = {.kind = kind, .endpoint = name, .path = path_of(r)};
	uint8_t how = rd_u8(r);
	d.depth = (int8_t)(how % 6 - 1);
	struct lwm_record rec[3];
	static const int32_t formats[] = {
		-1, LWM_CF_TEXT, LWM_CF_TLV, LWM_CF_OPAQUE, LWM_CF_LINK, -1, 110, 65535};
	d.content_format = how & 64 ? formats[rd_u8(r) % 8] : -1;
	if (kind == ADM_EXECUTE)
		d.arguments = counted(r);
	if (kind == ADM_ATTRIBUTES)
		d.attributes = how & 16 ? counted(r) : span_str(some_attributes[rd_u8(r) % 4]);
	bool values = kind == ADM_WRITE || kind == ADM_WRITE_PARTIAL || kind == ADM_CREATE;
	for (size_t n = values ? 1 + (how & 1) : 0; d.record_n < n; d.record_n++) {
		struct lwm_value v = value_of(r);
		struct lwm_path at = kind == ADM_CREATE ? made_below(d.path, how) : d.path;
		if (how & 128)
			at = path_of(r);
		rec[d.record_n] = (struct lwm_record){.path = at, .value = v};
	}
	d.records = rec;
	uint64_t operation = o->dm(o->arg, &d, on_done, calls);
	if (how & 32)
		(void)!o->dm_cancel(o->arg, name, operation);
}

static void call_settings(
	const struct adm_ops *o, struct span name, struct reader *r, unsigned *calls)
{
	uint8_t has = rd_u8(r), v = rd_u8(r);
	struct adm_settings s = {.has_bs_ep = has & 1,
		.has_rd_ep = has & 2,
		.has_freshness = has & 4,
		.has_nosec = has & 8,
		.has_oscore_version = has & 16,
		.freshness = v & 16 ? EP_FRESH_B2 : v & 3,
		.nosec = v & 4,
		.oscore_version = v & 8 ? 20 : 10,
		.has_block_size = has & 32,
		.has_message_size = has & 64,
		.has_ack_timeout = has & 128,
		.has_nstart = v & 128,
		.pace = {.nstart = has & 7,
			.ack_timeout_ms = v & 16 ? 100 : 0,
			.block_bytes = v & 32 ? 16 : 0,
			.message_bytes = v & 64 ? 128 : 0}};
	if (s.has_bs_ep)
		s.bs_ep = counted(r);
	if (s.has_rd_ep)
		s.rd_ep = counted(r);
	o->endpoint_put(o->arg, name, &s, on_done, calls);
}

/* Few secrets and ids, so that they meet again. */
static void call_oscore(
	const struct adm_ops *o, struct span name, struct reader *r, unsigned *calls)
{
	static const uint8_t ids[] = {1, 2, 3, 4}, secrets[] = "0123456789abcdefghi";
	uint8_t how = rd_u8(r), id = rd_u8(r);
	struct adm_oscore c = {.bootstrap = how & 1,
		.master_secret = span_make(secrets + (how >> 1 & 3), 16),
		.sender_id = span_make(ids + (id & 3), 1),
		.recipient_id = span_make(ids + (id >> 2 & 3), id & 128 ? 0 : 1),
		.has_id_context = id & 16,
		.id_context = span_make(ids, id >> 5 & 1),
		.aead = ALG_AES_CCM_16_64_128,
		.hkdf = how & 8 ? ALG_HKDF_SHA512 : ALG_HKDF_SHA256,
		.has_recipient_seq = how & 16};
	if (how & 32)
		c.master_salt = SPAN_LIT("salt");
	if (how & 64)
		c.sender_seq = how & 128 ? OSC_SSN_MAX - rd_u8(r) : rd_u8(r);
	if (c.has_recipient_seq)
		c.recipient_seq = rd_u8(r);
	o->oscore_put(o->arg, name, &c, on_done, calls);
}

static void call_plan(const struct adm_ops *o, struct span name, struct reader *r, unsigned *calls)
{
	static const char own[] = "{\"servers\":[{\"uri\":\"coap://[2001:db8::1]:1\",\"ssid\":9,"
				  "\"lifetime_s\":60,\"binding\":\"UQ\",\"default_pmin_s\":1,"
				  "\"default_pmax_s\":9}]}";
	static const char *const plans[] = {
		"{\"servers\":[{\"uri\":\"coap://192.0.2.1\"}]}", own, "{\"servers\":[]}"};
	uint8_t which = rd_u8(r);
	struct span json = which & 4 ? counted(r) : span_str(plans[which % 3]);
	if (which & 8)
		name = SPAN_EMPTY;
	if (which & 16)
		o->plan_delete(o->arg, name, on_done, calls);
	else
		o->plan_put(o->arg, name, json, on_done, calls);
}

/* Packages of some lengths, whole and in parts, and what is done with them. */
static void call_firmware(
	const struct adm_ops *o, struct span name, struct reader *r, unsigned *calls)
{
	static const uint8_t bytes[1024];
	static const char *const images[] = {"v1", "v2", "v3.bin", ".."};
	uint8_t how = rd_u8(r), n = rd_u8(r);
	struct span image = span_str(images[how & 3]);
	struct adm_image_piece p = {.name = image,
		.at = how & 64 ? rd_u16(r) : 0,
		.total = (uint64_t)n * 16 + 1,
		.bytes = span_make(bytes, (size_t)n * (how & 64 ? 4 : 16) + 1),
		.once = how & 128};
	struct adm_firmware f = {.pull = how & 64,
		.image = how & 128 ? SPAN_EMPTY : image,
		.uri = how & 128 ? counted(r) : SPAN_EMPTY};
	if (p.bytes.n > sizeof(bytes))
		p.bytes.n = sizeof(bytes);
	switch (how >> 2 & 3) {
	case 0:
		o->image_add(o->arg, &p, on_done, calls);
		break;
	case 1:
		o->firmware_start(o->arg, name, &f, on_done, calls);
		break;
	case 2:
		o->firmware_cancel(o->arg, name, on_done, calls);
		break;
	default:
		o->image_delete(o->arg, image, on_done, calls);
	}
}

/* The next call, as the program says. */
static void admin_call(struct world *w, struct reader *r)
{
	static const enum adm_dm_kind kinds[] = {
		ADM_READ, ADM_WRITE, ADM_EXECUTE, ADM_OBSERVE, ADM_CANCEL};
	static const enum adm_dm_kind more[] = {
		ADM_WRITE_PARTIAL, ADM_CREATE, ADM_DELETE, ADM_DISCOVER, ADM_ATTRIBUTES};
	uint8_t what = rd_u8(r);
	struct span name = span_str(world_names[what >> 4 & 3]);
	struct adm_ops o;
	unsigned *calls = &w->calls[w->call_n++];
	*calls = 0;
	world_time(w);
	core_admin_ops(w->core, &o);
	switch (what & 15) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
		call_dm(&o, kinds[what & 15], name, r, calls);
		break;
	case 13:
		call_dm(&o, more[rd_u8(r) % 5], name, r, calls);
		break;
	case 5:
		call_settings(&o, name, r, calls);
		break;
	case 6:
		o.endpoint_delete(o.arg, name, on_done, calls);
		break;
	case 7:
	case 8:
		call_oscore(&o, name, r, calls);
		break;
	case 9:
		o.oscore_delete(o.arg, name, rd_u8(r) & 1, on_done, calls);
		break;
	case 10:
	case 11:
		call_plan(&o, name, r, calls);
		break;
	case 14:
		call_firmware(&o, name, r, calls);
		break;
	default:
		look(&o, name);
		*calls = 1;
	}
}

#endif
