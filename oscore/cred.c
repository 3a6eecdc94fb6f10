/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/cred.h"

#include "oscore/internal.h"

#include <string.h>

enum { CBOR_MAP = 5, CBOR_TAG = 6, CBOR_OTHER = 7, DEPTH_MAX = 6 };
enum { CLAIM_CNF = 8, CNF_KEY = 1 };
enum { KEY_KTY = 1, KEY_ALG = 3, KEY_CRV = -1, KEY_X = -2, KEY_Y = -3 };
enum { KTY_OKP = 1, KTY_EC2 = 2, COORDINATE = 32 };

struct head {
	uint8_t major, info;
	uint64_t v;
};

/* A reader of its own, which knows what the few maps of a credential need: definite lengths, and a
 * bound to nesting. */
static struct head read_head(struct reader *r)
{
	uint8_t first = rd_u8(r);
	struct head h = {.major = first >> 5, .info = first & 0x1f};

	h.v = h.info;
	if (h.info >= 24 && h.info < 28)
		h.v = rd_uint(r, (size_t)1 << (h.info - 24));
	else if (h.info >= 28)
		rd_fail(r, ERR_SYNTAX);
	return h;
}

/* Walks over items until `left` is used up; a count that the bytes cannot hold ends at their end.
 */
static void skip(struct reader *r)
{
	uint64_t left[DEPTH_MAX] = {1};
	size_t depth = 0;

	while (!r->err) {
		if (left[depth] == 0 && depth-- == 0)
			return;
		if (left[depth] == 0)
			continue;
		left[depth]--;
		struct head h = read_head(r);
		bool string = h.major == CBOR_BYTES || h.major == CBOR_TEXT;
		bool inner = h.major == CBOR_ARRAY || h.major == CBOR_MAP || h.major == CBOR_TAG;
		if (string && h.v > rd_left(r))
			rd_fail(r, ERR_SYNTAX);
		else if (string)
			(void)rd_bytes(r, (size_t)h.v);
		if (!inner)
			continue;
		if (h.v > rd_left(r) || depth + 1 == DEPTH_MAX)
			rd_fail(r, ERR_SYNTAX);
		else
			left[++depth] = h.major == CBOR_MAP   ? 2 * h.v
					: h.major == CBOR_TAG ? 1
							      : h.v;
	}
}

/* A number of either sign that fits an int, or whatever else, which no key of ours is. */
static bool read_int(struct reader *r, int *out)
{
	struct reader before = *r;
	struct head h = read_head(r);

	if (!r->err && h.major <= CBOR_NEGATIVE && h.v <= INT16_MAX) {
		*out = h.major == CBOR_UINT ? (int)h.v : -1 - (int)h.v;
		return true;
	}
	*r = before;
	skip(r);
	return false;
}

static size_t read_map(struct reader *r)
{
	struct head h = read_head(r);

	if (h.major != CBOR_MAP || h.v > rd_left(r) / 2)
		rd_fail(r, ERR_SYNTAX);
	return r->err ? 0 : (size_t)h.v;
}

static struct span read_bytes(struct reader *r)
{
	struct head h = read_head(r);

	if (h.major != CBOR_BYTES || h.v > rd_left(r))
		rd_fail(r, ERR_SYNTAX);
	return rd_bytes(r, r->err ? 0 : (size_t)h.v);
}

/* Stops at the value of the wanted key, which is passed once more to see that it is the only one;
 * `r` ends behind the map. */
static struct span find_in_map(struct reader *r, int wanted)
{
	struct span found = SPAN_EMPTY;
	int key;

	for (size_t n = read_map(r); n > 0 && !r->err; n--) {
		bool is = read_int(r, &key) && key == wanted;
		const uint8_t *from = r->p;
		size_t left = rd_left(r);
		skip(r);
		if (is && found.p)
			rd_fail(r, ERR_SYNTAX);
		if (is)
			found = span_make(from, left - rd_left(r));
	}
	return found;
}

struct cose_key {
	int kty, alg, crv;
	bool y_known, y_odd;
	struct span x, y;
	unsigned seen; /* a bit for each member */
};

static void read_y(struct reader *r, struct cose_key *k)
{
	struct reader before = *r;
	uint8_t first = rd_u8(r);

	k->y_known = true;
	k->y_odd = first == CBOR_TRUE;
	if (first == CBOR_TRUE || first == CBOR_FALSE)
		return;
	*r = before;
	k->y = read_bytes(r);
}

static void read_key_member(struct reader *r, int key, struct cose_key *k)
{
	static const int members[] = {KEY_KTY, KEY_ALG, KEY_CRV, KEY_X, KEY_Y};
	int *number[] = {&k->kty, &k->alg, &k->crv};
	size_t i = 0;

	while (i < 5 && members[i] != key)
		i++;
	if (i == 5) {
		skip(r);
		return;
	}
	if (k->seen & 1u << i)
		rd_fail(r, ERR_SYNTAX);
	k->seen |= 1u << i;
	if (i < 3 && !read_int(r, number[i]))
		rd_fail(r, ERR_UNSUPPORTED);
	else if (key == KEY_X)
		k->x = read_bytes(r);
	else if (key == KEY_Y)
		read_y(r, k);
}

static enum err read_key(struct span s, struct cose_key *k)
{
	struct reader r = rd_make(s);
	int key;

	*k = (struct cose_key){.kty = 0};
	for (size_t n = read_map(&r); n > 0 && !r.err; n--) {
		if (read_int(&r, &key))
			read_key_member(&r, key, k);
		else
			skip(&r);
	}
	return rd_end(&r);
}

/* A key may name the algorithm that it is for. */
static bool alg_fits(const struct cose_key *k)
{
	if (k->crv == OSC_ED25519)
		return k->alg == 0 || k->alg == OSC_EDDSA;
	if (k->crv == OSC_P256)
		return k->alg == 0 || k->alg == OSC_ES256 || k->alg == OSC_ECDH_SS_256 ||
		       k->alg == OSC_ECDH_SS_512;
	return k->alg == 0 || k->alg == OSC_ECDH_SS_256 || k->alg == OSC_ECDH_SS_512;
}

static enum err make_key(const struct cose_key *k, struct osc_pkey **out)
{
	uint8_t buf[OSC_POINT_MAX];
	struct writer point = wr_make(buf, sizeof(buf));

	if (k->kty == KTY_OKP && (k->crv == OSC_ED25519 || k->crv == OSC_X25519))
		return alg_fits(k) ? osc_pkey_public(k->crv, k->x, out) : ERR_CONFLICT;
	if (k->kty != KTY_EC2 || k->crv != OSC_P256)
		return ERR_UNSUPPORTED;
	if (!alg_fits(k))
		return ERR_CONFLICT;
	if (!k->y_known || k->x.n != COORDINATE || (k->y.n && k->y.n != COORDINATE))
		return ERR_RANGE;
	wr_u8(&point, k->y.n ? 4 : k->y_odd ? 3 : 2);
	wr_bytes(&point, k->x);
	wr_bytes(&point, k->y);
	return osc_pkey_public(k->crv, wr_span(&point), out);
}

static enum err ccs_key(struct span cred, struct osc_pkey **out)
{
	struct reader r = rd_make(cred);
	struct cose_key key;

	struct span cnf = find_in_map(&r, CLAIM_CNF);
	if (rd_end(&r))
		return ERR_SYNTAX;
	if (!cnf.p)
		return ERR_NOTFOUND;
	struct reader inner = rd_make(cnf);
	struct span bytes = find_in_map(&inner, CNF_KEY);
	if (rd_end(&inner))
		return ERR_SYNTAX;
	if (!bytes.p)
		return ERR_NOTFOUND;
	enum err err = read_key(bytes, &key);
	if (err)
		return err == ERR_UNSUPPORTED ? err : ERR_SYNTAX;
	return make_key(&key, out);
}

static enum err x509_key(struct span cred, struct osc_pkey **out)
{
	uint8_t buf[OSC_POINT_MAX];
	struct writer point = wr_make(buf, sizeof(buf));
	int curve;

	enum err err = osc_x509_key(cred, &curve, &point);
	return err ? err : osc_pkey_public(curve, wr_span(&point), out);
}

enum err osc_cred_key(enum osc_cred_format format, struct span cred, struct osc_pkey **out)
{
	*out = NULL;
	if (cred.n > OSC_CRED_MAX)
		return ERR_RANGE;
	switch (format) {
	case OSC_CRED_CCS:
		return ccs_key(cred, out);
	case OSC_CRED_X509:
		return x509_key(cred, out);
	}
	return ERR_UNSUPPORTED;
}
