/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that speak to a device. */
#include "cmd/lanyardctl.h"
#include "lwm2m/json.h"
#include "lwm2m/target.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

const char *ctl_target_cell(struct ctl *c, struct json_object *o)
{
	const char *path = ctl_cell(c, o, "path");

	return ctl_member(o, "prefix") ? ctl_fmt(c, "/%s%s", ctl_cell(c, o, "prefix"), path) : path;
}

int ctl_device_path(struct ctl *c, struct lwm_path *p, const char **text)
{
	struct lwm_target at;
	struct writer w;
	char *to;

	if (lwm_target_parse(span_str(c->arg[1]), &at) || at.path.n == 0)
		return ctl_usage(NULL,
			"a path is up to four ids, like /3/0/9; of a device behind a gateway "
			"with its prefix, like /d01/3/0/9");
	to = arena_alloc(&c->arena, LWM_TARGET_TEXT_MAX + 1);
	if (!to)
		return ctl_fail("out of memory");
	w = wr_make(to, LWM_TARGET_TEXT_MAX);
	wr_target(&w, &at.prefix, &at.path);
	*p = at.path;
	*text = to;
	return CTL_OK;
}

const char *ctl_device_target(struct ctl *c, const char *what, const char *path)
{
	const char *t = ctl_target(c, "/v1/endpoints/%e/%p%p", c->arg[0], what, path);

	t = ctl_query(c, t, "wait", c->opt[CTL_OPT_WAIT]);
	t = ctl_query(c, t, "expires", c->opt[CTL_OPT_EXPIRES]);
	return ctl_query(c, t, "format", c->opt[CTL_OPT_FORMAT]);
}

static size_t length_of(struct json_object *array)
{
	return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

/* What holds the "value" of the very path `o` is about: o, or the one row it has (events). */
static struct json_object *single_of(struct ctl *c, struct json_object *o)
{
	struct json_object *array = ctl_member(o, "values"), *one = o;

	if (!ctl_member(o, "value") && length_of(array) == 1)
		one = json_object_array_get_idx(array, 0);
	if (one != o && strcmp(ctl_cell(c, one, "path"), ctl_cell(c, o, "path")) != 0)
		return NULL;
	o = ctl_member(one, "value");
	return o && !json_object_is_type(o, json_type_object) ? one : NULL;
}

static bool has_times(struct json_object *array)
{
	for (size_t i = 0; i < length_of(array); i++)
		if (ctl_member(json_object_array_get_idx(array, i), "time"))
			return true;
	return false;
}

void ctl_values(struct ctl *c, struct json_object *o)
{
	struct json_object *array = ctl_member(o, "values"), *one = single_of(c, o);
	size_t columns = has_times(array) ? 5 : 4;
	struct ctl_table t = {0};

	if (one) {
		printf("%s\n", ctl_cell(c, one, "value"));
		return;
	}
	ctl_table_row(&t, columns, "PATH", "NAME", "TYPE", "VALUE", "TIME");
	for (size_t i = 0; i < length_of(array); i++) {
		struct json_object *v = json_object_array_get_idx(array, i);
		bool bad = ctl_member(v, "error") != NULL;

		ctl_table_row(&t, columns, ctl_target_cell(c, v), ctl_cell(c, v, "name"),
			ctl_cell(c, v, "type"),
			bad ? ctl_fmt(c, "(%s)", ctl_cell(c, v, "error")) : ctl_cell(c, v, "value"),
			ctl_cell(c, v, "time"));
	}
	ctl_table_print(&t);
}

bool ctl_running(struct ctl *c, const struct ctl_reply *r)
{
	if (r->status != 202)
		return false;
	bool queued = strcmp(ctl_cell(c, r->json, "state"), "queued") == 0;
	printf("%s; 'lanyardctl operation %s' tells what becomes of it\n",
		queued ? "the device is asked when it wakes" : "the device has not answered yet",
		ctl_cell(c, r->json, "id"));
	return true;
}

int ctl_read(struct ctl *c)
{
	struct lwm_path p;
	struct ctl_reply r;
	const char *path;
	int rc = ctl_device_path(c, &p, &path);

	if (rc)
		return rc;
	rc = ctl_call(c, "GET", ctl_device_target(c, "data", path), NULL, 0, &r);
	if (rc == CTL_OK && !ctl_json_done(c, &r) && !ctl_running(c, &r))
		ctl_values(c, r.json);
	ctl_reply_free(&r);
	return rc;
}

int ctl_device_do(struct ctl *c, const char *method, const char *t, const char *body)
{
	struct ctl_reply r;
	int rc = ctl_call(c, method, t, body, 0, &r);

	if (rc == CTL_OK && !ctl_json_done(c, &r))
		(void)ctl_running(c, &r);
	ctl_reply_free(&r);
	return rc;
}

static bool is_text(enum lwm_type type)
{
	return type == LWM_STRING || type == LWM_OPAQUE || type == LWM_OBJLNK ||
	       type == LWM_CORELNK;
}

struct json_object *ctl_value_json(const struct lwm_path *p, const char *word)
{
	struct json_tokener *t = json_tokener_new();
	struct json_object *o = NULL;
	size_t n = strlen(word);

	if (t && n < INT32_MAX && (word[0] == '{' || !is_text(lwm_type_at(p))) &&
		lwm_json_valid(span_make(word, n))) {
		o = json_tokener_parse_ex(t, word, (int)n + 1);
		if (json_tokener_get_parse_end(t) != n) {
			json_object_put(o);
			o = NULL;
		}
	}
	if (t)
		json_tokener_free(t);
	return o ? o : json_object_new_string(word);
}

const char *ctl_word(struct ctl *c, const char *word)
{
	size_t n;

	return strcmp(word, "-") == 0 ? ctl_read_file(c, "-", &n) : word;
}

static int write_value(struct ctl *c, const struct lwm_path *p, const char *t, const char *word)
{
	struct json_object *body;
	int rc;

	word = ctl_word(c, word);
	if (!word)
		return CTL_REFUSED;
	body = json_object_new_object();
	json_object_object_add(body, p->n == 2 ? "resources" : "value", ctl_value_json(p, word));
	rc = ctl_device_do(
		c, c->opt[CTL_OPT_PARTIAL] ? "POST" : "PUT", t, json_object_to_json_string(body));
	json_object_put(body);
	return rc;
}

static int write_file(struct ctl *c, const char *t)
{
	struct ctl_reply r;
	size_t n;
	const char *bytes = ctl_read_file(c, c->opt[CTL_OPT_FILE], &n);
	int rc;

	if (!bytes)
		return CTL_REFUSED;
	rc = ctl_send(c, "PUT", t, "application/octet-stream", span_make(bytes, n), 0, &r);
	if (rc == CTL_OK && !ctl_json_done(c, &r))
		(void)ctl_running(c, &r);
	ctl_reply_free(&r);
	return rc;
}

int ctl_write(struct ctl *c)
{
	const struct ctl_command *cmd = ctl_command_find("write");
	bool file = c->opt[CTL_OPT_FILE] != NULL;
	const char *path;
	struct lwm_path p;
	int rc;

	if (file == (c->arg_n == 3))
		return ctl_usage(cmd, "write needs either VALUE or --file");
	if (file && c->opt[CTL_OPT_PARTIAL])
		return ctl_usage(cmd, "--file writes one value: --partial has no meaning there");
	rc = ctl_device_path(c, &p, &path);
	if (rc)
		return rc;
	return file ? write_file(c, ctl_device_target(c, "data", path))
		    : write_value(c, &p, ctl_device_target(c, "data", path), c->arg[2]);
}

int ctl_execute(struct ctl *c)
{
	struct json_object *body = NULL;
	struct lwm_path p;
	const char *path;
	int rc = ctl_device_path(c, &p, &path);

	if (rc)
		return rc;
	if (c->arg_n == 3) {
		body = json_object_new_object();
		json_object_object_add(body, "arguments", json_object_new_string(c->arg[2]));
	}
	rc = ctl_device_do(c, "POST", ctl_device_target(c, "execute", path),
		body ? json_object_to_json_string(body) : NULL);
	json_object_put(body);
	return rc;
}

int ctl_bootstrap(struct ctl *c)
{
	const char *t = ctl_target(c, "/v1/bootstrap/%e/trigger", c->arg[0]);

	if (c->opt[CTL_OPT_UNASKED])
		return ctl_device_do(
			c, "POST", ctl_target(c, "/v1/bootstrap/%e/start", c->arg[0]), NULL);
	t = ctl_query(c, t, "instance", c->arg_n > 1 ? c->arg[1] : NULL);
	t = ctl_query(c, t, "wait", c->opt[CTL_OPT_WAIT]);
	t = ctl_query(c, t, "expires", c->opt[CTL_OPT_EXPIRES]);
	return ctl_device_do(c, "POST", t, NULL);
}

int ctl_cancel(struct ctl *c)
{
	struct lwm_path p;
	const char *path;
	int rc = ctl_device_path(c, &p, &path);

	return rc ? rc
		  : ctl_device_do(c, "DELETE", ctl_device_target(c, "observations", path), NULL);
}

int ctl_count(struct ctl *c, uint64_t *count)
{
	*count = UINT64_MAX;
	if (c->opt[CTL_OPT_COUNT] &&
		(span_to_u64(span_str(c->opt[CTL_OPT_COUNT]), UINT64_MAX - 1, count) ||
			*count == 0))
		return ctl_usage(NULL, "--count is a number from 1 on");
	return CTL_OK;
}

static void notification_out(struct ctl *c, const char *data, struct json_object *event)
{
	if (c->opt[CTL_OPT_JSON]) {
		printf("%s\n", data);
	} else {
		struct json_object *o = ctl_member(event, "data");

		printf("%s%s", ctl_cell(c, event, "time"), single_of(c, o) ? "  " : "\n");
		ctl_values(c, o);
	}
	fflush(stdout);
}

/* The values that `start` answered with come as the first event too; they are not told twice. The
 * arena is emptied after each event: the stream has no end. */
static int follow(struct ctl *c, struct ctl_stream *s, const char *path, uint64_t count,
	struct json_object *start)
{
	const char *data;
	struct arena keep = c->arena;

	arena_init(&c->arena, 0);
	while (count > 0 && (data = ctl_stream_next(s))) {
		struct json_object *event = json_tokener_parse(data);
		struct json_object *at = ctl_member(event, "data");
		bool ours = at && strcmp(ctl_target_cell(c, at), path) == 0;

		if (ours &&
			!(start && json_object_equal(start, ctl_member(event, "data.values")))) {
			notification_out(c, data, event);
			count--;
		}
		if (ours)
			start = NULL;
		json_object_put(event);
		arena_reset(&c->arena);
	}
	arena_fini(&c->arena);
	c->arena = keep;
	return count == 0 ? CTL_OK : CTL_UNREACHABLE;
}

/* r is the caller's to free. */
static int start_observation(struct ctl *c, const char *path, struct ctl_reply *r)
{
	struct json_object *body;
	int rc = ctl_attribute_words(c, "observe", &body);

	if (rc == CTL_OK)
		rc = ctl_call(c, "PUT", ctl_device_target(c, "observations", path),
			c->arg_n > 2 ? json_object_to_json_string(body) : NULL, 0, r);
	json_object_put(body);
	if (rc == CTL_OK && !ctl_json_done(c, r) && !ctl_running(c, r) && r->json)
		ctl_values(c, r->json);
	fflush(stdout);
	return rc;
}

/* Listens before it observes, so that no notification falls between. */
int ctl_observe(struct ctl *c)
{
	const char *t = ctl_query(c, "/v1/events?type=notification", "endpoint", c->arg[0]);
	struct ctl_stream *s = NULL;
	struct ctl_reply r = {0};
	struct lwm_path p;
	const char *path;
	uint64_t count;
	int rc = ctl_count(c, &count);

	if (rc == CTL_OK)
		rc = ctl_device_path(c, &p, &path);
	if (rc == CTL_OK)
		rc = ctl_stream_open(c, t, &s);
	if (rc == CTL_OK)
		rc = start_observation(c, path, &r);
	if (rc == CTL_OK) {
		rc = follow(c, s, path, count, ctl_member(r.json, "values"));
		if (rc)
			(void)ctl_fail("the daemon ended the stream of events");
	}
	ctl_reply_free(&r);
	ctl_stream_free(s);
	return rc;
}

void ctl_event_line(struct ctl *c, struct json_object *event)
{
	struct json_object *data = ctl_member(event, "data");

	printf("%s  %-14s %-24s %s\n", ctl_cell(c, event, "time"), ctl_cell(c, event, "type"),
		ctl_cell(c, event, "endpoint"), data ? ctl_json_text(c, data) : "");
}

int ctl_follow(struct ctl *c, const char *target, ctl_event_fn *show)
{
	struct ctl_stream *s = NULL;
	const char *line;
	uint64_t count;
	int rc = ctl_count(c, &count);

	if (rc == CTL_OK)
		rc = ctl_stream_open(c, target, &s);
	while (rc == CTL_OK && count > 0 && (line = ctl_stream_next(s))) {
		struct json_object *event = json_tokener_parse(line);

		if (c->opt[CTL_OPT_JSON])
			printf("%s\n", line);
		else
			show(c, event);
		fflush(stdout);
		json_object_put(event);
		arena_reset(&c->arena);
		count--;
	}
	if (rc == CTL_OK && count > 0) {
		(void)ctl_fail("the daemon ended the stream of events");
		rc = CTL_UNREACHABLE;
	}
	ctl_stream_free(s);
	return rc;
}

int ctl_events(struct ctl *c)
{
	const char *t = ctl_query(c, "/v1/events", "endpoint", c->opt[CTL_OPT_ENDPOINT]);

	t = ctl_query(c, t, "type", c->opt[CTL_OPT_TYPE]);
	t = ctl_query(c, t, "after", c->opt[CTL_OPT_AFTER]);
	return ctl_follow(c, t, ctl_event_line);
}
