/* SPDX-License-Identifier: Apache-2.0 */
/* Profile IDs: learned of each device, bounded, and asked for again where they are not known.
 * Proves: PID-04, PID-05 */
#include "tests/unit/server/rig.h"

#include "server/server_impl.h"

#define P   "ep=dev&lt=60&lwm2m=1.2&pid=2:0123456789abcdef0123456789abcdef"
#define ALL "</1/0>,</3/0>,</5/0>;ver=1.2"

static uint8_t registers(const char *query, const char *links)
{
	return ask(MSG_POST, "rd", query, 40, links);
}

static uint8_t updates(const char *query, const char *links)
{
	char path[32];
	snprintf(path, sizeof(path), "rd/%.*s", (int)view().location.n,
		(const char *)view().location.p);
	return ask(MSG_POST, path, query, *links ? 40 : -1, links);
}

/* What it is registered with. */
static bool has(const char *links)
{
	static uint8_t text[4096];
	struct writer w = wr_make(text, sizeof(text));
	struct srv_view v = view();
	if (!v.registered || lwm_object_list_write(v.list, &w))
		return false;
	if (span_eq_str(wr_span(&w), links))
		return true;
	printf("  %.*s\n", (int)w.n, (const char *)text);
	return false;
}

static void learn(void)
{
	open_server("");
	CHECK(registers(P, "") == MSG_CONFLICT, "not known: 4.09 (PID-02)");
	CHECK(registers(P, ALL) == MSG_CREATED && has("</1/0>,</3/0>,</5>;ver=1.2,</5/0>"),
		"it comes again with all it has, which is learned (PID-04)");
}

static void learned(void)
{
	learn();
	CHECK(registers(P, "") == MSG_CREATED && has("</1/0>,</3/0>,</5>;ver=1.2,</5/0>"),
		"from then on the profile will do");
	CHECK(registers(P, "</3303/0>") == MSG_CREATED &&
			has("</1/0>,</3/0>,</5>;ver=1.2,</5/0>,</3303/0>"),
		"and what is listed beside it is more (PID-03)");
	CHECK(registers("ep=dev&lt=60&lwm2m=1.2&pid=\"2:0123456789abcdef0123456789abcdef\"", "") ==
			MSG_CREATED,
		"quotes make no difference (PID-01)");
	CHECK(registers(P, "</3303/0") == MSG_BAD_REQUEST, "a broken list beside it");
	CHECK(registers("ep=dev&lt=60&lwm2m=1.2&pid=2:ffff", "") == MSG_CONFLICT,
		"another profile");
	CHECK(registers(P, "") == MSG_CREATED, "does not make the first one forgotten");
	CHECK(registers("ep=dev&lt=60&lwm2m=1.2&pid=2:ffff", "") == MSG_CONFLICT &&
			registers("ep=dev&lt=60&lwm2m=1.2&pid=2:ffff", "</3/0>") == MSG_CREATED &&
			registers(P, "") == MSG_CONFLICT,
		"until it is learned itself: one for each device");
	CHECK(registers("ep=dev&lt=60&lwm2m=1.2", ALL) == MSG_CREATED, "a list without profiles");
	close_server();
}

/* A list that comes first, beside a profile, may be a part. */
static void parts(void)
{
	open_server("");
	CHECK(registers(P, "</3303/0>") == MSG_CONFLICT, "a part beside what is not known: 4.09");
	CHECK(registers("ep=dev&lt=60&lwm2m=1.2&pid=oma:x", ALL) == MSG_CONFLICT,
		"a list for another than was asked about");
	CHECK(registers(P, "") == MSG_CONFLICT && registers(P, "</5/0") == MSG_BAD_REQUEST &&
			registers(P, ALL) == MSG_CREATED,
		"a broken list teaches nothing, a good one does");
	close_server();
}

static void in_updates(void)
{
	learn();
	CHECK(registers("ep=dev&lt=60&lwm2m=1.2", "</1/0>") == MSG_CREATED && has("</1/0>"),
		"registered without it");
	CHECK(updates("pid=2:0123456789abcdef0123456789abcdef", "") == MSG_CHANGED &&
			has("</1/0>,</3/0>,</5>;ver=1.2,</5/0>"),
		"an Update with a profile (PID-05)");
	CHECK(rig_records(&rig, REC_REG_PUT) == 1, "which is stored");
	CHECK(updates("pid=2:0123456789abcdef0123456789abcdef", "</9/0>") == MSG_CHANGED &&
			has("</1/0>,</3/0>,</5>;ver=1.2,</5/0>,</9/0>"),
		"and a list beside it");
	CHECK(updates("pid=v:new", "") == MSG_BAD_REQUEST &&
			has("</1/0>,</3/0>,</5>;ver=1.2,</5/0>,"
			    "</9/0>"),
		"one that is not known: nothing changes");
	CHECK(registers("ep=dev&lt=60&lwm2m=1.2&pid=v:new", "</3/0>") == MSG_CREATED &&
			has("</3/0>"),
		"and the Register that follows has all");
	CHECK(updates("pid=v:new2", "</4/0>") == MSG_CHANGED && has("</4/0>"),
		"the list of an Update is all there is (REG-16)");
	CHECK(updates("pid=V:x", "") == MSG_BAD_REQUEST, "what is no profile");
	CHECK(registers("ep=dev&lt=60&lwm2m=1.1", "</1/0>") == MSG_CREATED &&
			updates("pid=v:x", "") == MSG_CHANGED && has("</1/0>"),
		"1.1 has no profiles");
	close_server();
}

/* ---- what is no profile */

static void spellings(void)
{
	static const struct {
		const char *pid;
		bool good;
	} row[] = {
		{"1:00", true},
		{"6:deadbeef", true},
		{"oma:Name-1", true},
		{"v:x", true},
		{"1:00,oma:x,v:y", true},
		{"\"1:00,oma:x\"", true},
		{"0:00", false},
		{"7:00", false},
		{"12:00", false},
		{"1:", false},
		{"1:0G", false},
		{"1:AB", false},
		{"oma:", false},
		{"oma:a_b", false},
		{"x:y", false},
		{":", false},
		{"", false},
		{"\"", false},
		{"\"\"", false},
		{"1:00,", false},
		{",1:00", false},
		{"\"1:00", false},
		{"1:00\"", false},
		{"1:00 ,v:x", false},
		{"1:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", true},
		{"1:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0", false},
		{"v:a,v:b,v:c,v:d,v:e,v:f,v:g,v:h,v:i,v:j,v:k,v:l,v:m,v:n,v:o,v:p", true},
		{"v:a,v:b,v:c,v:d,v:e,v:f,v:g,v:h,v:i,v:j,v:k,v:l,v:m,v:n,v:o,v:p,v:q", false},
	};
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		char query[256];
		CHECK(lwm_pid_valid(span_str(row[i].pid)) == row[i].good, row[i].pid);
		snprintf(query, sizeof(query), "ep=dev&lt=60&lwm2m=1.2&pid=%s", row[i].pid);
		open_server("");
		CHECK(registers(query, "") == (row[i].good ? MSG_CONFLICT : MSG_BAD_REQUEST),
			"is told apart from one that is not known");
		close_server();
	}
	CHECK(!lwm_pid_valid(SPAN_LIT("v:a\0b")), "a NUL");
}

/* ---- bounds */

static struct endpoint *endpoint(unsigned i)
{
	char name[16];
	struct endpoint *e;
	snprintf(name, sizeof(name), "e%u", i);
	REQUIRE(!ep_ensure(&rig.dir, span_str(name), &rig.t, &e), "an endpoint");
	return e;
}

static struct lwm_object_list list_of(unsigned n)
{
	static char text[64 << 10];
	struct writer w = wr_make(text, sizeof(text));
	struct lwm_object_list l;
	for (unsigned i = 0; i < n; i++)
		wr_fmt(&w, "%s</3303/%u>", i ? "," : "", i);
	REQUIRE(!w.err && !lwm_object_list_parse(wr_span(&w), &l), "a list");
	return l;
}

static void bounds(void)
{
	struct lwm_object_list small = list_of(1), most = list_of(600), large = list_of(700);
	const struct span pid = SPAN_LIT("v:x");
	open_server("");
	rig.dir.endpoints_max = 100000;
	for (unsigned i = 0; i < 2000; i++) {
		rig_turn(&rig, 1);
		srv_profile_learn(srv, endpoint(i), pid, &most);
		REQUIRE(srv->profiles.bytes <= SRV_PROFILES_BYTES, "bytes are bounded");
	}
	CHECK(srv->profiles.by_endpoint.count < 2000 &&
			!srv_profile_links(srv, endpoint(0), pid).n &&
			srv_profile_links(srv, endpoint(1999), pid).n,
		"the oldest made room");
	srv_profile_learn(srv, endpoint(1999), pid, &large);
	CHECK(!srv_profile_links(srv, endpoint(1999), pid).n, "what is too long is not kept");
	for (unsigned i = 0; i < SRV_PROFILES_MAX + 100; i++) {
		if (i % 64 == 0)
			rig_turn(&rig, 1);
		srv_profile_learn(srv, endpoint(i), pid, &small);
	}
	CHECK(srv->profiles.by_endpoint.count == SRV_PROFILES_MAX &&
			!srv_profile_links(srv, endpoint(0), pid).n &&
			srv_profile_links(srv, endpoint(SRV_PROFILES_MAX), pid).n,
		"and their number is");
	for (unsigned i = 0; i < SRV_PROFILES_MAX + 100; i++)
		srv_profile_forget(srv, endpoint(i));
	CHECK(!srv->profiles.by_endpoint.count && !srv->profiles.bytes && !srv->profiles.oldest &&
			!srv->profiles.newest,
		"all is given back");
	srv_profile_ask(srv, endpoint(7), pid);
	CHECK(srv->profiles.by_endpoint.count == 1 && srv_profile_asked(srv, endpoint(7), pid) &&
			!srv_profile_asked(srv, endpoint(7), SPAN_LIT("v:y")) &&
			!srv_profile_asked(srv, endpoint(8), pid),
		"what is asked of one is not of others");
	srv_forget_endpoint(srv, endpoint(7), &rig.t);
	CHECK(!srv->profiles.by_endpoint.count, "it goes with its endpoint");
	close_server();
	lwm_object_list_fini(&small);
	lwm_object_list_fini(&most);
	lwm_object_list_fini(&large);
}

int main(void)
{
	learned();
	parts();
	in_updates();
	spellings();
	bounds();
	return test_done();
}
