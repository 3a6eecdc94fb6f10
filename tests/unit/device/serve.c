/* SPDX-License-Identifier: Apache-2.0 */
/* What the server asks of a registered device. */
#include "tests/unit/device/world.h"

static struct world w;
static struct heard h;

static void begin(void)
{
	struct dev_credentials c = w_credentials(true);
	w_init(&w, &c);
	w.options.blob_bytes = 3000;
	w_registered(&w);
}

static const struct {
	const char *what, *path;
	uint32_t accept;
	uint8_t code;
	const char *payload; /* hex; NULL: not compared */
} reads[] = {
	{"text", "3/0/0", 0, MSG_CONTENT, "4c616e79617264"},
	{"TLV", "3/0/0", 11542, MSG_CONTENT, "c7004c616e79617264"},
	{"a multiple resource (FMT-12)", "3/0/11", 11542, MSG_CONTENT, "830b410000"},
	{"one instance of it", "3/0/7/0", 0, MSG_CONTENT, "33383030"},
	{"an instance that is not there", "3/0/7/1", 0, MSG_NOT_FOUND, NULL},
	{"an object instance", "5/0", 11542, MSG_CONTENT, "c001c10300c105008308410000c10902c10e00"},
	{"an object", "3303", 11542, MSG_CONTENT, NULL},
	{"a float", "3303/0/5700", 0, MSG_CONTENT, NULL},
	{"opaque", "19/0/0", 42, MSG_CONTENT, NULL},
	{"opaque of a string", "3/0/0", 42, MSG_NOT_ACCEPTABLE, NULL},
	{"text of an instance", "3/0", 0, MSG_NOT_ACCEPTABLE, NULL},
	{"a format it does not have", "3/0/0", 112, MSG_NOT_ACCEPTABLE, NULL},
	{"no such format", "3/0/0", 65000, MSG_NOT_ACCEPTABLE, NULL},
	{"an executable", "3/0/4", 0, MSG_METHOD_NOT_ALLOWED, NULL},
	{"write only", "5/0/0", 42, MSG_METHOD_NOT_ALLOWED, NULL},
	{"no such object", "4/0/0", 0, MSG_NOT_FOUND, NULL},
	{"no such instance", "3/1/0", 0, MSG_NOT_FOUND, NULL},
	{"no such resource", "3/0/99", 0, MSG_NOT_FOUND, NULL},
	{"Object 0 (DM-16)", "0/0/0", 0, MSG_UNAUTHORIZED, NULL},
	{"Object 21 (DM-16)", "21/0/0", 42, MSG_UNAUTHORIZED, NULL},
	{"no path of ours", "rd", 0, MSG_NOT_FOUND, NULL},
	{"Discover a resource", "3/0/7", 40, MSG_CONTENT, "3c2f332f302f373e3b64696d3d31"},
	{"Discover an object", "5", 40, MSG_CONTENT, NULL},
	{"Discover nothing", "6", 40, MSG_NOT_FOUND, NULL},
};

static void check_reads(void)
{
	begin();
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		uint8_t code = w_get(&w, reads[i].path, reads[i].accept, &h);
		CHECK(code == reads[i].code, reads[i].what);
		if (reads[i].payload)
			CHECK_BYTES(h.plain.payload, test_hex(reads[i].payload), reads[i].what);
	}
	w_fini(&w);
}

static const struct {
	const char *what;
	uint8_t method;
	const char *path;
	uint32_t cf;
	const char *payload;
	uint8_t code;
	const char *read, *text; /* then */
} writes[] = {
	{"text", MSG_PUT, "3/0/14", 0, "2b3031", MSG_CHANGED, "3/0/14", "+01"},
	{"TLV", MSG_PUT, "1/0/1", 11542, "c10164", MSG_CHANGED, "1/0/1", "100"},
	{"TLV of an instance", MSG_PUT, "1/0", 11542, "c10105c10600", MSG_CHANGED, "1/0/1", "5"},
	{"partial", MSG_POST, "1/0", 11542, "c10207", MSG_CHANGED, "1/0/2", "7"},
	{"all or nothing", MSG_POST, "1/0", 11542, "c10208c10009", MSG_METHOD_NOT_ALLOWED, "1/0/2",
		"7"},
	{"opaque", MSG_PUT, "19/0/0", 42, "6869", MSG_CHANGED, NULL, NULL},
	{"an instance of a multiple resource", MSG_PUT, "19/0/0/0", 42, "6869", MSG_CHANGED, NULL,
		NULL},
	{"read only", MSG_PUT, "3/0/9", 0, "31", MSG_METHOD_NOT_ALLOWED, "3/0/0", "Lanyard"},
	{"wrong type", MSG_PUT, "1/0/1", 0, "78", MSG_BAD_REQUEST, "1/0/1", "5"},
	{"out of range", MSG_PUT, "1/0/1", 0, "2d31", MSG_BAD_REQUEST, "1/0/1", "5"},
	{"a format it does not have", MSG_PUT, "1/0/1", 112, "80", MSG_UNSUPPORTED_FORMAT, NULL,
		NULL},
	{"an object", MSG_PUT, "1", 11542, "c10105", MSG_METHOD_NOT_ALLOWED, NULL, NULL},
	{"Create of the Device", MSG_POST, "3", 11542, "c10105", MSG_METHOD_NOT_ALLOWED, NULL,
		NULL},
	{"Create of an object it does not have", MSG_POST, "4", 11542, "c10105", MSG_NOT_FOUND,
		NULL, NULL},
	{"no such resource", MSG_PUT, "3/0/99", 0, "31", MSG_NOT_FOUND, NULL, NULL},
	{"Object 21", MSG_PUT, "21/0/0", 42, "31", MSG_UNAUTHORIZED, NULL, NULL},
	{"Update before there is a package", MSG_POST, "5/0/2", 0, "", MSG_METHOD_NOT_ALLOWED,
		"5/0/3", "0"},
	{"a package", MSG_PUT, "5/0/0", 42, "616263", MSG_CHANGED, "5/0/3", "2"},
	{"a NUL resets (OBJ-04)", MSG_PUT, "5/0/0", 42, "00", MSG_CHANGED, "5/0/3", "0"},
	{"a URI elsewhere", MSG_PUT, "5/0/1", 0, "636f61703a2f2f68", MSG_CHANGED, "5/0/5", "7"},
	{"a URI of another protocol", MSG_PUT, "5/0/1", 0, "667470", MSG_CHANGED, "5/0/5", "9"},
	{"nothing to cancel", MSG_POST, "5/0/10", 0, "", MSG_METHOD_NOT_ALLOWED, NULL, NULL},
	{"Execute", MSG_POST, "3/0/12", 0, "", MSG_CHANGED, NULL, NULL},
	{"Execute with arguments", MSG_POST, "3/0/12", 0, "303d276127", MSG_CHANGED, NULL, NULL},
	{"Execute with TLV", MSG_POST, "3/0/12", 11542, "c10105", MSG_UNSUPPORTED_FORMAT, NULL,
		NULL},
	{"Execute what is none", MSG_POST, "3/0/9", 0, "", MSG_METHOD_NOT_ALLOWED, NULL, NULL},
	{"Delete of an object (CT-52)", MSG_DELETE, "3303", 0, "", MSG_METHOD_NOT_ALLOWED, NULL,
		NULL},
	{"of the Device (DM-15)", MSG_DELETE, "3/0", 0, "", MSG_METHOD_NOT_ALLOWED, NULL, NULL},
	{"of its account", MSG_DELETE, "1/0", 0, "", MSG_METHOD_NOT_ALLOWED, NULL, NULL},
	{"of a resource", MSG_DELETE, "3303/0/5750", 0, "", MSG_METHOD_NOT_ALLOWED, NULL, NULL},
	{"of nothing", MSG_DELETE, "3303/1", 0, "", MSG_NOT_FOUND, NULL, NULL},
	{"of Object 21 (DM-16)", MSG_DELETE, "21/0", 0, "", MSG_UNAUTHORIZED, NULL, NULL},
	{"a composite", MSG_FETCH, "3303/0", 112, "80", MSG_METHOD_NOT_ALLOWED, NULL, NULL},
};

static void check_writes(void)
{
	begin();
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		uint8_t code = w_put(&w, &w.server, writes[i].method, writes[i].path, writes[i].cf,
			test_hex(writes[i].payload), &h);
		CHECK(code == writes[i].code, writes[i].what);
		if (!writes[i].read)
			continue;
		CHECK(w_get(&w, writes[i].read, 0, &h) == MSG_CONTENT &&
				span_eq_str(h.plain.payload, writes[i].text),
			writes[i].what);
	}
	w_fini(&w);
}

static void check_reboot(void)
{
	struct msg m;
	static struct heard again;
	begin();
	w_msg(&m, MSG_POST, "3/0/4");
	CHECK(w_ask(&w, &w.server, &m, &h) == MSG_CHANGED, "Reboot is answered first");
	REQUIRE(w_hear(&w, 1, &w.server, &again), "then it registers");
	CHECK(again.number == 1, "with the next number, not the first");
	w_reply_register(&w, &again);
	w_msg(&m, MSG_POST, "1/0/8");
	CHECK(w_ask(&w, &w.server, &m, &h) == MSG_CHANGED, "Registration Update Trigger");
	REQUIRE(w_hear(&w, 1, &w.server, &again), "an Update follows");
	CHECK(again.plain.code == MSG_POST && !again.plain.payload.n, "REG-20");
	w_fini(&w);
}

/* A lifetime written while an Update is on its way must reach the server all the same. */
static void check_lifetime(void)
{
	struct msg m;
	static struct heard update;
	begin();
	w_msg(&m, MSG_POST, "1/0/8");
	CHECK(w_ask(&w, &w.server, &m, &h) == MSG_CHANGED, "Registration Update Trigger");
	REQUIRE(w_hear(&w, 1, &w.server, &update), "an Update");
	CHECK(w_put(&w, &w.server, MSG_PUT, "1/0/1", 0, SPAN_LIT("77"), &h) == MSG_CHANGED,
		"lifetime");
	w_forget(&w);
	w_reply_code(&w, &w.server, &update, MSG_CHANGED);
	w_pass(&w, 10);
	REQUIRE(w_hear(&w, 0, &w.server, &update), "another Update");
	const struct opt *q = msg_find(&update.plain, OPT_URI_QUERY);
	CHECK(q && span_eq_str(q->val, "lt=77"), "REG-06");
	w_fini(&w);
}

/* Reads /19/0/0 block by block with the given size. */
static void check_block2(void)
{
	static uint8_t body[4096];
	size_t n = 0;
	struct block b = {0, true, 4}, got;
	struct msg m;
	begin();
	while (b.more && n < sizeof(body) - 1024) {
		w_msg(&m, MSG_GET, "19/0/0");
		REQUIRE(msg_add_uint(&m, OPT_ACCEPT, 42) == ERR_OK, "accept");
		REQUIRE(block_add(&m, OPT_BLOCK2, (struct block){b.num, false, b.szx}) == ERR_OK,
			"block");
		REQUIRE(w_ask(&w, &w.server, &m, &h) == MSG_CONTENT, "a block");
		REQUIRE(block_get(&h.plain, OPT_BLOCK2, &got) == ERR_OK && got.num == b.num,
			"its number");
		memcpy(body + n, h.plain.payload.p, h.plain.payload.n);
		n += h.plain.payload.n;
		b.more = got.more;
		b.num++;
	}
	CHECK(n == 3000 && body[1] == 31 && body[2999] == (uint8_t)(2999 * 31 + (2999 >> 8)),
		"BLK-01");
	CHECK(w_get(&w, "19/0/0", 42, &h) == MSG_CONTENT && h.plain.payload.n == 1024,
		"blocks unasked");
	w_msg(&m, MSG_GET, "19/0/0");
	REQUIRE(block_add(&m, OPT_BLOCK2, (struct block){1000, false, 6}) == ERR_OK, "block");
	CHECK(w_ask(&w, &w.server, &m, &h) == MSG_BAD_OPTION, "beyond the end");
	w_fini(&w);
}

static uint8_t put_block(uint32_t num, bool more, struct span part, const char *path)
{
	struct msg m;
	w_msg(&m, MSG_PUT, path);
	REQUIRE(msg_add_uint(&m, OPT_CONTENT_FORMAT, 42) == ERR_OK, "format");
	REQUIRE(block_add(&m, OPT_BLOCK1, (struct block){num, more, 4}) == ERR_OK, "block");
	m.payload = part;
	return w_ask(&w, &w.server, &m, &h);
}

static void check_block1(void)
{
	static uint8_t part[256];
	begin();
	CHECK(put_block(0, true, SPAN_OF(part), "5/0/0") == MSG_CONTINUE, "BLK-03: 2.31 between");
	CHECK(put_block(1, true, SPAN_OF(part), "5/0/0") == MSG_CONTINUE, "second");
	CHECK(put_block(2, false, span_make(part, 10), "5/0/0") == MSG_CHANGED, "last");
	CHECK(w_get(&w, "5/0/3", 0, &h) == MSG_CONTENT && span_eq_str(h.plain.payload, "2"),
		"downloaded");
	CHECK(put_block(0, true, SPAN_OF(part), "5/0/0") == MSG_CONTINUE, "first");
	CHECK(put_block(2, false, SPAN_OF(part), "5/0/0") == MSG_REQUEST_ENTITY_INCOMPLETE,
		"a gap");
	CHECK(put_block(0, true, SPAN_OF(part), "5/0/0") == MSG_CONTINUE, "first");
	CHECK(put_block(1, false, SPAN_OF(part), "19/0/0") == MSG_REQUEST_ENTITY_INCOMPLETE,
		"a block of another body");
	w_fini(&w);
}

/* As many as a server may have under way at once (nstart): a copy of the first after the last. */
static void check_together(void)
{
	static uint8_t q[PACE_NSTART_MAX][W_BYTES], out[PACE_NSTART_MAX][W_BYTES];
	static struct heard asked[PACE_NSTART_MAX];
	size_t n[PACE_NSTART_MAX], out_n[PACE_NSTART_MAX];
	struct msg m;
	bool own = true, same = true;
	begin();
	for (size_t i = 0; i < PACE_NSTART_MAX; i++) {
		w_msg(&m, MSG_POST, "3/0/12");
		n[i] = w_request(&w, &w.server, &m, &asked[i], q[i]);
	}
	for (size_t k = 0; k < PACE_NSTART_MAX; k++) {
		size_t i = PACE_NSTART_MAX - 1 - k; /* they come in another order */
		w_forget(&w);
		w_in(&w, span_make(q[i], n[i]));
		own &= w.sent_n == 1 && w_answer(&w, 0, &w.server, &asked[i]) &&
		       asked[i].plain.code == MSG_CHANGED;
		memcpy(out[i], w.sent[0], out_n[i] = w.sent_bytes[0]);
	}
	CHECK(own && w.seen[DEV_EVENT_EXECUTE] == PACE_NSTART_MAX, "each has its own answer");
	for (size_t i = 0; i < PACE_NSTART_MAX; i++) {
		w_forget(&w);
		w_in(&w, span_make(q[i], n[i]));
		same &= w.sent_n == 1 &&
			span_eq(span_make(w.sent[0], w.sent_bytes[0]), span_make(out[i], out_n[i]));
	}
	CHECK(same && w.seen[DEV_EVENT_EXECUTE] == PACE_NSTART_MAX,
		"and a copy of each the same again, which does nothing (GEN-08)");
	w_fini(&w);
}

static void check_once(void)
{
	static uint8_t q[W_BYTES], first[W_BYTES];
	struct msg m;
	begin();
	w_msg(&m, MSG_POST, "3/0/4");
	size_t n = w_request(&w, &w.server, &m, &h, q);
	w_in(&w, span_make(q, n));
	size_t first_n = w.sent_bytes[0];
	memcpy(first, w.sent[0], first_n);
	w_forget(&w);
	w_in(&w, span_make(q, n));
	CHECK(w.seen[DEV_EVENT_REBOOT] == 1, "a copy does nothing (GEN-08)");
	CHECK_BYTES(span_make(w.sent[0], w.sent_bytes[0]), span_make(first, first_n),
		"the same answer");
	w_forget(&w);
	q[2] ^= 0x55; /* the message ID is not authenticated */
	w_in(&w, span_make(q, n));
	REQUIRE(msg_parse_udp(span_make(w.sent[0], w.sent_bytes[0]), &m) == ERR_OK, "an answer");
	CHECK(m.code == MSG_UNAUTHORIZED && span_eq_str(m.payload, "Replay detected"), "a replay");
	q[n - 1] ^= 1;
	w_forget(&w);
	w_in(&w, span_make(q, n));
	REQUIRE(msg_parse_udp(span_make(w.sent[0], w.sent_bytes[0]), &m) == ERR_OK, "an answer");
	CHECK(m.code == MSG_UNAUTHORIZED, "a replay is seen before decryption");
	w_pass(&w, 250 * 1000);
	q[n - 1] ^= 1;
	q[2] ^= 0x55;
	w_forget(&w);
	w_in(&w, span_make(q, n));
	REQUIRE(w.sent_n > 0 && msg_parse_udp(span_make(w.sent[0], w.sent_bytes[0]), &m) == ERR_OK,
		"an answer");
	CHECK(m.code == MSG_UNAUTHORIZED, "a copy after EXCHANGE_LIFETIME is a replay");
	w_fini(&w);
}

static void check_refusals(void)
{
	static uint8_t q[W_BYTES];
	struct msg m;
	begin();
	w_msg(&m, MSG_GET, "3/0/0");
	size_t n = w_request(&w, &w.server, &m, &h, q);
	q[n - 1] ^= 1;
	w_in(&w, span_make(q, n));
	REQUIRE(msg_parse_udp(span_make(w.sent[0], w.sent_bytes[0]), &m) == ERR_OK, "an answer");
	CHECK(m.code == MSG_BAD_REQUEST, "Decryption failed");
	q[n - 1] ^= 1;
	w_forget(&w);
	w_in(&w, span_make(q, n));
	CHECK(w_answer(&w, 0, &w.server, &h),
		"and the true one still passes: the window had not moved");
	w_forget(&w);
	w_in(&w, test_hex("400100015133"));
	CHECK(w.sent_n == 1 && w.sent[0][1] == MSG_UNAUTHORIZED, "OSC-08: in the clear");
	w_in(&w, test_hex("500100025133"));
	CHECK(w.sent_n == 1, "a NON in the clear gets nothing");
	w_in(&w, test_hex("40000003"));
	CHECK(w.sent_n == 2 && w.sent[1][0] == 0x70, "a ping is reset");
	w_in(&w, test_hex("40020004920900"));
	CHECK(w.sent_n == 3, "a bad option");
	CHECK(w.sent[2][1] == MSG_BAD_OPTION, "Failed to decode COSE");
	w_fini(&w);
}

static void check_challenge(void)
{
	static uint8_t state[DEV_STATE_MAX], echo[64];
	struct dev_credentials c = w_credentials(true);
	struct msg m;
	begin();
	CHECK(w_get(&w, "3/0/0", 0, &h) == MSG_CONTENT, "a request before the crash");
	size_t n = w.state_bytes;
	memcpy(state, w.state, n);
	dev_host_free(w.host);
	w.options.challenge = true;
	w_open(&w, &c, span_make(state, n));
	w.server.number -= 1;
	CHECK(w_get(&w, "3/0/0", 0, &h) == MSG_EMPTY, "its number does not pass again");
	CHECK(w_get(&w, "3/0/0", 0, &h) == MSG_UNAUTHORIZED, "RFC 8613 B.1.2: a challenge");
	const struct opt *o = msg_find(&h.plain, OPT_ECHO);
	REQUIRE(o && o->val.n <= sizeof(echo), "with an Echo");
	CHECK(h.number != UINT64_MAX, "under a number of its own");
	memcpy(echo, o->val.p, o->val.n);
	size_t echo_n = o->val.n;
	w_msg(&m, MSG_GET, "3/0/0");
	REQUIRE(msg_add(&m, OPT_ECHO, SPAN_LIT("wrong")) == ERR_OK, "echo");
	CHECK(w_ask(&w, &w.server, &m, &h) == MSG_UNAUTHORIZED, "a wrong Echo");
	w_msg(&m, MSG_GET, "3/0/0");
	REQUIRE(msg_add(&m, OPT_ECHO, span_make(echo, echo_n)) == ERR_OK, "echo");
	CHECK(w_ask(&w, &w.server, &m, &h) == MSG_CONTENT, "the right one");
	CHECK(w_get(&w, "3/0/0", 0, &h) == MSG_CONTENT, "no further challenge");
	w_fini(&w);
}

int main(void)
{
	check_reads();
	check_writes();
	check_reboot();
	check_lifetime();
	check_block2();
	check_block1();
	check_once();
	check_together();
	check_refusals();
	check_challenge();
	return test_done();
}
