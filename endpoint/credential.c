/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint/credential.h"

#include "base/secret.h"
#include "endpoint/endpoint.h"

#include <stdlib.h>
#include <string.h>

enum { HEAD = 2 }; /* kind and role */

uint8_t ep_credential_role(const struct ep_credential *c)
{
	return c->bytes[1];
}

struct span ep_credential_identity(const struct ep_credential *c)
{
	return span_make(&c->bytes[HEAD], c->identity_n);
}

struct span ep_credential_key(const struct ep_credential *c)
{
	return span_make(&c->bytes[HEAD + c->identity_n], c->key_n);
}

static size_t size_of(const struct ep_credential *c)
{
	return sizeof(*c) + HEAD + c->identity_n + c->key_n;
}

static struct span key_name(const void *item)
{
	const struct ep_credential *c = item;
	return span_make(c->bytes, HEAD + (size_t)c->identity_n);
}

static struct span key_mark(const void *item)
{
	const struct ep_credential *c = item;
	return span_make(&c->mark, sizeof(c->mark));
}

void ep_credentials_init(struct ep_directory *d, const uint8_t seed[static 16])
{
	map_init(&d->by_identity, key_name, seed);
	map_init(&d->by_mark, key_mark, seed);
}

void ep_credentials_fini(struct ep_directory *d)
{
	map_fini(&d->by_identity);
	map_fini(&d->by_mark);
}

const char *ep_require_name(uint8_t require)
{
	static const char *const names[] = {"any", "oscore", "dtls", "oscore+dtls"};
	return names[require & 3];
}

uint8_t ep_require_of(const struct endpoint *e)
{
	return e->own ? e->own->require : EP_REQUIRE_ANY;
}

const char *ep_security_text(const struct ep_context *c, const struct peer *from)
{
	static const char *const texts[2][3] = {
		{"nosec", "dtls", "tls"}, {"oscore", "oscore+dtls", "oscore+tls"}};
	uint8_t bearer = from ? from->bearer : BEARER_NONE;
	return texts[c != NULL][bearer == BEARER_DTLS ? 1 : bearer == BEARER_TLS ? 2 : 0];
}

bool ep_has_credentials(const struct endpoint *e)
{
	return e->own && e->own->credentials;
}

static struct ep_credential **place_of(const struct endpoint *e, uint8_t kind, uint8_t role)
{
	struct ep_credential **at = &e->own->credentials;
	while (*at && ((*at)->bytes[0] != kind || (*at)->bytes[1] != role))
		at = &(*at)->next;
	return at;
}

const struct ep_credential *ep_credential_of(const struct endpoint *e, uint8_t kind, uint8_t role)
{
	return e->own ? *place_of(e, kind, role) : NULL;
}

const struct ep_credential *ep_psk_of(const struct endpoint *e, uint8_t role)
{
	return ep_credential_of(e, EP_CREDENTIAL_PSK, role);
}

bool ep_has_credential(const struct endpoint *e, uint8_t role)
{
	const struct ep_credential *c = e->own ? e->own->credentials : NULL;
	while (c && ep_credential_role(c) != role)
		c = c->next;
	return c != NULL;
}

/* The map hashes under a key of its own before it compares: how long that takes tells nothing of
 * what others have. */
const struct ep_credential *ep_credential_find(
	const struct ep_directory *d, uint8_t kind, uint8_t role, struct span identity)
{
	uint8_t name[HEAD + EP_CREDENTIAL_ID_MAX] = {kind, role};
	if (!identity.n || identity.n > EP_CREDENTIAL_ID_MAX)
		return NULL;
	memcpy(&name[HEAD], identity.p, identity.n);
	return map_get(&d->by_identity, span_make(name, HEAD + identity.n));
}

const struct ep_credential *ep_psk_find(
	const struct ep_directory *d, uint8_t role, struct span identity)
{
	return ep_credential_find(d, EP_CREDENTIAL_PSK, role, identity);
}

const struct ep_credential *ep_credential_by_mark(const struct ep_directory *d, uint64_t mark)
{
	return mark ? map_get(&d->by_mark, span_make(&mark, sizeof(mark))) : NULL;
}

/* The same after every start, so that a channel outlives a storage failure; another one for another
 * endpoint, identity or key. */
static uint64_t mark_of(const struct ep_directory *d, const struct ep_credential *c)
{
	uint8_t text[8 + HEAD + EP_CREDENTIAL_ID_MAX + EP_PSK_MAX];
	struct writer w = wr_make(text, sizeof(text));
	wr_u32(&w, (uint32_t)(c->endpoint->id >> 32));
	wr_u32(&w, (uint32_t)c->endpoint->id);
	wr_bytes(&w, span_make(c->bytes, HEAD + (size_t)c->identity_n + c->key_n));
	uint64_t mark = siphash24(d->credential_key, wr_span(&w));
	secret_wipe(text, sizeof(text));
	return mark ? mark : 1;
}

static struct ep_credential *credential_new(struct ep_directory *d, struct endpoint *e,
	uint8_t kind, uint8_t role, struct span identity, struct span key)
{
	struct ep_credential *c = calloc(1, sizeof(*c) + HEAD + identity.n + key.n);
	if (!c)
		return NULL;
	c->endpoint = e;
	c->identity_n = (uint8_t)identity.n;
	c->key_n = (uint8_t)key.n;
	c->bytes[0] = kind;
	c->bytes[1] = role;
	memcpy(&c->bytes[HEAD], identity.p, identity.n);
	if (key.n)
		memcpy(&c->bytes[HEAD + identity.n], key.p, key.n);
	c->mark = mark_of(d, c);
	return c;
}

static void credential_free(struct ep_credential *c)
{
	secret_wipe(c, size_of(c));
	free(c);
}

static void take_out(struct ep_directory *d, struct ep_credential **at)
{
	struct ep_credential *c = *at;
	*at = c->next;
	map_remove(&d->by_identity, c);
	map_remove(&d->by_mark, c);
	credential_free(c);
}

/* Into the indexes and the endpoint's list. */
static enum err put_in(struct ep_directory *d, struct ep_credential *c)
{
	struct ep_own *own = c->endpoint->own;
	enum err err = map_put(&d->by_identity, c);
	if (err)
		return err;
	err = map_put(&d->by_mark, c);
	if (err) {
		map_remove(&d->by_identity, c);
		return err == ERR_EXISTS ? ERR_CONFLICT : err;
	}
	c->next = own->credentials;
	own->credentials = c;
	return ERR_OK;
}

static bool psk_good(uint8_t role, struct span identity, struct span key)
{
	return (role == REC_ROLE_SERVER || role == REC_ROLE_BOOTSTRAP) && identity.n &&
	       identity.n <= EP_IDENTITY_MAX && !memchr(identity.p, 0, identity.n) &&
	       key.n >= EP_PSK_MIN && key.n <= EP_PSK_MAX;
}

/* A SubjectPublicKeyInfo of that curve has one form, up to its point (RFC 5480). */
static bool raw_key_good(struct span identity)
{
	static const uint8_t head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce,
		0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03,
		0x42, 0x00, 0x04};
	return identity.n == CHANNEL_SPKI_BYTES &&
	       span_eq(span_sub(identity, 0, sizeof(head)), SPAN_OF(head));
}

static bool x509_good(struct span identity)
{
	struct span value = span_sub(identity, 1, identity.n);
	if (!value.n || identity.n > EP_CREDENTIAL_ID_MAX)
		return false;
	switch ((enum ep_x509_by)identity.p[0]) {
	case EP_X509_SHA256:
		return value.n == CHANNEL_SHA256;
	case EP_X509_SUBJECT:
	case EP_X509_NAME:
		return !memchr(value.p, 0, value.n);
	}
	return false;
}

static bool good(uint8_t kind, uint8_t role, struct span identity, struct span key)
{
	if (kind == EP_CREDENTIAL_PSK)
		return psk_good(role, identity, key);
	return (role == REC_ROLE_SERVER || role == REC_ROLE_BOOTSTRAP) && !key.n &&
	       ((kind == EP_CREDENTIAL_X509 && x509_good(identity)) ||
		       (kind == EP_CREDENTIAL_RAW_KEY && raw_key_good(identity)));
}

static enum err put(struct ep_directory *d, struct endpoint *e, uint8_t kind, uint8_t role,
	struct span identity, struct span key)
{
	if (!ep_has_own(e))
		return ERR_NOMEM;
	struct ep_credential *c = credential_new(d, e, kind, role, identity, key);
	if (!c)
		return ERR_NOMEM;
	struct ep_credential **at = place_of(e, kind, role);
	const struct ep_credential *taken = map_get(&d->by_identity, key_name(c));
	enum err err = taken && taken != *at ? ERR_EXISTS : ERR_OK;
	/* From here on nothing fails for want of memory: what goes leaves its room in the maps. So
	 * there is the old one, or the new one. */
	if (!err && *at)
		take_out(d, at);
	if (!err)
		err = put_in(d, c);
	if (err)
		credential_free(c);
	return err;
}

static enum err put_recorded(struct ep_directory *d, struct endpoint *e,
	const struct rec_credential *r, struct turn *t, bool *changed)
{
	const struct ep_credential *old = ep_credential_of(e, r->kind, r->role);
	if (!good(r->kind, r->role, r->identity, r->key))
		return ERR_RANGE;
	*changed = !old || !span_eq(ep_credential_identity(old), r->identity) ||
		   !secret_eq(ep_credential_key(old), r->key);
	if (!*changed)
		return ERR_OK;
	enum err err = put(d, e, r->kind, r->role, r->identity, r->key);
	if (err)
		return err;
	struct rec_credential *out = &turn_rec(t, REC_CREDENTIAL_PUT)->credential;
	*out = *r;
	out->identity = turn_dup(t, r->identity);
	out->key = turn_dup(t, r->key);
	return ERR_OK;
}

enum err ep_psk_put(struct ep_directory *d, struct endpoint *e, uint8_t role, struct span identity,
	struct span key, struct turn *t, bool *changed)
{
	struct rec_credential r = {e->id, EP_CREDENTIAL_PSK, role, identity, key};
	return put_recorded(d, e, &r, t, changed);
}

enum err ep_credential_put(struct ep_directory *d, struct endpoint *e, uint8_t kind, uint8_t role,
	struct span identity, struct turn *t, bool *changed)
{
	struct rec_credential r = {e->id, kind, role, identity, SPAN_EMPTY};
	return kind == EP_CREDENTIAL_PSK ? ERR_RANGE : put_recorded(d, e, &r, t, changed);
}

enum err ep_credential_remove(
	struct ep_directory *d, struct endpoint *e, uint8_t kind, uint8_t role, struct turn *t)
{
	if (!ep_credential_of(e, kind, role))
		return ERR_NOTFOUND;
	take_out(d, place_of(e, kind, role));
	turn_rec(t, REC_CREDENTIAL_DEL)->credential =
		(struct rec_credential){.endpoint_id = e->id, .kind = kind, .role = role};
	return ERR_OK;
}

enum err ep_load_credential(
	struct ep_directory *d, struct endpoint *e, const struct rec_credential *r)
{
	if (!good(r->kind, r->role, r->identity, r->key))
		return ERR_RANGE;
	return put(d, e, r->kind, r->role, r->identity, r->key);
}

void ep_credentials_forget(struct ep_directory *d, struct endpoint *e)
{
	while (e->own && e->own->credentials)
		take_out(d, &e->own->credentials);
}
