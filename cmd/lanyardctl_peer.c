/* SPDX-License-Identifier: Apache-2.0 */
/* certificate, rpk: by what DTLS and TLS know an endpoint, beside a PSK. */
#include "cmd/lanyardctl.h"

#include "base/text.h"
#include "oscore/crypto.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

enum { SHA256 = 32 };

/* What the two commands differ in. */
struct peer_kind {
	const char *command, *target, *list;
	const char *label; /* of PEM */
	const char *value; /* of the request */
};

static const struct peer_kind certificate = {"certificate", "/v1/endpoints/%e/credentials/x509",
	"certificates", "CERTIFICATE", "sha256"};
static const struct peer_kind rpk = {
	"rpk", "/v1/endpoints/%e/credentials/rpk", "public_keys", "PUBLIC KEY", "public_key"};

static int show(struct ctl *c, const struct peer_kind *k)
{
	static const char *const members[] = {"sha256", "subject", "name", "public_key"};
	struct ctl_reply r;
	struct ctl_table t = {0};
	int rc = ctl_call(c, "GET", ctl_target(c, k->target, c->arg[0]), NULL, 0, &r);
	struct json_object *list = rc ? NULL : ctl_member(r.json, k->list);

	if (rc == CTL_OK && !ctl_json_done(c, &r)) {
		ctl_table_row(&t, 3, "ROLE", "BY", "VALUE");
		for (size_t i = 0; list && i < json_object_array_length(list); i++) {
			struct json_object *o = json_object_array_get_idx(list, i);
			for (size_t m = 0; m < sizeof(members) / sizeof(*members); m++)
				if (ctl_member(o, members[m]))
					ctl_table_row(&t, 3, ctl_cell(c, o, "role"), members[m],
						ctl_cell(c, o, members[m]));
		}
		ctl_table_print(&t);
	}
	ctl_reply_free(&r);
	return rc;
}

/* ---- PEM */

/* The text between BEGIN and END of that label, without white space, from the arena. */
static struct span armoured(struct ctl *c, const char *text, const char *label)
{
	const char *begin = strstr(text, ctl_fmt(c, "-----BEGIN %s-----", label));
	const char *end = begin ? strstr(begin, ctl_fmt(c, "-----END %s-----", label)) : NULL;
	if (!end)
		return SPAN_EMPTY;
	begin += strlen("-----BEGIN -----") + strlen(label);
	enum err err = ERR_OK;
	struct span s = arena_dup(&c->arena, span_make(begin, (size_t)(end - begin)), &err);
	struct writer w = wr_make((void *)(uintptr_t)s.p, s.n);
	for (size_t i = 0; i < s.n && !err; i++)
		if (!memchr(" \t\r\n", s.p[i], 4))
			wr_u8(&w, s.p[i]);
	return err ? SPAN_EMPTY : wr_span(&w);
}

/* The first of that label in a file, as DER in `out`. */
static bool from_pem(struct ctl *c, const struct peer_kind *k, const char *path, struct writer *out)
{
	size_t n;
	const char *text = ctl_read_file(c, path, &n);
	if (!text)
		return false;
	struct span s = armoured(c, text, k->label);
	if (s.n && !base64_decode(s, out) && out->n)
		return true;
	ctl_fail("%s: there is no %s in PEM, or it is too long", ctl_escape(c, path), k->label);
	return false;
}

static bool sha256_of(struct span s, uint8_t out[static SHA256])
{
	void *d = osc_sha256_begin();
	osc_sha256_add(d, s);
	return !osc_sha256_end(d, out);
}

/* What is told of the file, in hex; NULL: something was said. */
static const char *value_of_pem(struct ctl *c, const struct peer_kind *k, const char *path)
{
	uint8_t der[8192], sha256[SHA256];
	char hex[2 * sizeof(der) + 1];
	struct writer w = wr_make(der, sizeof(der)), h = wr_make(hex, sizeof(hex) - 1);
	if (!from_pem(c, k, path, &w))
		return NULL;
	if (k == &rpk) {
		wr_hex(&h, wr_span(&w));
	} else if (sha256_of(wr_span(&w), sha256)) {
		wr_hex(&h, SPAN_OF(sha256));
	} else {
		ctl_fail("out of memory");
		return NULL;
	}
	hex[h.n] = '\0';
	return ctl_fmt(c, "%s", hex);
}

/* openssl writes colons between the bytes. */
static const char *without_colons(struct ctl *c, const char *s)
{
	char out[3 * SHA256 + 1];
	struct writer w = wr_make(out, sizeof(out) - 1);
	for (; *s; s++)
		if (*s != ':')
			wr_u8(&w, (uint8_t)*s);
	out[w.n] = '\0';
	return ctl_fmt(c, "%s", out);
}

/* ---- the commands */

static int put(struct ctl *c, const struct peer_kind *k, const char *member, const char *value)
{
	struct json_object *o = json_object_new_object();
	struct ctl_reply r;
	const char *role = c->opt[CTL_OPT_ROLE] ? c->opt[CTL_OPT_ROLE] : "server";

	json_object_object_add(o, "role", json_object_new_string(role));
	json_object_object_add(o, member, json_object_new_string(value));
	int rc = ctl_call(c, "PUT", ctl_target(c, k->target, c->arg[0]),
		json_object_to_json_string(o), 0, &r);
	ctl_reply_free(&r);
	json_object_put(o);
	return rc;
}

static int remove_one(struct ctl *c, const struct peer_kind *k)
{
	struct ctl_reply r;
	const char *role = c->opt[CTL_OPT_ROLE] ? c->opt[CTL_OPT_ROLE] : "server";
	int rc = ctl_call(c, "DELETE",
		ctl_query(c, ctl_target(c, k->target, c->arg[0]), "role", role), NULL, 0, &r);

	ctl_reply_free(&r);
	return rc;
}

static int run(struct ctl *c, const struct peer_kind *k)
{
	const struct ctl_command *cmd = ctl_command_find(k->command);
	const char *role = c->opt[CTL_OPT_ROLE], *pem = c->opt[CTL_OPT_PEM];
	int given = (pem != NULL) + (c->opt[CTL_OPT_FINGERPRINT] != NULL) +
		    (c->opt[CTL_OPT_SUBJECT] != NULL) + (c->opt[CTL_OPT_NAME] != NULL) +
		    (c->opt[CTL_OPT_DELETE] != NULL);

	if (given > 1)
		return ctl_usage(
			cmd, k == &rpk ? "--pem and --delete exclude each other"
				       : "--pem, --fingerprint, --subject, --name and --delete "
					 "exclude each other");
	if (role && strcmp(role, "bootstrap") && strcmp(role, "server"))
		return ctl_usage(cmd, "--role is bootstrap or server");
	if (role && !given)
		return ctl_usage(cmd, "--role goes with what is given or taken");
	if (!given)
		return show(c, k);
	if (c->opt[CTL_OPT_DELETE])
		return remove_one(c, k);
	if (c->opt[CTL_OPT_SUBJECT])
		return put(c, k, "subject", c->opt[CTL_OPT_SUBJECT]);
	if (c->opt[CTL_OPT_NAME])
		return put(c, k, "name", c->opt[CTL_OPT_NAME]);
	const char *value =
		pem ? value_of_pem(c, k, pem) : without_colons(c, c->opt[CTL_OPT_FINGERPRINT]);
	return value ? put(c, k, k->value, value) : CTL_REFUSED;
}

int ctl_certificate(struct ctl *c)
{
	return run(c, &certificate);
}

int ctl_rpk(struct ctl *c)
{
	return run(c, &rpk);
}
