/* SPDX-License-Identifier: Apache-2.0 */
/* Plans from JSON: what is not right is refused, and named. */
#include "base/secret.h"
#include "base/text.h"
#include "bootstrap/plan_impl.h"
#include "lwm2m/json.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 8 };

enum err bs_complain(struct bs_refusal *no, const char *field, const char *fmt, ...)
{
	va_list ap;
	snprintf(no->field, sizeof(no->field), "%s", field);
	va_start(ap, fmt);
	vsnprintf(no->text, sizeof(no->text), fmt, ap);
	va_end(ap);
	return ERR_SYNTAX;
}

enum err bs_within(struct bs_refusal *no, const char *member, enum err err)
{
	char field[sizeof(no->field)];
	size_t n = strlen(member);
	if (err != ERR_SYNTAX)
		return err;
	snprintf(field, sizeof(field), "%s", no->field);
	snprintf(no->field, sizeof(no->field), "%.32s%s%.28s", member, n && *field ? "." : "",
		field);
	return err;
}

enum err bs_within_at(struct bs_refusal *no, const char *member, size_t i, enum err err)
{
	char name[32];
	snprintf(name, sizeof(name), "%s[%zu]", member, i);
	return bs_within(no, name, err);
}

enum err bs_string_member(
	struct plan_in *in, struct json_object *o, const char *key, size_t max, const char **out)
{
	struct json_object *v;
	if (!json_object_object_get_ex(o, key, &v))
		return ERR_OK;
	if (!json_object_is_type(v, json_type_string))
		return bs_complain(in->no, key, "%s must be a string", key);
	struct span s = span_make(json_object_get_string(v), (size_t)json_object_get_string_len(v));
	if (!s.n || s.n > max || memchr(s.p, 0, s.n) || !utf8_valid(s))
		return bs_complain(
			in->no, key, "%s must be 1 to %zu bytes of UTF-8 without NUL", key, max);
	size_t at = in->blob.n;
	wr_bytes(&in->blob, s);
	wr_u8(&in->blob, 0);
	*out = (const char *)span_sub(wr_span(&in->blob), at, s.n).p;
	return in->blob.err;
}

enum err bs_number_member(struct json_object *o, const char *key, int64_t min, int64_t max,
	int64_t *out, struct bs_refusal *no)
{
	struct json_object *v;
	if (!json_object_object_get_ex(o, key, &v))
		return ERR_OK;
	int64_t n = json_object_get_int64(v);
	if (!json_object_is_type(v, json_type_int) || n < min || n > max)
		return bs_complain(no, key, "%s must be a number from %lld to %lld", key,
			(long long)min, (long long)max);
	*out = n;
	return ERR_OK;
}

enum err bs_known_members(struct json_object *o, const char *const *known, struct bs_refusal *no)
{
	json_object_object_foreach(o, key, value)
	{
		(void)value;
		const char *const *k = known;
		while (*k && strcmp(*k, key))
			k++;
		if (!*k)
			return bs_complain(no, key, "unknown member %.64s", key);
	}
	return ERR_OK;
}

/* ---- accounts */

/* DTLS and TLS have schemes of their own. */
enum err bs_uri_check(const char *uri, bool keys, struct bs_refusal *no)
{
	static const char *const plain[] = {"coap://", "coap+tcp://", NULL};
	static const char *const secured[] = {"coaps://", "coaps+tcp://", NULL};
	const char *const *scheme = keys ? secured : plain;
	while (*scheme && strncmp(uri, *scheme, strlen(*scheme)))
		scheme++;
	if (!*scheme || !uri[strlen(*scheme)])
		return bs_complain(no, "uri", "uri must be coap%s://HOST[:PORT]%s", keys ? "s" : "",
			keys ? ", as its keys are those of DTLS" : "");
	if (strpbrk(uri + strlen(*scheme), "/?#"))
		return bs_complain(no, "uri",
			"uri must have neither path nor query: clients put them before rd");
	return ERR_OK;
}

static enum err binding(struct plan_in *in, struct json_object *o, struct bs_account *a)
{
	struct json_object *v;
	if (!json_object_object_get_ex(o, "binding", &v))
		return ERR_OK;
	const char *s = json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";
	size_t n = json_object_is_type(v, json_type_string) ? (size_t)json_object_get_string_len(v)
							    : 0;
	if (!n || n >= sizeof(a->binding) || strspn(s, "UTSNQ") != n)
		return bs_complain(
			in->no, "binding", "binding must be 1 to 7 letters of U, T, S, N, Q");
	memcpy(a->binding, s, n + 1);
	return ERR_OK;
}

static enum err numbers(struct json_object *o, struct bs_account *a, struct bs_refusal *no)
{
	int64_t ssid = a->ssid, lifetime = a->lifetime_s, hash = 0, pmin = a->pmin_s,
		pmax = a->pmax_s;
	enum err err = bs_number_member(o, "ssid", 1, 65534, &ssid, no);
	if (!err)
		err = bs_number_member(o, "lifetime_s", 0, INT32_MAX, &lifetime, no);
	if (!err)
		err = bs_number_member(o, "default_pmin_s", 0, INT32_MAX, &pmin, no);
	if (!err)
		err = bs_number_member(o, "default_pmax_s", 0, INT32_MAX, &pmax, no);
	if (!err)
		err = bs_number_member(o, "profile_hash", 1, 6, &hash, no);
	if (!err && pmin && pmax && pmax < pmin)
		err = bs_complain(
			no, "default_pmax_s", "default_pmax_s is less than default_pmin_s");
	if (err)
		return err;
	a->ssid = (uint16_t)ssid;
	a->lifetime_s = (uint32_t)lifetime;
	a->pmin_s = (uint32_t)pmin;
	a->pmax_s = (uint32_t)pmax;
	a->profile_hash = (uint8_t)hash;
	return ERR_OK;
}

/* Which versions of LwM2M it speaks (REG-23). */
static enum err versions(struct json_object *o, struct bs_account *a, struct bs_refusal *no)
{
	struct json_object *v;
	if (!json_object_object_get_ex(o, "lwm2m_versions", &v))
		return ERR_OK;
	size_t n = json_object_is_type(v, json_type_array) ? json_object_array_length(v) : 0;
	bool good = n > 0;
	for (size_t i = 0; i < n && good; i++) {
		struct json_object *one = json_object_array_get_idx(v, i);
		const char *s = json_object_is_type(one, json_type_string)
					? json_object_get_string(one)
					: "";
		unsigned at = 0;
		while (at < BS_LWM2M_N && strcmp(bs_lwm2m_versions[at], s))
			at++;
		good = at < BS_LWM2M_N && !(a->lwm2m >> at & 1);
		a->lwm2m |= (uint8_t)(1u << at);
	}
	if (!good)
		return bs_complain(no, "lwm2m_versions",
			"lwm2m_versions must be an array of \"1.0\", \"1.1\" and \"1.2\", one at "
			"least, each once");
	return ERR_OK;
}

/* OSCORE where there are no other keys, or beside them where it is asked for. */
static enum err security(struct plan_in *in, struct json_object *o, struct bs_account *a)
{
	struct json_object *v;
	bool keys;
	enum err err = bs_keys_parse(in, o, a, &keys);
	if (err)
		return err;
	if (!json_object_object_get_ex(o, "oscore", &v))
		a->has_oscore = !keys;
	else
		err = bs_within(in->no, "oscore", bs_oscore_parse(v, &a->oscore, in->no));
	return err;
}

static enum err account(struct plan_in *in, struct json_object *o, struct bs_account *a)
{
	static const char *const known[] = {"uri", "ssid", "lifetime_s", "binding",
		"notification_storing", "default_pmin_s", "default_pmax_s", "lwm2m_versions",
		"profile_hash", "oscore", "psk", "rpk", "x509", NULL};
	struct json_object *v;
	bs_account_defaults(a);
	if (!json_object_is_type(o, json_type_object))
		return bs_complain(in->no, "", "a server account is an object");
	enum err err = bs_known_members(o, known, in->no);
	if (!err)
		err = bs_string_member(in, o, "uri", BS_URI_MAX, &a->uri);
	if (!err)
		err = binding(in, o, a);
	if (!err)
		err = numbers(o, a, in->no);
	if (!err)
		err = versions(o, a, in->no);
	if (!err)
		err = security(in, o, a);
	if (err)
		return err;
	if (json_object_object_get_ex(o, "notification_storing", &v)) {
		if (!json_object_is_type(v, json_type_boolean))
			return bs_complain(in->no, "notification_storing",
				"notification_storing must be true or false");
		a->notification_storing = json_object_get_boolean(v);
	}
	return bs_uri_check(a->uri, a->mode != BS_MODE_NOSEC, in->no);
}

/* Accounts are told apart by SSID (BS-25), and one of them is ours: it has the keys that are drawn.
 */
static enum err unlike(const struct bs_plan *p, struct bs_refusal *no)
{
	const struct bs_account *last = &p->account[p->account_n];
	for (size_t i = 0; i < p->account_n; i++) {
		if (p->account[i].ssid == last->ssid)
			return bs_complain(no, "ssid", "ssid %u: another account has it",
				(unsigned)last->ssid);
		if (p->account[i].has_oscore && last->has_oscore)
			return bs_complain(no, "oscore",
				"keys of OSCORE are drawn for one account, that of this server: "
				"give the others psk, rpk or x509");
	}
	return ERR_OK;
}

static enum err accounts(struct plan_in *in, struct json_object *root, struct bs_plan *p)
{
	struct json_object *servers;
	if (!json_object_object_get_ex(root, "servers", &servers))
		return in->kind == BS_PLAN_DEFAULT &&
				       json_object_object_get_ex(root, "patterns", NULL)
			       ? ERR_OK
			       : bs_complain(in->no, "servers", "servers must be there");
	if (!json_object_is_type(servers, json_type_array) ||
		json_object_array_length(servers) > BS_SERVERS_MAX)
		return bs_complain(in->no, "servers", "servers must be an array of at most %d",
			(int)BS_SERVERS_MAX);
	size_t n = json_object_array_length(servers);
	p->account = calloc(n + 1, sizeof(*p->account));
	if (!p->account)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		enum err err = account(
			in, json_object_array_get_idx(servers, i), &p->account[p->account_n]);
		if (!err)
			err = unlike(p, in->no);
		if (err)
			return bs_within_at(in->no, "servers", i, err);
		p->account_n++;
	}
	return ERR_OK;
}

/* ---- a plan */

static enum err others(struct plan_in *in, struct json_object *root, struct bs_plan *p)
{
	struct json_object *v;
	if (!json_object_object_get_ex(root, "other_accounts", &v))
		return ERR_OK;
	const char *s = json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";
	p->keep_others = !strcmp(s, "keep");
	if (!p->keep_others && strcmp(s, "delete"))
		return bs_complain(
			in->no, "other_accounts", "other_accounts must be \"keep\" or \"delete\"");
	return ERR_OK;
}

static enum err removals(struct plan_in *in, struct json_object *root, struct bs_plan *p)
{
	struct json_object *v;
	if (!json_object_object_get_ex(root, "remove", &v))
		return ERR_OK;
	if (!p->keep_others)
		return bs_complain(in->no, "remove",
			"remove is for \"other_accounts\": \"keep\"; else all accounts go");
	if (!json_object_is_type(v, json_type_array) ||
		json_object_array_length(v) > BS_SERVERS_MAX)
		return bs_complain(in->no, "remove", "remove must be an array of at most %d SSIDs",
			(int)BS_SERVERS_MAX);
	p->remove = calloc(json_object_array_length(v) + 1, sizeof(*p->remove));
	if (!p->remove)
		return ERR_NOMEM;
	for (size_t i = 0; i < json_object_array_length(v); i++) {
		struct json_object *one = json_object_array_get_idx(v, i);
		int64_t n = json_object_get_int64(one);
		if (!json_object_is_type(one, json_type_int) || n < 1 || n > 65534 ||
			bs_plan_names(p, (uint16_t)n))
			return bs_within_at(in->no, "remove", i,
				bs_complain(in->no, "",
					"an SSID of 1 to 65534 that the plan names once"));
		p->remove[p->remove_n++] = (uint16_t)n;
	}
	return ERR_OK;
}

/* The other plans of a default one; see patterns. */
static enum err plan(struct plan_in *in, struct json_object *root, struct bs_plan *p)
{
	struct json_object *access = NULL, *reads = NULL, *renewal = NULL;
	int64_t days = -1;
	enum err err = bs_number_member(root, "rotate_keys_days", 0, 3650, &days, in->no);
	p->rotate_days = (int16_t)days;
	if (!err)
		err = accounts(in, root, p);
	if (!err)
		err = others(in, root, p);
	if (!err)
		err = removals(in, root, p);
	if (!err && json_object_object_get_ex(root, "read", &reads))
		err = bs_reads_parse(reads, p, in->no);
	if (!err && json_object_object_get_ex(root, "bootstrap_account", &renewal))
		err = bs_within(in->no, "bootstrap_account", bs_renewal_parse(in, renewal, p));
	if (err)
		return err;
	if (json_object_object_get_ex(root, "access", &access))
		err = bs_access_parse(in, access, p);
	else if (p->account_n > 1)
		return bs_complain(in->no, "access",
			"access must be there with more than one account; [] gives all of them "
			"all rights");
	if (!err && !bs_plan_acts(p) &&
		(in->kind != BS_PLAN_DEFAULT || json_object_object_get_ex(root, "servers", NULL)))
		return bs_complain(in->no, "servers", "servers must hold 1 to %d accounts",
			(int)BS_SERVERS_MAX);
	return err;
}

static enum err document(struct span json, struct json_object *root, enum bs_plan_kind kind,
	struct bs_plan **out, struct bs_refusal *no);

static enum err pattern(
	struct plan_in *in, size_t json_n, struct json_object *o, struct bs_pattern *x)
{
	if (!json_object_is_type(o, json_type_object))
		return bs_complain(in->no, "", "a pattern is an object");
	enum err err = bs_string_member(in, o, "match", BS_MATCH_MAX, &x->match);
	if (!err && !x->match)
		err = bs_complain(in->no, "match", "match must be there");
	return err ? err : document(span_make(NULL, json_n), o, BS_PLAN_PATTERN, &x->plan, in->no);
}

static enum err patterns(
	struct plan_in *in, size_t json_n, struct json_object *root, struct bs_plan *p)
{
	struct json_object *v;
	if (!json_object_object_get_ex(root, "patterns", &v))
		return ERR_OK;
	if (!json_object_is_type(v, json_type_array) || !json_object_array_length(v) ||
		json_object_array_length(v) > BS_PATTERNS_MAX)
		return bs_complain(in->no, "patterns", "patterns must be an array of 1 to %d",
			(int)BS_PATTERNS_MAX);
	p->pattern = calloc(json_object_array_length(v), sizeof(*p->pattern));
	if (!p->pattern)
		return ERR_NOMEM;
	for (size_t i = 0; i < json_object_array_length(v); i++) {
		enum err err = pattern(in, json_n, json_object_array_get_idx(v, i), &p->pattern[i]);
		if (err)
			return bs_within_at(in->no, "patterns", i, err);
		p->pattern_n++;
	}
	return ERR_OK;
}

/* The members of a plan of that kind. */
static enum err members(struct json_object *root, enum bs_plan_kind kind, struct bs_refusal *no)
{
	static const char *const known[] = {"servers", "access", "other_accounts", "remove",
		"rotate_keys_days", "read", "bootstrap_account", NULL, NULL};
	const char *all[sizeof(known) / sizeof(*known)];
	memcpy(all, known, sizeof(known));
	if (kind != BS_PLAN_OWN)
		all[sizeof(known) / sizeof(*known) - 2] =
			kind == BS_PLAN_PATTERN ? "match" : "patterns";
	if (!json_object_is_type(root, json_type_object))
		return bs_complain(no, "", "a plan is an object");
	return bs_known_members(root, all, no);
}

static enum err document(struct span json, struct json_object *root, enum bs_plan_kind kind,
	struct bs_plan **out, struct bs_refusal *no)
{
	enum err err = members(root, kind, no);
	struct bs_plan *p = err ? NULL : calloc(1, sizeof(*p));
	if (err || !p)
		return err ? err : ERR_NOMEM;
	p->refs = 1;
	p->blob_n = json.n;
	p->blob = malloc(json.n);
	struct plan_in in = {.kind = kind, .blob = wr_make(p->blob, json.n), .no = no};
	err = p->blob ? plan(&in, root, p) : ERR_NOMEM;
	if (!err && kind == BS_PLAN_DEFAULT)
		err = patterns(&in, json.n, root, p);
	if (err)
		bs_plan_unref(p);
	else
		*out = p;
	return err;
}

/* json-c keeps copies of the keys it has read. */
static void forget(struct json_object *o)
{
	if (json_object_is_type(o, json_type_string))
		secret_wipe((void *)(uintptr_t)json_object_get_string(o),
			(size_t)json_object_get_string_len(o));
	if (json_object_is_type(o, json_type_array))
		for (size_t i = 0; i < json_object_array_length(o); i++)
			forget(json_object_array_get_idx(o, i));
	if (json_object_is_type(o, json_type_object)) {
		json_object_object_foreach(o, key, v)
		{
			(void)key;
			forget(v);
		}
	}
}

/* A plan is stored with all its members, and has to be read again. */
static enum err check_written(const struct bs_plan *p, struct bs_refusal *no)
{
	uint8_t *text = malloc(BS_JSON_MAX);
	struct writer w = wr_make(text, text ? BS_JSON_MAX : 0);
	bs_plan_write(p, true, &w);
	enum err err = !text    ? ERR_NOMEM
		       : !w.err ? ERR_OK
				: bs_complain(no, "",
					  "with all its members the plan is longer than %d bytes",
					  (int)BS_JSON_MAX);
	if (text)
		secret_wipe(text, w.n);
	free(text);
	return err;
}

enum err bs_plan_parse(
	struct span json, enum bs_plan_kind kind, struct bs_plan **out, struct bs_refusal *no)
{
	*no = (struct bs_refusal){0};
	if (!json.n || json.n > BS_JSON_MAX)
		return bs_complain(no, "", "a plan is 1 to %d bytes of JSON", (int)BS_JSON_MAX);
	struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);
	if (!tok)
		return ERR_NOMEM;
	struct json_object *root = json_tokener_parse_ex(tok, (const char *)json.p, (int)json.n);
	enum json_tokener_error jerr = json_tokener_get_error(tok);
	bool whole = jerr == json_tokener_success && json_tokener_get_parse_end(tok) == json.n &&
		     lwm_json_valid(json);
	struct bs_plan *p = NULL;
	enum err err = whole ? document(json, root, kind, &p, no) : bs_complain(no, "", "not JSON");
	if (!err)
		err = check_written(p, no);
	if (err)
		bs_plan_unref(p);
	else
		*out = p;
	forget(root);
	json_object_put(root);
	secret_wipe(tok->pb->buf, (size_t)tok->pb->size);
	json_tokener_free(tok);
	return err;
}
