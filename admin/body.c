/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/body.h"

#include "base/alg.h"
#include "base/secret.h"
#include "base/text.h"
#include "lwm2m/regparam.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

enum {
	SECRET_MIN = 16,
	SECRET_MAX = 64,
	SALT_MAX = 64,
	ID_MAX = 7,
	IDENTITY_MAX = 128,
	KEY_MIN = 16, /* RFC 7925 wants as much */
	KEY_MAX = 64,
	PIV_MAX = 5,
	MESSAGE_MAX = 8192,
	ID_CONTEXT_MAX = 32,
	SHA256 = 32,
	RAW_KEY = 91,
	RAW_KEY_HEAD = 27,
	CERTIFICATE_TEXT_MAX = 254,
	ARGUMENTS_MAX = 1024,
	URI_MAX = 255,
};

static const uint64_t seq_max = (UINT64_C(1) << 40) - 1; /* RFC 8613 section 7.2.1 */

static struct span keep(struct arena *a, struct span s, struct adm_fail *fail)
{
	enum err e = ERR_OK;

	s = arena_dup(a, s, &e);
	if (e)
		adm_fail_set(fail, 500, "internal", NULL, "out of memory");
	return s;
}

/* A name that a registration could have (REG-01). */
static struct span endpoint_name(struct js_in *in, struct arena *a, const char *member, bool *has)
{
	struct span s = js_text(in, member, 1, LWM_EP_MAX, has);

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			js_fail(in, member, "must not hold control characters");
	return keep(a, s, in->fail);
}

/* 0 takes a setting away. */
static void pace_members(struct js_in *in, struct adm_settings *out)
{
	struct pace *p = &out->pace;
	const char *fault;

	p->block_bytes =
		(uint16_t)js_u64(in, "block_size", PACE_BLOCK_MAX, 0, &out->has_block_size);
	p->message_bytes =
		(uint16_t)js_u64(in, "message_size", PACE_MESSAGE_MAX, 0, &out->has_message_size);
	p->ack_timeout_ms = (uint32_t)js_u64(
		in, "ack_timeout_ms", PACE_ACK_TIMEOUT_MAX, 0, &out->has_ack_timeout);
	p->max_retransmit = (uint8_t)js_u64(
		in, "max_retransmit", PACE_RETRANSMIT_MAX, 0, &out->has_max_retransmit);
	p->nstart = (uint8_t)js_u64(in, "nstart", PACE_NSTART_MAX, 0, &out->has_nstart);
	fault = pace_fault(p);
	if (fault && strcmp(fault, "block_size") == 0)
		js_fail(in, fault, "must be 0 or a power of two from 16 to 1024");
	else if (fault && strcmp(fault, "message_size") == 0)
		js_fail(in, fault, "must be 0 or from 128 to 1280");
	else if (fault)
		js_fail(in, fault, "must be 0 or from 100 to 60000");
}

static void settings_members(struct js_in *in, struct arena *a, struct adm_settings *out)
{
	static const char *const freshness[] = {"default", "auto", "echo", "none", "b2", NULL};
	static const char *const version[] = {"discover", "1.0", "1.1", "2.0", NULL};
	static const char *const require[] = {"any", "oscore", "dtls", "oscore+dtls", NULL};
	static const uint8_t version_number[] = {0, 10, 11, 20};

	out->bs_ep = endpoint_name(in, a, "bs_ep", &out->has_bs_ep);
	out->rd_ep = endpoint_name(in, a, "rd_ep", &out->has_rd_ep);
	out->freshness = js_choice(in, "freshness", freshness, &out->has_freshness);
	out->nosec = js_bool(in, "nosec", &out->has_nosec);
	out->oscore_version =
		version_number[js_choice(in, "oscore_version", version, &out->has_oscore_version)];
	out->require = (uint8_t)js_choice(in, "require", require, &out->has_require);
	pace_members(in, out);
}

bool body_settings(
	struct span text, struct arena *a, struct adm_settings *out, struct adm_fail *fail)
{
	static const char *const names[] = {"bs_ep", "rd_ep", "freshness", "nosec", "require",
		"oscore_version", "block_size", "message_size", "ack_timeout_ms", "max_retransmit",
		"nstart", NULL};
	struct js_in in = {.fail = fail};

	*out = (struct adm_settings){0};
	if (text.n == 0)
		return true;
	if (!js_parse(text, &in.obj, fail))
		return false;
	js_known(&in, names);
	settings_members(&in, a, out);
	js_free(in.obj);
	return fail->status == 0;
}

/* A COSE number or a name; whether we can do it is for the operation to say. */
static int aead(struct js_in *in)
{
	struct json_object *v = js_member(in, "aead");
	int64_t number;
	int cose = ALG_AES_CCM_16_64_128;

	if (v && js_int64(v, &number) && number >= -65536 && number <= 65535)
		return (int)number;
	if (v && !alg_aead_by_name(js_string(v), &cose))
		js_fail(in, "aead",
			"must be a COSE algorithm number, or a name such as AES-CCM-16-64-128");
	return cose;
}

static int hkdf(struct js_in *in)
{
	struct json_object *v = js_member(in, "hkdf");
	int64_t number;
	int cose = ALG_HKDF_SHA256;

	if (v && js_int64(v, &number) && alg_hkdf_read(number, &cose))
		return cose;
	if (v && !alg_hkdf_by_name(js_string(v), &cose))
		js_fail(in, "hkdf",
			"must be HKDF-SHA-256 or HKDF-SHA-512, or the COSE number of it or its "
			"HMAC: -10, -11, 5, 7");
	return cose;
}

static void need(struct js_in *in, const char *member, bool has)
{
	if (!has)
		js_fail(in, member, "is missing");
}

static void oscore_members(struct js_in *in, struct arena *a, struct adm_oscore *out)
{
	static const char *const names[] = {"master_secret", "master_salt", "sender_id",
		"recipient_id", "id_context", "aead", "hkdf", "role", "sender_seq", "recipient_seq",
		NULL};
	static const char *const roles[] = {"server", "bootstrap", NULL};
	bool has_secret, has_sender, has_recipient;

	js_known(in, names);
	out->master_secret = js_hex(in, a, "master_secret", SECRET_MIN, SECRET_MAX, &has_secret);
	out->master_salt = js_hex(in, a, "master_salt", 0, SALT_MAX, NULL);
	out->sender_id = js_hex(in, a, "sender_id", 0, ID_MAX, &has_sender);
	out->recipient_id = js_hex(in, a, "recipient_id", 0, ID_MAX, &has_recipient);
	out->id_context = js_hex(in, a, "id_context", 0, ID_CONTEXT_MAX, &out->has_id_context);
	out->aead = aead(in);
	out->hkdf = hkdf(in);
	out->bootstrap = js_choice(in, "role", roles, NULL) == 1;
	out->sender_seq = js_u64(in, "sender_seq", seq_max, 0, NULL);
	out->recipient_seq = js_u64(in, "recipient_seq", seq_max, 0, &out->has_recipient_seq);
	need(in, "master_secret", has_secret);
	need(in, "sender_id", has_sender);
	need(in, "recipient_id", has_recipient);
	if (has_sender && has_recipient && span_eq(out->sender_id, out->recipient_id))
		js_fail(in, "recipient_id", "must differ from sender_id");
}

bool body_oscore(struct span text, struct arena *a, struct adm_oscore *out, struct adm_fail *fail)
{
	struct js_in in = {.fail = fail};

	*out = (struct adm_oscore){0};
	if (!js_parse(text, &in.obj, fail))
		return false;
	oscore_members(&in, a, out);
	js_free(in.obj);
	return fail->status == 0;
}

bool body_psk(struct span text, struct arena *a, struct adm_psk *out, struct adm_fail *fail)
{
	static const char *const names[] = {"role", "identity", "identity_hex", "key", NULL};
	static const char *const roles[] = {"server", "bootstrap", NULL};
	struct js_in in = {.fail = fail};
	bool has_hex, has_key, has_role;

	*out = (struct adm_psk){.bootstrap = false};
	if (!js_parse(text, &in.obj, fail))
		return false;
	js_known(&in, names);
	out->bootstrap = js_choice(&in, "role", roles, &has_role) == 1;
	out->identity = js_hex(&in, a, "identity_hex", 1, IDENTITY_MAX, &has_hex);
	struct json_object *text_form = js_member(&in, "identity");
	if (text_form && has_hex)
		js_fail(&in, "identity_hex", "tells what identity would");
	else if (text_form)
		out->identity = keep(a, js_string(text_form), fail);
	else
		need(&in, "identity", has_hex);
	out->key = js_hex(&in, a, "key", KEY_MIN, KEY_MAX, &has_key);
	need(&in, "key", has_key);
	if (!fail->status && (!out->identity.n || out->identity.n > IDENTITY_MAX ||
				     memchr(out->identity.p, 0, out->identity.n)))
		js_fail(&in, text_form ? "identity" : "identity_hex",
			"must be 1 to 128 bytes, none of them 0");
	js_free(in.obj);
	return fail->status == 0;
}

/* Of P-256, uncompressed: all others have another length, or another beginning. */
static void raw_key_member(struct js_in *in, struct arena *a, struct adm_peer *out)
{
	static const char *const head = "3059301306072a8648ce3d020106082a8648ce3d03010703420004";
	uint8_t want[RAW_KEY_HEAD];
	struct writer w = wr_make(want, sizeof(want));
	bool has;

	out->by = ADM_PEER_RAW_KEY;
	out->value = js_hex(in, a, "public_key", 1, RAW_KEY, &has);
	need(in, "public_key", has);
	if (!in->fail->status &&
		(hex_decode(span_str(head), &w) || out->value.n != RAW_KEY ||
			!span_eq(span_sub(out->value, 0, RAW_KEY_HEAD), wr_span(&w))))
		js_fail(in, "public_key",
			"must be a SubjectPublicKeyInfo of the curve secp256r1, uncompressed: 91 "
			"bytes");
}

static void certificate_members(struct js_in *in, struct arena *a, struct adm_peer *out)
{
	bool has_sha256, has_subject, has_name;
	struct span sha256 = js_hex(in, a, "sha256", SHA256, SHA256, &has_sha256);
	struct span subject = js_text(in, "subject", 1, CERTIFICATE_TEXT_MAX, &has_subject);
	struct span name = js_text(in, "name", 1, CERTIFICATE_TEXT_MAX, &has_name);

	if (has_sha256 + has_subject + has_name > 1)
		js_fail(in, has_name ? "name" : "subject",
			"only one of sha256, subject and name can be given");
	else
		need(in, "sha256", has_sha256 || has_subject || has_name);
	out->by = has_subject ? ADM_PEER_SUBJECT : has_name ? ADM_PEER_NAME : ADM_PEER_SHA256;
	out->value = has_subject ? keep(a, subject, in->fail)
		     : has_name  ? keep(a, name, in->fail)
				 : sha256;
}

bool body_peer(struct span text, bool raw_key, struct arena *a, struct adm_peer *out,
	struct adm_fail *fail)
{
	static const char *const names[2][5] = {
		{"role", "sha256", "subject", "name", NULL}, {"role", "public_key", NULL}};
	static const char *const roles[] = {"server", "bootstrap", NULL};
	struct js_in in = {.fail = fail};

	*out = (struct adm_peer){.bootstrap = false};
	if (!js_parse(text, &in.obj, fail))
		return false;
	js_known(&in, names[raw_key]);
	out->bootstrap = js_choice(&in, "role", roles, NULL) == 1;
	if (raw_key)
		raw_key_member(&in, a, out);
	else
		certificate_members(&in, a, out);
	js_free(in.obj);
	return fail->status == 0;
}

bool body_decode(struct span text, struct arena *a, struct adm_decode *out, struct adm_fail *fail)
{
	static const char *const names[] = {"message", "request", "kid", "partial_iv", NULL};
	struct js_in in = {.fail = fail};
	bool has_message, has_request, has_piv;

	*out = (struct adm_decode){.has_kid = false};
	if (!js_parse(text, &in.obj, fail))
		return false;
	js_known(&in, names);
	out->message = js_hex(&in, a, "message", 1, MESSAGE_MAX, &has_message);
	out->request = js_hex(&in, a, "request", 1, MESSAGE_MAX, &has_request);
	out->kid = js_hex(&in, a, "kid", 0, ID_MAX, &out->has_kid);
	out->piv = js_hex(&in, a, "partial_iv", 1, PIV_MAX, &has_piv);
	need(&in, "message", has_message);
	if (out->has_kid != has_piv)
		js_fail(&in, out->has_kid ? "partial_iv" : "kid", "is missing: they go together");
	if (has_request && out->has_kid)
		js_fail(&in, "request", "tells what kid and partial_iv would");
	js_free(in.obj);
	return fail->status == 0;
}

/* ---- a line of an import */

static void import_context(struct js_in *line, struct arena *a, struct json_object *o, size_t i,
	struct adm_import *out)
{
	char prefix[40];
	struct js_in in = {.obj = o, .fail = line->fail, .prefix = prefix};

	snprintf(prefix, sizeof(prefix), i ? "credentials.oscore[%zu]." : "credentials.oscore.", i);
	if (out->oscore_n == ADM_IMPORT_CONTEXTS)
		js_fail(line, "credentials.oscore", "one for each role is the most");
	else if (!json_object_is_type(o, json_type_object))
		js_fail(line, "credentials.oscore", "must be an object, or an array of them");
	else
		oscore_members(&in, a, &out->oscore[out->oscore_n++]);
}

static void import_credentials(struct js_in *line, struct arena *a, struct adm_import *out)
{
	static const char *const names[] = {"oscore", NULL};
	struct js_in in = {.obj = js_member(line, "credentials"),
		.fail = line->fail,
		.prefix = "credentials."};
	struct json_object *o;

	if (!in.obj)
		return;
	if (!json_object_is_type(in.obj, json_type_object)) {
		js_fail(line, "credentials", "must be an object");
		return;
	}
	js_known(&in, names);
	o = js_member(&in, "oscore");
	if (!json_object_is_type(o, json_type_array)) {
		if (o)
			import_context(line, a, o, 0, out);
		return;
	}
	for (size_t i = 0; i < json_object_array_length(o) && !line->fail->status; i++)
		import_context(line, a, json_object_array_get_idx(o, i), i, out);
	if (out->oscore_n == 2 && out->oscore[0].bootstrap == out->oscore[1].bootstrap)
		js_fail(line, "credentials.oscore", "one for each role is the most");
}

static void import_plan(struct js_in *line, struct arena *a, struct adm_import *out)
{
	struct json_object *o = js_member(line, "plan");

	if (!o)
		return;
	if (!json_object_is_type(o, json_type_object)) {
		js_fail(line, "plan", "must be an object");
		return;
	}
	out->plan = keep(
		a, span_str(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN)), line->fail);
}

bool body_import(struct span text, struct arena *a, struct adm_import *out, struct adm_fail *fail)
{
	static const char *const names[] = {"endpoint", "bs_ep", "rd_ep", "freshness", "nosec",
		"require", "oscore_version", "block_size", "message_size", "ack_timeout_ms",
		"max_retransmit", "nstart", "credentials", "plan", NULL};
	struct js_in in = {.fail = fail};
	bool has;

	*out = (struct adm_import){0};
	if (!js_parse(text, &in.obj, fail))
		return false;
	js_known(&in, names);
	out->endpoint = endpoint_name(&in, a, "endpoint", &has);
	need(&in, "endpoint", has);
	settings_members(&in, a, &out->settings);
	import_credentials(&in, a, out);
	import_plan(&in, a, out);
	js_free(in.obj);
	return fail->status == 0;
}

static bool argument_char(uint8_t c)
{
	return c == 0x21 || (c >= 0x23 && c <= 0x26) || (c >= 0x28 && c <= 0x5b) ||
	       (c >= 0x5d && c <= 0x7e);
}

/* digit, or digit='chars' */
static bool argument(struct reader *r, unsigned *seen)
{
	uint8_t digit = rd_u8(r);

	if (r->err || digit < '0' || digit > '9' || *seen & 1u << (digit - '0'))
		return false;
	*seen |= 1u << (digit - '0');
	if (rd_left(r) == 0 || *r->p != '=')
		return true;
	(void)rd_u8(r);
	if (rd_u8(r) != '\'')
		return false;
	for (uint8_t c = rd_u8(r); c != '\''; c = rd_u8(r))
		if (!argument_char(c))
			return false;
	return true;
}

static bool arguments_good(struct span s)
{
	struct reader r = rd_make(s);
	unsigned seen = 0;

	if (s.n == 0)
		return true;
	while (argument(&r, &seen)) {
		if (r.err == ERR_OK && rd_left(&r) == 0)
			return true;
		if (rd_u8(&r) != ',')
			return false;
	}
	return false;
}

bool body_execute(struct span text, struct arena *a, struct span *arguments, struct adm_fail *fail)
{
	static const char *const names[] = {"arguments", NULL};
	struct js_in in = {.fail = fail};

	*arguments = SPAN_EMPTY;
	if (text.n == 0)
		return true;
	if (!js_parse(text, &in.obj, fail))
		return false;
	js_known(&in, names);
	*arguments = keep(a, js_text(&in, "arguments", 0, ARGUMENTS_MAX, NULL), fail);
	if (!arguments_good(*arguments))
		js_fail(&in, "arguments",
			"must be like 0='text',1 with each digit once, and no space, quote or "
			"backslash in the text");
	js_free(in.obj);
	return fail->status == 0;
}

bool body_unseal(struct span text, struct adm_fail *fail)
{
	static const char *const names[] = {"only_copy", NULL};
	struct js_in in = {.fail = fail};
	bool has;

	if (!js_parse(text, &in.obj, fail))
		return false;
	js_known(&in, names);
	if (!js_bool(&in, "only_copy", &has))
		js_fail(&in, "only_copy",
			"must be true, which says: no other copy of this database runs, has run "
			"since this one was made, or will run");
	js_free(in.obj);
	return fail->status == 0;
}

bool body_empty(struct span text, struct adm_fail *fail)
{
	static const char *const names[] = {NULL};
	struct js_in in = {.fail = fail};

	if (text.n == 0)
		return true;
	if (!js_parse(text, &in.obj, fail))
		return false;
	js_known(&in, names);
	js_free(in.obj);
	return fail->status == 0;
}

bool body_firmware(
	struct span text, struct arena *a, struct adm_firmware *out, struct adm_fail *fail)
{
	static const char *const names[] = {"method", "image", "uri", NULL};
	static const char *const methods[] = {"push", "pull", NULL};
	struct js_in in = {.fail = fail};
	bool has_method, has_image, has_uri;

	*out = (struct adm_firmware){0};
	if (!js_parse(text, &in.obj, fail))
		return false;
	js_known(&in, names);
	out->pull = js_choice(&in, "method", methods, &has_method) == 1;
	out->image = keep(a, js_text(&in, "image", 1, URI_MAX, &has_image), fail);
	out->uri = keep(a, js_text(&in, "uri", 1, URI_MAX, &has_uri), fail);
	need(&in, "method", has_method);
	if (has_image && has_uri)
		js_fail(&in, "uri", "and image exclude each other");
	else if (!has_image && (!has_uri || !out->pull))
		js_fail(&in, "image", "is missing");
	else if (has_uri && !out->pull)
		js_fail(&in, "uri", "is for method pull");
	js_free(in.obj);
	return fail->status == 0;
}
