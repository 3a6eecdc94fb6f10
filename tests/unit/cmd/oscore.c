/* SPDX-License-Identifier: Apache-2.0 */
/* OSCORE through the whole daemon: the messages of RFC 8613 Appendix C, ids of every length, and
 * not a byte too many in what the daemon sends. */
#include "tests/unit/cmd/sim_check.h"

static struct sim sim;
static struct sim_result result;

/* ---- Appendix C: the server of C.1 to C.3 is asked for a resource that it does not have */

#define SECRET "0102030405060708090a0b0c0d0e0f10"

static const struct vector {
	const char *what, *salt, *kid, *id_context; /* id_context NULL: none */
	const char *request, *head, *binding_piv;
} vectors[] = {
	{"C.4", "9e7ca92223786340", "", NULL,
		"44025d1f00003974396c6f63616c686f7374620914ff612f1092f1776f1c1668b3825e",
		"64445d1f00003974", "14"},
	{"C.5", "", "00", NULL,
		"440271c30000b932396c6f63616c686f737463091400ff4ed339a5a379b0b8bc731fffb0",
		"644471c30000b932", "14"},
	{"C.6", "9e7ca92223786340", "", "37cbf3210017a2d3",
		"44022f8eef9bbf7a396c6f63616c686f73746b19140837cbf3210017a2d3ff72cd7273fd331ac45cff"
		"be55c3",
		"64442f8eef9bbf7a", "14"},
};

static struct osc_params client_of(const struct vector *v)
{
	return (struct osc_params){.aead = ALG_AES_CCM_16_64_128,
		.hkdf = ALG_HKDF_SHA256,
		.master_secret = test_hex(SECRET),
		.master_salt = test_hex(v->salt),
		.sender_id = test_hex(v->kid),
		.recipient_id = SPAN_LIT("\x01"),
		.has_id_context = v->id_context != NULL,
		.id_context = test_hex(v->id_context ? v->id_context : "")};
}

static void put(struct sim *s, const struct vector *v)
{
	struct osc_params p = client_of(v);
	struct adm_oscore o = {.master_secret = p.master_secret,
		.master_salt = p.master_salt,
		.sender_id = p.recipient_id,
		.recipient_id = p.sender_id,
		.has_id_context = p.has_id_context,
		.id_context = p.id_context,
		.aead = p.aead,
		.hkdf = p.hkdf};
	CHECK(sim_put_oscore(s, v->what, &o, &result) == 201, v->what);
}

/* The daemon's answer, opened as the client of the RFC does; its bytes are s->last. */
static bool opened(struct sim *s, const struct vector *v, struct msg *m, uint64_t *number)
{
	static uint8_t clear[512];
	struct writer w = wr_make(clear, sizeof(clear));
	struct osc_params p = client_of(v);
	struct osc_binding b = {.piv = {1, {0x14}}};
	struct osc_keys k;
	struct msg outer;
	return !osc_derive(s->crypto, &p, &k) && !osc_id_set(&b.kid, p.sender_id) &&
	       !msg_parse_udp(span_make(s->last, s->last_n), &outer) &&
	       !osc_unprotect_response(s->crypto, &k, &b, &outer, &w, m, number);
}

/* All three are there at once; C.4 and C.6 have one kid.
 * Proves: 8613-C-4 8613-C-5 8613-C-6 8613-5-8 8613-8.3-1 8613-4.2-5 */
static void appendix_c(uint32_t freshness)
{
	struct sim *s = &sim;
	struct peer from = sim_peer_of(100, 5683, SIM_SERVER);
	sim_init(s, 1);
	s->cfg.freshness = freshness;
	sim_open(s);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++)
		put(s, &vectors[i]);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		const struct vector *v = &vectors[i];
		bool challenge = freshness != 2;
		struct span head = test_hex(v->head);
		struct msg m, outer;
		uint64_t number;
		CHECK(sim_inject(s, &from, test_hex(v->request), &outer), v->what);
		CHECK(span_eq(span_make(s->last, head.n), head), "type, code, Message ID, token");
		REQUIRE(opened(s, v, &m, &number), v->what);
		CHECK(m.code == (challenge ? MSG_UNAUTHORIZED : MSG_NOT_FOUND), v->what);
		CHECK((msg_find(&m, OPT_ECHO) != NULL) == challenge, v->what);
		/* As in C.8 under our number 0, as in C.7 under the request's nonce. */
		CHECK_BYTES(msg_find(&outer, OPT_OSCORE)->val, test_hex(challenge ? "0100" : ""),
			v->what);
		CHECK(challenge || s->last_n == head.n + 2 + 1 + 8, "and not a byte more");
		CHECK(number == (challenge ? 0 : UINT64_MAX), v->what);
	}
	sim_close(s);
}

/* ---- ids of every length, both ways */

static struct {
	struct span ours, theirs;
	unsigned answers, numbered, asked, notified, wrong;
	size_t least; /* the shortest answer of ours, beyond header and token */
} seen;

static void see_down(const struct msg *m, const struct osc_option *o, size_t n)
{
	if (msg_code_is_request(m->code)) {
		seen.asked++;
		seen.wrong += !o->has_kid || !o->piv.n || o->has_kid_context ||
			      !span_eq(o->kid, seen.ours);
		return;
	}
	size_t more = n - 4 - m->token_n;
	seen.answers++;
	seen.numbered += o->piv.n != 0;
	seen.wrong += o->has_kid || o->has_kid_context;
	if (!seen.least || more < seen.least)
		seen.least = more;
}

static void see_up(const struct msg *m, const struct osc_option *o)
{
	bool observe = msg_find(m, OPT_OBSERVE);
	if (msg_code_is_request(m->code)) {
		seen.wrong += !o->has_kid || !span_eq(o->kid, seen.theirs);
		return;
	}
	seen.notified += observe && o->piv.n;
	seen.wrong += o->has_kid || o->has_kid_context || (o->piv.n && !observe);
}

/* Looks at every datagram, and lets it pass. */
static bool look(struct sim *s, bool up, unsigned dev, uint16_t listener, struct span datagram)
{
	struct msg m;
	struct osc_option o;
	(void)s, (void)dev, (void)listener;
	if (msg_parse_udp(datagram, &m) || m.code == MSG_EMPTY)
		return false;
	if (osc_option_of(&m, &o))
		seen.wrong++;
	else if (up)
		see_up(&m, &o);
	else
		see_down(&m, &o, datagram.n);
	return false;
}

static const struct {
	const char *what, *ours, *theirs;
} ids[] = {
	{"the device's is empty", "01", ""},
	{"ours is empty", "", "73"},
	{"one byte each", "00", "01"},
	{"one is the start of the other", "01", "0100"},
	{"the device's is empty, ours as long as can be", "01020304050607", ""},
	{"ours is empty, the device's as long as can be", "", "01020304050607"},
};

/* Proves: 8613-8.3-5 8613-8.3-6 8613-5-7 8613-4.1.3.5.2-1 */
static void lengths(size_t i)
{
	struct sim *s = &sim;
	sim_init(s, 40 + i);
	s->dev_options.update_interval_ms = 20000;
	s->dev_options.notify_interval_ms = 3000;
	s->tap = look;
	memset(&seen, 0, sizeof(seen));
	seen.ours = test_hex(ids[i].ours);
	seen.theirs = test_hex(ids[i].theirs);
	sim_open(s);
	struct dev_credentials c = sim_credentials(s, 0, DEV_ROLE_SERVER);
	REQUIRE(!osc_id_set(&c.sender_id, seen.theirs) && !osc_id_set(&c.recipient_id, seen.ours),
		"ids");
	struct adm_oscore o = sim_oscore_of(&c, DEV_ROLE_SERVER);
	CHECK(sim_put_oscore(s, c.endpoint, &o, &result) == 201, ids[i].what);
	sim_begin(s, sim_device(s, &c));
	CHECK(sim_until(s, sim_all_registered, 20000), ids[i].what);
	CHECK(sim_dm(s, 0, ADM_READ, "/3/0", &result) == 200, "it is read");
	CHECK(sim_dm(s, 0, ADM_OBSERVE, "/3303/0/5700", &result) == 200, "and observed");
	sim_run(s, 45000);
	CHECK(s->dev[0].done[DEV_OP_UPDATE] >= 2 && seen.asked >= 2 && seen.notified >= 5,
		"and goes on");
	CHECK(seen.numbered == 1, "one answer had a number of its own: the challenge");
	CHECK(seen.least == 11, "an empty answer takes 11 bytes: option, marker, code, tag");
	CHECK(!seen.wrong, "no kid, kid context or number where none is needed");
	sim_crash(s);
	unsigned updates = s->dev[0].done[DEV_OP_UPDATE];
	sim_run(s, 45000);
	CHECK(s->dev[0].done[DEV_OP_UPDATE] > updates, "after a crash it goes on");
	CHECK(sim_dm(s, 0, ADM_READ, "/3/0", &result) == 200, "and answers");
	CHECK(seen.numbered == 1 && !seen.wrong, "without a challenge, and not a byte more");
	CHECK(sim_replays_pass_by(s) && !s->audit.reuses, "and nothing comes twice");
	sim_close(s);
}

int main(void)
{
	for (uint32_t freshness = 0; freshness <= 2; freshness++)
		appendix_c(freshness);
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++)
		lengths(i);
	return test_done();
}
