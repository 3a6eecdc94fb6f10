/* SPDX-License-Identifier: Apache-2.0 */
/* lanyardctl: what its commands share. */
#ifndef LANYARD_CMD_LANYARDCTL_H
#define LANYARD_CMD_LANYARDCTL_H

#include "base/arena.h"
#include "base/span.h"
#include "lwm2m/model.h"

struct json_object;

enum ctl_exit { CTL_OK = 0, CTL_REFUSED = 1, CTL_USAGE = 2, CTL_UNREACHABLE = 3 };

enum ctl_opt {
	CTL_OPT_SOCKET,
	CTL_OPT_JSON,
	CTL_OPT_HELP,
	CTL_OPT_VERSION,
	CTL_OPT_WAIT,
	CTL_OPT_EXPIRES,
	CTL_OPT_FORMAT,
	CTL_OPT_MATCH,
	CTL_OPT_COUNT,
	CTL_OPT_ENDPOINT,
	CTL_OPT_TYPE,
	CTL_OPT_AFTER,
	CTL_OPT_ROLE,
	CTL_OPT_GENERATE,
	CTL_OPT_FROM,
	CTL_OPT_SERVER_URI,
	CTL_OPT_DEVICE_FILE,
	CTL_OPT_REPLACE,
	CTL_OPT_AEAD,
	CTL_OPT_HKDF,
	CTL_OPT_ID_CONTEXT,
	CTL_OPT_IDENTITY,
	CTL_OPT_DEFAULT,
	CTL_OPT_UNASKED,
	CTL_OPT_DELETE,
	CTL_OPT_CANCEL,
	CTL_OPT_DEPTH,
	CTL_OPT_PARTIAL,
	CTL_OPT_FILE,
	CTL_OPT_TEXT,
	CTL_OPT_ONLY_COPY,
	CTL_OPT_CONFIG,
	CTL_OPT_REQUEST,
	CTL_OPT_KID,
	CTL_OPT_PIV,
	CTL_OPT_MODELS,
	CTL_OPT_PEM,
	CTL_OPT_FINGERPRINT,
	CTL_OPT_SUBJECT,
	CTL_OPT_NAME,
	CTL_OPT_N,
};
#define CTL_HAS(opt) (UINT64_C(1) << (opt))

struct ctl {
	const char *opt[CTL_OPT_N]; /* what was given; "" for one without an argument; NULL: not
				       given */
	const char **arg;           /* operands behind the command's name */
	size_t arg_n;
	const char *socket;
	struct arena arena; /* until the command ends; wiped */
	bool quiet;         /* what cannot be reached or is refused is not printed */
	bool no_memory;     /* a text could not be made: no request is sent any more */
};

struct ctl_command {
	const char *name, *alias;
	const char *operands; /* as in the synopsis */
	size_t arg_min, arg_max;
	uint64_t options; /* CTL_HAS of those beyond --socket, --json, --help */
	int (*run)(struct ctl *c);
	const char *brief; /* one line; NULL: not shown in the help */
	const char *help;  /* a few more, or NULL */
};

/* lanyardctl_help.c */
struct ctl_option {
	const char *name;
	char letter;         /* 0: none */
	const char *operand; /* NULL: takes none */
	const char *help;
};
extern const struct ctl_option ctl_options[CTL_OPT_N];
const struct ctl_command *ctl_command_find(const char *name);
int ctl_help(const char *command);
/* "lanyardctl: ..." and a pointer to the help, on standard error. Returns CTL_USAGE. */
int ctl_usage(const struct ctl_command *cmd, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* "lanyardctl: ..." on standard error. Returns CTL_REFUSED. */
int ctl_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* lanyardctl_http.c: HTTP/1.1 over the Unix socket. */
struct ctl_reply {
	int status;
	char *body; /* malloc'd, with a closing NUL behind n bytes */
	size_t n;
	struct json_object *json; /* NULL if the body is none */
};
/* One request. `body` NULL: none. Returns an exit code; on CTL_UNREACHABLE the reason was printed.
 * A refusal (status 400 and up) is CTL_REFUSED and printed too, unless `quiet_status` is its
 * status: then CTL_OK, for the caller to look. The reply must be freed in any case. */
int ctl_call(struct ctl *c, const char *method, const char *target, const char *body,
	int quiet_status, struct ctl_reply *out);
/* The same with a body of any kind; `type` is its Content-Type. */
int ctl_send(struct ctl *c, const char *method, const char *target, const char *type,
	struct span body, int quiet_status, struct ctl_reply *out);
/* PUTs bytes `at` and on, some at least, of something `total` bytes long. */
int ctl_send_part(struct ctl *c, const char *target, struct span body, uint64_t at, uint64_t total,
	struct ctl_reply *out);
void ctl_reply_free(struct ctl_reply *r);
/* Prints what the problem in `r` says as one line. Returns CTL_REFUSED. */
int ctl_problem(const struct ctl_reply *r);
/* An event stream, line by line. */
struct ctl_stream;
int ctl_stream_open(struct ctl *c, const char *target, struct ctl_stream **out);
/* The data of the next event; NULL when the stream has ended. Dies with the next call. */
const char *ctl_stream_next(struct ctl_stream *s);
void ctl_stream_free(struct ctl_stream *s);

/* lanyardctl_text.c */
/* "/v1/endpoints/" and each operand percent-encoded, from the arena. In the format %e takes a
 * string and encodes all but unreserved characters, %p keeps slashes too. */
const char *ctl_target(struct ctl *c, const char *fmt, ...);
/* Adds "?name=value" or "&name=value", encoded; `value` NULL adds nothing. */
const char *ctl_query(struct ctl *c, const char *target, const char *name, const char *value);
/* The member at a dotted path as text that is safe on a terminal: "-" for null or nothing, "yes"
 * and "no". From the arena. */
const char *ctl_cell(struct ctl *c, struct json_object *o, const char *path);
struct json_object *ctl_member(struct json_object *o, const char *path);
const char *ctl_escape(struct ctl *c, const char *s);
/* On one line, as JSON that is safe on a terminal. */
const char *ctl_json_text(struct ctl *c, struct json_object *o);
/* printf into the arena. */
const char *ctl_fmt(struct ctl *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "2 d 3 h", "5 min 2 s" */
const char *ctl_duration(struct ctl *c, struct json_object *seconds);
/* A file, or standard input for "-", whole, with a closing NUL; NULL (and a word on standard error)
 * if it cannot be read or is above 1 MiB. From the arena. */
const char *ctl_read_file(struct ctl *c, const char *path, size_t *n);

/* Columns that line up. Cells are kept by reference. */
enum { CTL_COLUMNS_MAX = 12 };
struct ctl_table {
	const char **cell;
	size_t n, cap, columns;
};
void ctl_table_row(struct ctl_table *t, size_t columns, ...);
/* Prints and frees. */
void ctl_table_print(struct ctl_table *t);
void ctl_table_free(struct ctl_table *t);
/* With --json: prints the body as it came and returns true. */
bool ctl_json_done(const struct ctl *c, const struct ctl_reply *r);

/* lanyardctl_data.c. The operand PATH, also as text, checked here so that a mistake is a matter of
 * usage. */
/* The path in `o`, with the prefix of the device behind a gateway that it is of: "/d01/3/0". */
const char *ctl_target_cell(struct ctl *c, struct json_object *o);
int ctl_device_path(struct ctl *c, struct lwm_path *p, const char **text);
/* Of the endpoint's "data" or whatever `what` is, with --wait and --format. */
const char *ctl_device_target(struct ctl *c, const char *what, const char *path);
/* A call whose answer only says that it is done. */
/* Words behind EP PATH as a body of attributes, which is the caller's to put. */
int ctl_attribute_words(struct ctl *c, const char *command, struct json_object **body);
int ctl_device_do(struct ctl *c, const char *method, const char *target, const char *body);
/* 202, the operation goes on without us: says so and returns true. */
bool ctl_running(struct ctl *c, const struct ctl_reply *r);
/* The word as JSON: what the model calls text is text, else whatever reads as JSON is that. */
struct json_object *ctl_value_json(const struct lwm_path *p, const char *word);
/* The word, or standard input for "-"; NULL as ctl_read_file. */
const char *ctl_word(struct ctl *c, const char *word);
/* lanyardctl_manage.c: the "links" of a Discover, as a table; where a Create made an instance. */
void ctl_links(struct ctl *c, struct json_object *links);
void ctl_created(struct ctl *c, struct json_object *o);
/* lanyardctl_data.c: the "values" of an answer or event: one value alone, or a table. */
void ctl_values(struct ctl *c, struct json_object *o);
/* lanyardctl_problem.c: the problem `o`; see ctl_problem. */
int ctl_problem_json(struct json_object *o);
/* lanyardctl_decode.c: the names of content formats, with commas; `of_values`: without those that
 * hold no values. */
void ctl_format_names(struct writer *w, bool of_values);
/* What decode knows beside them. */
#define CTL_FORMATS_MORE "link-format, attributes"

/* lanyardctl_data.c */
typedef void ctl_event_fn(struct ctl *c, struct json_object *event);
/* --count, or UINT64_MAX. An exit code. */
int ctl_count(struct ctl *c, uint64_t *count);
/* An event as a line. */
void ctl_event_line(struct ctl *c, struct json_object *event);
/* Shows what a stream tells, with --json as it comes, until --count of them or its end. */
int ctl_follow(struct ctl *c, const char *target, ctl_event_fn *show);

/* lanyardctl_models.c: those of --models DIR, if it was given, until ctl_models_done. */
struct lwm_models;
int ctl_models_use(struct ctl *c, struct lwm_models **out);
void ctl_models_done(struct lwm_models *m);

/* The commands. */
int ctl_status(struct ctl *c);
int ctl_list(struct ctl *c);
int ctl_show(struct ctl *c);
int ctl_credentials(struct ctl *c);
int ctl_devices(struct ctl *c);
int ctl_observations(struct ctl *c);
int ctl_explain(struct ctl *c);
int ctl_metrics(struct ctl *c);
int ctl_models(struct ctl *c);
int ctl_provision(struct ctl *c);
int ctl_psk(struct ctl *c);
int ctl_certificate(struct ctl *c);
int ctl_rpk(struct ctl *c);
int ctl_import(struct ctl *c);
int ctl_create(struct ctl *c);
int ctl_remove(struct ctl *c);
int ctl_discover(struct ctl *c);
int ctl_attributes(struct ctl *c);
int ctl_read(struct ctl *c);
int ctl_write(struct ctl *c);
int ctl_execute(struct ctl *c);
int ctl_read_composite(struct ctl *c);
int ctl_observe_composite(struct ctl *c);
int ctl_write_composite(struct ctl *c);
int ctl_cancel(struct ctl *c);
int ctl_observe(struct ctl *c);
int ctl_operations(struct ctl *c);
int ctl_operation(struct ctl *c);
int ctl_events(struct ctl *c);
int ctl_trace(struct ctl *c);
int ctl_set(struct ctl *c);
int ctl_delete(struct ctl *c);
int ctl_plan(struct ctl *c);
int ctl_bootstrap(struct ctl *c);
int ctl_decode(struct ctl *c);
int ctl_oscore(struct ctl *c);
int ctl_watch(struct ctl *c);
int ctl_doctor(struct ctl *c);
int ctl_firmware(struct ctl *c);
int ctl_access(struct ctl *c);
int ctl_backup(struct ctl *c);
int ctl_restore(struct ctl *c);
int ctl_unseal(struct ctl *c);
int ctl_help_command(struct ctl *c);
int ctl_complete(struct ctl *c);

#endif
