/* SPDX-License-Identifier: Apache-2.0 */
#include "device/credentials.h"

#include "base/secret.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static enum err set_hex(struct span v, uint8_t *out, size_t cap, uint8_t *n)
{
	struct writer w = wr_make(out, cap);
	enum err e = hex_decode(v, &w);
	if (e == ERR_SPACE)
		return ERR_RANGE;
	if (e == ERR_OK)
		*n = (uint8_t)w.n;
	return e;
}

static enum err set_id(struct span v, struct osc_id *id, bool *has)
{
	uint8_t n = 0, p[OSC_ID_MAX] = {0};
	enum err e = set_hex(v, p, sizeof(p), &n);
	if (e == ERR_OK)
		e = osc_id_set(id, span_make(p, n));
	*has = e == ERR_OK;
	return e;
}

static enum err set_uri(struct span v, char *out, size_t cap)
{
	struct span host;
	uint16_t port;
	enum err e = dev_uri_parse(v, &host, &port);
	return e ? e : span_to_str(v, out, cap);
}

/* A name or a number. Whether the library does it is found out when a context is made. */
static enum err set_algorithm(struct span v, bool hkdf, int16_t *out)
{
	uint64_t u;
	int cose = 0;
	bool minus = v.n > 1 && v.p[0] == '-';
	bool named = hkdf ? alg_hkdf_by_name(v, &cose) : alg_aead_by_name(v, &cose);
	if (!named && span_to_u64(span_sub(v, minus, v.n), INT16_MAX, &u))
		return ERR_SYNTAX;
	if (!named)
		cose = minus ? -(int)u : (int)u;
	if (hkdf ? !alg_hkdf_read(cose, &cose) : !alg_aead_name(cose))
		return ERR_RANGE;
	*out = (int16_t)cose;
	return ERR_OK;
}

enum err dev_credentials_set(struct dev_credentials *c, struct span key, struct span value)
{
	if (span_eq_str(key, "endpoint"))
		return value.n ? span_to_str(value, c->endpoint, sizeof(c->endpoint)) : ERR_RANGE;
	if (span_eq_str(key, "bootstrap_uri"))
		return set_uri(value, c->bootstrap_uri, sizeof(c->bootstrap_uri));
	if (span_eq_str(key, "server_uri"))
		return set_uri(value, c->server_uri, sizeof(c->server_uri));
	if (span_eq_str(key, "master_secret"))
		return set_hex(value, c->master_secret, sizeof(c->master_secret), &c->secret_n);
	if (span_eq_str(key, "master_salt"))
		return set_hex(value, c->master_salt, sizeof(c->master_salt), &c->salt_n);
	if (span_eq_str(key, "sender_id"))
		return set_id(value, &c->sender_id, &c->has_sender_id);
	if (span_eq_str(key, "recipient_id"))
		return set_id(value, &c->recipient_id, &c->has_recipient_id);
	if (span_eq_str(key, "psk_identity"))
		return value.n ? span_to_str(value, c->psk_identity, sizeof(c->psk_identity))
			       : ERR_RANGE;
	if (span_eq_str(key, "psk_key"))
		return set_hex(value, c->psk_key, sizeof(c->psk_key), &c->psk_n);
	if (span_eq_str(key, "aead"))
		return set_algorithm(value, false, &c->aead);
	if (span_eq_str(key, "hkdf"))
		return set_algorithm(value, true, &c->hkdf);
	if (span_eq_str(key, "id_context")) {
		c->has_id_context = true;
		return set_hex(value, c->id_context, sizeof(c->id_context), &c->id_context_n);
	}
	return ERR_NOTFOUND;
}

static struct span trim(struct span s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = span_sub(s, 1, s.n);
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

/* The part before the first `sep` (all of it if there is none); *rest is what follows. */
static struct span cut(struct span s, char sep, struct span *rest)
{
	size_t at = 0;
	while (at < s.n && s.p[at] != (uint8_t)sep)
		at++;
	*rest = at < s.n ? span_sub(s, at + 1, s.n) : SPAN_EMPTY;
	return span_sub(s, 0, at);
}

static void say(char *why, const char *what, size_t line, struct span key)
{
	int n = (int)(key.n < 40 ? key.n : 40);
	snprintf(why, DEV_REASON_MAX, "%s in line %zu: %.*s", what, line, n, (const char *)key.p);
}

enum err dev_credentials_parse(struct span text, struct dev_credentials *out, char *why)
{
	memset(out, 0, sizeof(*out));
	for (size_t line = 1; text.n; line++) {
		struct span value, l = trim(cut(text, '\n', &text));
		if (!l.n || l.p[0] == '#')
			continue;
		struct span key = trim(cut(l, '=', &value));
		enum err e = dev_credentials_set(out, key, trim(value));
		if (e) {
			say(why, e == ERR_NOTFOUND ? "unknown key" : "bad value", line, key);
			return e;
		}
	}
	return ERR_OK;
}

static void skip_spaces(struct reader *r)
{
	while (rd_left(r) && (r->p[0] == ' ' || r->p[0] == '\t'))
		rd_u8(r);
}

static void expect(struct reader *r, char c)
{
	skip_spaces(r);
	if (rd_u8(r) != (uint8_t)c)
		rd_fail(r, ERR_SYNTAX);
}

/* A JSON string as far as our lines need them: of escapes only \" \\ and \/. */
static struct span json_string(struct reader *r, struct writer *w)
{
	expect(r, '"');
	size_t from = w->n;
	while (!r->err) {
		uint8_t c = rd_u8(r);
		if (c == '"')
			break;
		if (c == '\\') {
			c = rd_u8(r);
			if (c != '"' && c != '\\' && c != '/')
				rd_fail(r, ERR_SYNTAX);
		} else if (c < 0x20) {
			rd_fail(r, ERR_SYNTAX);
		}
		wr_u8(w, c);
	}
	if (w->err)
		rd_fail(r, w->err);
	return r->err ? SPAN_EMPTY : span_sub(wr_span(w), from, w->n);
}

/* A value that is not a string: a number, true, false, null. */
static struct span json_word(struct reader *r)
{
	struct span word = {r->p, 0};
	while (rd_left(r) && r->p[0] != ',' && r->p[0] != '}' && r->p[0] != ' ') {
		rd_u8(r);
		word.n++;
	}
	return word;
}

/* Numbers are for algorithms; elsewhere such a value means nothing here. */
static enum err set_word(struct dev_credentials *c, struct span key, struct span word)
{
	bool algorithm = span_eq_str(key, "aead") || span_eq_str(key, "hkdf");
	return algorithm ? dev_credentials_set(c, key, word) : ERR_OK;
}

/* A line being read. */
struct json {
	struct reader r;
	struct writer text; /* strings without their escapes */
	struct dev_credentials *out;
	int role; /* -1: not said */
	struct span key;
	unsigned depth;
};

static enum err json_object(struct json *j);

static enum err json_member(struct json *j)
{
	struct reader *r = &j->r;
	struct dev_credentials *c = j->out;
	struct span *key = &j->key;
	*key = json_string(r, &j->text);
	expect(r, ':');
	skip_spaces(r);
	if (!r->err && rd_left(r) && r->p[0] == '{') {
		bool known = span_eq_str(*key, "credentials") || span_eq_str(*key, "oscore");
		return known ? json_object(j) : ERR_SYNTAX;
	}
	if (!r->err && rd_left(r) && r->p[0] != '"')
		return set_word(c, *key, json_word(r));
	struct span value = json_string(r, &j->text);
	if (r->err)
		return r->err;
	if (span_eq_str(*key, "role")) {
		j->role = span_eq_str(value, "bootstrap") ? DEV_ROLE_BOOTSTRAP : DEV_ROLE_SERVER;
		return j->role == DEV_ROLE_BOOTSTRAP || span_eq_str(value, "server") ? ERR_OK
										     : ERR_RANGE;
	}
	enum err e = dev_credentials_set(c, *key, value);
	return e == ERR_NOTFOUND ? ERR_OK : e;
}

static enum err json_object(struct json *j)
{
	enum { DEPTH_MAX = 3 }; /* a line, "credentials", "oscore" */
	struct reader *r = &j->r;
	if (j->depth == DEPTH_MAX)
		return ERR_SYNTAX;
	j->depth++;
	expect(r, '{');
	while (!r->err) {
		enum err e = json_member(j);
		if (e)
			return e;
		skip_spaces(r);
		if (!rd_left(r) || r->p[0] != ',')
			break;
		rd_u8(r);
	}
	expect(r, '}');
	j->depth--;
	return r->err;
}

static enum err apply_role(struct dev_credentials *c, enum dev_role role, const char *uri)
{
	struct osc_id id = c->sender_id;
	bool has = c->has_sender_id;
	c->sender_id = c->recipient_id;
	c->has_sender_id = c->has_recipient_id;
	c->recipient_id = id;
	c->has_recipient_id = has;
	if (!uri)
		return ERR_OK;
	return dev_credentials_set(c,
		span_str(role == DEV_ROLE_SERVER ? "server_uri" : "bootstrap_uri"), span_str(uri));
}

enum err dev_credentials_json(struct span line, const char *bootstrap_uri, const char *server_uri,
	struct dev_credentials *out, char *why)
{
	uint8_t text[1024];
	struct json j = {.r = rd_make(trim(line)),
		.text = wr_make(text, sizeof(text)),
		.out = out,
		.role = -1};
	memset(out, 0, sizeof(*out));
	enum err e = json_object(&j);
	if (e == ERR_OK) {
		skip_spaces(&j.r);
		e = rd_end(&j.r);
		if (e)
			j.key = SPAN_EMPTY;
	}
	if (e == ERR_OK && j.role >= 0)
		e = apply_role(out, (enum dev_role)j.role,
			j.role == DEV_ROLE_SERVER ? server_uri : bootstrap_uri);
	if (e)
		snprintf(why, DEV_REASON_MAX, "%s %.*s",
			j.key.n ? "bad value of" : "no JSON object",
			(int)(j.key.n < 40 ? j.key.n : 40), j.key.n ? (const char *)j.key.p : "");
	secret_wipe(text, sizeof(text));
	return e;
}

static bool needs_psk(const struct dev_credentials *c)
{
	return bearer_is_channel(dev_uri_bearer(span_str(c->bootstrap_uri))) ||
	       bearer_is_channel(dev_uri_bearer(span_str(c->server_uri)));
}

enum err dev_credentials_check(const struct dev_credentials *c, char *why)
{
	const char *what = NULL;
	if (!c->endpoint[0])
		what = "no endpoint";
	else if (!utf8_valid(span_str(c->endpoint)))
		what = "the endpoint is not UTF-8";
	else if (!c->bootstrap_uri[0] && !c->server_uri[0])
		what = "neither bootstrap_uri nor server_uri";
	else if (needs_psk(c) && (!c->psk_identity[0] || !c->psk_n))
		what = "a coaps URI needs psk_identity and psk_key";
	else if (!c->secret_n)
		what = "no master_secret";
	else if (!c->has_sender_id || !c->has_recipient_id)
		what = "sender_id and recipient_id must both be given (they may be empty)";
	else if (span_eq(osc_id_span(&c->sender_id), osc_id_span(&c->recipient_id)))
		what = "sender_id and recipient_id are equal";
	if (!what)
		return ERR_OK;
	snprintf(why, DEV_REASON_MAX, "%s", what);
	return ERR_STATE;
}

static enum err host_and_port(struct span s, struct span *host, struct span *port)
{
	if (s.n && s.p[0] == '[') {
		*host = cut(span_sub(s, 1, s.n), ']', &s);
		if (s.n && s.p[0] != ':')
			return ERR_SYNTAX;
		*port = span_sub(s, 1, s.n);
		return s.n == 1 ? ERR_SYNTAX : ERR_OK;
	}
	*host = cut(s, ':', port);
	return host->n < s.n && !port->n ? ERR_SYNTAX : ERR_OK;
}

static const struct scheme {
	struct span text;
	enum bearer bearer;
	uint16_t port;
} schemes[] = {
	{SPAN_LIT("coap://"), BEARER_UDP, 5683},
	{SPAN_LIT("coap+tcp://"), BEARER_TCP, 5683},
	{SPAN_LIT("coaps://"), BEARER_DTLS, 5684},
	{SPAN_LIT("coaps+tcp://"), BEARER_TLS, 5684},
};

static const struct scheme *scheme_of(struct span uri)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
		if (span_eq(span_sub(uri, 0, schemes[i].text.n), schemes[i].text))
			return &schemes[i];
	return NULL;
}

enum bearer dev_uri_bearer(struct span uri)
{
	const struct scheme *s = scheme_of(uri);
	return s ? s->bearer : BEARER_NONE;
}

enum err dev_uri_parse(struct span uri, struct span *host, uint16_t *port)
{
	const struct scheme *scheme = scheme_of(uri);
	if (!scheme)
		return ERR_UNSUPPORTED;
	struct span digits, rest = span_sub(uri, scheme->text.n, uri.n);
	uint64_t n = scheme->port;
	if (rest.n && rest.p[rest.n - 1] == '/')
		rest.n--;
	enum err e = host_and_port(rest, host, &digits);
	if (e == ERR_OK && digits.n)
		e = span_to_u64(digits, 65535, &n);
	if (e)
		return e;
	for (size_t i = 0; i < host->n; i++) {
		if (host->p[i] <= ' ' || host->p[i] == '/' || host->p[i] >= 0x7f)
			return ERR_SYNTAX;
	}
	*port = (uint16_t)n;
	return host->n && n ? ERR_OK : ERR_SYNTAX;
}

const char *dev_role_name(enum dev_role r)
{
	return r == DEV_ROLE_BOOTSTRAP ? "bootstrap" : "server";
}

static enum err derive(
	struct osc_crypto *crypto, struct span seed, const char *label, uint8_t *out, size_t n)
{
	uint8_t mac[OSC_SHA256];
	enum err e = osc_hmac256(crypto, seed, span_str(label), mac);
	if (e == ERR_OK)
		memcpy(out, mac, n);
	secret_wipe(mac, sizeof(mac));
	return e;
}

enum err dev_credentials_derive(struct osc_crypto *crypto, const char *prefix, struct span seed,
	uint32_t index, enum dev_role role, struct dev_credentials *out)
{
	enum { SECRET = 16, SALT = 8, LABEL = DEV_ENDPOINT_MAX + 32 };
	char label[LABEL];
	memset(out, 0, sizeof(*out));
	int n = snprintf(out->endpoint, sizeof(out->endpoint), "%s%06u", prefix, index);
	if (index >= 1 << 24 || n < 0 || (size_t)n >= sizeof(out->endpoint))
		return ERR_RANGE;
	snprintf(label, sizeof(label), "%s %s secret", out->endpoint, dev_role_name(role));
	enum err e = derive(crypto, seed, label, out->master_secret, SECRET);
	snprintf(label, sizeof(label), "%s %s salt", out->endpoint, dev_role_name(role));
	if (e == ERR_OK)
		e = derive(crypto, seed, label, out->master_salt, SALT);
	struct osc_id *id = &out->sender_id;
	*id = (struct osc_id){.n = 5};
	if (e == ERR_OK)
		e = derive(crypto, seed, "fleet", &id->p[1], 1);
	id->p[0] = role == DEV_ROLE_BOOTSTRAP ? 'b' : 's';
	for (size_t i = 0; i < 3; i++)
		id->p[2 + i] = (uint8_t)(index >> (16 - 8 * i));
	out->recipient_id = (struct osc_id){.n = 1, .p = {role == DEV_ROLE_BOOTSTRAP ? 1 : 2}};
	out->secret_n = SECRET;
	out->salt_n = SALT;
	out->has_sender_id = out->has_recipient_id = true;
	return e;
}

static void member_hex(struct writer *w, const char *name, struct span v)
{
	wr_fmt(w, ",\"%s\":\"", name);
	wr_hex(w, v);
	wr_str(w, "\"");
}

void dev_credentials_write_json(
	const struct dev_credentials *c, enum dev_role role, struct writer *w)
{
	wr_str(w, "{\"endpoint\":\"");
	for (const char *p = c->endpoint; *p; p++) {
		if (*p == '"' || *p == '\\')
			wr_u8(w, '\\');
		wr_u8(w, (uint8_t)*p);
	}
	wr_fmt(w, "\",\"credentials\":{\"oscore\":{\"role\":\"%s\"", dev_role_name(role));
	member_hex(w, "master_secret", span_make(c->master_secret, c->secret_n));
	member_hex(w, "master_salt", span_make(c->master_salt, c->salt_n));
	member_hex(w, "sender_id", osc_id_span(&c->recipient_id));
	member_hex(w, "recipient_id", osc_id_span(&c->sender_id));
	wr_str(w, "}}}\n");
}
