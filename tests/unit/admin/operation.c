/* SPDX-License-Identifier: Apache-2.0 */
/* Operations that outlive the call that started them. */
#include "admin/operation.h"
#include "tests/unit/admin/fake.h"

#define READ "/v1/endpoints/d/data/3/0/9"

static const uint8_t level[] = {0xc1, 9, 80};
static const struct adm_result content = {.status = 200,
	.has_response = true,
	.code = MSG_CONTENT,
	.content_format = LWM_CF_TLV,
	.payload = SPAN_OF(level)};
static const struct adm_result failure = {
	.status = 504, .type = "timeout", .detail = "no answer", .content_format = -1};

static char location[64];

/* The Location of a 202, into `location`. */
static bool accepted(const struct reply *r)
{
	const char *at = strstr(r->text, "\r\nLocation: ");
	char id[64];

	if (r->status != 202 || !at)
		return false;
	at += strlen("\r\nLocation: ");
	snprintf(location, sizeof(location), "%.*s", (int)strcspn(at, "\r"), at);
	snprintf(id, sizeof(id), "\"id\":\"%s\"", location + strlen("/v1/operations/"));
	return strncmp(location, "/v1/operations/", 15) == 0 && strlen(location) == 15 + 16 &&
	       strstr(r->body, id);
}

/* An operation nobody waits for. */
static void begin(const char *method, const char *target)
{
	fake.defer = true;
	CHECK(accepted(ask(method, target, NULL)), target);
}

static bool shows(const char *part)
{
	const struct reply *r = ask("GET", location, NULL);
	bool good = r->status == 200 && strstr(r->body, part);

	if (!good)
		printf("  %s\n", r->text);
	return good;
}

static void check_outcomes(void)
{
	fake_reset();
	begin("GET", READ "?wait=0");
	CHECK(shows("\"endpoint\":\"d\",\"kind\":\"read\",\"path\":\"/3/0/9\","
		    "\"state\":\"running\",\"started\":\"20"),
		"it runs");
	CHECK(shows("\"ended\":null}"), "and has no outcome yet");
	fake.result = content;
	fake_end_deferred(1);
	CHECK(shows("\"state\":\"done\""), "it is done");
	CHECK(shows("\"status\":200,\"result\":{\"endpoint\":\"d\",\"path\":\"/3/0/9\","
		    "\"code\":\"2.05\",\"format\":\"tlv\",\"values\":["),
		"with the body of a direct answer");
	begin("POST", "/v1/endpoints/d/execute/3/0/4?wait=0");
	fake.result = failure;
	fake_end_deferred(1);
	CHECK(shows("\"state\":\"failed\""), "it failed");
	CHECK(shows("\"status\":504,\"problem\":{\"type\":\"urn:lanyard:problem:timeout\","),
		"with the problem of a direct answer");
	begin("DELETE", "/v1/endpoints/d/observations/3/0/9?wait=0");
	fake.result = (struct adm_result){.status = 204, .content_format = -1};
	fake_end_deferred(1);
	CHECK(shows("\"kind\":\"cancel\"") && shows("\"status\":204}"), "done without a body");
}

static void check_list(void)
{
	const struct reply *r;

	fake_reset();
	begin("GET", "/v1/endpoints/other/data/3?wait=0");
	r = ask("GET", "/v1/operations", NULL);
	CHECK(r->status == 200 && strstr(r->body, "\"endpoint\":\"d\"") &&
			strstr(r->body, "\"endpoint\":\"other\""),
		"all operations");
	r = ask("GET", "/v1/operations?endpoint=other", NULL);
	CHECK(!strstr(r->body, "\"endpoint\":\"d\"") && strstr(r->body, "\"endpoint\":\"other\""),
		"those of an endpoint");
	CHECK(strcmp(ask("GET", "/v1/operations?endpoint=x", NULL)->body,
		      "{\"operations\":[]}\n") == 0,
		"none");
	CHECK(ask("GET", "/v1/operations/0123456789abcdef", NULL)->status == 404, "unknown id");
	CHECK(ask("DELETE", "/v1/operations/", NULL)->status == 404, "no id");
	fake_end_deferred(1);
}

/* Whoever waits long enough gets the outcome itself, and nothing is kept. */
static void check_direct(void)
{
	static struct reply r;
	int fd = client_open();

	fake_reset();
	fake.defer = true;
	fake.result = content;
	request_send(fd, "GET", "/v1/endpoints/direct/data/3/0/9", SPAN_EMPTY);
	for (int i = 0; i < 50 && !fake.done; i++)
		pump();
	CHECK(strstr(ask("GET", "/v1/operations?endpoint=direct", NULL)->body, "running"),
		"one that is waited for is listed");
	fake_end_deferred(1);
	reply_read(fd, &r);
	CHECK(r.status == 200 && strstr(r.body, "\"value\":80}"), "the direct answer");
	CHECK(!strstr(ask("GET", "/v1/operations?endpoint=direct", NULL)->body, "direct"),
		"and nothing is kept");
	fake.defer = false;
	CHECK(ask("GET", "/v1/endpoints/direct/data/3/0/9?wait=0", NULL)->status == 200,
		"an outcome that is there at once is told at once");
	close(fd);
}

static void check_patience(void)
{
	static struct reply r;
	int fd = client_open();

	fake_reset();
	fake.defer = true;
	request_send(fd, "GET", READ "?wait=1", SPAN_EMPTY);
	for (int i = 0; i < 5000 && client_read(fd, r.text, sizeof(r.text), "\r\n\r\n") == 0; i++)
		;
	r.status = atoi(r.text + 9);
	r.body = r.text;
	CHECK(accepted(&r), "202 when the wait is over");
	fake.result = content;
	fake_end_deferred(1);
	CHECK(shows("\"value\":80"), "the operation went on");
	close(fd);
}

/* A client that has gone may ask again. */
static void check_gone(void)
{
	int fd = client_open();

	fake_reset();
	fake.defer = true;
	request_send(fd, "GET", "/v1/endpoints/gone/data/3/0/9", SPAN_EMPTY);
	for (int i = 0; i < 50 && !fake.done; i++)
		pump();
	close(fd);
	for (int i = 0; i < 50; i++)
		pump();
	fake.result = content;
	fake_end_deferred(1);
	CHECK(strstr(ask("GET", "/v1/operations?endpoint=gone", NULL)->body, "\"state\":\"done\""),
		"the outcome is kept for a client that lost its connection");
}

static void check_cancel(void)
{
	fake_reset();
	begin("GET", READ "?wait=0");
	fake.err = ERR_STATE;
	CHECK(ask("DELETE", location, NULL)->status == 409 && strcmp(fake.call, "dm-cancel") == 0,
		"the engine cannot");
	fake.err = ERR_OK;
	CHECK(ask("DELETE", location, NULL)->status == 204 && strcmp(fake.name, "d") == 0,
		"the engine can");
	fake.result = (struct adm_result){.status = 409, .type = "cancelled", .content_format = -1};
	fake_end_deferred(1);
	CHECK(shows("\"state\":\"failed\""), "it ended so");
	fake.call[0] = '\0';
	CHECK(ask("DELETE", location, NULL)->status == 409 && fake.call[0] == '\0',
		"what has ended is not cancelled");
}

static size_t listed(void)
{
	static char text[512 * 1024];
	size_t n = 0;
	int fd = client_open();

	request_send(fd, "GET", "/v1/operations?endpoint=many", SPAN_EMPTY);
	client_read(fd, text, sizeof(text), "]}\n");
	close(fd);
	for (const char *at = text; (at = strstr(at, "\"id\":")); at++)
		n++;
	return n;
}

static void check_bound(void)
{
	char first[64];

	fake_reset();
	for (size_t i = 0; i < OPERATIONS_MAX; i++) {
		begin("GET", "/v1/endpoints/many/data/3?wait=0");
		if (i == 0)
			memcpy(first, location, sizeof(first));
	}
	CHECK(listed() == OPERATIONS_MAX, "finished ones made room, up to the limit");
	CHECK(ask("GET", "/v1/endpoints/many/data/3?wait=0", NULL)->status == 503,
		"no more than so many run");
	fake.result = content;
	fake_end_deferred(2);
	begin("GET", "/v1/endpoints/many/data/3?wait=0");
	CHECK(ask("GET", first, NULL)->status == 404, "the oldest finished one goes first");
	CHECK(listed() == OPERATIONS_MAX, "still so many");
	fake_end_deferred(OPERATIONS_MAX);
}

static void check_bytes(void)
{
	static uint8_t large[1 << 20];
	char first[64];

	fake_reset();
	memset(large, 'x', sizeof(large));
	fake.result = (struct adm_result){.status = 200,
		.has_response = true,
		.code = MSG_CONTENT,
		.content_format = LWM_CF_TEXT,
		.payload = SPAN_OF(large)};
	for (size_t i = 0; i < 20; i++) {
		begin("GET", "/v1/endpoints/d/data/3/0/0?wait=0");
		if (i == 0)
			memcpy(first, location, sizeof(first));
		fake_end_deferred(1);
	}
	CHECK(ask("GET", first, NULL)->status == 404, "many long results push the oldest out");
	CHECK(ask("GET", location, NULL)->status == 200, "the newest stays");
}

/* The hour of keeping, made none. */
static void check_keeping(void)
{
	struct adm_opts o = fake_opts();
	char why[256];

	adm_free(fake.adm);
	o.operation_keep_s = 0;
	REQUIRE(adm_new(fake.base, &fake_ops, &o, &fake.adm, why) == ERR_OK, "again");
	fake_reset();
	begin("GET", READ "?wait=0");
	CHECK(ask("GET", location, NULL)->status == 200, "it runs");
	fake_end_deferred(1);
	CHECK(ask("GET", location, NULL)->status == 404, "its outcome is kept for its time only");
}

/* The interface goes while one is waited for, one runs alone and one has ended. */
static void check_stop(void)
{
	static char text[4096];
	int fd = client_open();

	fake_reset();
	begin("GET", READ "?wait=0");
	request_send(fd, "GET", READ, SPAN_EMPTY);
	for (int i = 0; i < 50 && fake.deferred_n < 2; i++)
		pump();
	fake_stop();
	CHECK(recv(fd, text, sizeof(text) - 1, 0) > 0 && strncmp(text, "HTTP/1.1 503 ", 13) == 0,
		"who waits gets 503");
	fake_end_deferred(2);
	CHECK(true, "late ends do no harm");
	close(fd);
}

/* ---- what the daemon keeps for a device that sleeps */

static const struct adm_result asleep = {.status = 202, .type = "asleep", .content_format = -1};
static const struct adm_result busy = {.status = 202, .type = "busy", .content_format = -1};

/* A call; `said` is what the daemon says of the operation, then what comes of it. */
static struct reply *queued(
	const char *target, const struct adm_result *said, const struct adm_result *end)
{
	static struct reply r;
	int fd = client_open();

	fake_reset();
	fake.defer = true;
	fake.result = *said;
	request_send(fd, "GET", target, SPAN_EMPTY);
	for (int i = 0; i < 50 && !fake.deferred_n; i++)
		pump();
	CHECK(fake.dm.id != 0, "it has a number");
	fake.done = NULL;
	fake_end_deferred(1);
	if (fake.done && end)
		fake.done(fake.done_arg, end);
	reply_read(fd, &r);
	close(fd);
	return &r;
}

static void check_queued(void)
{
	static const struct adm_result unstored = {
		.status = 503, .type = "storage-unavailable", .content_format = -1};
	const struct reply *r = queued(READ "?expires=60", &asleep, NULL);

	CHECK(accepted(r) && strstr(r->body, "\"state\":\"queued\"") && !fake.followed &&
			fake.dm.expires_s == 60,
		"a call that does not wait is answered at once");
	CHECK(accepted(queued(READ "?wait=0", &asleep, NULL)), "nor one that says so");
	r = queued(READ "?wait=5", &asleep, &content);
	CHECK(r->status == 200 && strstr(r->body, "\"value\":80}") && fake.followed == fake.dm.id,
		"one that waits gets the answer");
	CHECK(queued(READ, &busy, &content)->status == 200,
		"so does one to a device that is awake");
	CHECK(queued(READ, &busy, &failure)->status == 504, "or its problem");
	CHECK(accepted(queued(READ, &busy, &unstored)), "what cannot be told now still waits");
	CHECK(ask("GET", READ "?expires=0", NULL)->status == 400, "at least a second");
}

static void check_kept(void)
{
	const struct reply *r;

	fake_reset();
	fake.queued = (struct adm_queued_view){.id = 0x123,
		.endpoint = SPAN_LIT("d"),
		.kind = ADM_READ,
		.path = {3, {3, 0, 9}},
		.state = "queued",
		.created_wall_s = 1700000000,
		.expires_in_s = 60};
	snprintf(location, sizeof(location), "/v1/operations/0000000000000123");
	CHECK(shows("\"state\":\"queued\"") && shows("\"ended\":null,\"expires\":\"20"),
		"it waits");
	CHECK(strstr(ask("GET", "/v1/operations?endpoint=d", NULL)->body, "0000000000000123") &&
			!strstr(ask("GET", "/v1/operations?endpoint=e", NULL)->body, "0123"),
		"it is listed");
	fake.err = ERR_STATE;
	CHECK(ask("DELETE", location, NULL)->status == 409, "too late");
	fake.err = ERR_OK;
	CHECK(ask("DELETE", location, NULL)->status == 204, "given up");
	fake.queued.state = NULL;
	fake.queued.outcome = &content;
	CHECK(shows("\"state\":\"done\"") && shows("\"result\":{\"endpoint\":\"d\"") &&
			shows("\"value\":80}"),
		"its outcome");
	fake.queued.outcome = &failure;
	CHECK(shows("\"state\":\"failed\"") && shows("problem:timeout"), "or its problem");
	r = ask("GET", "/v1/operations/0000000000000124", NULL);
	CHECK(r->status == 404, "no other");
	fake.queued.id = 0;
}

int main(void)
{
	fake_start();
	check_outcomes();
	check_list();
	check_direct();
	check_patience();
	check_gone();
	check_cancel();
	check_bound();
	check_bytes();
	check_keeping();
	check_queued();
	check_kept();
	check_stop();
	return test_done();
}
