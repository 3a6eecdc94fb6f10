/* SPDX-License-Identifier: Apache-2.0 */
/* The devices behind a gateway. */
#include "cmd/lanyardctl.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

/* What it has; or why it cannot be asked. */
static const char *objects(struct ctl *c, struct json_object *d)
{
	struct json_object *all = ctl_member(d, "objects");
	const char *text = "";

	if (ctl_member(d, "problem"))
		return ctl_fmt(c, "(%s)", ctl_cell(c, d, "problem"));
	for (size_t i = 0; all && i < json_object_array_length(all); i++)
		text = ctl_fmt(c, "%s%s%s", text, i ? " " : "",
			ctl_escape(c, json_object_get_string(json_object_array_get_idx(all, i))));
	return text;
}

static void say_state(struct ctl *c, struct json_object *o)
{
	const char *state = ctl_cell(c, o, "state");

	if (strcmp(state, "none") == 0)
		printf("it is no gateway, or not registered\n");
	else if (strcmp(state, "unread") == 0)
		printf("not read yet: the gateway was not heard of since the start\n");
	else if (strcmp(state, "reading") == 0)
		printf("they are being read now\n");
	else if (strcmp(state, "failed") == 0 && ctl_member(o, "code"))
		printf("the gateway did not tell them: %s\n", ctl_cell(c, o, "code"));
	else if (strcmp(state, "failed") == 0)
		printf("the gateway did not answer, or what it said cannot be read\n");
	if (ctl_member(o, "left_out"))
		printf("and %s more, which are too many\n", ctl_cell(c, o, "left_out"));
}

int ctl_devices(struct ctl *c)
{
	struct ctl_table t = {0};
	struct json_object *array;
	struct ctl_reply r;
	int rc = ctl_call(
		c, "GET", ctl_target(c, "/v1/endpoints/%e/devices", c->arg[0]), NULL, 0, &r);

	if (rc == CTL_OK && !ctl_json_done(c, &r)) {
		array = ctl_member(r.json, "devices");
		ctl_table_row(&t, 4, "PREFIX", "INSTANCE", "DEVICE", "OBJECTS");
		for (size_t i = 0; array && i < json_object_array_length(array); i++) {
			struct json_object *d = json_object_array_get_idx(array, i);

			ctl_table_row(&t, 4, ctl_cell(c, d, "prefix"), ctl_cell(c, d, "instance"),
				ctl_cell(c, d, "device_id"), objects(c, d));
		}
		ctl_table_print(&t);
		say_state(c, r.json);
	}
	ctl_reply_free(&r);
	return rc;
}
