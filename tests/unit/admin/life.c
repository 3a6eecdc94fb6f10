/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait, clients that leave, answers of devices, the socket file. */
#include "tests/unit/admin/fake.h"

static void check_answers(void)
{
	static const uint8_t level[] = {0xc1, 9, 80};
	const struct reply *r;

	fake_reset();
	fake.result = (struct adm_result){.status = 200,
		.has_response = true,
		.code = MSG_CONTENT,
		.content_format = LWM_CF_TLV,
		.payload = SPAN_OF(level)};
	r = ask("GET", "/v1/endpoints/d/data/3/0/9", NULL);
	CHECK(r->status == 200 &&
			strcmp(r->body,
				"{\"endpoint\":\"d\",\"path\":\"/3/0/9\",\"code\":\"2.05\","
				"\"format\":\"tlv\",\"values\":[{\"path\":\"/3/0/9\","
				"\"name\":\"Battery Level\",\"type\":\"integer\",\"value\":80}],"
				"\"value\":80}\n") == 0,
		"a read resource");
	fake.result = (struct adm_result){.status = 200, .has_response = true, .code = MSG_CHANGED};
	r = ask("POST", "/v1/endpoints/d/execute/3/0/4", NULL);
	CHECK(strcmp(r->body, "{\"endpoint\":\"d\",\"path\":\"/3/0/4\",\"code\":\"2.04\"}\n") == 0,
		"an executed resource");
	fake.result = (struct adm_result){.status = 201};
	r = ask("PUT", "/v1/endpoints/d", NULL);
	CHECK(r->status == 201 && strcmp(r->body, "{\"endpoint\":\"d\"}\n") == 0, "created");
}

static void check_problems(void)
{
	const struct reply *r;

	fake_reset();
	fake.result = (struct adm_result){.status = 502,
		.type = "device-error",
		.detail = "it said no",
		.has_response = true,
		.code = MSG_METHOD_NOT_ALLOWED,
		.content_format = -1,
		.payload = SPAN_LIT("no \"way\"")};
	r = ask("GET", "/v1/endpoints/d/data/3/0/9", NULL);
	CHECK(r->status == 502 && strstr(r->body, "\"title\":\"The device refused\"") &&
			strstr(r->body,
				"\"device\":{\"code\":\"4.05\",\"text\":\"no \\\"way\\\"\"}"),
		"what a device refused");
	fake.result = (struct adm_result){
		.status = 409, .type = "conflict", .detail = "kid in use", .field = "recipient_id"};
	r = ask("PUT", "/v1/endpoints/d", NULL);
	CHECK(r->status == 409 && strstr(r->body, "\"field\":\"recipient_id\""), "a conflict");
	fake.result = (struct adm_result){.status = 7};
	CHECK(ask("PUT", "/v1/endpoints/d", NULL)->status == 500, "a result out of range");
	fake.err = ERR_NOTFOUND;
	CHECK(ask("GET", "/v1/endpoints/d", NULL)->status == 404, "unknown endpoint");
	CHECK(ask("GET", "/v1/endpoints/d/explain", NULL)->status == 404, "unknown, explain");
	CHECK(ask("GET", "/v1/endpoints/d/observations", NULL)->status == 404, "unknown, observe");
	CHECK(ask("GET", "/v1/endpoints/d/credentials/oscore", NULL)->status == 404,
		"unknown, credentials");
	CHECK(ask("GET", "/v1/bootstrap/d", NULL)->status == 404, "unknown, bootstrap");
	fake.err = ERR_IO;
	CHECK(ask("GET", "/v1/endpoints/d", NULL)->status == 503, "no storage");
}

static void check_pending(void)
{
	static struct reply r;
	int fd = client_open();

	fake_reset();
	fake.defer = true;
	request_send(fd, "PUT", "/v1/endpoints/d", SPAN_EMPTY);
	CHECK(client_read(fd, r.text, sizeof(r.text), "\n") == 0,
		"nothing before the operation ends");
	REQUIRE(fake.done, "it is under way");
	fake.done(fake.done_arg, &fake.result);
	reply_read(fd, &r);
	CHECK(r.status == 204, "the answer comes later");
	fake.defer = false;
	request_send(fd, "GET", "/v1/status", SPAN_EMPTY);
	reply_read(fd, &r);
	CHECK(r.status == 200, "the connection serves again");
	close(fd);
}

/* Under AddressSanitizer this shows whether the late answer touches what is gone. */
static void check_disconnect(void)
{
	int fd = client_open();

	fake_reset();
	fake.defer = true;
	request_send(fd, "PUT", "/v1/endpoints/d", SPAN_EMPTY);
	for (int i = 0; i < 50 && !fake.done; i++)
		pump();
	close(fd);
	for (int i = 0; i < 50; i++)
		pump();
	REQUIRE(fake.done, "it is under way");
	fake.done(fake.done_arg, &fake.result);
	for (int i = 0; i < 50; i++)
		pump();
	fake_reset();
	CHECK(ask("GET", "/v1/status", NULL)->status == 200, "a client left while waiting");
}

static void check_pipelined(void)
{
	static char text[8192];
	const char *two = "PUT /v1/endpoints/a HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
			  "GET /v1/status HTTP/1.1\r\n\r\n";
	int fd = client_open();

	fake_reset();
	fake.defer = true;
	client_send(fd, two, strlen(two));
	for (int i = 0; i < 50 && !fake.done; i++)
		pump();
	REQUIRE(fake.done, "it is under way");
	fake.done(fake.done_arg, &fake.result);
	client_read(fd, text, sizeof(text), "\"version\"");
	CHECK(strncmp(text, "HTTP/1.1 204", 12) == 0 && strstr(text, "HTTP/1.1 200"),
		"a request behind one that waits");
	close(fd);
}

static void check_body_sizes(void)
{
	static char body[1024 * 1024 + 2];
	static struct reply r;
	int fd = client_open();

	fake_reset();
	memset(body, ' ', sizeof(body));
	body[0] = '{';
	body[1] = '}';
	request_send(fd, "PUT", "/v1/bootstrap/d", span_make(body, 1024 * 1024));
	reply_read(fd, &r);
	CHECK(r.status == 204, "a body of 1 MiB");
	close(fd);
	fd = client_open();
	fake_reset();
	request_send(fd, "PUT", "/v1/bootstrap/d", span_make(body, 1024 * 1024 + 1));
	reply_read(fd, &r);
	CHECK(r.status == 413 && fake.call[0] == '\0', "a byte more");
	close(fd);
}

static void check_chunked(void)
{
	static struct reply r;
	const char *text = "PUT /v1/bootstrap/d HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
			   "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n";
	int fd = client_open();

	fake_reset();
	client_send(fd, text, strlen(text));
	reply_read(fd, &r);
	CHECK(r.status == 204 && strcmp(fake.text, "{}") == 0, "a body in chunks");
	close(fd);
}

static void check_header_size(void)
{
	static char text[40000];
	static struct reply r;
	int n = snprintf(text, sizeof(text), "GET /v1/status HTTP/1.1\r\nX: %030000d\r\n\r\n", 0);
	int fd = client_open();

	fake_reset();
	client_send(fd, text, (size_t)n);
	reply_read(fd, &r);
	CHECK(r.status != 200, "headers beyond their limit");
	close(fd);
}

static void check_socket(void)
{
	struct adm_opts o = fake_opts();
	struct adm *other;
	struct stat st;
	char why[256];

	CHECK(stat(fake.socket, &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == 0660,
		"the socket's mode");
	CHECK(adm_new(fake.base, &fake_ops, &o, &other, why) == ERR_BUSY && !other &&
			strstr(why, fake.socket),
		"a live socket is left alone");
	CHECK(ask("GET", "/v1/status", NULL)->status == 200, "and still served");
}

static void check_bad_sockets(void)
{
	static char deep[300];
	struct adm_opts o = fake_opts();
	struct adm *other;
	char why[256], path[128];

	memset(deep, 'x', sizeof(deep) - 1);
	o.socket = deep;
	CHECK(adm_new(fake.base, &fake_ops, &o, &other, why) == ERR_RANGE, "a path too long");
	snprintf(path, sizeof(path), "%s/none/admin.sock", fake.dir);
	o.socket = path;
	CHECK(adm_new(fake.base, &fake_ops, &o, &other, why) == ERR_IO, "no such directory");
	snprintf(path, sizeof(path), "%s/file", fake.dir);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	CHECK(adm_new(fake.base, &fake_ops, &o, &other, why) == ERR_EXISTS, "a plain file there");
	CHECK(access(path, F_OK) == 0, "which stays");
	unlink(path);
	snprintf(path, sizeof(path), "%s/g.sock", fake.dir);
	o.group = "no-such-group-here";
	CHECK(adm_new(fake.base, &fake_ops, &o, &other, why) == ERR_NOTFOUND, "an unknown group");
	CHECK(access(path, F_OK) != 0, "and no socket left behind");
}

static void check_stale(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct adm_opts o = fake_opts();
	struct adm *other = NULL;
	char why[256];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/stale.sock", fake.dir);
	REQUIRE(bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0, "bind");
	close(fd);
	o.socket = sun.sun_path;
	CHECK(adm_new(fake.base, &fake_ops, &o, &other, why) == ERR_OK,
		"a stale socket is replaced");
	adm_free(other);
	CHECK(access(sun.sun_path, F_OK) != 0, "and removed in the end");
}

static void check_inherited(void)
{
	struct adm_opts o = fake_opts();
	struct adm *other = NULL;
	char why[256];

	o.fd = socket(AF_INET, SOCK_STREAM, 0);
	if (o.fd >= 0 && listen(o.fd, 1) == 0)
		CHECK(adm_new(fake.base, &fake_ops, &o, &other, why) == ERR_UNSUPPORTED,
			"never on TCP");
	close(o.fd);
	o.fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(adm_new(fake.base, &fake_ops, &o, &other, why) == ERR_UNSUPPORTED, "not listening");
	close(o.fd);
}

/* The end, with one request still under way. */
static void check_stop(void)
{
	static char text[4096];
	adm_done_fn *done;
	int fd = client_open();

	fake_reset();
	fake.defer = true;
	request_send(fd, "PUT", "/v1/endpoints/d", SPAN_EMPTY);
	for (int i = 0; i < 50 && !fake.done; i++)
		pump();
	done = fake.done;
	REQUIRE(done, "it is under way");
	fake_stop();
	CHECK(recv(fd, text, sizeof(text) - 1, 0) > 0 && strncmp(text, "HTTP/1.1 503 ", 13) == 0 &&
			strstr(text, "shutting-down"),
		"who waits gets 503");
	done(fake.done_arg, &fake.result);
	CHECK(true, "and its late answer does no harm");
	close(fd);
}

int main(void)
{
	fake_start();
	check_answers();
	check_problems();
	check_pending();
	check_disconnect();
	check_pipelined();
	check_body_sizes();
	check_chunked();
	check_header_size();
	check_socket();
	check_bad_sockets();
	check_stale();
	check_inherited();
	check_stop();
	return test_done();
}
