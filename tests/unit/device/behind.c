/* SPDX-License-Identifier: Apache-2.0 */
/* The devices behind a simulated gateway, on its side. */
#include "tests/unit/device/world.h"

static struct world w;
static struct heard h;

enum { CF_NONE = -1 };

/* One after the other on one gateway with two devices. */
static const struct {
	const char *what;
	uint8_t method;
	const char *path;
	int accept, cf;
	const char *payload;
	uint8_t code;
	const char *has, *has_not; /* in the answer; or NULL */
} steps[] = {
	{"it tells of them (GW-01)", MSG_GET, "25", 110, CF_NONE, "", MSG_CONTENT,
		"\"d01\"},{\"n\":\"0/3\",\"vs\":\"</3/0>,</3303>;ver=1.1,</3303/0>\"}", "d03"},
	{"a device (GW-03)", MSG_GET, "d02/3/0/2", 0, CF_NONE, "", MSG_CONTENT, "-2", NULL},
	{"itself", MSG_GET, "3/0/2", 0, CF_NONE, "", MSG_CONTENT, "", "-2"},
	{"none of them (GW-03)", MSG_GET, "d03/3/0/2", 0, CF_NONE, "", MSG_NOT_FOUND, NULL, NULL},
	{"an object they have not", MSG_GET, "d01/5/0", 110, CF_NONE, "", MSG_NOT_FOUND, NULL,
		NULL},
	{"nor have they any others behind them", MSG_GET, "d01/25", 110, CF_NONE, "", MSG_NOT_FOUND,
		NULL, NULL},
	{"a device as a whole", MSG_GET, "d01", 110, CF_NONE, "", MSG_METHOD_NOT_ALLOWED, NULL,
		NULL},
	{"names have the prefix", MSG_GET, "d01/3303/0", 110, CF_NONE, "", MSG_CONTENT,
		"\"bn\":\"/d01/3303/0/\"", NULL},
	{"links have none (GW-04)", MSG_GET, "d01/3303/0", 40, CF_NONE, "", MSG_CONTENT,
		"</3303/0/5700>", "d01"},
	{"write", MSG_PUT, "d01/3/0/15", CF_NONE, 0, "CET", MSG_CHANGED, NULL, NULL},
	{"it is written", MSG_GET, "d01/3/0/15", 0, CF_NONE, "", MSG_CONTENT, "CET", NULL},
	{"to one of them", MSG_GET, "d02/3/0/15", 0, CF_NONE, "", MSG_CONTENT, NULL, "CET"},
	{"and not to itself", MSG_GET, "3/0/15", 0, CF_NONE, "", MSG_CONTENT, NULL, "CET"},
	{"write by a name with the prefix", MSG_POST, "d02/3303/0", CF_NONE, 110,
		"[{\"n\":\"/d02/3303/0/5750\",\"vs\":\"cellar\"}]", MSG_CHANGED, NULL, NULL},
	{"by one with that of another", MSG_POST, "d02/3303/0", CF_NONE, 110,
		"[{\"n\":\"/d01/3303/0/5750\",\"vs\":\"x\"}]", MSG_BAD_REQUEST, NULL, NULL},
	{"create", MSG_POST, "d02/3303", CF_NONE, 110,
		"[{\"n\":\"/d02/3303/4/5750\",\"vs\":\"x\"}]", MSG_CREATED, NULL, NULL},
	{"it is in the list", MSG_GET, "25/1/3", 0, CF_NONE, "", MSG_CONTENT, "</3303/4>", NULL},
	{"of that device", MSG_GET, "25/0/3", 0, CF_NONE, "", MSG_CONTENT, "</3303/0>", "/4>"},
	{"delete", MSG_DELETE, "d02/3303/4", CF_NONE, CF_NONE, "", MSG_DELETED, NULL, NULL},
	{"read several (GW-05)", MSG_FETCH, "", 110, 110,
		"[{\"n\":\"/d01/3/0/15\"},{\"n\":\"/d02/3303/0/5750\"},{\"n\":\"/3/0/16\"},"
		"{\"n\":\"/d09/3/0/15\"}]",
		MSG_CONTENT,
		"{\"n\":\"/d01/3/0/15\",\"vs\":\"CET\"},{\"n\":\"/d02/3303/0/"
		"5750\",\"vs\":\"cellar\"}",
		"d09"},
	{"write several, one of nobody (GW-05)", MSG_IPATCH, "", CF_NONE, 110,
		"[{\"n\":\"/d01/3/0/15\",\"vs\":\"UTC\"},{\"n\":\"/d09/3/0/15\",\"vs\":\"UTC\"}]",
		MSG_NOT_FOUND, NULL, NULL},
	{"nothing has changed", MSG_GET, "d01/3/0/15", 0, CF_NONE, "", MSG_CONTENT, "CET", NULL},
	{"write several", MSG_IPATCH, "", CF_NONE, 110,
		"[{\"n\":\"/d01/3/0/15\",\"vs\":\"UTC\"},{\"n\":\"/3/0/15\",\"vs\":\"EET\"}]",
		MSG_CHANGED, NULL, NULL},
	{"one", MSG_GET, "d01/3/0/15", 0, CF_NONE, "", MSG_CONTENT, "UTC", NULL},
	{"and the other", MSG_GET, "3/0/15", 0, CF_NONE, "", MSG_CONTENT, "EET", NULL},
	{"to reboot one is nothing to the gateway", MSG_POST, "d01/3/0/4", CF_NONE, CF_NONE, "",
		MSG_CHANGED, NULL, NULL},
	{"an action that there is not", MSG_POST, "d01/1/0/8", CF_NONE, CF_NONE, "", MSG_NOT_FOUND,
		NULL, NULL},
};

static bool has(const char *what)
{
	struct span s = h.plain.payload;
	size_t n = strlen(what);
	for (size_t i = 0; i + n <= s.n; i++)
		if (!memcmp(s.p + i, what, n))
			return true;
	return n == 0;
}

static uint8_t step(size_t i)
{
	struct msg m;
	w_msg(&m, steps[i].method, steps[i].path);
	if (steps[i].cf >= 0)
		REQUIRE(msg_add_uint(&m, OPT_CONTENT_FORMAT, (uint32_t)steps[i].cf) == ERR_OK,
			"format");
	if (steps[i].accept >= 0)
		REQUIRE(msg_add_uint(&m, OPT_ACCEPT, (uint32_t)steps[i].accept) == ERR_OK,
			"accept");
	m.payload = span_str(steps[i].payload);
	return w_ask(&w, &w.server, &m, &h);
}

int main(void)
{
	struct dev_credentials c = w_credentials(true);
	w_init(&w, &c);
	w.options.gateway = 2;
	w.options.all_formats = true;
	w.options.lifetime_s = 86400;
	w_registered(&w);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		uint8_t code = step(i);
		bool good = code == steps[i].code && (!steps[i].has || has(steps[i].has)) &&
			    (!steps[i].has_not || !has(steps[i].has_not));
		CHECK(good, steps[i].what);
		if (!good)
			printf("  %u.%02u %.*s\n", code >> 5, code & 31, (int)h.plain.payload.n,
				(const char *)h.plain.payload.p);
	}
	w_pass(&w, 5000);
	CHECK(dev_registered(w.dev), "it goes on");
	w_fini(&w);
	return test_done();
}
