/* SPDX-License-Identifier: Apache-2.0 */
/* By what an endpoint is known to DTLS and TLS: kept beside its OSCORE contexts, and what has to
 * protect its messages. */
#ifndef LANYARD_ENDPOINT_CREDENTIAL_H
#define LANYARD_ENDPOINT_CREDENTIAL_H

#include "base/channel.h"
#include "endpoint/turn.h"

struct endpoint;
struct ep_directory;

enum ep_credential_kind {
	EP_CREDENTIAL_PSK = 1, /* identity and key (RFC 4279) */
	EP_CREDENTIAL_X509,    /* by what a certificate is known */
	EP_CREDENTIAL_RAW_KEY, /* a SubjectPublicKeyInfo (RFC 7250) */
};

/* The first byte of what a certificate is known by. */
enum ep_x509_by {
	EP_X509_SHA256 = 'f',  /* 32 bytes: this very certificate, whoever signed it */
	EP_X509_SUBJECT = 's', /* as RFC 2253 writes it */
	EP_X509_NAME = 'n',    /* the common name, a DNS name or a URI */
};

enum {
	EP_IDENTITY_MAX = CHANNEL_IDENTITY_MAX, /* of a PSK */
	EP_PSK_MIN = 16,
	EP_PSK_MAX = CHANNEL_PSK_MAX,
	EP_CREDENTIAL_ID_MAX = 1 + CHANNEL_NAME_MAX /* of any kind */
};

/* At most one of a kind for each role. The bytes are kind, role, identity and, of a PSK, key. */
struct ep_credential {
	struct ep_credential *next; /* of the endpoint */
	struct endpoint *endpoint;
	uint64_t mark; /* never 0: changes with anything that is said here */
	uint8_t identity_n, key_n;
	uint8_t bytes[];
};

uint8_t ep_credential_role(const struct ep_credential *c);
struct span ep_credential_identity(const struct ep_credential *c);
struct span ep_credential_key(const struct ep_credential *c);

/* What has to protect a message, as bits: both of them, or any if none is set. A message that
 * nothing protects is a matter of its own. */
enum ep_require { EP_REQUIRE_ANY = 0, EP_REQUIRE_OSCORE = 1, EP_REQUIRE_CHANNEL = 2 };
/* "any", "oscore", "dtls", "oscore+dtls". */
const char *ep_require_name(uint8_t require);
/* What protects whoever speaks under c (or NULL) from there (or NULL: nobody knows): "oscore",
 * "dtls", "tls", "oscore+dtls", "oscore+tls", "nosec". */
struct ep_context;
const char *ep_security_text(const struct ep_context *c, const struct peer *from);
uint8_t ep_require_of(const struct endpoint *e);
/* ERR_NOMEM. The caller records with ep_record. */
MUST_USE enum err ep_set_require(struct endpoint *e, uint8_t require);

/* Gives e a PSK in place of the one it has in that role; recorded. The identity is 1 to 128 bytes
 * without NUL (OpenSSL takes it for text), the key 16 to 64. ERR_RANGE; ERR_EXISTS: another
 * endpoint has that identity in that role; ERR_NOMEM. *changed: it was not there already. */
MUST_USE enum err ep_psk_put(struct ep_directory *d, struct endpoint *e, uint8_t role,
	struct span identity, struct span key, struct turn *t, bool *changed);
/* The one of e in that role; NULL: none. */
const struct ep_credential *ep_psk_of(const struct endpoint *e, uint8_t role);
/* Gives e a certificate (the identity is what ep_x509_by says and its value) or a raw public key of
 * P-256, uncompressed, in place of the one of that kind and role; recorded. Errors as of
 * ep_psk_put. */
MUST_USE enum err ep_credential_put(struct ep_directory *d, struct endpoint *e, uint8_t kind,
	uint8_t role, struct span identity, struct turn *t, bool *changed);
/* Of any kind. ERR_NOTFOUND. */
MUST_USE enum err ep_credential_remove(
	struct ep_directory *d, struct endpoint *e, uint8_t kind, uint8_t role, struct turn *t);
/* The one of e; NULL: none. */
const struct ep_credential *ep_credential_of(const struct endpoint *e, uint8_t kind, uint8_t role);
/* NULL: nobody has it. */
const struct ep_credential *ep_credential_find(
	const struct ep_directory *d, uint8_t kind, uint8_t role, struct span identity);
bool ep_has_credentials(const struct endpoint *e);
/* Of any kind, in that role. */
bool ep_has_credential(const struct endpoint *e, uint8_t role);
/* NULL: nobody has it. */
const struct ep_credential *ep_psk_find(
	const struct ep_directory *d, uint8_t role, struct span identity);
/* NULL: there is no such credential, or none any more. */
const struct ep_credential *ep_credential_by_mark(const struct ep_directory *d, uint64_t mark);

struct rec_credential;
/* ERR_RANGE, ERR_EXISTS, ERR_NOMEM. */
MUST_USE enum err ep_load_credential(
	struct ep_directory *d, struct endpoint *e, const struct rec_credential *r);
/* Wiped and forgotten, unrecorded: the endpoint goes. */
void ep_credentials_forget(struct ep_directory *d, struct endpoint *e);

void ep_credentials_init(struct ep_directory *d, const uint8_t seed[static 16]);
void ep_credentials_fini(struct ep_directory *d);

#endif
