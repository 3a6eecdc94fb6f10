/* SPDX-License-Identifier: Apache-2.0 */
/* Several requests under way to one device at once, over good and bad networks, through power cuts
 * of the daemon and a device that challenges: each is done once, and its answer is its own. */
#include "endpoint/exchange_impl.h"
#include "tests/unit/cmd/sim_admin.h"

enum { OPS = 24, NSTART = 4 };

static struct sim sim;
static struct sim_result result, of[OPS];
static unsigned most; /* under way at once */

static void open_device(struct sim *s, uint64_t seed, bool queue)
{
	struct adm_settings set = {.has_nstart = true, .pace = {.nstart = NSTART}};
	sim_init(s, seed);
	s->dev_options.queue = queue;
	s->dev_options.recover = DEV_RECOVER_ANSWER;
	sim_open(s);
	sim_provision(s, DEV_ROLE_SERVER);
	CHECK(sim_until(s, sim_all_registered, 10000), "registered");
	struct adm_ops ops = sim_ops(s, &result);
	ops.endpoint_put(ops.arg, sim_name(s, 0), &set, sim_on_done, &result);
	CHECK(sim_await(s, &result, 10000) < 300 && result.done, "nstart is set");
	CHECK(sim_explains(s, dev_endpoint(s->dev[0].dev), "requests"), "as explain tells");
	most = 0;
}

static void close_device(struct sim *s)
{
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

static const struct ep_conversation *conversation(struct sim *s)
{
	const struct endpoint *e = ep_find(&s->core->dir, sim_name(s, 0));
	const struct ep_context *c = e ? e->contexts : NULL;
	while (c && !c->conv)
		c = c->next_of_endpoint;
	return c ? c->conv : NULL;
}

/* What op i asks for: a time zone is written in its turn, else something is read or executed. */
static const struct {
	enum adm_dm_kind kind;
	const char *path, *text;
} asks[] = {
	{ADM_READ, "/3/0/0", "Lanyard"},
	{ADM_EXECUTE, "/3/0/12", ""},
	{ADM_READ, "/19/0/0/0", NULL},
	{ADM_WRITE, "/3/0/15", "Europe/Vienna"},
	{ADM_READ, "/3/0/14", NULL},
	{ADM_EXECUTE, "/3303/0/5605", ""},
};
enum { KINDS = sizeof(asks) / sizeof(*asks) };

static void begin(struct sim *s, unsigned i)
{
	struct adm_dm d = sim_dm_of(s, 0, asks[i % KINDS].kind, asks[i % KINDS].path);
	struct lwm_record rec = {.kind = LWM_RECORD_VALUE,
		.path = d.path,
		.value = {.type = LWM_STRING, .bytes = span_str(asks[i % KINDS].text)}};
	if (d.kind == ADM_WRITE) {
		d.records = &rec;
		d.record_n = 1;
	}
	sim_dm_begin(s, &d, &of[i]);
}

static unsigned open_calls(void)
{
	unsigned n = 0;
	for (unsigned i = 0; i < OPS; i++)
		n += !of[i].done;
	return n;
}

static void step(struct sim *s)
{
	(void)sim_step(s, s->now_us + 60000000);
	const struct ep_conversation *v = conversation(s);
	most = v && v->current_n > most ? v->current_n : most;
}

/* At most 16 wait for a device: the rest is asked for as they end. */
static void run_all(struct sim *s)
{
	unsigned begun = 0;
	memset(of, 0, sizeof(of));
	for (int i = 0; i < 200000 && (begun < OPS || open_calls()); i++) {
		const struct ep_conversation *v = conversation(s);
		if (begun < OPS && (!v || v->queue_n < EP_QUEUE_MAX / 2))
			begin(s, begun++);
		else
			step(s);
	}
}

static bool own_answer(unsigned i)
{
	const char *text = asks[i % KINDS].text;
	if (asks[i % KINDS].kind != ADM_READ)
		return of[i].code == MSG_CHANGED && !of[i].n;
	return of[i].code == MSG_CONTENT &&
	       (!text || (of[i].n == strlen(text) && !memcmp(of[i].payload, text, of[i].n)));
}

static void over(uint64_t seed, struct sim_net net)
{
	struct sim *s = &sim;
	unsigned good = 0, executed = 0, wrote = 0;
	open_device(s, seed, false);
	s->net = net;
	run_all(s);
	for (unsigned i = 0; i < OPS; i++) {
		bool ok = of[i].status == 200;
		CHECK(of[i].calls == 1 && (!ok || own_answer(i)), "each has its own answer, once");
		good += ok;
		executed += ok && asks[i % KINDS].kind == ADM_EXECUTE;
		wrote += ok && asks[i % KINDS].kind == ADM_WRITE;
	}
	CHECK(most == NSTART, "as many are under way as may be, and no more");
	CHECK(good >= OPS - 2 && (good == OPS || net.loss), "they are answered");
	CHECK(s->dev[0].seen[DEV_EVENT_EXECUTE] >= executed &&
			s->dev[0].seen[DEV_EVENT_EXECUTE] <= OPS / 3 &&
			s->dev[0].seen[DEV_EVENT_WRITE] >= wrote &&
			s->dev[0].seen[DEV_EVENT_WRITE] <= OPS / 6,
		"and done, each once at most");
	close_device(s);
}

enum cut { POWER, STOP, CHALLENGE };

/* With several under way the daemon loses power, or is stopped and started again, or the device
 * wants a proof that it is there. */
static void cut(uint64_t seed, enum cut how, struct sim_net net)
{
	struct sim *s = &sim;
	unsigned executes = 0;
	open_device(s, seed, false);
	s->net = net;
	memset(of, 0, sizeof(of));
	for (unsigned i = 0; i < 12; i++) {
		executes += asks[i % KINDS].kind == ADM_EXECUTE;
		begin(s, i);
	}
	for (uint64_t n = sim_draw(s, 12); n; n--)
		step(s);
	if (how == CHALLENGE)
		s->dev[0].dev->ctx[DEV_ROLE_SERVER]->challenge = true;
	else if (how == STOP)
		sim_restart(s);
	else
		sim_crash(s);
	CHECK(sim_until(s, sim_all_registered, 600000), "it is there again");
	sim_run(s, 200000);
	for (unsigned i = 0; i < 12; i++)
		CHECK(of[i].calls == 1 && (of[i].status != 200 || own_answer(i)),
			"who waited is told, once");
	CHECK(s->dev[0].seen[DEV_EVENT_EXECUTE] <= executes, "nothing is done twice");
	CHECK(how != CHALLENGE || !s->dev[0].dev->ctx[DEV_ROLE_SERVER]->challenge,
		"a challenge is met");
	run_all(s);
	CHECK(of[0].status == 200 && of[OPS - 1].status == 200, "then all goes on");
	close_device(s);
}

/* The device loses its keys with several under way, and is offered new ones (RFC 8613 Appendix
 * B.2): what went under the old ones ends, and what waited goes under no keys but the new. */
static void renewed(uint64_t seed, struct sim_net net)
{
	struct sim *s = &sim;
	unsigned executes = 0, told = 0;
	open_device(s, seed, false);
	s->net = net;
	memset(of, 0, sizeof(of));
	for (unsigned i = 0; i < 12; i++) {
		executes += asks[i % KINDS].kind == ADM_EXECUTE;
		begin(s, i);
	}
	for (uint64_t n = sim_draw(s, 8); n; n--)
		step(s);
	s->dev[0].dev->ctx[DEV_ROLE_SERVER]->keys.recipient_key[3] ^= 1;
	sim_run(s, 300000);
	for (unsigned i = 0; i < 12; i++) {
		told += of[i].calls == 1;
		CHECK(of[i].status != 200 || own_answer(i), "an answer is its own");
	}
	CHECK(told == 12, "who waited is told, once");
	CHECK(s->dev[0].seen[DEV_EVENT_RECOVERED] == 1 &&
			s->dev[0].seen[DEV_EVENT_EXECUTE] <= executes,
		"it has new keys, and nothing was done twice");
	run_all(s);
	CHECK(open_calls() == 0 && of[0].status == 200, "then all goes on");
	close_device(s);
}

/* What a sleeping device was asked for goes four at a time when it wakes, and the rest behind. */
static void woken(uint64_t seed)
{
	struct sim *s = &sim;
	unsigned done = 0;
	open_device(s, seed, true);
	struct sim_result sleeping[8];
	sim_run(s, 95000);
	for (unsigned i = 0; i < 8; i++) {
		struct adm_dm d = sim_dm_of(s, 0, ADM_EXECUTE, "/3/0/12");
		sim_dm_begin(s, &d, &sleeping[i]);
		CHECK(sim_await(s, &sleeping[i], 1000) == 202, "it sleeps: stored");
	}
	unsigned before = s->dev[0].seen[DEV_EVENT_EXECUTE];
	for (int i = 0; i < 100000 && done < 8; i++) {
		step(s);
		done = s->dev[0].seen[DEV_EVENT_EXECUTE] - before;
	}
	sim_run(s, 10000);
	CHECK(most == NSTART && s->dev[0].seen[DEV_EVENT_EXECUTE] == before + 8,
		"all are done when it wakes, four at a time, each once");
	close_device(s);
}

int main(void)
{
	static const struct sim_net good = {0}, bad = {.loss = 100, .dup = 100, .reorder = 250};
	for (uint64_t seed = 1; seed <= 4; seed++) {
		over(seed, good);
		over(10 + seed, bad);
		woken(20 + seed);
	}
	for (uint64_t seed = 31; seed <= 36; seed++) {
		cut(seed, POWER, seed & 1 ? bad : good);
		cut(seed, STOP, seed & 1 ? bad : good);
		cut(seed, CHALLENGE, seed & 1 ? bad : good);
		renewed(10 + seed, seed & 1 ? bad : good);
	}
	return test_done();
}
