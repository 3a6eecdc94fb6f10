/* SPDX-License-Identifier: Apache-2.0 */
/* The states of firmware update, seen from the device (OBJ-04): push, pull, results. */
#include "device/inner.h"
#include "oscore/crypto.h"
#include "tests/unit/device/world.h"

enum { BODY = 2500 };

static struct world w;
static struct heard h, fetch;
static uint8_t body[BODY], sum[OSC_SHA256];

static void begin(void)
{
	struct dev_credentials c = w_credentials(true);
	w_init(&w, &c);
	w.options.firmware_update_ms = 500;
	w.options.firmware_delivery = 2;
	w.options.firmware_result = 1;
}

/* What a Resource of /5/0 says, as a number. */
static int number(const char *path)
{
	if (w_get(&w, path, 0, &h) != MSG_CONTENT || h.plain.payload.n > 3)
		return -1;
	char text[4] = "";
	memcpy(text, h.plain.payload.p, h.plain.payload.n);
	return atoi(text);
}

static bool is(int state, int result)
{
	return number("5/0/3") == state && number("5/0/5") == result;
}

static uint8_t push_block(uint32_t num, uint8_t szx)
{
	struct msg m;
	struct block b = {num, false, szx};
	w_msg(&m, MSG_PUT, "5/0/0");
	REQUIRE(!msg_add_uint(&m, OPT_CONTENT_FORMAT, 42), "format");
	REQUIRE(!block_cut(SPAN_OF(body), &b, &m.payload) && !block_add(&m, OPT_BLOCK1, b), "cut");
	return w_ask(&w, &w.server, &m, &h);
}

static bool push(void)
{
	return push_block(0, 6) == MSG_CONTINUE && push_block(1, 6) == MSG_CONTINUE &&
	       push_block(2, 6) == MSG_CHANGED;
}

static uint8_t execute(const char *path)
{
	return w_put(&w, &w.server, MSG_POST, path, 0, SPAN_EMPTY, &h);
}

static uint8_t write_uri(const char *uri)
{
	return w_put(&w, &w.server, MSG_PUT, "5/0/1", 0, span_str(uri), &h);
}

static bool got_it(void)
{
	const struct dev_firmware *f = w.dev->firmware;
	return f && f->bytes == BODY && !memcmp(f->sum, sum, sizeof(sum));
}

static void pushing(void)
{
	begin();
	w_registered(&w);
	CHECK(is(0, 0), "idle at first");
	CHECK(push_block(0, 6) == MSG_CONTINUE && is(1, 0), "the first block: downloading");
	CHECK(push_block(2, 6) == MSG_REQUEST_ENTITY_INCOMPLETE, "a gap");
	CHECK(push_block(1, 6) == MSG_CONTINUE && push_block(1, 6) == MSG_CONTINUE,
		"the last one may come twice");
	CHECK(push_block(2, 6) == MSG_CHANGED && is(2, 0) && got_it(), "all of it: downloaded");
	CHECK(execute("5/0/2") == MSG_CHANGED && is(3, 0), "Update: updating");
	CHECK(push_block(0, 6) == MSG_METHOD_NOT_ALLOWED &&
			write_uri("") == MSG_METHOD_NOT_ALLOWED &&
			execute("5/0/10") == MSG_METHOD_NOT_ALLOWED && is(3, 0),
		"nothing disturbs it then");
	w_forget(&w);
	w_pass(&w, 600);
	CHECK(w_hear(&w, 0, &w.server, &h) && w.seen[DEV_EVENT_REBOOT] == 1, "it registers anew");
	w_reply_register(&w, &h);
	CHECK(is(0, 1), "and is idle, with success");
	CHECK(push() && execute("5/0/10") == MSG_CHANGED && is(0, 10), "cancelled");
	CHECK(execute("5/0/2") == MSG_METHOD_NOT_ALLOWED, "nothing to update to");
	w_fini(&w);
}

static const struct {
	const char *what;
	uint8_t result;
	int downloaded[2], updated[2]; /* state and result */
} results[] = {
	{"no flash", 2, {0, 2}, {-1, -1}},
	{"integrity", 5, {0, 5}, {-1, -1}},
	{"update failed", 8, {2, 0}, {2, 8}},
	{"deferred, then well", 11, {2, 0}, {2, 11}},
};

static void failing(void)
{
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		begin();
		w.options.firmware_result = results[i].result;
		w_registered(&w);
		CHECK(push() && is(results[i].downloaded[0], results[i].downloaded[1]),
			results[i].what);
		if (results[i].updated[0] >= 0) {
			CHECK(execute("5/0/2") == MSG_CHANGED, results[i].what);
			if (results[i].result != 11)
				w_pass(&w, 600);
			CHECK(is(results[i].updated[0], results[i].updated[1]), results[i].what);
		}
		w_fini(&w);
	}
}

/* ---- pull */

/* What it asks, and the block that it is given. `num` -1: the one it asked for. */
static bool serve(uint8_t szx_max, int num, const char *etag)
{
	struct msg m;
	struct block b;
	if (!w.sent_n || !w_hear(&w, w.sent_n - 1, &w.server, &fetch) ||
		fetch.plain.code != MSG_GET || block_get(&fetch.plain, OPT_BLOCK2, &b))
		return false;
	if (b.szx > szx_max) {
		b.num <<= b.szx - szx_max;
		b.szx = szx_max;
	}
	if (num >= 0)
		b.num = (uint32_t)num;
	msg_init(&m, MSG_ACK, MSG_CONTENT);
	REQUIRE(!msg_add(&m, OPT_ETAG, span_str(etag)) &&
			!block_cut(SPAN_OF(body), &b, &m.payload) && !block_add(&m, OPT_BLOCK2, b),
		"a block");
	w_forget(&w);
	w_reply(&w, &w.server, &fetch, &m);
	return true;
}

static void start_pull(uint8_t delivery, bool automatic)
{
	begin();
	w.options.firmware_delivery = delivery;
	w.options.firmware_auto = automatic;
	w_registered(&w);
	REQUIRE(write_uri("coap://192.0.2.1:5683/fw/v2.bin") == MSG_CHANGED, "a URI");
	w_forget(&w);
	w_pass(&w, 1);
}

/* RFC 8613 appendix B.1.2: a server that has lost its window wants an Echo. */
static void challenged(void)
{
	static const uint8_t echo[] = {1, 2, 3, 4};
	struct msg m;
	start_pull(2, false);
	REQUIRE(serve(6, -1, "a") && w_hear(&w, 0, &w.server, &fetch), "half way");
	msg_init(&m, MSG_ACK, MSG_UNAUTHORIZED);
	REQUIRE(!msg_add(&m, OPT_ECHO, SPAN_OF(echo)), "a challenge");
	w_forget(&w);
	w_reply(&w, &w.server, &fetch, &m);
	REQUIRE(w.sent_n == 1 && w_hear(&w, 0, &w.server, &fetch), "it asks again");
	const struct opt *o = msg_find(&fetch.plain, OPT_ECHO);
	CHECK(o && span_eq(o->val, SPAN_OF(echo)), "with its Echo");
	while (serve(6, -1, "a"))
		;
	CHECK(is(2, 0) && got_it(), "and goes on where it was");
	CHECK(!msg_find(&fetch.plain, OPT_ECHO), "which no later request carries");
	w_fini(&w);
}

/* A server that was killed between the record of a request and its answer calls the copy a replay,
 * without protection. */
static void refused_in_the_clear(void)
{
	uint8_t text[64];
	struct writer out = wr_make(text, sizeof(text));
	struct msg m;
	start_pull(2, false);
	REQUIRE(serve(6, -1, "a") && w_hear(&w, 0, &w.server, &fetch), "half way");
	msg_init(&m, MSG_ACK, MSG_UNAUTHORIZED);
	m.mid = fetch.outer.mid;
	m.token_n = fetch.outer.token_n;
	memcpy(m.token, fetch.outer.token, sizeof(m.token));
	REQUIRE(!msg_encode_udp(&m, &out), "a refusal");
	w_forget(&w);
	w_in(&w, wr_span(&out));
	CHECK(!w.sent_n && is(1, 0), "nothing is sent at once");
	w_forget(&w);
	w_pass(&w, 3020);
	CHECK(w.sent_n == 1, "then the block is asked for, once");
	while (serve(6, -1, "a"))
		;
	CHECK(is(2, 0) && got_it(), "and the rest");
	w_fini(&w);
}

static void pulling(void)
{
	start_pull(0, false);
	CHECK(w.sent_n == 1 && w_hear(&w, 0, &w.server, &fetch) && fetch.plain.code == MSG_GET,
		"it fetches, under the keys of its account");
	const struct opt *o = msg_find(&fetch.plain, OPT_URI_PATH);
	CHECK(o && span_eq_str(o->val, "fw") &&
			span_eq_str(msg_next(&fetch.plain, o)->val, "v2.bin"),
		"what it was told to");
	while (serve(4, -1, "a"))
		;
	CHECK(is(2, 0) && got_it(), "block by block, in the server's size");
	w_fini(&w);
	start_pull(2, false);
	CHECK(serve(6, -1, "a") && serve(6, -1, "b"), "another package half way");
	while (serve(6, -1, "b"))
		;
	CHECK(is(2, 0) && got_it(), "is fetched from its start");
	w_fini(&w);
	start_pull(2, false);
	CHECK(serve(6, -1, "a") && serve(6, 0, "a") && is(0, 4), "a block that was not asked for");
	w_fini(&w);
	start_pull(2, false);
	REQUIRE(w_hear(&w, 0, &w.server, &fetch), "it asks");
	w_reply_code(&w, &w.server, &fetch, MSG_NOT_FOUND);
	CHECK(is(0, 7), "there is no such package");
	w_fini(&w);
	challenged();
	refused_in_the_clear();
	start_pull(2, false);
	w_pass(&w, 600000);
	CHECK(w.dev->firmware->state == 0 && w.dev->firmware->result == 4, "no answer at all");
	w_fini(&w);
	start_pull(2, true);
	while (serve(6, -1, "a"))
		;
	CHECK(is(3, 0) && number("5/0/14") == 1, "one that updates by itself does");
	w_fini(&w);
	begin();
	w.options.firmware_delivery = 1;
	w_registered(&w);
	CHECK(write_uri("coap://192.0.2.1:5683/fw/v2.bin") == MSG_CHANGED && is(0, 9),
		"one that is only pushed to says so");
	w_fini(&w);
	begin();
	w.options.firmware_delivery = 0;
	w_registered(&w);
	CHECK(push_block(0, 6) == MSG_METHOD_NOT_ALLOWED && !w.seen[DEV_EVENT_FIRMWARE],
		"nor the other way");
	w_fini(&w);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * 13 + i / 256);
	void *digest = osc_sha256_begin();
	osc_sha256_add(digest, SPAN_OF(body));
	REQUIRE(!osc_sha256_end(digest, sum), "digest");
	pushing();
	failing();
	pulling();
	return test_done();
}
