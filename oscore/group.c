/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/group.h"

#include "base/secret.h"
#include "oscore/group_internal.h"
#include "oscore/internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- what it is made of */

static const struct osc_aead_info *enc_info(int cose)
{
	const struct osc_aead_info *a = osc_aead_info(cose);

	return a ? a : osc_ctr_info(cose);
}

static bool fits(struct span s, size_t max)
{
	return s.n > 0 && s.n <= max;
}

static size_t id_max(const struct osc_group *g)
{
	size_t n = OSC_NONCE_MAX;

	if (g->enc && g->enc->nonce_n < n)
		n = g->enc->nonce_n;
	if (g->pair && g->pair->nonce_n < n)
		n = g->pair->nonce_n;
	return n - OSC_PIV_MAX - 1;
}

static enum err check_algorithms(const struct osc_group *g, const struct osc_group_params *p)
{
	if ((p->group_enc && !g->enc) || (p->aead && !g->pair))
		return ERR_UNSUPPORTED;
	if (p->signature && p->signature != OSC_EDDSA && p->signature != OSC_ES256)
		return ERR_UNSUPPORTED;
	if (p->agreement && p->agreement != OSC_ECDH_SS_256 && p->agreement != OSC_ECDH_SS_512)
		return ERR_UNSUPPORTED;
	if (p->hkdf != ALG_HKDF_SHA256 && p->hkdf != ALG_HKDF_SHA512)
		return ERR_UNSUPPORTED;
	if (!(g->enc && g->signature) && !(g->pair && g->agreement))
		return ERR_UNSUPPORTED;
	int hash = p->hkdf == ALG_HKDF_SHA256 ? OSC_ECDH_SS_256 : OSC_ECDH_SS_512;
	return p->agreement && p->agreement != hash ? ERR_CONFLICT : ERR_OK;
}

static enum err check_lengths(const struct osc_group *g, const struct osc_group_params *p)
{
	if (!fits(p->master_secret, OSC_GROUP_SECRET_MAX) || !fits(p->gm_cred, OSC_CRED_MAX))
		return ERR_RANGE;
	if (p->master_salt.n > OSC_GROUP_SECRET_MAX || p->gid.n > OSC_ID_CONTEXT_MAX)
		return ERR_RANGE;
	if (p->sender_id.n > id_max(g) || p->members_max == 0)
		return ERR_RANGE;
	return ERR_OK;
}

static enum err copy_cred(struct span from, struct span *to)
{
	uint8_t *p = malloc(from.n);

	if (!p)
		return ERR_NOMEM;
	memcpy(p, from.p, from.n);
	*to = span_make(p, from.n);
	return ERR_OK;
}

static uint8_t copy_small(uint8_t *to, struct span from)
{
	if (from.n)
		memcpy(to, from.p, from.n);
	return (uint8_t)from.n;
}

/* The key of a credential that fits the format and the algorithms (section 2.4): the signature's,
 * or else, for key agreement, of our own kind. */
static enum err key_of(const struct osc_group *g, struct span cred, struct osc_pkey **out)
{
	*out = NULL;
	if (!fits(cred, OSC_CRED_MAX))
		return ERR_RANGE;
	enum err err = osc_cred_key(g->format, cred, out);
	if (err)
		return err;
	enum osc_curve wanted = osc_pkey_curve(*out);
	if (g->signature)
		wanted = g->signature == OSC_EDDSA ? OSC_ED25519 : OSC_P256;
	else if (g->own)
		wanted = osc_pkey_curve(g->own);
	if (osc_pkey_curve(*out) == wanted)
		return ERR_OK;
	osc_pkey_free(*out);
	*out = NULL;
	return ERR_CONFLICT;
}

/* ---- keys */

/* `alg` is the Group Encryption Algorithm, if it is set (section 2.3). */
static struct osc_params derivation(const struct osc_group *g)
{
	return (struct osc_params){
		.aead = g->enc ? g->enc->cose : g->pair->cose,
		.hkdf = g->hkdf,
		.master_secret = span_make(g->secret, g->secret_n),
		.master_salt = span_make(g->salt, g->salt_n),
		.has_id_context = true,
		.id_context = osc_group_gid(g),
	};
}

static enum err derive_key(
	struct osc_crypto *c, const struct osc_group *g, const struct osc_id *id, uint8_t *out)
{
	struct osc_params p = derivation(g);
	size_t n = g->enc ? g->enc->key_n : g->pair->key_n;

	return osc_derive_one(c, &p, osc_id_span(id), "Key", out, n);
}

static enum err derive_common(struct osc_crypto *c, struct osc_group *g)
{
	struct osc_params p = derivation(g);
	size_t nonce_n = g->enc ? g->enc->nonce_n : 0;

	if (g->pair && g->pair->nonce_n > nonce_n)
		nonce_n = g->pair->nonce_n;
	enum err err = osc_derive_one(c, &p, SPAN_EMPTY, "IV", g->common_iv, nonce_n);
	if (!err && g->enc)
		err = osc_derive_one(c, &p, SPAN_EMPTY, "SEKey", g->signature_key, g->enc->key_n);
	return err;
}

static enum err set_sender(
	struct osc_crypto *c, struct osc_group *g, const struct osc_group_params *p)
{
	struct osc_pkey *public;

	enum err err = key_of(g, p->sender_cred, &public);
	if (!err)
		err = osc_pkey_pair(public, p->private_key, &g->own);
	osc_pkey_free(public);
	if (!err)
		err = copy_cred(p->sender_cred, &g->sender_cred);
	if (!err)
		err = osc_id_set(&g->sender_id, p->sender_id);
	return err ? err : derive_key(c, g, &g->sender_id, g->sender_key);
}

/* One direction (section 2.5.1): the key of whoever sends is the salt. */
static enum err derive_pairwise(struct osc_crypto *c, const struct osc_group *g,
	const struct osc_id *id, const uint8_t *salt, struct span ikm, uint8_t *out)
{
	struct osc_params p = derivation(g);

	p.aead = g->pair->cose;
	p.master_salt = span_make(salt, g->enc ? g->enc->key_n : g->pair->key_n);
	p.master_secret = ikm;
	return osc_derive_one(c, &p, osc_id_span(id), "Key", out, g->pair->key_n);
}

enum err osc_group_pair(struct osc_crypto *c, struct osc_group *g, struct osc_member *m)
{
	uint8_t shared[OSC_SHARED], buf[2 * OSC_CRED_MAX + OSC_SHARED];
	struct writer out = wr_make(buf, sizeof(buf));

	if (m->has_pairwise)
		return ERR_OK;
	enum err err = osc_agree(g->own, m->public, shared);
	if (err)
		return err;
	wr_bytes(&out, g->sender_cred);
	wr_bytes(&out, m->cred);
	wr_bytes(&out, SPAN_OF(shared));
	err = derive_pairwise(c, g, &g->sender_id, g->sender_key, wr_span(&out), m->pairwise_out);
	out.n = 0;
	wr_bytes(&out, m->cred);
	wr_bytes(&out, g->sender_cred);
	wr_bytes(&out, SPAN_OF(shared));
	if (!err)
		err = derive_pairwise(c, g, &m->id, m->key, wr_span(&out), m->pairwise_in);
	m->has_pairwise = !err;
	secret_wipe(shared, sizeof(shared));
	secret_wipe(buf, sizeof(buf));
	return err;
}

/* ---- the group */

static struct span member_key(const void *item)
{
	return osc_id_span(&((const struct osc_member *)item)->id);
}

static enum err build(struct osc_crypto *c, const struct osc_group_params *p, struct osc_group *g)
{
	enum err err = check_algorithms(g, p);

	if (!err)
		err = check_lengths(g, p);
	if (err)
		return err;
	g->gid_n = copy_small(g->gid, p->gid);
	g->secret_n = copy_small(g->secret, p->master_secret);
	g->salt_n = copy_small(g->salt, p->master_salt);
	err = copy_cred(p->gm_cred, &g->gm_cred);
	if (!err)
		err = derive_common(c, g);
	if (!err && p->sender_cred.n)
		err = set_sender(c, g, p);
	return err;
}

enum err osc_group_new(
	struct osc_crypto *c, const struct osc_group_params *p, struct osc_group **out)
{
	/* ids come from the Group Manager, not from whoever sends: nobody else chooses collisions
	 */
	static const uint8_t seed[16];
	struct osc_group *g = malloc(sizeof(*g));

	*out = NULL;
	if (!g)
		return ERR_NOMEM;
	*g = (struct osc_group){
		.enc = p->group_enc ? enc_info(p->group_enc) : NULL,
		.pair = p->aead ? osc_aead_info(p->aead) : NULL,
		.ctr = p->group_enc && osc_ctr_info(p->group_enc),
		.signature = p->signature,
		.agreement = p->agreement,
		.hkdf = p->hkdf,
		.format = p->format,
		.four_elements = p->four_elements,
		.deleted = p->deleted,
		.window_width = p->window_width,
		.members_max = p->members_max,
	};
	map_init(&g->members, member_key, seed);
	enum err err = build(c, p, g);
	if (err)
		osc_group_free(g);
	else
		*out = g;
	return err;
}

static void member_free(struct osc_member *m)
{
	osc_pkey_free(m->public);
	free((void *)m->cred.p);
	secret_wipe(m, sizeof(*m));
	free(m);
}

void osc_group_free(struct osc_group *g)
{
	struct osc_member *m;
	size_t cursor = 0;

	if (!g)
		return;
	while ((m = map_next(&g->members, &cursor)))
		member_free(m);
	map_fini(&g->members);
	osc_pkey_free(g->own);
	free((void *)g->gm_cred.p);
	free((void *)g->sender_cred.p);
	secret_wipe(g, sizeof(*g));
	free(g);
}

struct span osc_group_gid(const struct osc_group *g)
{
	return span_make(g->gid, g->gid_n);
}

const struct osc_aead_info *osc_group_alg(const struct osc_group *g, bool group)
{
	if (group)
		return g->signature ? g->enc : NULL;
	return g->agreement && g->own ? g->pair : NULL;
}

bool osc_group_has_pairwise(const struct osc_group *g)
{
	return osc_group_alg(g, false);
}

bool osc_group_deleted(const struct osc_group *g)
{
	return g->deleted;
}

size_t osc_group_members(const struct osc_group *g)
{
	return g->members.count;
}

/* ---- its members */

struct osc_member *osc_group_find(const struct osc_group *g, struct span id)
{
	return map_get(&g->members, id);
}

static enum err member_build(
	struct osc_crypto *c, struct osc_group *g, struct span cred, struct osc_member *m)
{
	enum err err = key_of(g, cred, &m->public);

	if (!err)
		err = copy_cred(cred, &m->cred);
	if (!err)
		err = derive_key(c, g, &m->id, m->key);
	return err ? err : map_put(&g->members, m);
}

enum err osc_group_add(struct osc_crypto *c, struct osc_group *g, struct span id, struct span cred,
	struct osc_member **out)
{
	*out = NULL;
	if (id.n > id_max(g))
		return ERR_RANGE;
	if (g->own && span_eq(id, osc_id_span(&g->sender_id)))
		return ERR_CONFLICT;
	if (osc_group_find(g, id))
		return ERR_EXISTS;
	if (g->members.count >= g->members_max)
		return ERR_LIMIT;
	struct osc_member *m = calloc(1, sizeof(*m));
	if (!m)
		return ERR_NOMEM;
	m->stale = g->deleted;
	m->heard = ++g->clock;
	osc_window_init(&m->window, g->window_width);
	enum err err = osc_id_set(&m->id, id);
	if (!err)
		err = member_build(c, g, cred, m);
	if (err)
		member_free(m);
	else
		*out = m;
	return err;
}

struct osc_member *osc_group_oldest(const struct osc_group *g)
{
	struct osc_member *m, *oldest = NULL;
	size_t cursor = 0;

	while ((m = map_next(&g->members, &cursor))) {
		if (!oldest || m->heard < oldest->heard)
			oldest = m;
	}
	return oldest;
}

void osc_group_remove(struct osc_group *g, struct osc_member *m)
{
	g->deleted = true;
	map_remove(&g->members, m);
	member_free(m);
}

enum err osc_group_forget(struct osc_group *g, struct osc_member *m)
{
	if (m->window.any)
		return ERR_STATE;
	map_remove(&g->members, m);
	member_free(m);
	return ERR_OK;
}

uint64_t osc_group_echo_id(const struct osc_group *g, const struct osc_member *m)
{
	uint8_t buf[1 + OSC_ID_CONTEXT_MAX + OSC_ID_MAX];
	struct writer w = wr_make(buf, sizeof(buf));

	wr_u8(&w, g->gid_n);
	wr_bytes(&w, osc_group_gid(g));
	wr_bytes(&w, osc_id_span(&m->id));
	return siphash24(g->sender_key, wr_span(&w));
}

bool osc_group_accept(
	struct osc_group *g, struct osc_member *m, const struct osc_group_binding *b, bool echoed)
{
	uint64_t number = osc_piv_number(&b->piv);
	bool counts = echoed && (!b->group || !osc_group_has_pairwise(g));

	m->heard = ++g->clock;
	if (m->stale && counts) {
		osc_window_seal(&m->window, number);
		m->stale = false;
		return true;
	}
	osc_window_update(&m->window, number);
	return !m->stale;
}
