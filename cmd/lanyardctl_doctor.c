/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: is the installation well, and if not, what is to be done. */
#include "cmd/lanyardctl_doctor.h"

#include <errno.h>
#include <grp.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	FILES_MIN = 1024,
	REFUSALS_MANY = 1000,
	ENDPOINTS_LOOKED_AT = 1000,
	NAMES_SHOWN = 3,
};

/* A device's numbers end at 2^40. */
#define RECEIVED_NEAR ((UINT64_C(1) << 40) / 10 * 9)

static const char *const level_names[] = {"ok", "warn", "FAIL"};

void doc_say(struct doctor *d, enum doc_level level, const char *check, const char *text,
	const char *advice)
{
	struct json_object *o = json_object_new_object();

	if (level > d->worst)
		d->worst = level;
	json_object_object_add(o, "check", json_object_new_string(check));
	json_object_object_add(o, "level", json_object_new_string(level_names[level]));
	json_object_object_add(o, "text", json_object_new_string(text));
	if (advice)
		json_object_object_add(o, "advice", json_object_new_string(advice));
	json_object_array_add(d->checks, o);
}

/* ---- the socket */

static void check_socket_rights(struct doctor *d)
{
	struct ctl *c = d->ctl;
	struct stat st;
	const struct group *g;

	if (stat(c->socket, &st))
		return;
	g = getgrgid(st.st_gid);
	if (st.st_mode & 07)
		doc_say(d, DOC_FAIL, "socket-rights",
			ctl_fmt(c, "everybody may open %s (mode %04o), which is to do everything",
				c->socket, st.st_mode & 07777),
			"set [admin] socket_mode = 0660 (SocketMode= of lanyardd.socket)");
	else
		doc_say(d, DOC_OK, "socket-rights",
			ctl_fmt(c, "%s: mode %04o, group %s", c->socket, st.st_mode & 07777,
				g ? g->gr_name : "without a name"),
			NULL);
}

static void say_unreachable(struct doctor *d, int e)
{
	struct ctl *c = d->ctl;

	if (e == EACCES)
		doc_say(d, DOC_FAIL, "daemon", ctl_fmt(c, "%s may not be opened by you", c->socket),
			"run doctor as root or as a member of the socket's group");
	else
		doc_say(d, DOC_FAIL, "daemon",
			ctl_fmt(c,
				"the daemon does not run, or not at %s: %s; the rest is "
				"what is seen without it",
				c->socket, strerror(e)),
			"'systemctl start lanyardd', or -S PATH if its socket is another one");
}

/* Who listens there. Under socket activation that is systemd, which then knows the daemon. */
static pid_t daemon_pid(struct doctor *d, int fd)
{
	struct ucred peer = {0};
	socklen_t n = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n))
		return 0;
	return peer.pid != 1 ? peer.pid : (pid_t)atoi(doc_unit_value(d, "MainPID"));
}

static void check_socket(struct doctor *d)
{
	struct ctl *c = d->ctl;
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct ctl_reply r = {0};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check_socket_rights(d);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", c->socket);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof(sun))) {
		say_unreachable(d, errno);
	} else {
		d->pid = daemon_pid(d, fd);
		d->runs = ctl_call(c, "GET", "/v1/status", NULL, 0, &r) == CTL_OK;
		d->status = json_object_get(r.json);
		doc_say(d, d->runs ? DOC_OK : DOC_FAIL, "daemon",
			ctl_fmt(c, "the daemon %s at %s", d->runs ? "answers" : "gives no answer",
				c->socket),
			d->runs ? NULL : "look at its log");
		ctl_reply_free(&r);
	}
	if (fd >= 0)
		close(fd);
}

/* ---- what the daemon says of itself */

static void check_version(struct doctor *d)
{
	const char *its = ctl_cell(d->ctl, d->status, "version");
	bool same = strcmp(its, LANYARD_VERSION) == 0;

	doc_say(d, same ? DOC_OK : DOC_WARN, "version",
		ctl_fmt(d->ctl, "lanyardd %s, lanyardctl " LANYARD_VERSION, its),
		same ? NULL
		     : "restart the daemon after an upgrade, or use the lanyardctl that belongs to "
		       "it");
}

static void check_storage(struct doctor *d)
{
	struct ctl *c = d->ctl;
	const char *text = ctl_cell(c, d->status, "storage.text");
	const char *rollbacks = ctl_cell(c, d->status, "storage.rollbacks");

	if (json_object_get_boolean(ctl_member(d->status, "storage.sealed")))
		doc_say(d, DOC_FAIL, "database", ctl_fmt(c, "the database is sealed: %s", text),
			"put the anchor back, or see 'lanyardctl help unseal'");
	else if (!json_object_get_boolean(ctl_member(d->status, "storage.ok")))
		doc_say(d, DOC_FAIL, "database", ctl_fmt(c, "nothing can be stored: %s", text),
			"mend the disk; the daemon goes on by itself");
	else
		doc_say(d, DOC_OK, "database",
			ctl_fmt(c, "the database can be written; it was set back %s times",
				rollbacks),
			NULL);
	const char *damaged = ctl_cell(c, d->status, "storage.damaged");
	if (strtoull(damaged, NULL, 10))
		doc_say(d, DOC_FAIL, "damage",
			ctl_fmt(c,
				"%s rows of the database contradict themselves; whoever they "
				"concern is not served",
				damaged),
			"the log names them at each start: look after the disk and the memory, "
			"then "
			"restore a backup, or delete these endpoints and provision them anew");
}

/* Whether /proc/net/udp or udp6 has a socket with that port. */
static bool port_bound(const char *file, unsigned port)
{
	FILE *f = fopen(file, "re");
	char line[512];
	bool found = false;
	unsigned p;

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, " %*d: %*[0-9A-Fa-f]:%x", &p) == 1 && p == port;
	if (f)
		fclose(f);
	return found;
}

static bool is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

static void check_listener(struct doctor *d, struct json_object *l)
{
	struct ctl *c = d->ctl;
	const char *address = ctl_cell(c, l, "address");
	unsigned port = (unsigned)json_object_get_int(ctl_member(l, "port"));
	const char *transport = ctl_cell(c, l, "transport");
	const char *who = ctl_fmt(c, "%s (%s) at %s %s port %u", ctl_cell(c, l, "name"),
		ctl_cell(c, l, "role"), address, transport, port);

	bool stream = !strcmp(transport, "tcp") || !strcmp(transport, "tls");
	const char *socket = stream ? "tcp" : "udp";

	if (!port_bound(ctl_fmt(c, "/proc/net/%s", socket), port) &&
		!port_bound(ctl_fmt(c, "/proc/net/%s6", socket), port))
		doc_say(d, DOC_WARN, "listener",
			ctl_fmt(c, "%s: no such socket is seen from here", who),
			"is the daemon in another network namespace?");
	else if (is_loopback(address))
		doc_say(d, DOC_WARN, "listener",
			ctl_fmt(c, "%s: only this machine reaches it", who),
			"set its address in [listen NAME]; * is every address");
	else
		doc_say(d, DOC_OK, "listener",
			ctl_fmt(c, "%s: bound%s", who,
				strcmp(address, "*") && strcmp(address, "0.0.0.0") &&
						strcmp(address, "::")
					? ""
					: ", to every address"),
			NULL);
	if (strcmp(transport, "dtls") == 0)
		doc_say(d, DOC_OK, "dtls",
			ctl_fmt(c,
				"%s: without Connection IDs, which OpenSSL has not for DTLS 1.2: a "
				"device whose address changes has to make a new handshake",
				who),
			NULL);
	if (json_object_get_boolean(ctl_member(l, "nosec")))
		doc_say(d, DOC_WARN, "nosec",
			ctl_fmt(c, "%s: anybody may register without security", who),
			"set nosec = no, and name those that must in [server] nosec_endpoints");
}

static void check_listeners(struct doctor *d)
{
	struct json_object *list = ctl_member(d->status, "listeners");

	for (size_t i = 0; list && i < json_object_array_length(list); i++)
		check_listener(d, json_object_array_get_idx(list, i));
}

static void check_gateway(struct doctor *d, struct json_object *g)
{
	struct ctl *c = d->ctl;
	bool up = json_object_get_boolean(ctl_member(g, "up"));
	const char *who = ctl_fmt(c, "%s (%s, %s)", ctl_cell(c, g, "name"), ctl_cell(c, g, "type"),
		ctl_cell(c, g, "role"));

	doc_say(d, up ? DOC_OK : DOC_WARN, "gateway",
		ctl_fmt(c, "%s is %s: %s", who, up ? "up" : "down", ctl_cell(c, g, "reason")),
		up ? NULL
		   : "look after what is at its other end; its devices are not reached meanwhile");
	if (json_object_get_int64(ctl_member(g, "faults")))
		doc_say(d, DOC_WARN, "gateway",
			ctl_fmt(c, "%s: its other end did not keep to the protocol %s times", who,
				ctl_cell(c, g, "faults")),
			"the log says what was wrong");
	if (json_object_get_boolean(ctl_member(g, "nosec")))
		doc_say(d, DOC_WARN, "nosec",
			ctl_fmt(c, "%s: anybody may register without security", who),
			"set nosec = no, and name those that must in [server] nosec_endpoints");
}

static void check_gateways(struct doctor *d)
{
	struct json_object *list = ctl_member(d->status, "gateways");

	for (size_t i = 0; list && i < json_object_array_length(list); i++)
		check_gateway(d, json_object_array_get_idx(list, i));
}

/* Refused messages that belong to no endpoint; those of endpoints are for 'explain'. */
static void check_refusals(struct doctor *d)
{
	struct json_object *list = ctl_member(d->status, "refusals"), *o;
	uint64_t all = 0;
	const char *most = "-";
	int64_t top = 0;

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		o = json_object_array_get_idx(list, i);
		int64_t n = json_object_get_int64(ctl_member(o, "count"));
		all += (uint64_t)n;
		most = n > top ? ctl_cell(d->ctl, o, "code") : most;
		top = n > top ? n : top;
	}
	if (all >= REFUSALS_MANY)
		doc_say(d, DOC_WARN, "refusals",
			ctl_fmt(d->ctl,
				"%llu messages of nobody known were refused since the start, most "
				"for: %s",
				(unsigned long long)all, most),
			"'lanyardctl status' has the reasons, the log the addresses");
	else
		doc_say(d, DOC_OK, "refusals",
			ctl_fmt(d->ctl,
				"%llu messages of nobody known were refused since the start",
				(unsigned long long)all),
			NULL);
}

/* ---- the process */

/* The soft limit of that name; false: unknown. UINT64_MAX: unlimited. */
static bool limit_of(pid_t pid, const char *name, uint64_t *out)
{
	char path[64], line[256], soft[32];
	size_t n = strlen(name);
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/limits", (long)pid);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = strncmp(line, name, n) == 0 && sscanf(line + n, "%31s", soft) == 1;
	if (f)
		fclose(f);
	if (found && span_to_u64(span_str(soft), UINT64_MAX, out))
		*out = UINT64_MAX;
	return found;
}

static void check_limits(struct doctor *d)
{
	struct ctl *c = d->ctl;
	uint64_t files, core;

	if (d->pid <= 0 || !limit_of(d->pid, "Max open files", &files) ||
		!limit_of(d->pid, "Max core file size", &core)) {
		doc_say(d, DOC_WARN, "limits", "the limits of the daemon cannot be seen",
			"run doctor as root on the same machine");
		return;
	}
	doc_say(d, files < FILES_MIN ? DOC_WARN : DOC_OK, "files",
		ctl_fmt(c, "the daemon may open %llu files", (unsigned long long)files),
		files < FILES_MIN ? "set LimitNOFILE= of the unit to 1024 or more" : NULL);
	doc_say(d, core ? DOC_FAIL : DOC_OK, "core-dumps",
		core ? "the daemon may write core dumps, which hold keys"
		     : "the daemon writes no core dumps",
		core ? "set LimitCORE=0 of the unit" : NULL);
}

/* ---- endpoints */

struct names {
	const char *text;
	size_t n;
};

static void add_name(struct ctl *c, struct names *l, const char *name)
{
	if (l->n < NAMES_SHOWN)
		l->text = ctl_fmt(c, "%s%s%s", l->n ? l->text : "", l->n ? ", " : "", name);
	else if (l->n == NAMES_SHOWN)
		l->text = ctl_fmt(c, "%s ...", l->text);
	l->n++;
}

/* Sender numbers end with the epoch of 2^20, of which each rollback begins a new one, and at 2^31:
 * STORE_EPOCH_BITS and EP_SSN_END_MAX of the daemon. */
static uint64_t sender_near(const struct doctor *d)
{
	uint64_t rollbacks = json_object_get_uint64(ctl_member(d->status, "storage.rollbacks"));
	const uint64_t epoch = UINT64_C(1) << 20, last = UINT64_C(1) << 31;
	uint64_t end = (rollbacks + 1) * epoch;

	return (end < last ? end : last) - epoch / 10;
}

/* Whether one of its contexts has few numbers left. */
static bool numbers_end(struct ctl *c, const char *name, uint64_t near_end)
{
	struct ctl_reply r = {0};
	struct json_object *list;
	bool near = false;

	if (ctl_call(c, "GET", ctl_target(c, "/v1/endpoints/%e/credentials/oscore", name), NULL,
		    404, &r) == CTL_OK)
		list = ctl_member(r.json, "contexts");
	else
		list = NULL;
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *x = json_object_array_get_idx(list, i);
		near |= json_object_get_uint64(ctl_member(x, "sender_next")) >= near_end ||
			json_object_get_uint64(ctl_member(x, "highest")) >= RECEIVED_NEAR;
	}
	ctl_reply_free(&r);
	return near;
}

static void check_endpoints(struct doctor *d)
{
	struct ctl *c = d->ctl;
	struct names bare = {0}, ending = {0};
	struct ctl_reply r = {0};
	struct json_object *list = NULL, *e;
	uint64_t near_end = sender_near(d);
	size_t n = 0;

	if (ctl_call(c, "GET", ctl_fmt(c, "/v1/endpoints?limit=%d", ENDPOINTS_LOOKED_AT), NULL, 0,
		    &r) == CTL_OK)
		list = ctl_member(r.json, "endpoints");
	for (; list && n < json_object_array_length(list); n++) {
		e = json_object_array_get_idx(list, n);
		const char *name = json_object_get_string(ctl_member(e, "name"));
		if (json_object_get_int(ctl_member(e, "contexts")) == 0 &&
			!json_object_get_boolean(ctl_member(e, "nosec")) &&
			!json_object_get_boolean(ctl_member(e, "registered")))
			add_name(c, &bare, ctl_escape(c, name));
		else if (numbers_end(c, name, near_end))
			add_name(c, &ending, ctl_escape(c, name));
	}
	doc_say(d, bare.n ? DOC_WARN : DOC_OK, "credentials",
		ctl_fmt(c, "%zu of %zu endpoints have no credentials%s%s", bare.n, n,
			bare.n ? ": " : "", bare.n ? bare.text : ""),
		bare.n ? "'lanyardctl provision EP --generate', or delete them" : NULL);
	doc_say(d, ending.n ? DOC_WARN : DOC_OK, "numbers",
		ctl_fmt(c, "%zu of %zu endpoints are near the end of their sequence numbers%s%s",
			ending.n, n, ending.n ? ": " : "", ending.n ? ending.text : ""),
		ending.n ? "give them new credentials" : NULL);
	ctl_reply_free(&r);
}

/* ---- all of it */

static void show(struct doctor *d)
{
	struct ctl *c = d->ctl;

	for (size_t i = 0; i < json_object_array_length(d->checks); i++) {
		struct json_object *o = json_object_array_get_idx(d->checks, i);
		const char *advice = ctl_cell(c, o, "advice");

		printf("%-5s %-13s %s\n", ctl_cell(c, o, "level"), ctl_cell(c, o, "check"),
			ctl_cell(c, o, "text"));
		if (ctl_member(o, "advice"))
			printf("%-5s %-13s   -> %s\n", "", "", advice);
	}
}

int ctl_doctor(struct ctl *c)
{
	struct doctor d = {.ctl = c, .checks = json_object_new_array()};
	struct json_object *all = json_object_new_object();

	c->quiet = true;
	doc_config(&d);
	doc_unit(&d);
	doc_directories(&d);
	doc_clock(&d);
	doc_buffers(&d);
	check_socket(&d);
	if (d.runs) {
		check_version(&d);
		check_storage(&d);
		check_listeners(&d);
		check_gateways(&d);
		check_limits(&d);
		check_refusals(&d);
		check_endpoints(&d);
	}
	json_object_object_add(all, "result", json_object_new_string(level_names[d.worst]));
	json_object_object_add(all, "daemon", json_object_new_boolean(d.runs));
	json_object_object_add(all, "checks", json_object_get(d.checks));
	if (c->opt[CTL_OPT_JSON])
		printf("%s\n", ctl_json_text(c, all));
	else
		show(&d);
	json_object_put(all);
	json_object_put(d.checks);
	json_object_put(d.status);
	return (int)d.worst;
}
