/* SPDX-License-Identifier: Apache-2.0 */
/* What comes back to a request of ours, and is it its answer (RFC 8613 sections 7.4.1 and 8.4)? All
 * that is wrong changes nothing, and the good answer is still good. */
#include "tests/unit/endpoint/craft.h"

#include "tests/unit/endpoint/asking.h"

static struct rig_msg other, junk;

#define HELLO "45ff78" /* 2.05 "x" */
#define CRAFT(...)                                                                                 \
	{                                                                                          \
		.code = MSG_CHANGED, __VA_ARGS__                                                   \
	}

static const struct {
	const char *what;
	struct crafted c;
	bool good;
} answers[] = {
	{"under the request's nonce", CRAFT(.option = "", .inner = HELLO), true},
	{"under a number of its own", CRAFT(.option = "0130", .piv = "30", .inner = HELLO), true},
	{"number zero is one", CRAFT(.option = "0100", .piv = "00", .inner = HELLO), true},
	{"the last number", CRAFT(.option = "05ffffffffff", .piv = "ffffffffff", .inner = HELLO),
		true},
	{"a flag byte that says nothing", CRAFT(.option = "00", .inner = HELLO), true},
	{"its kid, which nobody needs", CRAFT(.option = "0873", .inner = HELLO), true},
	{"a kid context, which nobody needs", CRAFT(.option = "100155", .inner = HELLO), true},
	{"an error inside", CRAFT(.option = "", .inner = "84"), true},
	{"outer code 2.05", {.code = MSG_CONTENT, .option = "", .inner = HELLO}, true},
	{"outer code 4.04", {.code = MSG_NOT_FOUND, .option = "", .inner = HELLO}, true},
	{"an outer Max-Age is discarded",
		CRAFT(.option = "", .inner = HELLO, .stray = OPT_MAX_AGE, .stray_value = "0a"),
		true},
	{"an outer ETag is discarded",
		CRAFT(.option = "", .inner = HELLO, .stray = OPT_ETAG, .stray_value = "0a"), true},
	{"an outer unknown critical option is discarded",
		CRAFT(.option = "", .inner = HELLO, .stray = 65001, .stray_value = "0a"), true},
	{"an outer Observe alone means nothing",
		CRAFT(.option = "", .inner = HELLO, .stray = OPT_OBSERVE, .stray_value = "05"),
		true},
	{"a number that is not in the message", CRAFT(.option = "", .piv = "30", .inner = HELLO),
		false},
	{"another number than its nonce's", CRAFT(.option = "0131", .piv = "30", .inner = HELLO),
		false},
	{"a number with leading zeros", CRAFT(.option = "020030", .piv = "30", .inner = HELLO),
		false},
	{"flag 0x80", CRAFT(.option = "80", .inner = HELLO), false},
	{"flag 0x40", CRAFT(.option = "40", .inner = HELLO), false},
	{"flag 0x20", CRAFT(.option = "20", .inner = HELLO), false},
	{"n = 6", CRAFT(.option = "06000000000030", .piv = "30", .inner = HELLO), false},
	{"a number that is cut off", CRAFT(.option = "0230", .piv = "30", .inner = HELLO), false},
	{"bytes left over", CRAFT(.option = "013073", .piv = "30", .inner = HELLO), false},
	{"two options 9", CRAFT(.option = "", .second = "", .inner = HELLO), false},
	{"no payload", CRAFT(.option = ""), false},
	{"the tag alone", CRAFT(.option = "", .inner = ""), false},
	{"inner Observe, which nobody asked for", CRAFT(.option = "", .inner = "4560ff78"), false},
	{"inner Observe and a number", CRAFT(.option = "0130", .piv = "30", .inner = "4560ff78"),
		false},
	{"OSCORE inside OSCORE", CRAFT(.option = "", .inner = "4590ff78"), false},
	{"a request inside", CRAFT(.option = "", .inner = "01"), false},
	{"nothing inside", CRAFT(.option = "", .inner = "00"), false},
	{"a marker without payload", CRAFT(.option = "", .inner = "45ff"), false},
	{"an inner unknown critical option", CRAFT(.option = "", .inner = "45e1fcdc78"), false},
};

/* Proves: 8613-4.1.3.5.2-6 8613-4.1.3.7-1 8613-8.4-1 8613-8.4-2 8613-8.4-3 8613-8.4-4 8613-8.4-5
 * 8613-8.4-7 */
static void formed(void)
{
	struct rig *r = &rig;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		open_rig(r);
		struct ep_request *req = ask(r, false, &q);
		rig_turn(r, 10);
		enum ep_delivery_kind kind =
			rig_in(r, craft_response(r, &answers[i].c, &q, MSG_ACK, &junk));
		CHECK((kind == EP_RESPONSE) == answers[i].good && !rig_sent_n(r) && !r->t.batch.n &&
				!req->hint,
			answers[i].what);
		if (!answers[i].good) {
			CHECK(rig_in(r, reply(r, &q, MSG_ACK, MSG_CONTENT, "y", 0)) == EP_RESPONSE,
				"the good one is still good");
		}
		CHECK(r->d.request == req && !req->observed, answers[i].what);
		if (r->d.request)
			end(r);
		rig_fini(r);
	}
}

/* A datagram with another's token. */
static struct span with_token(struct span s, const struct rig_msg *of)
{
	static uint8_t bytes[RIG_BYTES];
	memcpy(bytes, s.p, s.n);
	bytes[2] = (uint8_t)(of->outer.mid >> 8);
	bytes[3] = (uint8_t)of->outer.mid;
	memcpy(bytes + 4, of->outer.token, of->outer.token_n);
	return span_make(bytes, s.n);
}

/* Proves: 8613-7.1-1 8613-8-1 8613-8.4-5 */
static void of_another(void)
{
	struct rig *r = &rig;
	open_rig(r);
	ask(r, false, &other);
	REQUIRE(rig_in(r, reply(r, &other, MSG_ACK, MSG_CONTENT, "old", 0)) == EP_RESPONSE, "one");
	end(r);
	struct ep_request *req = ask(r, false, &q);
	CHECK(rig_in(r, with_token(span_make(p.bytes, p.n), &q)) == EP_NOTHING,
		"an answer that was given before, to another request");
	CHECK(rig_in(r, with_token(reply(r, &other, MSG_ACK, MSG_CONTENT, "new", RIG_OWN_NUMBER),
				&q)) == EP_NOTHING,
		"a new one to another request");
	memcpy(&junk, &q, sizeof(q));
	junk.binding.kid = r->device[RIG_SERVER].sender_id;
	CHECK(rig_in(r, reply(r, &junk, MSG_ACK, MSG_CONTENT, "x", RIG_OWN_NUMBER)) == EP_NOTHING,
		"one that is bound to another kid");
	rig_turn(r, 10);
	msg_init(&m, MSG_ACK, MSG_CONTENT);
	CHECK(rig_in(r, rig_reply(r, RIG_BOOTSTRAP, &q, &m, 0, &p)) == EP_NOTHING,
		"one under the other context of the device");
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &hello)) == EP_REQUEST, "a request between");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	struct span s = reply(r, &q, MSG_ACK, MSG_CONTENT, "y", 0);
	CHECK(rig_in(r, s) == EP_RESPONSE && r->d.request == req, "its own");
	end(r);
	CHECK(rig_in(r, s) == EP_NOTHING, "once");
	rig_fini(r);
}

/* An observation and a Read at the same time: their answers swapped. */
static void swapped(void)
{
	struct rig *r = &rig;
	open_rig(r);
	struct ep_request *watch = ask(r, true, &other);
	rig_turn(r, 10);
	msg_init(&m, MSG_ACK, MSG_CONTENT);
	REQUIRE(msg_add_uint(&m, OPT_OBSERVE, 1) == ERR_OK, "observe");
	REQUIRE(rig_in(r, rig_reply(r, RIG_SERVER, &other, &m, 0, &p)) == EP_RESPONSE, "observed");
	ep_delivery_end(r->x, &r->d, &r->t);
	struct ep_request *req = ask(r, false, &q);
	CHECK(rig_in(r, with_token(reply(r, &q, MSG_NON, MSG_CONTENT, "x", RIG_OWN_NUMBER),
				&other)) == EP_NOTHING,
		"the Read's answer as notification");
	CHECK(rig_in(r, with_token(reply(r, &other, MSG_ACK, MSG_CONTENT, "x", RIG_OWN_NUMBER),
				&q)) == EP_NOTHING,
		"a notification as the Read's answer");
	CHECK(watch->state == EP_REQ_OBSERVING, "the observation goes on");
	CHECK(rig_in(r, reply(r, &q, MSG_ACK, MSG_CONTENT, "x", 0)) == EP_RESPONSE &&
			r->d.request == req,
		"and the Read is answered");
	end(r);
	rig_fini(r);
}

/* Unprotected: none is an answer; errors that tell of our own request, or come from a proxy, are
 * kept as a hint.
 * Proves: 8613-8.4-8 8613-4.1.3.6-5 */
static void unprotected(void)
{
	static const struct {
		uint8_t code;
		bool hint;
	} row[] = {
		{MSG_CREATED, false},
		{MSG_DELETED, false},
		{MSG_VALID, false},
		{MSG_CHANGED, false},
		{MSG_CONTENT, false},
		{MSG_CONTINUE, false},
		{MSG_BAD_REQUEST, true},
		{MSG_UNAUTHORIZED, true},
		{MSG_BAD_OPTION, true},
		{MSG_NOT_FOUND, true},
		{MSG_METHOD_NOT_ALLOWED, false},
		{MSG_TOO_LARGE, true},
		{MSG_INTERNAL_ERROR, false},
		{MSG_CODE(5, 2), true},
		{MSG_UNAVAILABLE, true},
		{MSG_CODE(5, 4), true},
		{MSG_CODE(5, 5), true},
	};
	struct rig *r = &rig;
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		char what[8];
		snprintf(what, sizeof(what), "%u.%02u", row[i].code >> 5, row[i].code & 31);
		open_rig(r);
		struct ep_request *req = ask(r, false, &q);
		rig_turn(r, 10);
		struct crafted c = {.code = row[i].code, .inner = HELLO};
		CHECK(rig_in(r, craft_response(r, &c, &q, MSG_ACK, &junk)) == EP_NOTHING &&
				!rig_sent_n(r) && !r->t.batch.n,
			what);
		CHECK(req->hint == (row[i].hint ? row[i].code : 0), what);
		CHECK(req->state == EP_REQ_SENT && !r->d.moved, what);
		CHECK(rig_in(r, reply(r, &q, MSG_ACK, MSG_CONTENT, "y", 0)) == EP_RESPONSE, what);
		end(r);
		rig_fini(r);
	}
}

/* Notifications that are wrong: the observation stays, and nothing is sent, a new registration
 * least of all.
 * Proves: 8613-8.4.2-1 8613-8.4.2-2 8613-8.4.2-3 8613-8-2 8613-7.4.1-1 8613-7.4.1-3 */
static void bad_notifications(void)
{
	static const struct {
		const char *what;
		struct crafted c;
	} row[] = {
		{"none of its own, as the first had none",
			CRAFT(.option = "", .inner = "4560ff78")},
		{"a number seen before", CRAFT(.option = "0130", .piv = "30", .inner = "4560ff78")},
		{"an older number", CRAFT(.option = "012f", .piv = "2f", .inner = "4560ff78")},
		{"leading zeros", CRAFT(.option = "020031", .piv = "31", .inner = "4560ff78")},
		{"nested", CRAFT(.option = "0131", .piv = "31", .inner = "4590ff78")},
		{"another number than the nonce's",
			CRAFT(.option = "0132", .piv = "31", .inner = "4560ff78")},
		{"unprotected", {.code = MSG_CONTENT, .inner = "4560ff78"}},
		{"an unprotected error", {.code = MSG_NOT_FOUND, .inner = "78"}},
	};
	static const struct crafted first = CRAFT(.option = "", .inner = "4560ff61"),
				    second = CRAFT(.option = "0130", .piv = "30",
					    .inner = "456305ffffff62"),
				    last = CRAFT(.option = "0131", .piv = "31",
					    .inner = "4560ff63");
	struct rig *r = &rig;
	open_rig(r);
	struct ep_request *req = ask(r, true, &q);
	rig_turn(r, 10);
	CHECK(rig_in(r, craft_response(r, &first, &q, MSG_ACK, &junk)) == EP_RESPONSE, "the first");
	ep_delivery_end(r->x, &r->d, &r->t);
	CHECK(rig_in(r, craft_response(r, &second, &q, MSG_NON, &junk)) == EP_NOTIFICATION &&
			r->d.request == req,
		"the second; the value of the inner Observe does not count");
	ep_delivery_end(r->x, &r->d, &r->t);
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		rig_turn(r, 10);
		CHECK(rig_in(r, craft_response(r, &row[i].c, &q, MSG_NON, &junk)) == EP_NOTHING &&
				!rig_sent_n(r) && req->state == EP_REQ_OBSERVING,
			row[i].what);
		ep_delivery_end(r->x, &r->d, &r->t);
	}
	CHECK(rig_in(r, craft_response(r, &last, &q, MSG_NON, &junk)) == EP_NOTIFICATION &&
			r->d.request == req && span_eq_str(r->d.msg->payload, "c"),
		"the next one counts");
	ep_delivery_end(r->x, &r->d, &r->t);
	rig_fini(r);
}

int main(void)
{
	formed();
	of_another();
	swapped();
	unprotected();
	bad_notifications();
	return test_done();
}
