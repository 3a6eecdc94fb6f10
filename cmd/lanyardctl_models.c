/* SPDX-License-Identifier: Apache-2.0 */
/* Object models: those of the daemon, and those of a directory for commands without it. */
#include "cmd/lanyardctl.h"

#include "lwm2m/models.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

int ctl_models(struct ctl *c)
{
	struct ctl_table t = {0};
	struct ctl_reply r;
	int rc = ctl_call(c, "GET",
		ctl_query(c, "/v1/models", "object", c->arg_n ? c->arg[0] : NULL), NULL, 0, &r);
	struct json_object *all = rc == CTL_OK ? ctl_member(r.json, "models") : NULL;

	if (rc == CTL_OK && !ctl_json_done(c, &r)) {
		ctl_table_row(&t, 5, "OBJECT", "VERSION", "NAME", "RESOURCES", "SOURCE");
		for (size_t i = 0; all && i < json_object_array_length(all); i++) {
			struct json_object *m = json_object_array_get_idx(all, i);

			ctl_table_row(&t, 5, ctl_cell(c, m, "object"), ctl_cell(c, m, "version"),
				ctl_cell(c, m, "name"), ctl_cell(c, m, "resources"),
				ctl_cell(c, m, "source"));
		}
		ctl_table_print(&t);
	}
	ctl_reply_free(&r);
	return rc;
}

static void say(void *arg, const char *file, uint32_t line, const char *what)
{
	struct ctl *c = arg;
	const char *dir = c->opt[CTL_OPT_MODELS];
	const char *at = strcmp(file, dir) == 0 ? dir : ctl_fmt(c, "%s/%s", dir, file);

	if (line)
		at = ctl_fmt(c, "%s:%u", at, line);
	(void)ctl_fail("%s: %s", ctl_escape(c, at), what);
}

/* What a file has wrong is told, and the others are used. */
int ctl_models_use(struct ctl *c, struct lwm_models **out)
{
	const char *dir = c->opt[CTL_OPT_MODELS];
	struct lwm_models *m = NULL;
	size_t skipped;
	enum err err;

	*out = NULL;
	if (!dir)
		return CTL_OK;
	err = lwm_models_new(&m);
	if (!err)
		err = lwm_models_add_dir(m, dir, say, c, &skipped);
	if (err) {
		lwm_models_free(m);
		return err == ERR_NOMEM ? ctl_fail("out of memory") : CTL_REFUSED;
	}
	lwm_models_use(m);
	*out = m;
	return CTL_OK;
}

void ctl_models_done(struct lwm_models *m)
{
	lwm_models_use(NULL);
	lwm_models_free(m);
}
