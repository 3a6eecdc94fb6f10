/* SPDX-License-Identifier: Apache-2.0 */
#include "bootstrap/plan.h"

#include "base/alg.h"
#include "base/secret.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

void bs_account_defaults(struct bs_account *a)
{
	*a = (struct bs_account){.uri = "",
		.ssid = 1,
		.lifetime_s = 86400,
		.binding = "U",
		.notification_storing = true,
		.mode = BS_MODE_NOSEC,
		.has_oscore = true,
		.matching_type = -1,
		.certificate_usage = -1,
		.oscore = {.aead = ALG_AES_CCM_16_64_128, .hkdf = ALG_HKDF_SHA256}};
}

struct bs_plan *bs_plan_ref(struct bs_plan *p)
{
	p->refs++;
	return p;
}

void bs_plan_unref(struct bs_plan *p)
{
	if (!p || --p->refs)
		return;
	for (size_t i = 0; i < p->pattern_n; i++)
		bs_plan_unref(p->pattern[i].plan);
	if (p->blob)
		secret_wipe(p->blob, p->blob_n);
	free(p->blob);
	free(p->account);
	free(p->access);
	free(p->remove);
	free(p->read);
	free(p->renewal);
	free(p->pattern);
	free(p);
}

enum err bs_plan_one(const struct bs_account *a, struct bs_plan **out)
{
	struct bs_plan *p = calloc(1, sizeof(*p));
	*out = NULL;
	if (!p)
		return ERR_NOMEM;
	p->refs = 1;
	p->blob_n = strlen(a->uri) + 1;
	p->blob = malloc(p->blob_n);
	p->account = calloc(1, sizeof(*p->account));
	if (!p->blob || !p->account) {
		bs_plan_unref(p);
		return ERR_NOMEM;
	}
	memcpy(p->blob, a->uri, p->blob_n);
	p->account_n = 1;
	p->rotate_days = -1;
	p->account[0] = *a;
	p->account[0].uri = (const char *)p->blob;
	p->account[0].identity = p->account[0].server_key = p->account[0].secret = SPAN_EMPTY;
	*out = p;
	return ERR_OK;
}

bool bs_plan_acts(const struct bs_plan *p)
{
	return p && (p->account_n || p->remove_n || (p->keep_others && (p->read_n || p->renewal)));
}

const struct bs_account *bs_plan_oscore(const struct bs_plan *p)
{
	for (size_t i = 0; i < p->account_n; i++)
		if (p->account[i].has_oscore)
			return &p->account[i];
	return NULL;
}

bool bs_plan_names(const struct bs_plan *p, uint16_t ssid)
{
	for (size_t i = 0; i < p->account_n; i++)
		if (p->account[i].ssid == ssid)
			return true;
	for (size_t i = 0; i < p->remove_n; i++)
		if (p->remove[i] == ssid)
			return true;
	return false;
}

/* ---- as JSON */

static void hex(struct writer *w, const char *key, struct span s)
{
	wr_fmt(w, "\"%s\":\"", key);
	wr_hex(w, s);
	wr_str(w, "\"");
}

static void write_keys(const struct bs_account *a, bool secrets, struct writer *w)
{
	static const char *const member[] = {
		[BS_MODE_PSK] = "psk", [BS_MODE_RPK] = "rpk", [BS_MODE_X509] = "x509"};
	bool psk = a->mode == BS_MODE_PSK;
	if (a->mode == BS_MODE_NOSEC)
		return;
	wr_fmt(w, ",\"%s\":{", member[a->mode]);
	hex(w,
		psk                      ? "identity"
		: a->mode == BS_MODE_RPK ? "public_key"
					 : "certificate",
		a->identity);
	if (!psk) {
		wr_str(w, ",");
		hex(w, a->mode == BS_MODE_RPK ? "server_public_key" : "server_certificate",
			a->server_key);
	}
	if (secrets) {
		wr_str(w, ",");
		hex(w, psk ? "key" : "private_key", a->secret);
	}
	if (a->matching_type >= 0)
		wr_fmt(w, ",\"matching_type\":%d", a->matching_type);
	if (a->certificate_usage >= 0)
		wr_fmt(w, ",\"certificate_usage\":%d", a->certificate_usage);
	if (a->sni) {
		wr_str(w, ",\"sni\":");
		wr_json_string(w, span_str(a->sni));
	}
	wr_str(w, "}");
}

static void write_oscore(const struct bs_oscore *o, struct writer *w)
{
	wr_str(w, ",\"oscore\":{\"aead\":");
	wr_json_string(w, span_str(alg_aead_name(o->aead)));
	wr_str(w, ",\"hkdf\":");
	wr_json_string(w, span_str(alg_hkdf_name(o->hkdf)));
	wr_fmt(w, ",\"hkdf_spelling\":\"%s\",\"id_context_bytes\":%u,\"recipient_id_bytes\":%u}",
		o->hkdf_number ? "hkdf" : "hmac", (unsigned)o->id_context_bytes,
		(unsigned)o->recipient_id_bytes);
}

const char *const bs_lwm2m_versions[BS_LWM2M_N] = {"1.0", "1.1", "1.2"};

static void write_enabler(const struct bs_account *a, struct writer *w)
{
	bool any = false;
	for (unsigned i = 0; i < BS_LWM2M_N; i++) {
		if (!(a->lwm2m >> i & 1))
			continue;
		wr_fmt(w, "%s\"%s\"", any ? "," : ",\"lwm2m_versions\":[", bs_lwm2m_versions[i]);
		any = true;
	}
	if (any)
		wr_str(w, "]");
	if (a->profile_hash)
		wr_fmt(w, ",\"profile_hash\":%u", (unsigned)a->profile_hash);
}

static void write_account(const struct bs_account *a, bool secrets, struct writer *w)
{
	wr_str(w, "{\"uri\":");
	wr_json_string(w, span_str(a->uri));
	wr_fmt(w, ",\"ssid\":%u,\"lifetime_s\":%u,\"binding\":", (unsigned)a->ssid,
		(unsigned)a->lifetime_s);
	wr_json_string(w, span_str(a->binding));
	wr_fmt(w, ",\"notification_storing\":%s", a->notification_storing ? "true" : "false");
	wr_fmt(w, ",\"default_pmin_s\":%u,\"default_pmax_s\":%u", (unsigned)a->pmin_s,
		(unsigned)a->pmax_s);
	write_enabler(a, w);
	write_keys(a, secrets, w);
	if (a->has_oscore)
		write_oscore(&a->oscore, w);
	wr_str(w, "}");
}

static void write_access(const struct bs_access *a, struct writer *w)
{
	static const char letter[] = "RWEDC";
	wr_fmt(w, "{\"object\":%u", (unsigned)a->oid);
	if (a->iid != UINT16_MAX)
		wr_fmt(w, ",\"instance\":%u,\"owner\":%u", (unsigned)a->iid, (unsigned)a->owner);
	wr_str(w, ",\"rights\":{");
	for (size_t i = 0; i < a->right_n; i++) {
		wr_str(w, i ? ",\"" : "\"");
		if (a->right[i].ssid)
			wr_fmt(w, "%u\":\"", (unsigned)a->right[i].ssid);
		else
			wr_str(w, "default\":\"");
		for (unsigned b = 0; b < 5; b++)
			if (a->right[i].rights & 1u << b)
				wr_u8(w, (uint8_t)letter[b]);
		wr_str(w, "\"");
	}
	wr_str(w, "}}");
}

static void write_renewal(const struct bs_renewal *r, struct writer *w)
{
	wr_str(w, ",\"bootstrap_account\":{\"uri\":");
	wr_json_string(w, span_str(r->uri));
	wr_fmt(w, ",\"hold_off_s\":%u,\"timeout_s\":%u", (unsigned)r->hold_off_s,
		(unsigned)r->timeout_s);
	write_oscore(&r->oscore, w);
	wr_str(w, "}");
}

/* Without its braces: those of a pattern have a member more. */
static void write_members(const struct bs_plan *p, bool secrets, struct writer *w)
{
	wr_str(w, "\"servers\":[");
	for (size_t i = 0; i < p->account_n; i++) {
		wr_str(w, i ? "," : "");
		write_account(&p->account[i], secrets, w);
	}
	wr_str(w, "]");
	for (size_t i = 0; i < p->access_n; i++) {
		wr_str(w, i ? "," : ",\"access\":[");
		write_access(&p->access[i], w);
	}
	if (p->access_n)
		wr_str(w, "]");
	else if (p->account_n > 1)
		wr_str(w, ",\"access\":[]");
	if (p->keep_others)
		wr_str(w, ",\"other_accounts\":\"keep\"");
	if (p->rotate_days >= 0)
		wr_fmt(w, ",\"rotate_keys_days\":%d", p->rotate_days);
	for (size_t i = 0; i < p->remove_n; i++)
		wr_fmt(w, "%s%u", i ? "," : ",\"remove\":[", (unsigned)p->remove[i]);
	if (p->remove_n)
		wr_str(w, "]");
	for (size_t i = 0; i < p->read_n; i++) {
		wr_str(w, i ? ",\"" : ",\"read\":[\"");
		wr_path(w, &p->read[i]);
		wr_str(w, "\"");
	}
	if (p->read_n)
		wr_str(w, "]");
	if (p->renewal)
		write_renewal(p->renewal, w);
}

void bs_plan_write(const struct bs_plan *p, bool secrets, struct writer *w)
{
	bool acts = bs_plan_acts(p);
	wr_str(w, "{");
	if (acts)
		write_members(p, secrets, w);
	for (size_t i = 0; i < p->pattern_n; i++) {
		wr_str(w, i      ? ",{\"match\":"
			  : acts ? ",\"patterns\":[{\"match\":"
				 : "\"patterns\":[{\"match\":");
		wr_json_string(w, span_str(p->pattern[i].match));
		wr_str(w, ",");
		write_members(p->pattern[i].plan, secrets, w);
		wr_str(w, "}");
	}
	wr_str(w, p->pattern_n ? "]}" : "}");
}
