/* SPDX-License-Identifier: Apache-2.0 */
/* The commands about operations that nobody waits for any more. */
#include "cmd/lanyardctl.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

static void operation_row(struct ctl *c, struct ctl_table *t, struct json_object *o)
{
	ctl_table_row(t, 7, ctl_cell(c, o, "id"), ctl_cell(c, o, "state"),
		ctl_cell(c, o, "endpoint"), ctl_cell(c, o, "kind"), ctl_target_cell(c, o),
		ctl_cell(c, o, "started"), ctl_cell(c, o, "ended"));
}

int ctl_operations(struct ctl *c)
{
	struct ctl_table t = {0};
	struct json_object *array;
	struct ctl_reply r;
	int rc = ctl_call(c, "GET",
		ctl_query(c, "/v1/operations", "endpoint", c->arg_n ? c->arg[0] : NULL), NULL, 0,
		&r);

	if (rc == CTL_OK && !ctl_json_done(c, &r)) {
		array = ctl_member(r.json, "operations");
		ctl_table_row(&t, 7, "OPERATION", "STATE", "ENDPOINT", "KIND", "PATH", "STARTED",
			"ENDED");
		for (size_t i = 0; array && i < json_object_array_length(array); i++)
			operation_row(c, &t, json_object_array_get_idx(array, i));
		ctl_table_print(&t);
	}
	ctl_reply_free(&r);
	return rc;
}

/* Says it as the command that started it would have. */
static int outcome(struct ctl *c, struct json_object *o)
{
	struct json_object *problem = ctl_member(o, "problem");

	if (problem)
		return ctl_problem_json(problem);
	if (strcmp(ctl_cell(c, o, "state"), "running") == 0)
		printf("the device has not answered yet\n");
	else if (strcmp(ctl_cell(c, o, "state"), "queued") == 0)
		printf("it waits for the device to wake\n");
	else if (ctl_member(o, "result.values"))
		ctl_values(c, ctl_member(o, "result"));
	else if (ctl_member(o, "result.links"))
		ctl_links(c, ctl_member(o, "result.links"));
	else if (strcmp(ctl_cell(c, o, "kind"), "create") == 0)
		ctl_created(c, ctl_member(o, "result"));
	else
		printf("done\n");
	return CTL_OK;
}

int ctl_operation(struct ctl *c)
{
	bool cancel = c->opt[CTL_OPT_CANCEL] != NULL;
	struct ctl_reply r;
	int rc = ctl_call(c, cancel ? "DELETE" : "GET",
		ctl_target(c, "/v1/operations/%e", c->arg[0]), NULL, 0, &r);

	if (rc == CTL_OK && !ctl_json_done(c, &r) && !cancel)
		rc = outcome(c, r.json);
	ctl_reply_free(&r);
	return rc;
}
