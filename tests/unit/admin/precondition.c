/* SPDX-License-Identifier: Apache-2.0 */
/* Entity tags, If-Match, If-None-Match, Idempotency-Key. */
#include "admin/idempotency.h"
#include "tests/unit/admin/fake.h"

#define PLAN        "/v1/bootstrap/d"
#define CREDENTIALS "/v1/endpoints/d/credentials/oscore"

static char tag[64];

/* The ETag of a GET, into `tag`. */
static bool get_tag(const char *target)
{
	const char *at = strstr(ask("GET", target, NULL)->text, "\r\nETag: ");

	tag[0] = '\0';
	if (at)
		snprintf(tag, sizeof(tag), "%.*s", (int)strcspn(at + 8, "\r"), at + 8);
	return at && strlen(tag) == 35 && tag[0] == '"' && tag[17] == '-' && tag[34] == '"';
}

static int with(const char *method, const char *target, const char *name, const char *value)
{
	char headers[200];

	snprintf(headers, sizeof(headers), "%s: %s\r\n", name, value);
	fake.call[0] = '\0';
	return ask_with(method, target, headers, "{}")->status;
}

static bool done(const char *call)
{
	return strcmp(fake.call, call) == 0;
}

static void check_fresh(void)
{
	const struct reply *r;
	char headers[128];

	fake_reset();
	CHECK(get_tag("/v1/endpoints/d"), "an endpoint has a tag");
	snprintf(headers, sizeof(headers), "If-None-Match: \"x\", W/%s\r\n", tag);
	r = ask_with("GET", "/v1/endpoints/d", headers, NULL);
	CHECK(r->status == 304 && !strstr(r->text, "Content-Type") && strstr(r->text, tag),
		"304 with the tag and without a body");
	CHECK(with("GET", "/v1/endpoints/d", "If-None-Match", "*") == 304, "any");
	CHECK(with("GET", "/v1/endpoints/e", "If-None-Match", tag) == 200, "another endpoint's");
	fake.freshness = "echo";
	CHECK(with("GET", "/v1/endpoints/d", "If-None-Match", tag) == 200, "it has changed");
	fake.err = ERR_NOTFOUND;
	CHECK(!strstr(ask("GET", "/v1/endpoints/d", NULL)->text, "ETag"), "no tag of nothing");
}

static void check_match(void)
{
	char other[64], list[160], weak[80];

	fake_reset();
	REQUIRE(get_tag("/v1/endpoints/d"), "a tag");
	CHECK(with("PUT", "/v1/endpoints/d", "If-Match", tag) == 204 && done("put"), "it matches");
	snprintf(list, sizeof(list), "\"a\" ,%s", tag);
	CHECK(with("PUT", "/v1/endpoints/d", "If-Match", list) == 204, "one of a list");
	CHECK(with("PUT", "/v1/endpoints/d", "If-Match", "*") == 204, "it is there");
	snprintf(weak, sizeof(weak), "W/%s", tag);
	CHECK(with("PUT", "/v1/endpoints/d", "If-Match", weak) == 412, "a weak one never does");
	CHECK(with("PUT", "/v1/endpoints/d", "If-Match", "") == 412, "nor an empty list");
	CHECK(with("PUT", "/v1/endpoints/d", "If-Match", "\"0123456789abcdef-") == 412,
		"nor a part of one");
	/* What the device does changes the second half only. */
	memcpy(other, tag, sizeof(other));
	memset(other + 18, '0', 16);
	CHECK(with("PUT", "/v1/endpoints/d", "If-Match", other) == 204,
		"the registration does not matter");
	fake.freshness = "echo";
	CHECK(with("PUT", "/v1/endpoints/d", "If-Match", tag) == 412 && !done("put"),
		"the settings have changed");
	CHECK(with("DELETE", "/v1/endpoints/d", "If-Match", tag) == 412 && !done("delete"),
		"nor is it deleted");
	fake.err = ERR_NOTFOUND;
	CHECK(with("PUT", "/v1/endpoints/d", "If-Match", "*") == 412, "nothing is there");
}

static void check_create(void)
{
	fake_reset();
	CHECK(with("PUT", "/v1/endpoints/d", "If-None-Match", "*") == 412 && !done("put"),
		"create only: it is there");
	CHECK(with("PUT", CREDENTIALS, "If-None-Match", "*") == 412, "credentials too");
	CHECK(with("PUT", PLAN, "If-None-Match", "*") == 204 && done("plan"), "no plan yet");
	fake.bootstrap.plan_json = SPAN_LIT("{\"servers\":[]}");
	CHECK(with("PUT", PLAN, "If-None-Match", "*") == 204, "the default is not its own");
	CHECK(with("DELETE", PLAN, "If-Match", "*") == 412 && !done("plan-delete"),
		"nor to be deleted");
	fake.bootstrap.own_plan = true;
	CHECK(with("PUT", PLAN, "If-None-Match", "*") == 412, "its own");
	REQUIRE(get_tag(PLAN), "a tag");
	CHECK(with("PUT", PLAN, "If-None-Match", tag) == 412, "any but this");
	CHECK(with("PUT", PLAN, "If-Match", tag) == 204 && done("plan"), "it matches");
	fake.bootstrap.plan_json = SPAN_LIT("{\"servers\":[1]}");
	CHECK(with("PUT", PLAN, "If-Match", tag) == 412, "changed");
	fake.bootstrap.own_plan = false;
	CHECK(with("PUT", "/v1/bootstrap-default", "If-None-Match", "*") == 412, "the default");
	REQUIRE(get_tag("/v1/bootstrap-default"), "a tag");
	CHECK(with("DELETE", "/v1/bootstrap-default", "If-Match", tag) == 204, "is deleted");
	fake.err = ERR_NOTFOUND;
	CHECK(with("PUT", "/v1/endpoints/d", "If-None-Match", "*") == 204, "an endpoint");
	CHECK(with("PUT", CREDENTIALS, "If-None-Match", "*") == 422, "goes on to its body");
}

static const struct reply *keyed(
	const char *method, const char *target, const char *key, const char *body)
{
	char headers[400];

	snprintf(headers, sizeof(headers), "Idempotency-Key: %s\r\n", key);
	fake.call[0] = '\0';
	return ask_with(method, target, headers, body);
}

static void check_replay(void)
{
	const struct reply *r;

	fake_reset();
	fake.result = (struct adm_result){.status = 201, .content_format = -1};
	CHECK(keyed("PUT", "/v1/endpoints/d", "a", "{}")->status == 201 && done("put"),
		"the first");
	r = keyed("PUT", "/v1/endpoints/d", "a", "{}");
	CHECK(r->status == 201 && !fake.call[0] && strcmp(r->body, "{\"endpoint\":\"d\"}\n") == 0 &&
			strstr(r->text, "Idempotent-Replayed: true\r\n") &&
			strstr(r->text, "Content-Type: application/json\r\n"),
		"the second is told the same, and nothing is done");
	CHECK(keyed("PUT", "/v1/endpoints/d", "b", "{}")->status == 201 && done("put"),
		"another key");
	r = keyed("PUT", "/v1/endpoints/d", "a", "{ }");
	CHECK(r->status == 422 && strstr(r->body, "idempotency-mismatch") && !fake.call[0],
		"another body");
	CHECK(keyed("PUT", "/v1/endpoints/e", "a", "{}")->status == 422, "another path");
	CHECK(keyed("POST", "/v1/endpoints/d/execute/3/0/4", "a", "")->status == 422,
		"another method");
	CHECK(keyed("GET", "/v1/endpoints/d", "a", "")->status == 200, "GET needs no key");
	CHECK(keyed("PUT", "/v1/endpoints/d", "", "{}")->status == 400, "an empty key");
	CHECK(keyed("PUT", "/v1/endpoints/d", "\xc3\xa9", "{}")->status == 400, "not ASCII");
}

static void check_replay_kinds(void)
{
	static const char bad[] = "{\"master_secret\":\"x\"}";
	char first[64];
	const char *at;
	const struct reply *r;

	fake_reset();
	r = keyed("PUT", CREDENTIALS, "bad", bad);
	CHECK(r->status == 422, "a refusal");
	r = keyed("PUT", CREDENTIALS, "bad", bad);
	CHECK(r->status == 422 && strstr(r->text, "application/problem+json") &&
			strstr(r->text, "Replayed"),
		"is told again");
	fake.result = (struct adm_result){.status = 503, .type = "storage-unavailable"};
	CHECK(keyed("PUT", "/v1/endpoints/d", "later", "{}")->status == 503, "no storage");
	fake.result.status = 204;
	CHECK(keyed("PUT", "/v1/endpoints/d", "later", "{}")->status == 204 && done("put"),
		"is tried again");
	fake.defer = true;
	r = keyed("POST", "/v1/endpoints/d/execute/3/0/4?wait=0", "op", "");
	at = strstr(r->text, "Location: ");
	REQUIRE(r->status == 202 && at, "an operation");
	snprintf(first, sizeof(first), "%.42s", at);
	r = keyed("POST", "/v1/endpoints/d/execute/3/0/4?wait=0", "op", "");
	CHECK(r->status == 202 && strstr(r->text, first) && fake.deferred_n == 1,
		"is the same operation");
	CHECK(keyed("POST", "/v1/endpoints/d/execute/3/0/4?wait=1", "op", "")->status == 422,
		"another query is another request");
	fake_end_deferred(1);
}

static void check_running(void)
{
	static struct reply r;
	int fd = client_open();

	fake_reset();
	fake.defer = true;
	request_send_with(fd, "PUT", "/v1/endpoints/d", "Idempotency-Key: run\r\n", SPAN_LIT("{}"));
	for (int i = 0; i < 50 && !fake.done; i++)
		pump();
	CHECK(strstr(keyed("PUT", "/v1/endpoints/d", "run", "{}")->body, "idempotency-running"),
		"the first is still running");
	/* The client goes before it has its answer: that is what keys are for. */
	close(fd);
	fake_end_deferred(1);
	CHECK(keyed("PUT", "/v1/endpoints/d", "run", "{}")->status == 204 && !fake.call[0],
		"its answer comes to whoever asks again");
	(void)r;
}

static void check_large(void)
{
	static uint8_t large[IDEM_ANSWER_MAX];

	fake_reset();
	memset(large, 'x', sizeof(large));
	fake.result = (struct adm_result){.status = 200,
		.has_response = true,
		.code = MSG_CONTENT,
		.content_format = LWM_CF_TEXT,
		.payload = SPAN_OF(large)};
	CHECK(keyed("PUT", "/v1/endpoints/d/observations/3/0/0", "big", "")->status == 200,
		"a long answer");
	CHECK(strstr(keyed("PUT", "/v1/endpoints/d/observations/3/0/0", "big", "")->body,
		      "too long to be kept") &&
			!fake.call[0],
		"is not kept, nor is it done twice");
}

static void check_bound(void)
{
	char key[32];

	fake_reset();
	for (int i = 0; i <= IDEM_MAX; i++) {
		snprintf(key, sizeof(key), "many-%d", i);
		REQUIRE(keyed("PUT", "/v1/endpoints/d", key, "{}")->status == 204, key);
	}
	CHECK(keyed("PUT", "/v1/endpoints/d", "many-1", "{}")->status == 204 && !fake.call[0],
		"as many as the limit are remembered");
	CHECK(keyed("PUT", "/v1/endpoints/d", "many-0", "{}")->status == 204 && done("put"),
		"one more, and the oldest is forgotten");
}

static void check_keeping(void)
{
	struct adm_opts o = fake_opts();
	char why[256];

	adm_free(fake.adm);
	o.idempotency_keep_s = 0;
	REQUIRE(adm_new(fake.base, &fake_ops, &o, &fake.adm, why) == ERR_OK, "again");
	fake_reset();
	CHECK(keyed("PUT", "/v1/endpoints/d", "a", "{}")->status == 204 && done("put"), "first");
	CHECK(keyed("PUT", "/v1/endpoints/d", "a", "{}")->status == 204 && done("put"),
		"its time is over");
}

int main(void)
{
	fake_start();
	check_fresh();
	check_match();
	check_create();
	check_replay();
	check_replay_kinds();
	check_running();
	check_large();
	check_bound();
	check_keeping();
	fake_stop();
	return test_done();
}
