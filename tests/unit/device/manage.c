/* SPDX-License-Identifier: Apache-2.0 */
/* Create, Delete, Discover and attributes, on the device's side. */
#include "tests/unit/device/world.h"

static struct world w;
static struct heard h;

static void begin(void)
{
	struct dev_credentials c = w_credentials(true);
	w_init(&w, &c);
	w.options.notify_interval_ms = 1000;
	w.options.lifetime_s = 86400;
	w_registered(&w);
}

/* A request with queries, joined by '&'. */
static uint8_t query(uint8_t method, const char *path, const char *queries, int accept)
{
	struct msg m;
	char copy[128], *rest = copy;
	w_msg(&m, method, path);
	snprintf(copy, sizeof(copy), "%s", queries);
	for (char *one; (one = strsep(&rest, "&"));)
		if (*one)
			REQUIRE(msg_add(&m, OPT_URI_QUERY, span_str(one)) == ERR_OK, "query");
	if (accept >= 0)
		REQUIRE(msg_add_uint(&m, OPT_ACCEPT, (uint32_t)accept) == ERR_OK, "accept");
	return w_ask(&w, &w.server, &m, &h);
}

static struct span discovered(const char *path, const char *depth)
{
	return query(MSG_GET, path, depth, 40) == MSG_CONTENT ? h.plain.payload : SPAN_EMPTY;
}

static struct span text_of(const char *path)
{
	return w_get(&w, path, 0, &h) == MSG_CONTENT ? h.plain.payload : SPAN_EMPTY;
}

/* One after the other on one device. `location`: Location-Path of the answer. */
static const struct {
	const char *what;
	uint8_t method;
	const char *path, *payload;
	uint8_t code;
	const char *location, *sensors; /* what Discover lists then */
} steps[] = {
	{"without an id: the device chooses (DM-13)", MSG_POST, "3303", "e516766174746963",
		MSG_CREATED, "3303/1", "0 1"},
	{"with an id: no location (CT-50)", MSG_POST, "3303", "0707e416764e6f7665", MSG_CREATED, "",
		"0 1 7"},
	{"an id that is taken", MSG_POST, "3303", "0007", MSG_BAD_REQUEST, "", "0 1 7"},
	{"an empty instance", MSG_POST, "3303", "0005", MSG_CREATED, "", "0 1 5 7"},
	{"two instances at once", MSG_POST, "3303", "00080009", MSG_BAD_REQUEST, "", "0 1 5 7"},
	{"read-only values are skipped (DM-14)", MSG_POST, "3303", "e1164543", MSG_CREATED,
		"3303/2", "0 1 2 5 7"},
	{"unknown ones too", MSG_POST, "3303", "c10105", MSG_CREATED, "3303/3", "0 1 2 3 5 7"},
	{"a value that does not fit: nothing is made", MSG_POST, "3303",
		"e8167621616161616161616161616161616161616161616161616161616161616161616161",
		MSG_BAD_REQUEST, "", "0 1 2 3 5 7"},
	{"half a TLV", MSG_POST, "3303", "e816", MSG_BAD_REQUEST, "", "0 1 2 3 5 7"},
	{"Delete", MSG_DELETE, "3303/5", "", MSG_DELETED, "", "0 1 2 3 7"},
	{"once", MSG_DELETE, "3303/5", "", MSG_NOT_FOUND, "", "0 1 2 3 7"},
	{"the first one", MSG_DELETE, "3303/0", "", MSG_DELETED, "", "1 2 3 7"},
	{"its id is free again", MSG_POST, "3303", "c10105", MSG_CREATED, "3303/0", "0 1 2 3 7"},
};

static struct span sensors(void)
{
	static uint8_t buf[256];
	struct writer out = wr_make(buf, sizeof(buf));
	struct span rest = discovered("3303", "depth=1");
	unsigned oid, iid;
	char text[1024];
	REQUIRE(span_to_str(rest, text, sizeof(text)) == ERR_OK, "links");
	for (const char *at = text; (at = strchr(at, '<')); at++)
		if (sscanf(at, "</%u/%u>", &oid, &iid) == 2)
			wr_fmt(&out, "%s%u", out.n ? " " : "", iid);
	return wr_span(&out);
}

static struct span location(void)
{
	static uint8_t buf[64];
	struct writer out = wr_make(buf, sizeof(buf));
	for (const struct opt *o = msg_find(&h.plain, OPT_LOCATION_PATH); o;
		o = msg_next(&h.plain, o)) {
		wr_str(&out, out.n ? "/" : "");
		wr_bytes(&out, o->val);
	}
	return wr_span(&out);
}

static void check_instances(void)
{
	begin();
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		uint8_t code = w_put(&w, &w.server, steps[i].method, steps[i].path, 11542,
			test_hex(steps[i].payload), &h);
		CHECK(code == steps[i].code, steps[i].what);
		CHECK_BYTES(location(), span_str(steps[i].location), steps[i].what);
		CHECK_BYTES(sensors(), span_str(steps[i].sensors), steps[i].what);
	}
	CHECK_BYTES(text_of("3303/1/5750"), SPAN_LIT("attic"), "what was created can be read");
	CHECK_BYTES(text_of("3303/7/5750"), SPAN_LIT("Nove"), "of each");
	CHECK_BYTES(text_of("3303/0/5750"), SPAN_EMPTY, "and is empty elsewhere");
	CHECK(text_of("3303/1/5700").n && w_get(&w, "3303/9/5700", 0, &h) == MSG_NOT_FOUND,
		"it measures");
	CHECK(w_put(&w, &w.server, MSG_POST, "3303/1", 11542, test_hex("e4167641626364"), &h) ==
			MSG_CHANGED,
		"partial Write");
	CHECK_BYTES(text_of("3303/1/5750"), SPAN_LIT("Abcd"), "of one of them");
	CHECK(w_put(&w, &w.server, MSG_POST, "3303/1", 11542, SPAN_EMPTY, &h) == MSG_CHANGED,
		"an empty one");
	CHECK_BYTES(text_of("3303/1/5750"), SPAN_LIT("Abcd"), "removes nothing (DM-08)");
	CHECK(w_put(&w, &w.server, MSG_PUT, "3303/1", 11542, SPAN_EMPTY, &h) == MSG_CHANGED,
		"an empty Write");
	CHECK_BYTES(text_of("3303/1/5750"), SPAN_EMPTY, "replaces all (DM-08)");
	w_fini(&w);
}

/* The device has room for 16, and says so; the next Register has them all. */
static void check_full(void)
{
	struct msg m;
	static struct heard again;
	begin();
	for (int i = 1; i < 16; i++)
		CHECK(w_put(&w, &w.server, MSG_POST, "3303", 11542, SPAN_EMPTY, &h) == MSG_CREATED,
			"one more");
	CHECK(w_put(&w, &w.server, MSG_POST, "3303", 11542, SPAN_EMPTY, &h) == MSG_INTERNAL_ERROR,
		"and no more");
	w_msg(&m, MSG_POST, "3/0/4");
	CHECK(w_ask(&w, &w.server, &m, &h) == MSG_CHANGED, "Reboot");
	REQUIRE(w_hear(&w, 1, &w.server, &again), "a Register");
	CHECK(again.plain.payload.n > 200 &&
			span_eq_str(span_sub(again.plain.payload, 0, 79),
				"</1/0>,</3/0>,</5/0>;ver=1.2,</19/0>,</3303>;ver=1.1,</3303/0>,"
				"</3303/1>,</3303"),
		"lists them, and the version at the object (REG-07)");
	w_fini(&w);
}

static const struct {
	const char *what, *path, *depth, *want; /* NULL: 4.00 */
} links[] = {
	{"a resource", "3/0/7", "", "</3/0/7>;dim=1"},
	{"a single one", "3/0/9", "", "</3/0/9>"},
	{"depth 0 of it", "3/0/7", "depth=0", "</3/0/7>;dim=1"},
	{"depth 1 of it", "3/0/7", "depth=1", "</3/0/7>;dim=1,</3/0/7/0>"},
	{"depth 3 of it", "3/0/7", "depth=3", "</3/0/7>;dim=1,</3/0/7/0>"},
	{"an object", "5", "",
		"</5>;ver=1.2,</5/0>,</5/0/0>,</5/0/1>,</5/0/2>,</5/0/3>,</5/0/5>,</5/0/8>;dim=1,"
		"</5/0/9>,</5/0/10>,</5/0/14>"},
	{"with its version", "3303", "depth=0", "</3303>;ver=1.1"},
	{"depth 1", "3303", "depth=1", "</3303>;ver=1.1,</3303/0>"},
	{"depth 2", "3303", "depth=2",
		"</3303>;ver=1.1,</3303/0>,</3303/0/5601>,</3303/0/5602>,</3303/0/5605>,"
		"</3303/0/5700>,</3303/0/5701>,</3303/0/5750>"},
	{"depth 3", "19", "depth=3", "</19>,</19/0>,</19/0/0>;dim=1,</19/0/0/0>"},
	{"an instance", "19/0", "", "</19/0>,</19/0/0>;dim=1"},
	{"depth 0 of it", "19/0", "depth=0", "</19/0>"},
	{"depth 1 of it", "19/0", "depth=1", "</19/0>,</19/0/0>;dim=1"},
	{"depth 2 of it", "19/0", "depth=2", "</19/0>,</19/0/0>;dim=1,</19/0/0/0>"},
	{"too deep", "3", "depth=4", NULL},
	{"no depth", "3", "depth=", NULL},
	{"another query", "3", "deep=1", NULL},
	{"two of them", "3", "depth=1&depth=1", NULL},
};

static void check_discover(void)
{
	begin();
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		CHECK(query(MSG_GET, links[i].path, links[i].depth, 40) ==
				(links[i].want ? MSG_CONTENT : MSG_BAD_REQUEST),
			links[i].what);
		if (links[i].want)
			CHECK_BYTES(h.plain.payload, span_str(links[i].want), links[i].what);
	}
	w_fini(&w);
}

/* One after the other; what Discover shows at that place then. */
static const struct {
	const char *what, *path, *queries;
	uint8_t code;
	const char *want;
} attributes[] = {
	{"two of them", "3303/0/5700", "pmin=3&gt=30", MSG_CHANGED, "</3303/0/5700>;pmin=3;gt=30"},
	{"one more", "3303/0/5700", "lt=-1.5", MSG_CHANGED, "</3303/0/5700>;pmin=3;gt=30;lt=-1.5"},
	{"one in conflict with what is there (ATT-04)", "3303/0/5700", "lt=30", MSG_BAD_REQUEST,
		"</3303/0/5700>;pmin=3;gt=30;lt=-1.5"},
	{"a step that does not fit", "3303/0/5700", "pmin=9&st=16", MSG_BAD_REQUEST,
		"</3303/0/5700>;pmin=3;gt=30;lt=-1.5"},
	{"one taken away (DM-10)", "3303/0/5700", "gt", MSG_CHANGED,
		"</3303/0/5700>;pmin=3;lt=-1.5"},
	{"the rest", "3303/0/5700", "pmin&lt", MSG_CHANGED, "</3303/0/5700>"},
	{"one that was not there", "3303/0/5700", "st", MSG_CHANGED, "</3303/0/5700>"},
	{"no value", "3303/0/5700", "pmin=x", MSG_BAD_REQUEST, "</3303/0/5700>"},
	{"younger than 1.1 (CT-47)", "3303/0/5700", "pmin=1&con=1", MSG_BAD_REQUEST,
		"</3303/0/5700>"},
	{"limits of a text (ATT-02)", "3/0/0", "gt=1", MSG_BAD_REQUEST, "</3/0/0>"},
	{"at a resource only", "3303/0/5601", "epmin=1&epmax=2", MSG_CHANGED,
		"</3303/0/5601>;epmin=1;epmax=2"},
};

static void check_attributes(void)
{
	begin();
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		CHECK(query(MSG_PUT, attributes[i].path, attributes[i].queries, -1) ==
				attributes[i].code,
			attributes[i].what);
		CHECK_BYTES(discovered(attributes[i].path, ""), span_str(attributes[i].want),
			attributes[i].what);
	}
	CHECK(query(MSG_PUT, "3303", "pmin=1", -1) == MSG_CHANGED &&
			query(MSG_PUT, "3303/0", "pmin=2", -1) == MSG_CHANGED,
		"at an object and an instance");
	CHECK_BYTES(discovered("3303", "depth=1"),
		SPAN_LIT("</3303>;ver=1.1;pmin=1,</3303/0>;pmin=2"), "each at its place (DM-05)");
	CHECK(query(MSG_PUT, "3303/9", "pmin=1", -1) == MSG_NOT_FOUND, "of nothing");
	CHECK(query(MSG_PUT, "0/0", "pmin=1", -1) == MSG_UNAUTHORIZED, "of Object 0 (DM-16)");
	CHECK(w_put(&w, &w.server, MSG_DELETE, "3303/0", 0, SPAN_EMPTY, &h) == MSG_DELETED &&
			w_put(&w, &w.server, MSG_POST, "3303", 11542, SPAN_EMPTY, &h) ==
				MSG_CREATED,
		"an instance that is gone");
	CHECK_BYTES(discovered("3303/0/5601", ""), SPAN_LIT("</3303/0/5601>"),
		"takes its attributes along");
	for (int i = 0; i < 15; i++) {
		char path[16];
		snprintf(path, sizeof(path), "3/0/%d", i < 5 ? i : i < 9 ? i + 1 : i + 4);
		CHECK(query(MSG_PUT, path, "pmin=1", -1) == MSG_CHANGED, "more of them");
	}
	CHECK(query(MSG_PUT, "5", "pmin=1", -1) == MSG_INTERNAL_ERROR, "there is room for 16");
	CHECK(query(MSG_PUT, "3/0/0", "pmin", -1) == MSG_CHANGED &&
			query(MSG_PUT, "5", "pmin=1", -1) == MSG_CHANGED,
		"one gone makes room");
	w_fini(&w);
}

static uint8_t observe(const char *path)
{
	struct msg m;
	w_msg(&m, MSG_GET, path);
	REQUIRE(msg_add_uint(&m, OPT_OBSERVE, 0) == ERR_OK, "observe");
	REQUIRE(msg_add_uint(&m, OPT_ACCEPT, 0) == ERR_OK, "accept");
	return w_ask(&w, &w.server, &m, &h);
}

/* The temperature moves by 0.7 a second and falls by 10 at its end: 18.7, 19.4 ... (ATT-05). */
static const struct {
	const char *what, *queries;
	unsigned seconds, at_least, at_most;
} told[] = {
	{"without attributes", "", 20, 19, 20},
	{"a limit that is crossed now and then", "gt=25", 30, 3, 5},
	{"a limit from below", "lt=20", 30, 3, 5},
	{"a limit that is never reached", "gt=40", 30, 0, 0},
	{"steps", "st=2", 30, 8, 11},
	{"steps of more than there is", "st=20", 30, 0, 0},
	{"a limit never reached, but pmax", "gt=40&pmax=10", 30, 2, 3},
	{"pmin", "pmin=10", 30, 2, 3},
	{"pmax below pmin is ignored (ATT-04)", "gt=40&pmax=5&pmin=10", 30, 0, 0},
};

static void check_notifications(void)
{
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		begin();
		CHECK(!told[i].queries[0] ||
				query(MSG_PUT, "3303/0/5700", told[i].queries, -1) == MSG_CHANGED,
			told[i].what);
		CHECK(observe("3303/0/5700") == MSG_CONTENT, "Observe");
		w_forget(&w);
		w_pass(&w, told[i].seconds * UINT64_C(1000));
		CHECK(w.sent_n >= told[i].at_least && w.sent_n <= told[i].at_most, told[i].what);
		w_fini(&w);
	}
	begin();
	CHECK(w_put(&w, &w.server, MSG_POST, "3303", 11542, SPAN_EMPTY, &h) == MSG_CREATED &&
			query(MSG_PUT, "3303/1/5700", "gt=40", -1) == MSG_CHANGED &&
			observe("3303/1/5700") == MSG_CONTENT,
		"an observed instance");
	CHECK(w_put(&w, &w.server, MSG_DELETE, "3303/1", 0, SPAN_EMPTY, &h) == MSG_DELETED,
		"is deleted");
	w_pass(&w, 2000);
	CHECK(w.seen[DEV_EVENT_OBSERVE_END] == 1, "which ends the observation");
	w_fini(&w);
}

int main(void)
{
	check_instances();
	check_full();
	check_discover();
	check_attributes();
	check_notifications();
	return test_done();
}
