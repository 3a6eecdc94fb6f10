/* SPDX-License-Identifier: Apache-2.0 */
/* oscore decode: a captured message, with keys from a file or by way of the daemon. */
#include "cmd/lanyardctl.h"

#include "base/alg.h"
#include "base/secret.h"
#include "base/text.h"
#include "oscore/inspect.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what was given */

/* Hex, with spaces between the digits or not, into the arena. */
static bool read_hex(struct ctl *c, const char *what, const char *text, struct span *out)
{
	size_t n = strlen(text);
	char *digits = arena_alloc(&c->arena, n + 1);
	uint8_t *bytes = arena_alloc(&c->arena, n / 2 + 1);
	struct writer d = wr_make(digits, digits ? n : 0),
		      w = wr_make(bytes, bytes ? n / 2 + 1 : 0);

	for (size_t i = 0; i < n; i++)
		if (!strchr(" \t\r\n:", text[i]))
			wr_u8(&d, (uint8_t)text[i]);
	if (d.err || hex_decode(wr_span(&d), &w)) {
		(void)ctl_usage(ctl_command_find("oscore"), "%s is not hex", what);
		return false;
	}
	*out = wr_span(&w);
	return true;
}

static bool hex_option(struct ctl *c, enum ctl_opt opt, struct span *out)
{
	return !c->opt[opt] || read_hex(c, ctl_options[opt].name, c->opt[opt], out);
}

/* The message and what it answers. */
static bool read_input(struct ctl *c, struct osc_inspect *in)
{
	const char *text = ctl_word(c, c->arg[1]);

	if (!text || !read_hex(c, "HEX", text, &in->message) ||
		!hex_option(c, CTL_OPT_REQUEST, &in->request) ||
		!hex_option(c, CTL_OPT_KID, &in->kid) || !hex_option(c, CTL_OPT_PIV, &in->piv))
		return false;
	in->has_kid = c->opt[CTL_OPT_KID] != NULL;
	if (in->message.n == 0 || in->message.n > OSC_INSPECT_MAX) {
		(void)ctl_usage(
			ctl_command_find("oscore"), "a message has 1 to %d bytes", OSC_INSPECT_MAX);
		return false;
	}
	return true;
}

/* ---- a context of a file */

static bool member_hex(
	struct ctl *c, struct json_object *o, const char *name, bool must, struct span *out)
{
	struct json_object *v = ctl_member(o, name);
	const char *text = v ? json_object_get_string(v) : NULL;
	size_t n = text ? strlen(text) : 0;
	uint8_t *bytes = arena_alloc(&c->arena, n / 2 + 1);
	struct writer w = wr_make(bytes, bytes ? n / 2 + 1 : 0);

	/* Not what it says: it may be the secret. */
	if ((must && !v) || (v && !json_object_is_type(v, json_type_string)) ||
		hex_decode(span_str(text), &w)) {
		(void)ctl_fail("%s: \"%s\" %s", c->opt[CTL_OPT_FROM], name,
			v ? "is not hex" : "is missing");
		return false;
	}
	*out = wr_span(&w);
	return true;
}

static bool member_alg(struct ctl *c, struct json_object *o, const char *name,
	bool (*by_name)(struct span, int *), int *out)
{
	struct json_object *v = ctl_member(o, name);

	if (!v)
		return true;
	if (json_object_is_type(v, json_type_int))
		*out = json_object_get_int(v);
	else if (!by_name(span_str(json_object_get_string(v)), out)) {
		(void)ctl_fail(
			"%s: \"%s\" is no algorithm that is known", c->opt[CTL_OPT_FROM], name);
		return false;
	}
	return true;
}

static bool read_params(struct ctl *c, struct json_object *o, struct osc_params *p)
{
	*p = (struct osc_params){.aead = ALG_AES_CCM_16_64_128, .hkdf = ALG_HKDF_SHA256};
	p->has_id_context = ctl_member(o, "id_context") != NULL;
	return member_hex(c, o, "master_secret", true, &p->master_secret) &&
	       member_hex(c, o, "master_salt", false, &p->master_salt) &&
	       member_hex(c, o, "sender_id", true, &p->sender_id) &&
	       member_hex(c, o, "recipient_id", true, &p->recipient_id) &&
	       member_hex(c, o, "id_context", false, &p->id_context) &&
	       member_alg(c, o, "aead", alg_aead_by_name, &p->aead) &&
	       member_alg(c, o, "hkdf", alg_hkdf_by_name, &p->hkdf);
}

static struct json_object *inspect(struct osc_crypto *crypto, const struct osc_inspect *in,
	const struct osc_inspect_context *x)
{
	char *text = calloc(1, OSC_INSPECT_JSON + 1);
	struct writer w = wr_make(text, text ? OSC_INSPECT_JSON : 0);
	struct json_object *out = NULL;

	if (text)
		(void)osc_inspect(crypto, in, x, &w);
	if (text && !w.err)
		out = json_tokener_parse(text);
	if (text)
		secret_wipe(text, OSC_INSPECT_JSON);
	free(text);
	return out;
}

static int decode_here(struct ctl *c, const struct osc_inspect *in, struct json_object **out)
{
	struct osc_inspect_context x = {0};
	struct osc_crypto *crypto = NULL;
	struct osc_params p;
	size_t n;
	const char *text = ctl_read_file(c, c->opt[CTL_OPT_FROM], &n);
	struct json_object *o = text ? json_tokener_parse(text) : NULL;
	int rc = CTL_REFUSED;

	if (text && !json_object_is_type(o, json_type_object))
		(void)ctl_fail("%s is no JSON object", c->opt[CTL_OPT_FROM]);
	else if (text && read_params(c, o, &p)) {
		enum err err = osc_crypto_new(&crypto);

		x.id_context =
			p.has_id_context
				? span_make(p.id_context.p ? (const void *)p.id_context.p : "",
					  p.id_context.n)
				: SPAN_EMPTY;
		if (!err)
			err = osc_derive(crypto, &p, &x.keys);
		rc = err ? ctl_fail("%s: no context can be derived: %s", c->opt[CTL_OPT_FROM],
				   err_text(err))
			 : CTL_OK;
	}
	if (rc == CTL_OK && !(*out = inspect(crypto, in, &x)))
		rc = ctl_fail("out of memory");
	secret_wipe(&x, sizeof(x));
	osc_crypto_free(crypto);
	json_object_put(o);
	return rc;
}

/* ---- the daemon's keys */

static void add_hex(struct ctl *c, struct json_object *o, const char *name, struct span s)
{
	char *text = arena_alloc(&c->arena, 2 * s.n + 1);
	struct writer w = wr_make(text, text ? 2 * s.n : 0);

	wr_hex(&w, s);
	if (text)
		json_object_object_add(o, name, json_object_new_string_len(text, (int)w.n));
	else
		c->no_memory = true;
}

static int decode_there(struct ctl *c, const struct osc_inspect *in, struct json_object **out)
{
	struct json_object *body = json_object_new_object();
	struct ctl_reply r = {0};
	int rc;

	add_hex(c, body, "message", in->message);
	if (in->request.n)
		add_hex(c, body, "request", in->request);
	if (in->has_kid)
		add_hex(c, body, "kid", in->kid);
	if (in->has_kid)
		add_hex(c, body, "partial_iv", in->piv);
	rc = ctl_call(c, "POST",
		ctl_target(c, "/v1/endpoints/%e/oscore/decode", c->opt[CTL_OPT_ENDPOINT]),
		json_object_to_json_string(body), 0, &r);
	json_object_put(body);
	if (rc == CTL_OK)
		*out = json_object_get(ctl_member(r.json, "message"));
	ctl_reply_free(&r);
	return rc;
}

/* ---- what came out */

static void option_rows(
	struct ctl *c, struct ctl_table *t, const char *where, struct json_object *list)
{
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *name = ctl_cell(c, o, "name");

		ctl_table_row(t, 2,
			ctl_fmt(c, "%s %s", where,
				strcmp(name, "-") ? name : ctl_cell(c, o, "number")),
			ctl_cell(c, o, "value"));
	}
}

/* RFC 8613 section 6.1. */
static const char *flags(struct ctl *c, struct json_object *o)
{
	int f = json_object_get_int(ctl_member(o, "oscore.flags"));

	return ctl_fmt(c, "0x%02x (%s%s, Partial IV of %d bytes)", (unsigned)f,
		f & 8 ? "kid" : "no kid", f & 16 ? ", kid context" : "", f & 7);
}

static void outer_rows(struct ctl *c, struct ctl_table *t, struct json_object *o)
{
	ctl_table_row(t, 2, "type", ctl_cell(c, o, "outer.type"));
	ctl_table_row(t, 2, "outer code", ctl_cell(c, o, "outer.code"));
	ctl_table_row(t, 2, "message id", ctl_cell(c, o, "outer.mid"));
	ctl_table_row(t, 2, "token", ctl_cell(c, o, "outer.token"));
	option_rows(c, t, "outer", ctl_member(o, "outer.options"));
	ctl_table_row(t, 2, "outer payload",
		ctl_fmt(c, "%s bytes", ctl_cell(c, o, "outer.payload_bytes")));
	if (!ctl_member(o, "oscore"))
		return;
	ctl_table_row(t, 2, "flags", flags(c, o));
	ctl_table_row(t, 2, "kid", ctl_cell(c, o, "oscore.kid"));
	ctl_table_row(t, 2, "kid context", ctl_cell(c, o, "oscore.kid_context"));
	ctl_table_row(t, 2, "partial iv", ctl_cell(c, o, "oscore.partial_iv"));
}

static void inner_rows(struct ctl *c, struct ctl_table *t, struct json_object *o)
{
	const char *hex = ctl_cell(c, o, "inner.payload_hex");

	ctl_table_row(t, 2, "inner code", ctl_cell(c, o, "inner.code"));
	option_rows(c, t, "inner", ctl_member(o, "inner.options"));
	ctl_table_row(t, 2, "payload",
		ctl_fmt(c, "%s bytes%s%s", ctl_cell(c, o, "inner.payload_bytes"),
			ctl_member(o, "inner.masked") ? ", not shown: they may be keys" : "",
			ctl_member(o, "inner.payload_hex") ? ctl_fmt(c, " %s", hex) : ""));
}

static int show(struct ctl *c, struct json_object *o)
{
	struct ctl_table t = {0};
	struct json_object *error = ctl_member(o, "error"), *byte = ctl_member(error, "byte");
	const char *way = ctl_cell(c, o, "direction");

	if (c->opt[CTL_OPT_JSON]) {
		printf("%s\n", ctl_json_text(c, o));
		return error ? CTL_REFUSED : CTL_OK;
	}
	if (ctl_member(o, "outer"))
		outer_rows(c, &t, o);
	if (strcmp(way, "-") != 0)
		ctl_table_row(&t, 2, "sent by",
			strcmp(way, "in") ? "this end (sender_id)"
					  : "the other end (recipient_id)");
	if (!error)
		inner_rows(c, &t, o);
	ctl_table_print(&t);
	fflush(stdout);
	if (!error)
		return CTL_OK;
	return ctl_fail("%s%s: %s", ctl_cell(c, error, "reason"),
		byte ? ctl_fmt(c, " at byte %s of the option", ctl_cell(c, error, "byte")) : "",
		ctl_cell(c, error, "text"));
}

int ctl_oscore(struct ctl *c)
{
	const struct ctl_command *me = ctl_command_find("oscore");
	struct osc_inspect in = {.message = SPAN_EMPTY};
	struct json_object *o = NULL;
	int rc;

	if (strcmp(c->arg[0], "decode") != 0)
		return ctl_usage(me, "oscore does not know %s", c->arg[0]);
	if (!c->opt[CTL_OPT_FROM] == !c->opt[CTL_OPT_ENDPOINT])
		return ctl_usage(me, "the keys come --from a file, or are those of an --endpoint");
	if (!c->opt[CTL_OPT_KID] != !c->opt[CTL_OPT_PIV])
		return ctl_usage(me, "--kid and --partial-iv go together");
	if (c->opt[CTL_OPT_KID] && c->opt[CTL_OPT_REQUEST])
		return ctl_usage(me, "--request tells what --kid and --partial-iv would");
	if (!read_input(c, &in))
		return CTL_USAGE;
	rc = c->opt[CTL_OPT_FROM] ? decode_here(c, &in, &o) : decode_there(c, &in, &o);
	if (rc == CTL_OK)
		rc = show(c, o);
	json_object_put(o);
	return rc;
}
