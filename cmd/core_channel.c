/* SPDX-License-Identifier: Apache-2.0 */
/* What handshakes of DTLS ask, and what is told of them. */
#include "base/text.h"
#include "cmd/core_impl.h"

#include <string.h>

static uint8_t role_of(const struct core *c, size_t listener)
{
	const struct cfg *g = c->opts.cfg;
	if (listener >= g->listen_n)
		return 0;
	return g->listen[listener].role == CFG_ROLE_BOOTSTRAP ? REC_ROLE_BOOTSTRAP
							      : REC_ROLE_SERVER;
}

bool core_psk(const struct core *c, size_t listener, struct span identity, struct channel_psk *out)
{
	const struct ep_credential *k =
		c->up ? ep_psk_find(&c->dir, role_of(c, listener), identity) : NULL;
	if (!k)
		return false;
	struct span key = ep_credential_key(k);
	out->mark = k->mark;
	out->key_n = (uint8_t)key.n;
	memcpy(out->key, key.p, key.n);
	return true;
}

bool core_credential_known(const struct core *c, size_t listener, uint64_t mark)
{
	const struct ep_credential *k = c->up ? ep_credential_by_mark(&c->dir, mark) : NULL;
	return k && ep_credential_role(k) == role_of(c, listener);
}

/* ---- certificates and raw public keys */

static void own(struct channel_owner *out, const struct endpoint *e, uint64_t mark)
{
	struct span name = ep_name(e);
	out->mark = mark;
	out->name_n = (uint8_t)name.n;
	memcpy(out->name, name.p, name.n);
}

static const struct ep_credential *find_by(
	const struct core *c, uint8_t role, enum ep_x509_by by, struct span value)
{
	uint8_t text[EP_CREDENTIAL_ID_MAX];
	struct writer w = wr_make(text, sizeof(text));
	wr_u8(&w, (uint8_t)by);
	wr_bytes(&w, value);
	return w.err || !value.n
		       ? NULL
		       : ep_credential_find(&c->dir, EP_CREDENTIAL_X509, role, wr_span(&w));
}

/* What an administrator has said, or an earlier handshake. */
static const struct ep_credential *find_certificate(
	const struct core *c, uint8_t role, const struct channel_peer *p)
{
	const struct ep_credential *k = find_by(c, role, EP_X509_SHA256, SPAN_OF(p->sha256));
	if (k || !p->trusted)
		return k;
	k = find_by(c, role, EP_X509_SUBJECT, p->subject);
	for (size_t i = 0; i < p->name_n && !k; i++)
		k = find_by(c, role, EP_X509_NAME, p->name[i]);
	return k;
}

/* The first name that is an endpoint's. */
static struct endpoint *find_named(
	const struct core *c, const struct channel_peer *p, struct span *name)
{
	struct endpoint *e = NULL;
	for (size_t i = 0; i < p->name_n && !e; i++) {
		e = ep_find(&c->dir, p->name[i]);
		*name = p->name[i];
	}
	if (!e && p->name_n)
		*name = p->name[0];
	return e;
}

/* It is made as an administrator would; an endpoint that only this would have made goes again. */
static enum err give_name(
	struct core *c, uint8_t role, struct span name, struct turn *t, struct channel_owner *out)
{
	uint8_t text[EP_CREDENTIAL_ID_MAX];
	struct writer w = wr_make(text, sizeof(text));
	bool known = ep_find(&c->dir, name) != NULL, changed;
	struct endpoint *e;
	wr_u8(&w, EP_X509_NAME);
	wr_bytes(&w, name);
	enum err err = ep_ensure(&c->dir, name, t, &e);
	if (err)
		return err;
	err = w.err ? w.err
		    : ep_credential_put(
			      &c->dir, e, EP_CREDENTIAL_X509, role, wr_span(&w), t, &changed);
	if (!err)
		own(out, e, ep_credential_of(e, EP_CREDENTIAL_X509, role)->mark);
	else if (!known) {
		turn_rec(t, REC_ENDPOINT_DEL)->del.id = e->id;
		ep_forget(&c->dir, e);
	}
	return err;
}

static enum channel_fault by_name(struct core *c, size_t listener, uint8_t role,
	const struct channel_peer *p, struct channel_owner *out)
{
	uint32_t policy = c->opts.cfg->listen[listener].certificates;
	struct span name = SPAN_EMPTY;
	const struct endpoint *e = find_named(c, p, &name);
	out->name_n = (uint8_t)name.n;
	memcpy(out->name, name.n ? name.p : out->name, name.n);
	if (!p->trusted)
		return CHANNEL_FAULT_ISSUER;
	if (e && ep_credential_of(e, EP_CREDENTIAL_X509, role))
		return CHANNEL_FAULT_OTHER;
	if ((e && e->damaged) || policy == CFG_CERTIFICATES_MAPPED ||
		(!e && policy != CFG_CERTIFICATES_ANY) || !name.n || !utf8_valid(name))
		return CHANNEL_FAULT_NAME;
	if (!p->proven)
		return CHANNEL_FAULT_NONE;
	if (c->failed || give_name(c, role, name, core_cur(c), out))
		return CHANNEL_FAULT_STORAGE;
	return CHANNEL_FAULT_NONE;
}

enum channel_fault core_channel_peer(
	struct core *c, size_t listener, const struct channel_peer *p, struct channel_owner *out)
{
	uint8_t role = role_of(c, listener);
	const struct ep_credential *k;
	*out = (struct channel_owner){.mark = 0};
	if (!c->up || !role)
		return CHANNEL_FAULT_STORAGE;
	k = p->raw_key.n ? ep_credential_find(&c->dir, EP_CREDENTIAL_RAW_KEY, role, p->raw_key)
			 : find_certificate(c, role, p);
	if (!k)
		return p->raw_key.n ? CHANNEL_FAULT_RAW_KEY : by_name(c, listener, role, p, out);
	own(out, k->endpoint, k->mark);
	return CHANNEL_FAULT_NONE;
}

const char *core_channel_failed(
	struct core *c, const struct peer *from, const struct channel_failure *f)
{
	if (c->failed)
		return NULL;
	enum ep_reason why = ep_channel_failed(c->x, from, f, core_cur(c));
	core_security(c);
	return ep_reason_info(why)->code;
}
