/* SPDX-License-Identifier: Apache-2.0 */
/* Every algorithm, from the plan to a device that works under keys of it, crash included. The
 * device reads Object 21 with code of its own. */
#include "tests/unit/cmd/sim_check.h"

static struct sim sim;
static struct sim_result result;

static const struct {
	const char *aead, *hkdf, *spelling;
	int aead_number, hkdf_number;
	unsigned id_context;
} rows[] = {
	{"AES-CCM-16-64-128", "HKDF-SHA-256", "hmac", 10, -10, 8},
	{"AES-CCM-16-64-128", "HKDF-SHA-512", "hmac", 10, -11, 0},
	{"AES-CCM-16-64-128", "HKDF-SHA-512", "hkdf", 10, -11, 0},
	{"AES-CCM-16-64-256", "HKDF-SHA-256", "hmac", 11, -10, 0},
	{"AES-CCM-64-64-128", "HKDF-SHA-512", "hmac", 12, -11, 8},
	{"AES-CCM-64-64-256", "HKDF-SHA-256", "hmac", 13, -10, 1},
	{"AES-CCM-16-128-128", "HKDF-SHA-256", "hmac", 30, -10, 0},
	{"AES-CCM-16-128-256", "HKDF-SHA-512", "hkdf", 31, -11, 0},
	{"AES-CCM-64-128-128", "HKDF-SHA-256", "hmac", 32, -10, 0},
	{"AES-CCM-64-128-256", "HKDF-SHA-512", "hmac", 33, -11, 8},
	{"A128GCM", "HKDF-SHA-256", "hmac", 1, -10, 0},
	{"A192GCM", "HKDF-SHA-512", "hmac", 2, -11, 0},
	{"A256GCM", "HKDF-SHA-256", "hmac", 3, -10, 8},
	{"ChaCha20/Poly1305", "HKDF-SHA-512", "hkdf", 24, -11, 4},
};

static int put_plan(struct sim *s, size_t i)
{
	char json[512];
	struct adm_ops ops = sim_ops(s, &result);
	snprintf(json, sizeof(json),
		"{\"servers\":[{\"uri\":\"coap://192.0.2.1:5683\",\"lifetime_s\":300,\"oscore\":"
		"{\"aead\":\"%s\",\"hkdf\":\"%s\",\"hkdf_spelling\":\"%s\",\"id_context_bytes\":%u}"
		"}]}",
		rows[i].aead, rows[i].hkdf, rows[i].spelling, rows[i].id_context);
	ops.plan_put(ops.arg, SPAN_EMPTY, span_str(json), sim_on_done, &result);
	return sim_await(s, &result, 10000);
}

/* The bootstrap account's own algorithms. */
static void provision(struct sim *s, size_t i)
{
	struct dev_credentials c = sim_credentials(s, s->dev_n, DEV_ROLE_BOOTSTRAP);
	struct adm_oscore o = sim_oscore_of(&c, DEV_ROLE_BOOTSTRAP);
	if (osc_aead_info(rows[i].aead_number)->nonce_n == 7) {
		c.sender_id.n = 1; /* its last byte differs from the others' anyway */
		o.recipient_id = osc_id_span(&c.sender_id);
	}
	c.aead = (int16_t)(o.aead = rows[i].aead_number);
	c.hkdf = (int16_t)(o.hkdf = rows[i].hkdf_number);
	CHECK(sim_put_oscore(s, c.endpoint, &o, &result) == 201, rows[i].aead);
	sim_begin(s, sim_device(s, &c));
}

static void row(size_t i)
{
	struct sim *s = &sim;
	sim_init(s, 300 + i);
	s->dev_options.all_formats = i % 2; /* and with it a bootstrap in SenML CBOR (BS-03) */
	s->dev_options.update_interval_ms = 20000;
	sim_open(s);
	CHECK(put_plan(s, i) == 200, "a plan with these algorithms");
	provision(s, i);
	CHECK(sim_until(s, sim_all_registered, 20000), rows[i].aead);
	const struct ep_context *c =
		ep_context_newest(sim_endpoint(s, 0), REC_ROLE_SERVER, REC_GEN_USED);
	CHECK(c && c->aead == rows[i].aead_number && c->hkdf == rows[i].hkdf_number &&
			ep_id_context(c).n == rows[i].id_context,
		"the registration is under keys of the plan's algorithms");
	CHECK(sim_dm(s, 0, ADM_READ, "/3/0", &result) == 200, "it answers");
	CHECK(sim_dm(s, 0, ADM_OBSERVE, "/3303/0/5700", &result) == 200, "it is observed");
	sim_crash(s);
	unsigned updates = s->dev[0].done[DEV_OP_UPDATE];
	sim_run(s, 45000);
	CHECK(s->dev[0].done[DEV_OP_UPDATE] > updates, "after a crash it goes on");
	CHECK(sim_dm(s, 0, ADM_READ, "/3/0", &result) == 200, "and answers");
	CHECK(sim_replays_pass_by(s), "and no replay is accepted");
	sim_close(s);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		row(i);
	return test_done();
}
