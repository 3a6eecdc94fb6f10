/* SPDX-License-Identifier: Apache-2.0 */
/* The event stream. */
#include "tests/unit/admin/fake.h"

static char text[4 * 1024 * 1024];

static int listen_to(const char *target, const char *headers)
{
	char request[512];
	int fd = client_open();
	int n = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n%s\r\n", target, headers);

	client_send(fd, request, (size_t)n);
	return fd;
}

static void emit(uint64_t seq, const char *type, const char *endpoint, const char *json)
{
	struct adm_event e = {
		seq, 1700000000123, span_str(type), span_str(endpoint), span_str(json)};

	adm_event_emit(fake.adm, &e);
}

static size_t count(const char *what)
{
	size_t n = 0;

	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		n++;
	return n;
}

static void check_live(void)
{
	int fd = listen_to("/v1/events", "");

	fake_reset();
	client_read(fd, text, sizeof(text), ": events\n\n");
	CHECK(strncmp(text, "HTTP/1.1 200", 12) == 0 &&
			strstr(text, "Content-Type: text/event-stream\r\n"),
		"the stream opens");
	emit(12, "registered", "d\"1", "{\"a\":\n1}");
	client_read(fd, text, sizeof(text), "\n\n");
	CHECK(strstr(text, "id: 12\nevent: registered\ndata: {\"seq\":12,"
			   "\"time\":\"2023-11-14T22:13:20.123Z\",\"type\":\"registered\","
			   "\"endpoint\":\"d\\\"1\",\"data\":{\"a\": 1}}\n\n"),
		"a live event, on one line");
	emit(0, "updated", "d", "");
	client_read(fd, text, sizeof(text), "\n\n");
	CHECK(strstr(text, "event: updated\ndata: {\"time\":") && !strstr(text, "id:"),
		"an event that is only live has no id");
	emit(12, "registered", "d", "{}");
	CHECK(client_read(fd, text, sizeof(text), "\n\n") == 0, "nothing twice");
	close(fd);
}

static void pump_some(void)
{
	for (int i = 0; i < 20; i++)
		pump();
}

static void check_trace(void)
{
	int fd, other, all;

	fake_reset();
	all = listen_to("/v1/events", "");
	client_read(all, text, sizeof(text), ": events\n\n");
	fd = listen_to("/v1/endpoints/d%201/trace", "");
	client_read(fd, text, sizeof(text), ": trace\n\n");
	CHECK(!strcmp(fake.call, "trace") && !strcmp(fake.name, "d 1"), "a trace begins");
	emit(0, "trace", "d 2", "{\"a\":2}");
	emit(21, "updated", "d 1", "{}");
	emit(0, "trace", "d 1", "{\"a\":1}");
	client_read(fd, text, sizeof(text), "\n\n");
	CHECK(strstr(text, "\"endpoint\":\"d 1\",\"data\":{\"a\":1}}") && count("event:") == 1,
		"it has that endpoint's messages and no event");
	client_read(all, text, sizeof(text), "\n\n");
	CHECK(count("event: updated") == 1 && !count("trace"), "nobody else has them");
	other = listen_to("/v1/endpoints/d%201/trace", "");
	client_read(other, text, sizeof(text), ": trace\n\n");
	close(fd);
	pump_some();
	CHECK(!strcmp(fake.call, "trace"), "it goes on for a second one");
	close(other);
	pump_some();
	CHECK(!strcmp(fake.call, "trace-end") && !strcmp(fake.name, "d 1"), "and ends with it");
	fake.err = ERR_NOTFOUND;
	fd = listen_to("/v1/endpoints/x/trace", "");
	client_read(fd, text, sizeof(text), "}");
	CHECK(strncmp(text, "HTTP/1.1 404", 12) == 0, "of an unknown endpoint");
	close(fd);
	fd = listen_to("/v1/endpoints/x/trace?type=a", "");
	client_read(fd, text, sizeof(text), "}");
	CHECK(strncmp(text, "HTTP/1.1 400", 12) == 0, "it takes no parameter");
	close(fd);
	close(all);
	pump_some();
	fake_reset();
}

static void check_filters(void)
{
	int fd = listen_to("/v1/events?endpoint=d%201&type=updated,expired", "");

	fake_reset();
	client_read(fd, text, sizeof(text), ": events\n\n");
	emit(1, "updated", "d 2", "{}");
	emit(2, "registered", "d 1", "{}");
	emit(3, "expired", "d 1", "{}");
	client_read(fd, text, sizeof(text), "\n\n");
	CHECK(strstr(text, "id: 3\n") && count("event:") == 1, "endpoint and type filter");
	close(fd);
}

static void check_resume(void)
{
	int fd;

	fake_reset();
	fake.event_first = 1;
	fake.event_last = 1000;
	fake.event_bytes = 100;
	fd = listen_to("/v1/events", "Last-Event-ID: 10\r\n");
	client_read(fd, text, sizeof(text), "id: 1000\n");
	CHECK(strstr(text, "id: 11\n") && !strstr(text, "id: 10\n") && count("event:") == 990,
		"everything after the last event, in pieces");
	emit(1000, "updated", "d", "{}");
	emit(1001, "updated", "d", "{}");
	client_read(fd, text, sizeof(text), "id: 1001\n");
	CHECK(count("id: 1000\n") == 0 && count("id: 1001\n") == 1, "then live, nothing twice");
	close(fd);
	fd = listen_to("/v1/events?after=990&endpoint=dev1", "");
	client_read(fd, text, sizeof(text), "id: 999\n");
	CHECK(count("event: updated") == 5 && count("dev2") == 0, "resume with a filter");
	close(fd);
}

static struct event *someone;
static unsigned turns; /* that somebody else has had */

static void on_other(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval soon = {0};

	(void)fd;
	(void)what;
	(void)arg;
	turns++;
	if (fake.events_told < fake.event_last)
		event_add(someone, &soon);
}

/* A filter that lets nothing through does not make the ring be read in one go. */
static void check_long_backlog(void)
{
	static const struct timeval soon = {0};
	int fd;

	fake_reset();
	fake.event_first = 1;
	fake.event_last = 100000;
	someone = evtimer_new(fake.base, on_other, NULL);
	event_add(someone, &soon);
	fd = listen_to("/v1/events?endpoint=nobody", "Last-Event-ID: 0\r\n");
	client_read(fd, text, sizeof(text), ": events\n\n");
	for (int i = 0; i < 1000 && fake.events_told < fake.event_last; i++)
		pump();
	CHECK(fake.events_told == fake.event_last && fake.events_max <= 256,
		"the ring is read to its end, in pieces");
	CHECK(turns >= 100000 / 256, "others have their turn between them");
	emit(100001, "updated", "nobody", "{}");
	client_read(fd, text, sizeof(text), "id: 100001\n");
	CHECK(count("id: 100001\n") == 1, "then it is live");
	event_free(someone);
	close(fd);
	for (int i = 0; i < 20; i++)
		pump();
}

static void check_gap(void)
{
	int fd;

	fake_reset();
	fake.event_first = 500;
	fake.event_last = 502;
	fd = listen_to("/v1/events", "Last-Event-ID: 3\r\n");
	client_read(fd, text, sizeof(text), "id: 502\n");
	CHECK(strstr(text, "event: gap\ndata: {\"type\":\"gap\",\"first\":500}\n\n") &&
			strstr(text, "id: 500\n"),
		"a gap is told");
	close(fd);
	fd = listen_to("/v1/events", "Last-Event-ID: 9999\r\n");
	client_read(fd, text, sizeof(text), ": events\n\n");
	pump();
	emit(503, "updated", "d", "{}");
	client_read(fd, text, sizeof(text), "id: 503\n");
	CHECK(count("id: 503\n") == 1, "a number of another database hides nothing");
	close(fd);
	fd = listen_to("/v1/events", "Last-Event-ID: x\r\n");
	client_read(fd, text, sizeof(text), "\r\n\r\n");
	CHECK(strncmp(text, "HTTP/1.1 400", 12) == 0, "a bad number");
	close(fd);
}

/* Catching up waits for its reader; the kernel's buffer and ours are all that is filled. */
static void check_slow_resume(void)
{
	size_t n = 0;
	int fd;

	fake_reset();
	fake.event_first = 1;
	fake.event_last = 300;
	fake.event_bytes = 10000;
	fd = listen_to("/v1/events", "Last-Event-ID: 0\r\n");
	for (int i = 0; i < 200; i++)
		pump();
	n = client_read(fd, text, sizeof(text), "id: 300\n");
	CHECK(count("event:") == 300 && n > 300 * 10000 - 10000, "a slow reader catches up whole");
	close(fd);
	for (int i = 0; i < 20; i++)
		pump();
}

static void check_slow_live(void)
{
	static char json[50000];
	int fd = listen_to("/v1/events", ""), other = listen_to("/v1/events?type=expired", "");
	size_t n;

	fake_reset();
	client_read(fd, text, sizeof(text), ": events\n\n");
	client_read(other, text, sizeof(text), ": events\n\n");
	memset(json, 'x', sizeof(json) - 1);
	json[0] = json[sizeof(json) - 2] = '"';
	for (uint64_t seq = 2000; seq < 2100; seq++) {
		emit(seq, "updated", "d", json);
		pump();
	}
	n = client_read(fd, text, sizeof(text), NULL);
	CHECK(n < 100 * 50000 && strstr(text, "}\n\n\r\n27\r\n: too slow, resume with Last-Event-ID"
					      "\n\n\r\n0\r\n\r\n"),
		"a slow live reader is dropped, with a last word");
	CHECK(recv(fd, text, 1, 0) == 0, "and the connection ends");
	emit(2100, "expired", "d", "{}");
	client_read(other, text, sizeof(text), "\n\n");
	CHECK(count("id: 2100\n") == 1, "others are not");
	close(fd);
	close(other);
	for (int i = 0; i < 20; i++)
		pump();
}

static void check_limit(void)
{
	int fd[4];

	fake_reset();
	for (int i = 0; i < 4; i++) {
		fd[i] = listen_to("/v1/events", "");
		client_read(fd[i], text, sizeof(text), "\n\n");
		if (i < 3)
			CHECK(strncmp(text, "HTTP/1.1 200", 12) == 0, "a client within the limit");
	}
	client_read(fd[3], text + strlen(text), 1000, "}");
	CHECK(strncmp(text, "HTTP/1.1 503", 12) == 0, "one too many");
	close(fd[3]);
	close(fd[0]);
	for (int i = 0; i < 20; i++)
		pump();
	fd[3] = listen_to("/v1/events", "");
	client_read(fd[3], text, sizeof(text), "\n\n");
	CHECK(strncmp(text, "HTTP/1.1 200", 12) == 0, "a place is free when one has left");
	/* What a listener says is not kept: it cannot fill our memory. */
	memset(text, 'x', sizeof(text));
	CHECK(send(fd[1], text, sizeof(text), MSG_NOSIGNAL) < (ssize_t)sizeof(text), "it may talk");
	emit(5000, "updated", "d", "{}");
	client_read(fd[1], text, sizeof(text), "\n\n");
	CHECK(count("id: 5000\n") == 1, "and is still told");
	close(fd[1]);
	close(fd[2]);
	close(fd[3]);
}

static void check_storage_failure(void)
{
	int fd;

	fake_reset();
	for (int i = 0; i < 20; i++)
		pump();
	fake.err = ERR_IO;
	fd = listen_to("/v1/events", "Last-Event-ID: 1\r\n");
	client_read(fd, text, sizeof(text), NULL);
	CHECK(recv(fd, text, 1, 0) == 0, "without storage a resuming client is sent away");
	close(fd);
}

int main(void)
{
	int fd;

	fake_start();
	check_live();
	check_trace();
	check_filters();
	check_resume();
	check_long_backlog();
	check_gap();
	check_slow_resume();
	check_slow_live();
	check_limit();
	check_storage_failure();
	fd = listen_to("/v1/events", "");
	client_read(fd, text, sizeof(text), "\n\n");
	fake_stop();
	close(fd);
	return test_done();
}
