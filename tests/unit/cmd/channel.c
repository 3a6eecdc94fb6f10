/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what by DTLS: names, roles, what is required, what becomes of credentials. */
#include "tests/unit/cmd/sim_craft.h"
#include "tests/unit/cmd/sim_plain.h"

static struct sim sim;
static struct craft craft;
static struct sim_result result;

#define KEY   "0123456789abcdef"
#define LINKS "</1/0>,</3/0>"

static int put_psk(struct sim *s, const char *name, bool bootstrap, const char *identity)
{
	struct adm_ops ops = sim_ops(s, &result);
	struct adm_psk p = {bootstrap, span_str(identity), SPAN_LIT(KEY)};
	ops.psk_put(ops.arg, span_str(name), &p, sim_on_done, &result);
	return sim_await(s, &result, 10000);
}

static int delete_psk(struct sim *s, const char *name, bool bootstrap)
{
	struct adm_ops ops = sim_ops(s, &result);
	ops.psk_delete(ops.arg, span_str(name), bootstrap, sim_on_done, &result);
	return sim_await(s, &result, 10000);
}

static int require(struct sim *s, const char *name, uint8_t what)
{
	struct adm_ops ops = sim_ops(s, &result);
	struct adm_settings set = {.has_require = true, .require = what};
	ops.endpoint_put(ops.arg, span_str(name), &set, sim_on_done, &result);
	return sim_await(s, &result, 10000);
}

static uint64_t mark(struct sim *s, size_t listener, const char *identity)
{
	struct channel_psk psk = {0};
	return core_psk(s->core, listener, span_str(identity), &psk) ? psk.mark : 0;
}

/* By a channel that was opened with that mark. */
static uint8_t ask(struct sim *s, uint64_t by, uint8_t code, const char *path, const char *query)
{
	struct msg m;
	struct plain r = {.listener = SIM_SERVER,
		.code = code,
		.path = path,
		.query = query,
		.channel = true,
		.mark = by};
	if (!strcmp(path, "rd"))
		r.payload = SPAN_LIT(LINKS);
	return plain_send(s, &r, &m);
}

/* ---- what is required, of whom, and what is there */

static const struct {
	const char *what;
	uint8_t listener, endpoint; /* enum ep_require */
	bool oscore;
	char channel; /* '-', 'o'wn, 'f'oreign */
	uint8_t want;
} policies[] = {
	{"nothing required, DTLS", 0, 0, false, 'o', MSG_CREATED},
	{"nothing required, OSCORE", 0, 0, true, '-', MSG_CREATED},
	{"nothing required, both", 0, 0, true, 'o', MSG_CREATED},
	{"nothing required, OSCORE through the channel of a proxy", 0, 0, true, 'f', MSG_CREATED},
	{"the listener wants OSCORE, DTLS", 1, 0, false, 'o', MSG_UNAUTHORIZED},
	{"the listener wants OSCORE, both", 1, 0, true, 'o', MSG_CREATED},
	{"the listener wants DTLS, OSCORE", 2, 0, true, '-', MSG_UNAUTHORIZED},
	{"the listener wants DTLS, DTLS", 2, 0, false, 'o', MSG_CREATED},
	{"the listener wants DTLS, OSCORE in another's channel", 2, 0, true, 'f', MSG_UNAUTHORIZED},
	{"the listener wants both, both", 3, 0, true, 'o', MSG_CREATED},
	{"the listener wants both, DTLS", 3, 0, false, 'o', MSG_UNAUTHORIZED},
	{"the listener wants both, OSCORE", 3, 0, true, '-', MSG_UNAUTHORIZED},
	{"the endpoint wants OSCORE, DTLS", 0, 1, false, 'o', MSG_UNAUTHORIZED},
	{"the endpoint wants DTLS, OSCORE", 0, 2, true, '-', MSG_UNAUTHORIZED},
	{"the endpoint wants both, both", 0, 3, true, 'o', MSG_CREATED},
	{"one wants OSCORE, the other DTLS: DTLS", 1, 2, false, 'o', MSG_UNAUTHORIZED},
	{"one wants OSCORE, the other DTLS: both", 1, 2, true, 'o', MSG_CREATED},
};

static uint8_t by_oscore(struct sim *s, uint64_t by)
{
	struct msg m, answer;
	craft.mark = by;
	craft.peer.bearer = by ? BEARER_DTLS : BEARER_UDP;
	craft.peer.connection = by != 0;
	craft_register(&m, "lt=60&lwm2m=1.1", LINKS);
	(void)s;
	return craft_ask_fresh(&craft, &m, &answer);
}

static void test_policies(void)
{
	struct sim *s = &sim;
	for (size_t i = 0; i < sizeof(policies) / sizeof(*policies); i++) {
		sim_init(s, 1);
		s->cfg.listen[SIM_SERVER].require = policies[i].listener;
		sim_open(s);
		craft_open(&craft, s, DEV_ROLE_SERVER);
		REQUIRE(put_psk(s, "crafted", false, "me") == 201, "a PSK");
		REQUIRE(put_psk(s, "other", false, "you") == 201, "another's");
		REQUIRE(require(s, "crafted", policies[i].endpoint) == 200, "a policy");
		char c = policies[i].channel;
		uint64_t by = c == '-' ? 0 : mark(s, SIM_SERVER, c == 'o' ? "me" : "you");
		uint8_t got = policies[i].oscore
				      ? by_oscore(s, by)
				      : ask(s, by, MSG_POST, "rd", "ep=crafted&lt=60&lwm2m=1.1");
		CHECK(got == policies[i].want, policies[i].what);
		sim_close(s);
	}
}

/* ---- names and roles (SEC-07) */

static void test_names(void)
{
	struct sim *s = &sim;
	sim_init(s, 1);
	sim_open(s);
	REQUIRE(put_psk(s, "a", false, "ia") == 201 && put_psk(s, "b", false, "ib") == 201 &&
			put_psk(s, "a", true, "ia") == 201,
		"keys");
	CHECK(put_psk(s, "a", false, "ia") == 200, "again it is there");
	CHECK(put_psk(s, "b", false, "ia") == 409, "an identity is one endpoint's in a role");
	CHECK(!mark(s, SIM_SERVER, "ic"), "a stranger's identity");
	CHECK(mark(s, SIM_SERVER, "ia") != mark(s, SIM_BOOTSTRAP, "ia"),
		"roles have keys of their own");
	CHECK(!mark(s, SIM_BOOTSTRAP, "ib"), "and one is not the other's");
	uint64_t a = mark(s, SIM_SERVER, "ia"), b = mark(s, SIM_SERVER, "ib");
	CHECK(ask(s, a, MSG_POST, "rd", "ep=b&lt=60&lwm2m=1.1") == MSG_BAD_REQUEST,
		"a registers as b (SEC-07)");
	CHECK(ask(s, a, MSG_POST, "rd", "ep=a&lt=60&lwm2m=1.1") == MSG_CREATED, "and as itself");
	CHECK(ask(s, b, MSG_POST, "rd", "lt=60&lwm2m=1.1") == MSG_CREATED, "a name is not needed");
	CHECK(ask(s, mark(s, SIM_BOOTSTRAP, "ia"), MSG_POST, "rd", "ep=a&lt=60&lwm2m=1.1") ==
			MSG_UNAUTHORIZED,
		"the key of one role at the listener of the other");
	CHECK(ask(s, 0, MSG_POST, "rd", "ep=a&lt=60&lwm2m=1.1") == MSG_UNAUTHORIZED,
		"a channel of nobody");
	sim_close(s);
}

/* ---- a registration and its channel */

static const char *location(struct sim *s, const char *name)
{
	static char path[32];
	struct srv_view v;
	srv_view(s->core->srv, ep_find(&s->core->dir, span_str(name)), 0, &v);
	snprintf(path, sizeof(path), "rd/%.*s", (int)v.location.n, (const char *)v.location.p);
	return v.registered ? path : "none";
}

static bool registered(struct sim *s, const char *name)
{
	return strcmp(location(s, name), "none") != 0;
}

static void test_life(void)
{
	struct sim *s = &sim;
	sim_init(s, 1);
	sim_open(s);
	REQUIRE(put_psk(s, "a", false, "ia") == 201 && put_psk(s, "b", false, "ib") == 201, "keys");
	uint64_t a = mark(s, SIM_SERVER, "ia"), b = mark(s, SIM_SERVER, "ib");
	REQUIRE(ask(s, a, MSG_POST, "rd", "ep=a&lt=600&lwm2m=1.1") == MSG_CREATED, "Register");
	CHECK(ask(s, b, MSG_POST, location(s, "a"), "") == MSG_NOT_FOUND, "b updates a");
	CHECK(ask(s, b, MSG_DELETE, location(s, "a"), "") == MSG_NOT_FOUND, "b ends a");
	struct plain open = {
		.listener = SIM_SERVER, .code = MSG_POST, .path = location(s, "a"), .query = ""};
	struct msg m;
	CHECK(plain_send(s, &open, &m) == MSG_UNAUTHORIZED, "a stranger updates a");
	CHECK(ask(s, a, MSG_POST, location(s, "a"), "") == MSG_CHANGED, "a updates a");
	sim_crash(s);
	CHECK(mark(s, SIM_SERVER, "ia") == a, "the mark outlives a crash");
	CHECK(registered(s, "a"), "and so does the registration");
	CHECK(ask(s, a, MSG_POST, location(s, "a"), "") == MSG_CHANGED, "which a updates");
	CHECK(put_psk(s, "a", false, "other") == 201, "it gets another identity");
	CHECK(registered(s, "a"), "and stays registered");
	CHECK(ask(s, a, MSG_POST, location(s, "a"), "") == MSG_UNAUTHORIZED,
		"but what was opened with the old one serves no more");
	CHECK(ask(s, mark(s, SIM_SERVER, "other"), MSG_POST, location(s, "a"), "") == MSG_CHANGED,
		"the new one does");
	CHECK(require(s, "a", EP_REQUIRE_OSCORE) == 200 && !registered(s, "a"),
		"a registration that would be refused now ends");
	REQUIRE(ask(s, b, MSG_POST, "rd", "ep=b&lt=600&lwm2m=1.1") == MSG_CREATED, "Register");
	CHECK(delete_psk(s, "b", true) == 404, "there is none in the other role");
	CHECK(delete_psk(s, "b", false) == 204 && !registered(s, "b"), "with its key it ends");
	CHECK(ask(s, b, MSG_POST, "rd", "ep=b&lt=600&lwm2m=1.1") == MSG_UNAUTHORIZED,
		"and none is made by it");
	sim_crash(s);
	CHECK(!mark(s, SIM_SERVER, "ib") && mark(s, SIM_SERVER, "other"), "so it is in storage");
	sim_close(s);
}

/* ---- who has a key is not to be taken for somebody without */

static void test_nosec(void)
{
	struct sim *s = &sim;
	struct msg m;
	sim_init(s, 1);
	s->cfg.listen[SIM_SERVER].nosec = true;
	sim_open(s);
	REQUIRE(put_psk(s, "a", false, "ia") == 201 && require(s, "b", EP_REQUIRE_CHANNEL) == 200,
		"endpoints");
	CHECK(plain_ask(s, 1, SIM_SERVER, MSG_POST, "rd", "ep=a&lt=60&lwm2m=1.1", &m) ==
			MSG_UNAUTHORIZED,
		"one that has a key does not come without");
	CHECK(plain_ask(s, 1, SIM_SERVER, MSG_POST, "rd", "ep=b&lt=60&lwm2m=1.1", &m) ==
			MSG_UNAUTHORIZED,
		"nor one of which something is required");
	CHECK(plain_ask(s, 1, SIM_SERVER, MSG_POST, "rd", "ep=c&lt=60&lwm2m=1.1", &m) ==
			MSG_CREATED,
		"others do");
	sim_close(s);
}

/* One context over UDP and in channels: its window and numbers are one. */
static void test_moves(void)
{
	struct sim *s = &sim;
	struct msg m, answer;
	sim_init(s, 1);
	sim_open(s);
	craft_open(&craft, s, DEV_ROLE_SERVER);
	REQUIRE(put_psk(s, "crafted", false, "me") == 201, "a PSK");
	CHECK(by_oscore(s, 0) == MSG_CREATED, "it registers over UDP");
	char path[32];
	snprintf(path, sizeof(path), "%s", location(s, "crafted"));
	for (int i = 0; i < 4; i++) {
		craft.mark = i % 2 ? 0 : mark(s, SIM_SERVER, "me");
		craft.peer.bearer = i % 2 ? BEARER_UDP : BEARER_DTLS;
		craft.peer.connection = (uint16_t)(i % 2 ? 0 : i + 1);
		craft_request(&m, MSG_POST, path, "");
		CHECK(craft_ask(&craft, &m, &answer) == MSG_CHANGED, "an Update from elsewhere");
		struct srv_view v;
		srv_view(s->core->srv, ep_find(&s->core->dir, SPAN_LIT("crafted")), 0, &v);
		CHECK(v.peer && v.peer->bearer == craft.peer.bearer, "moves it there");
		CHECK_BYTES(span_str(ep_security_text(v.ctx, v.peer)),
			span_str(i % 2 ? "oscore" : "oscore+dtls"), "and says what protects it");
		struct span old = craft.sent;
		craft.peer.bearer = i % 2 ? BEARER_DTLS : BEARER_UDP;
		CHECK(craft_give(&craft, old, &answer) == answer.code &&
				msg_find(&answer, OPT_OSCORE),
			"a copy by the other way gets the same answer");
	}
	sim_close(s);
}

int main(void)
{
	test_policies();
	test_names();
	test_life();
	test_nosec();
	test_moves();
	return test_done();
}
