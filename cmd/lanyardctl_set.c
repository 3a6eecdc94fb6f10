/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that change what the daemon stores: settings, endpoints, plans. */
#include "cmd/lanyardctl.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int change(struct ctl *c, const char *method, const char *target, const char *body)
{
	struct ctl_reply r;
	int rc = ctl_call(c, method, target, body, 0, &r);

	if (rc == CTL_OK)
		(void)ctl_json_done(c, &r);
	ctl_reply_free(&r);
	return rc;
}

/* The settings that are numbers; a name of digits alone is text. */
static bool is_number(const char *key)
{
	static const char *const keys[] = {
		"block_size", "message_size", "ack_timeout_ms", "max_retransmit", "nstart"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

/* KEY=VALUE as a member; true and false are no text. */
static bool member(struct json_object *body, const char *word)
{
	size_t n = strcspn(word, "=");
	char key[32];

	if (n == 0 || n >= sizeof(key) || word[n] != '=')
		return false;
	memcpy(key, word, n);
	key[n] = '\0';
	word += n + 1;
	if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)
		json_object_object_add(body, key, json_object_new_boolean(word[0] == 't'));
	else if (is_number(key) && *word && !word[strspn(word, "0123456789")] && strlen(word) < 10)
		json_object_object_add(body, key, json_object_new_int64(atoll(word)));
	else
		json_object_object_add(body, key, json_object_new_string(word));
	return true;
}

int ctl_set(struct ctl *c)
{
	struct json_object *body = json_object_new_object();
	int rc = CTL_OK;

	for (size_t i = 1; i < c->arg_n && rc == CTL_OK; i++)
		if (!member(body, c->arg[i]))
			rc = ctl_usage(ctl_command_find("set"), "%s is no KEY=VALUE", c->arg[i]);
	if (rc == CTL_OK)
		rc = change(c, "PUT", ctl_target(c, "/v1/endpoints/%e", c->arg[0]),
			json_object_to_json_string(body));
	json_object_put(body);
	return rc;
}

int ctl_delete(struct ctl *c)
{
	return change(c, "DELETE", ctl_target(c, "/v1/endpoints/%e", c->arg[0]), NULL);
}

/* What a bootstrap has read of the device. */
static void show_reads(struct ctl *c, struct ctl_table *t, struct json_object *reads)
{
	size_t n =
		json_object_is_type(reads, json_type_array) ? json_object_array_length(reads) : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *one = json_object_array_get_idx(reads, i), *v;
		bool has = json_object_object_get_ex(one, "values", &v);

		ctl_table_row(t, 3, "read", ctl_cell(c, one, "path"), ctl_cell(c, one, "code"));
		for (size_t k = 0; has && k < json_object_array_length(v); k++) {
			struct json_object *row = json_object_array_get_idx(v, k);

			ctl_table_row(
				t, 3, "", ctl_cell(c, row, "path"), ctl_cell(c, row, "value"));
		}
	}
}

static int plan_show(struct ctl *c, const char *target)
{
	struct ctl_table t = {0};
	struct json_object *plan;
	struct ctl_reply r;
	int rc = ctl_call(c, "GET", target, NULL, 0, &r);

	if (rc == CTL_OK && !ctl_json_done(c, &r)) {
		plan = ctl_member(r.json, "plan");
		if (ctl_member(r.json, "endpoint")) {
			ctl_table_row(&t, 2, "endpoint", ctl_cell(c, r.json, "endpoint"));
			ctl_table_row(&t, 2, "own plan", ctl_cell(c, r.json, "own_plan"));
			ctl_table_row(&t, 2, "state", ctl_cell(c, r.json, "state"));
			ctl_table_row(&t, 2, "last result", ctl_cell(c, r.json, "last_result"));
			ctl_table_row(&t, 2, "last", ctl_cell(c, r.json, "last"));
			show_reads(c, &t, ctl_member(r.json, "reads"));
			ctl_table_print(&t);
		}
		printf("%s\n",
			plan ? json_object_to_json_string_ext(plan,
				       JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE)
			     : "no plan");
	}
	ctl_reply_free(&r);
	return rc;
}

int ctl_plan(struct ctl *c)
{
	size_t verb = c->opt[CTL_OPT_DEFAULT] ? 0 : 1, n;
	const char *what = c->arg_n > verb ? c->arg[verb] : "show", *target, *text;
	bool set = strcmp(what, "set") == 0;

	if (c->arg_n < verb || c->arg_n > verb + 1 + set || (set && c->arg_n < verb + 2))
		return ctl_usage(ctl_command_find("plan"), "%s",
			set ? "set needs a FILE" : "plan needs EP, or --default without one");
	target = verb ? ctl_target(c, "/v1/bootstrap/%e", c->arg[0]) : "/v1/bootstrap-default";
	if (strcmp(what, "show") == 0)
		return plan_show(c, target);
	if (strcmp(what, "delete") == 0)
		return change(c, "DELETE", target, NULL);
	if (!set)
		return ctl_usage(ctl_command_find("plan"), "plan does not know %s", what);
	text = ctl_read_file(c, c->arg[verb + 1], &n);
	return text ? change(c, "PUT", target, text) : CTL_REFUSED;
}
