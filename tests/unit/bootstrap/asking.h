/* SPDX-License-Identifier: Apache-2.0 */
/* A device that is bootstrapped, command by command. */
#ifndef LANYARD_TESTS_BOOTSTRAP_ASKING_H
#define LANYARD_TESTS_BOOTSTRAP_ASKING_H

#include "bootstrap/session.h"

#include "base/text.h"
#include "lwm2m/format.h"
#include "tests/unit/endpoint/rig.h"

static struct rig rig;
static struct bs *bs;
static uint64_t next_event;
static struct rig_msg q, a, p; /* a: asked by the device; q: by us */

static struct bs_account account = {
	.oscore = {.aead = ALG_AES_CCM_16_64_128, .hkdf = ALG_HKDF_SHA256},
	.has_oscore = true,
	.mode = BS_MODE_NOSEC,
	.matching_type = -1,
	.certificate_usage = -1,
	.uri = "coap://192.0.2.1:5683",
	.binding = "UQ",
	.ssid = 101,
	.lifetime_s = 300,
	.pmin_s = 1,
	.pmax_s = 60,
	.notification_storing = true};
static RIG_UNUSED struct bs_plan plan = {.refs = 1, .account = &account, .account_n = 1};

/* What was read, as the daemon would show it. */
static void render(void *arg, const struct lwm_path *path, uint8_t code, int32_t cf,
	struct span payload, struct span alt, const struct lwm_versions *versions, struct writer *w)
{
	(void)arg, (void)alt, (void)versions;
	wr_str(w, "{\"path\":\"");
	wr_path(w, path);
	wr_fmt(w, "\",\"code\":\"%u.%02u\",\"content_format\":%d,\"payload_hex\":\"", code >> 5,
		code & 31u, cf);
	wr_hex(w, payload);
	wr_str(w, "\"}");
}

/* fresh: the device has proved that it is there. */
static void open_bootstrap_to(struct bs_plan *configured, bool fresh)
{
	rig_init(&rig, fresh);
	struct bs_opts o = {.exchange = rig.x,
		.next_event = &next_event,
		.configured = configured,
		.recipient_id_bytes = 5,
		.session_timeout_s = 247,
		.pack = true,
		.render = render,
		.now_ms = rig.now_ms};
	next_event = 1;
	rig.from.listener = RIG_BOOTSTRAP;
	REQUIRE(bs_new(&o, &bs) == ERR_OK, "bootstrap server");
}

static void open_bootstrap(struct bs_plan *configured)
{
	open_bootstrap_to(configured, true);
}

static void close_bootstrap(void)
{
	bs_free(bs);
	rig_fini(&rig);
}

/* A Bootstrap-Request; the code of its answer. The first command, if any, is in q. */
static uint8_t request(uint8_t code, const char *path, const char *query)
{
	struct msg m;
	char copy[256], *text = copy;
	rig_turn(&rig, 10);
	snprintf(copy, sizeof(copy), "%s", query);
	rig_plain(&m, code, path);
	for (char *one; (one = strsep(&text, "&"));)
		if (*one)
			REQUIRE(msg_add(&m, OPT_URI_QUERY, span_str(one)) == ERR_OK, "query");
	if (rig_in(&rig, rig_protect(&rig, RIG_BOOTSTRAP, &m, &a)) != EP_REQUEST)
		return 0;
	bs_request(bs, &rig.d, &rig.t);
	if (!rig_answer(&rig, RIG_BOOTSTRAP, &a, rig_sent(&rig, 0), &p))
		return 0;
	rig_asked(&rig, RIG_BOOTSTRAP, rig_sent(&rig, 1), &q);
	return p.plain.code;
}

/* As bytes of a content format; below 0: none is told. */
static RIG_UNUSED bool answer_as(uint8_t code, int cf, struct span payload)
{
	struct msg m;
	rig_turn(&rig, 10);
	msg_init(&m, MSG_ACK, code);
	if (cf >= 0)
		REQUIRE(!msg_add_uint(&m, OPT_CONTENT_FORMAT, (uint32_t)cf), "format");
	m.payload = payload;
	REQUIRE(rig_in(&rig, rig_reply(&rig, RIG_BOOTSTRAP, &q, &m, 0, &p)) == EP_RESPONSE,
		"an answer is delivered");
	bs_response(bs, &rig.d, &rig.t);
	ep_delivery_end(rig.x, &rig.d, &rig.t);
	return rig_asked(&rig, RIG_BOOTSTRAP, rig_sent(&rig, 0), &q);
}

/* The device answers q; true if another command follows, then in q. */
static RIG_UNUSED bool answer(uint8_t code, const char *payload)
{
	return answer_as(code, -1, span_str(payload));
}

/* "GET /0/1" of the command in q. */
static RIG_UNUSED const char *command(void)
{
	static char text[64];
	static const char *const names[] = {"", "GET ", "POST ", "PUT ", "DELETE "};
	snprintf(text, sizeof(text), "%s", names[q.plain.code < 5 ? q.plain.code : 0]);
	for (const struct opt *o = msg_find(&q.plain, OPT_URI_PATH); o; o = msg_next(&q.plain, o))
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "/%.*s", (int)o->val.n,
			(const char *)o->val.p);
	return text;
}

#endif
