/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/crowd.h"

#include "tests/unit/test.h"
#include "transport/net.h"

enum { N = 6 };

static struct crowd c;
static struct crowd_member m[N];

static void begin(void)
{
	static const uint8_t seed[16] = {7};
	memset(m, 0, sizeof(m));
	crowd_init(&c, seed);
}

static void end(void)
{
	for (size_t i = 0; i < N; i++)
		crowd_del(&c, &m[i]);
	CHECK(!c.all.n && !c.all.oldest && !c.all.newest && !c.groups.count, "all have left");
	crowd_fini(&c);
}

static struct span group(const char *address)
{
	static struct peer p;
	REQUIRE(!net_peer(address, 5683, 0, &p), address);
	return crowd_of(&p);
}

static const struct {
	const char *what, *a, *b;
	bool same;
} rows[] = {
	{"an IPv4 address", "192.0.2.1", "192.0.2.1", true},
	{"another one", "192.0.2.1", "192.0.2.2", false},
	{"IPv6 in one network", "2001:db8::1", "2001:db8::ffff:0:0:1", true},
	{"in another one", "2001:db8::1", "2001:db8:0:1::1", false},
	{"IPv4 and IPv6", "32.1.13.184", "2001:db8::1", false},
	{"IPv4, written in IPv6", "192.0.2.1", "::ffff:192.0.2.1", true},
};

static void test_groups(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin();
		CHECK(!crowd_add(&c, &m[0], group(rows[i].a), 0), "one");
		CHECK(crowd_victim(&c, group(rows[i].b), 9, 1) == (rows[i].same ? &m[0] : NULL),
			rows[i].what);
		end();
	}
}

static void test_order(void)
{
	struct span a = SPAN_LIT("aaaa"), b = SPAN_LIT("b");
	begin();
	CHECK(!crowd_victim(&c, a, 1, 1), "nobody is there");
	CHECK(crowd_add(&c, &m[0], SPAN_LIT("123456789"), 0) == ERR_NOMEM && !m[0].group,
		"a group whose name is too long");
	for (size_t i = 0; i < 4; i++)
		CHECK(!crowd_add(&c, &m[i], i < 2 ? a : b, i), "they come");
	CHECK(!crowd_victim(&c, a, 5, 3) && !crowd_victim(&c, a, 5, 0), "there is room");
	CHECK(crowd_victim(&c, a, 4, 3) == &m[0], "too many in all: the oldest of all");
	CHECK(crowd_victim(&c, b, 5, 2) == &m[2], "too many in a group: its oldest");
	CHECK(crowd_victim(&c, b, 4, 2) == &m[2], "the group comes first");
	crowd_touch(&c, &m[0], 2000);
	CHECK(crowd_victim(&c, a, 4, 2) == &m[1] && crowd_victim(&c, a, 4, 0) == &m[1],
		"who was heard of is the newest");
	crowd_touch(&c, &m[0], 3000);
	CHECK(m[0].since_ms == 3000 && crowd_victim(&c, a, 4, 0) == &m[1], "and stays so");
	crowd_touch(&c, &m[5], 2000);
	CHECK(!m[5].group && c.all.n == 4, "who is not in it does not come in");
	crowd_del(&c, &m[1]);
	crowd_del(&c, &m[1]);
	CHECK(c.all.n == 3 && crowd_victim(&c, a, 3, 0) == &m[2], "one leaves from the middle");
	CHECK(crowd_victim(&c, a, 9, 1) == &m[0], "its group goes on");
	end();
}

int main(void)
{
	test_groups();
	test_order();
	return test_done();
}
