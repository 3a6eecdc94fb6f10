/* SPDX-License-Identifier: Apache-2.0 */
/* Each answer that a device may give to each command of a bootstrap, and what then follows. */
#include "tests/unit/bootstrap/asking.h"

#define FOUND "</>;lwm2m=1.1,</0/0>,</21/0>"

/* One bootstrap, in the order of its commands. */
static const struct {
	const char *what, *command;
	uint8_t good;    /* the one answer that means success (CT-11) */
	const char *bad; /* what follows any other; empty: the end */
} steps[] = {
	{"Bootstrap-Discover", "GET ", MSG_CONTENT, "POST /bs"},
	{"Bootstrap-Delete", "DELETE /1", 0, "PUT /0/1"}, /* what is not there cannot be deleted */
	{"Bootstrap-Write of Security", "PUT /0/1", MSG_CHANGED, "POST /bs"},
	{"Bootstrap-Write of Server", "PUT /1/0", MSG_CHANGED, "POST /bs"},
	{"Bootstrap-Write of OSCORE", "PUT /21/1", MSG_CHANGED, "POST /bs"},
	{"Bootstrap-Finish", "POST /bs", MSG_CHANGED, ""},
};
enum { STEPS = sizeof(steps) / sizeof(*steps) };

static const uint8_t codes[] = {MSG_CREATED, MSG_DELETED, MSG_CHANGED, MSG_CONTENT, MSG_CONTINUE,
	MSG_BAD_REQUEST, MSG_UNAUTHORIZED, MSG_BAD_OPTION, MSG_FORBIDDEN, MSG_NOT_FOUND,
	MSG_METHOD_NOT_ALLOWED, MSG_NOT_ACCEPTABLE, MSG_REQUEST_ENTITY_INCOMPLETE, MSG_TOO_LARGE,
	MSG_UNSUPPORTED_FORMAT, MSG_INTERNAL_ERROR, MSG_NOT_IMPLEMENTED, MSG_UNAVAILABLE};

/* Up to that command, which is then in q. */
static void go_to(size_t step)
{
	open_bootstrap(&plan);
	REQUIRE(request(MSG_POST, "bs", "ep=dev") == MSG_CHANGED, "Bootstrap-Request");
	for (size_t i = 0; i < step; i++)
		REQUIRE(answer(i == 1 ? MSG_DELETED : steps[i].good, i ? "" : FOUND), "a command");
	REQUIRE(!strcmp(command(), steps[step].command), steps[step].what);
}

static void finish_fails(const char *what)
{
	CHECK(!bs_sessions(bs) && bs_counters(bs)->failed == 1 && !bs_counters(bs)->finished, what);
	CHECK(!rig_records(&rig, REC_CONTEXT_STATE), "no keys are acknowledged");
}

/* Proves: CT-11, CT-96, BS-04, BS-14 */
static void one(size_t step, uint8_t code)
{
	char what[64];
	const char *next = code == steps[step].good && step + 1 < STEPS ? steps[step + 1].command
									: steps[step].bad;
	snprintf(what, sizeof(what), "%s, %u.%02u", steps[step].what, code >> 5, code & 31);
	go_to(step);
	bool more = answer(code, step ? "" : FOUND);
	CHECK(more == (next[0] != '\0') && (!more || !strcmp(command(), next)), what);
	CHECK(rig_sent_n(&rig) == more, "one command at a time");
	if (step + 1 == STEPS && code == MSG_NOT_ACCEPTABLE) {
		CHECK(bs_sessions(bs) == 1, "a corrected plan is waited for (BS-14)");
		rig_turn(&rig, 247100);
		bs_timer(bs, &rig.t);
	}
	if (step + 1 == STEPS && code == MSG_CHANGED)
		CHECK(!bs_sessions(bs) && bs_counters(bs)->finished == 1, "finished");
	else if (!more)
		finish_fails(what);
	else if (!strcmp(command(), "POST /bs") && code != steps[step].good) {
		CHECK(!answer(MSG_CHANGED, ""), "Finish, all the same (BS-14)");
		finish_fails(what);
	}
	close_bootstrap();
}

int main(void)
{
	for (size_t step = 0; step < STEPS; step++)
		for (size_t i = 0; i < sizeof(codes); i++)
			one(step, codes[i]);
	return test_done();
}
