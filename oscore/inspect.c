/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/inspect.h"

#include "base/secret.h"
#include "base/text.h"

#include <string.h>

enum { AAD_MAX = 40 };

/* What is known so far. */
struct look {
	const struct osc_inspect *in;
	const struct osc_inspect_context *x;
	struct writer *w;
	struct msg outer, inner;
	struct osc_option opt;
	struct osc_binding binding;
	bool out; /* we have sent it */
	uint8_t plain[OSC_INSPECT_MAX];
};

static enum osc_inspected fault(
	struct look *l, enum osc_inspected what, const char *reason, const char *text)
{
	wr_fmt(l->w, ",\"error\":{\"reason\":\"%s\",\"text\":\"%s\"}}", reason, text);
	return what;
}

/* ---- what stands outside */

/* The byte of a malformed option that is wrong, and why (RFC 8613 section 6.1). */
static size_t option_fault(struct span v, const char **why)
{
	uint8_t flags = v.n ? v.p[0] : 0;
	size_t piv_n = flags & 7u, at = 1 + piv_n;

	*why = "a reserved flag is set";
	if (v.n > 255)
		return *why = "the option is longer than 255 bytes", 255;
	if (flags & 0xe0)
		return 0;
	*why = "a Partial IV has at most 5 bytes";
	if (piv_n > OSC_PIV_MAX)
		return 0;
	*why = "the Partial IV ends too early";
	if (v.n < at)
		return v.n;
	*why = "the Partial IV begins with a zero that is not needed";
	if (piv_n > 1 && v.p[1] == 0)
		return 1;
	*why = "the kid context ends too early";
	if (flags & 0x10 && v.n <= at)
		return v.n;
	if (flags & 0x10 && v.n < at + 1 + v.p[at])
		return v.n;
	if (flags & 0x10)
		at += 1u + v.p[at];
	*why = "bytes are left over, and no flag says that they are a kid";
	return at;
}

static void wr_hex_or_null(struct writer *w, const char *name, bool there, struct span s)
{
	wr_fmt(w, ",\"%s\":%s", name, there ? "\"" : "null");
	if (!there)
		return;
	wr_hex(w, s);
	wr_u8(w, '"');
}

static void show_options(struct writer *w, const struct msg *m)
{
	wr_str(w, ",\"options\":[");
	for (size_t i = 0; i < m->opt_n; i++) {
		wr_str(w, i ? "," : "");
		wr_opt_json(w, &m->opt[i]);
	}
	wr_fmt(w, "],\"payload_bytes\":%zu", m->payload.n);
}

static void show_outer(struct writer *w, const struct msg *m)
{
	wr_fmt(w, "{\"outer\":{\"type\":\"%s\",\"code\":\"", msg_type_name(m->type));
	wr_code(w, m->code);
	wr_fmt(w, "\",\"mid\":%u,\"token\":\"", (unsigned)m->mid);
	wr_hex(w, span_make(m->token, m->token_n));
	wr_str(w, "\"");
	show_options(w, m);
	wr_str(w, "}");
}

static void show_option(struct writer *w, struct span value, const struct osc_option *o)
{
	wr_fmt(w, ",\"oscore\":{\"flags\":%u", value.n ? (unsigned)value.p[0] : 0u);
	wr_hex_or_null(w, "partial_iv", o->piv.n, span_make(o->piv.p, o->piv.n));
	wr_hex_or_null(w, "kid", o->has_kid, o->kid);
	wr_hex_or_null(w, "kid_context", o->has_kid_context, o->kid_context);
	wr_str(w, "}");
}

static enum osc_inspected option_malformed(struct look *l, const struct opt *found)
{
	struct osc_option ignored;
	const char *why;

	if (msg_next(&l->outer, found))
		return fault(l, OSC_INSPECT_FOREIGN, "malformed-option", "there are two of them");
	if (osc_option_parse(found->val, &ignored) == ERR_OK && l->outer.payload.n == 0)
		return fault(l, OSC_INSPECT_FOREIGN, "malformed-message",
			"there is no payload, so nothing is encrypted");
	if (osc_option_parse(found->val, &ignored) == ERR_OK)
		return fault(l, OSC_INSPECT_FOREIGN, "malformed-option",
			"a request needs a kid and a Partial IV");
	size_t at = option_fault(found->val, &why);
	wr_fmt(l->w, ",\"error\":{\"reason\":\"malformed-option\",\"text\":\"%s\",\"byte\":%zu}}",
		why, at);
	return OSC_INSPECT_FOREIGN;
}

/* ---- which request, and who speaks */

static bool set_binding(struct osc_binding *b, struct span kid, struct span piv)
{
	struct osc_binding out = {.piv = {.n = (uint8_t)piv.n}};

	if (piv.n == 0 || piv.n > OSC_PIV_MAX || osc_id_set(&out.kid, kid))
		return false;
	memcpy(out.piv.p, piv.p, piv.n);
	*b = out;
	return true;
}

/* NULL, or what is wrong with what a response is said to answer. */
static const char *find_request(struct look *l)
{
	const struct osc_inspect *in = l->in;
	struct osc_option opt;
	struct msg m;

	if (in->has_kid)
		return set_binding(&l->binding, in->kid, in->piv)
			       ? NULL
			       : "a kid has at most 7 bytes, a Partial IV 1 to 5";
	if (in->request.n == 0)
		return "a response opens only with the kid and the Partial IV of its request";
	if (msg_parse_udp(in->request, &m) || !msg_code_is_request(m.code) ||
		osc_option_of(&m, &opt))
		return "what it is said to answer is no OSCORE request";
	return set_binding(&l->binding, opt.kid, span_make(opt.piv.p, opt.piv.n))
		       ? NULL
		       : "the kid of its request is too long to be one";
}

/* false: the kid is neither's. The kid of a request is its sender's, and the other end answers. */
static bool find_direction(struct look *l, bool request)
{
	struct span kid = osc_id_span(&l->binding.kid);
	bool ours = span_eq(kid, osc_id_span(&l->x->keys.sender_id));

	l->out = ours == request;
	return ours || span_eq(kid, osc_id_span(&l->x->keys.recipient_id));
}

/* ---- what is inside */

static enum err open_it(struct look *l, struct osc_crypto *c, struct span *plaintext)
{
	const struct osc_keys *k = &l->x->keys;
	const struct osc_aead_info *a = osc_aead_info(k->aead);
	const struct osc_id *author = l->out ? &k->sender_id : &k->recipient_id;
	bool own = l->opt.piv.n != 0;
	uint8_t nonce[OSC_NONCE_MAX], aad_buf[AAD_MAX];
	struct writer aad = wr_make(aad_buf, sizeof(aad_buf));

	if (!a || l->outer.payload.n <= a->tag_n)
		return ERR_AUTH;
	osc_nonce(k, own ? author : &l->binding.kid, own ? &l->opt.piv : &l->binding.piv, nonce);
	osc_aad(k, &l->binding, &aad);
	*plaintext = span_make(l->plain, l->outer.payload.n - a->tag_n);
	return osc_open(c, a, l->out ? k->sender_key : k->recipient_key, nonce, wr_span(&aad),
		l->outer.payload, l->plain);
}

/* Whether it is a response to a request of the other end. */
static bool opens_backwards(struct look *l, struct osc_crypto *c)
{
	struct osc_binding said = l->binding;
	struct span ignored;

	l->binding.kid = l->out ? l->x->keys.sender_id : l->x->keys.recipient_id;
	l->out = !l->out;
	bool opens = open_it(l, c, &ignored) == ERR_OK;
	l->binding = said;
	l->out = !l->out;
	return opens;
}

static void show_inner(struct look *l)
{
	struct writer *w = l->w;
	const struct msg *m = &l->inner;

	wr_str(w, ",\"inner\":{\"code\":\"");
	wr_code(w, m->code);
	wr_str(w, "\"");
	show_options(w, m);
	if (m->payload.n && l->x->mask && msg_code_is_request(m->code)) {
		wr_str(w, ",\"masked\":true");
	} else if (m->payload.n) {
		wr_str(w, ",\"payload_hex\":\"");
		wr_hex(w, m->payload);
		wr_str(w, "\"");
	}
	wr_str(w, "}}");
}

static enum osc_inspected look_inside(struct look *l, struct osc_crypto *c, bool request)
{
	struct span plaintext;
	enum err err = open_it(l, c, &plaintext);

	wr_fmt(l->w, ",\"direction\":\"%s\"", l->out ? "out" : "in");
	if (err && !request && opens_backwards(l, c))
		return fault(l, OSC_INSPECT_FAILED, "wrong-direction",
			"it answers a request of the other end, whose kid is the other id");
	if (err)
		return fault(l, OSC_INSPECT_FAILED, "tag",
			request ? "the tag does not match: another key or algorithm, or changed "
				  "on the way"
				: "the tag does not match: another key or algorithm, another "
				  "request, or changed on the way");
	if (msg_parse_inner(plaintext, &l->inner))
		return fault(l, OSC_INSPECT_FAILED, "malformed-inner",
			"it is authentic, but what is inside is no CoAP message");
	show_inner(l);
	return OSC_INSPECT_OPENED;
}

static enum osc_inspected look_at(struct look *l, struct osc_crypto *c)
{
	const struct opt *found;
	bool request;

	if (l->in->message.n > OSC_INSPECT_MAX || msg_parse_udp(l->in->message, &l->outer)) {
		wr_str(l->w, "{\"outer\":null");
		return fault(l, OSC_INSPECT_FOREIGN, "malformed-message", "it is no CoAP message");
	}
	show_outer(l->w, &l->outer);
	request = msg_code_is_request(l->outer.code);
	found = msg_find(&l->outer, OPT_OSCORE);
	if (!found)
		return fault(l, OSC_INSPECT_FOREIGN, "no-oscore", "it has no OSCORE option");
	if (osc_option_of(&l->outer, &l->opt))
		return option_malformed(l, found);
	show_option(l->w, found->val, &l->opt);
	if (!request) {
		const char *why = find_request(l);
		if (why)
			return fault(l, OSC_INSPECT_FOREIGN, "no-request", why);
	} else if (!set_binding(&l->binding, l->opt.kid, span_make(l->opt.piv.p, l->opt.piv.n))) {
		return fault(l, OSC_INSPECT_FOREIGN, "unknown-kid", "no kid is that long");
	}
	if (!l->x || !find_direction(l, request))
		return fault(l, OSC_INSPECT_FOREIGN, "unknown-kid",
			"the kid is neither end's of the context");
	if (l->opt.has_kid_context &&
		(!l->x->id_context.p || !span_eq(l->opt.kid_context, l->x->id_context)))
		return fault(l, OSC_INSPECT_FOREIGN, "unknown-kid-context",
			"the kid context is not the ID Context");
	return look_inside(l, c, request);
}

enum osc_inspected osc_inspect(struct osc_crypto *c, const struct osc_inspect *in,
	const struct osc_inspect_context *x, struct writer *w)
{
	struct look l = {.in = in, .x = x, .w = w};
	enum osc_inspected out = look_at(&l, c);

	secret_wipe(l.plain, sizeof(l.plain));
	return out;
}
