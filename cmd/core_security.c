/* SPDX-License-Identifier: Apache-2.0 */
/* What looks like an attack, as events beside all others: as durable as they are, and as few as
 * endpoint/security.h lets through. */
#include "cmd/core_impl.h"

void core_security(struct core *c)
{
	char json[256];
	struct span name;
	for (;;) {
		struct writer w = wr_make(json, sizeof(json));
		if (!ep_security_due(&c->security, core_now_ms(c), &name, &w))
			return;
		if (!w.err)
			ep_event(core_cur(c), &c->next_event, "security", name, wr_span(&w));
	}
}
