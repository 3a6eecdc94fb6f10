/* SPDX-License-Identifier: Apache-2.0 */
/* What `explain` says in a sentence, for each state an endpoint can be in; the state of its
 * contexts; names like one that nobody has. */
#include "tests/unit/cmd/sim_craft.h"
#include "tests/unit/cmd/sim_plain.h"

static struct sim sim;
static struct craft craft;
static struct sim_result result;
static struct msg m, answer;
static struct adm_explanation told;

#define GOOD  "lt=60&lwm2m=1.1"
#define LINKS "</1/0>,</3/0>"

static bool explain(struct sim *s, const char *name)
{
	struct adm_ops ops = sim_ops(s, NULL);
	return ops.explain(ops.arg, span_str(name), &told) == ERR_OK;
}

/* ---- states */

static void provision(struct sim *s)
{
	craft_open(&craft, s, DEV_ROLE_SERVER);
}

static void provision_bootstrap(struct sim *s)
{
	craft_open(&craft, s, DEV_ROLE_BOOTSTRAP);
}

static void registers(struct sim *s)
{
	provision(s);
	craft_register(&m, GOOD, LINKS);
	REQUIRE(craft_ask_fresh(&craft, &m, &answer) == MSG_CREATED, "Register");
}

static void connected(struct sim *s)
{
	registers(s);
	sim_run(s, 45000);
}

static void asleep(struct sim *s)
{
	provision(s);
	craft_register(&m, "lt=6000&lwm2m=1.1&Q", LINKS);
	REQUIRE(craft_ask_fresh(&craft, &m, &answer) == MSG_CREATED, "Register");
	sim_run(s, 200000);
}

static void overdue(struct sim *s)
{
	registers(s);
	sim_run(s, 70000);
}

static void silent(struct sim *s)
{
	registers(s);
	sim_run(s, 7200000);
}

static void asked(struct sim *s)
{
	provision(s);
	craft_register(&m, GOOD, LINKS);
	REQUIRE(craft_ask(&craft, &m, &answer) == MSG_UNAUTHORIZED, "challenged");
}

static void forged(struct sim *s)
{
	provision(s);
	craft.keys.sender_key[0] ^= 1;
	craft_register(&m, GOOD, LINKS);
	craft_ask(&craft, &m, &answer);
	sim_run(s, 180000);
}

/* It is refused for what it asked, registered as it is. */
static void refused_later(struct sim *s)
{
	registers(s);
	sim_run(s, 10000);
	craft_request(&m, MSG_PUT, "rd", "");
	REQUIRE(craft_ask(&craft, &m, &answer) == MSG_METHOD_NOT_ALLOWED, "refused");
}

/* What went wrong once is over. */
static void refused_before(struct sim *s)
{
	provision(s);
	craft_register(&m, "lwm2m=1.1", LINKS);
	REQUIRE(craft_ask_fresh(&craft, &m, &answer) == MSG_BAD_REQUEST, "refused");
	sim_run(s, 10000);
	craft_register(&m, GOOD, LINKS);
	REQUIRE(craft_ask(&craft, &m, &answer) == MSG_CREATED, "Register");
}

static void settings(struct sim *s, bool nosec)
{
	struct adm_settings o = {.has_nosec = true, .nosec = nosec};
	struct adm_ops ops = sim_ops(s, &result);
	ops.endpoint_put(ops.arg, SPAN_LIT("crafted"), &o, sim_on_done, &result);
	REQUIRE(sim_await(s, &result, 1000) / 100 == 2, "made");
}

static void bare(struct sim *s)
{
	settings(s, false);
}

static void unprotected(struct sim *s)
{
	settings(s, true);
}

static void planless(struct sim *s)
{
	provision_bootstrap(s);
}

/* The device's first answers, as far as `steps` goes. */
static void bootstrapping(struct sim *s)
{
	provision_bootstrap(s);
	craft_request(&m, MSG_POST, "bs", "");
	REQUIRE(craft_ask(&craft, &m, &answer) == MSG_UNAUTHORIZED, "challenged");
	const struct opt *o = msg_find(&answer, OPT_ECHO);
	REQUIRE(o && msg_add(&m, OPT_ECHO, o->val) == ERR_OK, "Echo");
	craft_give(&craft, craft_seal(&craft, &m, NULL), &answer);
}

static void bootstrapped(struct sim *s)
{
	struct msg outer, what;
	struct osc_binding b;
	bootstrapping(s);
	for (int i = 0; i < 20 && bs_sessions(s->core->bs); i++) {
		REQUIRE(craft_asked(&craft, &outer, &what, &b), "asked");
		uint8_t code = what.code == MSG_GET      ? MSG_CONTENT
			       : what.code == MSG_DELETE ? MSG_DELETED
							 : MSG_CHANGED;
		msg_init(&m, MSG_ACK, code);
		if (code == MSG_CONTENT)
			m.payload = SPAN_LIT("</>;lwm2m=1.1,</0/0>,</21/0>");
		craft_answer(&craft, &outer, &b, &m);
	}
	sim_run(s, 3600000);
}

static void rolled_back(struct sim *s)
{
	registers(s);
	struct ep_context *c = ep_find(&s->core->dir, SPAN_LIT("crafted"))->contexts;
	c->stale = true;
	c->fresh = false;
	sim_run(s, 7200000);
}

static void fails(struct sim *s)
{
	registers(s);
	store_mem_fail(s->core->store, 1, ERR_FULL, false);
	craft_request(&m, MSG_PUT, "rd", "");
	craft_give(&craft, craft_seal(&craft, &m, NULL), &answer);
	sim_run(s, 10);
}

static const struct {
	const char *what;
	void (*bring)(struct sim *s);
	const char *code, *text; /* the start of the sentence, or a part of it behind "*" */
} verdicts[] = {
	{"registered", connected, "connected",
		"It is registered and nothing stands in its way; it was heard of 45 s ago."},
	{"asleep", asleep, "asleep",
		"It is registered and asleep, and answers when it wakes; it was heard of 3 min "
		"ago."},
	{"in its grace", overdue, "overdue", "*its lifetime is over"},
	{"gone", silent, "silent", "*it was heard of 2 h ago."},
	{"challenged", asked, "challenged", "It was asked by Echo"},
	{"wrong keys", forged, "refused",
		"It does not get through; this went wrong 3 min ago: A request did not decrypt"},
	{"registered, and refused since", refused_later, "refused",
		"It is registered, but this went wrong just now: A request had a method"},
	{"refused once, and registered since", refused_before, "connected", "It is registered"},
	{"a mere name", bare, "no-credentials", "It has no credentials here"},
	{"one that may come unprotected", unprotected, "never-heard", "It may come unprotected"},
	{"never heard of", provision, "never-heard", "Nothing has ever arrived under its keys"},
	{"no plan", planless, "no-plan", "The device asked for bootstrap"},
	{"in a bootstrap", bootstrapping, "bootstrapping", "It is being bootstrapped (discover)."},
	{"bootstrapped", bootstrapped, "bootstrapped",
		"Its bootstrap finished 1 h ago, but it has sent nothing under the keys it got: "
		"can it reach coap://192.0.2.1:5683?"},
	{"set back", rolled_back, "rolled-back", "The database was set back"},
	{"nothing can be stored", fails, "storage", "Nobody is served now"},
};

static void sentences(void)
{
	struct sim *s = &sim;
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++) {
		const char *text = verdicts[i].text;
		sim_init(s, 1);
		if (verdicts[i].bring == planless)
			s->cfg.uri[0] = '\0';
		sim_open(s);
		verdicts[i].bring(s);
		CHECK(explain(s, "crafted") && !strcmp(told.code, verdicts[i].code),
			verdicts[i].what);
		CHECK(*text == '*' ? strstr(told.text, text + 1) != NULL
				   : !strncmp(told.text, text, strlen(text)),
			verdicts[i].what);
		sim_close(s);
	}
}

/* ---- contexts */

static const struct adm_context_state *context(struct sim *s)
{
	REQUIRE(explain(s, "crafted") && told.context_n == 1, "one context");
	return &told.contexts[0];
}

static bool window_is(struct sim *s, const char *state)
{
	return !strcmp(context(s)->window, state);
}

static void windows(void)
{
	struct sim *s = &sim;
	sim_init(s, 2);
	sim_open(s);
	provision(s);
	CHECK(window_is(s, "to-be-challenged") && !told.contexts->last_success_wall_s &&
			!told.last_contact_wall_s && !told.contexts->last_refusal,
		"new: to be challenged, nothing has happened");
	CHECK(!told.contexts->numbers_used && told.contexts->numbers_limit == 1 << STORE_EPOCH_BITS,
		"no number is used");
	craft_register(&m, GOOD, LINKS);
	REQUIRE(craft_ask_fresh(&craft, &m, &answer) == MSG_CREATED, "Register");
	int64_t now_s = sim_wall_ms(s) / 1000;
	CHECK(window_is(s, "fresh") && told.contexts->last_success_wall_s == now_s &&
			told.last_contact_wall_s == now_s,
		"after the Echo: fresh, heard of now");
	CHECK(told.contexts->numbers_used == 1, "the challenge used a number of ours");
	sim_run(s, 5000);
	craft.piv--;
	for (int i = 0; i < 3; i++) {
		craft_register(&m, GOOD, LINKS);
		craft_give(&craft, craft_seal(&craft, &m, NULL), &answer);
		craft.piv--;
	}
	const struct adm_context_state *c = context(s);
	CHECK(c->replays == 3 && !c->auth_failures && c->last_refusal &&
			!strcmp(c->last_refusal->code, "replay") && c->last_refusal->count == 3 &&
			c->last_refusal->wall_s == now_s + 5 && c->last_success_wall_s == now_s,
		"replays are told, with the time of the last");
	craft.piv += 5;
	craft.keys.sender_key[0] ^= 1;
	craft_register(&m, GOOD, LINKS);
	craft_give(&craft, craft_seal(&craft, &m, NULL), &answer);
	c = context(s);
	CHECK(c->auth_failures == 1 && !strcmp(c->last_refusal->code, "decryption-failed") &&
			!strcmp(told.last_refusal->code, "decryption-failed"),
		"failed verifications too, the newest first");
	sim_crash(s);
	CHECK(window_is(s, "sealed"), "after a crash: sealed up to what was seen");
	ep_find(&s->core->dir, SPAN_LIT("crafted"))->contexts->stale = true;
	CHECK(window_is(s, "stale"), "set back");
	sim_close(s);
}

/* Notes are bounded, and the newest stay. */
static void notes(void)
{
	struct sim *s = &sim;
	sim_init(s, 3);
	sim_open(s);
	provision(s);
	struct endpoint *e = ep_find(&s->core->dir, SPAN_LIT("crafted"));
	for (int i = 0; i < EP_REASON_COUNT; i++)
		ep_note(&s->core->dir, e, (enum ep_reason)i, 1000 * i);
	size_t n = 0;
	for (const struct ep_note *k = e->notes; k; k = k->next, n++)
		CHECK(k->reason == EP_REASON_COUNT - 1 - n, "the newest first");
	CHECK(n == EP_NOTES_MAX, "no more than that");
	ep_note_under(&s->core->dir, e, e->contexts, EP_REASON_REPLAY, 70000);
	ep_note(&s->core->dir, e, EP_REASON_REPLAY, 80000);
	REQUIRE(explain(s, "crafted"), "explained");
	n = 0;
	for (size_t i = 0; i < told.reason_n; i++)
		n += !strcmp(told.reasons[i].code, "replay") && told.reasons[i].count == 2 &&
		     told.reasons[i].wall_s == 80;
	CHECK(n == 1, "a reason is told once, whatever it was under");
	sim_close(s);
}

/* ---- names */

static const struct {
	const char *what, *name, *similar; /* with blanks between; "": none */
} names[] = {
	{"a letter too few: the nearest first", "mete-1", "meter-1 meter-2"},
	{"a letter too many, in the middle", "metter-2", "meter-2 meter-1"},
	{"another letter at the end: equals by name", "meter-3", "meter-1 meter-2"},
	{"case does not count", "METER-1", "meter-1 meter-2"},
	{"two letters", "mxtxr-1", "meter-1"},
	{"three letters", "xxxer-1", ""},
	{"the start of names", "gate", "gateway-of-the-north gateway-of-the-south"},
	{"too little of it", "ga", ""},
	{"what it is called at the server", "urn:dev:7", "pump"},
	{"nothing like it", "zzz", ""},
	{"no more than three", "valve-0", "valve-1 valve-2 valve-3"},
};

static void similar(void)
{
	static const char *const known[] = {"gateway-of-the-south", "valve-4", "meter-2",
		"gateway-of-the-north", "valve-3", "meter-1", "valve-1", "valve-2", "pump"};
	struct sim *s = &sim;
	sim_init(s, 4);
	sim_open(s);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		struct adm_settings o = {
			.has_rd_ep = !strcmp(known[i], "pump"), .rd_ep = SPAN_LIT("urn:dev:7")};
		struct adm_ops ops = sim_ops(s, &result);
		ops.endpoint_put(ops.arg, span_str(known[i]), &o, sim_on_done, &result);
		REQUIRE(sim_await(s, &result, 1000) / 100 == 2, "made");
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char got[128];
		struct writer w = wr_make(got, sizeof(got) - 1);
		CHECK(!explain(s, names[i].name), "nobody is called so");
		for (size_t k = 0; k < told.similar_n; k++) {
			wr_str(&w, k ? " " : "");
			wr_bytes(&w, told.similar[k]);
		}
		got[w.n] = '\0';
		CHECK(!strcmp(got, names[i].similar), names[i].what);
	}
	sim_close(s);
}

int main(void)
{
	sentences();
	windows();
	notes();
	similar();
	return test_done();
}
