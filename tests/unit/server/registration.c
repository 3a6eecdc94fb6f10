/* SPDX-License-Identifier: Apache-2.0 */
/* Register, Update, De-register: what is accepted, what is refused and how, what is kept. */
#include "tests/unit/server/rig.h"

#define LINKS "</1/0>,</3/0>"

struct row {
	const char *what, *query;
	int cf;
	const char *links;
	uint8_t code;
	uint32_t lifetime_s;
	uint8_t lwm2m, binding;
	bool queue;
};

#define REFUSED(code) code, 0, 0, 0, false

static const struct row rows[] = {
	{"1.1 (REG-01)", "ep=dev&lt=60&lwm2m=1.1&b=U", 40, LINKS, MSG_CREATED, 60, 11, 1, false},
	{"any order (CT-20)", "b=U&lwm2m=1.1&ep=dev&lt=60", 40, LINKS, MSG_CREATED, 60, 11, 1,
		false},
	{"unknown keys are kept out (CT-20)", "x=1&ep=dev&y&lt=60&lwm2m=1.1&z=", 40, LINKS,
		MSG_CREATED, 60, 11, 1, false},
	{"a repeated key (CT-20)", "ep=dev&lt=60&lwm2m=1.1&lt=60", 40, LINKS,
		REFUSED(MSG_BAD_REQUEST)},
	{"Q bare (CT-21, QM-01)", "ep=dev&lt=60&lwm2m=1.1&Q", 40, LINKS, MSG_CREATED, 60, 11, 1,
		true},
	{"Q= (CT-21)", "ep=dev&lt=60&lwm2m=1.1&b=U&Q=", 40, LINKS, MSG_CREATED, 60, 11, 1, true},
	{"UQ in 1.0 (CT-21, REG-11, QM-01)", "ep=dev&lt=60&lwm2m=1.0&b=UQ", 40, LINKS, MSG_CREATED,
		60, 10, 1, true},
	{"UQ in 1.1 (CT-21)", "ep=dev&lt=60&lwm2m=1.1&b=UQ", 40, LINKS, MSG_CREATED, 60, 11, 1,
		true},
	{"no b (CT-22)", "ep=dev&lt=60&lwm2m=1.1", 40, LINKS, MSG_CREATED, 60, 11, 1, false},
	{"UT (CT-22)", "ep=dev&lt=60&lwm2m=1.1&b=UT", 40, LINKS, MSG_CREATED, 60, 11, 3, false},
	{"N: U is assumed (CT-22)", "ep=dev&lt=60&lwm2m=1.1&b=N", 40, LINKS, MSG_CREATED, 60, 11, 9,
		false},
	{"no ep (CT-23)", "lt=60&lwm2m=1.1", 40, LINKS, MSG_CREATED, 60, 11, 1, false},
	{"another's ep (REG-03)", "ep=other&lt=60&lwm2m=1.1", 40, LINKS, REFUSED(MSG_BAD_REQUEST)},
	{"an empty ep", "ep=&lt=60&lwm2m=1.1", 40, LINKS, REFUSED(MSG_BAD_REQUEST)},
	{"1.0: all defaults (REG-02)", "ep=dev", 40, LINKS, MSG_CREATED, 86400, 10, 1, false},
	{"1.0: no lt (REG-02)", "ep=dev&lwm2m=1.0", 40, LINKS, MSG_CREATED, 86400, 10, 1, false},
	{"1.1: no lt (REG-02)", "ep=dev&lwm2m=1.1", 40, LINKS, REFUSED(MSG_BAD_REQUEST)},
	{"1.2: profiles that nobody knows: 4.09 (PID-02)", "ep=dev&lt=60&lwm2m=1.2&pid=oma:x", 40,
		"", REFUSED(MSG_CONFLICT)},
	{"1.2: beside a list, which is not all then (PID-03)", "ep=dev&lt=60&lwm2m=1.2&pid=oma:x",
		40, LINKS, REFUSED(MSG_CONFLICT)},
	{"1.2: neither profiles nor a list: 4.09 (PID-03, REG-05)", "ep=dev&lt=60&lwm2m=1.2", 40,
		"", REFUSED(MSG_CONFLICT)},
	{"1.1 has no profiles", "ep=dev&lt=60&lwm2m=1.1&pid=oma:x", 40, LINKS, MSG_CREATED, 60, 11,
		1, false},
	{"1.2 (GEN-01)", "ep=dev&lt=60&lwm2m=1.2", 40, LINKS, MSG_CREATED, 60, 12, 1, false},
	{"1.3 (CT-02)", "ep=dev&lt=60&lwm2m=1.3", 40, LINKS, REFUSED(MSG_PRECONDITION_FAILED)},
	{"2.0 (REG-05)", "ep=dev&lt=60&lwm2m=2.0", 40, LINKS, REFUSED(MSG_PRECONDITION_FAILED)},
	{"1.3 with a bad list: 4.12 comes first (CT-02)", "ep=dev&lt=60&lwm2m=1.3", 40, "</",
		REFUSED(MSG_PRECONDITION_FAILED)},
	{"no version at all", "ep=dev&lt=60&lwm2m=new", 40, LINKS, REFUSED(MSG_BAD_REQUEST)},
	{"lt=0: for ever (REG-06)", "ep=dev&lt=0&lwm2m=1.1", 40, LINKS, MSG_CREATED, 0, 11, 1,
		false},
	{"lt=1: no minimum (CT-35)", "ep=dev&lt=1&lwm2m=1.1", 40, LINKS, MSG_CREATED, 1, 11, 1,
		false},
	{"lt of 32 bits", "ep=dev&lt=4294967295&lwm2m=1.1", 40, LINKS, MSG_CREATED, 4294967295, 11,
		1, false},
	{"lt beyond", "ep=dev&lt=4294967296&lwm2m=1.1", 40, LINKS, REFUSED(MSG_BAD_REQUEST)},
	{"lt negative", "ep=dev&lt=-1&lwm2m=1.1", 40, LINKS, REFUSED(MSG_BAD_REQUEST)},
	{"lt empty", "ep=dev&lt=&lwm2m=1.1", 40, LINKS, REFUSED(MSG_BAD_REQUEST)},
	{"no Content-Format (CT-31)", "ep=dev&lt=60&lwm2m=1.1", -1, LINKS, MSG_CREATED, 60, 11, 1,
		false},
	{"another Content-Format", "ep=dev&lt=60&lwm2m=1.1", 0, LINKS, REFUSED(MSG_BAD_REQUEST)},
	{"no list", "ep=dev&lt=60&lwm2m=1.1", 40, "", REFUSED(MSG_BAD_REQUEST)},
	{"a broken list", "ep=dev&lt=60&lwm2m=1.1", 40, "</1/0>,</3", REFUSED(MSG_BAD_REQUEST)},
	{"objects nobody knows (REG-10, GEN-02, CT-38)", "ep=dev&lt=60&lwm2m=1.1", 40,
		LINKS ",</31024/7>", MSG_CREATED, 60, 11, 1, false},
	{"sms", "ep=dev&lt=60&lwm2m=1.1&b=US&sms=491701234567", 40, LINKS, MSG_CREATED, 60, 11, 5,
		false},
	{"sms that is no number", "ep=dev&lt=60&lwm2m=1.1&sms=+49", 40, LINKS,
		REFUSED(MSG_BAD_REQUEST)},
};

static bool good_location(void)
{
	const struct opt *one = msg_find(&a.plain, OPT_LOCATION_PATH);
	const struct opt *two = one ? msg_next(&a.plain, one) : NULL;
	if (!two || msg_next(&a.plain, two) || msg_find(&a.plain, OPT_LOCATION_QUERY) ||
		!span_eq_str(one->val, "rd") || !two->val.n || two->val.n > 16)
		return false;
	for (size_t i = 0; i < two->val.n; i++)
		if (!strchr("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
			    two->val.p[i]))
			return false;
	return span_eq(view().location, two->val);
}

static void registers(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *r = &rows[i];
		open_server("");
		uint8_t code = ask(MSG_POST, "rd", r->query, r->cf, r->links);
		struct srv_view v = view();
		CHECK(code == r->code && v.registered == (code == MSG_CREATED), r->what);
		CHECK(!v.registered || (v.lifetime_s == r->lifetime_s && v.lwm2m == r->lwm2m &&
					       v.binding == r->binding && v.queue == r->queue),
			"what it said is kept");
		CHECK(!v.registered || good_location(), "Location is rd and an id (CT-03, REG-04)");
		CHECK(rig_records(&rig, REC_REG_PUT) == v.registered &&
				rig_records(&rig, REC_SEEN) == 1,
			"records");
		CHECK(v.registered || !a.plain.payload.n, "a refusal is a code, and protected");
		close_server();
	}
}

/* ---- object lists */

static void lists(void)
{
	struct lwm_object_list const *l;
	open_server("");
	register_device("ep=dev&lt=60&lwm2m=1.1",
		"</lwm2m>;rt=\"oma.lwm2m\";ct=\"0 11542\",</1/0>,</3/0>;ver=1.1,</21/0>,</5>");
	l = view().list;
	CHECK(!strcmp(l->alt, "/lwm2m"), "the alternate path (GEN-06)");
	CHECK(lwm_object_list_has(l, 3, 0) && lwm_object_list_has(l, 5, LWM_ID_NONE) &&
			!lwm_object_list_has(l, 21, LWM_ID_NONE),
		"objects, without Object 21 (CT-29)");
	uint32_t formats = l->formats;
	CHECK(formats, "its formats (CT-27)");
	CHECK(ask(MSG_POST, location(), "", -1, "</1/0>,</4/0>") == MSG_CHANGED,
		"an Update without Content-Format (CT-31, CT-11)");
	CHECK(ask(MSG_POST, location(), "", 11542, "</1/0>,</6/0>") == MSG_BAD_REQUEST &&
			!lwm_object_list_has(view().list, 6, 0),
		"one in another format is refused, as in a Register");
	l = view().list;
	CHECK(lwm_object_list_has(l, 4, 0) && !lwm_object_list_has(l, 3, 0),
		"its list replaces (REG-16)");
	CHECK(l->formats == formats, "an earlier ct stays (CT-31)");
	close_server();
}

/* ---- Update */

static const struct {
	const char *what, *query, *links;
	uint8_t code;
	uint32_t lifetime_s;
	bool queue;
	size_t puts; /* records of the registration */
} updates[] = {
	{"empty: refresh (REG-15)", "", "", MSG_CHANGED, 60, false, 0},
	{"the same lifetime", "lt=60", "", MSG_CHANGED, 60, false, 0},
	{"another lifetime", "lt=90", "", MSG_CHANGED, 90, false, 1},
	{"the binding", "b=UQ", "", MSG_CHANGED, 60, true, 1},
	{"the list", "", LINKS, MSG_CHANGED, 60, false, 1},
	{"all of it", "lt=70&b=U&Q&sms=123", LINKS, MSG_CHANGED, 70, true, 1},
	{"unknown keys", "foo=bar", "", MSG_CHANGED, 60, false, 0},
	{"a bad lifetime changes nothing", "lt=x&b=UQ", LINKS, MSG_BAD_REQUEST, 60, false, 0},
	{"a bad list changes nothing", "lt=90", "</1/", MSG_BAD_REQUEST, 60, false, 0},
};

static void updated(void)
{
	for (size_t i = 0; i < sizeof(updates) / sizeof(*updates); i++) {
		open_server("");
		register_device("ep=dev&lt=60&lwm2m=1.1", LINKS);
		rig_turn(&rig, 50000);
		uint8_t code = ask(MSG_POST, location(), updates[i].query, -1, updates[i].links);
		struct srv_view v = view();
		CHECK(code == updates[i].code && v.lifetime_s == updates[i].lifetime_s &&
				v.queue == updates[i].queue,
			updates[i].what);
		CHECK(rig_records(&rig, REC_REG_PUT) == updates[i].puts &&
				rig_records(&rig, REC_SEEN) == 1,
			"an Update that changes nothing costs a log row and no more");
		uint64_t expiry = rig_record(&rig, REC_SEEN)->seen.expiry_ms;
		CHECK(code == MSG_CHANGED
				? expiry == rig.now_ms + updates[i].lifetime_s * UINT64_C(1000) &&
					  v.expires_in_s == updates[i].lifetime_s
				: !expiry && v.expires_in_s < 10,
			"which holds the new expiry (spec/oscore 4)");
		close_server();
	}
}

static void gone(void)
{
	char old[32];
	open_server("");
	CHECK(ask(MSG_POST, "rd/nothing", "", -1, "") == MSG_NOT_FOUND, "Update of nothing: 4.04");
	register_device("ep=dev&lt=60&lwm2m=1.1", LINKS);
	snprintf(old, sizeof(old), "%s", location());
	register_device("ep=dev&lt=60&lwm2m=1.1", LINKS);
	CHECK(strcmp(old, location()), "a Register replaces, at a new location (REG-14)");
	CHECK(ask(MSG_POST, old, "", -1, "") == MSG_NOT_FOUND, "the old location is gone: 4.04");
	CHECK(srv_registered(srv) == 1, "there is one");
	CHECK(ask(MSG_DELETE, old, "", -1, "") == MSG_NOT_FOUND && view().registered,
		"De-register of the old: 4.04");
	CHECK(ask(MSG_DELETE, location(), "", -1, "") == MSG_DELETED && !view().registered &&
			rig_records(&rig, REC_REG_DEL) == 1,
		"De-register (REG-17, CT-11)");
	CHECK(ask(MSG_DELETE, old, "", -1, "") == MSG_NOT_FOUND, "once");
	close_server();
}

/* Others do not exist for a device, whatever they are called (SEC-07). */
static void of_others(void)
{
	struct rec_reg r = {
		.endpoint_id = 2, .location = SPAN_LIT("abc"), .lifetime_s = 60, .lwm2m = 11};
	struct endpoint *other;
	open_server("");
	REQUIRE(ep_ensure(&rig.dir, SPAN_LIT("other"), &rig.t, &other) == ERR_OK, "another");
	struct ep_context_input in = {.params = {.aead = ALG_AES_CCM_16_64_128,
					      .hkdf = ALG_HKDF_SHA256,
					      .master_secret = SPAN_LIT("another secret!!"),
					      .sender_id = SPAN_LIT("\x01"),
					      .recipient_id = SPAN_LIT("o")},
		.role = REC_ROLE_SERVER,
		.highest = UINT64_MAX,
		.fresh = true};
	struct ep_context *c;
	REQUIRE(ep_context_add(&rig.dir, other, &in, &rig.t, &c) == ERR_OK, "its keys");
	r.expiry_ms = rig.now_ms + 60000;
	REQUIRE(srv_load_registration(srv, other, c, &r) == ERR_OK, "its registration");
	register_device("ep=dev&lt=60&lwm2m=1.1", LINKS);
	CHECK(ask(MSG_POST, "rd/abc", "lt=1", -1, "") == MSG_NOT_FOUND, "Update: 4.04 (SEC-07)");
	CHECK(ask(MSG_DELETE, "rd/abc", "", -1, "") == MSG_NOT_FOUND, "De-register: 4.04 (SEC-07)");
	CHECK(!rig_records(&rig, REC_REG_DEL) && !rig_records(&rig, REC_REG_PUT) &&
			srv_registered(srv) == 2,
		"nothing has happened to it");
	close_server();
}

static void routes(void)
{
	static const struct {
		uint8_t method;
		const char *path;
		uint8_t code;
	} row[] = {
		{MSG_GET, "rd", MSG_METHOD_NOT_ALLOWED},
		{MSG_PUT, "rd", MSG_METHOD_NOT_ALLOWED},
		{MSG_GET, "rd/x", MSG_METHOD_NOT_ALLOWED},
		{MSG_POST, "rd/x/y", MSG_NOT_FOUND},
		{MSG_POST, "bs", MSG_NOT_FOUND},
		{MSG_POST, "", MSG_NOT_FOUND},
		{MSG_GET, "", MSG_NOT_FOUND},
		{MSG_POST, "RD", MSG_NOT_FOUND},
	};
	open_server("");
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++)
		CHECK(ask(row[i].method, row[i].path, "", -1, "") == row[i].code, row[i].path);
	close_server();
}

/* ---- lifetimes */

static void expiry(void)
{
	open_server("");
	register_device("ep=dev&lt=60&lwm2m=1.1", LINKS);
	for (int n = 0; n < 5; n++) { /* Updates in time, and in grace */
		rig_turn(&rig, n % 2 ? 50000 : 150000);
		srv_timer(srv, &rig.t);
		CHECK(ask(MSG_POST, location(), "", -1, "") == MSG_CHANGED, "kept by its Updates");
	}
	rig_turn(&rig, 152000);
	srv_timer(srv, &rig.t);
	CHECK(view().registered && view().expires_in_s < -90, "lifetime and grace (REG-18)");
	rig_turn(&rig, 1100);
	CHECK(srv_deadline_ms(srv) <= rig.now_ms, "it is due");
	srv_timer(srv, &rig.t);
	CHECK(!view().registered && rig_records(&rig, REC_REG_DEL) == 1 &&
			rig_records(&rig, REC_EVENT) == 1,
		"it expires, with a record and an event");
	CHECK(srv_counters(srv)->expiries == 1, "and is counted");
	register_device("ep=dev&lt=0&lwm2m=1.1", LINKS);
	CHECK(srv_deadline_ms(srv) == UINT64_MAX && view().expires_in_s == INT64_MAX,
		"lifetime 0 never ends");
	close_server();
}

static void loaded(void)
{
	struct rec_reg r = {.endpoint_id = 1,
		.location = SPAN_LIT("abc"),
		.lifetime_s = 60,
		.lwm2m = 11,
		.binding = 1,
		.queue = true,
		.links = SPAN_LIT("</3/0>")};
	open_server("");
	r.expiry_ms = rig.now_ms - 500000;
	CHECK(srv_load_registration(srv, rig.e, rig.server, &r) == ERR_OK && view().registered &&
			view().expires_in_s == 0,
		"one whose time was over has its grace");
	CHECK(ask(MSG_POST, "rd/abc", "", -1, "") == MSG_CHANGED, "and is updated");
	close_server();
	open_server("");
	r.links = SPAN_LIT("</3");
	CHECK(srv_load_registration(srv, rig.e, rig.server, &r) != ERR_OK && !view().registered,
		"a broken row is refused");
	close_server();
}

int main(void)
{
	registers();
	lists();
	updated();
	gone();
	of_others();
	routes();
	expiry();
	loaded();
	return test_done();
}
