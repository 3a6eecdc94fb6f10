/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what: unprotected endpoints, names, roles, lifetimes, sleep. */
#include "tests/unit/cmd/sim_check.h"
#include "tests/unit/cmd/sim_plain.h"

static struct sim sim;
static struct sim_result result;

static bool nothing_arrives(
	struct sim *s, bool up, unsigned dev, uint16_t listener, struct span datagram)
{
	(void)s, (void)up, (void)dev, (void)listener, (void)datagram;
	return true;
}

/* ---- unprotected endpoints */

static void set_nosec(struct sim *s, const char *name, bool allow)
{
	struct adm_settings o = {.has_nosec = true, .nosec = allow};
	struct adm_ops ops = sim_ops(s, &result);
	ops.endpoint_put(ops.arg, span_str(name), &o, sim_on_done, &result);
	CHECK(sim_await(s, &result, 1000) == 200, "endpoint settings");
}

static void nosec_row(
	const char *what, bool listener, const char *names, int allowed, bool oscore, uint8_t want)
{
	struct sim *s = &sim;
	struct msg m;
	sim_init(s, 1);
	s->cfg.listen[SIM_SERVER].nosec = listener;
	snprintf(s->cfg.nosec_endpoints, sizeof(s->cfg.nosec_endpoints), "%s", names);
	sim_open(s);
	if (allowed >= 0)
		set_nosec(s, "dev-000000", allowed);
	if (oscore) {
		struct dev_credentials c = sim_credentials(s, 0, DEV_ROLE_SERVER);
		struct adm_oscore o = sim_oscore_of(&c, DEV_ROLE_SERVER);
		CHECK(sim_put_oscore(s, "dev-000000", &o, &result) == 201, "provisioned");
	}
	CHECK(plain_ask(s, 0, SIM_SERVER, MSG_POST, "rd", "ep=dev-000000&lt=60&lwm2m=1.1", &m) ==
			want,
		what);
	sim_close(s);
}

static void nosec(void)
{
	nosec_row("refused by default (SEC-08)", false, "", -1, false, MSG_UNAUTHORIZED);
	nosec_row("allowed by listener", true, "", -1, false, MSG_CREATED);
	nosec_row("allowed by name", false, "dev-000000", -1, false, MSG_CREATED);
	nosec_row("allowed by pattern", false, "other dev-*", -1, false, MSG_CREATED);
	nosec_row("another's pattern", false, "other-* x", -1, false, MSG_UNAUTHORIZED);
	nosec_row("allowed by itself", false, "", 1, false, MSG_CREATED);
	nosec_row("not allowed by itself", false, "", 0, false, MSG_UNAUTHORIZED);
	nosec_row("one with keys is protected from impostors", true, "dev-*", -1, true,
		MSG_UNAUTHORIZED);
	nosec_row("unless it is allowed by itself", false, "", 1, true, MSG_CREATED);
}

/* Register, be read, Update, copies, De-register, without protection. */
static void nosec_life(void)
{
	struct sim *s = &sim;
	struct msg m;
	char path[32];
	sim_init(s, 2);
	s->cfg.listen[SIM_SERVER].nosec = true;
	sim_open(s);
	CHECK(plain_ask(s, 0, SIM_SERVER, MSG_POST, "rd", "ep=plain&lt=60&lwm2m=1.1", &m) ==
			MSG_CREATED,
		"Register");
	const struct opt *a = msg_find(&m, OPT_LOCATION_PATH), *b = a ? msg_next(&m, a) : NULL;
	REQUIRE(b && span_eq_str(a->val, "rd") && !msg_next(&m, b) &&
			!msg_find(&m, OPT_LOCATION_QUERY),
		"the Location is rd and an id (CT-03)");
	CHECK(b->val.n >= 1 && b->val.n <= 16, "the id has at most 16 characters (CT-03)");
	snprintf(path, sizeof(path), "rd/%.*s", (int)b->val.n, (const char *)b->val.p);
	CHECK(plain_ask(s, 0, SIM_SERVER, MSG_POST, path, "", &m) == MSG_CHANGED, "Update");
	CHECK(plain_ask(s, 1, SIM_SERVER, MSG_POST, path, "", &m) == MSG_CHANGED,
		"Update from another address (REG-19, CT-33)");
	sim_crash(s);
	CHECK(plain_ask(s, 0, SIM_SERVER, MSG_POST, path, "lt=100", &m) == MSG_CHANGED,
		"the registration outlives a crash (CT-01)");
	CHECK(plain_ask(s, 0, SIM_SERVER, MSG_DELETE, path, "", &m) == MSG_DELETED, "De-register");
	CHECK(plain_ask(s, 0, SIM_SERVER, MSG_POST, path, "", &m) == MSG_NOT_FOUND, "then 4.04");
	CHECK(plain_ask(s, 0, SIM_BOOTSTRAP, MSG_POST, "bs", "ep=plain", &m) == MSG_UNAUTHORIZED,
		"no keys without protection");
	CHECK(plain_ask(s, 0, SIM_SERVER, MSG_GET, "rd", "", &m) == MSG_METHOD_NOT_ALLOWED,
		"GET /rd");
	CHECK(plain_ask(s, 0, SIM_SERVER, MSG_POST, "nowhere", "", &m) == MSG_NOT_FOUND,
		"other paths");
	sim_close(s);
}

/* ---- names and roles */

static unsigned impostor(struct sim *s, enum dev_role as, enum dev_role provisioned, const char *ep)
{
	struct dev_credentials c = sim_credentials(s, 0, provisioned);
	struct adm_oscore o = sim_oscore_of(&c, provisioned);
	CHECK(sim_put_oscore(s, "dev-000000", &o, &result) == 201, "provisioned");
	c.bootstrap_uri[0] = c.server_uri[0] = '\0';
	snprintf(as == DEV_ROLE_SERVER ? c.server_uri : c.bootstrap_uri, sizeof(c.server_uri),
		"coap://192.0.2.1:%u", sim_ports[as == DEV_ROLE_SERVER ? 0 : 1]);
	snprintf(c.endpoint, sizeof(c.endpoint), "%s", ep);
	unsigned i = sim_device(s, &c);
	sim_begin(s, i);
	sim_run(s, 1000);
	return i;
}

static void refused(const char *what, enum dev_role as, enum dev_role provisioned, const char *ep,
	uint8_t code, const char *reason)
{
	struct sim *s = &sim;
	sim_init(s, 3);
	sim_open(s);
	unsigned i = impostor(s, as, provisioned, ep);
	enum dev_op op = as == DEV_ROLE_SERVER ? DEV_OP_REGISTER : DEV_OP_BOOTSTRAP;
	CHECK(s->dev[i].failed[op] == 1 && s->dev[i].failed_code == code, what);
	CHECK(sim_explains(s, "dev-000000", reason), "explain tells why");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

static void names(void)
{
	refused("ep of another at /rd: 4.00 (REG-03)", DEV_ROLE_SERVER, DEV_ROLE_SERVER, "other",
		MSG_BAD_REQUEST, "ep-mismatch");
	refused("ep of another at /bs: 4.00 (BS-01)", DEV_ROLE_BOOTSTRAP, DEV_ROLE_BOOTSTRAP,
		"other", MSG_BAD_REQUEST, "ep-mismatch");
	refused("a bootstrap context at the server: 4.01", DEV_ROLE_SERVER, DEV_ROLE_BOOTSTRAP,
		"dev-000000", MSG_UNAUTHORIZED, "wrong-role");
	refused("a server context at the bootstrap server: 4.01", DEV_ROLE_BOOTSTRAP,
		DEV_ROLE_SERVER, "dev-000000", MSG_UNAUTHORIZED, "wrong-role");
}

/* The same device is good under an alias (D: bs_ep and rd_ep). */
static void aliases(void)
{
	struct sim *s = &sim;
	struct srv_view v;
	struct adm_settings o = {.has_rd_ep = true, .rd_ep = SPAN_LIT("other")};
	sim_init(s, 4);
	sim_open(s);
	unsigned i = impostor(s, DEV_ROLE_SERVER, DEV_ROLE_SERVER, "other");
	struct adm_ops ops = sim_ops(s, &result);
	ops.endpoint_put(ops.arg, SPAN_LIT("dev-000000"), &o, sim_on_done, &result);
	CHECK(sim_await(s, &result, 1000) == 200, "rd_ep is set");
	sim_run(s, 20000);
	sim_crash(s);
	CHECK(dev_registered(s->dev[i].dev), "a device registers under its alias (OSC-11, CT-102)");
	struct endpoint *e = ep_find(&s->core->dir, SPAN_LIT("dev-000000"));
	srv_view(s->core->srv, e, core_now_ms(s->core), &v);
	CHECK(v.registered && span_eq_str(ep_rd_name(e), "other"), "aliases outlive a crash");
	o.rd_ep = SPAN_LIT("a\0b");
	ops = sim_ops(s, &result);
	ops.endpoint_put(ops.arg, SPAN_LIT("dev-000000"), &o, sim_on_done, &result);
	CHECK(sim_await(s, &result, 1000) == 422 && !s->core->failed,
		"one that cannot be is refused, and nothing else happens");
	sim_close(s);
}

/* ---- lifetimes */

static void expiry(bool crash)
{
	struct sim *s = &sim;
	struct srv_view v;
	sim_init(s, 5);
	s->dev_options.lifetime_s = 60;
	s->dev_options.update_interval_ms = 1000000;
	sim_open(s);
	unsigned i = sim_provision(s, DEV_ROLE_SERVER);
	CHECK(sim_until(s, sim_all_registered, 10000), "registered");
	s->tap = nothing_arrives;
	sim_run(s, 59000);
	CHECK(sim_view(s, i, &v) && v.expires_in_s >= 0 && v.expires_in_s <= 1, "nearly over");
	sim_run(s, 80000);
	CHECK(sim_view(s, i, &v) && v.expires_in_s < 0, "in its grace (REG-18)");
	if (crash) { /* the clock goes on from the last commit, which was the Register's */
		sim_crash(s);
		CHECK(sim_view(s, i, &v), "there after a crash");
	}
	sim_run(s, crash ? 152000 : 13000);
	CHECK(sim_view(s, i, &v), "to the last second");
	sim_run(s, 2000);
	CHECK(!sim_view(s, i, &v), "then it is gone (REG-18)");
	CHECK(sim_explains(s, "dev-000000", "not-registered"), "explain tells so");
	CHECK(sim_dm(s, i, ADM_READ, "/3/0/0", &result) == 404, "and it cannot be asked");
	s->tap = NULL;
	CHECK(sim_until(s, sim_all_registered, 3600000), "its Update gets 4.04; it registers");
	sim_close(s);
}

/* ---- sleep */

static void queue_mode(void)
{
	struct sim *s = &sim;
	struct srv_view v;
	sim_init(s, 6);
	snprintf(s->cfg.binding, sizeof(s->cfg.binding), "UQ");
	s->cfg.lifetime_s = 600;
	s->dev_options.update_interval_ms = 300000;
	sim_open(s);
	unsigned i = sim_provision(s, DEV_ROLE_BOOTSTRAP);
	CHECK(sim_until(s, sim_all_registered, 10000) && sim_view(s, i, &v) && v.queue,
		"queue mode");
	sim_run(s, 80000);
	CHECK(sim_dm(s, i, ADM_READ, "/3/0/0", &result) == 200, "awake for 93 s");
	sim_run(s, 92000);
	CHECK(sim_view(s, i, &v) && !v.asleep, "its answer kept it awake");
	sim_run(s, 2000);
	CHECK(sim_view(s, i, &v) && v.asleep, "asleep after 93 s of silence (QM-03)");
	CHECK(sim_dm(s, i, ADM_READ, "/3/0/0", &result) == 202 && !strcmp(result.type, "asleep"),
		"it waits for the device");
	CHECK(sim_explains(s, "dev-000000", "asleep"), "explain tells so");
	CHECK(sim_until(s, sim_all_registered, 1000), "it is still registered");
	sim_run(s, 150000);
	CHECK(sim_dm(s, i, ADM_READ, "/3/0/0", &result) == 200, "its Update wakes it");
	sim_close(s);
}

/* A device that does not answer, and one behind a NAT that forgets. */
static void reachability(void)
{
	struct sim *s = &sim;
	struct srv_view v;
	sim_init(s, 7);
	s->dev_options.update_interval_ms = 100000;
	sim_open(s);
	unsigned i = sim_provision(s, DEV_ROLE_SERVER);
	CHECK(sim_until(s, sim_all_registered, 10000), "registered");
	CHECK(sim_dm(s, i, ADM_OBSERVE, "/3303/0/5700", &result) == 200, "Observe");
	sim_run(s, 20000);
	s->dev[i].port = 50000;
	CHECK(sim_dm(s, i, ADM_READ, "/3/0/0", &result) == 200,
		"a notification from the new address tells where it is (D5; QM-05, REG-13)");
	CHECK(sim_watch(s, i, "/3303/0/5700").active, "the observation goes on");
	CHECK(sim_view(s, i, &v) && v.peer->addr[4] == 50000 >> 8, "the address is known");
	s->tap = nothing_arrives;
	CHECK(sim_dm(s, i, ADM_READ, "/3/0/0", &result) == 504 && !strcmp(result.type, "timeout"),
		"504 timeout");
	CHECK(sim_explains(s, "dev-000000", "no-answer"), "explain tells so (TRN-UDP-2)");
	s->tap = NULL;
	sim_run(s, 400000);
	CHECK(sim_until(s, sim_all_registered, 400000) && sim_watch(s, i, "/3303/0/5700").active,
		"everything is set up again (IR-06, CT-34)");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

/* An Observe waits while the registration it needs ends: it ends once, with 503. */
static void observe_pending(void)
{
	enum { CREDENTIALS_GO, CREDENTIALS_CHANGE, ENDPOINT_GOES, LIFETIME_ENDS, WAYS };
	static const char *const what[] = {"credentials are deleted",
		"credentials are replaced (BS-36)", "the endpoint is deleted", "the lifetime ends"};
	for (int how = 0; how < WAYS; how++) {
		struct sim *s = &sim;
		static struct sim_result other;
		sim_init(s, 9);
		s->dev_options.lifetime_s = 60;
		sim_open(s);
		unsigned i = sim_provision(s, DEV_ROLE_SERVER);
		CHECK(sim_until(s, sim_all_registered, 10000), "registered");
		s->tap = nothing_arrives;
		sim_run(s, how == LIFETIME_ENDS ? 130000 : 1000);
		struct adm_dm d = sim_dm_of(s, i, ADM_OBSERVE, "/3303/0/5700");
		sim_dm_begin(s, &d, &result);
		CHECK(!result.done, "Observe waits");
		struct dev_credentials c = sim_credentials(s, i, DEV_ROLE_SERVER);
		struct adm_oscore o = sim_oscore_of(&c, DEV_ROLE_SERVER);
		o.master_secret = SPAN_LIT("another secret..");
		struct adm_ops ops = sim_ops(s, &other);
		if (how == CREDENTIALS_GO)
			ops.oscore_delete(ops.arg, d.endpoint, false, sim_on_done, &other);
		else if (how == CREDENTIALS_CHANGE)
			ops.oscore_put(ops.arg, d.endpoint, &o, sim_on_done, &other);
		else if (how == ENDPOINT_GOES)
			ops.endpoint_delete(ops.arg, d.endpoint, sim_on_done, &other);
		sim_turn(s);
		sim_run(s, 30000);
		CHECK(result.done && result.status == 503 && !strcmp(result.type, "cancelled"),
			what[how]);
		s->tap = NULL;
		sim_run(s, 700000);
		CHECK(result.calls == 1, "once");
		sim_close(s);
	}
}

/* Nothing arrives, no timer is due: a question gets the time of its own. */
static void idle(void)
{
	struct sim *s = &sim;
	struct adm_status status;
	struct adm_ops ops;
	sim_init(s, 8);
	sim_open(s);
	core_admin_ops(s->core, &ops);
	s->now_us += UINT64_C(90000000);
	ops.status(ops.arg, &status);
	CHECK(status.uptime_s == 90, "up for 90 s");
	sim_close(s);
}

int main(void)
{
	nosec();
	nosec_life();
	names();
	aliases();
	expiry(false);
	expiry(true);
	queue_mode();
	reachability();
	observe_pending();
	idle();
	return test_done();
}
