/* SPDX-License-Identifier: Apache-2.0 */
/* Every operation of device management, as it goes to the device. */
#include "tests/unit/server/asking.h"

#define LINKS "</1/0>,</3/0>,</3303/0>"
#define ROOT  "</a/b>;rt=\"oma.lwm2m\","

/* What goes out, or the type of the 422 that comes back instead and a part of its sentence. */
static const struct {
	const char *what;
	uint8_t lwm2m;
	const char *links;
	enum srv_dm_kind kind;
	const char *path;
	int32_t cf;
	const char *text;
	int depth;
	const char *wire, *type, *detail;
} rows[] = {
	{"Read", 11, LINKS, SRV_READ, "/3/0/9", -1, "", -1, "GET /3/0/9 accept 0", NULL, NULL},
	{"Read of an object (DM-02)", 11, LINKS, SRV_READ, "/3303", -1, "", -1,
		"GET /3303 accept 11542", NULL, NULL},
	{"Read of the last alert (BS-35)", 11, LINKS, SRV_READ, "/1/0/11", -1, "", -1,
		"GET /1/0/11 accept 0", NULL, NULL},
	{"Read of a Resource Instance (DM-02)", 11, LINKS, SRV_READ, "/3/0/6/1", -1, "", -1,
		"GET /3/0/6/1 accept 0", NULL, NULL},
	{"which 1.0 has no path for (GEN-07)", 10, LINKS, SRV_READ, "/3/0/6/1", -1, "", -1, NULL,
		"invalid", "since LwM2M 1.1"},
	{"Read of the root (GEN-07)", 11, LINKS, SRV_READ, "/", -1, "", -1, NULL, "invalid",
		"read takes a path of 1 to 4 ids"},

	{"Write of a Resource (DM-06)", 11, LINKS, SRV_WRITE, "/3/0/15", -1, "/3/0/15=UTC", -1,
		"PUT /3/0/15 format 0 555443", NULL, NULL},
	{"of a Resource Instance", 11, LINKS, SRV_WRITE, "/1/0/20/2", -1, "/1/0/20/2=7", -1,
		"PUT /1/0/20/2 format 0 37", NULL, NULL},
	{"of nothing has a format too (CT-43, DM-06)", 11, LINKS, SRV_WRITE, "/3/0/15", -1,
		"/3/0/15=", -1, "PUT /3/0/15 format 0", NULL, NULL},
	{"of an Instance", 11, LINKS, SRV_WRITE, "/3/0", -1, "/3/0/15=UTC /3/0/14=+01", -1,
		"PUT /3/0 format 11542 c30e2b3031c30f555443", NULL, NULL},
	{"of the time, for certificates (SEC-16)", 11, LINKS, SRV_WRITE, "/3/0/13", -1,
		"/3/0/13=1367491215", -1, "PUT /3/0/13 format 0 31333637343931323135", NULL, NULL},
	{"of the preferred transport (GEN-13)", 11, LINKS, SRV_WRITE, "/1/0/22", -1, "/1/0/22=T",
		-1, "PUT /1/0/22 format 0 54", NULL, NULL},
	{"of the default of notifications (IR-08)", 12, LINKS, SRV_WRITE, "/1/0/26", -1,
		"/1/0/26=1", -1, "PUT /1/0/26 format 0 31", NULL, NULL},
	{"of an object is a Create (DM-06)", 11, LINKS, SRV_WRITE, "/3303", -1, "", -1, NULL,
		"invalid", "write takes a path of 2 to 4 ids"},

	{"partial Write of an Instance (DM-06)", 11, LINKS, SRV_WRITE_PARTIAL, "/3/0", -1,
		"/3/0/15=UTC", -1, "POST /3/0 format 11542 c30f555443", NULL, NULL},
	{"of a multiple Resource (DM-07)", 11, LINKS, SRV_WRITE_PARTIAL, "/3/0/11", -1,
		"/3/0/11/1=2", -1, "POST /3/0/11 format 11542 830b410102", NULL, NULL},
	{"of one the model does not know", 11, LINKS, SRV_WRITE_PARTIAL, "/4711/0/1", -1,
		"/4711/0/1/3=x", -1, "POST /4711/0/1 format 11542 8301410378", NULL, NULL},
	{"of a single Resource", 11, LINKS, SRV_WRITE_PARTIAL, "/3/0/15", -1, "/3/0/15=UTC", -1,
		NULL, "invalid", "Timezone holds one value"},
	{"of a Resource Instance", 11, LINKS, SRV_WRITE_PARTIAL, "/3/0/11/1", -1, "/3/0/11/1=2", -1,
		NULL, "invalid", "write-partial takes a path of 2 to 3 ids"},
	{"as text, which would be an Execute (CT-45)", 11, LINKS, SRV_WRITE_PARTIAL, "/4711/0/1",
		LWM_CF_TEXT, "/4711/0/1=x", -1, NULL, "invalid",
		"the text format cannot carry the values of a write-partial"},
	{"of values that lie elsewhere", 11, LINKS, SRV_WRITE_PARTIAL, "/3/0", -1, "/4/0/0=1", -1,
		NULL, "invalid", "no content format"},

	{"Create with an id (CT-50)", 11, LINKS, SRV_CREATE, "/3303", -1,
		"/3303/5/5701=C /3303/5/5518=1", -1,
		"POST /3303 format 11542 080508e1158e01e1164543", NULL, NULL},
	{"Create without an id (DM-13)", 11, LINKS, SRV_CREATE, "/3303", -1, "/3303/-/5701=C", -1,
		"POST /3303 format 11542 e1164543", NULL, NULL},
	{"Create of an empty Instance", 11, LINKS, SRV_CREATE, "/3303", -1, "/3303/5", -1,
		"POST /3303 format 11542 0005", NULL, NULL},
	{"Create of anything", 11, LINKS, SRV_CREATE, "/3303", -1, "", -1,
		"POST /3303 format 11542", NULL, NULL},
	{"Create of two", 11, LINKS, SRV_CREATE, "/3303", -1, "/3303/5/5701=C /3303/6/5701=C", -1,
		NULL, "invalid", "one Object Instance"},
	{"Create of an Instance by its path", 11, LINKS, SRV_CREATE, "/3303/5", -1,
		"/3303/5/5701=C", -1, NULL, "invalid", "create takes a path of 1 to 1 ids"},
	{"Create as text", 11, LINKS, SRV_CREATE, "/3303", LWM_CF_TEXT, "/3303/5/5701=C", -1, NULL,
		"invalid", "the text format cannot carry the values of a create"},

	{"Delete of an Instance (DM-15)", 11, LINKS, SRV_DELETE, "/3303/5", -1, "", -1,
		"DELETE /3303/5", NULL, NULL},
	{"of an object (CT-52)", 11, LINKS, SRV_DELETE, "/3303", -1, "", -1, NULL, "invalid",
		"delete takes a path of 2 to 4 ids"},
	{"of a Resource", 11, LINKS, SRV_DELETE, "/3303/5/5700", -1, "", -1, NULL, "invalid",
		"a Resource cannot be deleted"},
	{"of a Resource Instance, 1.2", 12, LINKS, SRV_DELETE, "/3/0/11/1", -1, "", -1,
		"DELETE /3/0/11/1", NULL, NULL},
	{"before 1.2", 11, LINKS, SRV_DELETE, "/3/0/11/1", -1, "", -1, NULL, "invalid",
		"since LwM2M 1.2"},
	{"of the Device (DM-15)", 11, LINKS, SRV_DELETE, "/3/0", -1, "", -1, NULL, "invalid",
		"the Device object"},

	{"Execute", 11, LINKS, SRV_EXECUTE, "/3/0/4", -1, "", -1, "POST /3/0/4", NULL, NULL},
	{"with arguments (DM-11)", 11, LINKS, SRV_EXECUTE, "/3/0/4", -1, "0='U'", -1,
		"POST /3/0/4 format 0 303d275527", NULL, NULL},
	{"of an Instance", 11, LINKS, SRV_EXECUTE, "/3/0", -1, "", -1, NULL, "invalid",
		"execute takes a path of 3 to 3 ids"},

	{"Discover of an object (DM-03, CT-46)", 11, LINKS, SRV_DISCOVER, "/3", -1, "", -1,
		"GET /3 accept 40", NULL, NULL},
	{"of a Resource", 11, LINKS, SRV_DISCOVER, "/3/0/6", -1, "", -1, "GET /3/0/6 accept 40",
		NULL, NULL},
	{"with a depth, 1.2 (DM-04)", 12, LINKS, SRV_DISCOVER, "/3", -1, "", 3,
		"GET /3?depth=3 accept 40", NULL, NULL},
	{"with depth 0", 12, LINKS, SRV_DISCOVER, "/3/0", -1, "", 0, "GET /3/0?depth=0 accept 40",
		NULL, NULL},
	{"before 1.2", 11, LINKS, SRV_DISCOVER, "/3", -1, "", 3, NULL, "invalid",
		"a depth since LwM2M 1.2"},
	{"the depth that is meant anyway", 11, LINKS, SRV_DISCOVER, "/3", -1, "", 2,
		"GET /3 accept 40", NULL, NULL},
	{"too deep", 12, LINKS, SRV_DISCOVER, "/3", -1, "", 4, NULL, "invalid", "depth is 0 to 3"},
	{"of a Resource Instance", 12, LINKS, SRV_DISCOVER, "/3/0/6/0", -1, "", -1, NULL, "invalid",
		"discover takes a path of 1 to 3 ids"},

	{"Write-Attributes (DM-10, CT-44, CT-48)", 11, LINKS, SRV_ATTRIBUTES, "/3/0/9", -1,
		"pmin=10&gt=&lt=5.5", -1, "PUT /3/0/9?pmin=10&gt&lt=5.5", NULL, NULL},
	{"of an object", 11, LINKS, SRV_ATTRIBUTES, "/3", -1, "pmax=60", -1, "PUT /3?pmax=60", NULL,
		NULL},
	{"that the version does not have (CT-47)", 11, LINKS, SRV_ATTRIBUTES, "/3", -1, "con=1", -1,
		NULL, "invalid", "con: is younger"},
	{"that the version has", 12, LINKS, SRV_ATTRIBUTES, "/3", -1, "con=1", -1, "PUT /3?con=1",
		NULL, NULL},
	{"that contradict each other (ATT-04)", 11, LINKS, SRV_ATTRIBUTES, "/3/0/9", -1,
		"lt=5&gt=5", -1, NULL, "invalid", "lt: has to be below gt"},
	{"none", 11, LINKS, SRV_ATTRIBUTES, "/3/0/9", -1, "", -1, NULL, "invalid",
		"an attribute is missing"},

	{"below the alternate path (GEN-06): Create", 11, ROOT LINKS, SRV_CREATE, "/3303", -1, "",
		-1, "POST /a/b/3303 format 11542", NULL, NULL},
	{"Delete", 11, ROOT LINKS, SRV_DELETE, "/3303/5", -1, "", -1, "DELETE /a/b/3303/5", NULL,
		NULL},
	{"Discover", 11, ROOT LINKS, SRV_DISCOVER, "/3", -1, "", -1, "GET /a/b/3 accept 40", NULL,
		NULL},
	{"Write-Attributes", 11, ROOT LINKS, SRV_ATTRIBUTES, "/3", -1, "pmin", -1,
		"PUT /a/b/3?pmin", NULL, NULL},
	{"partial Write", 11, ROOT LINKS, SRV_WRITE_PARTIAL, "/3/0", -1, "/3/0/15=UTC", -1,
		"POST /a/b/3/0 format 11542 c30f555443", NULL, NULL},

	{"in the names of SenML too (GEN-06)", 11, ROOT LINKS, SRV_WRITE_PARTIAL, "/3/0",
		LWM_CF_SENML_JSON, "/3/0/15=UTC", -1,
		"POST /a/b/3/0 format 110 "
		"5b7b226e223a222f612f622f332f302f3135222c227673223a22555443227d5d",
		NULL, NULL},
	{"Create in SenML has an id", 12, LINKS, SRV_CREATE, "/3303", -1, "/3303/5/5750=C", -1,
		"POST /3303 format 112 81a2006c2f333330332f352f35373530036143", NULL, NULL},
	{"without one it is LwM2M CBOR (FMT-32)", 12, LINKS, SRV_CREATE, "/3303", -1,
		"/3303/-/5750=C", -1, "POST /3303 format 11544 a183190ce719ffff1916766143", NULL,
		NULL},
	{"before 1.2, TLV", 11, LINKS, SRV_CREATE, "/3303", -1, "/3303/-/5750=C", -1,
		"POST /3303 format 11542 e1167643", NULL, NULL},

	{"Read-Composite (DM-17, CT-09), body and answer alike (CT-42)", 11, LINKS,
		SRV_READ_COMPOSITE, "/", -1, "?/3/0/9 ?/1", -1,
		"FETCH  accept 112 format 112 82a100662f332f302f39a100622f31", NULL, NULL},
	{"an alternate path in names and path (GEN-06)", 11, ROOT LINKS, SRV_READ_COMPOSITE, "/",
		-1, "?/3/0/9", -1, "FETCH /a/b accept 112 format 112 81a1006a2f612f622f332f302f39",
		NULL, NULL},
	{"its answer in LwM2M CBOR, which has no names (FMT-35)", 12, LINKS, SRV_READ_COMPOSITE,
		"/", LWM_CF_LWM2M_CBOR, "?/3/0/9", -1,
		"FETCH  accept 11544 format 112 81a100662f332f302f39", NULL, NULL},
	{"SenML-ETCH asks for SenML (DM-19)", 12, LINKS, SRV_READ_COMPOSITE, "/", LWM_CF_ETCH_CBOR,
		"?/3/0/9", -1, "FETCH  accept 112 format 322 81a100662f332f302f39", NULL, NULL},
	{"which is of 1.2", 11, LINKS, SRV_READ_COMPOSITE, "/", LWM_CF_ETCH_CBOR, "?/3/0/9", -1,
		NULL, "invalid", "since LwM2M 1.2"},
	{"not in 1.0", 10, LINKS, SRV_READ_COMPOSITE, "/", -1, "?/3/0/9", -1, NULL, "invalid",
		"since LwM2M 1.1"},
	{"nor of what is the bootstrap server's", 11, LINKS, SRV_READ_COMPOSITE, "/", -1,
		"?/3/0/9 ?/0", -1, NULL, "reserved", "Object 0"},
	{"Write-Composite (DM-18, DM-01)", 11, LINKS, SRV_WRITE_COMPOSITE, "/", -1,
		"/3/0/15=UTC /1/0/1=60", -1,
		"iPATCH  format 112 "
		"82a200672f332f302f3135"
		"0363555443"
		"a200662f312f302f3102183c",
		NULL, NULL},
	{"with a removal it is SenML-ETCH (FMT-28)", 12, LINKS, SRV_WRITE_COMPOSITE, "/", -1,
		"!/3/0/7/1 /3/0/15=UTC", -1,
		"iPATCH  format 322 "
		"82a321652f332f302f00"
		"63372f3102f6"
		"a200623135"
		"0363555443",
		NULL, NULL},
	{"which is of 1.2 (DM-15)", 11, LINKS, SRV_WRITE_COMPOSITE, "/", -1, "!/3/0/7/1", -1, NULL,
		"invalid", "since LwM2M 1.2"},
	{"nor the keys of others", 12, LINKS, SRV_WRITE_COMPOSITE, "/", -1,
		"/3/0/15=UTC /21/0/1=AAAA", -1, NULL, "reserved", "Object 21"},

	{"the bootstrap server's (DM-16): Read", 11, LINKS, SRV_READ, "/0", -1, "", -1, NULL,
		"reserved", "Object 0 "},
	{"Write", 11, LINKS, SRV_WRITE, "/0/0/0", -1, "/0/0/0=x", -1, NULL, "reserved",
		"Object 0 "},
	{"partial Write", 11, LINKS, SRV_WRITE_PARTIAL, "/21/0", -1, "", -1, NULL, "reserved",
		"Object 21 "},
	{"Create", 11, LINKS, SRV_CREATE, "/21", -1, "", -1, NULL, "reserved", "Object 21 "},
	{"Delete", 11, LINKS, SRV_DELETE, "/23/0", -1, "", -1, NULL, "reserved", "Object 23 "},
	{"Execute", 11, LINKS, SRV_EXECUTE, "/23/0/1", -1, "", -1, NULL, "reserved", "Object 23 "},
	{"Discover", 11, LINKS, SRV_DISCOVER, "/0", -1, "", -1, NULL, "reserved", "Object 0 "},
	{"Write-Attributes", 11, LINKS, SRV_ATTRIBUTES, "/21", -1, "pmin=1", -1, NULL, "reserved",
		"Object 21 "},
	{"Observe", 11, LINKS, SRV_OBSERVE, "/0/0/0", -1, "", -1, NULL, "reserved", "Object 0 "},
};

static bool is_kept(enum srv_dm_kind kind)
{
	return kind != SRV_READ && kind != SRV_DISCOVER && kind != SRV_READ_COMPOSITE;
}

/* Small devices refuse other critical options, and empty segments. */
static bool only_good_options(const struct msg *m)
{
	for (size_t i = 0; i < m->opt_n; i++)
		switch (m->opt[i].num) {
		case OPT_URI_PATH:
		case OPT_URI_QUERY:
			if (!m->opt[i].val.n)
				return false;
			break;
		case OPT_OBSERVE:
		case OPT_ACCEPT:
		case OPT_CONTENT_FORMAT:
			break;
		default:
			return false;
		}
	return true;
}

static void requests(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		open_version(rows[i].lwm2m, rows[i].links);
		bool sent =
			begin(rows[i].kind, rows[i].path, rows[i].cf, rows[i].text, rows[i].depth);
		CHECK(sent == (rows[i].wire != NULL), rows[i].what);
		if (sent) {
			CHECK_BYTES(span_str(wire()), span_str(rows[i].wire), rows[i].what);
			CHECK(only_good_options(&q.plain),
				"no option that a device may not know (CT-05, CT-06)");
			CHECK(rig_records(&rig, REC_OP_PUT) == is_kept(rows[i].kind),
				"what may have happened is recorded before it is sent (D3)");
		} else {
			char detail[256] = "";
			const struct effect_done *d = outcome();
			REQUIRE(d && !span_to_str(d->detail, detail, sizeof(detail)), "told");
			CHECK(d->status == 422 && !strcmp(d->type, rows[i].type), rows[i].what);
			CHECK(strstr(detail, rows[i].detail), rows[i].what);
			CHECK(rig_records(&rig, REC_OP_PUT) == rig_records(&rig, REC_OP_DEL),
				"and nothing is left");
		}
		close_server();
	}
}

/* Each answer of section 6.7's table, and 5.xx: what it means for whoever asked.
 * Proves: CT-55, CT-49, DM-09, ACL-02, ACL-03 */
static void codes(void)
{
	static const struct {
		enum srv_dm_kind kind;
		const char *path, *text;
		uint8_t good;
		int status;
	} ops[] = {
		{SRV_READ, "/3/0/9", "", MSG_CONTENT, 200},
		{SRV_WRITE, "/3/0/15", "/3/0/15=UTC", MSG_CHANGED, 200},
		{SRV_WRITE_PARTIAL, "/3/0", "/3/0/15=UTC", MSG_CHANGED, 200},
		{SRV_CREATE, "/3303", "/3303/5", MSG_CREATED, 201},
		{SRV_DELETE, "/3303/0", "", MSG_DELETED, 200},
		{SRV_EXECUTE, "/3/0/4", "", MSG_CHANGED, 200},
		{SRV_DISCOVER, "/3", "", MSG_CONTENT, 200},
		{SRV_ATTRIBUTES, "/3/0/9", "pmin=1", MSG_CHANGED, 200},
	};
	static const uint8_t bad[] = {MSG_BAD_REQUEST, MSG_UNAUTHORIZED, MSG_BAD_OPTION,
		MSG_FORBIDDEN, MSG_NOT_FOUND, MSG_METHOD_NOT_ALLOWED, MSG_NOT_ACCEPTABLE,
		MSG_REQUEST_ENTITY_INCOMPLETE, MSG_TOO_LARGE, MSG_UNSUPPORTED_FORMAT,
		MSG_INTERNAL_ERROR, MSG_NOT_IMPLEMENTED, MSG_UNAVAILABLE};
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		for (size_t k = 0; k <= sizeof(bad); k++) {
			uint8_t code = k ? bad[k - 1] : ops[i].good;
			char what[64];
			snprintf(what, sizeof(what), "kind %d, code %02x", (int)ops[i].kind, code);
			open_version(11, LINKS);
			CHECK(begin(ops[i].kind, ops[i].path, -1, ops[i].text, -1), what);
			bool was_kept = rig_records(&rig, REC_OP_PUT);
			for (int tries = 0; !tries || (!outcome() && tries < 8); tries++)
				CHECK(answer(code, -1, "", -1), what);
			REQUIRE(outcome(), what);
			CHECK(outcome()->status == (k ? 502 : ops[i].status) &&
					outcome()->code == code && outcome()->has_response,
				what);
			CHECK(k ? !strcmp(outcome()->type, "device-error") : !outcome()->type,
				what);
			CHECK(rig_records(&rig, REC_OP_DEL) == was_kept, what);
			CHECK(srv_waiting(srv) == 0, "nothing is left");
			close_server();
		}
}

/* ---- what Create and Delete do to what we know */

static struct span links_now(void)
{
	static uint8_t buf[512];
	struct writer w = wr_make(buf, sizeof(buf));
	REQUIRE(lwm_object_list_write(view().list, &w) == ERR_OK, "list");
	return wr_span(&w);
}

static const struct {
	const char *what, *path, *text;
	uint8_t code;
	const char *location; /* Location-Path of the answer */
	const char *links, *told;
} creations[] = {
	{"a location", "/3303", "", MSG_CREATED, "3303/7", "</3/0>,</3303/0>,</3303/7>", "3303/7"},
	{"no location, but our id (CT-50)", "/3303", "/3303/5", MSG_CREATED, "",
		"</3/0>,</3303/0>,</3303/5>", "3303/5"},
	{"another id than ours", "/3303", "/3303/5", MSG_CREATED, "3303/6",
		"</3/0>,</3303/0>,</3303/6>", "3303/6"},
	{"neither", "/3303", "", MSG_CREATED, "", "</3/0>,</3303/0>", ""},
	{"neither, of an object with one instance (DM-14)", "/4", "", MSG_CREATED, "",
		"</3/0>,</4/0>,</3303/0>", "4/0"},
	{"below an alternate path", "/3303", "", MSG_CREATED, "lwm2m/3303/9",
		"</3/0>,</3303/0>,</3303/9>", "3303/9"},
	{"a location of another object", "/3303", "", MSG_CREATED, "3304/1", "</3/0>,</3303/0>",
		""},
	{"a location that is none", "/3303", "", MSG_CREATED, "rd/x", "</3/0>,</3303/0>", ""},
	{"a location with too many ids", "/3303", "", MSG_CREATED, "3303/1/2", "</3/0>,</3303/0>",
		""},
	{"a location of one segment", "/3303", "", MSG_CREATED, "3303", "</3/0>,</3303/0>", ""},
	{"one that is known", "/3303", "/3303/0", MSG_CREATED, "", "</3/0>,</3303/0>", "3303/0"},
	{"refused", "/3303", "/3303/5", MSG_BAD_REQUEST, "", "</3/0>,</3303/0>", ""},
	{"another good code", "/3303", "/3303/5", MSG_CHANGED, "", "</3/0>,</3303/0>", ""},
};

static bool answer_created(uint8_t code, const char *path)
{
	struct msg m;
	rig_turn(&rig, 10);
	msg_init(&m, MSG_ACK, code);
	REQUIRE(msg_add_path(&m, OPT_LOCATION_PATH, path) == ERR_OK, "location");
	if (rig_in(&rig, rig_reply(&rig, RIG_SERVER, &q, &m, 0, &p)) == EP_NOTHING)
		return false;
	srv_response(srv, &rig.d, &rig.t);
	ep_delivery_end(rig.x, &rig.d, &rig.t);
	return true;
}

static void creates(void)
{
	for (size_t i = 0; i < sizeof(creations) / sizeof(creations[0]); i++) {
		open_registered("</3/0>,</3303/0>");
		bool changes = !span_eq_str(span_str(creations[i].links), "</3/0>,</3303/0>");
		CHECK(begin(SRV_CREATE, creations[i].path, -1, creations[i].text, -1) &&
				answer_created(creations[i].code, creations[i].location),
			creations[i].what);
		CHECK_BYTES(links_now(), span_str(creations[i].links), creations[i].what);
		REQUIRE(outcome(), creations[i].what);
		CHECK_BYTES(outcome()->location, span_str(creations[i].told), creations[i].what);
		CHECK(rig_records(&rig, REC_REG_PUT) == changes &&
				rig_records(&rig, REC_EVENT) == changes,
			"recorded and told, if it changed");
		if (changes)
			CHECK(span_eq_str(rig_record(&rig, REC_EVENT)->event.type, "updated") &&
					span_eq_str(rig_record(&rig, REC_REG_PUT)->reg.links,
						creations[i].links),
				"as an update of the registration (CT-51)");
		close_server();
	}
}

static void deletes(void)
{
	open_registered("</3/0>,</3303/0>,</3303/1>");
	CHECK(begin(SRV_DELETE, "/3303/1", -1, "", -1) && answer(MSG_NOT_FOUND, -1, "", -1) &&
			!rig_records(&rig, REC_REG_PUT),
		"a Delete that failed changes nothing");
	CHECK(begin(SRV_DELETE, "/3303/1", -1, "", -1) && answer(MSG_DELETED, -1, "", -1) &&
			rig_records(&rig, REC_REG_PUT) == 1 && rig_records(&rig, REC_EVENT) == 1,
		"one that went well is recorded and told");
	CHECK_BYTES(links_now(), SPAN_LIT("</3/0>,</3303/0>"), "the Instance is gone (CT-51)");
	CHECK(begin(SRV_DELETE, "/3303/1", -1, "", -1) && answer(MSG_DELETED, -1, "", -1) &&
			!rig_records(&rig, REC_REG_PUT),
		"one that we did not know of");
	CHECK(begin(SRV_DELETE, "/3303/0", -1, "", -1) && answer(MSG_DELETED, -1, "", -1),
		"the last");
	CHECK_BYTES(links_now(), SPAN_LIT("</3/0>,</3303>"), "leaves the object");
	close_server();
	open_version(12, "</3/0>,</3303/0>");
	CHECK(begin(SRV_DELETE, "/3303/0/1/2", -1, "", -1) && answer(MSG_DELETED, -1, "", -1) &&
			!rig_records(&rig, REC_REG_PUT),
		"a Resource Instance is in no list");
	close_server();
}

/* ---- second tries */

/* A POST on a Resource is an Execute to some, and nothing else (CT-45). */
static void partial_at_instance(void)
{
	open_registered(LINKS);
	CHECK(begin(SRV_WRITE_PARTIAL, "/3/0/11", -1, "/3/0/11/1=2", -1), "a multiple Resource");
	CHECK(answer(MSG_UNSUPPORTED_FORMAT, -1, "", -1) && !outcome(), "is refused (4.15)");
	CHECK_BYTES(span_str(wire()), SPAN_LIT("POST /3/0 format 11542 830b410102"),
		"then the Instance is asked, with that Resource only");
	CHECK(answer(MSG_CHANGED, -1, "", -1) && outcome()->status == 200, "and does it");
	CHECK(begin(SRV_WRITE_PARTIAL, "/3/0/11", -1, "/3/0/11/1=2", -1) &&
			!strcmp(wire(), "POST /3/0 format 11542 830b410102"),
		"the next time it is asked at once");
	CHECK(answer(MSG_CHANGED, -1, "", -1), "done");
	CHECK(begin(SRV_WRITE, "/1/0/7", -1, "/1/0/7=U", -1) &&
			!strcmp(wire(), "PUT /1/0/7 format 0 55"),
		"no format was to blame");
	close_server();
}

static void attributes_again(void)
{
	open_registered(LINKS);
	CHECK(begin(SRV_ATTRIBUTES, "/3/0/9", -1, "pmin=1&epmin=&epmax", -1) &&
			!strcmp(wire(), "PUT /3/0/9?pmin=1&epmin&epmax"),
		"attributes, younger ones taken away");
	CHECK(answer(MSG_BAD_OPTION, -1, "", -1) && !outcome() &&
			!strcmp(wire(), "PUT /3/0/9?pmin=1"),
		"refused, the basic ones say the same (CT-47)");
	CHECK(answer(MSG_CHANGED, -1, "", -1) && outcome()->status == 200, "taken");
	CHECK(begin(SRV_ATTRIBUTES, "/3/0/9", -1, "pmin=1&epmin=2", -1) &&
			answer(MSG_BAD_REQUEST, -1, "", -1) && outcome() &&
			outcome()->status == 502 &&
			span_eq_str(outcome()->detail,
				"the device answered 4.00; it may not know epmin"),
		"a younger one set: nothing else says that, and it is named");
	CHECK(begin(SRV_ATTRIBUTES, "/3/0/9", -1, "epmin=", -1) &&
			answer(MSG_BAD_REQUEST, -1, "", -1) && outcome()->status == 502,
		"only younger ones: nothing is left to ask");
	CHECK(begin(SRV_ATTRIBUTES, "/3/0/9", -1, "pmin=1", -1) &&
			answer(MSG_BAD_REQUEST, -1, "", -1) &&
			span_eq_str(outcome()->detail, "the device answered 4.00"),
		"the basic ones refused");
	close_server();
}

/* A refusal for the format is remembered as long as the registration. */
static void remembered(void)
{
	open_registered(LINKS);
	CHECK(begin(SRV_WRITE, "/3/0/15", -1, "/3/0/15=U", -1) &&
			answer(MSG_UNSUPPORTED_FORMAT, -1, "", -1) &&
			!strcmp(wire(), "PUT /3/0/15 format 11542 c10f55") &&
			answer(MSG_CHANGED, -1, "", -1),
		"text is refused, TLV is taken");
	CHECK(begin(SRV_WRITE, "/3/0/15", -1, "/3/0/15=U", -1) &&
			!strcmp(wire(), "PUT /3/0/15 format 11542 c10f55") &&
			answer(MSG_CHANGED, -1, "", -1),
		"the next Write starts with TLV");
	CHECK(begin(SRV_READ, "/3/0/9", -1, "", -1) && !strcmp(wire(), "GET /3/0/9 accept 0") &&
			answer(MSG_NOT_FOUND, -1, "", -1),
		"a Read does not");
	CHECK(begin(SRV_WRITE, "/3/0/15", LWM_CF_TEXT, "/3/0/15=U", -1) &&
			answer(MSG_CHANGED, -1, "", -1),
		"text is taken after all");
	CHECK(begin(SRV_WRITE, "/3/0/15", -1, "/3/0/15=U", -1) &&
			!strcmp(wire(), "PUT /3/0/15 format 0 55") &&
			answer(MSG_CHANGED, -1, "", -1),
		"so it comes first again");
	CHECK(begin(SRV_READ, "/3/0/9", -1, "", -1) && answer(MSG_NOT_ACCEPTABLE, -1, "", -1) &&
			answer(MSG_CONTENT, LWM_CF_TLV, "", -1) &&
			begin(SRV_OBSERVE, "/3/0/9", -1, "", -1) &&
			!strcmp(wire(), "GET /3/0/9 accept 11542"),
		"what a Read taught helps an Observe");
	CHECK(ask(MSG_POST, "rd", "ep=dev&lt=60&lwm2m=1.1", 40, LINKS) == MSG_CREATED &&
			begin(SRV_READ, "/3/0/9", -1, "", -1) == false,
		"a Register begins anew");
	close_server();
}

static void lifetime(void)
{
	open_registered(LINKS);
	CHECK(begin(SRV_WRITE_PARTIAL, "/1/0", -1, "/1/0/1=500 /1/0/7=U", -1) &&
			view().lifetime_s == 60 && answer(MSG_CHANGED, -1, "", -1) &&
			view().lifetime_s == 500,
		"a lifetime among other values counts too (CT-31)");
	close_server();
}

int main(void)
{
	requests();
	codes();
	creates();
	deletes();
	partial_at_instance();
	attributes_again();
	remembered();
	lifetime();
	return test_done();
}
