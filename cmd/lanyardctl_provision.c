/* SPDX-License-Identifier: Apache-2.0 */
/* provision: OSCORE credentials, drawn here or brought from a file. */
#include "cmd/lanyardctl.h"

#include "base/alg.h"
#include "base/secret.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	SECRET_BYTES = 16,
	SALT_BYTES = 8,
	SENDER_BYTES = 1,
	RECIPIENT_BYTES = 5,
	ID_CONTEXT_BYTES = 8,
	TRIES = 8
};

/* In hex, ids as the server sees them: the device's Sender ID is our Recipient ID. */
struct drawn {
	char secret[2 * SECRET_BYTES + 1], salt[2 * SALT_BYTES + 1];
	char sender_id[2 * SENDER_BYTES + 1], recipient_id[2 * RECIPIENT_BYTES + 1];
	char id_context[2 * ID_CONTEXT_BYTES + 1];
	const char *endpoint, *role, *uri; /* uri NULL: not given */
	bool bootstrap, has_id_context;
	int aead, hkdf;
};

static void draw_hex(char *out, size_t bytes)
{
	uint8_t raw[32];
	struct rng rng = rng_system();
	struct writer w = wr_make(out, 2 * bytes);

	rng_fill(&rng, raw, bytes);
	wr_hex(&w, span_make(raw, bytes));
	out[w.n] = '\0';
	secret_wipe(raw, sizeof(raw));
}

static void draw(struct drawn *d)
{
	draw_hex(d->secret, SECRET_BYTES);
	draw_hex(d->salt, SALT_BYTES);
	draw_hex(d->sender_id, SENDER_BYTES);
	/* The AES-CCM-64 forms have a nonce of 7 bytes, which leaves one for an id (RFC 8613
	 * section 3.3). */
	bool small = strncmp(alg_aead_name(d->aead), "AES-CCM-64-", 11) == 0;
	draw_hex(d->recipient_id, small ? 1 : RECIPIENT_BYTES);
	if (d->has_id_context)
		draw_hex(d->id_context, ID_CONTEXT_BYTES);
}

/* `text` if it is wanted; for a format's optional part. */
static const char *when(bool wanted, const char *text)
{
	return wanted ? text : "";
}

static int put(struct ctl *c, const char *body, int quiet_status, int *status)
{
	struct ctl_reply r;
	int rc = ctl_call(c, "PUT", ctl_target(c, "/v1/endpoints/%e/credentials/oscore", c->arg[0]),
		body, quiet_status, &r);

	*status = r.status;
	ctl_reply_free(&r);
	return rc;
}

/* 409: somebody has that Recipient ID already. Another draw, a few times. */
static int generate(struct ctl *c, struct drawn *d)
{
	int rc = CTL_OK, status = 409;

	for (int i = 1; rc == CTL_OK && status == 409 && i <= TRIES; i++) {
		char body[512];

		draw(d);
		snprintf(body, sizeof(body),
			"{\"master_secret\":\"%s\",\"master_salt\":\"%s\",\"sender_id\":\"%s\","
			"\"recipient_id\":\"%s\",\"role\":\"%s\",\"aead\":%d,\"hkdf\":%d%s%s%s}",
			d->secret, d->salt, d->sender_id, d->recipient_id, d->role, d->aead,
			d->hkdf, when(d->has_id_context, ",\"id_context\":\""), d->id_context,
			when(d->has_id_context, "\""));
		rc = put(c, body, i < TRIES ? 409 : 0, &status);
		secret_wipe(body, sizeof(body));
	}
	return rc;
}

/* New credentials cut a device off that uses the old ones: only when that is meant. */
static int check_free(struct ctl *c, const struct drawn *d)
{
	struct ctl_reply r;
	struct json_object *list;
	bool taken = false;
	int rc = ctl_call(c, "GET", ctl_target(c, "/v1/endpoints/%e/credentials/oscore", c->arg[0]),
		NULL, 404, &r);
	if (r.status == 404)
		rc = CTL_OK;
	else if (rc == CTL_OK && json_object_object_get_ex(r.json, "contexts", &list))
		for (size_t i = 0; i < json_object_array_length(list); i++) {
			struct json_object *role;
			json_object_object_get_ex(
				json_object_array_get_idx(list, i), "role", &role);
			taken = taken || !strcmp(json_object_get_string(role), d->role);
		}
	ctl_reply_free(&r);
	if (taken)
		return ctl_fail(
			"this endpoint has %s credentials already; --replace puts new ones in "
			"their place and cuts a device off that uses them",
			d->role);
	return rc;
}

static const char *uri_key(const struct drawn *d)
{
	return d->bootstrap ? "bootstrap_uri" : "server_uri";
}

static void json_out(const struct drawn *d)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "endpoint", json_object_new_string(d->endpoint));
	json_object_object_add(o, "role", json_object_new_string(d->role));
	if (d->uri)
		json_object_object_add(o, uri_key(d), json_object_new_string(d->uri));
	json_object_object_add(o, "master_secret", json_object_new_string(d->secret));
	json_object_object_add(o, "master_salt", json_object_new_string(d->salt));
	json_object_object_add(o, "device_sender_id", json_object_new_string(d->recipient_id));
	json_object_object_add(o, "device_recipient_id", json_object_new_string(d->sender_id));
	if (d->has_id_context)
		json_object_object_add(o, "id_context", json_object_new_string(d->id_context));
	json_object_object_add(o, "aead", json_object_new_string(alg_aead_name(d->aead)));
	json_object_object_add(o, "hkdf", json_object_new_string(alg_hkdf_name(d->hkdf)));
	printf("%s\n", json_object_to_json_string_ext(
			       o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

static void table_out(struct ctl *c, const struct drawn *d)
{
	struct ctl_table t = {0};

	ctl_table_row(&t, 2, "endpoint", ctl_escape(c, d->endpoint));
	ctl_table_row(&t, 2, "role", d->role);
	if (d->uri)
		ctl_table_row(&t, 2, uri_key(d), ctl_escape(c, d->uri));
	ctl_table_row(&t, 2, "master_secret", d->secret);
	ctl_table_row(&t, 2, "master_salt", d->salt);
	ctl_table_row(&t, 2, "device sender_id", d->recipient_id);
	ctl_table_row(&t, 2, "device recipient_id", d->sender_id);
	if (d->has_id_context)
		ctl_table_row(&t, 2, "id_context", d->id_context);
	ctl_table_row(&t, 2, "aead", alg_aead_name(d->aead));
	ctl_table_row(&t, 2, "hkdf", alg_hkdf_name(d->hkdf));
	ctl_table_print(&t);
	if (c->opt[CTL_OPT_DEVICE_FILE])
		printf("\nwritten to %s\n", c->opt[CTL_OPT_DEVICE_FILE]);
	printf("\nThe secret is shown this once: nobody can read it from the server again.\n");
}

/* Made before anything is provisioned, so that a secret is never drawn for nothing. */
static int device_file_open(const char *path, int *fd)
{
	*fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd >= 0)
		return CTL_OK;
	return ctl_fail("cannot make %s: %s%s", path, strerror(errno),
		errno == EEXIST ? "; a device file is never overwritten" : "");
}

static int device_file_write(int fd, const char *path, const struct drawn *d)
{
	char text[1024];
	int n = snprintf(text, sizeof(text),
		"endpoint=%s\n%s%s=%s\nmaster_secret=%s\nmaster_salt=%s\nsender_id=%s\n"
		"recipient_id=%s\naead=%s\nhkdf=%s\n%s%s%s",
		d->endpoint, d->uri ? "" : "# ", uri_key(d), d->uri ? d->uri : "coap://HOST",
		d->secret, d->salt, d->recipient_id, d->sender_id, alg_aead_name(d->aead),
		alg_hkdf_name(d->hkdf), when(d->has_id_context, "id_context="), d->id_context,
		when(d->has_id_context, "\n"));
	bool good = n > 0 && (size_t)n < sizeof(text) && write(fd, text, (size_t)n) == n &&
		    fsync(fd) == 0;

	secret_wipe(text, sizeof(text));
	return good ? CTL_OK : ctl_fail("cannot write %s: %s", path, strerror(errno));
}

/* What is not lost when the file fails: the output still has the secret. */
static int finish(struct ctl *c, const struct drawn *d, int fd)
{
	int rc = CTL_OK;

	if (fd >= 0)
		rc = device_file_write(fd, c->opt[CTL_OPT_DEVICE_FILE], d);
	if (c->opt[CTL_OPT_JSON])
		json_out(d);
	else
		table_out(c, d);
	return rc;
}

static int provision_drawn(struct ctl *c, struct drawn *d)
{
	const char *path = c->opt[CTL_OPT_DEVICE_FILE];
	int fd = -1, rc = CTL_OK;

	if (path)
		rc = device_file_open(path, &fd);
	if (rc == CTL_OK && !c->opt[CTL_OPT_REPLACE])
		rc = check_free(c, d);
	if (rc == CTL_OK)
		rc = generate(c, d);
	if (rc && fd >= 0)
		unlink(path);
	if (rc == CTL_OK)
		rc = finish(c, d, fd);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int provision_file(struct ctl *c)
{
	size_t n;
	int status;
	const char *text = ctl_read_file(c, c->opt[CTL_OPT_FROM], &n);

	return text ? put(c, text, 0, &status) : CTL_REFUSED;
}

/* A line of a device file must not be more than one. */
static bool one_line(const char *s)
{
	return !s || !s[strcspn(s, "\r\n")];
}

static int algorithms(struct ctl *c, struct drawn *d)
{
	const struct ctl_command *cmd = ctl_command_find("provision");
	const char *aead = c->opt[CTL_OPT_AEAD], *hkdf = c->opt[CTL_OPT_HKDF];

	d->aead = ALG_AES_CCM_16_64_128;
	d->hkdf = ALG_HKDF_SHA256;
	d->has_id_context = c->opt[CTL_OPT_ID_CONTEXT] != NULL;
	if (c->opt[CTL_OPT_FROM] && (aead || hkdf || d->has_id_context))
		return ctl_usage(cmd, "--aead, --hkdf and --id-context go with --generate");
	if (aead && !alg_aead_by_name(span_str(aead), &d->aead))
		return ctl_usage(
			cmd, "there is no AEAD algorithm of that name; see lanyard-oscore(7)");
	if (hkdf && !alg_hkdf_by_name(span_str(hkdf), &d->hkdf))
		return ctl_usage(cmd, "--hkdf is HKDF-SHA-256 or HKDF-SHA-512");
	return CTL_OK;
}

int ctl_provision(struct ctl *c)
{
	const struct ctl_command *cmd = ctl_command_find("provision");
	struct drawn d = {.endpoint = c->arg[0], .uri = c->opt[CTL_OPT_SERVER_URI]};
	int rc;

	d.role = c->opt[CTL_OPT_ROLE] ? c->opt[CTL_OPT_ROLE] : "bootstrap";
	d.bootstrap = strcmp(d.role, "bootstrap") == 0;
	if (!d.bootstrap && strcmp(d.role, "server") != 0)
		return ctl_usage(cmd, "--role is bootstrap or server");
	if (!c->opt[CTL_OPT_GENERATE] == !c->opt[CTL_OPT_FROM])
		return ctl_usage(cmd, "provision needs either --generate or --from FILE");
	if (c->opt[CTL_OPT_FROM] && (c->opt[CTL_OPT_ROLE] || d.uri || c->opt[CTL_OPT_DEVICE_FILE]))
		return ctl_usage(cmd, "--role, --server-uri and --device-file go with --generate");
	if (c->opt[CTL_OPT_FROM] && c->opt[CTL_OPT_REPLACE])
		return ctl_usage(
			cmd, "--replace goes with --generate; --from says itself what it wants");
	if (!one_line(d.endpoint) || !one_line(d.uri))
		return ctl_usage(cmd, "a name or URI has no line ends");
	rc = algorithms(c, &d);
	if (rc)
		return rc;
	if (c->opt[CTL_OPT_FROM])
		return provision_file(c);
	rc = provision_drawn(c, &d);
	secret_wipe(&d, sizeof(d));
	return rc;
}
