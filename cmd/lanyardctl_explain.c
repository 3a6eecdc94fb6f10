/* SPDX-License-Identifier: Apache-2.0 */
/* Why an endpoint does not connect: the verdict, what is known of its contexts, what happened. */
#include "cmd/lanyardctl.h"

#include "base/text.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static size_t length(struct json_object *array)
{
	return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

/* A time of an answer in words; "-" where there is none, as it came where it is none of ours. */
static const char *ago(struct ctl *c, struct json_object *o, const char *path)
{
	const char *text = ctl_cell(c, o, path), *end;
	uint8_t words[32];
	struct writer w = wr_make(words, sizeof(words));
	struct tm tm = {0};

	if (strcmp(text, "-") == 0 || strcmp(text, "null") == 0)
		return "-";
	end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (!end || *end)
		return text;
	wr_ago(&w, (int64_t)(time(NULL) - timegm(&tm)));
	return ctl_fmt(c, "%.*s", (int)w.n, (const char *)words);
}

static void contact(struct ctl *c, struct json_object *o)
{
	const char *last = ago(c, o, "last_contact");

	if (strcmp(last, "-") == 0)
		printf("last contact   none since the daemon started\n");
	else
		printf("last contact   %s (%s)\n", last, ctl_cell(c, o, "last_contact"));
	if (ctl_member(o, "last_refusal.code"))
		printf("last refusal   %s, %s (%s)\n", ctl_cell(c, o, "last_refusal.code"),
			ago(c, o, "last_refusal.last"), ctl_cell(c, o, "last_refusal.last"));
	else
		printf("last refusal   none since the daemon started\n");
}

static void contexts(struct ctl *c, struct json_object *array)
{
	struct ctl_table t = {0};

	if (length(array) == 0)
		return;
	printf("\n");
	ctl_table_row(&t, 10, "ROLE", "KID", "WINDOW", "LAST SUCCESS", "LAST REFUSAL", "REPLAYS",
		"FAILED", "NUMBERS", "MADE", "ROTATION");
	for (size_t i = 0; i < length(array); i++) {
		struct json_object *x = json_object_array_get_idx(array, i);
		const char *refused = ago(c, x, "last_refusal.last");

		if (ctl_member(x, "last_refusal.code"))
			refused =
				ctl_fmt(c, "%s, %s", ctl_cell(c, x, "last_refusal.code"), refused);
		ctl_table_row(&t, 10, ctl_cell(c, x, "role"), ctl_cell(c, x, "recipient_id"),
			ctl_cell(c, x, "window"), ago(c, x, "last_success"), refused,
			ctl_cell(c, x, "replays"), ctl_cell(c, x, "auth_failures"),
			ctl_fmt(c, "%s of %s (%s %%)", ctl_cell(c, x, "numbers_used"),
				ctl_cell(c, x, "numbers_limit"), ctl_cell(c, x, "numbers_percent")),
			ago(c, x, "created"), ctl_cell(c, x, "rotation"));
	}
	ctl_table_print(&t);
}

static void reasons(struct ctl *c, struct json_object *array)
{
	struct ctl_table t = {0};

	if (length(array) == 0)
		return;
	printf("\n");
	ctl_table_row(&t, 4, "LAST", "COUNT", "CODE", "REASON");
	for (size_t i = 0; i < length(array); i++) {
		struct json_object *x = json_object_array_get_idx(array, i);

		ctl_table_row(&t, 4, ago(c, x, "last"), ctl_cell(c, x, "count"),
			ctl_cell(c, x, "code"), ctl_cell(c, x, "text"));
	}
	ctl_table_print(&t);
}

int ctl_explain(struct ctl *c)
{
	struct ctl_reply r;
	int rc = ctl_call(
		c, "GET", ctl_target(c, "/v1/endpoints/%e/explain", c->arg[0]), NULL, 0, &r);

	if (rc == CTL_OK && !ctl_json_done(c, &r)) {
		printf("%s\n\n", ctl_cell(c, r.json, "verdict.text"));
		contact(c, r.json);
		contexts(c, ctl_member(r.json, "contexts"));
		reasons(c, ctl_member(r.json, "reasons"));
	}
	ctl_reply_free(&r);
	return rc;
}
