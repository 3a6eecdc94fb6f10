/* SPDX-License-Identifier: Apache-2.0 */
/* Unprotected endpoints in a whole daemon: what strangers leave behind, what an administrator takes
 * from them, and the largest things they can say. */
#include "tests/unit/cmd/sim_admin.h"
#include "tests/unit/cmd/sim_plain.h"

static struct sim sim;
static struct sim_result result;

#define GOOD  "ep=plain&lt=60&lwm2m=1.1"
#define LINKS "</1/0>,</3/0>"

static void open_plain(struct sim *s)
{
	sim_init(s, 1);
	s->cfg.listen[SIM_SERVER].nosec = true;
	sim_open(s);
}

static uint8_t put(struct sim *s, const char *query, const char *links, struct msg *m)
{
	struct plain r = {.listener = SIM_SERVER,
		.code = MSG_POST,
		.path = "rd",
		.query = query,
		.payload = span_str(links)};
	return plain_send(s, &r, m);
}

/* "rd/..." of a new registration. */
static const char *registered(struct sim *s)
{
	static char path[32];
	struct msg m;
	REQUIRE(put(s, GOOD, LINKS, &m) == MSG_CREATED, "Register");
	const struct opt *a = msg_find(&m, OPT_LOCATION_PATH), *b = a ? msg_next(&m, a) : NULL;
	REQUIRE(b, "a location");
	snprintf(path, sizeof(path), "rd/%.*s", (int)b->val.n, (const char *)b->val.p);
	return path;
}

static struct endpoint *there(const struct sim *s)
{
	return ep_find(&s->core->dir, SPAN_LIT("plain"));
}

static bool is_registered(const struct sim *s)
{
	return there(s) && srv_registered(s->core->srv) == 1;
}

/* ---- what a refused Register leaves */

static const struct {
	const char *what, *query, *links;
	uint8_t code;
} refusals[] = {
	{"a version of the future", "ep=plain&lt=60&lwm2m=9.9", LINKS, MSG_PRECONDITION_FAILED},
	{"a broken list", GOOD, "</1/0>,</3", MSG_BAD_REQUEST},
	{"no list", GOOD, "", MSG_BAD_REQUEST},
	{"no lifetime", "ep=plain&lwm2m=1.1", LINKS, MSG_BAD_REQUEST},
	{"a lifetime that is none", "ep=plain&lt=x&lwm2m=1.1", LINKS, MSG_BAD_REQUEST},
	{"a number for SMS that is none", GOOD "&sms=+1", LINKS, MSG_BAD_REQUEST},
	{"an empty name", "ep=&lt=60&lwm2m=1.1", LINKS, MSG_BAD_REQUEST},
	{"no name", "lt=60&lwm2m=1.1", LINKS, MSG_BAD_REQUEST},
};

static void refused(void)
{
	struct sim *s = &sim;
	struct msg m;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		open_plain(s);
		CHECK(put(s, refusals[i].query, refusals[i].links, &m) == refusals[i].code,
			refusals[i].what);
		CHECK(!s->core->dir.by_name.count, "leaves no endpoint");
		sim_crash(s);
		CHECK(!s->core->dir.by_name.count, "and none in storage");
		sim_close(s);
	}
}

/* ---- what a registration leaves at its end */

enum kept { NOTHING, AN_ALIAS, A_PLAN, AN_OBSERVATION };

static void keep(struct sim *s, enum kept what)
{
	static const char json[] = "{\"servers\":[{\"uri\":\"coap://h:1\"}]}";
	struct adm_settings o = {.has_rd_ep = true, .rd_ep = SPAN_LIT("alias")};
	struct adm_ops ops = sim_ops(s, &result);
	struct adm_dm d = {.kind = ADM_OBSERVE,
		.endpoint = SPAN_LIT("plain"),
		.path = {.n = 3, .id = {3, 0, 9}},
		.content_format = -1};
	switch (what) {
	case NOTHING:
		return;
	case AN_ALIAS:
		ops.endpoint_put(ops.arg, d.endpoint, &o, sim_on_done, &result);
		break;
	case A_PLAN:
		ops.plan_put(ops.arg, d.endpoint, SPAN_LIT(json), sim_on_done, &result);
		break;
	case AN_OBSERVATION:
		sim_dm_begin(s, &d, &result);
		return;
	}
	CHECK(sim_await(s, &result, 1000) == 200, "an administrator cares for it");
}

static void left_behind(enum kept what, bool expires, const char *row)
{
	struct sim *s = &sim;
	struct msg m;
	bool stays = what != NOTHING;
	open_plain(s);
	const char *path = registered(s);
	keep(s, what);
	if (expires)
		sim_run(s, 160000);
	else
		plain_ask(s, 0, SIM_SERVER, MSG_DELETE, path, "", &m);
	sim_run(s, 1000);
	CHECK(!is_registered(s) && (there(s) != NULL) == stays, row);
	sim_crash(s);
	CHECK((there(s) != NULL) == stays, "after a crash too");
	sim_run(s, 1000);
	CHECK((there(s) != NULL) == stays, "and later");
	CHECK(put(s, "ep=other&lt=60&lwm2m=1.1", LINKS, &m) == MSG_CREATED, "life goes on");
	sim_close(s);
}

static void ends(void)
{
	for (int expires = 0; expires < 2; expires++) {
		left_behind(NOTHING, expires, "a mere name is forgotten");
		left_behind(AN_ALIAS, expires, "one with settings stays");
		left_behind(A_PLAN, expires, "one with a plan stays");
		left_behind(AN_OBSERVATION, expires, "one whose observation is wanted stays");
	}
}

/* Strangers come and go: nothing piles up. */
static void strangers(void)
{
	struct sim *s = &sim;
	struct msg m;
	open_plain(s);
	for (unsigned n = 0; n < 50; n++) {
		char query[64];
		snprintf(query, sizeof(query), "ep=n%u&lt=%u&lwm2m=1.1", n, 1 + n % 3);
		CHECK(put(s, query, LINKS, &m) == MSG_CREATED, "taken");
		sim_run(s, 100);
	}
	sim_run(s, 110000);
	CHECK(!s->core->dir.by_name.count && !srv_registered(s->core->srv), "all are forgotten");
	sim_close(s);
}

/* ---- what an administrator takes */

static void put_oscore(struct sim *s)
{
	struct adm_oscore o = {.master_secret = SPAN_LIT("0123456789abcdef"),
		.sender_id = SPAN_LIT("\x01"),
		.recipient_id = SPAN_LIT("s1"),
		.aead = ALG_AES_CCM_16_64_128,
		.hkdf = ALG_HKDF_SHA256};
	CHECK(sim_put_oscore(s, "plain", &o, &result) == 201, "it gets credentials");
}

static void allow(struct sim *s, bool yes)
{
	struct adm_settings o = {.has_nosec = true, .nosec = yes};
	struct adm_ops ops = sim_ops(s, &result);
	ops.endpoint_put(ops.arg, SPAN_LIT("plain"), &o, sim_on_done, &result);
	CHECK(sim_await(s, &result, 1000) == 200, "a permission");
}

static void delete_it(struct sim *s)
{
	struct adm_ops ops = sim_ops(s, &result);
	ops.endpoint_delete(ops.arg, SPAN_LIT("plain"), sim_on_done, &result);
	CHECK(sim_await(s, &result, 1000) == 204 && !there(s), "it is deleted");
}

enum deed { CREDENTIALS = 1, ALLOWED = 2, FORBIDDEN = 4, DELETED = 8 };

static const struct {
	const char *what;
	bool listener; /* lets anyone in */
	unsigned deeds;
	uint8_t code; /* of an Update afterwards */
} takes[] = {
	{"credentials end an unprotected registration", true, CREDENTIALS, MSG_NOT_FOUND},
	{"not that of one allowed by itself", true, ALLOWED | CREDENTIALS, MSG_CHANGED},
	{"the end of that permission does", true, ALLOWED | CREDENTIALS | FORBIDDEN, MSG_NOT_FOUND},
	{"also without credentials, where nobody may come unprotected", false, ALLOWED | FORBIDDEN,
		MSG_UNAUTHORIZED},
	{"not where the listener lets anyone in", true, ALLOWED | FORBIDDEN, MSG_CHANGED},
	{"nothing is left of one deleted then", true, CREDENTIALS | DELETED, MSG_NOT_FOUND},
	{"nor of one deleted at once", true, DELETED, MSG_NOT_FOUND},
};

static void taken(void)
{
	struct sim *s = &sim;
	struct msg m;
	for (size_t i = 0; i < sizeof(takes) / sizeof(*takes); i++) {
		unsigned deeds = takes[i].deeds;
		bool stays = takes[i].code == MSG_CHANGED;
		open_plain(s);
		s->cfg.listen[SIM_SERVER].nosec = takes[i].listener;
		sim_crash(s); /* reads the configuration anew */
		if (deeds & ALLOWED)
			allow(s, true);
		const char *path = registered(s);
		if (deeds & CREDENTIALS)
			put_oscore(s);
		if (deeds & FORBIDDEN)
			allow(s, false);
		if (deeds & DELETED)
			delete_it(s);
		CHECK(is_registered(s) == stays, takes[i].what);
		CHECK(plain_ask(s, 0, SIM_SERVER, MSG_POST, path, "", &m) == takes[i].code,
			"an Update hears of it");
		sim_run(s, 1000);
		sim_crash(s);
		CHECK(is_registered(s) == stays, "so it is stored");
		sim_close(s);
	}
}

/* ---- the largest things */

/* The body in blocks of 1024 bytes; the code of the last answer. */
static uint8_t put_blocks(struct sim *s, const char *path, const char *query, struct span body)
{
	uint8_t code = MSG_CONTINUE;
	struct msg m;
	for (uint32_t n = 0; code == MSG_CONTINUE; n++) {
		struct block b = {.num = n, .szx = 6};
		struct plain r = {.listener = SIM_SERVER,
			.code = MSG_POST,
			.path = path,
			.query = query,
			.block1 = &b};
		REQUIRE(block_cut(body, &b, &r.payload) == ERR_OK, "a block");
		code = plain_send(s, &r, &m);
	}
	return code;
}

/* A list of n objects in the longest spelling of theirs, behind a root link. */
static struct span long_list(unsigned n, const char *each)
{
	static char text[1 << 20];
	size_t at = (size_t)snprintf(text, sizeof(text),
		"</abcdefghijklmnopqrstuvwxyz01234>;rt=\"oma.lwm2m\";ct=\"0 40 42 110 112 11542 "
		"11543\"");
	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, each, 60000 + i, i);
	REQUIRE(at < sizeof(text), "room for a list");
	return span_make(text, at);
}

static const struct {
	const char *what, *each;
	unsigned n;
	bool taken;
} long_lists[] = {
	{"2048 objects (CT-32)", ",</%u>", 2048, true},
	{"2048 instances", ",</%u/65534>", 2048, true},
	{"2048 objects with versions", ",</%u>;ver=9.9", 2048, true},
	{"1024 instances with versions", ",</%u/65534>;ver=9.9", 1024, true},
	{"2048 instances with versions", ",</%u/65534>;ver=9.9", 2048, false},
	{"one more than can be kept", ",</%u>", 2049, false},
	{"100,000 objects", ",</%u>", 100000, false},
};

static void lists(void)
{
	struct sim *s = &sim;
	struct msg m;
	for (size_t i = 0; i < sizeof(long_lists) / sizeof(*long_lists); i++) {
		open_plain(s);
		struct span list = long_list(long_lists[i].n, long_lists[i].each);
		uint8_t code = put_blocks(s, "rd", GOOD, list);
		CHECK(!s->core->failed, "a list harms nobody");
		CHECK(code == MSG_CREATED || code == MSG_TOO_LARGE || code == MSG_BAD_REQUEST,
			long_lists[i].what);
		CHECK(is_registered(s) == (code == MSG_CREATED), "taken, or refused");
		CHECK(!long_lists[i].taken || code == MSG_CREATED, "taken where it can be kept");
		sim_crash(s);
		CHECK(is_registered(s) == (code == MSG_CREATED), "and read back");
		CHECK(put(s, "ep=other&lt=60&lwm2m=1.1", LINKS, &m) == MSG_CREATED, "life goes on");
		sim_close(s);
	}
}

/* By Update as well. */
static void updated_list(void)
{
	struct sim *s = &sim;
	open_plain(s);
	const char *path = registered(s);
	uint8_t code = put_blocks(s, path, "", long_list(2048, ",</%u/65534>;ver=9.9"));
	CHECK(!s->core->failed && (code == MSG_CHANGED || code == MSG_TOO_LARGE),
		"the longest list by Update (CT-32, BLK-01)");
	sim_crash(s);
	CHECK(is_registered(s), "it is still registered");
	sim_close(s);
}

/* A notification with a body as large as any may be. */
static void bodies(uint32_t bytes, bool taken_whole)
{
	struct sim *s = &sim;
	sim_init(s, 9);
	s->dev_options.blob_bytes = bytes;
	s->dev_options.block_bytes = 1024;
	sim_open(s);
	sim_provision(s, DEV_ROLE_SERVER);
	CHECK(sim_until(s, sim_all_registered, 10000), "registered");
	unsigned events = s->events;
	int status = sim_dm(s, 0, ADM_OBSERVE, "/19/0/0", &result);
	CHECK(taken_whole ? status == 200 && s->events == events + 1 : status >= 500,
		"observed, with the largest body");
	CHECK(!s->core->failed, "which harms nobody");
	CHECK(sim_dm(s, 0, ADM_READ, "/3/0/0", &result) == 200, "life goes on");
	sim_crash(s);
	CHECK(!s->core->failed && sim_until(s, sim_all_registered, 600000), "after a crash too");
	sim_close(s);
}

int main(void)
{
	refused();
	ends();
	strangers();
	taken();
	lists();
	updated_list();
	bodies(1048576 - 64, true);
	bodies(1048576 + 1, false);
	return test_done();
}
