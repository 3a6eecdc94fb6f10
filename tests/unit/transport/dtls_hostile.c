/* SPDX-License-Identifier: Apache-2.0 */
/* What peers of DTLS can cost us that are not through yet, or have more than is good. */
#include "tests/unit/transport/dtls_world.h"

#include <malloc.h>

/* A ClientHello in two records, cut at that byte of its body, in one datagram or in two. */
static void send_cut(struct client *c, size_t at, bool together)
{
	enum { RECORD = 13, MESSAGE = 12 };
	uint8_t out[2][DATAGRAM], all[2 * DATAGRAM];
	char *p;
	size_t n = (size_t)BIO_get_mem_data(c->out, &p), body = n - RECORD - MESSAGE, len[2];
	for (size_t i = 0; i < 2; i++) {
		size_t from = i ? at : 0, part = i ? body - at : at;
		memcpy(out[i], p, RECORD + MESSAGE);
		memcpy(out[i] + RECORD + MESSAGE, p + RECORD + MESSAGE + from, part);
		out[i][10] = (uint8_t)(out[i][10] - (!i && out[i][10])); /* record number */
		out[i][11] = (uint8_t)((MESSAGE + part) >> 8);
		out[i][12] = (uint8_t)(MESSAGE + part);
		out[i][RECORD + 7] = (uint8_t)(from >> 8);
		out[i][RECORD + 8] = (uint8_t)from;
		out[i][RECORD + 10] = (uint8_t)(part >> 8);
		out[i][RECORD + 11] = (uint8_t)part;
		len[i] = RECORD + MESSAGE + part;
	}
	memcpy(all, out[0], len[0]);
	memcpy(all + len[0], out[1], len[1]);
	if (together)
		CHECK(send(c->fd, all, len[0] + len[1], 0) > 0, "both in one");
	else
		CHECK(send(c->fd, out[0], len[0], 0) > 0 && send(c->fd, out[1], len[1], 0) > 0,
			"one after the other");
	(void)BIO_reset(c->out);
}

static const struct {
	const char *what;
	size_t first, second; /* where the ClientHellos without and with a cookie are cut; 0: not */
	bool together, good;
} cuts[] = {
	{"cut without a cookie, behind the place of one", 60, 0, false, true},
	{"the same in one datagram", 60, 0, true, true},
	{"cut behind the cookie", 0, 60, false, true},
	{"the same in one datagram", 0, 60, true, true},
	{"cut within the cookie", 0, 40, false, false},
	{"cut before the cookie", 36, 34, false, false},
};

/* What is cut so that its first part shows the cookie is put together; of all else nothing is
 * kept. */
static void test_cut(void)
{
	for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
		struct world w;
		struct client c;
		world_init(&w);
		client_init(&c, &w, "me", key);
		SSL_do_handshake(c.ssl);
		if (cuts[i].first)
			send_cut(&c, cuts[i].first, cuts[i].together);
		client_pump(&c);
		step(&w);
		client_pump(&c);
		SSL_do_handshake(c.ssl);
		if (cuts[i].second)
			send_cut(&c, cuts[i].second, cuts[i].together);
		client_pump(&c);
		for (int k = 0; k < 20 && !stats(&w).dtls_handshakes; k++)
			step(&w);
		CHECK((stats(&w).dtls_handshakes == 1) == cuts[i].good, cuts[i].what);
		CHECK(shake(&w, &c, cuts[i].good ? PATIENCE_MS : 300) == cuts[i].good,
			cuts[i].what);
		client_fini(&c);
		world_fini(&w);
	}
}

/* Half-open handshakes are bounded by address, and those of a moment ago are left alone. */
static void test_half_open(void)
{
	enum { FLOOD = 12, EACH = 4 };
	struct world w;
	struct client c[FLOOD], last;
	memset(&w, 0, sizeof(w));
	w.how = (struct net_secure){.sessions = 100,
		.handshakes = 100,
		.handshakes_each = EACH,
		.idle_ms = 60000,
		.handshake_ms = 60000};
	world_open(&w);
	for (int i = 0; i < FLOOD; i++) {
		client_init(&c[i], &w, "me", key);
		begin(&w, &c[i]);
	}
	CHECK(stats(&w).dtls_handshakes == EACH, "one address has so many");
	CHECK(shake(&w, &c[FLOOD - 1], PATIENCE_MS), "the newest of them come in");
	for (int i = 0; i < FLOOD; i++)
		client_fini(&c[i]);
	world_fini(&w);

	w.how.spared_ms = 300;
	w.inputs = w.closed = w.failed = 0;
	world_open(&w);
	for (int i = 0; i < EACH; i++) {
		client_init(&c[i], &w, "me", key);
		begin(&w, &c[i]);
	}
	client_init(&last, &w, "me", key);
	begin(&w, &last);
	CHECK(stats(&w).dtls_refused > 0 && stats(&w).dtls_handshakes == EACH,
		"who comes when all have just begun gets no answer yet");
	CHECK(shake(&w, &c[0], PATIENCE_MS), "so that these come in");
	for (uint64_t end = dtls_now_ms() + 400; dtls_now_ms() < end;)
		step(&w);
	SSL_free(last.ssl);
	client_begin(&last, &w, NULL);
	CHECK(shake(&w, &last, PATIENCE_MS), "and asks again");
	client_fini(&last);
	for (int i = 0; i < EACH; i++)
		client_fini(&c[i]);
	world_fini(&w);
}

/* One device, or whoever has its key, does not push out all others. */
static void test_each(void)
{
	struct world w;
	struct client c[4];
	memset(&w, 0, sizeof(w));
	w.how = (struct net_secure){.sessions = 100,
		.sessions_each = 2,
		.handshakes = 100,
		.idle_ms = 60000,
		.handshake_ms = 60000};
	world_open(&w);
	for (int i = 0; i < 4; i++)
		CHECK(open_client(&w, &c[i]), "one more session of that credential");
	CHECK(until(&w, &w.closed, 2) && stats(&w).dtls_open == 2, "it has two at a time");
	CHECK(say(&w, &c[2], "a") && say(&w, &c[3], "b"), "which are the newest");
	for (int i = 0; i < 4; i++)
		client_fini(&c[i]);
	world_fini(&w);
}

/* What OpenSSL keeps of a peer that is not through yet: records and messages that come too early.
 */
static void test_hoarding(void)
{
	enum { MOST = 512 << 10, HEAD = 13, RECORD = 64, CLAIMED = 16000 };
	struct world w;
	struct client c, other;
	world_init(&w);
	client_init(&c, &w, "me", key);
	begin(&w, &c);
	REQUIRE(stats(&w).dtls_handshakes == 1, "half open");
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	for (unsigned i = 0; i < 200; i++) {
		uint8_t sealed[HEAD + RECORD] = {
			22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i, 0, RECORD};
		CHECK(send(c.fd, sealed, sizeof(sealed), 0) == sizeof(sealed), "of the next epoch");
		/* a fragment of a long message that is not due yet */
		uint8_t ahead[HEAD + 12 + 8] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 1, (uint8_t)(i >> 8),
			(uint8_t)i, 0, 20, 11, 0, CLAIMED >> 8, CLAIMED & 255, 0,
			(uint8_t)(2 + i % 12), 0, 0, 0, 0, 0, 8};
		CHECK(send(c.fd, ahead, sizeof(ahead), 0) == sizeof(ahead), "a later message");
		step(&w);
	}
	size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
	CHECK(after < before + MOST, "what has come too early is bounded");
	CHECK(open_client(&w, &other), "others come in");
	client_fini(&c);
	client_fini(&other);
	world_fini(&w);
}

int main(void)
{
	test_cut();
	test_half_open();
	test_each();
	test_hoarding();
	return test_done();
}
