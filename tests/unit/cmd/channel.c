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

/* ---- certificates and raw public keys */

static const char spki[] =
	"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce"
	"\x3d\x03\x01\x07\x03\x42\x00\x04" KEY KEY KEY KEY;

static struct span raw_key(char first)
{
	static uint8_t buf[CHANNEL_SPKI_BYTES];
	memcpy(buf, spki, sizeof(buf));
	buf[27] = (uint8_t)first;
	return SPAN_OF(buf);
}

static int put_peer(
	struct sim *s, const char *name, bool bootstrap, enum adm_peer_by by, struct span value)
{
	struct adm_ops ops = sim_ops(s, &result);
	struct adm_peer p = {bootstrap, by, value};
	ops.peer_put(ops.arg, span_str(name), &p, sim_on_done, &result);
	return sim_await(s, &result, 10000);
}

static int delete_peer(struct sim *s, const char *name, bool raw, bool bootstrap)
{
	struct adm_ops ops = sim_ops(s, &result);
	ops.peer_delete(ops.arg, span_str(name), raw, bootstrap, sim_on_done, &result);
	return sim_await(s, &result, 10000);
}

static void on_peer(void *arg, const struct adm_peer_view *v)
{
	struct writer *w = arg;
	wr_fmt(w, "%s %d %.*s;", v->role, v->by, (int)v->value.n, (const char *)v->value.p);
}

/* What is told of its certificates. */
static struct span peers(struct sim *s, const char *name, bool raw)
{
	static uint8_t text[512];
	struct adm_ops ops = sim_ops(s, &result);
	struct writer w = wr_make(text, sizeof(text));
	CHECK(!ops.peer_list(ops.arg, span_str(name), raw, on_peer, &w), "a list");
	return wr_span(&w);
}

/* A certificate with these names, separated by spaces; its fingerprint is made of `print`. */
static struct channel_peer certificate(const char *names, char print, bool trusted)
{
	struct channel_peer p = {.trusted = trusted, .subject = SPAN_LIT("CN=subject")};
	memset(p.sha256, print, sizeof(p.sha256));
	while (*names) {
		size_t n = strcspn(names, " ");
		p.name[p.name_n++] = span_make(names, n);
		names += n + (names[n] == ' ');
	}
	return p;
}

static struct channel_owner owner;

static enum channel_fault look(struct sim *s, size_t listener, struct channel_peer p)
{
	return core_channel_peer(s->core, listener, &p, &owner);
}

/* The same once its key is proven; the turn is ended. */
static enum channel_fault prove(struct sim *s, size_t listener, struct channel_peer p)
{
	p.proven = true;
	sim_time(s);
	enum channel_fault f = core_channel_peer(s->core, listener, &p, &owner);
	sim_turn(s);
	sim_run(s, 1000);
	return f;
}

static struct span named(void)
{
	return span_make(owner.name, owner.name_n);
}

/* Who gets in by which policy, with "known" an endpoint and "pinned" one that was given a
 * certificate. */
static const struct {
	const char *what, *names;
	char print;
	bool trusted;
	uint8_t policy;
	enum channel_fault want;
	const char *whose;
} peer_rows[] = {
	{"a known name", "known", 1, true, CFG_CERTIFICATES_KNOWN, CHANNEL_FAULT_NONE, "known"},
	{"a known name, as the second", "x known", 1, true, CFG_CERTIFICATES_KNOWN,
		CHANNEL_FAULT_NONE, "known"},
	{"a known name, from no CA", "known", 1, false, CFG_CERTIFICATES_KNOWN,
		CHANNEL_FAULT_ISSUER, "known"},
	{"an unknown name (SEC-06)", "ghost", 1, true, CFG_CERTIFICATES_KNOWN, CHANNEL_FAULT_NAME,
		"ghost"},
	{"no name", "", 1, true, CFG_CERTIFICATES_ANY, CHANNEL_FAULT_NAME, ""},
	{"an unknown name where any is good", "ghost", 1, true, CFG_CERTIFICATES_ANY,
		CHANNEL_FAULT_NONE, "ghost"},
	{"an unknown name from no CA where any is good", "ghost", 1, false, CFG_CERTIFICATES_ANY,
		CHANNEL_FAULT_ISSUER, "ghost"},
	{"a name that is no UTF-8", "\xff", 1, true, CFG_CERTIFICATES_ANY, CHANNEL_FAULT_NAME,
		"\xff"},
	{"a known name where it has to be given one", "known", 1, true, CFG_CERTIFICATES_MAPPED,
		CHANNEL_FAULT_NAME, "known"},
	{"the one that was given", "x", 7, true, CFG_CERTIFICATES_MAPPED, CHANNEL_FAULT_NONE,
		"pinned"},
	{"the one that was given, from no CA", "x", 7, false, CFG_CERTIFICATES_KNOWN,
		CHANNEL_FAULT_NONE, "pinned"},
	{"its name, with another one", "pinned", 8, true, CFG_CERTIFICATES_ANY, CHANNEL_FAULT_OTHER,
		"pinned"},
	{"its name, with another one from no CA", "pinned", 8, false, CFG_CERTIFICATES_ANY,
		CHANNEL_FAULT_ISSUER, "pinned"},
};

static void test_peers(void)
{
	struct sim *s = &sim;
	for (size_t i = 0; i < sizeof(peer_rows) / sizeof(*peer_rows); i++) {
		sim_init(s, 1);
		s->cfg.listen[SIM_SERVER].certificates = peer_rows[i].policy;
		sim_open(s);
		uint8_t pin[32];
		memset(pin, 7, sizeof(pin));
		REQUIRE(require(s, "known", 0) == 200 || require(s, "known", 0) == 201, "known");
		REQUIRE(put_peer(s, "pinned", false, ADM_PEER_SHA256, SPAN_OF(pin)) == 201,
			"a pin");
		struct channel_peer p =
			certificate(peer_rows[i].names, peer_rows[i].print, peer_rows[i].trusted);
		CHECK(look(s, SIM_SERVER, p) == peer_rows[i].want, peer_rows[i].what);
		CHECK_BYTES(named(), span_str(peer_rows[i].whose), peer_rows[i].what);
		CHECK(!ep_find(&s->core->dir, SPAN_LIT("ghost")), "nothing is made of what is not "
								  "proven");
		CHECK(prove(s, SIM_SERVER, p) == peer_rows[i].want, peer_rows[i].what);
		CHECK((owner.mark != 0) == !peer_rows[i].want, "then it has a credential");
		sim_close(s);
	}
}

/* What a first handshake brings is there afterwards, and over a crash; others come by subject.
 * Proves: SEC-06, SEC-07 */
static void test_certificate_life(void)
{
	struct sim *s = &sim;
	sim_init(s, 1);
	s->cfg.listen[SIM_SERVER].certificates = CFG_CERTIFICATES_ANY;
	sim_open(s);
	struct channel_peer a = certificate("a", 1, true);
	REQUIRE(!look(s, SIM_SERVER, a) && !owner.mark && !prove(s, SIM_SERVER, a), "a comes");
	uint64_t mark = owner.mark;
	CHECK(mark && !look(s, SIM_SERVER, a) && owner.mark == mark, "and is known");
	CHECK_BYTES(peers(s, "a", false), SPAN_LIT("server 2 a;"), "by its name");
	CHECK(core_credential_known(s->core, SIM_SERVER, mark) &&
			!core_credential_known(s->core, SIM_BOOTSTRAP, mark),
		"as a device of that role");
	CHECK(ask(s, mark, MSG_POST, "rd", "ep=b&lt=60&lwm2m=1.1") == MSG_BAD_REQUEST,
		"under another's name it gets 4.00 (SEC-07)");
	CHECK(ask(s, mark, MSG_POST, "rd", "ep=a&lt=600&lwm2m=1.1") == MSG_CREATED,
		"and registers");
	sim_crash(s);
	CHECK(ask(s, mark, MSG_POST, location(s, "a"), "") == MSG_CHANGED, "it outlives a crash");
	CHECK(put_peer(s, "a", false, ADM_PEER_SUBJECT, SPAN_LIT("CN=subject")) == 201,
		"it is given one by subject");
	CHECK(ask(s, mark, MSG_POST, location(s, "a"), "") == MSG_UNAUTHORIZED,
		"then that by name serves no more");
	CHECK(registered(s, "a"), "but it stays registered");
	CHECK(!look(s, SIM_SERVER, certificate("b", 2, true)) && owner.mark && owner.mark != mark,
		"that by subject does, whatever its name");
	CHECK_BYTES(named(), SPAN_LIT("a"), "and is a's");
	a.subject = SPAN_EMPTY;
	CHECK(look(s, SIM_SERVER, a) == CHANNEL_FAULT_OTHER, "one without that subject is not");
	CHECK(put_peer(s, "b", false, ADM_PEER_SUBJECT, SPAN_LIT("CN=subject")) == 409,
		"a subject is one endpoint's");
	CHECK(delete_peer(s, "a", false, true) == 404, "it has none for bootstrap");
	CHECK(delete_peer(s, "a", false, false) == 204 && !registered(s, "a"),
		"without it the registration ends");
	sim_crash(s);
	CHECK(peers(s, "a", false).n == 0, "so it is in storage");
	sim_close(s);
}

/* Proves: SEC-05 */
static void test_raw_keys(void)
{
	struct sim *s = &sim;
	sim_init(s, 1);
	sim_open(s);
	struct channel_peer p = {.raw_key = raw_key('1')};
	CHECK(look(s, SIM_SERVER, p) == CHANNEL_FAULT_RAW_KEY, "nobody has that key");
	CHECK(put_peer(s, "a", false, ADM_PEER_RAW_KEY, raw_key('1')) == 201, "it gets one");
	CHECK(put_peer(s, "a", false, ADM_PEER_RAW_KEY, raw_key('1')) == 200, "which it has");
	CHECK(put_peer(s, "b", false, ADM_PEER_RAW_KEY, raw_key('1')) == 409, "alone");
	CHECK(put_peer(s, "b", true, ADM_PEER_RAW_KEY, SPAN_LIT("x")) == 422 ||
			result.status == 400 || result.status == 500,
		"what is no key is none");
	CHECK(!look(s, SIM_SERVER, p) && owner.mark, "it gets in");
	CHECK_BYTES(named(), SPAN_LIT("a"), "as itself");
	uint64_t mark = owner.mark;
	CHECK(look(s, SIM_BOOTSTRAP, p) == CHANNEL_FAULT_RAW_KEY, "not at the other listener");
	p.raw_key = raw_key('2');
	CHECK(look(s, SIM_SERVER, p) == CHANNEL_FAULT_RAW_KEY, "nor with a key that is nearly it");
	CHECK(ask(s, mark, MSG_POST, "rd", "ep=a&lt=60&lwm2m=1.1") == MSG_CREATED, "it registers");
	sim_crash(s);
	p.raw_key = raw_key('1');
	CHECK(!look(s, SIM_SERVER, p) && owner.mark == mark, "also after a crash");
	CHECK(delete_peer(s, "a", true, false) == 204 && !registered(s, "a"), "it is taken away");
	CHECK(look(s, SIM_SERVER, p) == CHANNEL_FAULT_RAW_KEY, "and it gets in no more");
	sim_close(s);
}

int main(void)
{
	test_policies();
	test_names();
	test_life();
	test_nosec();
	test_moves();
	test_peers();
	test_certificate_life();
	test_raw_keys();
	return test_done();
}
