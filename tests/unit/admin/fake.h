/* SPDX-License-Identifier: Apache-2.0 */
/* A REST interface on a real socket in a directory of its own, over a table of operations that
 * notes what it was asked and answers as told. One thread: the client's side pumps the loop. */
#ifndef LANYARD_TESTS_UNIT_ADMIN_FAKE_H
#define LANYARD_TESTS_UNIT_ADMIN_FAKE_H

#include "admin/admin.h"
#include "base/log.h"
#include "base/text.h"
#include "tests/unit/admin/fake_peer.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Ends what was deferred, the oldest first, at most so many. */
FAKE void fake_end_deferred(size_t max)
{
	size_t n = max < fake.deferred_n ? max : fake.deferred_n;

	for (size_t i = 0; i < n; i++)
		fake.deferred[i].done(fake.deferred[i].arg, &fake.result);
	fake.deferred_n -= n;
	memmove(fake.deferred, fake.deferred + n, fake.deferred_n * sizeof(fake.deferred[0]));
}

FAKE void fake_status(void *arg, struct adm_status *out)
{
	static const struct adm_reason refused = {
		"no-context", "nobody's Sender ID", 1700000000, 4};

	(void)arg;
	*out = (struct adm_status){.version = "0.1.0",
		.uptime_s = 7,
		.endpoints = 3,
		.storage_ok = true,
		.storage_text = "good",
		.rollbacks = 2,
		.damaged = 3,
		.listeners = {{"main", "server", "udp", "*", "any", 5683, false}},
		.listener_n = 1,
		.gateways = {{.name = "lora",
			.type = "socket",
			.role = "server",
			.reason = "no bridge is connected",
			.since_s = 60,
			.sent = 3,
			.received = 4}},
		.gateway_n = 1,
		.refusals = &refused,
		.refusal_n = 1};
}

FAKE struct adm_endpoint_view fake_view(struct span name)
{
	return (struct adm_endpoint_view){.name = name,
		.freshness = fake.freshness,
		.oscore_version = "discover",
		.registered = true,
		.location = SPAN_LIT("a1"),
		.lifetime_s = 300,
		.expires_in_s = INT64_MAX,
		.lwm2m = 11,
		.binding = "U",
		.security = "oscore",
		.require = "any",
		.address = "udp 192.0.2.1:5683",
		.links = SPAN_LIT("</>;rt=\"oma.lwm2m\",</1/4>,</1/6>,</3/0>,</5>"),
		.registered_wall_s = 1700000000,
		.context_n = 1};
}

FAKE bool fake_endpoint_list(void *arg, struct span after, size_t limit, struct span match,
	adm_endpoint_fn *fn, void *cb_arg)
{
	struct adm_endpoint_view v = fake_view(SPAN_LIT("dev \"1\""));

	(void)arg;
	fake_note("list", after);
	fake_text(match);
	fake.limit = limit;
	fn(cb_arg, &v);
	v.registered = false;
	v.name = SPAN_LIT("dev2");
	fn(cb_arg, &v);
	return fake.more;
}

FAKE enum err fake_endpoint_get(void *arg, struct span name, adm_endpoint_fn *fn, void *cb_arg)
{
	struct adm_endpoint_view v = fake_view(name);

	(void)arg;
	fake_note("get", name);
	if (!fake.err)
		fn(cb_arg, &v);
	return fake.err;
}

FAKE void fake_endpoint_put(void *arg, struct span name, const struct adm_settings *s,
	adm_done_fn *done, void *done_arg)
{
	(void)arg;
	fake_note("put", name);
	fake.settings = *s;
	fake_text(s->rd_ep);
	fake_finish(done, done_arg);
}

FAKE void fake_endpoint_delete(void *arg, struct span name, adm_done_fn *done, void *done_arg)
{
	(void)arg;
	fake_note("delete", name);
	fake_finish(done, done_arg);
}

FAKE enum err fake_context_list(void *arg, struct span name, adm_context_fn *fn, void *cb_arg)
{
	struct adm_context_view v = {.id = 9,
		.role = "server",
		.origin = "imported",
		.generation = "used",
		.sender_id = SPAN_LIT("\x01"),
		.recipient_id = SPAN_LIT("\x02\x03"),
		.aead = 10,
		.hkdf = -10,
		.sender_next = 4};

	(void)arg;
	fake_note("contexts", name);
	if (!fake.err)
		fn(cb_arg, &v);
	return fake.err;
}

FAKE uint8_t fake_object_version(void *arg, struct span name, struct span prefix, uint16_t oid)
{
	(void)arg, (void)name, (void)prefix, (void)oid;
	return fake.version;
}

FAKE enum err fake_device_list(
	void *arg, struct span name, struct adm_gateway_view *out, adm_device_fn *fn, void *cb_arg)
{
	struct lwm_instance inst[] = {{3, 0}, {3303, 0}};
	struct lwm_object_version ver[] = {{3, 12}};
	const struct lwm_object_list list = {.inst = inst, .ver = ver, .inst_n = 2, .ver_n = 1};
	const struct lwm_object_list none = {0};
	const struct adm_device_view good = {.instance = 0,
		.id = SPAN_LIT("sensor \"1\""),
		.prefix = SPAN_LIT("d01"),
		.list = &list};
	const struct adm_device_view bad = {.instance = 7,
		.id = SPAN_LIT(""),
		.prefix = SPAN_LIT("a/b"),
		.fault = "has a character that no segment of a path should have",
		.links_bad = true,
		.list = &none};

	(void)arg;
	fake_note("devices", name);
	*out = (struct adm_gateway_view){.state = "known", .left_out = 3, .read_wall_s = 1000};
	if (fake.err)
		return fake.err;
	fn(cb_arg, &good);
	fn(cb_arg, &bad);
	return ERR_OK;
}

FAKE void fake_oscore_put(
	void *arg, struct span name, const struct adm_oscore *o, adm_done_fn *done, void *done_arg)
{
	struct writer w = wr_make(fake.text, sizeof(fake.text) - 1);

	(void)arg;
	fake_note("oscore", name);
	fake.secret_n = o->master_secret.n;
	fake.bootstrap_role = o->bootstrap;
	wr_hex(&w, o->sender_id);
	wr_str(&w, " ");
	wr_hex(&w, o->recipient_id);
	wr_fmt(&w, " %d %d %llu %s", o->aead, o->hkdf, (unsigned long long)o->sender_seq,
		o->has_id_context ? "ctx" : "none");
	fake.text[w.n] = '\0';
	if (fake.conflicts > 0) {
		struct adm_result taken = {.status = 409, .type = "conflict", .detail = "taken"};
		fake.conflicts--;
		done(done_arg, &taken);
		return;
	}
	fake_finish(done, done_arg);
}

/* Endpoints named "taken..." are refused, "same..." are there already. */
FAKE void fake_import(void *arg, struct adm_import *lines, size_t n, bool replace,
	adm_done_fn *done, void *done_arg)
{
	struct writer w = wr_make(fake.text, sizeof(fake.text) - 1);

	(void)arg;
	fake_note("import", SPAN_EMPTY);
	wr_str(&w, replace ? "replace" : "keep");
	for (size_t i = 0; i < n; i++) {
		struct adm_import *l = &lines[i];

		if (l->status)
			continue;
		wr_fmt(&w, " %.*s:%zu:%zu", (int)l->endpoint.n, (const char *)l->endpoint.p,
			l->oscore_n, l->plan.n);
		l->status = span_eq_str(span_sub(l->endpoint, 0, 4), "same") ? 200 : 201;
		if (!span_eq_str(span_sub(l->endpoint, 0, 5), "taken"))
			continue;
		l->status = 409;
		l->type = "conflict";
		snprintf(l->detail, sizeof(l->detail), "taken");
		snprintf(l->field, sizeof(l->field), "credentials.oscore");
	}
	fake.text[w.n < sizeof(fake.text) ? w.n : 0] = '\0';
	if (fake.result.status < 400)
		fake.result.status = 200;
	fake_finish(done, done_arg);
}

FAKE void fake_oscore_delete(
	void *arg, struct span name, bool bootstrap, adm_done_fn *done, void *done_arg)
{
	(void)arg;
	fake_note("oscore-delete", name);
	fake.bootstrap_role = bootstrap;
	fake_finish(done, done_arg);
}

FAKE enum err fake_psk_list(void *arg, struct span name, adm_psk_fn *fn, void *cb_arg)
{
	(void)arg;
	fake_note("psks", name);
	if (fake.err)
		return fake.err;
	fn(cb_arg, &(struct adm_psk_view){"bootstrap", SPAN_LIT("me")});
	fn(cb_arg, &(struct adm_psk_view){"server", SPAN_LIT("\xff")});
	return ERR_OK;
}

FAKE void fake_psk_put(
	void *arg, struct span name, const struct adm_psk *p, adm_done_fn *done, void *done_arg)
{
	struct writer w = wr_make(fake.text, sizeof(fake.text) - 1);

	(void)arg;
	fake_note("psk", name);
	fake.bootstrap_role = p->bootstrap;
	fake.secret_n = p->key.n;
	wr_hex(&w, p->identity);
	fake.text[w.n] = '\0';
	fake_finish(done, done_arg);
}

FAKE void fake_psk_delete(
	void *arg, struct span name, bool bootstrap, adm_done_fn *done, void *done_arg)
{
	(void)arg;
	fake_note("psk-delete", name);
	fake.bootstrap_role = bootstrap;
	fake_finish(done, done_arg);
}

/* Of a value too long for fake.text. */
FAKE void fake_value(const struct adm_dm *d)
{
	const struct lwm_value *v = d->record_n ? &d->records[0].value : NULL;

	fake.value_n = fake.value_sum = 0;
	if (!v || (v->type != LWM_OPAQUE && v->type != LWM_STRING))
		return;
	fake.value_n = v->bytes.n;
	for (size_t i = 0; i < v->bytes.n; i++)
		fake.value_sum = fake.value_sum * 31 + v->bytes.p[i];
}

FAKE uint64_t fake_dm(void *arg, const struct adm_dm *d, adm_done_fn *done, void *done_arg)
{
	struct writer w = wr_make(fake.text, sizeof(fake.text) - 1);

	(void)arg;
	fake_note("dm", d->endpoint);
	fake.dm = *d;
	fake_value(d);
	wr_target(&w, &d->prefix, &d->path);
	for (size_t i = 0; i < d->record_n; i++) {
		wr_fmt(&w, " %s%.*s", d->records[i].prefix.n ? "/" : "",
			(int)d->records[i].prefix.n, (const char *)d->records[i].prefix.p);
		wr_path(&w, &d->records[i].path);
		wr_fmt(&w, "=%s:", lwm_type_name(d->records[i].value.type));
		if (d->records[i].kind == LWM_RECORD_VALUE)
			wr_value_text(&w, &d->records[i].value);
	}
	if (d->kind == ADM_EXECUTE || d->kind == ADM_ATTRIBUTES) {
		wr_str(&w, " ");
		wr_bytes(&w, d->kind == ADM_EXECUTE ? d->arguments : d->attributes);
	}
	if (d->kind == ADM_DISCOVER)
		wr_fmt(&w, " depth %d", d->depth);
	fake.text[w.n] = '\0';
	fake_finish(done, done_arg);
	return 77;
}

FAKE enum err fake_dm_cancel(void *arg, struct span endpoint, uint64_t operation)
{
	(void)arg;
	fake_note("dm-cancel", endpoint);
	return operation == 77 ? fake.err : ERR_NOTFOUND;
}

FAKE enum err fake_observation_list(
	void *arg, struct span name, adm_observation_fn *fn, void *cb_arg)
{
	struct adm_observation_view v = {
		.path = {.n = 3, .id = {3303, 0, 5700}}, .state = "active", .notifications = 5};

	(void)arg;
	fake_note("observations", name);
	if (!fake.err)
		fn(cb_arg, &v);
	return fake.err;
}

FAKE enum err fake_bootstrap_get(void *arg, struct span name, struct adm_bootstrap_view *out)
{
	(void)arg;
	fake_note("bootstrap", name);
	*out = fake.bootstrap;
	return fake.err;
}

FAKE void fake_plan_put(
	void *arg, struct span name, struct span json, adm_done_fn *done, void *done_arg)
{
	(void)arg;
	fake_note("plan", name);
	fake_text(json);
	fake_finish(done, done_arg);
}

FAKE void fake_plan_delete(void *arg, struct span name, adm_done_fn *done, void *done_arg)
{
	(void)arg;
	fake_note("plan-delete", name);
	fake_finish(done, done_arg);
}

FAKE void fake_bootstrap_start(void *arg, struct span name, adm_done_fn *done, void *done_arg)
{
	(void)arg;
	fake_note("bootstrap-start", name);
	fake_finish(done, done_arg);
}

FAKE enum err fake_trace(void *arg, struct span name, bool on)
{
	(void)arg;
	fake_note(on ? "trace" : "trace-end", name);
	return fake.err;
}

FAKE enum err fake_oscore_decode(
	void *arg, struct span name, const struct adm_decode *d, struct span *json)
{
	(void)arg;
	fake_note("decode", name);
	*json = d->message.n == 1 ? SPAN_LIT("{\"outer\":null}") : SPAN_LIT("{\"outer\":{}}");
	return span_eq_str(name, "nobody") ? ERR_NOTFOUND : ERR_OK;
}

/* Of "stranger" nobody knows, but there is a name like it. */
FAKE enum err fake_explain(void *arg, struct span name, struct adm_explanation *out)
{
	static const struct adm_reason replay = {
		"replay", "an old request came again", 1700000000, 2};
	static const struct adm_context_state context = {.id = 9,
		.role = "server",
		.recipient_id = {(const uint8_t *)"\x02\x03", 2},
		.window = "to-be-challenged",
		.last_refusal = &replay,
		.replays = 2,
		.auth_failures = 1,
		.numbers_used = 512,
		.numbers_limit = 1048576};

	(void)arg;
	fake_note("explain", name);
	*out = (struct adm_explanation){.code = "refused",
		.text = "It does not get through.",
		.last_contact_wall_s = 1700000060,
		.last_refusal = &replay,
		.reasons = &replay,
		.reason_n = 1,
		.contexts = &context,
		.context_n = 1};
	if (!span_eq_str(name, "stranger"))
		return fake.err;
	*out = (struct adm_explanation){.similar = {SPAN_LIT("strange-r")}, .similar_n = 1};
	return ERR_NOTFOUND;
}

/* Event n of the ring: odd ones are "updated" of dev1, even ones "notification" of dev2. */
FAKE struct adm_event fake_event(uint64_t seq, char *json, size_t cap)
{
	size_t n = fake.event_bytes < cap ? fake.event_bytes : cap - 1;
	struct adm_event e = {.seq = seq, .wall_ms = 1700000000123};

	memset(json, 'x', n);
	if (n >= 2) {
		json[0] = json[n - 1] = '"';
		e.json = span_make(json, n);
	}
	e.type = seq % 2 ? SPAN_LIT("updated") : SPAN_LIT("notification");
	e.endpoint = seq % 2 ? SPAN_LIT("dev1") : SPAN_LIT("dev2");
	return e;
}

FAKE enum err fake_events(
	void *arg, uint64_t after, size_t max, adm_event_fn *fn, void *cb_arg, uint64_t *first)
{
	static char json[100000];

	(void)arg;
	fake_note("events", SPAN_EMPTY);
	*first = fake.event_first;
	fake.events_max = max > fake.events_max ? max : fake.events_max;
	if (fake.err)
		return fake.err;
	if (after + 1 < fake.event_first)
		return ERR_NOTFOUND;
	for (uint64_t seq = after + 1; seq <= fake.event_last && max > 0; seq++, max--) {
		struct adm_event e = fake_event(seq, json, sizeof(json));

		fn(cb_arg, &e);
		fake.events_told++;
	}
	return ERR_OK;
}

FAKE void fake_metrics(void *arg, adm_metric_fn *fn, void *cb_arg)
{
	struct adm_metric m = {
		"lanyard_requests_total", "Requests.", true, "code", "2.05 \"x\"\n", 12};

	(void)arg;
	fn(cb_arg, &m);
	m.label_value = "4.04";
	m.value = UINT64_MAX;
	fn(cb_arg, &m);
	m = (struct adm_metric){"lanyard_up", "Up.", false, NULL, NULL, 1};
	fn(cb_arg, &m);
}

FAKE void fake_unseal(void *arg, adm_done_fn *done, void *done_arg)
{
	(void)arg;
	fake_note("unseal", SPAN_EMPTY);
	fake_finish(done, done_arg);
}

FAKE void fake_backup(void *arg, adm_done_fn *done, void *done_arg)
{
	struct adm_result r = {
		.status = 201, .location = SPAN_LIT("/state/copy.db"), .bytes = 4096};
	(void)arg;
	fake_note("backup", SPAN_EMPTY);
	done(done_arg, &r);
}

FAKE void fake_queued_list(void *arg, struct span endpoint, adm_queued_fn *fn, void *cb_arg)
{
	(void)arg;
	if (fake.queued.id && (!endpoint.n || span_eq(endpoint, fake.queued.endpoint)))
		fn(cb_arg, &fake.queued);
}

FAKE bool fake_queued_get(void *arg, uint64_t id, adm_queued_fn *fn, void *cb_arg)
{
	(void)arg;
	if (!fake.queued.id || id != fake.queued.id)
		return false;
	fn(cb_arg, &fake.queued);
	return true;
}

FAKE enum err fake_queued_cancel(void *arg, uint64_t id)
{
	(void)arg;
	return !fake.queued.id || id != fake.queued.id ? ERR_NOTFOUND : fake.err;
}

FAKE void fake_queued_follow(void *arg, uint64_t id, adm_done_fn *done, void *done_arg)
{
	(void)arg;
	fake.followed = id;
	fake.done = done;
	fake.done_arg = done_arg;
}

static const struct adm_ops fake_ops __attribute__((unused)) = {
	.status = fake_status,
	.endpoint_list = fake_endpoint_list,
	.endpoint_get = fake_endpoint_get,
	.endpoint_put = fake_endpoint_put,
	.endpoint_delete = fake_endpoint_delete,
	.context_list = fake_context_list,
	.object_version = fake_object_version,
	.device_list = fake_device_list,
	.oscore_put = fake_oscore_put,
	.oscore_decode = fake_oscore_decode,
	.import = fake_import,
	.oscore_delete = fake_oscore_delete,
	.psk_list = fake_psk_list,
	.psk_put = fake_psk_put,
	.psk_delete = fake_psk_delete,
	.peer_list = fake_peer_list,
	.peer_put = fake_peer_put,
	.peer_delete = fake_peer_delete,
	.dm = fake_dm,
	.dm_cancel = fake_dm_cancel,
	.queued_list = fake_queued_list,
	.queued_get = fake_queued_get,
	.queued_cancel = fake_queued_cancel,
	.queued_follow = fake_queued_follow,
	.observation_list = fake_observation_list,
	.bootstrap_get = fake_bootstrap_get,
	.unseal = fake_unseal,
	.backup = fake_backup,
	.plan_put = fake_plan_put,
	.plan_delete = fake_plan_delete,
	.bootstrap_start = fake_bootstrap_start,
	.explain = fake_explain,
	.trace = fake_trace,
	.events = fake_events,
	.metrics = fake_metrics,
};

FAKE void fake_log(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	snprintf(fake.log, sizeof(fake.log), "%s", line);
}

FAKE struct adm_opts fake_opts(void)
{
	return (struct adm_opts){.socket = fake.socket,
		.mode = 0660,
		.fd = -1,
		.wait_default_s = 60,
		.wait_max_s = 300,
		.operation_keep_s = 3600,
		.idempotency_keep_s = 24 * 3600,
		.rng = rng_system(),
		.event_clients_max = 3};
}

FAKE void fake_reset(void)
{
	fake.err = ERR_OK;
	fake.result = (struct adm_result){.status = 204, .content_format = -1};
	fake.defer = fake.more = false;
	fake.freshness = "auto";
	fake.bootstrap = (struct adm_bootstrap_view){.state = "idle", .last_result = ""};
	fake.call[0] = fake.name[0] = fake.text[0] = '\0';
	fake.done = NULL;
	fake.deferred_n = 0;
	fake.events_told = fake.events_max = 0;
}

FAKE void fake_start(void)
{
	struct adm_opts o;
	char why[256];

	snprintf(fake.dir, sizeof(fake.dir), "/tmp/lanyard-admin-XXXXXX");
	REQUIRE(mkdtemp(fake.dir), "a temporary directory");
	snprintf(fake.socket, sizeof(fake.socket), "%s/admin.sock", fake.dir);
	log_set_sink(fake_log, NULL);
	log_set_level(LOG_LEVEL_INFO);
	fake.base = event_base_new();
	o = fake_opts();
	REQUIRE(adm_new(fake.base, &fake_ops, &o, &fake.adm, why) == ERR_OK, "it starts");
	fake_reset();
}

FAKE void fake_stop(void)
{
	struct stat st;

	adm_free(fake.adm);
	fake.adm = NULL;
	CHECK(lstat(fake.socket, &st) != 0, "the socket file is removed");
	event_base_free(fake.base);
	libevent_global_shutdown();
	rmdir(fake.dir);
}

FAKE void pump(void)
{
	event_base_loop(fake.base, EVLOOP_NONBLOCK);
}

/* A non-blocking client socket. */
FAKE int client_open(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(sun.sun_path, fake.socket, sizeof(sun.sun_path));
	REQUIRE(connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0, "connect");
	REQUIRE(fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "non-blocking");
	return fd;
}

FAKE void client_send(int fd, const char *p, size_t n)
{
	for (int tries = 0; n > 0 && tries < 100000; tries++) {
		ssize_t got = send(fd, p, n, MSG_NOSIGNAL);

		if (got > 0) {
			p += got;
			n -= (size_t)got;
		} else if (errno != EAGAIN) {
			return;
		}
		pump();
	}
}

/* Pumps until `until` stands in what came, the peer closes, or nothing comes for a while. */
FAKE size_t client_read(int fd, char *buf, size_t cap, const char *until)
{
	size_t n = 0;

	buf[0] = '\0';
	for (int idle = 0; idle < 300 && n + 1 < cap && !(until && strstr(buf, until));) {
		ssize_t got;

		pump();
		got = recv(fd, buf + n, cap - n - 1, 0);
		if (got == 0 || (got < 0 && errno != EAGAIN))
			break;
		if (got < 0) {
			usleep(++idle > 20 ? 1000 : 0);
			continue;
		}
		idle = 0;
		n += (size_t)got;
		buf[n] = '\0';
	}
	return n;
}

struct reply {
	int status;
	char text[65536]; /* all of it */
	const char *body;
};

FAKE void reply_read(int fd, struct reply *r)
{
	const char *length;
	size_t n = client_read(fd, r->text, sizeof(r->text), "\r\n\r\n");

	r->status = n > 12 ? atoi(r->text + 9) : 0;
	r->body = strstr(r->text, "\r\n\r\n");
	if (!r->body)
		return;
	r->body += 4;
	length = strstr(r->text, "Content-Length: ");
	if (length && (size_t)(r->text + n - r->body) < (size_t)atol(length + 16))
		client_read(fd, r->text + n, sizeof(r->text) - n, NULL);
}

/* `headers`: whole lines. */
FAKE void request_send_with(
	int fd, const char *method, const char *target, const char *headers, struct span body)
{
	static char text[8192];
	int n = snprintf(text, sizeof(text),
		"%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n%s\r\n", method, target,
		body.n, headers);

	client_send(fd, text, (size_t)n);
	client_send(fd, (const char *)body.p, body.n);
}

FAKE void request_send(int fd, const char *method, const char *target, struct span body)
{
	request_send_with(fd, method, target, "", body);
}

/* One request on a connection of its own. */
FAKE const struct reply *ask_span(
	const char *method, const char *target, const char *headers, struct span body)
{
	static struct reply r;
	int fd = client_open();

	request_send_with(fd, method, target, headers, body);
	reply_read(fd, &r);
	close(fd);
	return &r;
}

/* `type` is the Content-Type; NULL: none. */
FAKE const struct reply *ask_as(
	const char *method, const char *target, const char *type, struct span body)
{
	char header[128] = "";

	if (type)
		snprintf(header, sizeof(header), "Content-Type: %s\r\n", type);
	return ask_span(method, target, header, body);
}

FAKE const struct reply *ask_with(
	const char *method, const char *target, const char *headers, const char *body)
{
	return ask_span(method, target, headers, span_str(body));
}

FAKE const struct reply *ask(const char *method, const char *target, const char *body)
{
	return ask_span(method, target, "", span_str(body));
}

#endif
