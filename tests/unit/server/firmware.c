/* SPDX-License-Identifier: Apache-2.0 */
/* Firmware updates: each way a device can go through its states, and each way it can fail, by hand.
 * Proves: OBJ-05, CT-59, BLK-06 */
#include "server/firmware.h"

#include "tests/unit/server/asking.h"

enum { IMAGE = 3000 };

static uint8_t got[IMAGE];
static size_t got_n;
static unsigned executed;

/* ---- time, and the device */

/* Whatever is due; true if a request was sent, which is in q. Copies of requests do not count. */
static bool turn_once(uint64_t ms)
{
	static uint64_t last = UINT64_MAX;
	struct ep_delivery d;
	rig_turn(&rig, ms);
	do {
		ep_timer(rig.x, &rig.t, &d);
		if (d.kind != EP_NOTHING) {
			srv_response(srv, &d, &rig.t);
			ep_delivery_end(rig.x, &d, &rig.t);
		}
	} while (d.kind != EP_NOTHING);
	srv_timer(srv, &rig.t);
	for (size_t i = rig_sent_n(&rig); i-- > 0;)
		if (rig_asked(&rig, RIG_SERVER, rig_sent(&rig, i), &q) && q.number != last) {
			last = q.number;
			return true;
		}
	return false;
}

/* Time goes on until something is asked. */
static bool next_asked(void)
{
	for (int i = 0; i < 4000; i++)
		if (turn_once(1000))
			return true;
	return false;
}

/* "put0", "exec2", "obs", "cancel" or the number of what is read. */
static const char *name_of_q(void)
{
	static char text[32];
	uint32_t observe;
	const struct opt *o = msg_find(&q.plain, OPT_URI_PATH), *rid = o;
	for (; o; o = msg_next(&q.plain, o))
		rid = o;
	snprintf(text, sizeof(text), "%s%.*s",
		q.plain.code == MSG_PUT    ? "put"
		: q.plain.code == MSG_POST ? "exec"
					   : "",
		rid ? (int)rid->val.n : 0, rid ? (const char *)rid->val.p : "");
	if (msg_get_uint(&q.plain, OPT_OBSERVE, &observe))
		return observe ? "cancel" : "obs";
	return text;
}

/* The answer to q; a number below 100 is the value that was asked for. */
static void reply_as(unsigned what, const struct block *b)
{
	struct msg m;
	char text[8];
	uint32_t observe;
	uint8_t code = what < 100 ? MSG_CONTENT : MSG_CODE(what / 100, what % 100);
	rig_turn(&rig, 10);
	msg_init(&m, MSG_ACK, code);
	if (msg_get_uint(&q.plain, OPT_OBSERVE, &observe) && !observe)
		REQUIRE(msg_add_uint(&m, OPT_OBSERVE, 5) == ERR_OK, "observe");
	if (what < 100) {
		snprintf(text, sizeof(text), "%u", what);
		REQUIRE(msg_add_uint(&m, OPT_CONTENT_FORMAT, LWM_CF_TEXT) == ERR_OK, "format");
		m.payload = span_str(text);
	}
	if (b)
		REQUIRE(block_add(&m, OPT_BLOCK1, *b) == ERR_OK, "block");
	if (rig_in(&rig, rig_reply(&rig, RIG_SERVER, &q, &m, 0, &p)) != EP_NOTHING) {
		srv_response(srv, &rig.d, &rig.t);
		ep_delivery_end(rig.x, &rig.d, &rig.t);
	}
}

/* The package, block by block; its last one is answered with `what`. */
static void take_package(unsigned what)
{
	struct block b;
	got_n = 0;
	for (;;) {
		REQUIRE(!block_get(&q.plain, OPT_BLOCK1, &b), "a package comes in blocks");
		size_t at = b.num * block_size(b.szx);
		REQUIRE(at + q.plain.payload.n <= sizeof(got), "no more than there is");
		memcpy(got + at, q.plain.payload.p, q.plain.payload.n);
		got_n = at + q.plain.payload.n;
		if (!b.more)
			break;
		reply_as(231, &b);
		REQUIRE(rig_asked(&rig, RIG_SERVER, rig_sent(&rig, 0), &q), "the next block");
	}
	if (what)
		reply_as(what, &b);
}

/* q is never answered: until that is noticed. */
static void lose(void)
{
	struct ep_delivery d;
	for (int i = 0; i < 500; i++) {
		rig_turn(&rig, 1000);
		ep_timer(rig.x, &rig.t, &d);
		if (d.kind == EP_NOTHING)
			continue;
		srv_response(srv, &d, &rig.t);
		ep_delivery_end(rig.x, &d, &rig.t);
		return;
	}
	REQUIRE(false, "it is given up");
}

static char links[128], parameters[64];

static void registers(void)
{
	register_device(parameters, links);
	rig_turn(&rig, 1);
}

/* One "what=answer"; "reg": the device registers; "=-": no answer. False: something else is asked.
 */
static bool step(char *text)
{
	char *answer_text = strchr(text, '=');
	if (!strcmp(text, "reg")) {
		registers();
		return true;
	}
	*answer_text++ = '\0';
	if (!next_asked() || strcmp(name_of_q(), text) != 0)
		return false;
	executed += !strcmp(text, "exec2");
	unsigned what = (unsigned)atoi(answer_text);
	bool lost = *answer_text == '-';
	if (!strcmp(text, "put0") && q.plain.payload.n)
		take_package(what);
	else if (!lost)
		reply_as(what, NULL);
	if (lost)
		lose();
	return true;
}

/* ---- what they go through */

#define CHECKED "9=2 14=404 obs=0 3=0 5=0 "
#define V10     "9=2 obs=0 3=0 5=0 "

static const struct row {
	const char *what;
	bool pull;
	const char *links; /* of /5 */
	const char *script;
	const char *state, *detail;
	uint8_t result;
	unsigned executes;
} rows[] = {
	{"push, to its end (OBJ-04, OBJ-05)", false, "</5/0>",
		V10 "put0=204 3=2 5=0 exec2=204 3=3 5=0 reg obs=0 3=0 5=1 cancel=0", "succeeded",
		"", 1, 1},
	{"LwM2M 1.2: it says that the server starts the update", false, "</5/0>;ver=1.2",
		"9=2 14=0 obs=0 3=0 5=0 put0=204 3=2 5=0 exec2=204 3=0 5=1 cancel=0", "succeeded",
		"", 1, 1},
	{"or that it does so itself: it is never told to", false, "</5/0>;ver=1.2",
		"9=2 14=1 obs=0 3=0 5=0 put0=204 3=2 5=0 3=3 5=0 reg obs=0 3=0 5=1 cancel=0",
		"succeeded", "", 1, 0},
	{"or, what it may, does not say", false, "</5/0>;ver=1.2",
		CHECKED "put0=204 3=2 5=0 exec2=204 3=0 5=1 cancel=0", "succeeded", "", 1, 1},
	{"it cannot be observed", false, "</5/0>",
		"9=2 obs=405 3=0 5=0 put0=204 3=2 5=0 exec2=204 3=0 5=1", "succeeded", "", 1, 1},
	{"pull", true, "</5/0>",
		"9=2 8=0 obs=0 3=0 5=0 put1=204 3=1 5=0 3=1 5=0 3=2 5=0 exec2=204 3=3 5=0 reg "
		"obs=0 "
		"3=0 5=1 cancel=0",
		"succeeded", "", 1, 1},
	{"pull; no word of protocols means CoAP", true, "</5/0>",
		"9=0 8=404 obs=0 3=0 5=0 put1=204 3=2 5=0 exec2=204 3=0 5=1 cancel=0", "succeeded",
		"", 1, 1},
	{"protocols that are not known are ignored", true, "</5/0>", "9=0 8=99", "failed",
		"the device does not fetch by the protocol of that URI", 0, 0},
	{"pull from one that takes push", true, "</5/0>", "9=1", "failed",
		"the device takes a package by push only", 0, 0},
	{"push to one that pulls", false, "</5/0>", "9=0", "failed",
		"the device takes a package by pull only", 0, 0},
	{"no word of how", false, "</5/0>", "9=404", "failed",
		"the device answered 4.04 to what it can (/5/0/9)", 0, 0},
	{"a state that there is not", false, "</5/0>", "9=2 obs=0 3=7 cancel=0", "failed",
		"the device tells a state that LwM2M does not have", 0, 0},
	{"it updates already", false, "</5/0>", "9=2 obs=0 3=3 5=0 cancel=0", "failed",
		"the device is updating already", 0, 0},
	/* an earlier package */
	{"an earlier package: an empty one resets (1.0)", false, "</5/0>",
		"9=2 obs=0 3=2 5=0 put0=204 3=0 5=0 put0=204 3=2 5=0 exec2=204 3=0 5=1 cancel=0",
		"succeeded", "", 1, 1},
	{"Cancel resets (1.1)", false, "</5/0>;ver=1.1",
		"9=2 obs=0 3=1 5=0 exec10=204 3=0 5=10 put0=204 3=2 5=0 exec2=204 3=0 5=1 "
		"cancel=0",
		"succeeded", "", 1, 1},
	{"Cancel is optional", false, "</5/0>;ver=1.1",
		"9=2 obs=0 3=2 5=0 exec10=405 put0=204 3=0 5=0 put0=204 3=2 5=0 exec2=204 3=0 5=1 "
		"cancel=0",
		"succeeded", "", 1, 1},
	{"an empty URI resets one that pulls", true, "</5/0>",
		"9=0 8=0 obs=0 3=2 5=0 put1=204 3=0 5=0 put1=204 3=2 5=0 exec2=204 3=0 5=1 "
		"cancel=0",
		"succeeded", "", 1, 1},
	{"it cannot be reset", false, "</5/0>", "9=2 obs=0 3=2 5=0 put0=204 3=2 5=0 cancel=0",
		"failed", "an earlier package cannot be taken from the device", 0, 0},
	/* results */
	{"not enough flash", false, "</5/0>", V10 "put0=204 3=0 5=2 cancel=0", "failed",
		"the device told result 2: not enough flash memory for the package", 2, 0},
	{"out of RAM", false, "</5/0>", V10 "put0=204 3=0 5=3 cancel=0", "failed",
		"the device told result 3: out of RAM while downloading", 3, 0},
	{"connection lost", true, "</5/0>",
		"9=0 8=0 obs=0 3=0 5=0 put1=204 3=1 5=0 3=0 5=4 cancel=0", "failed",
		"the device told result 4: connection lost while downloading", 4, 0},
	{"integrity", false, "</5/0>", V10 "put0=204 3=0 5=5 cancel=0", "failed",
		"the device told result 5: integrity check of the package failed", 5, 0},
	{"package type", false, "</5/0>", V10 "put0=204 3=0 5=6 cancel=0", "failed",
		"the device told result 6: unsupported package type", 6, 0},
	{"invalid URI", true, "</5/0>", "9=0 8=0 obs=0 3=0 5=0 put1=204 3=0 5=7 cancel=0", "failed",
		"the device told result 7: invalid URI", 7, 0},
	{"update failed: downloaded still", false, "</5/0>",
		V10 "put0=204 3=2 5=0 exec2=204 3=3 5=0 3=2 5=8 cancel=0", "failed",
		"the device told result 8: firmware update failed", 8, 1},
	{"update failed: idle", false, "</5/0>", V10 "put0=204 3=2 5=0 exec2=204 3=0 5=8 cancel=0",
		"failed", "the device told result 8: firmware update failed", 8, 1},
	{"protocol", true, "</5/0>", "9=0 8=0 obs=0 3=0 5=0 put1=204 3=0 5=9 cancel=0", "failed",
		"the device told result 9: unsupported protocol", 9, 0},
	{"cancelled by itself", false, "</5/0>", V10 "put0=204 3=0 5=10 cancel=0", "failed",
		"the device told result 10: update cancelled", 10, 0},
	{"deferred, then well", false, "</5/0>",
		V10 "put0=204 3=2 5=0 exec2=204 3=2 5=11 3=2 5=11 3=3 5=0 3=0 5=1 cancel=0",
		"succeeded", "", 1, 1},
	{"one that nobody knows", false, "</5/0>", V10 "put0=204 3=0 5=77 cancel=0", "failed",
		"the device told result 77: not one of LwM2M 1.2", 77, 0},
	{"the result of last time says nothing", false, "</5/0>",
		"9=2 obs=0 3=0 5=5 put0=204 3=2 5=0 exec2=204 3=0 5=1 cancel=0", "succeeded", "", 1,
		1},
	/* refusals and lost answers */
	{"the package is refused", false, "</5/0>", V10 "put0=413 3=0 5=0 cancel=0", "failed",
		"the device answered 4.13 to the package", 0, 0},
	{"and it tells why", false, "</5/0>", V10 "put0=400 3=0 5=6 cancel=0", "failed",
		"the device told result 6: unsupported package type", 6, 0},
	{"the URI is refused", true, "</5/0>", "9=0 8=0 obs=0 3=0 5=0 put1=400 3=0 5=0 cancel=0",
		"failed", "the device answered 4.00 to the URI of the package", 0, 0},
	{"blocks are lost: once more", false, "</5/0>",
		V10 "put0=500 3=1 5=0 put0=204 3=2 5=0 exec2=204 3=0 5=1 cancel=0", "succeeded", "",
		1, 1},
	{"the answer to the package is lost, and it is there", false, "</5/0>",
		V10 "put0=- 3=2 5=0 exec2=204 3=0 5=1 cancel=0", "succeeded", "", 1, 1},
	{"the device loses it, again and again", false, "</5/0>",
		V10 "put0=500 3=0 5=0 put0=500 3=0 5=0 put0=500 3=0 5=0 put0=500 3=0 5=0 put0=500 "
		    "3=0 5=0 cancel=0",
		"failed", "the device loses the package, or never begins to fetch it", 0, 0},
	{"the answer to the URI is lost, and it has begun", true, "</5/0>",
		"9=0 8=0 obs=0 3=0 5=0 put1=- 3=1 5=0 3=2 5=0 exec2=204 3=0 5=1 cancel=0",
		"succeeded", "", 1, 1},
	{"a question is lost: the same again", false, "</5/0>",
		"9=- 9=2 obs=0 3=- 3=0 5=0 put0=204 3=2 5=- 5=0 exec2=204 3=0 5=1 cancel=0",
		"succeeded", "", 1, 1},
	{"a question is answered 5.03: later", false, "</5/0>",
		V10 "put0=204 3=503 3=2 5=0 exec2=204 3=0 5=1 cancel=0", "succeeded", "", 1, 1},
	/* Execute: never twice, unless the device says that it has not begun */
	{"the answer to Update is lost, and it updates", false, "</5/0>",
		V10 "put0=204 3=2 5=0 exec2=- 3=3 5=0 reg obs=0 3=0 5=1 cancel=0", "succeeded", "",
		1, 1},
	{"it is lost, and it has updated", false, "</5/0>",
		V10 "put0=204 3=2 5=0 exec2=- reg obs=0 3=0 5=1 cancel=0", "succeeded", "", 1, 1},
	{"it is lost, and it has not begun: once more", false, "</5/0>",
		V10 "put0=204 3=2 5=0 exec2=- 3=2 5=0 exec2=204 3=0 5=1 cancel=0", "succeeded", "",
		1, 2},
	{"it is lost, and it has failed", false, "</5/0>",
		V10 "put0=204 3=2 5=0 exec2=- 3=2 5=8 cancel=0", "failed",
		"the device told result 8: firmware update failed", 8, 1},
	{"it is lost, and what became of it too: nobody knows", false, "</5/0>",
		V10 "put0=204 3=2 5=0 exec2=- 3=0 5=0 cancel=0", "unknown",
		"the device is idle again and tells no result: see its firmware version (/3/0/3)",
		0, 1},
	{"it was answered, and waits", false, "</5/0>",
		V10 "put0=204 3=2 5=0 exec2=204 3=2 5=0 3=2 5=0 3=3 5=0 3=0 5=1 cancel=0",
		"succeeded", "", 1, 1},
	{"it is refused, again and again", false, "</5/0>",
		V10 "put0=204 3=2 5=0 exec2=405 3=2 5=0 exec2=405 3=2 5=0 exec2=405 3=2 5=0 "
		    "cancel=0",
		"failed", "the device answered 4.05 to Update", 0, 3},
	{"one that updates by itself is not given the package twice", false, "</5/0>;ver=1.2",
		"9=2 14=1 obs=0 3=0 5=1 put0=- 3=0 5=1 cancel=0", "unknown",
		"the device updates by itself, and does not tell whether it has", 1, 0},
	{"nor told to fetch it twice", true, "</5/0>;ver=1.2",
		"9=0 8=0 14=1 obs=0 3=0 5=1 put1=- 3=0 5=1 cancel=0", "unknown",
		"the device updates by itself, and does not tell whether it has", 1, 0},
	{"nothing moves", false, "</5/0>", V10 "put0=204 3=1 5=0 stay", "failed",
		"nothing was heard of it, or nothing moved, for 3600 s", 0, 0},
	{"nothing moves after it was told to update", false, "</5/0>",
		V10 "put0=204 3=2 5=0 exec2=204 3=3 5=0 stay", "unknown",
		"nothing was heard of it, or nothing moved, for 3600 s", 0, 1},
};

static void put_image(void)
{
	static const uint8_t sum[SRV_SHA256] = {1, 2, 3};
	rig_turn(&rig, 1);
	REQUIRE(srv_image_put(srv, SPAN_LIT("v2.bin"), sum, IMAGE, false, &rig.t) == ERR_OK,
		"an image");
}

static const struct effect_done *start_update(bool pull)
{
	struct srv_fw_request r = {.endpoint = rig.e,
		.method = pull ? SRV_FW_PULL : SRV_FW_PUSH,
		.image = SPAN_LIT("v2.bin"),
		.ticket = 9};
	rig_turn(&rig, 1);
	srv_firmware_start(srv, &r, &rig.t);
	return outcome();
}

static void open_device(const char *object)
{
	open_server("");
	snprintf(links, sizeof(links), "</3/0>,%s", object);
	snprintf(parameters, sizeof(parameters), "ep=dev&lt=0&lwm2m=1.1");
	registers();
	put_image();
	executed = 0;
}

static struct srv_fw_view fw(void)
{
	struct srv_fw_view v = {.state = "none"};
	srv_firmware_view(srv, rig.e, &v);
	return v;
}

/* The device stays as it is until the update is over. */
static void stay(void)
{
	char last = '1';
	for (int i = 0; i < 4000 && fw().step != SRV_FW_OVER; i++) {
		if (!turn_once(1000))
			continue;
		if (!strcmp(name_of_q(), "3"))
			last = (char)('0' + (executed ? 3 : 1));
		reply_as(!strcmp(name_of_q(), "3") ? (unsigned)(last - '0') : 0, NULL);
	}
}

static void go_through(const struct row *r)
{
	char script[512], *rest = script;
	open_device(r->links);
	const struct effect_done *d = start_update(r->pull);
	REQUIRE(d && d->status == 201, r->what);
	snprintf(script, sizeof(script), "%s", r->script);
	for (char *one; (one = strsep(&rest, " "));) {
		char copy[32];
		snprintf(copy, sizeof(copy), "%s", one);
		if (!strcmp(one, "stay")) {
			stay();
		} else if (*one && !step(one)) {
			printf("  at %s: %s is asked\n", copy, name_of_q());
			CHECK(false, r->what);
			break;
		}
	}
	struct srv_fw_view v = fw();
	bool good = !strcmp(v.state, r->state) && !strcmp(v.detail, r->detail) &&
		    v.device_result == r->result && executed == r->executes;
	if (!good)
		printf("  %s, \"%s\", result %u, %u executes\n", v.state, v.detail, v.device_result,
			executed);
	CHECK(good, r->what);
	if (!r->pull && !strcmp(r->state, "succeeded")) {
		bool same = got_n == IMAGE;
		for (size_t i = 0; i < IMAGE; i++)
			same &= got[i] == rig_image_byte(i);
		CHECK(same, "the package arrives byte for byte");
	}
	CHECK(!srv_images(srv)->uses, "the image is used no more");
	close_server();
}

/* ---- what an administrator does meanwhile */

static void run(const char *script)
{
	char copy[256], *rest = copy;
	snprintf(copy, sizeof(copy), "%s", script);
	for (char *one; (one = strsep(&rest, " "));)
		REQUIRE(!*one || step(one), script);
}

static int cancel(void)
{
	rig_turn(&rig, 1);
	srv_firmware_cancel(srv, rig.e, 9, &rig.t);
	return outcome() ? outcome()->status : 0;
}

static void cancelling(void)
{
	open_device("</5/0>;ver=1.1");
	CHECK(cancel() == 404, "there is nothing to cancel");
	start_update(false);
	CHECK(cancel() == 204 && !strcmp(fw().state, "cancelled"),
		"before the device was given anything");
	CHECK(cancel() == 204 && !strcmp(fw().state, "none"), "one that is over is forgotten");
	start_update(false);
	run("9=2 obs=0 3=0 5=0");
	REQUIRE(next_asked() && !strcmp(name_of_q(), "put0"), "the first block");
	CHECK(cancel() == 202 && !strcmp(fw().state, "cancelling"),
		"while the package is on its way");
	run("exec10=204 cancel=0");
	CHECK(!strcmp(fw().state, "cancelled"), "the device is told (OBJ-05)");
	start_update(false);
	run("9=2 obs=0 3=0 5=0 put0=204 3=2 5=0 exec2=204");
	CHECK(cancel() == 409 && !strcmp(fw().state, "updating"), "not once it was told to update");
	close_server();
	open_device("</5/0>");
	start_update(true);
	run("9=2 8=0 obs=0 3=0 5=0 put1=204 3=1 5=0");
	CHECK(cancel() == 202, "while it fetches");
	REQUIRE(next_asked() && !strcmp(name_of_q(), "put1") && !q.plain.payload.n,
		"1.0: an empty URI");
	reply_as(204, NULL);
	run("cancel=0");
	CHECK(!strcmp(fw().state, "cancelled"), "is told so");
	close_server();
}

static void starting(void)
{
	struct srv_fw_request r = {.endpoint = rig.e, .ticket = 9};
	open_device("</5/0>");
	r.endpoint = rig.e;
	r.method = SRV_FW_PUSH;
	r.image = SPAN_LIT("none");
	srv_firmware_start(srv, &r, &rig.t);
	CHECK(outcome()->status == 404 && !strcmp(outcome()->type, "unknown-image"),
		"no such image");
	rig_turn(&rig, 1);
	r.image = SPAN_EMPTY;
	srv_firmware_start(srv, &r, &rig.t);
	CHECK(outcome()->status == 422, "a push without one");
	CHECK(start_update(true)->status == 201, "a pull");
	CHECK(!strcmp(fw().uri, "coap://192.0.2.1/fw/v2.bin"), "its URI is a plain path (CT-59)");
	CHECK(start_update(true)->status == 409, "one at a time");
	CHECK(srv_image_delete(srv, SPAN_LIT("v2.bin"), &rig.t) == ERR_BUSY, "its image stays");
	close_server();
	open_device("</6/0>");
	CHECK(start_update(true)->status == 422, "one without the object");
	close_server();
}

/* ---- the daemon ends, the update goes on */

static const struct {
	const char *what, *before, *after, *state;
	unsigned executes;
} restarts[] = {
	{"while it looked", "9=2", V10 "put0=204 3=2 5=0 exec2=204 3=0 5=1", "succeeded", 1},
	{"while the package was sent", V10 "put0=-",
		"9=2 3=1 5=0 put0=204 3=0 5=0 put0=204 3=2 5=0 exec2=204 3=0 5=1", "succeeded", 1},
	{"while the device looked at it", V10 "put0=204 3=1 5=0",
		"14=404 3=2 5=0 exec2=204 3=0 5=1", "succeeded", 1},
	{"before Update was sent", V10 "put0=204 3=2 5=0 exec2=-",
		"14=404 3=2 5=0 exec2=204 3=0 5=1", "succeeded", 2},
	{"after Update was sent, which is not repeated", V10 "put0=204 3=2 5=0 exec2=-",
		"14=404 3=3 5=0 3=0 5=1", "succeeded", 1},
	{"while it updated", V10 "put0=204 3=2 5=0 exec2=204 3=3 5=0", "14=404 3=0 5=1",
		"succeeded", 1},
};

static struct rec_firmware stored;
static char stored_text[3][SRV_URI_MAX + 1];

/* The newest record, as it would be stored. */
static void keep_record(void)
{
	struct srv_fw_view v = fw();
	snprintf(stored_text[0], sizeof(stored_text[0]), "%s", v.image);
	snprintf(stored_text[1], sizeof(stored_text[1]), "%s", v.uri);
	snprintf(stored_text[2], sizeof(stored_text[2]), "%s", v.detail);
	stored = (struct rec_firmware){.endpoint_id = rig.e->id,
		.method = (uint8_t)v.method,
		.step = (uint8_t)v.step,
		.outcome = (uint8_t)v.outcome,
		.executed = v.step == SRV_FW_UPDATE,
		.image_id = srv_images(srv)->id,
		.image = span_str(stored_text[0]),
		.uri = span_str(stored_text[1]),
		.detail = span_str(stored_text[2])};
}

static void restarting(void)
{
	for (size_t i = 0; i < sizeof(restarts) / sizeof(restarts[0]); i++) {
		open_device("</5/0>");
		start_update(false);
		run(restarts[i].before);
		keep_record();
		unsigned before = executed;
		close_server();
		open_device("</5/0>");
		executed = before;
		struct rec_firmware r = stored;
		r.image_id = srv_images(srv)->id;
		REQUIRE(!srv_load_firmware(srv, rig.e, &r), "loaded");
		char script[256], *rest = script;
		snprintf(script, sizeof(script), "%s", restarts[i].after);
		/* The observation is gone with the rig's server: it may be asked for again. */
		for (char *one; (one = strsep(&rest, " "));) {
			while (*one && strcmp(one, "reg") != 0) {
				REQUIRE(next_asked(), restarts[i].what);
				if (strcmp(name_of_q(), "obs") != 0 || !strncmp(one, "obs", 3))
					break;
				reply_as(0, NULL);
			}
			char *value = strchr(one, '=');
			*value++ = '\0';
			CHECK(!strcmp(name_of_q(), one), restarts[i].what);
			executed += !strcmp(one, "exec2");
			if (!strcmp(one, "put0") && q.plain.payload.n)
				take_package((unsigned)atoi(value));
			else
				reply_as((unsigned)atoi(value), NULL);
		}
		CHECK(!strcmp(fw().state, restarts[i].state) && executed == restarts[i].executes,
			restarts[i].what);
		close_server();
	}
}

static void corrupt(void)
{
	static const struct rec_firmware bad[] = {{.method = 0}, {.method = 3},
		{.method = 1, .step = 7}, {.method = 1, .outcome = 5}};
	open_device("</5/0>");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(srv_load_firmware(srv, rig.e, &bad[i]) == ERR_CORRUPT,
			"what cannot have been stored");
	struct rec_image image = {.name = SPAN_LIT("a/b"), .sha256 = SPAN_OF(got)};
	CHECK(srv_load_image(srv, &image) == ERR_CORRUPT, "an image likewise");
	close_server();
}

/* ---- waiting, and what goes with an update */

static void sleeping(void)
{
	open_device("</5/0>");
	snprintf(parameters, sizeof(parameters), "ep=dev&lt=0&lwm2m=1.1&b=U&Q");
	registers();
	for (int i = 0; i < 200; i++)
		turn_once(1000);
	start_update(false);
	bool asked_it = false;
	for (int i = 0; i < 600; i++)
		asked_it |= turn_once(1000);
	CHECK(!asked_it && fw().waiting, "a device that sleeps is not asked");
	close_server();
	open_device("</5/0>");
	snprintf(parameters, sizeof(parameters), "ep=dev&lt=0&lwm2m=1.1&b=U&Q");
	registers();
	for (int i = 0; i < 200; i++)
		turn_once(1000);
	start_update(false);
	turn_once(1000);
	CHECK(fw().waiting, "it waits");
	CHECK(ask(MSG_POST, location(), "", -1, "") == MSG_CHANGED, "the device wakes");
	run(V10 "put0=204 3=2 5=0 exec2=204 3=0 5=1 cancel=0");
	CHECK(!strcmp(fw().state, "succeeded"), "and is updated (QM-02)");
	close_server();
}

static size_t gone(void)
{
	size_t n = 0;
	for (size_t i = 0; i < rig.t.effect_n; i++)
		n += rig.t.effect[i].kind == EFFECT_IMAGE_GONE;
	return n;
}

static void images(void)
{
	static const uint8_t sum[SRV_SHA256] = {9};
	static const struct {
		const char *name;
		bool good;
	} names[] = {{"a", true}, {"v1.2_x-Y.bin", true}, {"", false}, {".a", false},
		{"a/b", false}, {"a b", false}, {"\xc3\xa4", false}, {"a%", false}};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK(srv_image_name_good(span_str(names[i].name)) == names[i].good, names[i].name);
	open_device("</5/0>");
	REQUIRE(!srv_image_put(srv, SPAN_LIT("once"), sum, 10, true, &rig.t), "one for once");
	struct srv_fw_request r = {
		.endpoint = rig.e, .method = SRV_FW_PUSH, .image = SPAN_LIT("once"), .ticket = 9};
	srv_firmware_start(srv, &r, &rig.t);
	CHECK(cancel() == 204 && !srv_image_find(srv, SPAN_LIT("once")) && gone() == 1 &&
			rig_records(&rig, REC_IMAGE_DEL) == 1,
		"it goes with its last update, and its file when that is durable");
	rig_turn(&rig, 1);
	REQUIRE(!srv_image_put(srv, SPAN_LIT("v2.bin"), sum, 10, false, &rig.t),
		"another of that name");
	CHECK(gone() == 1 && rig_records(&rig, REC_IMAGE_PUT) == 1 && srv_image_wanted(srv, sum),
		"takes its place");
	rig_turn(&rig, 1);
	srv_forget_endpoint(srv, rig.e, &rig.t);
	CHECK(!strcmp(fw().state, "none"), "an update goes with its endpoint");
	CHECK(srv_image_delete(srv, SPAN_LIT("v2.bin"), &rig.t) == ERR_OK &&
			srv_image_delete(srv, SPAN_LIT("v2.bin"), &rig.t) == ERR_NOTFOUND,
		"once");
	close_server();
}

/* ---- GET /fw/NAME */

static uint8_t fetch(const char *path, int num, int szx, const char *etag)
{
	struct msg m;
	rig_turn(&rig, 10);
	rig_plain(&m, MSG_GET, path);
	if (etag)
		REQUIRE(!msg_add(&m, OPT_ETAG, span_make(etag, 8)), "etag");
	if (num >= 0)
		REQUIRE(!block_add(
				&m, OPT_BLOCK2, (struct block){(uint32_t)num, false, (uint8_t)szx}),
			"block");
	if (rig_in(&rig, rig_protect(&rig, RIG_SERVER, &m, &q)) != EP_REQUEST)
		return 0;
	srv_request(srv, &rig.d, &rig.t);
	return rig_answer(&rig, RIG_SERVER, &q, rig_sent(&rig, 0), &a) ? a.plain.code : 0;
}

static const struct {
	const char *what, *path;
	int num, szx;
	uint8_t code;
	uint32_t at; /* what comes, and how much */
	size_t n;
	uint8_t got_szx;
	bool more;
} fetches[] = {
	{"without Block2 the first comes", "fw/v2.bin", -1, 0, MSG_CONTENT, 0, 1024, 6, true},
	{"early negotiation (BLK-02)", "fw/v2.bin", 0, 2, MSG_CONTENT, 0, 64, 2, true},
	{"any block, at any time", "fw/v2.bin", 5, 4, MSG_CONTENT, 1280, 256, 4, true},
	{"the last one", "fw/v2.bin", 2, 6, MSG_CONTENT, 2048, 952, 6, false},
	{"the last one, small", "fw/v2.bin", 187, 0, MSG_CONTENT, 2992, 8, 0, false},
	{"beyond the end", "fw/v2.bin", 3, 6, MSG_BAD_REQUEST, 0, 0, 0, false},
	{"far beyond", "fw/v2.bin", 1048575, 6, MSG_BAD_REQUEST, 0, 0, 0, false},
	{"another name", "fw/v3.bin", 0, 6, MSG_NOT_FOUND, 0, 0, 0, false},
	{"the folder", "fw", 0, 6, MSG_NOT_FOUND, 0, 0, 0, false},
	{"below it", "fw/v2.bin/x", 0, 6, MSG_NOT_FOUND, 0, 0, 0, false},
};

static void serving(void)
{
	struct block b;
	uint32_t size;
	open_device("</5/0>");
	CHECK(fetch("fw/v2.bin", 0, 6, NULL) == MSG_NOT_FOUND, "whom no update tells to");
	start_update(false);
	run(V10);
	CHECK(fetch("fw/v2.bin", 0, 6, NULL) == MSG_NOT_FOUND, "nor who gets it by push");
	cancel();
	close_server();
	open_device("</5/0>");
	start_update(true);
	run("9=2 8=0 obs=0 3=0 5=0 put1=204");
	for (size_t i = 0; i < sizeof(fetches) / sizeof(fetches[0]); i++) {
		uint8_t code = fetch(fetches[i].path, fetches[i].num, fetches[i].szx, NULL);
		CHECK(code == fetches[i].code, fetches[i].what);
		if (code != MSG_CONTENT)
			continue;
		const struct opt *etag = msg_find(&a.plain, OPT_ETAG);
		CHECK(!block_get(&a.plain, OPT_BLOCK2, &b) && b.szx == fetches[i].got_szx &&
				b.more == fetches[i].more &&
				b.num * block_size(b.szx) == fetches[i].at &&
				a.plain.payload.n == fetches[i].n &&
				a.plain.payload.p[0] == rig_image_byte(fetches[i].at) && etag &&
				etag->val.n == 8 && etag->val.p[0] == 1,
			fetches[i].what);
		CHECK(fetches[i].at || (msg_get_uint(&a.plain, OPT_SIZE2, &size) && size == IMAGE),
			"the first tells how long it is");
	}
	CHECK(fetch("fw/v2.bin", 0, 6, "\1\2\3\0\0\0\0\0") == MSG_VALID && !a.plain.payload.n,
		"2.03 to whoever has it");
	CHECK(fetch("fw/v2.bin", 0, 6, "\2\2\3\0\0\0\0\0") == MSG_CONTENT,
		"not to who has another");
	CHECK(ask(MSG_PUT, "fw/v2.bin", "", -1, "") == MSG_METHOD_NOT_ALLOWED, "to be read only");
	CHECK(srv_fw_counters(srv)->blocks_served == 6, "blocks are counted");
	CHECK(fw().sent == IMAGE, "and so is how far it is");
	rig_image_fails = ERR_IO;
	CHECK(fetch("fw/v2.bin", 0, 6, NULL) == MSG_UNAVAILABLE, "what cannot be read now");
	rig_image_fails = ERR_OK;
	close_server();
}

static uint8_t fetch_plain(void)
{
	struct msg m;
	uint8_t bytes[256];
	struct writer w = wr_make(bytes, sizeof(bytes));
	static uint16_t mid = 7000;
	rig_turn(&rig, 10);
	rig_plain(&m, MSG_GET, "fw/v2.bin");
	m.mid = ++mid;
	REQUIRE(!msg_encode_udp(&m, &w), "encode");
	rig.from.listener = RIG_PLAIN;
	enum ep_delivery_kind kind = rig_in(&rig, wr_span(&w));
	rig.from.listener = 0;
	if (kind != EP_REQUEST)
		return 0;
	srv_request(srv, &rig.d, &rig.t);
	return msg_parse_udp(rig_sent(&rig, 0), &a.outer) ? 0 : a.outer.code;
}

static void serving_plain(void)
{
	for (int allowed = 0; allowed < 2; allowed++) {
		rig_firmware_nosec = allowed;
		open_device("</5/0>");
		CHECK(fetch_plain() == (allowed ? MSG_CONTENT : MSG_NOT_FOUND),
			"unprotected only if that is allowed");
		close_server();
	}
	rig_firmware_nosec = false;
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		go_through(&rows[i]);
	cancelling();
	starting();
	restarting();
	corrupt();
	sleeping();
	images();
	serving();
	serving_plain();
	return test_done();
}
