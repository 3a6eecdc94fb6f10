/* SPDX-License-Identifier: Apache-2.0 */
/* Events of security from a whole daemon: what is told, how rarely, and that no key is in it. */
#include "base/text.h"
#include "tests/unit/cmd/sim_craft.h"
#include "tests/unit/cmd/sim_plain.h"

static struct sim sim;
static struct craft craft;
static struct sim_result result;
static struct msg m, answer;

/* The stored events of the type, and the last of them. */
static struct told {
	unsigned n;
	char endpoint[32], json[256];
} told;

static void on_event(void *arg, const struct adm_event *e)
{
	(void)arg;
	if (!span_eq_str(e->type, "security"))
		return;
	told.n++;
	REQUIRE(!span_to_str(e->endpoint, told.endpoint, sizeof(told.endpoint)) &&
			!span_to_str(e->json, told.json, sizeof(told.json)),
		"an event is short");
}

static unsigned events_after(struct sim *s, uint64_t after)
{
	uint64_t first;
	struct adm_ops ops = sim_ops(s, NULL);
	told = (struct told){0};
	REQUIRE(ops.events(ops.arg, after, 100000, on_event, NULL, &first) == ERR_OK,
		"stored events");
	return told.n;
}

static unsigned events(struct sim *s)
{
	return events_after(s, 0);
}

static bool is(const char *endpoint, const char *json)
{
	return !strcmp(told.endpoint, endpoint) && !strncmp(told.json, json, strlen(json));
}

static void give(const char *list)
{
	craft_register(&m, "lt=6000&lwm2m=1.1", list);
	craft_give(&craft, craft_seal(&craft, &m, NULL), &answer);
}

/* No byte string of a key that is shown anywhere in what is told. */
static bool holds_key(const struct craft *c)
{
	char hex[2 * 16 + 1];
	const uint8_t *const keys[] = {
		c->keys.sender_key, c->keys.recipient_key, c->keys.common_iv};
	for (size_t i = 0; i < 3; i++) {
		struct writer w = wr_make(hex, sizeof(hex) - 1);
		wr_hex(&w, span_make(keys[i], 4));
		hex[w.n] = '\0';
		if (strstr(told.json, hex))
			return true;
	}
	return false;
}

static void one_device(void)
{
	struct sim *s = &sim;
	sim_init(s, 1);
	sim_open(s);
	craft_open(&craft, s, DEV_ROLE_SERVER);
	craft_register(&m, "lt=6000&lwm2m=1.1", "</3/0>");
	REQUIRE(craft_ask_fresh(&craft, &m, &answer) == MSG_CREATED, "Register");
	CHECK(!events(s), "nothing of an honest device");
	for (int i = 0; i < 10; i++) {
		craft.piv--;
		give("</1/0>");
	}
	CHECK(events(s) == 1 &&
			is("crafted", "{\"kind\":\"replay\",\"count\":1,\"seconds\":0,\"kid\":"),
		"the first replay at once");
	CHECK(strstr(told.json, "\"address\":\"udp 10.0.0.100:5683\""), "with where it came from");
	sim_run(s, 61000);
	CHECK(events(s) == 2 && is("crafted", "{\"kind\":\"replay\",\"count\":9,"),
		"the others as one, by time alone");
	sim_run(s, 600000);
	CHECK(events(s) == 2, "and no more of them");
	craft.keys.sender_key[0] ^= 1;
	for (int i = 0; i < EP_SECURITY_BURST; i++) {
		CHECK(events(s) == 2, "decryption that fails is told from a burst on");
		give("</1/0>");
	}
	CHECK(events(s) == 3 && is("crafted", "{\"kind\":\"decryption-failed\",\"count\":5,"),
		"then it is");
	craft.keys.sender_key[0] ^= 1;
	CHECK(!holds_key(&craft), "no key is told");
	sim_crash(s);
	CHECK(events(s) == 3, "events are durable");
	sim_close(s);
}

/* An hour of strangers: every second a datagram with another kid, from another address. */
static void strangers(void)
{
	struct sim *s = &sim;
	unsigned commits;
	struct store_stats before, after;
	sim_init(s, 2);
	sim_open(s);
	store_stats(s->core->store, &before);
	for (unsigned i = 0; i < 36000; i++) {
		uint8_t bytes[] = {
			0x40, 2, 0, 1, 0x94, 9, 0, 0, 0, 0xff, 0, 1, 2, 3, 4, 5, 6, 7, 8};
		struct peer from = sim_peer_of(i & 255, (uint16_t)i, SIM_SERVER);
		bytes[7] = (uint8_t)(i >> 8);
		bytes[8] = (uint8_t)i;
		sim_inject(s, &from, SPAN_OF(bytes), &answer);
		sim_run(s, 100);
	}
	store_stats(s->core->store, &after);
	commits = (unsigned)(after.commits - before.commits);
	CHECK(events(s) >= EP_SECURITY_TOKENS && told.n <= EP_SECURITY_TOKENS + 12 &&
			is("", "{\"kind\":\"unknown-kid\",\"count\":"),
		"a few events");
	CHECK(commits <= told.n, "and as few commits");
	CHECK(s->core->tally.row[EP_REASON_NO_CONTEXT].all == 36000, "all are counted");
	sim_close(s);
}

static void used_up(void)
{
	struct sim *s = &sim;
	sim_init(s, 3);
	sim_open(s);
	struct dev_credentials k = sim_credentials(s, 1, DEV_ROLE_SERVER);
	struct adm_oscore o = sim_oscore_of(&k, DEV_ROLE_SERVER);
	REQUIRE(sim_put_oscore(s, "crafted", &o, &result) == 201, "provisioned");
	s->core->dir.ssn_end = 1; /* one number is left */
	craft_keys(&craft, s, "crafted", REC_ROLE_SERVER);
	give("</1/0>");
	CHECK(!events(s), "it is used");
	give("</1/0>");
	CHECK(events(s) == 1 && is("crafted", "{\"kind\":\"key-limit\",\"count\":1,"),
		"then it is told");
	sim_close(s);
}

static void rollback(void)
{
	struct sim *s = &sim;
	struct core *old;
	struct store *copy, *store;
	sim_init(s, 4);
	sim_open(s);
	craft_open(&craft, s, DEV_ROLE_SERVER);
	REQUIRE(store_mem_crash(s->core->store, core_store_done, s->core, &copy) == ERR_OK,
		"a copy");
	for (unsigned i = 0; i < 3; i++)
		sim_restart(s);
	old = s->core;
	sim_core_new(s, &s->core);
	REQUIRE(store_mem_restore(old->store, copy, core_store_done, s->core, &store) == ERR_OK,
		"it is put back");
	old->failed = ERR_IO;
	core_free(old);
	store_free(copy);
	sim_core_start(s, store);
	REQUIRE(s->rollbacks == 1, "which is found out");
	/* The numbers of events go on in the range of the rollback. */
	CHECK(events_after(s, (UINT64_C(1) << 40) - 1) &&
			is("", "{\"kind\":\"rollback\",\"count\":1,\"seconds\":0}"),
		"and told");
	CHECK(told.n == 1, "once");
	sim_close(s);
}

int main(void)
{
	one_device();
	strangers();
	used_up();
	rollback();
	return test_done();
}
