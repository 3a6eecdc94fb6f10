/* SPDX-License-Identifier: Apache-2.0 */
/* Several paths in one message. */
#include "cmd/lanyardctl.h"
#include "lwm2m/target.h"

#include <json-c/json.h>
#include <string.h>

/* A composite speaks of the root: it has no path but those in its body. */
static const char *composite_target(struct ctl *c, const char *what)
{
	const char *t = ctl_target(c, "/v1/endpoints/%e/%p", c->arg[0], what);

	t = ctl_query(c, t, "wait", c->opt[CTL_OPT_WAIT]);
	t = ctl_query(c, t, "expires", c->opt[CTL_OPT_EXPIRES]);
	return ctl_query(c, t, "format", c->opt[CTL_OPT_FORMAT]);
}

static int call_with_paths(struct ctl *c, const char *method, const char *what, struct ctl_reply *r)
{
	struct json_object *body = json_object_new_object(), *paths = json_object_new_array();
	int rc;

	for (size_t i = 1; i < c->arg_n; i++)
		json_object_array_add(paths, json_object_new_string(c->arg[i]));
	json_object_object_add(body, "paths", paths);
	rc = ctl_call(c, method, composite_target(c, what), json_object_to_json_string(body), 0, r);
	json_object_put(body);
	return rc;
}

int ctl_read_composite(struct ctl *c)
{
	struct ctl_reply r;
	int rc = call_with_paths(c, "POST", "read-composite", &r);

	if (rc == CTL_OK && !ctl_json_done(c, &r) && !ctl_running(c, &r))
		ctl_values(c, r.json);
	ctl_reply_free(&r);
	return rc;
}

int ctl_observe_composite(struct ctl *c)
{
	bool cancel = c->opt[CTL_OPT_CANCEL];
	struct ctl_reply r;
	int rc = call_with_paths(c, cancel ? "DELETE" : "PUT", "observe-composite", &r);

	if (rc == CTL_OK && !ctl_json_done(c, &r) && !ctl_running(c, &r) && r.json)
		ctl_values(c, r.json);
	ctl_reply_free(&r);
	return rc;
}

/* PATH=VALUE, the value as `write` takes it; nothing behind the sign takes an instance away. */
static bool add_assignment(struct ctl *c, struct json_object *values, const char *word)
{
	const char *sign = strchr(word, '=');
	struct json_object *v = NULL;
	struct lwm_target at;

	if (!sign || lwm_target_parse(span_make(word, (size_t)(sign - word)), &at) || at.path.n < 3)
		return false;
	if (sign[1])
		v = ctl_value_json(&at.path, sign + 1);
	json_object_object_add(values, ctl_fmt(c, "%.*s", (int)(sign - word), word), v);
	return v || !sign[1];
}

int ctl_write_composite(struct ctl *c)
{
	struct json_object *body = json_object_new_object(), *values = json_object_new_object();
	int rc = CTL_OK;

	json_object_object_add(body, "values", values);
	for (size_t i = 1; i < c->arg_n && rc == CTL_OK; i++)
		if (!add_assignment(c, values, c->arg[i]))
			rc = ctl_usage(ctl_command_find("write-composite"),
				"%s is no PATH=VALUE with the path of a resource, like "
				"/3/0/14=+02:00",
				c->arg[i]);
	if (rc == CTL_OK)
		rc = ctl_device_do(c, "POST", composite_target(c, "write-composite"),
			json_object_to_json_string(body));
	json_object_put(body);
	return rc;
}
