/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and raw public keys of DTLS and TLS, as an administrator brings and takes them. */
#include "cmd/core_impl.h"

static const struct {
	uint8_t by;
	enum adm_peer_by as;
} forms[] = {{EP_X509_SHA256, ADM_PEER_SHA256}, {EP_X509_SUBJECT, ADM_PEER_SUBJECT},
	{EP_X509_NAME, ADM_PEER_NAME}};

enum { FORMS = sizeof(forms) / sizeof(*forms) };

static uint8_t kind_of(bool raw_key)
{
	return raw_key ? EP_CREDENTIAL_RAW_KEY : EP_CREDENTIAL_X509;
}

static struct adm_peer_view view(const struct ep_credential *k, bool raw_key)
{
	struct span s = ep_credential_identity(k);
	struct adm_peer_view v = {.role = core_role_name(k),
		.by = ADM_PEER_RAW_KEY,
		.value = raw_key ? s : span_sub(s, 1, s.n)};
	for (size_t i = 0; i < FORMS && !raw_key; i++)
		if (forms[i].by == s.p[0])
			v.by = forms[i].as;
	return v;
}

enum err core_peer_list(void *arg, struct span name, bool raw_key, adm_peer_fn *fn, void *cb_arg)
{
	struct core *c = arg;
	const struct endpoint *e = core_find(c, name);
	if (!e)
		return core_not_found(c);
	for (int bootstrap = 1; bootstrap >= 0; bootstrap--) {
		const struct ep_credential *k =
			ep_credential_of(e, kind_of(raw_key), core_role(bootstrap));
		struct adm_peer_view v;
		if (!k)
			continue;
		v = view(k, raw_key);
		fn(cb_arg, &v);
	}
	return ERR_OK;
}

static struct span identity_of(const struct adm_peer *p, struct writer *w)
{
	for (size_t i = 0; i < FORMS; i++)
		if (forms[i].as == p->by)
			wr_u8(w, forms[i].by);
	wr_bytes(w, p->value);
	return w->err ? SPAN_EMPTY : wr_span(w);
}

void core_peer_put(
	void *arg, struct span name, const struct adm_peer *p, adm_done_fn *done, void *done_arg)
{
	uint8_t text[EP_CREDENTIAL_ID_MAX];
	struct writer w = wr_make(text, sizeof(text));
	struct core_credential k = {.kind = kind_of(p->by == ADM_PEER_RAW_KEY),
		.bootstrap = p->bootstrap,
		.identity = identity_of(p, &w)};
	core_credential_put(arg, name, &k, done, done_arg);
}

void core_peer_delete(void *arg, struct span name, bool raw_key, bool bootstrap, adm_done_fn *done,
	void *done_arg)
{
	core_credential_delete(arg, name, kind_of(raw_key), bootstrap, done, done_arg);
}
