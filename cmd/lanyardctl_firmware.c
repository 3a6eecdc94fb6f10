/* SPDX-License-Identifier: Apache-2.0 */
/* lanyardctl firmware: images, and the updates of devices. */
#include "cmd/lanyardctl.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 256 << 10, POLL_FIRST_MS = 100, POLL_FIRST_FOR_MS = 3000, POLL_MS = 1000 };

/* ---- uploads */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void progress(uint64_t done, uint64_t total)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, done < total ? "\r\033[Kuploading: %llu of %llu KiB" : "\r\033[K",
			(unsigned long long)(done >> 10), (unsigned long long)(total >> 10));
}

/* The whole of `fd`, piece by piece: an image need not fit any memory. The last answer is in r. */
static int send_pieces(
	struct ctl *c, int fd, uint64_t total, const char *target, struct ctl_reply *r)
{
	uint8_t *buf = malloc(PIECE);
	int rc = buf ? CTL_OK : ctl_fail("out of memory");

	for (uint64_t at = 0; rc == CTL_OK && at < total;) {
		size_t want = total - at < PIECE ? (size_t)(total - at) : PIECE;
		ssize_t n = pread(fd, buf, want, (off_t)at);
		if (n != (ssize_t)want) {
			rc = ctl_fail("the file changes while it is read, or cannot be read");
			break;
		}
		ctl_reply_free(r);
		rc = ctl_send_part(c, target, span_make(buf, want), at, total, r);
		at += want;
		progress(at, total);
	}
	free(buf);
	return rc;
}

/* As base_name(path); *name is that. `once`: it goes with the last update that uses it. */
static int upload(struct ctl *c, const char *path, bool once, struct ctl_reply *r)
{
	const char *target = ctl_target(c, "/v1/firmware/%e", base_name(path));
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
	struct stat st;

	*r = (struct ctl_reply){0};
	if (fd < 0 || fstat(fd, &st))
		rc = ctl_fail("cannot read %s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode) || !st.st_size)
		rc = ctl_fail("%s is empty, or no file", path);
	else
		rc = send_pieces(c, fd, (uint64_t)st.st_size,
			ctl_query(c, target, "once", once ? "true" : NULL), r);
	if (fd >= 0)
		close(fd);
	return rc;
}

static void image_line(struct ctl *c, struct json_object *o)
{
	printf("%s: %s bytes, SHA-256 %s\n", ctl_cell(c, o, "name"), ctl_cell(c, o, "bytes"),
		ctl_cell(c, o, "sha256"));
}

static int do_upload(struct ctl *c)
{
	struct ctl_reply r;
	int rc = upload(c, c->arg[1], false, &r);

	if (rc == CTL_OK && !ctl_json_done(c, &r))
		image_line(c, r.json);
	ctl_reply_free(&r);
	return rc;
}

static int do_remove(struct ctl *c)
{
	struct ctl_reply r;
	int rc = ctl_call(c, "DELETE", ctl_target(c, "/v1/firmware/%e", c->arg[1]), NULL, 0, &r);

	ctl_reply_free(&r);
	return rc;
}

static int do_images(struct ctl *c)
{
	struct ctl_table t = {0};
	struct json_object *array;
	struct ctl_reply r;
	int rc = ctl_call(c, "GET", "/v1/firmware", NULL, 0, &r);

	if (rc == CTL_OK && !ctl_json_done(c, &r)) {
		array = ctl_member(r.json, "images");
		ctl_table_row(&t, 5, "IMAGE", "BYTES", "USES", "UPLOADED", "SHA-256");
		for (size_t i = 0; array && i < json_object_array_length(array); i++) {
			struct json_object *o = json_object_array_get_idx(array, i);
			ctl_table_row(&t, 5, ctl_cell(c, o, "name"), ctl_cell(c, o, "bytes"),
				ctl_cell(c, o, "uses"), ctl_cell(c, o, "created"),
				ctl_cell(c, o, "sha256"));
		}
		ctl_table_print(&t);
	}
	ctl_reply_free(&r);
	return rc;
}

/* ---- updates */

static const char *update_of(struct ctl *c, const char *ep)
{
	return ctl_target(c, "/v1/endpoints/%e/firmware", ep);
}

/* "sending: 40 %", "failed: the device told result 5: ..." */
static const char *state_text(struct ctl *c, struct json_object *o)
{
	const char *state = ctl_cell(c, o, "state"), *detail = ctl_cell(c, o, "detail");
	int64_t bytes = json_object_get_int64(ctl_member(o, "bytes"));
	int64_t sent = json_object_get_int64(ctl_member(o, "sent"));

	if (json_object_get_boolean(ctl_member(o, "waiting")))
		return ctl_fmt(c, "%s: waits for the device to be heard of", state);
	if (json_object_get_boolean(ctl_member(o, "over")))
		return *detail && strcmp(detail, "-") ? ctl_fmt(c, "%s: %s", state, detail) : state;
	return bytes ? ctl_fmt(c, "%s: %lld %%", state, (long long)(sent * 100 / bytes)) : state;
}

static void update_row(struct ctl *c, struct ctl_table *t, struct json_object *o)
{
	const char *image = ctl_cell(c, o, "image");

	ctl_table_row(t, 5, ctl_cell(c, o, "endpoint"), ctl_cell(c, o, "method"),
		strcmp(image, "-") ? image : ctl_cell(c, o, "uri"), ctl_cell(c, o, "changed"),
		state_text(c, o));
}

static int do_list(struct ctl *c)
{
	struct ctl_table t = {0};
	struct json_object *array;
	struct ctl_reply r;
	int rc = ctl_call(c, "GET", "/v1/firmware-updates", NULL, 0, &r);

	if (rc == CTL_OK && !ctl_json_done(c, &r)) {
		array = ctl_member(r.json, "updates");
		ctl_table_row(&t, 5, "ENDPOINT", "METHOD", "IMAGE", "CHANGED", "STATE");
		for (size_t i = 0; array && i < json_object_array_length(array); i++)
			update_row(c, &t, json_object_array_get_idx(array, i));
		ctl_table_print(&t);
	}
	ctl_reply_free(&r);
	return rc;
}

/* Exit status of one that is over. */
static int verdict(struct json_object *o)
{
	const char *state = json_object_get_string(ctl_member(o, "state"));
	bool over = json_object_get_boolean(ctl_member(o, "over"));

	return over && state && strcmp(state, "succeeded") != 0 ? CTL_REFUSED : CTL_OK;
}

static int do_status(struct ctl *c)
{
	struct ctl_reply r;
	int rc = ctl_call(c, "GET", update_of(c, c->arg[1]), NULL, 0, &r);

	if (rc == CTL_OK && !ctl_json_done(c, &r))
		printf("%s\n", state_text(c, r.json));
	if (rc == CTL_OK)
		rc = verdict(r.json);
	ctl_reply_free(&r);
	return rc;
}

static int do_cancel(struct ctl *c)
{
	struct ctl_reply r;
	int rc = ctl_call(c, "DELETE", update_of(c, c->arg[1]), NULL, 0, &r);

	if (rc == CTL_OK && r.status == 202 && !ctl_json_done(c, &r))
		printf("%s\n", state_text(c, r.json));
	ctl_reply_free(&r);
	return rc;
}

/* Until it is over, or the seconds of --wait are. */
static int wait_for_end(struct ctl *c, const char *target)
{
	uint64_t seconds;
	int rc = CTL_OK;

	if (span_to_u64(span_str(c->opt[CTL_OPT_WAIT]), 31536000, &seconds))
		return ctl_usage(ctl_command_find("firmware"), "--wait takes seconds");
	for (uint64_t ms = 0, step = POLL_FIRST_MS; rc == CTL_OK; ms += step) {
		struct ctl_reply r;
		rc = ctl_call(c, "GET", target, NULL, 0, &r);
		bool over = rc == CTL_OK && json_object_get_boolean(ctl_member(r.json, "over"));
		if (over || (rc == CTL_OK && ms >= seconds * 1000)) {
			if (!ctl_json_done(c, &r))
				printf("%s\n", state_text(c, r.json));
			rc = over ? verdict(r.json) : CTL_REFUSED;
			ctl_reply_free(&r);
			return rc;
		}
		ctl_reply_free(&r);
		step = ms < POLL_FIRST_FOR_MS ? POLL_FIRST_MS : POLL_MS;
		nanosleep(&(struct timespec){.tv_sec = (time_t)(step / 1000),
				  .tv_nsec = (long)(step % 1000) * 1000000},
			NULL);
	}
	return rc;
}

static int start(struct ctl *c, const char *method, const char *member, const char *value)
{
	struct json_object *o = json_object_new_object();
	const char *target = update_of(c, c->arg[1]);
	struct ctl_reply r;

	json_object_object_add(o, "method", json_object_new_string(method));
	json_object_object_add(o, member, json_object_new_string(value));
	int rc = ctl_call(c, "PUT", target, json_object_to_json_string(o), 0, &r);
	json_object_put(o);
	if (rc == CTL_OK && !c->opt[CTL_OPT_WAIT] && !ctl_json_done(c, &r))
		printf("started; 'lanyardctl firmware status %s' tells how far it is\n",
			ctl_escape(c, c->arg[1]));
	ctl_reply_free(&r);
	return rc == CTL_OK && c->opt[CTL_OPT_WAIT] ? wait_for_end(c, target) : rc;
}

/* What was brought for nothing goes again; where it is in use, or was to stay, it does. */
static void drop(struct ctl *c, const char *name)
{
	const char *target = ctl_target(c, "/v1/firmware/%e", name);
	bool quiet = c->quiet;
	struct ctl_reply r;

	c->quiet = true;
	bool once = ctl_call(c, "GET", target, NULL, 0, &r) == CTL_OK &&
		    json_object_get_boolean(ctl_member(r.json, "once")) &&
		    !json_object_get_int64(ctl_member(r.json, "uses"));
	ctl_reply_free(&r);
	if (once) {
		(void)ctl_call(c, "DELETE", target, NULL, 0, &r);
		ctl_reply_free(&r);
	}
	c->quiet = quiet;
}

static int do_update(struct ctl *c)
{
	const char *what = c->arg[2];
	bool pull = strcmp(c->arg[0], "pull") == 0, brought = false;

	if (pull && strstr(what, "://"))
		return start(c, "pull", "uri", what);
	if (access(what, F_OK) == 0) {
		struct ctl_reply r;
		int rc = upload(c, what, true, &r);
		ctl_reply_free(&r);
		if (rc)
			return rc;
		brought = true;
	}
	int rc = start(c, c->arg[0], "image", base_name(what));
	if (rc != CTL_OK && brought)
		drop(c, base_name(what));
	return rc;
}

int ctl_firmware(struct ctl *c)
{
	static const struct {
		const char *name;
		size_t operands;
		int (*run)(struct ctl *c);
	} actions[] = {
		{"push", 2, do_update},
		{"pull", 2, do_update},
		{"status", 1, do_status},
		{"cancel", 1, do_cancel},
		{"list", 0, do_list},
		{"images", 0, do_images},
		{"upload", 1, do_upload},
		{"remove", 1, do_remove},
	};

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(actions[i].name, c->arg[0]) != 0)
			continue;
		if (c->arg_n != actions[i].operands + 1)
			return ctl_usage(ctl_command_find("firmware"), "%s takes %zu operands",
				c->arg[0], actions[i].operands);
		return actions[i].run(c);
	}
	return ctl_usage(ctl_command_find("firmware"), "firmware knows no %s", c->arg[0]);
}
