/* SPDX-License-Identifier: Apache-2.0 */
/* What a simulated device is given at the factory, and the three ways to spell it. Ids are as the
 * device sees them: `sender_id` is what it puts into its requests. */
#ifndef LANYARD_DEVICE_CREDENTIALS_H
#define LANYARD_DEVICE_CREDENTIALS_H

#include "base/channel.h"
#include "base/peer.h"
#include "oscore/context.h"

enum { DEV_ENDPOINT_MAX = 255, DEV_URI_MAX = 127, DEV_SECRET_MAX = 32, DEV_REASON_MAX = 160 };

struct dev_credentials {
	char endpoint[DEV_ENDPOINT_MAX + 1];
	char bootstrap_uri[DEV_URI_MAX + 1];
	char server_uri[DEV_URI_MAX + 1]; /* not empty: the secret is the server's, no bootstrap */
	uint8_t master_secret[DEV_SECRET_MAX], master_salt[DEV_SECRET_MAX];
	uint8_t id_context[OSC_ID_CONTEXT_MAX];
	uint8_t secret_n, salt_n, id_context_n;
	/* For coaps URIs; empty: none. */
	char psk_identity[CHANNEL_IDENTITY_MAX + 1];
	uint8_t psk_n, psk_key[CHANNEL_PSK_MAX];
	bool has_id_context, has_sender_id, has_recipient_id;
	int16_t aead, hkdf; /* COSE numbers; 0: the default */
	struct osc_id sender_id, recipient_id;
};

/* Sets one of endpoint, bootstrap_uri, server_uri, psk_identity, psk_key (in hex), aead, hkdf
 * (names, or COSE numbers), master_secret, master_salt, sender_id, recipient_id and id_context (the
 * last five in hex). ERR_NOTFOUND for another key, ERR_SYNTAX or ERR_RANGE for a bad value. */
MUST_USE enum err dev_credentials_set(
	struct dev_credentials *c, struct span key, struct span value);
/* Lines of `key=value`; blank lines and those starting with '#' are skipped. On error `why`
 * (DEV_REASON_MAX bytes) says which line; secrets are not quoted. */
MUST_USE enum err dev_credentials_parse(struct span text, struct dev_credentials *out, char *why);
/* One JSON object, as in a fleet file: flat, or with the credentials inside
 * "credentials":{"oscore":{...}}. With "role" ("bootstrap" or "server") it is a line for
 * the server's import: the ids are swapped, and the URI of that role is the one given here (NULL:
 * none). Without it keys are those of dev_credentials_set. Keys that mean nothing are skipped. */
MUST_USE enum err dev_credentials_json(struct span line, const char *bootstrap_uri,
	const char *server_uri, struct dev_credentials *out, char *why);
/* ERR_STATE if something a device needs is missing or contradicts itself; `why` says what. */
MUST_USE enum err dev_credentials_check(const struct dev_credentials *c, char *why);
/* `uri` is coap://host[:port], or of the scheme coap+tcp, coaps or coaps+tcp, with nothing behind.
 * The host, without brackets, and the port (5683 by default, 5684 of coaps). ERR_SYNTAX,
 * ERR_UNSUPPORTED for another scheme. */
MUST_USE enum err dev_uri_parse(struct span uri, struct span *host, uint16_t *port);
/* By its scheme; BEARER_NONE: another one. */
enum bearer dev_uri_bearer(struct span uri);

enum dev_role { DEV_ROLE_BOOTSTRAP, DEV_ROLE_SERVER };
const char *dev_role_name(enum dev_role r);

/* Endpoint `index` (below 2^24) of the fleet of `seed`, so that whoever provisions the server needs
 * the seed alone:
 *   endpoint      PREFIX, then the index in six digits at least
 *   master_secret the first 16 bytes of HMAC-SHA-256(seed, "ENDPOINT ROLE secret")
 *   master_salt   the first 8 bytes of HMAC-SHA-256(seed, "ENDPOINT ROLE salt")
 *   sender_id     'b' or 's', the first byte of HMAC-SHA-256(seed, "fleet"), the index in 3 bytes
 *   recipient_id  01 for the bootstrap server, 02 for the server
 * ERR_RANGE. The URIs stay empty. */
MUST_USE enum err dev_credentials_derive(struct osc_crypto *crypto, const char *prefix,
	struct span seed, uint32_t index, enum dev_role role, struct dev_credentials *out);
/* The line for the server's import: {"endpoint":NAME,"credentials":{"oscore":{"role",
 * "master_secret","master_salt","sender_id","recipient_id"}}}, the ids as the server sees them, and
 * a newline. */
void dev_credentials_write_json(
	const struct dev_credentials *c, enum dev_role role, struct writer *w);

#endif
