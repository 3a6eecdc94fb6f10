/* SPDX-License-Identifier: Apache-2.0 */
/* The exchange's rig with a server engine on top. */
#ifndef LANYARD_TESTS_UNIT_SERVER_RIG_H
#define LANYARD_TESTS_UNIT_SERVER_RIG_H

#include "lwm2m/format.h"
#include "server/server.h"
#include "tests/unit/endpoint/rig.h"

static struct rig rig;
static struct srv *srv;
static uint64_t next_event;
static struct rig_msg q, a; /* asked and answered last */

static char sent_events[4096]; /* what render_send was given: "112 /3/0/9=80@1.5 ..." */

static void render_send(void *arg, int32_t cf, const struct lwm_record *v, size_t n,
	const struct lwm_versions *versions, struct writer *w)
{
	size_t *most = arg;
	(void)versions;
	struct writer all = wr_make(sent_events, sizeof(sent_events) - 1);
	all.n = strlen(sent_events);
	if (most && *most && n > *most) {
		w->err = ERR_SPACE;
		return;
	}
	wr_fmt(&all, "[%d", (int)cf);
	for (size_t i = 0; i < n; i++) {
		wr_fmt(&all, " %.*s", (int)v[i].prefix.n, (const char *)v[i].prefix.p);
		wr_path(&all, &v[i].path);
		if (v[i].kind == LWM_RECORD_VALUE) {
			wr_str(&all, "=");
			wr_value_text(&all, &v[i].value);
		}
		if (v[i].has_time)
			wr_fmt(&all, "@%.0f", v[i].time_s);
	}
	wr_str(&all, "]");
	sent_events[all.n] = '\0';
	wr_str(w, "{}");
}

static size_t send_values_max;
static bool rolled_back;

/* The bytes of every firmware image. */
static uint8_t rig_image_byte(uint64_t at)
{
	return (uint8_t)(at * 31 + at / 256);
}

static enum err rig_image_fails;
static bool rig_firmware_nosec;

static enum err rig_image(
	void *arg, const uint8_t sha256[static SRV_SHA256], uint64_t at, uint8_t *buf, size_t n)
{
	(void)arg, (void)sha256;
	for (size_t i = 0; i < n; i++)
		buf[i] = rig_image_byte(at + i);
	return rig_image_fails;
}

static RIG_UNUSED void open_server(const char *nosec_endpoints)
{
	static const uint8_t seed[16] = {9};
	rig_init(&rig, true);
	struct srv_opts o = {.exchange = rig.x,
		.next_event = &next_event,
		.grace_s = 93,
		.awake_s = 93,
		.queue_expiry_s = 3600,
		.queue_limit = 4,
		.queue_total = 6,
		.queue_bytes = 4096,
		.rolled_back = rolled_back,
		.files = {rig_image, NULL},
		.firmware_timeout_s = 3600,
		.firmware_uri = "coap://192.0.2.1/",
		.firmware_nosec = rig_firmware_nosec,
		.nosec_listener = {false, false, true},
		.nosec_endpoints = nosec_endpoints,
		.seed = seed,
		.now_ms = rig.now_ms,
		.render_send = render_send,
		.render_arg = &send_values_max};
	next_event = 1;
	REQUIRE(srv_new(&o, &srv) == ERR_OK, "server");
}

static RIG_UNUSED void close_server(void)
{
	srv_free(srv);
	rig_fini(&rig);
}

static void add_queries(struct msg *m, char *text)
{
	for (char *one; (one = strsep(&text, "&"));)
		if (*one)
			REQUIRE(msg_add(m, OPT_URI_QUERY, span_str(one)) == ERR_OK, "query");
}

/* A protected request of the device; the code of the answer. cf below 0: none. */
static RIG_UNUSED uint8_t ask(
	uint8_t code, const char *path, const char *query, int cf, const char *payload)
{
	struct msg m;
	char copy[512];
	rig_turn(&rig, 10);
	snprintf(copy, sizeof(copy), "%s", query);
	rig_plain(&m, code, path);
	if (cf >= 0)
		REQUIRE(msg_add_uint(&m, OPT_CONTENT_FORMAT, (uint32_t)cf) == ERR_OK, "format");
	add_queries(&m, copy);
	m.payload = span_str(payload);
	if (rig_in(&rig, rig_protect(&rig, RIG_SERVER, &m, &q)) != EP_REQUEST)
		return 0;
	srv_request(srv, &rig.d, &rig.t);
	return rig_answer(&rig, RIG_SERVER, &q, rig_sent(&rig, 0), &a) ? a.plain.code : 0;
}

static RIG_UNUSED struct srv_view view(void)
{
	struct srv_view v;
	srv_view(srv, rig.e, rig.now_ms, &v);
	return v;
}

/* "rd/..." of the registration that is there. */
static RIG_UNUSED const char *location(void)
{
	static char text[32];
	struct span l = view().location;
	snprintf(text, sizeof(text), "rd/%.*s", (int)l.n, (const char *)l.p);
	return text;
}

static RIG_UNUSED void register_device(const char *query, const char *links)
{
	REQUIRE(ask(MSG_POST, "rd", query, LWM_CF_LINK, links) == MSG_CREATED, "registered");
}

#endif
