/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on the rig: what is asked of the device, and its answers. */
#ifndef LANYARD_TESTS_UNIT_SERVER_ASKING_H
#define LANYARD_TESTS_UNIT_SERVER_ASKING_H

#include "base/text.h"
#include "tests/unit/server/rig.h"

static struct rig_msg p;

/* "/3/0/9", or "/d01/3/0/9" of a device behind it. */
static RIG_UNUSED void aim(struct srv_dm *d, const char *path)
{
	struct lwm_target at;
	REQUIRE(lwm_target_parse(span_str(path), &at) == ERR_OK, "path");
	d->prefix = at.prefix;
	d->path = at.path;
}

/* Starts an operation; the request it sent is in q. False if none was sent. */
static RIG_UNUSED bool start(enum srv_dm_kind kind, const char *path, int32_t cf,
	const struct lwm_value *v, const char *arguments)
{
	struct srv_dm d = {.kind = kind,
		.endpoint = rig.e,
		.content_format = cf,
		.arguments = span_str(arguments),
		.ticket = 7};
	aim(&d, path);
	struct lwm_record rec = {.kind = LWM_RECORD_VALUE, .path = d.path};
	if (v) {
		rec.value = *v;
		d.records = &rec;
		d.record_n = 1;
	}
	rig_turn(&rig, 10);
	srv_dm(srv, &d, &rig.t);
	return rig_asked(&rig, RIG_SERVER, rig_sent(&rig, 0), &q);
}

/* "/3/0/15=UTC"; "/3303/1" alone: an Object Instance; "/3303/-" has no id yet; "?/3" is a name and
 * "!/3/0/7/1" a removal. */
static RIG_UNUSED bool read_record(char *text, struct arena *arena, struct lwm_record *out)
{
	char *value = strchr(text, '=');
	*out = (struct lwm_record){.kind = value ? LWM_RECORD_VALUE : LWM_RECORD_INSTANCE};
	if (*text == '?' || *text == '!')
		out->kind = *text++ == '?' ? LWM_RECORD_NAME : LWM_RECORD_DELETE;
	if (value)
		*value++ = '\0';
	char *none = strchr(text, '-');
	if (none)
		*none = '0';
	struct lwm_target at;
	enum err err = ERR_OK;
	REQUIRE(lwm_target_parse(span_str(text), &at) == ERR_OK, "record");
	out->path = at.path;
	out->prefix = arena_dup(arena, lwm_prefix_span(&at.prefix), &err);
	REQUIRE(!err, "memory");
	if (none)
		out->path.id[1] = LWM_ID_NONE;
	return !value || lwm_value_from_text(span_str(value), lwm_type_at(&out->path), arena,
				 &out->value) == ERR_OK;
}

/* The outcome in this turn, or NULL. */
static RIG_UNUSED const struct effect_done *outcome(void)
{
	for (size_t i = 0; i < rig.t.effect_n; i++)
		if (rig.t.effect[i].kind == EFFECT_DONE)
			return &rig.t.effect[i].done;
	return NULL;
}

/* The device answers q; what is sent next, if it is a request, is in q. */
static RIG_UNUSED bool answer(uint8_t code, int cf, const char *payload, int observe)
{
	struct msg m;
	rig_turn(&rig, 10);
	msg_init(&m, MSG_ACK, code);
	if (observe >= 0)
		REQUIRE(msg_add_uint(&m, OPT_OBSERVE, (uint32_t)observe) == ERR_OK, "observe");
	if (cf >= 0)
		REQUIRE(msg_add_uint(&m, OPT_CONTENT_FORMAT, (uint32_t)cf) == ERR_OK, "format");
	m.payload = span_str(payload);
	if (rig_in(&rig, rig_reply(&rig, RIG_SERVER, &q, &m, 0, &p)) == EP_NOTHING)
		return false;
	srv_response(srv, &rig.d, &rig.t);
	ep_delivery_end(rig.x, &rig.d, &rig.t);
	rig_asked(&rig, RIG_SERVER, rig_sent(&rig, 0), &q);
	return true;
}

static RIG_UNUSED bool asked(
	uint8_t code, const char *path, int accept, int cf, struct span payload)
{
	char text[64] = "";
	uint32_t v;
	for (const struct opt *o = msg_find(&q.plain, OPT_URI_PATH); o; o = msg_next(&q.plain, o))
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "/%.*s", (int)o->val.n,
			(const char *)o->val.p);
	bool has_accept = msg_get_uint(&q.plain, OPT_ACCEPT, &v);
	if (has_accept != (accept >= 0) || (has_accept && (int)v != accept))
		return false;
	bool has_cf = msg_get_uint(&q.plain, OPT_CONTENT_FORMAT, &v);
	if (has_cf != (cf >= 0) || (has_cf && (int)v != cf))
		return false;
	return q.outer.type == MSG_CON && q.plain.code == code && !strcmp(text, path) &&
	       span_eq(q.plain.payload, payload);
}

/* A device of that version, whatever a Register may say. */
static RIG_UNUSED void open_version(uint8_t lwm2m, const char *links)
{
	struct rec_reg r = {.location = SPAN_LIT("abcdefghjk"),
		.lifetime_s = 60,
		.lwm2m = lwm2m,
		.binding = 1,
		.links = span_str(links),
		.expiry_ms = UINT64_MAX};
	open_server("");
	register_device("ep=dev&lt=60&lwm2m=1.1", "</3/0>"); /* so that its address is known */
	srv_forget_endpoint(srv, rig.e, &rig.t);
	REQUIRE(srv_load_registration(srv, rig.e, rig.server, &r) == ERR_OK, "registered");
}

/* Starts an operation with values, arguments or attributes as text: "/3/0/15=UTC /3/0/14=+00"; the
 * request it sent is in q. False if none was sent. */
static RIG_UNUSED bool begin(
	enum srv_dm_kind kind, const char *path, int32_t cf, const char *text, int depth)
{
	static struct lwm_record rec[16];
	static char copy[256];
	struct arena arena;
	char *rest = copy;
	struct srv_dm d = {.kind = kind,
		.endpoint = rig.e,
		.content_format = cf,
		.depth = (int8_t)depth,
		.ticket = 7};
	arena_init(&arena, 4096);
	snprintf(copy, sizeof(copy), "%s", text);
	aim(&d, path);
	if (kind == SRV_EXECUTE)
		d.arguments = span_str(text);
	else if (kind == SRV_ATTRIBUTES)
		d.attributes = span_str(text);
	else
		for (char *one; (one = strsep(&rest, " "));)
			d.record_n += *one != '\0' && read_record(one, &arena, &rec[d.record_n]);
	d.records = rec;
	rig_turn(&rig, 10);
	srv_dm(srv, &d, &rig.t);
	arena_fini(&arena);
	return rig_asked(&rig, RIG_SERVER, rig_sent(&rig, 0), &q);
}

/* q as text: "PUT /3/0/9?pmin=1 accept 40 format 0 [hex]". */
static RIG_UNUSED const char *wire(void)
{
	static const char *const methods[] = {
		"", "GET", "POST", "PUT", "DELETE", "FETCH", "PATCH", "iPATCH"};
	static char text[2048];
	struct writer w = wr_make(text, sizeof(text) - 1);
	const struct msg *m = &q.plain;
	const char *sep = "?";
	uint32_t v;
	wr_fmt(&w, "%s%s ", q.outer.type == MSG_CON ? "" : "not CON ", methods[m->code % 8]);
	for (const struct opt *o = msg_find(m, OPT_URI_PATH); o; o = msg_next(m, o))
		wr_fmt(&w, "/%.*s", (int)o->val.n, (const char *)o->val.p);
	for (const struct opt *o = msg_find(m, OPT_URI_QUERY); o; o = msg_next(m, o), sep = "&")
		wr_fmt(&w, "%s%.*s", sep, (int)o->val.n, (const char *)o->val.p);
	if (msg_get_uint(m, OPT_ACCEPT, &v))
		wr_fmt(&w, " accept %u", v);
	if (msg_get_uint(m, OPT_CONTENT_FORMAT, &v))
		wr_fmt(&w, " format %u", v);
	if (m->payload.n)
		wr_str(&w, " ");
	wr_hex(&w, m->payload);
	text[w.n] = '\0';
	return text;
}

static RIG_UNUSED void open_registered(const char *links)
{
	open_server("");
	register_device("ep=dev&lt=60&lwm2m=1.1", links);
}

#endif
