/* SPDX-License-Identifier: Apache-2.0 */
/* Pre-shared keys of DTLS and TLS, as an administrator brings and takes them. */
#include "cmd/core_impl.h"

enum err core_psk_list(void *arg, struct span name, adm_psk_fn *fn, void *cb_arg)
{
	struct core *c = arg;
	const struct endpoint *e = core_find(c, name);
	if (!e)
		return core_not_found(c);
	for (int bootstrap = 1; bootstrap >= 0; bootstrap--) {
		const struct ep_credential *k = ep_psk_of(e, core_role(bootstrap));
		if (k)
			fn(cb_arg, &(struct adm_psk_view){.role = core_role_name(k),
					   .identity = ep_credential_identity(k)});
	}
	return ERR_OK;
}

void core_psk_put(
	void *arg, struct span name, const struct adm_psk *p, adm_done_fn *done, void *done_arg)
{
	struct core_credential k = {.kind = EP_CREDENTIAL_PSK,
		.bootstrap = p->bootstrap,
		.identity = p->identity,
		.key = p->key};
	core_credential_put(arg, name, &k, done, done_arg);
}

void core_psk_delete(void *arg, struct span name, bool bootstrap, adm_done_fn *done, void *done_arg)
{
	core_credential_delete(arg, name, EP_CREDENTIAL_PSK, bootstrap, done, done_arg);
}
