/* SPDX-License-Identifier: Apache-2.0 */
/* lanyardctl access: the Access Control object (2) of a device, in words. */
#include "cmd/lanyardctl.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

enum { OBJECT = 2, NOBODY = 65535, SSID_MAX = 65534, TEXT_MAX = 256 };

/* In the order of their bits (ACL-01). */
static const char letters[] = "rwedc";

/* "rw" of 3; "-" of none. */
static const char *rights_text(struct ctl *c, int64_t rights)
{
	char text[sizeof(letters)];
	size_t n = 0;

	for (int i = 0; letters[i]; i++)
		if (rights >> i & 1)
			text[n++] = letters[i];
	text[n] = '\0';
	return ctl_fmt(c, "%s", n ? text : "-");
}

/* -1: it is none. */
static int rights_of(const char *text)
{
	int rights = 0;

	if (strcmp(text, "-") == 0)
		return 0;
	for (; *text; text++) {
		const char *at = strchr(letters, *text);
		if (!at)
			return -1;
		rights |= 1 << (at - letters);
	}
	return rights ? rights : -1;
}

/* What an instance says. */
struct access {
	unsigned iid;
	int64_t oid, of, owner; /* -1: not told */
	char rights[TEXT_MAX];
};

static void add_right(struct ctl *c, struct access *a, unsigned ssid, int64_t rights)
{
	struct writer w = wr_make(a->rights, sizeof(a->rights) - 1);

	w.n = strlen(a->rights);
	wr_str(&w, w.n ? " " : "");
	if (ssid)
		wr_fmt(&w, "%u:%s", ssid, rights_text(c, rights));
	else
		wr_fmt(&w, "default:%s", rights_text(c, rights));
	a->rights[w.n] = '\0';
}

static const char *owner_text(struct ctl *c, int64_t owner)
{
	if (owner < 0)
		return "-";
	return owner == NOBODY ? "bootstrap" : ctl_fmt(c, "%lld", (long long)owner);
}

static const char *of_text(struct ctl *c, const struct access *a)
{
	if (a->of == NOBODY)
		return ctl_fmt(c, "/%lld (create)", (long long)a->oid);
	return ctl_fmt(c, "/%lld/%lld", (long long)a->oid, (long long)a->of);
}

static void access_row(struct ctl *c, struct ctl_table *t, const struct access *a)
{
	if (a->iid != LWM_ID_NONE)
		ctl_table_row(t, 4, ctl_fmt(c, "%u", a->iid), of_text(c, a),
			owner_text(c, a->owner), a->rights[0] ? ctl_fmt(c, "%s", a->rights) : "-");
}

static struct access access_begin(unsigned iid)
{
	return (struct access){.iid = iid, .oid = -1, .of = -1, .owner = -1};
}

static void take_value(struct ctl *c, struct access *a, const struct lwm_path *p, int64_t v)
{
	if (p->id[2] == 0)
		a->oid = v;
	else if (p->id[2] == 1)
		a->of = v;
	else if (p->id[2] == 3)
		a->owner = v;
	else if (p->id[2] == 2 && p->n == 4)
		add_right(c, a, p->id[3], v);
}

/* Values come by instance. */
static void each_access(struct ctl *c, struct json_object *values, struct ctl_table *t)
{
	struct access a = access_begin(LWM_ID_NONE);

	for (size_t i = 0; values && i < json_object_array_length(values); i++) {
		struct json_object *v = json_object_array_get_idx(values, i);
		struct lwm_path p;
		if (lwm_path_parse(span_str(json_object_get_string(ctl_member(v, "path"))), &p) ||
			p.n < 3 || p.id[0] != OBJECT)
			continue;
		if (p.id[1] != a.iid) {
			access_row(c, t, &a);
			a = access_begin(p.id[1]);
		}
		take_value(c, &a, &p, json_object_get_int64(ctl_member(v, "value")));
	}
	access_row(c, t, &a);
}

static int list(struct ctl *c)
{
	struct ctl_table t = {0};
	struct ctl_reply r;
	int rc = ctl_call(c, "GET", ctl_device_target(c, "data", "/2"), NULL, 0, &r);

	if (rc == CTL_OK && !ctl_json_done(c, &r) && !ctl_running(c, &r)) {
		ctl_table_row(&t, 4, "INSTANCE", "OF", "OWNER", "RIGHTS");
		each_access(c, ctl_member(r.json, "values"), &t);
		ctl_table_print(&t);
	}
	ctl_reply_free(&r);
	return rc;
}

/* {"101":3}; NULL: a word is no SSID=RIGHTS. */
static struct json_object *rights_json(struct ctl *c)
{
	struct json_object *o = json_object_new_object();

	for (size_t i = 2; i < c->arg_n; i++) {
		const char *sign = strchr(c->arg[i], '=');
		struct span who = span_make(c->arg[i], sign ? (size_t)(sign - c->arg[i]) : 0);
		int rights = sign ? rights_of(sign + 1) : -1;
		uint64_t ssid = 0;
		bool good = rights >= 0 && (span_eq_str(who, "default") ||
						   (!span_to_u64(who, SSID_MAX, &ssid) && ssid));
		if (!good) {
			json_object_put(o);
			return NULL;
		}
		json_object_object_add(o, ctl_fmt(c, "%llu", (unsigned long long)ssid),
			json_object_new_int(rights));
	}
	return o;
}

/* Why a device refuses. */
static void explain(struct ctl *c, const char *owner_path)
{
	struct ctl_reply r;
	bool quiet = c->quiet;

	c->quiet = true;
	if (ctl_call(c, "GET", ctl_device_target(c, "data", owner_path), NULL, 0, &r) == CTL_OK &&
		ctl_member(r.json, "value"))
		fprintf(stderr, "lanyardctl: only its owner may change it: %s\n",
			owner_text(c, json_object_get_int64(ctl_member(r.json, "value"))));
	c->quiet = quiet;
	ctl_reply_free(&r);
}

static int change(struct ctl *c, uint64_t iid)
{
	struct json_object *body = json_object_new_object(), *rights = rights_json(c);
	const char *path = ctl_fmt(c, "/2/%llu/2", (unsigned long long)iid);
	int rc;

	if (!rights) {
		json_object_put(body);
		return ctl_usage(ctl_command_find("access"),
			"rights are like 101=rw: a Short Server ID or default, and letters of "
			"rwedc or -");
	}
	json_object_object_add(body, "value", rights);
	rc = ctl_device_do(
		c, "POST", ctl_device_target(c, "data", path), json_object_to_json_string(body));
	json_object_put(body);
	if (rc == CTL_REFUSED && !c->opt[CTL_OPT_JSON])
		explain(c, ctl_fmt(c, "/2/%llu/3", (unsigned long long)iid));
	return rc;
}

int ctl_access(struct ctl *c)
{
	uint64_t iid;

	if (c->arg_n == 1)
		return list(c);
	if (c->arg_n == 2 || span_to_u64(span_str(c->arg[1]), SSID_MAX, &iid))
		return ctl_usage(ctl_command_find("access"),
			"to change rights takes an instance and SSID=RIGHTS");
	return change(c, iid);
}
