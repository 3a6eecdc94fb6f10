/* SPDX-License-Identifier: Apache-2.0 */
/* Bootstrap-Pack: the document, its blocks, its keys, and who gets none. */
#include "tests/unit/bootstrap/asking.h"

enum { NO_FORMAT = -1, NO_BLOCK = -1, SMALL = 2 /* 64 bytes */ };

static struct arena arena;
static struct lwm_records records;

/* A Pack-Request; the code of its answer, which is in p. 0: it did not reach the server. */
static uint8_t ask(const char *query, int accept, int num, uint8_t szx)
{
	struct msg m;
	char copy[256], *text = copy;
	struct block b = {.num = (uint32_t)num, .szx = szx};
	rig_turn(&rig, 10);
	snprintf(copy, sizeof(copy), "%s", query);
	rig_plain(&m, MSG_GET, "bspack");
	for (char *one; (one = strsep(&text, "&"));)
		REQUIRE(msg_add(&m, OPT_URI_QUERY, span_str(one)) == ERR_OK, "query");
	REQUIRE(accept == NO_FORMAT || !msg_add_uint(&m, OPT_ACCEPT, (uint32_t)accept), "Accept");
	REQUIRE(num == NO_BLOCK || !block_add(&m, OPT_BLOCK2, b), "Block2");
	if (rig_in(&rig, rig_protect(&rig, RIG_BOOTSTRAP, &m, &a)) == EP_REQUEST)
		bs_request(bs, &rig.d, &rig.t);
	return rig_answer(&rig, RIG_BOOTSTRAP, &a, rig_sent(&rig, 0), &p) ? p.plain.code : 0;
}

static void open_pack(struct bs_plan *configured)
{
	open_bootstrap(configured);
	arena_init(&arena, 0);
	lwm_records_init(&records, &arena);
}

static void close_pack(void)
{
	close_bootstrap();
	arena_fini(&arena);
}

static struct bs_endpoint *here(void)
{
	return rig.e->session;
}

/* Reads a whole document; the value of o/i/r, i being the only instance of o, which goes to *iid.
 */
static const struct lwm_value *value(uint16_t oid, uint16_t rid, uint16_t *iid)
{
	for (size_t i = 0; i < records.n; i++) {
		const struct lwm_path *at = &records.v[i].path;
		if (at->id[0] == oid && at->id[2] == rid) {
			*iid = at->id[1];
			return &records.v[i].value;
		}
	}
	return NULL;
}

static bool read_document(uint32_t cf, struct span document)
{
	struct lwm_codec_opts o = {0};
	records.n = 0;
	return !lwm_format(cf)->decode(document, &(struct lwm_path){0}, &o, &records) &&
	       !records.err;
}

/* What stands in it is what the plan says, with the keys that were drawn.
 * Proves: BS-19, BS-21 */
static void check_document(uint16_t security_at, uint16_t oscore_at)
{
	uint16_t iid = 0, linked = 0;
	const struct ep_context *made = here()->packed;
	const struct lwm_value *v = value(0, 0, &iid);
	CHECK(v && span_eq_str(v->bytes, account.uri) && iid == security_at,
		"Security, clear of the bootstrap account");
	v = value(0, 1, &iid);
	CHECK(v && !v->b, "is that of a server");
	v = value(0, 17, &iid);
	CHECK(v && v->link.oid == 21 && v->link.iid == oscore_at, "links to its keys");
	v = value(1, 0, &iid);
	CHECK(v && v->i == 101, "Server has its SSID");
	v = value(21, 0, &linked);
	CHECK(v && v->type == LWM_OPAQUE && v->bytes.n == BS_SECRET_BYTES && linked == oscore_at,
		"a secret, as bytes");
	v = value(21, 1, &linked);
	CHECK(made && v && span_eq(v->bytes, ep_recipient_id(made)), "the device's id");
	v = value(21, 2, &linked);
	CHECK(made && v && span_eq(v->bytes, ep_sender_id(made)), "ours");
}

static void whole(void)
{
	static const struct {
		const char *what, *query;
		int accept;
		uint16_t format, security_at, oscore_at;
	} row[] = {
		{"where the account is, is told", "ep=dev&acc=</0/0>,</21/0>", 112, 112, 1, 1},
		{"it may be anywhere", "ep=dev&acc=</0/2>,</21/7>", 112, 112, 0, 0},
		{"of the account one link is told", "ep=dev&acc=</0/2>", 112, 112, 0, 32},
		{"nothing is told (CT-90)", "ep=dev", 112, 112, 32, 32},
		{"without ep", "acc=</0/0>,</21/0>", 112, 112, 1, 1},
		{"SenML JSON", "ep=dev", 110, 110, 32, 32},
		{"LwM2M CBOR", "ep=dev", 11544, 11544, 32, 32},
		{"in no format in particular", "ep=dev", NO_FORMAT, 112, 32, 32},
	};
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		uint32_t cf = 0;
		open_pack(&plan);
		CHECK(ask(row[i].query, row[i].accept, NO_BLOCK, 0) == MSG_CONTENT, row[i].what);
		CHECK(msg_get_uint(&p.plain, OPT_CONTENT_FORMAT, &cf) && cf == row[i].format,
			"as asked for");
		CHECK(rig_records(&rig, REC_CONTEXT_PUT) == 1 && rig_records(&rig, REC_EVENT) == 1,
			"its keys are recorded before it goes");
		CHECK(rig_sent_n(&rig) == 1 && !bs_sessions(bs), "nothing follows (BS-19)");
		CHECK(read_document(cf, p.plain.payload), "a document");
		check_document(row[i].security_at, row[i].oscore_at);
		CHECK(here()->packed->generation == REC_GEN_WRITTEN, "nobody has used them");
		close_pack();
	}
}

/* Proves: BS-20, CT-90 */
static void refusals(void)
{
	static struct bs_plan keeping = {
		.refs = 1, .account = &account, .account_n = 1, .keep_others = true};
	static const struct {
		const char *what;
		struct bs_plan *plan;
		const char *query;
		int accept, num;
		uint8_t code;
	} row[] = {
		{"no plan", NULL, "ep=dev", 112, NO_BLOCK, MSG_BAD_REQUEST},
		{"a plan that keeps accounts", &keeping, "ep=dev", 112, NO_BLOCK,
			MSG_METHOD_NOT_ALLOWED},
		{"TLV", &plan, "ep=dev", 11542, NO_BLOCK, MSG_NOT_ACCEPTABLE},
		{"plain CBOR", &plan, "ep=dev", 60, NO_BLOCK, MSG_NOT_ACCEPTABLE},
		{"another's ep", &plan, "ep=other", 112, NO_BLOCK, MSG_BAD_REQUEST},
		{"acc no links", &plan, "ep=dev&acc=</0/1", 112, NO_BLOCK, MSG_BAD_REQUEST},
		{"acc twice", &plan, "acc=</0/1>&acc=</0/1>", 112, NO_BLOCK, MSG_BAD_REQUEST},
		{"a block of nothing", &plan, "ep=dev", 112, 1, MSG_BAD_REQUEST},
	};
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		open_pack(row[i].plan);
		CHECK(ask(row[i].query, row[i].accept, row[i].num, SMALL) == row[i].code,
			row[i].what);
		CHECK(!p.plain.payload.n && !rig_records(&rig, REC_CONTEXT_PUT), "no keys");
		if (row[i].plan)
			CHECK(request(MSG_POST, "bs", "ep=dev") == MSG_CHANGED,
				"/bs serves (BS-20)");
		close_pack();
	}
}

/* Block `num` of small ones: appended to `w`. False: it is the last. */
static bool fetch(int num, struct writer *w, uint8_t etag[static 8])
{
	struct block b;
	CHECK(ask("ep=dev", 112, num, SMALL) == MSG_CONTENT, "a block");
	REQUIRE(!block_get(&p.plain, OPT_BLOCK2, &b) && b.num == (uint32_t)num && b.szx == SMALL,
		"the block that was asked for");
	const struct opt *o = msg_find(&p.plain, OPT_ETAG);
	REQUIRE(o && o->val.n == 8, "ETag (RFC 7959 section 2.4)");
	if (!num)
		memcpy(etag, o->val.p, 8);
	CHECK(!memcmp(etag, o->val.p, 8), "of one document");
	wr_bytes(w, p.plain.payload);
	return b.more;
}

static size_t fetch_all(struct writer *w, uint8_t etag[static 8])
{
	int n = 0;
	while (fetch(n, w, etag))
		n++;
	return (size_t)n;
}

/* A document in blocks is one document, with one set of keys, until its last block has gone.
 * Proves: BS-19 */
static void blocks(void)
{
	uint8_t one[1024], two[1024], etag[8], other[8];
	struct writer w = wr_make(one, sizeof(one)), again = wr_make(two, sizeof(two));
	open_pack(&plan);
	CHECK(fetch(0, &again, etag) && rig_records(&rig, REC_CONTEXT_PUT) == 1,
		"keys are recorded with the first block");
	CHECK(fetch(1, &again, etag), "the second");
	size_t last = fetch_all(&w, other);
	CHECK(!memcmp(etag, other, 8) && !memcmp(one, two, again.n),
		"from the start again: the same keys");
	CHECK(!rig_records(&rig, REC_CONTEXT_PUT) && last > 2, "none are drawn");
	CHECK(read_document(112, wr_span(&w)), "a document");
	check_document(32, 32);
	again = wr_make(two, sizeof(two));
	CHECK(!fetch((int)last, &again, other), "the last block once more");
	CHECK(ask("ep=dev", 112, (int)last + 1, SMALL) == MSG_BAD_REQUEST, "beyond the end");
	const struct ep_context *before = here()->packed;
	again = wr_make(two, sizeof(two));
	CHECK(fetch(0, &again, other) && memcmp(etag, other, 8) &&
			rig_records(&rig, REC_CONTEXT_PUT) == 1 && here()->packed != before,
		"one that was fetched to its end may be in use: other keys");
	CHECK(ep_context_newest(rig.e, REC_ROLE_SERVER, REC_GEN_USED) == rig.server,
		"what the device uses stays");
	close_pack();
}

/* Proves: BS-32 */
static void forgotten(void)
{
	uint8_t one[1024], etag[8];
	struct writer w = wr_make(one, sizeof(one));
	open_pack(&plan);
	CHECK(fetch(0, &w, etag), "begun");
	rig.now_ms += 247 * 1000;
	CHECK(ask("ep=dev", 112, 1, SMALL) == MSG_BAD_REQUEST, "it is kept for 247 s");
	CHECK(fetch(0, &w, etag) && fetch(1, &w, etag), "begun anew");
	CHECK(ask("ep=dev", 110, 2, SMALL) == MSG_BAD_REQUEST, "another format is another");
	CHECK(fetch(0, &w, etag), "begun anew");
	CHECK(request(MSG_POST, "bs", "ep=dev") == MSG_CHANGED, "the device turns to /bs");
	CHECK(ask("ep=dev", 112, 1, SMALL) == MSG_BAD_REQUEST && !bs_sessions(bs),
		"one ends the other");
	CHECK(fetch(0, &w, etag), "begun anew");
	bs_context_gone(bs, here()->packed, &rig.t);
	CHECK(ask("ep=dev", 112, 1, SMALL) == MSG_BAD_REQUEST, "its keys are gone, and so is it");
	close_pack();
}

/* However often one is begun, some contexts are kept, and one of them is in use. */
static void many(void)
{
	open_pack(&plan);
	for (int i = 0; i < 20; i++)
		CHECK(ask("ep=dev", 112, NO_BLOCK, 0) == MSG_CONTENT, "a Pack");
	size_t n = 0;
	for (const struct ep_context *c = rig.e->contexts; c; c = c->next_of_endpoint)
		n += c->role == REC_ROLE_SERVER;
	CHECK(n == EP_GENERATIONS_MAX, "so many and no more");
	CHECK(ep_context_newest(rig.e, REC_ROLE_SERVER, REC_GEN_USED) == rig.server, "in use");
	close_pack();
}

static void used(void)
{
	struct bs_view v;
	open_pack(&plan);
	CHECK(ask("ep=dev", 112, NO_BLOCK, 0) == MSG_CONTENT, "a Pack");
	bs_view(bs, rig.e, &v);
	CHECK(!strcmp(v.state, "packed") && !bs_counters(bs)->finished, "given, not yet used");
	rig_turn(&rig, 10);
	bs_context_used(bs, rig.server, &rig.t);
	CHECK(here()->packed != NULL, "the old keys say nothing");
	bs_context_used(bs, here()->packed, &rig.t);
	bs_view(bs, rig.e, &v);
	CHECK(!strcmp(v.state, "idle") && !strcmp(v.last_result, "finished") &&
			bs_counters(bs)->finished == 1 && rig_records(&rig, REC_EVENT) == 1,
		"the new ones do");
	close_pack();
}

/* Proves: BS-31 */
static void challenged(void)
{
	open_bootstrap_to(&plan, false);
	CHECK(ask("ep=dev", 112, NO_BLOCK, 0) == MSG_UNAUTHORIZED && msg_find(&p.plain, OPT_ECHO) &&
			!rig_records(&rig, REC_CONTEXT_PUT),
		"the device proves that it is there before anything is drawn");
	close_bootstrap();
}

static void switched_off(void)
{
	open_bootstrap(&plan);
	bs_free(bs);
	struct bs_opts o = {.exchange = rig.x,
		.next_event = &next_event,
		.configured = &plan,
		.recipient_id_bytes = 5,
		.session_timeout_s = 247,
		.now_ms = rig.now_ms};
	REQUIRE(bs_new(&o, &bs) == ERR_OK, "bootstrap server");
	CHECK(ask("ep=dev", 112, NO_BLOCK, 0) == MSG_NOT_IMPLEMENTED, "5.01 (BS-20)");
	CHECK(request(MSG_POST, "bs", "ep=dev") == MSG_CHANGED, "/bs serves");
	close_bootstrap();
}

/* What is traced holds no keys. */
static void traced(void)
{
	open_pack(&plan);
	rig.e->traced = true;
	CHECK(ask("ep=dev", 112, NO_BLOCK, 0) == MSG_CONTENT, "a Pack");
	bool masked = false, told = false;
	for (size_t i = 0; i < rig.t.effect_n; i++) {
		const struct effect *f = &rig.t.effect[i];
		if (f->kind != EFFECT_EVENT || !span_eq_str(f->event.type, "trace"))
			continue;
		char text[4096];
		REQUIRE(!span_to_str(f->event.json, text, sizeof(text)), "text");
		masked = masked || (strstr(text, "\"2.05\"") && strstr(text, "\"masked\":true"));
		told = told || (strstr(text, "\"2.05\"") && strstr(text, "payload_hex"));
	}
	CHECK(masked && !told, "the document is left out");
	close_pack();
}

int main(void)
{
	whole();
	refusals();
	blocks();
	forgotten();
	many();
	used();
	challenged();
	switched_off();
	traced();
	return test_done();
}
