/* SPDX-License-Identifier: Apache-2.0 */
/* DTLS over loopback against OpenSSL's client: who gets in, what is kept of whom, and what a
 * stranger learns. The clock is the real one; limits are made short where one has to pass. */
#include "tests/unit/transport/dtls_world.h"

/* ---- who gets in */

static const struct {
	const char *suites;
	bool good;
} suites[] = {
	{"PSK-AES128-CCM8", true},
	{"PSK-AES128-CBC-SHA256", true},
	{"PSK-AES128-CCM", false},
	{"PSK-AES256-GCM-SHA384", false},
	{"PSK-AES128-CBC-SHA", false},
	{"ECDHE-PSK-AES128-CBC-SHA256", false},
	{"ECDHE-ECDSA-AES128-CCM8", false},
};

/* Proves: SEC-03 */
static void test_suites(void)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(*suites); i++) {
		struct world w;
		struct client c = {.identity = "me", .key = key};
		world_init(&w);
		client_begin(&c, &w, suites[i].suites);
		CHECK(shake(&w, &c, PATIENCE_MS) == suites[i].good, suites[i].suites);
		if (suites[i].good) {
			CHECK(say(&w, &c, "hello") && hears(&w, &c, "world"), "both ways");
			CHECK(w.from.bearer == BEARER_DTLS && w.from.connection &&
					net_mark(w.net, &w.from) == MARK,
				"it is known who it is");
		} else {
			CHECK(until(&w, &w.failed, 1) && w.why == CHANNEL_FAULT_OFFER && !w.mark,
				"it is told that nothing fitted");
		}
		client_fini(&c);
		world_fini(&w);
	}
}

/* A wrong key and an unknown identity are the same to whoever tries, and silence. Proves: SEC-10,
 * CT-14 */
static void test_strangers(void)
{
	static const struct {
		const char *identity, *key;
		enum channel_fault why;
		uint64_t mark;
	} rows[] = {{"me", "0123456789abcdeX", CHANNEL_FAULT_KEY, MARK},
		{"mx", key, CHANNEL_FAULT_IDENTITY, 0}};
	size_t got[2], bytes[2];
	for (size_t i = 0; i < 2; i++) {
		struct world w;
		struct client c;
		memset(&w, 0, sizeof(w));
		w.how = (struct net_secure){
			.sessions = 9, .handshakes = 9, .idle_ms = 60000, .handshake_ms = 300};
		world_open(&w);
		client_init(&c, &w, rows[i].identity, rows[i].key);
		CHECK(!shake(&w, &c, 600) && !stats(&w).dtls_open, rows[i].identity);
		CHECK(w.failed == 1 && w.why == rows[i].why && w.mark == rows[i].mark,
			"we are told why");
		CHECK(!stats(&w).dtls_handshakes, "nothing is left of it");
		got[i] = c.got;
		bytes[i] = c.got_bytes;
		client_fini(&c);
		world_fini(&w);
	}
	CHECK(got[0] == got[1] && bytes[0] == bytes[1], "and it sees the same");
}

/* ---- what is kept of whom */

/* Proves: SEC-11 */
static void test_cookies(void)
{
	struct world w;
	struct client c, thief;
	world_init(&w);
	for (int i = 0; i < 50; i++) {
		client_init(&c, &w, "me", key);
		SSL_do_handshake(c.ssl);
		client_pump(&c);
		step(&w);
		client_pump(&c);
		CHECK(c.got == 1 && c.got_bytes <= c.sent_n,
			"a cookie, no longer than what asks for it");
		if (i < 49)
			client_fini(&c);
	}
	CHECK(!stats(&w).dtls_handshakes, "nothing is kept");
	SSL_do_handshake(c.ssl);
	client_init(&thief, &w, "me", key);
	char *p;
	long n = BIO_get_mem_data(c.out, &p);
	CHECK(n > 0 && send(thief.fd, p, (size_t)n, 0) == n, "another brings the cookie");
	step(&w);
	step(&w);
	CHECK(!stats(&w).dtls_handshakes, "which is not his");
	client_pump(&c);
	step(&w);
	CHECK(stats(&w).dtls_handshakes == 1, "whose it is begins");
	client_fini(&c);
	client_fini(&thief);
	world_fini(&w);
}

static void test_bounds(void)
{
	struct world w;
	struct client c[4];
	memset(&w, 0, sizeof(w));
	w.how = (struct net_secure){
		.sessions = 2, .handshakes = 2, .idle_ms = 60000, .handshake_ms = 60000};
	world_open(&w);
	for (int i = 0; i < 3; i++) {
		client_init(&c[i], &w, "me", key);
		begin(&w, &c[i]);
	}
	CHECK(stats(&w).dtls_handshakes == 2, "no more are under way than may");
	CHECK(!shake(&w, &c[0], 200), "the first has made room");
	CHECK(shake(&w, &c[1], PATIENCE_MS) && shake(&w, &c[2], PATIENCE_MS), "the others come in");
	step(&w);
	CHECK(say(&w, &c[1], "1"), "the older one speaks");
	CHECK(open_client(&w, &c[3]) && until(&w, &w.closed, 1), "a third");
	CHECK(stats(&w).dtls_open == 2, "no more are kept than may");
	client_pump(&c[2]);
	char buf[8];
	int n = SSL_read(c[2].ssl, buf, sizeof(buf));
	CHECK(SSL_get_error(c[2].ssl, n) == SSL_ERROR_ZERO_RETURN,
		"the one that was quiet is told");
	CHECK(say(&w, &c[1], "2") && say(&w, &c[3], "3"), "the others go on");
	net_release(w.net);
	CHECK(until(&w, &w.closed, 3) && !stats(&w).dtls_open, "all end");
	for (int i = 0; i < 4; i++)
		client_fini(&c[i]);
	world_fini(&w);
}

static void test_idle(void)
{
	struct world w;
	struct client c;
	memset(&w, 0, sizeof(w));
	w.how = (struct net_secure){
		.sessions = 9, .handshakes = 9, .idle_ms = 100, .handshake_ms = 100};
	world_open(&w);
	CHECK(open_client(&w, &c) && until(&w, &w.closed, 1), "who says nothing is ended");
	CHECK(net_send(w.net, &w.gone, SPAN_LIT("x")) == ERR_NOTFOUND, "and nothing is sent there");
	client_fini(&c);
	client_init(&c, &w, "me", key);
	begin(&w, &c);
	CHECK(stats(&w).dtls_handshakes == 1, "one that is half open");
	for (uint64_t end = dtls_now_ms() + 300; dtls_now_ms() < end;)
		step(&w);
	CHECK(!stats(&w).dtls_handshakes && !w.failed, "ends without a word");
	client_fini(&c);
	world_fini(&w);
}

/* ---- a new handshake from the same address */

static void test_again(void)
{
	struct world w;
	struct client c;
	world_init(&w);
	CHECK(open_client(&w, &c) && say(&w, &c, "1"), "a session");
	struct peer first = w.from;
	struct client old = c;
	client_begin(&c, &w, "");
	begin(&w, &c);
	CHECK(stats(&w).dtls_handshakes == 1 && stats(&w).dtls_open == 1, "another begins");
	SSL_write(old.ssl, "2", 1);
	client_pump(&old);
	CHECK(until(&w, &w.inputs, 2) && peer_eq(&first, &w.from), "the old one goes on");
	CHECK(!w.closed && shake(&w, &c, PATIENCE_MS) && until(&w, &w.closed, 1),
		"until the new one is complete");
	CHECK(peer_eq(&w.gone, &first) && stats(&w).dtls_open == 1, "then it ends");
	CHECK(say(&w, &c, "3") && !peer_eq(&first, &w.from), "and the new one is another peer");
	CHECK(net_send(w.net, &first, SPAN_LIT("x")) == ERR_NOTFOUND && !net_mark(w.net, &first),
		"which the old one is not");
	SSL_free(old.ssl);
	client_fini(&c);
	world_fini(&w);
}

/* Tickets, as long as the credential counts. Proves: SEC-11 */
static void test_resumption(void)
{
	struct world w;
	struct client c;
	world_init(&w);
	CHECK(open_client(&w, &c) && say(&w, &c, "1"), "a session");
	for (int gone = 0; gone < 2; gone++) {
		SSL_SESSION_free(c.session);
		c.session = SSL_get1_session(c.ssl);
		SSL_set_shutdown(c.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		SSL_free(c.ssl);
		w.forgotten = gone;
		client_begin(&c, &w, "");
		bool good = shake(&w, &c, gone ? 300 : PATIENCE_MS);
		CHECK(good == !gone && SSL_session_reused(c.ssl) == !gone,
			gone ? "not once the credential is gone" : "is resumed");
		CHECK(gone || (say(&w, &c, "2") && net_mark(w.net, &w.from) == MARK),
			"and it is known whose it is");
	}
	client_fini(&c);
	world_fini(&w);
}

/* ---- what strangers write into a session */

static void test_noise(void)
{
	static const char *const noise[] = {"", "16", "16fefd",
		"17fefd0001000000000001000411223344",
		"15fefd00000000000000050002020a" /* fatal alert, in the clear */,
		"15fefd000100000000000900020228" /* and as if it were protected */,
		"16fefd0000000000000000ffff", "400100017b", "17fefd0001000000000002ffff00",
		"17fefd00010000000000030010000102030405060708090a0b0c0d0e0f",
		"14fefd000000000000000500010116fefd00000000000000060000"};
	struct world w;
	struct client c;
	world_init(&w);
	CHECK(open_client(&w, &c) && say(&w, &c, "1"), "a session");
	for (size_t i = 0; i < sizeof(noise) / sizeof(*noise); i++) {
		struct span s = test_hex(noise[i]);
		CHECK(send(c.fd, s.p, s.n, 0) == (ssize_t)s.n, "from its address");
	}
	static uint8_t large[DATAGRAM + 500] = {23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 9, 0xb7};
	CHECK(send(c.fd, large, sizeof(large), 0) > 0, "a record above all limits");
	for (int i = 0; i < 20; i++)
		step(&w);
	CHECK(!w.closed && say(&w, &c, "2") && hears(&w, &c, "3"), "touches nothing");
	SSL_renegotiate(c.ssl);
	SSL_do_handshake(c.ssl);
	client_pump(&c);
	for (int i = 0; i < 20; i++)
		step(&w);
	CHECK(stats(&w).dtls_opened == 1, "there is no renegotiation");
	client_fini(&c);
	world_fini(&w);
}

/* A flight that is lost comes again by itself. */
static void test_loss(void)
{
	struct world w;
	struct client c;
	uint8_t buf[DATAGRAM];
	world_init(&w);
	client_init(&c, &w, "me", key);
	begin(&w, &c);
	ssize_t n = recv(c.fd, buf, sizeof(buf), 0), again = -1;
	CHECK(n > 0, "a flight");
	for (uint64_t end = dtls_now_ms() + PATIENCE_MS; again < 0 && dtls_now_ms() < end; step(&w))
		again = recv(c.fd, buf, sizeof(buf), 0);
	CHECK(again > 0, "it comes again");
	BIO_write(c.in, buf, (int)again);
	CHECK(shake(&w, &c, PATIENCE_MS), "and serves");
	client_fini(&c);
	world_fini(&w);
}

/* ---- sessions that we open */

static bool on_own(void *arg, const struct peer *to, char identity[static CHANNEL_IDENTITY_MAX + 1],
	struct channel_psk *out)
{
	struct world *w = arg;
	CHECK(to->listener == 5, "whom it is for");
	snprintf(identity, CHANNEL_IDENTITY_MAX + 1, "me");
	*out = (struct channel_psk){.key_n = 16};
	memcpy(out->key, w->wrong ? "0123456789abcdeX" : key, 16);
	return true;
}

static void dial_init(struct world *w, struct peer *to)
{
	char why[256] = "";
	memset(w, 0, sizeof(*w));
	w->how = (struct net_secure){.own = on_own,
		.sessions = 9,
		.handshakes = 9,
		.idle_ms = 60000,
		.handshake_ms = 300};
	world_open(w);
	REQUIRE(!net_dial_dtls(w->net, 5, "127.0.0.1", why), why);
	REQUIRE(!net_peer("127.0.0.1", w->port, 5, to), "a peer");
	to->bearer = BEARER_DTLS;
}

static void test_dial(void)
{
	struct world w;
	struct peer to, first;
	dial_init(&w, &to);
	CHECK(!net_send(w.net, &to, SPAN_LIT("lost")) && !net_send(w.net, &to, SPAN_LIT("1")),
		"messages open a session");
	net_flush(w.net);
	CHECK(until(&w, &w.inputs, 1) && w.from.listener == 3 &&
			span_eq_str(span_make(w.bytes, w.n), "1"),
		"the last of them comes when it is open");
	CHECK(stats(&w).dtls_open == 2, "of which both ends are here");
	first = w.from;
	CHECK(!net_send(w.net, &first, SPAN_LIT("2")), "an answer");
	net_flush(w.net);
	CHECK(until(&w, &w.inputs, 2) && peer_eq(&w.from, &to), "comes from whom it was sent to");
	net_hang_up(w.net, &to);
	CHECK(until(&w, &w.closed, 2) && !stats(&w).dtls_open,
		"it is hung up, and both hear of it");
	CHECK(!net_send(w.net, &to, SPAN_LIT("3")), "the next message");
	net_flush(w.net);
	CHECK(until(&w, &w.inputs, 3) && !peer_eq(&w.from, &first), "opens another");
	world_fini(&w);
	dial_init(&w, &to);
	w.wrong = true;
	CHECK(!net_send(w.net, &to, SPAN_LIT("1")), "with a wrong key");
	net_flush(w.net);
	CHECK(until(&w, &w.closed, 1) && w.failed && !stats(&w).dtls_open && !w.inputs,
		"it is told that none came to be");
	world_fini(&w);
}

/* ---- heads */

static void test_heads(void)
{
	static const struct {
		const char *what, *hex;
		enum err want;
		bool hello;
	} rows[] = {
		{"nothing", "", ERR_SYNTAX, false},
		{"a CoAP message", "400100017b", ERR_SYNTAX, false},
		{"an alert", "15fefd000000000000000100020228", ERR_OK, false},
		{"a record of TLS", "160301000000000000000100020228", ERR_SYNTAX, false},
		{"a type before the first", "13fefd000000000000000100020228", ERR_SYNTAX, false},
		{"a type behind the last", "19fefd000000000000000100020228", ERR_SYNTAX, false},
		{"a record that is longer than the datagram", "15fefd000000000000000100030228",
			ERR_SYNTAX, false},
		{"a second record", "15fefd00000000000000010002022815fefd00000000000000020002020a",
			ERR_OK, false},
		{"half a second record",
			"15fefd00000000000000010002022815fefd00000000000000020002020a00",
			ERR_SYNTAX, false},
		{"an encrypted record",
			"17fefd00010000000000030010000102030405060708090a0b0c0d0e0f", ERR_OK,
			false},
		{"one that is too short to be one",
			"17fefd0001000000000003000f000102030405060708090a0b0c0d0e", ERR_SYNTAX,
			false},
		{"a ClientHello",
			"16feff0000000000000000002e010000220000000000000022fefd"
			"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
			ERR_OK, true},
		{"its second half",
			"16feff0000000000000000002e010000220000000001000022fefd"
			"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
			ERR_OK, false},
		{"too short a one",
			"16feff0000000000000000002d010000220000000000000022fefd"
			"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
			ERR_OK, false},
		{"another message",
			"16feff0000000000000000002e020000220000000000000022fefd"
			"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
			ERR_OK, false},
		{"one that is encrypted",
			"16fefd0001000000000000002e010000220000000000000022fefd"
			"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
			ERR_OK, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct dtls_head h;
		enum err err = dtls_head_read(test_hex(rows[i].hex), &h);
		CHECK(err == rows[i].want && (err || h.hello == rows[i].hello), rows[i].what);
	}
}

int main(void)
{
	test_heads();
	test_suites();
	test_strangers();
	test_cookies();
	test_bounds();
	test_idle();
	test_again();
	test_resumption();
	test_noise();
	test_loss();
	test_dial();
	return test_done();
}
