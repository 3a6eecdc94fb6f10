/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/addr.h"

#include "tests/unit/test.h"
#include "transport/net.h"

static const struct row {
	const char *text;
	uint16_t port;
	enum err err;
	const char *addr; /* hex of the peer's bytes */
	const char *what;
} rows[] = {
	{"192.0.2.1", 5683, ERR_OK, "c00002011633", "IPv4"},
	{"0.0.0.0", 0, ERR_OK, "000000000000", "IPv4, all zero"},
	{"255.255.255.255", 65535, ERR_OK, "ffffffffffff", "IPv4, all ones"},
	{"2001:db8::1", 5684, ERR_OK, "20010db80000000000000000000000011634", "IPv6"},
	{"::1", 1, ERR_OK, "000000000000000000000000000000010001", "IPv6 loopback"},
	{"::ffff:192.0.2.1", 5683, ERR_OK, "c00002011633", "a mapped address becomes IPv4"},
	{"fe80::1%lo", 5683, ERR_OK,
		"fe8000000000000000000000000000011633"
		"00000001",
		"link-local by name"},
	{"fe80::1%7", 5683, ERR_OK,
		"fe8000000000000000000000000000011633"
		"00000007",
		"link-local by number"},
	{"ff02::fd%1", 5683, ERR_OK,
		"ff0200000000000000000000000000fd1633"
		"00000001",
		"link-local multicast"},
	{"fe80::1", 5683, ERR_SYNTAX, "", "link-local without a scope"},
	{"fe80::1%", 5683, ERR_NOTFOUND, "", "empty scope"},
	{"fe80::1%nosuch0", 5683, ERR_NOTFOUND, "", "no such interface"},
	{"fe80::1%0", 5683, ERR_NOTFOUND, "", "scope zero"},
	{"2001:db8::1%lo", 5683, ERR_SYNTAX, "", "a global address has no scope"},
	{"192.0.2.1%lo", 5683, ERR_SYNTAX, "", "IPv4 has no scope"},
	{"", 5683, ERR_SYNTAX, "", "empty"},
	{"localhost", 5683, ERR_SYNTAX, "", "a name"},
	{"127.1", 5683, ERR_SYNTAX, "", "short IPv4"},
	{"192.0.2.256", 5683, ERR_SYNTAX, "", "byte too large"},
	{"[::1]", 5683, ERR_SYNTAX, "", "brackets"},
	{"::1 ", 5683, ERR_SYNTAX, "", "trailing space"},
	{"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", 1, ERR_SYNTAX, "", "too long"},
};

static void check_row(const struct row *r)
{
	struct peer p = {.bearer = BEARER_SMS};
	struct peer before = p;
	union addr back;

	CHECK(net_peer(r->text, r->port, 3, &p) == r->err, r->what);
	if (r->err) {
		CHECK(peer_eq(&p, &before), "output untouched on error");
		return;
	}
	CHECK_BYTES(span_make(p.addr, p.addr_n), test_hex(r->addr), r->what);
	CHECK(p.bearer == BEARER_UDP && p.listener == 3 && p.local_n == 0, r->what);
	/* And back through the sockets that can reach it. */
	struct peer again = {.bearer = BEARER_UDP, .listener = 3};
	CHECK(addr_from_peer(&p, AF_INET6, &back) == ERR_OK, r->what);
	addr_to_peer(&back, &again);
	CHECK(peer_eq(&p, &again), "round trip through IPv6");
	memset(again.addr, 0, sizeof(again.addr));
	CHECK((addr_from_peer(&p, AF_INET, &back) == ERR_OK) == (p.addr_n == 6), r->what);
	if (p.addr_n != 6)
		return;
	addr_to_peer(&back, &again);
	CHECK(peer_eq(&p, &again), "round trip through IPv4");
}

static void check_lengths(void)
{
	for (unsigned n = 0; n <= sizeof(((struct peer *)0)->addr); n++) {
		struct peer p = {.bearer = BEARER_UDP, .addr_n = (uint8_t)n};
		union addr a;
		bool good = n == 6 || n == 18 || n == 22;
		CHECK((addr_from_peer(&p, AF_INET6, &a) == ERR_OK) == good, "length of a peer");
	}
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
	check_lengths();
	return test_done();
}
