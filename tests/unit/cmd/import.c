/* SPDX-License-Identifier: Apache-2.0 */
/* Imports against the real directory: each line whole or not at all, crash included. */
#include "tests/unit/cmd/sim_admin.h"

static struct sim sim;
static struct sim_result result;

static struct adm_oscore keys(uint8_t secret, uint8_t recipient, bool bootstrap)
{
	static uint8_t secrets[8][16], ids[8][2];
	static size_t at;
	at = (at + 1) % 8;
	memset(secrets[at], secret, sizeof(secrets[at]));
	ids[at][0] = 1;
	ids[at][1] = recipient;
	return (struct adm_oscore){.bootstrap = bootstrap,
		.master_secret = SPAN_OF(secrets[at]),
		.sender_id = span_make(ids[at], 1),
		.recipient_id = span_make(ids[at] + 1, 1),
		.aead = ALG_AES_CCM_16_64_128,
		.hkdf = ALG_HKDF_SHA256};
}

static int import(struct sim *s, struct adm_import *l, size_t n, bool replace)
{
	struct adm_ops ops = sim_ops(s, &result);
	ops.import(ops.arg, l, n, replace, sim_on_done, &result);
	return sim_await(s, &result, 10000);
}

static struct adm_import line(const char *name)
{
	return (struct adm_import){.endpoint = span_str(name)};
}

/* What is there, in one word. */
static const char *state(struct sim *s)
{
	static char text[128];
	snprintf(text, sizeof(text), "%zu endpoints, %zu contexts, %zu graves",
		s->core->dir.by_name.count, s->core->dir.context_n, s->core->dir.graves.count);
	return text;
}

static void whole_lines(void)
{
	struct sim *s = &sim;
	sim_init(s, 1);
	sim_open(s);
	struct adm_import l[] = {line("a"), line("b"), line("c"), line("a")};
	l[0].oscore[0] = keys(1, 10, false);
	l[0].oscore[1] = keys(2, 11, true);
	l[0].oscore_n = 2;
	l[1].settings.has_rd_ep = true;
	l[1].settings.rd_ep = SPAN_LIT("urn:b");
	l[1].plan = SPAN_LIT("{\"servers\":[{\"uri\":\"coap://h\",\"ssid\":9}]}");
	l[2].status = 422; /* its reader refused it */
	l[3] = l[0];
	CHECK(import(s, l, 4, false) == 200, "an import");
	CHECK(l[0].status == 201 && l[1].status == 201 && l[2].status == 422 && l[3].status == 200,
		"what became of each line");
	CHECK(!strcmp(state(s), "2 endpoints, 2 contexts, 0 graves"), "what is there");
	sim_crash(s);
	CHECK(!strcmp(state(s), "2 endpoints, 2 contexts, 0 graves"), "and stored");
	struct endpoint *b = ep_find(&s->core->dir, SPAN_LIT("b"));
	CHECK(b && span_eq_str(ep_rd_name(b), "urn:b") && bs_has_plan(b), "settings and plan too");
	sim_close(s);
}

/* The second of a line's contexts is refused: the first is not there either. */
static void half_a_line(void)
{
	struct sim *s = &sim;
	sim_init(s, 2);
	sim_open(s);
	struct adm_import l[] = {line("a"), line("b"), line("b")};
	l[0].oscore[0] = keys(1, 10, false);
	l[0].oscore_n = 1;
	l[1].oscore[0] = keys(2, 11, false);
	l[1].oscore[1] = keys(3, 10, true); /* a's kid */
	l[1].oscore_n = 2;
	l[1].settings.has_nosec = l[1].settings.nosec = true;
	CHECK(import(s, l, 2, false) == 200 && l[0].status == 201 && l[1].status == 409 &&
			!strcmp(l[1].type, "conflict") && !strcmp(l[1].field, "credentials.oscore"),
		"the second line is refused");
	CHECK(!strcmp(state(s), "1 endpoints, 1 contexts, 0 graves") && !s->core->dir.nosec_n,
		"and leaves nothing, not even a tombstone");
	sim_crash(s);
	CHECK(!strcmp(state(s), "1 endpoints, 1 contexts, 0 graves"), "nor on disk");
	/* The mended line, its ids the other way round: no key of it counts as used. */
	l[2].oscore[0] = keys(2, 12, false);
	struct span swap = l[2].oscore[0].sender_id;
	l[2].oscore[0].sender_id = SPAN_LIT("\x0b");
	l[2].oscore[0].recipient_id = swap;
	l[2].oscore_n = 1;
	CHECK(import(s, &l[2], 1, false) == 200 && l[2].status == 201, "mended, it is taken");
	sim_close(s);
}

static void replacing(void)
{
	struct sim *s = &sim;
	sim_init(s, 3);
	sim_open(s);
	struct adm_import l = line("a"), again = line("a"), bad = line("a"), both = line("a");
	l.oscore[0] = keys(1, 10, false);
	l.oscore_n = again.oscore_n = bad.oscore_n = 1;
	again.oscore[0] = keys(2, 11, false);
	CHECK(import(s, &l, 1, false) == 200 && l.status == 201, "the first");
	CHECK(import(s, &again, 1, false) == 200 && again.status == 409,
		"other keys of that role: not without replace");
	CHECK(!strcmp(state(s), "1 endpoints, 1 contexts, 0 graves"), "the old ones stay");
	both.oscore[0] = keys(3, 12, true);
	both.oscore_n = 1;
	CHECK(import(s, &both, 1, false) == 200 && both.status == 201, "of the other role: yes");
	again.status = 0;
	CHECK(import(s, &again, 1, true) == 200 && again.status == 201, "with replace");
	CHECK(!strcmp(state(s), "1 endpoints, 2 contexts, 2 graves"),
		"the old ones go, and leave their counters");
	bad.plan = SPAN_LIT("{\"servers\":[]}");
	bad.oscore[0] = keys(4, 13, false);
	CHECK(import(s, &bad, 1, true) == 200 && bad.status == 422 &&
			!strcmp(bad.field, "plan.servers") && strstr(bad.detail, "1 to 8"),
		"a plan that is refused");
	CHECK(!strcmp(state(s), "1 endpoints, 2 contexts, 2 graves"), "changes no keys");
	sim_close(s);
}

static void limits(void)
{
	struct sim *s = &sim;
	sim_init(s, 4);
	s->cfg.endpoints_max = 2;
	sim_open(s);
	struct adm_import l[] = {line("a"), line("b"), line("c"), line("b")};
	CHECK(import(s, l, 4, false) == 200 && l[1].status == 201 && l[2].status == 507 &&
			l[3].status == 200,
		"the limit of endpoints");
	store_mem_fail(s->core->store, 1, ERR_IO, false);
	struct adm_import more = line("a");
	more.oscore[0] = keys(1, 10, false);
	more.oscore_n = 1;
	CHECK(import(s, &more, 1, false) == 503, "nothing counts that was not stored");
	sim_close(s);
}

int main(void)
{
	whole_lines();
	half_a_line();
	replacing();
	limits();
	return test_done();
}
