/* SPDX-License-Identifier: Apache-2.0 */
/* What handshakes of DTLS ask, and what is told of them. */
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

void core_channel_failed(
	struct core *c, const struct peer *from, enum channel_fault why, uint64_t mark)
{
	if (c->failed)
		return;
	ep_channel_failed(c->x, from, why, mark, core_cur(c));
	core_security(c);
}
