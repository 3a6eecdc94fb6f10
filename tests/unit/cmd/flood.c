/* SPDX-License-Identifier: Apache-2.0 */
/* A fleet does its work while strangers send what they like: kids that nobody has, the fleet's kids
 * with tags that do not fit, the same with kid contexts as of RFC 8613 Appendix B.2. Every honest
 * request is answered well. Far more is sent than the limit of failed verifications of each key. */
#include "tests/unit/cmd/sim_check.h"

enum { FLEET = 4, ROUNDS = 400, LOT = 500 };

static struct sim sim;

/* Of device i, if it has server keys; else a kid of nobody. */
static struct span kid_of(const struct sim *s, unsigned i, uint8_t nobody[static 5])
{
	const struct endpoint *e = i < s->dev_n ? sim_endpoint(s, i) : NULL;
	const struct ep_context *c =
		e ? ep_context_newest(e, REC_ROLE_SERVER, REC_GEN_WRITTEN) : NULL;
	for (size_t k = 0; k < 5; k++)
		nobody[k] = (uint8_t)rng_u64(&sim.net_rng);
	return c ? ep_recipient_id(c) : span_make(nobody, 5);
}

/* One datagram that looks like a protected request and is none. */
static size_t forged(struct sim *s, uint8_t *out, size_t cap)
{
	uint8_t nobody[5], value[64], junk[40];
	unsigned how = (unsigned)sim_draw(s, 4);
	struct span kid = kid_of(s, how ? (unsigned)sim_draw(s, s->dev_n) : s->dev_n, nobody);
	struct osc_option o = {.has_kid = true, .kid = how ? kid : span_make(nobody, 5)};
	struct writer option = wr_make(value, sizeof(value)), w = wr_make(out, cap);
	struct msg m;
	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = (uint8_t)sim_draw(s, 256);
	osc_piv_set(&o.piv, sim_draw(s, 2) ? sim_draw(s, OSC_SSN_MAX) : sim_draw(s, 3000));
	if (how == 2) { /* a CBOR byte string of eight bytes, as request 1 has */
		junk[0] = 0x48;
		o.has_kid_context = true;
		o.kid_context = span_make(junk, 9);
	}
	osc_option_encode(&o, &option);
	msg_init(&m, sim_draw(s, 2) ? MSG_CON : MSG_NON, MSG_POST);
	m.mid = (uint16_t)sim_draw(s, 65536);
	m.payload = span_make(junk + 9, 9 + sim_draw(s, 20));
	REQUIRE(!msg_add(&m, OPT_OSCORE, wr_span(&option)) && !msg_encode_udp(&m, &w), "forged");
	return w.n;
}

static void flood(struct sim *s, unsigned n)
{
	uint8_t bytes[128];
	struct msg none;
	while (n--) {
		struct peer from = sim_peer_of((unsigned)(100 + sim_draw(s, 100)),
			(uint16_t)sim_draw(s, 65536), SIM_SERVER);
		if (sim_draw(s, 8) == 0)
			from.listener = SIM_BOOTSTRAP;
		sim_inject(s, &from, span_make(bytes, forged(s, bytes, sizeof(bytes))), &none);
	}
}

int main(void)
{
	struct sim *s = &sim;
	unsigned updates = 0, registers = 0, failed = 0;
	sim_init(s, 77);
	s->dev_options.update_interval_ms = 5000;
	sim_open(s);
	flood(s, 1000);
	for (int i = 0; i < FLEET; i++)
		sim_provision(s, i % 2 ? DEV_ROLE_SERVER : DEV_ROLE_BOOTSTRAP);
	for (int i = 0; i < ROUNDS; i++) {
		flood(s, LOT);
		for (int k = 0; k < 20 && sim_step(s, s->now_us + 1000000); k++)
			;
	}
	for (unsigned i = 0; i < FLEET; i++) {
		updates += s->dev[i].done[DEV_OP_UPDATE];
		registers += s->dev[i].done[DEV_OP_REGISTER];
		for (int op = 0; op <= DEV_OP_DEREGISTER; op++)
			failed += s->dev[i].failed[op];
	}
	const struct ep_counters *n = ep_exchange_counters(s->core->x);
	CHECK(sim_all_registered(s) && registers >= FLEET, "all register");
	CHECK(updates >= 100, "and go on");
	CHECK(!failed, "no honest request fails");
	CHECK(!n->retransmissions && !n->timeouts, "nor does any of ours");
	CHECK(n->auth_failures > 40000 && n->no_context > 10000,
		"forgeries of all kinds were refused");
	CHECK(s->core->tally.row[EP_REASON_FORGERIES].all > 1000,
		"keys were at their limit, and most of it was not even tried");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
	return test_done();
}
