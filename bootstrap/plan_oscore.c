/* SPDX-License-Identifier: Apache-2.0 */
/* How the keys of an account are to be made. */
#include "base/alg.h"
#include "bootstrap/plan_impl.h"
#include "oscore/context.h"

#include <string.h>

static bool is_name(struct json_object *v, bool by_name(struct span name, int *cose), int *cose)
{
	return json_object_is_type(v, json_type_string) &&
	       by_name(span_make(json_object_get_string(v), (size_t)json_object_get_string_len(v)),
		       cose);
}

/* Algorithms by name or COSE number. */
static enum err algorithms(struct json_object *o, struct bs_oscore *p, struct bs_refusal *no)
{
	struct json_object *v;
	int cose;
	if (json_object_object_get_ex(o, "aead", &v)) {
		int64_t n = json_object_get_int64(v);
		if (json_object_is_type(v, json_type_int) && n >= 0 && n <= INT16_MAX)
			cose = (int)n;
		else if (!is_name(v, alg_aead_by_name, &cose))
			cose = 0;
		if (!osc_aead_info(cose))
			return bs_complain(no, "aead",
				"oscore.aead must be the name or COSE number of an AEAD "
				"algorithm, as AES-CCM-16-64-128");
		p->aead = (int16_t)cose;
	}
	if (json_object_object_get_ex(o, "hkdf", &v)) {
		bool number = json_object_is_type(v, json_type_int);
		if (!(number ? alg_hkdf_read(json_object_get_int64(v), &cose)
			     : is_name(v, alg_hkdf_by_name, &cose)))
			return bs_complain(
				no, "hkdf", "oscore.hkdf must be HKDF-SHA-256 or HKDF-SHA-512");
		p->hkdf = (int16_t)cose;
	}
	return ERR_OK;
}

static enum err spelling(struct json_object *o, struct bs_oscore *p, struct bs_refusal *no)
{
	struct json_object *v;
	if (!json_object_object_get_ex(o, "hkdf_spelling", &v))
		return ERR_OK;
	const char *s = json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";
	p->hkdf_number = !strcmp(s, "hkdf");
	if (!p->hkdf_number && strcmp(s, "hmac"))
		return bs_complain(
			no, "hkdf_spelling", "oscore.hkdf_spelling must be \"hmac\" or \"hkdf\"");
	return ERR_OK;
}

enum err bs_oscore_parse(struct json_object *o, struct bs_oscore *p, struct bs_refusal *no)
{
	static const char *const known[] = {
		"aead", "hkdf", "hkdf_spelling", "id_context_bytes", "recipient_id_bytes", NULL};
	int64_t context = p->id_context_bytes, recipient = p->recipient_id_bytes;
	if (!json_object_is_type(o, json_type_object))
		return bs_complain(no, "", "oscore must be an object");
	enum err err = bs_known_members(o, known, no);
	if (!err)
		err = algorithms(o, p, no);
	if (!err)
		err = spelling(o, p, no);
	if (!err)
		err = bs_number_member(o, "id_context_bytes", 0, BS_ID_CONTEXT_MAX, &context, no);
	if (!err)
		err = bs_number_member(o, "recipient_id_bytes", 0, OSC_ID_MAX, &recipient, no);
	if (err)
		return err;
	p->id_context_bytes = (uint8_t)context;
	p->recipient_id_bytes = (uint8_t)recipient;
	/* RFC 8613 section 3.3: an id is at most as long as the nonce less six. */
	if (p->recipient_id_bytes + 6u > osc_aead_info(p->aead)->nonce_n)
		return bs_complain(no, "recipient_id_bytes",
			"oscore.recipient_id_bytes is too long for the nonce of this aead");
	return ERR_OK;
}
