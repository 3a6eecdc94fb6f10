/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that only look. */
#include "cmd/lanyardctl.h"

#include "base/alg.h"

#include <json-c/json.h>
#include <stdio.h>

static size_t length(struct json_object *array)
{
	return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

static struct json_object *at(struct json_object *array, size_t i)
{
	return json_object_array_get_idx(array, i);
}

static void listeners(struct ctl *c, struct json_object *array)
{
	struct ctl_table t = {0};

	printf("\n");
	ctl_table_row(&t, 6, "LISTENER", "ROLE", "TRANSPORT", "ADDRESS", "PORT", "NOSEC");
	for (size_t i = 0; i < length(array); i++)
		ctl_table_row(&t, 6, ctl_cell(c, at(array, i), "name"),
			ctl_cell(c, at(array, i), "role"), ctl_cell(c, at(array, i), "transport"),
			ctl_cell(c, at(array, i), "address"), ctl_cell(c, at(array, i), "port"),
			ctl_cell(c, at(array, i), "nosec"));
	ctl_table_print(&t);
}

/* Few installations have any. */
static void gateways(struct ctl *c, struct json_object *array)
{
	struct ctl_table t = {0};

	if (!length(array))
		return;
	printf("\n");
	ctl_table_row(&t, 7, "GATEWAY", "TYPE", "STATE", "SINCE", "SENT", "RECEIVED", "REASON");
	for (size_t i = 0; i < length(array); i++) {
		bool up = json_object_get_boolean(ctl_member(at(array, i), "up"));

		ctl_table_row(&t, 7, ctl_cell(c, at(array, i), "name"),
			ctl_cell(c, at(array, i), "type"), up ? "up" : "down",
			ctl_duration(c, ctl_member(at(array, i), "since_s")),
			ctl_cell(c, at(array, i), "sent"), ctl_cell(c, at(array, i), "received"),
			ctl_cell(c, at(array, i), "reason"));
	}
	ctl_table_print(&t);
}

int ctl_status(struct ctl *c)
{
	struct ctl_table t = {0};
	struct ctl_reply r;
	int rc = ctl_call(c, "GET", "/v1/status", NULL, 0, &r);

	if (rc == CTL_OK && !ctl_json_done(c, &r)) {
		ctl_table_row(&t, 2, "version", ctl_cell(c, r.json, "version"));
		ctl_table_row(&t, 2, "uptime", ctl_duration(c, ctl_member(r.json, "uptime_s")));
		ctl_table_row(&t, 2, "storage", ctl_cell(c, r.json, "storage.text"));
		ctl_table_row(&t, 2, "rollbacks", ctl_cell(c, r.json, "storage.rollbacks"));
		ctl_table_row(&t, 2, "damaged rows", ctl_cell(c, r.json, "storage.damaged"));
		ctl_table_row(&t, 2, "endpoints", ctl_cell(c, r.json, "endpoints"));
		ctl_table_row(&t, 2, "registered", ctl_cell(c, r.json, "registered"));
		ctl_table_row(&t, 2, "contexts", ctl_cell(c, r.json, "contexts"));
		ctl_table_row(&t, 2, "observations", ctl_cell(c, r.json, "observations"));
		ctl_table_row(
			&t, 2, "operations waiting", ctl_cell(c, r.json, "operations_waiting"));
		ctl_table_row(
			&t, 2, "bootstrap sessions", ctl_cell(c, r.json, "bootstrap_sessions"));
		ctl_table_print(&t);
		listeners(c, ctl_member(r.json, "listeners"));
		gateways(c, ctl_member(r.json, "gateways"));
	}
	ctl_reply_free(&r);
	return rc;
}

static void list_rows(struct ctl *c, struct ctl_table *t, struct json_object *array)
{
	for (size_t i = 0; i < length(array); i++) {
		struct json_object *e = at(array, i);

		ctl_table_row(t, 7, ctl_cell(c, e, "name"), ctl_cell(c, e, "registered"),
			ctl_cell(c, e, "registration.security"),
			ctl_cell(c, e, "registration.lwm2m"),
			ctl_duration(c, ctl_member(e, "registration.expires_in_s")),
			ctl_cell(c, e, "registration.address"), ctl_cell(c, e, "last_contact"));
	}
}

/* With --json one line a page. */
int ctl_list(struct ctl *c)
{
	struct ctl_table t = {0};
	const char *target = ctl_query(
		c, ctl_target(c, "/v1/endpoints?limit=1000"), "match", c->opt[CTL_OPT_MATCH]);
	int rc = CTL_OK;

	ctl_table_row(&t, 7, "ENDPOINT", "REGISTERED", "SECURITY", "LWM2M", "EXPIRES IN", "ADDRESS",
		"LAST CONTACT");
	while (target && rc == CTL_OK) {
		struct ctl_reply r;
		struct json_object *next;

		rc = ctl_call(c, "GET", target, NULL, 0, &r);
		next = ctl_member(r.json, "next");
		if (rc == CTL_OK && !ctl_json_done(c, &r))
			list_rows(c, &t, ctl_member(r.json, "endpoints"));
		target = next ? ctl_fmt(c, "%s", json_object_get_string(next)) : NULL;
		ctl_reply_free(&r);
	}
	if (rc == CTL_OK && !c->opt[CTL_OPT_JSON])
		ctl_table_print(&t);
	ctl_table_free(&t);
	return rc;
}

static const char *algorithms(struct ctl *c, struct json_object *x)
{
	const char *aead = alg_aead_name(json_object_get_int(ctl_member(x, "aead")));
	const char *hkdf = alg_hkdf_name(json_object_get_int(ctl_member(x, "hkdf")));

	return ctl_fmt(c, "%s, %s", aead ? aead : "?", hkdf ? hkdf : "?");
}

/* Of the limit that is nearer. */
static const char *used(struct ctl *c, struct json_object *x)
{
	static const char *const pair[][2] = {
		{"encryptions", "encryptions_limit"}, {"auth_failures", "auth_failures_limit"}};
	int64_t most = 0;

	for (size_t i = 0; i < 2; i++) {
		int64_t n = json_object_get_int64(ctl_member(x, pair[i][0]));
		int64_t max = json_object_get_int64(ctl_member(x, pair[i][1]));

		if (max > 0 && n / max * 100 + n % max * 100 / max > most)
			most = n / max * 100 + n % max * 100 / max;
	}
	return ctl_fmt(c, "%lld%%", (long long)most);
}

static void contexts_table(struct ctl *c, struct json_object *array)
{
	struct ctl_table t = {0};

	ctl_table_row(&t, 10, "ROLE", "STATE", "SENDER ID", "RECIPIENT ID", "ID CONTEXT",
		"NEXT TO SEND", "LAST RECEIVED", "REPLAYS/BAD TAGS", "KEY USED", "ALGORITHMS");
	for (size_t i = 0; i < length(array); i++) {
		struct json_object *x = at(array, i);

		ctl_table_row(&t, 10, ctl_cell(c, x, "role"), ctl_cell(c, x, "generation"),
			ctl_cell(c, x, "sender_id"), ctl_cell(c, x, "recipient_id"),
			ctl_cell(c, x, "id_context"), ctl_cell(c, x, "sender_next"),
			ctl_cell(c, x, "highest"),
			ctl_fmt(c, "%s/%s", ctl_cell(c, x, "replays"),
				ctl_cell(c, x, "auth_failures")),
			used(c, x), algorithms(c, x));
	}
	ctl_table_print(&t);
}

static int credentials_list(struct ctl *c)
{
	struct ctl_reply r;
	int rc = ctl_call(c, "GET", ctl_target(c, "/v1/endpoints/%e/credentials/oscore", c->arg[0]),
		NULL, 0, &r);

	if (rc == CTL_OK && !ctl_json_done(c, &r))
		contexts_table(c, ctl_member(r.json, "contexts"));
	ctl_reply_free(&r);
	return rc;
}

/* To delete is said with its role: the default of one command need not be that of another. */
int ctl_credentials(struct ctl *c)
{
	const char *target = ctl_target(c, "/v1/endpoints/%e/credentials/oscore", c->arg[0]);
	const char *role = c->opt[CTL_OPT_ROLE];
	struct ctl_reply r;
	int rc;

	if (!c->opt[CTL_OPT_DELETE] != !role)
		return ctl_usage(ctl_command_find("credentials"), "--delete goes with --role");
	if (!role)
		return credentials_list(c);
	rc = ctl_call(c, "DELETE", ctl_query(c, target, "role", role), NULL, 0, &r);
	ctl_reply_free(&r);
	return rc;
}

static void registration_rows(struct ctl *c, struct ctl_table *t, struct json_object *e)
{
	static const char *const rows[][2] = {
		{"location", "registration.location"},
		{"lwm2m", "registration.lwm2m"},
		{"binding", "registration.binding"},
		{"security", "registration.security"},
		{"address", "registration.address"},
		{"queue mode", "registration.queue"},
		{"asleep", "registration.asleep"},
		{"registered at", "registration.registered_at"},
	};

	ctl_table_row(t, 2, "lifetime", ctl_duration(c, ctl_member(e, "registration.lifetime_s")));
	ctl_table_row(
		t, 2, "expires in", ctl_duration(c, ctl_member(e, "registration.expires_in_s")));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ctl_table_row(t, 2, rows[i][0], ctl_cell(c, e, rows[i][1]));
}

/* Paths with spaces between them. */
static const char *objects(struct ctl *c, struct json_object *array)
{
	size_t cap = 1;
	struct writer w;
	char *text;

	for (size_t i = 0; i < length(array); i++)
		cap += 1 + (size_t)json_object_get_string_len(at(array, i));
	text = arena_alloc(&c->arena, cap);
	if (!text || cap == 1)
		return "-";
	w = wr_make(text, cap - 1);
	for (size_t i = 0; i < length(array); i++)
		wr_fmt(&w, "%s%s", i ? " " : "", json_object_get_string(at(array, i)));
	return ctl_escape(c, text);
}

static void endpoint_table(struct ctl *c, struct json_object *e)
{
	struct ctl_table t = {0};

	ctl_table_row(&t, 2, "endpoint", ctl_cell(c, e, "name"));
	ctl_table_row(&t, 2, "bootstraps as", ctl_cell(c, e, "bs_ep"));
	ctl_table_row(&t, 2, "registers as", ctl_cell(c, e, "rd_ep"));
	ctl_table_row(&t, 2, "freshness", ctl_cell(c, e, "freshness"));
	ctl_table_row(&t, 2, "nosec allowed", ctl_cell(c, e, "nosec"));
	ctl_table_row(&t, 2, "requires", ctl_cell(c, e, "require"));
	ctl_table_row(&t, 2, "last contact", ctl_cell(c, e, "last_contact"));
	ctl_table_row(&t, 2, "registered", ctl_cell(c, e, "registered"));
	if (ctl_member(e, "registration")) {
		registration_rows(c, &t, e);
		ctl_table_row(&t, 2, "objects", objects(c, ctl_member(e, "registration.objects")));
	}
	ctl_table_print(&t);
}

int ctl_show(struct ctl *c)
{
	struct ctl_reply r;
	int rc = ctl_call(c, "GET", ctl_target(c, "/v1/endpoints/%e", c->arg[0]), NULL, 0, &r);

	if (rc == CTL_OK && !ctl_json_done(c, &r)) {
		endpoint_table(c, r.json);
		printf("\n");
		rc = credentials_list(c);
	}
	ctl_reply_free(&r);
	return rc;
}

/* The path, or those of a composite. */
static const char *observed(struct ctl *c, struct json_object *o)
{
	struct json_object *paths = ctl_member(o, "paths");
	const char *text = "";

	if (!paths)
		return ctl_target_cell(c, o);
	for (size_t i = 0; i < length(paths); i++)
		text = ctl_fmt(c, "%s%s%s", text, i ? " " : "",
			ctl_escape(c, json_object_get_string(at(paths, i))));
	return text;
}

int ctl_observations(struct ctl *c)
{
	struct ctl_table t = {0};
	struct json_object *array;
	struct ctl_reply r;
	int rc = ctl_call(
		c, "GET", ctl_target(c, "/v1/endpoints/%e/observations", c->arg[0]), NULL, 0, &r);

	if (rc == CTL_OK && !ctl_json_done(c, &r)) {
		array = ctl_member(r.json, "observations");
		ctl_table_row(&t, 4, "PATH", "STATE", "NOTIFICATIONS", "LAST");
		for (size_t i = 0; i < length(array); i++)
			ctl_table_row(&t, 4, observed(c, at(array, i)),
				ctl_cell(c, at(array, i), "state"),
				ctl_cell(c, at(array, i), "notifications"),
				ctl_cell(c, at(array, i), "last"));
		ctl_table_print(&t);
	}
	ctl_reply_free(&r);
	return rc;
}

int ctl_metrics(struct ctl *c)
{
	struct ctl_reply r;
	int rc = ctl_call(c, "GET", "/metrics", NULL, 0, &r);

	if (rc == CTL_OK)
		fwrite(r.body, 1, r.n, stdout);
	ctl_reply_free(&r);
	return rc;
}
