/* SPDX-License-Identifier: Apache-2.0 */
/* psk: pre-shared keys of DTLS. */
#include "cmd/lanyardctl.h"

#include "base/secret.h"
#include "base/text.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

enum { KEY_BYTES = 16 };

static const char *target(struct ctl *c)
{
	return ctl_target(c, "/v1/endpoints/%e/credentials/psk", c->arg[0]);
}

static int show(struct ctl *c)
{
	struct ctl_reply r;
	struct ctl_table t = {0};
	int rc = ctl_call(c, "GET", target(c), NULL, 0, &r);
	struct json_object *list = rc ? NULL : ctl_member(r.json, "psks");

	if (rc == CTL_OK && !ctl_json_done(c, &r)) {
		ctl_table_row(&t, 2, "ROLE", "IDENTITY");
		for (size_t i = 0; list && i < json_object_array_length(list); i++) {
			struct json_object *o = json_object_array_get_idx(list, i);
			bool text = ctl_member(o, "identity") != NULL;
			const char *hex = ctl_fmt(c, "0x%s", ctl_cell(c, o, "identity_hex"));
			ctl_table_row(&t, 2, ctl_cell(c, o, "role"),
				text ? ctl_cell(c, o, "identity") : hex);
		}
		ctl_table_print(&t);
	}
	ctl_reply_free(&r);
	return rc;
}

static int put(struct ctl *c, const char *body)
{
	struct ctl_reply r;
	int rc = ctl_call(c, "PUT", target(c), body, 0, &r);

	ctl_reply_free(&r);
	return rc;
}

/* New keys cut a device off that uses the old ones: only when that is meant. */
static int check_free(struct ctl *c, const char *role)
{
	struct ctl_reply r;
	bool taken = false;
	int rc = ctl_call(c, "GET", target(c), NULL, 404, &r);
	struct json_object *list = rc || r.status != 200 ? NULL : ctl_member(r.json, "psks");

	for (size_t i = 0; list && i < json_object_array_length(list); i++)
		taken = taken ||
			!strcmp(ctl_cell(c, json_object_array_get_idx(list, i), "role"), role);
	ctl_reply_free(&r);
	if (taken)
		return ctl_fail(
			"this endpoint has a PSK as %s already; --replace puts a new one in "
			"its place and cuts a device off that uses it",
			role);
	return rc;
}

static void draw(char key[static 2 * KEY_BYTES + 1])
{
	uint8_t raw[KEY_BYTES];
	struct rng rng = rng_system();
	struct writer w = wr_make(key, 2 * KEY_BYTES);

	rng_fill(&rng, raw, sizeof(raw));
	wr_hex(&w, SPAN_OF(raw));
	key[w.n] = '\0';
	secret_wipe(raw, sizeof(raw));
}

static void tell(struct ctl *c, struct json_object *o)
{
	struct ctl_table t = {0};

	if (c->opt[CTL_OPT_JSON]) {
		printf("%s\n", ctl_json_text(c, o));
		return;
	}
	ctl_table_row(&t, 2, "endpoint", ctl_escape(c, c->arg[0]));
	ctl_table_row(&t, 2, "role", ctl_cell(c, o, "role"));
	ctl_table_row(&t, 2, "identity", ctl_cell(c, o, "identity"));
	ctl_table_row(&t, 2, "key", ctl_cell(c, o, "key"));
	ctl_table_print(&t);
	printf("\nThe key is shown this once: nobody can read it from the server again.\n");
}

static int generate(struct ctl *c, const char *role)
{
	const char *identity = c->opt[CTL_OPT_IDENTITY] ? c->opt[CTL_OPT_IDENTITY] : c->arg[0];
	struct json_object *o = json_object_new_object();
	char key[2 * KEY_BYTES + 1];
	int rc = c->opt[CTL_OPT_REPLACE] ? CTL_OK : check_free(c, role);

	draw(key);
	json_object_object_add(o, "role", json_object_new_string(role));
	json_object_object_add(o, "identity", json_object_new_string(identity));
	json_object_object_add(o, "key", json_object_new_string(key));
	if (rc == CTL_OK)
		rc = put(c, json_object_to_json_string(o));
	if (rc == CTL_OK)
		tell(c, o);
	secret_wipe(key, sizeof(key));
	json_object_put(o);
	return rc;
}

static int remove_one(struct ctl *c, const char *role)
{
	struct ctl_reply r;
	int rc = ctl_call(c, "DELETE", ctl_query(c, target(c), "role", role), NULL, 0, &r);

	ctl_reply_free(&r);
	return rc;
}

static int from_file(struct ctl *c)
{
	size_t n;
	const char *text = ctl_read_file(c, c->opt[CTL_OPT_FROM], &n);

	return text ? put(c, text) : CTL_REFUSED;
}

int ctl_psk(struct ctl *c)
{
	const struct ctl_command *cmd = ctl_command_find("psk");
	const char *role = c->opt[CTL_OPT_ROLE] ? c->opt[CTL_OPT_ROLE] : "server";
	bool make = c->opt[CTL_OPT_GENERATE], from = c->opt[CTL_OPT_FROM];
	bool del = c->opt[CTL_OPT_DELETE];

	if (make + from + del > 1)
		return ctl_usage(cmd, "--generate, --from and --delete exclude each other");
	if (strcmp(role, "bootstrap") && strcmp(role, "server"))
		return ctl_usage(cmd, "--role is bootstrap or server");
	if ((c->opt[CTL_OPT_IDENTITY] || c->opt[CTL_OPT_REPLACE]) && !make)
		return ctl_usage(cmd, "--identity and --replace go with --generate");
	if (c->opt[CTL_OPT_ROLE] && !make && !del)
		return ctl_usage(cmd, "--role goes with --generate and --delete");
	if (make)
		return generate(c, role);
	if (del)
		return remove_one(c, role);
	return from ? from_file(c) : show(c);
}
