/* SPDX-License-Identifier: Apache-2.0 */
#include "bootstrap/plan.h"

#include "base/alg.h"
#include "base/text.h"
#include "oscore/context.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 8 };

static enum err complain(struct bs_refusal *no, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static enum err complain(struct bs_refusal *no, const char *field, const char *fmt, ...)
{
	va_list ap;
	snprintf(no->field, sizeof(no->field), "%s", field);
	va_start(ap, fmt);
	vsnprintf(no->text, sizeof(no->text), fmt, ap);
	va_end(ap);
	return ERR_SYNTAX;
}

/* The field at fault is one of this member. */
static enum err within(struct bs_refusal *no, const char *member, enum err err)
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

enum err bs_plan_check(const struct bs_plan *p, struct bs_refusal *no)
{
	/* Schemes whose transport the daemon has; a path would be put before rd by some clients. */
	if (strncmp(p->uri, "coap://", 7) || !p->uri[7])
		return complain(no, "uri", "uri must be coap://HOST[:PORT]");
	if (strpbrk(p->uri + 7, "/?#"))
		return complain(no, "uri",
			"uri must have neither path nor query: clients put them before rd");
	if (!utf8_valid(span_str(p->uri)))
		return complain(no, "uri", "uri is not UTF-8");
	if (p->ssid < 1 || p->ssid == 65535)
		return complain(no, "ssid", "ssid must be 1 to 65534");
	if (!p->binding[0] || strspn(p->binding, "UTSNQ") != strlen(p->binding))
		return complain(no, "binding", "binding must be letters of U, T, S, N, Q");
	return ERR_OK;
}

static enum err text_member(
	struct json_object *o, const char *key, char *out, size_t cap, struct bs_refusal *no)
{
	struct json_object *v;
	if (!json_object_object_get_ex(o, key, &v))
		return ERR_OK;
	if (!json_object_is_type(v, json_type_string))
		return complain(no, key, "%s must be a string", key);
	size_t n = (size_t)json_object_get_string_len(v);
	if (n >= cap || strlen(json_object_get_string(v)) != n)
		return complain(no, key, "%s is too long or holds a NUL", key);
	memcpy(out, json_object_get_string(v), n + 1);
	return ERR_OK;
}

static enum err number_member(
	struct json_object *o, const char *key, uint32_t max, uint32_t *out, struct bs_refusal *no)
{
	struct json_object *v;
	if (!json_object_object_get_ex(o, key, &v))
		return ERR_OK;
	int64_t n = json_object_get_int64(v);
	if (!json_object_is_type(v, json_type_int) || n < 0 || n > max)
		return complain(no, key, "%s must be a number from 0 to %u", key, (unsigned)max);
	*out = (uint32_t)n;
	return ERR_OK;
}

static enum err known_members(
	struct json_object *o, const char *const *known, struct bs_refusal *no)
{
	json_object_object_foreach(o, key, value)
	{
		(void)value;
		const char *const *k = known;
		while (*k && strcmp(*k, key))
			k++;
		if (!*k)
			return complain(no, key, "unknown member %.64s", key);
	}
	return ERR_OK;
}

static bool is_name(struct json_object *v, bool by_name(struct span name, int *cose), int *cose)
{
	return json_object_is_type(v, json_type_string) &&
	       by_name(span_make(json_object_get_string(v), (size_t)json_object_get_string_len(v)),
		       cose);
}

/* Algorithms by name or COSE number. */
static enum err algorithms(struct json_object *o, struct bs_oscore *p, struct bs_refusal *no)
{
	struct json_object *v;
	int cose;
	if (json_object_object_get_ex(o, "aead", &v)) {
		int64_t n = json_object_get_int64(v);
		if (json_object_is_type(v, json_type_int) && n >= 0 && n <= INT16_MAX)
			cose = (int)n;
		else if (!is_name(v, alg_aead_by_name, &cose))
			cose = 0;
		if (!osc_aead_info(cose))
			return complain(no, "aead",
				"oscore.aead must be the name or COSE number of an AEAD "
				"algorithm, as AES-CCM-16-64-128");
		p->aead = (int16_t)cose;
	}
	if (json_object_object_get_ex(o, "hkdf", &v)) {
		bool number = json_object_is_type(v, json_type_int);
		if (!(number ? alg_hkdf_read(json_object_get_int64(v), &cose)
			     : is_name(v, alg_hkdf_by_name, &cose)))
			return complain(
				no, "hkdf", "oscore.hkdf must be HKDF-SHA-256 or HKDF-SHA-512");
		p->hkdf = (int16_t)cose;
	}
	return ERR_OK;
}

static enum err spelling(struct json_object *o, struct bs_oscore *p, struct bs_refusal *no)
{
	struct json_object *v;
	if (!json_object_object_get_ex(o, "hkdf_spelling", &v))
		return ERR_OK;
	const char *s = json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";
	p->hkdf_number = !strcmp(s, "hkdf");
	if (!p->hkdf_number && strcmp(s, "hmac"))
		return complain(
			no, "hkdf_spelling", "oscore.hkdf_spelling must be \"hmac\" or \"hkdf\"");
	return ERR_OK;
}

static enum err parse_oscore(struct json_object *o, struct bs_oscore *p, struct bs_refusal *no)
{
	static const char *const known[] = {
		"aead", "hkdf", "hkdf_spelling", "id_context_bytes", "recipient_id_bytes", NULL};
	uint32_t context = p->id_context_bytes, recipient = p->recipient_id_bytes;
	if (!json_object_is_type(o, json_type_object))
		return complain(no, "", "oscore must be an object");
	enum err err = known_members(o, known, no);
	if (!err)
		err = algorithms(o, p, no);
	if (!err)
		err = spelling(o, p, no);
	if (!err)
		err = number_member(o, "id_context_bytes", BS_ID_CONTEXT_MAX, &context, no);
	if (!err)
		err = number_member(o, "recipient_id_bytes", OSC_ID_MAX, &recipient, no);
	if (err)
		return err;
	p->id_context_bytes = (uint8_t)context;
	p->recipient_id_bytes = (uint8_t)recipient;
	/* RFC 8613 section 3.3: an id is at most as long as the nonce less six. */
	if (recipient + 6u > osc_aead_info(p->aead)->nonce_n)
		return complain(no, "recipient_id_bytes",
			"oscore.recipient_id_bytes is too long for the nonce of this aead");
	return ERR_OK;
}

static enum err parse_server(struct json_object *o, struct bs_plan *p, struct bs_refusal *no)
{
	static const char *const known[] = {"uri", "ssid", "lifetime_s", "binding",
		"notification_storing", "default_pmin_s", "default_pmax_s", "oscore", NULL};
	struct json_object *v;
	uint32_t ssid = p->ssid;
	enum err err = known_members(o, known, no);
	if (!err)
		err = text_member(o, "uri", p->uri, sizeof(p->uri), no);
	if (!err)
		err = text_member(o, "binding", p->binding, sizeof(p->binding), no);
	if (!err)
		err = number_member(o, "ssid", 65534, &ssid, no);
	if (!err)
		err = number_member(o, "lifetime_s", INT32_MAX, &p->lifetime_s, no);
	if (!err)
		err = number_member(o, "default_pmin_s", INT32_MAX, &p->pmin_s, no);
	if (!err)
		err = number_member(o, "default_pmax_s", INT32_MAX, &p->pmax_s, no);
	if (err)
		return err;
	p->ssid = (uint16_t)ssid;
	if (json_object_object_get_ex(o, "notification_storing", &v)) {
		if (!json_object_is_type(v, json_type_boolean))
			return complain(no, "notification_storing",
				"notification_storing must be true or false");
		p->notification_storing = json_object_get_boolean(v);
	}
	if (json_object_object_get_ex(o, "oscore", &v))
		err = within(no, "oscore", parse_oscore(v, &p->oscore, no));
	return err ? err : bs_plan_check(p, no);
}

static enum err parse_root(struct json_object *root, struct bs_plan *p, struct bs_refusal *no)
{
	static const char *const known[] = {"servers", NULL};
	struct json_object *servers;
	if (!json_object_is_type(root, json_type_object))
		return complain(no, "", "a plan is an object");
	enum err err = known_members(root, known, no);
	if (err)
		return err;
	if (!json_object_object_get_ex(root, "servers", &servers) ||
		!json_object_is_type(servers, json_type_array))
		return complain(no, "servers", "servers must be an array");
	/* More than one account needs Access Control instances, which only a bootstrap can write.
	 */
	if (json_object_array_length(servers) != 1)
		return complain(no, "servers", "servers must hold exactly one account");
	struct json_object *first = json_object_array_get_idx(servers, 0);
	if (!json_object_is_type(first, json_type_object))
		return complain(no, "servers[0]", "a server account is an object");
	return within(no, "servers[0]", parse_server(first, p, no));
}

void bs_plan_defaults(struct bs_plan *p)
{
	*p = (struct bs_plan){.ssid = 1,
		.lifetime_s = 86400,
		.binding = "U",
		.notification_storing = true,
		.oscore = {.aead = ALG_AES_CCM_16_64_128, .hkdf = ALG_HKDF_SHA256}};
}

enum err bs_plan_parse(struct span json, struct bs_plan *out, struct bs_refusal *no)
{
	struct bs_plan p;
	bs_plan_defaults(&p);
	*no = (struct bs_refusal){0};
	if (!json.n || json.n > BS_JSON_MAX)
		return complain(no, "", "a plan is 1 to %d bytes of JSON", (int)BS_JSON_MAX);
	struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);
	if (!tok)
		return ERR_NOMEM;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	struct json_object *root = json_tokener_parse_ex(tok, (const char *)json.p, (int)json.n);
	enum json_tokener_error jerr = json_tokener_get_error(tok);
	bool whole = jerr == json_tokener_success && json_tokener_get_parse_end(tok) == json.n;
	enum err err;
	if (whole)
		err = parse_root(root, &p, no);
	else
		err = complain(no, "", "not JSON");
	json_object_put(root);
	json_tokener_free(tok);
	if (!err)
		*out = p;
	return err;
}

void bs_plan_write(const struct bs_plan *p, struct writer *w)
{
	wr_str(w, "{\"servers\":[{\"uri\":");
	wr_json_string(w, span_str(p->uri));
	wr_fmt(w, ",\"ssid\":%u,\"lifetime_s\":%u,\"binding\":", (unsigned)p->ssid,
		(unsigned)p->lifetime_s);
	wr_json_string(w, span_str(p->binding));
	wr_fmt(w, ",\"notification_storing\":%s", p->notification_storing ? "true" : "false");
	wr_fmt(w, ",\"default_pmin_s\":%u,\"default_pmax_s\":%u,\"oscore\":{\"aead\":",
		(unsigned)p->pmin_s, (unsigned)p->pmax_s);
	wr_json_string(w, span_str(alg_aead_name(p->oscore.aead)));
	wr_str(w, ",\"hkdf\":");
	wr_json_string(w, span_str(alg_hkdf_name(p->oscore.hkdf)));
	wr_fmt(w, ",\"hkdf_spelling\":\"%s\",\"id_context_bytes\":%u,\"recipient_id_bytes\":%u}}]}",
		p->oscore.hkdf_number ? "hkdf" : "hmac", (unsigned)p->oscore.id_context_bytes,
		(unsigned)p->oscore.recipient_id_bytes);
}
