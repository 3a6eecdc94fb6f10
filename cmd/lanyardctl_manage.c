/* SPDX-License-Identifier: Apache-2.0 */
/* The commands about what a device has: instances, links, attributes. */
#include "cmd/lanyardctl.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

/* The body of a Create: {"instance":5,"resources":{...}}. */
static struct json_object *creation(const struct lwm_path *p, const char *word)
{
	struct json_object *body = json_object_new_object();

	if (p->n == 2)
		json_object_object_add(body, "instance", json_object_new_int(p->id[1]));
	if (word)
		json_object_object_add(body, "resources", ctl_value_json(p, word));
	return body;
}

void ctl_created(struct ctl *c, struct json_object *o)
{
	printf("%s\n", ctl_member(o, "path") ? ctl_target_cell(c, o)
					     : "created; the device did not tell its number");
}

int ctl_create(struct ctl *c)
{
	struct lwm_path p;
	struct json_object *body;
	const char *path, *word = NULL;
	struct ctl_reply r;
	int rc = ctl_device_path(c, &p, &path);

	if (rc)
		return rc;
	if (p.n > 2)
		return ctl_usage(ctl_command_find("create"),
			"PATH leads to an object, like /3303, or an instance, like /3303/5");
	if (c->arg_n == 3 && !(word = ctl_word(c, c->arg[2])))
		return CTL_REFUSED;
	if (p.n == 2) /* the path of the Object */
		path = ctl_fmt(c, "%.*s", (int)(strrchr(path, '/') - path), path);
	body = creation(&p, word);
	rc = ctl_call(c, "POST", ctl_device_target(c, "data", path),
		json_object_to_json_string(body), 0, &r);
	json_object_put(body);
	if (rc == CTL_OK && !ctl_json_done(c, &r) && !ctl_running(c, &r))
		ctl_created(c, r.json);
	ctl_reply_free(&r);
	return rc;
}

int ctl_remove(struct ctl *c)
{
	struct lwm_path p;
	const char *path;
	int rc = ctl_device_path(c, &p, &path);

	if (rc)
		return rc;
	if (p.n != 2 && p.n != 4)
		return ctl_usage(ctl_command_find("remove"),
			"PATH leads to an object instance, like /3303/5, or a resource instance");
	return ctl_device_do(c, "DELETE", ctl_device_target(c, "data", path), NULL);
}

/* "pmin=10 obs": as they would be written. */
static const char *attributes_text(struct ctl *c, struct json_object *attributes)
{
	const char *text = "";

	if (json_object_is_type(attributes, json_type_object)) {
		json_object_object_foreach(attributes, name, v)
		{
			bool flag = json_object_is_type(v, json_type_boolean);

			text = ctl_fmt(c, "%s%s%s%s%s", text, *text ? " " : "", ctl_escape(c, name),
				flag ? "" : "=",
				flag ? "" : ctl_escape(c, json_object_get_string(v)));
		}
	}
	return *text ? text : "-";
}

void ctl_links(struct ctl *c, struct json_object *links)
{
	struct ctl_table t = {0};

	ctl_table_row(&t, 3, "PATH", "NAME", "ATTRIBUTES");
	for (size_t i = 0; links && i < json_object_array_length(links); i++) {
		struct json_object *l = json_object_array_get_idx(links, i);
		const char *path = ctl_cell(c, l, "path");
		const char *name = ctl_cell(c, l, "name");

		ctl_table_row(&t, 3, path, name,
			ctl_member(l, "error") ? ctl_fmt(c, "(%s)", ctl_cell(c, l, "error"))
					       : attributes_text(c, ctl_member(l, "attributes")));
	}
	ctl_table_print(&t);
}

int ctl_discover(struct ctl *c)
{
	struct lwm_path p;
	struct ctl_reply r;
	const char *path;
	int rc = ctl_device_path(c, &p, &path);

	if (rc)
		return rc;
	rc = ctl_call(c, "GET",
		ctl_query(
			c, ctl_device_target(c, "discover", path), "depth", c->opt[CTL_OPT_DEPTH]),
		NULL, 0, &r);
	if (rc == CTL_OK && !ctl_json_done(c, &r) && !ctl_running(c, &r))
		ctl_links(c, ctl_member(r.json, "links"));
	ctl_reply_free(&r);
	return rc;
}

/* KEY=VALUE as a member; KEY= is null, which takes it away. False also if it is there already. */
static bool attribute(struct json_object *body, const char *word)
{
	size_t n = strcspn(word, "=");
	char key[16];

	if (n == 0 || n >= sizeof(key) || word[n] != '=')
		return false;
	memcpy(key, word, n);
	key[n] = '\0';
	word += n + 1;
	if (json_object_object_get_ex(body, key, NULL))
		return false;
	json_object_object_add(body, key, *word ? json_object_new_string(word) : NULL);
	return true;
}

int ctl_attribute_words(struct ctl *c, const char *command, struct json_object **body)
{
	int rc = CTL_OK;

	*body = json_object_new_object();
	for (size_t i = 2; i < c->arg_n && rc == CTL_OK; i++)
		if (!attribute(*body, c->arg[i]))
			rc = ctl_usage(ctl_command_find(command),
				"%s is no KEY=VALUE, or its KEY comes twice", c->arg[i]);
	return rc;
}

int ctl_attributes(struct ctl *c)
{
	struct json_object *body;
	struct lwm_path p;
	const char *path;
	int rc = ctl_device_path(c, &p, &path);

	if (rc)
		return rc;
	rc = ctl_attribute_words(c, "attributes", &body);
	if (rc == CTL_OK)
		rc = ctl_device_do(c, "PUT", ctl_device_target(c, "attributes", path),
			json_object_to_json_string(body));
	json_object_put(body);
	return rc;
}
