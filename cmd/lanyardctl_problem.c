/* SPDX-License-Identifier: Apache-2.0 */
/* A refusal as one line, with what to do about it. */
#include "cmd/lanyardctl.h"

#include "base/text.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *type, *hint;
} hints[] = {
	{"busy", "try again"},
	{"cancelled", "try again when the device is back"},
	{"conflict", "'lanyardctl credentials EP' and 'show EP' tell what is there"},
	{"device-error", "the code is the device's own; 'lanyardctl show EP' lists its objects"},
	{"limit", "delete endpoints, or raise the limit in lanyard.conf"},
	{"no-credentials", "'lanyardctl credentials EP' lists those it has"},
	{"no-plan", "the default plan applies: 'lanyardctl plan --default'"},
	{"not-registered", "'lanyardctl explain EP' tells why"},
	{"outcome-unknown", "read it back before doing it again"},
	{"overload", "try again"},
	{"sealed", "'lanyardctl help unseal'"},
	{"shutting-down", "try again when it is up"},
	{"storage-unavailable", "'lanyardctl status' and the log of lanyardd tell why"},
	{"timeout", "'lanyardctl explain EP' tells when it was last heard of"},
	{"unknown-endpoint", "'lanyardctl list' shows all names"},
	{"unknown-operation", "'lanyardctl operations' lists those that are known"},
	{"unknown-path", "lanyardctl and lanyardd may be of different versions"},
};

static const char *hint(const char *urn)
{
	const char *type = strrchr(urn, ':');

	for (size_t i = 0; type && i < sizeof(hints) / sizeof(hints[0]); i++)
		if (strcmp(hints[i].type, type + 1) == 0)
			return hints[i].hint;
	return NULL;
}

static const char *text(struct json_object *o, const char *path)
{
	struct json_object *v = ctl_member(o, path);

	return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";
}

/* Devices have their words in it: nothing reaches the terminal unescaped. */
static void part(const char *before, const char *s, const char *after)
{
	char safe[1024];
	struct writer w = wr_make(safe, sizeof(safe) - 1);

	if (!*s)
		return;
	wr_escaped(&w, span_sub(span_str(s), 0, 250));
	safe[w.n] = '\0';
	fprintf(stderr, "%s%s%s", before, safe, after);
}

int ctl_problem_json(struct json_object *o)
{
	const char *advice = hint(text(o, "type"));

	fputs("lanyardctl", stderr);
	/* The detail may begin with the title's own words. */
	if (strncasecmp(text(o, "title"), text(o, "detail"), strlen(text(o, "title"))))
		part(": ", text(o, "title"), "");
	part(": ", text(o, "detail"), "");
	if (!strstr(text(o, "detail"), text(o, "device.code")))
		part(" (", text(o, "device.code"), ")");
	part(" \"", text(o, "device.text"), "\"");
	fprintf(stderr, "%s%s\n", advice ? "; hint: " : "", advice ? advice : "");
	return CTL_REFUSED;
}

int ctl_problem(const struct ctl_reply *r)
{
	if (*text(r->json, "title"))
		return ctl_problem_json(r->json);
	fprintf(stderr, "lanyardctl: the daemon answered %d%s\n", r->status,
		r->status == 413 ? ": the body is too long" : "");
	return CTL_REFUSED;
}
