/* SPDX-License-Identifier: Apache-2.0 */
/* trace: the messages of a device as they come and go. */
#include "cmd/lanyardctl.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_BYTES = 48 };

/* "0.02" as "POST"; others as they are. */
static const char *code_name(const char *code)
{
	static const char *const names[][2] = {{"0.01", "GET"}, {"0.02", "POST"}, {"0.03", "PUT"},
		{"0.04", "DELETE"}, {"0.05", "FETCH"}, {"0.07", "iPATCH"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i][0], code) == 0)
			return names[i][1];
	return code;
}

/* Uri-Path as /a/b, Uri-Query as ?a&b, the others by name. */
static const char *options(struct ctl *c, struct json_object *list)
{
	const char *path = "", *query = "", *rest = "";

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *name = ctl_cell(c, o, "name"), *value = ctl_cell(c, o, "value");

		if (strcmp(name, "Uri-Path") == 0)
			path = ctl_fmt(c, "%s/%s", path, value);
		else if (strcmp(name, "Uri-Query") == 0)
			query = ctl_fmt(c, "%s%c%s", query, *query ? '&' : '?', value);
		else if (strcmp(name, "-") == 0)
			rest = ctl_fmt(c, "%s %s:%s", rest, ctl_cell(c, o, "number"), value);
		else
			rest = ctl_fmt(c, "%s %s:%s", rest, name, value);
	}
	return ctl_fmt(c, "%s%s%s%s", *path || *query ? " " : "", path, query, rest);
}

static const char *payload(struct ctl *c, struct json_object *data)
{
	const char *bytes = ctl_cell(c, data, "payload_bytes");
	const char *hex = ctl_cell(c, data, "payload_hex");

	if (ctl_member(data, "masked"))
		return ctl_fmt(c, "  %s bytes, not shown: they may be keys", bytes);
	if (strcmp(bytes, "-") == 0 || strcmp(bytes, "0") == 0)
		return "";
	return ctl_fmt(c, "  %s bytes %.*s%s", bytes, 2 * SHOWN_BYTES, hex,
		strlen(hex) > 2 * SHOWN_BYTES ? "..." : "");
}

static void message(struct ctl *c, struct json_object *event)
{
	struct json_object *data = ctl_member(event, "data");
	bool out = strcmp(ctl_cell(c, data, "direction"), "out") == 0;
	const char *note = ctl_cell(c, data, "note"), *piv = ctl_cell(c, data, "partial_iv");

	printf("%s %s %s", ctl_cell(c, event, "time"), out ? "->" : "<-",
		ctl_cell(c, data, "peer"));
	if (ctl_member(data, "code"))
		printf("  %s %s%s%s", ctl_cell(c, data, "type"),
			code_name(ctl_cell(c, data, "code")),
			options(c, ctl_member(data, "options")), payload(c, data));
	if (!json_object_get_boolean(ctl_member(data, "protected")))
		printf("  unprotected");
	else if (strcmp(piv, "-") != 0)
		printf("  number %s", piv);
	if (strcmp(note, "-") != 0)
		printf("  (%s)", note);
	printf("\n");
}

int ctl_trace(struct ctl *c)
{
	return ctl_follow(c, ctl_target(c, "/v1/endpoints/%e/trace", c->arg[0]), message);
}
