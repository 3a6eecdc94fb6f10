/* SPDX-License-Identifier: Apache-2.0 */
/* "Why does it not connect". */
#include "admin/routes.h"

#include "base/text.h"

static void reason_out(struct jo *o, const char *key, const struct adm_reason *v)
{
	jo_object(o, key);
	jo_str(o, "code", v->code);
	jo_str(o, "text", v->text);
	jo_time(o, "last", v->wall_s);
	jo_u64(o, "count", v->count);
	jo_end_object(o);
}

void explain_reason(struct jo *o, const struct adm_reason *v)
{
	reason_out(o, NULL, v);
}

static void reason_or_null(struct jo *o, const char *key, const struct adm_reason *v)
{
	if (v)
		reason_out(o, key, v);
	else
		jo_null(o, key);
}

static void context_out(struct jo *o, const struct adm_context_state *v)
{
	jo_object(o, NULL);
	jo_u64(o, "id", v->id);
	jo_str(o, "role", v->role);
	jo_hex(o, "recipient_id", v->recipient_id);
	jo_str(o, "window", v->window);
	jo_time(o, "last_success", v->last_success_wall_s);
	reason_or_null(o, "last_refusal", v->last_refusal);
	jo_time(o, "created", v->created_wall_s);
	jo_time(o, "rotation", v->rotation_wall_s);
	jo_u64(o, "replays", v->replays);
	jo_u64(o, "auth_failures", v->auth_failures);
	jo_u64(o, "numbers_used", v->numbers_used);
	jo_u64(o, "numbers_limit", v->numbers_limit);
	jo_double(o, "numbers_percent",
		v->numbers_limit ? (double)(v->numbers_used * 1000 / v->numbers_limit) / 10 : 100);
	jo_end_object(o);
}

static void explanation_out(struct jo *o, struct span name, const struct adm_explanation *e)
{
	jo_object(o, NULL);
	jo_text(o, "endpoint", name);
	jo_object(o, "verdict");
	jo_str(o, "code", e->code);
	jo_str(o, "text", e->text);
	jo_end_object(o);
	jo_time(o, "last_contact", e->last_contact_wall_s);
	reason_or_null(o, "last_refusal", e->last_refusal);
	jo_array(o, "reasons");
	for (size_t i = 0; i < e->reason_n; i++)
		explain_reason(o, &e->reasons[i]);
	jo_end_array(o);
	jo_array(o, "contexts");
	for (size_t i = 0; i < e->context_n; i++)
		context_out(o, &e->contexts[i]);
	jo_end_array(o);
	jo_end_object(o);
}

/* Escaped: a device may have chosen its name. */
static void nobody(struct adm_req *r, const struct adm_explanation *e)
{
	char text[4096];
	struct writer w = wr_make(text, sizeof(text) - 1);

	wr_str(&w, "no endpoint has this name; similar:");
	for (size_t i = 0; i < e->similar_n; i++) {
		wr_str(&w, i ? ", " : " ");
		wr_escaped(&w, e->similar[i]);
	}
	text[w.n] = '\0';
	req_problem(r, 404, "unknown-endpoint", text);
}

void explain_get(struct adm_req *r)
{
	struct jo o = {0};
	struct adm_explanation e = {0};
	enum err err = r->adm->ops.explain(r->adm->ops.arg, r->endpoint, &e);

	if (err == ERR_NOTFOUND && e.similar_n) {
		nobody(r, &e);
	} else if (err) {
		req_err(r, err);
	} else {
		explanation_out(&o, r->endpoint, &e);
		req_json(r, 200, &o);
	}
}
