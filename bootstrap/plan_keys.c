/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of DTLS and TLS in an account (Transport TS 5.2.9). */
#include "base/secret.h"
#include "base/text.h"
#include "bootstrap/plan_impl.h"

#include <string.h>

enum { BYTES_NEEDED = 1, BYTES_SECRET = 2, BYTES_DER = 4 };

/* A DER SEQUENCE, whole: certificates and keys are one. */
static bool is_sequence(struct span s)
{
	struct reader r = rd_make(s);
	if (rd_u8(&r) != 0x30)
		return false;
	size_t n = rd_u8(&r);
	if (n > 0x80 && n <= 0x82)
		n = (size_t)rd_uint(&r, n - 0x80);
	else if (n >= 0x80)
		return false;
	return !r.err && n == rd_left(&r);
}

/* Hex, into the blob. */
static enum err bytes(struct plan_in *in, struct json_object *o, const char *key, size_t max,
	unsigned how, struct span *out)
{
	struct json_object *v;
	if (!json_object_object_get_ex(o, key, &v))
		return !(how & BYTES_NEEDED) ? ERR_OK
					     : bs_complain(in->no, key, "%s must be there", key);
	if ((how & BYTES_SECRET) && in->kind != BS_PLAN_OWN)
		return bs_complain(in->no, key,
			"%s: many devices would share it; it belongs into an endpoint's own plan",
			key);
	size_t at = in->blob.n;
	if (!json_object_is_type(v, json_type_string) ||
		hex_decode(
			span_make(json_object_get_string(v), (size_t)json_object_get_string_len(v)),
			&in->blob))
		return bs_complain(in->no, key, "%s must be a string of hex digits", key);
	*out = span_sub(wr_span(&in->blob), at, SIZE_MAX);
	if (!out->n || out->n > max)
		return bs_complain(in->no, key, "%s must be 1 to %zu bytes", key, max);
	if ((how & BYTES_DER) && !is_sequence(*out))
		return bs_complain(in->no, key, "%s is not DER, or not all of it", key);
	return ERR_OK;
}

static enum err psk(struct plan_in *in, struct json_object *o, struct bs_account *a)
{
	static const char *const known[] = {"identity", "key", NULL};
	a->mode = BS_MODE_PSK;
	enum err err = bs_known_members(o, known, in->no);
	if (!err)
		err = bytes(in, o, "identity", BS_IDENTITY_MAX, BYTES_NEEDED, &a->identity);
	if (!err)
		err = bytes(in, o, "key", BS_PSK_MAX, BYTES_NEEDED | BYTES_SECRET, &a->secret);
	return err;
}

static enum err rpk(struct plan_in *in, struct json_object *o, struct bs_account *a)
{
	static const char *const known[] = {"public_key", "server_public_key", "private_key", NULL};
	a->mode = BS_MODE_RPK;
	enum err err = bs_known_members(o, known, in->no);
	if (!err)
		err = bytes(
			in, o, "public_key", BS_DER_MAX, BYTES_NEEDED | BYTES_DER, &a->identity);
	if (!err)
		err = bytes(in, o, "server_public_key", BS_DER_MAX, BYTES_NEEDED | BYTES_DER,
			&a->server_key);
	if (!err)
		err = bytes(in, o, "private_key", BS_DER_MAX,
			BYTES_NEEDED | BYTES_SECRET | BYTES_DER, &a->secret);
	return err;
}

static enum err x509(struct plan_in *in, struct json_object *o, struct bs_account *a)
{
	static const char *const known[] = {"certificate", "server_certificate", "private_key",
		"matching_type", "certificate_usage", "sni", NULL};
	int64_t type = a->matching_type, usage = a->certificate_usage;
	a->mode = BS_MODE_X509;
	enum err err = bs_known_members(o, known, in->no);
	if (!err)
		err = bytes(
			in, o, "certificate", BS_DER_MAX, BYTES_NEEDED | BYTES_DER, &a->identity);
	if (!err)
		err = bs_number_member(o, "matching_type", 0, 3, &type, in->no);
	if (!err) /* another type holds a digest, not a certificate */
		err = bytes(in, o, "server_certificate", BS_DER_MAX,
			BYTES_NEEDED | (type <= 0 ? BYTES_DER : 0), &a->server_key);
	if (!err)
		err = bytes(in, o, "private_key", BS_DER_MAX,
			BYTES_NEEDED | BYTES_SECRET | BYTES_DER, &a->secret);
	if (!err)
		err = bs_number_member(o, "certificate_usage", 0, 3, &usage, in->no);
	if (!err)
		err = bs_string_member(in, o, "sni", BS_URI_MAX, &a->sni);
	if (err)
		return err;
	static const uint8_t digest_n[] = {0, 32, 48, 64};
	if (type > 0 && a->server_key.n != digest_n[type])
		return bs_complain(in->no, "server_certificate",
			"server_certificate must be the digest that matching_type says, of %u "
			"bytes",
			digest_n[type]);
	a->matching_type = (int8_t)type;
	a->certificate_usage = (int8_t)usage;
	return ERR_OK;
}

enum err bs_keys_parse(struct plan_in *in, struct json_object *o, struct bs_account *a, bool *any)
{
	static const struct {
		const char *member;
		enum err (*parse)(struct plan_in *, struct json_object *, struct bs_account *);
	} mode[] = {{"psk", psk}, {"rpk", rpk}, {"x509", x509}};
	*any = false;
	for (size_t i = 0; i < sizeof(mode) / sizeof(*mode); i++) {
		struct json_object *v;
		if (!json_object_object_get_ex(o, mode[i].member, &v))
			continue;
		if (*any)
			return bs_complain(
				in->no, mode[i].member, "an account has one of psk, rpk and x509");
		if (!json_object_is_type(v, json_type_object))
			return bs_complain(
				in->no, mode[i].member, "%s must be an object", mode[i].member);
		enum err err = bs_within(in->no, mode[i].member, mode[i].parse(in, v, a));
		if (err)
			return err;
		*any = true;
	}
	return ERR_OK;
}
